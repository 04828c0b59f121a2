"""`glass`: heads of a pretrained language model as components, on data of which it is the exact optimum.

The model (`sampler.data.glass`, 852,608 weights) was trained on text that its package does not hold. On other text its weights are
no minimum, and a learning coefficient there has no meaning. But there is data of which w* is the optimum by construction: the
model's own samples, z ∼ p(z|w*), for which K(w) = KL(p(·|w*) ‖ p(·|w)) ≥ 0 vanishes at w*. That is the data here. What is left of
the gradient is sampling noise: E|∇L_n(w*)|² = tr Cov(∇ℓ_z)/n, which is checked; on English text the same ratio is far from 1.

Then, for each head (its query columns and output rows; keys and values that it shares with another head stay fixed): a restricted
chain with the frozen prefix computed once, the learning coefficient of the head, and the susceptibilities −Cov(φ_C, ℓ_z − L_n) of
the tokens of held-out samples, with errors, reliability between independent halves of the chains, and the diagnosis.

Reading order: `conduct`; `samples`, `gradient`, `head`.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Int
from matplotlib.figure import Figure

from ledger.claim import Budget
from ledger.experiments.experiment import Found, Picture, Result, Statement, Table
from ledger.experiments.folder import Folder
from sampler import chain, components, diagnosis, standardize, stepsize
from sampler.data import glass
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.networks import llama
from sampler.posterior import LocalPosterior
from sampler.susceptibility import susceptibility


class Size(NamedTuple):
    """How much: sequences of T tokens, of which `probes` are held out; heads; chains and draws of each."""

    sequences: int
    T: int
    probes: int
    heads: tuple[tuple[int, int], ...]
    chains: int
    draws: int
    thin: int
    burn_in: int


SIZES = {
    Budget.QUICK: Size(176, 16, 12, ((2, 1), (3, 2)), 4, 50, 3, 70),
    Budget.FULL: Size(960, 32, 16, tuple((i, h) for i in range(4) for h in (0, 2)), 4, 300, 3, 200),
}
NBETA, GAMMA, BATCH, GROUPS = 200.0, 100.0, 16, 10
BIAS = 0.05  # the step may make the LLC too large by this fraction at most


def conduct(folder: Folder, budget: Budget) -> Result:
    """Check the forward, make the data, test that w* is its optimum, then one chain a head."""
    size = SIZES[budget]
    forward = folder.part("forward", compare_forward)
    data = folder.part("samples", samples, sequences=size.sequences + size.probes, T=size.T, seed=0)["tokens"]
    tokens, probes = data[size.probes :], data[: size.probes]
    own = folder.part("gradient", gradient, tokens=tokens)
    text = folder.part("gradient-text", gradient, tokens=prose(size.T, len(tokens)))
    heads = {
        (i, h): folder.part(f"head-{i}-{h}", head, layer=i, number=h, tokens=tokens, probes=probes, size=size)
        for i, h in size.heads
    }
    return _result(forward, own, text, heads, probes)


def compare_forward() -> dict[str, Any]:
    """The largest difference between this forward and the package's own, over four rows of tokens."""
    from glassllm import load_pretrained  # pyright: ignore[reportMissingImports]

    model = glass.load()
    tokens = np.random.default_rng(0).integers(0, 1024, (4, 64))
    theirs = load_pretrained("en")[0].forward(tokens).data
    ours = jax.jit(jax.vmap(lambda z: llama.logits(model.weights, z, shape=model.shape)))(tokens)
    return {"difference": float(np.abs(ours - theirs).max()), "largest": float(np.abs(theirs).max())}


def prose(T: int, rows: int) -> np.ndarray:
    """English that the model does not know: the topics of Python's help, (≤ rows, T) tokens."""
    from pydoc_data.topics import topics

    return glass.encode(glass.load(), "\n".join(topics[name] for name in sorted(topics))[:60_000], T)[:rows]


def samples(sequences: int, T: int, seed: int) -> dict[str, Any]:
    """z_1 uniform over the vocabulary but for its special tokens, then z_{i+1} ∼ p(·|z_1 … z_i, w*): rows of T tokens."""
    model = glass.load()
    key = jax.random.key(seed)
    first = jax.random.randint(key, (sequences,), 4, model.weights["embedding"].shape[0], jnp.int32)
    rows = jnp.zeros((sequences, T), jnp.int32).at[:, 0].set(first)
    scores = jax.vmap(partial(llama.logits, jax.tree.map(jnp.asarray, model.weights), shape=model.shape))

    @jax.jit
    def grown(rows, key):
        def one(i, rows):
            drawn = jax.random.categorical(jax.random.fold_in(key, i), scores(rows)[:, i - 1])
            return rows.at[:, i].set(drawn.astype(jnp.int32))

        return jax.lax.fori_loop(1, T, one, rows)

    batches = [rows[i : i + 64] for i in range(0, sequences, 64)]
    keys = jax.random.split(jax.random.fold_in(key, T), len(batches))  # `one` folds in 1, …, T − 1
    return {"tokens": np.concatenate([np.asarray(grown(*each)) for each in zip(batches, keys, strict=True)])}


