"""Reading a problem: squares, algebraic coefficients, the domain, the prior and the point, each by another road."""

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.rlct import problem, rlct, rlct_ideal
from theory.rlct.domain import local, read_domain, read_prior
from theory.rlct.polynomials import Ring, text
from theory.rlct.stratum import ABSENT, SMALL, UNIT

x, y, z = X = sp.symbols("x y z", real=True)
ORIGIN = dict.fromkeys((x, y), sp.Integer(0))


@pytest.mark.parametrize(
    ("domain", "origin", "signs", "orientation"),
    [
        ("real", (0, 0), [0, 0], (1, 1)),
        ("nonnegative", (0, 0), [1, 1], (1, 1)),
        ("nonnegative", (0, 2), [1, 0], (1, 1)),
        ("box", (0, 0), [1, 1], (1, 1)),
        ("box", (1, 0), [1, 1], (-1, 1)),
        ("box", (sp.Rational(1, 2), 1), [0, 1], (1, -1)),
        ({x: (0, 5)}, (0, 0), [1, 0], (1, 1)),
        ({x: (-5, 0)}, (0, 0), [1, 0], (-1, 1)),
        ({y: (None, None)}, (0, 0), [0, 0], (1, 1)),
        ({y: (-1, 1)}, (0, 0), [0, 0], (1, 1)),
        ({y: [None, sp.sqrt(2)]}, (0, sp.sqrt(2)), [0, 1], (1, -1)),
        ({}, (7, -7), [0, 0], (1, 1)),
    ],
)
def test_sides_of_a_domain(domain, origin, signs, orientation):
    at = dict(zip((x, y), map(sp.sympify, origin), strict=True))
    assert read_domain(domain, (x, y), at) == (signs, dict(zip((x, y), orientation, strict=True)))


@pytest.mark.parametrize(
    ("domain", "origin", "says"),
    [
        ("half", (0, 0), "is not"),
        (None, (0, 0), "is not"),
        ({z: (0, 1)}, (0, 0), "not a variable"),
        ({x: (1, 2)}, (0, 0), "outside"),
        ({x: (-2, -1)}, (0, 0), "outside"),
        ({x: (None, -1)}, (0, 0), "outside"),
        ("nonnegative", (0, -1), "outside"),
        ("box", (0, 2), "outside"),
        ({y: (0, 0)}, (0, 0), "single point"),
    ],
)
def test_domains_that_are_none(domain, origin, says):
    with pytest.raises(BadInput, match=says):
        read_domain(domain, (x, y), dict(zip((x, y), map(sp.sympify, origin), strict=True)))


@pytest.mark.parametrize(
    ("prior", "signs", "exponents"),
    [
        (1, [0, 0], [0, 0]),
        (3 * sp.exp(-(x**2)), [0, 0], [0, 0]),
        (sp.Abs(x) * y**2, [0, 0], [1, 2]),
        (sp.Abs(x * y**3), [0, 0], [1, 3]),
        (sp.Abs(2 * x) ** sp.Rational(-1, 2), [0, 0], [Fraction(-1, 2), 0]),
        (sp.sqrt(x) * y, [1, 1], [Fraction(1, 2), 1]),
        (sp.Abs(x) ** sp.Rational(1, 2) * x**2, [0, 0], [Fraction(5, 2), 0]),
        ((x - 1) ** 2 * sp.Abs(y), [0, 0], [0, 1]),
        ((1 - x) * sp.Abs(y) / (2 + y), [0, 0], [0, 1]),
        (sp.Abs(x - 1) * sp.Abs(y), [0, 0], [0, 1]),
        (sp.cos(x) * x**2, [0, 0], [2, 0]),
        (sp.Abs(3 * x * (y + 1) - x * y - 2 * x * y), [0, 0], [1, 0]),
        (sp.Abs(x * y - x * (y + 1)) * y**2, [0, 0], [1, 2]),
        ((x * y - x * (y + 1)) ** 2, [0, 0], [2, 0]),
        (3 * x * (y + 1) - 3 * x * y, [1, 0], [1, 0]),
    ],
)
def test_exponents_of_a_prior(prior, signs, exponents):
    """The order in |x| at 0, with the other coordinate held: by the limit of log φ/log x."""
    assert read_prior(prior, (x, y), {x: x, y: y}, signs) == exponents


@pytest.mark.parametrize(
    ("prior", "signs", "says"),
    [
        (x, [0, 0], "changes sign"),
        (x**3, [0, 0], "changes sign"),
        (x * y, [1, 0], "changes sign"),
        (x - 1, [0, 0], "negative at the point"),
        ((x - 1) ** 3, [0, 0], "negative at the point"),
        (x * y - x * (y + 1), [1, 1], "negative beside the point"),
        (z, [0, 0], "unknown symbol"),
        (x**2 + y**2, [0, 0], "not a monomial"),
        (sp.Abs(x) ** sp.sqrt(2), [0, 0], "not a monomial"),
        (sp.Abs(x) ** -1, [0, 0], "not integrable"),
        (sp.Abs(x) ** -2, [0, 0], "not integrable"),
        (1 / sp.sqrt(sp.Abs(x)) / sp.sqrt(sp.Abs(x)), [0, 0], "not integrable"),
        (sp.sin(x) ** 2, [0, 0], "not a monomial"),
    ],
)
def test_priors_that_are_none(prior, signs, says):
    with pytest.raises(BadInput, match=says):
        read_prior(prior, (x, y), {x: x, y: y}, signs)


