"""The checker's own algebra against sympy's, and its limits."""

import math
from fractions import Fraction
from math import gcd

import pytest
import sympy as sp
from flint import fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.certificate.polynomials import (
    MAX_DEGREE,
    MAX_DIGITS,
    MAX_NAMES,
    MAX_POWER,
    MAX_TERMS,
    MAX_TEXT,
    affine,
    coefficients,
    degree,
    generator,
    limited,
    make_ring,
    monomial_map,
    names_in,
    parse,
    parse_rational,
    place,
    positive_part,
    power,
    primitive,
    product,
    quotient,
    remainder,
    roots_between,
    univariate,
    value_at,
    without,
)
from theory.certificate.refusal import Refused

NAMES = ("x", "y", "z")
RING = make_ring(list(NAMES))
SYMBOLS: dict[str, sp.Symbol] = dict(zip(("x", "y", "z"), sp.symbols("x y z"), strict=True))
exponents = st.tuples(*[st.integers(0, 3)] * 3)
polynomials = st.dictionaries(exponents, st.integers(-5, 5).filter(bool), min_size=1, max_size=4)
images = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from([1, -1]), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))),
)


def plain(terms) -> sp.Expr:
    x = [SYMBOLS[n] for n in NAMES]
    return sp.Add(*(c * sp.Mul(*(v**e for v, e in zip(x, powers, strict=True))) for powers, c in terms.items()))


def read(p) -> sp.Expr:
    return plain({tuple(map(int, e)): sp.Rational(int(Fraction(str(c)))) for e, c in p.to_dict().items()})


@settings(max_examples=100, deadline=None)
@given(polynomials, images)
def test_names_become_signed_monomials(terms, table):
    there = {SYMBOLS[n]: sign * sp.Mul(*(SYMBOLS[m] ** k for m, k in to.items())) for n, (sign, to) in table.items()}
    expected = sp.expand(plain(terms).subs(there, simultaneous=True))
    assert sp.expand(read(monomial_map(RING.from_dict(terms), table)) - expected) == 0


def test_powers_and_their_limits():
    p = parse(RING, "x + y - 2*z")
    assert sp.expand(read(power(p, 3)) - (SYMBOLS["x"] + SYMBOLS["y"] - 2 * SYMBOLS["z"]) ** 3) == 0
    assert power(parse(RING, "x"), MAX_DEGREE) == RING.from_dict({(MAX_DEGREE, 0, 0): 1})
    for base, k in (("x", MAX_DEGREE + 1), ("x + 1", MAX_POWER + 1), ("x + y + z + 1 + x*y + y*z + z*x", 40)):
        with pytest.raises(Refused):
            power(parse(RING, base), k)


@settings(max_examples=20, deadline=None)
@given(polynomials, polynomials, st.sampled_from(NAMES))
def test_parts_of_a_polynomial(terms, others, name):
    """Degree, coefficients, names, a name set to 0, and the text of a polynomial, against sympy's."""
    f, x = plain(terms), SYMBOLS[name]
    p, poly = RING.from_dict(terms), sp.Poly(f, x)
    assert parse(RING, str(sp.expand(f))) == p and parse(RING, str(sp.expand(f)).replace(" ", "")) == p
    assert degree(p, name) == poly.degree() and names_in(p) == {s.name for s in f.free_symbols}
    assert {k: read(c) for k, c in coefficients(p, name).items()} == {k: c.expand() for (k,), c in poly.terms()}
    assert read(without(p, [name])) == f.subs(x, 0) and without(p, []) == p
    assert (
        read(generator(RING, name)) == x
        and sp.expand(read(product(p, RING.from_dict(others))) - f * plain(others)) == 0
    )


@settings(max_examples=20, deadline=None)
@given(polynomials, st.integers(1, 6))
def test_numbers_in_front(terms, k):
    """Content 1 and a positive leading coefficient, or the sign that there was."""
    p = RING.from_dict(terms)
    for multiple, sign in ((k * p, 1), (-k * p, -1)):
        assert primitive(multiple) in (positive_part(p), -positive_part(p))
        assert primitive(multiple).leading_coefficient() > 0 and positive_part(multiple) == sign * positive_part(p)
        part = positive_part(multiple)
        assert gcd(*(int(c) for c in multiple.coeffs())) * part == multiple


