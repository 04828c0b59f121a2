"""What a wall does to the covariance of a probe with the two halves of a lattice (§2.5 of the primer), exactly.

Idea
----
ρ_p(β) = Cov(s_p, M_left) / Cov(s_p, M_right), an exact function of u = e^{2βJ} on any lattice that `transfer.moments` can do.
Three facts frame it, for positive couplings and no field:

- β → 0: Cov(s_p, M_R) = c t^d + O(t^{d+1}), t = tanh βJ, where d is the number of bonds on a shortest path from p to R and c
  the number of shortest paths to sites of R at distance d. For p in the left half d_left = 0, so ρ_p ~ t^{−d}/c → ∞.
- β → ∞: all spins agree, Cov(s_p, M_R) → |R| and ρ_p → |left| / |right|.
- Between, `response.trend` decides by the signs of one integer polynomial whether ρ_p falls all the way.

The wall of Fig 2 stands on a torus, so the halves touch twice: through the gap, and along the whole *seam* of the first and
last columns. `without_gap` and `without_seam` take one contact away.

Reading order: `ratio`, `shortest`, `ground_ratio`, `without_gap`, `without_seam`.
"""

import dataclasses
from fractions import Fraction

from numerics.ising import transfer
from numerics.ising.lattice import Lattice, Site, region_of, sites_of
from numerics.ising.laurent import Ratio
from theory.errors import BadInput


def ratio(lattice: Lattice, probe: Site, over: str = "left", under: str = "right") -> Ratio:
    """ρ_p = Cov(s_p, M_over) / Cov(s_p, M_under), reduced to Z_p,over / Z_p,under as the means vanish without field.

    Raises `BadInput` for lattices with fields, for masked probes and unknown regions, and where the sweep is too wide.
    """
    return ratios(lattice, [probe], over, under)[probe]


def ratios(lattice: Lattice, probes: list[Site], over: str = "left", under: str = "right") -> dict[Site, Ratio]:
    """ρ_p for several probes from one sweep."""
    if any(lattice.field_of):
        raise BadInput(
            "the ratio of covariances is reduced for lattices without field; use `transfer.moments` for others"
        )
    found = transfer.moments(lattice, {str(p): p for p in probes}, (over, under))
    return {p: found.sums[str(p), over] / found.sums[str(p), under] for p in probes}


def shortest(lattice: Lattice, probe: Site, region: str) -> tuple[int, int]:
    """(d, c): the least number of bonds from the probe to the region, and the number of such paths, by breadth-first search.

    Raises `BadInput` where no path leads there.
    """
    (start,), goal = sites_of(lattice, probe), region_of(lattice, region)
    neighbours: list[list[int]] = [[] for _ in lattice.sites]
    for i, j, _ in lattice.bonds:
        neighbours[i].append(j)
        neighbours[j].append(i)
    paths, seen, distance = {start: 1}, {start}, 0
    while paths and not goal & paths.keys():
        front: dict[int, int] = {}
        for i, count in paths.items():
            for j in (j for j in neighbours[i] if j not in seen):
                front[j] = front.get(j, 0) + count
        paths, distance = front, distance + 1
        seen |= paths.keys()
    if not paths:
        raise BadInput(
            f"no path leads from the probe {probe} to the region {region!r}; their covariance is 0 at every β"
        )
    return distance, sum(count for i, count in paths.items() if i in goal)


def ground_ratio(lattice: Lattice, over: str = "left", under: str = "right") -> Fraction:
    """lim_{β→∞} ρ_p = |over| / |under|, for connected lattices with positive couplings."""
    return Fraction(len(region_of(lattice, over)), len(region_of(lattice, under)))


def without_gap(lattice: Lattice) -> Lattice:
    """The lattice with every site that belongs to no region masked: the wall of `wall_with_gap`, closed."""
    inside = {site for sites in lattice.regions.values() for site in sites}
    return dataclasses.replace(lattice, mask=frozenset(lattice.mask) | (set(lattice.sites) - inside))


def without_seam(lattice: Lattice) -> Lattice:
    """The lattice with free columns: the halves of `wall_with_gap` touch through the gap alone."""
    return dataclasses.replace(lattice, periodic=(lattice.periodic[0], False))
