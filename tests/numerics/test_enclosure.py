"""One-dimensional integrals: closed forms, mpmath, honesty under doubled digits, and what must be refused."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.enclosure import gibbs_integrals, integral
from numerics.errors import NotCertified
from numerics.halfline import enclose, minorant, tail
from numerics.precision import ball, digits
from theory.errors import BadInput

x = sp.Symbol("x")
R = sp.Rational
oo = sp.oo

CLOSED_FORMS = [
    (sp.exp(-(x**2)), (-oo, oo), sp.sqrt(sp.pi)),
    (sp.exp(-(x**4)), (-oo, oo), 2 * sp.gamma(R(5, 4))),
    (x**2 * sp.exp(-3 * (x - 7) ** 2), (-oo, oo), sp.sqrt(sp.pi / 3) * (49 + R(1, 6))),
    (sp.exp(-(x**2) / 2) * sp.cos(x), (-oo, oo), sp.sqrt(2 * sp.pi) * sp.exp(-R(1, 2))),
    (sp.exp(-(x**2) / 2) * sp.cosh(x), (-oo, oo), sp.sqrt(2 * sp.pi) * sp.exp(R(1, 2))),
    (sp.exp(-(x**2) / 2 + x), (-oo, oo), sp.sqrt(2 * sp.pi) * sp.exp(R(1, 2))),
    (sp.exp(-3 * sp.exp(x) + 2 * x), (-oo, oo), R(1, 9)),
    (sp.exp(-2 * sp.cosh(x)), (-oo, oo), 2 * sp.besselk(0, 2)),
    (sp.exp(-3 * sp.sqrt(1 + x**2)), (-oo, oo), 2 * sp.besselk(1, 3)),
    (sp.exp(-(x**2)) / (1 + x**2), (-oo, oo), sp.pi * sp.E * sp.erfc(1)),
    (x**5 * sp.exp(-2 * x), (0, oo), R(120, 64)),
    (sp.sqrt(x) * sp.exp(-2 * x), (0, oo), sp.gamma(R(3, 2)) / 2 ** R(3, 2)),
    (sp.exp(3 * x), (-oo, 0), R(1, 3)),
    (1 / (1 + x**2), (0, 1), sp.pi / 4),
    (sp.atan(x) * sp.tan(x / 2) ** 0, (0, 1), sp.pi / 4 - sp.log(2) / 2),
    (sp.exp(x) + 1, (0, 1), sp.E),
]


@pytest.mark.parametrize(("integrand", "domain", "value"), CLOSED_FORMS, ids=lambda e: str(e)[:30])
@pytest.mark.parametrize("n", [12, 40])
def test_closed_forms(integrand, domain, value, n):
    with digits(n):
        b = integral(integrand, x, domain)
        assert b.rel_accuracy_bits() > 3.3 * (n - 1)
        with digits(n + 20):
            assert b.overlaps(ball(value))


def test_logarithms_of_exponentials_grow_linearly():
    with digits(30):
        assert gibbs_integrals(sp.log(sp.cosh(x)), (1,), x, 2).unscaled()[0].contains(2)
        softplus = gibbs_integrals(sp.log(1 + sp.exp(x)) - x / 3, (1,), x, 3).unscaled()[0]
        assert softplus.overlaps(ball(sp.gamma(1) * sp.gamma(2) / sp.gamma(3)))


PERTURBED = [
    x**2 / 2 + sp.sin(3 * x) / 4,
    x**4 + x * sp.cos(x),
    x**2 + sp.tanh(x) ** 2,
    sp.log(1 + sp.exp(x)) - x / 3,
    x**2 + sp.atan(x),
    sp.exp(x) + sp.exp(-2 * x),
]


@pytest.mark.parametrize("loss", PERTURBED, ids=str)
def test_analytic_perturbations_against_mpmath(loss):
    with digits(20):
        scaled = gibbs_integrals(loss, (1, x**2), x, 3)
        ours = scaled.unscaled()
    with mpmath.workdps(25):
        density = sp.lambdify(x, sp.exp(-3 * loss), "mpmath")
        pieces = [-60, -10, -4, -2, -1, 0, 1, 2, 4, 10, 60]
        for f, b in zip((lambda s: 1, lambda s: s**2), ours, strict=True):
            reference = mpmath.quad(lambda s, f=f: f(s) * density(s), pieces)
            assert abs(mpmath.mpf(b.mid().str(24, radius=False)) - reference) < mpmath.mpf(10) ** -17 * reference


rationals = st.fractions(min_value=-2, max_value=2, max_denominator=8)


@settings(max_examples=25, deadline=None)
@given(rationals, rationals, rationals, st.sampled_from([1, 7, 300]), rationals, st.sampled_from([0, 5, 40]))
def test_a_ball_contains_the_ball_at_twice_the_digits(a, b, c, t, amplitude, shift):
    y = x - shift
    loss = y**4 / 4 + R(a) * y**3 / 3 + R(b) * y**2 + R(c) * y + R(amplitude) * sp.sin(y)
    with digits(15):
        coarse = gibbs_integrals(loss, (1, x, y**2), x, t)
    with digits(30):
        fine = gibbs_integrals(loss, (1, x, y**2), x, t)
        rescale = (arb(coarse.level) - arb(fine.level)).exp()
        for wide, narrow in zip(coarse.balls, fine.balls, strict=True):
            assert wide.overlaps(narrow * rescale)
            assert narrow.rad() * rescale < wide.rad() + abs(wide.mid()) * arb(10) ** -25 + arb(10) ** -27


REFUSED = [
    (sp.exp(-(x**3)), "diverges"),
    (sp.exp(x**2), "diverges"),
    (sp.exp(-(x**2) + x**3), "diverges"),
    (sp.exp(-sp.Abs(x)), "Abs"),
    (sp.exp(-(x**2)) * sp.Heaviside(x), "Heaviside"),
    (sp.exp(-(x**2)) * sp.floor(x), "floor"),
    (sp.exp(-(x**2)) * sp.Piecewise((1, x > 0), (0, True)), "Piecewise"),
    (sp.exp(-(x**2)) * sp.I, "imaginary"),
    (sp.exp(-(x**2)) * sp.sqrt(x), "sqrt"),
    (sp.exp(-(x**2)) * sp.log(x), "logarithm|log"),
    (sp.exp(-(x**2)) / x, "non-zero"),
    (sp.exp(-(x**2)) / (x - sp.sqrt(2)), "non-zero"),
    (sp.exp(-sp.sin(x)), "tail"),
    (sp.exp(-(x**2) + sp.exp(x)), "tail"),
    (1 / (1 + x**2), "confines"),
    (sp.exp(-(x**2)) * sp.Symbol("y"), "beside the variable"),
]


@pytest.mark.parametrize(("integrand", "reason"), REFUSED, ids=lambda e: str(e)[:30])
def test_what_cannot_be_proved_is_refused(integrand, reason):
    with digits(15), pytest.raises(BadInput, match=reason):
        integral(integrand, x)


def test_a_logarithm_of_a_negative_number_names_the_point():
    with digits(15), pytest.raises(BadInput, match=r"at x = -"):
        integral(sp.log(x), x, (-1, 1))


def test_a_singular_end_is_refused():
    with digits(15), pytest.raises(NotCertified):
        integral(sp.log(x), x, (0, 1))


ON_TAILS = [
    sp.sin(x**2),
    sp.tanh(x - 3),
    sp.atan(-x),
    sp.exp(-x),
    sp.sqrt(1 + x**2),
    (3 + x**4) ** R(1, 3),
    1 / (1 + x**2),
    sp.log(2 + x**2),
    sp.log(1 + sp.exp(2 * x)),
    sp.log(1 + sp.exp(-x)),
    x**3 - x * sp.cos(x),
    sp.erf(x) * x,
    sp.asinh(3 - x**2) * x,
    sp.exp(-((x - 2) ** 2)),
]


@pytest.mark.parametrize("expr", ON_TAILS, ids=str)
def test_half_line_enclosures_contain_the_function(expr):
    with digits(20):
        p = enclose(expr, x, arb(5), 1)
        for s in (0, R(1, 3), 1, 4, 30, 700):
            assert p(arb(rational_value(s))).overlaps(ball(expr.subs(x, 5 + s)))


@pytest.mark.parametrize(
    "expr", [*ON_TAILS, sp.exp(x), 2 * sp.exp(x) - x**2, sp.sqrt(x**2 + 4) + sp.exp(x / 3)], ids=str
)
def test_minorants_lie_below(expr):
    with digits(20):
        p = minorant(expr, x, arb(5), 1)
        for s in (0, R(1, 3), 1, 4, 30, 200):
            value = arb(rational_value(s))
            low = sum((p[k].lower() * value**k for k in range(p.length())), arb(0))
            assert not low > ball(expr.subs(x, 5 + s))


def rational_value(s):
    return ball(sp.Rational(s))


def test_the_tail_bound_holds_and_is_not_absurd():
    with digits(20):
        bounded = tail(x**2, x**2 + 1, x, arb(3), 1)
        assert bounded is not None
        level, factor = bounded
        true = float(mpmath.quad(lambda s: (s**2 + 1) * mpmath.exp(-(s**2)), [3, 4, 6, 20]))
        assert true <= float((-level).exp() * factor) < 3 * true


BOUNDED_FACTORS = [
    (x**2, 1 / (3 + sp.sin(x))),
    (x**2, (sp.cos(x) - 3) ** -3),
    (x**2, 1 / sp.cosh(x**2 + x)),
    (sp.log(sp.cosh(x**2)), x / sp.cosh(x - 1) ** 2),
    (x**2 + sp.log(3 + sp.sin(x)), sp.S.One),
    (x**2 + sp.log(2 + sp.tanh(x)), x),
    (x**2 + sp.log(1 + sp.sech(x)), sp.S.One),
    (x**2 + sp.exp(x + sp.sin(x)), sp.S.One),
    (3 * x**6 + 2 * sp.exp(-((2 * x - 1) ** 2)), x**2),
    (x**2 - sp.asinh(x), sp.asinh(x + 1)),
    (x**2 - 1 / (5 * ((x - 2) ** 2 + 1)), sp.log((x - 3) ** 2 + R(1, 10))),
]


@pytest.mark.parametrize(("loss", "f"), BOUNDED_FACTORS, ids=str)
def test_what_is_bounded_may_stand_in_denominators_logarithms_and_exponents(loss, f):
    """Where an enclosure is a constant interval, as of 3 + sin x, its powers and logarithms are bounded as well."""
    with digits(15):
        (found,) = gibbs_integrals(loss, (f,), x, 2).unscaled()
    integrand = sp.lambdify(x, f * sp.exp(-2 * loss), "mpmath")
    with mpmath.workdps(20):
        expected = mpmath.quad(integrand, [-9, -4, -2, -1, 0, 1, 2, 4, 9])
    assert abs(float(found.mid()) - float(expected)) < 1e-14 and found.rel_accuracy_bits() > 45


def test_a_denominator_that_grows_exponentially_is_refused_in_a_sentence():
    with digits(15), pytest.raises(NotCertified, match="an exponential grows"):
        gibbs_integrals(x**2 + sp.log(2 + 1 / (1 + sp.exp(x))), (1,), x, 1)


def test_a_level_is_exact_and_taken_out():
    """∫ exp(−(x² + 1000)) and of −1000: the balls are moderate, e^{−level} is what is large or small."""
    for constant in (1000, -1000):
        with digits(15):
            scaled = gibbs_integrals(x**2 + constant, (1, x**2), x, 1)
            assert abs(float(arb(scaled.level)) - constant) < 1
            assert scaled.unscaled()[1].overlaps(ball(sp.sqrt(sp.pi) / 2 * sp.exp(-constant)))
            assert scaled.unscaled()[0].rel_accuracy_bits() > 40


@pytest.mark.parametrize(
    ("loss", "prior", "f", "t", "domain", "value"),
    [
        (x**2 / 2, x**2 * sp.exp(-x / 3), sp.S.One, R(9, 4), (0, oo), None),
        (x, sp.exp(-(x**2)), x, R(1, 2), (-oo, oo), -R(1, 4) * sp.sqrt(sp.pi) * sp.exp(R(1, 16))),
        (x**3, 1, x**2, 5, (0, oo), R(1, 15)),
        (-(x**3), 1, x**2, 5, (-oo, 0), R(1, 15)),
        (-x, 1, sp.S.One, 2, (-oo, 1), sp.exp(2) / 2),
        (0, 1, x**2, 1, (sp.sqrt(2), sp.pi), (sp.pi**3 - 2 * sp.sqrt(2)) / 3),
        (0, 1, sp.exp(x) + sp.cosh(2 * x) * sp.exp(-x), 1, (0, 1), (9 * sp.E - 8 - sp.exp(-3)) / 6),
    ],
    ids=str,
)
def test_priors_temperatures_and_domains(loss, prior, f, t, domain, value):
    """Closed forms; the first is the integral of x² e^{−9x²/8 − x/3}, by mpmath."""
    with digits(20):
        (found,) = gibbs_integrals(loss, (f,), x, t, prior=prior, domain=domain).unscaled()
        assert found.rel_accuracy_bits() > 60
        if value is not None:
            assert found.overlaps(ball(value))
    density = sp.lambdify(x, f * prior * sp.exp(-t * loss), "mpmath")
    ends = [mpmath.mpf(str(sp.N(e, 30))) if sp.sympify(e).is_finite else 40 * int(sp.sign(e)) for e in domain]
    with mpmath.workdps(25):
        middle = [m for m in (-10, -4, -2, -1, 0, 1, 2, 4, 10) if ends[0] < m < ends[1]]
        expected = mpmath.quad(density, [ends[0], *middle, ends[1]])
    assert float(found.mid()) == pytest.approx(float(expected), rel=1e-12)


def test_the_exponentials_of_a_sum_are_taken_apart():
    """(e^{x} + e^{−2x} + 1) e^{−x²} with the exponentials in factors, sums and hyperbolic functions."""
    root = sp.sqrt(sp.pi)
    with digits(20):
        for expr, value in (
            ((sp.exp(x) + sp.exp(-2 * x) + 1) * sp.exp(-(x**2)), root * (sp.exp(R(1, 4)) + sp.E + 1)),
            ((sp.sinh(x) + 2) ** 2 * sp.exp(-(x**2)), root * (4 + (sp.E - 1) / 2)),
            (x * sp.sinh(x) * sp.exp(-(x**2)), root * sp.exp(R(1, 4)) / 2),
            (sp.exp(-(x**2)) - sp.exp(-2 * x**2) * x**2, root * (1 - 1 / (4 * sp.sqrt(2)))),
        ):
            assert integral(expr, x).overlaps(ball(value)), expr


@pytest.mark.parametrize("domain", [(1, 0), (1, 1), (0, sp.I), (oo, -oo), (0, sp.nan)], ids=str)
def test_what_is_no_interval_is_refused(domain):
    with digits(10), pytest.raises(BadInput, match="not an interval"):
        integral(sp.exp(-(x**2)), x, domain)


@pytest.mark.parametrize(
    ("loss", "domain", "side"),
    [
        (x**3, (-oo, 1), "−∞"),
        (-(x**3), (0, oo), r"\+∞"),
        (-(x**2), (0, oo), r"\+∞"),
        (-(x**4), (-oo, 0), "−∞"),
        (x, (-oo, oo), "−∞"),
        (-x, (-oo, oo), r"\+∞"),
    ],
    ids=str,
)
def test_the_end_at_which_an_integral_diverges_is_named(loss, domain, side):
    with digits(10), pytest.raises(BadInput, match=f"diverges.*→ {side}"):
        gibbs_integrals(loss, (1,), x, 1, domain=domain)


def test_a_half_line_needs_something_that_confines():
    for domain in ((0, oo), (-oo, 0)):
        with digits(10), pytest.raises(NotCertified, match="confines"):
            gibbs_integrals(sp.S(2), (1,), x, 1, domain=domain)
    with digits(10):
        assert gibbs_integrals(sp.S(2), (1,), x, 1, domain=(0, 3)).unscaled()[0].overlaps(ball(3 * sp.exp(-2)))


def test_foreign_symbols_are_refused_wherever_they_stand():
    y = sp.Symbol("y")
    for loss, f, prior in ((x**2 + y, 1, 1), (x**2, y, 1), (x**2, 1, sp.exp(-(x**2) * y)), (x**2, 1, 1 + y**2)):
        with digits(10), pytest.raises(BadInput, match="beside the variable"):
            gibbs_integrals(loss, (f,), x, 1, prior=prior)


@pytest.mark.parametrize("power", [-30, -6, 6, 30])
def test_scales_from_the_very_narrow_to_the_very_broad(power):
    """∫ e^{−(x/s)²/2} (x/s)² dx = s √(2π), s = 10^power, centred at 0 and at 7s."""
    s = R(10) ** power
    for centre in (0, 7):
        with digits(20):
            u = x / s - centre
            (found,) = gibbs_integrals(u**2 / 2, (u**2,), x, 1).unscaled()
            assert found.rel_accuracy_bits() > 60
            assert found.overlaps(ball(s * sp.sqrt(2 * sp.pi)))


@pytest.mark.parametrize(
    ("loss", "domain", "lowest"),
    [
        (10**6 * x, (0, oo), 0),
        (1000 * x, (2, oo), 2000),
        (-500 * x, (-oo, -3), 1500),
        (100 * (x - 5) ** 2, (1, 3), 400),
        (100 * (x - 5) ** 2, (7, oo), 400),
        (100 * (x + 5) ** 2, (-oo, oo), 0),
        ((x - 10**5) ** 4 - 7, (-oo, oo), -7),
        ((x**2 - 1) ** 2 * 50 - 20 * x, (-oo, 0), None),
    ],
    ids=str,
)
def test_the_level_is_near_the_least_value_in_the_domain(loss, domain, lowest):
    """c ≈ min V over the domain, not over the line, so that the balls e^{c} ∫ are neither huge nor tiny."""
    if lowest is None:  # the local minimum at −1, on a grid
        grid = np.linspace(-3, 0, 300_001)
        lowest = sp.lambdify(x, loss, "numpy")(grid).min()
    with digits(15):
        level = float(arb(gibbs_integrals(loss, (1,), x, 1, domain=domain).level))
    assert abs(level - float(lowest)) < 0.01 * max(1, abs(float(lowest)) / 100)
