"""Susceptibilities against exact responses, and the wrong readings that must be rejected."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

from sampler import chain
from sampler.kernels.mala import mala
from sampler.kernels.sgld import sgld
from sampler.lower import lower, lower_loss
from sampler.posterior import LocalPosterior
from sampler.susceptibility import influence_matrix, mixed, susceptibility
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
L = x**2 / 2 + x**3 / 3 + x**4 / 4
T = 5.0


@pytest.fixture(scope="module")
def tilted():
    """ℓ_z = L + z x² with data z = 0: the probe z = 1 has ℓ_z − L_n = x²."""
    p = LocalPosterior(lower_loss(L + z * x**2, (x,), (z,)), jnp.zeros((1, 1)), jnp.zeros(1), T, 0.0)
    return chain.run(
        jax.random.key(3), mala(0.15), p, chains=400, draws=500, burn_in=200,
        observables={"x": lower(x, (x,))}, probes=jnp.array([[0.0], [1.0], [-2.0]]),
    )  # fmt: skip


def mean_under_tilt(f, h):
    def weight(w):
        return np.exp(-T * (w**2 / 2 + w**3 / 3 + w**4 / 4 + h * w**2))

    return quad(lambda w: f(w) * weight(w), -4, 4, epsabs=1e-13)[0] / quad(weight, -4, 4, epsabs=1e-13)[0]


def response(f):
    """(1/t) d⟨f⟩_h/dh by a central difference of quadratures, good to 1e-8: no covariance is formed."""
    return (mean_under_tilt(f, 1e-4) - mean_under_tilt(f, -1e-4)) / (2e-4 * T)


def test_susceptibility_is_the_response_of_the_mean(tilted, agrees, limit):
    """Known to about 1%; the sign, a factor nβ and a missing baseline lie many errors away."""
    for name, f in (("x", lambda w: w), ("loss", lambda w: w**2 / 2 + w**3 / 3 + w**4 / 4)):
        exact = response(f)
        chi = susceptibility(tilted, name)
        assert chi.dims == ("probe",) and chi.labels == {"probe": ("0", "1", "2")}
        assert agrees(chi, np.array([0.0, exact, -2 * exact]))
        for wrong in (-exact, T * exact, exact / 2):
            assert abs(chi.z(np.array([0.0, wrong, 0.0]))[1]) > limit()
    uncentred = susceptibility(tilted, "x", centred=False)
    assert not agrees(uncentred, np.array([0.0, response(lambda w: w), 0.0]), family=1)


def test_influence_matrix_is_labelled_and_symmetric(tilted):
    matrix = influence_matrix(tilted, names=("a", "b", "c"))
    np.testing.assert_allclose(matrix.mean, matrix.mean.T, atol=1e-15)
    assert matrix.dims == ("query", "probe")
    assert matrix.to_dict()["labels"]["query"] == ["a", "b", "c"]
    assert matrix.mean[1, 1] < 0
    assert "query 3 × probe 3" in str(matrix)


def test_restricted_chain_stays_in_its_component(agrees):
    """L = (x² + xy + y²)/2, component x at y* = 0: Cov_C(g, x²) = 2·½·S² with S the discrete variance of x alone."""
    loss = lower_loss((x**2 + x * y + y**2) / 2 + z * x**2, (x, y), (z,))
    t, epsilon = 50.0, 0.02
    p = LocalPosterior(loss, jnp.zeros((1, 1)), jnp.zeros(2), t, 0.0, jnp.array([True, False]))
    run = chain.run(jax.random.key(0), sgld(epsilon), p, chains=300, draws=400, burn_in=50, probes=jnp.ones((1, 1)))
    S = 1 / (t * (1 - epsilon * t / 4))
    assert run.dimension == 1
    assert agrees(susceptibility(run), -(S**2))
    assert not agrees(susceptibility(run), -1 / t**2), "the continuous-time variance is off by (1 − u/4)²"


def test_mixed_means_follow_their_definition():
    """−{⟨g(ℓ−L)⟩_C − ⟨g⟩_C ⟨ℓ−L⟩_full}, written out from the traces in the form another implementation uses."""
    loss = lower_loss((x**2 + x * y + y**2) / 2 + z * (x**2 + y), (x, y), (z,))
    probes = jnp.array([[1.0], [2.0]])
    runs = []
    for seed, mask in enumerate((jnp.array([True, False]), None)):
        p = LocalPosterior(loss, jnp.array([[0.5], [-0.5]]), jnp.zeros(2), 30.0, 1.0, mask)
        runs.append(chain.run(jax.random.key(seed), sgld(0.02), p, chains=4, draws=300, burn_in=50, probes=probes))
    part, full = runs
    g, ell, mean_loss = part.loss - part.centre_loss, part.probes, part.loss
    expected = (
        (g * mean_loss).mean()
        - (g[..., None] * ell).mean(axis=(0, 1))
        - g.mean() * (full.loss.mean() - full.probes.mean(axis=(0, 1)))
    )
    found = mixed(part, full)
    np.testing.assert_allclose(found.mean, expected, rtol=1e-10)
    assert (found.sem > 0).all()


def test_error_of_mixed_means_counts_both_chains(tilted):
    """300 pairs of runs with independent draws, ⟨g⟩ = 3 and χ = 0: mean z² = 1 within 4.9·√(2/300) = 0.40; without the
    full chain's part of the error it is 1.9."""
    rng, scores = np.random.default_rng(0), []
    for _ in range(300):
        runs = []
        for _ in range(2):
            g, y = rng.normal(3, 1, (4, 200)), rng.normal(1, 1, (4, 200, 1))
            made = {"loss": g, "probes": y + g[..., None], "finite": np.ones(4, bool), "centre_loss": 0.0}
            runs.append(replace(tilted, **made))
        scores.append(mixed(*runs).z(0.0)[0])
    assert 0.6 < np.mean(np.square(scores)) < 1.4


def test_moments_will_do():
    p = LocalPosterior(lower_loss(L + z * x**2, (x,), (z,)), jnp.zeros((1, 1)), jnp.zeros(1), T, 0.0)
    options = {"chains": 4, "draws": 200, "burn_in": 20, "probes": jnp.array([[0.5], [1.0]])}
    traces, moments = (
        chain.run(jax.random.key(3), mala(0.15), p, keep=keep, **options) for keep in ("traces", "pairs")
    )
    for estimate in (susceptibility, influence_matrix):
        one, two = estimate(traces), estimate(moments)
        np.testing.assert_allclose(one.mean, two.mean, rtol=1e-8)
        assert one.dims == two.dims


def test_refusals(tilted):
    with pytest.raises(BadInput, match="no observable 'absent'"):
        susceptibility(tilted, "absent")
    with pytest.raises(BadInput, match="names"):
        susceptibility(tilted, names=("only one",))
    with pytest.raises(BadInput, match="probes"):
        mixed(tilted, tilted.select(slice(1)))
    bare = LocalPosterior(lower_loss(L, (x,)), jnp.zeros((1, 0)), jnp.zeros(1), T, 0.0)
    with pytest.raises(BadInput, match="no probes"):
        susceptibility(chain.run(jax.random.key(0), mala(0.1), bare, chains=1, draws=5, burn_in=0))
