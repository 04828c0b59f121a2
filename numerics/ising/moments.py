"""Sums over states and the averages made of them, whatever the sums are: Laurent polynomials or balls.

Idea
----
A *probe* p is a product of spins s_p = Π_{i∈p} s_i (most often one spin), a *region* R a set with M_R = Σ_{i∈R} s_i. Four
kinds of sums over all states s, with w = e^{−βH(s)},

    Z = Σ w,   Z_p = Σ s_p w,   Z_R = Σ M_R w,   Z_pR = Σ s_p M_R w,

give ⟨s_p⟩ = Z_p/Z, ⟨M_R⟩ = Z_R/Z and Cov(s_p, M_R) = Z_pR/Z − Z_p Z_R/Z²; on request also Z_RR′ = Σ M_R M_R′ w for every pair of
regions, for Cov(M_R, M_R′) and for the noise of a sampled covariance. The roads (`enumeration`, `transfer`,
`subgraphs`) differ in how they sum; all return `Moments`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numerics.ising.lattice import Lattice, Site, region_of, sites_of
from theory.errors import BadInput

T = TypeVar("T")
Key = tuple[str | None, str | tuple[str, str] | None]
Sums = dict[Key, T]
Probes = Mapping[str, Site | Iterable[Site]]
Regions = Iterable[str] | None
Places = dict[str, frozenset[int]]


@dataclass(frozen=True)
class Moments(Generic[T]):
    """Z, Z_p, Z_R and Z_pR by name: `sums[p, R]`, with None for "no probe" and "no region"; Z_RR′ is `sums[None, (R, R′)]`.

    T is `Laurent` (averages are then `Ratio`: exact functions of β) or `arb`. Unknown names raise `BadInput`.
    """

    sums: Sums[T]

    def _sum(self, probe: str | None, region: str | tuple[str, str] | None) -> Any:
        if (probe, region) not in self.sums:
            known = sorted({str(name) for key in self.sums for name in key if name is not None})
            raise BadInput(f"no sum was taken for probe {probe!r} and region {region!r}; the names are {known}")
        return self.sums[probe, region]

    @property
    def partition(self) -> Any:
        """Z."""
        return self._sum(None, None)

    @property
    def probes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p for p, _ in self.sums if p is not None))

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(r for _, r in self.sums if isinstance(r, str)))

    def mean(self, probe: str) -> Any:
        """⟨s_p⟩ = Z_p / Z."""
        return self._sum(probe, None) / self.partition

    def magnetisation(self, region: str) -> Any:
        """⟨M_R⟩ = Z_R / Z."""
        return self._sum(None, region) / self.partition

    def covariance(self, probe: str, region: str) -> Any:
        """Cov(s_p, M_R) = (Z_pR Z − Z_p Z_R) / Z²."""
        z, one, other = self.partition, self._sum(probe, None), self._sum(None, region)
        return (self._sum(probe, region) * z - one * other) / (z * z)

    def region_covariance(self, one: str, other: str) -> Any:
        """Cov(M_R, M_R′); needs `pairs=True` where the sums were taken."""
        key = (one, other) if (None, (one, other)) in self.sums else (other, one)
        z = self.partition
        return (self._sum(None, key) * z - self._sum(None, one) * self._sum(None, other)) / (z * z)

    def response(self) -> dict[str, dict[str, Any]]:
        """The response matrix R_pR = Cov(s_p, M_R) of §2.6, {probe: {region: entry}}."""
        return {p: {r: self.covariance(p, r) for r in self.regions} for p in self.probes}


def named(lattice: Lattice, probes: Probes, regions: Regions) -> tuple[Places, Places]:
    """The places of every probe and of every region (None: all the lattice knows); raises `BadInput`."""
    names = tuple(lattice.regions) if regions is None else tuple(regions)
    return (
        {name: sites_of(lattice, sites) for name, sites in probes.items()},
        {name: region_of(lattice, name) for name in names},
    )
