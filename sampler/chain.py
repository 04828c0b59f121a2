"""Many chains of one kernel, recorded: one `lax.scan` inside one `vmap`.

The idea. `run` draws from a `LocalPosterior` with a kernel. Each chain has its own key, and step s of a chain uses
`fold_in(chain key, s)`, for noise and minibatch alike: chains are independent, minibatches included, and the result
does not depend on how the run is cut into pieces. Everything is compiled once for given shapes and functions; other
data, ε, nβ, γ, mask, centre, key, burn-in and thinning compile nothing again.

Only kept draws are recorded: `burn_in` steps are thrown away, then each `thin`-th state is a draw. For each draw: the mean loss
L_n, the terms of the virial identity (see `kernels.kernel`), the observables φ(w), and the losses ℓ_z(w) of the probes.

Which loss. `evaluate` says what L_n(w) is recorded as:

    "all"      over all data: exact, one more pass over the data a draw when the chain uses minibatches
    "batch"    L_m(w) − L_m(w*) + L_n(w*) on the minibatch of the next step, which is independent of w: unbiased, and for
               nothing. The loss at w* on the same minibatch is subtracted; the noise is that of the *change* of the losses
    k, or examples   over k examples spread over the data, or over those given; always the same for w and for w*

Pieces. The compiled program takes `every` draws (a last, shorter piece is compiled again); between two pieces the host records,
writes the checkpoint, shows progress. A run of a second or so, of which nothing is written or shown on the way, is one piece. The
burn-in is part of the first draw where a draw is a loop of steps (thin > 1) and nothing has to be written or shown before it. Sums
over blocks (keep="moments") instead of traces make the memory independent of the number of draws.

Reading order: `run`; then `Run` in `record`; the compiled programs in `programs`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import lru_cache, partial
from os import PathLike
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Key, PyTree

from sampler import checkpoint as saved
from sampler import programs, sharding
from sampler import progress as shown
from sampler.kernels.kernel import Kernel, State
from sampler.posterior import Example, LocalPosterior, Loss, Params, as_arrays, size_of
from sampler.record import Run, finish
from sampler.recorder import FIXED, Recorder, Sums, Traces
from sampler.threefry import straight
from theory.errors import BadInput

KEEP = ("traces", "moments", "pairs")
PIECES = 20
PIECE_BYTES = 2**26
SHORT = 2**28  # chains × steps × examples × weights: a second or so


class Plan(NamedTuple):
    """How much is sampled and what is kept of it: the options of `run`."""

    chains: int
    draws: int
    burn_in: int
    thin: int = 1
    observables: Mapping[str, Callable[[Any], Array]] = {}
    statistics: Mapping[str, Callable[[LocalPosterior, State], Array]] = {}
    probes: PyTree[Array] | None = None
    probe_loss: Callable[[Any, Any], Array] | None = None
    evaluate: str | int | Example = "all"
    keep: str = "traces"
    initial: Params | None = None
    checkpoint: str | PathLike | None = None
    every: int | None = None
    together: int | None = None
    mesh: Mesh | None = None
    progress: Callable[[int, int], object] | bool | None = None


def run(
    key: Key[Array, ""] | int,
    kernel: Kernel,
    posterior: LocalPosterior,
    *,
    chains: int,
    draws: int,
    burn_in: int,
    thin: int = 1,
    observables: Mapping[str, Callable[[Any], Array]] | None = None,
    statistics: Mapping[str, Callable[[LocalPosterior, State], Array]] | None = None,
    probes: PyTree[Array] | None = None,
    probe_loss: Callable[[Any, Any], Array] | None = None,
    evaluate: str | int | Example = "all",
    keep: str = "traces",
    initial: Params | None = None,
    checkpoint: str | PathLike | None = None,
    every: int | None = None,
    together: int | None = None,
    mesh: Mesh | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Run:
    """Sample `chains` chains of `draws` draws each, after `burn_in` steps, keeping each `thin`-th state.

    observables  name -> function of the weights with a scalar or array value: traces (chains, draws, …)
    statistics   name -> function (posterior, state) of the state of the chain: its minibatch loss and gradient are there
    probes       a pytree of examples with a leading axis P: losses ℓ_z of each draw, (chains, draws, P)
    probe_loss   (params, example) -> array where it is not the loss of the posterior: the losses of the tokens of a sequence,
                 say, T for each of the P probes; the trace is then (chains, draws, P·T), token by token
    evaluate     "all", "batch", a number of examples, or examples: what L_n is recorded on (see the module)
    keep         "traces" (every draw), "moments" (sums over blocks; memory does not grow with draws) or "pairs" (moments, with
                 the products of probes with probes)
    initial      where the chains start: None for the centre, or the weights of one start, or one for each chain
                 (an extra leading axis `chains` on each leaf)
    checkpoint   a file that is rewritten after each piece of `every` draws (of burn-in, too) and read at the start, so that a
                 run that was cut off goes on from there, bit for bit; a file made with other settings is refused
    together     how many chains are computed at once, None for all of them: fewer take less memory, and on a CPU chains of a
                 large network are faster one by one
    mesh         devices for chains and data (`sharding.mesh`)
    progress     True for a bar on stderr, or called as progress(draws done, draws)

    The same key gives the same bits. A chain with a number that is not finite is flagged in `Run.finite` and left out
    of all estimates. Raises `BadInput` for sizes below 1, for probes that the loss cannot read, and when no chain
    stayed finite.
    """
    plan = Plan(
        chains, draws, burn_in, thin, observables or {}, statistics or {}, probes, probe_loss, evaluate, keep, initial, checkpoint,
        every, together, mesh, progress,
    )  # fmt: skip
    (result,) = runs(key, kernel, posterior, {}, plan)
    return result


def runs(
    key: Key[Array, ""] | int, kernel: Kernel, posterior: LocalPosterior, settings: Mapping[str, np.ndarray], plan: Plan
) -> list[Run]:
    """One run for each entry of `settings` ({"epsilon", "nbeta", "gamma": one value an entry}), all in one program; see `run`."""
    chains, draws, burn_in, thin = plan.chains, plan.draws, plan.burn_in, plan.thin
    for name, least in (("chains", 1), ("draws", 1), ("burn_in", 0), ("thin", 1), ("every", 1), ("together", 1)):
        value = getattr(plan, name)
        if value is not None and value < least:
            raise BadInput(f"chain.run: {name} must be at least {least}; it is {value}.")
    began = time.perf_counter()
    entries = len(next(iter(settings.values()))) if settings else 1
    total = chains * entries
    each = {name: jnp.repeat(jnp.asarray(values, float), chains) for name, values in settings.items()}
    probes = as_arrays(plan.probes)
    if plan.probe_loss is None:
        _check_probes(posterior, probes)
    probe_loss = plan.probe_loss or posterior.loss
    posterior, subset, centre_loss, how = _evaluated(posterior, plan.evaluate)
    together = None if plan.together is None or plan.together >= total else plan.together
    functions = programs.Functions(
        tuple(plan.observables.items()), tuple(plan.statistics.items()), probe_loss, how, together, thin == 1
    )
    names = [*plan.observables, *plan.statistics, *FIXED, "probes"]
    if len(set(names)) < len(names):
        raise BadInput(f"chain.run: an observable needs a name of its own, none of {', '.join(FIXED)}, probes.")
    keys = jax.random.split(_typed(key), total)
    positions = _spread(posterior, plan.initial, total)
    if (mesh := plan.mesh) is not None:
        keys, positions, each = (sharding.place(mesh, tree, "chains") for tree in (keys, positions, each))
        kernel, posterior = sharding.place(mesh, kernel, None), sharding.place_posterior(mesh, posterior)
        probes, subset = (sharding.place(mesh, tree, "data") for tree in (probes, subset))
    recorder = _recorder(plan.keep, total, centre_loss, int(posterior.dimension))
    every = plan.every or _piece(plan, posterior, total)
    with nullcontext() if mesh is None else jax.set_mesh(mesh):
        state = programs.start(kernel, posterior, keys, positions, each)
        sizes = {"thin": thin, "burn_in": burn_in, "draws": draws, "keep": KEEP.index(plan.keep)}
        arrays = (kernel, posterior, keys, (probes, subset, each), state)
        path = saved.Checkpoint(plan.checkpoint, arrays, sizes, functions)
        step, state = path.read(state, recorder)
        with shown.shown(plan.progress, draws) as show:
            hurry = every * thin if plan.checkpoint else max(every * thin, -(-burn_in // PIECES))
            # A program less to compile, and the same bits.
            at_once = thin > 1 and not plan.checkpoint and not plan.progress
            for begin in range(step, 0 if at_once else burn_in, hurry):
                end = min(begin + hurry, burn_in)
                state = programs.burn(kernel, posterior, keys, state, (begin, end), each, functions.together)
                path.write(end, state, recorder)
                show(recorder)
            for rows in _pieces(step, burn_in, thin, draws, every):
                if at_once and not recorder.draws:
                    rows.begin[0] = step
                fixed = (probes, subset, each)
                state, values = programs.sample(kernel, posterior, keys, state, rows, fixed, functions)
                recorder.add(jax.tree.map(sharding.host, values))
                path.write(int(rows.end[-1]), state, recorder)
                show(recorder)
    seconds = time.perf_counter() - began
    constants = {"thin": thin, "centre_loss": centre_loss, "seconds": seconds}
    return [
        _one(kernel, posterior, recorder, state, settings, entry, chains, constants, alone=entries == 1)
        for entry in range(entries)
    ]


def _one(kernel, posterior, recorder, state, settings, entry, chains, constants, *, alone) -> Run:
    here = slice(entry * chains, (entry + 1) * chains)
    values = {
        name: float(getattr(kernel if name == "epsilon" else posterior, name)) for name in ("epsilon", "nbeta", "gamma")
    }
    values |= {name: float(given[entry]) for name, given in settings.items()}
    position = state.position if alone else jax.tree.map(lambda leaf: leaf[here], state.position)
    return finish(recorder if alone else recorder.part(here), position, constants | values, strict=alone)


def _pieces(done: int, burn_in: int, thin: int, draws: int, every: int) -> Iterator[programs.Rows]:
    """The pieces after `done` steps, `every` draws each; the last one may be shorter."""
    drawn = max(done - burn_in, 0) // thin
    while drawn < draws:
        ends = burn_in + thin * np.arange(drawn, min(drawn + every, draws) + 1)
        yield programs.Rows(ends[:-1].astype(np.int32), ends[1:].astype(np.int32))
        drawn += len(ends) - 1


def _evaluated(posterior: LocalPosterior, evaluate: Any) -> tuple[LocalPosterior, Any, float, str]:
    """(posterior, subset, loss at w*, what is recorded as the loss: "state" or "mean")."""
    if isinstance(evaluate, str):
        if evaluate not in ("all", "batch"):
            raise BadInput(
                f"chain.run: evaluate is 'all', 'batch', a number of examples or examples; it is {evaluate!r}."
            )
        if posterior.batch_size is None:  # a full-batch state holds L_n of its own position
            return posterior, None, float(posterior.centre_loss()), "state"
        if evaluate == "all":
            return posterior, posterior.data, float(posterior.centre_loss()), "mean"
        own = _losses(posterior)
        shift = jnp.mean(own) - own
        paired = posterior.moved(loss=_shifted(posterior.loss), data=(posterior.data, shift))
        return paired, None, float(jnp.mean(own)), "state"
    if isinstance(evaluate, int):
        if not 1 <= evaluate <= posterior.n:
            raise BadInput(f"chain.run: evaluate on 1 to n = {posterior.n} examples; {evaluate} are asked for.")
        chosen = np.linspace(0, posterior.n - 1, evaluate).round().astype(int)
        evaluate = jax.tree.map(lambda leaf: leaf[chosen], posterior.data)
    subset = as_arrays(evaluate)
    _check_probes(posterior, subset, "the examples of `evaluate`")
    return posterior, subset, float(posterior.centre_loss(subset)), "mean"


@jax.jit
def _losses(posterior: LocalPosterior) -> Array:
    return posterior.losses(posterior.centre, posterior.data)


@lru_cache(maxsize=256)
def _shifted(loss: Loss) -> Loss:
    """(w, (z, c)) ↦ ℓ_z(w) + c."""
    return lambda w, example: loss(w, example[0]) + example[1]


def _recorder(keep: str, chains: int, centre_loss: float, dimension: int) -> Recorder:
    if keep not in KEEP:
        raise BadInput(f"chain.run: keep is one of {', '.join(KEEP)}; it is {keep!r}.")
    if keep == "traces":
        return Traces(chains, centre_loss, dimension)
    return Sums(chains, centre_loss, dimension, pairs=keep == "pairs")


def _piece(plan: Plan, posterior: LocalPosterior, total: int) -> int:
    """Draws in a piece: all of a short run, else a twentieth, of moments no more than 64 MiB, or less that leaves no rest."""
    weights = sum(leaf.size for leaf in jax.tree.leaves(posterior.centre))
    work = total * plan.draws * plan.thin * (posterior.batch_size or posterior.n) * weights
    piece = -(-plan.draws // PIECES)
    if plan.keep != "traces":
        probes = 0 if plan.probes is None else size_of(plan.probes)
        piece = min(piece, max(1, PIECE_BYTES // (8 * total * (probes + 64))), 1000)
    elif work <= SHORT and not plan.checkpoint and not plan.progress:
        return plan.draws
    return next((size for size in range(piece, piece // 2, -1) if plan.draws % size == 0), piece)


def _typed(key: Any) -> Key[Array, ""]:
    """A typed key of the house's own threefry; `jax.random.PRNGKey` keys and plain integers are taken too."""
    if isinstance(key, int):
        key = jax.random.key(key)
    return straight(key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key))