def test_a_prior_is_read_at_the_point():
    """|x − 1| at x = 1, with x = 1 − s on the far side: |s|."""
    assert read_prior(sp.Abs(x - 1), (x, y), {x: 1 - x, y: y}, [1, 0]) == [1, 0]
    assert local(x * y, {x: y, y: x}) == x * y and local(x - y, {x: y, y: x}) == y - x


@pytest.mark.parametrize(
    ("K", "weights"),
    [
        ((x + y) ** 2 + 3 * x**2 * y**4, {1: 1, 3: 1}),
        (4 * (x - y) ** 6, {4: 1}),
        (x**2 * y**2 / 3, {sp.Rational(1, 3): 1}),
        (x**2 + 2 * x * y + y**2, {1: 1}),
        (x**2 + 2 * x * y + 5 * y**2, {1: 1, 4: 1}),
        (2 * x**2 + 2 * x * y + y**2 + z**4, None),
        (x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 * z**2 + z**6, {1: 0}),  # Motzkin's form is no sum of squares
        (x**2 - y**2, {1: 0}),
        (x + y, {1: 0}),
    ],
)
def test_squares(K, weights):
    """K = Σ w r² (power 2) or K itself (power 1)."""
    roots, found, power, span = problem.squares(K, X)
    assert sp.expand(sum(w * r**power for w, r in zip(found, roots, strict=True)) - K) == 0
    assert all(w > 0 for w in found) and power == (1 if weights == {1: 0} else 2) and len(span) <= len(roots)
    if weights and weights != {1: 0}:
        assert sorted(found) == sorted(w for w, n in weights.items() for _ in range(n))


@pytest.mark.parametrize(
    ("K", "count"),
    [
        (x**2 + 4 * x * y + 5 * y**2 + z**2, 3),
        (y**2 + 2 * x * y + x**2 + x**4, 2),
        (x**2 + x * y + y**2 * z**2, None),  # y²z² − y²/4 has no square to begin with
        (-(x**2) + y**2, None),
        (x**2 + x * y**3 + y**6, 2),
        (sp.Integer(0), 0),
        (9 * x**2, 1),
    ],
)
def test_completed_squares(K, count):
    found = problem.complete(sp.expand(K), list(X))
    assert (None if found is None else len(found)) == count
    if found is not None:
        assert sp.expand(sum((w * r**2 for w, r in found), sp.Integer(0)) - K) == 0 and all(w > 0 for w, _ in found)


