"""Functions and polynomials that are comparable: limits of quotients by sympy, and functions that no rule covers."""

import pytest
import sympy as sp
from sympy import cos, cosh, exp, log, sin, sinh, sqrt, tan, tanh

from theory.certificate import report
from theory.certificate.comparison import MAX_ORDER, Local, compared, essential, is_zero, terms_of
from theory.certificate.refusal import Refused
from theory.certificate.statement import text_expression
from theory.rlct import rlct

x, y, z = X = sp.symbols("x y z", real=True)
LOCAL = Local(X, frozenset())
HALF = Local(X, frozenset({"x"}))


def through(K, rules=(), local=LOCAL, given=()):
    """What the function is compared with."""
    (found,) = compared(local, [K], list(rules), list(given), text_expression)
    return found


@pytest.mark.parametrize(
    ("e", "zero"),
    [
        (sp.Integer(0), True),
        (sp.Rational(1, 3), False),
        (sqrt(2) * sqrt(3) - sqrt(6), True),
        (sqrt(5 + 2 * sqrt(6)) - sqrt(2) - sqrt(3), True),
        (sqrt(5 + 2 * sqrt(6)) - sqrt(2) - sqrt(3) - sp.Rational(1, 10**9), False),
        (sin(1) ** 2 + cos(1) ** 2 - 1, True),
        (exp(1) - 2, False),
        ((x + y) ** 2 - x**2 - 2 * x * y - y**2, True),
        ((sqrt(2) * sqrt(3) - sqrt(6)) * x + (sqrt(5 + 2 * sqrt(6)) - sqrt(2) - sqrt(3)) * y, True),
        ((sqrt(5 + 2 * sqrt(6)) - sqrt(2) - sqrt(3)) * x + y, False),
        (1 / x - y / (x * y), True),
        (1 / x - 1 / y, False),
        (tanh(x) - tanh(x), True),
        (tanh(x) / x - 2 * tanh(x) / (2 * x), True),
        (tanh(x) - x, False),
    ],
)
def test_what_vanishes(e, zero):
    assert is_zero(e, X) is zero


def test_terms_of_a_polynomial():
    """(√2·√3 − √6)·x is none of them."""
    assert terms_of((x + 2 * y) ** 2 - 4 * y**2 + (sqrt(2) * sqrt(3) - sqrt(6)) * x, (x, y)) == {(2, 0): 1, (1, 1): 4}
    for e in (tanh(x), 1 / (1 + x), sp.Abs(x)):
        with pytest.raises(Refused, match="should be a polynomial"):
            terms_of(e, X)


@pytest.mark.parametrize(
    ("f", "P", "limit"),
    [
        (tanh(x), x, 1),
        (-3 * sin(x), x, 3),
        (cos(x) - 1, x**2, sp.Rational(1, 2)),
        (x - tanh(x), x**3, sp.Rational(1, 3)),
        (exp(x * y) - 1, x * y, 1),
        (log(1 + x) * x**2, x**3, 1),
        (log(cosh(x)), x**2, sp.Rational(1, 2)),
        (sp.atan(x) * sp.asinh(y) * sp.erf(z), x * y * z, 2 / sqrt(sp.pi)),
        (tan(x) ** 2 * cos(y), x**2, 1),
        (exp(x) * y**2, y**2, 1),
        ((exp(x) - 1) ** 3 * exp(-y), x**3, 1),
        (x / (1 + y), x, 1),
        (x * y / (y - 2) + x * z / (y - 2), x * y + x * z, sp.Rational(1, 2)),
        ((sin(x) / (2 + y)) ** 2, x**2, sp.Rational(1, 4)),
        (tanh(x + y**2), x + y**2, 1),
        (1 - cos(sinh(x)), x**2, sp.Rational(1, 2)),
        (sin(x + sp.pi), x, 1),
        (cos(x + sp.pi) + 1, x**2, sp.Rational(1, 2)),
        (log(2 + x) - log(2), x, sp.Rational(1, 2)),
    ],
)
def test_a_function_and_its_polynomial(f, P, limit):
    """|f/P| tends to a number that is not 0: on the curve x = s, y = s², z = s³ by sympy."""
    found, s = through(f), sp.Symbol("s", positive=True)
    assert sp.expand(found - P) == 0 or sp.expand(found + P) == 0
    on = {x: s, y: s**2, z: s**3}
    ratio = sp.limit(f.subs(on, simultaneous=True) / found.subs(on, simultaneous=True), s, 0, "+")
    assert sp.simplify(ratio - limit) == 0  # the sign is kept


