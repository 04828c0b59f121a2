"""Laplace expansions against diagrams, exact laws and invariances."""

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import diagrams, laplace
from theory.errors import BadInput
from theory.jets import multiply
from theory.tensors import generic_symmetric

x, y, z = sp.symbols("x y z", real=True)
lam, alpha, gamma = sp.symbols("lambda alpha gamma")
QUARTIC = lam * x**2 / 2 + alpha * x**3 / 6 + gamma * x**4 / 24

small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


@st.composite
def problems(draw, d: int = 2):
    """A positive definite quadratic form plus random cubic and dominating quartic terms; two random observables."""
    v = (x, y, z)[:d]
    quadratic = sum((w**2 for w in v), sp.S.Zero) + draw(small) * v[0] * v[-1] / 2
    cubic = sum((draw(small) * w**2 * u for w in v for u in v), sp.S.Zero)
    loss = quadratic + cubic / 3 + 2 * sum((w**2 for w in v), sp.S.Zero) ** 2
    observables = [
        sum((draw(small) * m for m in (v[0], v[-1], v[0] * v[-1], v[0] ** 2, v[-1] ** 3)), sp.S.Zero) for _ in range(2)
    ]
    return loss, observables, v


@settings(max_examples=25, deadline=None)
@given(problems(), st.sampled_from([sp.S.One, sp.exp(x / 2 - y**2), 1 + x**2 + y / 3]))
def test_moments_equal_diagrams(problem, prior) -> None:
    loss, (phi, psi), v = problem
    for observables in ([phi], [phi, psi]):
        series = laplace.cumulant(loss, observables, v, order=2, prior=prior)
        for k in (1, 2):
            assert diagrams.cumulant(loss, observables, v, order=k, prior=prior) == series[k]


@settings(max_examples=10, deadline=None)
@given(problems(d=1))
def test_moments_equal_diagrams_at_order_three(problem) -> None:
    loss, (phi, psi), v = problem
    assert diagrams.cumulant(loss, [phi, psi], v, order=3) == laplace.cumulant(loss, [phi, psi], v, order=3)[3]


def test_example_26_symbolically() -> None:
    assert laplace.cumulant(QUARTIC, (x**2, x), (x,), order=2) == (0, 0, -2 * alpha / lam**3)


def test_the_gamma_law_at_every_order() -> None:
    """L = e^x − 1 − x: s = e^x is Gamma(t, rate t), so κ_m(s) = (m−1)! t^{1−m} exactly."""
    loss, s = sp.exp(x) - 1 - x, sp.exp(x)
    assert laplace.expectation(loss, s, (x,), order=6) == (1, 0, 0, 0, 0, 0, 0)
    assert laplace.cumulant(loss, (s, s), (x,), order=5) == (0, 1, 0, 0, 0, 0)
    assert laplace.cumulant(loss, (s, s, s), (x,), order=5) == (0, 0, 2, 0, 0, 0)


def test_log_partition_is_stirlings_series() -> None:
    series = laplace.log_partition(sp.exp(x) - 1 - x, (x,), order=7)
    assert series == (0, *(sp.bernoulli(k + 1) / (k * (k + 1)) for k in range(1, 8)))


def test_log_partition_of_a_prior() -> None:
    """Gaussian loss and prior e^{−ax²}: Z changes by (1 + 2a/t)^{−1/2}; a prefactor gives c_0 = log of it."""
    a = sp.Symbol("a", positive=True)
    series = laplace.log_partition(x**2 / 2, (x,), order=4, prior=3 * sp.exp(-a * x**2))
    h = sp.Symbol("h")
    expected = sp.series(-sp.log(1 + 2 * a * h) / 2, h, 0, 5).removeO()
    assert series[0] == sp.log(3)
    assert all(sp.simplify(series[k] - expected.coeff(h, k)) == 0 for k in range(1, 5))


@settings(max_examples=15, deadline=None)
@given(problems())
def test_the_derivative_in_t_is_the_covariance_with_the_loss(problem) -> None:
    """Cov(L, ψ) = −d⟨ψ⟩/dt at every order."""
    loss, (phi, _), v = problem
    means = laplace.expectation(loss, phi, v, order=3)
    assert laplace.cumulant(loss, (loss, phi), v, order=4)[1:] == tuple(k * c for k, c in enumerate(means))


