"""What the induction experiment says, each sentence with its intervals and its verdict.

Verdicts are given where a rule was named before the training (`conditions.claim`) or where a comparison has an interval of its own;
all else is shown. A rule that fails is said to fail in the same place.

Functions: `made`, `inverse` (the pseudo-inverse explained), `linearity`; `targets_of`.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np

from ledger.experiments.experiment import Found, Statement
from ledger.experiments.induction import linear, paired, rules
from ledger.experiments.induction.findings import Findings
from sampler import standardize
from sampler.data.induction import SECOND
from sampler.diagnostics import Estimate

RIDGES = (0.0, 0.1, 1.0, 10.0, 100.0, np.inf)  # in units of the square of the noise edge


def made(found: Findings) -> list[Statement]:
    """The claim, then what stands beside it."""
    said = _claims(found) + _loss_alone(found) + [_shuffles(found)]
    if "pc1 + between" in found.runs:
        said.append(_decomposition(found))
    if "held pc1 +" in found.runs:
        said += _held_out(found)
    if "before pc1 +" in found.runs:
        said += _before(found)
    said += _reliability(found)
    if not found.ladders:
        text = (
            f"Not asked on this budget: {'' if 'pc1 −' in found.runs else 'whether pc1 − delays induction, '}other rules than pc1, "
            "class means, held-out sequences, χ̂ before the transition, the reach of the linear response. Few draws and few seeds: "
            "a rule that fails here may hold on the full budget."
        )
        said.append(Statement(text, Found.OPEN))
    return said


def _verdict(holds: bool) -> Found:
    return Found.HOLDS if holds else Found.FAILS


def _claims(found: Findings) -> list[Statement]:
    said = []
    for rule, sign in product(("pc1", "raw pm"), "+−"):
        if f"{rule} {sign}" not in found.runs:
            continue
        name, other = f"{rule} {sign}", f"{rule} {sign} shuffled"
        a, b, gap = found.mean(name), found.mean(other), found.versus(name, other)
        apart = a.below(b) if sign == "+" else b.below(a)
        verb = "accelerate" if sign == "+" else "delay"
        what = verb if apart else f"do not clearly {verb}"
        p = paired.sign_flip(np.minimum(found.times(name), found.most) - np.minimum(found.times(other), found.most))
        text = (
            f"Weights {name} {what} induction: it forms at {a} steps, under the same weights shuffled at {b}; "
            f"paired difference {gap} (95%, {len(found.times(name))} seeds), sign-flip p = {p:.2g}."
        )
        said.append(Statement(text, _verdict(apart)))
    return said


def _loss_alone(found: Findings) -> list[Statement]:
    said = []
    for sign in (sign for sign in "+−" if f"loss = pc1 {sign}" in found.runs):
        own, loss = f"pc1 {sign}", f"loss = pc1 {sign}"
        gap = found.versus(own, loss)
        better = gap.high < 0 if sign == "+" else gap.low > 0
        text = (
            f"At the same ratio of weights, {found.ratio(own):.2f}, weights from the final loss alone give "
            f"{found.mean(loss)} steps and "
            f"{own} {found.mean(own)}; paired difference {gap}. "
        )
        if np.isinf(found.times(own)).all() and np.isinf(found.times(loss)).all():
            ends = [found.runs[name]["at_half"][:, SECOND] for name in (own, loss)]
            told = " and ".join(f"{x.mean():.2f} ± {x.std(ddof=1) / np.sqrt(len(x)):.2f}" for x in ends)
            text += f"No run of either got there: times do not compare them. Second-copy loss at the end {told}, loss-only second."
            said.append(Statement(text, Found.OPEN))
            continue
        text += f"Here susceptibilities {'do better than' if better else 'have no advantage over'} the loss."
        said.append(Statement(text, _verdict(better)))
    kinds = found.kinds["train"]
    mine, loss = rules.area(found.scores["pc1"], kinds), rules.area(-found.loss, kinds)
    text = (
        f"As detectors of second-copy tokens: area under the curve {mine:.3f} for pc1, {loss:.3f} for a low final loss."
    )
    return [*said, Statement(text)]


def _shuffles(found: Findings) -> Statement:
    names = [n for n in found.runs if n.endswith("shuffled") and n.split()[0] in ("pc1", "raw")]
    gaps = {name: found.versus(name, "control") for name in names}
    neutral = all(gap.low <= 0 <= gap.high for gap in gaps.values())
    told = "; ".join(f"{name} {gap}" for name, gap in gaps.items())
    return Statement(
        f"Shuffled weights are {'neutral' if neutral else 'not neutral'}: against weights 1, {told} steps. "
        "Unequal weights by themselves "
        "change the time, so that an intervention is to be compared with its own shuffle."
    )


def _decomposition(found: Findings) -> Statement:
    whole, between, within = (found.versus(f"pc1 +{x}", "control") for x in ("", " between", " within"))
    text = (
        f"pc1 + works through the mean weight of the kinds of token: against weights 1, {whole} steps; its class "
        f"means alone {between}; "
        f"the class means taken out {within}."
    )
    return Statement(text, _verdict(between.high < 0 and between.below(within)))


def _held_out(found: Findings) -> list[Statement]:
    said = []
    for sign in "+−":
        a, b = found.mean(f"held pc1 {sign}"), found.mean(f"held pc1 {sign} shuffled")
        text = (
            f"Held out: from χ̂ of other sequences, in neither the training of the source nor the posterior, and training on those, "
            f"pc1 {sign} gives {a} steps, its shuffle {b}, weights 1 {found.mean('held control')}; "
            f"{len(found.times('held control'))} seeds."
        )
        said.append(Statement(text, _verdict(a.below(b) if sign == "+" else b.below(a))))
    return said


def _before(found: Findings) -> list[Statement]:
    said = []
    for rule, sign in product(("pc1", "raw pm"), "+−"):
        name = f"before {rule} {sign}"
        gap = found.versus(name, f"before pc1 {sign} shuffled")
        text = (
            f"From χ̂ before the transition, {rule} {sign} gives {found.mean(name)} steps, {gap} against the shuffle of pc1 {sign}; "
            f"ratio {found.ratio(name):.2f}, {len(found.times(name))} seeds."
        )
        said.append(Statement(text, _verdict(gap.high < 0 if sign == "+" else gap.low > 0)))
    return said


def _reliability(found: Findings) -> list[Statement]:
    told = [("after", found.after)] + ([("before", found.early)] if found.early is not None else [])
    said = []
    for when, of in told:
        chains, draws = of["train phi"].shape[1:]
        groups = of["train chi"].swapaxes(0, 1).astype(float)
        each = ", ".join(f"{name} {x:.2f}" for name, x in zip(found.names, rules.reliability(groups), strict=True))
        said.append(
            Statement(
                f"Reliability of χ̂ {when} the transition, from halves of {chains} chains of {draws} draws: "
                f"{each}. Rows of different "
                f"components correlate by {rules.shared(groups)[0]:+.2f} on average, their noise by {rules.shared(groups)[1]:+.2f}."
            )
        )
    return said


def targets_of(found: Findings) -> dict[str, Estimate]:
    """Ratio of the weights that each target gives at the ridges of `RIDGES`, and that of pc1 for comparison, with the error of the
    jackknife over chains."""
    G, whole = len(found.groups), _ratios(found, found.groups)
    left = [_ratios(found, np.delete(found.groups, i, axis=0)) for i in range(G)]
    return {name: standardize.jackknife(value, [each[name] for each in left]) for name, value in whole.items()}


def _ratios(found: Findings, groups: np.ndarray) -> dict[str, np.ndarray]:
    X, kinds = groups.mean(axis=0), found.kinds["train"]
    # A ridge of 10⁶ edges leaves dq ∝ Xᵀdμ to six digits.
    ladder = [rules.scores(X, found.names, found.heads, min(r, 1e6) * found.ridge) for r in RIDGES]
    ratios = {
        name: np.array([rules.ratio(rules.weights(scores[f"ridge {name}"], 1.0), kinds) for scores in ladder])
        for name in ("pm", "heads", "all")
    }
    return ratios | {"pc1": np.full(len(RIDGES), rules.ratio(rules.weights(ladder[0]["pc1"], 1.0), kinds))}


def leverage(found: Findings, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """What each component's row says of the induction tokens (`rules.leverage`), with its error by the jackknife over chains."""
    kinds, G = found.kinds["train"], len(found.groups)
    left = np.stack([rules.leverage(np.delete(found.groups, i, axis=0).mean(axis=0), kinds, ridge) for i in range(G)])
    error = np.sqrt((G - 1) / G * np.sum((left - left.mean(axis=0)) ** 2, axis=0))
    return rules.leverage(found.groups.mean(axis=0), kinds, ridge), error


