"""The certified trapezoid rule for ∫_{R^d} f e^{−tL} dw, d = 1, 2, 3, with polynomial L and many polynomial f in one
pass.

Idea
----
For an analytic integrand that decays, the trapezoid sum over the whole grid h·Z^d converges exponentially, and how
fast is told by the integrand on shifted lines.

**Theorem (T1, one variable; Trefethen and Weideman, SIAM Review 56 (2014), theorem 5.1).** Let g be analytic on a
neighbourhood of the strip |Im z| ≤ a and decay there, g real on R. Then T_h = h Σ_k g(kh) satisfies

    |T_h − ∫g| ≤ 2 M / (e^{2πa/h} − 1),   M = ∫ |g(x + ia)| dx.

*Proof.* Poisson summation: T_h − ∫g = Σ_{k≠0} ĝ(2πk/h); shifting the line of integration gives |ĝ(ξ)| ≤ M e^{−a|ξ|};
sum the geometric series.

**Theorem (T2, one variable at a time).** With steps h_j, shifts a_j > 0 and q_j = 1/(e^{2πa_j/h_j} − 1),

    |T_h − I| ≤ Σ_j 2 q_j M_j,   M_j = Σ_{x_i ∈ h_i Z, i<j} (Π_{i<j} h_i) ∫ |g(x + i a_j e_j)| dx_j … dx_d.

*Proof.* Replace ∫dx_1 by its sum, then ∫dx_2, …; step j is T1 in x_j. A bound of g on a box of half-widths r gives a
bound of M_j when each side 2r_i counts 2r_i (integrated) or 2r_i + h_i (already summed).

**T3.** w = x0 + A y with exact dyadic x0 and A, so that the polynomial in y is exact. **T4.** Tails: see `tails`.

Recipe: steer in floating point (`steering`); prove the growth of P(y) = tL(x0 + Ay) − level (`tails`); find the live
boxes (`boxes.cover`); choose a_j and bound M_j (`boxes.log_mass`); choose h_j; sum the live grid points in ball
arithmetic; add to the radius Σ 2q_jM_j, the tail, the dead boxes and the points left out (`gridsum`).

The errors are relative to ∫ |f| e^{−tL}, not to |∫ f e^{−tL}|: odd moments lose digits, and their balls say so.

Notation: Λ = digits·log 10 + 3 the budget; g_f(|y|) ≥ |f(y)| the majorant with coefficients |c_α|.
Reading order: `gibbs_integrals`, `Result`; what a certificate holds, and its independent check, in `certificate`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import sympy as sp
from flint import arb, fmpq, fmpq_mat, fmpq_mpoly

from numerics import gridsum, steering
from numerics.analytic import exact, exponent_and_amplitude
from numerics.boxes import Boxes, Cover, cover, log_mass
from numerics.certificate import Certificate, Growth
from numerics.errors import NotCertified
from numerics.frames import flag_basis
from numerics.polynomial import FloatPolynomial, affine, directional_parts, from_sympy, ring, terms_of
from numerics.precision import Exact, current_digits, rational
from numerics.tails import Frame, Tail, certify
from theory.errors import BadInput

ORIGIN = fmpq(0)
NO_GROWTH = (
    "the growth of the potential could not be proved in any frame (its leading form may vanish along a curve); "
    "give `frame`, a matrix whose rows are coordinates in which pure even powers dominate, or add a prior"
)
PIECES = {1: 32, 2: 16, 3: 8}
FINEST = {1: 0.1, 2: 0.4, 3: 0.8}


class Result(NamedTuple):
    """Integrals e^{−level}·balls[i], and for each the certificate, which `certificate.check` can verify."""

    level: fmpq
    balls: tuple[arb, ...]
    certificates: tuple[Certificate, ...]

    @property
    def certificate(self) -> Certificate:
        """The certificate of the first integral."""
        return self.certificates[0]


class Line(NamedTuple):
    """The bound on one family of shifted lines: shift a, step h, and M for every f."""

    shift: fmpq
    step: fmpq
    masses: tuple[arb, ...]
    tail: Tail


class Coordinates(NamedTuple):
    """w = centre + matrix·y, P(y) = t·loss − level: what leads from the problem in y back to the one in w."""

    level: fmpq
    centre: list[fmpq]
    matrix: list[list[fmpq]]


class Problem(NamedTuple):
    """P(y), the f(y), the majorants of the f, the frames in which tails may be certified, the budget Λ."""

    p: fmpq_mpoly
    fs: tuple[fmpq_mpoly, ...]
    majorants: tuple[fmpq_mpoly, ...]
    frames: tuple[Frame, ...]
    budget: float

    @property
    def dimension(self) -> int:
        return self.p.context().nvars()


def gibbs_integrals(
    loss: object,
    amplitudes: Sequence[object],
    variables: Sequence[sp.Symbol],
    t: Exact,
    *,
    prior: object = 1,
    frame: Sequence[Sequence[Exact]] | None = None,
    max_points: int = 40_000_000,
) -> Result:
    """Balls that contain ∫_{R^d} f e^{−t·loss} prior dw for every f in `amplitudes`, at the current precision, d ≤ 3.

    loss and amplitudes: polynomials in `variables` with rational coefficients; prior: a polynomial times
    exp(polynomial); t > 0 rational. frame: an optional invertible matrix B; tails are then also tried in the
    coordinates B w (useful where the growth of the loss is visible only in these). max_points bounds the cells of the
    grid.

    Raises `BadInput` where the integral diverges, `NotCertified` where no proof is found.
    """
    names = tuple(variables)
    exponent, weight = exponent_and_amplitude(exact(prior))
    t_exact = rational(t)
    potential = from_sympy(sp.expand(exact(loss)), names) * t_exact + from_sympy(sp.expand(exponent), names)
    fs = [from_sympy(sp.expand(exact(f) * weight), names) for f in amplitudes]
    _refuse_divergent(potential, names)
    centre, matrix = _steer(potential)
    if fmpq_mat(matrix).det() == 0:  # a direction along which the potential never rises has no scale
        raise NotCertified(NO_GROWTH)
    level = steering.dyadic(float(arb(potential(*centre))), 40)
    p = affine(potential, centre, matrix) - level
    fs_y = tuple(affine(f, centre, matrix) for f in fs)
    budget = current_digits() * math.log(10) + 3
    problem = Problem(p, fs_y, tuple(map(_majorant, fs_y)), _frames(potential, centre, matrix, frame), budget)
    return _integrate(problem, Coordinates(level, centre, matrix), max_points)


def _refuse_divergent(potential: fmpq_mpoly, names: tuple[sp.Symbol, ...]) -> None:
    """A ray along which the potential falls without bound is a proof of divergence: its top coefficient is negative."""
    d = len(names)
    for direction in np.stack(np.meshgrid(*([[-1, 0, 1]] * d), indexing="ij"), axis=-1).reshape(-1, d).tolist():
        if not any(direction):
            continue
        along = {}
        for alpha, c in terms_of(potential).items():
            along[sum(alpha)] = along.get(sum(alpha), fmpq(0)) + c * math.prod(
                v**e for v, e in zip(direction, alpha, strict=True)
            )
        top = max((k for k, c in along.items() if c != 0), default=0)
        if top > 0 and along[top] < 0:
            raise BadInput(
                f"the posterior cannot be normalised: along the ray {tuple(direction)} of {', '.join(map(str, names))} "
                "the potential falls without bound; add a confining term or a prior"
            )


def _steer(potential: fmpq_mpoly) -> tuple[list[fmpq], list[list[fmpq]]]:
    d = potential.context().nvars()
    coarse = [steering.dyadic(float(x), 53) for x in steering.minimum(potential, d, spread=True)]
    near = affine(potential, coarse, [[fmpq(int(i == j)) for j in range(d)] for i in range(d)])
    where = steering.minimum(near, d, spread=False)  # again, where the floats no longer cancel
    matrix = steering.axes(near, where)
    unit = steering.dyadic(2.0 ** math.floor(math.log2(float(np.abs(matrix).max(axis=1).min())) - 6), 8)
    centre = [
        ((c + steering.dyadic(float(x), 53)) / unit + fmpq(1, 2)).floor() * unit
        for c, x in zip(coarse, where, strict=True)
    ]
    largest = float(np.abs(matrix).max())
    rows = [[steering.dyadic(x if abs(x) > 1e-12 * largest else 0.0, 16) for x in row] for row in matrix]
    return centre, rows


def _frames(
    potential: fmpq_mpoly, centre: list[fmpq], matrix: list[list[fmpq]], extra: Sequence[Sequence[Exact]] | None
) -> tuple[Frame, ...]:
    """The grid's own coordinates y; the user's w, centred and not; those adapted to the flag; the user's frame."""
    d = len(centre)
    zero, one = [fmpq(0)] * d, [[fmpq(int(i == j)) for j in range(d)] for i in range(d)]
    inverse = fmpq_mat(matrix).inv().tolist()
    frames = [Frame(one, one, zero), Frame(matrix, inverse, zero), Frame(matrix, inverse, centre)]
    others = [] if extra is None else [fmpq_mat([[rational(x) for x in row] for row in extra])]
    adapted = flag_basis(potential)
    if adapted is not None and d > 1:
        others.append(adapted.inv())
    for b in others:
        s = b * fmpq_mat(matrix)
        frames.append(Frame(s.tolist(), s.inv().tolist(), zero))
    return tuple(frames)


