"""Deep linear networks: the exact sampler, the extrapolation and the local thresholds against answers that are known otherwise.

Limits on |z| are those of 1e-6 false alarms a test; seeds are fixed.
"""

from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom, norm

from ledger.claim import Budget
from ledger.experiments import dln, named
from ledger.experiments.dln import centres, chains, conditional, ladder, peer
from ledger.experiments.experiment import Found
from ledger.experiments.folder import open_folder
from sampler.networks import linear
from theory import known
from theory.errors import BadInput

jax.config.update("jax_enable_x64", True)
RUNGS = np.array(dln.FITTED)


def limit(count):
    return norm.isf(1e-6 / (2 * count))


def chain_of_ones(layers, t, inputs=1):
    """t⟨K⟩ of K = ½(w_L ⋯ w_2)²|w_1|², w_1 of `inputs` entries, weights N(0, 1): E (1 + e^x w_2² ⋯ w_L²)^{−inputs/2} and its
    slope by convolution over the density of 2 log|w|; the trapezoidal rule is exact to rounding for such analytic functions."""
    h = 0.02
    x = np.arange(-130, 60, h)
    u = np.arange(-80, 5, h)
    density = np.exp(u / 2 - np.exp(u) / 2) / np.sqrt(2 * np.pi) * h

    def averaged(f):
        for _ in range(layers - 1):
            f = _shifted(f, x, u, density)
        return f

    value = averaged((1 + np.exp(x)) ** (-inputs / 2))
    slope = averaged(-inputs / 2 * np.exp(x) * (1 + np.exp(x)) ** (-inputs / 2 - 1))
    return np.interp(np.log(t), x, -slope / value)


def _shifted(f, x, u, density):
    """∫ f(x + u) p(u) du on the grid of x; f is 1 or 0 far to the left, and not asked for far to the right."""
    first = round(u[0] / (x[1] - x[0]))
    padded = np.concatenate([np.full(-first, f[0]), f, np.full(len(u) + first, f[-1])])
    return np.correlate(padded, density, mode="valid")[: len(f)]


@pytest.mark.parametrize(
    ("widths", "inputs", "layers"), [((1, 1, 1), 1, 2), ((1, 1, 1, 1), 1, 3), ((3, 1, 1), 3, 2), ((1, 1, 3), 3, 2)]
)
def test_the_exact_sampler_against_quadrature(widths, inputs, layers):
    """Widths that differ at the two ends need the determinant in the move along the orbits: with another exponent it fails."""
    t = [1e1, 1e3, 1e6]
    found = conditional.exactly(widths=widths, strengths=(), temperatures=t, gamma=1.0, size=(96, 300), seed=0)
    expected = chain_of_ones(layers, t, inputs)
    z = (found["mean"] - expected) / found["sem"]
    assert np.abs(z).max() < limit(3)
    wrong = chain_of_ones(layers, t, inputs + 1)
    assert np.abs((found["mean"] - wrong) / found["sem"]).max() > limit(3)


@pytest.mark.parametrize("widths", [(2, 3, 4), (3, 2, 4, 2)])
def test_the_virial_identity(widths):
    """2L t⟨K⟩ + γ⟨|w|²⟩ = d for C = 0: the exact sampler at γ = 2, chains as independent experiments."""
    centre = list(linear.balanced(widths, ()).values())
    found = conditional.energies(
        centre, linear.target(widths, ()), [1e2, 1e5], gamma=2.0, chains=96, draws=200, burn_in=60
    )
    d = sum(w.size for w in centre)
    total = (2 * len(centre) * found.energy + 2.0 * found.square).mean(axis=2) - d
    z = total.mean(axis=1) / total.std(axis=1, ddof=1) * total.shape[1] ** 0.5
    assert np.abs(z).max() < limit(2)


