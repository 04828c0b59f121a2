"""Other quadratures for the integrals that `Posterior` encloses, each labelled as proved or not.

Idea
----
One integral, several roads: agreement of roads that share nothing is the best test of each.

| road        | d       | proved | method                                                                    |
|-------------|---------|--------|---------------------------------------------------------------------------|
| `line`      | 1       | yes    | certified trapezoid rule (`Posterior` itself uses `acb.integral` for d=1) |
| `nested`    | 2       | yes    | `acb.integral` of `acb.integral`, the tail from the growth certificate    |
| `closed`    | 1, 2, 3 | yes    | the closed form of the table, evaluated in balls                          |
| `panels`    | 1       | no     | mpmath's tanh-sinh quadrature on panels of the box                        |
| `cubature`  | 1, 2, 3 | no     | scipy's adaptive Gauss–Kronrod cubature in float64                        |

A proved value is a ball that contains ∫ f e^{−t·loss} prior. An unproved one is a ball as well, of which the radius is
the method's own error *estimate*: it may miss the truth.

Reading order: `Value`, then the roads.

References: F. Johansson, ICMS 2018 (acb.integral); D. H. Bailey, K. Jeyabalan, X. S. Li, Experimental Math. 14 (2005)
(tanh-sinh); A. C. Genz, A. A. Malik, J. Comput. Appl. Math. 6 (1980) (adaptive cubature).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import sympy as sp
from flint import acb, acb_poly, arb
from scipy import integrate

from numerics import certificate, trapezoid
from numerics.errors import NotCertified
from numerics.precision import ball, digits, rational
from numerics.problems import Problem
from theory.errors import BadInput


class Value(NamedTuple):
    """∫ f e^{−t·loss} prior dw: a ball, the road it came by, and whether the ball is proved."""

    ball: arb
    road: str
    proved: bool


def _need(problem: Problem, dimensions: tuple[int, ...], road: str) -> None:
    if len(problem.variables) not in dimensions:
        raise BadInput(f"the road '{road}' is for d in {dimensions}; '{problem.name}' has d = {len(problem.variables)}")


def closed(problem: Problem, f: Any = sp.S.One, n: int = 20) -> Value:
    """The closed form of Z·⟨f⟩ from the table, at n digits."""
    known = {sp.S.One: sp.S.One, **dict(problem.means)}
    if problem.partition is None or known.get(f) is None:
        raise BadInput(f"no closed form of the integral of {f} is known for '{problem.name}'")
    with digits(n):
        return Value(ball(problem.partition) * ball(known[f]), "closed form", True)


def line(problem: Problem, f: Any = sp.S.One, n: int = 20) -> Value:
    """d = 1: the certified trapezoid rule."""
    _need(problem, (1,), "line")
    with digits(n):
        result = trapezoid.gibbs_integrals(
            problem.loss, [f], problem.variables, rational(problem.t), prior=problem.prior
        )
        return Value(result.balls[0] * (-arb(result.level)).exp(), "certified trapezoid", True)


def nested(problem: Problem, f: Any = sp.S.One, n: int = 8) -> Value:
    """d = 2: ∫ (∫ f e^{−P} dy_2) dy_1 by `acb.integral` over a box, the rest bounded by `certificate.outside`.

    The coordinates and the claim of growth come from the trapezoid rule's search; the claim is proved afresh, and
    coordinates prove nothing. Slow: seconds at 8 digits, minutes at 30.
    """
    _need(problem, (2,), "nested")
    t = rational(problem.t)
    with digits(n):
        found = trapezoid.gibbs_integrals(problem.loss, [f], problem.variables, t, prior=problem.prior)
        c = found.certificate
        reach, tail = certificate.outside(c, problem.loss, problem.variables, t, prior=problem.prior, f=f)
        exponent, amplitude = _in_grid_coordinates(problem, f, c)
        tolerance = abs(c.value).upper() / arb(c.determinant) * arb(10) ** (-n - 1)

        def inner(y1: acb, _: bool) -> acb:
            p, g = (acb_poly([part(y1) for part in parts]) for parts in (exponent, amplitude))
            narrow = tolerance / (4 * arb(reach[0]))
            return _halves(lambda y2, _: g(y2) * (-p(y2)).exp(), arb(reach[1]), narrow, 4000)

        total = _halves(inner, arb(reach[0]), tolerance, 4000).real
        if not total.is_finite():
            raise NotCertified(f"nested quadrature of '{problem.name}' has no finite enclosure at {n} digits")
        scale = arb(c.determinant) * (-arb(c.level)).exp()
        return Value((total + arb(0, tail.upper())) * scale, "nested acb.integral", True)


def _halves(integrand: Callable[[acb, bool], acb], reach: arb, tolerance: arb, limit: int) -> acb:
    """∫ over [−reach, reach], cut at 0."""
    parts = [(-reach, arb(0)), (arb(0), reach)]
    options = {"abs_tol": tolerance / 2, "rel_tol": arb(2) ** -300, "eval_limit": limit}
    return sum((acb.integral(integrand, acb(a), acb(b), **options) for a, b in parts), acb(0))


def _in_grid_coordinates(problem: Problem, f: Any, c: certificate.Certificate) -> tuple[list[acb_poly], list[acb_poly]]:
    """P(y) and f(y) as polynomials in y_2 whose coefficients are polynomials in y_1."""
    y = sp.symbols("y1 y2")
    rows = [[sp.Rational(int(a.p), int(a.q)) for a in (b, *row)] for b, row in zip(c.centre, c.matrix, strict=True)]
    images = {
        w: row[0] + sum(a * v for a, v in zip(row[1:], y, strict=True))
        for w, row in zip(problem.variables, rows, strict=True)
    }
    base, power = sp.powsimp(problem.prior).as_base_exp()
    exponent, factor = (power, sp.S.One) if base == sp.E else (sp.S.Zero, problem.prior)
    level = sp.Rational(int(c.level.p), int(c.level.q))
    potential = problem.t * problem.loss - exponent - level
    straight = [_straightened(expr, problem.variables, c) for expr in (potential, f * factor)]
    exponent_y, amplitude_y = (_by_last(expr.subs(images, simultaneous=True), y) for expr in straight)
    return exponent_y, amplitude_y


def _straightened(expr: Any, variables: tuple[sp.Symbol, ...], c: certificate.Certificate) -> Any:
    """The expression after the shears of the certificate."""
    for shear in c.shears:
        q = sum(
            sp.Rational(int(k.p), int(k.q)) * sp.prod(v**e for v, e in zip(variables, alpha, strict=True))
            for alpha, k in shear.terms
        )
        expr = expr.subs(variables[shear.axis], variables[shear.axis] + q)
    return expr


def _by_last(expr: Any, y: tuple[sp.Symbol, sp.Symbol]) -> list[acb_poly]:
    if not expr.is_polynomial(*y):
        raise BadInput(f"the road 'nested' is for polynomials; {expr} is not one")
    coefficients = sp.Poly(sp.expand(expr), *y).as_dict()
    degree = max(b for _, b in coefficients)
    result = []
    for b in range(degree + 1):
        row = {a: q for (a, other), q in coefficients.items() if other == b}
        result.append(acb_poly([rational(row.get(a, 0)) for a in range(max(row, default=0) + 1)]))
    return result


def panels(problem: Problem, f: Any = sp.S.One, n: int = 15) -> Value:
    """d = 1, not proved: mpmath's quadrature at n digits on 16 panels of the box, with its error estimate."""
    _need(problem, (1,), "panels")
    (variable,), ((low, high),) = problem.variables, problem.box
    with mpmath.workdps(n + 5):
        density = sp.lambdify(variable, f * problem.prior * sp.exp(-problem.t * problem.loss), "mpmath")
        ends = [mpmath.mpf(str(sp.N(low + (high - low) * sp.Rational(k, 16), n + 10))) for k in range(17)]
        value, error = mpmath.quad(density, ends, error=True)
        with digits(n + 5):
            estimate = float(error) + abs(float(value)) * 10.0**-n
            return Value(arb(mpmath.nstr(value, n + 5)) + arb(0, estimate), "mpmath.quad", False)


