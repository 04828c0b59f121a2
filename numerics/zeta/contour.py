"""A second road to zeta functions: keyhole contours and `acb.integral`, sharing nothing with `moments` and `cells`.

Idea
----
For G analytic on |x| ≤ r and on [r, 1], and a no integer,

    ∫_0^1 x^a G(x) dx = (e^{2πia} − 1)^{−1} ∮_{|x|=r} x^a G(x) dx + ∫_r^1 x^a G(x) dx,

arg x running from 0 to 2π: for Re a > −1 the circle shrinks to the two sides of [0, r], and both sides continue
analytically in a. In two variables the same is done inside. Every integral is proved by Petras' algorithm, hence ζ(z) is.

Laurent coefficients come from Cauchy's formula with n equidistant points on |δ| = R:

    A_j ≈ (1/n) Σ_k ζ(−s + δ_k) δ_k^{M−j},    error O((R/gap)^n),

gap the distance to the next pole. This last step is *not* proved, and `laurent` says so.

Notation: a = κz + h, F = b Π p^{e z + f}, r = the radius of the keyhole.
Reading order: `value`, `laurent`.

Reference: E. T. Whittaker and G. N. Watson, "A Course of Modern Analysis", §12.22 (Hankel's contour).
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

from flint import acb, arb, fmpq

from numerics.errors import NotCertified
from numerics.precision import Exact, current_digits, digits, rational
from numerics.zeta.charts import Chart, Gaussian
from numerics.zeta.continuation import Problem, charts_of
from numerics.zeta.entire import evaluator
from theory.errors import BadInput

Path = Callable[[acb, bool], acb]
LIMIT = 20_000
LEVELS = 12
QUARTER = fmpq(1, 4)


def value(problem: Problem, z: acb, accuracy: int = 15, radius: Exact = QUARTER) -> acb:
    """ζ(z), proved, for charts of one or two box coordinates; κ_i z + h_i must be no integer.

    Raises `BadInput` for more coordinates, `NotCertified` where a factor has zeros within `radius` of the origin, or may have.
    """
    with digits(accuracy + 5):
        total = sum((_chart(c, acb(z), arb(rational(radius))) for c in charts_of(problem)), acb(0))
    if not total.is_finite():
        raise NotCertified(f"the keyhole integral at z = {z} has no finite enclosure; take a smaller radius")
    return total


def _chart(c: Chart, z: acb, radius: arb) -> acb:
    if c.dimension > 2 or any(isinstance(side, Gaussian) for side in c.extents):
        raise BadInput("the contour road is for one or two coordinates on boxes; use `zeta`")
    bases = [(evaluator(f.base, c.variables), acb(f.order) * z + acb(f.jacobian)) for f in c.factors]
    density = evaluator(c.density, c.variables)
    _refuse_crossings([base for base, _ in bases], c.dimension, radius)

    def amplitude(point: Sequence[acb], analytic: bool) -> acb:
        exponent = sum((power * acb(base(point)).log(analytic=analytic) for base, power in bases), acb(0))
        return exponent.exp() * density(point)

    powers = [acb(order) * z + acb(h) for order, h in zip(c.orders, c.jacobian, strict=True)]
    tolerance = arb(10) ** (-current_digits())
    if c.dimension == 1:
        return _keyhole(powers[0], lambda x, analytic: amplitude((x,), analytic), radius, tolerance)

    def inner(x: acb, analytic: bool) -> acb:
        return _keyhole(powers[1], lambda y, flag: amplitude((x, y), flag or analytic), radius, tolerance / 16)

    return _keyhole(powers[0], inner, radius, tolerance)


def _refuse_crossings(bases: Sequence[Callable], dimension: int, radius: arb) -> None:
    """Prove that every factor keeps off (−∞, 0] on the circles and segments: it then winds round 0 nowhere, so that it has no zero
    within them, and its logarithm is the real one continued. (`acb.integral` would integrate across a cut in good faith.)
    """
    whole = [(on_circle, fmpq(1, 2), fmpq(1, 2)) for on_circle in (True, False)]
    queue = [(cell, 0) for cell in product(whole, repeat=dimension)]
    while queue:
        cell, level = queue.pop()
        point = [_on_path(radius, *part) for part in cell]
        if all(p.real > 0 or (p.is_finite() and not p.imag.contains(0)) for p in (acb(base(point)) for base in bases)):
            continue
        if level == LEVELS:
            raise NotCertified(
                "a factor may vanish within the keyhole, or be negative beside it; take a smaller radius"
            )
        queue += [(smaller, level + 1) for smaller in product(*map(_halves, cell))]


def _on_path(radius: arb, on_circle: bool, middle: fmpq, half: fmpq) -> acb:
    """The box of |x| = radius, or of [radius, 1], over an interval of the parameter in [0, 1]."""
    t = arb(middle) + arb(0, arb(half).upper())
    if on_circle:
        return radius * acb((2 * arb.pi() * t).cos(), (2 * arb.pi() * t).sin())
    return acb(radius + (1 - radius) * t)


def _halves(part: tuple[bool, fmpq, fmpq]) -> list[tuple[bool, fmpq, fmpq]]:
    on_circle, middle, half = part
    return [(on_circle, middle + side * half / 2, half / 2) for side in (-1, 1)]


def _keyhole(a: acb, g: Path, radius: arb, tolerance: arb) -> acb:
    def circle(theta: acb, analytic: bool) -> acb:
        turn = (acb(0, 1) * theta).exp()
        return acb(0, 1) * ((a + 1) * acb(0, 1) * theta).exp() * g(radius * turn, analytic)

    def segment(x: acb, analytic: bool) -> acb:
        return (a * x.log(analytic=analytic)).exp() * g(x, analytic)

    options = {"abs_tol": tolerance, "rel_tol": arb(2) ** -200, "eval_limit": LIMIT}
    around = acb.integral(circle, acb(0), acb(2 * arb.pi()), **options)
    front = acb(radius) ** (a + 1) / ((2 * a).exp_pi_i() - 1)
    return front * around + acb.integral(segment, acb(radius), acb(1), **options)


class Estimate(NamedTuple):
    """Laurent coefficients A_0, A_1, … with the largest imaginary part and ball radius met; not proved."""

    coefficients: tuple[arb, ...]
    noise: arb


def laurent(
    problem: Problem,
    s: Exact,
    order: int,
    terms: int,
    *,
    circle: Exact,
    points: int = 48,
    accuracy: int = 20,
    function: Callable[[acb], acb] | None = None,
) -> Estimate:
    """A_0, …, A_{terms−1} of a pole of `order` at −s by the trapezoid rule on |δ| = circle. `function`: ζ by other means.

    points: an even number, half of them are conjugate to the others.
    """
    place, r = rational(s), rational(circle)
    if terms < 1 or points < 2 or points % 2:
        raise BadInput(f"the circle needs an even number of points and a coefficient to find; not {points} and {terms}")
    with digits(accuracy + 5):
        evaluate = function or (lambda z: value(problem, z, accuracy))
        shifts = [arb(r) * acb(fmpq(2 * k + 1, points)).exp_pi_i() for k in range(points // 2)]  # ζ(z̄) is conjugate
        values = [evaluate(acb(-place) + shift) for shift in shifts]
        found = [
            sum((v * d ** (order - j) for v, d in zip(values, shifts, strict=True)), acb(0)).real * 2 / points
            for j in range(terms)
        ]
        return Estimate(tuple(arb(c.mid()) for c in found), max(arb(c.rad()) for c in found))
