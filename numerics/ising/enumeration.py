"""Sums over all 2^n states, up to 25 spins: integer counts, hence exact functions of β and h.

Idea
----
A state is the integer whose bit i is 1 where s_i = −1. Arrays over all states are built by doubling: the spin added last
meets its earlier neighbours only, so the array of the number of satisfied bonds (weighted by |c_ij|)

    e(s) = Σ_ij (|c_ij| + c_ij s_i s_j)/2,   f(s) = Σ_i (|f_i| + f_i s_i)/2

is continued from k to k + 1 spins in 2^k steps a neighbour. The sums over states are then histograms: N(e, f, value) counts
the states with given e, f and value of the observable, and e^{−βH} = x^{2e − Σ|c|} y^{2f − Σ|f|}.

Cost: about 4·2^n steps a bond in C, 4 bytes a state and array: 25 spins take some seconds and less than 1 GiB.

Reading order: `moments`, `density_of_states`. Nothing here is shared with `transfer` and `subgraphs`.
"""

from collections.abc import Callable, Iterable
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from numerics.ising.lattice import Lattice
from numerics.ising.laurent import Laurent
from numerics.ising.moments import Moments, Probes, Regions, Sums, named
from theory.errors import BadInput

SPINS = 25
CHUNK = 1 << 22  # states a histogram call
LEVELS = 1 << 26  # cells of the histogram
States = NDArray[np.int32]


def density_of_states(lattice: Lattice) -> dict[tuple[int, int], int]:
    """{(Σ c_ij s_i s_j, Σ f_i s_i): number of states}; the energy is −J times the first, −h times the second.

    Raises `BadInput` above 25 spins.
    """
    return moments(lattice).partition.terms()


def moments(
    lattice: Lattice, probes: Probes | None = None, regions: Regions = None, *, pairs: bool = False
) -> Moments[Laurent]:
    """Z, Z_p, Z_R, Z_pR (and Z_RR′ for `pairs`) as exact Laurent polynomials, by listing every state.

    `probes`: {name: site or sites}; `regions`: names of regions of the lattice (None: all). Raises `BadInput` above 25
    spins, for masked probes and for unknown regions.
    """
    spins = len(lattice.sites)
    if spins > SPINS:
        raise BadInput(
            f"enumeration lists 2^n states for n ≤ {SPINS}; this lattice has n = {spins}: use the transfer sweep"
        )
    at, over = named(lattice, probes or {}, regions)
    size = (
        (lattice.bond_degree + 1)
        * (lattice.field_degree + 1)
        * (2 * max([1, *map(len, over.values())]) ** (1 + pairs) + 1)
    )
    if size > LEVELS:
        raise BadInput(
            f"the histogram would have {size} cells, above {LEVELS}; take a larger unit for couplings and fields"
        )
    satisfied, aligned = _levels(lattice)
    level = satisfied * np.int32(lattice.field_degree + 1) + aligned
    sums: Sums[Laurent] = {}
    products = {None: np.ones(1 << spins, np.int8)} | {p: _product(spins, sites) for p, sites in at.items()}
    totals = {None: (np.ones(1 << spins, np.int8), 1)} | {r: (_total(spins, s), len(s)) for r, s in over.items()}
    for p, sign in products.items():
        for r, (total, bound) in totals.items():
            sums[p, r] = _sum(lattice, level, sign * total, bound)
    for r, s in combinations_with_replacement(over, 2) if pairs else ():
        (one, bound), (other, limit) = totals[r], totals[s]
        sums[None, (r, s)] = _sum(lattice, level, one.astype(np.int16) * other, bound * limit)
    return Moments(sums)


def _double(spins: int, new: Callable[[int, int], Iterable[tuple[int | None, int, int]]]) -> States:
    """Σ of two-valued terms over all states; new(k, sign) lists the terms (j, value if s_j s_k = 1, if −1) of spin k."""
    values = np.zeros(1, np.int32)
    for k in range(spins):
        halves = []
        for sign in (1, -1):
            half = values.copy()
            for j, same, other in new(k, sign):
                if j is None:
                    half += np.int32(same if sign == 1 else other)
                else:
                    blocks = half.reshape(-1, 2, 1 << j)
                    blocks[:, 0] += np.int32(same if sign == 1 else other)
                    blocks[:, 1] += np.int32(other if sign == 1 else same)
            halves.append(half)
        values = np.concatenate(halves)
    return values


def _levels(lattice: Lattice) -> tuple[States, States]:
    """e(s) and f(s) for every state."""
    spins = len(lattice.sites)
    earlier: list[list[tuple[int | None, int, int]]] = [[] for _ in range(spins)]
    for i, j, c in lattice.bonds:
        earlier[j].append((i, max(c, 0), max(-c, 0)))
    satisfied = _double(spins, lambda k, _: earlier[k])
    aligned = _double(spins, lambda k, _: [(None, max(lattice.field_of[k], 0), max(-lattice.field_of[k], 0))])
    return satisfied, aligned


def _total(spins: int, sites: frozenset[int]) -> NDArray[np.int8]:
    """M_R(s) for every state."""
    values = _double(spins, lambda k, _: [(None, 1, -1)] if k in sites else [])
    return values.astype(np.int8)


def _product(spins: int, sites: frozenset[int]) -> NDArray[np.int8]:
    """s_p for every state."""
    value = np.ones(1, np.int8)
    for k in range(spins):
        value = np.concatenate([value, -value if k in sites else value])
    return value


def _sum(lattice: Lattice, level: States, value: NDArray[np.int8 | np.int16], bound: int) -> Laurent:
    """Σ_s value(s) e^{−βH(s)}, |value| ≤ bound, from the joint histogram of level and value."""
    width, fields = 2 * bound + 1, lattice.field_degree + 1
    size = (lattice.bond_degree + 1) * fields * width
    counts = np.zeros(size, np.int64)
    for start in range(0, len(level), CHUNK):
        part = slice(start, start + CHUNK)
        counts += np.bincount(
            level[part].astype(np.int64) * width + (value[part].astype(np.int64) + bound), minlength=size
        )
    sums = counts.reshape(-1, width) @ np.arange(-bound, bound + 1, dtype=np.int64)
    terms = {}
    for place in np.flatnonzero(sums):
        e, f = divmod(int(place), fields)
        terms[2 * e - lattice.bond_degree, 2 * f - lattice.field_degree] = int(sums[place])
    return Laurent.of(terms)
