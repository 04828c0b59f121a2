"""Sums of squares found in the expanded K: the identity, the threshold of the squares that were put in, and what is none.

The other road is `rlct_ideal` of the generators from which K was made: it never sees K.
"""

import random
from fractions import Fraction

import pytest
import sympy as sp

from tests.theory.rlct.ideals import random_polynomials
from theory.certificate import report
from theory.rlct import rlct, rlct_ideal
from theory.rlct.gram import factored, monomials, sum_of_squares

x, y, z, w = X = sp.symbols("x y z w", real=True)
FEWEST = 38  # of 40 random sums in which squares must be found


def random_squares(rng):
    """Weights and generators of Σ w_j g_j² in two to four variables."""
    variables = X[: rng.choice([2, 3, 3, 4])]
    polys = random_polynomials(rng, variables, (2, 4)) or [variables[0]]
    return variables, polys, [rng.choice([1, 2, sp.Rational(1, 3)]) for _ in polys]


def same_span(first, second):
    """Whether both lists have the same span over Q."""
    rows = [sp.Poly(g, *X).as_dict() for g in (*first, *second)]
    seen = sorted({v for row in rows for v in row})
    matrix = sp.Matrix([[row.get(v, 0) for v in seen] for row in rows])
    return matrix[: len(first), :].rank() == matrix.rank() == matrix[len(first) :, :].rank()


def test_random_sums():
    """K = Σ w r² exactly, and the same (λ, m) as for the ideal of the generators; the certificate is accepted for K."""
    rng, seen = random.Random(5), 0
    for _ in range(40):
        variables, generators, weights = random_squares(rng)
        K = sp.expand(sum(c * g**2 for c, g in zip(weights, generators, strict=True)))
        found = sum_of_squares(K, variables)
        if found is None:
            continue
        seen += 1
        assert all(c > 0 for c in found.weights)
        assert sp.expand(sum(c * r**2 for c, r in zip(found.weights, found.roots, strict=True)) - K) == 0
        assert same_span(found.roots, found.span)
        one, two = rlct(K, variables, time_limit=5), rlct_ideal(generators, variables, time_limit=5)
        assert one.lower <= two.upper and two.lower <= one.upper, (K, one, two)
        if one.exact and two.exact:
            assert (one.value, one.multiplicity) == (two.value, two.multiplicity), (K, generators)
        checked = report(one.certificate, K, variables)
        assert checked.accepted, (K, checked)
    assert seen >= FEWEST


@pytest.mark.parametrize(
    ("K", "value", "m"),
    [
        # (x + y(y + z)/2)² and a positive form of fourth degree in y and z: 1/2 + 2/4
        (x**2 + x * y * z + y**4 + z**4 + x * y**2, "1", 1),
        # (x² + w²)(y² + z²) + x⁴ + w⁶: the monomials xy, xz, wy, wz, x², w³; from w, x ~ s¹, y, z ~ 1 to all ~ s^(1/2)
        ((x * y + z * w) ** 2 + (x * z - y * w) ** 2 + x**4 + w**6, "1", 2),
        # zero on the line x = y = z only, of first order across it: 2/2; all of degree 4 at the origin: 3/4
        ((x**2 - y * z) ** 2 + (y**2 - z * x) ** 2 + (z**2 - x * y) ** 2, "3/4", 1),
    ],
)
def test_by_hand(K, value, m):
    variables = [v for v in X if K.has(v)]
    answer = rlct(sp.expand(K), variables)
    assert (answer.exact, answer.value, answer.multiplicity) == (True, sp.Rational(value), m)


def test_reduced_rank_regression():
    """|AB|² in full, A of size 2×3 and B of size 3×2: (2, 2) by the formula of Aoyagi and Watanabe (2005)."""
    A, B = sp.Matrix(2, 3, sp.symbols("a0:6", real=True)), sp.Matrix(3, 2, sp.symbols("b0:6", real=True))
    K = sp.expand(sum(entry**2 for entry in A * B))
    answer = rlct(K, (*A, *B))
    assert (answer.exact, answer.value, answer.multiplicity) == (True, 2, 2)
    assert report(answer.certificate, K, (*A, *B)).accepted


@pytest.mark.parametrize(
    "K",
    [
        x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 * z**2 + z**6,  # Motzkin: K ≥ 0
        x**4 * y**2 + y**4 * z**2 + z**4 * x**2 - 3 * x**2 * y**2 * z**2,  # Choi and Lam: K ≥ 0
        x**2 - y**2,
        x**2 + y**4 - y**6,  # K ≥ 0 near the origin only
        x**4 - 5 * x**2 * y**2 + y**4,
        x**2 + sp.sqrt(2) * x * y + y**2,  # not over Q
    ],
)
def test_no_sum_of_squares(K):
    assert sum_of_squares(sp.expand(K), X) is None


def test_nothing_of_K_is_lost_without_squares():
    """Motzkin's form: the origin is where 4 lines of zeros meet, 3/6 of degree 6 against 1 on a line."""
    K = x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 * z**2 + z**6
    answer = rlct(K, (x, y, z))
    assert answer.certificate["power"] == 1 and (answer.value, answer.multiplicity) == (sp.Rational(1, 2), 1)


def test_no_time_for_squares():
    """Without time K itself is bracketed; what was not looked for then is found later."""
    K = sp.expand((x * y - 3 * z**2) ** 2 + (x**2 - y**3) ** 2)
    hasty, patient = rlct(K, (x, y, z), time_limit=0), rlct(K, (x, y, z))
    assert (hasty.certificate["power"], patient.certificate["power"]) == (1, 2)
    assert hasty.lower <= patient.lower == patient.upper <= hasty.upper


def test_monomials():
    """Those in half the Newton polygon, without y² and xy, whose squares nothing could cancel."""

    def those_of(K):
        return monomials({tuple(map(int, v)): Fraction(int(c)) for v, c in sp.Poly(K, x, y).terms()})

    assert those_of(x**2 + y**6) == [(1, 0), (0, 3)]
    assert those_of(x**4 - x**2 * y**2 + y**4) == [(0, 2), (1, 1), (2, 0)]
    assert those_of(x**4 * y**2 + x**2 * y**4 + x**2 * y**2) == [(1, 1), (1, 2), (2, 1)]


def test_completed_squares():
    """Two squares of opposite sign, a product, a product and a square, and 4(x + y/2)²."""
    wrong = [[[1, 2], [2, 3]], [[0, 1], [1, 0]], [[0, 1], [1, 5]]]
    assert all(factored([[Fraction(c) for c in row] for row in G]) is None for G in wrong)
    assert factored([[Fraction(4), Fraction(2)], [Fraction(2), Fraction(1)]]) == [(4, [1, Fraction(1, 2)])]


@pytest.mark.parametrize("change", ["less", "more", "other", "irrational", "missing"])
def test_a_span_that_is_another_one_is_refused(change):
    K = sp.expand((x**2 - y * z) ** 2 + (y**2 - z * x) ** 2 + (z**2 - x * y) ** 2)
    good = rlct(K, (x, y, z)).certificate
    assert report(good, K, (x, y, z)).accepted
    first, *others = good["relation"]["span"]
    changed = {
        "less": others,
        "more": [first, *others, "x"],
        "other": [f"{first} + x**3", *others],
        "irrational": [f"sqrt(2)*({first})", *others],
    }
    relation = {**good["relation"], "span": changed.get(change)}
    if change == "missing":
        del relation["span"]
    assert not report({**good, "relation": relation}, K, (x, y, z)).accepted
