"""Several chains about one minimum in one pass over the slices: the same numbers as one at a time."""

import jax
import numpy as np
import pytest

from sampler import quadratic, train
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from sampler.quadratic import second
from theory.errors import BadInput

LOSS = train.decayed(mlp.cross_entropy, 0.05)


@pytest.fixture(scope="module")
def curvature():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 2)), rng.integers(0, 3, 12)
    found = train.minimise(LOSS, mlp.init(jax.random.key(0), (2, 2, 3)), (x, y))
    return quadratic.curvature(LocalPosterior(LOSS, (x, y), found.params, 1e3, 50.0))


def test_several_at_once(curvature):
    x, y = curvature.posterior.data
    few = (x[:3], y[:3])
    other = curvature.localised(200.0)
    points = [(curvature, curvature.step(2.0)), (other, other.step(1.0)), (other, 0.0)]
    phi, psi = curvature.losses(few), curvature.losses((x[3:5], y[3:5]))
    together = second.covariances(points, phi, psi)
    for (of, epsilon), found in zip(points, together, strict=True):
        alone = of.localised(float(of.posterior.gamma))  # remembers no order of its own
        order = [alone.covariance(phi, psi, epsilon, order=k).values for k in (1, 2)]
        np.testing.assert_allclose(found, (order[1] - order[0]) * 1e6, rtol=1e-6, atol=1e-9)
        assert of.llc(epsilon, order=2) == pytest.approx(alone.llc(epsilon, order=2), rel=1e-12)
    assert np.abs(together[1] - together[2]).max() > 1e-3 * np.abs(together[2]).max()  # the step is in it


def test_other_modes_are_refused(curvature):
    posterior = curvature.posterior
    elsewhere = quadratic.curvature(posterior)
    phi = curvature.losses(jax.tree.map(lambda leaf: leaf[:2], posterior.data))
    with pytest.raises(BadInput, match="share their modes"):
        second.covariances([(curvature, 0.0), (elsewhere, 0.0)], phi, phi)


def test_second_derivatives_may_fill_the_memory_and_not_more(curvature, monkeypatch):
    """Five observables of 15 weights: 5 · 15² numbers of eight bytes; the same observables twice are held once."""

    class Allowed(Exception):
        pass

    def hessians(*_):
        raise Allowed

    monkeypatch.setattr(second.jets, "hessians", hessians)
    x, y = curvature.posterior.data
    phi, psi = curvature.losses((x[:3], y[:3])), curvature.losses((x[3:5], y[3:5]))
    for pair, size in (((phi, psi), 5 * 15**2 * 8), ((phi, phi), 3 * 15**2 * 8)):
        for most, outcome in ((size, Allowed), (size - 1, BadInput)):
            monkeypatch.setattr(second, "MAX_BYTES", most)
            with pytest.raises(outcome):
                second.covariance(curvature, *pair, 0.0)
