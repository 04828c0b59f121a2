"""What is sampled: a grid of couplings and fields as arrays, with the probes, regions and perturbations that are watched.

Idea
----
All arrays have the shape (N, M) of the grid. Masked sites hold the spin 0, so that every sum over spins passes them by; `down` and
`right` hold the coupling of a site with the next row and the next column, the last line with the first: free boundaries, walls and
cut bonds are zeros there. A *colouring* splits the sites into two sets (three where a periodic direction is odd) without bonds
inside a set, and the sites of a set can be turned together.

Everything is data: another mask, coupling or temperature on a grid of the same shape compiles nothing again.

Reading order: `Couplings`, `couplings`, `Model`, `model`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from numerics.ising.lattice import Lattice, Site, region_of, sites_of
from theory.errors import BadInput

Probes = Mapping[str, Site | Iterable[Site]]


class Couplings(NamedTuple):
    """H(s) = −Σ down_rc s_rc s_{r+1,c} − Σ right_rc s_rc s_{r,c+1} − Σ field_rc s_rc, indices modulo N and M.

    present: 1 where there is a spin; colours: (2 or 3, N, M), 1 where a site has the colour. Build it with `couplings`
    (from a `Lattice`) or `Couplings.of` (from any real arrays).
    """

    present: Any
    down: Any
    right: Any
    field: Any
    colours: Any

    @classmethod
    def of(
        cls,
        present: Bool[np.ndarray, "N M"],
        down: Float[np.ndarray, "N M"],
        right: Float[np.ndarray, "N M"],
        field: Float[np.ndarray, "N M"] | float = 0.0,
    ) -> "Couplings":
        """Any real couplings and fields; those of masked sites are set to 0.

        Raises `BadInput` for other shapes, numbers that are not finite, no spin at all, and a bond of a site with itself
        (a grid of one row or column that wraps).
        """
        here = np.asarray(present, bool)
        if here.ndim != 2 or not here.any():
            raise BadInput(f"ising: the mask needs the shape (N, M) and at least one spin; its shape is {here.shape}.")
        energies = []
        for name, array, axis in (("down", down, 0), ("right", right, 1), ("field", field, None)):
            values = np.broadcast_to(np.asarray(array, float), here.shape) * here
            if axis is not None:
                values = values * np.roll(here, -1, axis)
                if here.shape[axis] == 1 and values.any():
                    raise BadInput(
                        f"ising: `{name}` couples the sites of the single line with themselves; set it to 0."
                    )
            if not np.isfinite(values).all():
                raise BadInput(f"ising: `{name}` holds numbers that are not finite.")
            energies.append(values.astype(np.float32))
        down, right, field = energies
        return cls(here.astype(np.float32), down, right, field, _colours(here, down, right))


def couplings(lattice: Lattice, *, J: float = 1.0, h: float = 0.0) -> Couplings:
    """The arrays of H = −J Σ c_ij s_i s_j − h Σ f_i s_i (`numerics.ising.Lattice`)."""
    shape = (lattice.rows, lattice.columns)
    present, down, right, field = np.zeros(shape, bool), np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for site, f in zip(lattice.sites, lattice.field_of, strict=True):
        present[site], field[site] = True, h * f
    for i, j, c in lattice.bonds:
        (a, b), (r, s) = lattice.sites[i], lattice.sites[j]
        if b == s:
            down[(a if r - a == 1 else r), b] += J * c
        else:
            right[a, (b if s - b == 1 else s)] += J * c
    return Couplings.of(present, down, right, field)


@dataclass(frozen=True, eq=False)
class Model:
    """Couplings, and what is watched: build it with `model`.

    probes     (P, N, M) 0/1: s_p = Π_{i∈p} s_i                names `probe_names`
    regions    (R, N, M) 0/1: M_R = Σ_{i∈R} s_i                names `region_names`
    energies   (1 + K, 3, N, M): (down, right, field) of H itself and of the perturbations A_k, all read as `Couplings` are
    """

    couplings: Couplings
    probes: np.ndarray
    regions: np.ndarray
    energies: np.ndarray
    probe_names: tuple[str, ...]
    region_names: tuple[str, ...]
    energy_names: tuple[str, ...]

    @property
    def spins(self) -> int:
        """The number of spins."""
        return int(self.couplings.present.sum())


def model(
    lattice: Lattice,
    probes: Probes | None = None,
    regions: Iterable[str] | None = None,
    *,
    J: float = 1.0,
    h: float = 0.0,
    perturbations: Mapping[str, Couplings] | None = None,
    replaced: Couplings | None = None,
) -> Model:
    """The model of a lattice, with probes {name: site or sites} and regions (names of the lattice's; None: all).

    perturbations  {name: A}: observables A(s) = −Σ a_ij s_i s_j − Σ b_i s_i, whose covariances with others are recorded
    replaced       real couplings in place of the lattice's own, on the same grid and mask (J and h are then unused)

    Raises `BadInput` for masked or unknown sites and regions, and for arrays of another grid or mask.
    """
    bare = couplings(lattice, J=J, h=h)
    used = bare if replaced is None else replaced
    named = {"H": used, **(perturbations or {})}
    if len(named) != 1 + len(perturbations or {}):
        raise BadInput("ising: 'H' is the energy itself; give the perturbation another name.")
    for name, other in named.items():
        if other.present.shape != bare.present.shape or (other.present != bare.present).any():
            raise BadInput(f"ising: the couplings {name!r} are for another grid or mask than the lattice.")
    marks = {name: sites_of(lattice, sites) for name, sites in (probes or {}).items()}
    names = tuple(lattice.regions) if regions is None else tuple(regions)
    return Model(
        used,
        _indicators(lattice, marks.values()),
        _indicators(lattice, (region_of(lattice, name) for name in names)),
        np.stack([np.stack([c.down, c.right, c.field]) for c in named.values()]),
        tuple(marks),
        names,
        tuple(named),
    )


def _indicators(lattice: Lattice, sets: Iterable[frozenset[int]]) -> np.ndarray:
    rows = []
    for places in sets:
        row = np.zeros((lattice.rows, lattice.columns), np.float32)
        for i in places:
            row[lattice.sites[i]] = 1
        rows.append(row)
    return np.stack(rows) if rows else np.zeros((0, lattice.rows, lattice.columns), np.float32)


def _colours(present: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A proper colouring: (a(r) + b(c)) mod k, where a and b colour the two cycles and k is 3 if one of them is odd."""
    lines = []
    for size, closing in zip(present.shape, (down[-1], right[:, -1]), strict=True):
        line = np.arange(size) % 2
        if size % 2 and closing.any():
            line[-1] = 2
        lines.append(line)
    k = 3 if max(map(max, lines)) == 2 else 2
    colour = (lines[0][:, None] + lines[1][None, :]) % k
    return np.stack([(colour == each) & present for each in range(k)]).astype(np.float32)
