"""Closed forms against each other, against a table with sources, and against the engine, which knows none of them."""

import itertools
import json
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import known
from theory.errors import BadInput
from theory.rlct import rlct_ideal

CASES = json.loads((Path(__file__).parent / "rlct" / "rlct_cases.json").read_text(encoding="utf-8"))


def engine(generators, variables, **how):
    answer = rlct_ideal(generators, variables, time_limit=30, **how)
    assert answer.exact
    return answer.value, answer.multiplicity


def test_deep_linear_values():
    """(5, 3, 5), rank 0: 13/2 (the primer's own example); without hidden layers, the regular H_0·H_1/2; full rank is regular."""
    assert known.deep_linear((5, 3, 5), 0).value == sp.Rational(13, 2)
    for M, N in itertools.product(range(1, 6), repeat=2):
        for r in range(min(M, N) + 1):
            assert known.deep_linear((M, N), r) == (sp.Rational(M * N, 2), 1)
    for n, depth in itertools.product(range(1, 5), range(2, 6)):
        assert known.deep_linear((n,) * depth, n) == (sp.Rational(n**2, 2), 1)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.data())
@settings(max_examples=200, deadline=None)
def test_deep_linear_laws(widths, data):
    """Only the order of the hidden layers is free at rank r > 0, all of it at r = 0; λ is at most half the dimensions of C."""
    r = data.draw(st.integers(0, min(widths)))
    value, m = known.deep_linear(widths, r)
    hidden = data.draw(st.permutations(widths[1:-1]))
    assert known.deep_linear([widths[0], *hidden, widths[-1]], r) == (value, m)
    assert known.deep_linear(widths[::-1], r) == (value, m)
    assert known.deep_linear(data.draw(st.permutations(widths)), 0) == known.deep_linear(widths, 0)
    assert 0 < value <= sp.Rational(widths[0] * widths[-1], 2) and m >= 1
    # More units make a richer singularity or a larger target space, never a smaller threshold.
    wider = [n + 1 for n in widths]
    assert known.deep_linear(wider, r).value >= value
    # One hidden layer wider than inputs and outputs together does nothing.
    M, N = widths[0], widths[-1]
    assert known.deep_linear((M, M + N + 1, N), r) == known.deep_linear((M, N), r)


def parsed(case):
    """The closed form for a case of the table, None where there is none."""
    kind, *numbers = case["id"].split("_")
    if kind in ("rrr", "dln"):
        widths = [int(n) for n in numbers[:-1]]
        return known.deep_linear(widths, int(numbers[-1][1:]))
    if case["id"].startswith("vand_tanh_H"):
        return known.tanh_network(int(case["id"].removeprefix("vand_tanh_H")))
    if case["id"] == "gmm_2mean":
        return known.two_means()
    if kind == "reg":
        return known.regular(len(case["vars"]))
    variables = sp.symbols(case["vars"])
    names = dict(zip(case["vars"], variables, strict=True))
    generators = case["generators"] or []
    if len(generators) != 1 or case["domain"] != "R^d" or any(sp.sympify(c) for c in case["point"]):
        return None
    g = sp.sympify(generators[0], locals=names)
    factors = sp.factor_list(g, *variables)[1]
    forms = [(sp.Poly(p, *variables), k) for p, k in factors]
    if case["prior"] == "1" and all(p.is_homogeneous and p.total_degree() == 1 for p, _ in forms):
        normals = [[p.coeff_monomial(v) for v in variables] for p, _ in forms]
        return known.arrangement(normals, [2 * k for _, k in forms])
    if all(len(p.terms()) == 1 for p, _ in forms):
        h = [sp.degree(sp.sympify(case["prior"], locals=names).subs(sp.Abs(v), v), v) for v in variables]
        return known.normal_crossing([2 * sp.degree(g, v) for v in variables], h)
    return None


def test_the_table_of_cases():
    covered = {case["id"]: (case, parsed(case)) for case in CASES if parsed(case) is not None}
    for case, found in covered.values():
        assert found == (sp.Rational(case["lambda"]), case["m"]), case["id"]
    assert len(covered) >= 50


