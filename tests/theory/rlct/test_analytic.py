"""Functions near a point as polynomials times units: limits by sympy, series by sympy, and what is no function of that kind."""

import pytest
import sympy as sp
from sympy import cos, cosh, exp, log, sin, sinh, sqrt, tan, tanh

from theory.errors import BadInput
from theory.rlct import analytic, rlct, rlct_ideal

x, y, z = X = sp.symbols("x y z", real=True)


@pytest.mark.parametrize(
    ("f", "P"),
    [
        (tanh(x), x),
        (-sin(x), -x),
        (1 - cos(x), x**2),
        (cos(x) - 1, -(x**2)),
        (x - tanh(x), x**3),
        (exp(x * y) - 1, x * y),
        (log(1 + x) * x**2, x**3),
        (log(cosh(x)), x**2),
        (sqrt(1 + x) - 1, x),
        (exp(x) * y**2, y**2),
        (-exp(x) * y**2, -(y**2)),
        ((exp(x) - 1) ** 3 * exp(-y), x**3),
        (x / (1 + y), x),
        (x / (y - 2), -x),
        (tanh(x + y**2), x + y**2),
        (1 - cos(sinh(x)), x**2),
        (x * exp(y) + y * exp(y), x + y),
        (2 + x * tanh(y), 1),
        (cos(x) - 3, -1),
        (tanh(x * y - z), x * y - z),
        (x**2 * y, x**2 * y),
    ],
)
def test_germs(f, P):
    """f/P tends to a positive number along x = s, y = s², z = s⁴."""
    log_ = []
    found, s = analytic.germ(f, X, log_), sp.Symbol("s", positive=True)
    assert sp.expand(found - P) == 0
    on = {x: s, y: s**2, z: s**4}
    ratio = sp.limit((f / found).subs(on, simultaneous=True), s, 0, "+")
    assert ratio.is_finite and ratio > 0
    assert bool(log_) == (not f.is_polynomial(*X))


@pytest.mark.parametrize(
    ("f", "order"),
    [
        (sin(x) - x, 3),
        (tanh(x) - x + x**3 / 3, 5),
        (exp(x) - 1 - x - x**2 / 2, 3),
        (cosh(x) - 1 - x**2 / 2, 4),
        (log(1 + x) - x, 2),
        (sqrt(1 + x) - 1 - x / 2, 2),
    ],
)
def test_first_coefficients(f, order):
    """Order and coefficient of sympy's series."""
    expected = sp.series(f, x, 0, order + 1).removeO().coeff(x, order)
    assert analytic.first_coefficient(f, x, sp.Integer(0)) == (order, expected)
    assert analytic.first_coefficient(f.subs(x, x - 2), x, sp.Integer(2)) == (order, expected)


def test_how_far_a_coefficient_is_looked_for():
    def rest(n):
        return exp(x) - sum(x**k / sp.factorial(k) for k in range(n))

    order = analytic.MAX_ORDER
    assert analytic.first_coefficient(rest(order), x, sp.Integer(0)) == (order, 1 / sp.factorial(order))
    with pytest.raises(analytic.Unproved, match="or more"):
        analytic.first_coefficient(rest(order + 1), x, sp.Integer(0))
    with pytest.raises(analytic.Unproved, match="not decided"):
        analytic.first_coefficient(sp.I * x, x, sp.Integer(0))


@pytest.mark.parametrize("f", [1 / x, log(x), tan(x + sp.pi / 2), sqrt(x - 1), sp.I + x, sp.gamma(x)])
def test_a_function_has_a_real_value_at_the_point(f):
    with pytest.raises(BadInput, match="finite real number"):
        analytic.value(f, (x,))
    assert analytic.value(sin(x) ** 2 + cos(x) ** 2 - 1, (x,)) == 0 and analytic.value(exp(x) + 1, (x,)) == 2


def test_a_pole():
    with pytest.raises(BadInput, match="choose another point"):
        analytic.germ(x**3 / (y * exp(x)), X, [])


def test_arguments_come_in_order():
    """The largest expression first, single variables last; none twice."""
    found = analytic.inner_arguments(tanh(x * y) + sqrt(1 + z) + exp(x * y) + x**2, X)
    assert set(found) == {x * y, 1 + z, x, y, z} and set(found[2:]) == {x, y, z} and len(found) == 5
    assert analytic.inner_arguments(x**2 * y, X) == [x, y]


