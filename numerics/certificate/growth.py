"""Confirms the growth of a potential and the bounds of the tails (theorem T4 of `tails`), for `certificate.check`.

Reading order: `confirm_growth`, `tail_bound`, `enclosing`.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product

from flint import arb, fmpq, fmpq_mat, fmpq_mpoly

from numerics.certificate.exact_field import ExactField, Terms, composed, ring, terms_of
from numerics.certificate.local_bounds import Potential
from numerics.certificate.witness import Growth, require

MAX_FACE_BOXES = 40_000


def _shifted(p: fmpq_mpoly, axis: int, a: fmpq) -> fmpq_mpoly:
    """Re P(y + i b e_axis) with b² = a²θ, a polynomial in (y, θ): Re (y + ib)^n = Σ_k binom(n, 2k) (−b²)^k y^{n−2k}."""
    d = p.context().nvars()
    result: Terms = {}
    for alpha, c in terms_of(p).items():
        n = alpha[axis]
        for k in range(n // 2 + 1):
            key = (*(e - 2 * k * (i == axis) for i, e in enumerate(alpha)), k)
            result[key] = result.get(key, fmpq(0)) + c * math.comb(n, 2 * k) * (-(a**2)) ** k
    return ring(d + 1).from_dict(result)


def confirm_growth(p: ExactField, growth: Growth, what: str, axis: int = 0, a: fmpq = fmpq(0)) -> None:  # noqa: B008
    """Re P(y + i b e_axis) ≥ m N for N ≥ 1: for b = a, with uniform decay for 0 ≤ b ≤ a. Waves count as −dip.

    Monomials above the simplex Σ α_i/n_i ≤ 1 are dropped where they are ≥ 0 for all b; if there are any, the bound of the
    rest is proved for all θ ∈ [0, 1]. If there are none, b enters only with monomials strictly below the simplex (each ib
    takes the place of a variable), which vanish on the faces s = 0; by compactness the growth for b = a then carries over,
    with another m, to all b, and θ = 1 may be set. Squares do not change this: what they put in the place of c u^β is the
    same for all θ, and β = μ + ν above the simplex would have 2μ or 2ν above it as well.
    """
    offset = [-sum((x * s for x, s in zip(row, growth.shift, strict=True)), fmpq(0)) for row in growth.inverse]
    d = len(offset)
    by_monomial: dict[tuple[int, ...], dict[int, fmpq]] = {}
    for alpha, c in terms_of(
        composed(_shifted(p.polynomial - p.dip(axis, a), axis, a), offset, growth.inverse)
    ).items():
        by_monomial.setdefault(alpha[:d], {})[alpha[d]] = c
    _complete_squares(by_monomial, growth)
    weight = {alpha: sum(Fraction(e, n) for e, n in zip(alpha, growth.powers, strict=True)) for alpha in by_monomial}
    above = [alpha for alpha in by_monomial if weight[alpha] > 1]
    for alpha in above:
        coefficients = by_monomial.pop(alpha)
        least = coefficients.get(0, fmpq(0)) + sum((min(c, fmpq(0)) for k, c in coefficients.items() if k), fmpq(0))
        require(
            least >= 0 and not any(e % 2 for e in alpha), "growth", f"{what}: u^{alpha} is not dominated", growth.powers
        )
    uniform = not above
    kept: Terms = {}
    for alpha, coefficients in by_monomial.items():
        for k, c in coefficients.items():
            key = (*alpha, 0 if uniform else k)
            kept[key] = kept.get(key, fmpq(0)) + c
    for j, sign in product(range(d), (1, -1)):
        _confirm_face(kept, growth, j, sign, what)


def _complete_squares(by_monomial: dict[tuple[int, ...], dict[int, fmpq]], growth: Growth) -> None:
    """c u^β + D u^{2μ} ≥ −(C²/4D) u^{2(β−μ)} with C = Σ_k |c_k| ≥ |c| for all θ ∈ [0, 1], in place."""
    for beta, mu, share in growth.squares:
        nu = tuple(b - e for b, e in zip(beta, mu, strict=True))
        require(share > 0 and min(nu) >= 0 and beta in by_monomial, "growth", f"no square holds u^{beta}", mu)
        size = sum((abs(c) for c in by_monomial.pop(beta).values()), fmpq(0))
        for alpha, change in ((mu, -share), (nu, -size * size / (4 * share))):
            even = by_monomial.setdefault(tuple(2 * e for e in alpha), {})
            even[0] = even.get(0, fmpq(0)) + change


def _confirm_face(terms: Terms, growth: Growth, j: int, sign: int, what: str) -> None:
    """s^q P ≥ m for u_j = sign·R_j s^{−q/n_j}, u_i = R_i s^{−q/n_i} v_i, s ∈ [0, 1], v ∈ [−1, 1]^{d−1}, θ ∈ [0, 1]."""
    d, q = len(growth.powers), math.lcm(*growth.powers)
    face: Terms = {}
    for alpha, c in terms.items():
        power = q - sum(q // n * e for e, n in zip(alpha, growth.powers, strict=False))
        scale = math.prod((r**e for r, e in zip(growth.radii, alpha, strict=False)), start=fmpq(sign) ** alpha[j])
        key = (*alpha[:j], power, *alpha[j + 1 :])
        face[key] = face.get(key, fmpq(0)) + c * scale
    face_bounds, least = Potential(ExactField(ring(d + 1).from_dict(face), ())), arb(growth.m)
    theta = any(alpha[d] for alpha in face)
    half = fmpq(1, 2)
    ranges = [(half, half) if i == j else (fmpq(0), fmpq(1)) for i in range(d)]
    stack = [[*ranges, (half, half) if theta else (fmpq(1), fmpq(0))]]
    for _ in range(MAX_FACE_BOXES):
        if not stack:
            return
        box = stack.pop()
        radii = [arb(r) for _, r in box]
        local = face_bounds.local([arb(c) for c, _ in box], radii)
        costs = [
            cost + abs(float(s.mid())) * float(r) for cost, s, r in zip(local.costs, local.slopes, radii, strict=True)
        ]
        require(not local.value < least, "growth", f"{what}: s^q P = {local.value.str(8)} at a point of a face", least)
        spread = sum((abs(s) * r for s, r in zip(local.slopes, radii, strict=True)), arb(0))
        if not local.value - spread - local.below >= least:
            i = costs.index(max(costs))
            centre, radius = box[i]
            uphill = 1 if local.slopes[i] > 0 else -1  # the lower half comes first, for a false claim to be seen soon
            stack += [[*box[:i], (centre + side * radius / 2, radius / 2), *box[i + 1 :]] for side in (uphill, -uphill)]
    require(not stack, "growth", f"{what}: undecided after {MAX_FACE_BOXES} boxes", least)


def tail_bound(growth: Growth, majorant: fmpq_mpoly, steps: Sequence[fmpq]) -> arb:
    """Π h Σ_{N>1} |f| e^{−P} ≤ V F e^{−m} (1 + |w|/(m − a)) with V = Π_j (2R_j + Σ_i |S_ji| h_i)/|det S|, |f| ≤ F N^k.

    Layer cake: {N ≤ r} holds grid cells of volume ≤ V r^{|w|}; ∫_1^∞ r^{k+|w|−1} e^{−mr} dr ≤ e^{−m}/(m − a) with
    a = max(k + |w| − 1, 0). A step 0 stands for a variable that is integrated. majorant: |f(y)| ≤ g(|y|).
    """
    rows = [[abs(x) for x in row] for row in growth.inverse]
    offset = [sum((x * abs(s) for x, s in zip(row, growth.shift, strict=True)), fmpq(0)) for row in rows]
    size, k = fmpq(0), Fraction(0)
    for alpha, c in terms_of(composed(majorant, offset, rows)).items():
        size += c * math.prod((r**e for r, e in zip(growth.radii, alpha, strict=True)), start=fmpq(1))
        k = max(k, sum((Fraction(e, n) for e, n in zip(alpha, growth.powers, strict=True)), Fraction(0)))
    total = sum((Fraction(1, n) for n in growth.powers), Fraction(0))
    excess = max(k + total - 1, Fraction(0))
    require(
        growth.m > _fmpq(max(excess, k)), "tail", f"the amplitude grows like N^{k}, which needs a larger m", growth.m
    )
    volume = 1 / abs(fmpq_mat([list(row) for row in growth.matrix]).det())
    for row, radius in zip(growth.matrix, growth.radii, strict=True):
        volume *= 2 * radius + sum((abs(s) * h for s, h in zip(row, steps, strict=True)), fmpq(0))
    return arb(volume * size * (1 + _fmpq(total) / (growth.m - _fmpq(excess)))) * (-arb(growth.m)).exp()


def _fmpq(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def enclosing(growth: Growth) -> list[fmpq]:
    """e with {N ≤ 1} ⊂ {|y_i| ≤ e_i}: |y_i| ≤ Σ_j |S⁻¹_ij| (R_j + |shift_j|)."""
    reach = [r + abs(s) for r, s in zip(growth.radii, growth.shift, strict=True)]
    return [sum((abs(x) * r for x, r in zip(row, reach, strict=True)), fmpq(0)) for row in growth.inverse]
