"""Names of 1,025 creatures and a small character model that was trained on them, from the package pokepy-generator (MIT).

A name of k letters gives k + 1 examples (8 characters before → the next one), with "." before and after it: 8,842 in all.
The package is read as files; importing it would start a web interface. Its model has 6,089 trainable weights in batch-norm form;
`model` returns it with the norms folded in (5,993 weights; see `networks.wavenet`).
"""

import re
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from sampler.networks import wavenet
from theory.errors import BadInput

ALPHABET = ".abcdefghijklmnopqrstuvwxyz"
PLACES = 8
INSTALL = "pip install --no-deps pokepy-generator==1.1.0"
LINEAR, NORM = (1, 5, 9), (2, 6, 10)
DIGEST = "e2524df6d083c2d6ee4a7a6f8b924bc0748835b5f9bd3bcbc8bd2ebd3c1dfab6"


class Names(NamedTuple):
    """contexts and the character that follows, numbers into `ALPHABET`; `name` says to which name an example belongs."""

    contexts: Int[np.ndarray, "n 8"]
    characters: Int[np.ndarray, " n"]
    name: Int[np.ndarray, " n"]
    words: tuple[str, ...]


@lru_cache(maxsize=1)
def load() -> Names:
    """All examples, name by name; raises `BadInput` where the package is missing or holds other files."""
    text = _folder().joinpath("pokemon.txt").read_text(encoding="utf-8")
    words = [word for line in text.splitlines() if (word := re.sub("[^a-z]", "", line.lower()))]
    contexts, characters, name = [], [], []
    for number, word in enumerate(words):
        context = [0] * PLACES
        for letter in word + ".":
            contexts.append(context)
            characters.append(ALPHABET.index(letter))
            name.append(number)
            context = [*context[1:], characters[-1]]
    return Names(np.array(contexts, np.int32), np.array(characters, np.int32), np.array(name, np.int32), tuple(words))


@lru_cache(maxsize=1)
def model() -> dict[str, Any]:
    """The trained model with its batch norms folded in, in float64; raises `BadInput` as `load` does."""
    folder = _folder()

    def read(name: str) -> Float[np.ndarray, "..."]:
        return np.load(folder / f"{name}.npy", allow_pickle=False)

    params: dict[str, Any] = {"embedding": {"weight": read("C")}}
    for i, (linear, norm) in enumerate(zip(LINEAR, NORM, strict=True)):
        parts = {key: read(f"layer_{norm}_{key}")[0] for key in ("gamma", "beta", "mean", "var")}
        params[f"layer{i}"] = wavenet.folded(read(f"layer_{linear}_weight"), parts)
    return params | {"head": {"weight": read("layer_12_weight"), "bias": read("layer_12_bias")[0]}}


def _folder() -> Path:
    """The folder of the package, whose files are those that this loader was written for."""
    spec = find_spec("pokepy")
    if spec is None or not spec.submodule_search_locations:
        raise BadInput(
            f"names.load needs the package pokepy-generator, which is not installed; install it with `{INSTALL}`."
        )
    folder = Path(spec.submodule_search_locations[0])
    digest = sha256()
    for path in sorted([*folder.glob("*.npy"), *folder.glob("*.txt")]):
        digest.update(path.name.encode() + path.read_bytes())
    if digest.hexdigest() != DIGEST:
        raise BadInput(
            f"names.load: the files in {folder} are not those of pokepy-generator 1.1.0; install it with `{INSTALL}`."
        )
    return folder
