"""What the search proposes: blow-ups, splits, tidied and simplified generators, new coordinates."""

from math import gcd

import pytest
from hypothesis import given, settings

from tests.theory.rlct.states import (
    RING,
    SMALL,
    X,
    Y,
    Z,
    confirmed,
    one,
    strata,
    stratum,
    x,
    y,
    z,
)
from theory.rlct import branching, coordinates, reduce, tidy
from theory.rlct.effort import TooLarge


@given(strata("sf"))
@settings(max_examples=30, deadline=None)
def test_weights_of_blow_ups(s):
    """At least two small coordinates, positive whole weights without a common divisor, each proposal once."""
    proposals = branching.blowups(s) if s.polynomials and len(s.where(SMALL)) > 1 else []
    for w in proposals:
        assert len(w) > 1 and all(s.kind[i] == SMALL and k > 0 for i, k in w.items()) and gcd(*w.values()) == 1
        assert proposals.count(w) == 1
    assert len(proposals) <= branching.PROPOSALS


@pytest.mark.parametrize(
    ("s", "weights"),
    [
        (stratum("ssaa", x**2 - y**3), {X: 3, Y: 2}),
        (stratum("ssaa", x**5 - y**3), {X: 3, Y: 5}),
        (stratum("sssa", x**2 + y**3 + z**5), {X: 15, Y: 10, Z: 6}),
        (stratum("ssaa", x - y), {X: 1, Y: 1}),
    ],
)
def test_the_weights_make_all_terms_initial(s, weights):
    assert branching.blowups(s)[0] == weights


def test_initial_terms():
    """Without what divides all: x³y + x y³ + x²y² is xy·(x² + y² + xy); of x + x²y only x counts."""
    s = stratum("ssaa", x**3 * y + x * y**3 + x**2 * y**2, x + x**2 * y + y)
    assert sorted(branching.initial(s, 0, [X, Y])) == [(0, 2), (1, 1), (2, 0)]
    assert sorted(branching.initial(s, 1, [X, Y])) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("s", "wanted"),
    [
        (stratum("sffa", x * (y + z)), [y + z]),
        (stratum("sffa", x * (y + z) * (y - 2 * z)), [y + z, y - 2 * z]),
        (stratum("sffa", x * (y + z), nonzero=[y + z]), []),
        (stratum("sfaa", x * (y**2 + one)), []),
        (stratum("sfaa", x * y, factor={Y: 1}), [y]),
        (stratum("sfaa", x, jacobian={Y: 1}), [y]),
        (stratum("sfaa", x + x**2 * y), []),
        (stratum("sfsa", x * y + z**2), [y]),  # the slope in x
        (stratum("susa", x * y + z**2), []),
        (stratum("sfsa", x * y + z**2, jacobian={X: 1}), []),
        (stratum("sfsa", x * y + z), []),  # smooth in z
    ],
)
def test_what_is_split_on(s, wanted):
    found = branching.splitters(s)
    assert sorted(map(str, found)) == sorted(map(str, wanted))


def test_mirrored_factors_are_split_at_their_mirror_first():
    """For y − 1 and y + 1 both, y = 0 comes first; not where y ≥ 0."""
    s = stratum("sfaa", x * (y - one) * (y + one))
    assert branching.splitters(s)[0] == y
    assert branching.splitters(stratum("sffa", x * (y - one) * (y + one) * (y + z - 3 * one)))[0] == y
    assert y not in branching.splitters(stratum("sfaa", x * (y - one) * (y + one), sign={Y: 1}))
    assert y not in branching.splitters(stratum("sfaa", x * (y - one) * (y + 2 * one)))


@pytest.mark.parametrize(
    ("s", "q", "found"),
    [
        (stratum("sffa", x), y * z - one, [z]),
        (stratum("sffa", x), y**2 * z - one, [y]),
        (stratum("sffa", x, sign={Y: 1}), y + z, [y]),
        (stratum("sffa", x, factor={Z: 1}), y + z, [z]),
        (stratum("sffa", x, jacobian={Z: 1}), y + z, [z]),
        (stratum("sufa", x), y + z**2, []),
    ],
)
def test_hurdles(s, q, found):
    """What has to be settled before q can become a coordinate."""
    assert branching.hurdles(s, q) in (found, [y] if found == [z] else found)


def test_free_coordinates_that_occur():
    s = stratum("sffa", x * y + x**2, z * x)
    assert branching.free_coordinates(s) == [y]


@given(strata())
@settings(max_examples=30, deadline=None)
def test_tidying_and_simplifying_are_sound(s):
    for pass_ in (tidy.clean, reduce.simplify, reduce.triangular):
        after = s.copy()
        found = pass_(after)
        if not after.empty:
            confirmed(s, found, after)


