"""Sizes worked out by hand, and each limit met exactly and passed by one."""

import mpmath
import pytest
import sympy as sp
from flint import arb

from theory import magnitude
from theory.magnitude import (
    BALLS,
    MAX_BITS,
    MAX_DEGREE,
    MAX_HEIGHT,
    MAX_TERMS,
    Measure,
    Refused,
    Size,
    _power_ball,
    _real,
    _within_limits,
)

x, y = sp.symbols("x y", real=True)
u = x + 1
half = sp.Rational(1, 2)


def root(base, n: int) -> sp.Expr:
    return sp.Pow(base, sp.Rational(1, n), evaluate=False)


def sizes(size: Size) -> tuple:
    return size.bits, size.degree, size.terms, size.atoms, size.height, size.plain


@pytest.mark.parametrize(
    ("expression", "bits", "degree", "terms", "atoms", "height", "plain"),
    [
        (sp.Rational(3, 5), 2 + 3, 0, 1, (), 0, True),
        (x, 0, 1, 1, (x,), 0, True),
        (sp.pi, 0, 1, 1, (sp.pi,), 0, True),
        (sp.E, 0, 1, 1, (sp.E,), 0, True),
        (x + y**2 + 3, 4 * 0 + 3, 2, 3, (x, y), 0, True),
        (5 * x * y, 4, 2, 1, (x, y), 0, True),
        (x**3, 0, 3, 1, (x,), 0, True),
        (u**4, 4 * 2, 4, 5, (x,), 0, True),
        (u**-2, 2 * 2, 2, 3, (x,), 1, True),
        (u**2 * (y + 1) ** 2, 2 * 2 + 2 * 2, 4, 9, (x, y), 0, True),
        (sp.sqrt(u), 2, 1, 1, (root(u, 2),), 1, True),
        (u ** sp.Rational(-3, 2), 2 * 2, 3, 1, (root(u, 2),), 1, True),
        (u ** sp.Rational(5, 3), 2 * 2, 5, 1, (root(u, 3),), 1, True),
        (sp.exp(x), 0, 1, 1, (sp.exp(x),), 1, False),
        (sp.exp(sp.sqrt(u) * 3), 3 + 2, 1, 1, (sp.exp(sp.sqrt(u) * 3),), 2, False),
        (sp.sin(1) + x, 2, 1, 2, (sp.sin(1), x), 1, False),
        (x * sp.sin(1), 2, 2, 1, (sp.sin(1), x), 1, False),
        (sp.sin(x) ** 2, 0, 2, 1, (sp.sin(x),), 1, False),
        (sp.sqrt(sp.sin(x)), 0, 1, 1, (root(sp.sin(x), 2),), 2, False),
        (2**sp.pi, 3, 1, 1, (2**sp.pi,), 1, False),
    ],
)  # fmt: skip
def test_sizes(expression, bits, degree, terms, atoms, height, plain) -> None:
    measure = Measure()
    assert sizes(measure.size(expression)) == (bits, degree, terms, frozenset(atoms), height, plain)
    assert measure.is_plain(expression) is plain


CONSTANTS = [
    sp.Rational(3, 5), sp.pi, sp.E, sp.pi + 3 + sp.E, 2 * sp.pi * sp.E, sp.sqrt(2), sp.sqrt(sp.pi - 3), sp.pi**-2,
    (sp.pi - 4) ** 3, 2**sp.pi, sp.pi**sp.sqrt(2), 5 ** sp.Rational(-7, 3), sp.exp(2), sp.log(3), sp.sin(1), sp.cos(1),
    sp.tan(1), sp.cot(1), sp.sinh(1), sp.cosh(1), sp.tanh(1), sp.coth(1), sp.exp(sp.sin(2) + sp.sqrt(3)),
    sp.Abs(sp.sin(1) - 2, evaluate=False),
]  # fmt: skip


@pytest.mark.parametrize("constant", CONSTANTS, ids=str)
def test_balls_hold_the_constants(constant) -> None:
    ball = Measure().size(constant).ball
    assert ball is not None
    with mpmath.workdps(60):
        value = mpmath.mpf(sp.N(constant, 60))
        middle, radius = (mpmath.mpf(part.str(50, radius=False)) for part in (ball.mid(), ball.rad()))
        assert abs(value - middle) <= radius + abs(value) * mpmath.mpf(10) ** -45
        assert radius <= abs(value) * mpmath.mpf(10) ** -30


@pytest.mark.parametrize("expression", [x, x + sp.pi, x * sp.pi, u**2, sp.exp(x), x**sp.pi, sp.sqrt(u)])
def test_what_holds_a_variable_has_no_ball(expression) -> None:
    assert Measure().size(expression).ball is None


@pytest.mark.parametrize(("exponent", "ball"), [(0, 1), (1, 0), (7, 0), (half, 0), (sp.Rational(5, 3), 0)])
def test_powers_of_zero(exponent, ball) -> None:
    found = Measure().power(sp.S.Zero, sp.sympify(exponent))
    assert found.ball == ball and found.height == int(sp.sympify(exponent).q > 1)


def test_a_power_that_does_not_exist_yet() -> None:
    assert sizes(Measure().power(sp.Integer(8), half)) == (5, 1, 1, frozenset([root(8, 2)]), 1, True)
    assert sizes(Measure().power(u, sp.S.Zero)) == (0, 0, 1, frozenset([x]), 0, True)
    assert Measure().power(sp.Integer(-2), sp.Integer(3)).ball == -8


