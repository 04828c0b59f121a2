"""Lemmas 18, 20, 25 in the singular case: regular limits, exact covariances, regression models, a tanh network."""

import math

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import singular
from theory.errors import BadInput
from theory.singular import essentially_unique, lemma18, lemma20, lemma25, limit_law, llc_susceptibility, trace
from theory.zeta.balls import ball
from theory.zeta.precision import digits

x, y, e, q, a, b = sp.symbols("x y e q a b", real=True)
R = sp.Rational
SQUARE = "symmetric"
K_OF_TWO = x**2 * y**4


def gaussian_moment(monomial: sp.Expr) -> sp.Expr:
    """E of a monomial in the independent standard normal q, e."""
    (powers,) = sp.Poly(monomial, q, e).monoms()
    return sp.Mul(*(0 if n % 2 else sp.factorial2(n - 1) if n else 1 for n in powers))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=4, max_size=4), st.integers(1, 4), st.integers(1, 4))
def test_the_regular_case_is_lemma_20(c, h, k) -> None:
    """K = ½(hx² + ky²): t Cov(f, g) → aᵀΣb, whatever the higher terms."""
    law = limit_law((h * x**2 + k * y**2) / 2, (x, y), domain=SQUARE)
    f, g = c[0] * x + c[1] * y + x * y, c[2] * x + c[3] * y + x**2
    assert lemma20(law, f, g) == R(c[0] * c[2], h) + R(c[1] * c[3], k)


@pytest.mark.parametrize(
    ("c", "names", "expected"),
    [(x * y, (x, y), 1), (x * y**2, (x, y), R(1, 2)),
     (x**2, (x,), R(1, 2) - 2 * sp.gamma(R(3, 4)) ** 2 / sp.gamma(R(1, 4)) ** 2)],
)  # fmt: skip
def test_traces_of_regression_models(c, names, expected) -> None:
    """Model c(w)·q + noise, true c = 0: f_z = ½c²q² − e c q, K = ½c²; 2λ where signs cancel, less where the image is one-sided."""
    law = limit_law(c**2 / 2, names, domain=SQUARE)
    found = trace(law, c**2 * q**2 / 2 - e * c * q, (q, e), gaussian_moment)
    assert sp.simplify(found - expected) == 0
    if c == x**2:
        assert abs(sp.N(found) - sp.Float("0.27153")) < 1e-5
        assert sp.simplify(found - 2 * (R(1, 4) - sp.gamma(R(3, 4)) ** 2 / sp.gamma(R(1, 4)) ** 2)) == 0


@pytest.mark.parametrize(("f", "g"), [(x * y, x * y), (x**2, x**2), (x**2, y**2), (x**2, x * y)], ids=str)
def test_without_normal_crossings(f, g) -> None:
    """x⁴ + y⁴ + x²y²: by homogeneity λE[aa'] and c_λE[sa] are moments of e^{−K} on R², here by 2-d quadrature in polar form."""
    K = x**4 + y**4 + x**2 * y**2
    law = limit_law(K, (x, y), domain=SQUARE)
    assert law.threshold == R(1, 2)
    with digits(20), mp.workdps(25):
        found = mp.mpf(ball(lemma20(law, f, g)).mid().str(25, radius=False))
        loss, first, second = (sp.lambdify((x, y), h, "mpmath") for h in (K, f, g))

        def moment(h, degree):  # ∫ e^{−r⁴k} r^{degree+1} dr = ¼ Γ((degree+2)/4) k^{−(degree+2)/4}
            s = mp.mpf(degree + 2) / 4

            def angular(t):
                return h(mp.cos(t), mp.sin(t)) * loss(mp.cos(t), mp.sin(t)) ** -s

            return mp.gamma(s) / 4 * mp.quad(angular, mp.linspace(0, 2 * mp.pi, 9))

        one = moment(lambda *_: mp.mpf(1), 0)
        expected = moment(lambda *w: first(*w) * second(*w), 4) / one - moment(first, 2) * moment(second, 2) / one**2
        assert abs(found - expected) < 1e-17


@pytest.mark.parametrize("f", [x * y, x * y * (1 + x), x * y * (2 + y - x)], ids=str)
@pytest.mark.parametrize("K", [x**2 * y**2, x**2 * y**2 * (1 + x**2 * y**2)], ids=str)
def test_the_limit_is_that_of_the_exact_covariance(K, f) -> None:
    """t Cov(f, f) at leading order, from the numerator Z[f²]Z − Z[f]²."""
    law = limit_law(K, (x, y), domain=SQUARE)
    found = singular.covariance(K, f, f, (x, y), domain=SQUARE).leading
    assert found[1:] == (1, 0)
    assert sp.simplify(found.coefficient - lemma20(law, f, f)) == 0


