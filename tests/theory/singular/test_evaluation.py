"""Proved remainders, looked at where they are not small: the truncation bound must hold, and not be absurdly wide."""

from itertools import pairwise
from typing import Any

import mpmath as mp
import pytest
import sympy as sp
from flint import acb, arb, ctx

from tests.theory.singular.reference import monomial
from theory.errors import BadInput
from theory.singular import evaluation, expansion, partition, residues
from theory.zeta.balls import ball
from theory.zeta.chart import Chart
from theory.zeta.precision import digits, rational

x, y = sp.symbols("x y", real=True)


@pytest.fixture(autouse=True)
def precision():
    before, ctx.prec = ctx.prec, 200
    yield
    ctx.prec = before


def only_chart(Z):
    ((_, (block,)),) = Z.integral.summands
    (chart,) = block
    return chart


@pytest.mark.parametrize("t", [6, 9, 14, 30])
@pytest.mark.parametrize(
    ("k", "h"), [((2, 2), (0, 0)), ((2, 4), (0, 0)), ((4, 2), (1, 2)), ((2, 2), (3, 6)), ((1, 3), (0, 4))]
)
def test_the_remainder_on_a_box(k, h, t) -> None:
    """|Z − finite sum| ≤ e^{−t} Σ |a| j!/(t−s+1)^{j+1} (1.3), and within a factor 300 of it."""
    chart = only_chart(partition(x ** k[0] * y ** k[1], (x, y), prior=x ** h[0] * y ** h[1]))
    exact = monomial(k, h, t, 300)
    with digits(40):
        chart, tau = evaluation._normalised(chart, sp.Integer(t))
        error = abs(evaluation.sum_at(evaluation._finite(chart).terms, tau) - exact)
        bound = (-tau).exp() * evaluation._beyond(chart, tau)
    assert error < bound < 300 * error


def test_the_first_term_is_read_below_coefficients_that_vanish() -> None:
    """t^{−1/2} (5 + 7 log t + 0 (log t)² + 0 (log t)³) after a power with nothing."""
    terms = tuple(expansion.Term(sp.Rational(n, 4), cs) for n, cs in ((1, (0, 0)), (2, (5, 7, 0, 0)), (3, (1,))))
    first = expansion.Asymptotics(tuple(expansion.Term(s, tuple(map(sp.Integer, c))) for s, c in terms), sp.oo).first()
    assert first == (sp.Rational(1, 2), (5, 7))


@pytest.mark.parametrize("t", [1, 10, 100])
@pytest.mark.parametrize("a", [1, 2, 3])
def test_the_remainder_under_a_gaussian(a: int, t: int) -> None:
    """|Z − poles s < c| ≤ t^{−c} (1/2π) ∫|Γ(c+iy) ζ(−c−iy)| dy (1.4), for several c, and within a factor 30."""
    with mp.workdps(45):
        edges = [0, *(mp.mpf(10) ** -k for k in range(5, 0, -1)), 1, 3, 6, 14]
        exact = mp.quad(lambda v: mp.sqrt(2 / mp.pi) * mp.exp(-v * v / 2) / mp.sqrt(1 + 2 * t * v ** (2 * a)), edges)
        exact = arb(str(exact))
    chart = only_chart(partition(x ** (2 * a) * y**2, (x, y), domain="gaussian"))
    with digits(40):
        chart, tau = evaluation._normalised(chart, sp.Integer(t))
        places = evaluation.zeta.candidates(chart, 4)
        for here, following in list(pairwise(places))[::2]:
            bound = evaluation.remainder(chart, rational((here + following) / 2), tau)
            error = abs(evaluation.sum_at(residues.terms(chart, here), tau) - exact)
            assert error < bound < 30 * error


@pytest.mark.parametrize(
    ("K", "prior", "domain", "highest"),
    [
        (x**4 * y**2, sp.S.One, "gaussian", 1),
        (x**2 * y**2, (1 - x * y) ** 2, "half-gaussian", 2),
        (x**2 * y**2 / 3, sp.Abs(x) ** sp.Rational(1, 3), {x: "gaussian", y: "box"}, 1),
        (x**2 * y**2, 1 + y, {x: "gaussian", y: "box"}, 2),
    ],
)
def test_balls_of_the_terms_hold_the_exact_terms(K: Any, prior: Any, domain: Any, highest: int) -> None:
    """The residues in balls against those of exact expressions, poles of order 1 and 2, half-integer and integer ones."""
    _, blocks = partition(K, (x, y), domain=domain, prior=prior).integral.summands[0]
    orders = []
    with digits(30):
        for chart in (evaluation._normalised(c, sp.S.One)[0] for c in blocks[0]):
            exact = dict(expansion.of_charts((chart,), sp.Integer(5)).terms)
            for s, found in residues.terms(chart, sp.Integer(5)):
                expected = exact.get(s, ())
                assert all(c.contains(0) for c in found[len(expected) :])
                for c, value in zip(found, expected, strict=False):
                    assert c.overlaps(ball(value)) and c.rad() < arb(10) ** -25
                orders.append(len(expected))
    assert max(orders) == highest


