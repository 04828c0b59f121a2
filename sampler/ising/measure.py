"""What is recorded of a state: energies, magnetisations and products, plain or averaged over the signs of the clusters.

Idea
----
A cluster chain knows more than its last state: every assignment of signs to the clusters is as likely. With m_R(C) = Σ_{i∈R∩C} s_i,
the ghost's cluster G fixed, and the parity of a probe p (the number of its sites in a cluster, mod 2), the averages over signs are

    E[s_p M_R] = s_p m_R(C),   C the one cluster ≠ G with odd parity; G where no parity is odd; 0 where several are
    E[s_p]     = s_p where no parity is odd, else 0            E[M_R] = m_R(G)
    E[M_R M_R′] = Σ_C m_R(C) m_R′(C)                           E[M²]  = Σ_C m(C)²

For one spin p and no field this is Σ_{j∈R, j∼p} s_p s_j over the cluster of p. The means are those of the plain products (Rao and
Blackwell), the variances smaller: a far region that shares no cluster with p contributes 0 and no noise.

Covariances need the means of all three: Cov = E[s_p M_R] − E[s_p] E[M_R], of which only the first is not 0 without field. A product
with something else (an energy) needs the states themselves, so both are recorded.

Reading order: `Watched`, `plain`, `improved`, `site_maps`.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Spins = Float[Array, "N M"]
Labels = Int[Array, "N M"]


class Watched(NamedTuple):
    """The arrays of a `Model` that say what to record."""

    probes: Float[Array, "P N M"]
    regions: Float[Array, "R N M"]
    energies: Float[Array, "K 3 N M"]


def plain(spins: Spins, w: Watched) -> dict[str, Array]:
    """energy (K,), magnetisation (), probe (P,), region (R,), their means (here the same), pair (P, R), regions (R, R), square."""
    down, right, one = spins * jnp.roll(spins, -1, 0), spins * jnp.roll(spins, -1, 1), spins
    probe = jnp.where(w.probes > 0, spins, 1).prod((1, 2))
    region = (w.regions * spins).sum((1, 2))
    total = spins.sum()
    return {
        "energy": -(w.energies * jnp.stack([down, right, one])).sum((1, 2, 3)),
        "magnetisation": total,
        "probe": probe,
        "region": region,
        "probe_mean": probe,
        "region_mean": region,
        "pair": probe[:, None] * region,
        "regions": region[:, None] * region,
        "square": total**2,
    }


def improved(spins: Spins, labels: Labels, w: Watched) -> dict[str, Array]:
    """The same, but probe_mean, region_mean, pair, regions and square are averages over the signs of the clusters."""
    found = plain(spins, w)
    flat = labels.ravel()
    parity = _by_cluster(w.probes, flat) % 2
    parity = parity.at[:, 0].set(0)
    odd = parity.sum(1)
    cluster = jnp.where(odd > 0, parity.argmax(1), 0)
    inside = _by_cluster(w.regions * spins, flat)
    whole = _by_cluster(spins[None], flat)
    sign = found["probe"]
    return found | {
        "probe_mean": jnp.where(odd == 0, sign, 0),
        "region_mean": inside[:, 0],
        "pair": jnp.where(odd <= 1, sign, 0)[:, None] * inside[:, cluster].T,
        "regions": inside @ inside.T,
        "square": (whole**2).sum(),
    }


def site_maps(spins: Spins, labels: Labels | None, w: Watched) -> dict[str, Int[Array, "..."]]:
    """s_i M_R (R, N, M), s_i (N, M) and M_R (R,) with every site as a probe, averaged over signs where clusters are given."""
    if labels is None:
        region = (w.regions * spins).sum((1, 2))
        found = {"pair": spins * region[:, None, None], "site": spins, "region": region}
    else:
        inside = _by_cluster(w.regions * spins, labels.ravel())
        found = {
            "pair": spins * inside[:, labels],
            "site": jnp.where(labels == 0, spins, 0),
            "region": inside[:, 0],
        }
    return {name: value.astype(jnp.int32) for name, value in found.items()}


def _by_cluster(weights: Float[Array, "k N M"], labels: Int[Array, " n"]) -> Float[Array, "k n1"]:
    """Σ of the weights over every cluster: column 0 for the ghost's."""
    rows = weights.reshape(weights.shape[0], labels.size)
    return jnp.zeros((rows.shape[0], labels.size + 1), rows.dtype).at[:, labels].add(rows)