def test_finite_t_with_independent_digits() -> None:
    """c = w_1w_2² under N(0, 1)²: t E_z Var f_z at t = 10⁴ is 0.466343913854, an independent one-dimensional integral."""
    K, c = x**2 * y**4 / 2, x * y**2
    variance = singular.covariance(K, c, c, (x, y), domain="gaussian").evaluate(10**4, 20)
    quartic = singular.covariance(K, K, K, (x, y), domain="gaussian").evaluate(10**4, 20)
    total = 10**4 * (variance + 3 * quartic)  # E e²q² = 1, E q⁴ = 3, the cross terms are odd in e
    assert abs(float(total.mid()) - 0.466343913854) < 1e-12


def test_lemma_18() -> None:
    """One-sided: √t⟨w²⟩ → Γ(¾)/Γ(¼) for K = w⁴; 0 where the sign mean vanishes."""
    law = limit_law(x**4, (x,), domain=SQUARE)
    assert lemma18(law, x**2) == sp.gamma(R(3, 4)) / sp.gamma(R(1, 4))
    assert lemma18(limit_law(x**2 * y**2, (x, y), domain=SQUARE), x * y) == 0


@pytest.mark.parametrize(
    ("K", "f", "power", "constant", "case"),
    [
        (x**4, x**2, R(3, 2), sp.gamma(R(3, 4)) / sp.gamma(R(1, 4)) / 2, "the sign mean does not vanish"),
        (x**2, x + x**2 / 3, 2, R(1, 6), "the sign mean vanishes and the even part of f is of order K"),
        (x**6, x**3 * (1 + x), R(5, 3), R(2, 3) * sp.gamma(R(5, 6)) / sp.gamma(R(1, 6)), "larger than K"),
        (x**10, x**5 * (1 + x), R(8, 5), R(3, 5) * sp.gamma(R(7, 10)) / sp.gamma(R(1, 10)), "larger than K"),
    ],
    ids=str,
)  # fmt: skip
def test_the_table_of_llc_susceptibilities(K, f, power, constant, case) -> None:
    """t^{−3/2}, t^{−2}, or t^{−1−ν} with ν = (k+1)/2k for x^{2k}, f = x^k(1+x); constants ν E[…]."""
    found = llc_susceptibility(singular.Model(K, (x,), domain=SQUARE), f)
    assert found.leading[1:] == (power, 0)
    assert sp.simplify(sp.gammasimp(found.leading.coefficient - constant)) == 0
    assert case in found.case


@pytest.mark.parametrize(
    ("f", "power", "logs", "case"),
    [
        (K_OF_TWO * x**2, 2, 0, "of order K"),
        (sp.Abs(x) ** R(3, 2) * y**4, 2, 1, "larger than K"),  # both (h+1)/κ of f are 5/4: a double pole at λ + 1
        (K_OF_TWO * y**2, R(9, 4), 0, "smaller than"),
    ],
    ids=str,
)
def test_logarithms_and_smaller_powers_have_their_row(f, power, logs, case) -> None:
    """x²y⁴, λ = ¼ on y = 0. With log t the susceptibility is larger than t^{−2}: t² Cov grows by 1/16 of log t."""
    found = llc_susceptibility(singular.Model(K_OF_TWO, (x, y), domain=SQUARE), f)
    assert found.leading[1:] == (power, logs) and case in found.case
    if logs:
        made = singular.covariance(K_OF_TWO, K_OF_TWO, f, (x, y), domain=SQUARE)
        low, high = (t**2 * made.evaluate(t, 15) for t in (10**16, 10**20))
        assert abs(float((high - low).mid()) - 4 * math.log(10) / 16) < 0.002


def test_an_average_over_the_data_kills_the_large_terms() -> None:
    """E_z Cov(K, f_z) = Var K exactly: for K = x⁴/2 the terms −e q Cov(K, x²) ~ t^{−3/2} drop out."""
    K = x**4 / 2
    model = singular.Model(K, (x,), domain=SQUARE)
    assert llc_susceptibility(model, x**2).leading.power == R(3, 2)
    variance = singular.potential(K, (x,), order=2, domain=SQUARE).leading
    assert variance == (R(1, 4), 0, 0)  # t² Var K → λ


@pytest.mark.parametrize(("A", "f"), [(1 + y, x**2 * y), (sp.S.One, x**2 * y * (1 + y)), (1 + y**2, x**2 * y)], ids=str)
def test_lemma_25(A, f) -> None:
    """t^{3/2} Cov(KA, f) on the box against the exact numerator, K = x⁴y²."""
    K = x**4 * y**2
    law = limit_law(K, (x, y))
    found = singular.covariance(K, K * A, f, (x, y)).leading
    assert found[1:] == (R(3, 2), 0)
    assert sp.simplify(sp.gammasimp(found.coefficient - lemma25(law, A, f))) == 0


