"""Splitting when no coordinate can give way to q: a dependent quantity is kept beside the coordinates.

    cover    w = f (a multiple of q on the stratum) is a new coordinate; the unit x stays in the polynomials as a function of
             w and the other coordinates, with the relation f − w = 0. It is analytic because ∂f/∂x ≠ 0 where f = 0.
    adjoin   q in x alone has no rational root: x = α + (new coordinate), with an algebraic number α, the relation q(α) = 0.

Polynomials are reduced modulo the relations; that a polynomial with dependent quantities does not vanish is proved by resultants.
"""

from theory.rlct import units
from theory.rlct.blowup import Child, away
from theory.rlct.effort import attempt
from theory.rlct.implicit import adjoin, cover, implicit, movable, powers_of, slope, still
from theory.rlct.polynomials import Poly, coefficients, factors, restrict, used
from theory.rlct.steps import Step
from theory.rlct.stratum import FREE, SMALL, UNIT, Stratum


def split_dependent(s: Stratum, q: Poly) -> tuple[list[Child], list[Step]] | None:
    """As `split`, with a dependent quantity: x becomes a function of the new coordinate, or an algebraic number is adjoined."""
    for f in lifts(s, q):
        for x in used(q):
            step = attempt(cover_step, s, x, f)
            if step:
                on, found = step
                found = {**found, "cofactor": multiple(s, f, q)}
                return [away(s, q), Child({"zero": q}, on)], [found]
    for x in used(q):
        if not (movable(s, x) and set(used(q)) <= {x, *s.roots} and _numbers(s, set(used(q)) - {x})):
            continue
        on = s.copy()
        if on.kind[x] == UNIT and on.sign[x]:
            on.positive.append(s.ring.gen(x))
        step = adjoin(on, x, q) if _top(s, q, x).is_constant() else None
        if step:
            return [away(s, q), Child({"zero": q}, on)], [step]
    return None


def split_implicit(s: Stratum, q: Poly) -> tuple[list[Child], list[Step]] | None:
    """As `split`, with a coordinate f that is known only implicitly: a factor of the generators that is a multiple of q."""
    for f in lifts(s, q):
        for x in used(q):
            powers = powers_of(s, x, f) if movable(s, x) else None
            proof = slope(s, x, f) if powers else None
            if powers and proof:
                on = s.copy()
                step = {**implicit(on, x, f, powers, proof), "cofactor": multiple(s, f, q)}
                return [away(s, q), Child({"zero": q}, on)], [step]
    return None


def split_repeated(s: Stratum, q: Poly) -> tuple[list[Child], list[Step]] | None:
    """A cover in a coordinate f in which some generator is f^k + (small terms), k > 1; see `repeated`."""
    for f in repeated(s, q):
        for x in used(q):
            step = attempt(cover_step, s, x, f)
            if step:
                found = {**step[1], "cofactor": multiple(s, f, q)}
                return [away(s, q), Child({"zero": q}, step[0])], [found]
    return None


def cover_step(s: Stratum, x: int, f: Poly) -> tuple[Stratum, Step] | None:
    """`cover` on a copy of s, when x does not vanish where f does, ∂f/∂x is a unit there and the leading coefficient a number."""
    if x in s.roots or s.kind[x] not in (UNIT, FREE) or not still(s, x) or not _top(s, f, x).is_constant():
        return None
    parts = coefficients(s.ring, f, x)
    solved = max(parts) == 1
    proofs = {"proof": slope(s, x, f)}
    if s.kind[x] == FREE or solved:
        proofs["unit"] = units.nonvanishing(s, parts[0]) if 0 in parts else None
    if s.kind[x] == UNIT and not proofs.get("unit"):
        proofs.pop("unit", None)
        solved = False
    on = s.copy()
    step = cover(on, x, f, solved=solved) if all(proofs.values()) else None
    return (on, {**step, **proofs}) if step else None


def _top(s: Stratum, q: Poly, x: int) -> Poly:
    parts = coefficients(s.ring, q, x)
    return parts[max(parts)]


def _numbers(s: Stratum, roots: set[int]) -> bool:
    """Whether these dependent quantities are algebraic numbers, which no coordinate moves."""
    return all(set(used(s.roots[i])) <= s.roots.keys() for i in roots)


def repeated(s: Stratum, q: Poly) -> list[Poly]:
    """Multiple factors f ≠ q of a generator with one small coordinate set to 0, that are a multiple of q on the stratum.

    The generator is then f^k + (small terms): in the coordinate f, but not in q, it is close to a monomial.
    """
    found: list[Poly] = []
    for g in (s.generators[j] for j in s.polynomials):
        for y in (i for i in used(g) if s.kind[i] == SMALL):
            sliced = restrict(s.ring, g, [y])
            for f, power in [] if sliced.is_zero() else factors(sliced):
                if power > 1 and f != q and len(f) > 1 and multiple(s, f, q) and f not in found:
                    found.append(f)
    return found


def lifts(s: Stratum, q: Poly) -> list[Poly]:
    """Factors of the generators that are a multiple of q on the stratum: they vanish at the same points of it."""
    found = []
    for j in s.polynomials:
        for f, _ in factors(s.generators[j]):
            if multiple(s, f, q) and f not in found:
                found.append(f)
    return found if q in found else [*found, q]


def multiple(s: Stratum, f: Poly, q: Poly) -> units.Proof | None:
    """The proof that f is q times a unit on the stratum."""
    f0 = s.on(f)
    if f0.is_zero():
        return None
    rest, remainder = divmod(f0, q)
    return units.nonvanishing(s, rest) if remainder.is_zero() else None
