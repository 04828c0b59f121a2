"""The step to first order, on a degenerate quartic: by the exact kernel of the chain, and from its draws.

U = x⁴/4 has no quadratic part at its minimum: nothing regular. Truth: ⟨x²⟩ = 2Γ(3/4)/Γ(1/4) and ⟨U⟩ = 1/4 exactly.
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gamma as Gamma

from sampler import chain, correction, diagnostics
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

BOUND = 4.892  # false alarm 1e-6 a comparison
TRUTH = {"square": 2 * Gamma(0.75) / Gamma(0.25), "loss": 0.25}


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def stationary(epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Grid and stationary probabilities of x′ = x − (ε/2)x³ + √ε ξ, from the discretised kernel."""
    x = np.linspace(-4.5, 4.5, 901)
    drift = x - epsilon / 2 * x**3
    kernel = np.exp(-((x[None, :] - drift[:, None]) ** 2) / (2 * epsilon))
    kernel /= kernel.sum(axis=1, keepdims=True)
    p = np.exp(-(x**4) / 4)
    for _ in range(14):  # 2^14 steps
        kernel = kernel @ kernel
    p = p / p.sum() @ kernel
    return x, p / p.sum()


def of_the_chain(name: str, epsilon: float) -> tuple[float, float]:
    """The mean of φ under the chain, and what the correction makes of it."""
    x, p = stationary(epsilon)
    phi, second = (x**2, np.full_like(x, 2.0)) if name == "square" else (x**4 / 4, 3 * x**2)
    bracket = p @ second - (p @ (phi * 3 * x**2) - (p @ phi) * (p @ (3 * x**2)))
    return p @ phi, p @ phi - epsilon / 8 * bracket


@pytest.mark.parametrize("name", TRUTH)
def test_what_is_left_is_of_second_order(name: str) -> None:
    """Deterministic: halving ε halves the error of the plain mean and quarters that of the corrected one."""
    plain, corrected = [], []
    for epsilon in (0.02, 0.01):
        as_it_is, left = of_the_chain(name, epsilon)
        plain.append(as_it_is - TRUTH[name])
        corrected.append(left - TRUTH[name])
    assert plain[0] / plain[1] == pytest.approx(2, rel=0.1)
    assert corrected[0] / corrected[1] == pytest.approx(4, rel=0.1)
    assert abs(corrected[0]) < abs(plain[0]) / 10


def sample(epsilon: float, mask=None, draws: int = 2000):
    centre = {"a": jnp.zeros(()), "b": jnp.ones(2)}
    posterior = LocalPosterior(
        lambda w, _: w["a"] ** 4 / 4 + jnp.sum((w["b"] - 1) ** 2), jnp.zeros((1, 0)), centre, 1.0, 0.0, mask=mask
    )
    functions = correction.laplacians(posterior, {"square": lambda w: w["a"] ** 2})
    return chain.run(
        jax.random.key(5), sgld(epsilon), posterior, chains=512, draws=draws, burn_in=400, thin=4, observables=functions
    )


def test_draws_are_corrected() -> None:
    """At ε = 0.08 the plain mean of U is that of the chain and misses the truth; the corrected one meets it to O(ε²).

    The O(ε²) that is left is known from the kernel, so that no comparison has a tolerance. A correction of the other sign, or
    without its covariance, would be seen.
    """
    epsilon = 0.08
    run = sample(epsilon, mask={"a": True, "b": False}, draws=4000)
    for name in TRUTH:
        as_it_is, left = of_the_chain(name, epsilon)
        corrected, plain = correction.mean(run, name), diagnostics.mean(run.trace(name))
        assert abs(float(plain.z(as_it_is))) < BOUND
        assert abs(float(corrected.z(left))) < BOUND
    plain, corrected = diagnostics.mean(run.trace("loss")), correction.mean(run)
    assert abs(float(plain.z(TRUTH["loss"]))) > 8
    assert abs(float(corrected.mean) - TRUTH["loss"]) < abs(float(plain.mean) - TRUTH["loss"]) / 3
    without_covariance = diagnostics.mean(run.trace("loss") - epsilon / 8 * run.trace("laplacian of loss"))
    assert abs(float(without_covariance.z(of_the_chain("loss", epsilon)[1]))) > 8


def test_the_correction_is_the_formula_on_the_draws() -> None:
    """φ̄ − (ε/8)[mean of Δφ − Cov(φ, ΔU)] of twelve numbers each, with numpy's covariance."""
    phi, second, energy = np.random.default_rng(0).normal(size=(3, 2, 6))
    traces = {"phi": phi, "laplacian of phi": second, correction.ENERGY: energy}
    found = correction.mean(SimpleNamespace(trace=traces.__getitem__, epsilon=0.4), "phi")  # pyright: ignore[reportArgumentType]
    covariance = np.cov(phi.ravel(), energy.ravel(), ddof=0)[0, 1]
    assert found.mean == pytest.approx(phi.mean() - 0.4 / 8 * (second.mean() - covariance), rel=1e-12)


def test_the_laplacian_sees_moving_weights_only() -> None:
    run = sample(0.05, draws=20, mask={"a": True, "b": False})
    assert np.allclose(run.trace("laplacian of loss"), 3 * run.trace("square"), rtol=1e-12)
    both = sample(0.05, draws=20)
    assert np.allclose(both.trace(correction.ENERGY), 3 * both.trace("square") + 4, rtol=1e-12)


def test_bad_input_is_named() -> None:
    def loss(w, z):
        return jnp.sum(w**2)

    with pytest.raises(BadInput, match="full batches"):
        correction.laplacians(LocalPosterior(loss, jnp.zeros((4, 1)), jnp.zeros(2), 1.0, 0.0, batch_size=2), {})
    with pytest.raises(BadInput, match="1001 weights move and 1000 is the most"):
        correction.laplacians(LocalPosterior(loss, jnp.zeros((1, 0)), jnp.zeros(1001), 1.0, 0.0), {})
    with pytest.raises(BadInput, match="no observable"):
        posterior = LocalPosterior(loss, jnp.zeros((1, 0)), jnp.zeros(2), 1.0, 0.0)
        correction.mean(chain.run(jax.random.key(0), sgld(0.1), posterior, chains=2, draws=8, burn_in=0, thin=1))
