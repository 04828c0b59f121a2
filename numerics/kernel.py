"""The stationary law of SGLD at a finite step, from the chain itself: its transition on a grid, solved for law and correlations.

Idea. The chain w' = w − (ε/2) D g(w) + √ε D^{1/2} ξ, ε = e/t, has no density in closed form, but in one and two variables its
transition can be written down on a grid (`numerics.transition`), and then everything is linear algebra:

    the law              π = πP
    expectations         E φ = Σ π φ
    lags                 Cov(φ(w_k), ψ(w_0)) = Σ π ψ̃ P^k φ̃,                      φ̃ = φ − Eφ
    long-run variances   Σ_{k∈Z} Cov(φ(w_{sk}), ψ(w_0)) = Σ π (ψ̃ u_φ + φ̃ u_ψ − φ̃ψ̃),    (1 − P^s) u_φ = φ̃
    burn-in              E[φ(w_k) | w_0 = w*] = (P^k φ)(w*)

No expansion in 1/t or e is made, no Gaussian shape assumed: a road to the law that shares nothing with `theory.langevin`.

**What is proved and what is estimated.** Nothing here is proved. Every number is a ball whose radius is an *estimated* error: the
same number from a coarser grid and from a narrower box, SAFETY times the two changes added up. Both errors fall exponentially with
the squares of the fineness and the width, so the changes far exceed the errors of the number itself, which is of the finest.

Solving. Doubles factorise I − P + 1cᵀ; corrections from residuals in balls then bring the digits of the current precision. In two
variables with gradient noise the matrix itself is in doubles and so are the results.

Reading order: `stationary`, `Kernel`; `_Solved` (one grid), `_refined`, `_plan` (how fine, how wide).
Reference: K. E. Atkinson, "The Numerical Solution of Integral Equations of the Second Kind" (1997), chapter 4 (Nyström's method).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce
from operator import mul
from typing import Any

import numpy as np
import scipy.linalg
import sympy as sp
from flint import arb, ctx

from numerics.precision import current_digits
from numerics.transition import Grid, Step, Vector, floats, on_points, transition, vector
from theory.errors import BadInput
from theory.jets import exact
from theory.langevin import refuse_unstable
from theory.minimum import locate

SAFETY = 4
COARSER, NARROWER = 1.1, 1.1
MOST_POINTS = 6000
FEWEST = 8  # digits that a grid is made for at least: below, the two errors are not yet exponentially small
DOUBLES = 15  # digits of a matrix in doubles


def stationary(
    loss: sp.Expr, variables: sp.Symbol | Sequence[sp.Symbol], t: Any, e: Any, *, at: Any = None, gamma: Any = 0,
    noise: Mapping[tuple[int, ...], sp.Expr] | None = None, losses: Sequence[sp.Expr] | None = None, batch: int | None = None,
    preconditioner: Any = None, spread: Sequence[float] | None = None,
) -> "Kernel":  # fmt: skip
    """The chain with step ε = e/t for U = tL + (γ/2)|w − w*|², in one or two variables, at the current precision.

    noise[(i, j)]: Gaussian gradient noise of covariance t G_ij(w), as in `theory.langevin`. Or losses and batch: g is t times the
    mean gradient of `batch` of the equally likely `losses`, drawn with replacement; their mean must be `loss`. preconditioner: D,
    constant, symmetric, positive definite. spread: rough standard deviations of t^{1/2}(w − w*) in the frame of D^{1/2}HD^{1/2},
    for losses whose Hessian at w* does not tell.

    Raises `BadInput` for an unstable chain, for gradients that grow faster than linearly (the explicit chain then has no stationary
    law), for three variables or more, and for a grid that would need more than MOST_POINTS points.
    """
    variables = (variables,) if isinstance(variables, sp.Symbol) else tuple(variables)
    if len(variables) not in (1, 2):
        raise BadInput(f"the kernel is discretised in one or two variables; there are {len(variables)}")
    loss, t, e, gamma = exact(loss), exact(t), exact(e), exact(gamma)
    if not (t.is_positive and e.is_positive):
        raise BadInput(f"the kernel needs t > 0 and a step e > 0; they are {t} and {e}")
    where = locate(loss, variables, at)
    D = _preconditioner(preconditioner, len(variables))
    hessian = sp.hessian(loss, variables).subs(where)
    refuse_unstable(D, hessian, e)
    frame, curvatures = _frame(D, hessian)
    batches = _checked_batches(loss, losses, batch, noise, len(variables))
    if spread is not None and (len(spread) != len(variables) or not min(spread) > 0):
        raise BadInput(
            f"`spread` is one positive number for each of the {len(variables)} variables; it was given {spread}"
        )
    step = Step(
        loss, variables, tuple(sp.sympify(where[v]) for v in variables), t, e, gamma, frame, dict(noise or {}), *batches
    )
    _refuse_far_growth(step)
    return Kernel(step, _plan(step, curvatures, spread))


class Kernel:
    """The chain on three grids; every method gives a ball: the finest grid's number ± the estimated error (see module)."""

    def __init__(self, step: Step, grids: Sequence[Grid]):
        self.step = step
        self.points = math.prod(grids[0].sizes)
        self._solved = [_Solved(step, grid) for grid in grids]

    def expectation(self, phi: Any) -> arb:
        """E φ."""
        return self._estimated(lambda s: s.mean(s.values(phi)))

    def cumulant(self, observables: Sequence[Any]) -> arb:
        """The joint cumulant of one, two or three observables: beyond the mean, the mean of the product of the fluctuations."""
        if len(observables) == 1:
            return self.expectation(observables[0])
        if not 2 <= len(observables) <= 3:
            raise BadInput(f"the kernel gives cumulants of one, two or three observables; there are {len(observables)}")
        return self._estimated(lambda s: s.mean(reduce(mul, map(s.fluctuation, observables))))

    def covariance(self, phi: Any, psi: Any) -> arb:
        """Cov(φ, ψ)."""
        return self.cumulant((phi, psi))

    def lagged(self, phi: Any, psi: Any, lag: int) -> arb:
        """Cov(φ(w_k), ψ(w_0)), k = `lag`."""
        if lag < 0:
            phi, psi, lag = psi, phi, -lag
        return self._estimated(lambda s: s.mean(s.fluctuation(psi) * s.after(s.fluctuation(phi), lag)))

    def long_run(self, phi: Any, psi: Any, thin: int = 1) -> arb:
        """Σ_{k∈Z} Cov(φ(w_{sk}), ψ(w_0)), s = `thin`."""
        return self._estimated(lambda s: s.summed(s.fluctuation(phi), s.fluctuation(psi), _thinned(thin)))

    def estimator(self, phi: Any, psi: Any, thin: int = 1) -> arb:
        """V in Var Ĉ = V/(NC), Ĉ the sample covariance of φ and ψ: the long-run variance of φ̃ψ̃."""

        def value(s: "_Solved") -> arb:
            both = s.fluctuation(phi) * s.fluctuation(psi)
            both = both - s.mean(both)
            return s.summed(both, both, _thinned(thin))

        return self._estimated(value)

    def from_start(self, phi: Any, steps: int) -> arb:
        """E[φ(w_k) | w_0 = w*], k = `steps`."""
        return self._estimated(lambda s: s.after(s.values(phi), steps)[s.grid.centre])

    def _estimated(self, value: Callable[["_Solved"], arb]) -> arb:
        finest, *others = (value(solved) for solved in self._solved)
        error = SAFETY * sum((abs(finest - other) for other in others), arb(0))
        return finest + arb(0, error.upper())


