"""Many replicas of one chain: one compiled scan inside one `vmap`, nothing compiled again for another β, mask or coupling.

A *sweep* visits every site once. `thin` sweeps lie between two kept draws, and every time in this package is counted in sweeps.

    run(key, model, β, kernel=…, chains=…, draws=…, burn_in=…)  →  `Run`
"""

import math
import time
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sampler.ising.arrays import Couplings, Model
from sampler.ising.clusters import swendsen_wang
from sampler.ising.measure import Watched, improved, plain, site_maps
from sampler.ising.record import Run
from sampler.ising.single_spins import Kernel
from sampler.threefry import straight
from theory.errors import BadInput

Start = Literal["random", "up"] | Float[np.ndarray, "chains N M"]
LARGEST = 2**31


def run(
    key: Key[Array, ""],
    model: Model,
    beta: float,
    *,
    kernel: Kernel | None = None,
    chains: int,
    draws: int,
    burn_in: int,
    thin: int = 1,
    start: Start = "random",
    sites: bool = False,
) -> Run:
    """`chains` replicas at β, `draws` kept states each, `thin` sweeps apart, after `burn_in` sweeps.

    kernel  `swendsen_wang()` (the default), `metropolis()` or `heat_bath()`
    start   every replica from its own coin tosses ("random"), all spins up ("up"), or given states, such as `Run.spins`
    sites   also sum s_i M_R over the draws for every site i, for `sampler.ising.maps`

    Raises `BadInput` for counts below 1 (draws below 4), for β that is negative or not finite, for starting states of another
    shape or mask, and for sums that may pass 2³¹.
    """
    kernel = swendsen_wang() if kernel is None else kernel
    if not (np.isfinite(beta) and beta >= 0):
        raise BadInput(f"ising.run: β must be a finite number ≥ 0; it is {beta}.")
    if min(chains, thin) < 1 or draws < 4 or burn_in < 0:
        raise BadInput(
            f"ising.run: chains = {chains}, draws = {draws}, thin = {thin}, burn_in = {burn_in}; it needs at least one chain, "
            "four draws, one sweep between draws and no negative burn-in."
        )
    if sites and draws * model.spins >= LARGEST:
        raise BadInput(
            f"ising.run: {draws} draws of {model.spins} spins may overflow the sums of 32 bits; take shorter runs."
        )
    begin, steps = jax.random.split(straight(key))
    spins = _start(begin, model, chains, start)
    clock = time.process_time()
    watched = Watched(*map(jnp.asarray, (model.probes, model.regions, model.energies)))
    spins, traces, sums = jax.device_get(
        _run(
            jax.random.split(steps, chains),
            spins,
            jnp.float32(beta),
            jnp.full(draws, thin).at[0].add(burn_in),
            Couplings(*map(jnp.asarray, model.couplings)),
            watched,
            kernel=kernel,
            sites=sites,
        )
    )
    return Run(model, float(beta), kernel.name, thin, traces, sums, spins, time.process_time() - clock)


@partial(jax.jit, static_argnames=("kernel", "sites"))
def _run(keys, spins, beta, sweeps, c: Couplings, watched: Watched, *, kernel, sites):
    """`sweeps[k]` sweeps before draw k: the burn-in is part of the first, so the sweep is compiled once."""

    def once(_, state):
        key, spins, _ = state
        key, now = jax.random.split(key)
        return key, *kernel.sweep(now, spins, beta, c)

    def draw(carry, sweeps):
        state, sums = carry
        state = jax.lax.fori_loop(0, sweeps, once, state)
        _, spins, labels = state
        record = plain(spins, watched) if labels is None else improved(spins, labels, watched)
        if sites:
            sums = jax.tree.map(jnp.add, sums, site_maps(spins, labels, watched))
        return (state, sums), record

    def chain(key, spins):
        zero = jax.tree.map(jnp.zeros_like, site_maps(spins, None, watched)) if sites else {}
        labels = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(kernel.sweep, key, spins, beta, c)[1]
        )
        ((_, spins, _), sums), trace = jax.lax.scan(draw, ((key, spins, labels), zero), sweeps)
        return spins, trace, sums

    return jax.vmap(chain)(keys, spins)


def _start(key: Key[Array, ""], model: Model, chains: int, start: Start) -> Float[Array, "chains N M"]:
    present = jnp.asarray(model.couplings.present)
    shape = (chains, *present.shape)
    if isinstance(start, str):
        if start not in ("random", "up"):
            raise BadInput(f"ising.run: start is 'random', 'up' or an array of states; it is {start!r}.")
        if start == "up":
            return jnp.broadcast_to(present, shape)
        # Flat: compiled three times faster.
        tossed = jax.random.bernoulli(key, shape=(math.prod(shape),)).reshape(shape)
        return present * (2 * tossed.astype(present.dtype) - 1)
    given = np.asarray(start)
    if given.shape != shape or (np.abs(given) != np.asarray(present)).any():
        raise BadInput(f"ising.run: the starting states need the shape {shape}, ±1 on spins and 0 on masked sites.")
    return jnp.asarray(given, present.dtype)
