"""What is refused and how, limits of time, words and data of the answer."""

import json
import time

import pytest
import sympy as sp

from theory.errors import BadInput
from theory.rlct import answer as answers
from theory.rlct import rlct, rlct_component, rlct_ideal, tree
from theory.rlct.problem import curves

x, y, z, a, b, c, d = sp.symbols("x y z a b c d", real=True)


@pytest.mark.parametrize(
    ("K", "options", "words"),
    [
        (x**2 - y**2, {}, "negative values"),
        (x**3, {}, "negative values"),
        (-(x**2), {}, "negative values"),
        (x**2 * (y - x**2) ** 3, {}, "negative values"),
        (x - sp.tanh(x), {}, "negative values"),
        ((y - x**2) * (y - 2 * x**2), {}, "negative values"),
        (x**2 + 1, {}, "does not vanish"),
        (x - x, {}, "identically 0"),
        (sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1 + y - y, {}, "identically 0"),
        (x**2 + z, {}, "unknown symbol z"),
        (sp.Abs(x), {}, "smooth"),
        (sp.Function("f")(x), {}, "smooth"),
        (sp.sin(x * y) - x, {}, "no comparison"),
        (sp.Rational(1, 2) * 0.5 * x**2, {}, "inexact"),
        (x**2, {"prior": x}, "changes sign"),
        (x**2, {"prior": 1 / sp.Abs(x)}, "not integrable"),
        (x**2, {"prior": sp.Abs(x + y**2)}, "not a monomial"),
        (x**2, {"prior": z}, "unknown symbol z"),
        (x**2, {"domain": "half"}, "domain"),
        (x**2, {"domain": {z: (0, 1)}}, "not a variable"),
        (x**2, {"domain": "box", "at": (-1, 0)}, "outside the domain"),
        (sp.pi * x**2 + x * y + y**2, {}, "algebraic"),
        (x**2, {"at": (sp.pi, 0)}, "algebraic"),
        (x**2, {"time_limit": -1}, "time limit"),
    ],
)
def test_refusals(K, options, words):
    with pytest.raises(BadInput, match=words) as caught:
        rlct(K, (x, y), **options)
    assert "\n" not in str(caught.value)


def test_refusals_of_ideals():
    for generators in ([], [x + 1], [x - x], [z]):
        with pytest.raises(BadInput):
            rlct_ideal(generators, (x, y))


@pytest.mark.parametrize(
    ("K", "variables", "value", "m"),
    [
        ((a * sp.tanh(b)) ** 2, (a, b), "1/2", 2),
        ((a * sp.tanh(b) + c * sp.tanh(d)) ** 2, (a, b, c, d), "1/2", 1),
        (1 - sp.cos(x * y), (x, y), "1/2", 2),
        (sp.log(sp.cosh(x)), (x,), "1/2", 1),
        ((x - sp.tanh(x)) ** 2, (x,), "1/6", 1),  # x − tanh x = x³/3 + …
        (sp.exp(a * b) - 1 - a * b, (a, b), "1/2", 2),  # (ab)²/2 + …
        (1 - sp.cos(x) + y**4, (x, y), "3/4", 1),
        (
            (sp.sin(2 * x) - 2 * sp.sin(x) * y) ** 2 + sp.sin(y) ** 4,
            (x, y),
            "3/4",
            1,
        ),  # sin x (cos x − y), a unit times x
        ((sp.exp(x) - 1 - y) ** 2 + y**4, (x, y), "3/4", 1),
        (sp.sqrt(1 + x**2) - 1, (x,), "1/2", 1),
        (-sp.log(1 - x**2 * y**2) / 2, (x, y), "1/2", 2),
        ((sp.tanh(x) - sp.tanh(2 * x) + y) ** 2, (x, y), "1/2", 1),
    ],
)
def test_analytic_functions(K, variables, value, m):
    answer = rlct(K, variables)
    assert (answer.exact, answer.value, answer.multiplicity) == (True, sp.Rational(value), m)


@pytest.mark.parametrize(
    ("generators", "value", "m"),
    [
        # f² ≥ 0 with f = x² − 2y²: near (x, y) = 0 two smooth branches, y of order x on each
        ([x**2 - 2 * y**2], "1/2", 2),
        ([x**2 - 2 * y**2, x**3], "1/2", 2),
        # K = f² + x^{2k} along a smooth branch f = 0 with x a coordinate: 1/2 + 1/(2k)
        ([x - sp.sqrt(2) * y, y**3], "2/3", 1),
        ([(x**2 - 2 * y**2) ** 2], "1/4", 2),
    ],
)
def test_irrational_branches(generators, value, m):
    answer = rlct_ideal(generators, (x, y))
    assert (answer.exact, answer.value, answer.multiplicity) == (True, sp.Rational(value), m)


def test_irrational_points():
    circle = (x**2 + y**2 - 5) ** 2
    assert rlct(circle, (x, y), at=(sp.sqrt(2), sp.sqrt(3))).value == sp.Rational(1, 2)
    assert rlct((x**2 - 2) ** 2 + y**2, (x, y), at=(sp.sqrt(2), 0)).value == 1
    with pytest.raises(BadInput, match="does not vanish"):
        rlct(circle, (x, y), at=(sp.sqrt(2), sp.sqrt(2)))