@settings(max_examples=20, deadline=None)
@given(polynomials, polynomials, polynomials, st.sampled_from(NAMES), st.booleans())
def test_a_name_gives_way_to_another_coordinate(terms, scale, shift, name, even):
    """a^d·p at (x − b)/a: with d the degree, or the next even number."""
    x = SYMBOLS[name]
    a, b = (without(RING.from_dict(t), [name]) for t in (scale, shift))
    a = a if a else RING.constant(2)
    p = RING.from_dict(terms)
    d = int(sp.Poly(plain(terms), x).degree())
    d += d % 2 if even else 0
    expected = sp.expand(sp.cancel(read(a) ** d * plain(terms).subs(x, (x - read(b)) / read(a))))
    assert sp.expand(read(affine(p, name, a, b, even=even)) - expected) == 0


@settings(max_examples=20, deadline=None)
@given(polynomials, polynomials)
def test_quotients_are_exact(terms, others):
    p, q = RING.from_dict(terms), RING.from_dict(others)
    found = quotient(p * q, q)
    ratio = sp.cancel(read(found) / read(p))
    assert ratio.is_Rational and ratio > 0
    if not q.is_constant():
        with pytest.raises(Refused, match="not exact"):
            quotient(p * q + 1, q)
    with pytest.raises(Refused, match="division by 0"):
        quotient(p, RING.constant(0))


@settings(max_examples=20, deadline=None)
@given(polynomials, st.integers(1, 3), st.sampled_from([1, 2, -1, -3]), polynomials)
def test_remainders_are_those_of_division(terms, d, lead, others):
    """Modulo lead·x^d + (lower terms), up to a positive number."""
    x, lower = (
        SYMBOLS["x"],
        sum(
            (c * generator(RING, "x") ** k for k, c in coefficients(RING.from_dict(others), "x").items() if k < d),
            RING.constant(0),
        ),
    )
    relation = lead * generator(RING, "x") ** d + lower
    found, expected = read(remainder(RING.from_dict(terms), relation, "x")), sp.rem(plain(terms), read(relation), x)
    if expected == 0:
        assert found == 0
    else:
        ratio = sp.cancel(sp.expand(expected) / found)
        assert ratio.is_Rational and ratio > 0


def test_a_relation_is_led_by_a_number():
    for text in ("y*x**2 - 1", "y - 1", "3"):
        with pytest.raises(Refused, match="not a number"):
            remainder(parse(RING, "x**3"), parse(RING, text), "x")


@settings(max_examples=20, deadline=None)
@given(
    polynomials, st.sampled_from(NAMES), st.tuples(*[st.fractions(-3, 3, max_denominator=4)] * 3), st.fractions(-3, 3)
)
def test_values_for_all_names_but_one(terms, name, numbers, point):
    values = {str(n): v for n, v in zip(NAMES, numbers, strict=True)}  # the value of the name itself is not used
    q = univariate(RING.from_dict(terms), name, values)
    there = {SYMBOLS[n]: sp.Rational(v.numerator, v.denominator) for n, v in values.items() if n != name}
    expected = plain(terms).subs({**there, SYMBOLS[name]: sp.Rational(point.numerator, point.denominator)})
    assert value_at(q, point) == Fraction(int(expected.p), int(expected.q))


def test_a_value_that_is_needed():
    p = parse(RING, "x*y + x")
    with pytest.raises(Refused, match="no value is given for y"):
        univariate(p, "x", {"z": Fraction(1)})
    assert univariate(p, "y", {"x": Fraction(2)}) == fmpq_poly([2, 2])
    assert value_at(univariate(parse(RING, "x*y**500"), "x", {"y": Fraction(1)}), Fraction(3)) == 3
    with pytest.raises(Refused, match="too high"):
        univariate(parse(RING, "x*y**501"), "x", {"y": Fraction(1)})


