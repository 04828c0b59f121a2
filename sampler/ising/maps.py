"""The response of every site: which region does each spin belong to, read off covariances alone (§2.6).

A run with `sites=True` has summed s_i M_R for every site i (averaged over the signs of the clusters). Then

    R_iR = Cov(s_i, M_R),    assigned(i) = the region of the largest R_iR

and the map of `assigned` is the lattice as it is seen through external probes. Errors come from the scatter of the chains, which
are independent; a site is *resolved* where its largest entry exceeds every other by `sigmas` standard errors of the difference.

Reading order: `response_map`, `assignment`, `probe_modes` (the response matrix of a few probes by its singular values).
"""

from typing import NamedTuple

import numpy as np

from sampler.diagnostics import Estimate
from sampler.ising.record import Run
from theory.errors import BadInput

CHAINS = 8  # fewer say too little about their own scatter


class Assignment(NamedTuple):
    """For every site of the grid: the number of the region with the largest response (−1 where masked), and the z of its lead."""

    region: np.ndarray
    lead: np.ndarray

    def resolved(self, sigmas: float) -> np.ndarray:
        """Where the lead is at least so many standard errors."""
        return self.lead >= sigmas


def response_map(run: Run) -> Estimate:
    """Cov(s_i, M_R) for all sites, with dims (region, row, column); NaN at masked sites.

    The error is that of the mean of the chains. Raises `BadInput` for a run without `sites=True` or with fewer than 8 chains.
    """
    values = _by_chain(run)
    chains = len(values)
    absent = run.model.couplings.present == 0
    mean, sem = values.mean(0), values.std(0, ddof=1) / np.sqrt(chains)
    mean[:, absent], sem[:, absent] = np.nan, np.nan
    unknown = np.full(mean.shape, np.nan)
    labels = {"region": run.model.region_names}
    return Estimate(mean, sem, unknown, unknown, ("region", "row", "column"), labels)


def assignment(run: Run) -> Assignment:
    """The region that every site belongs to by its response; needs at least two regions."""
    values = _by_chain(run)
    if values.shape[1] < 2:
        raise BadInput("ising.maps: one region leaves nothing to decide; watch two or more.")
    mean = values.mean(0)
    best = mean.argmax(0)
    gaps = np.take_along_axis(values, best[None, None], 1) - values
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gaps.mean(0) / (gaps.std(0, ddof=1) / np.sqrt(len(values)))
    others = np.arange(len(mean))[:, None, None] != best
    lead = np.where(others, z, np.inf).min(0)
    absent = run.model.couplings.present == 0
    return Assignment(np.where(absent, -1, best), np.where(absent, np.nan, lead))


def _by_chain(run: Run) -> np.ndarray:
    """Cov(s_i, M_R) by chain, (chains, R, N, M), every chain centred on the means of all."""
    if not run.sums:
        raise BadInput("ising.maps: the run did not sum over sites; run it with sites=True.")
    chains, draws = run.traces["magnetisation"].shape
    if chains < CHAINS:
        raise BadInput(f"ising.maps: {chains} chains say too little about their scatter; take {CHAINS} or more.")
    pair, site, region = (run.sums[name] / draws for name in ("pair", "site", "region"))
    s, m = site.mean(0), region.mean(0)[:, None, None]
    return pair - m * site[:, None] - s * region[:, :, None, None] + m * s


def probe_modes(run: Run) -> tuple[Estimate, np.ndarray, np.ndarray]:
    """R = Σ σ u vᵀ: singular values with jackknife errors over the chains, u (probes, r), v (regions, r), largest first.

    Every v has a positive sum. The jackknife leaves out one chain at a time: sem² = (n−1)/n Σ (σ_(i) − mean)².
    """
    each = run.by_chain()
    chains = len(each)
    if chains < CHAINS:
        raise BadInput(f"ising.maps: {chains} chains say too little about their scatter; take {CHAINS} or more.")
    response = run.response()
    u, values, vt = np.linalg.svd(response.mean, full_matrices=False)
    signs = np.where(vt.sum(1) < 0, -1, 1)
    left_out = (each.sum(0) - each) / (chains - 1)
    jackknife = np.linalg.svd(left_out, compute_uv=False)
    sem = np.sqrt((chains - 1) * jackknife.var(0))
    unknown = np.full(values.shape, np.nan)
    return Estimate(values, sem, unknown, unknown, ("mode",)), u * signs, vt.T * signs
