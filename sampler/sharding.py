"""Chains and data over several devices, and over several processes: JAX's own sharding, nothing home-made.

A mesh has two axes. Along "chains" each device holds some of the chains: no communication. Along "data" each holds some of the
examples, of every minibatch and of the probes: one sum over devices a gradient. The program is the same one as on a single device
and the random numbers are the same too, so that the results agree but for the order of sums.

    devices = sharding.mesh(data=2)                      # the other axis takes what is left
    chain.run(key, kernel, posterior, …, mesh=devices)

With several processes (`jax.distributed.initialize` in each of them, then the same script in each) the mesh takes the devices of
all; every process gets the whole result, and process 0 alone writes checkpoints.

Functions: `mesh`, `place`, `place_posterior`, `put_as`, `whole`, `host`, `leads`, `meet`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from sampler.posterior import LocalPosterior
from theory.errors import BadInput


def mesh(*, chains: int | None = None, data: int = 1) -> Mesh:
    """A mesh of `chains` × `data` devices; by default all devices there are. Raises `BadInput` when they do not fit."""
    there = jax.device_count()
    chains = there // data if chains is None and data > 0 else chains
    if not chains or chains < 1 or data < 1 or chains * data > there:
        raise BadInput(f"sharding.mesh: {chains} × {data} devices are asked for and there are {there}.")
    return jax.make_mesh(
        (chains, data), ("chains", "data"), (AxisType.Auto,) * 2, devices=jax.devices()[: chains * data]
    )


def place(mesh: Mesh, tree: Any, axis: str | None) -> Any:
    """Every leaf cut along its leading axis over a mesh axis, or whole on every device (axis None, or one that does not divide)."""

    def put(leaf: Any) -> Array:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(put(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf))
        divides = axis is not None and leaf.ndim and leaf.shape[0] % mesh.shape[axis] == 0
        return put_as(leaf, NamedSharding(mesh, PartitionSpec(axis if divides else None)))

    return jax.tree.map(put, tree)


def put_as(x: Array | np.ndarray, sharding: Any) -> Array:
    """The array, which every process holds whole, with a sharding over the devices of all of them."""
    value = np.asarray(x)
    return jax.make_array_from_callback(value.shape, sharding, lambda index: value[index])


def place_posterior(mesh: Mesh, posterior: LocalPosterior) -> LocalPosterior:
    """The posterior with its data cut over "data" and the rest on every device."""
    leaves = {name: place(mesh, getattr(posterior, name), None) for name in ("centre", "nbeta", "gamma", "mask")}
    return posterior.moved(data=place(mesh, posterior.data, "data"), **leaves)


def whole(x: Array) -> np.ndarray:
    """The whole array as numpy, on every process."""
    if isinstance(x, jax.Array) and not x.is_fully_addressable and not x.is_fully_replicated:
        x = multihost_utils.process_allgather(x, tiled=True)
    return np.asarray(x)


def host(x: Array) -> np.ndarray:
    """The same, in a dtype that numpy can compute with (bfloat16 widens to float32)."""
    value = whole(x)
    return value if value.dtype.kind in "fiub" else value.astype(np.float32)


def leads() -> bool:
    """Whether this process is the one that writes files."""
    return jax.process_index() == 0


def meet(where: str) -> None:
    """Wait for the other processes, if there are any."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(where)
