"""The zeta function of one chart as a Laurent series with proved coefficients.

Idea
----
On the unit box, at z = z_0 + δ,

    ζ(z_0 + δ) = ∫ Π x_i^{a_i + κ_i δ} F(x; δ) dx,   a_i = κ_i z_0 + h_i,   F = b Π p_j^{e_j z + f_j} = F_0 Σ_l (δ log u)^l/l!.

Coordinates that no factor couples split off as factors of ζ. For a coupled group F is analytic on the box, the singular
powers are integrated exactly: the tensor product of the rules of `moments`, one for every coordinate, is applied to the
coefficients of F. Its error follows by writing I⊗I⊗I − Q⊗Q⊗Q = E⊗I⊗I + Q⊗E⊗I + Q⊗Q⊗E, from one number pair

    M ≥ |F_0|,   Λ ≥ |log u|     on the product of Bernstein ellipses E_{ρ_1} × … × E_{ρ_d}.

They come from `ellipses`, with the proof that F is analytic there and the p_j are positive on the box.
Where ρ would be too small the box is cut in half, and both halves are charts again.

Notation: a_i, κ_i as above; M, Λ bounds; J number of series terms; v the order of the pole at z_0 that the exponents allow.
Reading order: `expand`, `_split`, `_component`, `_Values`, `_error`.
"""

import math
from collections.abc import Sequence
from itertools import product

import sympy as sp
from flint import acb, acb_mat, acb_series, arb, arb_mat, fmpq

from numerics.precision import current_digits, digits
from numerics.zeta import ellipses
from numerics.zeta.charts import Chart, Factor, Gaussian
from numerics.zeta.entire import evaluator
from numerics.zeta.moments import Axis, Scalar, Series, axis, capped, exact_moment, inverse, multiply
from numerics.zeta.moves import cut, normal, unit_box
from theory.errors import BadInput

DEPTH = 24


def expand(c: Chart, z: fmpq | acb, terms: int, depth: int = 0) -> tuple[int, Series]:
    """(v, [c_0, …, c_{terms−1}]) with ζ(z + δ) = δ^{−v} Σ c_l δ^l + …, v the order that the exponents allow.

    z: an exact rational (then poles are found exactly, coefficients real) or a ball that holds no pole (v = 0).
    """
    c = normal(unit_box(normal(c)))
    if depth > DEPTH:
        raise BadInput(_no_unit(c))
    constants, groups = _split(c)
    order, series = 0, _constant(constants, z, terms)
    for group in groups:
        v, part = _component(group, z, terms, depth)
        order, series = order + v, multiply(series, part, terms)
    return order, series


def _no_unit(c: Chart) -> str:
    bases = ", ".join(str(f.base) for f in c.factors)
    return (
        f"after {DEPTH} cuts the factors {bases} of K or of the density are not proved positive on the box around the "
        "origin of this chart: K is not in normal-crossing form there; blow up the point where they vanish"
    )


def at(c: Chart, z: fmpq | acb) -> list[tuple[Scalar, int | None]]:
    """(a_i, the n with a_i = −1 − n if z is rational and κ_i > 0, else None) for every coordinate."""
    found = []
    for order, h in zip(c.orders, c.jacobian, strict=True):
        if order == 0 and not h > -1:
            raise BadInput(f"the density has the factor x^({h}) where K does not vanish; it is not integrable")
        if isinstance(z, fmpq):
            a = order * z + h
            pole = int(-1 - a.p) if order != 0 and a.q == 1 and a <= -1 else None
            found.append((arb(a), pole))
        else:
            found.append((acb(order) * z + acb(h), None))
    return found