@settings(max_examples=15, deadline=None)
@given(problems(), small, small)
def test_linear_coordinates_do_not_matter(problem, a, b) -> None:
    loss, (phi, psi), v = problem
    change = {x: x + a * y, y: (1 + b**2) * y - b * x / 2}
    if sp.Matrix([[1, a], [-b / 2, 1 + b**2]]).det() == 0:
        return

    def moved(f: sp.Expr) -> sp.Expr:
        return sp.expand(f.subs(change, simultaneous=True))

    expected = laplace.cumulant(loss, (phi, psi), v, order=2)
    assert laplace.cumulant(moved(loss), (moved(phi), moved(psi)), v, order=2) == expected


@settings(max_examples=15, deadline=None)
@given(problems(), small, small)
def test_the_place_of_the_minimum_does_not_matter(problem, a, b) -> None:
    loss, (phi, psi), v = problem
    shift = {x: x - a, y: y - b}
    moved = [f.subs(shift, simultaneous=True) for f in (loss, phi, psi)]
    expected = laplace.cumulant(loss, (phi, psi), v, order=2)
    assert laplace.cumulant(moved[0], moved[1:], v, order=2, at=(a, b)) == expected


def test_independent_variables_have_no_covariance_at_any_order() -> None:
    loss = x**2 + x**3 / 3 + x**4 + y**2 / 2 - y**3 / 5 + y**4
    assert laplace.cumulant(loss, (x**2 + x, y - y**3), (x, y), order=4) == (0, 0, 0, 0, 0)


def test_three_variables_of_symbols() -> None:
    """Lemma 20 with every derivative tensor a symbol: t Cov → a·b where H = I."""
    v = (x, y, z)
    loss = (x**2 + y**2 + z**2) / 2 + generic_symmetric("T", v, 3)
    a, b = generic_symmetric("a", v, 1), generic_symmetric("b", v, 1)
    gradient_product = sum((sp.diff(a, w) * sp.diff(b, w) for w in v), sp.S.Zero)
    assert sp.expand(laplace.cumulant(loss, (a, b), v, order=1)[1] - gradient_product) == 0


def test_a_gaussian_has_its_moments() -> None:
    """⟨x^{2k}⟩ = (2k−1)!! t^{−k} for L = x²/2, and nothing else at any order; order 0 is the value at the minimum."""
    for k in range(4):
        series = laplace.expectation(x**2 / 2, x ** (2 * k) + 5, (x,), order=3)
        assert series == tuple((sp.factorial2(2 * k - 1) if n == k else 0) + (5 if n == 0 else 0) for n in range(4))
    assert laplace.expectation(x**2 / 2, 5 + x, (x,), order=0) == (5,)
    assert laplace.log_partition(x**2 / 2, (x,), order=0) == (0,)


def test_an_exponential_prior_shifts_the_gaussian() -> None:
    """L = x²/2 and prior e^{bx}: the mean is b/t and the variance 1/t, exactly."""
    b = sp.Symbol("b")
    assert laplace.expectation(x**2 / 2, x, (x,), order=3, prior=sp.exp(b * x)) == (0, b, 0, 0)
    assert laplace.cumulant(x**2 / 2, (x, x), (x,), order=3, prior=sp.exp(b * x)) == (0, 1, 0, 0)


@pytest.mark.parametrize("w", [1, -1])
def test_the_minimum_that_is_named(w: int) -> None:
    """The wells of (x² − 1)²/8 are mirror images: H = 1 and D³L = 3w, so ⟨x⟩ = w − 3w/(2t) and log Z has 5(3w)²/24 − 3/8."""
    loss = (x**2 - 1) ** 2 / 8
    assert laplace.expectation(loss, x, (x,), order=1, at=(w,)) == (w, -sp.Rational(3, 2) * w)
    assert laplace.cumulant(loss, (x, x), (x,), order=1, at=(w,)) == (0, 1)
    assert laplace.log_partition(loss, (x,), order=1, at=(w,)) == (0, sp.Rational(3, 2))


