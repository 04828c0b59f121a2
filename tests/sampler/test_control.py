"""Control variates: mean 0 under the chain itself, no bias, and the variance that they promise.

False alarms: |z| < 4.9 in each comparison, about 1e-6. A field of the wrong kernel, or without its step, must be caught.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from sampler import chain, control, diagnostics
from sampler.kernels.mala import mala
from sampler.kernels.sgld import sgld
from sampler.lower import lower, lower_loss
from sampler.posterior import LocalPosterior
from theory import langevin
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
LOSS = x**2 / 2 + y**2 + x**3 / 8 + x * y**2 / 4 + x**4 / 24 + y**4 / 12
QUADRATIC = x**2 / 2 + y**2 + x * y / 2
T, STEP = 30, sp.Rational(1)
BOUND = 4.9


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def posterior_of(loss: sp.Expr, gamma: float = 0.0, **kwargs) -> LocalPosterior:
    return LocalPosterior(lower_loss(loss, (x, y)), jnp.zeros((1, 0)), jnp.zeros(2), T, gamma, **kwargs)


def sample(kernel, posterior: LocalPosterior, observables: tuple[sp.Expr, ...], *, fields=None, seed=0, draws=500):
    observed = {str(i): lower(phi, (x, y)) for i, phi in enumerate(observables)}
    observed["fields"] = fields or control.fields(kernel, posterior, degree=4)
    key = jax.random.key(seed)
    run = chain.run(key, kernel, posterior, chains=256, draws=draws, burn_in=200, thin=4, observables=observed)
    return [run.trace(str(i)) for i in range(len(observables))], run.trace("fields")


@pytest.mark.parametrize("make", [sgld, mala])
@pytest.mark.parametrize("gamma", [0.0, 10.0])
def test_every_field_has_mean_zero(make, gamma: float) -> None:
    _, fields = sample(make(1.0 / T), posterior_of(LOSS, gamma), (x,))
    assert fields.shape[-1] == 14
    assert np.abs(diagnostics.mean(fields).z(0.0)).max() < BOUND


@pytest.mark.parametrize("make", [sgld, mala])
def test_the_statistic_is_the_fields_and_one_function_for_all_losses(make) -> None:
    kernel, posterior, other = make(1.0 / T), posterior_of(LOSS, 10.0), posterior_of(QUADRATIC)
    statistic = control.statistic(kernel, posterior, degree=3)
    assert control.statistic(kernel, other, degree=3) is statistic
    run = chain.run(
        jax.random.key(3), kernel, posterior, chains=8, draws=20, burn_in=10,
        observables={"fields": control.fields(kernel, posterior, degree=3)}, statistics={"statistic": statistic},
    )  # fmt: skip
    assert np.abs(run.trace("statistic") - run.trace("fields")).max() < 1e-12


def test_steins_fields_are_not_those_of_the_discrete_chain() -> None:
    """Continuous-time identities on an SGLD chain at u = 1 … 2: refused by many standard errors."""
    posterior = posterior_of(LOSS)
    stein = control.fields(mala(1.0 / T), posterior, degree=4)
    _, fields = sample(sgld(1.0 / T), posterior, (x,), fields=stein)
    assert np.abs(diagnostics.mean(fields).z(0.0)).max() > 20


def test_estimates_keep_their_target_and_lose_their_variance() -> None:
    """Against the law of the chain (theory): mean, covariance, third cumulant; variance at least 100 times smaller."""
    kernel, posterior = sgld(float(STEP) / T), posterior_of(LOSS)
    phis = (x**2 + x * y, x + y / 2 - x**2 / 4, x)
    traces, fields = sample(kernel, posterior, phis)
    plain = (diagnostics.mean, diagnostics.covariance, diagnostics.third_cumulant)
    for m in (1, 2, 3):
        series = langevin.cumulant(LOSS, phis[:m], (x, y), e=STEP, order=8)
        expected = float(sum(c * sp.Rational(1, T) ** k for k, c in enumerate(series)))
        truncation = abs(float(series[-1] * sp.Rational(1, T) ** 8))
        reduced, direct = control.cumulant(traces[:m], fields), plain[m - 1](*traces[:m])
        assert abs(reduced.mean - expected) < BOUND * np.hypot(reduced.sem, truncation)
        assert abs(direct.mean - expected) < BOUND * direct.sem
        assert direct.sem**2 > 100 * reduced.sem**2


PHIS = (x**2 + x * y, x + y / 2 - x**2 / 4, x)


@pytest.fixture(scope="module")
def long_run():
    """(traces of PHIS, fields), for several cumulants."""
    with jax.enable_x64(True):
        return sample(sgld(float(STEP) / T), posterior_of(LOSS), PHIS, draws=2000)


@pytest.mark.parametrize("picks", [(0, 1, 1, 2), (2, 2, 2, 2), (2, 2, 2, 2, 2)])
def test_higher_cumulants_meet_the_law_of_the_chain(picks, long_run) -> None:
    """κ₄ and κ₅; leaving out the pairs of the fourth cumulant would shift it by 3 Cov², hundreds of standard errors."""
    traces, fields = long_run
    series = langevin.cumulant(LOSS, [PHIS[i] for i in picks], (x, y), e=STEP, order=9)
    expected = float(sum(c * sp.Rational(1, T) ** k for k, c in enumerate(series)))
    truncation = abs(float(series[-1] * sp.Rational(1, T) ** 9))
    estimate = control.cumulant([traces[i] for i in picks], fields)
    assert abs(estimate.mean - expected) < BOUND * np.hypot(estimate.sem, truncation)
    without_pairs = 3 * np.prod([traces[i].std() for i in picks])
    assert without_pairs > 20 * estimate.sem


def test_a_quadratic_leaves_rounding_only() -> None:
    """On a quadratic loss polynomials of degree ≤ 4 have no variance left; S = [H(I − eH/4)]⁻¹/t by linear algebra."""
    (a, b), fields = sample(sgld(0.5 / T), posterior_of(QUADRATIC), (x, x + y))
    hessian = np.array([[1.0, 0.5], [0.5, 2.0]])
    S = np.linalg.inv(hessian @ (np.eye(2) - 0.125 * hessian)) / T
    estimate = control.cumulant([a, b], fields)
    assert abs(estimate.mean - S[0] @ [1, 1]) < BOUND * estimate.sem
    assert estimate.sem < 1e-8 * S[0, 0]


def test_standard_errors_are_honest() -> None:
    """z-scores over 40 seeds: their mean square lies between the 1e-6 quantiles of χ²_40/40 (0.26 and 2.6)."""
    kernel, posterior = sgld(float(STEP) / T), posterior_of(LOSS)
    observables = (x**2, x)
    series = langevin.cumulant(LOSS, observables, (x, y), e=STEP, order=8)
    expected = float(sum(c * sp.Rational(1, T) ** k for k, c in enumerate(series)))
    once, z = control.fields(kernel, posterior, degree=4), []
    for seed in range(40):
        traces, fields = sample(kernel, posterior, observables, fields=once, seed=seed, draws=100)
        z.append(float(control.cumulant(traces, fields).z(expected)))
    assert 0.26 < np.mean(np.square(z)) < 2.6


def test_clamped_weights_have_no_fields() -> None:
    posterior = LocalPosterior(
        lambda w, _: jnp.sum(w["a"] ** 2) + w["b"] ** 2, jnp.zeros((1, 0)), {"a": jnp.zeros(2), "b": jnp.zeros(())}, T, 0.0,
        mask={"a": True, "b": False},
    )  # fmt: skip
    field = control.fields(sgld(0.5 / T), posterior, degree=2)
    assert field(posterior.centre).shape == (5,)
    # Inside a chain, where everything is traced, and unbiased there: 5 fields with mean 0.
    run = chain.run(
        jax.random.key(3),
        sgld(0.5 / T),
        posterior,
        chains=64,
        draws=200,
        burn_in=60,
        thin=2,
        observables={"fields": field},
    )
    assert np.abs(diagnostics.mean(run.trace("fields")).z(0.0)).max() < BOUND


def test_bad_input_is_named() -> None:
    with pytest.raises(BadInput, match="full-batch"):
        control.fields(sgld(0.1), posterior_of(LOSS, batch_size=1))
    with pytest.raises(BadInput, match="monomials"):
        control.fields(
            sgld(0.1), LocalPosterior(lambda w, _: jnp.sum(w**2), jnp.zeros((1, 0)), jnp.zeros(40), 1.0, 0.0)
        )
    with pytest.raises(BadInput, match="not NUTS"):
        control.fields(type("NUTS", (), {})(), posterior_of(LOSS))  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadInput, match="take one run"):
        control.mean(np.zeros((2, 8)), np.zeros((2, 9, 1)))


def test_the_sixth_cumulant_is_that_of_the_draws() -> None:
    """κ₆ = μ₆ − 15 μ₄μ₂ − 10 μ₃² + 30 μ₂³ of the empirical law, where the only field is zero."""
    trace = np.random.default_rng(5).gamma(3.0, size=(4, 100))
    mu = [np.mean((trace - trace.mean()) ** k) for k in range(7)]
    exact = mu[6] - 15 * mu[4] * mu[2] - 10 * mu[3] ** 2 + 30 * mu[2] ** 3
    found = control.cumulant([trace] * 6, np.zeros((4, 100, 1)))
    assert float(found.mean) == pytest.approx(exact, rel=1e-10)


def conditional_mean(alpha: tuple[int, ...], m: list[sp.Expr], variance: sp.Expr) -> sp.Expr:
    """E[Π (m_i + √v ξ_i)^α_i] from the moments 0, 1, 0, 3, … of ξ."""
    total = sp.S.One
    for a, at in zip(alpha, m, strict=True):
        moments = [sp.factorial2(k - 1) * variance ** (k // 2) if k % 2 == 0 else 0 for k in range(a + 1)]
        total *= sum(sp.binomial(a, k) * at ** (a - k) * moments[k] for k in range(a + 1))
    return total


def test_the_fields_of_one_step_and_of_stein_are_their_formulas() -> None:
    """x^α − E[x′^α|x], x′ = x − (e/2) g + √e ξ, and Δx^α − g·∇x^α for all monomials of degree 1 … 5 in two variables, by sympy."""
    at, slope, e = [sp.Rational(3, 4), sp.Rational(-5, 3)], [sp.Rational(7, 5), sp.Rational(1, 2)], sp.Rational(2, 3)
    powers = [(i, j) for i in range(6) for j in range(6) if 1 <= i + j <= 5]
    w, g = (jnp.asarray([float(c) for c in values]) for values in (at, slope))
    one, two = control._one_step(w, g, powers, float(e)), control._stein(w, g, powers, 0.0)
    moved = [a - e / 2 * g for a, g in zip(at, slope, strict=True)]
    here = dict(zip((x, y), at, strict=True))
    for alpha, found, stein in zip(powers, one, two, strict=True):
        F = x ** alpha[0] * y ** alpha[1]
        assert float(found) == pytest.approx(float(F.subs(here) - conditional_mean(alpha, moved, e)), rel=1e-12)
        generator = sum(F.diff(v, 2) - g * F.diff(v) for v, g in zip((x, y), slope, strict=True))
        assert float(stein) == pytest.approx(float(sp.sympify(generator).subs(here)), rel=1e-12, abs=1e-12)


def test_fields_are_asked_for_up_to_degree_three_and_a_thousand() -> None:
    """Two variables have 2 + 3 + 4 monomials; one variable may go to degree 1000."""
    posterior = posterior_of(LOSS)
    assert jax.eval_shape(control.fields(sgld(0.1), posterior), posterior.centre).shape == (9,)
    assert control.statistic(sgld(0.1), posterior) is control.statistic(sgld(0.1), posterior, degree=3)
    line = LocalPosterior(lambda w, _: jnp.sum(w**2), jnp.zeros((1, 0)), jnp.zeros(1), 8.0, 0.0)
    powers, _, noise = control._plan(sgld(0.25), line, 1000)
    assert powers == [(k,) for k in range(1, 1001)] and noise == 2.0
    with pytest.raises(BadInput, match="1 weights have 1001 monomials of degree ≤ 1001 and 1000 is the most"):
        control._plan(sgld(0.25), line, 1001)


def test_what_is_reduced_is_the_residual_plus_the_mean_that_the_fit_leaves() -> None:
    """s − c·Z with c and a constant by least squares, whatever the sizes of the fields; a field twice and one of zeros change
    nothing."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3, 40, 2)) * [1e-6, 1e3] + [1e-6, 2e3]
    s = rng.normal(size=(3, 40)) + z @ [2e5, -3e-3]
    columns = np.column_stack([np.ones(120), z.reshape(120, 2)])
    c = np.linalg.lstsq(columns / [1, 1e-6, 1e3], s.ravel(), rcond=None)[0] / [1, 1e-6, 1e3]
    expected = s - z @ c[1:]
    np.testing.assert_allclose(control.reduced(s, z), expected, rtol=1e-9)
    more = np.concatenate([z, z[..., :1], 0 * z[..., :1]], axis=-1)
    np.testing.assert_allclose(control.reduced(s, more), expected, rtol=1e-7)
    once = control.standardised(z)
    assert control.standardised(once) is once and once.shape == (3, 40)
    np.testing.assert_allclose(np.sqrt(np.mean((once.centred + once.mean) ** 2, axis=0)), 1, rtol=1e-12)
    found, plain = control.mean(s, once), diagnostics.mean(expected)
    assert found.mean == pytest.approx(plain.mean) and found.sem == pytest.approx(plain.sem)
    exact = control.mean(z @ [1e6, 1e-3], z)
    assert exact.sem == pytest.approx(1e-10 * (z @ [1e6, 1e-3]).std(), rel=1e-3)  # rounding has a floor


