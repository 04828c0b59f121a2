"""Expressions on complex boxes: the values of mpmath, no value on a branch cut, and what is real where."""

import mpmath
import pytest
import sympy as sp
from flint import acb, arb, fmpq

from numerics import analytic
from numerics.analytic import apart, check_real, compile_acb, exact, exponent_and_amplitude
from numerics.precision import digits
from theory.errors import BadInput

x = sp.Symbol("x", real=True)
EXPRESSIONS = (
    x**3 / 3 - 2 * x + sp.sqrt(2) * x**2, sp.exp(-(x**2)) * (1 + x) / (x**2 + 2), sp.sqrt(x + 3) + (x + 2) ** sp.Rational(1, 3),
    (x + 2) ** -2 + sp.E ** (x / 2), x + sp.Pow(sp.E, x / 3, evaluate=False), sp.log(2 + x) * x**2 * sp.pi, sp.Integer(3) / 7,
    *(kind(x / 3 + sp.Rational(1, 5)) for kind in analytic.FUNCTIONS),
)  # fmt: skip


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_values_are_those_of_mpmath(expr) -> None:
    """At a point off the axis, about either centre and whether or not the box must be analytic."""
    point, f = sp.Rational(3, 8) + sp.I / 5, sp.lambdify(x, expr, "mpmath")
    with digits(30), mpmath.workdps(40):
        expected = mpmath.mpc(f(mpmath.mpc(0.375, mpmath.mpf(1) / 5)))
        assert complex(sp.N(expr.subs(x, point), 20)) == pytest.approx(complex(expected))
        for centre in (fmpq(0), fmpq(1, 3)):
            found = compile_acb(expr, x, centre)(acb(fmpq(3, 8), fmpq(1, 5)), True)
            for part, value in ((found.real, expected.real), (found.imag, expected.imag)):
                assert abs(part - arb(mpmath.nstr(value, 38))) < arb("1e-28") and part.rad() < arb("1e-25")


def box(real: str, imaginary: str, radius: float = 0.0) -> acb:
    return acb(arb(real, radius), arb(imaginary, radius))


@pytest.mark.parametrize("kind", [sp.atan, sp.asinh])
def test_cuts_on_the_imaginary_axis_begin_at_i(kind) -> None:
    """|y| ≥ 1 on the axis, i itself among it; a box below it or beside the axis has a value."""
    f = compile_acb(kind(x), x)
    for z in (box("0", "1"), box("0", "-1"), acb(arb(0, 0.25), arb(0.75, 0.25)), box("0.1", "-2", 0.25)):
        assert not f(z, True).is_finite()
    for z in (box("0", "0.99"), acb(arb(0, 0.25), arb(0.5, 0.25)), box("0.5", "-2", 0.01)):
        assert f(z, True).is_finite()
    assert f(box("0", "2"), False).is_finite()


@pytest.mark.parametrize("expr", [sp.log(x), sp.sqrt(x), x ** sp.Rational(1, 3), x ** sp.sqrt(2)], ids=str)
def test_cuts_on_the_negative_axis(expr) -> None:
    f = compile_acb(expr, x)
    assert not f(box("-1", "0", 0.5), True).is_finite() and f(box("-1", "0.75", 0.5), True).is_finite()
    assert f(box("-1", "0"), False).is_finite()


def test_a_box_about_the_centre_stays_tight() -> None:
    """(x − 1/3)² on 1/3 ± r has the radius r² about its centre; expanded about 0 it would have 4r/3 and more."""
    f = compile_acb(sp.expand((x - sp.Rational(1, 3)) ** 2), x, fmpq(1, 3))
    assert f(acb(arb(fmpq(1, 3)) + arb(0, 1e-3)), True).real.rad() < 3e-6


