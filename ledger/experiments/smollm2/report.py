"""What the experiment says: statements with intervals, tables, pictures, labelled data.

Rules stated in advance: a head's χ̂ is read where its split-half reliability exceeds ½; a mode where its reliability exceeds 0.8
and it stands above the noise edge; the leading order holds if it correlates by more than 0.9 with χ̂ of every head.

Class: `Findings`. Functions: `result`, `repeated`, `difference`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from ledger.experiments.code_lm import pictures
from ledger.experiments.code_lm.rules import Value, jackknifed
from ledger.experiments.experiment import Found, Result, Statement, Table
from ledger.experiments.induction.rules import reliability
from ledger.experiments.smollm2 import drawing, measure
from ledger.experiments.smollm2.measure import Head
from sampler import spectroscopy, standardize

READ, MODE, LINEAR = 0.5, 0.8, 0.9
ENDS = 4


class Findings(NamedTuple):
    """known, scores: of `measure.known` and `measure.attention`; heads: of `measure.head`; rows (P, T): the probed tokens, pieces
    their texts; digest of the text."""

    known: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]
    heads: Mapping[Head, Mapping[str, np.ndarray]]
    rows: np.ndarray
    pieces: np.ndarray
    digest: str


def repeated(rows: np.ndarray) -> np.ndarray:
    """Whether each token but the first of a row ends a pair (z_{i−1}, z_i) that stood earlier in the row: (rows, T − 1)."""
    found = np.zeros((len(rows), rows.shape[1] - 1), bool)
    for row, marks in zip(rows, found, strict=True):
        seen: set[tuple[int, int]] = set()
        for i, pair in enumerate(zip(row[:-1].tolist(), row[1:].tolist(), strict=True)):
            marks[i] = pair in seen
            seen.add(pair)
    return found


def difference(chi: np.ndarray, marked: np.ndarray) -> tuple[float, float]:
    """The mean of z-scored χ̂ (N,) over marked tokens less that over the others, and its standard error over tokens."""
    z = (chi - chi.mean()) / chi.std()
    one, two = z[marked], z[~marked]
    return float(one.mean() - two.mean()), float(
        np.hypot(one.std(ddof=1) / len(one) ** 0.5, two.std(ddof=1) / len(two) ** 0.5)
    )


def result(found: Findings) -> Result:
    """Statements, pictures, tables and data of what was found."""
    names = [_name(each) for each in found.heads]
    of = {key: np.stack([part[key] for part in found.heads.values()]) for key in next(iter(found.heads.values()))}
    groups = of["by_chain"].swapaxes(0, 1).astype(float)
    reliable = reliability(groups)
    slopes, rs = zip(
        *(_linear(groups[:, i], of["linear"][i], of["chi"][i], float(of["ess"][i])) for i in range(len(names))),
        strict=True,
    )
    spectrum = spectroscopy.spectrum(groups, components=names)
    marked = repeated(found.rows).ravel()
    said = [
        *_of_model(found, of, names),
        *_of_chains(of, names, reliable),
        _of_linear(names, slopes, rs, reliable),
        *_of_repeats(found, of, marked, names),
        _of_modes(spectrum),
    ]
    drawn = {
        "heads": drawing.heads(found.heads, found.scores, of, names),
        "tokens": drawing.tokens(of, names),
        "leading order": drawing.leading_order(of, names),
        "text": pictures.text(
            found.pieces[: len(found.rows), 1:].tolist(), standardize.zscore(of["chi"])[0].reshape(len(found.rows), -1),
            f"head {names[0]}", f"Probed text, the colour behind each token its z-scored χ̂ of head {names[0]} (reliability "
            f"{reliable[0]:.2f}): blue (below 0) where the token's loss rises with that of the text as the head is disturbed.",
        ),
    }  # fmt: skip
    numbers = {
        "reliability": dict(zip(names, reliable.tolist(), strict=True)),
        "leading order": {
            n: {"slope": s._asdict(), "r": r._asdict()} for n, s, r in zip(names, slopes, rs, strict=True)
        },
        "memory, GiB": float(of["memory"].max()),
        "minutes of chains": float(of["seconds"].sum() / 60),
    }
    return Result(_data(found, of, names, reliable), tuple(said), drawn, _tables(found, of, names, reliable), numbers)


def _name(head: Head) -> str:
    return f"{head.layer}.{head.number}"


def _linear(groups: np.ndarray, linear: np.ndarray, chi: np.ndarray, ess: float) -> tuple[Value, Value]:
    """Slope through 0 of χ̂ on its leading order, and their correlation, with 95% intervals.

    groups (G, N): χ̂ by chain, chi (N,): of all. A chain alone is centred on its own mean, which makes its χ̂ too small by the
    fraction one over its independent draws; the slope is that of all. Its interval is no less than what the variance of φ from
    `ess` independent draws allows, a fraction 1.96 √(2/ess).
    """

    def both(chi: np.ndarray) -> tuple[float, float]:
        return float(chi @ linear / (linear @ linear)), float(np.arctanh(np.corrcoef(chi, linear)[0, 1]))

    value = both(groups.mean(axis=0))
    without = [both(np.delete(groups, g, axis=0).mean(axis=0)) for g in range(len(groups))]
    slope, z = (jackknifed(value[k], [each[k] for each in without]) for k in (0, 1))
    centre = both(chi)[0]
    reach = max(slope.high - slope.mean, 1.96 * abs(centre) * (2 / ess) ** 0.5)
    return Value(centre, centre - reach, centre + reach), Value(*(float(np.tanh(each)) for each in z))


def _of_model(found: Findings, of: Mapping[str, np.ndarray], names: list[str]) -> list[Statement]:
    known, losses = found.known, found.known["losses"]
    told = ", ".join(
        f"{x.mean():.2f} ± {x.std(ddof=1) / len(x) ** 0.5:.2f} on {what}"
        for x, what in ((losses[::2], "help topics"), (losses[1::2], "the source of argparse"))
    )
    chosen = ", ".join(
        f"{name} ({each.kind}: {_score(found, 'repeating', each)}, {_score(found, 'looking_back', each)})"
        for name, each in zip(names, found.heads, strict=True)
    )
    away = (of["ratio"] - 1) / of["ratio_sem"]
    ratios = ", ".join(f"{n} {x:.2f} ± {e:.2f}" for n, x, e in zip(names, of["ratio"], of["ratio_sem"], strict=True))
    return [
        Statement(
            f"After “{measure.QUESTION}” the model says “{known['answer']}”; loss a token {told} (uniform "
            f"{float(known['uniform']):.2f} nat; rows without their beginnings; text of digest {found.digest}).",
            Found.HOLDS if str(known["answer"]) == measure.ANSWER else Found.FAILS,
        ),
        Statement(
            "Heads chosen by rule before any chain, with their scores for reading what followed the same token before and for "
            f"reading the token before: {chosen}."
        ),
        Statement(
            "The weights are dequantised from 4 bits and are no minimum, of this text or any other. |∇L|²/(tr Cov(∇ℓ)/n) over the "
            f"{len(losses)} rows, 1 in the mean at a minimum of their distribution: {ratios}. "
            + (
                "From so few rows the gradient on a single head is not told from the noise of sampling them."
                if away.max() < 3
                else "The gradient is more than the noise of sampling the rows."
            ),
            Found.SHOWN,
        ),
    ]


def _score(found: Findings, kind: str, head: Head) -> str:
    x = found.scores[kind][:, head.layer, head.number]
    return f"{x.mean():.2f} ± {x.std(ddof=1) / len(x) ** 0.5:.2f}"


def _of_chains(of: Mapping[str, np.ndarray], names: list[str], reliable: np.ndarray) -> list[Statement]:
    chains, N = of["by_chain"].shape[1:]
    each = ", ".join(f"{n} {r:.2f}" for n, r in zip(names, reliable, strict=True))
    above = ", ".join(
        f"{n} {np.mean(np.abs(c) > 2 * s):.0%}" for n, c, s in zip(names, of["chi"], of["chi_sem"], strict=True)
    )
    llc = ", ".join(f"{n} {x:.2f} ± {e:.2f}" for n, x, e in zip(names, of["llc"], of["llc_sem"], strict=True))
    worst = float(np.abs(of["virial"]).max())
    level = ", ".join(f"{n} {x}" for n, x in zip(names, of["severity"], strict=True))
    heat = ", ".join(f"{n} {x:.0%}" for n, x in zip(names, of["heat"], strict=True))
    ess = ", ".join(f"{n} {x:.0f}" for n, x in zip(names, of["ess"], strict=True))
    return [
        Statement(
            f"Split-half reliability of χ̂ of {N} tokens from {chains} independent chains: {each}; share of tokens whose χ̂ is "
            f"more than two standard errors from 0: {above}.",
            Found.HOLDS if reliable.min() > READ else Found.OPEN,
        ),
        Statement(
            f"nβ⟨L − L(w*)⟩ at nβ = {measure.NBETA:g}, γ = {measure.GAMMA:g} ({int(of['size'][0]):,} weights a head): {llc}. w* is "
            "no minimum: these are no learning coefficients."
        ),
        Statement(
            f"Diagnosis of the chains: {level} (sentences in the table). The virial identity holds within |z| = {worst:.1f}; "
            f"independent draws of φ: {ess}. Minibatches of {measure.BATCH} rows raise the variance of the noisiest direction by: "
            f"{heat} at leading order; χ̂ along it is too large by as much.",
            Found.FAILS if "error" in of["severity"] or worst > 4.5 else Found.SHOWN,
        ),
    ]


def _of_linear(names: list[str], slopes: tuple[Value, ...], rs: tuple[Value, ...], reliable: np.ndarray) -> Statement:
    each = "; ".join(
        f"{n} slope {s}, r {r}, free of the noise of χ̂ (r/√reliability) {r.mean / max(rho, 1e-9) ** 0.5:.2f}"
        for n, s, r, rho in zip(names, slopes, rs, reliable, strict=True)
    )
    return Statement(
        "χ̂ against its leading order −∇φ·∇(ℓ_z − L)/γ, from one gradient and one directional derivative (95%): "
        f"{each}. Where r is near 1 the chains say at this γ what the gradients at w* say.",
        Found.HOLDS if min(r.mean for r in rs) > LINEAR else Found.FAILS,
    )


def _of_repeats(found: Findings, of: Mapping[str, np.ndarray], marked: np.ndarray, names: list[str]) -> list[Statement]:
    if min(marked.sum(), (~marked).sum()) < 2:
        return [
            Statement("The probed rows repeat no pair of tokens: the hypothesis on them is not tested.", Found.OPEN)
        ]
    rows = [(n, each, *difference(chi, marked)) for n, each, chi in zip(names, found.heads, of["chi"], strict=True)]
    told = ", ".join(f"{n} ({each.kind}) {d:+.2f} ± {e:.2f}" for n, each, d, e in rows)
    asked = [d + 1.96 * e < 0 for _, each, d, e in rows if each.kind == "repeating"]
    return [
        Statement(
            f"Stated in advance: for the repeating heads the {marked.sum()} tokens that repeat a pair of their row have a lower χ̂ "
            f"than the other {(~marked).sum()} (95%). Differences of z-scored χ̂: {told}, ± one standard error over tokens.",
            Found.HOLDS if asked and all(asked) else Found.FAILS,
        )
    ]


def _of_modes(spectrum: spectroscopy.Spectrum) -> Statement:
    count = len(spectrum.modes.s) - 1  # the mean over components is taken out: one mode less
    each = ", ".join(
        f"mode {i + 1} {spectrum.share[i]:.0%} of the variance, reliability {spectrum.reliability[i]:.2f}"
        for i in range(count)
    )
    kept = [i for i in range(min(count, spectrum.loud)) if spectrum.reliability[i] > MODE]
    return Statement(
        f"Modes of the standardised matrix: {each}. "
        + (
            f"Above the noise edge and reliable: {', '.join(f'mode {i + 1}' for i in kept)}."
            if kept
            else "None is both above the noise edge and reliable: none is to be read."
        ),
        Found.HOLDS if kept else Found.FAILS,
    )


def _data(found: Findings, of: Mapping[str, np.ndarray], names: list[str], reliable: np.ndarray) -> xr.Dataset:
    P, T = found.rows.shape
    where, shape = ("head", "row", "position"), (len(names), P, T - 1)
    tokens = {key: (where, of[key].reshape(shape)) for key in ("chi", "chi_sem", "linear")}
    of_heads = ("phi", "phi_sem", "llc", "llc_sem", "ratio", "ratio_sem", "heat", "ess", "rhat", "virial")
    return xr.Dataset(
        tokens
        | {key: ("head", of[key].astype(float)) for key in of_heads}
        | {
            "by_chain": (("head", "chain", "row", "position"), of["by_chain"].reshape(len(names), -1, P, T - 1)),
            "reliability": ("head", reliable),
            "token": (("row", "position"), found.pieces[:P, 1:].astype(str)),
            "repeats": (("row", "position"), repeated(found.rows)),
        },
        coords={"head": names, "kind": ("head", [each.kind for each in found.heads])},
    )


def _tables(found: Findings, of: Mapping[str, np.ndarray], names: list[str], reliable: np.ndarray) -> tuple[Table, ...]:
    T, ends = found.rows.shape[1], []
    for name, chi, sem, r in zip(names, of["chi"], of["chi_sem"], reliable, strict=True):
        order = np.argsort(chi) if r > READ else []
        for at in (*order[:ENDS], *order[-ENDS:]):
            row, place = divmod(int(at), T - 1)
            before = "".join(map(pictures.printable, found.pieces[row, max(0, place - 6) : place + 1]))
            shown = f"{before}[{pictures.printable(found.pieces[row, place + 1])}]"
            ends.append((name, shown, f"{chi[at]:+.2e} ± {sem[at]:.1e}"))
    told = [(n, line) for n, each in zip(names, of["diagnosis"], strict=True) for line in str(each).splitlines()]
    return (
        Table("Tokens at the ends, of heads that reproduce", ("head", "context [token]", "χ̂, nat²"), tuple(ends)),
        Table("Diagnosis", ("head", "finding"), tuple(told)),
    )


__all__ = ["Findings", "difference", "repeated", "result"]