def test_the_tail_of_the_bound_under_a_gaussian() -> None:
    """Beyond y = 12 all but Γ is taken at 12, and |Γ(a+iy)| ≤ Γ(a+12) y^{−12}, whose integral is Γ(a+12)/(11·12^{11})."""
    chart = only_chart(partition(x**4 * y**2, (x, y), domain="gaussian"))
    a, tau = rational(sp.Rational(11, 10)), arb(7)
    cells = sum((evaluation._integrand(chart, a, rational(sp.Rational(j, 4))) for j in range(48)), arb(0)) / 4
    others = evaluation._integrand(chart, a, rational(sp.Integer(12))) / abs(acb(arb(a), 12).gamma())
    tail = others * (arb(a) + 12).gamma() / (11 * arb(12) ** 11)
    found = evaluation.remainder(chart, a, tau) * arb.pi() * (tau.log() * a).exp()
    assert abs((found - cells) / tail - 1) < arb(10) ** -20


@pytest.mark.parametrize("t", [10**3, 10**6])
def test_balls_under_a_gaussian_hold_the_truth(t: int) -> None:
    """x²y² under N(0, 1)²: E (1 + 2tx²)^{−1/2}."""
    with mp.workdps(30):
        edges = [0, *(mp.mpf(10) ** -k for k in range(6, 0, -1)), 1, 3, 6, 14]
        exact = mp.quad(lambda v: mp.sqrt(2 / mp.pi) * mp.exp(-v * v / 2) / mp.sqrt(1 + 2 * t * v**2), edges)
        exact = arb(mp.nstr(exact, 25))
    found = partition(x**2 * y**2, (x, y), domain="gaussian").evaluate(t, 8)
    assert abs(found.mid() - exact) < found.rad() + exact * arb(10) ** -20 and found.rad() < found * arb(10) ** -8


@pytest.mark.parametrize("n", [3, 6, 12])
@pytest.mark.parametrize("t", [2, 15, 35])
def test_balls_of_few_digits_hold_the_truth(n: int, t: int) -> None:
    value = partition(x**2 * y**4, (x, y)).evaluate(t, n)
    assert value.overlaps(monomial((2, 4), (0, 0), t, 300))
    assert value.rad() < value * arb(10) ** -n


def test_polynomial_densities_and_constants() -> None:
    """K = 3x²y⁴, φ = (1 − xy)²: charts with several monomials and a scale."""
    found = partition(3 * x**2 * y**4, (x, y), prior=(1 - x * y) ** 2).evaluate(200, 25)
    expected = monomial((2, 4), (0, 0), 600) - 2 * monomial((2, 4), (1, 1), 600) + monomial((2, 4), (2, 2), 600)
    assert found.overlaps(expected)
    assert found.rad() < found * arb(10) ** -24


@pytest.mark.parametrize("t", [sp.Rational(1, 3), 7, 60])
def test_polynomial_densities_at_small_t(t: Any) -> None:
    """x^3 with φ = (2 − x)(1 + 3x) on [0, 1], a constant 5 in K: incomplete Γ functions."""
    value = partition(5 * x**3, (x,), prior=(2 - x) * (1 + 3 * x)).evaluate(t, 20)
    expected = arb(0)
    for c, n in ((2, 0), (5, 1), (-3, 2)):  # ∫ x^n e^{−τx³} = τ^{−a} γ(a, τ)/3
        a, tau = arb(n + 1) / 3, 5 * arb(rational(sp.Rational(t)))
        expected += c * (a.gamma() - tau.gamma_upper(a)) / (3 * tau**a)
    assert value.overlaps(expected) and value.rad() < value * arb(10) ** -20


