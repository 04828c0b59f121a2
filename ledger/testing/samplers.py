"""Samplers: five tasks, and their draws against the law of the discrete chain.

Reading order: `Task`, `TASKS`, `check_sampler`, `law`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy as sp

from ledger.testing.report import Report, row
from sampler import diagnostics
from theory import langevin
from theory.errors import BadInput

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
    rows = [row(name, expected[name], float(x.mean), float(np.hypot(x.sem, slack[name]))) for name, x in found.items()]
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