def product_of_layers(widths, rank):
    """The entries of A_L ⋯ A_1 − C, the variables, and the point A_i = (1 on the first `rank` places of the diagonal)."""
    variables, at, product = [], [], sp.eye(widths[0])
    for layer, (n, k) in enumerate(itertools.pairwise(widths)):
        names = [[sp.Symbol(f"a{layer}_{i}_{j}", real=True) for j in range(n)] for i in range(k)]
        variables += [v for row in names for v in row]
        at += [int(i == j < rank) for i in range(k) for j in range(n)]
        product = sp.Matrix(names) * product
    C = sp.Matrix([[int(i == j < rank) for j in range(widths[0])] for i in range(widths[-1])])
    return [sp.expand(e) for e in product - C], variables, at


def networks(weights, widths=()):
    """All widths, of any depth, of networks with at most so many weights."""
    if len(widths) > 1:
        yield widths
    for n in range(1, weights + 1 if not widths else weights // widths[-1] + 1):
        yield from networks(weights - n * widths[-1] if widths else weights, (*widths, n))


def of_all_ranks(listed):
    return [(widths, r) for widths in listed for r in range(min(widths) + 1)]


def test_linear_networks_formulas_and_engine_agree():
    """DLN and RRR: two published formulas on all triples ≤ 7 and all ranks, and the engine on every network of ≤ 8 weights."""
    triples = of_all_ranks(itertools.product(range(1, 8), repeat=3))
    assert len(triples) == 1127
    for (M, H, N), r in triples:
        assert known.deep_linear((M, H, N), r) == known.reduced_rank(M, H, N, r), (M, H, N, r)
    small = of_all_ranks(networks(8))
    assert len(small) == 330 and ((8, 1), 0) in small and ((1,) * 9, 1) in small and ((2, 2, 2), 2) in small
    for widths, r in small:
        generators, variables, at = product_of_layers(widths, r)
        assert engine(generators, variables, at=at) == known.deep_linear(widths, r), (widths, r)


@pytest.mark.slow
def test_larger_linear_networks_by_the_engine():
    for widths, r in of_all_ranks(w for w in networks(12) if w not in set(networks(8)) and len(w) < 5):
        generators, variables, at = product_of_layers(widths, r)
        assert engine(generators, variables, at=at) == known.deep_linear(widths, r), (widths, r)


@pytest.mark.parametrize("hidden", [1, 2, 3])
def test_tanh_networks_by_the_engine(hidden):
    """Σ a_i tanh(b_i x) vanishes with the moments Σ a_i b_i^{2k−1}, k ≤ H."""
    a, b = (sp.symbols(f"{n}0:{hidden}", real=True) for n in "ab")
    moments = [sum(p * q ** (2 * k - 1) for p, q in zip(a, b, strict=True)) for k in range(1, hidden + 1)]
    assert engine(moments, [*a, *b]) == known.tanh_network(hidden)


def test_two_means_by_the_engine():
    a, b, c = sp.symbols("a b c", real=True)
    moments = [a * b**k + (1 - a) * c**k for k in (1, 2, 3)]
    assert engine(moments, (a, b, c), at=[sp.Rational(1, 3), 0, 0]) == known.two_means()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any), st.data())
@settings(max_examples=30, deadline=None)
def test_normal_crossings_by_the_engine(powers, data):
    h = data.draw(st.lists(st.integers(0, 4), min_size=len(powers), max_size=len(powers)))
    variables = sp.symbols(f"w0:{len(powers)}", real=True)
    monomial = sp.Mul(*(v**k for v, k in zip(variables, powers, strict=True)))
    prior = sp.Mul(*(sp.Abs(v) ** e for v, e in zip(variables, h, strict=True)))
    assert engine([monomial], variables, prior=prior) == known.normal_crossing([2 * k for k in powers], h)