def test_one_expansion_serves_all_cumulants() -> None:
    """κ(φ), κ(φ, ψ), κ(φ, φ, φ) and log Z from one object, in any order, are those computed apart; the flat prior is 1."""
    loss, phi, psi = QUARTIC, 2 + x + x**2, 3 - x
    expansion = laplace.Expansion(loss, [phi, psi], (x,), order=2)
    assert expansion.cumulant([0, 1]) == laplace.cumulant(loss, (phi, psi), (x,), order=2)
    assert expansion.cumulant([1]) == laplace.expectation(loss, psi, (x,), order=2)
    assert expansion.cumulant([0]) == laplace.expectation(loss, phi, (x,), order=2)
    assert expansion.cumulant([1, 0]) == expansion.cumulant([0, 1])
    assert expansion.log_partition() == laplace.log_partition(loss, (x,), order=2)
    assert expansion.log_partition()[0] == 0


def test_no_more_is_computed_than_the_order_needs() -> None:
    """The loss to degree 2N + 2, everything else to 2N; over polynomials in the symbols unless one is divided by."""
    cubic = laplace.Expansion(x**2 / 2 + alpha * x**3, [x, x**2], (x,), order=3)
    assert [len(parts) for parts in cubic.jets.parts] == [9, 7, 7, 7]
    assert len(cubic.weight) == 7
    assert cubic.jets.domain == sp.QQ[alpha]
    assert laplace.Expansion(lam * x**2, [x], (x,), order=1).jets.domain.is_Field


def test_exponential_of_a_graded_series() -> None:
    ring, u, v = sp.ring("u, v", sp.QQ)
    assert laplace.exponential([u, v], 3, ring) == [1, u, u**2 / 2 + v, u**3 / 6 + u * v]


@given(st.lists(small, min_size=4, max_size=4), st.lists(small, min_size=3, max_size=3))
def test_quotients_and_logarithms_of_power_series(numerator, rest) -> None:
    """(f g)/g = f, and log(1 + w) = w − w²/2 + w³/3 for w = O(u)."""
    w = [sp.S.Zero, *rest]
    g = [sp.S.One, *rest]
    assert laplace.divide(multiply(numerator, g, sp.S.Zero), g) == numerator
    square = multiply(w, w, sp.S.Zero)
    expected = [a - b / 2 + c / 3 for a, b, c in zip(w, square, multiply(w, square, sp.S.Zero), strict=True)]
    found = laplace.logarithm([sp.QQ.from_sympy(c) for c in g], sp.QQ)
    assert found == [sp.QQ.from_sympy(c) for c in expected]


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_cumulants_of_known_laws(m: int) -> None:
    """Exponential law: moments n!, cumulants (m−1)!. Poisson law of mean 1: moments Bell numbers, cumulants 1."""

    def cumulant(moments) -> sp.Expr:
        (value,) = laplace.cumulant_from_moments(
            tuple(range(m)), lambda block: [moments(len(block))], lambda f, g: [f[0] * g[0]]
        )
        return value

    assert cumulant(sp.factorial) == sp.factorial(m - 1)
    assert cumulant(sp.bell) == 1


@pytest.mark.parametrize("t", [3, sp.Integer(3), Fraction(3), sp.Symbol("t")])
def test_series_are_evaluated_exactly(t) -> None:
    assert laplace.evaluate((1, 2, lam), t) == 1 + 2 / sp.sympify(t) + lam / sp.sympify(t) ** 2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: laplace.expectation(x**2, x, (x,), order=-1), "order must be an integer ≥ 0, got -1"),
        (lambda: laplace.expectation(x**2, x, (x,), order=1.5), "order must be an integer ≥ 0, got 1.5"),
        (lambda: laplace.cumulant(x**2, (), (x,), order=1),
         "a joint cumulant needs at least one observable; `log_partition` is the cumulant of none"),
        (lambda: laplace.cumulant(x**2, (x, x**2), (x,), order=1, prior=x**3),
         "the prior x**3 vanishes at the minimum; the expansion needs prior(w*) ≠ 0"),
        (lambda: laplace.evaluate((1,), 0.5),
         "0.500000000000000 holds the inexact number 0.500000000000000; write it as a fraction"),
        *((lambda t=t: laplace.evaluate((1, 2), t), f"an expansion in 1/t is evaluated at a finite t > 0; it was given t = {t}")
          for t in (0, -1, sp.oo, sp.nan, sp.I)),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, says) -> None:
    with pytest.raises(BadInput) as caught:
        call()
    assert str(caught.value) == says


def test_what_is_not_smooth_is_refused() -> None:
    with pytest.raises(BadInput, match="smooth"):
        laplace.expectation(x**2, sp.Abs(x), (x,), order=1)