def _majorant(f: fmpq_mpoly) -> fmpq_mpoly:
    return f.context().from_dict({alpha: abs(c) for alpha, c in terms_of(f).items()})


def _first_certificate(problem: Problem, m: float, axis: int | None = None, a: fmpq = ORIGIN) -> Tail | None:
    for frame in problem.frames:
        found = certify(problem.p, frame, m, axis=axis, a=a)
        if found is not None:
            return found
    return None


def _integrate(problem: Problem, coordinates: Coordinates, max_points: int) -> Result:
    d = problem.dimension
    tail = _first_certificate(problem, 3 * problem.budget)
    if tail is None:
        raise NotCertified(NO_GROWTH)
    p = FloatPolynomial(problem.p, d)
    boxes = _live_boxes(problem, p, tail)
    low = (boxes.live.centres - boxes.live.radii).min(axis=0)
    high = (boxes.live.centres + boxes.live.radii).max(axis=0)
    samples = steering.Samples(problem.p, low, high)
    estimates = [
        samples.log_integral(FloatPolynomial(g, d).absolute(np.abs(samples.points))) for g in problem.majorants
    ]
    lines: list[Line] = []
    for axis in range(d):
        lines.append(_line(problem, axis, samples, estimates, [float(arb(line.step)) for line in lines]))
    steps = [line.step for line in lines]
    total = gridsum.grid_sums(
        problem.p, problem.fs, problem.majorants, steps, boxes, estimates, problem.budget, max_points
    )
    determinant = abs(fmpq_mat(coordinates.matrix).det())
    tails = _tail_bounds(problem, lines, tail)
    errors = _errors(lines, tails)
    balls = tuple(
        (b + arb(0, (e + s).upper())) * arb(determinant)
        for b, e, s in zip(total.sums, errors, total.errors, strict=True)
    )
    first = Certificate(
        coordinates.level, tuple(coordinates.centre), tuple(map(tuple, coordinates.matrix)), determinant, tuple(steps),
        tuple(line.shift for line in lines), (), _growth(tail), tuple(_growth(line.tail) for line in lines),
        arb(0), arb(0), total.points,
    )  # fmt: skip
    certificates = tuple(
        first._replace(masses=tuple(line.masses[i] for line in lines), tail_bound=tails[i], value=ball)
        for i, ball in enumerate(balls)
    )
    return Result(coordinates.level, balls, certificates)


