"""Run by `test_sharding` in processes of their own: the same chains on one device and on a mesh, printed as one JSON object.

python sharded.py                          in this process, with the devices that XLA_FLAGS gives it
python sharded.py PORT PROCESSES NUMBER    as one of several processes on this machine
"""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
if len(sys.argv) > 2:
    port, processes, number = map(int, sys.argv[1:4])
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"localhost:{port}", num_processes=processes, process_id=number)

from sampler import chain, sharding  # noqa: E402
from sampler.kernels.sgld import sgld  # noqa: E402
from sampler.posterior import LocalPosterior  # noqa: E402

rng = np.random.default_rng(0)
DATA = (rng.normal(size=(64, 5)), rng.normal(size=64))
CENTRE = {"in": rng.normal(size=(5, 4)), "out": rng.normal(size=4)}


def loss(w, example):
    x, y = example
    return (jnp.tanh(x @ w["in"]) @ w["out"] - y) ** 2 / 2


def posterior(batch_size):
    return LocalPosterior(loss, DATA, CENTRE, 30.0, 1.0, batch_size=batch_size)


def sample(batch_size, mesh=None, key=11, **options):
    probes = jax.tree.map(lambda x: x[:8], DATA)
    options = {"chains": 8, "draws": 40, "burn_in": 10, "probes": probes, "evaluate": "batch"} | options
    return chain.run(jax.random.key(key), sgld(1e-2), posterior(batch_size), mesh=mesh, **options)


def gap(one, two):
    """The largest relative difference of anything recorded."""
    pairs = zip(*(jax.tree.leaves((r.loss, r.drift, r.square, r.probes)) for r in (one, two)), strict=True)
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(a))) for a, b in pairs)


def main():
    devices = sharding.mesh(data=2)
    found = {"devices": jax.device_count(), "processes": jax.process_count(), "mesh": dict(devices.shape)}
    pieces = {"every": 10}  # one program for all runs of minibatches on the mesh
    for name, batch_size, options in (("full", None, {}), ("mini", 16, pieces)):
        with jax.default_device(jax.local_devices()[0]):
            alone = sample(batch_size)
        whole = sample(batch_size, devices, **options)
        found[name] = gap(alone, whole)
    sums = sample(16, devices, keep="moments", **pieces).covariance("loss", "probes").mean
    found["moments"] = float(np.abs(sums / alone.covariance("loss", "probes").mean - 1).max())
    found["other key"] = gap(alone, sample(16, key=12))
    placed = sharding.place_posterior(devices, posterior(16))
    sums = jax.jit(lambda p, key: p.value_and_gradient(p.centre, p.minibatch(key))[0])
    with jax.set_mesh(devices):
        text = sums.lower(placed, sharding.place(devices, jax.random.key(0), None)).compile().as_text()
    found["sums over devices"] = text.count("all-reduce(")
    if len(sys.argv) > 4:
        path = Path(sys.argv[4])
        cut = pieces | {"checkpoint": path}
        try:
            sample(16, devices, progress=stop, **cut)
        except KeyboardInterrupt:
            found["stopped"] = path.exists()
        found["resumed"] = bool((sample(16, devices, **cut).loss == whole.loss).all())
    print(json.dumps(found))


def stop(done, draws):
    if done >= 20:
        raise KeyboardInterrupt


if __name__ == "__main__":
    main()
