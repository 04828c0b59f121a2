"""Clusters: the sweep of Swendsen and Wang on any mask, couplings of either sign and any fields.

A bond with J_ij s_i s_j > 0 is *active* with probability 1 − e^{−2β|J_ij|}; a site with h_i s_i > 0 is tied to the *ghost*, a spin
that is always +1, with probability 1 − e^{−2β|h_i|}. Given the active bonds, the law of the spins is uniform over the signs of the
connected clusters, the ghost's alone being fixed: each of the others is turned with probability ½. (Edwards and Sokal's joint law
of spins and bonds, sampled one given the other.)

Clusters are found by label propagation: a label is the place of some site of the cluster, every site takes the least label among
its active neighbours, the root of a label is hooked below the least that its sites have seen, and labels jump to the label of their
root. The number of rounds grows like the logarithm of the size of a cluster. Label 0 is the ghost.

Reading order: `bond_probability`, `activate`, `label`, `sweep`, `swendsen_wang`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Key

from sampler.ising.arrays import Couplings
from sampler.ising.single_spins import Kernel, Spins

Bonds = tuple[Bool[Array, "N M"], Bool[Array, "N M"], Bool[Array, "N M"]]


def bond_probability(strength: Array) -> Array:
    """1 − e^{−2βJ_ij s_i s_j} for a satisfied bond, 0 for another; `strength` is βJ_ij s_i s_j."""
    return -jnp.expm1(-2 * jnp.maximum(strength, 0.0))


def activate(
    key: Key[Array, ""], spins: Spins, beta: Array, c: Couplings, probability: Callable[[Array], Array]
) -> Bonds:
    """The active bonds (down, right) and the sites tied to the ghost."""
    uniform = jax.random.uniform(key, (3 * spins.size,), spins.dtype).reshape(
        3, *spins.shape
    )  # flat: compiled 4 times faster
    strengths = (
        c.down * spins * jnp.roll(spins, -1, 0),
        c.right * spins * jnp.roll(spins, -1, 1),
        c.field * spins,
    )
    down, right, ghost = (u < probability(beta * k) for u, k in zip(uniform, strengths, strict=True))
    return down, right, ghost


def label(down: Bool[Array, "N M"], right: Bool[Array, "N M"], ghost: Bool[Array, "N M"]) -> Int[Array, "N M"]:
    """The connected clusters: 0 with the ghost, else 1 + the place (row by row) of the first site of the cluster."""
    size = ghost.size
    start = jnp.where(ghost, 0, jnp.arange(1, size + 1, dtype=jnp.int32).reshape(ghost.shape))

    def least(labels: Array) -> Array:
        """The least label among a site and its active neighbours."""
        seen = labels
        for bond, axis in ((down, 0), (right, 1)):
            seen = jnp.minimum(seen, jnp.where(bond, jnp.roll(labels, -1, axis), size))
            seen = jnp.minimum(seen, jnp.roll(jnp.where(bond, labels, size), 1, axis))
        return seen

    def rounds(state: tuple[Array, Array]) -> tuple[Array, Array]:
        labels, seen = state
        root = jnp.concatenate([jnp.zeros(1, labels.dtype), labels.ravel()])
        root = root.at[labels.ravel()].min(seen.ravel())
        root = root[root]
        labels = root[seen]
        return labels, least(labels)

    labels, _ = jax.lax.while_loop(lambda state: jnp.any(state[0] != state[1]), rounds, (start, least(start)))
    return labels


def sweep(
    key: Key[Array, ""],
    spins: Spins,
    beta: Array,
    c: Couplings,
    *,
    probability: Callable[[Array], Array] = bond_probability,
) -> tuple[Spins, Int[Array, "N M"]]:
    """Bonds given spins, then spins given bonds; returns the clusters with the new spins."""
    bonds, signs = jax.random.split(key)
    labels = label(*activate(bonds, spins, beta, c, probability))
    sign = 2 * jax.random.bernoulli(signs, shape=(spins.size + 1,)).astype(spins.dtype) - 1
    return spins * sign.at[0].set(1)[labels], labels


SWENDSEN_WANG = Kernel("Swendsen–Wang", sweep)


def swendsen_wang() -> Kernel:
    """Swendsen and Wang's chain with a ghost spin (see the module)."""
    return SWENDSEN_WANG