def _growth(tail: Tail) -> Growth:
    """The claim of a tail as plain exact data."""
    frame = tail.frame
    return Growth(
        tuple(map(tuple, frame.matrix)), tuple(map(tuple, frame.inverse)), tuple(frame.shift),
        tail.radii, tail.powers, fmpq(*tail.m.as_integer_ratio()),
    )  # fmt: skip


def _live_boxes(problem: Problem, p: FloatPolynomial, tail: Tail) -> Cover:
    d = problem.dimension
    reach = tail.enclosing
    volume = float(np.log(2 * reach).sum())
    growth = max(
        float(np.log(f.absolute(reach[None])[0]) - np.log(f.absolute(np.ones((1, d)))[0]))
        for f in (FloatPolynomial(g, d) for g in problem.majorants)
    )
    cut = problem.budget + 5 + max(volume, 0.0) + max(growth, 0.0)
    return cover(p, Boxes.around(reach, PIECES[d]), cut, finest=np.full(d, FINEST[d]))


def _line(problem: Problem, axis: int, samples: steering.Samples, estimates: list[float], steps: list[float]) -> Line:
    """The shift, the step and the proved masses M_axis; a smaller shift is tried where the bound comes out poor."""
    d = problem.dimension
    wanted = problem.budget + math.log(4 * d)
    a = samples.shift(axis, wanted)
    reference = samples.log_integral(np.ones(len(samples.values)))  # M ≥ |∫ e^{−P}| on every line
    best: Line | None = None
    for _ in range(6):
        shift = steering.dyadic(a, 8)
        tail = _first_certificate(problem, problem.budget / 2 + 30, axis, shift)
        if tail is not None:
            masses = _line_masses(problem, axis, shift, tail, steps, reference)
            excess = max(float(m.log()) - e for m, e in zip(masses, estimates, strict=True))
            if not math.isfinite(excess):
                a *= 0.75
                continue
            step = _floor_dyadic(2 * math.pi * a / (wanted + max(excess, 0.0)))
            if best is None or step > best.step:
                best = Line(shift, step, masses, tail)
            if excess < 0.6 * wanted:
                break
        a *= 0.75
    if best is None:
        raise NotCertified("the decay on shifted lines could not be proved in any frame; give `frame`, or add a prior")
    return best


