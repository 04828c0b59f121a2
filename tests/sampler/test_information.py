"""WBIC, WAIC and the singular fluctuation of linear regression, where every number has a closed form."""

from dataclasses import FrozenInstanceError, fields, replace
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from sampler import chain, diagnostics, information
from sampler.diagnostics import Estimate
from sampler.kernels.mala import mala
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

n, d = 60, 3
rng = np.random.default_rng(0)
INPUTS = rng.normal(size=(n, d))
TARGETS = INPUTS @ [1.0, -0.5, 0.2] + rng.normal(size=n)
BEST = np.linalg.lstsq(INPUTS, TARGETS, rcond=None)[0]


def loss(w, z):
    """−log N(y; x·w, 1)."""
    return (z["x"] @ w - z["y"]) ** 2 / 2 + jnp.log(2 * jnp.pi) / 2


def posterior(nbeta):
    return LocalPosterior(loss, {"x": jnp.asarray(INPUTS), "y": jnp.asarray(TARGETS)}, jnp.asarray(BEST), nbeta, 0.0)


def sampled(nbeta, seed, **options):
    p = posterior(nbeta)
    sizes: dict[str, Any] = {"chains": 100, "draws": 300, "burn_in": 60, "thin": 2}
    return chain.run(jax.random.key(seed), mala(1.2 / nbeta), p, **sizes, **options)


def exact(beta):
    """T_n, V_n from r_i = y_i − x_i·ŵ and s_i = x_iᵀ(βXᵀX)⁻¹x_i: ℓ_i = (r_i − g)²/2 + c, g ~ N(0, s_i)."""
    r = TARGETS - INPUTS @ BEST
    s = np.einsum("ij,jk,ik->i", INPUTS, np.linalg.inv(beta * INPUTS.T @ INPUTS), INPUTS)
    training = np.mean(np.log(2 * np.pi) / 2 + np.log(1 + s) / 2 + r**2 / (2 * (1 + s)))
    return training, float(np.sum(r**2 * s + s**2 / 2))


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_waic_and_its_parts(beta, agrees, limit):
    run = sampled(beta * n, 3, probes=posterior(1.0).data)
    found = information.waic(run, n)
    training, V = exact(beta)
    assert found.beta == pytest.approx(beta)
    assert agrees(found.training, training)
    assert agrees(found.functional_variance, V)
    assert agrees(found.singular_fluctuation, beta * V / 2)
    assert agrees(found.waic, training + beta * V / n)
    # What others might take for it: the variance without β, the plain mean loss for T_n.
    assert abs(found.waic.z(training + 2 * beta * V / n)) > limit()
    assert abs(found.training.z(float(run.loss.mean()))) > limit()
    # Close to d/2 for a model that contains the truth, at n = 60.
    assert abs(float(found.singular_fluctuation.mean) - d / 2) < 0.5
    assert bool(found.message) == (found.by_example.max() > 0.4)


def test_errors_of_waic_are_honest():
    """300 experiments of 100 independent draws: mean z² between the 1e-6 quantiles of χ²_300/300, with 15% for curvature."""
    training, V = exact(1.0)
    cov, r = np.linalg.inv(INPUTS.T @ INPUTS), np.random.default_rng(1)
    scores = []
    for _ in range(300):
        w = BEST + r.multivariate_normal(np.zeros(d), cov, (4, 25))
        losses = (w @ INPUTS.T - TARGETS) ** 2 / 2 + np.log(2 * np.pi) / 2
        run = SimpleNamespace(probes=losses, nbeta=n, trace=lambda _, losses=losses: losses)
        found = information.waic(run, n)  # pyright: ignore[reportArgumentType]
        scores.append([found.training.z(training), found.functional_variance.z(V), found.waic.z(training + V / n)])
    squares = np.mean(np.square(scores), axis=0)
    assert (squares > 0.85 * chi2.ppf(1e-6, 300) / 300).all()
    assert (squares < 1.15 * chi2.isf(1e-6, 300) / 300).all()


def test_wbic_and_two_temperatures(agrees, limit):
    """⟨nL_n⟩ = nL_n(ŵ) + d/(2β), exactly; λ = d/2 from two temperatures, with the centre put elsewhere as well."""
    t = n / np.log(n)
    one, two = sampled(t, 5), sampled(1.7 * t, 6)
    at_best = n * float(posterior(1.0).centre_loss())
    found = information.wbic(one, n)
    assert agrees(found, at_best + d / 2 * np.log(n))
    assert abs(found.z(at_best + d / 2)) > limit()
    assert agrees(information.rlct_from_two(one, two), d / 2)
    shifted = replace(one, centre_loss=one.centre_loss - 1.0)
    np.testing.assert_allclose(
        information.rlct_from_two(shifted, two).mean, information.rlct_from_two(one, two).mean, rtol=1e-9
    )
    with pytest.raises(BadInput, match="n/log n"):
        information.wbic(two, n)
    with pytest.raises(BadInput, match="two temperatures"):
        information.rlct_from_two(one, one)


def test_what_was_found_cannot_be_changed():
    losses = np.random.default_rng(0).normal(size=(2, 8, n))
    run = SimpleNamespace(probes=losses, nbeta=n, trace=lambda _: losses)
    found = information.waic(run, n)  # pyright: ignore[reportArgumentType]
    for field in fields(found):
        with pytest.raises(FrozenInstanceError):
            setattr(found, field.name, None)


def test_outliers_are_told_and_probes_are_needed():
    run = sampled(float(n), 7, probes={"x": jnp.ones((1, d)), "y": jnp.array([30.0])})
    assert "1 of 1 examples" in information.waic(run, n).message
    with pytest.raises(BadInput, match="has none"):
        information.waic(replace(run, probes=None), n)