@given(
    st.lists(
        st.dictionaries(
            st.tuples(st.integers(0, 2), st.integers(0, 2)),
            st.fractions(-3, 3, max_denominator=4).filter(bool),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=2,
    ),
    st.sampled_from([sp.Integer(0), sp.sqrt(2), sp.sqrt(3) / 2, sp.cbrt(2), sp.sqrt(2) + sp.sqrt(3)]),
)
@settings(max_examples=25, deadline=None)
def test_integer_polynomials(drawn, number):
    """Up to a rational factor the polynomials themselves, irrational coefficients as polynomials in one number."""
    given_ = [
        sum(sp.Rational(c.numerator, c.denominator) * x**i * y**j for (i, j), c in terms.items()) for terms in drawn
    ]
    given_[0] += number * x * y**3
    ring = Ring(("x", "y", "root1"))
    polys, found = problem.integer_polynomials(ring, given_, (x, y))
    if number == 0:
        assert found is None
    else:
        assert found is not None
        value, relation = found
        assert sp.minimal_polynomial(value, sp.Symbol("root1")) in (
            sp.sympify(text(relation)),
            -sp.sympify(text(relation)),
        )
    values = {"x": x, "y": y, "root1": found[0] if found else 0}
    for g, p in zip(given_, polys, strict=True):
        ratio = sp.Poly(sp.sympify(text(p), locals=values), x, y)
        one, two = sp.Poly(g, x, y), ratio
        assert one.monoms() == two.monoms()
        factors = [sp.nsimplify(sp.simplify(a / b)) for a, b in zip(one.coeffs(), two.coeffs(), strict=True)]
        assert all(sp.simplify(f - factors[0]) == 0 and f.is_Rational for f in factors)


def test_polynomials_that_are_too_large():
    ring = Ring(("x", "y", "root1"))
    assert problem.integer_polynomials(ring, [x**problem.MAX_DEGREE], (x, y))[0]
    with pytest.raises(BadInput, match="too large"):
        problem.integer_polynomials(ring, [x ** (problem.MAX_DEGREE + 1)], (x, y))


def test_the_stratum_of_a_problem():
    """Small variables, then spare names; the measure is the prior's, the sign the domain's; a number is a unit."""
    found = problem.read([x - sp.sqrt(2) * y, y**3], None, (x, y), None, sp.Abs(y), {x: (0, None)})
    s = found.stratum
    assert (
        s.kind == [SMALL, SMALL, UNIT, *[ABSENT] * 3]
        and s.jacobian == [0, 1, 0, 0, 0, 0]
        and s.sign == [1, 0, 0, 0, 0, 0]
    )
    assert {text(g) for g in s.generators.values()} == {"x - y*root1", "y**3"} or len(s.generators) == 2
    assert list(found.numbers) == ["root1"] and text(s.roots[2]) == "root1**2 - 2" and found.power == 2
    plain = problem.read(None, x**2 + y**3 * x, (x, y), None, 1, "nonnegative")
    assert plain.power == 1 and plain.stratum.roots == {} and plain.numbers == {} and plain.shown == "x**2 + x*y**3"
    named = problem.read([x], None, (x, sp.Symbol("root1", real=True)), None, 1, "real")
    assert named.stratum.ring.names == ("x", "root1", "root2", "root3", "root4", "root5")


@pytest.mark.parametrize("variables", [(), (x, x)])
def test_variables_that_are_none(variables):
    with pytest.raises(BadInput, match="different symbols"):
        problem.read([x], None, variables, None, 1, "real")


def test_the_order_of_variables():
    """First those of a polynomial of the least degree, and in each term those of low degree; none is lost."""
    u, v = sp.symbols("u v", real=True)
    assert problem.arranged([z**3 * x, y * z], (x, y, z, u)) == (y, z, x, u)
    assert problem.arranged([x**2 * y + u, v], (u, v, x, y)) in ((v, y, x, u), (v, u, y, x))
    assert problem.arranged([x], (y, x, z)) == (x, y, z)
    before, after = (rlct_ideal([x * y, z**2 + x], (x, y, z)).value, rlct_ideal([x * y, z**2 + x], (z, x, y)).value)
    assert before == after


@pytest.mark.parametrize(
    ("K", "variables", "negative"),
    [
        (x - y**2, (x, y), True),
        (x**2 - y**2, (x, y), True),
        (x**3 + y**4, (x, y), True),
        (x**2 + x * y + y**2, (x, y), False),
        (x**2 + 3 * x * y + y**2, (x, y), True),
        (x**4 + y**4 - z**2, X, True),
        ((y - x**2) ** 2, (x, y), False),
    ],
)
def test_negative_values_are_seen_along_curves(K, variables, negative):
    signs = [0] * len(variables)
    if not negative:
        problem.refuse_negative(sp.expand(K), variables, signs, K)
        return
    with pytest.raises(BadInput, match="takes negative values") as caught:
        problem.refuse_negative(sp.expand(K), variables, signs, K)
    curve = str(caught.value).split("as on ")[1].split(" (measured")[0]
    s = sp.Symbol("s", positive=True)
    on = {
        v: sp.sympify(part.split(" = ")[1], locals={"s": s})
        for v, part in zip(variables, curve.split(", "), strict=True)
    }
    value = sp.expand(K.subs(on, simultaneous=True))
    assert value.subs(s, sp.Rational(1, 10**15)) < 0  # on the curve that is named


def test_restricted_coordinates_are_not_taken_below_0():
    problem.refuse_negative(x + y, (x, y), [1, 1], x + y)
    with pytest.raises(BadInput, match="negative"):
        problem.refuse_negative(x + y, (x, y), [1, 0], x + y)


@pytest.mark.parametrize(
    ("K", "how", "value", "m"),
    [
        (x**2, {"prior": sp.Abs(x) ** 3}, 2, 1),  # (3 + 1)/2
        (x**2 * y**4, {"prior": y**2}, sp.Rational(1, 2), 1),  # 1/2 and 3/4
        (x**2 * y**4, {"prior": sp.Abs(y)}, sp.Rational(1, 2), 2),
        ((x - 1) ** 2 * y**4, {"at": (1, 0), "prior": sp.Abs(x - 1) * sp.Abs(y) ** 3}, 1, 2),
        ((1 - x) + y**2, {"at": (1, 0), "domain": "box"}, sp.Rational(3, 2), 1),
        ((x - 1) ** 2 + y**2, {"at": (1, 0), "domain": {x: (None, 1)}}, 1, 1),
        (5 * x**2 + 7 * y**2, {}, 1, 1),
        (x**2 * y**2 / 9, {}, sp.Rational(1, 2), 2),
    ],
)
def test_thresholds_of_monomials_with_a_measure(K, how, value, m):
    """(h + 1)/k for the coordinates with x^k|x|^h, the least counts, and how often it occurs; sums add."""
    found = rlct(K, (x, y), **how)
    assert (found.exact, found.value, found.multiplicity) == (True, value, m)
