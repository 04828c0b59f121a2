"""The stationary law of SGLD on random quadratics, against the discrete Lyapunov equation solved by scipy.

    S = A S Aᵀ + εI + (ε²/4) G,   A = I − (ε/2)P,   P = nβ H + γ I,   G = (nβ)²/m · Cov(b)

False alarms: each comparison of k entries uses the limit of a family of 1e-6/examples. What would be seen: with 200
chains × 400 draws the entries are known to 1–4%; the continuous-time law P⁻¹ is wrong by u/4 ≥ 5% in the stiffest
direction (u = ε λ_max(P) ≥ 0.4) and by 25% or more at u ≥ 0.8; a factor ½ by 50%.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov

from sampler import chain, diagnostics
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior

EXAMPLES = 6


def quadratic(w, z):
    """½ wᵀHw + b·w: the Hessian comes with the data, so that another one compiles nothing."""
    return w @ z["H"] @ w / 2 + z["b"] @ w


@lru_cache
def observe():
    return {"w": lambda w: w}


def problem(seed, d):
    """A Hessian with eigenvalues in [0.5, 2.5], and 8 linear terms of mean zero."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0]
    H = basis @ np.diag(rng.uniform(0.5, 2.5, d)) @ basis.T
    b = rng.normal(size=(8, d))
    return H, b - b.mean(axis=0)


def covariance_of_chain(H, b, *, epsilon, nbeta, gamma, batch_size):
    d = len(H)
    A = np.eye(d) - epsilon / 2 * (nbeta * H + gamma * np.eye(d))
    G = 0 if batch_size is None else nbeta**2 / batch_size * b.T @ b / len(b)
    return solve_discrete_lyapunov(A, epsilon * np.eye(d) + epsilon**2 / 4 * G)


def sample(H, b, *, epsilon, nbeta, gamma, batch_size=None, seed=0, burn_in=300, chains=200, draws=400):
    data = {"H": jnp.broadcast_to(jnp.array(H), (len(b), *H.shape)), "b": jnp.array(b)}
    p = LocalPosterior(quadratic, data, jnp.zeros(len(H)), nbeta, gamma, None, batch_size)
    key = jax.random.key(seed)
    return chain.run(key, sgld(epsilon), p, chains=chains, draws=draws, burn_in=burn_in, observables=observe())


def settled(H, nbeta, gamma, u):
    return u / (nbeta * np.linalg.eigvalsh(H)[-1] + gamma)


@pytest.mark.parametrize(("d", "batch_size"), [(1, None), (3, None), (2, 2), (4, 1)])
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**31), u=st.floats(0.4, 3.5), nbeta=st.floats(1.0, 1e4), ratio=st.floats(0.0, 1.0))
def test_covariance_is_that_of_the_discrete_chain(limit, d, batch_size, seed, u, nbeta, ratio):
    H, b = problem(seed, d)
    b = b / np.sqrt(nbeta) if batch_size else b
    gamma = ratio * nbeta
    epsilon = settled(H, nbeta, gamma, u)
    run = sample(H, b, epsilon=epsilon, nbeta=nbeta, gamma=gamma, batch_size=batch_size, seed=seed % 1000)
    S = covariance_of_chain(H, b, epsilon=epsilon, nbeta=nbeta, gamma=gamma, batch_size=batch_size)
    found, family = run.kept(run.observables["w"]), (d * d + d + 2) * EXAMPLES * 4
    assert np.abs(diagnostics.covariance(found, found).z(S)).max() < limit(family)
    assert np.abs(diagnostics.mean(found).z(0.0)).max() < limit(family)
    assert abs(run.stationarity()) < limit(family)
    assert abs(llc(run).z(nbeta / 2 * np.sum(H * S))) < limit(family)


@pytest.fixture(scope="module")
def fixed():
    H, b = problem(1, 2)
    b = b / 3
    settings = {"epsilon": settled(H, 100.0, 10.0, 1.5), "nbeta": 100.0, "gamma": 10.0}
    return H, b, settings, sample(H, b, **settings), sample(H, b, **settings, batch_size=2)


def test_wrong_covariances_are_rejected(fixed, limit, agrees):
    """|z| of each wrong law beyond the limit that the right one keeps."""
    H, b, s, full, mini = fixed
    right, with_noise = (covariance_of_chain(H, b, **s, batch_size=m) for m in (None, 2))
    found = diagnostics.covariance(full.kept(full.observables["w"]), full.kept(full.observables["w"]))
    noisy = diagnostics.covariance(mini.kept(mini.observables["w"]), mini.kept(mini.observables["w"]))
    assert agrees(found, right)
    assert agrees(noisy, with_noise)
    continuous = np.linalg.inv(s["nbeta"] * H + s["gamma"] * np.eye(2))
    for wrong in (right / 2, continuous, with_noise):
        assert not agrees(found, wrong)
    assert not agrees(noisy, right), "the noise of the minibatches must be seen"


def test_wrong_learning_coefficients_are_rejected(fixed, limit):
    H, b, s, run, _ = fixed
    right = s["nbeta"] / 2 * np.sum(H * covariance_of_chain(H, b, **s, batch_size=None))
    estimate = llc(run)
    assert abs(estimate.z(right)) < limit()
    assert abs(estimate.z(right / 2)) > limit()
    assert abs(estimate.z(1.0)) > limit(), "d/2 is not the coefficient of a localised chain with a finite step"


def test_controlled_coefficient_is_the_same_number_with_a_smaller_error(limit):
    H, b = problem(2, 3)
    epsilon = settled(H, 50.0, 0.0, 0.3)
    run = sample(H, b, epsilon=epsilon, nbeta=50.0, gamma=0.0)
    S = covariance_of_chain(H, b, epsilon=epsilon, nbeta=50.0, gamma=0.0, batch_size=None)
    plain, controlled = llc(run), llc(run, control=True)
    assert abs(controlled.z(25 * np.sum(H * S))) < limit()
    assert controlled.sem < 0.3 * plain.sem


def test_counting_the_burn_in_is_rejected(limit):
    """Chains that start far away and count their way in miss the coefficient; the virial identity says so as well."""
    H, b = problem(3, 2)
    epsilon = settled(H, 100.0, 0.0, 0.2)
    data = {"H": jnp.broadcast_to(jnp.array(H), (8, 2, 2)), "b": jnp.array(b)}
    p = LocalPosterior(quadratic, data, jnp.zeros(2), 100.0, 0.0)
    far = {"chains": 200, "draws": 400, "initial": jnp.array([3.0, 3.0]), "observables": observe()}
    S = covariance_of_chain(H, b, epsilon=epsilon, nbeta=100.0, gamma=0.0, batch_size=None)
    exact = 50 * np.sum(H * S)
    for burn_in, right in ((0, False), (500, True)):
        run = chain.run(jax.random.key(0), sgld(epsilon), p, burn_in=burn_in, **far)
        assert bool(abs(llc(run).z(exact)) < limit()) is right
        assert bool(abs(run.stationarity()) < limit()) is right
