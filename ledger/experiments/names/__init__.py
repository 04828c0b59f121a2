"""Influence against retraining: a character model, its own training data, and minima that are reached.

Question. How does the loss of a held-out query change when a training example is left out, and which prediction orders the examples
as retraining does? The published model (package pokepy-generator) is trained on from its weights to the minimum of cross entropy
with weight decay; then again, from there, for each change of the data. The truth is the minimum itself, |∇L| ≤ 10⁻⁹, and not
where an optimiser stopped; and it is the minimum on the branch w*(h) that leaves w*, followed in steps of the weight, as long as
that branch goes on.

    first order       influence functions, exact Hessian; damped ones; gradient products (no Hessian at all)      `predictions`
    Newton            one step on the changed loss                                                                `predictions`
    next order        of both series, with a stated error                                                         `predictions`
    Bayesian          covariances of losses under SGLD                                                            `predictions`
    retraining        leave-one-out, small weights ±h, random subsets                                             `truth`

Rules fixed in advance: seeds, sizes and dampings below; scores are rank correlations with bootstrap intervals (`scores`).

    problem.py  network, data, loss     newton.py  along a branch     truth.py  Hessian and retraining     predictions.py
    said.py  the answers in sentences   scores.py                     pictures.py
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ledger.claim import Budget
from ledger.experiments.experiment import Result, Table
from ledger.experiments.folder import Folder
from ledger.experiments.names import pictures, predictions, problem, said, scores, truth
from ledger.experiments.names.problem import Setting
from ledger.experiments.names.said import DAMPINGS, NEWTON, PLAIN, RHO, ROADS, STEP, WEIGHT, bayesian, damped
from sampler.data import names as data_set

DROPPED = 0.005
U = 0.5
COLDER = 10  # the other nβ/n


@dataclass(frozen=True)
class Size:
    """A budget in numbers: the setting, examples left out one by one, how many of them are also weighed up and down, subsets, and
    the chains (chains, draws, burn-in, thin)."""

    setting: Setting
    left_out: int
    weighed: int
    subsets: int
    chains: tuple[int, int, int, int]


SIZES = {
    Budget.QUICK: Size(Setting(800, 16, ("embedding", "layer0"), 0.015), 36, 18, 8, (8, 100, 80, 4)),
    Budget.FULL: Size(Setting(2000, 24, ("embedding", "layer0"), 0.01), 40, 40, 32, (8, 400, 200, 4)),
}


def conduct(folder: Folder, budget: Budget) -> Result:
    """Train, factorise, predict, retrain, compare."""
    return report(folder, SIZES[budget])


def report(folder: Folder, size: Size) -> Result:
    """The experiment at any size. Raises `BadInput` at once where the data are missing."""
    data_set.load()
    setting, n = size.setting, size.setting.n
    base = folder.part("minimum", problem.minimum, setting=setting)
    curved = folder.part("hessian", truth.hessian, setting=setting, w=base["w"])
    at = truth.frame(base["w"], curved)
    cases = _cases(size)
    first = folder.part(
        "influence functions", predictions.influences, setting=setting, w=at.w, H=at.H, dampings=DAMPINGS
    )
    bayes = {
        k: folder.part(
            f"Bayesian influence, nβ = {k} n", predictions.sampled, setting=setting, at=at, t=float(k * n), rho=RHO, u=U,
            size=size.chains,
        )
        for k in (1, COLDER)
    }  # fmt: skip
    still = truth.at_rest(setting, at.w)
    groups = {}
    for name, h in cases.items():
        again = folder.part(f"retrained, {name}", truth.retrained, setting=setting, at=at, h=h)
        roads = ROADS if name in ("left out", "subsets") else (WEIGHT,)
        series = {
            road: folder.part(
                f"series {road}, {name}", predictions.series, setting=setting, at=at, h=h, newton=road == NEWTON
            )
            for road in roads
        }
        groups[name] = _group(again, series, still)
    methods = _methods(first, bayes)
    table = _scores(groups, methods, cases)
    data = {"/" + name.replace(" ", "_"): group for name, group in groups.items()}
    data |= {"/influence": _influences(methods, bayes), "/scores": table}
    numbers = {
        "weights": len(at.w), "n": n, "gradient": float(base["gradient"]), "lowest_eigenvalue": float(curved["lowest"]),
        "retrainings": sum(group.sizes["case"] for group in groups.values()),
        "largest_gradient": max(float(group.gradient.max()) for group in groups.values()),
        "branches_that_end": {name: int((group.branch < 1).sum()) for name, group in groups.items()},
        "bif_rhat": {f"{k} n": float(b["rhat"]) for k, b in bayes.items()},
        "bif_virial": {f"{k} n": float(b["virial"]) for k, b in bayes.items()},
        "bif_energy": {f"{k} n": [float(b["energy"]), float(b["energy_sem"])] for k, b in bayes.items()},
        "bif_curvature": {f"{k} n": float(b["curvature"]) for k, b in bayes.items()},
    }  # fmt: skip
    same = first["influence"][DAMPINGS.index(RHO)] / (1 - U / 4)
    statements = (
        said.of_minimum(size, base, curved), said.of_retraining(groups, DROPPED), *said.of_series(groups), *said.of_scores(table),
        *(said.of_bayes(same, k, b) for k, b in bayes.items()),
    )  # fmt: skip
    costs = {said.order(road, k): float(groups["left out"].attrs[road]) for road in ROADS for k in (1, 2)}
    costs |= {damped(rho): float(s) for rho, s in zip(DAMPINGS, first["seconds"], strict=True)} | {PLAIN: 0.0}
    costs |= {bayesian(k): float(b["seconds"]) for k, b in bayes.items()}
    return Result(
        data,
        statements,
        pictures.all_of(groups, table, same, bayes[COLDER]),
        _tables(table, costs, curved, groups),
        numbers,
    )


# ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cases(size: Size) -> dict[str, np.ndarray]:
    """The changes of weight h, one in a row."""
    n, rng = size.setting.n, np.random.default_rng(1)
    single = np.eye(n)[rng.choice(n, size.left_out, replace=False)]
    subsets = np.zeros((size.subsets, n))
    for row in subsets:
        row[rng.choice(n, round(DROPPED * n), replace=False)] = -1.0
    few = STEP * single[: size.weighed]
    return {"left out": -single, "weight up": few, "weight down": -few, "subsets": subsets}


def _methods(first: Mapping[str, np.ndarray], bayes: Mapping[int, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """dφ_q/dh_i of each linear method, (queries, n)."""
    found = {damped(rho): values for rho, values in zip(DAMPINGS, first["influence"], strict=True)}
    return found | {PLAIN: first["plain"]} | {bayesian(k): b["mean"] for k, b in bayes.items()}


def _group(
    again: Mapping[str, np.ndarray], series: Mapping[str, Mapping[str, np.ndarray]], still: np.ndarray
) -> xr.Dataset:
    terms, error, ratio = (np.array([one[name] for one in series.values()]) for name in ("terms", "error", "ratio"))
    counts = {name: ("case", again[name]) for name in ("gradient", "branch", "softness", "steps", "products", "moved")}
    return xr.Dataset(
        {
            "change": (("case", "query"), again["queries"] - still), "terms": (("road", "order", "case", "query"), terms),
            "error": (("road", "case", "query"), error), "ratio": (("road", "case"), ratio), **counts,
        },
        {"road": list(series), "order": [1, 2, 3]},
        {"seconds": float(again["seconds"]), **{road: float(one["seconds"]) for road, one in series.items()}},
    )  # fmt: skip


def _influences(methods: Mapping[str, np.ndarray], bayes: Mapping[int, Mapping[str, np.ndarray]]) -> xr.Dataset:
    dims = ("query", "example")
    return xr.Dataset(
        {
            "influence": (("prediction", *dims), np.array(list(methods.values()))),
            "bayesian_sem": (("temperature", *dims), np.array([b["sem"] for b in bayes.values()])),
        },
        {"prediction": list(methods), "temperature": [f"nβ = {k} n" for k in bayes]},
    )


def _scores(
    groups: Mapping[str, xr.Dataset], methods: Mapping[str, np.ndarray], cases: Mapping[str, np.ndarray]
) -> xr.Dataset:
    rows, chosen = [], ("left out", "subsets")
    for case in chosen:
        g = groups[case]
        predicted = {name: cases[case] @ tau.T for name, tau in methods.items()}
        for road in ROADS:
            terms = g.terms.sel(road=road).cumsum("order")
            predicted |= {said.order(road, k): terms.sel(order=k).values for k in (1, 2)}
        rows.append({name: scores.spearman(np.nan_to_num(x), g.change.values) for name, x in predicted.items()})
    names_ = list(rows[0])
    arrays = {
        key: (("case", "prediction"), [[getattr(row[name], key) for name in names_] for row in rows])
        for key in ("value", "low", "high")
    }
    return xr.Dataset(arrays, {"case": list(chosen), "prediction": names_})


def _tables(
    d: xr.Dataset, costs: Mapping[str, float], curved: Mapping[str, np.ndarray], groups: Mapping[str, xr.Dataset]
) -> tuple[Table, ...]:
    rows = []
    for method in map(str, d.sel(case="left out").sortby("value", ascending=False).prediction.values):
        each = [said.score(d.sel(case=case, prediction=method)) for case in d.case.values]
        rows.append((method, *map(str, each), f"{costs[method]:.1f}", "" if method == PLAIN else "Hessian"))
    done = [
        (
            name, f"{g.sizes['case']}", f"{float(g.gradient.max()):.1e}", f"{int((g.branch == 1).sum())}",
            f"{int(g.products.median())}", " / ".join(f"{float(x):.2g}" for x in g.ratio.median("case")),
            f"{g.attrs['seconds']:.1f}",
        )
        for name, g in groups.items()
    ]  # fmt: skip
    return (
        Table("Predictions against retraining", ("method", "leave-one-out", "LDS", "processor s", "and needs"), tuple(rows)),
        Table(
            f"Retraining (the Hessian took {float(curved['seconds']):.1f} processor s)",
            (
                "change", "times", "largest |∇L|", "branch reaches the end", "products with Hessians, median",
                "r, median: in the weight / about Newton", "processor s",
            ),
            tuple(done),
        ),
    )  # fmt: skip
