"""The estimator on a real network: the part of the report that is not a claim but an application.

A tanh network 64–8–10 is trained on 600 handwritten digits in the run itself, to a gradient of 1e-9 in double
precision, with weight decay written into its loss. Around that minimum w* the validated estimators are applied, in
single precision, and each answer is put beside what leading-order theory says *of that chain at that step size*:

* the local learning coefficient nβ⟨L_n − L_n(w*)⟩ for several localisations γ, beside ½ tr(H S);
* the structural matrix χ_{z}(φ_C) = −Cov(φ_C, ℓ_z − L_n), φ_C = L_n − L_n(w*) on a chain restricted to layer C
  (Def 16, the braces of eq 34), for 100 digits, beside eq 19 with φ = L;
* the influence matrix −Cov(ℓ_x − L_n, ℓ_z − L_n) of some digits (Def 13), beside −(1/t) aᵀ S b (eq 14);

each with R-hat, effective sample size and the virial z-score of its chains. nβ = 10⁴ makes the posterior narrow enough
for the leading order to be a prediction (corrections of order 1/nβ can still be seen, and grow as γ falls) and wide
enough for the susceptibilities, of order (nβ)⁻², to rise above their noise; it is not the temperature of the data.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ledger.claim import Budget, Figure, Series
from sampler import chain, quadratic, train
from sampler.data import digits
from sampler.diagnostics import Estimate
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from sampler.record import Run
from sampler.susceptibility import influence_matrix, susceptibility
from theory.errors import BadInput

WIDTHS = (64, 8, 10)
WEIGHT_DECAY = 1e-3
NBETA = 1e4
GAMMA = 1e3
GAMMAS = (5e2, 1e3, 2e3, 5e3, 1e4)
STEP = 1.0  # u = ε nβ λ_max(P): far from the limit 4, yet with a step bias that can be seen
COMPONENTS = {
    "layer 0": {"layer0": True, "layer1": False},
    "layer 1": {"layer0": False, "layer1": True},
}


@dataclass(frozen=True)
class Size:
    """How much to sample: a budget in numbers."""

    chains: int
    draws: int
    thin: int
    burn_in: int
    probes: int
    pairs: int


SIZES = {Budget.QUICK: Size(8, 400, 4, 400, 100, 12), Budget.FULL: Size(16, 4000, 5, 1000, 200, 24)}


@dataclass(frozen=True)
class Applied:
    """`data` is ready for JSON; `summary` holds plain sentences for the terminal and the report."""

    data: dict[str, Any]
    figures: tuple[Figure, ...]
    summary: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """The trained network and its data: in double precision for derivatives, in single precision for chains."""

    trained: train.Trained
    loss: Callable
    data: tuple[np.ndarray, np.ndarray]
    accuracy: float
    test_accuracy: float

    def posterior(self, gamma: float, mask: Any = True, dtype: Any = np.float64) -> LocalPosterior:
        # A mask of True where every weight moves keeps one program for whole and restricted chains.
        data, centre = _cast((self.data, self.trained.params), dtype)
        return LocalPosterior(self.loss, data, centre, NBETA, gamma, mask)


def applied(budget: Budget, progress: Callable[[str], object] | None = None) -> Applied:
    """Train, sample, compare. `progress` is called with one line before each part. Raises `BadInput` without
    scikit-learn or without double precision."""
    began, size, tell = time.perf_counter(), SIZES[budget], progress or (lambda line: None)
    if jnp.zeros(()).dtype != jnp.float64:
        raise BadInput(
            'network.applied trains in double precision; run jax.config.update("jax_enable_x64", True) first.'
        )
    tell("training a 64-8-10 network on 600 digits")
    network = _train()
    probes = tuple(part[: size.probes] for part in network.data)
    whole = quadratic.curvature(network.posterior(GAMMA))
    tell("local learning coefficient at several localisations")
    ladder, runs = _ladder(network, whole, size, probes)
    tell("susceptibilities of the layers")
    matrix, diagnoses = _matrix(network, size, probes)
    tell("influence of digits on each other")
    influence = _influence(whole, size, probes, runs[GAMMA])
    data = {
        "network": _describe(network),
        "llc": ladder,
        "matrix": matrix,
        "influence": influence,
        "diagnoses": [run.to_dict() for run in (*runs.values(), *diagnoses)],
        "seconds": time.perf_counter() - began,
    }
    return Applied(data, (_ladder_figure(ladder), _matrix_figure(matrix), _influence_figure(influence)), _summary(data))


def _train() -> Network:
    d = digits.load(600)
    loss = train.decayed(mlp.cross_entropy, WEIGHT_DECAY)
    trained = train.minimise(loss, mlp.init(jax.random.key(0), WIDTHS), (d.x, d.y))

    def accuracy(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean(np.argmax(np.asarray(mlp.apply(trained.params, jnp.asarray(x))), axis=-1) == y))

    return Network(trained, loss, (d.x, d.y), accuracy(d.x, d.y), accuracy(d.test_x, d.test_y))


def _sample(
    network: Network, curvature: quadratic.Curvature, gamma: float, mask: Any, size: Size, probes: Any, seed: int
) -> Run:
    """A chain in single precision at the step u = 1 of its own curvature."""
    return chain.run(
        jax.random.key(seed),
        sgld(curvature.step(STEP)),
        network.posterior(gamma, mask, np.float32),
        chains=size.chains,
        draws=size.draws,
        burn_in=size.burn_in,
        thin=size.thin,
        probes=_cast(probes, np.float32),
    )


def _ladder(
    network: Network, whole: quadratic.Curvature, size: Size, probes: Any
) -> tuple[dict[str, Any], dict[float, Run]]:
    runs, rows = {}, []
    for seed, gamma in enumerate(GAMMAS):
        curvature = whole.localised(gamma)
        runs[gamma] = run = _sample(network, curvature, gamma, True, size, probes, seed)
        sampled, predicted = llc(run), curvature.llc(run.epsilon)
        rows.append(
            {
                "gamma": gamma,
                "predicted": predicted,
                "continuous_time": curvature.llc(),
                "z": float(sampled.z(predicted)),
                "virial_z": run.stationarity(),
                **sampled.to_dict(),
            }
        )
    return {"nbeta": NBETA, "u": STEP, "weights": runs[GAMMAS[0]].dimension, "rows": rows}, runs


def _matrix(network: Network, size: Size, probes: Any) -> tuple[dict[str, Any], list[Run]]:
    """(nβ)² χ_z(φ_C), rows the layers and columns the digits."""
    rows: dict[str, list] = {"mean": [], "sem": [], "predicted": [], "z": [], "rhat": [], "ess": []}
    runs = []
    for seed, mask in enumerate(COMPONENTS.values()):
        curvature = quadratic.curvature(network.posterior(GAMMA, mask))
        run = _sample(network, curvature, GAMMA, mask, size, probes, 100 + seed)
        chi = susceptibility(run).scale(NBETA**2)
        predicted = -(NBETA**2) * curvature.loss_covariance(probes, run.epsilon)
        rows["predicted"].append(predicted.tolist())
        rows["z"].append(chi.z(predicted).tolist())
        for name, values in chi.to_dict().items():
            if name in rows:
                rows[name].append(values)
        runs.append(run)
    columns = [f"{digit} (#{i})" for i, digit in enumerate(probes[1].tolist())]
    agreement = [float(np.corrcoef(m, p)[0, 1]) for m, p in zip(rows["mean"], rows["predicted"], strict=True)]
    labels = {"rows": list(COMPONENTS), "columns": columns, "quantity": "(nβ)² χ_z(φ_C)"}
    return labels | rows | {"correlation": agreement}, runs


def _influence(curvature: quadratic.Curvature, size: Size, probes: Any, run: Run) -> dict[str, Any]:
    """nβ I_xz of the first digits, with the run that the ladder has made at γ = GAMMA."""
    few = tuple(part[: size.pairs] for part in probes)
    slopes = curvature.gradients(few)
    predicted = -NBETA * curvature.covariance(slopes, slopes, run.epsilon)
    sampled: Estimate = influence_matrix(run.select(slice(size.pairs))).scale(NBETA)
    z = sampled.z(predicted)
    names = [f"{digit} (#{i})" for i, digit in enumerate(few[1].tolist())]
    upper = np.triu_indices(size.pairs)
    return {
        "labels": names,
        "quantity": "nβ I_xz",
        "predicted": predicted.tolist(),
        "z": z.tolist(),
        "largest_z": float(np.abs(z[upper]).max()),
        "pairs": len(upper[0]),
        "correlation": float(np.corrcoef(sampled.mean[upper], predicted[upper])[0, 1]),
        **{name: getattr(sampled, name).tolist() for name in ("mean", "sem", "ess", "rhat")},
    }


def _cast(tree: Any, dtype: Any) -> Any:
    """The floating leaves in another precision; labels stay integers."""

    def cast(leaf: Any) -> np.ndarray:
        leaf = np.asarray(leaf)
        return leaf.astype(dtype) if np.issubdtype(leaf.dtype, np.floating) else leaf

    return jax.tree.map(cast, tree)


def _describe(network: Network) -> dict[str, Any]:
    return {
        "widths": list(WIDTHS),
        "weight_decay": WEIGHT_DECAY,
        "examples": len(network.data[0]),
        "loss": network.trained.loss,
        "gradient_norm": network.trained.gradient_norm,
        "accuracy": network.accuracy,
        "test_accuracy": network.test_accuracy,
    }


def _ladder_figure(ladder: dict[str, Any]) -> Figure:
    rows = ladder["rows"]
    gamma = tuple(row["gamma"] for row in rows)
    column = {name: tuple(row[name] for row in rows) for name in ("mean", "sem", "predicted", "continuous_time")}
    return Figure(
        "Local learning coefficient of a digit classifier (610 weights)",
        "localisation γ",
        "nβ⟨L − L*⟩",
        (
            Series("predicted for this step, ½ tr(HS)", gamma, column["predicted"], style="line"),
            Series("predicted for step 0", gamma, column["continuous_time"], style="line"),
            Series("sampled", gamma, column["mean"], column["sem"]),
        ),
        xlog=True,
    )


def _matrix_figure(matrix: dict[str, Any]) -> Figure:
    rows = zip(matrix["rows"], matrix["predicted"], matrix["mean"], matrix["sem"], strict=True)
    points = [Series(name, tuple(x), tuple(y), tuple(e)) for name, x, y, e in rows]
    title = "Susceptibilities of the layers to single digits: sampled against predicted"
    return Figure(title, "(nβ)² χ predicted (eq 19)", "(nβ)² χ sampled", (_diagonal(points), *points))


def _influence_figure(influence: dict[str, Any]) -> Figure:
    upper = np.triu_indices(len(influence["labels"]))
    x, y, e = (tuple(np.array(influence[name])[upper].tolist()) for name in ("predicted", "mean", "sem"))
    points = [Series("pairs of digits", x, y, e)]
    title = "Influence of digits on each other: sampled against predicted"
    return Figure(title, "nβ I predicted (eq 14)", "nβ I sampled", (_diagonal(points), *points))


def _diagonal(points: list[Series]) -> Series:
    ends = (min(min(s.x) for s in points), max(max(s.x) for s in points))
    return Series("equal", ends, ends, style="line")


def _summary(data: dict[str, Any]) -> tuple[str, ...]:
    net, rows, matrix, influence = data["network"], data["llc"]["rows"], data["matrix"], data["influence"]
    row = next(row for row in rows if row["gamma"] == GAMMA)
    layers = ", ".join(f"{c:.3f} ({n})" for n, c in zip(matrix["rows"], matrix["correlation"], strict=True))
    z = np.abs(np.array(matrix["z"]))
    worst = max(abs(run["virial_z"]) for run in data["diagnoses"])
    return (
        f"Network 64-8-10 on {net['examples']} digits: loss {net['loss']:.4f}, gradient {net['gradient_norm']:.0e}, "
        f"{net['accuracy']:.1%} right in training and {net['test_accuracy']:.1%} on the test set.",
        f"LLC at γ = {GAMMA:g}: {row['mean']:.2f} ± {row['sem']:.2f}, predicted {row['predicted']:.2f} for this step "
        f"and {row['continuous_time']:.2f} for step 0; largest |z| over {len(rows)} localisations "
        f"{max(abs(r['z']) for r in rows):.1f}.",
        f"Structural matrix, {len(matrix['columns'])} digits: correlation of sampled with predicted {layers}; "
        f"{np.mean(z < 3):.0%} of entries within 3 standard errors of leading order, largest |z| {z.max():.1f}.",
        f"Influence matrix, {influence['pairs']} pairs: correlation {influence['correlation']:.4f}, largest |z| "
        f"{influence['largest_z']:.1f} against leading order.",
        f"Chains: virial |z| ≤ {worst:.1f}, R-hat ≤ {max(run['rhat'] for run in data['diagnoses']):.3f}, "
        f"ess ≥ {min(run['ess'] for run in data['diagnoses']):.0f}; {data['seconds']:.0f} s.",
    )
