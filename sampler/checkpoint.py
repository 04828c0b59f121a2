"""A run on disk, so that one that was cut off goes on bit for bit.

One .npz file holds the state of the chains, the traces so far and a fingerprint of everything that decides the result:
the arrays (data, centre, nβ, γ, mask, ε, keys, probes, starting points), the sizes, and the *program* of the loss, the
kernel and the observables (the lowered text with its constants, so that a changed loss of the same name is noticed).
The file is written aside and moved into place; a crash leaves the old one.
"""

import hashlib
import os
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import numpy as np

from sampler.kernels.kernel import State
from theory.errors import BadInput


class Checkpoint:
    """The file of one run, or nothing at all when the path is None."""

    def __init__(self, path: str | PathLike | None, arrays: tuple, settings: dict[str, int], functions: tuple):
        self.path = Path(path) if path is not None else None
        self.fingerprint = _fingerprint(arrays, settings, functions) if self.path else ""

    def read(self, state: State) -> tuple[int, State, list[dict[str, Any]]]:
        """(draws done, state, traces); (0, the given state, []) when there is no file."""
        if self.path is None or not self.path.exists():
            return 0, state, []
        with np.load(self.path, allow_pickle=False) as file:
            stored = dict(file)
        if str(stored.get("fingerprint")) != self.fingerprint:
            raise BadInput(f"chain.run: {self.path} belongs to a run with other settings; remove it or choose another.")
        leaves, tree = jax.tree.flatten(state)
        # numpy stores bfloat16 as raw bytes, hence the view.
        state = tree.unflatten([stored[f"state_{i}"].view(leaf.dtype) for i, leaf in enumerate(leaves)])
        traces: dict[str, Any] = {"observables": {}}
        for name, value in stored.items():
            group, _, rest = name.partition("_")
            if group == "trace":
                traces[rest] = value
            elif group == "observable":
                traces["observables"][rest] = value
        return int(stored["done"]), jax.tree.map(jax.numpy.asarray, state), [traces]

    def write(self, done: int, state: State, pieces: list[dict[str, Any]]) -> None:
        """Replace the file by one that holds everything up to `done` draws."""
        if self.path is None:
            return
        traces = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *pieces)
        pieces[:] = [traces]
        named = {f"observable_{name}": value for name, value in traces["observables"].items()}
        named |= {f"trace_{name}": value for name, value in traces.items() if name != "observables"}
        named |= {f"state_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
        aside = self.path.with_name(self.path.name + ".part")
        with open(aside, "wb") as file:
            np.savez(file, fingerprint=np.array(self.fingerprint), done=np.array(done), **named)
        os.replace(aside, self.path)


def _fingerprint(arrays: tuple, settings: dict[str, int], functions: tuple) -> str:
    kernel, posterior, keys, probes, state = arrays
    digest = hashlib.sha256(repr((jax.__version__, sorted(settings.items()), posterior.batch_size)).encode())
    everything = (kernel, posterior, jax.random.key_data(keys), probes, state)
    for path, leaf in jax.tree_util.tree_leaves_with_path(everything):
        value = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {value.dtype} {value.shape}".encode() + value.tobytes())
    example = jax.tree.map(lambda leaf: leaf[0], posterior.data)
    programs = [("loss", posterior.loss, (posterior.centre, example))]
    programs += [(name, phi, (posterior.centre,)) for name, phi in functions]
    programs += [(type(kernel).__name__, kernel.step, (keys[0], posterior, jax.tree.map(lambda x: x[0], state)))]
    for name, function, inputs in programs:
        digest.update(f"{name} {jax.jit(function).lower(*inputs).as_text()}".encode())
    return digest.hexdigest()
