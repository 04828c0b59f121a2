"""devinterp's estimate on the same networks in the same processor time, where it is installed.

devinterp 2.0.1 is the estimator that people use (PyTorch). It gets the same data, minibatches, nβ, γ, step ε and chains as
`benchmark`, and as many steps as the processor seconds of `benchmark` pay for, half of them burn-in; a short run beforehand says
what a step costs. Its own answer `compute_llc` averages over burn-in as well, so beside it stands the same loss averaged over the
draws alone, which is the estimate that its trace allows. Errors are those of the autocorrelated trace (`sampler.diagnostics.mean`)
for both.

    pip install torch==2.13.0 datasets zarr pydantic pandas transformers tqdm
    pip install --no-deps devinterp==2.0.1

Functions: `installed`, `measure`.
"""

import os
import tempfile
import time
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from sampler import diagnostics
from sampler.networks import linear

TRIAL = 40


def installed() -> bool:
    """Whether the packages of the comparison are there."""
    return all(find_spec(name) is not None for name in ("torch", "datasets", "devinterp"))


def measure(
    *, widths: Sequence[int], strengths: Sequence[float], n: int, batch: int, gamma: float, epsilon: float, t: float, chains: int,
    seconds: float, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """λ̂ by devinterp after about `seconds` of processor time: over the draws (mean, sem, rhat), and as it reports it (its_own)."""
    os.environ |= {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch: Any = import_module("torch")
        sample, compute_llc = (
            import_module("devinterp.slt.sampling").sample,
            import_module("devinterp.slt.llc").compute_llc,
        )
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        x = np.random.default_rng(seed).normal(size=(n, widths[0])).astype(np.float32)
        y = x @ linear.target(widths, strengths).T.astype(np.float32)
        layers = [torch.nn.Linear(a, b, bias=False) for a, b in pairwise(widths)]
        with torch.no_grad():
            for layer, weight in zip(layers, linear.balanced(widths, strengths).values(), strict=True):
                layer.weight.copy_(torch.tensor(weight))
        inputs, targets = torch.tensor(x), torch.tensor(y)
        # Its models read integers: the number of the example, twice, since a sequence of one token has no next one.
        ids = import_module("datasets").Dataset.from_dict(
            {"input_ids": np.repeat(np.arange(n)[:, None], 2, 1).tolist()}
        )
        ids.set_format(type="torch", columns=["input_ids"])

        def loss(model: Any, rows: Any) -> Any:
            rows = rows[:, 0]
            return 0.5 * (targets[rows] - model(inputs[rows])).square().sum(1, keepdim=True)

        def run(draws: int) -> tuple[Any, float]:
            with tempfile.TemporaryDirectory() as folder:
                began = time.process_time()
                samples = sample(
                    torch.nn.Sequential(*layers), ids, {}, lr=epsilon, n_beta=t, num_chains=chains, num_draws=draws,
                    num_burnin_steps=draws, batch_size=min(batch, n), localization=gamma, num_init_loss_batches=1,
                    loss_fn=loss, device="cpu", output_path=str(Path(folder) / "draws.zarr"),
                )  # fmt: skip
                found = compute_llc(samples).load()
                return found, time.process_time() - began

        run(2)
        trial = run(TRIAL)[1]
        found, took = run(max(TRIAL, round(TRIAL * seconds / trial)))
    trace = t * (np.asarray(found.loss_trace) - float(found.init_loss))
    kept = diagnostics.mean(trace[:, trace.shape[1] // 2 :])
    return {
        "mean": float(kept.mean), "sem": float(kept.sem), "rhat": float(kept.rhat), "its_own": float(found.llc_mean),
        "steps": trace.shape[1], "seconds": took,
    }  # fmt: skip