def gradient(tokens: np.ndarray) -> dict[str, Any]:
    """The mean loss a token, and the ratio of |∇L_n|² to tr Cov(∇ℓ_z)/n, which is 1 in the mean at the optimum of the distribution.

    From `GROUPS` groups of sequences of equal size; what does not fill a group is left out.
    """
    model = glass.load()
    weights = jax.tree.map(jnp.asarray, model.weights)
    groups = jnp.asarray(tokens)[: len(tokens) // GROUPS * GROUPS].reshape(GROUPS, -1, tokens.shape[1])
    losses, sums, squares = (
        np.asarray(x, np.float64) for x in zip(*(_of_group(model.shape, weights, rows) for rows in groups), strict=True)
    )

    def ratio(kept: list[int]) -> tuple[float, float]:
        """1 + n|E∇ℓ|²/tr Cov without bias, from products of different groups; and its standard error where E∇ℓ = 0."""
        n = len(kept) * groups.shape[1]
        products = sums[kept] @ sums[kept].T
        trace = (squares[kept].sum() - products.sum() / n) / (n - 1)
        across = products[~np.eye(len(kept), dtype=bool)]
        return 1 + across.sum() / (n * trace), (2 * np.sum(across**2)) ** 0.5 / (n * trace)

    everything = list(range(GROUPS))
    found, at_optimum = ratio(everything)
    # At the optimum the statistic is degenerate, and a jackknife alone would understate its error.
    without = np.array([ratio([i for i in everything if i != left])[0] for left in everything])
    elsewhere = float(standardize.jackknife(np.asarray(found), without).sem)
    every = losses.ravel()
    return {
        "loss": every.mean(),
        "loss_sem": every.std(ddof=1) / len(every) ** 0.5,
        "ratio": found,
        "ratio_sem": max(at_optimum, elsewhere),
    }


@partial(jax.jit, static_argnums=0)
def _of_group(shape: llama.Shape, weights: Any, rows: Int[Array, "rows T"]) -> tuple[Array, Array, Array]:
    """Losses, Σ ∇ℓ_z, Σ |∇ℓ_z|² of a group of sequences."""
    loss = llama.next_token(shape)

    def add(sums: tuple[Array, Array], z: Array) -> tuple[tuple[Array, Array], Array]:
        value, slope = jax.value_and_grad(loss)(weights, z)
        slope = ravel_pytree(slope)[0]
        return (sums[0] + slope, sums[1] + slope @ slope), value

    count = sum(x.size for x in jax.tree.leaves(weights))
    sums, values = jax.lax.scan(add, (jnp.zeros(count), jnp.zeros(())), rows)
    return values, *sums


def head(layer: int, number: int, tokens: np.ndarray, probes: np.ndarray, size: Size, progress: Any) -> dict[str, Any]:
    """One restricted chain: the head's learning coefficient and the susceptibilities of the probes' tokens."""
    model = glass.load()
    weights = jax.tree.map(jnp.asarray, model.weights)
    loss = llama.next_token(model.shape)
    whole = LocalPosterior(loss, jnp.asarray(tokens), weights, NBETA, GAMMA, batch_size=BATCH)
    own = components.head(weights, f"layer{layer}", number, d_head=model.shape.d_head, shared=False)
    restricted = components.restrict(whole, own)
    reading = restricted.reading(partial(llama.token_losses, shape=model.shape), jnp.asarray(probes))
    step = stepsize.suggest(restricted.posterior, bias=BIAS, probes=1, iterations=12)
    run = chain.run(
        jax.random.key(100 * layer + number), sgld(step.epsilon), restricted.posterior, chains=size.chains, draws=size.draws,
        burn_in=size.burn_in, thin=size.thin, probes=reading.prepare(jnp.asarray(probes)), probe_loss=reading.loss,
        evaluate=min(128, len(tokens)), progress=progress,
    )  # fmt: skip
    chi, coefficient, found = susceptibility(run), llc(run), diagnosis.diagnose(run)
    halves = [_half(run, slice(i, None, 2)) for i in range(2)]
    return {
        "chi": chi.mean, "chi_sem": chi.sem, "llc": coefficient.mean, "llc_sem": coefficient.sem, "ess": coefficient.ess,
        "rhat": coefficient.rhat, "between_halves": np.corrcoef(halves[0], halves[1])[0, 1], "epsilon": step.epsilon, "u": step.u,
        "size": own.size, "severity": found.severity, "diagnosis": str(found), "seconds": run.seconds,
    }  # fmt: skip


def _half(run: Any, chains: slice) -> np.ndarray:
    """χ̂ from every other chain alone."""
    loss, seen = run.trace("loss")[chains], run.trace("probes")[chains]
    away = loss - loss.mean(axis=1, keepdims=True)
    return -np.einsum("cn,cnp->p", away, seen - loss[..., None]) / (away.size - len(away))


def _result(forward: Any, own: Any, text: Any, heads: dict, probes: np.ndarray) -> Result:
    names = [f"{i}.{h}" for i, h in heads]
    stacked = {
        name: np.stack([part[name] for part in heads.values()])
        for name in ("chi", "chi_sem", "llc", "llc_sem", "between_halves")
    }
    P, T = probes.shape
    pieces = glass.load().tokenizer.tokens(probes.ravel().tolist())
    tokens = np.array(pieces).reshape(P, T)
    chi = xr.Dataset(
        {
            "chi": (("head", "sequence", "position"), stacked["chi"].reshape(-1, P, T - 1)),
            "chi_sem": (("head", "sequence", "position"), stacked["chi_sem"].reshape(-1, P, T - 1)),
            "llc": ("head", stacked["llc"]),
            "llc_sem": ("head", stacked["llc_sem"]),
            "between_halves": ("head", stacked["between_halves"]),
            "token": (("sequence", "position"), tokens[:, 1:]),
        },
        coords={"head": names},
    )
    agreement = float(forward["difference"]) / float(forward["largest"])
    reliable = 2 * stacked["between_halves"] / (1 + stacked["between_halves"])
    statements = [
        Statement(
            f"forward: equal to the package's own up to {agreement:.1e} of the largest logit",
            Found.HOLDS if agreement < 1e-4 else Found.FAILS,
        ),
        Statement(
            f"on its own samples the model is at an optimum: |∇L_n|²/(tr Cov(∇ℓ)/n) = {float(own['ratio']):.2f} ± "
            f"{float(own['ratio_sem']):.2f} (1 expected), loss {float(own['loss']):.3f} ± {float(own['loss_sem']):.3f} nats",
            Found.HOLDS if abs(own["ratio"] - 1) < 4 * own["ratio_sem"] else Found.FAILS,
        ),
        Statement(
            f"on English help texts it is not: the ratio is {float(text['ratio']):.1f} ± {float(text['ratio_sem']):.1f}, loss "
            f"{float(text['loss']):.2f} ± {float(text['loss_sem']):.2f} nats; no learning coefficient is reported there",
            Found.FAILS,
        ),
    ]
    for name, part, r in zip(names, heads.values(), reliable, strict=True):
        statements.append(
            Statement(
                f"head {name}: λ̂ = {float(part['llc']):.2f} ± {float(part['llc_sem']):.2f} at nβ = {NBETA:g}, γ = {GAMMA:g} "
                f"({int(part['size'])} weights); reliability of χ̂ {r:.2f}; diagnosis: {part['severity']}",
                Found.SHOWN if r > 0.5 else Found.OPEN,
            )
        )
    return Result(
        chi,
        tuple(statements),
        {"heads": _heads(names, stacked), "tokens": _tokens(names, chi)},
        (_extremes(names, stacked, tokens),),
        {"llc": dict(zip(names, stacked["llc"], strict=True)), "reliability": dict(zip(names, reliable, strict=True))},
    )


def _heads(names: list[str], stacked: dict[str, np.ndarray]) -> Picture:
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(names, stacked["llc"], stacked["llc_sem"], fmt="o", capsize=3)
    axes.set(xlabel="head (layer.number)", ylabel="λ̂ of the head")
    return Picture(figure, "Learning coefficient of each head on the model's own samples, ± one standard error.")


def _tokens(names: list[str], chi: xr.Dataset) -> Picture:
    """χ̂ of every token, sorted, with its standard error as a band: how much of it stands above the noise."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for name in names:
        values, sems = (chi[key].sel(head=name).values.ravel() for key in ("chi", "chi_sem"))
        order = np.argsort(values)
        (line,) = axes.plot(values[order], lw=1, label=name)
        axes.fill_between(
            range(len(order)), (values - sems)[order], (values + sems)[order], alpha=0.2, color=line.get_color(), lw=0
        )
    axes.set(xlabel="token, sorted by χ̂ for each head", ylabel="χ̂ ± standard error")
    if len(names) <= 8:
        axes.legend(fontsize=8, frameon=False)
    return Picture(
        figure, "Susceptibilities of the tokens of held-out samples, sorted; the band is one standard error."
    )


def _extremes(names: list[str], stacked: dict[str, np.ndarray], tokens: np.ndarray) -> Table:
    """The three tokens at each end, in context, with z = χ̂/standard error."""
    rows = []
    T = tokens.shape[1] - 1
    for name, chi, sem in zip(names, stacked["chi"], stacked["chi_sem"], strict=True):
        order = np.argsort(chi)
        for at in (*order[:3], *order[-3:]):
            row, position = divmod(int(at), T)
            before = "".join(tokens[row, max(0, position - 4) : position + 1])
            shown = f"{before}[{tokens[row, position + 1]}]".replace("▁", " ").replace("\n", "⏎")
            rows.append((name, shown, f"{chi[at]:.2e} ± {sem[at]:.1e}", f"{chi[at] / sem[at]:.1f}"))
    return Table("Tokens at the ends", ("head", "context [token]", "χ̂", "z"), tuple(rows))