@pytest.mark.parametrize(
    ("s", "generators", "factor"),
    [
        (stratum("ssaa", x * y + x * y**2), [one], (1, 1)),
        (stratum("suaa", x * y**3 + x**2 * y**3), [one], (1, 0)),
        (stratum("ssaa", x**2 + y**4), [x**2, y**4], (0, 0)),
        (stratum("ssaa", x + y, sign={X: 1, Y: 1}), [x, y], (0, 0)),
        (stratum("ssaa", x + y, sign={X: 1}), [x + y], (0, 0)),
        (stratum("ssaa", x, x * y + y**2), [x, y**2], (0, 0)),
        (stratum("ssaa", 0 * x, x), [one], (1, 0)),
        (stratum("ssaa", x - y, one + x), [one], (0, 0)),
        (stratum("ssaa", (x - y) * (one + x) ** 2), [x - y], (0, 0)),
        (stratum("ssaa", x**4, y**4, x**2 * y**2 + x**3 * y), [x**4, y**4], (0, 0)),
        (stratum("ssaa", x**4, y**4, x**2 * y + x**3 * y), [x**4, y**4, x**2 * y], (0, 0)),
    ],
)
def test_what_tidying_leaves(s, generators, factor):
    """The monomials that matter, what is common to all in the factor, 1 alone where there is a unit."""
    tidy.clean(s)
    assert set(map(str, s.generators.values())) == set(map(str, generators)) and tuple(s.factor[:2]) == factor


@pytest.mark.parametrize(
    ("s", "score"),
    [
        (stratum("ssaa", x + y**2, x + y**2 + y**3), (0, 0)),
        (stratum("sssa", x + y * z, y + z**2), (0, 0)),
        (stratum("ssaa", (x + y) ** 3, (x + y) * y), (0, 0)),
        (stratum("sssa", x * y + z * y + y**2), (0, 0)),
        (stratum("ssaa", x**2 - y**3), (1, 2)),
        (stratum("ssaa", x**2 + 2 * x * y + y**2 - y**3), (1, 2)),
    ],
)
def test_what_simplifying_leaves(s, score):
    """(generators with several terms, their terms): smooth ones become coordinates, a cusp does not."""
    before = s.copy()
    confirmed(before, reduce.simplify(s), s)
    assert tidy.score(s) == score


def test_subtraction_and_elimination():
    """2·(x²y + …) − 3y·(…) cancels more than it adds; z = x + y leaves z·x − y² without z."""
    s = stratum("sssa", 3 * x**2 * y + 3 * y**2 * z + z**3, 2 * x**2 + 2 * y * z)
    before = s.copy()
    confirmed(before, reduce.subtract(s), s)
    assert s.generators[0] == z**3
    assert reduce.subtract(stratum("ssaa", x**2 + y**3, x + y**2)) == []
    t = stratum("sssa", z * x - y**2 + x * y, z + x**2 + y**2)
    before = t.copy()
    confirmed(before, reduce.eliminate(t), t)
    assert not t.generators[0].degrees()[Z]
    assert reduce.eliminate(stratum("ssaa", x**2 + y, x**2 + y**2)) == []


def test_a_coordinate_that_makes_too_much_is_passed_over(monkeypatch):
    """x + y and x + z would each do; where the first one grows too large the second is taken."""
    s = stratum("sssa", (x + y) * (x + y + z), x**3)
    tried, straighten = [], coordinates.straighten

    def first_grows(trial, i, a, b, proof):
        tried.append((i, a, b))
        if len(tried) == 1:
            raise TooLarge
        return straighten(trial, i, a, b, proof)

    monkeypatch.setattr(coordinates, "straighten", first_grows)
    before = s.copy()
    found = coordinates.recoordinate(s)
    assert len(tried) > 1 and found and found[0]["coordinate"] != tried[0][1] * RING.gen(tried[0][0]) + tried[0][2]
    confirmed(before, found, s)


def test_candidates_for_coordinates():
    """Factors that are linear in a coordinate, and sums that pairs of terms share."""
    s = stratum("sssa", (x + y * z) * (y - z**2) * z)
    found = [(i, p, q) for i, p, q in coordinates.candidates(s)]
    assert (X, one, y * z) in found and (Y, one, -(z**2)) in found
    shared = coordinates.shared_sums(stratum("sssa", x**2 + 2 * x * y + z**3))
    assert (X, one, y) in shared
    long = sum((z**k for k in range(4, 64)), z**3 * x)
    for generators in ((x**2 + 2 * x * y, long), (long, x**2 + 2 * x * y)):
        alone = stratum("sssa", x**2 + 2 * x * y)  # sums of more than 60 terms have no vote
        assert coordinates.shared_sums(stratum("sssa", *generators)) == coordinates.shared_sums(alone)
    assert all(i != X for i, _, _ in coordinates.shared_sums(stratum("sssa", x**2 + 2 * x * y + z**3, sign={X: 1})))
    assert (
        coordinates._ratio(4, -6) == (2, -3)
        and coordinates._ratio(-4, 6) == (2, -3)
        and coordinates._ratio(-4, -6) == (2, 3)
    )
