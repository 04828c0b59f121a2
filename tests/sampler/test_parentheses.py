"""Strings of parentheses: their kinds by another road (a stack), and uniform draws against enumeration."""

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy.stats import chisquare

from sampler.data import parentheses
from theory.errors import BadInput


def by_stack(symbols):
    """The kind of a string, by removing "()" until nothing changes."""
    text = "".join("()"[s] for s in symbols)
    while "()" in text:
        text = text.replace("()", "")
    if text.count("(") == text.count(")"):
        return parentheses.EQUAL if text else parentheses.NESTED
    return parentheses.DIPPING if ")" in text else parentheses.SHORT


@pytest.mark.parametrize("length", [6, 12, 16, 20])
def test_every_string_is_of_its_kind_and_its_ends_say_nothing(length):
    for made in (parentheses.training(400, seed=1, length=length), parentheses.testing(50, seed=2, length=length)):
        assert made.tokens.shape[1] == length + 1 and (made.tokens[:, -1] == parentheses.END).all()
        assert (made.tokens[:, 0] == parentheses.OPEN).all() and (made.tokens[:, -2] == parentheses.CLOSE).all()
        assert [by_stack(row[:-1]) for row in made.tokens] == made.kinds.tolist()
        assert (parentheses.kind_of(made.tokens) == made.kinds).all()
        assert ((made.kinds == parentheses.NESTED) == (made.labels == 1)).all()


def test_both_rules_fit_the_training_strings_and_part_on_the_deciding_ones():
    made = parentheses.training(1000, seed=3)
    counts = parentheses.depth(made.tokens)[:, -1]
    assert ((counts == 0) == (made.labels == 1)).all()
    assert np.bincount(made.kinds).tolist() == [500, 300, 200]
    assert set(counts[made.kinds == parentheses.DIPPING]) == {-2, 2}
    tests = parentheses.testing(100, seed=4)
    assert (parentheses.depth(tests.tokens)[tests.kinds == parentheses.EQUAL, -1] == 0).all()


@pytest.mark.parametrize(("length", "end"), [(8, 0), (7, 3)])
def test_paths_are_uniform(length, end):
    """χ² over all paths; false alarm 1e-6. The number of paths is that of the ballot theorem."""
    every = [
        p
        for p in product((0, 1), repeat=length)
        if min(np.cumsum(1 - 2 * np.array(p))) >= 0 and length - 2 * sum(p) == end
    ]
    downs = (length - end) // 2
    assert len(every) == comb(length, downs) * (end + 1) // (length - downs + 1)
    drawn = parentheses.paths(np.random.default_rng(0), 14_000, length, end)
    counts = np.array([(drawn == np.array(p)).all(axis=1).sum() for p in every])
    assert counts.sum() == 14_000 and chisquare(counts).pvalue > 1e-6


def test_what_cannot_be_made_is_refused():
    for length, short in ((7, 0.6), (4, 0.6), (16, 1.5)):
        with pytest.raises(BadInput, match="parentheses"):
            parentheses.training(10, seed=0, length=length, short=short)
    with pytest.raises(BadInput, match="even"):
        parentheses.training(11, seed=0)
    with pytest.raises(BadInput, match="parity"):
        parentheses.paths(np.random.default_rng(0), 3, 5, 2)