@given(st.integers(2, 3), st.data())
@settings(max_examples=30, deadline=None)
def test_arrangements_by_the_engine(dimension, data):
    """Random small arrangements, with repeated and parallel hyperplanes among them."""
    normal = st.lists(st.integers(-2, 2), min_size=dimension, max_size=dimension).filter(any)
    normals = data.draw(st.lists(normal, min_size=1, max_size=5 if dimension == 2 else 4))
    s = data.draw(st.lists(st.integers(1, 2), min_size=len(normals), max_size=len(normals)))
    variables = sp.symbols(f"w0:{dimension}", real=True)
    forms = [sum(c * v for c, v in zip(n, variables, strict=True)) for n in normals]
    f = sp.Mul(*(p**k for p, k in zip(forms, s, strict=True)))
    assert engine([sp.expand(f)], variables) == known.arrangement(normals, [2 * k for k in s])


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_coordinate_hyperplanes_are_normal_crossings(powers):
    normals = sp.eye(len(powers)).tolist()
    assert known.arrangement(normals, powers) == known.normal_crossing(powers)


def test_arrangements_are_invariant_under_linear_maps():
    normals = [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, -1]]
    T = sp.Matrix([[2, 1, 0], [0, 1, 5], [1, 0, 3]])
    moved = (sp.Matrix(normals) * T).tolist()
    assert (
        known.arrangement(moved)
        == known.arrangement(normals)
        == known.arrangement([[-3 * c for c in n] for n in normals])
    )


def test_wrong_formulas_would_be_seen():
    """The parity term of reduced rank regression and the chain of flats matter in the cases above."""
    assert known.reduced_rank(2, 1, 2, 0) == (1, 2) and known.reduced_rank(2, 2, 2, 0) == (sp.Rational(3, 2), 1)
    assert known.arrangement([[1, 0], [0, 1]]) == (sp.Rational(1, 2), 2)
    assert known.arrangement([[1, 0], [0, 1], [1, 1]]) == (sp.Rational(1, 3), 1)
    assert [known.tanh_network(H) for H in (1, 2, 3, 4)] == [
        (sp.Rational(1, 2), 2),
        (sp.Rational(2, 3), 1),
        (sp.Rational(5, 6), 1),
        (1, 2),
    ]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: known.deep_linear((3, 0, 2), 0), "width of a layer is 0"),
        (lambda: known.deep_linear((3,), 0), "at least the numbers of inputs and outputs"),
        (lambda: known.deep_linear((3, 2), 3), "rank 3 is above the width 2"),
        (lambda: known.deep_linear((3, 2), -1), "the rank is -1"),
        (lambda: known.deep_linear((3, 2.5), 1), "width of a layer is 2.5"),  # pyright: ignore[reportArgumentType]
        (lambda: known.reduced_rank(2, 2, True, 0), "number of units is True"),
        (lambda: known.tanh_network(0), "hidden units is 0"),
        (lambda: known.regular(0), "dimension is 0"),
        (lambda: known.normal_crossing([0, 0]), "does not vanish at the origin"),
        (lambda: known.normal_crossing([2], [-1]), "cannot be integrated"),
        (lambda: known.normal_crossing([2], [0, 0]), "1 powers of K and 2 of the prior"),
        (lambda: known.normal_crossing([2], [0.5]), "exact rational number"),
        (lambda: known.normal_crossing([2], [True]), "the prior is True; give an exact rational number"),
        (lambda: known.arrangement([[0, 0]]), "is 0; leave it out"),
        (lambda: known.arrangement([[1, 0], [0, 0], [0, 1]]), r"the linear form \(0, 0\) is 0; leave it out"),
        (lambda: known.arrangement([]), "0 normals and 0 powers"),
        (lambda: known.arrangement([[1, 0], [1]]), "normals of one length"),
        (lambda: known.arrangement([[1, 0]], [0]), "power of a linear form is 0"),
    ],
)
def test_nonsense_is_refused(call, words):
    with pytest.raises(BadInput, match=words):
        call()


def test_too_many_flats_are_refused(monkeypatch) -> None:
    """Three lines in the plane have four flats: themselves and the origin."""
    lines = [[1, 0], [0, 1], [1, 1]]
    monkeypatch.setattr(known, "MAX_FLATS", 4)
    assert known.arrangement(lines) == (sp.Rational(1, 3), 1)
    monkeypatch.setattr(known, "MAX_FLATS", 3)
    with pytest.raises(BadInput, match="3 hyperplanes with more than 3 flats"):
        known.arrangement(lines)
