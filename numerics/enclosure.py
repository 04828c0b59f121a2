"""Certified integrals over R, half lines and intervals: every answer is a ball that contains the true value.

Idea
----
An integral over an infinite domain is a *core* over a compact interval plus *tails*:

    ∫ f e^{−V} dx = ∫_{[A, B]} f e^{−V} dx + (tails),   |tails| ≤ δ.

The core is enclosed by `acb.integral` (Petras' adaptive Gauss–Legendre quadrature with proved error bounds); the
tails are bounded by `halfline.tail`, and their bound δ is added to the radius. Where the core lies, at which level
e^{−V} is scaled and where the interval is cut first is decided in floating point: those choices steer the work, no
proof leans on them.

Notation: V potential (t·loss minus the exponents of the prior), f amplitude, c = a dyadic number near min V.
Integrals are returned as e^{−c}·ball, since e^{−c} may be far outside the range of floats; ratios do not need it.

Theorem used: acb_calc_integrate returns an enclosure whatever the tolerances; tails as in `halfline`.

Reading order: `integral`, `gibbs_integrals`, `Scaled`.

References: F. Johansson, "Numerical integration in arbitrary-precision ball arithmetic", ICMS 2018; K. Petras,
"Self-validating integration and approximation of piecewise analytic functions", J. Comput. Appl. Math. 145 (2002).
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import sympy as sp
from flint import acb, arb, fmpq

from numerics.analytic import apart, check_real, compile_acb, exact, exponent_and_amplitude, refuse_non_analytic
from numerics.errors import NotCertified
from numerics.halfline import NotFromHere, tail
from numerics.precision import Exact, ball, current_digits, expression, rational
from theory.errors import BadInput

Domain = tuple[object, object]
REAL_LINE: Domain = (-sp.oo, sp.oo)


class Scaled(NamedTuple):
    """Integrals e^{−level}·balls[i]: `level` exact, `balls` enclosures."""

    level: fmpq
    balls: tuple[arb, ...]

    def unscaled(self) -> tuple[arb, ...]:
        factor = (-arb(self.level)).exp()
        return tuple(b * factor for b in self.balls)


def integral(integrand: object, variable: sp.Symbol, domain: Domain = REAL_LINE) -> arb:
    """A ball that contains ∫ integrand over the domain, at the current precision.

    The integrand is an analytic sympy expression; exponential factors of its products serve as the weight. `domain`
    is a pair of exact numbers or ±oo. Raises `BadInput` for divergent, complex-valued and non-analytic integrands,
    `NotCertified` where no proof is found.
    """
    groups = _split_exponentials(exact(integrand), sp.S.Zero)
    total = arb(0)
    for potential, amplitude in groups.items():
        total += gibbs_integrals(potential, (amplitude,), variable, 1, domain=domain).unscaled()[0]
    return total


def gibbs_integrals(
    loss: object,
    amplitudes: Sequence[object],
    variable: sp.Symbol,
    t: Exact,
    *,
    prior: object = 1,
    domain: Domain = REAL_LINE,
) -> Scaled:
    """Balls that contain ∫ f e^{−t·loss} prior dx for every f in `amplitudes`, at the current precision.

    loss, prior, amplitudes: analytic sympy expressions in `variable` with exact coefficients; t > 0 rational. The
    radius is about 10^{−digits} of ∫ |f| e^{−t·loss} prior. Raises `BadInput` (divergent, complex-valued, not
    analytic) and `NotCertified` (no proof found), never an unproved number.
    """
    weight_exponent, weight = exponent_and_amplitude(exact(prior))
    potential = sp.sympify(exact(loss)) * sp.Rational(str(rational(t))) + weight_exponent
    fs = [sp.sympify(exact(f)) * weight for f in amplitudes]
    for expr in (potential, *fs):
        refuse_non_analytic(expr)
        foreign = expr.free_symbols - {variable}
        if foreign:
            raise BadInput(f"the integrand {expr} holds {sorted(map(str, foreign))} beside the variable {variable}")
    lower, upper = _ends(domain)
    _check_coercive(potential, variable, lower, upper)
    plan = _Plan.steer(potential, variable, lower, upper)
    balls = tuple(_one_integral(potential, f, variable, (lower, upper), plan) for f in fs)
    return Scaled(plan.level, balls)


def _ends(domain: Domain) -> tuple[arb | None, arb | None]:
    """The ends as balls, None for an infinite one."""
    low, high = map(expression, domain)
    if not (low.is_extended_real and high.is_extended_real and low < high):
        raise BadInput(f"the domain ({low}, {high}) is not an interval lower < upper")
    return (None if low == -sp.oo else ball(low)), (None if high == sp.oo else ball(high))


@lru_cache(maxsize=1024)
def _split_exponentials(expr: sp.Expr, potential: sp.Expr) -> Mapping[sp.Expr, sp.Expr]:
    """{V: f} with expr·e^{−potential} = Σ f e^{−V}; sums are split only if an exponential stands in one of
    their terms.
    """
    expr = apart(expr)
    sums = [factor for factor in sp.Mul.make_args(expr) if factor.as_base_exp()[0].is_Add and factor.has(sp.exp)]
    terms = sp.Add.make_args(sp.expand(expr)) if sums else (expr,)
    groups: dict[sp.Expr, sp.Expr] = {}
    for term in terms:
        exponent, amplitude = exponent_and_amplitude(term)
        key = sp.expand(potential + exponent, power_exp=False)
        groups[key] = groups.get(key, sp.S.Zero) + amplitude
    return groups


def _check_coercive(potential: sp.Expr, variable: sp.Symbol, lower: arb | None, upper: arb | None) -> None:
    """Refuse polynomial potentials that do not grow at an infinite end."""
    if not potential.has(variable) and (lower is None or upper is None):
        raise NotCertified(
            f"over an infinite domain the integrand needs a factor exp(-V({variable})) that confines it, and there is "
            f"none here; restrict the domain, or map it to an interval (for instance {variable} = tan(u))"
        )
    if not potential.is_polynomial(variable):
        return
    for end, outwards, sign in ((lower, potential.subs(variable, -variable), "−"), (upper, potential, "+")):
        if end is None and not sp.Poly(outwards, variable).LC() > 0:
            raise BadInput(
                f"the integral of exp(-({potential})) diverges: the potential does not grow as {variable} → "
                f"{sign}∞; restrict the domain, or add a confining prior"
            )


class _Plan(NamedTuple):
    """Steering in floating point: the level c ≈ min V, the minimiser, the width of the peak, the live interval."""

    level: fmpq
    peak: float
    width: float
    live: tuple[float, float]

    @staticmethod
    def steer(potential: sp.Expr, variable: sp.Symbol, lower: arb | None, upper: arb | None) -> "_Plan":
        values = _float_function(potential, variable)
        xs = _sample_points(lower, upper)
        vs = values(xs)
        peak = float(xs[int(np.argmin(vs))])
        for shrink in range(1, 60):
            zoom = peak + max(abs(peak), 1.0) * 2.0**-shrink * np.linspace(-1, 1, 65)
            zoom = zoom[_inside(zoom, lower, upper)]
            candidates = np.append(zoom, peak)
            peak = float(candidates[int(np.argmin(values(candidates)))])
        bottom = float(values(np.array([peak]))[0])
        budget = current_digits() * math.log(10) + 5
        scales = 2.0 ** np.arange(-100, 101)
        sides = []
        widths = []
        for sign in (-1, 1):
            walk = peak + sign * scales
            rise = np.where(_inside(walk, lower, upper), values(walk) - bottom, np.inf)
            widths.append(float(scales[min(int(np.searchsorted(np.maximum.accumulate(rise), 0.5)), len(scales) - 1)]))
            alive = np.nonzero(rise < budget)[0]
            sides.append(peak + sign * float(scales[min(alive[-1] + 1 if len(alive) else 0, len(scales) - 1)]))
        return _Plan(_dyadic(bottom), peak, min(widths), (sides[0], sides[1]))


@lru_cache(maxsize=1024)
def _float_function(expr: sp.Expr, variable: sp.Symbol):
    raw = sp.lambdify(variable, expr, modules=["scipy", "numpy"])

    def values(xs: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            result = np.real(np.broadcast_to(np.asarray(raw(xs), dtype=complex), xs.shape))
        return np.where(np.isfinite(result), result, np.inf)

    return values


def _sample_points(lower: arb | None, upper: arb | None) -> np.ndarray:
    geometric = 2.0 ** np.linspace(-40, 40, 1201)
    xs = np.concatenate([-geometric[::-1], [0.0], geometric, np.linspace(-8, 8, 801)])
    low = -np.inf if lower is None else float(lower)
    high = np.inf if upper is None else float(upper)
    if np.isfinite(low):
        xs = np.append(xs, low + geometric)
    if np.isfinite(high):
        xs = np.append(xs, high - geometric)
    if np.isfinite(low) and np.isfinite(high):
        xs = np.append(xs, low + (high - low) * np.linspace(0, 1, 1001))
    return np.sort(xs[(xs >= low) & (xs <= high)])


def _inside(xs: np.ndarray, lower: arb | None, upper: arb | None) -> np.ndarray:
    low = -np.inf if lower is None else float(lower)
    high = np.inf if upper is None else float(upper)
    return (xs >= low) & (xs <= high)


def _dyadic(x: float) -> fmpq:
    """A nearby rational with few bits."""
    if not math.isfinite(x):
        return fmpq(0)
    return fmpq(*float(np.float32(x)).as_integer_ratio()) if abs(x) < 1e38 else fmpq(round(x))


def _one_integral(
    potential: sp.Expr, f: sp.Expr, variable: sp.Symbol, ends: tuple[arb | None, arb | None], plan: _Plan
) -> arb:
    tolerance = _tolerance(potential, f, variable, ends, plan)
    groups = _split_exponentials(f, potential)
    bounds, error = [], arb(0)
    for end, side, sign in ((ends[0], plan.live[0], -1), (ends[1], plan.live[1], 1)):
        cut, bound = (end, arb(0)) if end is not None else _cut_tail(groups, variable, plan, side, sign, tolerance)
        bounds.append(cut)
        error += bound
    for amplitude in groups.values():
        check_real(amplitude, variable, *bounds)
    check_real(potential, variable, *bounds)
    core = _core(potential, f, variable, bounds, plan, tolerance)
    return core + arb(0, error.upper())


def _tolerance(potential: sp.Expr, f: sp.Expr, variable: sp.Symbol, ends, plan: _Plan) -> arb:
    """10^{−digits−1} ∫ |f| e^{c−V}, the integral by a float sum."""
    low = max(plan.live[0], -np.inf if ends[0] is None else float(ends[0]))
    high = min(plan.live[1], np.inf if ends[1] is None else float(ends[1]))
    xs = np.linspace(low, high, 2001)
    xs = np.sort(np.append(xs, plan.peak + plan.width * np.linspace(-4, 4, 401)))
    xs = xs[(xs >= low) & (xs <= high)]
    level = float(arb(plan.level))
    with np.errstate(all="ignore"):
        weights = np.exp(-(_float_function(potential, variable)(xs) - level))
        heights = np.abs(np.nan_to_num(_float_function(f, variable)(xs), posinf=0.0)) * weights
    estimate = float(np.trapezoid(np.nan_to_num(heights), xs))
    return arb(max(estimate, 1e-290)) * arb(10) ** (-current_digits() - 1)


def _cut_tail(
    groups: Mapping[sp.Expr, sp.Expr], variable: sp.Symbol, plan: _Plan, start: float, sign: int, tolerance: arb
) -> tuple[arb, arb]:
    """(R, bound): the tail beyond R, bounded by less than the tolerance if some R of the walk allows it."""
    distance = max(abs(start - plan.peak), plan.width)
    unknown: NotFromHere | None = None
    for attempt in range(160):
        cut = arb(_dyadic(plan.peak + sign * distance))
        bound = arb(0)
        for potential, amplitude in groups.items():
            try:
                proved, unknown = tail(potential, amplitude, variable, cut, sign), None
            except NotFromHere as error:
                proved, unknown = None, error
            if proved is None:
                bound = None
                break
            bound += (arb(plan.level) - proved[0]).exp() * proved[1]
        if bound is not None and bound < tolerance:
            return cut, bound.upper()
        distance *= (
            1.3 if attempt < 60 else 2
        )  # a steep potential is far from where its powers rule, in units of its width
        if distance > 1e60:
            break
    if unknown:
        raise unknown
    far = float(plan.peak + sign * distance)
    potential = next(iter(groups))
    witness = (
        f"the potential is {_float_function(potential, variable)(np.array([far]))[0]:.3g} at {variable} = {far:.3g}"
    )
    raise NotCertified(
        f"the tail of exp(-({potential})) towards {variable} → {'+' if sign > 0 else '−'}∞ could not be bounded "
        f"({witness}): the potential is not coercive there, or no rule proves it; restrict the domain or add a prior"
    )


def _core(potential: sp.Expr, f: sp.Expr, variable: sp.Symbol, bounds: list[arb], plan: _Plan, tolerance: arb) -> arb:
    centre = _dyadic(plan.peak)
    exponent, amplitude = compile_acb(potential, variable, centre), compile_acb(f, variable, centre)
    level = acb(plan.level)

    def integrand(z: acb, analytic: bool) -> acb:
        return amplitude(z, analytic) * (level - exponent(z, analytic)).exp()

    low, high = bounds
    inner = [plan.live[0], plan.peak - 2 * plan.width, plan.peak, plan.peak + 2 * plan.width, plan.live[1]]
    cuts = [low, *(arb(x) for x in sorted(inner) if low < x < high), high]
    total = acb(0)
    for a, b in pairwise(cuts):
        total += acb.integral(integrand, acb(a), acb(b), abs_tol=tolerance, rel_tol=arb(2) ** -300, eval_limit=200_000)
    if not (total.real.is_finite() and total.imag.contains(0) and total.real.rad() < arb(10) ** 300):
        raise NotCertified(
            f"the integral of ({f})*exp(-({potential})) over [{float(low):.6g}, {float(high):.6g}] has no finite "
            "enclosure: the integrand has a pole or a singular end there; restrict the domain or substitute it away"
        )
    return total.real
