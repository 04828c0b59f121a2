"""The lower bound by derivatives: against known thresholds, by hand, and where nothing else bounds from below."""

import json
import random
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.rlct.ideals import random_polynomials
from theory.certificate import report
from theory.rlct import rlct_ideal, sublevel
from theory.rlct.effort import attempt
from theory.rlct.polynomials import Ring
from theory.rlct.problem import read
from theory.rlct.search import Search
from theory.rlct.stratum import FREE, SMALL, UNIT, Stratum
from theory.rlct.sublevel import sublevel_bound

CASES = json.loads((Path(__file__).parent / "rlct_cases.json").read_text(encoding="utf-8"))
RING = Ring(("x", "y", "r"))
x, y, r = (RING.gen(i) for i in range(3))


def bound(generators, kinds=(SMALL, SMALL, "absent"), **more):
    found = sublevel_bound(
        Stratum(
            RING, list(kinds), more.pop("jacobian", [0] * 3), [0] * 3, more.pop("factor", [0] * 3), generators, **more
        )
    )
    return found and found[0][0]


def test_no_known_threshold_is_below_it():
    tried = 0
    for case in CASES:
        if case["domain"] != "R^d" or case["prior"] != "1" or not case["generators"]:
            continue
        variables = sp.symbols(case["vars"], real=True)
        names = dict(zip(case["vars"], variables, strict=True))
        generators = [sp.sympify(g, locals=names) for g in case["generators"]]
        if not all(g.is_polynomial(*variables) for g in generators):
            continue
        problem = read(generators, None, variables, [sp.Rational(c) for c in case["point"]], 1, "real")
        found = sublevel_bound(problem.stratum)
        if found:
            tried += 1
            assert found[0][0] / 2 <= Fraction(case["lambda"]), case["id"]
    assert tried >= 25


def test_by_hand():
    """A fold y² − x³: ∂²/∂y² = 2, so 1/2. With x⁵ as well |g|^{−β} |x|^{−5α} may be integrated for β < 1/2 and α < 1/5."""
    fold = y**2 - x**3
    assert bound({0: fold}) == Fraction(1, 2)
    assert bound({0: fold, 1: x**5}) == Fraction(1, 2) + Fraction(1, 5)  # y² and x⁵: the bound of the Newton polyhedron
    assert bound({0: fold}, factor=[3, 0, 0]) == Fraction(1, 3)  # x³·fold
    assert bound({0: fold}, factor=[0, 2, 0]) == Fraction(1, 3)  # y²·fold along x; y⁴ − … along y has 1/4
    assert bound({0: fold}, jacobian=[0, 7, 0]) == Fraction(1, 2)
    assert bound({0: x * y - x**2}, (SMALL, UNIT, "absent")) == 1  # ∂/∂y = x is 0, ∂/∂x = y − 2x is not
    assert bound({0: x * y - x**2}, (SMALL, FREE, "absent")) == Fraction(1, 2)
    assert bound({0: x**3 + y**4 + r**2}, (SMALL, SMALL, SMALL)) == Fraction(1, 2)  # the best of 1/3, 1/4, 1/2
    assert bound({0: x**3 + y**2 + r**4}, (SMALL, SMALL, SMALL)) == Fraction(1, 2)
    assert bound({0: x * y}) is None  # a monomial bounds itself
    moving = {2: r**2 - x - 2 * RING.one()}
    assert bound({0: r**2 * y - x}, (SMALL, SMALL, UNIT), roots=moving) == 1  # along y; x moves r


def test_where_nothing_else_bounds():
    """A chain of dependent quantities is not resolved; 4 derivatives along x give 1/4 for g, 1/8 for g²."""
    X, Y = sp.symbols("x y", real=True)
    chain = [sp.expand((X**2 - 2 * Y**3) ** 2 - X**3 * Y**2 - X**4 * Y**3)]
    answer = rlct_ideal(chain, (X, Y), time_limit=2)
    assert sp.Rational(1, 8) <= answer.lower <= answer.upper <= sp.Rational(5, 24)
    assert report(answer.certificate, chain, (X, Y)).accepted


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(-2, 2)), min_size=1, max_size=3), st.data())
@settings(max_examples=40, deadline=None)
def test_it_is_below_what_the_resolution_finds(terms, data):
    """x^a + Σ c x^i y^j and another: brackets of the search and this bound are both of the same λ."""
    X, Y = sp.symbols("x y", real=True)
    a = data.draw(st.integers(1, 4))
    generators = [X**a + sum(c * X**i * Y**j for i, j, c in terms), Y ** data.draw(st.integers(1, 5)) - X * Y]
    answer = rlct_ideal(generators, (X, Y), time_limit=1)
    found = sublevel_bound(read(generators, None, (X, Y), None, 1, "real").stratum)
    assert found is None or found[0][0] / 2 <= Fraction(int(answer.upper.p), int(answer.upper.q))


def contradictions(seeds=80, enough=sys.maxsize):
    """(bounds by derivatives, how many of them exceed what holds), at all strata of resolutions with priors and boundaries, until
    there are enough that do."""
    X, rng, seen, wrong = sp.symbols("x y z w", real=True), random.Random(11), 0, 0
    for _ in range(seeds):
        variables = X[: rng.choice([2, 2, 3, 3, 4])]
        generators = random_polynomials(rng, variables, (1, 3), most=4) or [variables[0]]
        prior = sp.prod(sp.Abs(v) ** rng.choice([0, 0, 0, 1, sp.Rational(-1, 2)]) for v in variables)
        domain = {v: rng.choice([(None, None), (None, None), (0, None)]) for v in variables}
        problem = read(generators, None, variables, None, prior, domain)
        search = Search(problem.stratum, deadline=time.monotonic_ns() + 10**9)
        search.run()
        for node in search.nodes:
            found = [] if node.simple.empty else [attempt(sublevel_bound, s) for s in (node.given, node.simple)]
            seen += sum(b is not None for b in found)
            wrong += sum(b is not None and b[0] > node.upper for b in found)
        if wrong >= enough:
            break
    return seen, wrong


def test_no_stratum_contradicts_it():
    seen, wrong = contradictions()
    assert seen >= 200 and wrong == 0


def test_wrong_bounds_would_be_noticed(monkeypatch):
    """One derivative less, or the Jacobian's exponent of x taken as gained where g may vanish away from x = 0."""
    orders = sublevel._orders
    with monkeypatch.context() as patch:
        patch.setattr(sublevel, "_orders", lambda s, x: {j: (max(d - 1, 1), p) for j, (d, p) in orders(s, x).items()})
        assert contradictions(150, enough=5)[1] >= 5
    monkeypatch.setattr(sublevel, "min", lambda one, cost: cost, raising=False)
    assert contradictions(enough=5)[1] >= 5


@pytest.mark.parametrize("kinds", [(SMALL, SMALL), (SMALL, FREE), (FREE, UNIT)])
def test_the_proof_is_data(kinds):
    s = Stratum(RING, [*kinds, "absent"], [0] * 3, [0] * 3, [0] * 3, {4: x + y**2})
    found = sublevel_bound(s)
    assert found is not None and found[0] == (1, -2)
    proof = found[1]
    assert (proof["value"], proof["multiplicity"], proof["dual"]) == (1, 2, {"4": 1})
    assert proof["derivatives"]["4"]["order"] == 1 and proof["along"] in ("x", "y")
