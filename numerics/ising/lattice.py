"""The Ising model on a grid with walls: sites, bonds, fields, regions and the lattices of the primer's figures.

Idea
----
Sites (r, c) of an N × M grid, 0 ≤ r < N, 0 ≤ c < M; masked sites are absent, with every bond that touches them. Each
direction is free or periodic. The energy is (eq 2 of the primer, with couplings and fields)

    H(s) = −J Σ_{⟨ij⟩} c_ij s_i s_j − h Σ_i f_i s_i,    s_i = ±1,

with integers c_ij (1 unless stated) and f_i (0 unless stated), so that e^{−βH} is a Laurent monomial in x = e^{βJ} and
y = e^{βh}. A *region* R is a set of sites with a name, and M_R = Σ_{i∈R} s_i its magnetisation.

Reading order: `Lattice`, `wall_with_gap` (§2.5, Fig 2), `divided_room` (§2.6, Fig 3), `sites_of`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from theory.errors import BadInput

Site = tuple[int, int]


@dataclass(frozen=True)
class Lattice:
    """H = −J Σ c_ij s_i s_j − h Σ f_i s_i on a `rows` × `columns` grid without the sites in `mask`.

    `periodic`: whether the rows, the columns wrap round: (True, False) joins row N−1 to row 0. A periodic direction
    has at least 3 lines, for otherwise two sites would be joined twice.
    `couplings`: {(site, site): c} for the bonds whose c_ij is not 1 (0 cuts the bond); `fields`: {site: f} with f_i ≠ 0;
    `regions`: {name: sites}. Raises `BadInput` for sites outside the grid or masked, pairs that are no neighbours,
    couplings and fields that are not integers.
    """

    rows: int
    columns: int
    mask: Iterable[Site] = frozenset()
    periodic: tuple[bool, bool] = (False, False)
    couplings: Mapping[tuple[Site, Site], int] = field(default_factory=dict, hash=False)
    fields: Mapping[Site, int] = field(default_factory=dict, hash=False)
    regions: Mapping[str, Iterable[Site]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not all(isinstance(lines, int) for lines in (self.rows, self.columns)):
            raise BadInput(
                f"a lattice has a whole number of rows and columns; it was given {self.rows} × {self.columns}"
            )
        for lines, wraps, name in zip((self.rows, self.columns), self.periodic, ("rows", "columns"), strict=True):
            if lines < (3 if wraps else 1):
                raise BadInput(
                    f"a lattice with {'periodic' if wraps else 'free'} {name} needs more than {lines} of them"
                )
        self._set("mask", frozenset(self._on_grid(site) for site in self.mask))
        if len(self.mask) == self.rows * self.columns:  # pyright: ignore[reportArgumentType]
            raise BadInput(f"every site of the {self.rows} × {self.columns} lattice is masked; leave at least one")
        self._set("fields", MappingProxyType({self.present(site): _integer(f) for site, f in self.fields.items()}))
        self._set("couplings", MappingProxyType(dict(self._coupling(*item) for item in self.couplings.items())))
        regions = {name: frozenset(self.present(site) for site in sites) for name, sites in self.regions.items()}
        self._set("regions", MappingProxyType(regions))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _on_grid(self, site: Site) -> Site:
        if isinstance(site, str) or not isinstance(site, Iterable) or len(pair := tuple(site)) != 2:
            raise BadInput(f"a site is a pair (row, column); it was given {site!r}")
        r, c = pair
        if not (0 <= r < self.rows and 0 <= c < self.columns):
            raise BadInput(f"the site {site} lies outside the {self.rows} × {self.columns} lattice")
        return (int(r), int(c))

    def _coupling(self, pair: tuple[Site, Site], c: int) -> tuple[tuple[Site, Site], int]:
        a, b = sorted(self.present(site) for site in pair)
        if (a, b) not in self._pairs:
            raise BadInput(f"the sites {a} and {b} are no neighbours on this lattice; only neighbours have a coupling")
        return (a, b), _integer(c)

    def present(self, site: Site) -> Site:
        """`site`, checked to be on the lattice; raises `BadInput` where it is outside the grid or masked."""
        if self._on_grid(site) in self.mask:  # pyright: ignore[reportOperatorIssue]
            raise BadInput(f"the site {site} is masked; it holds no spin to probe, sum, couple or drive")
        return self._on_grid(site)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The sites that hold a spin, row by row."""
        grid = ((r, c) for r in range(self.rows) for c in range(self.columns))
        return tuple(site for site in grid if site not in self.mask)  # pyright: ignore[reportOperatorIssue]

    @cached_property
    def index(self) -> Mapping[Site, int]:
        """{site: its place in `sites`}."""
        return {site: i for i, site in enumerate(self.sites)}

    @cached_property
    def _pairs(self) -> frozenset[tuple[Site, Site]]:
        pairs = set()
        for r, c in self.sites:
            down, right = (r + 1) % self.rows, (c + 1) % self.columns
            if down > r or self.periodic[0]:
                pairs.add((min((r, c), (down, c)), max((r, c), (down, c))))
            if right > c or self.periodic[1]:
                pairs.add((min((r, c), (r, right)), max((r, c), (r, right))))
        return frozenset(pair for pair in pairs if pair[0] in self.index and pair[1] in self.index)

    @cached_property
    def bonds(self) -> tuple[tuple[int, int, int], ...]:
        """(i, j, c_ij) with i < j places in `sites`, for every bond with c_ij ≠ 0."""
        found = ((self.index[a], self.index[b], self.couplings.get((a, b), 1)) for a, b in sorted(self._pairs))
        return tuple(bond for bond in found if bond[2])

    @cached_property
    def field_of(self) -> tuple[int, ...]:
        """f_i by place in `sites`."""
        return tuple(self.fields.get(site, 0) for site in self.sites)

    @property
    def bond_degree(self) -> int:
        """Σ |c_ij|: the Boltzmann weight lies between x^−degree and x^degree."""
        return sum(abs(c) for _, _, c in self.bonds)

    @property
    def field_degree(self) -> int:
        """Σ |f_i|: the same for y."""
        return sum(map(abs, self.field_of))

    def drawing(self) -> str:
        """The lattice as text: `·` a spin, `#` a masked site."""
        row = ["".join("·" if (r, c) in self.index else "#" for c in range(self.columns)) for r in range(self.rows)]
        return "\n".join(row)


