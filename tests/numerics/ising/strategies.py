"""Random lattices: masks, couplings, fields, boundaries and regions; and the plainest possible sums over states."""

from itertools import combinations_with_replacement, product

from flint import fmpq
from hypothesis import strategies as st

from numerics.ising import Lattice


@st.composite
def lattices(
    draw, spins: int = 12, coupling: tuple[int, int] = (-2, 2), field: tuple[int, int] = (-2, 2), periodic=True
):
    """A lattice of at most `spins` spins with random everything and two regions, `R` and `S`."""
    rows = draw(st.integers(1, min(5, spins)))
    columns = draw(st.integers(1, max(1, min(5, spins // rows))))
    wraps = tuple(periodic and lines >= 3 and draw(st.booleans()) for lines in (rows, columns))
    grid = list(product(range(rows), range(columns)))
    mask = draw(st.sets(st.sampled_from(grid), max_size=min(4, len(grid) - 1)))
    plain = Lattice(rows, columns, mask, wraps)
    some_sites = st.sets(st.sampled_from(plain.sites), min_size=1)
    pairs = [(plain.sites[i], plain.sites[j]) for i, j, _ in plain.bonds]
    chosen = draw(st.sets(st.sampled_from(pairs), max_size=4)) if pairs else ()
    return Lattice(
        rows,
        columns,
        mask,
        wraps,
        couplings={pair: draw(st.integers(*coupling)) for pair in sorted(chosen)},
        fields={
            site: draw(st.integers(*field)) for site in sorted(draw(st.sets(st.sampled_from(plain.sites), max_size=3)))
        },
        regions={"R": draw(some_sites), "S": draw(some_sites)},
    )


@st.composite
def probed(draw, **options):
    """A random lattice with two probes: a site `p` and a product of spins `q`."""
    lattice = draw(lattices(**options))
    site = draw(st.sampled_from(lattice.sites))
    return lattice, {"p": site, "q": draw(st.sets(st.sampled_from(lattice.sites), min_size=1, max_size=4))}


def plain_sums(lattice: Lattice, probes, x: fmpq, y: fmpq) -> dict:
    """Z, Z_p, Z_R, Z_pR, Z_RR′ at rational x and y, one state after another, straight from the definition of H."""
    sums = {(p, r): fmpq(0) for p in (None, *probes) for r in (None, *lattice.regions)}
    sums |= {(None, two): fmpq(0) for two in combinations_with_replacement(lattice.regions, 2)}
    for spins in product((1, -1), repeat=len(lattice.sites)):
        s = dict(zip(lattice.sites, spins, strict=True))
        bond = sum(c * spins[i] * spins[j] for i, j, c in lattice.bonds)
        weight = x**bond * y ** sum(f * s[site] for site, f in lattice.fields.items())
        for p, r in sums:
            sign = 1
            for site in () if p is None else [probes[p]] if isinstance(probes[p], tuple) else probes[p]:
                sign *= s[site]
            for name in () if r is None else (r,) if isinstance(r, str) else r:
                sign *= sum(s[site] for site in lattice.regions[name])
            sums[p, r] += sign * weight
    return sums
