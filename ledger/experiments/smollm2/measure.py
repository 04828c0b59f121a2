"""Text, attention scores, and χ̂ of one head of the pretrained model.

    p(v) ∝ exp(−nβ L_A(u*, v) − (γ/2)|v − v*|²),   v the query columns and output rows of a head,
    φ = L_P − L_P(w*),    χ̂_z = −Cov(φ, ℓ_z − L_P),   z a token of P                                 (eq 31, Def 16)

A: all rows; P ⊂ A the probed ones; L is a mean over tokens, and nβ about n/ln n of the 2,048 tokens of A. φ is had from the probed
losses themselves, without noise and for nothing. Curvatures of L_A on a head lie between −0.15 and 0.16 (Lanczos, one head of layer
23), with a gradient that is not 0: γ must exceed 0.15 nβ, or the chain runs away. At leading order in 1/γ the law is a Gaussian of
variance 1/γ about w*, and

    χ_z ≈ −∇φ·∇(ℓ_z − L_P)/γ,

one gradient and its directional derivative ("linear"): another road to the same numbers, off by the curvature nβH/γ ≤ 0.1, by the
shift of the mean, and by all higher orders.

The kernel is BAOAB (`kernels.underdamped`), whose law at a quadratic is exact at any stable step. All curvatures of U lie within
γ ± 0.16 nβ, and friction A = 2√γ is near critical: ten steps forget. Minibatches of m rows heat a direction in which ∇ℓ of a row
has variance g by the fraction h (nβ)² g/(2 m A); "heat" is that of the noisiest direction.

Functions: `text`, `known`, `attention`, `choose`, `head`. Class: `Head`.
"""

import argparse
import hashlib
import resource
import sys
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from sampler import chain, components, diagnosis
from sampler.data import smollm2
from sampler.kernels.underdamped import baoab
from sampler.llc import llc
from sampler.networks import llama
from sampler.posterior import LocalPosterior
from sampler.susceptibility import susceptibility

NBETA, GAMMA, BATCH = 300.0, 500.0, 2
STEP, FRICTION = 0.03, 45.0  # h and A: ελ = h²λ ≤ 0.5
CHARACTERS = 60_000
NEITHER = 0.1
QUESTION, ANSWER = "The capital of France is", " Paris"


class Head(NamedTuple):
    """A head and why it was chosen."""

    layer: int
    number: int
    kind: str


@cache
def model() -> smollm2.Model:
    """The model, its weights on the device."""
    found = smollm2.load()
    return found._replace(weights=jax.tree.map(jnp.asarray, found.weights))