def test_lemma_25_where_signs_cancel() -> None:
    """K = x²y² inside, A = A_0 + β xy, f = xy(a_0 + α xy): t² Cov → λ(λ+1)(αA_0 + βa_0) − λ²A_0α."""
    A0, beta, a0, alpha = 2, 3, 5, 7
    K = x**2 * y**2
    law = limit_law(K, (x, y), domain=SQUARE)
    A, f = A0 + beta * x * y, x * y * (a0 + alpha * x * y)
    assert lemma25(law, A, f) == 0
    lam = R(1, 2)
    found = singular.covariance(K, K * A, f, (x, y), domain=SQUARE).leading
    assert found == (lam * (lam + 1) * (alpha * A0 + beta * a0) - lam**2 * A0 * alpha, 2, 0)


def test_a_tanh_unit() -> None:
    """a·tanh(bq), q ∈ {1, 2}, true value 0: K = a²(τ_1² + τ_2²)/4, τ_q = tanh(bq). At the point stratum τ_2 = 2τ_1, so that
    E_μ[a_i a_j] = q_i q_j · 4/5 and λ = ½; the covariances at finite t approach it like 1/log t.
    """
    tau = [sp.tanh(b), sp.tanh(2 * b)]
    K = a**2 * (tau[0] ** 2 + tau[1] ** 2) / 4
    law = limit_law(K, (a, b), domain=SQUARE)
    assert (law.threshold, law.multiplicity) == (R(1, 2), 2)
    limits = [lemma20(law, a * tau[i], a * tau[j]) for i, j in ((0, 0), (0, 1), (1, 1))]
    assert limits == [R(2, 5), R(4, 5), R(8, 5)]
    found = singular.covariance(K, a * tau[0], a * tau[1], (a, b), domain=SQUARE)
    assert found.leading == (R(4, 5), 1, 0)
    with mp.workdps(20):  # a integrated exactly over [−1, 1]: Gaussian up to e^{−t…}
        t = 10**6

        def moments(p):
            def inner(v):
                c = t * (mp.tanh(v) ** 2 + mp.tanh(2 * v) ** 2) / 4
                f = [1, mp.tanh(v) * mp.tanh(2 * v)][p]
                s = mp.mpf(1) / 2 + p
                return f * c**-s * mp.gammainc(s, 0, c)

            return mp.quad(inner, [mp.mpf(10) ** -k for k in (20, 16, 12, *range(9, -1, -1))])

        expected = moments(1) / moments(0)
        value = found.evaluate(t, 10)
        error = abs(mp.mpf(value.mid().str(25, radius=False)) - expected)
        assert error < float(value.rad()) < 1e-8 * expected


def test_two_tanh_units_with_weights_on_one_side() -> None:
    """(a_1τ_1 + a_2τ_2)²/2 on [0, 1]⁴: f = √(2K), so that t Var f → 2λ − 2c_λ² = 2 − π/2 with λ = 1, m = 3."""
    names = sp.symbols("a1 t1 a2 t2", real=True)
    a1, t1, a2, t2 = names
    f = a1 * t1 + a2 * t2
    law = limit_law(f**2 / 2, names)
    assert (law.threshold, law.multiplicity) == (1, 3)
    with digits(20):
        assert abs(ball(lemma20(law, f, f)) - ball(2 - sp.pi / 2)) < 1e-16


def test_essential_uniqueness() -> None:
    law = limit_law(x**2 * y**4, (x, y), domain=SQUARE)
    assert essentially_unique(law, x * y**2 * (1 + x))
    assert not essentially_unique(law, x * y)
    with pytest.raises(BadInput, match="is not O"):
        lemma20(law, y, y)


def test_observables_that_vanish_on_a_line() -> None:
    """K = (x − y)² on [0, 1]²: f = x − y is √K up to its sign, t Var f → λ = ½; its monomials are no O(√K), and f is."""
    law = limit_law((x - y) ** 2, (x, y))
    assert essentially_unique(law, x - y) and not essentially_unique(law, x + y)
    assert lemma20(law, x - y, x - y) == R(1, 2)
    assert lemma20(law, x - y, x * (x - y)) == R(1, 4)  # x is uniform on the line
    assert lemma18(law, x * (x - y)) == 0
    found = singular.covariance((x - y) ** 2, x - y, x - y, (x, y)).leading
    assert found[1:] == (1, 0) and sp.simplify(found.coefficient - R(1, 2)) == 0
