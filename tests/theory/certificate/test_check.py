"""The search's certificates are accepted, for the K they were made for and for no other; bad data is refused quietly."""

import copy
import json
import random
from pathlib import Path

import pytest
import sympy as sp

from theory.certificate import check, report

CASES = json.loads((Path(__file__).parents[1] / "rlct" / "rlct_cases.json").read_text(encoding="utf-8"))
DOMAINS = {"R^d": "real", "orthant": "nonnegative", "x,y>=0": "nonnegative", "orthant [0,1)^2": "nonnegative"}
OPEN = {"vand_tanh_H4"}  # The search may stop with a bracket; it is certified too.
ANALYTIC = {"logx2y2", "tanh_ab"}  # The table's generators are comparable with K, not equal to it.


def walk(data):
    """Every table inside the data."""
    if isinstance(data, dict):
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from walk(item)


def test_every_kind_of_step_and_proof_has_been_met(solved):
    tables = [t for s in solved.values() for t in walk(s.certificate)]
    steps = {t["step"] for t in tables if "step" in t}
    rules = {t["rule"] for t in tables if "rule" in t}
    assert {"straighten", "square", "implicit", "cover", "divide", "prune", "extract", "spread", "restrict"} <= steps
    assert {"drop", "combine", "promote"} <= steps
    assert {"constant", "monomial", "signs", "sturm", "discriminant", "factors", "listed"} <= rules
    assert {"one atom", "coordinate", "unit", "sum"} <= rules
    assert {t["branch"] for t in tables if isinstance(t.get("branch"), str)} == {"blow-up", "split"}
    assert any("rename" in t for t in tables) and any(t.get("roots") for t in tables if "kind" in t)


def test_a_bracket_is_certified_too(solver):
    """Whether or not the search closes this one; on the way it needs the norm of an algebraic function."""
    x, y, z = sp.symbols("x y z", real=True)
    K = [(x**2 + x * z + y**2 - y * z - 3 * z**2) ** 2 + z**5, x * y**2]
    s = solver(K, (x, y, z), {}, closes=False)
    assert check(s.certificate, s.K, s.variables)
    s.certificate["exact"] = not s.certificate["exact"]
    assert not check(s.certificate, s.K, s.variables)


def test_variables_are_found_by_name(solved):
    s = solved["cusp"]
    assert check(s.certificate, s.K) and check(json.loads(json.dumps(s.certificate)), tuple(s.K))


def test_another_K_is_refused(solved):
    """Every certificate with every other problem in as many variables, and with K changed a little."""
    for name, s in solved.items():
        for other, t in solved.items():
            same = name == other or {name, other} == {"cusp", "cusp as K"}
            if len(s.variables) == len(t.variables) and not same:
                assert not check(s.certificate, t.K, t.variables, **t.how), (name, other)
        K = sp.Add(*(g**2 for g in s.K)) if isinstance(s.K, list) else s.K
        u = s.variables[-1]
        for changed in (2 * K, K + u**2, K + u**14, K * (1 + u), K.subs(u, 2 * u), sp.Integer(0)):
            if sp.expand(changed - K) != 0:
                assert not check(s.certificate, changed, s.variables, **s.how), (name, changed)


def test_another_question_is_refused(solved):
    s = solved["cusp"]
    x, y = s.variables
    for how in (
        {"at": [1, 1]},
        {"at": [0, sp.Rational(1, 10**9)]},
        {"prior": sp.Abs(x)},
        {"prior": x**2},
        {"prior": sp.Abs(y) ** sp.Rational(-1, 2)},
        {"prior": 0},
        {"prior": -1},
        {"prior": x + y},
        {"domain": "nonnegative"},
        {"domain": "box"},
        {"domain": {x: (0, None)}},
        {"domain": {x: (0, 0)}},
        {"domain": {x: (1, 2)}},
        {"domain": {sp.Symbol("u"): (0, 1)}},
        {"domain": "everywhere"},
    ):
        assert not check(s.certificate, s.K, s.variables, **how), how
    for how in ({"domain": {x: (-1, 1)}}, {"prior": 3 * sp.exp(-(x**2))}, {"at": {x: 0}}):
        assert check(s.certificate, s.K, s.variables, **how), how
    assert not check(s.certificate, s.K, (y, x)) and not check(s.certificate, s.K, (x,))
    assert not check(s.certificate, [sp.Float("1.0") * s.K[0]], s.variables)