def cubature(problem: Problem, f: Any = sp.S.One, accuracy: float = 1e-9) -> Value:
    """Not proved: scipy's adaptive cubature over the box in float64, with its error estimate."""
    density = sp.lambdify(problem.variables, f * problem.prior * sp.exp(-problem.t * problem.loss), "numpy")
    low, high = (np.array([float(side[i]) for side in problem.box]) for i in (0, 1))

    def values(points: np.ndarray) -> np.ndarray:
        with np.errstate(under="ignore"):
            return np.broadcast_to(density(*points.T), (len(points),))

    sample = low + (high - low) * np.random.default_rng(0).random((4096, len(low)))
    floor = accuracy * float(np.abs(values(sample)).mean() * np.prod(high - low))  # odd integrands vanish
    if hasattr(integrate, "cubature"):
        rule = "gk21" if len(low) < 3 else "genz-malik"
        found = integrate.cubature(values, low, high, rule=rule, rtol=accuracy, atol=floor, max_subdivisions=20_000)
        if found.status != "converged":
            raise NotCertified(f"cubature of '{problem.name}' did not converge; ask for less accuracy")
        value, error = float(found.estimate), float(found.error)
    else:  # scipy before 1.15
        sides = list(zip(low, high, strict=True))
        value, error = integrate.nquad(lambda *w: float(density(*w)), sides, opts={"epsrel": accuracy, "limit": 200})[
            :2
        ]
    if not math.isfinite(value):
        raise NotCertified(f"cubature of '{problem.name}' left the float range")
    return Value(arb(value) + arb(0, error + 1e-13 * abs(value)), "scipy cubature", False)


__all__ = ["Value", "closed", "cubature", "line", "nested", "panels"]