@pytest.mark.parametrize(
    "f",
    [
        sp.Abs(x),
        sqrt(x),
        log(x) * x,
        x * log(x + y),
        1 / x,
        x / y,
        x / (y + z),
        sp.sign(x) * y,
        y * sp.Abs(x - 1) * sin(x),
        x * tan(y + sp.pi / 2),
        tanh(x) - tanh(y),
        sin(x) - x * y,
        sp.Function("f")(x),
        sin(1 / x),
        sqrt(x - 1) - sp.I,
        (sqrt(x - 1)) * y,
        log(x - 1) * y,
        x**y,
    ],
)
def test_what_no_rule_covers(f):
    """No smooth unit times a polynomial, or nothing that is known to be one."""
    with pytest.raises(Refused):
        through(f)


def test_the_order_of_an_atom():
    """exp x without the first n terms of its series: order n, up to a limit."""

    def rest(n):
        return exp(x) - sum(x**k / sp.factorial(k) for k in range(n))

    assert through(rest(MAX_ORDER)) == x**MAX_ORDER
    with pytest.raises(Refused):
        through(rest(MAX_ORDER + 1))


def test_atoms_that_are_named():
    """The function of 2x + y² is compared with it; a wrong atom is passed over."""
    assert through(sin(x) - x, [{"rule": "one atom", "atom": "x"}]) == -(x**3)
    for e, order in (
        (sqrt(1 + x) - 1, 1),
        ((1 - x) ** sp.Rational(1, 3) - 1, -1),
        (2 - sqrt(1 + x) - 1 / sqrt(1 + x), -2),
    ):
        atom = "1 - x" if order == -1 else "1 + x"
        assert through(e, [{"rule": "one atom", "atom": atom}]) == sp.sign(order) * x ** abs(order)
        with pytest.raises(Refused):
            through(e)
    assert (
        through(cosh(x * y) - 1, [{"rule": "one atom", "atom": "z"}, {"rule": "one atom", "atom": "x*y"}])
        == x**2 * y**2
    )
    g = (2 * x + y**2) * sin(2 * x + y**2)
    assert sp.expand(through(g, [{"rule": "one atom", "atom": "2*x + y**2"}]) - (2 * x + y**2) ** 2) == 0


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (None, "not a list of tables"),
        ({}, "not a list of tables"),
        (["unit"], "not a list of tables"),
        ([{"rule": "unit"}, None], "not a list of tables"),
        ([{"rule": "obvious"}], "unknown rule"),
        ([{"rule": "unit"}, {}], "unknown rule"),
        ([{"rule": "unit"}] * 201, "too many"),
    ],
)
def test_rules_that_are_none(rules, says):
    with pytest.raises(Refused, match=says):
        compared(LOCAL, [tanh(x)], rules, [], text_expression)


def test_as_many_rules_as_are_read():
    assert through(tanh(x), [{"rule": "unit"}] * 200) == x


@pytest.mark.parametrize(
    ("f", "variable", "coordinate", "local", "expected"),
    [
        (tanh(x) + y, "x", "tanh(x)", LOCAL, x + y),
        (tanh(x) + y, "x", "-tanh(x)", LOCAL, y - x),
        (tanh(x) + y, "x", "tanh(x)", HALF, x + y),
        (exp(2 * x) - 1 + y, "x", "exp(x) - 1", LOCAL, (1 + x) ** 2 - 1 + y),
        (sinh(x) - y, "x", "exp(x) - 1", LOCAL, (x**2 + 2 * x) - 2 * y * (1 + x)),
        (sin(x) + y, "x", "tan(x/2)", LOCAL, 2 * x + y * (1 + x**2)),
        (cos(x) - 1 + y, "x", "tan(x/2)", LOCAL, -2 * x**2 + y * (1 + x**2)),
        (tan(x) + y, "x", "tan(x/2)", LOCAL, 2 * x + y * (1 - x**2)),
        (sin(2 * x) + y, "x", "tan(x/2)", LOCAL, 4 * x * (1 - x**2) + y * (1 + x**2) ** 2),
        (y**2 + z, "x", "tanh(x)", LOCAL, y**2 + z),
    ],
)
def test_coordinates_in_place_of_a_variable(f, variable, coordinate, local, expected):
    """X(x) takes the name x; denominators are units."""
    found = through(f, [{"rule": "coordinate", "variable": variable, "coordinate": coordinate}], local)
    assert any(sp.expand(found - c * expected) == 0 for c in (1, -1, sp.Rational(1, 2), 2))


