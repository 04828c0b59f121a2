"""What a run leaves behind: traces or moments, and which chains may be believed.

A draw is a record of named series: "loss" (L_n − L_n(w*)), "virial", "accepted", the observables, and "probes". A run that
keeps *traces* has all of them, draw by draw; one that keeps *moments* has sums over blocks of draws (`moments`), whose size does
not grow. `Run.mean` and `Run.covariance` answer from either.

A chain in which any number ceased to be finite is out, from its first draw to its last: `finite`, `diverged_at`, `message`.

Reading order: `Run`; its `kept` and `trace` (the only doors from traces to estimates), `mean`, `covariance`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from sampler import diagnostics, sharding
from sampler.diagnostics import Estimate
from sampler.moments import Moments
from sampler.posterior import Params
from sampler.recorder import FIXED, Layout, Recorder, Traces, unknown
from theory.errors import BadInput

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, eq=False)
class Run:
    """Traces of kept draws, shape (chains, draws, …), and the constants that the estimators need.

    loss          L_n(w) as the run evaluates it (all data, by default); centre_loss: the same at w*
    drift, square the two terms of the virial identity E[drift] = d + E[square]; dimension: d
    accepted      1 or 0 of the step before the draw (1 throughout for kernels without rejection)
    observables   name -> trace; probes: ℓ_z(w), (chains, draws, P), or None
    moments       sums over blocks where the run kept no traces (the traces above then have no draws), else None
    draws         kept draws of each chain; thin: steps between them
    finite        (chains,) False where a chain left the finite numbers; those are left out of all estimates
    diverged_at   (chains,) the first draw that was not finite, −1 where there is none
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
    draws: int = 0
    thin: int = 1
    diverged_at: Int[np.ndarray, " chains"] | None = None
    moments: Moments | None = None
    layout: Layout | None = None

    def kept(self, trace: np.ndarray) -> np.ndarray:
        """The rows of a trace that belong to finite chains, in float64 and read-only: where all chains are, no copy is made.

        Raises `BadInput` where the run kept moments only.
        """
        if self.moments is not None:
            raise BadInput("this run kept moments and no traces; run it with keep='traces' for this estimate.")
        values = np.asarray(trace, np.float64)[... if self.finite.all() else self.finite]
        values.flags.writeable = False
        return values

    def trace(self, name: str) -> np.ndarray:
        """The kept trace of a series by name; "loss" is L_n − L_n(w*), which is φ_C on a restricted chain."""
        if name == "loss":
            return self.kept(self.loss) - self.centre_loss
        if name == "virial":
            return self.virial
        if name == "accepted":
            return self.kept(self.accepted)
        if name == "probes" and self.probes is not None:
            return self.kept(self.probes)
        if name not in self.observables:
            raise BadInput(unknown(name, [*FIXED, *self.observables, *([] if self.probes is None else ["probes"])]))
        return self.kept(self.observables[name])

    @property
    def virial(self) -> np.ndarray:
        """(w−w*)·ĝ − square − d of the finite chains: mean 0 exactly for a stationary chain, at any step size."""
        return self.kept(self.drift) - self.kept(self.square) - self.dimension

    def mean(self, name: str) -> Estimate:
        """The mean of a series ("loss": of L_n − L_n(w*)), from traces or moments; the shape of its values."""
        if self.moments is None or self.layout is None:
            return diagnostics.mean(self.trace(name))
        where, shape = self.layout.of(name)
        return self.moments.mean(self.finite).map(lambda x: x[where].reshape(shape))

    def covariance(self, x: str, y: str, *, centred: bool = False, both: bool = False) -> Estimate:
        """Cov(x, y) of two series, shape (*x, *y), from traces or moments.

        centred  subtract the loss L_n from every value of y, draw by draw; both: from every value of x too. Raises `BadInput`
        where a run that kept moments did not keep the products (x a vector of probes; take keep="pairs").
        """
        if self.moments is None or self.layout is None:
            less = (self.kept(self.loss) if centred else np.zeros(1))[..., None]
            a, b = self.trace(x), self.trace(y)
            if centred:
                b = b - less.reshape(*less.shape[:2], *[1] * (b.ndim - 2))
            return diagnostics.covariance(a - less.reshape(*less.shape[:2], *[1] * (a.ndim - 2)) if both else a, b)
        rows, row_shape = self.layout.of(x)
        columns, column_shape = self.layout.of(y)
        if rows.max() >= self.moments.rows:
            if columns.max() < self.moments.rows and not centred and not both:
                turned = self.moments.covariance(self.finite, columns, rows)
                return turned.map(lambda x: x.T.reshape(*row_shape, *column_shape))
            raise BadInput(f"this run kept no products of {x!r} with {y!r}; run it with keep='pairs' or keep='traces'.")
        found = self.moments.covariance(
            self.finite, rows, columns, less=0 if centred else None, row_less=0 if both else None
        )
        return found.map(lambda x: x.reshape(*row_shape, *column_shape))

    def select(self, probes: slice | np.ndarray) -> "Run":
        """The same run with some of its probes."""
        return replace(self, probes=None if self.probes is None else self.probes[..., probes])

    def stationarity(self) -> float:
        """The z-score of the virial identity: about N(0, 1) once the burn-in is over."""
        return float(self.mean("virial").z(0.0))

    def __str__(self) -> str:
        head = f"{len(self.finite)} chains × {self.draws or self.loss.shape[1]} draws, d = {self.dimension}, nβ = {self.nbeta:g}, "
        tail = f"γ = {self.gamma:g}, ε = {self.epsilon:g}, virial z = {self.stationarity():.2f}, {self.seconds:.1f} s"
        return head + tail + (f"\n{self.message}" if self.message else "")

    def to_dict(self) -> dict[str, Any]:
        """The run in numbers, without its traces."""
        loss = self.mean("loss").to_dict()
        return {
            "chains": len(self.finite),
            "draws": self.draws or self.loss.shape[1],
            "finite_chains": int(self.finite.sum()),
            "dimension": self.dimension,
            "nbeta": self.nbeta,
            "gamma": self.gamma,
            "epsilon": self.epsilon,
            "accepted": float(self.mean("accepted").mean),
            "virial_z": self.stationarity(),
            "rhat": loss["rhat"],
            "ess": loss["ess"],
            "seconds": self.seconds,
            "message": self.message,
        }

    def to_xarray(self) -> "xarray.DataTree":
        """The run as labelled arrays in ArviZ's groups (`results.tree`)."""
        from sampler import results

        return results.tree(self)

    def save(self, path: str | PathLike) -> None:
        """Write the labelled arrays to one netCDF file (`results.save`), which `results.load` and ArviZ read."""
        from sampler import results

        results.save(self, path)