@pytest.mark.parametrize(
    ("generators", "variables"),
    [
        ([tanh(x) + y], (x, y)),
        ([exp(x) - 1 - y, y**2], (x, y)),
        ([sin(x) - y, cos(x) - 1 + y**2], (x, y)),
        ([sinh(x) - sinh(2 * x) + y], (x, y)),
        ([tanh(x / 2) + tanh(x / 3) * y], (x, y)),
        ([sp.sech(x) - 1 + y, sp.coth(x + 0) * 0 + y**2], (x, y)),
        ([tan(x) - sin(2 * x) + y * sp.sec(x)], (x, y)),
        ([sin(-x) + cos(3 * x) - 1 + y], (x, y)),
        ([cosh(2 * x) - exp(-x) * y - 1], (x, y)),
        ([-tanh(x) + y], (x, y)),
    ],
)
def test_new_coordinates_are_the_functions_themselves(generators, variables):
    """Rational functions of X(x): put X(x) back, and they are the generators again, at three points in numbers."""
    changed, rules = analytic.new_coordinates(list(generators), variables)
    assert [r["rule"] for r in rules] == ["coordinate"] and rules[0]["variable"] == "x"
    coordinate = sp.sympify(rules[0]["coordinate"], locals={"x": x, "y": y})
    assert coordinate.subs(x, 0) == 0 and sp.diff(coordinate, x).subs(x, 0) > 0
    for g, f in zip(changed, generators, strict=True):
        assert g.is_rational_function(*variables)
        for point in (sp.Rational(1, 3), sp.Rational(-1, 5), sp.Rational(7, 10)):
            place = {y: sp.Rational(2, 7)}
            here = g.subs(place).subs(x, coordinate.subs(x, point))
            assert abs((here - f.subs(place).subs(x, point)).evalf(30)) < sp.Float(10) ** -25


@pytest.mark.parametrize(
    "generators",
    [
        [tanh(x) + x],  # x also by itself
        [tanh(x) * y],  # no sum needs it
        [tanh(x) + sin(x)],
        [exp(x**2) + y],
        [exp(x + y) + y],
        [sp.erf(x) + sp.erf(2 * x) + y],
        [cos(x) * y],
    ],
)
def test_no_new_coordinate(generators):
    assert analytic.new_coordinates(list(generators), (x, y)) == (generators, [])


def test_sums_of_functions_of_different_variables():
    """K = Σ K_i with K_i ≥ 0; terms that share a variable belong together."""
    log_ = []
    found = analytic.summands(log(cosh(x)) + 1 - cos(y * z) + 2 - 2, X, log_)
    assert found is not None and {sp.expand(p) for p in found} == {x**2, y**2 * z**2} and log_[-1]["rule"] == "sum"
    assert analytic.summands(log(cosh(x)) + x * y, X, []) is None
    assert analytic.summands(log(cosh(x)) + 1 - cos(y) + x**2 * y**2, X, []) is None
    bridged = analytic.summands(x**2 + y**2 + x * y * tanh(x * y) + log(cosh(z)), X, [])
    assert bridged is None or len(bridged) == 2


@pytest.mark.parametrize(
    ("K", "value", "m"),
    [
        (log(cosh(x)) + y**2, "1", 1),
        (log(cosh(x)) + y**4, "3/4", 1),
        (1 - cos(x * y**2), "1/4", 1),
        ((tanh(x) * tanh(y)) ** 2 * exp(x), "1/2", 2),
        (1 / (1 - x**2) - 1, "1/2", 1),
        (log(1 + x**2 + y**4), "3/4", 1),
    ],
)
def test_thresholds_of_functions(K, value, m):
    """By hand from the leading terms: 1/2 for each square, 1/4 for each fourth power."""
    found = rlct(K, sorted(K.free_symbols, key=str))
    assert (found.exact, found.value, found.multiplicity) == (True, sp.Rational(value), m)


def test_functions_on_one_side():
    """x ≥ 0: exp x − 1 + y keeps x ≥ 0 as X ≥ 0, and exp(−x) − 1 is −X."""
    for f in (exp(x) - 1 + y, exp(-x) - 1 - y, y - tanh(-x)):
        found = rlct_ideal([f], (x, y), domain="nonnegative")
        assert (found.value, found.multiplicity) == (1, 1)  # X + y with X, y ≥ 0
    for f in (exp(x) - 1 - y, exp(-x) - 1 + y, y + tanh(-x)):
        assert rlct_ideal([f], (x, y), domain="nonnegative").value == sp.Rational(1, 2)