def _split(c: Chart) -> tuple[Chart, list[Chart]]:
    """The constant factors, and the groups of coupled coordinates, as charts."""
    densities = sp.Mul.make_args(c.density)
    owner = {v: {v} for v in c.variables}
    for expr in (*densities, *(f.base for f in c.factors)):
        merged = set().union(*(owner[v] for v in expr.free_symbols))
        owner.update(dict.fromkeys(merged, merged))
    groups, seen = [], set()
    for v in c.variables:
        if v in seen:
            continue
        seen |= owner[v]
        kept = [i for i, w in enumerate(c.variables) if w in owner[v]]
        groups.append(
            Chart(
                tuple(c.variables[i] for i in kept),
                tuple(c.orders[i] for i in kept),
                tuple(c.jacobian[i] for i in kept),
                tuple(f for f in c.factors if f.base.free_symbols & owner[v]),
                sp.Mul(*(b for b in densities if b.free_symbols & owner[v])),
                tuple(c.extents[i] for i in kept),
            )
        )
    constant = Chart(
        (), (), (), tuple(f for f in c.factors if not f.base.free_symbols),
        sp.Mul(*(b for b in densities if not b.free_symbols)), (),
    )  # fmt: skip
    return constant, groups


def _scalar(z: fmpq | acb) -> Scalar:
    return arb(z) if isinstance(z, fmpq) else z


def _constant(c: Chart, z: fmpq | acb, terms: int) -> Series:
    values = _Values(c)
    return values.series((), _scalar(z), terms)


def _component(c: Chart, z: fmpq | acb, terms: int, depth: int) -> tuple[int, Series]:
    exponents = at(c, z)
    if c.dimension == 1 and isinstance(c.extents[0], Gaussian):
        return _gaussian(c.orders[0], c.jacobian[0], c.extents[0].variance, z, terms)
    if not c.factors and not c.density.free_symbols:
        ((a, pole),) = exponents
        v = 1 if pole == 0 else 0
        return v, exact_moment(a, c.orders[0], pole, terms)
    plan, bounds = ellipses.Plan.steer(c, z), None
    for _ in range(4):
        bounds = ellipses.bounds(c, z, plan.ellipses) if plan.good else None
        if bounds is not None or not plan.good:
            break
        plan = plan.narrower(c.dimension)
    if bounds is None:
        _refuse_zeros(c)
        parts = [expand(half, z, terms, depth + 1) for half in cut(c, plan.worst)]
        v = max(order for order, _ in parts)
        return v, [sum(column) for column in zip(*(_shifted(p, v - o, terms) for o, p in parts), strict=True)]
    with digits(current_digits() + plan.loss / math.log(10)):
        exponents, z = at(c, z), _scalar(z)
        rules = [
            axis(a, order, pole, n, arb(rho), terms)
            for (a, pole), order, n, rho in zip(exponents, c.orders, plan.counts, plan.ellipses, strict=True)
        ]
        value = _contracted(_Values(c).table(rules, z, terms), rules, terms)
        error = _error(bounds, rules, terms)
    return sum(r.pole for r in rules), [_widened(x, e) for x, e in zip(value, error, strict=True)]


def _refuse_zeros(c: Chart) -> None:
    """Refuse a chart with a factor that is 0 or negative at the middle or the far corner of the box."""
    for side in (fmpq(1, 2), fmpq(1)):
        _Values(c).at([arb(side)] * c.dimension, arb(0))


def _shifted(series: Series, by: int, terms: int) -> Series:
    return [*[0 * series[0]] * by, *series][:terms]


def _widened(x: Scalar, error: arb) -> Scalar:
    margin = arb(0, error.upper()) if error.is_finite() else arb.nan()
    return x + (acb(margin, margin) if isinstance(x, acb) else margin)


