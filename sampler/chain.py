"""Many chains of one kernel, recorded: one `lax.scan` inside one `vmap`.

The idea. `run` draws from a `LocalPosterior` with a kernel. Each chain has its own key, and step s of a chain uses
`fold_in(chain key, s)`, for noise and minibatch alike: chains are independent, minibatches included, and the result
does not depend on how the run is cut into pieces. Everything is compiled once for given shapes and functions; other
data, ε, nβ, γ, mask, centre, key, burn-in and thinning compile nothing again.

Only kept draws are recorded: `burn_in` steps are thrown away, then each `thin`-th state is a draw. For each draw:
the mean loss L_n over *all* data, the terms of the virial identity (see `kernels.kernel`), the observables φ(w), and
the losses ℓ_z(w) of the probes.

Reading order: `run`; then `Run` in `record`; the two compiled pieces `_start` and `_sample`.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, PyTree

from sampler import checkpoint as saved
from sampler.kernels.kernel import Kernel, State
from sampler.posterior import LocalPosterior, Params
from sampler.record import Run, finish
from theory.errors import BadInput

Observables = tuple[tuple[str, Callable[[Any], Array]], ...]


def run(
    key: Key[Array, ""],
    kernel: Kernel,
    posterior: LocalPosterior,
    *,
    chains: int,
    draws: int,
    burn_in: int,
    thin: int = 1,
    observables: Mapping[str, Callable[[Any], Array]] | None = None,
    probes: PyTree[Array] | None = None,
    initial: Params | None = None,
    checkpoint: str | PathLike | None = None,
    every: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Run:
    """Sample `chains` chains of `draws` draws each, after `burn_in` steps, keeping each `thin`-th state.

    observables  name -> function of the weights with a scalar or array value: traces (chains, draws, …)
    probes       a pytree of examples with a leading axis P: losses ℓ_z of each draw, (chains, draws, P)
    initial      where the chains start: None for the centre, or the weights of one start, or one for each chain
                 (an extra leading axis `chains` on each leaf)
    checkpoint   a file that is rewritten after each piece of `every` draws and read at the start, so that a run that
                 was cut off goes on from there, bit for bit; a file made with other settings is refused
    progress     called as progress(draws done, draws)

    The same key gives the same bits. A chain with a number that is not finite is flagged in `Run.finite` and left out
    of all estimates. Raises `BadInput` for sizes below 1, for probes that the loss cannot read, and when no chain
    stayed finite.
    """
    for name, value, least in (("chains", chains, 1), ("draws", draws, 1), ("burn_in", burn_in, 0), ("thin", thin, 1)):
        if value < least:
            raise BadInput(f"chain.run: {name} must be at least {least}; it is {value}.")
    began = time.perf_counter()
    functions = tuple((observables or {}).items())
    probes = jax.tree.map(jnp.asarray, probes)
    _check_probes(posterior, probes)
    keys = jax.random.split(_typed(key), chains)
    pieces = 20 if progress or checkpoint else 1
    every = every or -(-draws // pieces)
    state = _start(kernel, posterior, keys, _spread(posterior, initial, chains))
    settings = {"thin": thin, "burn_in": burn_in, "draws": draws}
    path = saved.Checkpoint(checkpoint, (kernel, posterior, keys, probes, state), settings, functions)
    done, state, traces = path.read(state)
    ends = burn_in + thin * np.arange(1, draws + 1)
    begins = np.concatenate([[0], ends[:-1]])
    while done < draws:
        piece = slice(done, min(done + every, draws))
        spans = (jnp.asarray(begins[piece]), jnp.asarray(ends[piece]))
        state, values = _sample(kernel, posterior, keys, state, spans, probes, functions)
        traces.append(jax.tree.map(_host, values))
        done = piece.stop
        path.write(done, state, traces)
        if progress:
            progress(done, draws)
    return finish(kernel, posterior, state, traces, seconds=time.perf_counter() - began)


@jax.jit
def _start(kernel: Kernel, posterior: LocalPosterior, keys: Key[Array, " chains"], positions: Params) -> State:
    """The state of each chain at its starting point; step 0 of its stream."""
    return jax.vmap(lambda key, w: kernel.init(jax.random.fold_in(key, 0), posterior, w))(keys, positions)


@partial(jax.jit, static_argnames="functions")
def _sample(
    kernel: Kernel,
    posterior: LocalPosterior,
    keys: Key[Array, " chains"],
    state: State,
    spans: tuple[Int[Array, " draws"], Int[Array, " draws"]],
    probes: PyTree[Array] | None,
    functions: Observables,
) -> tuple[State, dict[str, Any]]:
    """Some draws of each chain. Draw k takes the steps spans[0][k] … spans[1][k] − 1, so the first one burns in."""

    def record(state: State) -> dict[str, Any]:
        w = state.position
        drift, square = kernel.virial(posterior, state)
        # A full-batch state already holds L_n of its own position.
        loss = state.loss if posterior.batch_size is None else posterior.mean_loss(w)
        values = {name: phi(w) for name, phi in functions}
        seen = {} if probes is None else {"probes": posterior.losses(w, probes)}
        fixed = {"loss": loss, "drift": drift, "square": square, "accepted": state.accepted}
        return fixed | seen | {"observables": values}

    def one(key, state):
        def step(number, state):
            # Step 0 of the stream made the starting state.
            return kernel.step(jax.random.fold_in(key, number + 1), posterior, state)

        def draw(state, span):
            state = jax.lax.fori_loop(span[0], span[1], step, state)
            return state, record(state)

        return jax.lax.scan(draw, state, spans)

    return jax.vmap(one)(keys, state)


def _host(values: Array) -> np.ndarray:
    """On the host, in a dtype that numpy can store (bfloat16 widens to float32)."""
    host = np.asarray(values)
    return host if host.dtype.kind == "f" else host.astype(np.float32)


def _typed(key: Any) -> Key[Array, ""]:
    """A typed key; `jax.random.PRNGKey` keys and plain integers are taken too."""
    if isinstance(key, int):
        return jax.random.key(key)
    return key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key)


def _spread(posterior: LocalPosterior, initial: Params | None, chains: int) -> Params:
    """The starting points, with the leading axis of the chains."""

    def spread(centre, start):
        start = jnp.asarray(start, centre.dtype)
        if start.shape not in (centre.shape, (chains, *centre.shape)):
            raise BadInput(
                f"chain.run: a leaf of `initial` has shape {start.shape}; expected {centre.shape} or one each."
            )
        return jnp.broadcast_to(start, (chains, *centre.shape))

    try:
        return jax.tree.map(spread, posterior.centre, posterior.centre if initial is None else initial)
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"chain.run: `initial` is not a tree of weights like the centre: {error}") from None


def _check_probes(posterior: LocalPosterior, probes: PyTree[Array] | None) -> None:
    if probes is None:
        return
    like, found = (jax.tree.map(lambda leaf: leaf.shape[1:], tree) for tree in (posterior.data, probes))
    if like != found:
        raise BadInput(f"chain.run: probes are examples like the data; their shapes are {found}, the data's {like}.")
