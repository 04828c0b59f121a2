"""One network from training to tables: the parts of the experiment in their order, and what each leaves.

    train      the minimum, and weights on the way                      orders   C₁, C₂, l₀, l₁ of every law
    chains …   SGLD at each setting (nβ, c, u), compared four ways      nuts     the posterior without a step size
    layer …    χ_z(φ_C) of restricted chains                            along …  λ̂ at weights on the way
    minibatch  gradients of some examples

Reading order: `Plan`, `conduct`, `Study`, `Row`.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ledger.experiments.digits import agreement, predicted, sampled, trained
from ledger.experiments.digits.agreement import Hotelling, Influence, Square
from ledger.experiments.digits.predicted import Law, Outlook
from ledger.experiments.folder import Folder

WAYS = (("continuous", 1), ("continuous", 2), ("discrete", 1), ("discrete", 2))
Size = tuple[int, int, int]  # chains, draws, burn-in


class Setting(NamedTuple):
    """nβ, the confinement c = γ/nβ, and u = ε nβ λ_max(P)."""

    nbeta: float
    confinement: float
    u: float

    @property
    def gamma(self) -> float:
        return self.nbeta * self.confinement

    def __str__(self) -> str:
        return f"nβ = {self.nbeta:g}, γ = {self.gamma:g}, u = {self.u:g}"


class Minibatch(NamedTuple):
    setting: Setting
    batch: int


@dataclass(frozen=True)
class Plan:
    """What is done with one network.

    NUTS runs at its own (nβ, c), with u = 1 (more, and hardly a move is accepted); `along` says after how many steps of Adam λ̂ is
    looked at.
    """

    model: str
    settings: tuple[Setting, ...]
    size: Size
    probes: int = 24
    nuts: tuple[float, float] | None = None
    nuts_size: Size = (0, 0, 0)
    layers: Setting | None = None
    layers_size: Size = (0, 0, 0)
    along: tuple[int, ...] = (1000,)
    along_at: Setting | None = None
    along_size: Size = (0, 0, 0)
    minibatch: Minibatch | None = None

    @property
    def laws(self) -> tuple[tuple[float, float], ...]:
        """(c, u) of every setting, and (c, 0)."""
        wanted = [(s.confinement, s.u) for s in self.settings]
        if self.nuts:
            wanted.append((self.nuts[1], 0.0))
        return tuple(dict.fromkeys([*wanted, *((c, 0.0) for c, _ in wanted)]))


@dataclass(frozen=True)
class Row:
    """Chains at one setting beside the predictions: nβ Cov sampled and by each way; χ²/dof, what it should be if the run's own law
    to second order is right, and the squared distance, by each way."""

    name: str
    setting: Setting
    outlook: Outlook
    found: Influence
    plain: Influence
    predicted: dict[tuple[str, int], np.ndarray]
    whitened: dict[tuple[str, int], np.ndarray]
    squares: dict[tuple[str, int], Square]
    expected: dict[tuple[str, int], float]
    gaps: dict[tuple[str, int], tuple[float, float]]
    llc: tuple[float, float]
    llc_predicted: dict[tuple[str, int], float]
    virial: float
    diagnosis: str
    draws: int
    errors: float  # mean of sampled over predicted variances of the entries

    @property
    def valid(self) -> bool:
        return self.outlook.valid

    def llc_z(self, way: tuple[str, int]) -> float:
        return (self.llc[0] - self.llc_predicted[way]) / self.llc[1]


class LayerRow(NamedTuple):
    """χ_z(φ_C) of one layer, in units of 1/nβ²."""

    name: str
    setting: Setting
    mean: np.ndarray
    sem: np.ndarray
    predicted: np.ndarray
    against: Hotelling
    continuous: Hotelling
    llc: tuple[float, float]
    llc_predicted: float
    draws: int


class Point(NamedTuple):
    """λ̂ about the weights after some steps (−1: the minimum)."""

    step: int
    loss: float
    llc: float
    sem: float
    predicted: float
    decrement: float
    lowest: float
    minimum: str
    stationary: str
    diagnosis: str

    @property
    def at_minimum(self) -> bool:
        """P > 0, less than the error bar to be gained by another centre, and no complaint of these two checks."""
        return self.decrement <= self.sem and self.minimum == self.stationary == "fine"


@dataclass(frozen=True)
class Study:
    plan: Plan
    training: dict[str, Any]
    rows: list[Row]
    nuts: Row | None = None
    layers: list[LayerRow] = field(default_factory=list)
    along: list[Point] = field(default_factory=list)
    minibatch: Row | None = None

    @property
    def title(self) -> str:
        return trained.MODELS[self.plan.model].title


def conduct(folder: Folder, plan: Plan) -> Study:
    """All parts of one network."""
    name = plan.model
    training = folder.part(f"{name} train", trained.train, model=name, steps=plan.along)
    same = {"model": name, "centre": training["centre"], "count": plan.probes}
    found = folder.part(f"{name} orders", predicted.orders, laws=plan.laws, **same)

    def law(c: float, u: float) -> Law:
        return predicted.law(found, plan.laws, (c, u))

    rows = []
    for seed, setting in enumerate(plan.settings):
        nbeta, c, u = setting
        chosen = law(c, u)
        run = folder.part(
            f"{name} chains {seed}", sampled.chains, nbeta=nbeta, confinement=c, e=chosen.e, size=plan.size, seed=seed, **same
        )  # fmt: skip
        rows.append(compared(f"SGLD {seed}", setting, run, chosen, law(c, 0.0), chosen))
    return Study(
        plan, training, rows, _nuts(folder, plan, law, same), _layers(folder, plan, same), _along(folder, plan, training),
        _minibatch(folder, plan, same),
    )  # fmt: skip


def compared(name: str, setting: Setting, run: dict[str, Any], discrete: Law, continuous: Law, own: Law) -> Row:
    """A run beside the predictions of two laws; `own` is the law that the run should have, whose C₁ whitens."""
    nbeta = setting.nbeta
    P, draws = len(own.leading), int(run["draws"])
    laws = {"discrete": discrete, "continuous": continuous}
    select = np.eye(P, P + 1)  # of the record (f, L_n), f
    white = own.whitening(nbeta)
    found = agreement.influence(run["first"], run["product"], white @ select, white @ select)
    predictions = {way: laws[way[0]].covariance(nbeta, way[1]) for way in WAYS}
    whitened = {way: white @ C @ white for way, C in predictions.items()}
    i, j = np.triu_indices(P)
    variance = predicted.noise(own, nbeta, draws)[i, j, i, j]
    truth = white @ own.covariance(nbeta, 2) @ white
    energy = run["energy"].reshape(-1)
    return Row(
        name=name,
        setting=setting,
        outlook=predicted.outlook(own, nbeta, draws, int(run["stretch"])),
        found=found,
        plain=agreement.influence(run["first"], run["product"], select, nbeta * select),
        predicted={way: nbeta * C for way, C in predictions.items()},
        whitened=whitened,
        squares={way: agreement.square(found, C) for way, C in whitened.items()},
        expected={way: 1 + float(np.mean((C - truth)[i, j] ** 2 / variance)) for way, C in whitened.items()},
        gaps={way: agreement.gap(found, C) for way, C in whitened.items()},
        llc=(float(energy.mean()), float(energy.std(ddof=1)) / len(energy) ** 0.5),
        llc_predicted={way: laws[way[0]].learning_coefficient(nbeta, way[1]) for way in WAYS},
        virial=float(run["virial"]),
        diagnosis=str(run["diagnosis"]),
        draws=draws,
        errors=float(np.mean(found.sem[i, j] ** 2 / variance)),
    )


def _nuts(folder: Folder, plan: Plan, law: Any, same: dict[str, Any]) -> Row | None:
    if plan.nuts is None:
        return None
    nbeta, c = plan.nuts
    (u, *_) = [s.u for s in plan.settings if s.confinement == c]
    run = folder.part(
        f"{plan.model} nuts", sampled.chains, nbeta=nbeta, confinement=c, e=law(c, u).e / u, size=plan.nuts_size, seed=1000,
        kernel="nuts", **same,
    )  # fmt: skip
    return compared("NUTS", Setting(nbeta, c, 0.0), run, law(c, u), law(c, 0.0), law(c, 0.0))


def _layers(folder: Folder, plan: Plan, same: dict[str, Any]) -> list[LayerRow]:
    if plan.layers is None:
        return []
    rows, (nbeta, c, u) = [], plan.layers
    for seed, name in enumerate(trained.MODELS[plan.model].layers):
        where = same | {"nbeta": nbeta, "confinement": c}
        theory = folder.part(f"{plan.model} layer {name}, theory", predicted.layer, layer=name, u=u, **where)
        run = folder.part(
            f"{plan.model} layer {name}, chains", sampled.chains, layer=name, e=float(theory["e"]), size=plan.layers_size,
            seed=2000 + seed, **where,
        )  # fmt: skip
        P = plan.probes
        select = np.eye(P + 1)
        chi = agreement.influence(run["first"], run["product"], -(nbeta**2) * select[P:], select[:P])
        series, energy = chi.series[..., 0, :], run["energy"].reshape(-1)
        rows.append(
            LayerRow(
                name,
                plan.layers,
                chi.value[0],
                chi.sem[0],
                theory["discrete"],
                agreement.hotelling(series, theory["discrete"]),
                agreement.hotelling(series, theory["continuous"]),
                (float(energy.mean()), float(energy.std(ddof=1)) / len(energy) ** 0.5),
                float(theory["llc"]),
                int(run["draws"]),
            )
        )
    return rows


def _along(folder: Folder, plan: Plan, training: dict[str, Any]) -> list[Point]:
    if plan.along_at is None:
        return []
    nbeta, c, u = plan.along_at
    places = [*zip(plan.along, training["snapshots"], training["losses"], strict=True)]
    places.append((-1, training["centre"], training["loss"]))
    points = []
    for seed, (step, weights, loss) in enumerate(places):
        where = "minimum" if step < 0 else f"after {step}"
        run = folder.part(
            f"{plan.model} along, {where}", sampled.snapshot, model=plan.model, centre=weights, nbeta=nbeta, confinement=c, u=u,
            size=plan.along_size, seed=3000 + seed,
        )  # fmt: skip
        points.append(
            Point(
                step,
                float(loss),
                float(run["llc"]),
                float(run["sem"]),
                float(run["predicted"]),
                float(run["decrement"]),
                float(run["lowest"]),
                str(run["minimum"]),
                str(run["stationary"]),
                str(run["diagnosis"]),
            )
        )
    return points


def _minibatch(folder: Folder, plan: Plan, same: dict[str, Any]) -> Row | None:
    if plan.minibatch is None:
        return None
    (nbeta, c, u), batch = plan.minibatch
    where = same | {"nbeta": nbeta, "confinement": c, "batch": batch}
    theory = folder.part(f"{plan.model} minibatch, theory", predicted.minibatch, u=u, **where)
    run = folder.part(
        f"{plan.model} minibatch, chains", sampled.chains, e=float(theory["e"]), size=plan.size, seed=4000, **where
    )
    zero = np.zeros_like(theory["leading"])

    def law(leading: np.ndarray, llc: Any, S: np.ndarray) -> Law:
        return Law(c, u, float(theory["e"]), leading, zero, np.asarray(llc), theory["modes"], S, theory["a"])

    noisy = law(theory["leading"], theory["llc"], theory["S"])
    quiet = law(theory["full"], (float(theory["full_llc"]), 0.0), theory["S"])
    return compared(f"minibatches of {batch}", plan.minibatch.setting, run, noisy, quiet, noisy)
