"""The one value that owns the shared constants of a local posterior.

The idea. A sampler needs a loss, its data, a point w* to stay near, an inverse temperature t = nβ and a
localisation γ; an estimator needs the *same* nβ again. `LocalPosterior` holds them once (§6.4):

    p(w) ∝ exp(−U(w)),    U(w) = nβ L_n(w) + (γ/2)|w − w*|²,    L_n(w) = (1/n) Σ_i ℓ_{z_i}(w).

A loss is written for one example, `(params, example) -> scalar`; `params` is any pytree of floating arrays,
`example` any pytree. The lift to n examples is `LocalPosterior.losses`: of the two places where `vmap` stands this is
the one for data (the other, for chains, is in `chain`).

A component C of the weights (Def 7, W = U × C) is a `mask`: weights that are False are clamped at the centre.

Means over examples are summed in pieces of `microbatch` examples, so that the memory of a gradient does not grow with the batch,
and in float32 or wider whatever the dtype of the loss (`compute` has losses in bfloat16, and rematerialised ones).

Reading order: `LocalPosterior`, its `value_and_gradient` (what a kernel calls), `minibatch`, then the checks.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Key, PyTree, Scalar

from theory.errors import BadInput

Params = PyTree[Float[Array, "..."], "W"]
Example = PyTree[Array]
Loss = Callable[[Any, Any], Scalar]


@dataclass(frozen=True, eq=False)
class LocalPosterior:
    """exp(−U) with U(w) = nβ L_n(w) + (γ/2)|w − w*|² (§6.4), as a frozen pytree.

    loss        (params, example) -> scalar ℓ_z(w), for one example; static, compared by identity: pass the same
                function object again and nothing is compiled again.
    data        pytree, every leaf with the leading axis n. A loss without data takes `jnp.zeros((1, 0))`.
    centre      w*, a pytree of floating arrays; its dtypes are the dtypes of the chain.
    nbeta       t = nβ > 0; gamma: γ ≥ 0.
    mask        None (all weights move), or bools in a prefix of the centre's tree: True moves, False is clamped at w*.
                A leaf of the mask may be an array that broadcasts to the leaf of the centre (a slice of a weight).
    batch_size  None: the gradient sees all n examples. m: it sees m examples drawn uniformly *with* replacement,
                fresh for each step and each chain; its mean is the full gradient, its noise covariance
                G = (nβ)²/m · Cov_i(∇ℓ_{z_i}).
    microbatch  how many examples are in memory at once in any mean over examples; None: all of them.

    Raises `BadInput` with one sentence for anything that would fail later or silently.
    """

    loss: Loss
    data: PyTree[Array]
    centre: Params
    nbeta: float | Array
    gamma: float | Array
    mask: PyTree[Bool[Array, "..."]] | None = None
    batch_size: int | None = None
    microbatch: int | None = None

    def __post_init__(self) -> None:
        put = partial(object.__setattr__, self)
        put("data", as_arrays(self.data))
        put("centre", jax.tree.map(_floating, self.centre))
        put("nbeta", jnp.asarray(self.nbeta, float))
        put("gamma", jnp.asarray(self.gamma, float))
        if self.mask is not None:
            put("mask", _full_mask(self.mask, self.centre))
        _check(self)

    @property
    def n(self) -> int:
        """Number of examples."""
        return jax.tree.leaves(self.data)[0].shape[0]

    @property
    def dimension(self) -> Scalar:
        """d, the number of weights that move (a traced value where the mask is traced)."""
        if self.mask is None:
            return jnp.asarray(sum(leaf.size for leaf in jax.tree.leaves(self.centre)))
        free = jax.tree.leaves(self.mask)
        if not any(isinstance(leaf, Tracer) for leaf in free):
            return jnp.asarray(sum(np.count_nonzero(leaf) for leaf in free), int)
        return jax.tree.reduce(operator.add, jax.tree.map(jnp.sum, self.mask))

    @property
    def moving(self) -> np.ndarray:
        """Indices of the weights that move among all weights, in the order of `ravel_pytree`; not inside a trace."""
        size = sum(leaf.size for leaf in jax.tree.leaves(self.centre))
        mask = np.ones(size, bool) if self.mask is None else np.asarray(ravel_pytree(self.mask)[0])
        return np.flatnonzero(mask)

    def losses(
        self, params: Params, examples: Example, loss: Callable[[Any, Any], Array] | None = None
    ) -> Float[Array, "examples ..."]:
        """ℓ_z(w) for every example of a pytree with a leading axis, or another function of (w, z), in float32 or wider."""
        one = partial(loss or self.loss, params)
        if self.microbatch is None or self.microbatch >= size_of(examples):
            return widened(jax.vmap(one)(examples))
        return widened(jax.lax.map(one, examples, batch_size=self.microbatch))

    def mean_loss(self, params: Params, examples: Example | None = None) -> Scalar:
        """L_n(w), or L_m(w) on the given examples."""
        return self._mean(partial(self._total, params), self.data if examples is None else examples)

    def centre_loss(self, examples: Example | None = None) -> Scalar:
        """L_n(w*), or L_m(w*) on the given examples."""
        return _centre_loss(self, self.data if examples is None else examples)

    def minibatch(self, key: Key[Array, ""]) -> Example:
        """The examples of one gradient: all of them, or `batch_size` drawn with replacement."""
        if self.batch_size is None:
            return self.data
        chosen = spread(jax.random.randint(key, (self.batch_size,), 0, self.n))
        return jax.tree.map(lambda leaf: leaf[chosen], self.data)

    def moved(self, **fields: Any) -> "LocalPosterior":
        """The same posterior with other fields, which are not checked: they may be traced."""
        other = object.__new__(LocalPosterior)
        for name in _ARRAYS + _STATIC:
            object.__setattr__(other, name, fields[name] if name in fields else getattr(self, name))
        return other

    def displacement(self, params: Params) -> Params:
        """w − w*."""
        return jax.tree.map(jnp.subtract, params, self.centre)

    def clamp(self, tangent: Params) -> Params:
        """A tangent vector with the entries of the clamped weights set to zero."""
        if self.mask is None:
            return tangent
        return jax.tree.map(lambda free, leaf: jnp.where(free, leaf, jnp.zeros_like(leaf)), self.mask, tangent)

    def value_and_gradient(self, params: Params, batch: Example) -> tuple[Scalar, Params]:
        """L_m(w) and ĝ = nβ ∇L_m(w) + γ(w − w*), the stochastic gradient of U (§6.4), zero on clamped weights."""
        loss, slope = self._mean(lambda examples: jax.value_and_grad(self._total)(params, examples), batch)

        def drift(slope, displacement):
            slope = slope.astype(displacement.dtype)
            return jnp.asarray(self.nbeta, slope.dtype) * slope + jnp.asarray(self.gamma, slope.dtype) * displacement

        return loss, self.clamp(jax.tree.map(drift, slope, self.displacement(params)))

    def _total(self, params: Params, examples: Example) -> Scalar:
        """Σ_i ℓ_{z_i}(w)."""
        return jnp.sum(widened(jax.vmap(self.loss, in_axes=(None, 0))(params, examples)))

    def _mean(self, total: Callable[[Example], Any], examples: Example) -> Any:
        """(1/m) `total`(examples), from totals of `microbatch` examples at a time."""
        size = size_of(examples)
        step = min(self.microbatch or size, size)
        pieces, rest = divmod(size, step)
        if pieces == 1 and not rest:
            return jax.tree.map(lambda x: x / size, total(examples))

        def add(sums, piece):
            return jax.tree.map(lambda s, x: s + x, sums, total(piece)), None

        stacked = jax.tree.map(lambda x: x[: pieces * step].reshape(pieces, step, *x.shape[1:]), examples)
        shapes = jax.eval_shape(total, jax.tree.map(lambda x: x[0], stacked))
        # Gradients have the dtype of their weights; sums of them are kept wider.
        sums, _ = jax.lax.scan(add, jax.tree.map(lambda x: jnp.zeros(x.shape, _wide(x.dtype)), shapes), stacked)
        if rest:
            sums, _ = add(sums, jax.tree.map(lambda x: x[pieces * step :], examples))
        return jax.tree.map(lambda x: x / size, sums)

    def energy(self, params: Params, loss: Scalar) -> Scalar:
        """U(w) = nβ L + (γ/2)|w − w*|² from a loss that is already known."""
        away = self.displacement(params)
        return jnp.asarray(self.nbeta, loss.dtype) * loss + jnp.asarray(self.gamma, loss.dtype) / 2 * dot(away, away)


def dot(x: Params, y: Params) -> Scalar:
    """Σ x_i y_i over all leaves, summed in float32 or wider."""
    return jax.tree.reduce(operator.add, jax.tree.map(lambda a, b: jnp.sum(widened(a) * widened(b)), x, y))


def as_arrays(tree: PyTree) -> PyTree[Array]:
    """`jnp.asarray` of every leaf; numpy's are copied, where it would compile a copy for each new shape."""
    return jax.tree.map(lambda x: jax.device_put(x.copy()) if isinstance(x, np.ndarray) else jnp.asarray(x), tree)


