"""Laws that thresholds obey, on random ideals: a bracket may be wide, but none may contradict another.

The laws use no other program: a linear change of coordinates with integer matrix of determinant 1 and a change of generators
leave (λ, m) alone; for disjoint variables a sum adds λ and m − 1, a product takes the smaller λ and adds m at ties; leaving out
a generator cannot raise λ; the threshold of all monomials of the generators is an upper bound; R^d is the union of its orthants.
"""

from itertools import product

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.rlct import problem, rlct_ideal

X = sp.symbols("x0:4", real=True)
Y = sp.symbols("y0:4", real=True)
LIMIT = 2


@st.composite
def ideals(draw, variables=X, most=3, degree=3):
    n = draw(st.integers(2, most))
    exponents = st.lists(st.integers(0, n - 1), min_size=1, max_size=degree)
    term = st.tuples(st.sampled_from([1, -1, 2, -3]), exponents)
    polynomial = st.lists(term, min_size=1, max_size=3)
    chosen = draw(st.lists(polynomial, min_size=1, max_size=3))
    polys = [sp.expand(sum(c * sp.prod([variables[i] for i in e]) for c, e in terms)) for terms in chosen]
    return variables[:n], [p for p in polys if p != 0] or [variables[0]]


@st.composite
def shears(draw, n):
    matrix = sp.eye(n)
    for _ in range(draw(st.integers(1, 3))):
        i, j = draw(st.permutations(range(n)))[:2]
        matrix[i, :] += draw(st.sampled_from([1, -1, 2])) * matrix[j, :]
    return matrix


def pair(answer):
    """(least, greatest) pair (λ, −m) that the answer allows."""
    if answer.exact:
        exact = (answer.value, -answer.multiplicity)
        return exact, exact
    return (answer.lower, -(10**6)), (answer.upper, 0)


def agree(one, other):
    (low, high), (left, right) = pair(one), pair(other)
    return low <= right and left <= high


def solved(generators, variables, **how):
    return rlct_ideal(generators, variables, time_limit=LIMIT, **how)


def invariance(data, most=3, degree=3):
    variables, generators = data.draw(ideals(most=most, degree=degree))
    matrix = data.draw(shears(len(variables)))
    images = {v: sum(matrix[i, j] * w for j, w in enumerate(variables)) for i, v in enumerate(variables)}
    moved = [sp.expand(g.subs(images, simultaneous=True)) for g in generators]
    if len(moved) > 1:
        factor = data.draw(st.sampled_from([1, -2, variables[0], variables[-1] + 1]))
        moved[0] = sp.expand(moved[0] + factor * moved[1])
    moved = [g for g in moved if g != 0]
    assert agree(solved(generators, variables), solved(moved, variables)), (generators, moved)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_coordinates_and_generators_do_not_matter(data):
    invariance(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=400, deadline=None)
def test_coordinates_and_generators_do_not_matter_at_length(data):
    invariance(data, most=4)


@given(ideals(), ideals(Y))
@settings(max_examples=25, deadline=None)
def test_sums_and_products_of_disjoint_variables(first, second):
    (x, f), (y, g) = first, second
    one, two = solved(f, x), solved(g, y)
    both = solved([*f, *g], (*x, *y))
    times = solved([a * b for a, b in product(f, g)], (*x, *y))
    if one.exact and two.exact:
        expected = one.value + two.value, one.multiplicity + two.multiplicity - 1
        low, high = pair(both)
        assert low <= (expected[0], -expected[1]) <= high
        tie = one.value == two.value
        m = one.multiplicity + two.multiplicity if tie else min((one, two), key=lambda a: a.value).multiplicity
        low, high = pair(times)
        assert low <= (min(one.value, two.value), -m) <= high


@given(ideals())
@settings(max_examples=40, deadline=None)
def test_smaller_and_larger_ideals(drawn):
    variables, generators = drawn
    answer = solved(generators, variables)
    if len(generators) > 1:
        fewer = solved(generators[1:], variables)
        assert pair(fewer)[0] <= pair(answer)[1]
    monomials = [
        sp.Mul(*(v**k for v, k in zip(variables, m, strict=True)))
        for g in generators
        for m in sp.Poly(g, *variables).monoms()
    ]
    newton = solved(monomials, variables)
    assert newton.exact and pair(answer)[0] <= pair(newton)[0]