def text(rows: int, T: int, version: str) -> dict[str, Any]:
    """Rows of T tokens, help topics and the source of `argparse` by turns, spread over each; the text of each token."""
    from pydoc_data.topics import topics

    prose = "\n".join(topics[name] for name in sorted(topics))[:CHARACTERS]
    with open(argparse.__file__, encoding="utf-8") as file:
        code = file.read()[:CHARACTERS]
    found = []
    for source in (prose, code):
        every = smollm2.encode(model(), source, T)
        found.append(every[np.linspace(0, len(every) - 1, rows // 2).astype(int)])
    chosen = np.stack(found, axis=1).reshape(-1, T)
    pieces = np.array([[model().tokenizer.decode([int(i)], skip_special_tokens=False) for i in row] for row in chosen])
    return {"rows": chosen, "pieces": pieces, "digest": hashlib.sha256((prose + code).encode()).hexdigest()[:16]}


def known(rows: np.ndarray) -> dict[str, Any]:
    """What the model says next to `QUESTION`, and its mean loss a token on each row (help topics, code by turns)."""
    m = model()
    ids = jnp.asarray(m.tokenizer.encode(QUESTION).ids)
    scores = jax.jit(partial(llama.logits, shape=m.shape))(m.weights, ids)
    losses = jax.jit(lambda w, z: jax.lax.map(partial(llama.next_token(m.shape), w), z, batch_size=8))
    return {
        "answer": m.tokenizer.decode([int(scores[-1].argmax())]),
        "losses": np.asarray(losses(m.weights, jnp.asarray(rows)), np.float64),
        "uniform": np.log(scores.shape[1]),
    }


def attention(rows: int, length: int, seed: int) -> dict[str, Any]:
    """How much each head reads what followed the same token before ("repeating") and the token before ("looking_back").

    On rows of random tokens said twice, by row: (rows, layers, heads) each, means of the pattern over the second time.
    """
    m = model()
    once = np.random.default_rng(seed).integers(100, m.weights["embedding"].shape[0], (rows, length))
    found = jax.jit(lambda w, z: jax.lax.map(lambda one: llama.patterns(w, one, shape=m.shape), z))
    pattern = np.asarray(found(m.weights, jnp.asarray(np.concatenate([once, once], axis=1), jnp.int32)), np.float64)
    at = np.arange(length, 2 * length)
    return {
        "repeating": pattern[..., at, at - length + 1].mean(axis=-1),
        "looking_back": pattern[..., at, at - 1].mean(axis=-1),
    }


def choose(
    repeating: np.ndarray, looking_back: np.ndarray, layers: int, counts: tuple[int, int, int], seed: int = 0
) -> list[Head]:
    """Of the last `layers` layers the heads of largest repeating score, of largest looking-back score, and some drawn among those
    with both below `NEITHER`; none twice. Scores (layers, heads)."""
    depth, width = repeating.shape
    first = depth - layers
    chosen: dict[tuple[int, int], str] = {}
    for score, kind, count in zip((repeating, looking_back), ("repeating", "looking back"), counts[:2], strict=True):
        order = [(first + int(k) // width, int(k) % width) for k in np.argsort(-score[first:].ravel(), kind="stable")]
        chosen |= dict.fromkeys([at for at in order if at not in chosen][:count], kind)
    quiet = [
        (i, h)
        for i in range(first, depth)
        for h in range(width)
        if max(repeating[i, h], looking_back[i, h]) < NEITHER and (i, h) not in chosen
    ]
    for k in np.random.default_rng(seed).permutation(len(quiet))[: counts[2]]:
        chosen[quiet[k]] = "neither"
    return [Head(*at, kind) for at, kind in chosen.items()]


def head(
    layer: int, number: int, rows: np.ndarray, *, probes: int, chains: int, draws: int, thin: int, burn_in: int,
    progress: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """χ̂ and errors (N,) of the tokens of the probed rows, row by row, and by chain (chains, N); "linear" (N,), its leading order;
    φ and nβ⟨L_A − L_A(w*)⟩ with errors; "ratio" of |∇L_A|² to tr Cov(∇ℓ)/n, 1 in the mean at a minimum; the diagnosis."""
    m = model()
    tokens = jnp.asarray(rows)
    whole = LocalPosterior(llama.next_token(m.shape), tokens, m.weights, NBETA, GAMMA, batch_size=BATCH)
    own = components.head(m.weights, f"layer{layer}", number, d_head=m.shape.d_head, shared=False)
    restricted = components.restrict(whole, own)
    reading = restricted.reading(partial(llama.token_losses, shape=m.shape), tokens[:probes])
    seen = reading.prepare(tokens[:probes])
    centre, linear = leading_order(reading.loss, restricted.posterior.centre, seen)
    run = chain.run(
        1000 * layer + number, baoab(STEP**2, FRICTION), restricted.posterior, chains=chains, draws=draws, burn_in=burn_in,
        thin=thin, probes=seen, probe_loss=reading.loss, evaluate="batch", progress=progress,
    )  # fmt: skip
    coefficient = llc(run)
    # φ = L_P: the same run, its loss read off the probes.
    run = replace(run, loss=np.mean(run.probes, axis=-1, dtype=np.float64), centre_loss=float(centre.mean()))  # pyright: ignore
    chi, phi, found = susceptibility(run), run.mean("loss"), diagnosis.diagnose(run)
    ratio, ratio_sem, variance = gradient_noise(restricted.posterior)
    jax.clear_caches()  # each program holds the frozen weights that it reads; those of the next head are others
    return {
        "chi": chi.mean, "chi_sem": chi.sem, "by_chain": by_chain(run.trace("probes")), "linear": linear,
        "phi": phi.mean, "phi_sem": phi.sem, "llc": coefficient.mean, "llc_sem": coefficient.sem, "ess": phi.ess,
        "rhat": phi.rhat, "virial": run.stationarity(), "ratio": ratio, "ratio_sem": ratio_sem, "heat": heat(variance),
        "size": own.size, "severity": found.severity, "diagnosis": str(found), "seconds": run.seconds,
        "kept": restricted.kept, "memory": peak(),
    }  # fmt: skip


def by_chain(losses: np.ndarray) -> np.ndarray:
    """−Cov(L_P, ℓ_z − L_P) within each chain: losses (chains, draws, N) → (chains, N)."""
    L = losses.mean(axis=2)
    away = L - L.mean(axis=1, keepdims=True)
    return -np.einsum("cn,cnz->cz", away, losses - L[..., None]) / L.shape[1]


def leading_order(loss: Any, centre: Any, seen: Any) -> tuple[np.ndarray, np.ndarray]:
    """ℓ_z(w*) and −∇φ·∇(ℓ_z − L_P)/γ for every token z of the probed rows: (N,) each."""

    @jax.jit
    def found(v, seen):
        def losses(v):
            return jax.vmap(loss, (None, 0))(v, seen).reshape(-1)

        slope = jax.grad(lambda v: jnp.mean(losses(v)))(v)
        return jax.jvp(losses, (v,), (slope,))

    values, along = (np.asarray(x, np.float64) for x in found(centre, seen))
    return values, -(along - along.mean()) / GAMMA


def gradient_noise(posterior: LocalPosterior) -> tuple[float, float, float]:
    """1 + n|E∇ℓ|²/tr Cov(∇ℓ) without bias, from products of different rows; its standard error; the largest variance of ∇ℓ.

    At a minimum of L_A's distribution E∇ℓ = 0 and the first is 1 in the mean. Its error is the larger of the jackknife's and that
    where E∇ℓ = 0, since there the statistic is degenerate.
    """

    @jax.jit
    def slopes(p):
        return jax.lax.map(lambda z: ravel_pytree(jax.grad(p.loss)(p.centre, z))[0], p.data)

    g = np.asarray(slopes(posterior), np.float64)
    products = g @ g.T

    def ratio(kept: np.ndarray) -> tuple[float, float]:
        P, n = products[np.ix_(kept, kept)], len(kept)
        trace = (np.trace(P) - P.sum() / n) / (n - 1)
        across = P[~np.eye(n, dtype=bool)]
        return 1 + across.sum() / ((n - 1) * trace), (2 * np.sum(across**2)) ** 0.5 / ((n - 1) * trace)

    every = np.arange(len(g))
    value, at_minimum = ratio(every)
    without = np.array([ratio(np.delete(every, i))[0] for i in every])
    jackknife = ((len(g) - 1) * without.var()) ** 0.5
    away = g - g.mean(axis=0)
    return value, max(jackknife, at_minimum), float(np.linalg.eigvalsh(away @ away.T)[-1] / (len(g) - 1))


def heat(variance: float) -> float:
    """By how much minibatches raise the variance of a direction in which ∇ℓ of a row has this variance."""
    return STEP * NBETA**2 * variance / (2 * BATCH * FRICTION)


def peak() -> float:
    """The largest memory that this process has held, in GiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2 ** (30 if sys.platform == "darwin" else 20)


__all__ = ["Head", "attention", "choose", "head", "known", "text"]