def _integer(value: int) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise BadInput(f"couplings and fields are integer multiples of J and h; {value} is no integer: rescale J or h")
    return int(value)


def wall_with_gap(rows: int = 20, columns: int = 20, wall: int | None = None, gap: int | None = None) -> Lattice:
    """The periodic lattice of §2.5 (Fig 2): column `wall` masked but for the site in row `gap`.

    Regions: `left`, the columns before the wall, and `right`, those behind it. The columns 0 and M−1 are neighbours, so
    the halves also touch along that whole seam. The primer has 20 × 20 and wall 10; its gap row is lost and stands here
    at N // 2, the wall at M // 2.
    """
    wall = columns // 2 if wall is None else wall
    gap = rows // 2 if gap is None else gap
    if not 1 <= wall <= columns - 2 or not 0 <= gap < rows:
        raise BadInput(f"a wall at column {wall} with its gap in row {gap} does not split a {rows} × {columns} lattice")
    return Lattice(
        rows,
        columns,
        mask=[(r, wall) for r in range(rows) if r != gap],
        periodic=(True, True),
        regions={
            "left": [(r, c) for r in range(rows) for c in range(wall)],
            "right": [(r, c) for r in range(rows) for c in range(wall + 1, columns)],
        },
    )


def divided_room(size: int = 20) -> Lattice:
    """The lattice of §2.6 (Fig 3): edge sites masked, and an internal wall in row N/2 from column N/2 to the right.

    Regions: `A` = columns 1 … N/2−1; `B`, `C` = columns N/2 … N−2 above and below the wall (for N = 20: row 10, columns
    10–18, as in the primer). Every path from B to C goes through A.
    """
    if size < 6:
        raise BadInput(f"a divided room needs at least 6 × 6 sites, edges included; it was given {size}")
    half, inner = size // 2, range(1, size - 1)
    edge = {(r, c) for r in range(size) for c in range(size) if r not in inner or c not in inner}
    return Lattice(
        size,
        size,
        mask=edge | {(half, c) for c in range(half, size - 1)},
        regions={
            "A": [(r, c) for r in inner for c in range(1, half)],
            "B": [(r, c) for r in range(1, half) for c in range(half, size - 1)],
            "C": [(r, c) for r in range(half + 1, size - 1) for c in range(half, size - 1)],
        },
    )


def sites_of(lattice: Lattice, sites: Site | Iterable[Site]) -> frozenset[int]:
    """The places in `lattice.sites` of one site or of several; sites named twice or masked raise `BadInput`."""
    named = list(sites) if isinstance(sites, Iterable) else [sites]
    many = [tuple(named)] if named and isinstance(named[0], int) else named
    places = [lattice.index[lattice.present(site)] for site in many]  # pyright: ignore[reportArgumentType]
    if not places:
        raise BadInput("a product of spins, or a region, needs at least one site")
    if len(set(places)) < len(places):
        raise BadInput(f"the sites {many} name one site twice; s_i² = 1, so leave both out")
    return frozenset(places)


def region_of(lattice: Lattice, region: str) -> frozenset[int]:
    """The places in `lattice.sites` of the region by its name; raises `BadInput` for a name the lattice does not know."""
    if region not in lattice.regions:
        known = ", ".join(sorted(lattice.regions)) or "none"
        raise BadInput(f"the lattice has no region {region!r}; its regions are: {known}")
    return sites_of(lattice, lattice.regions[region])
