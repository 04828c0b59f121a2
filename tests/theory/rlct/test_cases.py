"""Known thresholds, each with its source in rlct_cases.json: closed forms, classifications and published tables."""

import json
from pathlib import Path

import pytest
import sympy as sp

from theory.rlct import rlct, rlct_ideal

CASES = json.loads((Path(__file__).parent / "rlct_cases.json").read_text(encoding="utf-8"))
SLOW = {"vand_tanh_H4"}
LIMIT = 200
ONLY_GENERATORS = {"relu_1"}  # K is piecewise
DOMAINS = {"R^d": "real", "orthant": "nonnegative", "x,y>=0": "nonnegative", "orthant [0,1)^2": "nonnegative"}


def options(case):
    variables = sp.symbols(case["vars"], real=True)
    names = dict(zip(case["vars"], variables, strict=True))
    domain = {variables[0]: (0, None)} if case["domain"] == "a>=0" else DOMAINS[case["domain"]]
    at = [sp.Rational(c) for c in case["point"]]
    return variables, names, {"at": at, "prior": sp.sympify(case["prior"], locals=names), "domain": domain}


def judge(answer, case):
    value = sp.Rational(case["lambda"])
    assert answer.lower <= value <= answer.upper
    assert (answer.exact, answer.value, answer.multiplicity) == (True, value, case["m"])


def marked(cases):
    return [pytest.param(c, id=c["id"], marks=[pytest.mark.slow] if c["id"] in SLOW else []) for c in cases]


@pytest.mark.parametrize("case", marked(c for c in CASES if c["generators"]))
def test_of_generators(case):
    variables, names, how = options(case)
    generators = [sp.sympify(g, locals=names) for g in case["generators"]]
    judge(rlct_ideal(generators, variables, time_limit=LIMIT, **how), case)


@pytest.mark.parametrize("case", marked(c for c in CASES if c["id"] not in ONLY_GENERATORS))
def test_of_the_function(case):
    variables, names, how = options(case)
    judge(rlct(sp.sympify(case["K"], locals=names), variables, time_limit=LIMIT, **how), case)


def test_the_table_is_whole():
    assert len(CASES) == len({case["id"] for case in CASES}) == 102


@pytest.mark.parametrize("units", [1, 2, 3])
def test_odd_networks(units):
    """Σ a_i tanh(b_i x) with zero target: λ = (H + i² + i)/(4i + 2), i = ⌊√H⌋, m = 2 iff i² = H (Aoyagi & Watanabe)."""
    a, b = sp.symbols(f"a0:{units}", real=True), sp.symbols(f"b0:{units}", real=True)
    generators = [sum(p * q ** (2 * k + 1) for p, q in zip(a, b, strict=True)) for k in range(units)]
    i = sp.floor(sp.sqrt(units))
    answer = rlct_ideal(generators, (*a, *b))
    assert answer.exact and answer.value == (units + i**2 + i) / (4 * i + 2)
    assert answer.multiplicity == (2 if i**2 == units else 1)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1, 2), (2, 2, 2), (2, 2, 3), (3, 1, 3), (3, 2, 3), (2, 3, 2)])
def test_reduced_rank_regression(sizes):
    """AB = 0 at A = B = 0, A of size M×H and B of size H×N: the formula of Aoyagi & Watanabe (2005) with r = 0."""
    M, H, N = sizes
    A = sp.Matrix(M, H, sp.symbols(f"a0:{M * H}", real=True))
    B = sp.Matrix(H, N, sp.symbols(f"b0:{H * N}", real=True))
    if M + H < N:
        value, m = sp.Rational(H * M, 2), 1
    elif N + H < M:
        value, m = sp.Rational(H * N, 2), 1
    elif M + N < H:
        value, m = sp.Rational(M * N, 2), 1
    else:
        Q = -(H**2) - M**2 - N**2 + 2 * H * (M + N) + 2 * M * N
        odd = (M + H + N) % 2
        value, m = sp.Rational(Q + odd, 8), 1 + odd
    answer = rlct_ideal(list(A * B), (*A, *B))
    assert (answer.exact, answer.value, answer.multiplicity) == (True, value, m)


def test_the_maximum_of_symmetric_charts_is_resolved_once():
    """Charts that differ by names and signs only are shared, or 3-2-3 would need hundreds."""
    A, B = sp.Matrix(3, 2, sp.symbols("a0:6", real=True)), sp.Matrix(2, 3, sp.symbols("b0:6", real=True))
    assert rlct_ideal(list(A * B), (*A, *B)).charts < 20