def size_of(examples: Example) -> int:
    """The length of the leading axis."""
    return jax.tree.leaves(examples)[0].shape[0]


def widened(x: Array) -> Array:
    """In float32 where it was narrower."""
    return x.astype(_wide(x.dtype))


def _wide(dtype: Any) -> Any:
    return jnp.promote_types(dtype, jnp.float32)


def spread(indices: Array) -> Array:
    """The examples of a batch over the axis "data" of the mesh in force (`sharding`); as they are where there is none."""
    mesh = jax.sharding.get_abstract_mesh()
    if "data" not in mesh.axis_names or indices.shape[0] % mesh.shape["data"]:
        return indices
    return jax.lax.with_sharding_constraint(indices, jax.sharding.PartitionSpec("data"))


_ARRAYS = ("data", "centre", "nbeta", "gamma", "mask")
_STATIC = ("loss", "batch_size", "microbatch")


def _flatten(p: LocalPosterior):
    return tuple(getattr(p, name) for name in _ARRAYS), tuple(getattr(p, name) for name in _STATIC)


def _unflatten(static, arrays) -> LocalPosterior:
    """Rebuild without checks: inside a transformation the leaves are tracers or placeholders."""
    rebuilt = object.__new__(LocalPosterior)
    for name, value in zip(_ARRAYS + _STATIC, (*arrays, *static), strict=True):
        object.__setattr__(rebuilt, name, value)
    return rebuilt


