"""A run on disk, so that one that was cut off goes on bit for bit.

One .npz file holds the state of the chains, what was recorded so far and a fingerprint of everything that decides the result:
the arrays (data, centre, nβ, γ, mask, ε, keys, probes, starting points), the sizes, and the *program* of the loss, the
kernel and the observables (the lowered text with its constants, so that a changed loss of the same name is noticed).
The file is written aside and moved into place; a crash leaves the old one.
"""

import hashlib
import os
import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import numpy as np

from sampler import sharding
from sampler.kernels.kernel import State
from sampler.recorder import Recorder
from theory.errors import BadInput

VERSION = 2


class Checkpoint:
    """The file of one run, or nothing at all when the path is None."""

    def __init__(self, path: str | PathLike | None, arrays: tuple, settings: dict[str, int], functions: Any):
        self.path = Path(path) if path is not None else None
        self.fingerprint = _fingerprint(arrays, settings, functions) if self.path else ""

    def read(self, state: State, recorder: Recorder) -> tuple[int, State]:
        """(steps done, state), the recorder filled; (0, the given state) when there is no file.

        Raises `BadInput` for a file of another run or another version, and for one that is not a checkpoint.
        """
        if self.path is None or not self.path.exists():
            return 0, state
        try:
            with np.load(self.path, allow_pickle=False) as file:
                stored = dict(file)
        except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise BadInput(
                f"chain.run: {self.path} is not a checkpoint that can be read ({error}); remove it."
            ) from None
        if int(stored.get("version", 0)) != VERSION:
            raise BadInput(f"chain.run: {self.path} was not written by this version; remove it or choose another.")
        if str(stored.get("fingerprint")) != self.fingerprint:
            raise BadInput(f"chain.run: {self.path} belongs to a run with other settings; remove it or choose another.")
        recorder.restore({name.removeprefix("record_"): x for name, x in stored.items() if name.startswith("record_")})

        def again(leaf: Any, i: int) -> Any:
            # numpy stores bfloat16 as raw bytes, hence the view.
            value = stored[f"state_{i}"].view(leaf.dtype)
            # As the leaf is: a committed one would compile the programs of the run again.
            return sharding.put_as(value, leaf.sharding) if leaf.committed else jax.device_put(value)

        leaves, tree = jax.tree.flatten(state)
        return int(stored["steps"]), tree.unflatten([again(leaf, i) for i, leaf in enumerate(leaves)])

    def write(self, steps: int, state: State, recorder: Recorder) -> None:
        """Replace the file by one that holds everything up to so many steps."""
        if self.path is None:
            return
        named: dict[str, Any] = {"version": VERSION, "fingerprint": self.fingerprint, "steps": steps}
        named |= {f"record_{name}": value for name, value in recorder.arrays().items()}
        named |= {f"state_{i}": sharding.whole(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
        if sharding.leads():
            aside = self.path.with_name(self.path.name + ".part")
            with open(aside, "wb") as file:
                np.savez(file, **named)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self.path)
        sharding.meet("checkpoint")


def _fingerprint(arrays: tuple, settings: dict[str, int], functions: Any) -> str:
    """The hash of all that decides the result; every process has the same."""
    kernel, posterior, keys, fixed, state = arrays
    static = (jax.__version__, sorted(settings.items()), posterior.batch_size, posterior.microbatch, functions.evaluate)
    digest = hashlib.sha256(repr(static).encode())
    everything = (kernel, posterior, jax.random.key_data(keys), fixed, state)
    for path, leaf in jax.tree_util.tree_leaves_with_path(everything):
        value = sharding.whole(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {value.dtype} {value.shape}".encode() + value.tobytes())
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), (posterior, state, keys))
    shape, states, key = shapes
    one, key = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), (states, key))
    example = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), posterior.data)
    programs = [("loss", posterior.loss, (shape.centre, example))]
    if fixed[0] is not None:
        probe = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), fixed[0])
        programs += [("probe loss", functions.probe_loss, (shape.centre, probe))]
    programs += [(name, phi, (shape.centre,)) for name, phi in functions.observables]
    programs += [(name, phi, (posterior, one)) for name, phi in functions.statistics]
    programs += [(type(kernel).__name__, kernel.step, (key, posterior, one))]
    for name, function, inputs in programs:
        digest.update(f"{name} {jax.jit(function).lower(*inputs).as_text()}".encode())
    return digest.hexdigest()
