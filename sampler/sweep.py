"""Sweeps over ε, nβ and γ: every setting and every chain in one compiled program.

    sweep(key, kernel, posterior, nbeta=[30, 100, 300], epsilon=[1e-4, 3e-4], chains=4, draws=1000, burn_in=500)

samples the 6 × 4 chains at once. A setting's chains differ from those of another in their own ε, nβ and γ and in their keys, so
that the estimates are independent. Settings with no finite chain are kept, and say so.

Reading order: `sweep`, `Sweep`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Array, Key

from sampler import chain
from sampler.diagnostics import NUMBERS, Estimate
from sampler.kernels.kernel import Kernel
from sampler.posterior import LocalPosterior
from sampler.record import Run
from theory.errors import BadInput


@dataclass(frozen=True)
class Sweep:
    """The runs of a grid: `axes` {"nbeta": (30.0, …), …} in the order of the grid, `runs` in row-major order."""

    axes: dict[str, tuple[float, ...]]
    runs: tuple[Run, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.axes.values())

    def __iter__(self) -> Iterator[tuple[dict[str, float], Run]]:
        """(the setting, its run) for each point of the grid."""
        for values, run in zip(product(*self.axes.values()), self.runs, strict=True):
            yield dict(zip(self.axes, values, strict=True)), run

    def map(self, estimate: Callable[[Run], Estimate]) -> Estimate:
        """A scalar estimate of every run, on the grid: dims are the swept names, NaN where no chain stayed finite."""
        nan = np.array(np.nan)
        nothing = Estimate(nan, nan, nan, nan)
        found = [estimate(run) if run.finite.any() else nothing for run in self.runs]
        labels = {name: tuple(f"{value:g}" for value in values) for name, values in self.axes.items()}
        mean, sem, ess, rhat = (np.reshape([getattr(e, n) for e in found], self.shape) for n in NUMBERS)
        return Estimate(mean, sem, ess, rhat, dims=tuple(self.axes), labels=labels)


def sweep(
    key: Key[Array, ""] | int,
    kernel: Kernel,
    posterior: LocalPosterior,
    *,
    epsilon: Sequence[float] | None = None,
    nbeta: Sequence[float] | None = None,
    gamma: Sequence[float] | None = None,
    **plan: Any,
) -> Sweep:
    """One run at each point of the grid ε × nβ × γ; what is not given stays as the kernel and the posterior have it.

    plan: the options of `chain.run` (chains, draws, burn_in, thin, observables, probes, …), the same for all settings. Raises
    `BadInput` when nothing is swept, for values that are not positive (γ: negative), and as `chain.run` does.
    """
    given = {"epsilon": epsilon, "nbeta": nbeta, "gamma": gamma}
    axes = {name: tuple(float(v) for v in values) for name, values in given.items() if values is not None}
    if not axes or not all(axes.values()):
        raise BadInput("sweep: give at least one value of epsilon, nbeta or gamma.")
    for name, values in axes.items():
        bad = [v for v in values if not (np.isfinite(v) and (v > 0 or (v == 0 and name == "gamma")))]
        if bad:
            raise BadInput(
                f"sweep: {name} must be finite and {'not negative' if name == 'gamma' else 'positive'}; one is {bad[0]}."
            )
    grid = np.array(list(product(*axes.values())))
    settings = {name: grid[:, i] for i, name in enumerate(axes)}
    return Sweep(axes, tuple(chain.runs(key, kernel, posterior, settings, chain.Plan(**plan))))
