"""What the parentheses experiment says: statements with intervals, tables, pictures, labelled data.

The rule of the verdicts, set before the training: weights + or − choose a rule if the 95% interval of the paired difference from
their own shuffles excludes 0 on the side that was asked for. Intervals are those of `induction.paired`: bootstrap over seeds,
widened to Student's t.

Class: `Findings`. Function: `result`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ledger.experiments.experiment import Found, Picture, Result, Statement, Table
from ledger.experiments.induction import paired
from ledger.experiments.induction.paired import Interval
from ledger.experiments.parens import retrain, rules
from sampler.data import parentheses

LENGTHS = (retrain.LENGTH, *retrain.OTHERS)
STAYED = 0.05  # nat: a chain whose loss rose by more has left the solution
BLUE, RED, GREY = "#3b82c4", "#d1495b", "#888888"


class Findings(NamedTuple):
    """source: `retrain.sources`; tries: (kernel, γ, ε asked) → `measure.attempt`; answers: `measure.answers` of each source; chi
    (sources, chains, N); made, runs: weights and behaviour of each condition."""

    strings: parentheses.Strings
    source: Mapping[str, np.ndarray]
    tries: Mapping[tuple[str, float, float], Mapping[str, np.ndarray]]
    answers: Sequence[Mapping[str, np.ndarray]]
    chi: np.ndarray
    made: Mapping[str, np.ndarray]
    runs: Mapping[str, Mapping[str, np.ndarray]]

    def share(self, name: str, length: int = retrain.LENGTH) -> np.ndarray:
        """The share of the deciding strings called nested, seed by seed."""
        return self.runs[name][f"yes {length}"][:, parentheses.EQUAL]

    def mean(self, name: str, length: int = retrain.LENGTH) -> Interval:
        found = paired.mean(self.share(name, length), np.inf)
        return found._replace(low=max(found.low, 0.0), high=min(found.high, 1.0))

    def versus(self, name: str, other: str, length: int = retrain.LENGTH) -> Interval:
        return paired.difference(self.share(name, length), self.share(other, length), np.inf)


def told(x: Interval, digits: int = 2) -> str:
    return f"{x.mean:.{digits}f} ({x.low:.{digits}f} to {x.high:.{digits}f})"


def stayed(run: Mapping[str, np.ndarray]) -> bool:
    """Whether every chain ended with a loss near that of the solution."""
    return bool((np.abs(run["last"]) < STAYED).all())


def result(found: Findings) -> Result:
    """The whole answer."""
    said = [*_chosen(found), *_oracles(found), _lengths(found), *_chains(found), _reliability(found)]
    numbers = {
        name: {"share": [round(float(x), 4) for x in found.share(name)], "ratio": rules.ratio(rho, found.strings.kinds)}
        for name, rho in found.made.items()
    }
    tables = (_conditions(found), _tries(found), _solutions(found))
    drawn = {"shares": _shares(found), "solutions": _drawn(found)}
    return Result({"/training": _training(found), "/solutions": _data(found)}, tuple(said), drawn, tables, numbers)


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


def _conditions(found: Findings) -> Table:
    rows = [
        (
            name,
            f"{rules.ratio(rho, found.strings.kinds):.2f}",
            " ".join(f"{x:.2f}" for x in found.share(name)),
            *(told(found.mean(name, length)) for length in LENGTHS),
            told(found.versus(name, "control")),
            f"{found.runs[name]['train'].min():.4f}",
        )
        for name, rho in found.made.items()
    ]
    columns = (
        "condition", "dipping / short", "share by seed, n = 16", *(f"mean, n = {n} (95%)" for n in LENGTHS),
        "less control, n = 16, paired (95%)", "least training accuracy",
    )  # fmt: skip
    return Table(
        "Share of equal-count strings that are not nested, but called so: 1 equal count, 0 nested", columns, tuple(rows)
    )


def _tries(found: Findings) -> Table:
    rows = [
        (
            each[0],
            f"{each[1]:g}",
            f"{run['epsilon']:.2g}" + ("" if each[2] else " (suggested)"),
            f"{run['largest']:.4g} ± {run['residual']:.1g}" if "largest" in run else "–",
            "yes" if stayed(run) else "NO",
            ", ".join(f"{x:.2g}" for x in run["last"]),
            f"{run['llc']:.3g} ± {run['sem']:.2g}",
            f"{run['accepted']:.2f}",
            f"{run['virial']:.1f}",
            str(run["words"]),
        )
        for each, run in found.tries.items()
    ]
    columns = (
        "kernel",
        "γ",
        "ε",
        "λ_max of U ≥",
        "stayed",
        "ΔL at the end, by chain",
        "λ̂",
        "accepted",
        "virial z",
        "diagnosis",
    )
    return Table("Every way that was tried to sample near solution 0; two chains each", columns, tuple(rows))


def _solutions(found: Findings) -> Table:
    rows = [
        (
            str(i),
            f"{found.source['yes 16'][i, parentheses.EQUAL]:.2f}",
            f"{found.source['margin'][i]:.2f}",
            f"{run['llc']:.3g} ± {run['sem']:.1g}",
            "yes" if stayed(run) else "NO",
            f"{run['virial']:.1f}",
            str(run["words"]),
        )
        for i, run in enumerate(found.answers)
    ]
    return Table(
        "The solutions that χ̂ is taken from",
        ("solution", "share", "φ", "λ̂", "stayed", "virial z", "diagnosis"),
        tuple(rows),
    )


def _shares(found: Findings) -> Picture:
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(found.made):
        colour = BLUE if name in ("+", "oracle 0.1") else RED if name in ("−", "oracle 10") else GREY
        x, m = found.share(name), found.mean(name)
        axes.plot(x, np.full(len(x), row) + 0.2, "|", color=colour, alpha=0.7)
        axes.errorbar([m.mean], [row], xerr=[[m.mean - m.low], [m.high - m.mean]], fmt="o", color=colour, capsize=2)
    axes.set_yticks(range(len(found.made)), list(found.made))
    axes.invert_yaxis()
    axes.set_xlabel("share of equal-count, not nested strings called nested")
    return Picture(
        figure,
        "Which rule was learned: ticks are seeds, points means with 95% intervals. 1 is the equal-count rule, 0 the nested one.",
    )


def _drawn(found: Findings) -> Picture:
    figure = Figure(figsize=(5.0, 3.0), layout="constrained")
    axes = figure.subplots()
    for i, run in enumerate(found.answers):
        axes.errorbar(
            [found.source["margin"][i]],
            [run["llc"]],
            [run["sem"]],
            fmt="o",
            capsize=2,
            color=BLUE if stayed(run) else GREY,
        )
    axes.set_xlabel("φ of the solution")
    axes.set_ylabel("λ̂")
    return Picture(
        figure,
        "λ̂ of the solutions against the rule that they follow; bars one standard error, grey where a chain left.",
    )


def _training(found: Findings) -> xr.Dataset:
    names = list(found.made)
    means = [[found.mean(name, n) for n in LENGTHS] for name in names]
    return xr.Dataset(
        {
            "yes": (
                ("condition", "length", "seed", "kind"),
                np.stack([[found.runs[name][f"yes {n}"] for n in LENGTHS] for name in names]),
            ),
            "phi": (("condition", "seed"), np.stack([found.runs[name]["margin"] for name in names])),
            "share": (("condition", "length"), [[m.mean for m in row] for row in means]),
            "low": (("condition", "length"), [[m.low for m in row] for row in means]),
            "high": (("condition", "length"), [[m.high for m in row] for row in means]),
        },
        {"condition": names, "length": list(LENGTHS), "kind": list(parentheses.NAMES)},
    )


def _data(found: Findings) -> xr.Dataset:
    return xr.Dataset(
        {
            "chi": (
                ("solution", "chain", "string"),
                found.chi.astype(np.float32),
                {"units": "nat", "note": "error: scatter of chains"},
            ),
            "llc": ("solution", [float(run["llc"]) for run in found.answers]),
            "llc_sem": ("solution", [float(run["sem"]) for run in found.answers]),
            "phi": ("solution", found.source["margin"]),
            "kind": ("string", found.strings.kinds),
        }
    )


__all__ = ["Findings", "result", "stayed", "told"]