def inverse(found: Findings, targets: Mapping[str, Estimate]) -> list[Statement]:
    """Why the pseudo-inverse misses induction when it aims at the induction heads, and which targets and ridges do not."""
    aimed = np.isin(found.names, found.heads)
    alone, alone_error = leverage(found, 0.0)
    along, along_error = leverage(found, np.inf)

    def of(values: np.ndarray, errors: np.ndarray) -> str:
        return ", ".join(f"{n} {-v:+.3f} ± {e:.3f}" for n, v, e in zip(found.names, values, errors, strict=True))

    why = (
        f"The pseudo-inverse aimed at {' and '.join(found.heads)}. Correlations of −χ̂ with the induction tokens: "
        f"{of(along, along_error)}. "
        "Coefficients in the regression of those tokens on all rows, by which the pseudo-inverse weighs: "
        f"{of(alone, alone_error)}. "
        f"Together the heads have {-along[aimed].sum():+.3f} and {-alone[aimed].sum():+.3f}: what their rows say "
        "of induction the other "
        "rows say too, and the target asks those not to move."
    )
    crossing = np.flatnonzero(targets["pm"].mean > 1)
    where = f"from η = {RIDGES[crossing[0]]:g} edge² on" if crossing.size else "at no ridge tried"
    told = {name: [f"{r:.2f} ± {e:.2f}" for r, e in zip(of.mean, of.sem, strict=True)] for name, of in targets.items()}
    ladder = ", ".join(f"{ratio} at {x:g}" for x, ratio in zip(RIDGES, told["pm"], strict=True))
    cure = (
        f"With a ridge the same target gives second-copy tokens more weight {where}: ratio {ladder} (η in units "
        "of the squared noise edge, "
        f"{found.ridge:.3g}). With all heads as target the pseudo-inverse gives {told['heads'][0]}, with all components "
        f"{told['all'][0]}, with the leading left singular vector, which is pc1, {told['pc1'][0]}; errors by the "
        "jackknife over chains."
    )
    said = [Statement(why), Statement(cure)]
    for name in (n for n in ("pinv pm", "ridge pm", "mode 1", "mode 2") if f"{n} +" in found.runs):
        gap, control = found.versus(f"{name} −", f"{name} +"), found.versus(f"{name} +", "control")
        text = (
            f"{name}, its sign that of the induction heads: accelerate {found.mean(name + ' +')} steps, {control} "
            "against weights 1; delay "
            f"{found.mean(name + ' −')}; delay less accelerate {gap}, positive if the rule works; ratios "
            f"{found.ratio(name + ' +'):.2f} "
            f"and {found.ratio(name + ' −'):.2f}."
        )
        said.append(Statement(text, _verdict(gap.low > 0)))
    for name, what in (("pinv heads +", "all heads"), ("pinv all +", "all components")):
        if name in found.runs:
            gap, shuffle = found.versus(name, "control"), found.versus(name, "pc1 + shuffled")
            text = (
                f"The pseudo-inverse aimed at {what}: {found.mean(name)} steps, {gap} against weights 1 and "
                f"{shuffle} against the shuffle "
                f"of pc1 +; {found.versus(name, 'pc1 +')} against pc1 +."
            )
            said.append(Statement(text, _verdict(gap.high < 0 and shuffle.high < 0)))
    return said


