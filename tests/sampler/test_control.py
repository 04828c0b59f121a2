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
        control.fields(type("NUTS", (), {})(), posterior_of(LOSS))
    with pytest.raises(BadInput, match="take one run"):
        control.mean(np.zeros((2, 8)), np.zeros((2, 9, 1)))


def test_the_sixth_cumulant_is_that_of_the_draws() -> None:
    """κ₆ = μ₆ − 15 μ₄μ₂ − 10 μ₃² + 30 μ₂³ of the empirical law, where the only field is zero."""
    trace = np.random.default_rng(5).gamma(3.0, size=(4, 100))
    mu = [np.mean((trace - trace.mean()) ** k) for k in range(7)]
    exact = mu[6] - 15 * mu[4] * mu[2] - 10 * mu[3] ** 2 + 30 * mu[2] ** 3
    found = control.cumulant([trace] * 6, np.zeros((4, 100, 1)))
    assert float(found.mean) == pytest.approx(exact, rel=1e-10)
