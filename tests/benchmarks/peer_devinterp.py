"""The peer's side of `peer.py`: devinterp 2.0.1 in an environment of its own, timed on the same problems, one JSON line a case.

    python peer_devinterp.py CASE DRAWS [--wall]

CASE: "dln" (4 chains), "attention" (one chain, three observable batches a draw), "bare" (a plain loop of the same step in torch),
"matrix" (full chain and eight heads; a batch of probes and one of training data at each draw), "matrix3" (three of training data,
its default). The line holds the processor seconds of the whole call on one thread, or its wall seconds on all cores.
"""

import json
import os
import sys
import tempfile
import time
import warnings

os.environ |= {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"}
warnings.filterwarnings("ignore")

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from devinterp.slt.sampling import sample  # noqa: E402
from devinterp.slt.susceptibilities import susceptibilities  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy, scaled_dot_product_attention  # noqa: E402

WALL = "--wall" in sys.argv
torch.set_num_threads(os.cpu_count() if WALL else 1)
clock = time.perf_counter if WALL else time.process_time
torch.manual_seed(0)
VOCABULARY, WIDTH, HEADS, LAYERS, CONTEXT, BATCH = 512, 256, 4, 2, 64, 16


class Linear2(nn.Module):
    """x ↦ B A x with the data inside: the peer wants a model of integers."""

    def __init__(self, inputs, targets, A, B):
        super().__init__()
        self.A, self.B = nn.Parameter(A), nn.Parameter(B)
        self.register_buffer("inputs", inputs)
        self.register_buffer("targets", targets)

    def forward(self, rows):
        return self.inputs[rows] @ self.A.T @ self.B.T


def squared_error(model, ids):
    rows = ids[:, 0]
    return 0.5 * (model.targets[rows] - model(rows)).square().sum(1, keepdim=True)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x):
        q, k, v = (a.unflatten(-1, (HEADS, -1)).transpose(1, 2) for a in self.qkv(x).chunk(3, dim=-1))
        return self.out(scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.position = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.unembedding = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, ids):
        x = self.embedding(ids) + self.position.weight[: ids.shape[1]]
        for layer in self.layers:
            x = x + layer(x)
        return self.unembedding(x)


def next_token(model, ids):
    return cross_entropy(model(ids)[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")


def dataset(ids):
    made = Dataset.from_dict({"input_ids": ids.tolist()})
    made.set_format(type="torch", columns=["input_ids"])
    return made


def head_masks(model, layer, head):
    """One head's rows of Q, K, V and columns of the output."""
    own, masks = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS), {}
    for name, weight in model.named_parameters():
        if name == f"layers.{layer}.qkv.weight":
            mask = torch.zeros_like(weight)
            mask.view(3, WIDTH, WIDTH)[:, own] = 1
            masks[name] = mask
        elif name == f"layers.{layer}.out.weight":
            mask = torch.zeros_like(weight)
            mask[:, own] = 1
            masks[name] = mask
    return masks


def main(case, draws):
    options = {"num_draws": draws, "localization": 1.0, "num_init_loss_batches": 1, "device": "cpu"}
    options |= {"output_path": os.path.join(tempfile.mkdtemp(), "draws.zarr")}
    if case == "dln":
        x = torch.randn(4096, 4)
        eye = torch.zeros(4, 4)
        eye[0, 0] = eye[1, 1] = 1
        model, rows = Linear2(x, x @ eye, eye.clone(), eye.clone()), torch.arange(4096)
        ids = dataset(torch.stack([rows, torch.zeros_like(rows)], 1))
        began = clock()
        sample(model, ids, {}, lr=1e-4, n_beta=492.0, num_chains=4, batch_size=256, loss_fn=squared_error, **options)
        return clock() - began
    model, tokens = Attention(), torch.randint(VOCABULARY, (512, CONTEXT))
    ids = dataset(tokens)
    if case == "bare":
        start = [p.detach().clone() for p in model.parameters()]
        began = clock()
        for _ in range(draws):
            next_token(model, tokens[torch.randint(512, (BATCH,))]).mean().backward()
            with torch.no_grad():
                for p, centre in zip(model.parameters(), start, strict=True):
                    p.add_(10.0 * p.grad + (p - centre), alpha=-5e-7).add_(torch.randn_like(p), alpha=1e-3)
                    p.grad = None
        return clock() - began
    options |= {"lr": 1e-6, "n_beta": 10.0, "num_chains": 1, "batch_size": BATCH, "loss_fn": next_token}
    began = clock()
    if case == "attention":
        sample(model, ids, {"tokens": (ids, 3)}, **options)
    else:
        heads = {f"l{i}h{h}": head_masks(model, i, h) for i in range(LAYERS) for h in range(HEADS)}
        probes = dataset(torch.randint(VOCABULARY, (BATCH, CONTEXT)))
        found = susceptibilities(
            model,
            ids,
            {"train": (ids, 3 if case == "matrix3" else 1), "probe": (probes, 1)},
            {"full": None, **heads},
            sampling_task="train",
            **options,
        )
        found.load()
    return clock() - began


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
