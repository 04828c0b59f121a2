"""Charts of a resolution found without help: toric maps, cuts at roots, cuts along graphs.

A polynomial f on [0, 1]^d is brought to normal crossings by four moves. Each cuts a box into parts and covers every part by a box
again: the boxes cover the domain once and need no partition of unity. Take an irreducible factor p of f that vanishes on the box
other than on coordinate planes:

    root     p depends on one variable v: cut at its roots c, and measure from there, v = c − …, v = c + …;
    graph    p = A v + B is linear in v and A, B, C = A + B are monomials times units: where B and C have opposite signs cut along
             v = φ = −B/A: p = B v' on v = φ(1 − v'), and p = C v' on v = φ + (1−φ) v';
    toric    p(0) = 0: the monomial maps of `theory.zeta.toric`, after which p is a monomial times a q with q(0) ≠ 0;
    corner   p vanishes at another corner of the box: measure from there.

Where A, B or C is not of this form, it is resolved first: it has fewer variables. An interval is halved before it is turned round,
for something else may vanish at its other end. Roots are exact algebraic numbers. Nothing here is trusted: `Chart.checked` proves
that the unit of every chart is positive.

Beyond it (a factor of degree two or more in each of its variables that vanishes inside a box after blowing up) one line says so;
`theory.rlct` may still have the threshold.

Reading order: `resolve`, `Piece`, `_move`, `_root`, `_graph`, `_toric`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import sympy as sp

from theory.errors import BadInput
from theory.zeta.balls import ball
from theory.zeta.maps import Map, reduced
from theory.zeta.positivity import positive
from theory.zeta.toric import maps

MOST = 64
PIECES = 300
HALF = sp.Rational(1, 2)
Images = Mapping[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class Piece:
    """A map from the box, and the factors of f pulled back by it, their monomials taken out."""

    source: sp.Expr
    chart: Map
    factors: tuple[sp.Expr, ...]

    def moved(self, images: Images) -> "Piece":
        """After the substitution v → images[v] on the box."""
        step = [sp.sympify(images.get(v, v)) for v in self.chart.new]
        return Piece(
            self.source, self.chart.then(step), tuple(_pulled(p, images, self.chart.new) for p in self.factors)
        )


def resolve(f: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[Map, ...]:
    """Maps of [0, 1]^d that cover [0, 1]^d once and bring f to a monomial times a unit. Raises `BadInput` where none are found."""
    variables = tuple(variables)
    fresh = tuple(sp.Symbol(v.name, positive=True) for v in variables)
    if not f.is_polynomial(*variables):
        raise BadInput(f"{f} is no polynomial in {', '.join(map(str, variables))}; its charts are not known")
    image = f.subs(dict(zip(variables, fresh, strict=True)), simultaneous=True)
    start = Piece(f, Map(variables, fresh, fresh), _factors(image, fresh))
    waiting, finished, moves = [start.moved({})], [], 0
    while waiting:
        piece = waiting.pop()
        bad = next((p for p in piece.factors if not _sign(p, fresh)), None)
        if bad is None:
            finished.append(piece.chart)
            continue
        moves += 1
        if moves > MOST:
            raise BadInput(f"{MOST} cuts and blow-ups do not bring {f} to normal crossings")
        waiting += _move(piece, bad)
    return tuple(finished)


def _factors(p: sp.Expr, names: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, ...]:
    """The factors that hold a variable, over Q or the field of the coefficients where these are algebraic numbers. With others
    sympy may take a factor for a constant, which is one here."""
    rational = all(c.is_Rational for c in sp.Poly(p, *names).coeffs())
    constant, found = sp.factor_list(p, *names) if rational else sp.factor_list(p, *names, extension=True)
    return (*(q for q, _ in found), *([constant] if constant.has(*names) else []))


def _move(piece: Piece, p: sp.Expr) -> list[Piece]:
    names = piece.chart.new
    held = tuple(v for v in names if p.has(v))
    if len(held) == 1:
        return _root(piece, p, held[0])
    blown_up = _toric(piece) if reduced(p.subs(dict.fromkeys(names, 0))) == 0 else []
    linear = {v: _unresolved(p, v, names) for v in held if _degree(p, v) == 1}
    near = [v for v in sorted(linear, key=lambda v: len(linear[v])) if all(_univariate(q, names) for q in linear[v])]
    if blown_up and (not near or all(_univariate(q, names) or _sign(q, names) for b in blown_up for q in b.factors)):
        return blown_up
    for v in (*near, *linear):
        if parts := _graph(piece, p, v):
            return parts
    if blown_up:
        return blown_up
    for corner in product((0, 1), repeat=len(held)):
        if any(corner) and reduced(p.subs(dict(zip(held, corner, strict=True)))) == 0:
            return _between(piece, next(v for v, at in zip(held, corner, strict=True) if at), sp.S.Zero, sp.S.One)
    raise BadInput(
        f"a factor of {piece.source} vanishes inside the box after blowing up, and is linear in none of its variables"
    )


def _univariate(p: sp.Expr, names: Sequence[sp.Symbol]) -> bool:
    return len([v for v in names if p.has(v)]) < 2


def _degree(p: sp.Expr, v: sp.Symbol) -> int:
    return max(
        (int(term.as_independent(v)[1].as_base_exp()[1]) for term in sp.Add.make_args(p) if term.has(v)), default=0
    )


def _toric(piece: Piece) -> list[Piece]:
    """By one fan for all factors that vanish at the origin."""
    names = piece.chart.new
    corner = [q for q in piece.factors if reduced(q.subs(dict.fromkeys(names, 0))) == 0]
    found = maps(sp.expand(sp.Mul(*corner)), names)
    return [piece.moved(dict(zip(names, m.images, strict=True))) for m in found]


def _root(piece: Piece, p: sp.Expr, v: sp.Symbol) -> list[Piece]:
    """[0, 1] cut at the roots of p in (0, 1], each interval measured from its end that is a root, halved where both ends are."""
    roots = _roots(p, v)
    if not roots:  # none, but not proved: the sign is that of an end
        raise BadInput(f"the sign of {p} on the box could not be decided")
    found, low = [], sp.S.Zero
    for c in roots:
        found += _between(piece, v, low, c)
        low = c
    if low != 1:
        found.append(piece.moved({v: low + (1 - low) * v}))
    return found


def _ends(p: sp.Expr, v: sp.Symbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """(A, B, C) of p = A v + B, C = A + B."""
    A, B = reduced(p.coeff(v, 1)), reduced(p.coeff(v, 0))
    return A, B, reduced(sp.expand(A + B))


def _unresolved(p: sp.Expr, v: sp.Symbol, names: tuple[sp.Symbol, ...]) -> list[sp.Expr]:
    """Those of A, B and C that are no monomials times units."""
    return [rest for q in _ends(p, v) if not _sign(rest := _monomial_out(q, names), names)]


def _between(piece: Piece, v: sp.Symbol, low: sp.Expr, high: sp.Expr) -> list[Piece]:
    """The halves of [low, high], each measured from its end: something may vanish there."""
    width = high - low
    return [piece.moved({v: low + width * v / 2}), piece.moved({v: high - width * v / 2})]


@cache
def _roots(p: sp.Expr, v: sp.Symbol) -> tuple[sp.Expr, ...]:
    poly = sp.Poly(p, v)
    if not all(c.is_Rational for c in poly.all_coeffs()):
        rest = [reduced(c) for c in poly.all_coeffs()]
        found = []
        while len(rest) > 1 and reduced(sp.expand(sum(rest))) == 0:  # the end of the interval: by Horner's rule at 1
            rest, found = [reduced(sp.expand(sum(rest[: i + 1]))) for i in range(len(rest) - 1)], [sp.S.One]
        if len(rest) == 2:
            found.append(reduced(-rest[1] / rest[0]))
        elif not _sign(sp.Add(*(c * v**i for i, c in enumerate(reversed(rest)))), (v,)):
            raise BadInput(f"the roots of {p} are algebraic over an algebraic number; their cuts are not known")
    else:
        found = list(set(sp.real_roots(poly)))
    inside = [c for c in found if c == 1 or (c.is_positive and ball(1 - c) > 0)]
    return tuple(sorted(inside))


def _graph(piece: Piece, p: sp.Expr, v: sp.Symbol) -> list[Piece]:
    """The parts below and above v = −B/A; the move for A, B or C where one is not resolved; [] where p has no zero inside."""
    names = piece.chart.new
    A, B, C = _ends(p, v)
    for rest in _unresolved(p, v, names):
        return _move(replace(piece, factors=(*piece.factors, rest)), rest)
    signs = [_sign(_monomial_out(q, names), names) for q in (B, C)]
    if signs[0] == signs[1]:
        return []
    phi = sp.cancel(-B / A) if not p.atoms(sp.CRootOf) else -B / A
    rest = replace(piece, factors=tuple(q for q in piece.factors if q != p))  # p is B (1 − v'), or B v', or C v'
    images = (phi * v / 2, phi * (1 - v / 2), sp.together(phi + (1 - phi) * v))
    return [rest.moved({v: image}) for image in images]


def _pulled(p: sp.Expr, images: Images, names: Sequence[sp.Symbol]) -> sp.Expr:
    """The numerator of p after the substitution, its monomial taken out."""
    image = p.subs(dict(images), simultaneous=True) if images else p
    top = image if image.is_polynomial(*names) else sp.fraction(sp.together(image))[0]
    return _monomial_out(reduced(sp.expand(top)), names)


def _monomial_out(p: sp.Expr, names: Sequence[sp.Symbol]) -> sp.Expr:
    if not p.has(*names):
        return p
    poly = sp.Poly(p, *names)
    least = [min(column) for column in zip(*poly.monoms(), strict=True)]
    if any(least):
        poly = sp.Poly({tuple(a - b for a, b in zip(m, least, strict=True)): c for m, c in poly.terms()}, *names)
    return poly.as_expr()


@cache
def _sign(p: sp.Expr, names: tuple[sp.Symbol, ...]) -> int:
    """1 or −1 where p has this sign on the whole box, proved; 0 where it has none."""
    if not p.has(*names):
        return 1 if ball(p) > 0 else -1
    held = [v for v in names if p.has(v)]
    corner = ball(p.subs(dict.fromkeys(held, HALF)))
    if corner.contains(0):
        return 0
    sign = 1 if corner > 0 else -1
    return 0 if positive(sp.expand(sign * p), held, [False] * len(held), PIECES) else sign
