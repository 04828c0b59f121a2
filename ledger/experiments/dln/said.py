"""What the experiment says: its statements with their errors and verdicts, and its tables.

Functions: `statements`, `tables`.
"""

import numpy as np
import xarray as xr
from scipy.stats import chi2, norm

from ledger.experiments.dln import centres, chains
from ledger.experiments.experiment import Found, Statement, Table

LIMIT = 3.0
FALSE_ALARM = 1e-6


def statements(
    rungs: xr.Dataset, steps: xr.Dataset, no_turn: xr.Dataset, points: xr.Dataset, used: xr.Dataset
) -> tuple[Statement, ...]:
    """Of the ladder, the chains, the centres and the benchmark, in this order."""
    return (
        *_of_ladder(rungs),
        *_of_chains(steps, no_turn),
        *centres.statements(points),
        _of_use(used),
        _of_peer(used),
    )


def _of_ladder(d: xr.Dataset) -> tuple[Statement, ...]:
    inside, count = int((abs(d.z) <= LIMIT).sum()), d.sizes["network"]
    relative = d.fitted_sem / d.threshold
    logs = d.where(d.multiplicity > 1, drop=True)
    missed = int((abs(logs.without_logs_z) > LIMIT).sum())
    at = d.sel(t=1e3)
    off = (at.energy / d.threshold - 1) * 100
    return (
        Statement(
            f"Over a ladder of t from 10⁴ to 10¹² t⟨K⟩ extrapolates to Aoyagi's λ within {LIMIT:g} standard errors in {inside} of "
            f"{count} networks ({inside / count:.0%}); standard errors are {float(relative.median()):.2%} of λ in the median and "
            f"{float(relative.max()):.2%} at most, largest |z| {float(abs(d.z).max()):.1f}.",
            Found.HOLDS if inside >= 0.95 * count and count >= 20 else Found.FAILS,
        ),
        Statement(
            f"Without log t (m = 1 in the fit) λ is missed by more than {LIMIT:g} standard errors in {missed} of the "
            f"{logs.sizes['network']} networks with m > 1.",
            Found.HOLDS if missed == logs.sizes["network"] else Found.FAILS,
        ),
        Statement(
            f"At the single t = 1000 (γ = 1) t⟨K⟩ differs from λ by {float(off.min()):.1f}% to {float(off.max()):.1f}%, "
            f"{float(off.median()):.1f}% in the median; standard errors ≤ {float((at.energy_sem / d.threshold).max()):.2%}.",
        ),
    )


def _of_chains(steps: xr.Dataset, no_turn: xr.Dataset) -> tuple[Statement, ...]:
    z = steps.z.values.reshape(-1)
    limit, square = norm.isf(FALSE_ALARM / (2 * z.size)), chi2.isf(FALSE_ALARM, z.size)
    agrees = np.abs(z).max() < limit and np.sum(z**2) < square and float(steps.finite.min()) == 1
    between, exact = no_turn.z.values.reshape(-1), no_turn.z_exact.values.reshape(-1)
    bound = norm.isf(FALSE_ALARM / (2 * 2 * between.size))
    relative = float((steps.extrapolated_sem / steps.exact).median())
    return (
        Statement(
            f"SGLD with its step taken out (2λ̂(u) − λ̂(2u)) agrees with the exact sampler at the same t and γ = {chains.GAMMA:g} in "
            f"{z.size} comparisons: largest |z| {np.abs(z).max():.1f} (limit {limit:.1f}), mean z² {np.mean(z**2):.2f} (limit "
            f"{square / z.size:.2f}; a false alarm once in {1 / FALSE_ALARM:.0e}); standard errors {relative:.1%} in the median.",
            Found.HOLDS if agrees else Found.FAILS,
        ),
        Statement(
            f"blackjax's NUTS agrees with SGLD at {no_turn.sizes['network']} small networks and {no_turn.sizes['t']} temperatures:"
            f" largest |z| {np.abs(between).max():.1f}, and {np.abs(exact).max():.1f} against the exact sampler (limit "
            f"{bound:.1f}).",
            Found.HOLDS if max(np.abs(between).max(), np.abs(exact).max()) < bound else Found.FAILS,
        ),
    )