def test_what_must_be_positive_is_told_with_its_place() -> None:
    ends = arb(-1), arb(2)
    for fine in (
        sp.log(x + 2),
        sp.sqrt(x + 1),
        1 / (x + 3),
        1 / (x - 5),
        (x + 2) ** sp.Rational(-1, 2),
        sp.log(sp.exp(x)),
        x**-1 * x,
    ):
        check_real(fine, x, *ends)
    for wrong in (sp.log(x), sp.sqrt(x + sp.Rational(1, 2)), x ** sp.Rational(-1, 3)):
        with pytest.raises(BadInput, match="is not real") as told:
            check_real(sp.exp(-(x**2)) * wrong, x, *ends)
        place = sp.Float(str(told.value).split("at x = ")[1].split(";")[0])
        inner = (wrong.args[0] if wrong.func is sp.log else wrong.base).subs(x, place)
        assert inner < 0 and f"{float(inner):.3g}" in str(told.value)
    for pole in (1 / x, 1 / (x**2 - 2), (x + 1) ** sp.Rational(-1, 2)):
        with pytest.raises(analytic.NotCertified, match="could not be proved"):
            check_real(pole, x, *ends)


@pytest.mark.parametrize("expr", [sp.Abs(x), sp.exp(-sp.Max(x, 0)), sp.Heaviside(x), x + sp.I], ids=str)
def test_kinks_and_the_imaginary_unit_are_refused(expr) -> None:
    with pytest.raises(BadInput, match="integrand"):
        analytic.refuse_non_analytic(expr)
    analytic.refuse_non_analytic(sp.exp(-(x**2)))


def test_functions_without_a_rule_are_refused() -> None:
    for expr, words in (
        (sp.besselj(0, x), "no rule"),
        (sp.loggamma(x), "no rule"),
        (x + sp.exp(sp.sec(x)), "no rule"),
        (sp.polygamma(1, x), "no rule"),
        (x**x, r"exp\(exponent\*log\(base\)\)"),
    ):
        with pytest.raises(BadInput, match=words):
            compile_acb(expr, x)


def test_exponential_factors_are_merged_and_floats_are_exact() -> None:
    v, f = exponent_and_amplitude((1 + x) * sp.exp(-(x**2)) * sp.exp(x / 2, evaluate=False) ** 2)
    assert sp.expand(v - x**2 + x) == 0 and sp.expand(f - 1 - x) == 0
    assert exact(0.125 * x) == x / 8 and not exact(0.125 * x).atoms(sp.Float) and exact(x / 3) == x / 3


@pytest.mark.parametrize(
    "expr",
    [
        sp.Pow(sp.exp(x), 2, evaluate=False) * (1 + x), sp.Pow(sp.E, -(x**2), evaluate=False) * x,
        sp.exp(-x) * sp.exp(x**2 / 2) * sp.sqrt(x), sp.exp(x), x + sp.exp(x), 3 * sp.cos(x),
        sp.Pow(sp.exp(x, evaluate=False), x, evaluate=False) / (1 + x),
    ],
    ids=str,
)  # fmt: skip
def test_an_expression_is_its_amplitude_times_its_exponential(expr) -> None:
    """f e^{−V} = expr at ⅔, and no exponential factor is left in f of a product."""
    v, f = exponent_and_amplitude(expr)
    point = sp.Rational(2, 3)
    assert abs(sp.N((f * sp.exp(-v) - expr).subs(x, point), 30)) < 1e-25
    assert expr.is_Add or not f.has(sp.exp, sp.E)


def test_powers_of_exponentials_that_sympy_keeps_are_exponentials() -> None:
    """√(e^w) and (e^w)^x for a symbol that may be complex: V = −w/2 − wx, and w is left."""
    w = sp.Symbol("w")
    v, f = exponent_and_amplitude(w * sp.sqrt(sp.exp(w)))
    assert sp.expand(v + w / 2) == 0 and f == w
    v, f = exponent_and_amplitude(sp.exp(w) ** x)
    assert sp.expand(v + w * x) == 0 and f == 1


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (sp.cosh(x**2), sp.exp(x**2) / 2 + sp.exp(-(x**2)) / 2),  # the square stays one
        (sp.sinh(x) / sp.cosh(x) ** 2, (sp.exp(x) - sp.exp(-x)) / 2 / sp.cosh(x) ** 2),
        (sp.log(sp.cosh(1 / x) ** 3), sp.log((sp.exp(1 / x) / 2 + sp.exp(-1 / x) / 2) ** 3)),
        (sp.tanh(x) + x**3, sp.tanh(x) + x**3),
    ],
    ids=str,
)
def test_cosh_and_sinh_are_written_by_exponentials_and_nothing_else_is(expr, expected) -> None:
    assert sp.expand(apart(expr) - expected) == 0