@given(ideals(most=2))
@settings(max_examples=25, deadline=None)
def test_the_plane_is_the_union_of_its_quadrants(drawn):
    variables, generators = drawn
    whole = solved(generators, variables)
    parts = []
    for signs in product((1, -1), repeat=len(variables)):
        images = {v: s * v for v, s in zip(variables, signs, strict=True)}
        turned = [g.subs(images, simultaneous=True) for g in generators]
        parts.append(pair(solved(turned, variables, domain="nonnegative")))
    least, greatest = min(low for low, _ in parts), min(high for _, high in parts)
    assert least <= pair(whole)[1] and pair(whole)[0] <= greatest


@given(ideals(most=2), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_a_prior_is_a_jacobian(drawn, h):
    """x = s^(h+1), s ≥ 0, has dx = (h+1) s^h ds: K(x) without prior is K(s^(h+1)) with the prior |s|^h."""
    variables, generators = drawn
    x = variables[0]
    powers = [g.subs(x, x ** (h + 1)) for g in generators]
    plain = solved(generators, variables, domain="nonnegative")
    pulled = solved(powers, variables, domain="nonnegative", prior=sp.Abs(x) ** h)
    assert agree(plain, pulled)


@given(ideals(most=3, degree=4), st.sampled_from([sp.sqrt(2), sp.sqrt(3) - 1, sp.Rational(1, 2)]))
@settings(max_examples=15, deadline=None)
def test_the_point_does_not_matter(drawn, shift):
    """Moving the origin, to an irrational point too, and asking there is the same."""
    variables, generators = drawn
    x = variables[0]
    moved = [sp.expand(g.subs(x, x - shift)) for g in generators]
    at = [shift, *[0] * (len(variables) - 1)]
    assert agree(solved(generators, variables), solved(moved, variables, at=at))


@given(ideals(most=2), st.sampled_from([2, 3]))
@settings(max_examples=20, deadline=None)
def test_an_irrational_scale_does_not_matter(drawn, n):
    variables, generators = drawn
    x = variables[0]
    scaled = [sp.expand(g.subs(x, sp.sqrt(n) * x)) for g in generators]
    assert agree(solved(generators, variables), solved(scaled, variables))


def test_a_slice_may_raise_the_threshold():
    x, y, z, w = X
    assert solved([x**2 + y**2 + z**2 - w], X).value == sp.Rational(1, 2)
    assert solved([x**2 + y**2 + z**2], (x, y, z)).value == sp.Rational(3, 4)


def test_a_boundary_may_raise_the_threshold():
    x, y = X[:2]
    assert solved([x + y], (x, y)).value == sp.Rational(1, 2)
    assert solved([x + y], (x, y), domain="nonnegative").value == 1


def test_a_curve_of_zeros_is_not_a_negative_value() -> None:
    """The lowest order of (x − y)² along x = y is 0, which says nothing; only a negative one is a witness."""
    x, y = sp.symbols("x y", real=True)
    for P in ((x - y) ** 2, (x - 2 * y) ** 2, (x - y) ** 2 * (x + y) ** 2):
        problem.refuse_negative(P, (x, y), (0, 0), P)
    with pytest.raises(BadInput, match="takes negative values near the point, as on x = "):
        problem.refuse_negative((x - y) ** 2 - x**2 / 100, (x, y), (0, 0), (x - y) ** 2 - x**2 / 100)


@pytest.mark.parametrize(
    ("f", "order"),
    [
        (lambda x: sp.sinh(2 * x) - 2 * sp.sinh(x), 3),  # x³ + …
        (lambda x: sp.sinh(x) - sp.tanh(x), 3),  # x³/6 + x³/3 + …
        (lambda x: sp.cosh(2 * x) - 4 * sp.cosh(x) + 3, 4),  # (16 − 4) x⁴/24 + …
        (lambda x: sp.sech(x) * sp.cosh(2 * x) - 1, 2),  # (2 − ½) x² + …
        (lambda x: sp.sin(3 * x) - 3 * sp.sin(x), 3),  # −4 x³ + …
    ],
)
def test_several_functions_of_one_variable(f, order: int) -> None:
    """Both in one new coordinate: f(x) = c x^k + … has λ = 1/(2k) for f², by hand from the power series; so has it on an axis."""
    x, y = sp.symbols("x y", real=True)
    found = rlct_ideal([f(x)], (x,))
    assert (found.value, found.multiplicity) == (sp.Rational(1, 2 * order), 1)
    found = rlct_ideal([f(x) * y**order], (x, y))
    assert (found.value, found.multiplicity) == (sp.Rational(1, 2 * order), 2)
