"""A small language model in a wheel: `glassllm` 0.1.0 (MIT), 852,608 weights in half precision, 4 layers of 4 heads on 2 keys.

The weights are read from the installed package, whose code is not run but for its tokenizer; the file is known by its hash.

Functions: `load`, `encode`. Class: `Model`.
"""

import hashlib
import json
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sampler.networks.llama import Shape, Weights
from theory.errors import BadInput

INSTALL = "pip install --no-deps glassllm==0.1.0"
SHA256 = {
    "en": "261ae219ab98caa1f3641e23deb3d9d91b7b7a276f991cbd494f67cfa5abce4d",
    "pt": "597120c1ccf0ba55af6f5aac949be7dbdfbbe7a5f1fc9214473d07f07c580ca2",
}
NAMES = {"norm1.gamma": "norm1", "norm2.gamma": "norm2"} | {f"attn.W_{c}": f"W_{c}" for c in "QKVO"}
NAMES |= {f"ffn.W{i}": f"W_{i}" for i in (1, 2, 3)}


class Model(NamedTuple):
    """Weights for `networks.llama`, the shape that goes with them, the tokenizer, and the longest context."""

    weights: Weights
    shape: Shape
    tokenizer: Any
    context: int


def load(language: str = "en", *, folder: Path | None = None, dtype: Any = np.float32) -> Model:
    """The pretrained model of a language, "en" or "pt".

    Raises `BadInput` where the package is missing, the language is another, or the file is not the one that is known.
    """
    if language not in SHA256:
        raise BadInput(f"glass.load: the languages are {', '.join(SHA256)}; {language!r} is none of them.")
    found = find_spec("glassllm")
    if found is None or not found.submodule_search_locations:
        raise BadInput(f"glass.load needs glassllm, which is not installed; install it with `{INSTALL}`.")
    path = (folder or Path(found.submodule_search_locations[0]) / "weights") / f"{language}.npz"
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise BadInput(f"glass.load: {path} cannot be read ({problem.strerror}); install {INSTALL}.") from None
    if hashlib.sha256(content).hexdigest() != SHA256[language]:
        raise BadInput(f"glass.load: {path.name} is not the file of glassllm 0.1.0; install it again with `{INSTALL}`.")
    with np.load(BytesIO(content), allow_pickle=False) as stored:
        config = json.loads(str(stored["__config__"]))
        arrays = {name: stored[name].astype(dtype) for name in stored.files if name != "__config__"}
    weights: dict[str, Any] = {"embedding": arrays["E"], "norm": arrays["norm_f.gamma"]}
    for i in range(config["n_layers"]):
        weights[f"layer{i}"] = {own: arrays[f"blocks.{i}.{theirs}"] for theirs, own in NAMES.items()}
    shape = Shape(config["d_model"] // config["n_heads"], config["rope_base"], config["eps"])
    from glassllm.tokenizer import Tokenizer  # pyright: ignore[reportMissingImports]

    return Model(weights, shape, Tokenizer.load(path.with_name(f"{language}.tokenizer.json")), config["max_len"])


def encode(model: Model, text: str, length: int) -> np.ndarray:
    """The text as rows of `length` tokens, (rows, length); what does not fill a row is left out."""
    ids = np.asarray(model.tokenizer.encode(text), np.int32)
    rows = len(ids) // length
    if not rows:
        raise BadInput(f"glass.encode: the text has {len(ids)} tokens; a row takes {length}.")
    return ids[: rows * length].reshape(rows, length)
