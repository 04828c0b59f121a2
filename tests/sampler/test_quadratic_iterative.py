"""Predictions without a dense Hessian against the dense ones: a network of 525 weights, and a component of it.

Bounds are bounds: a covariance lies within its `sem`. Traces are random: their z-scores are those of Student's t with N − 1 degrees
of freedom, at a false-alarm rate of 1e-6 a test, and their error bars are tested over many seeds.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sampler import components, quadratic, train
from sampler.diagnostics import Estimate
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

pytestmark = pytest.mark.compiled
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(100, 20)), rng.integers(0, 5, 100)
LOSS = train.decayed(mlp.cross_entropy, 1e-2)
NBETA, GAMMA, SAMPLES = 1e4, 200.0, 32
PROBES = (X[:4], Y[:4])


@pytest.fixture(scope="module")
def posterior():
    found = train.minimise(LOSS, mlp.init(jax.random.key(0), (20, 20, 5)), (X, Y))
    assert found.gradient_norm < 1e-9
    return LocalPosterior(LOSS, (X, Y), found.params, NBETA, GAMMA)


@pytest.fixture(scope="module", params=["plain", "preconditioned"])
def both(request, posterior):
    D = None
    if request.param == "preconditioned":
        D = jax.tree.map(lambda w: 1 / (0.5 + jnp.abs(w)), posterior.centre)
    iterative = quadratic.iterative(posterior, samples=SAMPLES, preconditioner=D, microbatch=40)
    return quadratic.curvature(posterior, preconditioner=D), iterative


def met(estimate: Estimate, exact) -> bool:
    """No entry further away than chance allows: t with SAMPLES − 1 degrees of freedom."""
    z = np.abs(estimate.z(exact))
    return bool(z.max() < stats.t.isf(1e-6 / (2 * z.size), SAMPLES - 1))


def test_the_ends_of_the_spectrum(both):
    dense, found = both
    low, high = dense.precision[[0, -1]]
    assert found.highest.value <= high * (1 + 1e-12)
    assert high <= found.highest.value + found.highest.residual + 1e-12
    assert low <= found.lowest.value
    assert 0.99 < found.step(2.0) / dense.step(2.0) < 1 + 1e-12


@pytest.mark.parametrize("u", [0.0, 2.0])
def test_covariances_lie_within_their_bounds(both, u):
    """And the bounds are small: 1e-9 of the largest. Neither P⁻¹ for S nor the other D is within them."""
    dense, found = both
    epsilon = dense.step(u) if u else 0.0
    psi = found.losses(PROBES)
    answer, exact = found.covariance(psi, psi, epsilon), np.asarray(dense.covariance(psi, psi, epsilon))
    assert (np.abs(answer.mean - exact) <= answer.sem + 1e-13 * np.abs(exact).max()).all()
    assert answer.sem.max() < 1e-9 * np.abs(exact).max()
    assert answer.dims == ("query", "probe")
    a, b = found.gradients(PROBES), found.gradients((X[4:8], Y[4:8]))
    mixed = found.covariance(a, b, epsilon)
    np.testing.assert_allclose(mixed.mean, dense.covariance(a, b, epsilon), atol=1e-9 * np.abs(exact).max())
    if u:
        assert (np.abs(answer.mean - dense.covariance(psi, psi)).max()) > 1e3 * answer.sem.max()


@pytest.mark.parametrize("u", [0.0, 2.0])
def test_traces_meet_the_dense_ones(both, u):
    """The LLC to about 0.3%, means of Lemma 18; ½ missing, and P for H in tr(HS), are refused."""
    dense, found = both
    epsilon = dense.step(u) if u else 0.0
    assert met(found.llc(epsilon), dense.llc(epsilon))
    assert not met(found.llc(epsilon), 2 * dense.llc(epsilon))
    assert not met(found.llc(epsilon), np.sum(dense.precision * dense.spread(epsilon)) / 2)
    psi = found.losses(PROBES)
    assert met(found.mean(psi, epsilon), dense.mean(psi, epsilon))
    assert found.llc(epsilon).ess == SAMPLES


def test_susceptibilities_of_the_loss(both):
    dense, found = both
    answer = found.loss_covariance(PROBES)
    assert met(answer, dense.loss_covariance(PROBES))
    assert met(found.localised(1e3).loss_covariance(PROBES), dense.localised(1e3).loss_covariance(PROBES))
    assert answer.labels == {"probe": ("0", "1", "2", "3")}


def test_error_bars_are_honest(posterior):
    """30 seeds of 32 vectors each. The mean of all is that of the dense formula; the scatter of the estimates is what their
    standard errors say, F(29, 930) at a false-alarm rate of 1e-6 a number: bars too small by a factor 1.7 would be seen."""
    seeds = 30
    dense = quadratic.curvature(posterior)
    one = quadratic.iterative(posterior, samples=SAMPLES, tolerance=1e-4, microbatch=40)
    epsilon, psi = dense.step(2.0), one.losses(PROBES)
    runs = [replace(one, key=jax.random.key(seed), known={}) for seed in range(seeds)]
    answers = (
        ([run.llc(epsilon) for run in runs], dense.llc(epsilon)),
        ([run.mean(psi, epsilon) for run in runs], dense.mean(psi, epsilon)),
        ([run.loss_covariance(PROBES) for run in runs], dense.loss_covariance(PROBES)),
    )
    for found, exact in answers:
        means, variance = np.array([e.mean for e in found]), np.mean([e.sem**2 for e in found], axis=0)
        scatter = means.std(axis=0, ddof=1)
        assert (np.abs(means.mean(axis=0) - exact) < stats.t.isf(5e-7, seeds - 1) * scatter / seeds**0.5).all()
        freedom = seeds - 1, seeds * (SAMPLES - 1)
        assert (scatter**2 / variance > stats.f.isf(1 - 5e-7, *freedom)).all()
        assert (scatter**2 / variance < stats.f.isf(5e-7, *freedom)).all()


def test_without_its_preconditioner_it_is_the_posterior_s_own(both, posterior):
    dense, plain = both[0].unconditioned(), quadratic.curvature(posterior)
    np.testing.assert_allclose(dense.precision, plain.precision, rtol=1e-9)
    np.testing.assert_allclose(dense.spread(dense.step(1.0)), plain.spread(plain.step(1.0)), rtol=1e-9)


def test_at_gamma_zero_the_posterior_has_half_the_weights(posterior):
    """½ tr(HH⁻¹) = d/2 with no error at all."""
    found = quadratic.iterative(replace(posterior, gamma=0.0), samples=SAMPLES, microbatch=40).llc()
    assert found.mean == 525 / 2
    assert found.sem == 0


def test_a_component(posterior):
    """The first layer as a mask and restricted: 420 weights, the same covariances and, within errors, the same traces."""
    layer = components.component(posterior.centre, "layer0.*")
    alone = components.restrict(posterior, layer)
    prepared = alone.prepare(jax.tree.map(jnp.asarray, PROBES))
    masked = replace(posterior, mask=components.mask(layer, posterior.centre))
    dense, found = quadratic.curvature(masked), quadratic.iterative(alone.posterior, samples=SAMPLES)
    epsilon = dense.step(1.0)
    psi = found.losses(prepared)
    exact = np.asarray(dense.covariance(dense.losses(PROBES), dense.losses(PROBES), epsilon))
    np.testing.assert_allclose(found.covariance(psi, psi, epsilon).mean, exact, atol=1e-9 * exact.max())
    assert met(found.llc(epsilon), dense.llc(epsilon))


def test_single_precision_says_what_it_can(posterior):
    """float32 lies within its own bounds of float64; where it cannot reach the tolerance it says so."""
    centre, x = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), (posterior.centre, X))
    single = LocalPosterior(LOSS, (x, Y), centre, NBETA, GAMMA)
    found, dense = quadratic.iterative(single, samples=SAMPLES), quadratic.curvature(posterior)
    epsilon = dense.step(2.0)
    probes = (x[:4], Y[:4])
    answer = found.covariance(found.losses(probes), found.losses(probes), epsilon)
    exact = np.asarray(dense.covariance(dense.losses(PROBES), dense.losses(PROBES), epsilon))
    assert (np.abs(answer.mean - exact) <= answer.sem).all()
    assert answer.sem.max() < 1e-4 * exact.max()
    assert met(found.llc(epsilon), dense.llc(epsilon))
    assert found.message == ""
    strict = replace(found, tolerance=1e-12, known={})
    strict.covariance(strict.losses(probes), strict.losses(probes))
    assert "float32" in strict.message


def test_refusals(posterior):
    untrained = LocalPosterior(
        mlp.cross_entropy, (X, Y), mlp.init(jax.random.key(1), (20, 20, 5)), NBETA, 0.0, batch_size=10
    )
    with pytest.raises(BadInput, match=r"is not positive definite: a direction has the curvature -.*; raise gamma by"):
        quadratic.iterative(untrained)
    with pytest.raises(BadInput, match="minibatches"):
        quadratic.iterative(replace(untrained, gamma=1e5)).llc(1e-8)
    with pytest.raises(BadInput, match="at least 8"):
        quadratic.iterative(posterior, samples=4)
    found = quadratic.iterative(posterior, samples=8)
    with pytest.raises(BadInput, match="not positive definite"):
        quadratic.iterative(replace(untrained, gamma=1e5), samples=8).localised(0.0)
    with pytest.raises(BadInput, match="lower epsilon"):
        found.llc(2.1 * found.step(2.0))
    with pytest.raises(BadInput, match="ε = 0"):
        found.loss_covariance(PROBES, found.step(1.0))
    with pytest.raises(BadInput, match="microbatch must be at least 1"):
        quadratic.iterative(posterior, microbatch=0)


def bowl(w, h):
    return jnp.sum(h * w**2) / 2


def diagonal(curvatures, **options) -> quadratic.Iterative:
    """L = Σ h_i w_i²/2 without a prior, t = 100."""
    h = np.array([curvatures])
    return quadratic.iterative(LocalPosterior(bowl, h, 0 * h[0], 100.0, 0.0), **options)


def test_what_a_loose_solver_changes_stays_within_its_estimate():
    """Every vector of signs sees tr(AS) of diagonal matrices exactly, so the error is the solver's alone: |Δ| ≤ κ (|r|/|b| + η) of
    the value, for curvatures far below 1 and far above."""
    h, a = np.geomspace(1, 1e3, 40), np.linspace(1, 2, 40)
    for unit in (1e-4, 1e4):
        found = diagonal(unit * h, samples=8, tolerance=0.1)
        answer = found.mean(found.observable(lambda w: jnp.sum(a * w**2) / 2))
        exact = np.sum(a / (unit * h)) / 200
        assert 1e-9 * exact < np.abs(answer.mean - exact) < answer.sem < 1.01 * 1e3 * 0.11 * exact


def test_a_direction_that_lanczos_did_not_meet_is_refused_where_it_is_solved_for():
    """One step from a random start sees none of the ends: no curvature at all, and a step at and beyond the edge ελ = 4."""
    flat = diagonal([1.0, 0.0], steps=1)
    with pytest.raises(BadInput, match="not positive definite: a direction has the curvature 0;"):
        flat.covariance(np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]]))
    steep = next(s for k in range(99) if (s := diagonal([1.0, 8.0], steps=1, key=k)).step(4 - 1e-9) > 0.6 / 100)
    for epsilon in (0.5 / 100, 0.6 / 100):
        with pytest.raises(BadInput, match="lower epsilon"):
            steep.covariance(np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]]), epsilon)