JUNK = [
    None,
    True,
    -1,
    10**30,
    "",
    "x",
    "1/0",
    "x**999999999",
    "9" * 5000,
    [],
    {},
    [[]],
    [None],
    {"rule": []},
    0.5,
    "os",
]


@pytest.mark.parametrize("seed", range(6))
def test_bad_data_never_raises(solved, seed):
    rng = random.Random(seed)
    for name in ("cusp", "cone", "two tanh", "root of 2", "corner"):
        s = solved[name]
        for _ in range(25):
            data = copy.deepcopy(s.certificate)
            places = [
                (t, k) for t in [*walk(data), *lists(data)] for k in (t if isinstance(t, dict) else range(len(t)))
            ]
            table, key = rng.choice(places)
            table[key] = rng.choice(JUNK)
            assert report(data, s.K, s.variables, **s.how).accepted in (True, False)


def lists(data):
    """Every list inside the data."""
    if isinstance(data, list) and data:
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from lists(item)


def test_what_is_no_certificate_at_all(solved):
    s = solved["cusp"]
    for data in [*JUNK, {"format": "threefold-rlct/1"}, {**s.certificate, "format": "threefold-rlct/2"}]:
        found = report(data, s.K, s.variables)
        assert not found.accepted and found.reason
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert not check({**s.certificate, "nodes": deep}, s.K, s.variables)
    assert not check(s.certificate, "no expression (", s.variables) and not check(s.certificate, None)


def options(case):
    variables = sp.symbols(case["vars"], real=True)
    names = dict(zip(case["vars"], variables, strict=True))
    domain = {variables[0]: (0, None)} if case["domain"] == "a>=0" else DOMAINS[case["domain"]]
    at = [sp.Rational(c) for c in case["point"]]
    return variables, names, {"at": at, "prior": sp.sympify(case["prior"], locals=names), "domain": domain}


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c["id"], marks=[pytest.mark.slow] if c["id"] in OPEN else []) for c in CASES]
)
def test_the_table_of_known_thresholds(case, solver):
    """What is certified agrees with the table, an independent source."""
    variables, names, how = options(case)
    K = sp.sympify(case["K"], locals=names)
    if case["generators"] and case["id"] not in ANALYTIC:
        K = [sp.sympify(g, locals=names) for g in case["generators"]]
    s = solver(K, variables, how, closes=case["id"] not in OPEN)
    found = report(s.certificate, s.K, s.variables, **s.how)
    assert found.accepted, found
    low, high = (sp.Rational(s.certificate[key]["value"]) for key in ("lower", "upper"))
    assert low <= sp.Rational(case["lambda"]) <= high
    if case["id"] not in OPEN:
        assert s.certificate["lower"] == s.certificate["upper"] == {"value": case["lambda"], "multiplicity": case["m"]}


def asked(case):
    """K as a function, and as its generators where they give the same K."""
    variables, names, how = options(case)
    if case["id"] != "relu_1" and len(case["vars"]) < 5:  # K of relu_1 is piecewise; larger ones lose their generators
        yield sp.sympify(case["K"], locals=names), variables, how
    if case["generators"] and case["id"] not in ANALYTIC:
        yield [sp.sympify(g, locals=names) for g in case["generators"]], variables, how


def test_every_exact_answer_is_accepted(solved, solver):
    """The problems of these tests, and the whole table, as functions and as generators: all exact, all accepted."""
    table = [solver(*problem) for case in CASES if case["id"] not in OPEN for problem in asked(case)]
    answers = [*solved.values(), *table]
    for s in answers:
        found = report(s.certificate, s.K, s.variables, **s.how)
        assert s.certificate["exact"] and found.accepted, (s.K, found)
    assert len(table) >= 175 and len(solved) >= 34
