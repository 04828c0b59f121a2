"""The experiment in sentences: each with its errors, and with whether it is what had been asked for.

What is asked for was settled on pilot runs of a perceptron 64–4–10, before any draw of the networks of both budgets: at every
Laplace-valid setting χ²/dof of the discrete chain's two orders lies in `WINDOW`; where continuous time is expected to reach
`APART`, it lies more than `REJECTED` scatters above 1 (by about 0.4); where the leading order alone is expected to reach `APART`,
the next one takes away at least half of what it is expected to; learning coefficients lie within `LIMIT` standard errors.

Functions: `statements`, `square`.
"""

from collections.abc import Iterable

import numpy as np
from scipy.stats import norm

from ledger.experiments.digits.drawing import WINDOW
from ledger.experiments.digits.study import LayerRow, Row, Study
from ledger.experiments.experiment import Found, Statement

LIMIT = float(norm.isf(1e-4 / 2))  # of |z|: chance passes it once in 10⁴
APART = 1.5  # the expected χ²/dof from which a wrong prediction must show
REJECTED = 5.0  # scatters of χ²/dof, where it must
BEST, LEADING, CONTINUOUS = ("discrete", 2), ("discrete", 1), ("continuous", 2)


def statements(one: Study) -> list[Statement]:
    training, rows = one.training, one.rows
    valid, others = [r for r in rows if r.valid], [r for r in rows if not r.valid]
    said = [
        Statement(
            f"{one.title}, {one.plan.size[0]} chains at each setting: loss {float(training['loss']):.4f} at w*, gradient "
            f"{float(training['gradient_norm']):.0e}, {float(training['accuracy']):.1%} of 600 digits right and "
            f"{float(training['test_accuracy']):.1%} of the others (one seed)."
        ),
        *_on_validity(one, valid, others),
        *_on_coefficients(one, valid),
    ]
    if one.nuts:
        said += _on_nuts(one, one.nuts)
    said += map(_on_layer, one.layers)
    if one.along:
        said.append(_on_training(one))
    if one.minibatch:
        said.append(_on_minibatches(one.minibatch))
    return said


def _on_validity(one: Study, valid: list[Row], others: list[Row]) -> list[Statement]:
    said = []
    inside = all(WINDOW[0] <= r.squares[BEST].value <= WINDOW[1] for r in valid)
    said.append(
        Statement(
            f"At {len(valid)} Laplace-valid settings the two orders of the discrete chain have χ²/dof "
            f"{_listed(square(r, BEST) for r in valid)} over {valid[0].squares[BEST].entries if valid else 0} entries each.",
            Found.HOLDS if valid and inside else Found.FAILS,
        )
    )
    needed = [r for r in valid if r.expected[LEADING] >= APART]
    if needed:
        better = all(r.squares[LEADING].value - r.squares[BEST].value > (r.expected[LEADING] - 1) / 2 for r in needed)
        pairs = _listed(
            f"{square(r, LEADING)} → {square(r, BEST)}, a factor {r.squares[LEADING].value / r.squares[BEST].value:.2g} "
            f"(expected {r.expected[LEADING]:.2g} → 1)"
            for r in needed
        )
        said.append(
            Statement(
                f"Where the next order is needed it brings χ²/dof down: {pairs}.",
                Found.HOLDS if better else Found.FAILS,
            )
        )
    told = [r for r in valid if r.expected[CONTINUOUS] >= APART]
    away = [_scatters(r, r.squares[CONTINUOUS].value) for r in told]
    each = _listed(
        f"{square(r, CONTINUOUS)} (expected {r.expected[CONTINUOUS]:.3g}), z = {_scatters(r, r.squares[CONTINUOUS].value):.1f} "
        f"(expected {_scatters(r, r.expected[CONTINUOUS]):.1f})"
        for r in valid
    )
    said.append(
        Statement(
            f"The continuous-time prediction, in two orders, has χ²/dof {each} in the same runs, z = (χ²/dof − 1)/scatter: of "
            f"{len(valid)} valid settings {len(told)} were expected to tell it apart, and {sum(a > REJECTED for a in away)} reject "
            f"it at z > {REJECTED:g}.",
            Found.HOLDS if told and min(away) > REJECTED else Found.FAILS,
        )
    )
    if others:
        stops = _listed(f"{r.setting}: {square(r, LEADING)} with one order, {square(r, BEST)} with two" for r in others)
        said.append(Statement(f"Where theory was said to stop, χ²/dof of the discrete chain is: {stops}."))
    return said


