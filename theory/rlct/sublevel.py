"""A lower bound for a stratum whose generators are no monomials: by a derivative that does not vanish.

If ∂^d g/∂x^d ≠ 0 on the stratum, then near each of its points {x: |g| < ε} has length ≤ C ε^{1/d}, with one C for all values of
the other coordinates (van der Corput). Integrated over x first, |g|^{−β} is as good as |x|^{−βd}; by Hölder's inequality so is a
product with other such g and with powers of x. In the dual programme of a lower bound g counts therefore as the monomial x^d:

    rows a_j + e for monomials, d_j·(unit vector of x) + e for generators with such a d_j, all with the *same* x,

and any y that is feasible with cost min(1, h + 1) for x (g may vanish away from x = 0) proves λ ≥ Σ y_j. Of the multiplicity
nothing is said but that it is at most the number of coordinates.

x is in no relation of a dependent quantity: g then depends on x by its own terms alone.

Source: E. M. Stein, Harmonic Analysis (1993), chapter VIII.1.2; S. Lin (thesis, Berkeley 2011), section 4.3, for the programme.
"""

from fractions import Fraction
from typing import Any

from theory.rlct import linear, units
from theory.rlct.bounds import Pair, lower_costs
from theory.rlct.stratum import FREE, SMALL, UNIT, Stratum

MAX_ORDER = 24


def sublevel_bound(s: Stratum) -> tuple[Pair, dict[str, Any]] | None:
    """The best such bound over the choices of x, and its proof (see "Lower bound" in `theory.rlct.format`)."""
    best: tuple[Pair, dict[str, Any]] | None = None
    coordinates = [i for i in s.where(SMALL, UNIT, FREE) if i not in s.roots]
    for x in coordinates:
        if s.bound(x):
            continue
        orders = _orders(s, x)
        if not orders:
            continue
        rows = {
            j: [m[i] + s.factor[i] if s.kind[i] != UNIT else 0 for i in coordinates] for j, m in s.monomials.items()
        }
        for j, (d, _) in orders.items():
            rows[j] = [s.factor[i] + d * (i == x) for i in coordinates]
        costs = lower_costs(s, coordinates)
        costs[coordinates.index(x)] = min(Fraction(1), costs[coordinates.index(x)])
        numbers = {tuple(row): j for j, row in rows.items()}
        found = linear.solve(list(numbers), costs, multiplicity=False)
        if found is None or (best and best[0][0] >= found.value):
            continue
        dual = {str(j): y for j, y in zip(numbers.values(), found.dual, strict=True) if y}
        used = {str(j): {"order": d, "proof": proof} for j, (d, proof) in orders.items() if str(j) in dual}
        proof = {"value": found.value, "multiplicity": len(coordinates), "dual": dual}
        if used:
            best = (found.value, -len(coordinates)), {**proof, "along": s.ring.names[x], "derivatives": used}
    return best


def _orders(s: Stratum, x: int) -> dict[int, tuple[int, units.Proof]]:
    """For each generator that is no monomial the least d for which ∂^d/∂x^d of it is proved not to vanish."""
    found = {}
    for j in s.polynomials:
        p = s.generators[j]
        for d in range(1, min(int(p.degrees()[x]), MAX_ORDER) + 1):
            p = p.derivative(x)
            proof = units.nonvanishing(s, p)
            if proof:
                found[j] = d, proof
                break
    return found
