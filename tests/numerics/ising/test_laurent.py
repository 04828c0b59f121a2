"""Laurent polynomials and their quotients: arithmetic, derivatives, values; what is refused."""

import pytest
import sympy as sp
from flint import arb, fmpq, fmpz_poly
from hypothesis import given
from hypothesis import strategies as st

from numerics.ising import Laurent, Ratio
from numerics.precision import digits
from theory.errors import BadInput

exponents = st.tuples(st.integers(-4, 4), st.integers(-3, 3))
laurents = st.dictionaries(exponents, st.integers(-9, 9).filter(bool), max_size=5).map(Laurent.of)
X, Y = fmpq(5, 3), fmpq(-7, 4)


@given(laurents, laurents, laurents)
def test_evaluation_is_a_homomorphism(p, q, r):
    assert (p + q * r).exact(X, Y) == p.exact(X, Y) + q.exact(X, Y) * r.exact(X, Y)
    assert (p - q).exact(X, Y) == p.exact(X, Y) - q.exact(X, Y)
    assert (p * q) * r == p * (q * r)
    assert (p + q).terms() == (q + p).terms()
    assert (p == q) == (p - q).is_zero()
    assert p != q or hash(p) == hash(q)


@given(laurents, laurents)
def test_derivatives_are_derivations(p, q):
    for d in (Laurent.x_derivative, Laurent.y_derivative):
        assert d(p * q) == d(p) * q + p * d(q)
    x, y = sp.symbols("x y")
    written = sum((n * x**a * y**b for (a, b), n in p.terms().items()), sp.Integer(0))
    expected = sp.expand(x * sp.diff(written, x))
    assert (
        sp.expand(sum((n * x**a * y**b for (a, b), n in p.x_derivative().terms().items()), sp.Integer(0)) - expected)
        == 0
    )


@given(laurents, laurents.filter(lambda q: q.exact(X, Y) != 0), laurents.filter(lambda q: q.exact(X, Y) != 0))
def test_quotients_are_a_field(p, q, r):
    one, other = p / q, q / r
    assert (one + other).exact(X, Y) == one.exact(X, Y) + other.exact(X, Y)
    assert (one * other).exact(X, Y) == p.exact(X, Y) / r.exact(X, Y)
    assert one * other == p / r
    assert (one - one).numerator.is_zero()
    assert ((p * r) / (q * r)).y_derivative() == one.y_derivative()
    assert isinstance(one, Ratio)


def test_a_value_has_the_digits_asked_for():
    """2 sinh β as x − 1/x at β = 10⁻³⁰ cancels thirty digits; the working precision follows."""
    small = Laurent.of({(1, 0): 1, (-1, 0): -1})
    beta = sp.Rational(1, 10**30)
    value = small.at(beta, n=25)
    assert value.rel_accuracy_bits() >= 83
    with digits(80):
        assert abs(value * 10**30 - 2) < 1e-20


def test_fields_and_couplings_enter_where_they_should():
    """x^2 y^−1 at β = 1/2, J = 3, h = 5: e^{3 − 5/2}."""
    with digits(30):
        value = Laurent.of({(2, -1): 1}).at(sp.Rational(1, 2), 3, 5)
        assert value.overlaps((value * 0 + 0.5).exp())


def test_the_coupling_is_1_and_the_field_0_unless_they_are_given():
    """xy/(1 + y²) at y = 1 is e^β/2, xy there e^β."""
    p, q = Laurent.of({(1, 1): 1}), Laurent.of({(0, 0): 1, (0, 2): 1})
    with digits(30):
        e = arb(1).exp()
        assert p.at(1).overlaps(e) and (p / q).at(1).overlaps(e / 2)
        assert (p / q).at(1, h=1).overlaps(e * e / (1 + e * e)) and p.at(1, 2).overlaps(e * e)


def test_the_polynomial_in_u():
    assert Laurent.of({(-3, 0): 2, (1, 0): -5}).in_u() == fmpz_poly([2, 0, -5])
    assert Laurent.of({}).in_u() == fmpz_poly([])
    assert Laurent.of({(2, 1): 1, (2, -1): 1}).without_field().in_u() == fmpz_poly([2])
    for terms in ({(0, 0): 1, (1, 0): 1}, {(0, 1): 1}):
        with pytest.raises(BadInput, match="one parity and no field"):
            Laurent.of(terms).in_u()


def test_there_is_no_value_at_zero():
    p = Laurent.of({(-1, 0): 1, (0, 1): 2})
    for x, y in ((0, 1), (1, 0)):
        with pytest.raises(BadInput, match=f"they are {x} and {y}"):
            p.exact(x, y)


def test_quotients_cannot_be_hashed():
    with pytest.raises(TypeError, match="no canonical form"):
        hash(Laurent.of({(0, 0): 1}) / Laurent.of({(0, 0): 1}))


def test_equality_is_that_of_functions_and_of_nothing_else() -> None:
    """x^{−1}(x + x²) = 1 + x however it is lifted; no polynomial equals a number, nor a quotient."""
    lifted = Laurent.of({(-1, -2): 1}) * Laurent.of({(1, 2): 1, (2, 2): 1})
    plain = Laurent.of({(0, 0): 1, (1, 0): 1})
    assert lifted == plain and hash(lifted) == hash(plain) and lifted.lift != plain.lift
    assert plain != 1 and plain != plain / Laurent.of({(0, 0): 1})
    assert (plain / plain) == (lifted / plain) and (plain / plain) != plain
