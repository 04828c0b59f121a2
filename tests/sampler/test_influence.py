"""Influences, kernels and third cumulants of losses against closed forms of Gaussian moments; errors that are neither too small nor
too large; the readings that must be refused."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from sampler import chain, conventions, diagnostics
from sampler.influence import correlation, influence, loss_kernel, response_of_second_order
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from sampler.record import Run
from theory.errors import BadInput

X = np.array([[1.0, 0.5], [-0.5, 1.0], [0.3, -1.2], [1.5, 0.2]])
NBETA, EPSILON = 8.0, 0.05


def linear(w, x):
    """ℓ_x = x·w + (x·w)²/2: both parts matter."""
    return x @ w + (x @ w) ** 2 / 2


@pytest.fixture(scope="module")
def run():
    # The data sum to 0, so that the linear parts cancel in L_n and the centre is its minimum.
    data = np.concatenate([X, -X])
    p = LocalPosterior(linear, jnp.asarray(data), jnp.zeros(2), NBETA, 1.0)
    options: dict[str, Any] = {"chains": 200, "draws": 400, "burn_in": 100, "thin": 3}
    return chain.run(
        jax.random.key(1), sgld(EPSILON), p, probes=jnp.asarray(X), observables={"w0": lambda w: w[0]}, **options
    )


def law():
    """w ~ N(0, S), S = [P(I − εP/4)]⁻¹; each ℓ − cL as (b, A): b·w + ½ wᵀAw."""
    data = np.concatenate([X, -X])
    H = data.T @ data / len(data)
    P = NBETA * H + np.eye(2)
    S = np.linalg.inv(P @ (np.eye(2) - EPSILON * P / 4))
    return S, H


def forms(centred):
    _, H = law()
    return [(x, np.outer(x, x) - centred * H) for x in X]


def covariances(centred):
    """Cov(b·w + ½wAw, c·w + ½wCw) = bᵀSc + ½ tr(ASCS)."""
    S, _ = law()
    return np.array([[b @ S @ c + np.trace(A @ S @ C @ S) / 2 for c, C in forms(centred)] for b, A in forms(centred)])


def test_influence_is_minus_the_covariance(run, agrees):
    exact = -covariances(centred=True)
    found = influence(run, names=("a", "b", "c", "d"))
    assert found.dims == ("query", "probe")
    assert found.labels["probe"] == ("a", "b", "c", "d")
    assert agrees(found, exact)
    assert not agrees(found, -exact)
    assert not agrees(found, -covariances(centred=False)), "the mean loss is taken out"
    assert agrees(influence(run, centred=False), -covariances(centred=False))
    assert agrees(loss_kernel(run), covariances(centred=False))


def test_axes_of_an_observable_are_named_after_it(run):
    two = replace(run, observables={"v": np.stack([run.loss, run.loss**2], axis=-1)})
    for found, pairs in ((influence(two, "v"), ("probe",)), (response_of_second_order(two, "v"), ("query", "probe"))):
        assert found.dims == ("v_0", *pairs) and found.mean.shape == (2, *(4,) * len(pairs))
        assert found.labels == dict.fromkeys(pairs, ("0", "1", "2", "3"))


def test_correlations(run, agrees):
    C = covariances(centred=True)
    exact = -C / np.sqrt(np.outer(np.diag(C), np.diag(C)))
    found = influence(run, kind="correlation")
    np.testing.assert_allclose(np.diag(found.mean), -1, rtol=1e-12)
    i, j = np.triu_indices(4, 1)
    assert agrees(found.map(lambda m: m[i, j]), exact[i, j])
    theirs = conventions.bif(run.kept(run.probes))
    np.testing.assert_allclose(influence(run, kind="correlation", centred=False).mean, -theirs, atol=1e-12)


def test_influence_on_an_observable(run, agrees):
    """BIF(z, w_0) = −(S b)_0, no third moment of a Gaussian."""
    S, _ = law()
    found = influence(run, "w0", centred=False)
    assert found.dims == ("probe",)
    assert agrees(found, [-(S @ b)[0] for b, _ in forms(0)])
    r = influence(run, "w0", kind="correlation", centred=False)
    sizes = np.sqrt(np.diag(covariances(centred=False)) * S[0, 0])
    assert agrees(r, [-(S @ b)[0] / s for (b, _), s in zip(forms(0), sizes, strict=True)])


def test_the_response_of_second_order(run, agrees):
    """κ₃ of Gaussian quadratic forms: Σ over the three places of b S A S c, and tr(A S B S C S)."""
    S, _ = law()

    def kappa(one, two, three):
        (b, A), (c, B), (d, C) = one, two, three
        lines = b @ S @ B @ S @ d + b @ S @ C @ S @ c + c @ S @ A @ S @ d
        return lines + np.trace(A @ S @ B @ S @ C @ S)

    first = (np.array([1.0, 0.0]), np.zeros((2, 2)))
    exact = [[kappa(first, x, z) for z in forms(1)] for x in forms(1)]
    found = response_of_second_order(run, "w0")
    assert found.dims == ("query", "probe")
    assert agrees(found, exact)
    assert not agrees(found, -np.array(exact))


def test_errors_of_correlations_are_honest():
    """4000 correlations of 400 independent pairs with ρ = 0.6: mean z² about 1, within 4.9 √(2/4000) = 0.11 and the 1/n of the
    delta method; without the second term of the influence function it is (1 − ρ²)²/(1 + ρ²) = 0.30."""
    rng, rho = np.random.default_rng(0), 0.6
    x = rng.normal(size=(4, 100, 4000))
    y = rho * x + (1 - rho**2) ** 0.5 * rng.normal(size=x.shape)
    z = [correlation(x[..., i], y[..., i]).z(rho) for i in range(4000)]
    assert abs(np.mean(np.square(z)) - 1) < 0.15
    assert chi2.ppf(1e-6, 4000) / 4000 > 0.85


def test_blocks_of_columns_change_nothing(run, monkeypatch):
    whole = influence(run, kind="correlation")
    monkeypatch.setattr("sampler.influence.BLOCK", 1)
    np.testing.assert_allclose(influence(run, kind="correlation").sem, whole.sem, rtol=1e-12)


def test_a_series_that_does_not_vary_has_no_correlation():
    x = np.random.default_rng(0).normal(size=(2, 50, 2))
    x[..., 1] = 3.0
    found = correlation(x, x)
    assert np.isnan(found.mean[1]).all()
    assert np.isnan(found.sem[0, 1])
    assert found.mean[0, 0] == pytest.approx(1)


def test_refusals(run):
    with pytest.raises(BadInput, match="kind"):
        influence(run, kind="cosine")  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadInput, match="names"):
        influence(run, names=("one",))
    with pytest.raises(BadInput, match="no probes"):
        influence(replace(run, probes=None), kind="correlation")
    with pytest.raises(BadInput, match="same chains"):
        correlation(np.zeros((2, 5)), np.zeros((2, 6)))


def test_errors_and_shapes_of_correlations_are_those_of_pairs_of_numbers():
    """Every entry of arrays of different shapes: r by numpy, sem, ess and R-hat of the mean of uv − r(u² + v²)/2."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(3, 30, 2, 2)) + 5, rng.normal(size=(3, 30, 3)) * 1e-3
    y[..., 0] += x[..., 0, 1] / 1e3
    found = correlation(x, y)
    assert found.mean.shape == found.sem.shape == found.ess.shape == found.rhat.shape == (2, 2, 3)
    for i, j, k in np.ndindex(2, 2, 3):
        u, v = ((t - t.mean()) / t.std() for t in (x[..., i, j], y[..., k]))
        r = np.corrcoef(u.ravel(), v.ravel())[0, 1]
        expected = diagnostics.mean(u * v - r * (u**2 + v**2) / 2)
        assert found.mean[i, j, k] == pytest.approx(r, abs=1e-12)
        for name in ("sem", "ess", "rhat"):
            assert getattr(found, name)[i, j, k] == pytest.approx(float(getattr(expected, name)), rel=1e-8)


