"""Laurent series of ζ(z) = ∫ K^z φ at its poles, exactly.

On one chart, at z = −s + ε and with α_i = h_i + 1 − κ_i s,

    ζ(−s + ε) = ∫ Π x_i^{α_i − 1 + κ_i ε} F(x; ε) dx,      F = b u^{−s+ε} = b u^{−s} Σ_l ε^l log^l u/l!.

Coordinates on which F does not depend are factors 1/(α + κε) (or a Γ function under a Gaussian). For the others write
P = {i : α_i = −n_i, n_i = 0, 1, 2, …}; the pole in x_i has for its residue the n_i-th Taylor coefficient in x_i, so

    ζ = Σ_{S ⊂ P} Π_{i∈S} 1/(κ_i ε) · f.p.∫ Π_{i∉S} x_i^{α_i − 1 + κ_i ε} F_{n_S}(x_{S^c}; ε) dx_{S^c},

each finite part expanded in ε: x^{κε} = Σ_j (κε)^j log^j x/j!. The terms are exact: rational numbers, Γ, ψ, logarithms, and
`FinitePart`s where no closed form is known. The leading one, S = I at s = λ, is the residue integral

    A_0 = Π_{i∈I} 1/κ_i · ∫ Π_{i∉I} x_i^{h_i − κ_i λ} u(0_I, x)^{−λ} b(0_I, x) dx.

Every (h_i + 1 + n)/κ_i is a *candidate* for a pole at −s; a pole it is when a coefficient of negative order is not 0.

Reading order: `Pole`, `poles`, `laurent`, `candidates`, `_component`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, combinations, count, product, takewhile
from typing import Any, NamedTuple

import sympy as sp

from theory.errors import BadInput
from theory.zeta.balls import is_zero
from theory.zeta.chart import Chart
from theory.zeta.finite_part import Axis, finite_part
from theory.zeta.series import Laurent, add, gamma, multiply, power, reciprocal, tidy
from theory.zeta.taylor import taylor

EPS = sp.Symbol("epsilon")
GAUSS = 1 / sp.sqrt(2 * sp.pi)
Charts = Chart | Sequence[Chart]


class Pole(NamedTuple):
    """z = −s: the order that the exponents allow, the order found (0: the candidate is no pole), and the polar coefficients.

    coefficients[j] belongs to ε^{j − order}. `order` is None, and nothing more is claimed than a candidate, where whether a
    coefficient is 0 was not decided.
    """

    s: sp.Rational
    bound: int
    order: int | None
    coefficients: tuple[sp.Expr, ...]

    @property
    def candidate(self) -> bool:
        """Is it not known to be a pole?"""
        return not self.order


def _charts(charts: Charts) -> tuple[Chart, ...]:
    return (charts,) if isinstance(charts, Chart) else tuple(charts)


def poles(charts: Charts, up_to: Any) -> tuple[Pole, ...]:
    """Every candidate s ≤ up_to with the polar part of ζ at z = −s, in increasing s."""
    found = []
    for s in candidates(charts, up_to):
        bound, coefficients = laurent(charts, s, 0)
        found.append(Pole(s, bound, *_settled(coefficients)))
    return tuple(found)


def _settled(coefficients: tuple[sp.Expr, ...]) -> tuple[int | None, tuple[sp.Expr, ...]]:
    try:
        while coefficients and is_zero(coefficients[0]):
            coefficients = coefficients[1:]
    except BadInput:
        return None, coefficients
    return len(coefficients), coefficients


def threshold(charts: Charts) -> tuple[sp.Rational, int, sp.Expr]:
    """(λ, m, A_0): the first pole of ζ at z = −λ, of order m, ζ ~ A_0 (z + λ)^{−m}. Raises `BadInput` if there is none."""
    limit = sp.Integer(4) + min((s for c in _charts(charts) for s in _first(c)), default=sp.S.Zero)
    for s in candidates(charts, limit):
        bound, coefficients = laurent(charts, s, 0)
        for j, c in enumerate(coefficients):
            if not is_zero(c):
                return s, bound - j, c
    raise BadInput(
        f"ζ has no pole at −s for s ≤ {limit}: K has no zeros on these charts, or the density vanishes there"
    )


def laurent(charts: Charts, s: Any, beyond: int = 0) -> Laurent:
    """ζ(−s + ε) = ε^{−order} Σ_j coefficients[j] ε^j: the polar part, and `beyond` coefficients more. s rational.

    order is the largest that the exponents allow; the first coefficients may be 0.
    """
    s = sp.Rational(s)
    given = _charts(charts)
    order = max((order_of(c, s) for c in given), default=0)
    parts = [_one(c, s, order_of(c, s) + beyond) for c in given]
    return add([Laurent(order, (sp.S.Zero,) * (order + beyond)), *parts], order + beyond)


def candidates(charts: Charts, up_to: Any) -> list[sp.Rational]:
    """All s ≤ up_to that the exponents allow for poles at z = −s, increasing."""
    limit = sp.Rational(up_to)
    ladders = (_ladder(c, i) for c in _charts(charts) for i in range(len(c.variables)))
    return sorted({s for ladder in ladders for s in takewhile(lambda s: s <= limit, ladder)})


def finite(charts: Charts) -> bool:
    """Has ζ finitely many poles, with Z(t) up to O(e^{−t}) their sum? So it is for polynomial densities on boxes, u = 1."""
    return all(
        all(c.free()) and not any(g and k for g, k in zip(c.gaussian, c.orders, strict=True)) for c in _charts(charts)
    )


def first(charts: Charts) -> sp.Rational:
    """The smallest candidate; 0 when K has no zeros."""
    return min((s for c in _charts(charts) for s in _first(c)), default=sp.S.Zero)


def _first(c: Chart) -> list[sp.Rational]:
    return [(h + 1) / k for h, k in zip(c.jacobian, c.orders, strict=True) if k]


def _ladder(c: Chart, i: int) -> Iterator[sp.Rational]:
    """(h_i + 1 + n)/κ_i, increasing, for the n of which F can have a Taylor term in x_i."""
    if c.orders[i] == 0:
        return iter(())
    return ((c.jacobian[i] + 1 + n) / c.orders[i] for n in _degrees(c, i))


def _degrees(c: Chart, i: int) -> Any:
    """The degrees n of Taylor terms in x_i, of the Gaussian included."""
    v = c.variables[i]
    if not c.free()[i]:
        return count(0, 2) if _even(c.unit, v) and _even(c.density, v) else count()
    held = sorted(m for (m,) in sp.Poly(c.density, v).monoms()) if c.density.has(v) else [0]
    if not c.gaussian[i]:
        return held
    starts = [min(m for m in held if m % 2 == r) for r in (0, 1) if any(m % 2 == r for m in held)]
    return (n for n in count(min(held)) if any(n >= start and (n - start) % 2 == 0 for start in starts))


def _head(degrees: Any, top: sp.Expr) -> list[int]:
    return list(takewhile(lambda n: n <= top, degrees))


@lru_cache(maxsize=4096)
def _even(f: sp.Expr, v: sp.Symbol) -> bool:
    return not f.has(v) or f.subs(v, -v) == f or sp.expand(f.subs(v, -v) - f) == 0


@lru_cache(maxsize=8192)
def order_of(c: Chart, s: sp.Rational) -> int:
    """The largest order of a pole at −s that the exponents allow."""
    return sum(s in takewhile(lambda p: p <= s, _ladder(c, i)) for i in range(len(c.variables)))


@lru_cache(maxsize=4096)
def _one(c: Chart, s: sp.Rational, terms: int) -> Laurent:
    """The Laurent series of one chart with `terms` coefficients."""
    if terms == 0:
        return Laurent(0, ())
    parts = [[*exact, *(_component(g, s, terms) for g in groups)] for exact, groups in factors(c, s, terms)]
    return add([multiply(part, terms) for part in parts], terms)


def factors(c: Chart, s: sp.Rational, terms: int) -> list[tuple[list[Laurent], list[Chart]]]:
    """ζ(−s + ε) of one chart as a sum of products: of exact Laurent series and of the groups of coupled coordinates."""
    found = []
    for sides, constant, groups in apart(c):
        exact = [_coordinate(a - k * s, k, gaussian, terms) for a, k, gaussian in sides]
        exact.append(power(constant.unit, -s, sp.S.One, terms))
        exact.append(Laurent(0, (constant.density, *[sp.S.Zero] * (terms - 1))))
        found.append((exact, groups))
    return found


@lru_cache(maxsize=1024)
def apart(c: Chart) -> list[tuple[list[tuple[sp.Rational, sp.Rational, bool]], Chart, list[Chart]]]:
    """ζ(−s) = Σ Π ∫ x^{a−κs−1} · (b u^{−s}) · Π ζ_group(−s): for every summand the (a, κ, gaussian) of the coordinates that stand
    alone, the constants b and u as a chart without coordinates, and the groups of coupled coordinates.
    """
    c = c.signed()
    free = [i for i, alone in enumerate(c.free()) if alone]
    names = [c.variables[i] for i in free]
    monomials = [((0,) * len(free), c.density)]
    if c.density.has(*names) if names else False:
        monomials = [(m, q) for m, q in sp.Poly(c.density, *names).terms()]
    found = []
    for powers, rest in monomials:
        sides = [(c.jacobian[i] + 1 + n, c.orders[i], c.gaussian[i]) for i, n in zip(free, powers, strict=True)]
        found.append((sides, *_groups(replace(c, density=rest), set(names))))
    return found


def _coordinate(alpha: sp.Rational, kappa: sp.Rational, gaussian: bool, terms: int) -> Laurent:
    """∫ x^{α−1+κε} over [0, 1], or with e^{−x²/2}/√(2π) over [0, ∞): 2^{(α+κε)/2} Γ((α+κε)/2)/(2√(2π))."""
    if not gaussian:
        return reciprocal(alpha, kappa, terms)
    front = Laurent(0, (GAUSS / 2, *[sp.S.Zero] * (terms - 1)))
    return multiply(
        [front, power(sp.Integer(2), alpha / 2, kappa / 2, terms), gamma(alpha / 2, kappa / 2, terms)], terms
    )


def _groups(c: Chart, free: set) -> tuple[Chart, list[Chart]]:
    """The constant factors of u and b, and the groups of coordinates that factors of u and b couple."""
    parts = [(sp.Mul.make_args(f), name) for f, name in ((c.unit, "unit"), (c.density, "density"))]
    names = [v for v in c.variables if v not in free]
    owner = {v: {v} for v in names}
    for factors, _ in parts:
        for f in factors:
            merged = set().union(*(owner[v] for v in names if f.has(v)))
            owner.update(dict.fromkeys(merged, merged))
    constants = {name: sp.Mul(*(f for f in factors if not names or not f.has(*names))) for factors, name in parts}
    groups, seen = [], set()
    for v in names:
        if v in seen:
            continue
        seen |= owner[v]
        kept = [i for i, w in enumerate(c.variables) if w in owner[v]]
        held = {name: sp.Mul(*(f for f in factors if f.has(*owner[v]))) for factors, name in parts}
        groups.append(
            Chart(
                tuple(c.variables[i] for i in kept),
                tuple(c.orders[i] for i in kept),
                tuple(c.jacobian[i] for i in kept),
                held["unit"],
                held["density"],
                tuple(c.gaussian[i] for i in kept),
            )
        )
    return Chart((), (), (), constants["unit"], constants["density"]), groups


@lru_cache(maxsize=4096)
def _component(c: Chart, s: sp.Rational, terms: int) -> Laurent:
    """The Laurent series of coupled coordinates: the sum over S ⊂ P of the module's docstring."""
    alphas = [h + 1 - k * s for h, k in zip(c.jacobian, c.orders, strict=True)]
    F = c.density * c.raised(EPS - s)
    for v, gaussian in zip(c.variables, c.gaussian, strict=True):
        F *= GAUSS * sp.exp(-(v**2) / 2) if gaussian else 1
    singular = singular_axes(c, s)
    order = len(singular)
    total = [sp.S.Zero] * terms
    for S in chain.from_iterable(combinations(singular, r) for r in range(order, -1, -1)):
        length = terms - (order - len(S))
        if length <= 0:
            continue
        residue = F
        for i in S:
            v, n = c.variables[i], int(-alphas[i])
            residue = taylor(residue, v, n)[n]
        front = sp.Mul(*(1 / c.orders[i] for i in S))
        rest = [i for i in range(len(alphas)) if i not in S]
        for l, integrand in enumerate(_expanded(residue, length)):
            for logs in product(range(length - l), repeat=len(rest)):
                if l + sum(logs) >= length or any(j and not c.orders[i] for i, j in zip(rest, logs, strict=True)):
                    continue
                weight = sp.Mul(*(c.orders[i] ** j / sp.factorial(j) for i, j in zip(rest, logs, strict=True)))
                axes = [
                    Axis(c.variables[i], alphas[i], j, sp.oo if c.gaussian[i] else sp.S.One)
                    for i, j in zip(rest, logs, strict=True)
                ]
                total[order - len(S) + l + sum(logs)] += front * weight * finite_part(integrand, axes)
    return Laurent(order, tuple(tidy(value) for value in total))


def singular_axes(c: Chart, s: sp.Rational) -> list[int]:
    """P: the coordinates in which F can have the Taylor term that makes a pole at −s."""
    alphas = [h + 1 - k * s for h, k in zip(c.jacobian, c.orders, strict=True)]
    return [
        i for i, a in enumerate(alphas) if c.orders[i] and a.is_integer and a <= 0 and -a in _head(_degrees(c, i), -a)
    ]


def _expanded(f: sp.Expr, terms: int) -> list[sp.Expr]:
    """The Taylor coefficients in ε."""
    return [sp.expand_log(c) for c in taylor(f, EPS, terms - 1)] if f.has(EPS) else [f, *[sp.S.Zero] * (terms - 1)]
