"""What a run leaves behind: traces, and which chains may be believed.

Reading order: `Run`, its `kept` (the only door from traces to estimates) and `stationarity`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float

from sampler import diagnostics
from sampler.kernels.kernel import Kernel, State
from sampler.posterior import LocalPosterior, Params
from theory.errors import BadInput


@dataclass(frozen=True, eq=False)
class Run:
    """Traces of kept draws, shape (chains, draws, …), and the constants that the estimators need.

    loss          L_n(w) over all data; centre_loss: L_n(w*)
    drift, square the two terms of the virial identity E[drift] = d + E[square]; dimension: d
    accepted      1 or 0 of the step before the draw (1 throughout for kernels without rejection)
    observables   name -> trace; probes: ℓ_z(w), (chains, draws, P), or None
    finite        (chains,) False where a chain left the finite numbers; those are left out of all estimates
    position      the last weights, with the leading axis of the chains (give them as `initial` to go on)
    message       what the reader must know, empty when all went well
    """

    loss: Float[np.ndarray, "chains draws"]
    drift: Float[np.ndarray, "chains draws"]
    square: Float[np.ndarray, "chains draws"]
    accepted: Float[np.ndarray, "chains draws"]
    observables: Mapping[str, np.ndarray]
    probes: Float[np.ndarray, "chains draws probes"] | None
    finite: Bool[np.ndarray, " chains"]
    centre_loss: float
    nbeta: float
    gamma: float
    epsilon: float
    dimension: int
    position: Params
    seconds: float
    message: str = ""

    def kept(self, trace: np.ndarray) -> np.ndarray:
        """The rows of a trace that belong to finite chains, in float64."""
        return np.asarray(trace, np.float64)[self.finite]

    def trace(self, name: str) -> np.ndarray:
        """The kept trace of an observable by name; "loss" is L_n − L_n(w*), which is φ_C on a restricted chain."""
        if name == "loss":
            return self.kept(self.loss) - self.centre_loss
        if name not in self.observables:
            known = ", ".join(["loss", *self.observables])
            raise BadInput(f"this run recorded no observable {name!r}; it has: {known}.")
        return self.kept(self.observables[name])

    @property
    def virial(self) -> np.ndarray:
        """(w−w*)·ĝ − square − d of the finite chains: mean 0 exactly for a stationary chain, at any step size."""
        return self.kept(self.drift) - self.kept(self.square) - self.dimension

    def select(self, probes: slice | np.ndarray) -> "Run":
        """The same run with some of its probes."""
        return replace(self, probes=None if self.probes is None else self.probes[..., probes])

    def stationarity(self) -> float:
        """The z-score of the virial identity: about N(0, 1) once the burn-in is over."""
        return float(diagnostics.mean(self.virial).z(0.0))

    def __str__(self) -> str:
        chains, draws = self.loss.shape
        head = f"{chains} chains × {draws} draws, d = {self.dimension}, nβ = {self.nbeta:g}, γ = {self.gamma:g}, "
        tail = f"ε = {self.epsilon:g}, virial z = {self.stationarity():.2f}, {self.seconds:.1f} s"
        return head + tail + (f"\n{self.message}" if self.message else "")

    def to_dict(self) -> dict[str, Any]:
        """The run in numbers, without its traces."""
        loss = diagnostics.mean(self.trace("loss")).to_dict()
        return {
            "chains": self.loss.shape[0],
            "draws": self.loss.shape[1],
            "finite_chains": int(self.finite.sum()),
            "dimension": self.dimension,
            "nbeta": self.nbeta,
            "gamma": self.gamma,
            "epsilon": self.epsilon,
            "accepted": float(self.kept(self.accepted).mean()),
            "virial_z": self.stationarity(),
            "rhat": loss["rhat"],
            "ess": loss["ess"],
            "seconds": self.seconds,
            "message": self.message,
        }

    def save(self, path: str | PathLike) -> None:
        """Write the traces to an .npz file."""
        seen = {} if self.probes is None else {"probes": self.probes}
        named = {f"observable_{name}": trace for name, trace in self.observables.items()}
        fixed = {name: getattr(self, name) for name in ("loss", "drift", "square", "accepted", "finite", "centre_loss")}
        constants = {name: getattr(self, name) for name in ("nbeta", "gamma", "epsilon", "dimension", "seconds")}
        everything: dict[str, Any] = fixed | constants | seen | named
        np.savez(path, **everything)


def finish(
    kernel: Kernel, posterior: LocalPosterior, state: State, pieces: list[dict[str, Any]], *, seconds: float
) -> Run:
    """Join the pieces of a run along the draws and flag the chains that are not finite."""
    traces = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *pieces)
    finite = np.ones(len(traces["loss"]), bool)
    for values in (*jax.tree.leaves(traces), *jax.tree.leaves(state.position)):
        finite &= np.isfinite(np.asarray(values, np.float64)).all(axis=tuple(range(1, values.ndim)))
    epsilon = float(kernel.epsilon)
    if not finite.any():
        raise BadInput(
            f"chain.run: all {len(finite)} chains left the finite numbers at epsilon = {epsilon:g}; take a smaller "
            "step (stable when ε λ_max < 4, λ_max the largest curvature of nβ L + γ|w − w*|²/2) or a larger gamma."
        )
    lost = len(finite) - int(finite.sum())
    message = (
        f"{lost} of {len(finite)} chains left the finite numbers and are left out of all estimates." if lost else ""
    )
    if not np.any(traces["accepted"]):
        message += " No proposal was accepted: take a smaller step."
    return Run(
        **{name: traces[name] for name in ("loss", "drift", "square", "accepted", "observables")},
        probes=traces.get("probes"),
        finite=finite,
        centre_loss=float(posterior.centre_loss()),
        nbeta=float(posterior.nbeta),
        gamma=float(posterior.gamma),
        epsilon=epsilon,
        dimension=int(posterior.dimension),
        position=state.position,
        seconds=seconds,
        message=message.strip(),
    )
