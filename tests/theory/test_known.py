"""Closed forms of thresholds: against each other, against listed answers, and against the resolution, which does not know them."""

import json
from itertools import product
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import known, rlct
from theory.errors import BadInput

CASES = json.loads((Path(__file__).parent / "rlct" / "rlct_cases.json").read_text(encoding="utf-8"))
LISTED = {case["id"]: (sp.Rational(case["lambda"]), case["m"]) for case in CASES}


def network(widths, rank):
    """The entries of the product of the layers minus the true matrix diag(1, …, 1, 0, …), and the weights."""
    layers, variables = [], []
    for i, (rows, columns) in enumerate(zip(widths[1:], widths[:-1], strict=True)):
        layer = sp.Matrix(rows, columns, lambda a, b, i=i: sp.Symbol(f"w{i}_{a}_{b}", real=True))
        layers.append(layer)
        variables += list(layer)
    whole = layers[0]
    for layer in layers[1:]:
        whole = layer * whole
    truth = sp.Matrix(*whole.shape, lambda a, b: 1 if int(a) == int(b) < rank else 0)
    point = dict.fromkeys(variables, 0)
    for layer in layers:  # the truth as a product of the smallest matrices of that rank
        point |= {layer[a, a]: 1 for a in range(rank)}
    return list(whole - truth), variables, [point[v] for v in variables]


def test_two_formulas_for_one_hidden_layer_agree():
    """All triples up to 7 and all ranks: 1470 models, one formula from 2005, one from 2024."""
    triples = [(M, H, N) for M, H, N in product(range(1, 8), repeat=3)]
    models = [(t, r) for t in triples for r in range(min(t) + 1)]
    assert len(models) > 1000
    for (M, H, N), r in models:
        assert known.deep_linear((M, H, N), r) == known.reduced_rank(M, H, N, r), (M, H, N, r)


@pytest.mark.parametrize("case", [c for c in LISTED if c.startswith(("rrr", "dln"))])
def test_linear_networks_of_the_list(case):
    *widths, rank = case[4:].replace("r", "").split("_")
    assert known.deep_linear([int(w) for w in widths], int(rank)) == LISTED[case]


def test_other_listed_answers():
    for hidden in (1, 3, 4):
        assert known.tanh_network(hidden) == LISTED[f"vand_tanh_H{hidden}"]
    assert known.normal_mixture() == LISTED["gmm_2mean"]
    assert [known.regular(d) for d in (1, 2, 4)] == [LISTED[f"reg_d{d}"] for d in (1, 2, 4)]
    x, y, z = sp.symbols("x y z")
    assert known.hyperplanes([x, y, z, x + y + z], (x, y, z)) == LISTED["arr_generic4"]
    assert known.hyperplanes([x, y, z, x - y, y - z, x - z], (x, y, z)) == LISTED["arr_B3part"]
    assert known.deep_linear((5, 3, 5), 0)[0] == sp.Rational(13, 2)


SMALL = [
    ((M, H, N), r) for M, H, N in product(range(1, 4), repeat=3) for r in range(min(M, H, N) + 1) if H * (M + N) <= 8
] + [
    ((1, 1, 1, 1), 1),
    ((2, 1, 1, 2), 0),
    ((1, 2, 2, 1), 0),
    ((1, 1, 1, 1, 1), 1),
    ((2, 1, 2, 1), 0),
    ((1, 1, 1, 1, 1, 1), 0),
]


@pytest.mark.parametrize(("widths", "rank"), SMALL, ids=str)
def test_the_resolution_finds_the_formula(widths, rank):
    """Every linear network of at most 8 weights, at a true parameter of the least rank."""
    generators, variables, point = network(widths, rank)
    found = rlct.rlct_ideal(generators, variables, at=point)
    assert found.exact and (found.value, found.multiplicity) == known.deep_linear(widths, rank)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any), min_size=1, max_size=4),
    powers=st.lists(st.integers(1, 2), min_size=4, max_size=4),
)
def test_random_arrangements_against_the_resolution(rows, powers):
    """Coinciding hyperplanes included: their powers add."""
    v = sp.symbols("x y z", real=True)
    forms = [sp.Add(*(c * x for c, x in zip(row, v, strict=True))) for row in rows]
    s = powers[: len(forms)]
    f = sp.Mul(*(form**p for form, p in zip(forms, s, strict=True)))
    found = rlct.rlct_ideal([sp.expand(f)], v)
    assert found.exact and (found.value, found.multiplicity) == known.hyperplanes(forms, v, s)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=4).filter(
        lambda p: any(k for k, _ in p)
    )
)
def test_normal_crossings_against_the_resolution(pairs):
    v = sp.symbols(f"x:{len(pairs)}", real=True)
    K = sp.Mul(*(x ** (2 * k) for x, (k, _) in zip(v, pairs, strict=True)))
    prior = sp.Mul(*(x**h for x, (_, h) in zip(v, pairs, strict=True)))
    found = rlct.rlct(K, v, prior=prior, domain="nonnegative")
    assert (found.value, found.multiplicity) == known.normal_crossing(*zip(*pairs, strict=True))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: known.regular(0),
        lambda: known.normal_crossing([0, 0]),
        lambda: known.normal_crossing([1], [-1]),
        lambda: known.reduced_rank(2, 2, 2, 3),
        lambda: known.reduced_rank(2, 0, 2, 0),
        lambda: known.deep_linear([3], 0),
        lambda: known.deep_linear([3, 2, 3], -1),
        lambda: known.tanh_network(0),
        lambda: known.hyperplanes([], ()),
        lambda: known.hyperplanes([sp.Symbol("x") + 1], [sp.Symbol("x")]),
        lambda: known.hyperplanes([sp.Symbol("x")], [sp.Symbol("x")], [0]),
    ],
)
def test_refusals(wrong):
    with pytest.raises(BadInput, match="known"):
        wrong()