def test_the_error_of_a_cumulant_is_that_of_its_influence_function() -> None:
    """Without fields: (x−x̄)(y−ȳ), and xyz less x Cov(y,z) and its like; of four, xyzw − Σ x κ(y,z,w) − Σ Cov Cov by pairs,
    with x_B m_B′ on both sides of a pair."""
    rng = np.random.default_rng(1)
    u, v, w = (t - t.mean() for t in rng.gamma(2.0, size=(3, 2, 50)))
    v, none = v + u, np.zeros((2, 50, 1))

    def m(*factors: np.ndarray) -> float:
        return float(np.mean(np.prod(factors, axis=0)))

    two, three = u * v, u * v * w - u * m(v, w) - v * m(u, w) - w * m(u, v)
    four = u * u * v * w - 2 * u * m(u, v, w) - v * m(u, u, w) - w * m(u, u, v)
    for (a, b), (c, d) in (((u, u), (v, w)), ((u, v), (u, w)), ((u, w), (u, v))):
        four = four - a * b * m(c, d) - c * d * m(a, b) + m(a, b) * m(c, d)
    for traces, series in (([u, v], two), ([u, v, w], three), ([u, u, v, w], four)):
        found, expected = control.cumulant([t + 3 for t in traces], none), diagnostics.mean(series)
        assert found.mean == pytest.approx(expected.mean, rel=1e-10) and found.sem == pytest.approx(
            expected.sem, rel=1e-10
        )
    assert control.cumulant([u + 3], none).mean == pytest.approx(3)
