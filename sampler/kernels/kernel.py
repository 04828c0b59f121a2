"""What a kernel is: two pure functions and the identity that its stationary law obeys.

    init(key, posterior, position) -> State          the state at a position
    step(key, posterior, state)    -> State          one transition
    virial(posterior, state)       -> (drift, square)

A kernel is a frozen pytree whose step size is an array leaf, so that another step size compiles nothing again. ε means the same
in all of them: the move of one step is w − (ε/2) g + √ε ξ or, for kernels with a momentum, one of time h = √ε.

The state carries the position w, and the loss and gradient *at* w on the minibatch that the next step will use. So no
forward pass is thrown away: a full-batch chain records L_n for nothing, and the exact identity of a stationary chain
is available at each draw,

    E[drift] = d + E[square],    SGLD: drift = (w − w*)·ĝ, square = (ε/4)|ĝ|²;    exact for exp(−U): square = 0

where ĝ is the (stochastic) gradient used in the step and d the number of weights that move. Each kernel has its own two terms.
The identity holds at every step size and batch size, so a departure from it says that the chain is not stationary, and nothing
else. (It needs |w − w*|² to have a finite stationary mean, and a support without boundary.)

What else a kernel remembers (momenta, second moments, a thermostat) is in `State.memory`, a pytree of its own: it is checkpointed
and resumed with the rest. Each kernel that is driven by Gaussian noise has a pure function that takes the noise, here `langevin`.
"""

from collections.abc import Iterable
from dataclasses import fields
from itertools import accumulate
from typing import Any, NamedTuple, Protocol, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Key, Scalar, ScalarLike

from sampler.posterior import LocalPosterior, Params, dot
from sampler.threefry import STRAIGHT, block, straight
from theory.errors import BadInput

T = TypeVar("T")
LARGE = 2**14


class State(NamedTuple):
    """w; L_m(w) and ĝ(w) on the minibatch of the next step; the fraction of proposals accepted by the last step; the rest."""

    position: Params
    loss: Scalar
    gradient: Params
    accepted: Scalar
    memory: Any = ()


class Kernel(Protocol):
    """The contract that every kernel keeps; `tests/sampler/test_kernels.py` holds each of them to it."""

    @property
    def epsilon(self) -> Array: ...

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State: ...

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State: ...

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]: ...


def pytree(kernel: type[T]) -> type[T]:
    """Register a frozen dataclass as a pytree: its fields are children, those with metadata {"static": True} are not.

    `jax.tree_util.register_dataclass` will not do. It leaves the class out of the equality of tree structures (seen in jax
    0.10.2), so that two kernels with the same fields are equal keys, and a compiled function now and then runs the wrong one.
    """
    static = tuple(f.name for f in fields(kernel) if f.metadata.get("static"))  # pyright: ignore[reportArgumentType]
    arrays = tuple(f.name for f in fields(kernel) if f.name not in static)  # pyright: ignore[reportArgumentType]

    def values(self: T, names: tuple[str, ...]) -> tuple:
        return tuple(getattr(self, name) for name in names)

    def with_keys(self: T):
        keys = map(jax.tree_util.GetAttrKey, arrays)
        return tuple(zip(keys, values(self, arrays), strict=True)), values(self, static)

    def rebuild(aux: tuple, children: Iterable[Any]) -> T:
        rebuilt = object.__new__(kernel)
        for name, value in zip((*arrays, *static), (*children, *aux), strict=True):
            object.__setattr__(rebuilt, name, value)
        return rebuilt

    def flatten(self: T):
        return values(self, arrays), values(self, static)

    jax.tree_util.register_pytree_with_keys(kernel, with_keys, rebuild, flatten)
    return kernel


def step_size(epsilon: ScalarLike) -> Array:
    """ε as an array leaf; raises `BadInput` unless 0 < ε < ∞."""
    return positive(epsilon, "step size epsilon")


def positive(value: ScalarLike, what: str) -> Array:
    """A positive, finite number as an array leaf; raises `BadInput` for anything else."""
    value = jnp.asarray(value, float)
    if value.shape != ():
        raise BadInput(f"a kernel takes one {what} for all weights; its shape here is {value.shape}.")
    if not isinstance(value, Tracer) and not 0 < float(value) < float("inf"):
        raise BadInput(f"a kernel needs a positive, finite {what}; it is {float(value)}.")
    return value