def test_a_product_has_no_more_terms_than_there_are_monomials() -> None:
    measure = Measure()
    assert measure.product([(x + y + 1) ** 95, (x + y + 2) ** 95]).terms == 192 * 191 // 2  # C(190 + 2, 2)
    assert measure.product([u**199, (x + 2) ** 99]).terms == 200 * 100  # not more than MAX_TERMS: taken as it is
    assert measure.product([u**200, (x + 2) ** 99]).terms == 300


@pytest.mark.parametrize(
    ("field", "most", "says"),
    [
        ("bits", MAX_BITS, "the numbers become longer than 40000 bits; write smaller numbers or exponents"),
        ("degree", MAX_DEGREE, "the degree exceeds 1000; write smaller exponents"),
        ("terms", MAX_TERMS, "multiplied out it has more than 20000 terms; write smaller exponents"),
        ("height", MAX_HEIGHT, "functions and quotients are nested more than 25 deep; write fewer of them"),
    ],
)
def test_limits(field: str, most: int, says: str) -> None:
    least = {"bits": 0, "degree": 0, "terms": 0, "atoms": frozenset(), "height": 0, "ball": None}
    size = Size(**{**least, field: most})
    assert _within_limits(size) is size
    with pytest.raises(Refused) as caught:
        _within_limits(Size(**{**least, field: most + 1}))
    assert str(caught.value) == says


def test_the_largest_constant() -> None:
    _real(arb(2) ** MAX_BITS)
    for beyond in (arb(2) ** (MAX_BITS + 1), -(arb(2) ** (MAX_BITS + 1))):
        with pytest.raises(Refused) as caught:
            _real(beyond)
        assert str(caught.value) == "a constant is at most 2**40000, and this one is larger"


def test_a_ball_of_zero_has_no_root_unless_the_number_is_zero() -> None:
    with pytest.raises(Refused) as caught:
        _power_ball(arb(0), half, x)
    assert str(caught.value) == NEGATIVE


def test_the_number_of_steps(monkeypatch) -> None:
    """x + 1 takes three steps for the sum of two and one for each part; what is known takes none."""
    monkeypatch.setattr(magnitude, "MAX_STEPS", 5)
    measure = Measure()
    measure.size(u)
    measure.size(u)
    with pytest.raises(Refused) as caught:
        measure.size(y)
    assert str(caught.value) == "the expression takes too many steps; write a shorter one"


EXPONENT = "an exponent is at most 1000, with a denominator of at most 100"
REAL = "a constant must be a finite real number, and this one is not"
INSIDE = "the number inside this function is too long; write it with smaller numbers"
NOT_REAL = "the result is not a finite real number"
NEGATIVE = "a fractional power of a negative number is not real"
nested = x
for _ in range(MAX_HEIGHT):
    nested = sp.sin(nested)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (lambda m: m.power(x, sp.Integer(1001)), EXPONENT),
        (lambda m: m.power(x, sp.Integer(-1001)), EXPONENT),
        (lambda m: m.power(x, sp.Rational(1, 101)), EXPONENT),
        (lambda m: m.power(sp.Integer(2) ** 999, half), "the numbers under this root are too long; write it with smaller numbers"),
        (lambda m: m.power(sp.S.Zero, sp.Integer(-1)), "this divides by zero"),
        (lambda m: m.power(sp.Integer(-2), half), NEGATIVE),
        (lambda m: m.power(sp.Integer(-2), sp.Rational(1, 3)), NEGATIVE),
        (lambda m: m.power(sp.Abs(sp.log(2) + sp.log(3) - sp.log(6)), half), NEGATIVE),
        (lambda m: m.call("sin", nested), "functions are nested more than 25 deep; write fewer of them"),
        (lambda m: m.call("log", sp.Integer(2) ** 999), INSIDE),
        (lambda m: m.call("log", sp.S.Zero), REAL),
        (lambda m: m.call("log", sp.Integer(-1)), REAL),
        (lambda m: m.call("exp", sp.Integer(10) ** 9), "a constant is at most 2**40000, and this one is larger"),
        (lambda m: m.size(sp.I), NOT_REAL),
        (lambda m: m.size(sp.zoo), NOT_REAL),
        (lambda m: m.size(sp.besselj(0, sp.Integer(1))), NOT_REAL),
    ],
)  # fmt: skip
def test_what_is_refused(step, says) -> None:
    with pytest.raises(Refused) as caught:
        step(Measure())
    assert str(caught.value) == says


def test_what_is_just_allowed() -> None:
    measure = Measure()
    assert measure.power(x, sp.Integer(1000)).degree == measure.power(x, sp.Integer(-1000)).degree == 1000
    assert measure.power(x, sp.Rational(1, 100)).degree == 1
    assert measure.power(sp.Integer(2) ** 998, half).bits == 1000
    assert measure.power(sp.Integer(2) ** 999, sp.Integer(2)).bits == 2002
    measure.call("log", sp.Integer(2) ** 998)
    measure.call("sin", nested.args[0])
    measure.call("log", -u)


@pytest.mark.parametrize("name", sorted(BALLS))
def test_functions_of_balls(name: str) -> None:
    known = {
        "log1p": sp.log(1 + half), "sigmoid": 1 / (1 + sp.exp(-half)), "softplus": sp.log(1 + sp.exp(half)), "abs": half,
    }  # fmt: skip
    expected = known[name] if name in known else getattr(sp, name)(half)
    assert abs(BALLS[name](arb(0.5)) - arb(str(sp.N(expected, 30)))) < arb("1e-14")