jax.tree_util.register_pytree_node(LocalPosterior, _flatten, _unflatten)


def _floating(leaf: Any) -> Array:
    leaf = as_arrays(leaf)
    if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
        raise BadInput(
            "LocalPosterior samples real weights; the centre has a complex leaf: split it into two real ones."
        )
    return leaf if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf.astype(float)


def _full_mask(mask: Any, centre: Params) -> PyTree[Bool[Array, "..."]]:
    def spread(prefix, subtree):
        own = prefix if isinstance(prefix, Array) else np.asarray(prefix)
        if own.dtype != bool:
            raise BadInput("LocalPosterior: a leaf of the mask is not boolean; use True (moves) and False (clamped).")
        whole = jnp.broadcast_to if isinstance(prefix, Array) else np.broadcast_to
        return jax.tree.map(lambda leaf: as_arrays(whole(own, leaf.shape)), subtree)

    try:
        return jax.tree.map(spread, mask, centre)
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"LocalPosterior: the mask is not a prefix of the centre's tree of weights: {error}") from None


@jax.jit
def _centre_loss(posterior: LocalPosterior, examples: Example) -> Scalar:
    return posterior.mean_loss(posterior.centre, examples)


def _check(p: LocalPosterior) -> None:
    leaves = jax.tree.leaves(p.data)
    sizes = {leaf.shape[0] if leaf.ndim else 0 for leaf in leaves}
    if len(sizes) != 1 or sizes == {0}:
        found = ", ".join(str(leaf.shape) for leaf in leaves) or "no arrays"
        raise BadInput(f"LocalPosterior: every array of the data needs the same leading axis n ≥ 1; found {found}.")
    if not jax.tree.leaves(p.centre):
        raise BadInput("LocalPosterior: the centre holds no weights.")
    if p.batch_size is not None and not 1 <= p.batch_size <= p.n:
        raise BadInput(f"LocalPosterior: batch_size must lie between 1 and n = {p.n}; it is {p.batch_size}.")
    if p.microbatch is not None and p.microbatch < 1:
        raise BadInput(f"LocalPosterior: microbatch counts examples and must be at least 1; it is {p.microbatch}.")
    example = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), p.data)
    shape = jax.tree.leaves(jax.eval_shape(p.loss, p.centre, example))
    if len(shape) != 1 or shape[0].shape != () or not jnp.issubdtype(shape[0].dtype, jnp.floating):
        found = ", ".join(f"{s.dtype}{list(s.shape)}" for s in shape)
        raise BadInput(f"LocalPosterior: the loss of one example must be one real scalar; it is {found}.")
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(p)):
        return
    if not 0 < float(p.nbeta) < np.inf:
        raise BadInput(f"LocalPosterior: nbeta must be positive and finite; it is {float(p.nbeta)}.")
    if not 0 <= float(p.gamma) < np.inf:
        raise BadInput(f"LocalPosterior: gamma must be finite and not negative; it is {float(p.gamma)}.")
    for what, tree in (("data", p.data), ("centre", p.centre)):
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)):
            raise BadInput(f"LocalPosterior: the {what} hold NaN or infinite entries; remove them before sampling.")
    if p.mask is not None and int(p.dimension) == 0:
        raise BadInput("LocalPosterior: the mask clamps every weight; leave at least one True.")
    if not np.isfinite(value := float(p.centre_loss())):
        raise BadInput(f"LocalPosterior: the loss at the centre is {value}; start from a point where it is finite.")
