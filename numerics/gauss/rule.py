"""Certified integrals of analytic Gibbs integrands in one, two and three variables, over boxes, half-spaces and R^d.

Idea
----
    ∫_D f e^{−V} dw,   V = t·loss − log(exponential part of the prior),   D = Π (lower_j, upper_j),

for real-analytic V and f: polynomials, exp, sin, cos, tanh, sinh, cosh, sech, erf, atan, and logarithms, roots and
negative powers of what is positive. The work is divided into rooms, each of which proves one thing:

1. `quadratic`: variables in which V is quadratic are integrated exactly, in symbols;
2. `decay`: a box, and a bound of the integral outside it, from a polynomial minorant of V (unbounded domains only);
3. `hull`: a smaller box that holds all but a negligible part;
4. `panelling` (steering, nothing proved): panels, ellipses, numbers of nodes;
5. `ellipse`: the error bound of the tensor Gauss–Legendre rule on each panel, from suprema on Bernstein ellipses;
6. `summation`: the sums over the nodes in ball arithmetic; here all the bounds come into the radius.

The error is relative to ∫ |f| e^{−V}, not to |∫ f e^{−V}|: integrals with cancellation lose digits, and their balls say so.

Notation: `level` a number near min V, answers are e^{−level}·ball; Λ = digits·log 10 + 3 the budget.
Reading order: `gibbs_integrals`, `Record`, `_integrate`, `_panelled`.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from flint import arb, fmpq

from numerics.analytic import exact, exponent_and_amplitude, refuse_non_analytic, refuse_repeated
from numerics.enclosure import Scaled
from numerics.errors import NotCertified
from numerics.gauss import hull, quadratic, summation
from numerics.gauss.decay import Region, confine
from numerics.gauss.domain import Domain
from numerics.gauss.ellipse import HOPELESS, Ellipses, Panels, fit_ellipses
from numerics.gauss.integrand import Integrand
from numerics.gauss.panelling import OVERHEAD, Plan, plan, subdivide
from numerics.gauss.realness import refuse_complex
from numerics.gauss.rectangles import Rectangles
from numerics.precision import Exact, ball, current_digits, rational
from numerics.trapezoid import steering
from theory.errors import BadInput

MAX_EVALUATIONS = 4_000_000
ATTEMPTS = 6
SMALLEST = 1e-6


class Record(NamedTuple):
    """What the proof rests on, for the reduced problem (after the exact integration of quadratic variables).

    problem: the reduced potential, amplitudes, variables and domain. panels: the boxes; nodes [P, d], rho [P, d] and
    log_m [d, m, P]: N, ρ and the logarithms of the proved suprema M of every axis and amplitude; omitted: proved bounds
    of ∫ |f| e^{−(V − level)} over everything outside the panels.
    """

    problem: quadratic.Reduced
    level: fmpq
    panels: Panels
    nodes: np.ndarray
    rho: np.ndarray
    log_m: np.ndarray
    omitted: tuple[arb, ...]
    value: Scaled


def gibbs_integrals(
    loss: object,
    amplitudes: Sequence[object],
    variables: Sequence[sp.Symbol],
    t: Exact,
    *,
    prior: object = 1,
    domain: Sequence[tuple[object, object]] | None = None,
    eliminate: bool = True,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Scaled:
    """Balls that contain ∫_D f e^{−t·loss} prior dw for every f in `amplitudes`, at the current precision, d ≤ 3.

    loss, prior, amplitudes: real-analytic sympy expressions in `variables` with exact coefficients; t > 0 rational.
    domain: one pair (lower, upper) per variable, exact numbers or ±oo; None is R^d. eliminate: integrate variables in
    which everything is quadratic exactly. The radius is about 10^{−digits} of ∫ |f| e^{−t·loss} prior.

    Raises `BadInput` (complex-valued, not analytic, not an interval) and `NotCertified` (no proof of decay, a pole or a
    branch point in the domain, more than `max_evaluations` nodes); never returns an unproved number.
    """
    return record(
        loss, amplitudes, variables, t,
        prior=prior, domain=domain, eliminate=eliminate, max_evaluations=max_evaluations,
    ).value  # fmt: skip


def record(
    loss: object,
    amplitudes: Sequence[object],
    variables: Sequence[sp.Symbol],
    t: Exact,
    *,
    prior: object = 1,
    domain: Sequence[tuple[object, object]] | None = None,
    eliminate: bool = True,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Record:
    """The integrals of `gibbs_integrals` with the panels, ellipses and bounds that prove them."""
    potential, fs, where = _problem(loss, amplitudes, variables, t, prior, domain)
    full = quadratic.Reduced(potential, fs, where)
    reduced = quadratic.eliminate(full) if eliminate else full
    if not reduced.domain.variables:
        return _without_variables(reduced)
    integrand, level, region = _located(full, reduced)
    return _integrate(reduced, integrand, level, region, max_evaluations)


def _problem(
    loss: object, amplitudes: Sequence[object], variables: Sequence[sp.Symbol], t: Exact, prior: object, domain: Any
) -> tuple[Any, tuple[Any, ...], Domain]:
    names = tuple(variables)
    if not 1 <= len(names) <= 3:
        raise BadInput(f"`gauss.gibbs_integrals` takes 1, 2 or 3 variables; it was given {len(names)}")
    refuse_repeated(names)
    if not rational(t) > 0:
        raise BadInput(f"`gauss.gibbs_integrals` needs t > 0; it was given t = {t}")
    exponent, weight = exponent_and_amplitude(exact(prior))
    potential = sp.Rational(str(rational(t))) * sp.sympify(exact(loss)) + exponent
    fs = tuple(sp.sympify(exact(f)) * weight for f in amplitudes)
    for expr in (potential, *fs):
        refuse_non_analytic(expr)
        foreign = expr.free_symbols - set(names)
        if foreign:
            raise BadInput(f"the integrand holds {sorted(map(str, foreign))}, which are not among the variables")
    return potential, fs, Domain.of(names, domain)


def _without_variables(reduced: quadratic.Reduced) -> Record:
    """Everything was Gaussian: closed forms, the values at the one point of a box without sides."""
    level = fmpq(math.floor(float(ball(reduced.potential))))
    factor = (arb(level) - ball(reduced.potential)).exp()
    value = Scaled(level, tuple(ball(f) * factor for f in reduced.amplitudes))
    m = len(reduced.amplitudes)
    no_axis = np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((0, m, 1))
    return Record(reduced, level, Panels(((),), ((),)), *no_axis, (arb(0),) * m, value)


def _located(full: quadratic.Reduced, reduced: quadratic.Reduced) -> tuple[Integrand, fmpq, Region]:
    """The compiled integrand, the level, and a bounded region with a proved bound outside it."""
    integrand = Integrand(reduced.potential, reduced.amplitudes, reduced.domain.variables)
    low, high = reduced.domain.float_ends()
    refuse_complex((reduced.potential, *reduced.amplitudes), reduced.domain)
    centre, bottom = hull.lowest_point(integrand, low, high)
    if not math.isfinite(bottom):
        raise NotCertified("the potential has no finite value at any sampled point of the domain; check its logarithms")
    level = steering.dyadic(bottom, 40)
    integrand.level = float(arb(level))
    m = 2 * (current_digits() * math.log(10) + 3) + 20
    try:
        region = confine(reduced.potential, reduced.amplitudes, reduced.domain, level, centre, m)
    except NotCertified:
        if reduced is full:
            raise
        region = _unreduced_region(full, reduced, level, centre, m)
    return integrand, level, region


def _unreduced_region(
    full: quadratic.Reduced, reduced: quadratic.Reduced, level: fmpq, centre: np.ndarray, m: float
) -> Region:
    """The tail of ∫ |∫ f e^{−V} da| db from that of ∫ |f| e^{−V} da db."""
    kept = [full.domain.variables.index(v) for v in reduced.domain.variables]
    start = np.zeros(len(full.domain.variables))
    start[kept] = centre
    whole = confine(full.potential, full.amplitudes, full.domain, level, start, m)
    return Region(whole.low[kept], whole.high[kept], whole.tails)


def _integrate(
    problem: quadratic.Reduced, integrand: Integrand, level: fmpq, region: Region, max_evaluations: int
) -> Record:
    budget = current_digits() * math.log(10) + 2
    centre = np.clip(hull.lowest_point(integrand, region.low, region.high)[0], region.low, region.high)
    found = hull.find(integrand, region.low, region.high, centre, budget)
    log_tolerance = found.log_sizes - budget
    lows, highs, fitted, tops, dropped = _panelled(integrand, found, log_tolerance, problem.domain, max_evaluations)
    panels = _exact_panels(lows, highs, problem.domain)
    sums = summation.panel_sums(integrand, level, panels, fitted, tops)
    omitted = tuple((a + b + c).upper() for a, b, c in zip(region.tails, found.outside, dropped, strict=True))
    balls = tuple(s + arb(0, e) for s, e in zip(sums, omitted, strict=True))
    return Record(problem, level, panels, fitted.nodes, fitted.rho, fitted.log_m, omitted, Scaled(level, balls))


def _panelled(
    integrand: Integrand, found: hull.Hull, log_tolerance: np.ndarray, domain: Domain, max_evaluations: int
) -> tuple[np.ndarray, np.ndarray, Ellipses, np.ndarray, tuple[arb, ...]]:
    """(ends [P, d] of the panels, their ellipses, log of about what each contributes, bounds of what was dropped).

    Panels for which no good ellipse is proved are halved and tried again.
    """
    d = len(integrand.variables)
    share = math.log(16 * d)
    lows, highs = subdivide(integrand, found.low, found.high, log_tolerance, share)
    share = max(share, math.log(3 * d * len(lows)))
    none = np.empty((0, d))
    done = [(none, none, none.astype(int), none, np.empty((d, len(log_tolerance), 0)), none.sum(axis=1))]
    dropped = [arb(0) for _ in log_tolerance]
    cost = 0.0
    for attempt in range(ATTEMPTS):
        steered = plan(integrand, lows, highs, log_tolerance, share)
        keep, bounds = _drop(integrand, lows, highs, steered, log_tolerance, share)
        dropped = [a + b for a, b in zip(dropped, bounds, strict=True)]
        lows, highs, steered = lows[keep], highs[keep], Plan(*(part[keep] for part in steered))
        if not len(lows):
            break
        fitted = fit_ellipses(integrand, _exact_panels(lows, highs, domain), steered, log_tolerance, share)
        hopeless = (fitted.nodes >= HOPELESS).any(axis=1)
        own = fitted.nodes.astype(float).prod(axis=1)
        poor = hopeless | (own > 4 * np.minimum(steered.cost(), 1e9) + 10 * OVERHEAD[d])
        tiny = (highs - lows < SMALLEST * (found.high - found.low)).any(axis=1)
        if attempt == ATTEMPTS - 1 or (hopeless & tiny).any():
            _refuse_singular(integrand, lows[hopeless], highs[hopeless])
            poor = hopeless
        good = ~poor
        top = steered.top + np.log(highs - lows).sum(axis=1)
        done.append(
            (lows[good], highs[good], fitted.nodes[good], fitted.rho[good], fitted.log_m[:, :, good], top[good])
        )
        cost += own[good].sum()
        _check_cost(cost, max_evaluations)
        if not poor.any():
            break
        lows, highs = _halved(lows[poor], highs[poor], (fitted.nodes / np.minimum(steered.nodes, 1e3))[poor])
    lows, highs, nodes, rho, log_m, tops = zip(*done, strict=True)
    ellipses = Ellipses(np.concatenate(nodes), np.concatenate(rho), np.concatenate(log_m, axis=2))
    return np.concatenate(lows), np.concatenate(highs), ellipses, np.concatenate(tops), tuple(dropped)


def _halved(lows: np.ndarray, highs: np.ndarray, excess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both halves of the panels, along the axis with the largest excess."""
    rows, axis = np.arange(len(lows)), excess.argmax(axis=1)
    middle = (lows[rows, axis] + highs[rows, axis]) / 2
    first, second = highs.copy(), lows.copy()
    first[rows, axis] = second[rows, axis] = middle
    return np.concatenate([lows, second]), np.concatenate([first, highs])


