"""Derivatives at w* along given directions, in bounded memory: products with D²L, slices of D³L and D⁴L, jets of observables.

Everything is a function of v, the displacement of the weights that move: w = w* + v. Directions are rows. No tensor of third or
fourth order is formed: T[x, y, ·] is the derivative of D²L y along x, forward over forward over reverse.

Memory. Directions are taken `width` at a time, and L_n is summed over groups of `microbatch` examples (derivatives are linear in
L_n, so each group is differentiated alone and the results are added). Other data, directions, γ or nβ compile nothing again.

Reading order: `Site`; of the loss `slope`, `products`, `bends`, `slices`; of observables `gradients`, `products_each`, `curvings`,
`hessians`, `trace_bends`, `mixed`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PyTree, Scalar

from sampler.kernels.kernel import pytree
from sampler.kernels.preconditioned import like
from sampler.posterior import Example, LocalPosterior, Params, as_arrays
from theory.errors import BadInput

Scalars = Callable[[Any, Any], Scalar]  # φ(params, item)
Function = Callable[[Float[Array, " d"]], Scalar]


@pytree
@dataclass(frozen=True, eq=False)
class Site:
    """A posterior, the indices `free` of the weights that move, and how much is held at once."""

    posterior: LocalPosterior
    free: Int[Array, " d"]
    microbatch: int | None = field(metadata={"static": True})
    width: int = field(metadata={"static": True})

    @classmethod
    def of(cls, posterior: LocalPosterior, microbatch: int | None, width: int) -> "Site":
        """The site of all moving weights; raises `BadInput` for sizes below 1."""
        for name, size in (("microbatch", microbatch), ("width", width)):
            if size is not None and size < 1:
                raise BadInput(f"quadratic: {name} must be at least 1; it is {size}.")
        return cls(posterior, jnp.asarray(posterior.moving), microbatch, width)

    def diagonal(self, preconditioner: Params) -> np.ndarray:
        """The entries of D on the moving weights; raises `BadInput` unless they are positive and finite."""
        full = like(as_arrays(preconditioner), self.posterior.centre)
        D = np.asarray(self.restrict(full), np.float64)
        if not (np.isfinite(D) & (D > 0)).all():
            raise BadInput("quadratic: the entries of the preconditioner must be positive and finite; it has others.")
        return D

    @property
    def zero(self) -> Float[Array, " d"]:
        return jnp.zeros(self.free.shape, ravel_pytree(self.posterior.centre)[0].dtype)

    def weights(self, v: Float[Array, " d"]) -> Params:
        """w* + v."""
        flat, unravel = ravel_pytree(self.posterior.centre)
        return unravel(flat.at[self.free].add(v))

    def restrict(self, params: Params) -> Float[Array, " d"]:
        """The entries of a tree like the weights that belong to moving ones."""
        return ravel_pytree(params)[0][self.free]

    def along(self, phi: Scalars, item: Any) -> Function:
        """v ↦ φ(w* + v, item)."""
        return lambda v: phi(self.weights(v), item)

    def averaged(self, transform: Callable[[Function], PyTree], weights: Array | None = None) -> PyTree:
        """transform(L), linear in L = Σ_i weights_i ℓ_{z_i} (1/n each by default), a microbatch at a time."""
        n, size, data = self.posterior.n, self.microbatch, self.posterior.data
        weights = jnp.full(n, 1 / n, self.zero.dtype) if weights is None else weights

        def part(data: Example, weights: Array) -> PyTree:
            return transform(lambda v: weights @ self.posterior.losses(self.weights(v), data))

        if size is None or size >= n:
            return part(data, weights)
        # The last group is filled up with the first example at weight 0.
        index = jnp.arange(-(-n // size) * size)
        shares = jnp.where(index < n, weights[index % n], 0).reshape(-1, size)
        groups = jnp.where(index < n, index, 0).reshape(-1, size)

        def add(total: PyTree, group: tuple[Array, Array]) -> tuple[PyTree, None]:
            taken = jax.tree.map(lambda leaf: leaf[group[0]], data)
            return jax.tree.map(jnp.add, total, part(taken, group[1])), None

        shape = jax.eval_shape(part, jax.tree.map(lambda leaf: leaf[:size], data), shares[0])
        start = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shape)
        return jax.lax.scan(add, start, (groups, shares))[0]

    def over(self, work: Callable[[Any], PyTree], rows: PyTree) -> PyTree:
        """work(row) for each row, `width` at a time."""
        k = len(jax.tree.leaves(rows)[0])
        width = min(self.width, k)
        # The last group is filled up with rows from the start: one program for all groups (`lax.map` would compile two).
        index = (jnp.arange(-(-k // width) * width) % k).reshape(-1, width)
        found = jax.lax.map(lambda i: jax.vmap(work)(jax.tree.map(lambda leaf: leaf[i], rows)), index)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:k], found)


def _curving(f: Function, v: Array) -> Function:
    """w ↦ D²f(w)[v, v]."""
    return lambda w: jax.jvp(lambda x: jax.jvp(f, (x,), (v,))[1], (w,), (v,))[1]


# Of the loss.


@jax.jit
def slope(site: Site) -> Float[Array, " d"]:
    """DL_n(w*)."""
    return site.averaged(lambda L: jax.grad(L)(site.zero))


@jax.jit
def products(site: Site, directions: Float[Array, "k d"], weights: Array | None = None) -> Float[Array, "k d"]:
    """D²L v for each direction v; with `weights`, of Σ_i weights_i ℓ_i instead of the mean."""

    def transform(L: Function) -> Array:
        return site.over(lambda v: jax.jvp(jax.grad(L), (site.zero,), (v,))[1], directions)

    return site.averaged(transform, weights)


@jax.jit
def bends(site: Site, directions: Float[Array, "k d"]) -> Float[Array, "k d"]:
    """T[v, v, ·] = D(vᵀ D²L v) for each direction v."""
    return site.averaged(lambda L: site.over(lambda v: jax.grad(_curving(L, v))(site.zero), directions))


@partial(jax.jit, static_argnames="fourth")
def slices(
    site: Site, direction: Float[Array, " d"], basis: Float[Array, "k d"], *, fourth: bool
) -> tuple[Float[Array, "k d"], ...]:
    """T[x, v, ·], and Q[x, x, v, ·] if `fourth`, for one direction x and each v of the basis."""

    def transform(L: Function) -> tuple[Array, ...]:
        def column(v: Array) -> tuple[Array, ...]:
            def product(s: Array) -> Array:
                return jax.jvp(jax.grad(L), (s * direction,), (v,))[1]

            def bent(s: Array) -> Array:
                return jax.jvp(product, (s,), (jnp.ones_like(s),))[1]

            here = jnp.zeros((), direction.dtype)
            return jax.jvp(bent, (here,), (jnp.ones_like(here),)) if fourth else (bent(here),)

        return site.over(column, basis)

    return site.averaged(transform)


@jax.jit
def thirds(site: Site, x: Float[Array, "k d"], y: Float[Array, "k d"]) -> Float[Array, "k d"]:
    """T[x, y, ·] for pairs of rows."""

    def transform(L: Function) -> Array:
        def third(pair: tuple[Array, Array]) -> Array:
            def along(w: Array) -> Scalar:
                return jax.jvp(lambda s: jax.jvp(L, (s,), (pair[0],))[1], (w,), (pair[1],))[1]

            return jax.grad(along)(site.zero)

        return site.over(third, (x, y))

    return site.averaged(transform)


# Of observables φ(w, item), one for each item: examples of a loss, or the numbers of a vector-valued function.


@partial(jax.jit, static_argnums=0)
def gradients(phi: Scalars, site: Site, items: PyTree) -> Float[Array, "p d"]:
    """Dφ."""
    return site.over(lambda item: jax.grad(site.along(phi, item))(site.zero), items)


@partial(jax.jit, static_argnums=0)
def products_each(phi: Scalars, site: Site, items: PyTree, v: Float[Array, " d"]) -> Float[Array, "p d"]:
    """D²φ v."""

    def product(item: Any) -> Array:
        return jax.jvp(jax.grad(site.along(phi, item)), (site.zero,), (v,))[1]

    return site.over(product, items)


@partial(jax.jit, static_argnums=0)
def curvings(phi: Scalars, site: Site, items: PyTree, directions: Float[Array, "k d"]) -> Float[Array, "p k"]:
    """vᵀ D²φ v for each direction v."""

    def each(item: Any) -> Array:
        return site.over(lambda v: _curving(site.along(phi, item), v)(site.zero), directions)

    return jax.lax.map(each, items)


@partial(jax.jit, static_argnums=0)
def hessians(phi: Scalars, site: Site, items: PyTree, basis: Float[Array, "k d"]) -> Float[Array, "p k k"]:
    """xᵀ D²φ y for all x, y of the basis."""

    def each(item: Any) -> Array:
        slope = jax.grad(site.along(phi, item))
        return site.over(lambda v: jax.jvp(slope, (site.zero,), (v,))[1], basis) @ basis.T

    return jax.lax.map(each, items)


@partial(jax.jit, static_argnums=0)
def trace_bends(phi: Scalars, site: Site, items: PyTree, directions: Float[Array, "k d"]) -> Float[Array, "p d"]:
    """Φ:S = Σ_v D(vᵀ D²φ v) for S = Σ_v v vᵀ."""

    def each(item: Any) -> Array:
        f = site.along(phi, item)
        return jnp.sum(site.over(lambda v: jax.grad(_curving(f, v))(site.zero), directions), axis=0)

    return jax.lax.map(each, items)


@partial(jax.jit, static_argnums=0)
def mixed(
    phi: Scalars, site: Site, items: PyTree, x: Float[Array, "k d"], y: Float[Array, "k d"]
) -> Float[Array, "p k"]:
    """xᵀ D²φ y for pairs of rows."""

    def each(item: Any) -> Array:
        f = site.along(phi, item)

        def pair(xy: tuple[Array, Array]) -> Scalar:
            return jax.jvp(lambda w: jax.jvp(f, (w,), (xy[0],))[1], (site.zero,), (xy[1],))[1]

        return site.over(pair, (x, y))

    return jax.lax.map(each, items)
