"""Trained classifiers of digits: where the theory of susceptibilities holds for a chain of finite step, and where it stops.

Influences Cov(ℓ_x − L_n, ℓ_z − L_n) of digits on each other (Def 13) are sampled with SGLD around the minimum of a trained network
and put beside the predictions of theory, in two orders of 1/nβ and for two laws:

    continuous time     the posterior: Lemma 20, and the next order
    discrete chain      the stationary law of SGLD at its own step ε (`sampler.quadratic`)

with NUTS, which has no step bias, as a second road to the posterior; the learning coefficient and the susceptibilities of layers
are compared in the same runs. What must be seen was settled on pilot runs of a perceptron 64–4–10, and before any draw of the
networks below: which chains are Laplace-valid (`predicted`), that χ²/dof of the discrete chain's two orders is 1 there, and how
large it is when an order, or the step, is left out. The nβ of the full budget were chosen by these predictions, before a draw;
those of the quick one by them, too, but after a first run at nβ = 7e3, 4e4 and 1e3 with twice the draws.

    trained.py    the networks and their minima            predicted.py   what theory says, and how far it may be trusted
    sampled.py    chains, reduced to means of stretches    agreement.py   χ² of a covariance matrix whose errors are correlated
    study.py      the parts in their order                 said.py, drawing.py   sentences, pictures

Source: the expansion of `theory.stationary`, in the form of `sampler.quadratic`. Function: `conduct`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ledger.claim import Budget
from ledger.experiments.digits import drawing, said, study
from ledger.experiments.digits.study import WAYS, Minibatch, Plan, Setting, Study
from ledger.experiments.experiment import Picture, Result, Table
from ledger.experiments.folder import Folder

PLANS: dict[Budget, tuple[Plan, ...]] = {
    Budget.QUICK: (
        Plan(
            "small mlp",
            (Setting(6e3, 0.1, 2.5), Setting(4e4, 0.1, 2.5), Setting(5e2, 0.1, 2.5)),
            (16, 6144, 500),
            nuts=(4e4, 0.1),
            nuts_size=(10, 160, 16),
            layers=Setting(1e5, 0.1, 2.5),
            layers_size=(16, 4096, 500),
            along=(0, 30, 300),
            along_at=Setting(1e4, 0.1, 1.0),
            along_size=(8, 600, 300),
        ),
    ),
    Budget.FULL: (
        Plan(
            "mlp",
            (
                Setting(1e5, 0.1, 2.5),
                Setting(3e5, 0.1, 2.5),
                Setting(2e5, 0.1, 3.0),
                Setting(1e5, 0.03, 2.5),
                Setting(2e5, 1.0, 2.5),
                Setting(1e4, 0.1, 2.5),
            ),
            (16, 12288, 500),
            nuts=(1e5, 0.1),
            nuts_size=(16, 160, 16),
            layers=Setting(1e5, 0.1, 2.5),
            layers_size=(16, 4096, 500),
            along=(0, 10, 30, 100, 300, 1000),
            along_at=Setting(1e4, 0.1, 1.0),
            along_size=(8, 1000, 500),
            minibatch=Minibatch(Setting(2e5, 0.1, 0.25), 400),
        ),
        Plan("cnn", (Setting(5e4, 0.1, 2.5), Setting(1e5, 0.1, 2.5), Setting(1e4, 0.1, 2.5)), (16, 12288, 500)),
    ),
}


def conduct(folder: Folder, budget: Budget) -> Result:
    """Train, predict, sample, compare; see the module."""
    return result([study.conduct(folder, plan) for plan in PLANS[budget]])


def result(studies: Sequence[Study]) -> Result:
    """Data, statements, pictures and tables of finished studies."""
    statements = tuple(each for one in studies for each in said.statements(one))
    pictures = {name: picture for one in studies for name, picture in _pictures(one).items()}
    data = {f"/{_key(one)}": _dataset(one) for one in studies}
    numbers = {_key(one): _numbers(one) for one in studies}
    return Result(data, statements, pictures, tuple(t for one in studies for t in _tables(one)), numbers)


def _key(one: Study) -> str:
    return one.plan.model.replace(" ", "_")


def _pictures(one: Study) -> dict[str, Picture]:
    key = _key(one)
    found = {
        f"{key} chi2": Picture(
            drawing.squares(one),
            "χ²/dof of sampled influences against four predictions, with the larger of predicted scatter and jackknife over "
            "chains; hollow: expected before the draws; ✗: not Laplace-valid; the band is what was asked for",
        )
    }
    for row in [r for r in one.rows if r.valid][:1] or one.rows[:1]:
        found[f"{key} entries"] = Picture(
            drawing.entries(row, str(row.setting)),
            "All pairs of digits at one setting, with standard errors, and their z-scores",
        )
    for law in dict.fromkeys((r.setting.confinement, r.setting.u) for r in one.rows):
        if (figure := drawing.distances(one, law)) is not None:
            caption = "The error of each prediction, noise taken off, as nβ varies; arrows: upper limits of two standard errors"
            found[f"{key} distance u {law[1]:g}"] = Picture(figure, caption)
    found[f"{key} llc"] = Picture(drawing.coefficients(one), "The learning coefficient, sampled and predicted")
    if one.layers:
        found[f"{key} layers"] = Picture(
            drawing.layers(one.layers, one.title), "Susceptibilities of layers to single digits"
        )
    if one.along:
        found[f"{key} along"] = Picture(drawing.along(one), "The estimator along the training")
    return found


def _tables(one: Study) -> list[Table]:
    rows = [*one.rows, *([one.nuts] if one.nuts else []), *([one.minibatch] if one.minibatch else [])]
    columns = (
        "run",
        "setting",
        "draws",
        "r",
        "valid",
        *drawing.NAMES.values(),
        "expected",
        "variances",
        "λ̂",
        "predicted",
        "virial z",
    )
    cells = [
        (
            r.name,
            str(r.setting),
            f"{r.draws}",
            f"{r.outlook.largest:.2g}",
            "yes" if r.valid else f"no ({r.outlook.guess:.2g})",
            *(said.square(r, way) for way in WAYS),
            " ".join(f"{r.expected[way]:.3g}" for way in WAYS),
            f"{r.errors:.2f}",
            f"{r.llc[0]:.3f} ± {r.llc[1]:.3f}",
            " ".join(f"{r.llc_predicted[way]:.3f}" for way in WAYS),
            f"{r.virial:.1f}",
        )
        for r in rows
    ]
    tables = [Table(f"{one.title}: χ²/dof of influences", columns, tuple(cells))]
    if one.along:
        steps = tuple(
            (
                "w*" if p.step < 0 else str(p.step),
                f"{p.loss:.4f}",
                f"{p.llc:.2f} ± {p.sem:.2f}",
                "–" if np.isnan(p.predicted) else f"{p.predicted:.2f}",
                f"{p.lowest:.2g}",
                "–" if np.isnan(p.decrement) else f"{p.decrement:.2g}",
                "yes" if p.at_minimum else "no",
                p.diagnosis,
            )
            for p in one.along
        )
        names = ("steps", "L_n", "nβ⟨L − L(w₀)⟩", "predicted", "lowest of H", "½ nβ g·P⁻¹g", "minimum", "diagnosis")
        tables.append(Table(f"{one.title}: along the training", names, steps))
    return tables


def _dataset(one: Study) -> xr.Dataset:
    rows = one.rows
    ways = [" ".join(map(str, way)) for way in WAYS]
    per_way = ("setting", "way")

    def table(get: Any) -> np.ndarray:
        return np.array([[get(r, way) for way in WAYS] for r in rows])

    variables: dict[str, Any] = {
        "nbeta": ("setting", [r.setting.nbeta for r in rows]),
        "gamma": ("setting", [r.setting.gamma for r in rows]),
        "u": ("setting", [r.setting.u for r in rows]),
        "valid": ("setting", [r.valid for r in rows]),
        "guess_of_the_third_order": ("setting", [r.outlook.guess for r in rows]),
        "chi2": (per_way, table(lambda r, way: r.squares[way].value)),
        "chi2_jackknife": (per_way, table(lambda r, way: r.squares[way].jackknife)),
        "chi2_scatter": ("setting", [r.outlook.scatter for r in rows]),
        "chi2_expected": (per_way, table(lambda r, way: r.expected[way])),
        "llc": ("setting", [r.llc[0] for r in rows]),
        "llc_sem": ("setting", [r.llc[1] for r in rows]),
        "llc_predicted": (per_way, table(lambda r, way: r.llc_predicted[way])),
        "influence": (("setting", "query", "probe"), -np.stack([r.plain.value for r in rows])),
        "influence_sem": (("setting", "query", "probe"), np.stack([r.plain.sem for r in rows])),
        "influence_predicted": (
            (*per_way, "query", "probe"),
            -np.stack([np.stack([r.predicted[way] for way in WAYS]) for r in rows]),
        ),
    }
    if one.layers:
        for name in ("mean", "sem", "predicted"):
            variables[f"layer_chi_{name}"] = (("layer", "probe"), np.stack([getattr(x, name) for x in one.layers]))
    if one.along:
        for name in ("step", "loss", "llc", "sem", "predicted", "decrement", "lowest", "at_minimum"):
            variables[f"along_{name}"] = ("place", [getattr(p, name) for p in one.along])
    return xr.Dataset(variables, coords={"way": ways}, attrs={"network": one.title, "units": "influences times nβ"})


def _numbers(one: Study) -> dict[str, Any]:
    extra = {"nuts": one.nuts, "minibatch": one.minibatch}
    named = {str(r.setting): r for r in one.rows} | {k: r for k, r in extra.items() if r}
    return {
        name: {
            "valid": r.valid,
            "chi2": {" ".join(map(str, way)): [s.value, s.jackknife] for way, s in r.squares.items()},
            "chi2_scatter": r.outlook.scatter,
            "expected": {" ".join(map(str, way)): value for way, value in r.expected.items()},
            "llc": list(r.llc),
            "llc_predicted": {" ".join(map(str, way)): value for way, value in r.llc_predicted.items()},
            "virial_z": r.virial,
        }
        for name, r in named.items()
    }