def _gaussian(order: fmpq, h: fmpq, variance: fmpq, z: fmpq | acb, terms: int) -> tuple[int, Series]:
    """∫_0^∞ x^{κz+h} e^{−x²/2σ²} dx/√(2πσ²) = (2σ²)^{(κz+h)/2} Γ((κz+h+1)/2)/(2√π)."""
    exact = isinstance(z, fmpq)
    a = acb(order * z + h) if exact else acb(order) * z + acb(h)
    argument = (order * z + h + 1) / 2 if exact else None
    pole = argument is not None and order != 0 and argument.q == 1 and argument <= 0
    half = acb(order) / 2
    middle = acb(argument) if argument is not None else (a + 1) / 2
    with capped(terms + 1):
        reciprocal = acb_series([middle, half]).rgamma().coeffs()
        front = (acb_series([a / 2, half]) * acb_series([acb(2 * variance).log()])).exp().coeffs()
    series = multiply(front, inverse(reciprocal[1:] if pole else reciprocal, terms), terms)
    series = [s / (2 * acb.pi().sqrt()) for s in series]
    return int(pole), [s.real for s in series] if exact else series


class _Values:
    """F(x; δ) at real points, as series in δ."""

    def __init__(self, c: Chart):
        self.chart = c
        self.bases = [evaluator(f.base, c.variables) for f in c.factors]
        self.density = evaluator(c.density, c.variables)

    def at(self, point: Sequence[arb], z: Scalar) -> tuple[Scalar, arb]:
        """(F_0, log u)."""
        exponent, unit = 0 * z, arb(0)
        for f, base in zip(self.chart.factors, self.bases, strict=True):
            value = base(point)
            if not value > 0:
                self._refuse(f, point, value)
            log = value.log()
            exponent += (z * f.order + f.jacobian) * log
            unit += log * f.order
        return exponent.exp() * self.density(point), unit

    def _refuse(self, f: Factor, point: Sequence[arb], value: arb) -> None:
        where = ", ".join(f"{v} = {float(x):.6g}" for v, x in zip(self.chart.variables, point, strict=True))
        raise BadInput(
            f"the factor {f.base} of K or of the density is not positive at {where or 'any point'} of its chart "
            f"(its value is {value.str(5)}): K is not in normal-crossing form; blow up its zeros, or cut the box there"
        )

    def series(self, point: Sequence[arb], z: Scalar, terms: int) -> Series:
        value, unit = self.at(point, z)
        found = [value]
        for l in range(1, terms):
            found.append(found[-1] * unit / l)
        return found

    def table(self, rules: Sequence[Axis], z: Scalar, terms: int) -> list[list[Scalar]]:
        """[l][flat index]: coefficients at the tensor grid, the last coordinate fastest."""
        columns = [self.series(point, z, terms) for point in product(*(r.nodes for r in rules))]
        return [list(row) for row in zip(*columns, strict=True)]


def _contracted(table: list[list[Scalar]], rules: Sequence[Axis], terms: int) -> Series:
    """Σ_k Π W_{k_i} F(x_k), one coordinate at a time, from the last."""
    for rule in reversed(rules):
        n = len(rule.nodes)
        kind = acb_mat if isinstance(table[0][0], acb) else arb_mat
        weights = kind([list(w) for w in rule.weights])
        rows = len(table[0]) // n
        products = [(kind(rows, n, row) * weights).tolist() for row in table]
        table = [
            [sum((products[i][r][l - i] for i in range(1, l + 1)), products[0][r][l]) for r in range(rows)]
            for l in range(terms)
        ]
    return [row[0] for row in table]


def _error(bounds: tuple[arb, arb], rules: Sequence[Axis], terms: int) -> list[arb]:
    """M e^{Λδ} Σ_i Π_{j<i} Q_j · E_i · Π_{j>i} I_j as a majorant."""
    total = [arb(0)] * terms
    for i in range(len(rules)):
        part = [arb(1), *[arb(0)] * (terms - 1)]
        for j, rule in enumerate(rules):
            part = multiply(part, rule.rule if j < i else rule.error if j == i else rule.integral, terms)
        total = [x + y for x, y in zip(total, part, strict=True)]
    size = [bounds[0] * bounds[1] ** l / math.factorial(l) for l in range(terms)]
    return multiply(total, size, terms)