def drawn(key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> tuple[Params, Key[Array, ""]]:
    """ξ on the weights that move, and the key of the next minibatch; a full batch needs none, and ξ then takes the key as it is."""
    noise_key = batch_key = key
    if posterior.batch_size is not None:
        noise_key, batch_key = jax.random.split(key)
    return posterior.clamp(noise(noise_key, position)), batch_key


def start(key: Key[Array, ""], posterior: LocalPosterior, position: Params, memory: Any = ()) -> State:
    """The state at a position: loss and gradient on the minibatch of the key."""
    loss, gradient = posterior.value_and_gradient(position, posterior.minibatch(key))
    return State(position, loss, gradient, jnp.ones((), loss.dtype), memory)


def exact_drift(posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
    """(w − w*)·g, of mean d under exp(−U), and 0: the virial terms of every kernel whose law is exp(−U)."""
    drift = dot(posterior.displacement(state.position), state.gradient)
    return drift, jnp.zeros_like(drift)


def noise(key: Key[Array, ""], like: Params) -> Params:
    """ξ ∼ N(0, I), each leaf in its own dtype."""
    leaves, tree = jax.tree.flatten(like)
    # One draw for all small leaves of a dtype, cut into them: the generator is most of what there is to compile. Large leaves have
    # draws of their own, since the cutting copies.
    groups: dict[Any, list[int]] = {}
    for i, leaf in enumerate(leaves):
        groups.setdefault((i, leaf.dtype) if leaf.size >= LARGE else leaf.dtype, []).append(i)
    keys = [key] if len(groups) == 1 else list(jax.random.split(key, len(groups)))
    drawn: list[Array] = [jnp.zeros(())] * len(leaves)
    for key, where in zip(keys, (groups[name] for name in sorted(groups, key=str)), strict=True):
        dtype = leaves[where[0]].dtype
        ends = list(accumulate(leaves[i].size for i in where))
        pieces = jnp.split(normal(key, ends[-1], dtype), ends[:-1])
        for i, piece in zip(where, pieces, strict=True):
            drawn[i] = piece.reshape(leaves[i].shape)
    return jax.tree.unflatten(tree, drawn)


def normal(key: Key[Array, ""], n: int, dtype: Any) -> Array:
    """n independent N(0, 1), as `jax.random.normal` makes them: √2 erf⁻¹(u) for u uniform on (−1, 1).

    For single precision and threefry keys all 64 bits of each block of the generator are used, which halves its cost; jax folds
    them to 32, so that the bits of an element do not depend on how many there are.
    """
    key = straight(key)
    if dtype != jnp.float32 or jax.random.key_impl(key) != STRAIGHT:
        return jax.random.normal(key, (n,), dtype)
    half = -(-n // 2)
    words, first = jax.random.key_data(key), jnp.arange(half, dtype=jnp.uint32)
    second = first + np.uint32(half)
    if n % 2:
        second = second.at[-1].set(0)
    bits = jnp.concatenate(block((words[0], words[1]), (first, second)))[:n]
    # 23 bits of mantissa with the exponent of [1, 2).
    unit = jax.lax.bitcast_convert_type((bits >> 9) | np.uint32(0x3F800000), jnp.float32) - np.float32(1)
    least = np.nextafter(np.float32(-1), np.float32(0))
    return np.float32(np.sqrt(2)) * jax.lax.erf_inv(jnp.maximum(least, 2 * unit + least))


def langevin(epsilon: Array, position: Params, gradient: Params, noise: Params, D: Params | None = None) -> Params:
    """w − (ε/2) D g + √(ε D) ξ for a diagonal D > 0, the identity when not given; g and ξ are 0 on clamped weights."""

    def move(w, g, xi, scale=None):
        e = epsilon.astype(w.dtype)
        if scale is not None:
            e = e * scale
        return w - e / 2 * g + jnp.sqrt(e) * xi

    return jax.tree.map(move, position, gradient, noise, *(() if D is None else (D,)))