def test_the_zero_polynomial():
    zero = RING.constant(0)
    assert degree(zero, "x") == 0 and names_in(zero) == set() and coefficients(zero, "x") == {}
    assert primitive(zero) == positive_part(zero) == limited(zero) == parse(RING, "0") == parse(RING, "x - x") == zero
    assert univariate(zero, "x", {}) == fmpq_poly([]) and affine(zero, "x", RING.constant(2), zero) == zero
    with pytest.raises(Refused):
        roots_between(fmpq_poly([]), None, None)


def test_an_unknown_name():
    for f in (lambda: place(RING, "u"), lambda: parse(RING, "x + u"), lambda: degree(parse(RING, "x"), "u")):
        with pytest.raises(Refused, match="unknown name"):
            f()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", {(1, 0, 0): 1}),
        ("+x", {(1, 0, 0): 1}),
        (" - 2*3*x*y**2*x ", {(2, 2, 0): -6}),
        ("x + x - 3", {(1, 0, 0): 2, (0, 0, 0): -3}),
        ("x**99999", {(99999, 0, 0): 1}),
        ("007*z", {(0, 0, 1): 7}),
    ],
)
def test_texts_of_polynomials(text, expected):
    assert parse(RING, text) == RING.from_dict(expected)


@pytest.mark.parametrize("text", [
    "2**3", "2**3*x", "x**100000", "+", "x +", "x + + y", "x*+y", "x**", None, 3, ["x"], b"x", "", "x^2", "x**-1", "2x", "x y",
    "(x)", "x**2.0", "--x", "u", "x*", "*x", "1e9", "x**100000000", "é",
])  # fmt: skip
def test_texts_that_are_none(text):
    with pytest.raises(Refused):
        parse(RING, text)


def test_limits_of_what_is_read():
    """As many as are allowed, and one more."""
    names = [f"n{i}" for i in range(MAX_NAMES)]
    assert make_ring(names).names() == tuple(names) and make_ring(["a" * 100]).names() == ("a" * 100,)
    for more in ([*names, "more"], ["a" * 101], ["x", 1], ["x", None]):
        with pytest.raises(Refused):
            make_ring(more)
    long = "9" * MAX_DIGITS
    assert parse_rational(f"-{long}/{long}") == -1 and parse(RING, long) == int(long)
    bits = 4 * MAX_DIGITS
    assert parse_rational(2 ** (bits - 1) - 1) == 2 ** (bits - 1) - 1
    for number in (f"9{long}", f"1/9{long}", 2**bits, -(2**bits)):
        with pytest.raises(Refused):
            parse_rational(number)
    with pytest.raises(Refused):
        parse(RING, f"9{long}")
    filled = "x" + " " * (MAX_TEXT - 1)
    assert parse(RING, filled) == parse(RING, "x")
    with pytest.raises(Refused, match="reasonable length"):
        parse(RING, filled + " ")