class _Solved:
    """One grid: P and its law, and what follows from them."""

    def __init__(self, step: Step, grid: Grid):
        self.step, self.grid = step, grid
        self.operator = transition(step, grid)
        self.place = step.place(grid.points())
        self.exact_start = vector([arb(c) for c in self.operator.dense[grid.centre]])
        self._factors: dict[int, Any] = {}

    @cached_property
    def law(self) -> Vector:
        """π: (I − P + 1cᵀ)ᵀ π = c, c the doubles of the row P(w*, ·)."""
        c = self.exact_start

        def apply(law: Vector) -> Vector:
            return law - self.operator.push(law) + c * law.sum()

        law = _refined(apply, self._solver(1, transposed=True), c)
        return law / law.sum()

    def values(self, phi: Any) -> Vector:
        return on_points(phi, self.step.variables, self.place)

    def mean(self, f: Vector) -> arb:
        return (self.law * f).sum()

    def fluctuation(self, phi: Any) -> Vector:
        f = self.values(phi)
        return f - self.mean(f)

    def after(self, f: Vector, steps: int) -> Vector:
        if not isinstance(steps, int | np.integer) or steps < 0:
            raise BadInput(f"the chain makes a whole number of steps ≥ 0; it was given {steps}")
        for _ in range(steps):
            f = self.operator.after(f)
        return f

    def summed(self, f: Vector, g: Vector, thin: int) -> arb:
        return self.mean(g * self.poisson(f, thin) + f * self.poisson(g, thin) - f * g)

    def poisson(self, f: Vector, thin: int) -> Vector:
        """u with (1 − P^s) u = f, for Σπf = 0: (I − P^s + 1cᵀ) u = f has cᵀu = 0."""
        c = self.exact_start
        return _refined(lambda u: u - self.after(u, thin) + (c * u).sum(), self._solver(thin), f)

    def _solver(self, thin: int, *, transposed: bool = False) -> Callable[[np.ndarray], np.ndarray]:
        if thin not in self._factors:
            power = np.linalg.matrix_power(self.operator.dense, thin)
            matrix = np.eye(len(power)) - power + self.operator.dense[self.grid.centre][None, :]
            self._factors[thin] = scipy.linalg.lu_factor(matrix)
        return lambda b: scipy.linalg.lu_solve(self._factors[thin], b, trans=int(transposed))


