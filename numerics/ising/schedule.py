"""In which order to visit the sites, so that few are open at a time.

Idea
----
A sweep visits the sites one by one and pays the bonds to the neighbours visited before. A site is *open* from its visit until
its last bond is paid; the sweep carries one vector with an entry for every configuration of the open sites, so its cost is
Σ over visits of 2^(open sites). On a strip of width w at most w + 1 sites are open; walls close sites early; a periodic
direction along the sweep keeps the whole first line open to the end (2^w more, the price of a trace) unless the line is a
wall with a gap or two. Nothing of this is special to any shape: it is read off the bonds.

When the new site pays the last bond of an old one, it *inherits* the old one's axis: w open sites stay w.

`best` tries the sweep along either direction, from every line where the direction is periodic, and takes the cheapest.
Reading order: `Visit`, `Schedule`, `best`, `too_wide`.
"""

from dataclasses import dataclass

from numerics.ising.lattice import Lattice
from theory.errors import BadInput


@dataclass(frozen=True)
class Visit:
    """One step. Axes are counted among the open sites, the first axis being 0.

    `site`: its place in `lattice.sites`; `axis`: where it stands; `heir`: the coupling to the site whose axis it inherits,
    or None where a new last axis is opened; `bonds`: (axis, coupling) of the further neighbours; `closed`: the axes that
    close after the visit, from the last to the first.
    """

    site: int
    axis: int
    heir: int | None
    bonds: tuple[tuple[int, int], ...]
    field: int
    closed: tuple[int, ...]


@dataclass(frozen=True)
class Schedule:
    """The visits, the largest number of open sites, and Σ 2^open over the visits."""

    visits: tuple[Visit, ...]
    peak: int
    cost: int


def plan(lattice: Lattice, order: tuple[int, ...]) -> Schedule:
    """The schedule that visits the places `order` of `lattice.sites` in turn."""
    neighbours: list[dict[int, int]] = [{} for _ in lattice.sites]
    for i, j, c in lattice.bonds:
        neighbours[i][j] = neighbours[j][i] = c
    unpaid = [len(found) for found in neighbours]
    opened: list[int] = []
    visits, peak, cost = [], 0, 0
    for site in order:
        met = {j: neighbours[site][j] for j in opened if j in neighbours[site]}
        unpaid[site] -= len(met)
        for j in met:
            unpaid[j] -= 1
        parent = next((j for j in met if unpaid[j] == 0), None)
        if parent is None:
            opened.append(site)
        else:
            opened[opened.index(parent)] = site
        bonds = tuple((opened.index(j), c) for j, c in met.items() if j != parent)
        peak, cost = max(peak, len(opened)), cost + (1 << len(opened))
        closed = tuple(axis for axis in reversed(range(len(opened))) if unpaid[opened[axis]] == 0)
        heir = None if parent is None else met[parent]
        visits.append(Visit(site, opened.index(site), heir, bonds, lattice.field_of[site], closed))
        opened = [j for j in opened if unpaid[j]]
    return Schedule(tuple(visits), peak, cost)


def best(lattice: Lattice) -> Schedule:
    """The cheapest of the sweeps along the rows and along the columns, from every line a periodic direction may start at."""
    plans = []
    for direction, lines in enumerate((lattice.rows, lattice.columns)):
        for start in range(lines if lattice.periodic[direction] else 1):
            by_line = sorted(lattice.sites, key=lambda s, d=direction, k=start, n=lines: ((s[d] - k) % n, s[1 - d]))
            plans.append(plan(lattice, tuple(lattice.index[site] for site in by_line)))
    return min(plans, key=lambda found: found.cost)


def too_wide(lattice: Lattice, schedule: Schedule, way_out: str) -> BadInput:
    """The refusal of a sweep that would not fit, with the size that is to blame."""
    return BadInput(
        f"the sweep of this {lattice.rows} × {lattice.columns} lattice keeps {schedule.peak} sites open at once, so every vector "
        f"has 2^{schedule.peak} entries, too many here; make it narrower, free a periodic direction, or {way_out}"
    )
