"""Induction: weights on training tokens, derived from susceptibilities, that make a network learn a circuit sooner or later.

A small attention-only network learns to copy (`sampler.data.induction`, `sampler.networks.relative`); an induction head forms
within some 80 steps near step 350. The experiment

1. trains one network on 1000 sequences and samples χ̂ of its heads, embedding and unembedding for all 32,000 tokens (`measure`);
2. makes token weights from χ̂ without looking at the kinds of tokens (`rules`);
3. trains again from scratch under each weighting on paired seeds (`retrain`, `conditions`), against shuffles of the same weights
   and against weights from the loss alone of the same strength;
4. asks why the pseudo-inverse aimed at the induction heads fails, and how far the response is linear (`rules.leverage`, `linear`).

    conduct   the order of work, what the claim rests on first     findings, statements, report, pictures   what came of it
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ledger.claim import Budget
from ledger.experiments.experiment import Result
from ledger.experiments.folder import Folder
from ledger.experiments.induction import conditions, measure, report, retrain, rules
from ledger.experiments.induction.conditions import Made
from ledger.experiments.induction.findings import Findings
from sampler.data import induction

SOURCE_SEED, SAMPLING_SEED = 100, 7
AFTER, BEFORE = 600, 280


class Plan(NamedTuple):
    """How much is done: sequences; paired seeds of the claim and of the rest; the step at which training is cut off; chains of
    `draws` draws for χ̂ after the transition, on training and held-out sequences, and draws of the two before it; the rules of the
    claim; whether delay and the rest are asked for; components, draws and observed sequences of the linear response."""

    sequences: int = 1000
    seeds: int = 8
    others: int = 4
    most: int = 1200
    draws: int = 400
    chains: Mapping[str, int] = {"train": 4, "held": 2}
    draws_before: int = 200
    claimed: tuple[str, ...] = ("pc1", "raw pm")
    beyond: bool = True
    ladder: tuple[str, ...] = ("l0h0", "l1h0", "U")
    ladder_draws: int = 100
    observe: int = 250


PLANS = {
    Budget.FULL: Plan(),
    Budget.QUICK: Plan(seeds=4, most=600, draws=48, chains={"train": 2}, claimed=("pc1",), beyond=False),
}
STRENGTHS = (-1.0, -0.5, 0.5, 1.0, 2.0)


def conduct(folder: Folder, budget: Budget) -> Result:
    """Everything of the module, in parts on disk."""
    return carry_out(folder, PLANS[budget])


def carry_out(folder: Folder, plan: Plan) -> Result:
    """The parts of a plan, and what they say."""
    data = {"train": induction.sequences(plan.sequences, seed=1), "held": induction.sequences(plan.sequences, seed=2)}
    kinds = {name: each.kinds.reshape(-1) for name, each in data.items()}
    marks = (BEFORE, AFTER) if plan.beyond else (AFTER,)
    source = folder.part("source", retrain.source, tokens=data["train"].tokens, seed=SOURCE_SEED, marks=marks)
    weights = {mark: retrain.at(source, mark) for mark in marks}
    names = tuple(measure.components_of(weights[AFTER]))
    prefix = retrain.scores(weights[AFTER])["prefix"]
    heads = [name for name, score in zip(names, prefix.reshape(-1), strict=False) if score > 0.5]

    def answers(mark: int, chains: Mapping[str, int], draws: int) -> dict[str, np.ndarray]:
        """ "train chi" (components, chains, N) and the rest of `measure.measure`, stacked over components."""
        probes = {name: data[name].tokens for name in chains}
        found = [
            folder.part(
                f"answers {mark} {name}", measure.measure, weights=weights[mark], tokens=data["train"].tokens, component=name,
                probes=probes, chains=chains, draws=draws, seed=SAMPLING_SEED,
            )
            for name in names
        ]  # fmt: skip
        return {key: np.stack([each[key] for each in found]) for key in found[0]}

    def trained(made: Mapping[str, Made]) -> dict[str, dict[str, np.ndarray]]:
        return {
            name: folder.part(
                f"train {name}".replace("×", "x").replace("½", "half"), retrain.train, tokens=data[each.data].tokens,
                rho=each.weights.reshape(*each.weights.shape[:-1], *data[each.data].kinds.shape),
                seeds=np.arange(each.seeds), most=plan.most,
            )
            for name, each in made.items()
        }  # fmt: skip

    after = answers(AFTER, plan.chains, plan.draws)
    groups = after["train chi"].swapaxes(0, 1).astype(float)
    ridge = rules.edge(groups) ** 2
    scores = rules.scores(groups.mean(axis=0), names, heads, ridge)
    loss = measure.token_losses(weights[AFTER], data["train"].tokens).reshape(-1)
    made = conditions.claim(
        scores, loss, kinds["train"], range(plan.seeds), names=plan.claimed, signs="+−" if plan.beyond else "+"
    )
    runs = trained(made)
    found = Findings(plan.most, names, heads, kinds, source, after, groups, ridge, scores, loss, made, runs)
    return report.result(_beyond(folder, plan, found, (weights, data), (answers, trained)) if plan.beyond else found)


def _beyond(folder: Folder, plan: Plan, found: Findings, given: Any, parts: Any) -> Findings:
    """What the claim does not rest on: why it works, the other rules, held-out sequences, linearity, before the transition."""
    (weights, data), (answers, trained) = given, parts
    few, kinds = range(plan.others), found.kinds
    made = conditions.explained(found.scores, kinds["train"], few) | conditions.others(found.scores, found.loss, few)
    runs = trained(made)
    held = rules.scores(found.after["held chi"].mean(axis=1), found.names, found.heads, found.ridge)
    more = conditions.held_out(held, kinds["held"].size, few)
    runs |= trained(more)
    made |= more
    ladders = _ladders(folder, plan, AFTER, found.scores["pc1"], weights[AFTER], data["train"])
    early = answers(BEFORE, {"train": 2}, plan.draws_before)
    earlier = rules.scores(early["train chi"].mean(axis=1), found.names, found.heads, found.ridge)
    more = conditions.before(earlier, few)
    runs |= trained(more)
    made |= more
    ladders |= _ladders(folder, plan, BEFORE, earlier["pc1"], weights[BEFORE], data["train"])
    return found._replace(
        made=found.made | made, runs=found.runs | runs, held=held, earlier=earlier, early=early, ladders=ladders,
        strengths=STRENGTHS,
    )  # fmt: skip


def _ladders(
    folder: Folder, plan: Plan, mark: int, score: np.ndarray, weights: Any, data: Any
) -> dict[tuple[int, str], Any]:
    """The response of components to pc1 weights of each strength, (mark, component) → `measure.ladder`."""
    rhos = np.stack([rules.weights(score, strength) for strength in STRENGTHS]).reshape(-1, *data.kinds.shape)
    return {
        (mark, name): folder.part(
            f"ladder {mark} {name}", measure.ladder, weights=weights, tokens=data.tokens, component=name, rhos=rhos, chains=2,
            draws=plan.ladder_draws, seed=SAMPLING_SEED + 1, observe=plan.observe,
        )
        for name in plan.ladder
    }  # fmt: skip
