"""Predictions for networks: what they cost in full-batch gradients, and how that grows with the number d of weights that move.

Tanh networks 40–w–10 trained on 100 examples with weight decay, γ/nβ = 0.02: the Hessian, its eigensystem, a covariance matrix of
20 losses, T[v_i, v_i, ·] and the susceptibilities of the loss, dense; one slice of the next order, and all of them where d is
small; and the same numbers by conjugate gradients. Compiled before. The exactness of the second road is for the tests.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sampler import quadratic, train
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from sampler.quadratic import derivatives, second
from tests.benchmarks.record import Row

NBETA, CONFINEMENT, PROBES, SAMPLES = 1e4, 0.02, 20, 32
SIZES = (150, 300, 600, 1000, 2000)
LOSS = train.decayed(mlp.cross_entropy, 0.01)


def network(d: int) -> LocalPosterior:
    """At most d weights, trained in double precision."""
    width = (d - 10) // 51
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 40)), rng.integers(0, 10, 100)
    found = train.minimise(LOSS, mlp.init(jax.random.key(0), (40, width, 10)), (x, y), tolerance=1e-6)
    return LocalPosterior(LOSS, (x, y), found.params, NBETA, NBETA * CONFINEMENT)


class Site:
    """A trained network of d weights, and the seconds of one full-batch gradient there."""

    def __init__(self, d: int) -> None:
        self.posterior = network(d)
        self.d = len(self.posterior.moving)
        self.probes = tuple(part[:PROBES] for part in self.posterior.data)
        self.derivatives = derivatives.Site.of(self.posterior, None, 32)
        self.gradient = spent(lambda: [derivatives.slope(self.derivatives) for _ in range(20)]) / 20

    def row(self, what: str, work: Callable[[], Any], *, warm: bool = True) -> Row:
        return Row(f"one gradient, d = {self.d}", self.gradient, what, spent(work, warm=warm))


def spent(work: Callable[[], Any], *, warm: bool = True) -> float:
    """Processor seconds of the work, run once before where it is not too long."""
    if warm:
        jax.block_until_ready(work())
    begin = time.process_time()
    jax.block_until_ready(work())
    return time.process_time() - begin


def dense(site: Site) -> Iterator[Row]:
    basis = jnp.eye(site.d)
    yield site.row("Hessian", lambda: derivatives.products(site.derivatives, basis))
    found = quadratic.curvature(site.posterior)
    yield site.row("eigensystem", lambda: np.linalg.eigh(found.hessian), warm=False)
    epsilon, psi = found.step(1.0), found.losses(site.probes)
    yield site.row("covariances of 20 losses", lambda: found.covariance(psi, psi, epsilon).values)
    yield site.row("T[v, v, ·] for all modes", lambda: (found.known.pop("bends", 0), found._bends()))
    yield site.row("susceptibilities of the loss", lambda: found.loss_covariance(site.probes, epsilon).values)
    direction = found.W[:, 0]
    yield site.row("one slice of T", lambda: second._slice(site.derivatives, found.W, direction))
    yield site.row("one slice of T and Q", lambda: second._slice(site.derivatives, found.W, direction, fourth=True))
    if site.d <= 400:
        yield site.row("all slices: LLC of order 2", lambda: found.llc(epsilon, 2), warm=False)


def iterative(site: Site) -> Iterator[Row]:
    found = quadratic.iterative(site.posterior, samples=SAMPLES)
    yield site.row("Lanczos, 80 steps", lambda: quadratic.iterative(site.posterior, samples=SAMPLES), warm=False)
    epsilon = found.step(1.0)
    psi = found.losses(site.probes)
    yield site.row(f"LLC, {SAMPLES} vectors", lambda: (found.known.clear(), found.llc(epsilon))[1], warm=False)
    yield site.row("covariances of 20 losses, iterative", lambda: found.covariance(psi, psi, epsilon))
    yield site.row("means of 20 losses, iterative", lambda: found.mean(psi, epsilon))


def rows() -> Iterator[Row]:
    jax.config.update("jax_enable_x64", True)
    for d in SIZES:
        site = Site(d)
        yield from dense(site)
        if d in (600, 2000):
            yield from iterative(site)
