"""The certified trapezoid rule for ∫_{R^d} f e^{−tL} dw, d = 1, …, 4, where L and f are polynomials with sines
and cosines; many f in one pass.

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

**T3.** w = x0 + A y with exact dyadic x0 and A, so that the polynomial in y is exact; before that shears w_i = v_i + q(v)
with a polynomial q of the other variables, of Jacobian 1 (`frames`). **T4.** Tails: see `tails`.

Recipe: steer in floating point (`steering`); prove the growth of P(y) = tL(x0 + Ay) − level (`tails`); find the live
boxes (`boxes.cover`); choose a_j and bound M_j (`lines`); choose h_j; sum the live grid points in ball
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

from numerics.analytic import exact, exponent_and_amplitude, refuse_repeated
from numerics.certificate import Certificate, Growth, Shear
from numerics.errors import NotCertified
from numerics.precision import Exact, current_digits, rational
from numerics.trapezoid import gridsum, steering
from numerics.trapezoid.boxes import Boxes, Cover, cover
from numerics.trapezoid.frames import flag_basis, simplifying_shears
from numerics.trapezoid.lines import PIECES, Line, Problem, bounded_line, first_certificate
from numerics.trapezoid.polynomial import terms_of
from numerics.trapezoid.shadow import FloatField, Majorants
from numerics.trapezoid.tails import Frame, Tail
from numerics.trapezoid.waves import Field, Wave, from_sympy
from theory.errors import BadInput

NO_GROWTH = (
    "the growth of the potential could not be proved in any frame (its leading form may vanish along a curve); "
    "give `frame`, a matrix whose rows are coordinates in which pure even powers dominate, or add a prior"
)
FINEST = {1: 0.1, 2: 0.4, 3: 0.8, 4: 1.2}
MANY_CELLS = 50_000
CELLS_ACROSS = 4
MAX_BOXES = 300_000


class Result(NamedTuple):
    """Integrals e^{−level}·balls[i], and for each the certificate, which `certificate.check` can verify."""

    level: fmpq
    balls: tuple[arb, ...]
    certificates: tuple[Certificate, ...]

    @property
    def certificate(self) -> Certificate:
        """The certificate of the first integral."""
        return self.certificates[0]


class Coordinates(NamedTuple):
    """w = shears(centre + matrix·y), P(y) = t·loss − level: what leads from the problem in y back to the one in w."""

    level: fmpq
    centre: list[fmpq]
    matrix: list[list[fmpq]]
    shears: tuple[Shear, ...]


def gibbs_integrals(
    loss: object,
    amplitudes: Sequence[object],
    variables: Sequence[sp.Symbol],
    t: Exact,
    *,
    prior: object = 1,
    frame: Sequence[Sequence[Exact]] | None = None,
    max_points: int = 20_000_000,
) -> Result:
    """Balls that contain ∫_{R^d} f e^{−t·loss} prior dw for every f in `amplitudes`, at the current precision, d ≤ 4.

    loss and amplitudes: polynomials in `variables` with sines and cosines of linear forms, rational coefficients, in the
    loss with constant coefficients before the sines and cosines; prior: such an amplitude times exp(such a loss);
    t > 0 rational. frame: an optional invertible matrix B; tails are then also tried in the coordinates B v, v the
    variables after the shears of `frames.simplifying_shears` (v = w if there are none). max_points bounds the live
    cells of the grid.

    Raises `BadInput` where the integral diverges and for no amplitude, `NotCertified` where no proof is found.
    """
    names = tuple(variables)
    if not 1 <= len(names) <= 4:
        raise BadInput(f"the trapezoid rule is for 1 to 4 variables; it was given {len(names)}")
    refuse_repeated(names)
    if not amplitudes:
        raise BadInput("the trapezoid rule needs at least one amplitude to integrate")
    exponent, weight = exponent_and_amplitude(exact(prior))
    potential = from_sympy(exact(loss) * _sympy(rational(t)) + exponent, names)
    fs = [from_sympy(exact(f) * weight, names) for f in amplitudes]
    if not all(_constant_amplitudes(wave) for wave in potential.waves):
        raise NotCertified("in the loss, sines and cosines may have constant coefficients only; expand or rewrite it")
    _refuse_divergent(potential.polynomial, names)
    shears = simplifying_shears(potential)
    for shear in shears:
        potential, fs = potential.sheared(shear), [f.sheared(shear) for f in fs]
    if shears:
        _refuse_divergent(potential.polynomial, names)  # the volume is the same, so a falling ray proves it here too
    centre, matrix = _steer(potential)
    if fmpq_mat(matrix).det() == 0:  # a direction along which the potential never rises has no scale
        raise NotCertified(NO_GROWTH)
    p = potential.affine(centre, matrix)
    level = steering.dyadic(float(FloatField(p)(np.zeros((1, len(names))))[0]), 40)
    p = Field(p.polynomial - level, p.waves)
    fs_y = tuple(f.affine(centre, matrix) for f in fs)
    budget = current_digits() * math.log(10) + 3
    frames = _frames(potential.polynomial, centre, matrix, frame)
    problem = Problem(p, fs_y, tuple(f.majorant() for f in fs_y), frames, budget)
    return _integrate(problem, Coordinates(level, centre, matrix, shears), max_points)


def _sympy(value: fmpq) -> sp.Rational:
    return sp.Rational(int(value.p), int(value.q))


def _constant_amplitudes(wave: Wave) -> bool:
    return wave.cosine.is_constant() and wave.sine.is_constant()


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


def _steer(potential: Field) -> tuple[list[fmpq], list[list[fmpq]]]:
    d = potential.dimension
    coarse = [
        steering.dyadic(float(x) if abs(x) > 1e-30 else 0.0, 53) for x in steering.minimum(potential, spread=True)
    ]
    near = potential.affine(coarse, [[fmpq(int(i == j)) for j in range(d)] for i in range(d)])
    where = steering.minimum(near, spread=False)  # again, where the floats no longer cancel
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


def _integrate(problem: Problem, coordinates: Coordinates, max_points: int) -> Result:
    d = problem.dimension
    tail = first_certificate(problem, 3 * problem.budget)
    if tail is None:
        raise NotCertified(NO_GROWTH)
    p = FloatField(problem.p)
    boxes = _live_boxes(problem, p, tail)
    cut = _cut(problem, tail)
    samples = steering.Samples(problem.p, boxes.live, cut)
    sizes = Majorants(problem.majorants).above(np.abs(samples.points))
    estimates = [samples.log_integral(size) for size in sizes.T]
    lines: list[Line] = []
    for axis in range(d):
        lines.append(
            bounded_line(problem, axis, samples, estimates, [float(arb(line.step)) for line in lines], tail.frame)
        )
    steps = [line.step for line in lines]
    boxes = _finer(p, boxes, cut, np.array([float(arb(step)) for step in steps]))
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
    growths = tuple(_growth(line.tail) for line in lines)
    certificates = tuple(
        Certificate(
            coordinates.level, tuple(coordinates.centre), tuple(map(tuple, coordinates.matrix)), determinant, tuple(steps),
            tuple(line.shift for line in lines), tuple(line.masses[i] for line in lines), _growth(tail), growths,
            tails[i], ball, total.points, coordinates.shears,
        )
        for i, ball in enumerate(balls)
    )  # fmt: skip
    return Result(coordinates.level, balls, certificates)


def _growth(tail: Tail) -> Growth:
    """The claim of a tail as plain exact data."""
    frame = tail.frame
    return Growth(
        tuple(map(tuple, frame.matrix)), tuple(map(tuple, frame.inverse)), tuple(frame.shift),
        tail.radii, tail.powers, fmpq(*tail.m.as_integer_ratio()), tail.squares,
    )  # fmt: skip


def _cut(problem: Problem, tail: Tail) -> float:
    """P > cut is dead: so large that the boxes there weigh nothing beside the error allowed."""
    reach = tail.enclosing
    bounds = Majorants(problem.majorants).above(np.stack([reach, np.ones(problem.dimension)]))
    growth = float(np.log(bounds[0] / bounds[1]).max())
    return problem.budget + 5 + max(float(np.log(2 * reach).sum()), 0.0) + max(growth, 0.0)


def _live_boxes(problem: Problem, p: FloatField, tail: Tail) -> Cover:
    d = problem.dimension
    start = Boxes.around(tail.enclosing, PIECES[d])
    return cover(p, start, _cut(problem, tail), finest=np.full(d, FINEST[d]))


def _finer(p: FloatField, boxes: Cover, cut: float, h: np.ndarray) -> Cover:
    """The live boxes again, cut finer where they hold many grid points."""
    cells = np.prod(2 * boxes.live.radii / h + 1, axis=1)
    if cells.sum() < MANY_CELLS:
        return boxes
    finest = np.minimum(FINEST[len(h)], CELLS_ACROSS * h / 2)
    again = cover(p, boxes.live, cut, finest=finest, max_boxes=MAX_BOXES)
    return again.joined(boxes)


def _tail_bounds(problem: Problem, lines: list[Line], tail: Tail) -> list[arb]:
    """The tail of the grid sum, for every f."""
    upper_steps = [float(arb(line.step)) for line in lines]
    return tail.bounds(problem.majorants, upper_steps)


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
