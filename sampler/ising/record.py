"""A run of Ising chains and the estimates it gives: means, covariances, responses, ratios, autocorrelation times.

Notation. The traces are those of `measure`: for a cluster chain `pair` holds E[s_p M_R | clusters], `probe_mean` E[s_p | clusters],
so that with these in place of s_p M_R, s_p and M_R

    Cov(s_p, M_R) = ⟨s_p M_R⟩ − ⟨s_p⟩⟨M_R⟩,    influence function: s_p M_R − ⟨M_R⟩ s_p − ⟨s_p⟩ M_R

whose error is that of a mean (`sampler.diagnostics`: autocorrelation by Geyer's sequence, and the scatter of the chains where that
is larger). A ratio of covariances has the influence function (a − ρ b)/⟨b⟩ of its two parts (delta method), which is honest
where the denominator is many standard errors from 0; `ratio` says so, and refuses where it is not.

Responses (H + hA, eq 3; H − h s_p, eq 4):  d⟨O⟩/dh = −β Cov(O, A),   d⟨M_R⟩/dh = +β Cov(M_R, s_p).

Autocorrelation time: τ_int = 1 + 2 Σ_{k≥1} ρ_k in sweeps, so that n sweeps are worth n/τ_int independent states.

Reading order: `Run`, `response`, `ratio`, `fluctuation`, `autocorrelation_time`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sampler import diagnostics
from sampler.diagnostics import Estimate
from sampler.ising.arrays import Model
from theory.errors import BadInput

SIGNIFICANT = 5  # standard errors of a denominator from 0


@dataclass(frozen=True, eq=False)
class Run:
    """Draws of one run: `traces[name]` has the shape (chains, draws, …) of `measure`; `spins` are the last states.

    `sums` holds sums over the draws for `maps`, where asked for; `seconds` the processor time, compilation included; `thin`
    the sweeps between draws.
    """

    model: Model
    beta: float
    kernel: str
    thin: int
    traces: dict[str, np.ndarray]
    sums: dict[str, np.ndarray]
    spins: np.ndarray
    seconds: float

    @property
    def sweeps(self) -> int:
        """The kept sweeps of all chains together."""
        chains, draws = self.traces["magnetisation"].shape
        return chains * draws * self.thin

    def energy(self, name: str = "H") -> Estimate:
        """⟨H⟩, or the mean of a perturbation A."""
        return diagnostics.mean(self._energy(name))

    def magnetisation(self, power: int = 1, *, absolute: bool = False) -> Estimate:
        """⟨M^power⟩ or ⟨|M|^power⟩ over all sites, from the states themselves."""
        total = np.asarray(self.traces["magnetisation"], float)
        return diagnostics.mean((np.abs(total) if absolute else total) ** power)

    def square(self) -> Estimate:
        """⟨M²⟩ over all sites; from the clusters where there are any."""
        return diagnostics.mean(self.traces["square"])

    def mean(self, name: str) -> Estimate:
        """⟨s_p⟩ or ⟨M_R⟩ by name."""
        kind, place = self._find(name)
        return diagnostics.mean(self.traces[kind + "_mean"][..., place])

    def response(self) -> Estimate:
        """The response matrix R_pR = Cov(s_p, M_R) of §2.6, with dims (probe, region); raises `BadInput` for an empty one."""
        if not (self.model.probe_names and self.model.region_names):
            raise BadInput("ising: a response matrix needs a probe and a region; name them where the model is made.")
        found = diagnostics.mean(self._influence())
        exact = np.asarray(self.traces["pair"], float).mean((0, 1)) - np.outer(*self._means())
        labels = {"probe": self.model.probe_names, "region": self.model.region_names}
        return replace(found, mean=exact, dims=("probe", "region"), labels=labels)

    def covariance(self, probe: str, region: str) -> Estimate:
        """Cov(s_p, M_R)."""
        p, r = self._entry(probe, region)
        return self.response().map(lambda matrix: matrix[p, r])

    def susceptibility(self) -> Estimate:
        """d⟨M_R⟩/dh = +β Cov(M_R, s_p) for H − h s_p (eq 4), with dims (probe, region)."""
        return self.response().scale(self.beta)

    def region_covariance(self) -> Estimate:
        """Cov(M_R, M_R′), with dims (region, region′)."""
        products = np.asarray(self.traces["regions"], float)
        means = np.asarray(self.traces["region_mean"], float)
        centre = means.mean((0, 1))
        trace = products - means[..., :, None] * centre - centre[:, None] * means[..., None, :]
        found = diagnostics.mean(trace)
        labels = dict.fromkeys(("region", "region′"), self.model.region_names)
        return replace(found, mean=found.mean + np.outer(centre, centre), dims=("region", "region′"), labels=labels)

    def ratio(self, probe: str, over: str, under: str) -> Estimate:
        """ρ = Cov(s_p, M_over)/Cov(s_p, M_under).

        Raises `BadInput` where the denominator is less than 5 standard errors from 0: its ratio has no error bar then.
        """
        response, influence = self.response(), self._influence()
        (p, a), (_, b) = self._entry(probe, over), self._entry(probe, under)
        below, noise = response.mean[p, b], response.sem[p, b]
        if not abs(below) > SIGNIFICANT * noise:
            raise BadInput(
                f"ising: Cov({probe}, {under}) = {below:.2g} ± {noise:.1g} is not told from 0; more draws, or clusters, make "
                "a ratio of it."
            )
        rho = response.mean[p, a] / below
        found = diagnostics.mean((influence[..., p, a] - rho * influence[..., p, b]) / below)
        return replace(found, mean=np.asarray(rho))

    def fluctuation(self, observable: str, perturbation: str) -> Estimate:
        """d⟨O⟩/dh = −β Cov(O, A) for H + hA (eq 3): O a probe, a region, "M" or an energy by name, A an energy by name."""
        covariance = diagnostics.covariance(self._observable(observable), self._energy(perturbation))
        return covariance.scale(-self.beta)

    def autocorrelation_time(self, name: str = "M²") -> float:
        """τ_int in sweeps of "M²", "H", "|M|" or a perturbation's energy, of the plain states."""
        total = np.asarray(self.traces["magnetisation"], float)
        trace = {"M²": total**2, "|M|": np.abs(total)}.get(name)
        found = diagnostics.mean(self._energy(name) if trace is None else trace)
        return float(self.sweeps / found.ess)

    def by_chain(self) -> np.ndarray:
        """R_pR from each chain, centred on the means of all, (chains, probes, regions): their mean is `response().mean`.

        For `spectroscopy.spectrum` exchange the last two axes (regions are components, probes are data).
        """
        s, m = self._means()
        return self._influence().mean(1) + np.outer(s, m)

    def _means(self) -> tuple[np.ndarray, np.ndarray]:
        probe, region = (np.asarray(self.traces[k], float).mean((0, 1)) for k in ("probe_mean", "region_mean"))
        return probe, region

    def _influence(self) -> np.ndarray:
        s, m = self._means()
        pair, probe, region = (np.asarray(self.traces[k], float) for k in ("pair", "probe_mean", "region_mean"))
        return pair - probe[..., :, None] * m - s[:, None] * region[..., None, :]

    def _energy(self, name: str) -> np.ndarray:
        return np.asarray(self.traces["energy"][..., _place(name, self.model.energy_names, "energy")], float)

    def _observable(self, name: str) -> np.ndarray:
        if name == "M":
            return np.asarray(self.traces["magnetisation"], float)
        if name in self.model.energy_names:
            return self._energy(name)
        kind, place = self._find(name)
        return np.asarray(self.traces[kind][..., place], float)

    def _find(self, name: str) -> tuple[str, int]:
        if name in self.model.probe_names:
            return "probe", self.model.probe_names.index(name)
        return "region", _place(name, self.model.region_names, "probe or region")

    def _entry(self, probe: str, region: str) -> tuple[int, int]:
        return _place(probe, self.model.probe_names, "probe"), _place(region, self.model.region_names, "region")


def _place(name: str, names: tuple[str, ...], kind: str) -> int:
    if name not in names:
        raise BadInput(f"ising: the run watched no {kind} {name!r}; it watched {', '.join(names) or 'none'}.")
    return names.index(name)


def to_dict(run: Run) -> dict[str, Any]:
    """The run in words and numbers, ready for JSON: settings, energy, M², the response matrix with its errors."""
    watched = bool(run.model.probe_names and run.model.region_names)
    return {
        "beta": run.beta,
        "chain": run.kernel,
        "sweeps": run.sweeps,
        "seconds": run.seconds,
        "energy": run.energy().to_dict(),
        "square": run.square().to_dict(),
        "autocorrelation_time": run.autocorrelation_time() if np.ptp(run.traces["magnetisation"]) else None,
        "response": run.response().to_dict() if watched else None,
    }