def _spread(posterior: LocalPosterior, initial: Params | None, chains: int) -> Params:
    """The starting points, with the leading axis of the chains."""

    def checked(centre, start):
        start = jnp.asarray(start, centre.dtype)
        if start.shape not in (centre.shape, (chains, *centre.shape)):
            raise BadInput(
                f"chain.run: a leaf of `initial` has shape {start.shape}; expected {centre.shape} or one each."
            )
        return start

    try:
        starts = jax.tree.map(checked, posterior.centre, posterior.centre if initial is None else initial)
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"chain.run: `initial` is not a tree of weights like the centre: {error}") from None
    return _repeated(starts, posterior.centre, chains)


@partial(jax.jit, static_argnums=2)
def _repeated(starts: Params, centre: Params, chains: int) -> Params:
    return jax.tree.map(lambda start, leaf: jnp.broadcast_to(start, (chains, *leaf.shape)), starts, centre)


def _check_probes(posterior: LocalPosterior, probes: PyTree[Array] | None, what: str = "probes") -> None:
    if probes is None:
        return
    like, found = (jax.tree.map(lambda leaf: leaf.shape[1:], tree) for tree in (posterior.data, probes))
    if like != found:
        raise BadInput(f"chain.run: {what} are examples like the data; their shapes are {found}, the data's {like}.")