def test_a_spread_of_rounding_is_none_and_ten_times_that_is_one():
    """Entries of 1000 have spreads of rounding up to 1e-11; one of two units in the last place of a thousand is no series."""
    steps = np.tile([0.0, 1.0], (2, 20))
    other = np.random.default_rng(0).normal(size=(2, 40))
    assert np.isnan(correlation(1000 + 1e-12 * steps, other).mean)
    assert np.isfinite(correlation(1000 + 1e-9 * steps, other).mean)
    for bad in (np.zeros(40), np.zeros((3, 40)), np.zeros((2, 39))):
        with pytest.raises(BadInput, match="same chains and draws"):
            correlation(other, bad)
    with pytest.raises(BadInput, match="same chains and draws"):
        correlation(np.zeros(40), np.zeros(40))


def by_hand(**fields):
    """A run of two chains of twelve draws with three probes and two observables."""
    rng = np.random.default_rng(5)
    loss, probes = rng.normal(size=(2, 12)), rng.normal(size=(2, 12, 3))
    known: dict[str, Any] = {"finite": np.ones(2, bool), "centre_loss": 0.5, "nbeta": 4.0, "gamma": 0.0, "epsilon": 0.1}
    known |= {"dimension": 2, "position": (), "seconds": 0.0, "probes": probes, "loss": loss}
    known |= dict.fromkeys(("drift", "square", "accepted"), loss)
    known["observables"] = {"one": loss**2 + probes[..., 0], "two": np.stack([loss, probes[..., 1] ** 2], axis=-1)}
    return Run(**{**known, **fields})


