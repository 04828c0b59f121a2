"""Bounds on half lines in both directions, sharp where they can be, and tails that are exact for linear potentials."""

import math

import mpmath
import pytest
import sympy as sp
from flint import arb, arb_poly

from numerics.errors import NotCertified
from numerics.halfline import enclose, minorant, tail
from numerics.precision import ball, digits

x = sp.Symbol("x")
R = sp.Rational
PLACES = [R(s) for s in (0, R(1, 1000), R(1, 3), 1, 4, 30, 250)]

EXPRESSIONS = [
    sp.S(7) / 3,
    x**3 - 2 * x + 1,
    sp.sin(x) + sp.cos(2 * x) * x,
    sp.sin(3) * x,
    sp.sech(x) + sp.sech(R(1, 2)),
    sp.tanh(x - 3) * sp.tanh(1 - x),
    sp.erf(x / 2) - x,
    sp.erfc(x),
    sp.erfc(-x) * x**2,
    sp.atan(3 - x),
    sp.exp(-(x**2)) + x,
    sp.exp(-2) * x**2,
    sp.sqrt(1 + x**2),
    (x**4 + 3) ** R(2, 3),
    (x**2 + 2) ** R(7, 2),
    1 / (3 + sp.sin(x)),
    1 / sp.cosh(x**2),
    sp.cosh(x**2 - 1) ** R(-1, 2) * x,
    sp.log(sp.cosh(x**2)),
    x / (sp.cos(x) - 3),
    (2 + sp.tanh(x)) ** R(-5, 2),
    1 / (1 + x**2),
    (-1 - x**2) ** -1,
    (-2 - x**4) ** -3,
    (-2 - x**2) ** -2,
    (x**2 + x**4) ** 0 + (1 + sp.tanh(x)) ** 3,
    sp.sqrt(2) * sp.sqrt(5 + sp.sin(x)) + x,
    sp.log(2 + x**2),
    sp.log(5),
    sp.log(3 + sp.sin(x)),
    sp.log(2 + sp.tanh(x)) + sp.log(1 + sp.sech(x)),
    sp.log(1 + 3 * x**2 + x**4) * x,
]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_enclosures_hold_the_function_towards_both_ends(expr, sign):
    """g(R + σs) ∈ p(s), R = 6σ, by mpmath's values; a minorant's lower ends lie below them."""
    with digits(25):
        p, below = (f(expr, x, arb(6 * sign), sign) for f in (enclose, minorant))
    f = sp.lambdify(x, expr, "mpmath")
    for s in PLACES:
        with mpmath.workdps(50):
            text = mpmath.nstr(mpmath.mpf(f(sign * (6 + mpmath.mpf(s.p) / s.q))), 45)
        with digits(45):
            point, true = ball(s), arb(text) * (1 + arb(0, 1e-40)) + arb(0, 1e-40)
            assert p(point).overlaps(true)
            low = sum((below[k].lower() * point**k for k in range(below.length())), arb(0))
            assert low < true + arb(10) ** -20 * (1 + abs(true))


def constant(p: arb_poly) -> tuple[float, float]:
    assert p.length() <= 1
    return float(p[0].lower()), float(p[0].upper())


@pytest.mark.parametrize(
    ("expr", "low", "high"),
    [
        (sp.tanh(x - 1), math.tanh(1), 1),
        (sp.tanh(1 - x), -1, -math.tanh(1)),
        (sp.atan(x), math.atan(2), math.pi / 2),
        (sp.atan(-x), -math.pi / 2, -math.atan(2)),
        (sp.erf(x), math.erf(2), 1),
        (sp.erf(-x), -1, -math.erf(2)),
        (sp.erfc(x), 0, math.erfc(2)),
        (sp.erfc(-x), 1 + math.erf(2), 2),
        (sp.exp(1 - x), 0, math.exp(-1)),
        (sp.sin(x), -1, 1),
        (sp.cos(x), -1, 1),
        (sp.sech(x), 0, 1),
        (sp.log(3 + sp.sin(x)), math.log(2), math.log(4)),
        (sp.sqrt(3 + sp.sin(x)), math.sqrt(2), 2),
        (sp.tanh(x**2 - 5 * x), -1, 1),  # neither bounded above nor below by its coefficients
        (sp.erf(x**2 - 5 * x), -1, 1),
        (sp.erfc(x**2 - 5 * x), 0, 2),
        (sp.atan(x**2 - 5 * x), -math.pi / 2, math.pi / 2),
        (1 / (x**2 + 1), 0, 1 / 5),
        (-1 / (x**2 + 1), -1 / 5, 0),
        ((x**2 + 1) ** R(-1, 2), 0, 5**-0.5),
        ((-1 - x**2) ** -3, -(1 / 5**3), 0),
        ((-1 - x**2) ** -2, 0, 1 / 25),
        (sp.cos(3), math.cos(3), math.cos(3)),
        # of arguments that are no points at the start
        (sp.exp(sp.sin(x) - x), 0, math.exp(-1)),
        (sp.exp(sp.sin(x)), math.exp(-1), math.e),
        (sp.tanh(x + sp.sin(x)), math.tanh(1), 1),
        (sp.atan(sp.sin(x) - x), -math.pi / 2, -math.atan(1)),
        (sp.cos(sp.tanh(x)), math.cos(1), math.cos(math.tanh(2))),
        (sp.sech(sp.tanh(x)), 1 / math.cosh(1), 1 / math.cosh(math.tanh(2))),
        (1 / (x + sp.sin(x)), 0, 1),
        ((sp.sin(x) - x) ** -3, -1, 0),
        (sp.sqrt(5), 5**0.5, 5**0.5),
    ],
    ids=str,
)
def test_bounded_functions_have_their_own_ranges(expr, low, high):
    """On [2, ∞) the interval is the range of the function by the bounds of its argument there, and no wider."""
    with digits(15):
        found = constant(enclose(expr, x, arb(2), 1))
    assert found == pytest.approx((low, high), abs=1e-7)  # a radius has 30 bits
    assert found[0] <= low + 1e-16 and found[1] >= high - 1e-16


