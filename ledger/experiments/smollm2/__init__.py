"""`smollm2`: heads of a pretrained language model of 135 million weights as components, on text.

The model (`sampler.data.smollm2`) comes in 4 bits. Its dequantised weights are near those that were trained and no minimum of
anything, least of all of a few thousand tokens: beside any nβ⟨L − L(w*)⟩ it is said that it is no learning coefficient, and how far
the gradient is from noise (`measure.head`, "ratio").

1. text: help topics and a module of Python's library, cut in rows; does the model know what it should?
2. attention patterns on repeated random tokens: which heads repeat, which look one back. *Chosen by rule*, before any chain: of the
   last eight layers the head of largest repeating score, that of largest looking-back score, and one drawn among those that do
   neither;
3. for each a restricted chain on its query columns and output rows (under grouped queries keys and values belong to three heads,
   and stay), the layers before it computed once; χ̂ of each token of the probed rows;
4. reliability between independent chains, modes that reproduce, the leading order of χ̂ by another road, and one hypothesis stated
   in advance: tokens that repeat a pair of their row are served by the repeating heads, χ̂ < 0 against the others.

    conduct   the order of work      carry_out   the same for any plan
"""

import platform
from typing import NamedTuple

from ledger.claim import Budget
from ledger.experiments.experiment import Result
from ledger.experiments.folder import Folder
from ledger.experiments.smollm2 import measure, report
from sampler.data import smollm2


class Plan(NamedTuple):
    """How much: rows of T tokens, the first `probes` of them probed; the layers that heads are chosen from (the last so many) and
    how many of each kind; chains, draws and steps of each; pairs of random rows for the attention scores."""

    rows: int = 32
    T: int = 65
    probes: int = 4
    layers: int = 8
    repeating: int = 1
    looking_back: int = 1
    neither: int = 1
    chains: int = 4
    draws: int = 40
    thin: int = 2
    burn_in: int = 12
    random_rows: int = 6
    random_length: int = 24


def conduct(folder: Folder, budget: Budget) -> Result:
    """Everything of the module, in parts on disk; there is one budget."""
    smollm2.find()  # a wrong file is told at once, also where all parts are kept
    return carry_out(folder, Plan())


def carry_out(folder: Folder, plan: Plan) -> Result:
    """The parts of a plan, and what they say."""
    text = folder.part("text", measure.text, rows=plan.rows, T=plan.T, version=platform.python_version())
    rows = text["rows"]
    known = folder.part("forward", measure.known, rows=rows)
    scores = folder.part("attention", measure.attention, rows=plan.random_rows, length=plan.random_length, seed=0)
    counts = plan.repeating, plan.looking_back, plan.neither
    chosen = measure.choose(scores["repeating"].mean(axis=0), scores["looking_back"].mean(axis=0), plan.layers, counts)
    heads = {
        each: folder.part(
            f"head {each.layer}.{each.number}", measure.head, layer=each.layer, number=each.number, rows=rows,
            probes=plan.probes, chains=plan.chains, draws=plan.draws, thin=plan.thin, burn_in=plan.burn_in,
        )
        for each in chosen
    }  # fmt: skip
    return report.result(
        report.Findings(known, scores, heads, rows[: plan.probes], text["pieces"], str(text["digest"]))
    )


__all__ = ["Plan", "carry_out", "conduct"]
