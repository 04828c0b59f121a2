"""Where the draws of a run go: every one of them kept (`Traces`), or sums over blocks (`Sums`).

Both take pieces: a dict of arrays (chains, draws, …), "loss", "drift", "square", "accepted", "observables": {name: …} and, with
probes, "probes". Both know which chains are still finite. A record of one draw, laid flat, is

    loss − centre loss, drift − square − d, accepted, the observables one behind the other, the losses of the probes   (`Layout`).

Reading order: `Layout`, `Recorder`, `Traces`, `Sums`.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import numpy as np

from sampler import diagnostics
from sampler.moments import Moments
from theory.errors import BadInput

FIXED = ("loss", "virial", "accepted")
Values = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """Where each series stands in the flat record of a draw: {name: (first place, shape)}; the probes come last."""

    places: Mapping[str, tuple[int, tuple[int, ...]]]
    probes: int

    @property
    def rows(self) -> int:
        """The numbers of a draw without its probes."""
        return sum(prod(shape) for _, shape in self.places.values())

    def of(self, name: str) -> tuple[np.ndarray, tuple[int, ...]]:
        """(places, shape) of a series; raises `BadInput` for a name that was not recorded."""
        if name == "probes" and self.probes:
            return self.rows + np.arange(self.probes), (self.probes,)
        if name not in self.places:
            raise BadInput(unknown(name, [*self.places, *(["probes"] if self.probes else [])]))
        start, shape = self.places[name]
        return start + np.arange(prod(shape)), shape


def unknown(name: str, known: list[str]) -> str:
    """The sentence about a series that is not there."""
    return f"this run recorded no observable {name!r}; it has: {', '.join(known)}."


class Recorder:
    """Counts the draws and notes where a chain left the finite numbers."""

    def __init__(self, chains: int, centre_loss: float, dimension: int):
        self.centre_loss, self.dimension = centre_loss, dimension
        self.draws = 0
        self.diverged_at = np.full(chains, -1)
        self.pieces: list[Values] = []
        self.moments: Moments | None = None
        self.layout: Layout | None = None

    @property
    def finite(self) -> np.ndarray:
        return self.diverged_at < 0

    def add(self, values: Values) -> None:
        """Take in the next draws of every chain."""
        finite = np.ones(np.shape(values["loss"]), bool)
        for trace in jax.tree.leaves(values):
            finite &= np.isfinite(trace).all(axis=tuple(range(2, trace.ndim)))
        lost = self.finite & ~finite.all(axis=1)
        self.diverged_at[lost] = self.draws + np.argmin(finite[lost], axis=1)
        self.draws += np.size(finite, 1)
        self._keep(values)

    def _keep(self, values: Values) -> None:
        raise NotImplementedError

    def part(self, chains: slice) -> "Recorder":
        """What was recorded of some of the chains."""
        other = copy(self)
        other.diverged_at = self.diverged_at[chains]
        other.pieces = [jax.tree.map(lambda trace: trace[chains], piece) for piece in self.pieces]
        other.moments = None if self.moments is None else self.moments.part(chains)
        return other

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, for a checkpoint."""
        return {"draws": np.array(self.draws), "diverged_at": self.diverged_at} | self._arrays()

    def _arrays(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def restore(self, stored: Mapping[str, np.ndarray]) -> None:
        """Go on from `arrays`."""
        self.draws, self.diverged_at = int(stored["draws"]), stored["diverged_at"]
        if self.draws:
            self._restore(stored)

    def _restore(self, stored: Mapping[str, np.ndarray]) -> None:
        raise NotImplementedError

    def rhat(self) -> float:
        """Split R-hat of the loss so far, NaN while there is too little of it."""
        raise NotImplementedError


class Traces(Recorder):
    """Every draw, joined when asked for."""

    def _keep(self, values: Values) -> None:
        self.pieces.append(values)

    def joined(self) -> Values:
        """All draws so far."""
        if len(self.pieces) > 1:
            self.pieces = [jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *self.pieces)]
        return self.pieces[0]

    def _arrays(self) -> dict[str, np.ndarray]:
        if not self.pieces:
            return {}
        traces = self.joined()
        named = {f"observable_{name}": value for name, value in traces["observables"].items()}
        return named | {f"trace_{name}": value for name, value in traces.items() if name != "observables"}

    def _restore(self, stored: Mapping[str, np.ndarray]) -> None:
        parts = {name.partition("_")[::2]: value for name, value in stored.items()}
        observables = {rest: value for (group, rest), value in parts.items() if group == "observable"}
        self.pieces = [
            {rest: v for (group, rest), v in parts.items() if group == "trace"} | {"observables": observables}
        ]

    def rhat(self) -> float:
        trace = self.joined()["loss"][self.finite]
        return float(diagnostics.mean(trace).rhat) if trace.shape[1] > 3 and len(trace) else np.nan


class Sums(Recorder):
    """Sums over blocks; `pairs` keeps the products of probes with probes as well."""

    def __init__(self, chains: int, centre_loss: float, dimension: int, *, pairs: bool):
        super().__init__(chains, centre_loss, dimension)
        self.pairs = pairs

    def _keep(self, values: Values) -> None:
        loss, drift, square = (np.asarray(values[name], np.float64) for name in ("loss", "drift", "square"))
        series = [loss - self.centre_loss, drift - square - self.dimension, values["accepted"]]
        series += [*values["observables"].values(), *([values["probes"]] if "probes" in values else [])]
        record = np.concatenate([np.asarray(x, np.float64).reshape(*loss.shape, -1) for x in series], axis=2)
        if self.moments is None or self.layout is None:
            self.layout = _layout(values)
            first = np.where(np.isfinite(record[:, 0]), record[:, 0], 0.0).mean(axis=0)
            kept = record.shape[2] if self.pairs else self.layout.rows
            self.moments = Moments(first, kept, len(record))
        self.moments.add(record)

    def _arrays(self) -> dict[str, np.ndarray]:
        if self.moments is None or self.layout is None:
            return {}
        named = {f"moment_{name}": value for name, value in self.moments.arrays().items()}
        shapes = {f"shape_{name}": np.array(shape, int) for name, (_, shape) in self.layout.places.items()}
        return named | shapes | {"probes": np.array(self.layout.probes)}

    def _restore(self, stored: Mapping[str, np.ndarray]) -> None:
        moments = {name.removeprefix("moment_"): x for name, x in stored.items() if name.startswith("moment_")}
        self.moments = Moments(moments["reference"], moments["product"].shape[2], len(self.diverged_at))
        self.moments.restore(moments)
        shapes = {n.removeprefix("shape_"): tuple(map(int, x)) for n, x in stored.items() if n.startswith("shape_")}
        self.layout = _placed(shapes, int(stored["probes"]))

    def rhat(self) -> float:
        if self.moments is None or self.moments.full < 4 or not self.finite.any():
            return np.nan
        return float(self.moments.mean(self.finite).rhat[0])


def _layout(values: Values) -> Layout:
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(FIXED, ())
    shapes |= {name: np.shape(x)[2:] for name, x in values["observables"].items()}
    return _placed(shapes, np.shape(values["probes"])[2] if "probes" in values else 0)


def _placed(shapes: Mapping[str, tuple[int, ...]], probes: int) -> Layout:
    places, start = {}, 0
    for name, shape in shapes.items():
        places[name] = (start, shape)
        start += prod(shape)
    return Layout(places, probes)