def _floor_dyadic(x: float) -> fmpq:
    mantissa, exponent = math.frexp(x)
    return fmpq(math.floor(mantissa * 512)) * fmpq(2) ** (exponent - 9)


def _line_masses(
    problem: Problem, axis: int, a: fmpq, tail: Tail, steps: list[float], reference: float
) -> tuple[arb, ...]:
    """Proved upper bounds of M_axis for every f: boxes inside {N ≤ 1}, the tail bound outside."""
    d = problem.dimension
    direction = [fmpq(int(i == axis)) for i in range(d)]
    real_part = sum(
        (part * a ** (2 * k) for k, part in enumerate(directional_parts(problem.p, direction))), 0 * problem.p
    )
    widths = np.array(steps + [0.0] * (d - len(steps)))
    gap = max(1.2, 0.05 * problem.budget)
    mass = log_mass(FloatPolynomial(real_part, d), Boxes.around(tail.enclosing, PIECES[d]), widths, gap, reference)
    log_weights = np.log(2 * mass.boxes.radii + widths).sum(axis=1) - mass.infimum
    reach = np.abs(mass.boxes.centres) + mass.boxes.radii
    reach[:, axis] += float(arb(a))
    result = []
    for g in problem.majorants:
        inside = np.logaddexp.reduce(log_weights + np.log(FloatPolynomial(g, d).absolute(reach)))
        result.append((gridsum.inflated_exp(inside) + tail.bound(_shifted_majorant(g, axis, a), list(widths))).upper())
    return tuple(result)


def _shifted_majorant(g: fmpq_mpoly, axis: int, a: fmpq) -> fmpq_mpoly:
    """|f(y + i a e_axis)| ≤ g(…, |y_axis| + a, …)."""
    y = ring(g.context().nvars()).gens()
    return g.compose(*(v + a if i == axis else v for i, v in enumerate(y)), ctx=g.context())


def _tail_bounds(problem: Problem, lines: list[Line], tail: Tail) -> list[arb]:
    """The tail of the grid sum, for every f."""
    upper_steps = [float(arb(line.step)) for line in lines]
    return [tail.bound(g, upper_steps) for g in problem.majorants]


def _errors(lines: list[Line], tails: list[arb]) -> list[arb]:
    """Σ_j 2 q_j M_j plus the tail of the grid sum, for every f."""
    errors = list(tails)
    for line in lines:
        q = 1 / (2 * arb.pi() * arb(line.shift) / arb(line.step)).expm1()
        errors = [e + 2 * q * m for e, m in zip(errors, line.masses, strict=True)]
    if not all(e.is_finite() for e in errors):
        raise NotCertified("an observable grows too fast for the tail bound; lower its degree or ask for more digits")
    return errors


__all__ = ["Certificate", "Result", "gibbs_integrals"]