def _refined(apply: Callable[[Vector], Vector], solve: Callable[[np.ndarray], np.ndarray], b: Vector) -> Vector:
    """x with apply(x) = b: x += solve(b − apply(x)) until a correction no longer shrinks or lies below the precision."""
    x = vector([arb(0)] * len(b))
    residual, before = b, math.inf
    while True:
        size = max(abs(c.mid()) for c in residual)
        if size == 0:
            return x
        # Residuals may be far below the smallest double: each is scaled to one.
        correction = solve(floats(residual / size))
        moved = vector(c.mid() for c in x + size * vector(map(arb, correction)))
        largest = float(size) * float(np.abs(correction).max())
        if not largest < before / 16:
            return x
        x, before = moved, largest
        if largest <= 2.0**-ctx.prec * max(float(abs(c)) for c in x):
            return x
        residual = b - apply(x)


def _plan(step: Step, curvatures: Sequence[float], spread: Sequence[float] | None) -> list[Grid]:
    """The finest grid, a coarser one and a narrower one, for the current digits.

    The spacing that makes exp(−2π²e/δ²), and the half-width that makes exp(−X²/2S), the precision of the *coarser* grids.
    """
    doubles = step.d == 2 and step.noisy
    nats = max(FEWEST, min(current_digits(), DOUBLES) if doubles else current_digits()) * math.log(10)
    e = float(step.e)
    widths = list(spread) if spread is not None else _spreads(step, curvatures)
    spacings = [min(math.pi * math.sqrt(2 * e / nats), width) / COARSER for width in widths]
    halves = [NARROWER * width * math.sqrt(2 * nats) for width in widths]

    def grid(coarser: float, dropped: Callable[[int], int]) -> Grid:
        steps = tuple(_dyadic(coarser * delta) for delta in spacings)
        sides = (math.ceil(half / delta) for half, delta in zip(halves, steps, strict=True))
        return Grid(steps, tuple(m - dropped(m) for m in sides))

    finest = grid(1, lambda _: 0)
    if math.prod(finest.sizes) > MOST_POINTS:
        raise BadInput(
            f"the kernel would need {math.prod(finest.sizes)} points for {current_digits()} digits at e = {step.e}; "
            f"ask for fewer digits or take a larger step ({MOST_POINTS} is the most)"
        )
    # The narrower box loses a node at least, or nothing would be seen of its width.
    return [finest, grid(COARSER, lambda _: 0), grid(1, lambda m: math.ceil(m * (1 - 1 / NARROWER)))]


def _spreads(step: Step, curvatures: Sequence[float]) -> list[float]:
    """√S_i of the linear chain, S = (e + added)/(1 − a²); 1 + t^{−1/2} leaves room for the rest of the loss."""
    if min(curvatures) <= 0:
        raise BadInput("the Hessian at w* does not bound the chain; give `spread`, its rough standard deviations")
    e, zero = float(step.e), [vector([arb(0)]) for _ in step.variables]
    extra = [0.0] * step.d
    if step.noise:
        extra = [float(step.added(zero)[i][i][0].mid()) for i in range(step.d)]
    if step.losses:
        kicks = step.kicks(zero)
        extra = [sum(float(k[i][0].mid()) ** 2 for k in kicks) / len(kicks) / step.batch for i in range(step.d)]
    factors = [1 - e * c / 2 for c in curvatures]
    room = 1 + 1 / math.sqrt(float(step.t))
    return [room * math.sqrt((e + x) / (1 - a * a)) for a, x in zip(factors, extra, strict=True)]


def _dyadic(delta: float) -> float:
    """delta > 0 rounded down to twelve binary places, or to eight digits where it is small."""
    unit = 2.0 ** max(12, 8 - math.frexp(delta)[1])
    return math.floor(delta * unit) / unit


