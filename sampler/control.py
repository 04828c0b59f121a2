"""Control variates that are exact for the chain itself: functions of the weights with stationary mean 0 at any step.

The idea. For a stationary chain and any function f, f(w) − E[f(w′)|w] has mean 0. For the full-batch SGLD step
w′ = w − (ε/2) g(w) + √ε ξ and a monomial f the conditional mean is known: with m = w − (ε/2) g and independent noise,

    E[Π_i w′_i^{α_i} | w] = Π_i h_{α_i}(m_i),   h_0 = 1,  h_1 = m,  h_{k+1} = m h_k + k ε h_{k−1}       (Hermite)

so each monomial of the displacement gives a field Z with E Z = 0, whatever the loss, the step size and the temperature; the
linear ones say E g = 0, the quadratic ones contain the virial identity. For a chain that is exact for exp(−U) (MALA) Stein's
identity does the same: E[ΔF − ∇U·∇F] = 0.

An average of any series s over the chain may then be taken of s − c·Z. c is fitted on the same draws, with an intercept, which
biases the mean by a fraction √(k/ESS) of the reduced standard error for k fields. Close to a quadratic U fields of low degree
carry nearly all of the variance of smooth observables; on a quadratic the variance is 0 and what is left is rounding, for which
every standard error here has a floor (ROUNDING times the spread of the series).

Not for minibatches (the conditional mean is that of the full batch), and not for a chain that has not settled: fields with mean
0 under the stationary law say nothing about others.

Reading order: `fields` or `statistic` (to record), `mean`, `cumulant` (to estimate), `reduced`, `standardised` (once for many).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, combinations_with_replacement
from math import factorial, prod
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from sampler import diagnostics
from sampler.diagnostics import Estimate
from sampler.kernels.kernel import Kernel, State
from sampler.kernels.mala import MALA
from sampler.kernels.sgld import SGLD
from sampler.posterior import LocalPosterior
from theory.errors import BadInput
from theory.laplace import set_partitions

MOST_FIELDS = 1000
ROUNDING = 1e-10  # of a mean of many doubles, and of what a burn-in of a dozen relaxation times leaves behind


def fields(kernel: Kernel, posterior: LocalPosterior, *, degree: int = 3) -> Callable[[Any], Float[Array, " k"]]:
    """The function w ↦ (Z_1, …, Z_k), one field for each monomial of degree 1 … `degree` in √nβ (w − w*), for `chain.run`.

    Give it to `chain.run` as an observable and its trace to `mean` or `cumulant`. Raises `BadInput` for a minibatch posterior, a
    kernel other than SGLD and MALA, or more than 1000 monomials.
    """
    powers, build, noise = _plan(kernel, posterior, degree)
    moving, scale = posterior.moving, float(posterior.nbeta) ** 0.5

    def field(params: Any) -> Float[Array, " k"]:
        _, gradient = posterior.value_and_gradient(params, posterior.data)
        x = ravel_pytree(posterior.displacement(params))[0][moving] * scale
        g = ravel_pytree(gradient)[0][moving] / scale
        return jnp.stack(build(x, g, powers, noise))

    return field


def statistic(
    kernel: Kernel, posterior: LocalPosterior, *, degree: int = 3
) -> Callable[[LocalPosterior, State], Float[Array, " k"]]:
    """The same fields as one of the `statistics` of `chain.run`, from the gradient that the chain has anyway.

    One function serves all posteriors whose moving weights are as many and whose ε nβ is the same, so that a change of the data
    compiles nothing again. Raises as `fields` does.
    """
    powers, build, noise = _plan(kernel, posterior, degree)
    return _statistic(tuple(powers), build, noise, tuple(posterior.moving.tolist()))


@lru_cache(maxsize=64)
def _statistic(powers: tuple[tuple[int, ...], ...], build: Callable, noise: float, moving: tuple[int, ...]) -> Callable:
    chosen = np.asarray(moving)

    def fields_of(posterior: LocalPosterior, state: State) -> Float[Array, " k"]:
        scale = jnp.sqrt(posterior.nbeta)
        x = ravel_pytree(posterior.displacement(state.position))[0][chosen] * scale
        g = ravel_pytree(state.gradient)[0][chosen] / scale
        return jnp.stack(build(x, g, list(powers), noise))

    return fields_of


def _plan(
    kernel: Kernel, posterior: LocalPosterior, degree: int
) -> tuple[list[tuple[int, ...]], Callable[..., list[Array]], float]:
    """The monomials, what is built of them, and ε nβ; decided outside of any trace."""
    if posterior.batch_size is not None:
        raise BadInput("control.fields: the fields have mean 0 for full-batch chains only; set batch_size=None.")
    if not isinstance(kernel, SGLD | MALA):
        raise BadInput(f"control.fields knows the kernels sgld and mala, not {type(kernel).__name__}.")
    d = posterior.moving.size
    powers = [_powers(d, c) for k in range(1, degree + 1) for c in combinations_with_replacement(range(d), k)]
    if len(powers) > MOST_FIELDS:
        raise BadInput(
            f"control.fields: {d} weights have {len(powers)} monomials of degree ≤ {degree} and {MOST_FIELDS} is the most; "
            "take a smaller degree."
        )
    noise = float(kernel.epsilon) * float(posterior.nbeta)
    return powers, _one_step if isinstance(kernel, SGLD) else _stein, noise


def _powers(d: int, indices: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(indices.count(i) for i in range(d))


def _one_step(x: Array, g: Array, powers: list[tuple[int, ...]], noise: float) -> list[Array]:
    """x^α − E[x′^α | x] with x′ = x − (noise/2) g + √noise ξ."""
    top = max(max(alpha) for alpha in powers)
    m = x - noise / 2 * g
    hermite, plain = [jnp.ones_like(m), m], [jnp.ones_like(x), x]
    for k in range(1, top):
        hermite.append(m * hermite[k] + k * noise * hermite[k - 1])
        plain.append(x * plain[k])
    return [_product(plain, alpha) - _product(hermite, alpha) for alpha in powers]


def _stein(x: Array, g: Array, powers: list[tuple[int, ...]], _: float) -> list[Array]:
    """ΔF − g·∇F for F = x^α."""
    top = max(max(alpha) for alpha in powers)
    plain = [jnp.ones_like(x), x]
    for k in range(1, top):
        plain.append(x * plain[k])

    def lowered(alpha: tuple[int, ...], i: int, by: int) -> Array:
        return _product(plain, tuple(a - by * (j == i) for j, a in enumerate(alpha)))

    def generator(alpha: tuple[int, ...]) -> Array:
        second = [a * (a - 1) * lowered(alpha, i, 2) for i, a in enumerate(alpha) if a > 1]
        first = [-a * g[i] * lowered(alpha, i, 1) for i, a in enumerate(alpha) if a]
        return sum((*second, *first), start=jnp.zeros(()))

    return [generator(alpha) for alpha in powers]


def _product(table: list[Array], alpha: tuple[int, ...]) -> Array:
    return prod((table[a][i] for i, a in enumerate(alpha) if a), start=jnp.ones(()))


class Standardised(NamedTuple):
    """Fields over their root mean squares, as `standardised` makes them."""

    shape: tuple[int, ...]  # chains, draws
    centred: np.ndarray  # (chains · draws, k)
    mean: np.ndarray  # (k,)
    gram: np.ndarray  # (k, k)


def mean(trace: np.ndarray, controls: np.ndarray | Standardised) -> Estimate:
    """⟨x⟩ from a trace (chains, draws) and the trace of its fields (chains, draws, k), finite chains only."""
    estimate = diagnostics.mean(reduced(trace, controls))
    return replace(estimate, sem=np.hypot(estimate.sem, ROUNDING * trace.std()))


def cumulant(traces: list[np.ndarray], controls: np.ndarray | Standardised) -> Estimate:
    """The joint cumulant of any number of traces (chains, draws), repetition allowed, with the fields (…, k).

    The series that is averaged is the cumulant plus its influence function at the sampled law: over the set partitions π,

        s = Σ_π (−1)^{|π|−1} (|π|−1)! [Σ_{B∈π} x_B Π_{B′≠B} m_{B′} − (|π|−1) Π_B m_B],   x_B = Π_{i∈B} x_i,   m_B = mean of x_B,

    centred on reduced means, so that m_B = 0 for a single trace: (x−x̄)(y−ȳ) for two.
    """
    controls = standardised(controls)
    if len(traces) == 1:
        return mean(traces[0], controls)
    centred = [trace - float(mean(trace, controls).mean) for trace in traces]
    products = {block: np.prod([centred[i] for i in block], axis=0) for block in _blocks(len(traces))}
    means = {block: float(product.mean()) if len(block) > 1 else 0.0 for block, product in products.items()}
    series = np.zeros_like(centred[0])
    for partition in set_partitions(tuple(range(len(traces)))):
        blocks = [tuple(sorted(block)) for block in partition]
        factor = (-1) ** (len(blocks) - 1) * factorial(len(blocks) - 1)
        for block in blocks:
            others = prod(means[other] for other in blocks if other != block)
            if others:
                series = series + factor * others * products[block]
        series = series - factor * (len(blocks) - 1) * prod(means[block] for block in blocks)
    return mean(series, controls)


def _blocks(count: int) -> list[tuple[int, ...]]:
    return [block for size in range(1, count + 1) for block in combinations(range(count), size)]


def reduced(series: np.ndarray, controls: np.ndarray | Standardised) -> np.ndarray:
    """s − c·Z with c by least squares of s on Z and a constant; the stationary mean is that of s."""
    found = standardised(controls)
    if found.shape != series.shape:
        raise BadInput(f"control: the series has shape {series.shape} and its fields {found.shape}; take one run.")
    s = series.reshape(-1)
    # lstsq because monomials may be dependent on a thin posterior.
    c, *_ = np.linalg.lstsq(found.gram, found.centred.T @ s, rcond=1e-12)
    return (s - found.centred @ c - found.mean @ c).reshape(series.shape)


def standardised(controls: np.ndarray | Standardised) -> Standardised:
    """The normal equations of fields (chains, draws, k), to be solved for any number of series: give it as `controls`."""
    if isinstance(controls, Standardised):
        return controls
    z = controls.reshape(-1, controls.shape[-1])
    size = np.sqrt(np.mean(z**2, axis=0))
    z = z / np.where(size > 0, size, 1.0)
    mean = z.mean(axis=0)
    z -= mean
    return Standardised(controls.shape[:2], z, mean, z.T @ z)