@pytest.mark.parametrize("t", [2, 300, 10**7])
def test_polynomial_densities_under_a_gaussian(t: int) -> None:
    """E (1 + x)² y⁴ e^{−tx²y²}: E_y y⁴ e^{−ay²} = 3 (1 + 2a)^{−5/2}, odd powers 0; the half-line keeps the odd ones."""
    edges = [0, *(mp.mpf(10) ** -k for k in range(7, 0, -1)), 1, 3, 6, 14]
    for domain, weight in (
        (("gaussian"), lambda v: 2 * (1 + v * v)),
        ({x: "half-gaussian", y: "gaussian"}, lambda v: (1 + v) ** 2),
    ):
        with mp.workdps(35):
            exact = mp.quad(
                lambda v, weight=weight: weight(v) * 3 * mp.exp(-v * v / 2) / (1 + 2 * t * v**2) ** mp.mpf(2.5), edges
            ) / mp.sqrt(2 * mp.pi)
            exact = arb(mp.nstr(exact, 30))
        found = partition(x**2 * y**2, (x, y), domain=domain, prior=(1 + x) ** 2 * y**4)
        assert found.proved
        value = found.evaluate(t, 10)
        assert abs(value.mid() - exact) < value.rad() + exact * arb(10) ** -25 and value.rad() < value * arb(10) ** -10


def test_a_loss_of_zero_has_its_mass() -> None:
    """An idle block at any t: E (1 + y)² over [0, 1] and under N(0, 1)."""
    t = sp.Integer(9)
    for domain, mass in (("box", sp.Rational(7, 3)), ("gaussian", sp.Integer(2))):
        one = partition(x**2, (x,), domain=domain).evaluate(t, 15)
        both = partition(x**2, (x, y), domain=domain, prior=(1 + y) ** 2).evaluate(t, 15)
        assert both.overlaps(one * rational(mass)) and both.rad() < both * arb(10) ** -15


def test_series_are_summed_at_a_point() -> None:
    """2t^{−1/2} + t^{−1} (3 − L + L²/2) at t = 7."""
    terms = [(sp.Rational(1, 2), (sp.Integer(2),)), (sp.Integer(1), (sp.Integer(3), sp.Integer(-1), sp.Rational(1, 2)))]
    log = arb(7).log()
    assert abs(evaluation.sum_at(terms, arb(7)) - (2 / arb(7).sqrt() + (3 - log + log**2 / 2) / 7)) < 1e-40


def test_as_many_digits_as_a_thousand() -> None:
    """∫_0^1 e^{−10x²} = √(π/10)/2 erf √10."""
    made = partition(x**2, (x,))
    value = made.evaluate(10, 1000)
    ctx.prec = 4000
    assert value.overlaps((arb.pi() / 10).sqrt() / 2 * arb(10).sqrt().erf()) and value.rad() < arb(10) ** -1000
    with pytest.raises(BadInput, match="the number of digits must lie between 1 and 1000; it was 1001"):
        made.evaluate(10, 1001)
    assert made.evaluate(10, 1).rad() < 0.1


@pytest.mark.parametrize("t", [2, 50, 10**5])
@pytest.mark.parametrize("gaussian", [False, True])
def test_a_chart_with_a_polynomial_density(gaussian: bool, t: int) -> None:
    """One chart against the sum of charts with the monomials of (2 − x)(1 + 3xy²): power series, poles and Gaussians."""
    sides = (gaussian, False)
    whole = Chart((x, y), (2, 4), (0, 1), 5, sp.expand((2 - x) * (1 + 3 * x * y**2)), sides)
    parts = [
        (c, Chart((x, y), (2, 4), h, 5, 1, sides))
        for c, h in ((2, (0, 1)), (6, (1, 3)), (-1, (1, 1)), (-3, (2, 3)))
    ]  # fmt: skip
    with digits(12):
        found = evaluation.values([(whole,), *((c,) for _, c in parts)], sp.Integer(t))
        total = sum((n * found[(c,)] for n, c in parts), arb(0))
        assert found[(whole,)].overlaps(total) and found[(whole,)].rad() < 1e-10 * total


@pytest.mark.parametrize("t", [1, 3, 4, *range(20, 60, 3)])
def test_the_finite_sum_is_taken_where_what_it_leaves_out_is_relatively_small(t) -> None:
    """x²y⁴ with x⁸y⁹: small, the last pole at 9/2. Twelve digits are had at every t, by the poles or by the power series."""
    chart = Chart((x, y), (2, 4), (8, 9))
    exact = monomial((2, 4), (8, 9), t, 300)
    with digits(12):
        found = evaluation._box(chart, sp.Integer(t))
        bound = arb(10) ** -12
    assert found.overlaps(exact) and found.rad() < bound * abs(exact)