def _scatters(row: Row, value: float) -> float:
    """How far χ²/dof is above 1, in scatters that it has where the prediction is right."""
    return (value - 1) / row.outlook.scatter


def _on_coefficients(one: Study, valid: list[Row]) -> list[Statement]:
    if not valid:
        return []
    z = [r.llc_z(BEST) for r in valid]
    texts = _listed(
        f"{r.llc[0]:.3f} ± {r.llc[1]:.3f} ({r.llc_predicted[BEST]:.3f}; step 0: {r.llc_predicted[CONTINUOUS]:.3f})"
        for r in valid
    )
    return [
        Statement(
            f"λ̂ sampled and predicted at the valid settings: {texts}; |z| ≤ {max(map(abs, z)):.1f}.",
            Found.HOLDS if max(map(abs, z)) < LIMIT else Found.FAILS,
        )
    ]


def _on_nuts(one: Study, nuts: Row) -> list[Statement]:
    own, other = CONTINUOUS, BEST
    fits = WINDOW[0] <= nuts.squares[own].value <= WINDOW[1] and abs(nuts.llc_z(own)) < LIMIT
    said = [
        Statement(
            f"NUTS at nβ = {nuts.setting.nbeta:g}, γ = {nuts.setting.gamma:g} beside the posterior: χ²/dof "
            f"{square(nuts, own)}, λ̂ = {nuts.llc[0]:.2f} ± {nuts.llc[1]:.2f}, predicted {nuts.llc_predicted[own]:.2f}.",
            Found.HOLDS if fits else Found.FAILS,
        )
    ]
    same = [r for r in one.rows if r.setting[:2] == nuts.setting[:2]]
    for row in same:
        bias, error = row.llc[0] - nuts.llc[0], float(np.hypot(row.llc[1], nuts.llc[1]))
        predicted = row.llc_predicted[other] - row.llc_predicted[own]
        said.append(
            Statement(
                f"SGLD's own bias at u = {row.setting.u:g}, seen without theory as λ̂(SGLD) − λ̂(NUTS): {bias:.2f} ± {error:.2f}, "
                f"predicted {predicted:.2f}.",
                Found.HOLDS if abs(bias - predicted) < LIMIT * error else Found.FAILS,
            )
        )
    return said


def _on_layer(layer: LayerRow) -> Statement:
    own, other = layer.against, layer.continuous
    return Statement(
        f"Susceptibilities of {layer.name} at {layer.setting}: sampled = ({own.slope:.3f} ± {own.slope_sem:.3f}) × leading order "
        f"of the discrete chain, and ({other.slope:.3f} ± {other.slope_sem:.3f}) × continuous time; Hotelling F of "
        f"{len(layer.mean)} digits {own.F:.2f} (p = {own.p_value:.2g}), continuous {other.F:.2f} (p = {other.p_value:.2g}).",
        Found.HOLDS if own.p_value > 1e-4 else Found.FAILS,
    )


def _on_training(one: Study) -> Statement:
    away, last = [p for p in one.along if not p.at_minimum], one.along[-1]
    lowest = min(p.llc for p in one.along)
    return Statement(
        f"Along the training, {len(away)} of {len(one.along)} places are no minimum by the diagnosis, and nβ⟨L − L(w₀)⟩ there "
        f"({lowest:.0f} at the lowest) is no learning coefficient; at w* it is {last.llc:.2f} ± {last.sem:.2f}, "
        f"predicted {last.predicted:.2f}.",
        Found.HOLDS if last.at_minimum and abs(last.llc - last.predicted) < LIMIT * last.sem else Found.FAILS,
    )


def _on_minibatches(row: Row) -> Statement:
    own, full = ("discrete", 1), ("continuous", 1)
    fits = WINDOW[0] <= row.squares[own].value <= WINDOW[1] and abs(row.llc_z(own)) < LIMIT
    return Statement(
        f"With {row.name} examples at {row.setting} the law with gradient noise has χ²/dof {square(row, own)} and "
        f"λ̂ = {row.llc[0]:.3f} ± {row.llc[1]:.3f} (predicted {row.llc_predicted[own]:.3f}); without the noise χ²/dof is "
        f"{square(row, full)} (expected {row.expected[full]:.3g}) and λ̂ would be {row.llc_predicted[full]:.3f}.",
        Found.HOLDS if fits else Found.FAILS,
    )


def square(row: Row, way: tuple[str, int]) -> str:
    found = row.squares[way]
    return f"{found.value:.2f} ± {max(found.jackknife, row.outlook.scatter):.2f}"


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts)