def _preconditioner(given: Any, d: int) -> sp.Matrix:
    D = (
        sp.eye(d)
        if given is None
        else sp.Matrix([given] if isinstance(given, int | sp.Expr) else given).applyfunc(exact)
    )
    if D.shape != (d, d) or D.free_symbols:
        raise BadInput(f"the preconditioner is a constant {d} × {d} matrix; it was given {D.tolist()}")
    return D


def _frame(D: sp.Matrix, H: sp.Matrix) -> tuple[tuple[tuple[sp.Expr, ...], ...], list[float]]:
    """C with CCᵀ = D exactly and CᵀHC nearly diagonal, and that diagonal: D^{1/2} (Cholesky) times a rational rotation."""
    root = D.cholesky()
    if D.rows == 1:
        return ((root[0, 0],),), [float(D[0, 0] * H[0, 0])]
    M = np.array((root.T * H * root).evalf().tolist(), float)
    half_angle = math.atan2(2 * M[0, 1], M[0, 0] - M[1, 1]) / 4
    tau = sp.Rational(round(math.tan(half_angle) * 64), 64)
    c, s = (1 - tau**2) / (1 + tau**2), 2 * tau / (1 + tau**2)
    rotation = sp.Matrix([[c, -s], [s, c]])
    C = (root * rotation).applyfunc(sp.nsimplify)
    R = np.array(rotation.tolist(), float)
    return tuple(tuple(row) for row in C.tolist()), list(np.diag(R.T @ M @ R))


def _checked_batches(
    loss: sp.Expr, losses: Any, batch: int | None, noise: Any, d: int
) -> tuple[tuple[sp.Expr, ...], int]:
    if (losses is None) != (batch is None):
        raise BadInput("minibatches need both `losses` and `batch`; one of them is missing")
    if noise and any(len(indices) != 2 for indices in noise):
        raise BadInput("the kernel takes Gaussian noise, pairs (i, j) only; give `losses` and `batch` for the real one")
    for indices, value in (noise or {}).items():
        if not all(index in range(d) for index in indices):
            raise BadInput(f"the noise of the gradient has the indices 0 to {d - 1}; it was given {indices}")
        if len(set(indices)) == 1 and exact(value).is_negative:
            raise BadInput(f"a variance cannot be negative; the noise {indices} is {value}")
    if losses is None or batch is None:
        return (), 1
    if noise:
        raise BadInput("gradient noise is either `noise` or that of `losses` and `batch`, not both")
    if not isinstance(batch, int) or batch < 1:
        raise BadInput(f"a batch holds at least one loss; it was given {batch}")
    parts = tuple(exact(part) for part in losses)
    if not parts:
        raise BadInput("`losses` is empty; the chain's drift is the mean gradient of at least one")
    if sp.simplify(sp.Add(*parts) / len(parts) - loss).free_symbols:
        raise BadInput("the mean of `losses` is not `loss`; the chain's drift is the mean gradient")
    return parts, batch


FAR = (10**4, 10**6, 10**8)


def _refuse_far_growth(step: Step) -> None:
    """Far out each gradient must grow at most linearly and the mean step must contract."""
    angles = [0, 3, 6, 9] if step.d == 1 else list(range(12))
    rays = [(math.cos(math.pi * k / 6 + 0.1 * (step.d - 1)), math.sin(math.pi * k / 6 + 0.1)) for k in angles]
    rays = [(math.copysign(1, r[0]),) for r in rays] if step.d == 1 else rays
    for ray in rays:
        y = [vector([arb(c) * far for far in FAR]) for c in ray]
        norms = [float(sum((c[k] ** 2 for c in y), arb(0)).sqrt()) for k in range(len(FAR))]
        for kick in [[a - b for a, b in zip(y, step.drift(y), strict=True)], *step.kicks(y)]:
            ratios = [_norm(kick, k) / norms[k] for k in range(len(FAR))]
            if ratios[2] > 8 * ratios[1] > 64 * ratios[0]:
                raise BadInput(
                    "the gradient grows faster than linearly, so the explicit chain has no stationary law: it escapes; "
                    "take a loss with bounded Hessian"
                )
        if _norm(step.drift(y), 2) > 1.0001 * norms[2]:
            raise BadInput(
                "far out the step moves away from w*, so the chain has no stationary law; take a smaller e or a larger gamma"
            )


def _norm(y: Sequence[Vector], k: int) -> float:
    return float(sum((c[k] ** 2 for c in y), arb(0)).sqrt().mid())


def _thinned(thin: int) -> int:
    if not isinstance(thin, int | np.integer) or thin < 1:
        raise BadInput(f"draws are a whole number of steps, and at least one step apart; thin = {thin}")
    return thin


__all__ = ["Kernel", "stationary"]
