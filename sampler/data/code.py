"""The Python standard library as a corpus, in tokens of a byte-pair encoding that is trained on it here.

The text is every module of the library of the running interpreter (PSF licence) but for tests, encodings, idlelib, lib2to3,
ensurepip and pydoc_data, some nine million characters; nothing is fetched. It differs from one version of Python to the next, so
that `Corpus.digest` belongs to every number that is had from it. Files come in an order drawn once, one after another; rows of a
length are cut from the stream and may cross from one file into the next.

Functions: `text` (the modules), `encode` (text → `Corpus`), `rows`.
"""

import sysconfig
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from theory.errors import BadInput

LEFT_OUT = {"test", "tests", "idle_test", "encodings", "idlelib", "lib2to3", "ensurepip", "pydoc_data", "site-packages"}
INSTALL = "pip install tokenizers"
ORDER_SEED = 0


class Corpus(NamedTuple):
    """ids (n,) of all tokens; pieces: the text of each token number (bytes that are no character alone show as �); digest of the
    text; characters in it."""

    ids: Int[np.ndarray, " n"]
    pieces: tuple[str, ...]
    digest: str
    characters: int


def text(characters: int | None = None, folder: Path | None = None) -> str:
    """The modules in their drawn order, cut off after `characters`; raises `BadInput` where the library's source is not there."""
    folder = folder or Path(sysconfig.get_paths()["stdlib"])
    paths = [
        path
        for path in sorted(folder.rglob("*.py"))
        if not LEFT_OUT & set(path.relative_to(folder).parts) and "dist-packages" not in path.parts
    ]
    if not paths:
        raise BadInput(f"code.text: {folder} holds no Python source; use an interpreter with its library unpacked.")
    order = np.random.default_rng(ORDER_SEED).permutation(len(paths))
    parts, length = [], 0
    for i in order:
        part = paths[i].read_text(encoding="utf-8", errors="replace")
        parts.append(part)
        length += len(part)
        if characters is not None and length >= characters:
            break
    return "".join(parts)[:characters]


def encode(source: str, vocabulary: int = 512) -> Corpus:
    """Train a byte-level byte-pair encoding of `vocabulary` tokens on a text and encode it.

    Raises `BadInput` where the package tokenizers is missing or the vocabulary is below the 256 bytes.
    """
    if find_spec("tokenizers") is None:
        raise BadInput(
            f"code.encode needs the package tokenizers, which is not installed; install it with `{INSTALL}`."
        )
    if vocabulary < 257:
        raise BadInput(f"code.encode: the 256 bytes need a vocabulary of 257 or more; it is {vocabulary}.")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # pyright: ignore[reportMissingImports]

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    lines = source.splitlines(keepends=True)
    tokenizer.train_from_iterator(lines, trainer)
    # Blocks of lines: one string of millions of characters is slow to cut.
    blocks = ["".join(lines[i : i + 500]) for i in range(0, len(lines), 500)]
    ids = np.concatenate([np.asarray(each.ids, np.int32) for each in tokenizer.encode_batch(blocks)])
    pieces = tuple(tokenizer.decode([i], skip_special_tokens=False) for i in range(tokenizer.get_vocab_size()))
    return Corpus(ids, pieces, sha256(source.encode()).hexdigest()[:16], len(source))


def rows(ids: Int[np.ndarray, " n"], length: int) -> Int[np.ndarray, "N length"]:
    """The stream cut into rows of `length` tokens, what does not fill a row left out; raises `BadInput` for less than one row."""
    count = len(ids) // length
    if length < 2 or count < 1:
        raise BadInput(
            f"code.rows: {len(ids)} tokens do not make a row of {length}; take more text or shorter rows of 2 or more."
        )
    return np.asarray(ids[: count * length], np.int32).reshape(count, length)


__all__ = ["Corpus", "encode", "rows", "text"]
