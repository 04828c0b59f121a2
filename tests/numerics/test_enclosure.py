"""One-dimensional integrals: closed forms, mpmath, honesty under doubled digits, and what must be refused."""

import mpmath
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
