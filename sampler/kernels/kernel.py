"""What a kernel is: two pure functions and the identity that its stationary law obeys.

    init(key, posterior, position) -> State          the state at a position
    step(key, posterior, state)    -> State          one transition
    virial(posterior, state)       -> (drift, square)

A kernel is a frozen pytree whose step size is an array leaf, so that another step size compiles nothing again.

The state carries the position w, and the loss and gradient *at* w on the minibatch that the next step will use. So no
forward pass is thrown away: a full-batch chain records L_n for nothing, and the exact identity of a stationary chain
is available at each draw,

    E[(w − w*)·ĝ] = d + E[square],    square = (ε/4)|ĝ|² for SGLD,  0 for a chain that is exact for exp(−U),

where ĝ is the (stochastic) gradient used in the step and d the number of weights that move. It holds at every step
size and batch size, so a departure from it says that the chain is not stationary, and nothing else. (It needs |w − w*|²
to have a finite stationary mean, and a support without boundary.)
"""

from itertools import accumulate
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Key, Scalar, ScalarLike

from sampler.posterior import LocalPosterior, Params
from theory.errors import BadInput


class State(NamedTuple):
    """w; L_m(w) and ĝ(w) on the minibatch of the next step; the fraction of proposals accepted by the last step."""

    position: Params
    loss: Scalar
    gradient: Params
    accepted: Scalar


class Kernel(Protocol):
    """The contract that every kernel keeps; `tests/sampler/test_kernels.py` holds each of them to it."""

    @property
    def epsilon(self) -> Array: ...

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State: ...

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State: ...

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]: ...


def step_size(epsilon: ScalarLike) -> Array:
    """ε as an array leaf; raises `BadInput` unless 0 < ε < ∞."""
    epsilon = jnp.asarray(epsilon, float)
    if epsilon.shape != ():
        raise BadInput(f"a kernel takes one step size epsilon for all weights; its shape here is {epsilon.shape}.")
    if not isinstance(epsilon, Tracer) and not 0 < float(epsilon) < float("inf"):
        raise BadInput(f"a kernel needs a positive, finite step size epsilon; it is {float(epsilon)}.")
    return epsilon


def noise(key: Key[Array, ""], like: Params) -> Params:
    """ξ ∼ N(0, I), each leaf in its own dtype."""
    leaves, tree = jax.tree.flatten(like)
    dtypes = sorted({leaf.dtype for leaf in leaves}, key=str)
    keys = [key] if len(dtypes) == 1 else list(jax.random.split(key, len(dtypes)))
    drawn: list[Array] = [jnp.zeros(())] * len(leaves)
    # One draw for each dtype, cut into leaves: the generator is most of what there is to compile.
    for key, dtype in zip(keys, dtypes, strict=True):
        where = [i for i, leaf in enumerate(leaves) if leaf.dtype == dtype]
        ends = list(accumulate(leaves[i].size for i in where))
        pieces = jnp.split(jax.random.normal(key, (ends[-1],), dtype), ends[:-1])
        for i, piece in zip(where, pieces, strict=True):
            drawn[i] = piece.reshape(leaves[i].shape)
    return jax.tree.unflatten(tree, drawn)


def langevin_move(
    key: Key[Array, ""], epsilon: Array, posterior: LocalPosterior, position: Params, gradient: Params
) -> Params:
    """w − (ε/2) g + √ε ξ on the weights that move."""

    def move(w, g, xi):
        e = epsilon.astype(w.dtype)
        return w - e / 2 * g + jnp.sqrt(e) * xi

    return jax.tree.map(move, position, gradient, posterior.clamp(noise(key, position)))
