"""What predictions for networks cost, and how it grows with the number d of weights that move, in one run.

    OMP_NUM_THREADS=1 python tests/benchmarks/quadratic.py [--small]

Tanh networks 40–w–10 trained on 100 examples with weight decay, γ/nβ = 0.02: the Hessian, its eigensystem, a covariance matrix of
20 losses, T[v_i, v_i, ·] and the susceptibilities of the loss, dense; one slice of the next order, and all of them where d is
small; and the same numbers by conjugate gradients, with their standard errors. Each line gives CPU seconds (compiled before), the
ratio to one full-batch gradient, and the growth: the exponent of d since the line before. --small leaves out d = 5000 and 50 000.
"""

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sampler import quadratic, train
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from sampler.quadratic import derivatives, second

NBETA, CONFINEMENT, PROBES = 1e4, 0.02, 20
LOSS = train.decayed(mlp.cross_entropy, 0.01)


def network(d: int) -> LocalPosterior:
    """At most d weights, trained in double precision."""
    width = (d - 10) // 51
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 40)), rng.integers(0, 10, 100)
    found = train.minimise(LOSS, mlp.init(jax.random.key(0), (40, width, 10)), (x, y), tolerance=1e-6)
    return LocalPosterior(LOSS, (x, y), found.params, NBETA, NBETA * CONFINEMENT)


def single(posterior: LocalPosterior) -> LocalPosterior:
    x, y = posterior.data
    centre = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), posterior.centre)
    return LocalPosterior(LOSS, (jnp.asarray(x, jnp.float32), y), centre, NBETA, NBETA * CONFINEMENT)


class Table:
    """Lines of seconds, with the growth of each kind of work since its last line."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[int, float]] = {}

    def line(self, what: str, d: int, gradient: float, work: Callable[[], Any], *, warm: bool = True) -> Any:
        if warm:
            jax.block_until_ready(work())
        begin = time.process_time()
        result = jax.block_until_ready(work())
        seconds = time.process_time() - begin
        growth = ""
        if what in self.last:
            before, earlier = self.last[what]
            growth = f"d^{math.log(seconds / earlier) / math.log(d / before):.1f}"
        self.last[what] = d, seconds
        print(f"  {what:42s} {seconds:9.3f} s   {seconds / gradient:9.0f} gradients   {growth}", flush=True)
        return result


def gradient_seconds(posterior: LocalPosterior) -> float:
    site = derivatives.Site.of(posterior, None, 32)
    jax.block_until_ready(derivatives.slope(site))
    begin = time.process_time()
    for _ in range(20):
        jax.block_until_ready(derivatives.slope(site))
    return (time.process_time() - begin) / 20


def dense(table: Table, posterior: LocalPosterior) -> None:
    gradient, d = gradient_seconds(posterior), len(posterior.moving)
    print(f"dense, float64, d = {d}: one gradient {1e3 * gradient:.2f} ms")
    site = derivatives.Site.of(posterior, None, 32)
    basis = jnp.eye(d)
    table.line("Hessian", d, gradient, lambda: derivatives.products(site, basis))
    found = quadratic.curvature(posterior)
    table.line("eigensystem", d, gradient, lambda: np.linalg.eigh(found.hessian), warm=False)
    probes = tuple(part[:PROBES] for part in posterior.data)
    epsilon, psi = found.step(1.0), found.losses(probes)
    table.line("covariances of 20 losses", d, gradient, lambda: found.covariance(psi, psi, epsilon).values)
    table.line(
        "T[v, v, ·] for all modes", d, gradient, lambda: (found.known.pop("bends", 0), found._bends()), warm=d < 3000
    )
    table.line("susceptibilities of the loss", d, gradient, lambda: found.loss_covariance(probes, epsilon).values)
    if d <= second.LARGEST:
        direction = found.W[:, 0]
        table.line("one slice of T", d, gradient, lambda: second._slice(site, found.W, direction))
        table.line("one slice of T and Q", d, gradient, lambda: second._slice(site, found.W, direction, fourth=True))
    if d <= 400:
        value = table.line("all slices: LLC of order 2", d, gradient, lambda: found.llc(epsilon, 2), warm=False)
        print(f"  LLC {found.llc(epsilon):.3f}, with the next order {value:.3f}")


def iterative(table: Table, posterior: LocalPosterior, samples: int = 32) -> None:
    gradient, d = gradient_seconds(posterior), len(posterior.moving)
    dtype = posterior.centre["layer0"]["bias"].dtype
    print(f"iterative, {dtype}, d = {d}: one gradient {1e3 * gradient:.2f} ms, {samples} random vectors")
    found = table.line("Lanczos, 80 steps", d, gradient, lambda: quadratic.iterative(posterior, samples=samples))
    print(f"  λ from {found.lowest.value:.4f} to {found.highest.value:.4f}")
    epsilon = found.step(1.0)
    llc = table.line("LLC", d, gradient, lambda: (found.known.clear(), found.llc(epsilon))[1], warm=d < 20_000)
    psi = found.losses(tuple(part[:PROBES] for part in posterior.data))
    values = table.line(
        "covariances of 20 losses, iterative", d, gradient, lambda: found.covariance(psi, psi, epsilon), warm=d < 20_000
    )
    mean = table.line("means of 20 losses", d, gradient, lambda: found.mean(psi, epsilon), warm=d < 20_000)
    relative = values.sem.max() / np.abs(values.mean).max()
    print(
        f"  LLC {llc.mean:.2f} ± {llc.sem:.2f}; covariances to {relative:.0e}; first mean {mean.mean[0]:.3g} ± {mean.sem[0]:.1g}"
    )
    if found.message:
        print(f"  {found.message}")
    if d < 3000:
        exact = quadratic.curvature(posterior)
        gap = np.abs(values.mean - np.asarray(exact.covariance(psi, psi, epsilon))).max() / np.abs(values.mean).max()
        print(f"  dense: LLC {exact.llc(epsilon):.2f}; largest relative difference of a covariance {gap:.0e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    jax.config.update("jax_enable_x64", True)
    networks = {d: network(d) for d in (150, 300, 600, 1000, 2000, *(() if small else (5000, 50_000)))}
    table = Table()
    for d, posterior in networks.items():
        if d <= 5000:
            dense(table, posterior)
    table = Table()
    for d, posterior in networks.items():
        if d in (600, 2000, 5000, 50_000):
            iterative(table, posterior)
    iterative(Table(), single(networks[max(networks)]))


if __name__ == "__main__":
    main()
