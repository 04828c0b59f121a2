"""The compiled programs of a run: where each chain starts, its burn-in, its draws.

The idea. One `lax.scan` over the draws inside one `vmap` over the chains. Step s of a chain uses `fold_in(chain key, s)`. The
numbers of the steps are data, so that other burn-in, thinning or pieces compile nothing again. What is recorded of a draw is static
(`Functions`): other functions make another program.

Reading order: `Functions`, `Rows`, `start`, `burn`, `sample`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Key, PyTree

from sampler.kernels.kernel import Kernel, State
from sampler.posterior import LocalPosterior, Params

Observables = tuple[tuple[str, Callable[[Any], Array]], ...]
Statistics = tuple[tuple[str, Callable[[LocalPosterior, State], Array]], ...]
Settings = dict[str, Array]  # (chains,) each: "epsilon", "nbeta", "gamma" where chains have their own


class Functions(NamedTuple):
    """What is recorded of a draw; static, compared by identity."""

    observables: Observables
    statistics: Statistics
    probe_loss: Callable[[Any, Any], Array]
    evaluate: str
    together: int | None
    every_step: bool


class Rows(NamedTuple):
    """The draws of a piece: draw k takes the steps begin[k] … end[k] − 1."""

    begin: np.ndarray
    end: np.ndarray


@jax.jit
def start(
    kernel: Kernel, posterior: LocalPosterior, keys: Key[Array, " chains"], positions: Params, settings: Settings
) -> State:
    """The state of each chain at its starting point; step 0 of its stream."""

    def one(key, w, setting):
        own, p = _at(kernel, posterior, setting)
        return own.init(jax.random.fold_in(key, 0), p, w)

    return jax.vmap(one, spmd_axis_name="chains")(keys, positions, settings)


@partial(jax.jit, static_argnames="together", donate_argnames="state")
def burn(
    kernel: Kernel,
    posterior: LocalPosterior,
    keys: Key[Array, " chains"],
    state: State,
    span: tuple[int, int],
    settings: Settings,
    together: int | None,
) -> State:
    """The steps span[0] … span[1] − 1 of each chain, unrecorded."""

    def one(key, state, setting):
        return jax.lax.fori_loop(*span, _stepper(kernel, posterior, key, setting), state)

    return _over_chains(one, together)(keys, state, settings)


@partial(jax.jit, static_argnames="functions", donate_argnames="state")
def sample(
    kernel: Kernel,
    posterior: LocalPosterior,
    keys: Key[Array, " chains"],
    state: State,
    rows: Rows,
    fixed: tuple[PyTree[Array] | None, PyTree[Array] | None, Settings],
    functions: Functions,
) -> tuple[State, dict[str, Any]]:
    """The draws of a piece for each chain: its steps, then the record of the draw."""
    probes, subset, settings = fixed

    def record(kernel: Kernel, posterior: LocalPosterior, state: State) -> dict[str, Any]:
        w = state.position
        drift, square = kernel.virial(posterior, state)
        loss = state.loss if functions.evaluate == "state" else posterior.mean_loss(w, subset)
        values = {name: phi(w) for name, phi in functions.observables}
        values |= {name: phi(posterior, state) for name, phi in functions.statistics}
        seen = {} if probes is None else {"probes": posterior.losses(w, probes, functions.probe_loss).reshape(-1)}
        fixed = {"loss": loss, "drift": drift, "square": square, "accepted": state.accepted}
        return fixed | seen | {"observables": values}

    def one(key, state, setting):
        own, p = _at(kernel, posterior, setting)
        step = _stepper(kernel, posterior, key, setting)

        def draw(state, row):
            # A loop of one round would cost more than a small step.
            single = functions.every_step
            state = step(row.begin, state) if single else jax.lax.fori_loop(row.begin, row.end, step, state)
            return state, record(own, p, state)

        return jax.lax.scan(draw, state, rows)

    return _over_chains(one, functions.together)(keys, state, settings)


def _stepper(
    kernel: Kernel, posterior: LocalPosterior, key: Key[Array, ""], setting: Settings
) -> Callable[[Any, State], State]:
    """(number, state) ↦ the next state of a chain."""
    own, p = _at(kernel, posterior, setting)

    def step(number, state):
        # Step 0 of the stream made the starting state.
        return own.step(jax.random.fold_in(key, number + 1), p, state)

    return step


def _over_chains(one: Callable[..., Any], together: int | None) -> Callable[..., Any]:
    """`one` for all chains at once, or for so many at a time."""
    if together is None:
        return jax.vmap(one, spmd_axis_name="chains")
    return lambda *chains: jax.lax.map(lambda chain: one(*chain), chains, batch_size=together)


def _at(kernel: Kernel, posterior: LocalPosterior, setting: Settings) -> tuple[Kernel, LocalPosterior]:
    """Kernel and posterior with a chain's own ε, nβ and γ, where it has them."""
    if "epsilon" in setting:
        kernel = replace(kernel, epsilon=setting["epsilon"])  # pyright: ignore[reportArgumentType]
    return kernel, posterior.moved(**{name: setting[name] for name in ("nbeta", "gamma") if name in setting})