def estimated(mean, sem, ess, rhat, **fields) -> Any:
    """A run whose mean loss is known."""
    found = Estimate(np.asarray(mean), np.asarray(sem), np.asarray(ess), np.asarray(rhat))
    return SimpleNamespace(mean=lambda name: {"loss": found}[name], **fields)


def test_wbic_by_hand():
    """n (⟨L − L*⟩ + L*), good to a ten-thousandth of the temperature."""
    t = 100 / np.log(100)
    for nbeta in (t, t * (1 + 9.9e-5), t * (1 - 9.9e-5)):
        found = information.wbic(estimated(0.03, 0.002, 50.0, 1.02, nbeta=nbeta, centre_loss=1.5), 100)
        assert (found.mean, found.sem, found.ess, found.rhat) == (pytest.approx(153), pytest.approx(0.2), 50, 1.02)
    for nbeta, count in ((t * (1 + 1.01e-4), 100), (t * (1 - 1.01e-4), 100), (t, 1), (t, 0)):
        with pytest.raises(BadInput, match="needs a run at nβ"):
            information.wbic(estimated(0.03, 0.002, 50.0, 1.02, nbeta=nbeta, centre_loss=1.5), count)


def test_two_temperatures_by_hand():
    """λ = (2.3 − 1.9)/(1/4 − 1/20) = 2 with √(0.03² + 0.04²)/0.2; the poorer ess and R-hat."""
    one = estimated(0.3, 0.03, 50.0, 1.01, nbeta=4.0, centre_loss=2.0)
    two = estimated(0.4, 0.04, 40.0, np.nan, nbeta=20.0, centre_loss=1.5)
    for pair in ((one, two), (two, one)):
        found = information.rlct_from_two(*pair)
        assert (found.mean, found.sem, found.ess, found.rhat) == (pytest.approx(2), pytest.approx(0.25), 40, 1.01)
    near = estimated(0.3, 0.03, 50.0, 1.01, nbeta=4.0 * (1 + 0.9e-6), centre_loss=2.0)
    apart = estimated(0.3, 0.03, 50.0, 1.01, nbeta=4.0 * (1 + 1.1e-6), centre_loss=2.0)
    assert np.isfinite(information.rlct_from_two(one, apart).mean)
    for pair in ((one, near), (near, one)):
        with pytest.raises(BadInput, match="two temperatures"):
            information.rlct_from_two(*pair)


def probed(losses, nbeta) -> Any:
    return SimpleNamespace(probes=losses, nbeta=nbeta, trace=lambda _: losses)


def test_waic_by_hand_on_a_sample_of_the_examples():
    """T = −mean log⟨e^{−ℓ}⟩, V the sum of variances times n/P, β = nβ/n; errors of −mean e^{−ℓ}/⟨e^{−ℓ}⟩ and n·mean square."""
    losses = np.random.default_rng(2).normal(2.0, [0.3, 0.5, 0.2], size=(3, 40, 3))
    found = information.waic(probed(losses, 5.0), 10)
    T = np.mean([-np.log(np.mean(np.exp(-losses[..., i]))) for i in range(3)])
    V = 10 * np.mean([losses[..., i].var() for i in range(3)])
    assert (
        found.beta == 0.5
        and found.training.mean == pytest.approx(T)
        and found.functional_variance.mean == pytest.approx(V)
    )
    assert found.waic.mean == pytest.approx(T + 0.05 * V) and found.singular_fluctuation.mean == pytest.approx(V / 4)
    np.testing.assert_allclose(found.by_example, losses.var(axis=(0, 1)), rtol=1e-12)
    share = -np.mean(np.exp(-losses) / np.exp(-losses).mean(axis=(0, 1)), axis=-1)
    square = 10 * np.mean((losses - losses.mean(axis=(0, 1))) ** 2, axis=-1)
    for estimate, series in (
        (found.training, share), (found.functional_variance, square), (found.singular_fluctuation, square / 4),
        (found.waic, share + 0.05 * square),
    ):  # fmt: skip
        assert estimate.sem == pytest.approx(diagnostics.mean(series).sem)
    shifted = information.waic(probed(losses + 1000, 5.0), 10)
    assert shifted.training.mean == pytest.approx(T + 1000) and shifted.waic.sem == pytest.approx(found.waic.sem)


def test_losses_far_apart_leave_the_smaller_ones():
    """e^{−5000} is no float: −log⟨e^{−ℓ}⟩ is min ℓ + log 40 where one draw of 40 stands out."""
    losses = np.full((2, 20, 2), 7000.0)
    losses[0, 3], losses[1, 5, 1] = [2000.0, 3000.0], 5000.0
    found = information.waic(probed(losses, 5.0), 10).training
    assert found.mean == pytest.approx(2500 + np.log(40)) and np.isfinite(found.sem)


def test_heavy_tails_are_told_from_a_variance_of_0_4_on():
    """Losses ±√v: at v = 0.4 nothing is told, a little beyond it is; as many probes as examples will do, one more will not."""
    for factor, told in ((1 - 1e-9, 0), (1 + 1e-9, 1)):
        losses = np.tile([1.0, -1.0], (2, 10))[..., None] * np.sqrt([0.4 * factor, 0.1])
        message = information.waic(probed(losses, 2.0), 2).message
        assert message.startswith("1 of 2 examples have losses of variance above 0.4") if told else message == ""
    with pytest.raises(BadInput, match="the probes must be the 1 examples of the data, or some of them; the run has 2"):
        information.waic(probed(losses, 2.0), 1)
