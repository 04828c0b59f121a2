"""Property tests for *your* sampler and *your* estimators: those that this suite's own have to pass.

A sampler is any function that runs SGLD on a task and returns draws; an estimator is any function from traces to numbers. Neither
needs jax: the losses of the tasks are plain arithmetic on the entries of w, which numpy, jax and torch all understand.

    from ledger import testing

    def my_sampler(task):            # -> array (chains, draws, d)
        ...                          # w ← w − ε/2 [nβ ∇L_m(w) + γ(w − w*)] + √ε ξ,  kept after burn-in, each thin-th

    def my_estimator(traces):        # -> {"llc": (value, standard error), "covariance": …, "susceptibility": …}
        ...

    @pytest.mark.parametrize("task", testing.TASKS, ids=str)
    def test_my_sampler(task):
        testing.check_sampler(my_sampler, task).require()

    def test_my_estimator():
        testing.check_estimator(my_estimator).require()

What is compared. SGLD at a finite step does not sample exp(−U), and short runs and few chains are where estimators go wrong. So
the draws are compared with the law of the *discrete* chain (`theory.langevin`: step, localisation, minibatch), and the estimators
with exact expectations over many short traces of a known law. Each comparison is a z-score at a false-alarm rate of 10⁻⁶ and states
which relative error it would have seen with probability 99% (`detects`). The expansion's last term is counted as an error.

What noise hides. The susceptibility of a short run scatters by several times its size, so 4000 runs do not see that it is 10% too
small. But an estimator symmetric in the draws and unbiased under every law is a quadratic polynomial in the losses (Halmos 1946,
Ann. Math. Stat. 17, 34), and its mean depends on pairs of draws only: 121 runs in which every pair of draws takes every pair of 11
values once give it exactly. No error but that of rounding is left there, and a bias of one part in a thousand shows.

The tasks: a localised quadratic; one without localisation at a large step; a start far from w* and a small step, where a burn-in
that is counted shows; a cubic, where means move; and minibatches. They catch, among others: a wrong scale of the noise or of the
gradient, missing localisation, a burn-in that is counted, a divisor N for N − 1, a sign, a missing baseline, standard errors that
forget the autocorrelation.

Reading order: `Task`, `TASKS`, `check_sampler`; `Traces`, `check_estimator`; `Report`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from scipy.special import chdtrc, ndtri

from sampler import diagnostics
from theory import langevin
from theory.errors import BadInput

FALSE_ALARM, POWER = 1e-6, 0.99
LEAST = -float(ndtri(FALSE_ALARM / 2))
SEEN = LEAST - float(ndtri(1 - POWER))

Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Task:
    """A posterior and a run: what a sampler is asked for.

    loss(w, z) is the loss of one example z, a row of `data`, by arithmetic on the entries of w; L_n is its mean over the rows. The
    chain is w ← w − (ε/2)[nβ ∇L_m(w) + γ(w − w*)] + √ε ξ from `start`, with L_m the mean over `batch` rows drawn with replacement,
    or L_n where batch is None. (In the convention w − s ∇U + √(2s) ξ the step is `s`.)
    """

    name: str
    loss: Loss
    data: np.ndarray  # (n, k)
    nbeta: float
    gamma: float
    epsilon: float
    start: np.ndarray  # (d,); w* is 0
    batch: int | None = None
    chains: int = 64
    draws: int = 200
    burn_in: int = 100
    thin: int = 10
    order: int = 3

    def __str__(self) -> str:
        return self.name

    @property
    def centre(self) -> np.ndarray:
        return np.zeros_like(self.start)

    @property
    def s(self) -> float:
        """ε/2, the step of the convention w ← w − s ∇U + √(2s) ξ."""
        return self.epsilon / 2

    def mean_loss(self, w: Any) -> Any:
        """L_n(w)."""
        return sum(self.loss(w, z) for z in self.data) / len(self.data)


def _quadratic(w: Any, z: Any) -> Any:
    return w[0] * w[0] + w[0] * w[1] / 2 + w[1] * w[1] / 2 + z[0] * w[0] + z[1] * w[1]


def _cubic(w: Any, z: Any) -> Any:
    return w[0] * w[0] / 2 + w[0] * w[0] * w[0] / 2 + w[0] * w[0] * w[0] * w[0] + z[0] * w[0]


_NONE = np.zeros((1, 2))
# Gradients at w* of the four kinds of examples; their mean is 0.
_KINDS = np.array([[0.5, 0.25], [-0.5, -0.25], [0.25, -0.5], [-0.25, 0.5]])

TASKS = (
    Task("localised", _quadratic, _NONE, 128, 192, 1 / 512, np.zeros(2)),
    Task("large step", _quadratic, _NONE, 128, 0, 1 / 128, np.zeros(2)),
    Task("far start", _quadratic, _NONE, 128, 32, 1 / 4096, np.array([2.0, -2.0]), burn_in=1500, thin=20),
    Task("cubic", _cubic, np.zeros((1, 1)), 2048, 0, 1 / 4096, np.zeros(1), chains=256),
    Task("minibatch", _quadratic, _KINDS, 128, 64, 1 / 512, np.zeros(2), batch=2),
)


class Row(NamedTuple):
    """One comparison: expected, found ± sem, z, and the error that it would have seen, relative to what is expected (infinite
    where that is 0: then it would have seen `seen`)."""

    quantity: str
    expected: float
    found: float
    sem: float
    z: float
    detects: float

    @property
    def holds(self) -> bool:
        return abs(self.z) < LEAST

    @property
    def seen(self) -> str:
        """The error that it would have seen, in % of what is expected or by itself."""
        return f"{100 * self.detects:.2g}%" if np.isfinite(self.detects) else f"{SEEN * self.sem:.2g}"


@dataclass(frozen=True)
class Report:
    """All comparisons of one subject; `ok` if none is further off than chance allows (10⁻⁶ each)."""

    subject: str
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        return all(row.holds for row in self.rows)

    def require(self) -> None:
        """Raise `AssertionError` with the table unless everything holds."""
        if not self.ok:
            raise AssertionError(f"\n{self}")

    def __str__(self) -> str:
        lines = [f"{self.subject}: " + ("as it should be" if self.ok else "not as it should be")]
        for row in self.rows:
            lines.append(
                f"  {'✓' if row.holds else '✗'} {row.quantity:<28} {row.found:.5g} ± {row.sem:.2g}, expected {row.expected:.5g}, "
                f"z = {row.z:.1f}, detects {row.seen}"
            )
        return "\n".join(lines)


def check_sampler(sample: Callable[[Task], Any], task: Task) -> Report:
    """Compare the draws of `sample(task)`, an array (chains, draws, d), with the law of the discrete chain.

    Compared: the means and second cumulants of the weights, the third in one dimension, the LLC nβ⟨L_n − L_n(w*)⟩. Raises
    `BadInput` for draws of another shape or that are not finite.
    """
    draws = np.asarray(sample(task), np.float64)
    d, shape = len(task.start), (task.chains, task.draws, len(task.start))
    if draws.shape != shape:
        raise BadInput(f"task {task}: the draws have shape {draws.shape}; return an array (chains, draws, d) = {shape}")
    if not np.isfinite(draws).all():
        raise BadInput(f"task {task}: {int((~np.isfinite(draws)).sum())} of the draws are not finite numbers")
    w = np.moveaxis(draws, -1, 0)
    expected, slack = law(task)
    found = {"LLC": diagnostics.mean(task.nbeta * (task.mean_loss(w) - float(task.mean_loss(task.centre))))}
    found |= {f"⟨w{i}⟩": diagnostics.mean(w[i]) for i in range(d)}
    found |= {
        f"Cov(w{i}, w{j})": diagnostics.covariance(w[i], w[j])
        for i, j in combinations_with_replacement(range(d), 2)
    }  # fmt: skip
    if d == 1:
        found["κ₃(w0)"] = diagnostics.third_cumulant(w[0], w[0], w[0])
    rows = [_row(name, expected[name], float(x.mean), float(np.hypot(x.sem, slack[name]))) for name, x in found.items()]
    return Report(f"task {task}", tuple(rows))


@lru_cache(maxsize=64)
def law(task: Task) -> tuple[dict[str, float], dict[str, float]]:
    """What the discrete chain of the task gives, and the size of the last term of its expansion (0 where the law is exact)."""
    d = len(task.start)
    w = sp.symbols(f"w:{d}", real=True)
    exact = [[sp.Rational(float(x)) for x in row] for row in task.data]
    losses = [sp.expand(sp.nsimplify(task.loss(w, z))) for z in exact]
    L = sp.Add(*losses) / len(losses)
    t = sp.Rational(task.nbeta)
    wanted = {"LLC": (L - L.subs(dict.fromkeys(w, 0)),)}
    wanted |= {f"⟨w{i}⟩": (w[i],) for i in range(d)}
    wanted |= {f"Cov(w{i}, w{j})": (w[i], w[j]) for i, j in combinations_with_replacement(range(d), 2)}
    if d == 1:
        wanted["κ₃(w0)"] = (w[0],) * 3
    observables = [phi for phis in wanted.values() for phi in phis]
    noise = None
    if task.batch is not None:
        noise = langevin.minibatch(losses, w, ratio=t / task.batch, order=task.order + 1)
    chain = langevin.Chain(
        L, observables, w, e=sp.Rational(task.epsilon) * t, order=task.order, at=(0,) * d, confinement=sp.Rational(task.gamma) / t,
        noise=noise,
    )  # fmt: skip
    expected, slack, place = {}, {}, 0
    for name, phis in wanted.items():
        terms = [c / t**k for k, c in enumerate(chain.cumulant(range(place, place + len(phis))))]
        place += len(phis)
        scale = t if name == "LLC" else 1
        expected[name], slack[name] = float(scale * sum(terms)), float(abs(scale * terms[-1]))
    return expected, slack


@dataclass(frozen=True)
class Traces:
    """What an estimator is given: the losses of a run, draw by draw.

    loss: L_n(w) of each draw; probes: the losses ℓ_z(w) of P examples. The first `burn_in` draws are the burn-in and do not count.
    """

    loss: np.ndarray  # (chains, burn_in + draws)
    probes: np.ndarray  # (chains, burn_in + draws, P)
    centre_loss: float  # L_n(w*)
    nbeta: float
    burn_in: int


QUANTITIES = ("llc", "covariance", "susceptibility")


def check_estimator(
    estimate: Callable[[Traces], Mapping[str, Any]], *, short: int = 4000, long: int = 200, seed: int = 0
) -> Report:
    """Compare an estimator with exact expectations over `short` tiny runs, and its standard errors over `long` longer ones.

        llc             nβ(⟨L_n⟩ − L_n(w*))                                        a number
        covariance      Cov(ℓ_z, ℓ_z′) of the probes                                (P, P)
        susceptibility  χ_z = −Cov(L_n, ℓ_z − L_n)   (Def 16, φ = L_n)              (P,)

    estimate(traces) returns some of them: a value, or (value, standard error). The expectations are those of unbiased estimators
    (divisor N − 1), met over the random runs and, to the rounding of single precision, over the runs that hold every pair of draws
    (see module; an estimator that is right only for large N fails there). Where standard errors are given, Σz² over
    the long runs, whose draws are correlated, is compared with χ².
    Raises `BadInput` for a result with none of the three names or with another shape.
    """
    rng = np.random.default_rng(seed)
    rows = list(_unbiased(estimate, rng, short))
    if not rows:
        raise BadInput(f"the estimator returned none of {', '.join(QUANTITIES)}; return a mapping with at least one")
    return Report("estimator", (*rows, *_exactly_unbiased(estimate), *_calibrated(estimate, rng, long)))


NBETA, CENTRE_LOSS, PROBES = 100.0, 2.0, 3
TOGETHER = 200  # runs that are drawn at once
_H = np.array([[2.0, 0.5], [0.5, 1.0]])  # L = 2 + ½ wᵀHw, w ∼ N(0, (nβ H)⁻¹)
_A = np.array([[0.3, 0.1], [-0.2, 0.2], [0.0, -0.3]])  # ℓ_z = L + a_z·w + ½ c_z |w|²
_C = np.array([0.5, -0.25, 1.0])


def _traces(rng: np.random.Generator, runs: int, chains: int, draws: int, rho: float, burn_in: int) -> Iterator[Traces]:
    """w_{k+1} = ρ w_k + √(1−ρ²) N(0, S), stationary but for a burn-in that comes from far away."""
    root = np.linalg.cholesky(np.linalg.inv(NBETA * _H))
    for done in range(0, runs, TOGETHER):
        steps = rng.normal(size=(min(TOGETHER, runs - done) * chains, draws, 2)) @ root.T
        w = np.empty_like(steps)
        w[:, 0] = steps[:, 0]
        for k in range(1, draws):
            w[:, k] = rho * w[:, k - 1] + (1 - rho**2) ** 0.5 * steps[:, k]
        yield from _recorded(w, chains, root.sum(axis=1), burn_in)


def _recorded(w: np.ndarray, chains: int, far: np.ndarray, burn_in: int) -> Iterator[Traces]:
    """The losses at the draws w (runs · chains, draws, 2) run by run, after a burn-in that comes from six times `far`."""
    away = np.linspace(6, 0, burn_in, endpoint=False)[:, None] * far
    w = np.concatenate([np.broadcast_to(away, (len(w), burn_in, 2)), w], axis=1)
    loss = CENTRE_LOSS + np.einsum("cni,ij,cnj->cn", w, _H, w) / 2
    probes = loss[..., None] + w @ _A.T + _C * (w**2).sum(axis=-1)[..., None] / 2
    for k in range(0, len(w), chains):
        yield Traces(loss[k : k + chains], probes[k : k + chains], CENTRE_LOSS, NBETA, burn_in)


@cache
def _exact() -> dict[str, np.ndarray]:
    """Gaussian moments: Cov(a·w + ½wᵀAw, b·w + ½wᵀBw) = aᵀSb + ½ tr(ASBS)."""
    S = np.linalg.inv(NBETA * _H)
    matrices = _H + _C[:, None, None] * np.eye(2)
    AS = matrices @ S
    covariance = _A @ S @ _A.T + np.einsum("zij,yji->zy", AS, AS) / 2
    response = -np.einsum("ij,zji->z", _H @ S, _C[:, None, None] * S) / 2
    return {"llc": np.asarray(NBETA * np.trace(_H @ S) / 2), "covariance": covariance, "susceptibility": response}


def _values(found: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    for name, expected in _exact().items():
        if name in found:
            value = found[name]
            value, sem = value if isinstance(value, tuple) else (value, None)
            value = np.asarray(value, np.float64)
            if value.shape != expected.shape:
                raise BadInput(
                    f"the estimator's {name} has shape {value.shape}; for {PROBES} probes it has {expected.shape}"
                )
            yield name, value, None if sem is None else np.asarray(sem, np.float64)


def _unbiased(estimate: Callable, rng: np.random.Generator, runs: int) -> Iterator[Row]:
    """Two chains of five independent draws: a wrong divisor is 10% or 20% there."""
    seen: dict[str, list[np.ndarray]] = {}
    for traces in _traces(rng, runs, 2, 5, 0.0, 3):
        for name, value, _sem in _values(estimate(traces)):
            seen.setdefault(name, []).append(value)
    exact = _exact()
    for name, values in seen.items():
        mean, sem = np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / runs**0.5
        for at in np.ndindex(exact[name].shape):
            if at == tuple(sorted(at)):
                label = name + "".join(f"[{i}]" for i in at)
                yield _row(label, float(exact[name][at]), float(mean[at]), float(sem[at]))


FIELD = 11  # a prime above the number of draws, so that two values at two draws determine a and b
_POINTS = np.array([[k - 5, k * k % FIELD - 4] for k in range(FIELD)]) / 4


def _every_pair() -> np.ndarray:
    """Runs (2, 5, 2) whose draw j is the point a + bj + j² mod 11: for i ≠ j each pair of points once, and no chain at rest."""
    j, lines = np.arange(10), np.array(list(np.ndindex(FIELD, FIELD)))
    return _POINTS[(lines[:, :1] + lines[:, 1:] * j + j * j) % FIELD].reshape(-1, 2, 5, 2)


def _exactly_unbiased(estimate: Callable) -> Iterator[Row]:
    """The mean over the runs that hold every pair of draws, against the moments of the points; of each quantity the worst entry."""
    seen: dict[str, list[np.ndarray]] = {}
    for traces in _recorded(_every_pair().reshape(-1, 5, 2), 2, np.ones(2), 3):
        for name, value, _sem in _values(estimate(traces)):
            seen.setdefault(name, []).append(value)
    (points,) = _recorded(_POINTS[None], 1, np.ones(2), 0)
    losses = np.column_stack([points.loss[0], points.probes[0]])
    moments = np.cov(losses.T, ddof=0)
    exact = {
        "llc": np.asarray(NBETA * (losses[:, 0].mean() - CENTRE_LOSS)),
        "covariance": moments[1:, 1:],
        "susceptibility": moments[0, 0] - moments[0, 1:],
    }
    size, rounding = float(np.abs(losses).max()), float(np.finfo(np.float32).eps)
    for name, values in seen.items():
        sem = rounding * (NBETA * size if name == "llc" else size**2)
        found = np.mean(values, axis=0)
        rows = [
            _row(f"{name}, all pairs", float(x), float(y), sem)
            for x, y in zip(exact[name].flat, found.flat, strict=True)
        ]
        yield max(rows, key=lambda row: np.nan_to_num(abs(row.z), nan=np.inf))


def _calibrated(estimate: Callable, rng: np.random.Generator, runs: int) -> Iterator[Row]:
    """Four chains of 400 draws with ρ = 0.7: Σ z² of each quantity's first entry against χ²."""
    exact, scores = _exact(), {}
    for traces in _traces(rng, runs, 4, 400, 0.7, 50):
        for name, value, sem in _values(estimate(traces)):
            if sem is not None:
                first = (0,) * value.ndim
                scores.setdefault(name, []).append((value[first] - exact[name][first]) / sem[first])
    for name, z in scores.items():
        square = float(np.sum(np.square(z)))
        score = -float(ndtri(chdtrc(runs, square))) if np.isfinite(square) else np.inf
        width = (2 / runs) ** 0.5
        yield Row(f"error of {name}, mean z²", 1.0, square / runs, width, score, SEEN * width)


def _row(name: str, expected: float, found: float, sem: float) -> Row:
    if not sem > 0:
        raise BadInput(f"{name} does not vary over the runs; return draws, or estimates, that depend on the noise")
    return Row(name, expected, found, sem, (found - expected) / sem, SEEN * sem / abs(expected) if expected else np.inf)
