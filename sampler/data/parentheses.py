"""Strings of parentheses on which two rules agree: as many "(" as ")" (equal count), and nested.

Idea. The depth after k symbols is the number of "(" less that of ")". A string is *nested* if its depth ends at 0 and never
falls below 0, of *equal count* if it ends at 0. The training strings are nested (label 1) or of unequal count (label 0), so that
both rules fit them all; strings of equal count that are not nested, and have no label, tell which one a network has learned. Every
string begins with "(" and ends with ")", lest the first or the last symbol tell them apart. Kinds:

    NESTED   uniform among the nested strings of n symbols                                                label 1
    SHORT    depth never below 0, ends at 2: only its count is wrong; uniform among those                 label 0
    DIPPING  depth falls below 0 and ends at ±2: a shuffled string of equal count with a few flips        label 0
    EQUAL    depth ends at 0 and falls below 0: what decides between the rules                            no label

DIPPING strings break both rules; the more they weigh, the more a nested rule pays. Tokens: "(" 0, ")" 1, end 2 (the last one).

Source: Li, Kaufmann, Wattenberg, Alvarez-Melis and Saphra, *Can Interpretation Predict Behavior on Unseen Data?*, 2025, for the two
rules. Reading order: `training`, `testing`, then `paths`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theory.errors import BadInput

NESTED, SHORT, DIPPING, EQUAL = KINDS = range(4)
NAMES = ("nested", "short", "dipping", "equal")
OPEN, CLOSE, END = range(3)


class Strings(NamedTuple):
    """tokens (N, n + 1), the last one END; labels (N,) 1.0 for nested, 0.0 else; kinds (N,)."""

    tokens: Int[np.ndarray, "N n+1"]
    labels: Float[np.ndarray, " N"]
    kinds: Int[np.ndarray, " N"]


def training(count: int, *, seed: int, length: int = 16, short: float = 0.6) -> Strings:
    """`count` strings in random order: half nested, half of unequal count, of which a share `short` is SHORT, the rest DIPPING.

    Raises `BadInput` for a length that is odd or below 6, a count that is odd or below 2, a share not in [0, 1].
    """
    _check(count, length)
    if count % 2 or not 0 <= short <= 1:
        raise BadInput(
            f"parentheses.training: count must be even and short a share of 1; they are {count} and {short}."
        )
    rng = np.random.default_rng(seed)
    some = round(short * count / 2)
    numbers = {NESTED: count // 2, SHORT: some, DIPPING: count // 2 - some}
    made = _join([(kind, _of(rng, kind, number, length)) for kind, number in numbers.items()])
    order = rng.permutation(count)
    return Strings(*(each[order] for each in made))


def testing(count: int, *, seed: int, length: int = 16) -> Strings:
    """`count` strings of each of the four kinds, kind after kind; errors as of `training`."""
    _check(count, length)
    rng = np.random.default_rng(seed)
    return _join([(kind, _of(rng, kind, count, length)) for kind in KINDS])


def depth(tokens: Int[np.ndarray, "N n+1"]) -> Int[np.ndarray, "N n"]:
    """The number of "(" less that of ")" among the first k symbols, k = 1 … n."""
    return np.cumsum(1 - 2 * tokens[:, :-1], axis=1)


def kind_of(tokens: Int[np.ndarray, "N n+1"]) -> Int[np.ndarray, " N"]:
    """The kind of each string from its depths; strings above 0 throughout that end high count as SHORT."""
    d = depth(tokens)
    level, dips = d[:, -1] == 0, d.min(axis=1) < 0
    return np.where(level, np.where(dips, EQUAL, NESTED), np.where(dips, DIPPING, SHORT))


def paths(rng: np.random.Generator, count: int, length: int, end: int) -> Int[np.ndarray, "count length"]:
    """`count` uniform draws of the paths 0 → `end` with `length` steps ±1 that never fall below 0, as symbols (up is OPEN).

    From height h with k steps to go the path goes up with probability c(k − 1, h + 1)/c(k, h), c the number of paths left.
    """
    ways = np.zeros((length + 1, length + 3))
    ways[0, end] = 1
    for k in range(1, length + 1):
        ways[k, :-1] = ways[k - 1, 1:]
        ways[k, 1:] += ways[k - 1, :-1]
    if not ways[length, 0]:
        raise BadInput(
            f"parentheses.paths: no path of {length} steps from 0 ends at {end}; take one of the same parity."
        )
    height, symbols = np.zeros(count, int), np.empty((count, length), np.int32)
    for step in range(length):
        left = length - step
        up = rng.random(count) * ways[left, height] < ways[left - 1, height + 1]
        symbols[:, step] = np.where(up, OPEN, CLOSE)
        height += np.where(up, 1, -1)
    return symbols


def _of(rng: np.random.Generator, kind: int, count: int, length: int) -> np.ndarray:
    """`count` strings of a kind, with their end."""
    if kind == NESTED:
        symbols = paths(rng, count, length, 0)
    elif kind == SHORT:
        symbols = np.column_stack([paths(rng, count, length - 1, 3), np.full(count, CLOSE)])
    else:
        symbols = _shuffled(rng, kind, count, length)
    return np.column_stack([symbols, np.full(len(symbols), END)]).astype(np.int32)


def _shuffled(rng: np.random.Generator, kind: int, count: int, length: int) -> np.ndarray:
    """Balanced strings shuffled between their ends, for DIPPING with 1 to 3 symbols flipped; kept where the kind is right."""
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        inner = np.tile(np.repeat([OPEN, CLOSE], length // 2 - 1), (2 * count + 64, 1))
        inner = rng.permuted(inner, axis=1)
        if kind == DIPPING:
            places = rng.permuted(np.tile(np.arange(length - 2), (len(inner), 1)), axis=1)
            inner = np.where(places < rng.integers(1, 4, (len(inner), 1)), 1 - inner, inner)
        symbols = np.pad(inner, ((0, 0), (1, 1)), constant_values=((0, 0), (OPEN, CLOSE)))
        d = np.cumsum(1 - 2 * symbols, axis=1)
        right = (d.min(axis=1) < 0) & (abs(d[:, -1]) == (2 if kind == DIPPING else 0))
        found.append(symbols[right])
    return np.concatenate(found)[:count]


def _join(parts: list[tuple[int, np.ndarray]]) -> Strings:
    tokens = np.concatenate([each for _, each in parts])
    kinds = np.concatenate([np.full(len(each), kind) for kind, each in parts])
    return Strings(tokens, (kinds == NESTED).astype(np.float32), kinds)


def _check(count: int, length: int) -> None:
    if length % 2 or length < 6 or count < 2:
        raise BadInput(
            f"parentheses: needs an even length from 6 on and at least 2 strings; it got {length} and {count}."
        )


__all__ = [
    "CLOSE", "DIPPING", "END", "EQUAL", "KINDS", "NAMES", "NESTED", "OPEN", "SHORT",
    "Strings", "depth", "kind_of", "paths", "testing", "training",
]  # fmt: skip