def test_orbits_leave_the_product():
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 2, 4))]
    before = layers[1] @ layers[0]
    share = conditional._along_orbit(rng, layers, [np.zeros((4, 3)), np.zeros((2, 4))], 0.1, 0)
    assert share > 0
    np.testing.assert_allclose(layers[1] @ layers[0], before, rtol=1e-9)


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_extrapolation_of_a_series_that_is_known(layers):
    """λ = ½, m = L. 200 noisy ladders: the share outside 3 standard errors is no larger than chance allows for honest errors
    (Student with the few degrees of freedom of the fit: 2.5%); the fit without logarithms misses λ each time."""
    exact = chain_of_ones(layers, RUNGS)
    rng, outside, missed = np.random.default_rng(layers), 0, 0
    for _ in range(200):
        sem = np.full(len(RUNGS), 1e-3)
        noisy = exact + sem * rng.normal(size=len(RUNGS))
        fit = ladder.fit(RUNGS, noisy, sem, multiplicity=layers, layers=layers)
        bare = ladder.fit(RUNGS, noisy, sem, multiplicity=1, layers=layers)
        outside += abs(fit.value - 0.5) > 3 * fit.sem
        missed += abs(bare.value - 0.5) > 3 * bare.sem
        assert fit.sem < 0.05
    assert outside <= binom.isf(1e-6, 200, 0.025)
    assert missed == 200
    np.testing.assert_allclose(fit.curve(RUNGS), exact, atol=4e-3)
    with pytest.raises(BadInput, match="8 or more"):
        ladder.fit(RUNGS[:7], exact[:7], sem[:7], multiplicity=2, layers=2)


@pytest.mark.parametrize("point", centres.RESOLVED, ids=str)
def test_local_thresholds_by_resolution(point):
    answer = centres.resolution(*point)
    assert answer.exact and (answer.value, answer.multiplicity) == tuple(linear.local_threshold(*point))


def test_local_thresholds():
    for widths, rank in (((4, 4, 4), 2), ((3, 5, 2), 1), ((6, 2, 5), 2)):
        assert linear.local_threshold(widths, rank, (rank, rank)) == known.deep_linear(widths, rank)
    assert linear.local_threshold((4, 4, 4), 2, (4, 2)) == (8, 1)
    with pytest.raises(BadInput, match="no layers of ranks"):
        linear.local_threshold((3, 3, 3), 0, (2, 2))


def test_true_parameters():
    for widths, strengths in (((4, 5, 4, 6), (1.5, 0.7)), ((3, 3, 2), ())):
        C = linear.target(widths, strengths)
        for made in (linear.balanced(widths, strengths), linear.lopsided(widths, strengths)):
            assert [made[f"layer{i}"].shape for i in range(len(made))] == [(b, a) for a, b in pairwise(widths)]
            np.testing.assert_allclose(linear.product(made), C, atol=1e-12)
            assert linear.distance(made, C) < 1e-20
        assert all(np.linalg.matrix_rank(w) == len(strengths) for w in linear.balanced(widths, strengths).values())
    with pytest.raises(BadInput, match="narrower"):
        linear.lopsided((4, 2, 4), (1.0,))
    with pytest.raises(BadInput, match="rank 3"):
        linear.balanced((4, 2, 4), (1.0, 1.0, 1.0))


def test_the_distance_is_the_mean_squared_error():
    rng = np.random.default_rng(0)
    widths = (3, 4, 2)
    params = {f"layer{i}": rng.normal(size=(b, a)) for i, (a, b) in enumerate(pairwise(widths))}
    C = linear.target(widths, (1.0,))
    x = np.concatenate([np.eye(3), -np.eye(3)]) * 3**0.5
    errors = jax.vmap(lambda x: linear.squared_error(params, (x, C @ x)))(jnp.asarray(x))
    np.testing.assert_allclose(errors.mean(), linear.distance(params, C), rtol=1e-12)