@pytest.mark.parametrize("kind", ["covariance", "correlation"])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("query", ["probes", "loss", "one", "two"])
def test_influences_of_every_kind_are_those_of_the_draws(kind, centred, query):
    """−Cov or −Corr of q and ℓ_z − L_n, q less L_n too only where it is the probes; numpy's covariances of all draws."""
    run = by_hand()
    shift = run.loss[..., None] if centred else 0
    z = (run.trace("probes") - shift).reshape(24, 3)
    q = {"probes": z, "loss": run.loss.reshape(24, 1), **{k: v.reshape(24, -1) for k, v in run.observables.items()}}[
        query
    ]
    C = np.cov(q.T, z.T, ddof=0) if kind == "covariance" else np.corrcoef(q.T, z.T)
    found = influence(run, query, kind=kind, centred=centred, names=("r", "s", "t"))
    expected = -C[: q.shape[1], q.shape[1] :]
    np.testing.assert_allclose(found.mean, expected.reshape(found.mean.shape), rtol=1e-9, atol=1e-12)
    dims = {"probes": ("query", "probe"), "two": ("two_0", "probe")}.get(query, ("probe",))
    assert found.dims == dims and found.labels == dict.fromkeys(
        [d for d in dims if d in ("query", "probe")], ("r", "s", "t")
    )
    assert found.mean.shape == {"probes": (3, 3), "two": (2, 3)}.get(query, (3,))
    if query == "probes":
        kernel = loss_kernel(run, kind=kind, names=("r", "s", "t"))
        np.testing.assert_allclose(kernel.mean, -influence(run, kind=kind, centred=False).mean, rtol=1e-12)
        assert kernel.labels["probe"] == ("r", "s", "t")


@pytest.mark.parametrize("centred", [True, False])
def test_third_cumulants_of_the_draws(centred):
    run = by_hand()
    z = run.trace("probes") - (run.loss[..., None] if centred else 0)
    z, phi = z - z.mean(axis=(0, 1)), run.loss - run.loss.mean()
    found = response_of_second_order(run, centred=centred, names=("r", "s", "t"))
    np.testing.assert_allclose(found.mean, np.einsum("cn,cni,cnj->ij", phi, z, z) / 24, rtol=1e-9)
    assert found.dims == ("query", "probe") and found.labels["query"] == ("r", "s", "t")
    with pytest.raises(BadInput, match="2 names for 3 probes"):
        response_of_second_order(run, names=("r", "s"))
    with pytest.raises(BadInput, match="no probes"):
        response_of_second_order(by_hand(probes=None))
