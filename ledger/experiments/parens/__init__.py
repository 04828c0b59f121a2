"""Parentheses: two rules fit the training strings; can weights from susceptibilities choose which one a network learns?

A small causal transformer (`sampler.networks.classifier`) tells nested strings from strings of unequal count
(`sampler.data.parentheses`). Strings of equal count that are not nested, which it never sees, say which rule it has learned. The
experiment

1. trains some networks under weights 1 and asks how chains can be kept near them (`measure.attempt`: every try with its diagnosis);
2. estimates λ̂ of each solution and χ̂ of φ, the mean logit on strings of the deciding kind, for all training strings;
3. makes weights from χ̂ without looking at the kinds of strings (`rules`), + for the equal-count rule and − for the nested one;
4. trains again from scratch on paired seeds, other ones than before, under +, −, their shuffles and oracle weights (`retrain`), and
   reads the rule at the training length and, positions stretched, at lengths 12 and 20.

    conduct   the order of work        findings, said, tables, pictures, report   what came of it
"""

from typing import NamedTuple

import numpy as np

from ledger.claim import Budget
from ledger.experiments.experiment import Result
from ledger.experiments.folder import Folder
from ledger.experiments.parens import findings, measure, report, retrain, rules
from sampler.data import parentheses

SOURCE_SEED, DATA_SEED, ORACLES = 100, 0, (0.1, 10.0)
GAMMA, SHARE = 3e5, 0.4  # of χ̂: the curvature that confines, and ε as a share of 1/γ


class Plan(NamedTuple):
    """How much is done: strings, paired seeds, networks that χ̂ is taken from, chains and draws of each, draws of a try; the tries
    as (kernel, γ, ε or 0 for the suggested one); steps of training."""

    strings: int = 4000
    seeds: int = 16
    sources: int = 6
    chains: int = 2
    draws: int = 150
    tried: int = 100
    tries: tuple[tuple[str, float, float], ...] = (
        ("sgld", 1e2, 1e-5), ("sgld", 1e2, 0.0), ("sgld", 1e2, 1e-6), ("sgld", 1e4, 0.0), ("sgld", 3e5, 0.0),
        ("sgld", 3e5, SHARE / 3e5), ("preconditioned", 1e4, 1e-5), ("mala", 1e4, 1e-6), ("mala", 3e5, 1e-7),
    )  # fmt: skip
    steps: int = retrain.STEPS


PLANS = {
    Budget.FULL: Plan(),
    # Steps are given here: to measure the curvature costs a program of its own.
    Budget.QUICK: Plan(
        seeds=4, sources=2, chains=2, draws=40, tried=24,
        tries=(("sgld", 1e2, 1e-5), ("sgld", 1e4, 1e-6), ("sgld", 3e5, SHARE / 3e5), ("preconditioned", 1e4, 1e-5)),
    ),
}  # fmt: skip


def conduct(folder: Folder, budget: Budget) -> Result:
    """Everything of the module, in parts on disk."""
    return carry_out(folder, PLANS[budget])


def carry_out(folder: Folder, plan: Plan) -> Result:
    """The parts of a plan, and what they say."""
    strings = parentheses.training(plan.strings, seed=DATA_SEED)
    source = folder.part(
        "sources", retrain.sources, strings=strings, seeds=SOURCE_SEED + np.arange(plan.sources), steps=plan.steps
    )
    tries = {each: _try(folder, plan, strings, source, each) for each in plan.tries}
    answers = [
        folder.part(
            f"answers {i}", measure.answers, weights=retrain.network(source, i), strings=strings, epsilon=SHARE / GAMMA,
            gamma=GAMMA, chains=plan.chains, draws=plan.draws, seed=1000 + i,
        )
        for i in range(plan.sources)
    ]  # fmt: skip
    chi = np.stack([each["chi"] for each in answers]).astype(float)
    made = conditions(rules.score(chi, strings.labels), strings, range(plan.seeds))
    runs = {
        name: folder.part(
            f"train {name}".replace(".", "p"), retrain.train, strings=strings, rho=rho,
            seeds=np.arange(plan.seeds), steps=plan.steps,
        )
        for name, rho in made.items()
    }  # fmt: skip
    return report.result(findings.Findings(strings, source, tries, answers, chi, made, runs))


def conditions(score: np.ndarray, strings: parentheses.Strings, seeds: range) -> dict[str, np.ndarray]:
    """Weights of each condition, by name: control, + and − with their shuffles, oracles."""
    made = {"control": np.ones(len(strings.labels))}
    for name, sign in (("+", 1.0), ("−", -1.0)):
        made[name] = rules.weights(score, sign)
        made[f"{name} shuffled"] = rules.shuffled(made[name], strings.labels, seeds)
    return made | {f"oracle {factor:g}": rules.oracle(strings.kinds, factor) for factor in ORACLES}


def _try(folder, plan, strings, source, each) -> dict[str, np.ndarray]:
    kernel, gamma, epsilon = each
    weights, found = retrain.network(source, 0), {}
    if not epsilon:
        found = folder.part(f"step {gamma:g}", measure.suggested, weights=weights, strings=strings, gamma=gamma)
        epsilon = float(found["epsilon"])
    part = folder.part(
        f"try {kernel} {gamma:g} {each[2]:g}", measure.attempt, weights=weights, strings=strings, kernel=kernel, epsilon=epsilon,
        gamma=gamma, draws=plan.tried, seed=17,
    )  # fmt: skip
    return found | part | {"epsilon": np.array(epsilon)}