def test_padding_changes_nothing_and_the_bound_holds():
    widths, strengths, t, gamma = (2, 3, 4), (1.2, 0.8), 50.0, 3.0
    p = chains.posterior(widths, strengths, gamma, 6, np.float64)
    assert int(p.dimension) == 18 and float(p.centre_loss()) < 1e-25
    rng = np.random.default_rng(0)
    draws = [rng.normal(size=(1, b, a)) for a, b in pairwise(widths)]
    params = {f"layer{i}": jnp.asarray(chains._padded(w[0], 6)) for i, w in enumerate(draws)}
    C = linear.target(widths, strengths)
    np.testing.assert_allclose(
        p.mean_loss(params), linear.distance({f"layer{i}": w[0] for i, w in enumerate(draws)}, C), rtol=1e-12
    )
    shapes = [w[0].shape for w in draws]

    def product(flat):
        parts = np.split(np.arange(18), [shapes[0][0] * shapes[0][1]])
        return (flat[parts[1]].reshape(shapes[1]) @ flat[parts[0]].reshape(shapes[0])).reshape(-1)

    J = jax.jacobian(product)(jnp.concatenate([w.reshape(-1) for w in draws]))
    assert t * np.linalg.norm(J, 2) ** 2 + gamma <= chains.bound(t, gamma, draws) * (1 + 1e-12)


def test_sgld_finds_what_the_exact_sampler_finds():
    """1-1-1 at γ = 10, t = 100, against quadrature of the scaled problem (w → w/√10: t/γ² = 1)."""
    found = dln.sampled(widths=(1, 1, 1), strengths=(), temperatures=(100.0,), size=(64, 2000), exact=(64, 200), seed=0)
    expected = chain_of_ones(2, [1.0])
    sem = found["extrapolated_sem"]
    assert np.abs(found["extrapolated"] - expected) < limit(1) * sem and sem < 0.02
    assert np.abs(found["exact"] - expected) < limit(1) * found["exact_sem"]


@pytest.mark.slow
def test_the_experiment_in_miniature(tmp_path, monkeypatch):
    """Every part and every statement, with few draws: nothing is out of place, and the parts are kept."""
    small = tuple(dln.Network(*each) for each in (((1, 1, 1), 0), ((2, 2, 2), 1)))
    size = replace(
        dln.SIZES[Budget.QUICK], exact=(16, 40), sgld=(8, 200), nuts=(4, 60), networks=small, small=small[:1],
        benchmark=((small[1], 50, 20), (dln.Network((3, 3, 3), 1), 50, 0)),
    )  # fmt: skip
    monkeypatch.setattr(centres, "LOPSIDED", centres.LOPSIDED[:1])
    told = []
    folder = open_folder(tmp_path / "out", "dln", Budget.QUICK, told.append)
    result = dln.report(folder, size)
    assert [s.found for s in result.statements].count(Found.SHOWN) == 4 and len(result.statements) == 10
    assert result.statements[0].found is Found.FAILS  # two networks are not twenty
    assert set(result.pictures) == {"ladder", "extrapolated", "chains", "centres", "benchmark"}
    assert result.data["/ladder"].sizes == {"network": 2, "t": 11}
    told.clear()
    dln.report(folder, size)
    assert all("kept" in line for line in told)
    assert named("dln").conduct is dln.conduct


@pytest.mark.skipif(not peer.installed(), reason="torch and devinterp are not installed")
def test_the_peer_samples_the_same_law():
    """A regular network of one layer, where t⟨K⟩ = ½ Σ t/(t + γ) over the weights: within six standard
    errors (1e-8) of the law of its chain, seconds of which show an error of a half."""
    widths, strengths, n, t, gamma = (3, 2), (1.0,), 10_000, 500.0, 1.0
    found = peer.measure(
        widths=widths,
        strengths=strengths,
        n=n,
        batch=256,
        gamma=gamma,
        epsilon=2e-4,
        t=t,
        chains=4,
        seconds=8.0,
        seed=0,
    )
    x = np.random.default_rng(0).normal(size=(n, 3))
    H = x.T @ x / n
    # The chain's own law: variance of a mode 2/(2Λ − εΛ²), Λ = t h + γ (`chain.md` in one variable).
    h = np.linalg.eigvalsh(H)
    Lambda = t * h + gamma
    exact = 2 * np.sum(t * h / Lambda / (2 - 2e-4 * Lambda))
    assert abs(found["mean"] - exact) < 6 * found["sem"]
