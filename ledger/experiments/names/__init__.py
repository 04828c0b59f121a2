"""Influence against retraining: a character model, its own training data, and minima that are reached.

Question. How does the loss of a held-out query change when a training example is left out, and which prediction orders the examples
as retraining does? The published model (package pokepy-generator) is trained on from its weights to the minimum of cross entropy
with weight decay; then again, from there, for each change of the data. The truth is the minimum itself, |∇L| ≤ 10⁻⁹, and not
where an optimiser stopped.

    first order       influence functions, exact Hessian; damped ones; gradient products (no Hessian at all)      `predictions`
    next order        the second derivative of w*(h) along the change, with a stated error                        `predictions`
    Bayesian          covariances of losses under minibatch SGLD                                                  `predictions`
    retraining        leave-one-out, small weights ±h, random subsets                                             `truth`

Rules fixed in advance: seeds, sizes and dampings below; scores are rank correlations with bootstrap intervals (`scores`).

    problem.py  network, data, loss      truth.py  Hessian and retraining      predictions.py      scores.py      pictures.py
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ledger.claim import Budget
from ledger.experiments.experiment import Found, Result, Statement, Table
from ledger.experiments.folder import Folder
from ledger.experiments.names import pictures, predictions, problem, scores, truth
from ledger.experiments.names.problem import ALL, Setting
from sampler.data import names as data_set

STEP = 0.1  # change of weight for the derivative
DROPPED = 0.02
DAMPINGS = (0.0, 0.01, 0.03, 0.1, 1.0)
RHO = 0.03
CONTRACTING = 0.25
BAYESIAN, NEXT, PLAIN = f"Bayesian (SGLD, ρ = {RHO:g})", "next order", "gradient products"


@dataclass(frozen=True)
class Size:
    """A budget in numbers: the setting, examples left out one by one, subsets, and the chains (chains, draws, burn-in, thin)."""

    setting: Setting
    left_out: int
    subsets: int
    chains: tuple[int, int, int, int]


SIZES = {
    Budget.QUICK: Size(Setting(1000, 16, ("embedding", "layer0"), 0.01), 32, 24, (8, 150, 500, 20)),
    Budget.FULL: Size(Setting(2000, 24, ALL, 0.01), 60, 60, (8, 600, 1000, 20)),
}


def conduct(folder: Folder, budget: Budget) -> Result:
    """Train, factorise, predict, retrain, compare."""
    return report(folder, SIZES[budget])


def report(folder: Folder, size: Size) -> Result:
    """The experiment at any size. Raises `BadInput` at once where the data are missing."""
    data_set.load()
    setting, n = size.setting, size.setting.n
    base = folder.part("minimum", problem.minimum, setting=setting)
    w = base["w"]
    curved = folder.part("hessian", truth.hessian, setting=setting, w=w)
    known: dict[str, Any] = {"setting": setting, "w": w, "H": curved["H"]}
    rng = np.random.default_rng(1)
    chosen = rng.choice(n, size.left_out, replace=False)
    single = np.eye(n)[chosen]
    subsets = np.zeros((size.subsets, n))
    for row in subsets:
        row[rng.choice(n, round(DROPPED * n), replace=False)] = -1.0
    first = folder.part("influence functions", predictions.influences, **known, dampings=DAMPINGS)
    chains, draws, burn_in, thin = size.chains
    bayes = folder.part(
        "Bayesian influence", predictions.sampled, **known, t=float(n), rho=RHO, u=0.05, chains=chains, draws=draws,
        burn_in=burn_in, thin=thin,
    )  # fmt: skip
    cases = {"left out": -single, "weight up": STEP * single, "weight down": -STEP * single, "subsets": subsets}
    still = folder.part("retrained, nothing", truth.retrained, **known, h=np.zeros((1, n)))
    groups = {}
    for name, h in cases.items():
        again = folder.part(f"retrained, {name}", truth.retrained, **known, h=h)
        series = folder.part(f"series, {name}", predictions.series, **known, h=h)
        groups[name] = _group(again, series, still["queries"][0])
    methods = _methods(first, bayes)
    table = _scores(groups, methods, cases)
    data = {"/" + name.replace(" ", "_"): group for name, group in groups.items()}
    data |= {"/influence": _influences(methods, bayes), "/scores": table}
    tried = sum(group.sizes["case"] for group in groups.values())
    worst = max(float(group.gradient.max()) for group in groups.values())
    numbers = {
        "weights": len(w), "n": n, "gradient": float(base["gradient"]), "lowest_eigenvalue": float(curved["lowest"]),
        "retrainings": tried, "largest_gradient": worst, "bif_rhat": float(bayes["rhat"]), "bif_virial": float(bayes["virial"]),
    }  # fmt: skip
    statements = (
        _of_minimum(size, base, curved), _of_retraining(groups, tried, worst), *_of_series(groups), *_of_scores(table),
        _of_bayes(first, bayes),
    )  # fmt: skip
    same = first["influence"][DAMPINGS.index(RHO)]
    costs = {**dict.fromkeys(methods, 0.0), PLAIN: 0.0, NEXT: float(groups["left out"].attrs["series_seconds"])}
    costs |= {_damped(rho): float(s) for rho, s in zip(DAMPINGS, first["seconds"], strict=True)}
    costs[BAYESIAN] = float(bayes["seconds"])
    return Result(
        data, statements, pictures.all_of(groups, table, same, bayes), _tables(table, costs, curved, groups), numbers
    )


# ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _damped(rho: float) -> str:
    return f"influence function, ρ = {rho:g}" if rho else "influence function"


def _methods(first: Mapping[str, np.ndarray], bayes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """dφ_q/dh_i of each linear method, (queries, n)."""
    found = {_damped(rho): values for rho, values in zip(DAMPINGS, first["influence"], strict=True)}
    return found | {PLAIN: first["plain"], BAYESIAN: bayes["mean"]}


def _group(again: Mapping[str, np.ndarray], series: Mapping[str, np.ndarray], still: np.ndarray) -> xr.Dataset:
    both = ("case", "query")
    return xr.Dataset(
        {
            "change": (both, again["queries"] - still), "first": (both, series["first"]), "second": (both, series["second"]),
            "error": (both, series["error"]), "ratio": ("case", series["ratio"]), "gradient": ("case", again["gradient"]),
            "evaluations": ("case", again["evaluations"]), "moved": ("case", again["moved"]),
        },
        attrs={"seconds": float(again["seconds"]), "series_seconds": float(series["seconds"])},
    )  # fmt: skip


def _influences(methods: Mapping[str, np.ndarray], bayes: Mapping[str, np.ndarray]) -> xr.Dataset:
    values = np.array(list(methods.values()))
    dims = ("query", "example")
    return xr.Dataset(
        {"influence": (("prediction", *dims), values), "bayesian_sem": (dims, bayes["sem"])},
        {"prediction": list(methods)},
    )


def _scores(
    groups: Mapping[str, xr.Dataset], methods: Mapping[str, np.ndarray], cases: Mapping[str, np.ndarray]
) -> xr.Dataset:
    rows = []
    for case in ("left out", "subsets"):
        g = groups[case]
        predicted = {name: cases[case] @ tau.T for name, tau in methods.items()}
        predicted[NEXT] = (g.first + g.second).values
        rows.append([scores.spearman(x, g.change.values) for x in predicted.values()])
    names_ = [*methods, NEXT]
    arrays = {
        key: (("case", "prediction"), [[getattr(s, key) for s in row] for row in rows])
        for key in ("value", "low", "high")
    }
    return xr.Dataset(arrays, {"case": ["left out", "subsets"], "prediction": names_})


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_minimum(size: Size, base: Mapping[str, np.ndarray], curved: Mapping[str, np.ndarray]) -> Statement:
    s = size.setting
    return Statement(
        f"{len(base['w']):,} weights ({', '.join(s.layers)}) trained on {s.n} pairs with weight decay {s.decay:g} to |∇L| = "
        f"{float(base['gradient']):.0e}; cross entropy {float(base['published']):.3f} → {float(base['trained']):.3f} nats. H has "
        f"eigenvalues from {float(curved['lowest']):.2g} to {float(curved['highest']):.3g}, and {int(curved['symmetric'])} zeros "
        f"that belong to rotations of the embedding (|HQ| ≤ {float(curved['along']):.0e})."
    )


def _of_retraining(groups: Mapping[str, xr.Dataset], tried: int, worst: float) -> Statement:
    alone = groups["left out"].sizes["case"]
    return Statement(
        f"{tried} retrainings in double precision reached |∇L| ≤ {worst:.1e}: {alone} with one example left out, "
        f"{2 * alone} with its weight changed by ±{STEP:g}, {groups['subsets'].sizes['case']} without {DROPPED:.0%} of the data.",
        Found.HOLDS if alone >= 30 and worst <= truth.TOLERANCE else Found.FAILS,
    )


def _of_series(groups: Mapping[str, xr.Dataset]) -> tuple[Statement, ...]:
    pair = xr.concat([groups["weight up"], groups["weight down"]], "case")
    once, twice, inside, asked, answered = _errors(pair)
    alone = _errors(groups["left out"])
    return (
        Statement(
            f"The weight derivative, (φ(w*(h)) − φ(w*))/h at h = ±{STEP:g}: the next order agrees with retraining within its "
            f"stated error in {inside} of {answered * pair.sizes['query']} cases ({answered} of {asked} changes contract, "
            f"r ≤ {CONTRACTING:g}); its root mean square error is {twice / STEP:.2g} nats, that of the first order "
            f"{once / STEP:.2g}, the derivative itself {_rms(pair.change) / STEP:.2g}.",
            Found.HOLDS if inside == answered * pair.sizes["query"] and answered and twice < once else Found.FAILS,
        ),
        Statement(
            f"Leave-one-out (h = −1): {alone[4]} of {alone[3]} examples contract; there the next order is within its stated error "
            f"in {alone[2]} of {alone[4] * pair.sizes['query']} cases, root mean square error {alone[1]:.2g} nats against "
            f"{alone[0]:.2g} of the first order.",
            Found.HOLDS if alone[4] and alone[2] == alone[4] * pair.sizes["query"] else Found.FAILS,
        ),
    )


def _errors(g: xr.Dataset) -> tuple[float, float, int, int, int]:
    """rms error of first and second order, cases within the stated error, changes, and those that contract."""
    kept = g.isel(case=np.flatnonzero(g.ratio.values <= CONTRACTING))
    if not kept.sizes["case"]:
        return np.nan, np.nan, 0, g.sizes["case"], 0
    off = kept.change - kept.first - kept.second
    # What two minimisations with |∇L| ≤ 1e-9 leave is added to the stated error.
    inside = int((abs(off) <= kept.error + 1e-8).sum())
    return _rms(kept.change - kept.first), _rms(off), inside, g.sizes["case"], kept.sizes["case"]


def _rms(x: xr.DataArray) -> float:
    return float(np.sqrt((x**2).mean()))


def _of_scores(d: xr.Dataset) -> tuple[Statement, ...]:
    found = []
    for case, words in (
        ("left out", "Rank correlation with leave-one-out retraining"),
        ("subsets", "Linear datamodelling score"),
    ):
        row = d.sel(case=case).sortby("value", ascending=False)
        order = "; ".join(
            f"{m} {scores.Score(*(float(row[k].sel(prediction=m)) for k in ('value', 'low', 'high')))}"
            for m in row.prediction.values
        )
        found.append(Statement(f"{words} (mean over queries, 95% bootstrap interval): {order}."))
    return tuple(found)


def _of_bayes(first: Mapping[str, np.ndarray], bayes: Mapping[str, np.ndarray]) -> Statement:
    x, y = first["influence"][DAMPINGS.index(RHO)], bayes["mean"]
    each = (x * y).sum(axis=1) / (x * x).sum(axis=1)
    slope, error = each.mean(), each.std(ddof=1) / len(each) ** 0.5
    share = float(np.mean(np.abs(y - x) <= 3 * bayes["sem"]))
    signal = float(np.median(np.abs(y) / bayes["sem"]))
    return Statement(
        f"The Bayesian influence function at nβ = n regresses on the damped one of the same localisation (ρ = {RHO:g}) with slope "
        f"{slope:.2f} ± {error:.2f} (over queries); {share:.1%} of its entries lie within 3 standard errors of it. Half of them "
        f"are smaller than {signal:.1f} standard errors; R-hat ≤ {float(bayes['rhat']):.2f}, virial z {float(bayes['virial']):.1f}."
    )


def _tables(
    d: xr.Dataset, costs: Mapping[str, float], curved: Mapping[str, np.ndarray], groups: Mapping[str, xr.Dataset]
) -> tuple[Table, ...]:
    rows = []
    for method in d.sel(case="left out").sortby("value", ascending=False).prediction.values:
        each = [
            scores.Score(*(float(d[k].sel(case=c, prediction=method)) for k in ("value", "low", "high")))
            for c in d.case.values
        ]
        needs = "" if method in (PLAIN,) else "Hessian"
        rows.append((str(method), *map(str, each), f"{costs[str(method)]:.1f}", needs))
    done = [
        (name, f"{g.sizes['case']}", f"{float(g.gradient.max()):.1e}", f"{float(g.evaluations.median()):.0f}",
         f"{float(g.ratio.median()):.2g}", f"{g.attrs['seconds']:.1f}")
        for name, g in groups.items()
    ]  # fmt: skip
    return (
        Table(
            "Predictions against retraining",
            ("method", "leave-one-out", "LDS", "processor s", "and needs"),
            tuple(rows),
        ),
        Table(
            f"Retraining (the Hessian took {float(curved['seconds']):.1f} processor s)",
            ("change", "times", "largest |∇L|", "evaluations, median", "contraction r, median", "processor s"),
            tuple(done),
        ),
    )
