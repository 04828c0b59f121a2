"""Sequences in which one segment occurs twice: the second time, its tokens can be predicted by induction alone.

The idea. A Markov chain on V states runs on underneath: from each state to one of 4 successors, with probabilities 8/15, 4/15,
2/15, 1/15 (entropy 1.137 nat); the table of successors is fixed by its own seed. A segment of n ∼ U{least … most} uniform tokens is
laid over it twice, somewhere in the first half and somewhere in the second. So the four kinds of target are

    BACKGROUND  the chain's own tokens, predictable from the token before (unless a segment hides it)
    FIRST       the segment for the first time: unpredictable, ln V
    SECOND      its tokens for the second time but for the first of them: predictable by looking back
    BREAK       the first token of the second copy: unpredictable

Nothing is read from disk; the same arguments give the same data. Function: `sequences`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from theory.errors import BadInput

BACKGROUND, FIRST, SECOND, BREAK = KINDS = range(4)
NAMES = ("background", "first copy", "second copy", "break")
PROBABILITIES = np.array([8, 4, 2, 1]) / 15
TABLE_SEED = 1234


class Sequences(NamedTuple):
    """tokens (N, T + 1) and the kind of each target, tokens[:, 1:], (N, T)."""

    tokens: Int[np.ndarray, "N T+1"]
    kinds: Int[np.ndarray, "N T"]


def sequences(
    count: int, *, seed: int, length: int = 33, vocabulary: int = 32, segment: tuple[int, int] = (8, 14)
) -> Sequences:
    """`count` sequences of `length` tokens (see the module). Raises `BadInput` where a segment does not fit into a half."""
    least, most = segment
    half = length // 2
    if not (count >= 1 and 2 <= least <= most <= half) or vocabulary < len(PROBABILITIES):
        raise BadInput(
            f"induction.sequences: needs 2 ≤ least ≤ most ≤ {half} (half of the length) and {len(PROBABILITIES)} states or more; "
            f"the segment is {segment}, the vocabulary {vocabulary}, the count {count}."
        )
    table = np.random.default_rng(TABLE_SEED)
    successors = np.stack([table.permutation(vocabulary)[: len(PROBABILITIES)] for _ in range(vocabulary)])
    rng = np.random.default_rng(seed)
    tokens = np.empty((count, length), np.int32)
    tokens[:, 0] = rng.integers(0, vocabulary, count)
    choice = rng.choice(len(PROBABILITIES), (count, length), p=PROBABILITIES)
    for i in range(1, length):
        tokens[:, i] = successors[tokens[:, i - 1], choice[:, i]]
    kinds = np.full((count, length), BACKGROUND, np.int8)
    sizes = rng.integers(least, most + 1, count)
    first = rng.integers(0, half - sizes + 1)
    second = rng.integers(half, length - sizes + 1)
    overlay = rng.integers(0, vocabulary, (count, most), dtype=np.int32)
    for row, (n, a, b) in enumerate(zip(sizes, first, second, strict=True)):
        tokens[row, a : a + n] = tokens[row, b : b + n] = overlay[row, :n]
        kinds[row, a : a + n], kinds[row, b : b + n], kinds[row, b] = FIRST, SECOND, BREAK
    return Sequences(tokens, kinds[:, 1:])


__all__ = ["BACKGROUND", "BREAK", "FIRST", "KINDS", "NAMES", "PROBABILITIES", "SECOND", "Sequences", "sequences"]