def _of_use(d: xr.Dataset) -> Statement:
    last = d.isel(network=-1)
    off = (d["mean"] / d.threshold - 1) * 100
    known_ = d.where(np.isfinite(d.exact), drop=True)
    chain_part = (known_["mean"] - known_.exact) / known_.threshold * 100
    span = f"{float(off.min()):.1f}% to {float(off.max()):.1f}%"
    alone = f"{float(chain_part.min()):.1f}% to {float(chain_part.max()):.1f}%"
    largest = f"{last['mean'].item():.5g} ± {last['sem'].item():.2g} (R-hat {last.rhat.item():.2f})"
    return Statement(
        f"As it is used (minibatches of 256, n = 10⁴, nβ = n/log n, chains from w*), λ̂/λ − 1 runs from {span} over "
        f"{d.sizes['network']} networks of {int(d.weights.min()):,} to {int(d.weights.max()):,} weights; the chains alone account "
        f"for {alone} where the exact sampler tells. {last.network.item()}: λ̂ = {largest}, λ = {last.threshold.item():g}."
    )


def _of_peer(d: xr.Dataset) -> Statement:
    if not np.isfinite(d.peer).any():
        return Statement(
            "devinterp is not installed here, so that its estimate does not stand beside these (see `peer`)."
        )
    known_ = d.where(np.isfinite(d.exact) & np.isfinite(d.peer), drop=True)
    ours, theirs = (abs(known_[k] - known_.exact) / known_.threshold * 100 for k in ("mean", "peer"))
    steps = d.steps / d.peer_steps
    return Statement(
        f"devinterp, given the same processor time, step, batches and chains, makes one step to {float(steps.min()):.1f}–"
        f"{float(steps.max()):.1f} of ours. Distance from the exact t⟨K⟩ at that t, in % of λ, over {ours.sizes['network']} "
        f"networks: ours {float(ours.min()):.1f}–{float(ours.max()):.1f}, devinterp over its draws {float(theirs.min()):.1f}–"
        f"{float(theirs.max()):.1f}; what it reports averages over burn-in as well.",
    )


def tables(rungs: xr.Dataset, no_turn: xr.Dataset, points: xr.Dataset, used: xr.Dataset) -> tuple[Table, ...]:
    extrapolated = []
    for name in rungs.network.values:
        r = rungs.sel(network=name)
        at = [f"{r.energy.sel(t=t).item():.3f} ± {r.energy_sem.sel(t=t).item():.3f}" for t in (1e2, 1e4, 1e12)]
        fits = [f"{r[k].item():.4f} ± {r[k + '_sem'].item():.4f}" for k in ("fitted", "without_logs")]
        numbers = (f"{r.threshold.item():g}", f"{r.multiplicity.item()}", *at, fits[0], f"{r.z.item():.1f}", fits[1])
        extrapolated.append((str(name), *numbers, f"{r.chi2.item():.1f}/{r.freedom.item()}"))
    against = []
    for name in no_turn.network.values:
        for t in no_turn.t.values:
            r = no_turn.sel(network=name, t=t)
            shown = (f"{r[k].item():.3f} ± {r[k + '_sem'].item():.3f}" for k in ("exact", "nuts", "sgld"))
            against.append((str(name), f"{t:g}", *shown))
    practice = []
    for name in used.network.values:
        r = used.sel(network=name)
        exact = f"{r.exact.item():.5g} ± {r.exact_sem.item():.2g}" if np.isfinite(r.exact) else "–"
        found = f"{r['mean'].item():.5g} ± {r['sem'].item():.2g}"
        share = f"{100 * (r['mean'] / r.threshold - 1).item():.1f} ± {100 * (r['sem'] / r.threshold).item():.1f}"
        row = (
            f"{int(r.weights):,}",
            f"{r.threshold.item():g}",
            exact,
            found,
            share,
            f"{r.rhat.item():.2f}",
            f"{r.seconds.item():.0f}",
            f"{r.peer.item():.5g} ± {r.peer_sem.item():.2g}" if np.isfinite(r.peer) else "–",
            f"{r.peer_own.item():.5g}" if np.isfinite(r.peer) else "–",
            f"{int(r.steps)} : {int(r.peer_steps)}" if np.isfinite(r.peer) else "–",
        )
        practice.append((str(name), *row))
    columns = ("network", "λ", "m", "t⟨K⟩ at 10²", "at 10⁴", "at 10¹²", "extrapolated", "z", "without logs", "χ²/ν")
    benchmarked = ("network", "weights", "λ", "t⟨K⟩ exact", "λ̂", "λ̂/λ − 1, %", "R-hat", "processor s")
    benchmarked += ("devinterp, draws", "devinterp's llc", "steps, ours : its")
    return (
        Table("t⟨K⟩ on the ladder and its limit", columns, tuple(extrapolated)),
        Table(
            f"Three samplers at γ = {chains.GAMMA:g}",
            ("network", "t", "exact", "NUTS", "SGLD, step out"),
            tuple(against),
        ),
        centres.table(points),
        Table("Minibatch SGLD from w* at nβ = n/log n, γ = 1", benchmarked, tuple(practice)),
    )


__all__ = ["statements", "tables"]