def _refuse_singular(integrand: Integrand, lows: np.ndarray, highs: np.ndarray) -> None:
    if len(lows):
        middle = (lows[0] + highs[0]) / 2
        place = ", ".join(f"{v} = {x:.6g}" for v, x in zip(integrand.variables, middle, strict=True))
        raise NotCertified(
            f"the integrand could not be proved analytic near {place}: a pole, a branch point or a singular end lies "
            "there; restrict the domain, or substitute the singularity away"
        )


def _check_cost(cost: float, max_evaluations: int) -> None:
    if cost > max_evaluations:
        raise NotCertified(
            f"about {cost:.2g} evaluations of the integrand are needed, more than max_evaluations = {max_evaluations}; "
            "ask for fewer digits, raise the limit, or rescale the variables (a pole near the domain has the same effect)"
        )


def _drop(
    integrand: Integrand, lows: np.ndarray, highs: np.ndarray, steered: Plan, log_tolerance: np.ndarray, share: float
) -> tuple[np.ndarray, tuple[arb, ...]]:
    """(which panels to keep [P], bounds of the integrals over the others): those proved negligible on a few boxes."""
    d = lows.shape[1]
    keep = np.ones(len(lows), dtype=bool)
    total = [arb(0) for _ in log_tolerance]
    volume = np.log(np.nextafter(highs - lows, np.inf)).sum(axis=1)
    idle = np.nonzero(steered.top + volume + share < 0)[0]
    if not len(idle):
        return keep, tuple(total)
    pieces = 8 if d < 3 else 4
    edges = [
        lows[idle, i, None] + (highs[idle, i] - lows[idle, i])[:, None] * np.arange(pieces + 1) / pieces
        for i in range(d)
    ]
    boxes = []
    for i, edge in enumerate(edges):
        edge[:, -1] = highs[idle, i]
        shape = [len(idle)] + [1] * d
        shape[1 + i] = pieces
        boxes.append(Rectangles((edge[:, :-1].reshape(shape), edge[:, 1:].reshape(shape))))
    bounds = integrand.logarithms(*boxes).reshape(len(log_tolerance), len(idle), -1).max(axis=2) + volume[idle]
    proved = (bounds - log_tolerance[:, None]).max(axis=0) + share < 0
    keep[idle[proved]] = False
    for i, row in enumerate(bounds):
        for bound in row[proved]:
            total[i] += arb(float(bound) + 1e-9 * (1 + abs(float(bound)))).exp().upper() if bound > -np.inf else arb(0)
    return keep, tuple(total)


def _exact_panels(lows: np.ndarray, highs: np.ndarray, domain: Domain) -> Panels:
    """Float cuts are exact; where a panel touches the end of the domain it ends there exactly."""
    float_low, float_high = domain.float_ends()
    ends = [[ball(e) if e.is_finite else arb(0) for e in pair] for pair in domain.ends]

    def exactly(row: np.ndarray) -> tuple[arb, ...]:
        return tuple(
            ends[i][0] if x == float_low[i] else ends[i][1] if x == float_high[i] else arb(float(x))
            for i, x in enumerate(row)
        )

    return Panels(tuple(map(exactly, lows)), tuple(map(exactly, highs)))