def test_domains():
    assert rlct(x**2 + y, (x, y), domain="nonnegative").value == sp.Rational(3, 2)
    assert rlct((x + y - 1) ** 2, (x, y), domain="box", at=(1, 0)).value == sp.Rational(1, 2)
    assert rlct((x + y - 2) ** 2, (x, y), domain="box", at=(1, 1)).value == 1  # both coordinates end there
    assert rlct((x + y - 2) ** 2, (x, y), domain={x: (None, 1)}, at=(1, 1)).value == sp.Rational(1, 2)
    assert rlct((x + y) ** 2, (x, y), domain={x: (0, None), y: (0, None)}).value == 1


def test_the_prior():
    assert rlct(x**2, (x,), prior=sp.exp(-(x**2) / 2)).value == sp.Rational(1, 2)
    assert rlct(x**2, (x,), prior=sp.Abs(x) ** sp.Rational(-1, 2)).value == sp.Rational(1, 4)
    assert rlct(x**2 * y**2, (x, y), prior=x**2 * sp.Abs(y)).value == 1


def test_time_runs_out_with_a_bracket(monkeypatch):
    """After half a second of this process, so that there are steps however busy the machine is."""
    monkeypatch.setattr(time, "monotonic_ns", time.process_time_ns)
    u, v = sp.symbols("u0:4", real=True), sp.symbols("v0:4", real=True)
    generators = [sum(p * q**k for p, q in zip(u, v, strict=True)) for k in (1, 3, 5, 7)]
    seen = []
    answer = rlct_ideal(generators, (*u, *v), time_limit=sp.Rational(1, 2), progress=lambda *state: seen.append(state))
    assert not answer.exact and answer.multiplicity is None
    assert answer.lower <= 1 <= answer.upper  # the value is 1 (Aoyagi & Watanabe)
    assert seen and all(low <= 1 <= high for low, high, _ in seen)
    assert [low for low, _, _ in seen] == sorted(low for low, _, _ in seen)
    assert "not closed" in answer.method and answer.certificate["exact"] is False


def test_the_second_search_ends_when_the_first_would_have(monkeypatch):
    """The rearranged order z, y, x is searched until the limit that was given, counted from the beginning."""
    ends: list[tuple[str, int]] = []

    class Watched(answers.Search):
        def run(self):
            ends.append((self.root.given.ring.names[0], self.deadline or 0))
            return super().run()

    monkeypatch.setattr(answers, "Search", Watched)
    monkeypatch.setattr(answers, "FIRST_ATTEMPT", 0)
    start = time.monotonic_ns()
    assert rlct_ideal([x**2 - y**3, y * z], (x, y, z), time_limit=40).exact
    (first, _), (second, end) = ends
    assert (first, second) == ("x", "z")
    assert 40 * 10**9 <= end - start <= 40 * 10**9 + (time.monotonic_ns() - start)


def test_words():
    assert rlct(x**2 * y**2, (x, y)).method == "Newton polyhedron, nondegenerate"
    assert rlct(x**2 * (1 + y) ** 2, (x, y)).method == "Newton polyhedron, nondegenerate"  # without the unit
    assert rlct((x + y) ** 4, (x, y)).method == "Newton polyhedron after a change of coordinates"
    assert rlct((x**2 - y**3) ** 2, (x, y)).method.startswith("resolution, ")


@pytest.mark.parametrize(
    "generators", [[x * y], [x**2 - y**3], [x**2 - 2 * y**2, x**3], [x * y - z**2], [x**2 + y**3 + z**5]], ids=str
)
def test_the_certificate_is_plain_data_and_whole(generators):
    answer = rlct_ideal(generators, (x, y, z))
    data = answer.certificate
    assert json.loads(json.dumps(data)) == data
    assert data["exact"] and data["lower"] == data["upper"] and answer.value is not None
    assert data["lower"] == {"value": str(answer.value), "multiplicity": answer.multiplicity}
    numbers = {node["number"] for node in data["nodes"]}
    assert data["root"] in numbers and data["upper_proof"]["node"] in numbers
    for node in data["nodes"]:
        assert all(child["node"] in numbers for child in node.get("children", ()))
        if "branch" not in node:
            value = node["lower"]["value"]
            assert value == "infinite" or sp.Rational(value) >= 2 * answer.value
    nodes, edges = tree(data)
    assert {n["number"] for n in nodes} == numbers
    assert all({e["from"], e["to"]} <= numbers for e in edges)


def test_a_component_hands_its_options_on():
    """The slice is the cusp squared: 5/12."""
    seen, K = [], (x**2 - z**3) ** 2 + y
    answer = rlct_component(K, (x, y, z), (x, z), progress=lambda *bracket: seen.append(bracket))
    assert (answer.value, answer.exact) == (sp.Rational(5, 12), True)
    assert seen[-1][:2] == (answer.lower, answer.upper)
    with pytest.raises(BadInput, match="time limit"):
        rlct_component(K, (x, y, z), (x, z), time_limit=-1)


def test_curves_of_many_shapes_are_tried_for_negative_values():
    """Both signs and sizes from 1/8 to 8, but no negative side of a restricted coordinate; straight lines first."""
    tried = list(curves(2, (0, 1)))
    assert {abs(c) for _, (c, _) in tried} == {
        sp.Rational(a, b) for a in (1, 2, 3, 8) for b in (1, 2, 3, 8) if 1 in (a, b)
    }
    assert {sp.sign(c) for _, (c, _) in tried} == {1, -1} and all(b > 0 for _, (_, b) in tried)
    assert all(weights == [1, 1] for weights, _ in tried[:20]) and [1, 2] in [weights for weights, _ in tried]