def test_polynomials_are_shifted_exactly():
    """p(R + σs) in powers of s, σ = −1 too."""
    s = sp.Symbol("s")
    for sign in (1, -1):
        expected = sp.Poly((x**3 - 2 * x**2 + 5).subs(x, R(7, 2) + sign * s).expand(), s).all_coeffs()[::-1]
        with digits(20):
            for f in (enclose, minorant):
                found = f(x**3 - 2 * x**2 + 5, x, ball(R(7, 2)), sign)
                assert [found[k] == ball(c) for k, c in enumerate(expected)] == [True] * 4


def test_a_root_has_its_value_at_the_start_between_its_bounds():
    """(4 + s)^{2/3} of x + 2 at x = 2: below 4^{2/3}, the binomial's constant, above 5 (from (1 + g)^1)."""
    with digits(15):
        p = enclose((x + 2) ** R(2, 3), x, arb(2), 1)
        assert p[0].lower() < 4 ** (2 / 3) and float(p[0].lower()) == pytest.approx(4 ** (2 / 3))
        assert float(p[0].upper()) == pytest.approx(5) and float(p[1].upper()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("expr", "bound"),
    [
        (sp.sqrt(x**2), [2, 1]),  # (a + bs)^1, with a = b = its own
        (3 * sp.sqrt(4 + 4 * x + x**2), [12, 3]),
        ((x + 2) ** R(3, 2), [8, 2]),  # √(4 + s)·(4 + s) ≥ 2(4 + s)
        ((x**2 + 4 * x + 4) ** R(5, 2), [1024, 1280, 640, 160, 20, 1]),
        (x - (x + 2) ** R(-1, 2), [R(3, 2), 1]),
        (2 * sp.exp(x - 2), [2, 2, 1, R(1, 3)]),
        (sp.cosh(x - 2), [R(1, 2), R(1, 2), R(1, 4), R(1, 12)]),
    ],
    ids=str,
)
def test_minorants_are_the_polynomials_promised(expr, bound):
    """p^q ≥ (a + bs)^⌊nq⌋ a^{nq − ⌊nq⌋} is exact where p = (a + bs)^n; e^g ≥ 1 + g + g²/2 + g³/6 on [2, ∞)."""
    with digits(15):
        p = minorant(expr, x, arb(2), 1)
        found = [float(p[k].lower()) for k in range(p.length())]
    promised = [float(b) for b in bound] + [0.0] * (len(found) - len(bound))
    assert found == pytest.approx(promised, rel=1e-6, abs=1e-6)


def test_the_least_ratio_decides_the_slope_of_a_root():
    """1 + s + s⁴ has no s² and s³: b = 0, and √ is only known to be ≥ 1; with 4s + 6s² + 4s³ in their places b = 1."""
    with digits(15):
        flat = minorant(sp.sqrt(1 + x + x**4), x, arb(0), 1)
        full = minorant(sp.sqrt(1 + 5 * x + 7 * x**2 + 4 * x**3 + x**4), x, arb(0), 1)
        second = minorant(sp.sqrt(1 + 10 * x + 4 * x**2), x, arb(0), 1)  # (1 + 2s)² lies below it, (1 + 5s)² does not
    assert float(flat[0].lower()) == pytest.approx(1) and not any(float(flat[k].lower()) > 0 for k in (1, 2))
    assert [float(full[k].lower()) for k in range(3)] == pytest.approx([1, 2, 1])
    assert [float(second[k].lower()) for k in range(2)] == pytest.approx([1, 2])