def test_limits_of_sizes():
    """Terms and degrees of a polynomial, the work of a product, the degree after a substitution."""

    def line(n):
        return RING.from_dict({(k, 0, 0): 1 for k in range(n)})

    assert limited(line(MAX_TERMS)) == line(MAX_TERMS) and limited(power(parse(RING, "y"), MAX_DEGREE))
    for p in (line(MAX_TERMS + 1), RING.from_dict({(0, MAX_DEGREE + 1, 0): 1})):
        with pytest.raises(Refused):
            limited(p)
    many = 100 * MAX_TERMS // 1000
    assert len(product(line(many), line(1000))) == many + 999
    with pytest.raises(Refused, match="product"):
        product(line(many + 1), line(1000))
    assert power(parse(RING, "x + 1"), 0) == 1 and len(power(parse(RING, "x + 1"), MAX_POWER)) == MAX_POWER + 1
    assert power(RING.constant(0), 5) == 0 and power(parse(RING, "2*x"), 3) == parse(RING, "8*x**3")
    with pytest.raises(Refused, match="exponent"):
        power(parse(RING, "x"), -1)
    high = RING.from_dict({(MAX_DEGREE // 2, 0, 0): 1})
    assert monomial_map(high, {"x": (1, {"y": 2})}) == RING.from_dict({(0, MAX_DEGREE, 0): 1})
    with pytest.raises(Refused, match="too high"):
        monomial_map(RING.from_dict({(MAX_DEGREE // 2 + 1, 0, 0): 1}), {"x": (1, {"y": 2})})


def test_limits_of_sturm():
    """x^500 − 2 has two real roots; degree 501 is not counted."""
    assert roots_between(fmpq_poly([-2] + [0] * 499 + [1]), None, None) == 2
    with pytest.raises(Refused, match="too high"):
        roots_between(fmpq_poly([-2] + [0] * 500 + [1]), None, None)


@pytest.mark.parametrize(
    ("low", "high", "count"),
    [
        (0, 2, 1),
        (0, 1, 0),
        (1, 2, 0),
        (None, 1, 1),
        (1, None, 1),
        (-1, 1, 0),
        (-2, 3, 3),
        (2, -2, 0),
        (1, 1, 0),
        (None, None, 3),
    ],
)
def test_roots_at_the_ends_do_not_count(low, high, count):
    """(x + 1)(x − 1)²(x − 2)."""
    q = fmpq_poly([1, 1]) * fmpq_poly([-1, 1]) ** 2 * fmpq_poly([-2, 1])
    assert roots_between(q, *(None if e is None else Fraction(e) for e in (low, high))) == count
    assert roots_between(-q, *(None if e is None else Fraction(e) for e in (low, high))) == count
    assert roots_between(fmpq_poly([5]), None, None) == 0


integers = st.integers(-3, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(integers, min_size=2, max_size=5).filter(lambda c: c[-1]), st.none() | integers, st.none() | integers)
def test_roots_are_counted_on_lines_and_half_lines(coefficients, low, high):
    """As many as sympy isolates in between, once each."""
    x = SYMBOLS["x"]
    roots = set(sp.real_roots(sp.Poly(coefficients[::-1], x)))
    inside = [c for c in roots if (low is None or c > low) and (high is None or c < high)]
    ends = [None if e is None else Fraction(e) for e in (low, high)]
    assert roots_between(fmpq_poly(coefficients), *ends) == len(inside)


@given(
    st.lists(st.fractions(-4, 4, max_denominator=4), min_size=1, max_size=4),
    st.lists(st.sampled_from([1, 2]), min_size=4, max_size=4),
    st.integers(-3, 3).filter(bool),
    st.tuples(st.none() | st.fractions(-5, 5, max_denominator=3), st.none() | st.fractions(-5, 5, max_denominator=3)),
)
@settings(max_examples=200, deadline=None)
def test_sturm_counts_roots_that_were_put_in(roots, powers, lead, ends):
    low, high = ends if None in ends else sorted(ends)
    q = fmpq_poly([lead]) * fmpq_poly([3, 0, 2])  # 2x² + 3 adds none
    for root, k in zip(roots, powers, strict=False):
        q *= fmpq_poly([-root.numerator, root.denominator]) ** k
    inside = {r for r in roots if (low is None or r > low) and (high is None or r < high)}
    assert roots_between(q, low, high) == (len(inside) if low is None or low != high else 0)


def test_sums_of_texts_are_sums():
    x, y = (parse(RING, name) for name in "xy")
    assert parse(RING, "-x**2*y + 3 - 0*z") == -(x**2) * y + 3 and not parse(RING, "x - x")


def test_rational_numbers_are_read_exactly_and_nothing_else_is():
    assert [parse_rational(t) for t in ("3", "-3/4", 7)] == [3, Fraction(-3, 4), 7]
    for bad in ("1/0", "1.5", "", "a", None, True, 0.5, "1/-2", math.pi):
        with pytest.raises(Refused):
            parse_rational(bad)


@pytest.mark.parametrize(
    ("names", "says"), [(["x", "y", "x"], "twice"), (["x", "2y"], "identifier"), ([], "between 1")]
)
def test_the_names_of_a_ring_tell_its_variables_apart(names, says):
    with pytest.raises(Refused, match=says):
        make_ring(names)
