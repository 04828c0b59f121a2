r"""Hadamard finite parts of integrals with power singularities, as exact constants.

For G analytic near [0, 1]^r (or [0, ∞) where it decays) and rational α_i, the continued Mellin transform

    M(δ) = ∫ Π x_i^{α_i − 1 + δ_i} G(x) dx

has at δ = 0 a pole in δ_i exactly where α_i = −n, n = 0, 1, 2, …, with the residue ∫ G_n (the n-th Taylor coefficient in x_i, the
other coordinates left). The *finite part* f.p.∫ Π x_i^{α_i−1} log^{j_i} x_i · G dx is Π j_i! times the coefficient of
Π δ_i^{j_i} in M, poles left out. In one variable, T the Taylor polynomial of G of the terms m with α + m ≤ 0,

    f.p.∫_0^1 x^{α−1} log^j x · G = ∫_0^1 x^{α−1} log^j x (G − T) dx + Σ_{m, α+m≠0} T_m (−1)^j j!/(α+m)^{j+1};

where all α_i > 0 it is the integral. Laurent coefficients of zeta functions of normal crossings are made of these.

`finite_part` integrates what it can: powers, Gaussians times powers, and in one variable rational functions and those with one
square root of a linear function. What is left is a `FinitePart`, an exact constant that prints, and that `theory.zeta.balls`
evaluates to any precision.

Reading order: `Axis`, `FinitePart`, `finite_part`, `_elementary`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy as sp
from sympy.integrals.rationaltools import ratint

from theory.zeta.series import gamma, multiply, power, tidy
from theory.zeta.taylor import taylor


class Axis(NamedTuple):
    """x^{α−1} log^j x over [0, upper], upper = 1 or ∞."""

    variable: sp.Symbol
    alpha: sp.Rational
    logs: int
    upper: sp.Expr


class FinitePart(sp.Expr):
    """f.p.∫ Π x_i^{α_i−1} log^{j_i} x_i · G dx; args are G and a Tuple (x, α, j, upper) for every coordinate."""

    is_commutative = True
    is_real = True
    is_Atom = True  # `expand` and its like leave the integrand alone

    def __new__(cls, integrand: sp.Expr, *axes: Any) -> "FinitePart":
        return sp.Expr.__new__(cls, sp.sympify(integrand), *(sp.Tuple(*axis) for axis in axes))

    @property
    def integrand(self) -> sp.Expr:
        return self.args[0]

    @property
    def axes(self) -> tuple[Axis, ...]:
        return tuple(Axis(a[0], a[1], int(a[2]), a[3]) for a in self.args[1:])

    @property
    def free_symbols(self) -> set:
        return self.integrand.free_symbols - {axis.variable for axis in self.axes}

    def _eval_subs(self, old: Any, new: Any) -> Any:
        if old in {axis.variable for axis in self.axes}:
            return self
        return None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        if symbol not in self.free_symbols:
            return sp.S.Zero
        return FinitePart(sp.diff(self.integrand, symbol), *self.args[1:])

    def _latex(self, printer: Any) -> str:
        weights, signs = [], []
        for x, alpha, logs, upper in self.axes:
            if alpha != 1:
                weights.append(printer._print(sp.Pow(x, alpha - 1, evaluate=False)))
            if logs:
                weights.append(r"\log" + (f"^{{{logs}}}" if logs > 1 else "") + f" {printer._print(x)}")
            signs.append(rf"\int_0^{{{printer._print(upper)}}}")
        body = " ".join([*weights, rf"\left({printer._print(self.integrand)}\right)"])
        form = r"\operatorname{f.p.}" if any(axis.alpha <= 0 for axis in self.axes) else ""
        return form + "".join(signs) + body + "".join(rf"\,d{printer._print(a.variable)}" for a in self.axes)

    def _sympystr(self, printer: Any) -> str:
        return f"FinitePart({', '.join(printer._print(a) for a in self.args)})"


def finite_part(integrand: sp.Expr, axes: Sequence[Axis]) -> sp.Expr:
    """f.p.∫ of `integrand` over these axes, in closed form as far as the rules of the module go."""
    integrand = sp.sympify(integrand)
    if integrand == 0:
        return sp.S.Zero
    if not axes:
        return integrand
    for i, axis in enumerate(axes):
        moments = _moments(integrand, axis)
        if moments is not None:
            rest = [*axes[:i], *axes[i + 1 :]]
            return tidy(sp.Add(*(m * finite_part(c, rest) for c, m in moments if m != 0)))
    names = {axis.variable for axis in axes}
    outside, inside = integrand.as_independent(*names, as_Add=False)
    if len(axes) == 1 and axes[0].upper == 1 and axes[0].logs == 0 and not integrand.free_symbols - names:
        closed = _elementary(inside, axes[0])
        if closed is not None:
            return tidy(outside * closed)
    return outside * _canonical(inside, axes)


def _canonical(integrand: sp.Expr, axes: Sequence[Axis]) -> FinitePart:
    """Bound variables named x_1, x_2, …: equal integrals look equal."""
    names = [sp.Symbol(f"x_{i + 1}", positive=True) for i in range(len(axes))]
    if integrand.free_symbols & set(names):
        names = [sp.Dummy(f"x_{i + 1}", positive=True) for i in range(len(axes))]
    images = {axis.variable: name for axis, name in zip(axes, names, strict=True)}
    moved = [axis._replace(variable=images[axis.variable]) for axis in axes]
    return FinitePart(integrand.subs(images, simultaneous=True), *moved)


def _moments(integrand: sp.Expr, axis: Axis) -> list[tuple[sp.Expr, sp.Expr]] | None:
    """integrand = Σ c · (a function of this x with a known finite part): the pairs (c, finite part), or None."""
    x = axis.variable
    if axis.upper == 1:
        if not integrand.is_polynomial(x):
            return None
        terms = [(c, m) for (m,), c in sp.Poly(integrand, x).terms()] if integrand.has(x) else [(integrand, 0)]
        return [(c, unit_moment(axis.alpha + m, axis.logs)) for c, m in terms]
    found = []
    for term in sp.Add.make_args(sp.expand_mul(integrand)):
        c, part = term.as_independent(x, as_Add=False)
        weight = sp.powsimp(part, force=True).as_powers_dict().get(sp.E) if part.has(sp.exp) else None
        weight = weight if weight is not None else _exponent(part)
        if weight is None:
            return None
        rest = sp.simplify(part * sp.exp(-weight))
        rate = -sp.expand(weight).coeff(x, 2)
        if sp.expand(weight + rate * x**2) != 0 or not rate.is_positive or not rest.is_polynomial(x):
            return None
        for (m,), d in sp.Poly(rest, x).terms():
            found.append((c * d, gauss_moment(axis.alpha + m, axis.logs, rate)))
    return found


def _exponent(part: sp.Expr) -> sp.Expr | None:
    """The exponent g of the one factor e^g in a product."""
    factors = [f for f in sp.Mul.make_args(part) if isinstance(f, sp.exp)]
    return sp.Add(*(f.args[0] for f in factors)) if factors else None


def unit_moment(alpha: sp.Rational, logs: int) -> sp.Expr:
    """f.p.∫_0^1 x^{α−1} log^j x dx = (−1)^j j!/α^{j+1}, 0 at α = 0."""
    if alpha == 0:
        return sp.S.Zero
    return (-1) ** logs * sp.factorial(logs) / sp.sympify(alpha) ** (logs + 1)


def gauss_moment(alpha: sp.Rational, logs: int, rate: sp.Expr) -> sp.Expr:
    """f.p.∫_0^∞ x^{α−1} log^j x e^{−c x²} dx: j! [δ^j] of ½ c^{−(α+δ)/2} Γ((α+δ)/2)."""
    half = sp.Rational(1, 2)
    terms = logs + 2
    series = multiply([power(1 / rate, alpha / 2, half, terms), gamma(alpha / 2, half, terms)], terms)
    return tidy(sp.factorial(logs) * series.coefficients[logs + series.order] / 2)


def _elementary(g: sp.Expr, axis: Axis) -> sp.Expr | None:
    """The finite part over [0, 1] without logarithms, where a substitution makes the integrand rational; else None."""
    x, alpha = axis.variable, sp.Rational(axis.alpha)
    v = sp.Dummy("v", positive=True)
    root = _square_root(g, x)
    if root is None and _is_rational(g, x):
        q = int(alpha.q)  # x = v^q
        image, back = v**q, (sp.S.Zero, sp.S.One)
    elif root is not None and alpha.is_integer:
        a, b = sp.Poly(root, x).all_coeffs()  # v = √(ax + b)
        image, back = (v**2 - b) / a, (sp.sqrt(b), sp.sqrt(a + b))
        g = g.replace(lambda e: e.is_Pow and e.base == root, lambda e: v ** (2 * e.exp))
    else:
        return None
    top = int(sp.floor(-alpha))
    if top > 2:
        return None
    coefficients = taylor(g if root is None else g.subs(v, sp.sqrt(root)), x, top) if top >= 0 else []
    outside = sp.Add(*(c * unit_moment(alpha + m, 0) for m, c in enumerate(coefficients)))
    polynomial = sp.Add(*(c * x**m for m, c in enumerate(coefficients)))
    weight = v ** int(alpha.q * (alpha - 1)) if root is None else image ** (int(alpha) - 1)
    integrand = sp.cancel(weight * (g - polynomial).subs(x, image) * sp.diff(image, v))
    if not _is_rational(integrand, v) or sp.degree(sp.denom(integrand), v) > 8:
        return None
    try:
        primitive = ratint(integrand, v)
    except sp.PolynomialError:  # where √b is irrational, sympy may lose its way
        return None
    if primitive.has(sp.RootSum, sp.I):
        return None
    value = primitive.subs(v, back[1]) - primitive.subs(v, back[0])
    value = sp.expand(sp.expand_log(sp.expand(value)))
    return None if value.has(sp.zoo, sp.nan, sp.oo, sp.I) else outside + value


def _is_rational(f: sp.Expr, x: sp.Symbol) -> bool:
    """A quotient of polynomials in x with algebraic numbers as coefficients?"""
    top, bottom = sp.fraction(sp.together(f))
    numbers = sp.Tuple(top, bottom).atoms(sp.NumberSymbol, sp.Function)
    return bool(top.is_polynomial(x) and bottom.is_polynomial(x) and not numbers)


def _square_root(g: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """The linear function whose half-integer powers occur in g, when it is the only one."""
    bases = {p.base for p in g.atoms(sp.Pow) if p.exp.is_Rational and not p.exp.is_integer and p.has(x)}
    if len(bases) != 1:
        return None
    (base,) = bases
    halves = all(p.exp.q <= 2 for p in g.atoms(sp.Pow) if p.base == base)
    return base if halves and base.is_polynomial(x) and sp.degree(base, x) == 1 else None
