"""`code-lm`: a two-layer attention-only transformer on the Python standard library, and what its heads answer to.

1. a byte-pair encoding of 512 tokens and the corpus in it (`sampler.data.code`);
2. training with checkpoints at log-spaced steps, each stretch a part (`training`);
3. χ̂ of the 8 heads, embedding and unembedding for tokens in context at the end and at earlier checkpoints (`measure`);
4. modes by a rule stated in advance, groups of heads, clusters of tokens, and the direct response to mixed distributions against
   the sum of per-token susceptibilities (`rules`, `said`, `tables`, `pictures`).

The network is `sampler.networks.relative`: relative positions, with which attention to the token before forms early.

    conduct   the order of work      carry_out   the same for any plan
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ledger.claim import Budget
from ledger.experiments.code_lm import findings, measure, neighbours, report, rules, training
from ledger.experiments.experiment import Result
from ledger.experiments.folder import Folder
from sampler.data import code

SEED = 0


class Plan(NamedTuple):
    """How much: characters of text (None: all), context, width, training steps and checkpoints sampled of them; rows of the
    posterior and probed rows of them; chains and draws at the end and at earlier checkpoints; draws and chains of the direct
    response, its components (None: all) and δh; held-out rows; whether to draw maps of neighbours, where umap-learn is there."""

    characters: int | None = 2_000_000
    context: int = 48
    width: int = 64
    steps: int = 600
    marks: tuple[int, ...] = (12, 48, 150, 600)
    sampled: tuple[int, ...] = (150,)
    rows: int = 192
    probes: int = 32
    chains: int = 4
    draws: int = 60
    early_chains: int = 2
    early_draws: int = 24
    direct: tuple[str, ...] | None = ("l0h0", "l0h2", "l1h0", "l1h2", "E", "U")
    direct_sets: tuple[str, ...] | None = ("white space", "word or part")
    direct_chains: int = 1
    direct_draws: int = 40
    h: float = 0.1
    h_reweighted: float = 0.01
    held: int = 256
    maps: bool = False


PLANS = {
    Budget.QUICK: Plan(),
    Budget.FULL: Plan(
        characters=None, context=64, steps=4000, marks=(15, 60, 250, 1000, 4000), sampled=(60, 250, 1000), rows=256, probes=64,
        draws=400, early_draws=80, direct_draws=50, direct=None, direct_sets=None, maps=True,
    ),
}  # fmt: skip


def conduct(folder: Folder, budget: Budget) -> Result:
    """Everything of the module, in parts on disk."""
    return carry_out(folder, PLANS[budget])


def _corpus(characters: int | None, version: str) -> dict[str, Any]:
    found = code.encode(code.text(characters))
    return {"ids": found.ids.astype(np.int16), "pieces": np.array(found.pieces), "digest": found.digest}


def carry_out(folder: Folder, plan: Plan) -> Result:
    """The parts of a plan, and what they say."""
    import platform

    corpus = folder.part("corpus", _corpus, characters=plan.characters, version=platform.python_version())
    pieces = [str(piece) for piece in corpus["pieces"]]
    rows = code.rows(corpus["ids"], plan.context + 1)
    train, held = rows[: -plan.held], rows[-plan.held :]
    shape = {"vocabulary": len(pieces), "context": plan.context, "width": plan.width, "layers": 2, "heads": 4}
    weights, loss = {}, {}
    before: Mapping[str, np.ndarray] | None = None
    for begin, end in zip((0, *plan.marks[:-1]), plan.marks, strict=True):
        before = folder.part(
            f"train {end}", training.stretch, tokens=train, shape=shape, seed=SEED, span=(begin, end), steps=plan.steps,
            before=before,
        )  # fmt: skip
        weights[end] = training.weights_of(before, shape)
        loss[end] = training.held_out(weights[end], held)
    # Rows spread over the training text, the probed ones first.
    chosen = train[np.linspace(0, len(train) - 1, plan.rows).astype(int)]
    chosen = chosen[np.random.default_rng(SEED).permutation(plan.rows)]
    targets = chosen[: plan.probes, 1:]
    of = rules.kinds(pieces)[targets]
    sets, s = rules.directions(of)
    last = plan.marks[-1]
    names = tuple(measure.components_of(weights[last]))

    def answers(mark: int, chains: int, draws: int) -> dict[str, np.ndarray]:
        """`measure.measure` stacked over components."""
        each = [
            folder.part(
                f"answers {mark} {name}", measure.measure, weights=weights[mark], rows=chosen, component=name,
                probes=plan.probes, chains=chains, draws=draws, seed=1000 * mark + place, directions=s,
            )
            for place, name in enumerate(names)
        ]  # fmt: skip
        return {key: np.stack([one[key] for one in each]) for key in each[0]}

    final = answers(last, plan.chains, plan.draws)
    asked = tuple(i for i, name in enumerate(sets) if plan.direct_sets is None or name in plan.direct_sets)
    moved = tuple(i for i, name in enumerate(names) if plan.direct is None or name in plan.direct)
    pairs = [
        folder.part(
            f"direct {names[i]} {sets[k]}", measure.mixed, weights=weights[last], rows=chosen, component=names[i],
            probes=plan.probes, chains=plan.direct_chains, draws=plan.direct_draws, seed=10**7 + 100 * i + k,
            direction=s[k], h=plan.h,
        )
        for i in moved
        for k in asked
    ]  # fmt: skip
    direct = np.stack([np.stack([one[key] for one in pairs]) for key in ("direct", "error")])
    direct = direct.reshape(2, len(moved), len(asked), -1)
    early = {mark: answers(mark, plan.early_chains, plan.early_draws) for mark in plan.sampled}
    places = {}
    if plan.maps and neighbours.installed():
        for mark, of_mark in {**early, last: final}.items():
            places[mark] = folder.part(f"map {mark}", neighbours.maps, groups=measure.groups(of_mark), seed=SEED)
    return report.result(
        findings.Findings(
            names, sets, s, of, [[pieces[i] for i in row] for row in targets], final, early, direct, asked, moved, loss, last,
            plan.h, plan.h_reweighted, str(corpus["digest"]), places,
        )
    )  # fmt: skip
