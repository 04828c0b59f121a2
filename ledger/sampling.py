"""What `threefold sample` answers: Langevin chains on a loss that is typed in, with error bars and a diagnosis.

    LLC = nβ(⟨L⟩ − L(w*)),   ⟨φ_i⟩,   Cov(φ_i, φ_j)

at the chain's own step; `threefold check` compares with the exact law of the chain, this command only samples. Reading order:
`Settings`, `sample`, `show`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sympy as sp
from rich.console import Console
from rich.text import Text

from theory.errors import BadInput

if TYPE_CHECKING:
    from sampler.record import Run


class Kernel(StrEnum):
    SGLD = "sgld"
    MALA = "mala"
    BAOAB = "baoab"
    NUTS = "nuts"


@dataclass(frozen=True)
class Settings:
    """nβ, γ, the step (None: 2% of bias by `stepsize.suggest`) and how much is sampled."""

    kernel: Kernel
    nbeta: float
    gamma: float
    epsilon: float | None
    chains: int
    draws: int
    burn_in: int
    thin: int
    seed: int
    checkpoint: Path | None = None


def sample(
    loss: sp.Expr,
    observables: Sequence[sp.Expr],
    variables: Sequence[sp.Symbol],
    centre: Sequence[sp.Expr],
    settings: Settings,
    progress: Callable[[int, int], object] | bool | None = None,
) -> tuple[dict[str, Any], "Run"]:
    """(the answer as plain values, the run). Raises `BadInput` when no chain stayed finite."""
    from ledger.machine import enable_double_precision

    enable_double_precision()
    import jax.numpy as jnp

    from sampler import chain, diagnostics, stepsize
    from sampler.diagnosis import diagnose
    from sampler.llc import llc
    from sampler.lower import lower, lower_loss
    from sampler.posterior import LocalPosterior

    start = jnp.asarray([float(sp.N(w, 20)) for w in centre])
    posterior = LocalPosterior(lower_loss(loss, variables), jnp.zeros((1, 0)), start, settings.nbeta, settings.gamma)
    epsilon = stepsize.suggest(posterior).epsilon if settings.epsilon is None else settings.epsilon
    run = chain.run(
        settings.seed,
        _kernel(settings.kernel, epsilon),
        posterior,
        chains=settings.chains,
        draws=settings.draws,
        burn_in=settings.burn_in,
        thin=settings.thin,
        observables={str(i): lower(phi, variables) for i, phi in enumerate(observables)},
        checkpoint=settings.checkpoint,
        progress=progress,
    )
    found = diagnose(run)
    traces = [run.trace(str(i)) for i in range(len(observables))]
    pairs = combinations_with_replacement(range(len(observables)), 2)
    answer = {
        "loss": str(loss),
        "variables": [str(symbol) for symbol in variables],
        "centre": [str(w) for w in centre],
        "kernel": settings.kernel.value,
        "seed": settings.seed,
        "llc": llc(run).to_dict(),
        "expectations": [
            {"observable": str(phi), **diagnostics.mean(trace).to_dict()}
            for phi, trace in zip(observables, traces, strict=True)
        ],
        "covariances": [
            {
                "observables": [str(observables[i]), str(observables[j])],
                **diagnostics.covariance(traces[i], traces[j]).to_dict(),
            }
            for i, j in pairs
        ],
        "run": run.to_dict(),
        "lost_chains": [int(c) for c in (~run.finite).nonzero()[0]],
        "diverged_at": [] if run.diverged_at is None else [int(at) for at in run.diverged_at[~run.finite]],
        "diagnosis": found.to_dict(),
    }
    return answer, run


def _kernel(name: Kernel, epsilon: float) -> Any:
    from sampler.kernels.mala import mala
    from sampler.kernels.nuts import nuts
    from sampler.kernels.sgld import sgld
    from sampler.kernels.underdamped import baoab

    if name is Kernel.BAOAB:
        return baoab(epsilon, epsilon**-0.5)  # friction one over the time step
    return {Kernel.SGLD: sgld, Kernel.MALA: mala, Kernel.NUTS: nuts}[name](epsilon)


def show(answer: dict[str, Any], console: Console) -> None:
    run = answer["run"]
    head = f"{answer['kernel']} on {answer['loss']}: {run['chains']} chains × {run['draws']} draws, nβ = {run['nbeta']:g}, "
    console.print(Text(head + f"γ = {run['gamma']:g}, ε = {run['epsilon']:.3g}", style="bold"), soft_wrap=True)
    lines = [("LLC", answer["llc"])]
    lines += [(f"⟨{each['observable']}⟩", each) for each in answer["expectations"]]
    lines += [(f"Cov({', '.join(each['observables'])})", each) for each in answer["covariances"]]
    width = max(len(name) for name, _ in lines)
    for name, each in lines:
        ess, rhat = (f"{each[key]:.{n}f}" if each[key] is not None else "–" for key, n in (("ess", 0), ("rhat", 3)))
        number = f"{each['mean']:.6g} ± {each['sem']:.2g}"
        console.print(Text(f"  {name:{width}s}  {number:24s} ess {ess}, R-hat {rhat}"), soft_wrap=True)
    for each in answer["diagnosis"]["findings"]:
        if each["severity"] != "fine":
            style = "bold red" if each["severity"] == "error" else "yellow"
            console.print(Text(f"  {each['severity']}: {each['sentence']}", style=style), soft_wrap=True)


def plot(run: "Run", path: Path) -> None:
    """Traces and autocorrelation of the loss, as a picture in the format of the file's name."""
    from matplotlib.figure import Figure

    from sampler import plots

    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2)
    plots.traces(run, axes=above)
    plots.autocorrelation(run, axes=below)
    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:
        raise BadInput(f"{path} is not a picture that can be written: {error}") from None


__all__ = ["Kernel", "Settings", "plot", "sample", "show"]