@pytest.mark.parametrize("sign", [1, -1])
def test_logarithms_of_exponentials_are_linear(sign):
    """log(3 e^{2x} + 1) = 2x + log(3 + e^{−2x}) to the right; to the left it is within [0, log(1 + 3e^{−10})]."""
    with digits(15):
        p = enclose(sp.log(3 * sp.exp(2 * x) + 1), x, arb(5 * sign), sign)
        if sign > 0:
            assert [float(p[0].lower()), float(p[1].lower())] == pytest.approx([10 + math.log(3), 2], rel=1e-4)
            assert float(p[1].upper()) == pytest.approx(2)
        else:
            assert constant(p)[0] <= 0 and constant(p)[1] == pytest.approx(3 * math.exp(-10), rel=1e-4)


def test_logarithms_lie_between_the_value_at_the_start_and_the_tangent():
    """log(1 + x²) from 3: log 10 ≤ log u ≤ log 10 + (6s + s²)/10."""
    with digits(15):
        p = enclose(sp.log(1 + x**2), x, arb(3), 1)
        assert [float(p[k].upper()) for k in range(3)] == pytest.approx([math.log(10), 0.6, 0.1])
        assert [float(p[k].lower()) for k in range(3)] == pytest.approx([math.log(10), 0, 0], abs=1e-8)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("powers", [(0,), (1,), (0, 1, 3), (5, 2)], ids=str)
def test_tails_of_linear_potentials_are_exact(powers, sign):
    """V = λσx, f = Σ (σx)^k: ∫ = e^{−λR} Σ_{k,j} binom(k, j) R^{k−j} j!/λ^{j+1} on σx ≥ R."""
    rate, start = R(7, 3), R(5, 2)
    true = sum(
        math.comb(k, j) * start ** (k - j) * math.factorial(j) / rate ** (j + 1) for k in powers for j in range(k + 1)
    )
    with digits(20):
        found = tail(sign * rate * x, sum((sign * x) ** k for k in powers), x, ball(sign * start), sign)
        assert found is not None
        assert float(found[0]) == pytest.approx(float(rate * start), rel=1e-15)
        assert ball(true) <= found[1] * (1 + arb(2) ** -25) and found[1] <= ball(true) * (1 + arb(2) ** -25)
        assert tail(-sign * rate * x, sp.S.One, x, ball(sign * start), sign) is None


@pytest.mark.parametrize(
    ("potential", "start"),
    [
        (sp.S(3), 2),  # no growth
        (x**2, -1),  # falls at first
        (x**2 - x**3, 2),  # falls at once
        (5 * x - x**2, 2),  # rises at first and falls in the end
        (x**2 - 4 * x, 2),  # flat at first: the slope must be positive
        (sp.sin(x), 2),
    ],
    ids=str,
)
def test_a_tail_is_not_claimed_where_the_potential_need_not_rise(potential, start):
    with digits(15):
        assert tail(potential, sp.S.One, x, arb(start), 1) is None


def test_signs_of_amplitudes_do_not_count():
    """|f| enters: −x³ has the tail of x³, and a bounded factor that of its bound."""
    with digits(15):
        plus, minus, wave = (tail(x**2, f, x, arb(3), 1) for f in (x**3, -(x**3), x**3 * sp.sin(x)))
        assert plus == minus
        assert plus is not None and wave is not None
        assert float(wave[1]) == pytest.approx(float(plus[1]))


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        (sp.exp(x), "grows"),
        (sp.exp(x**2 - x), "grows"),
        (sp.gamma(x), "no bound"),
        (sp.tan(x), "no bound"),
        (sp.sqrt(x - 3), "proved positive"),
        (sp.sqrt(5 - x), "proved positive"),
        (1 / x, "proved positive"),
        ((x**2 + 1) ** sp.sqrt(2), "proved positive"),
        (sp.log(x), "its logarithm needs it"),
        (sp.log(sp.sin(x)), "its logarithm needs it"),
    ],
    ids=str,
)
def test_what_has_no_bound_is_refused(expr, reason):
    with digits(15), pytest.raises(NotCertified, match=reason):
        enclose(expr, x, arb(0), 1)


@pytest.mark.parametrize("expr", [-sp.exp(x), x * sp.exp(x), -2 * sp.cosh(x)], ids=str)
def test_only_positive_multiples_of_exponentials_may_grow(expr):
    with digits(15), pytest.raises(NotCertified):
        minorant(expr, x, arb(1), 1)
