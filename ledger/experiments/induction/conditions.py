"""The weightings that are trained: by name, with the seeds each is trained on.

A name says rule, direction and what was done to the weights: "pc1 + shuffled". + is accelerate, − is delay. The two rules of the
claim, "pc1" and "raw pm", were named before any training, with their shuffles; all others are shown beside them. `Made.weights` is
(N,) for all seeds or (S, N), one for each.

    control, oracle ×2, oracle ×½    weights 1; weights by token kind (an upper guide, no susceptibility)
    pc1 ±, raw pm ±                  strength 1, each with its weights shuffled, another permutation for each seed
    loss = pc1 ±                     weights from the final loss alone, of the strength that gives the ratio of pc1 ±
    pc1 ± between, within            class means of the weights alone; class means taken out
    held pc1 ±, held control         sequences that neither the source model nor the posterior has seen
    before pc1 ±, before raw pm ±    χ̂ before the transition
    the rest                         other strengths, single components, modes, pseudo-inverses, ridges

Functions: `claim`, `explained`, `others`, `held_out`, `before`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ledger.experiments.induction import rules
from sampler.data.induction import SECOND

SIGNS = {"+": 1.0, "−": -1.0}


class Made(NamedTuple):
    """Weights of a condition, (N,) or (seeds, N); on which sequences; how many of the seeds."""

    weights: np.ndarray
    data: str
    seeds: int


def oracle(kinds: np.ndarray, factor: float) -> np.ndarray:
    """Weight `factor` on second-copy tokens, of mean 1."""
    rho = np.where(kinds == SECOND, factor, 1.0)
    return rho / rho.mean()


def claim(
    scores: Mapping[str, np.ndarray],
    loss: np.ndarray,
    kinds: np.ndarray,
    seeds: Sequence[int],
    *,
    names: Sequence[str],
    signs: Sequence[str] = "+−",
) -> dict[str, Made]:
    """Control and, for the signs given, the rules of the claim with their shuffles and loss-only weights of the ratio of pc1."""
    S, one = len(seeds), np.ones(len(kinds))
    made = {"control": Made(one, "train", S)}
    for name in names:
        for sign in signs:
            rho = rules.weights(scores[name], SIGNS[sign])
            made[f"{name} {sign}"] = Made(rho, "train", S)
            made[f"{name} {sign} shuffled"] = Made(rules.shuffled(rho, seeds), "train", S)
    return made | {
        f"loss = pc1 {sign}": Made(_alike(made[f"pc1 {sign}"], loss, kinds, sign), "train", S) for sign in signs
    }


def _alike(made: Made, loss: np.ndarray, kinds: np.ndarray, sign: str) -> np.ndarray:
    """Weights from the loss alone with the ratio of `made`."""
    return rules.at_ratio(-loss, SIGNS[sign], rules.ratio(made.weights, kinds), kinds)


def explained(scores: Mapping[str, np.ndarray], kinds: np.ndarray, seeds: Sequence[int]) -> dict[str, Made]:
    """Class means of the weights of pc1, the rest of them, and the oracles."""
    S, made = len(seeds), {}
    for sign, value in SIGNS.items():
        between, within = rules.by_class(rules.weights(scores["pc1"], value), kinds)
        made[f"pc1 {sign} between"] = Made(between, "train", S)
        made[f"pc1 {sign} within"] = Made(within, "train", S)
    made["oracle ×2"] = Made(oracle(kinds, 2.0), "train", S)
    made["oracle ×½"] = Made(oracle(kinds, 0.5), "train", S)
    return made


def held_out(scores: Mapping[str, np.ndarray], count: int, seeds: Sequence[int]) -> dict[str, Made]:
    """pc1 on sequences that neither the source model nor the posterior has seen, with its control and shuffles."""
    S = len(seeds)
    made = {"held control": Made(np.ones(count), "held", S)}
    for sign, value in SIGNS.items():
        rho = rules.weights(scores["pc1"], value)
        made[f"held pc1 {sign}"] = Made(rho, "held", S)
        made[f"held pc1 {sign} shuffled"] = Made(rules.shuffled(rho, seeds), "held", S)
    return made


def before(scores: Mapping[str, np.ndarray], seeds: Sequence[int]) -> dict[str, Made]:
    """The rules of the claim with χ̂ from before the transition, and the shuffles of one of them."""
    S, made = len(seeds), {}
    for name in ("pc1", "raw pm"):
        for sign, value in SIGNS.items():
            made[f"before {name} {sign}"] = Made(rules.weights(scores[name], value), "train", S)
    for sign in SIGNS:
        rho = made[f"before pc1 {sign}"].weights
        made[f"before pc1 {sign} shuffled"] = Made(rules.shuffled(rho, seeds), "train", S)
    return made


def others(scores: Mapping[str, np.ndarray], loss: np.ndarray, seeds: Sequence[int]) -> dict[str, Made]:
    """Every other rule that was tried."""
    S, made = len(seeds), {}
    for name in ("pinv pm", "ridge pm", "mode 1", "mode 2"):
        for sign, value in SIGNS.items():
            made[f"{name} {sign}"] = Made(rules.weights(scores[name], value), "train", S)
    for name in ("pinv heads", "pinv all"):
        made[f"{name} +"] = Made(rules.weights(scores[name], 1.0), "train", S)
    for sign, value in SIGNS.items():
        made[f"pc1 {sign} × ½"] = Made(rules.weights(scores["pc1"], value / 2), "train", S)
    made["loss +"] = Made(rules.weights(-loss, 1.0), "train", S)
    return made


__all__ = ["Made", "before", "claim", "explained", "held_out", "oracle", "others"]
