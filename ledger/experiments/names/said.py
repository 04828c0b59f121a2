"""The experiment in sentences, each with its errors; and the names of the methods.

Functions: `of_minimum`, `of_retraining`, `of_series`, `of_scores`, `of_bayes`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from ledger.experiments.experiment import Found, Statement
from ledger.experiments.names import scores, truth

if TYPE_CHECKING:
    from ledger.experiments.names import Size

STEP = 0.1  # change of weight for the derivative
DAMPINGS = (0.0, 0.01, 0.03, 0.1, 1.0)
RHO = 0.03
CONTRACTING = 0.5
ROUNDING = 1e-8  # of a loss, between two minima with |∇L| ≤ 1e-9
PLAIN = "gradient products"
ROADS = WEIGHT, NEWTON = "in the weight", "about Newton"
SETTLED = 4.0  # |z| of the virial identity
NEAR = 0.25  # of energy and curvature to those of the quadratic law


def damped(rho: float) -> str:
    return f"influence function, ρ = {rho:g}" if rho else "influence function"


def bayesian(k: int) -> str:
    return f"Bayesian (ρ = {RHO:g}, nβ = {'' if k == 1 else f'{k} '}n)"


def order(road: str, k: int) -> str:
    """The name of the first order of a series, or of the first two."""
    if k == 1:
        return "influence function" if road == WEIGHT else "Newton step"
    return f"next order {road}"


def of_minimum(size: "Size", base: Mapping[str, np.ndarray], curved: Mapping[str, np.ndarray]) -> Statement:
    s = size.setting
    return Statement(
        f"{len(base['w']):,} weights ({', '.join(s.layers)}) trained on {s.n} pairs with weight decay {s.decay:g} to |∇L| = "
        f"{float(base['gradient']):.0e}; cross entropy {float(base['published']):.3f} → {float(base['trained']):.3f} nats. H has "
        f"eigenvalues from {float(curved['lowest']):.2g} to {float(curved['highest']):.3g}, and {int(curved['symmetric'])} zeros "
        f"that belong to rotations of the embedding (|HQ| ≤ {float(curved['along']):.0e})."
    )


def of_retraining(groups: Mapping[str, xr.Dataset], dropped: float) -> Statement:
    tried = sum(g.sizes["case"] for g in groups.values())
    worst = max(float(g.gradient.max()) for g in groups.values())
    alone, sets = groups["left out"], groups["subsets"]
    ended = alone.branch.values[alone.branch.values < 1]
    where = ""
    if len(ended):
        left = ", ".join(f"{1 - s:.2f}" for s in sorted(ended))
        soft = float(alone.softness.where(alone.branch < 1).max())
        fold = ": folds" if soft < 0.1 else ""
        where = f" (at weights {left}, where the curvature along them has fallen to {soft:.2g} of what it was or less{fold})"
    on_it = int((alone.branch == 1).sum())
    weighed = 2 * groups["weight up"].sizes["case"]
    return Statement(
        f"{tried} retrainings in double precision reached |∇L| ≤ {worst:.1e}: {alone.sizes['case']} with one example left out, "
        f"{weighed} with its weight changed by ±{STEP:g}, {sets.sizes['case']} without {dropped:.1%} of the data. "
        f"{on_it} of the first kind are on the branch that leaves w*; {len(ended)} branches end before the example has gone"
        f"{where}, and there another minimum was taken; of the last kind {int((sets.branch == 1).sum())} are on their branch.",
        Found.HOLDS if on_it >= 30 and worst <= truth.TOLERANCE else Found.FAILS,
    )


class Errors(NamedTuple):
    """Root mean square errors of one and two orders, values within the stated error, values, changes that contract, changes."""

    once: float
    twice: float
    inside: int
    values: int
    contract: int
    changes: int

    @property
    def honest(self) -> bool:
        return self.inside == self.values > 0


def errors(g: xr.Dataset, road: str) -> Errors:
    """Of a group whose branches reach the end, where r ≤ ½."""
    one = g.sel(road=road)
    kept = one.isel(case=np.flatnonzero((one.ratio.values <= CONTRACTING) & (one.branch.values == 1)))
    off = [kept.change - kept.terms.sel(order=slice(k)).sum("order") for k in (1, 2)]
    inside = int((abs(off[1]) <= kept.error + ROUNDING).sum())
    count = kept.sizes["case"]
    once, twice = (float(np.sqrt((x**2).mean())) if count else np.nan for x in off)
    return Errors(once, twice, inside, count * kept.sizes["query"], count, g.sizes["case"])


def of_series(groups: Mapping[str, xr.Dataset]) -> tuple[Statement, ...]:
    pair = xr.concat([groups["weight up"], groups["weight down"]], "case")
    near = errors(pair, WEIGHT)
    size = float(np.sqrt((pair.change**2).mean()))
    said = [
        Statement(
            f"The weight derivative, (φ(w*(h)) − φ(w*))/h at h = ±{STEP:g}: the next order agrees with retraining within its "
            f"stated error in {near.inside} of {near.values} values ({near.contract} of {near.changes} changes contract, "
            f"r ≤ {CONTRACTING:g}); its root mean square error is {near.twice / STEP:.2g} nats, that of the first order "
            f"{near.once / STEP:.2g}, the derivative itself {size / STEP:.2g}.",
            Found.HOLDS if near.honest and near.twice < near.once else Found.FAILS,
        )
    ]
    for name, words in (("left out", "Leave-one-out (h = −1)"), ("subsets", "Subsets left out")):
        each = {road: errors(groups[name], road) for road in ROADS}
        parts = [f"{road}, {_contracting(e)}" for road, e in each.items()]
        answered = [e for e in each.values() if e.contract]
        found = (Found.HOLDS if all(e.honest for e in answered) else Found.FAILS) if answered else Found.SHOWN
        said.append(Statement(f"{words}: {'; '.join(parts)}.", found))
    return tuple(said)


def _contracting(e: Errors) -> str:
    if not e.contract:
        return f"none of {e.changes} contracts, and there is no answer"
    return (
        f"{e.contract} of {e.changes} contract and {e.inside} of {e.values} values lie within the stated error, root mean square "
        f"{e.twice:.2g} nats with two orders, {e.once:.2g} with one"
    )


def score(cell: xr.Dataset) -> scores.Score:
    return scores.Score(*(float(cell[key]) for key in ("value", "low", "high")))


def of_scores(d: xr.Dataset) -> tuple[Statement, ...]:
    found = []
    for case, words in (
        ("left out", "Rank correlation with leave-one-out retraining"),
        ("subsets", "Linear datamodelling score"),
    ):
        row = d.sel(case=case).sortby("value", ascending=False)
        ranked = "; ".join(f"{m} {score(row.sel(prediction=m))}" for m in row.prediction.values)
        found.append(Statement(f"{words} (mean over queries, 95% bootstrap interval): {ranked}."))
    return tuple(found)


def of_bayes(predicted: np.ndarray, k: int, bayes: Mapping[str, np.ndarray]) -> Statement:
    """Sampled on predicted, query by query; what is left of an entry in standard errors."""
    x, y = predicted, bayes["mean"]
    each = (x * y).sum(axis=1) / (x * x).sum(axis=1)
    slope, error = each.mean(), each.std(ddof=1) / len(each) ** 0.5
    share = float(np.mean(np.abs(y - x) <= 3 * bayes["sem"]))
    signal = float(np.median(np.abs(y) / bayes["sem"]))
    virial = float(bayes["virial"])
    settled = "settled" if abs(virial) <= SETTLED and float(bayes["rhat"]) < 1.1 else "not settled"
    energy, sem, curvature = (float(bayes[name]) for name in ("energy", "energy_sem", "curvature"))
    beyond = ""
    if max(abs(energy - 1), abs(curvature - 1)) > NEAR:
        beyond = (
            f" They are out of reach of that order: nβ⟨L − L*⟩ is {energy:.2f} ± {sem:.2f} times what its quadratic law gives, and "
            f"steps meet {curvature:.2f} times the curvature of w*"
            + (
                "; steps this large are not stable where the chains are: take a smaller u."
                if curvature > 1 + NEAR
                else "."
            )
        )
    return Statement(
        f"The Bayesian influence function at nβ = {'' if k == 1 else f'{k} '}n regresses on the leading order of its chain "
        f"(damped, ρ = {RHO:g}) with slope {slope:.2f} ± {error:.2f} (over queries); {share:.1%} of its entries lie within 3 "
        f"standard errors of it. Half of them are smaller than {signal:.1f} standard errors. The chains are {settled}: R-hat ≤ "
        f"{float(bayes['rhat']):.2f}, effective draws ≥ {float(bayes['ess']):.0f}, virial z {virial:.1f}.{beyond}"
    )