def linearity(found: Findings, responses: Mapping[tuple[int, str], linear.Response]) -> list[Statement]:
    """Realised over predicted changes of ⟨φ_C⟩; the slope at 0 is that of the odd part at the two smallest strengths."""
    said, smallest = [], float(np.min(np.abs(found.strengths)))
    up, down = (found.strengths.index(sign * smallest) for sign in (1, -1))
    for (mark, name), r in responses.items():
        ratio, error = r.slope
        each = ", ".join(f"{x:.2f} ± {e:.2f} at {a:+g}" for a, x, e in zip(found.strengths, ratio, error, strict=True))
        odd, wanted = r.realised[up] - r.realised[down], r.first[up] - r.first[down]
        # The two predictions share their noise, the two realised changes their chain: errors add.
        relative = np.hypot(
            (r.realised_sem[up] + r.realised_sem[down]) / odd, (r.first_sem[up] + r.first_sem[down]) / wanted
        )
        slope = odd / wanted
        said.append(
            Statement(
                f"Linear response of {name} at step {mark}, ⟨φ⟩ = {r.base:.4f} ± {r.base_sem:.4f} nat: realised "
                "over first-order change "
                f"for pc1 weights of strength: {each}; the odd part at ±{smallest:g}: {slope:.2f} ± {abs(slope * relative):.2f}."
            )
        )
    return said


__all__ = ["RIDGES", "inverse", "leverage", "linearity", "made", "targets_of"]
