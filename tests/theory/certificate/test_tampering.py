"""Two hundred tamperings: every one changes a claim or breaks a proof, by an argument written beside it; all are refused."""

import copy
import itertools
import random

import pytest

from tests.theory.certificate.tamperings import TAMPERINGS
from theory.certificate import check, report

TAMPERED = (
    *("cusp", "two cusps", "square plus", "cone", "E8", "Fermat", "planes", "quintic", "corner", "discriminant"),
    *("lines", "surface", "combination", "cubic", "quartic", "quartic again", "quadric"),
)


def applied(tampering, s, seed):
    """The tampered certificate, or None where there is nothing of the kind to tamper with."""
    data = copy.deepcopy(s.certificate)
    try:
        tampering(data, random.Random(seed))
    except (IndexError, StopIteration):  # nothing to choose from
        return None
    return data if data != s.certificate else None


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda f: f.__name__)
def test_tamperings_are_refused(solved, tampering):
    tried = 0
    for seed, name in enumerate(TAMPERED):
        s = solved[name]
        data = applied(tampering, s, seed)
        if data is not None:
            tried += 1
            found = report(data, s.K, s.variables, **s.how)
            assert not found.accepted, (name, seed)
    assert tried >= 1, "the tampering met nothing to tamper with"


def test_two_hundred_random_tamperings_are_all_refused(solved):
    """Not one is let through. (Every kind of tampering is among them, each on several certificates.)"""
    accepted, tried = [], 0
    for (k, tampering), (seed, name) in itertools.product(enumerate(TAMPERINGS), enumerate(TAMPERED)):
        if (3 * k + seed) % 2:
            continue
        s = solved[name]
        data = applied(tampering, s, 1000 + 100 * k + seed)
        if data is not None:
            tried += 1
            if check(data, s.K, s.variables, **s.how):
                accepted.append((tampering.__name__, name, seed))
    assert tried >= 200 and not accepted


def test_what_changes_nothing_is_accepted(solved):
    """Another order of keys, generators times a number, a larger shadow: the same statement with a valid proof."""
    for name in TAMPERED:
        s = solved[name]
        data = copy.deepcopy(s.certificate)
        data["nodes"].reverse()
        data = dict(reversed(list(data.items())))
        for node in data["nodes"]:
            for state in (node["given"], node["result"]):
                state["nonzero"].reverse()
                state["kind"] = dict(reversed(list(state["kind"].items())))
        assert check(data, s.K, s.variables, **s.how), name