@pytest.mark.parametrize("t", [1, 7])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_power_series_beside_gaussian_coordinates_without_a_zero(n, t) -> None:
    """∫ e^{−tx²} dx over [0, 1] times the moments of y^n(1 + 3y) over half of N(0, 1)."""
    chart = Chart((x, y), (2, 0), (0, n), 1, 1 + 3 * y, (False, True))
    weight = sp.exp(-(y**2) / 2) / sp.sqrt(2 * sp.pi)
    moment = sp.integrate(y**n * (1 + 3 * y) * weight, (y, 0, sp.oo))
    exact = ball(sp.sqrt(sp.pi / t) * sp.erf(sp.sqrt(t)) / 2 * moment)
    with digits(20):
        found = evaluation.values([(chart,)], sp.Integer(t))[(chart,)]
    assert found.overlaps(exact) and found.rad() < arb(10) ** -19


@pytest.mark.parametrize("t", [1, 10**4])
def test_a_coordinate_that_K_does_not_hold_is_its_moment(t) -> None:
    """x²: ∫ e^{−tx²} times ∫_0^1 y²(1 + y) = 7/12, and times E y⁴ = 3 under N(0, 1), as balls."""
    root = sp.sqrt(sp.pi / t) * sp.erf(sp.sqrt(t)) / 2
    for domain, density, moment in (("box", y**2 * (1 + y), sp.Rational(7, 12)), ({x: "box", y: "gaussian"}, y**4, 3)):
        found = partition(x**2, (x, y), domain=domain, prior=density).evaluate(t, 20)
        with digits(30):
            exact = ball(root * moment)
        assert found.overlaps(exact) and found.rad() < exact * arb(10) ** -19


@pytest.mark.parametrize(
    ("K", "beside"),
    [
        (x**4, lambda v, t: mp.exp(-t * v**4)),
        (x**6, lambda v, t: mp.exp(-t * v**6)),
        (x**2 * y**2, lambda v, t: (1 + 2 * t * v**2) ** -0.5),
        (3 * x**2 * y**4, lambda v, t: (1 + 6 * t * v**4) ** -0.5),
    ],
    ids=["x⁴", "x⁶", "x²y²", "3x²y⁴"],
)
@pytest.mark.parametrize("t", [sp.Rational(1, 20), sp.Rational(1, 100), sp.Rational(1, 10**5)])
def test_small_t_under_a_gaussian(K, beside, t) -> None:
    """By mpmath, in two variables with E e^{−sx²} = (1 + 2s)^{−1/2} over the first."""
    found = partition(K, sorted(K.free_symbols, key=str), domain="gaussian").evaluate(t, 10)
    with mp.workdps(20):
        exact = mp.quad(
            lambda v: mp.sqrt(2 / mp.pi) * mp.exp(-v * v / 2) * beside(v, mp.mpf(t.p) / t.q), [0, 1, 2, 4, 8, 12]
        )
    assert isinstance(found, arb) and found.rad() < arb(10) ** -10
    assert abs(found.mid() - arb(mp.nstr(exact, 20))) < found.rad() + arb(10) ** -14


def test_the_power_series_ends_with_its_bound() -> None:
    """E e^{−τx⁴} = Σ (−τ)^k (4k−1)!!/k!: by hand up to the least term at τ = 1/100, and a few terms at τ = 10⁻³⁰."""
    chart = only_chart(partition(x**4, (x,), domain="gaussian"))
    terms = [sp.Rational(-1, 100) ** k * sp.factorial2(4 * k - 1) / sp.factorial(k) for k in range(1, 20)]
    least = min(range(len(terms)), key=lambda k: abs(terms[k]))
    scale = ball(chart.density) / 2  # of half the line
    total, left = evaluation._power_series(chart, arb(1) / 100)
    assert left.overlaps(scale * ball(abs(terms[least]))) and total.overlaps(scale * ball(1 + sum(terms[:least])))
    total, left = evaluation._power_series(chart, arb(10) ** -30)
    assert abs(total - scale) < arb(10) ** -29 and left < arb(10) ** -20


@pytest.mark.parametrize("t", [sp.Rational(1, 50), sp.Rational(1, 10**4), sp.Integer(3)])
def test_small_t_on_a_box_beside_a_gaussian(t) -> None:
    """x²y² with x in [0, 1]: ∫ (1 + 2tx²)^{−1/2} dx = asinh √(2t)/√(2t)."""
    found = partition(x**2 * y**2, (x, y), domain={x: "box", y: "gaussian"}).evaluate(t, 10)
    exact = ball(sp.asinh(sp.sqrt(2 * t)) / sp.sqrt(2 * t))
    assert isinstance(found, arb) and found.overlaps(exact) and found.rad() < arb(10) ** -10