def finish(recorder: Recorder, position: Params, constants: Mapping[str, Any], *, strict: bool) -> Run:
    """The run from what was recorded, its last weights and its constants; chains that are not finite are flagged.

    Raises `BadInput` when none is finite and `strict`; else the message says so.
    """
    finite = recorder.finite.copy()
    for leaf in jax.tree.leaves(position):
        values = sharding.host(leaf)
        finite &= np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    diverged_at = np.where(~finite & (recorder.diverged_at < 0), recorder.draws - 1, recorder.diverged_at)
    lost = np.flatnonzero(~finite)
    way_out = (
        f"take a smaller step than epsilon = {constants['epsilon']:g} (stable when ε λ_max < 4, λ_max the largest curvature of "
        "nβ L + γ|w − w*|²/2) or a larger gamma."
    )
    message = ""
    if len(lost) == len(finite):
        message = f"chain.run: all {len(finite)} chains left the finite numbers; {way_out}"
        if strict:
            raise BadInput(message)
    elif len(lost):
        first = ", ".join(f"{c} at draw {diverged_at[c]}" for c in lost[:5]) + (", …" if len(lost) > 5 else "")
        message = f"{len(lost)} of {len(finite)} chains left the finite numbers (chain {first}) "
        message += f"and are left out of all estimates; {way_out}"
    pieces = recorder.joined() if isinstance(recorder, Traces) else _none(len(finite))
    if not np.any(pieces["accepted"]) and isinstance(recorder, Traces):
        message += " No proposal was accepted: take a smaller step."
    return Run(
        **{name: pieces[name] for name in ("loss", "drift", "square", "accepted", "observables")},
        probes=pieces.get("probes"),
        finite=finite,
        dimension=recorder.dimension,
        position=position,
        message=message.strip(),
        draws=recorder.draws,
        diverged_at=diverged_at,
        moments=recorder.moments,
        layout=recorder.layout,
        **constants,
    )


def _none(chains: int) -> dict[str, Any]:
    empty = np.zeros((chains, 0))
    return dict.fromkeys(("loss", "drift", "square", "accepted"), empty) | {"observables": {}}
