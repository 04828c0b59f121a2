"""What the parentheses experiment says, in sentences with intervals and verdicts.

The rule of the verdicts, set before the training: weights + or − choose a rule if the 95% interval of the paired difference from
their own shuffles excludes 0 on the side that was asked for.

Function: `statements`.
"""

import numpy as np

from ledger.experiments.experiment import Found, Statement
from ledger.experiments.induction import paired
from ledger.experiments.induction.paired import Interval
from ledger.experiments.parens import retrain, rules
from ledger.experiments.parens.findings import STAYED, Findings, stayed, told
from sampler.data import parentheses


def statements(found: Findings) -> tuple[Statement, ...]:
    """All of them, the claims first."""
    return (*_chosen(found), *_oracles(found), _lengths(found), *_chains(found), _reliability(found))


def _chosen(found: Findings) -> list[Statement]:
    said = []
    for name, rule in (("+", "equal-count"), ("−", "nested")):
        gap, margins = found.versus(name, f"{name} shuffled"), _margins(found, name, f"{name} shuffled")
        right, wrong = (gap.low > 0, gap.high < 0) if name == "+" else (gap.high < 0, gap.low > 0)
        verb = "move" if right else "move, but away from what was asked," if wrong else "do not clearly move"
        text = (
            f"Weights {name} from χ̂ of φ {verb} training toward the {rule} rule: share of the "
            f"deciding strings called nested {told(found.mean(name))}, under their "
            f"shuffle within labels {told(found.mean(name + ' shuffled'))}, under weights 1 {told(found.mean('control'))}; "
            f"paired difference from the shuffle {told(gap)} (95%, {len(found.share(name))} seeds), sign-flip p = "
            f"{paired.sign_flip(found.share(name) - found.share(name + ' shuffled')):.2g}; φ {told(margins)}."
        )
        said.append(Statement(text, Found.HOLDS if right else Found.FAILS))
    gap = found.versus("+", "−")
    ratios = " and ".join(f"{rules.ratio(found.made[name], found.strings.kinds):.2f}" for name in "+−")
    text = (
        f"+ less −, paired: {told(gap)}. Mean weight of dipping over short strings, which the rule never saw: {ratios}; the "
        "oracles have 0.1 and 10, and ratios below 1 favour the equal-count rule."
    )
    return [*said, Statement(text, Found.HOLDS if gap.low > 0 else Found.FAILS)]


def _margins(found: Findings, name: str, other: str) -> Interval:
    return paired.difference(found.runs[name]["margin"], found.runs[other]["margin"], np.inf)


def _oracles(found: Findings) -> list[Statement]:
    few, many = "oracle 0.1", "oracle 10"
    gap = found.versus(few, many)
    text = (
        f"Oracle weights on dipping strings, made with the kinds: {told(found.mean(few))} at 0.1, {told(found.mean('control'))} at "
        f"1, {told(found.mean(many))} at 10; paired difference {told(gap)}."
    )
    fitted = min(float(run["train"].min()) for run in found.runs.values())
    worst = ", ".join(f"{name} {run['train'].min():.4f}" for name, run in found.runs.items() if run["train"].min() < 1)
    return [
        Statement(text, Found.HOLDS if gap.low > 0 else Found.FAILS),
        Statement(
            "Every network fits all training strings, so that the rules differ only beyond them."
            if fitted == 1
            else f"Not every network fits all training strings; the least accuracy of the conditions that miss some: {worst}.",
            Found.HOLDS if fitted == 1 else Found.FAILS,
        ),
    ]


def _lengths(found: Findings) -> Statement:
    told_of = []
    for length in retrain.OTHERS:
        yes = found.runs["control"][f"yes {length}"]
        right = (yes[:, parentheses.NESTED] + 2 - yes[:, parentheses.SHORT] - yes[:, parentheses.DIPPING]) / 3
        gap = found.versus("oracle 0.1", "oracle 10", length)
        own = found.versus("+", "−", length)
        told_of.append(
            f"at length {length} weights 1 are right on {told(paired.mean(right, np.inf))} of the labelled strings, "
            f"the share of deciding strings called nested is {told(found.mean('control', length))}, oracle 0.1 less 10 "
            f"{told(gap)}, + less − {told(own)}"
        )
    return Statement(
        "Other lengths, the learned positions stretched by a line over the string, which training has not seen: "
        + "; ".join(told_of)
        + "."
    )


def _chains(found: Findings) -> list[Statement]:
    kept = [_name(each) for each, run in found.tries.items() if stayed(run)]
    lost = [_name(each) for each, run in found.tries.items() if not stayed(run)]
    by_gamma = {g: [stayed(r) for (_, at, _), r in found.tries.items() if at == g] for _, g, _ in found.tries}
    decides = len({v for values in by_gamma.values() for v in values}) > 1 and all(
        len(set(values)) == 1 for values in by_gamma.values()
    )
    text = (
        f"Chains stayed with their solution (ΔL < {STAYED} nat at the end) under {', '.join(kept) or 'no try'}; they left under "
        f"{', '.join(lost) or 'no try'}. "
    )
    text += (
        "Within these tries γ decided it, and neither step nor kernel: the way out is entropy."
        if decides
        else "γ alone does not explain which; a chain that stayed may have hardly moved yet."
    )
    lam = np.array([float(each["llc"]) for each in found.answers])
    sem = np.array([float(each["sem"]) for each in found.answers])
    here = [stayed(each) for each in found.answers]
    each = "; ".join(
        f"φ = {m:.1f}: {a:.3g} ± {e:.1g}{'' if s else ' (left)'}"
        for m, a, e, s in zip(found.source["margin"], lam, sem, here, strict=True)
    )
    about = (
        f"λ̂ of {len(lam)} solutions, at γ so large that the loss hardly shapes the law: {each}. So confined it is a measure of the "
        "curvature near the solution and not a learning coefficient, and so few solutions do not compare the rules."
    )
    return [Statement(text, Found.HOLDS if decides else Found.FAILS), Statement(about, Found.OPEN)]


def _reliability(found: Findings) -> Statement:
    """Correlations of normal scores: pairs of chains of one solution, pairs of solutions; the range over the pairs is told."""
    rows = np.array([[rules.normal_scores(x, found.strings.labels) for x in each] for each in found.chi])
    within = np.concatenate([rules.correlations(each) for each in rows])
    across = rules.correlations(rows.mean(axis=1))
    told_of = [f"{x.mean():+.2f} ({x.min():+.2f} to {x.max():+.2f}, {len(x)} pairs)" for x in (within, across)]
    return Statement(
        f"χ̂ of φ, as ranks within labels: chains of one solution correlate by {told_of[0]}, different solutions by "
        f"{told_of[1]}; in brackets the range over pairs."
    )


def _name(each: tuple[str, float, float]) -> str:
    kernel, gamma, epsilon = each
    return f"{kernel} γ = {gamma:g}, ε {f'= {epsilon:.2g}' if epsilon else 'suggested'}"


__all__ = ["statements"]