@pytest.mark.parametrize(
    ("coordinate", "local", "says"),
    [
        ("tanh(x) + 1", LOCAL, "not one of x alone"),
        ("tanh(x) + y", LOCAL, "not one of x alone"),
        ("tanh(y)", LOCAL, "not one of x alone"),
        ("sqrt(x + 1) - sqrt(x)", LOCAL, "not one of x alone"),
        ("tanh(x)**2", LOCAL, "not monotone"),
        ("cos(x) - 1", LOCAL, "not monotone"),
        ("-tanh(x)", HALF, "not monotone"),
        ("tanh(2*x)", LOCAL, "cannot be written"),
        ("sin(x)", LOCAL, "cannot be written"),
        ("x", LOCAL, "cannot be written"),
    ],
)
def test_coordinates_that_are_none(coordinate, local, says):
    with pytest.raises(Refused, match=says):
        through(tanh(x) + y, [{"rule": "coordinate", "variable": "x", "coordinate": coordinate}], local)
    with pytest.raises(Refused, match="unknown variable"):
        through(tanh(x) + y, [{"rule": "coordinate", "variable": "w", "coordinate": coordinate}], local)


def test_sums_of_what_is_not_negative():
    """1 − cos x + y⁴ ≍ max(x², y⁴): given as two generators, or as one with any positive weights."""
    K, rules = 1 - cos(x) + y**4, [{"rule": "sum"}]
    log_cosh = log(cosh(x)) + y**4
    assert {sp.expand(p) for p in compared(LOCAL, [log_cosh], rules, [x**2, y**4], text_expression)} == {x**2, y**4}
    assert compared(LOCAL, [log_cosh], rules, [3 * x**2 + y**4 / 7], text_expression) == [3 * x**2 + y**4 / 7]
    for given in (x**2 - y**4, x**2, x**2 + y**4 + x**4, x**2 + x * y + y**4):
        with pytest.raises(Refused, match="not a sum"):
            compared(LOCAL, [log_cosh], rules, [given], text_expression)
    for sums in (log(cosh(x)) - y**4, log(cosh(x)) + y**3, log(cosh(x)) + y * tanh(x), log(cosh(x)) + x * y**2):
        with pytest.raises(Refused, match="non-negative"):
            compared(LOCAL, [sums], rules, [x**2 + y**4], text_expression)
    with pytest.raises(Refused, match="K itself"):
        compared(LOCAL, [log_cosh, K], rules, [x**2 + y**4], text_expression)
    half = compared(HALF, [log(cosh(y)) + x * y**2 + x**3], rules, [y**2, x * y**2, x**3], text_expression)
    assert {sp.expand(p) for p in half} == {y**2, x * y**2, x**3}
    squares = compared(LOCAL, [log(cosh(x)) + (y - z) ** 2], rules, [x**2, (y - z) ** 2], text_expression)
    assert {sp.factor(p) for p in squares} == {x**2, (y - z) ** 2}


def test_factors_that_do_not_vanish_are_left_out():
    assert sp.expand(essential(sp.expand(3 * x**2 * (1 + y) ** 3 * (x - y) * (x - 2)), X) - x**2 * (x - y)) == 0
    assert essential(sp.Integer(7), X) == 1


@pytest.mark.parametrize(
    "K",
    [
        (x * tanh(y)) ** 2,
        1 - cos(x * y),
        log(cosh(x)) + y**4,
        (tanh(x) - tanh(2 * x) + y) ** 2,
        (exp(x) - 1 - y) ** 2 + y**4,
        (sin(2 * x) - 2 * sin(x) * y) ** 2 + sin(y) ** 4,
        sqrt(1 + x**2) - 1,
    ],
    ids=str,
)
def test_certificates_of_functions(K):
    """Accepted as they are; refused for a function that is comparable with another polynomial, or without their rules."""
    variables = tuple(sorted(K.free_symbols, key=str))
    data = rlct(K, variables).certificate
    assert report(data, K, variables).accepted
    assert not report(data, K + variables[0] ** 2, variables).accepted
    bare = {**data, "relation": {k: v for k, v in data["relation"].items() if k != "comparisons"}}
    assert not report(bare, K, variables).accepted
