"""Transfer matrices, site by site, in the basis of spins: balls at one β, or exact functions of β.

Idea
----
The vector holds, for every configuration of the open sites (axis index 0 ↔ s = +1, 1 ↔ s = −1), the sum of the Boltzmann
weights of all configurations of the closed ones. A bond with coupling c multiplies the entries by x^{c s s'}; up to the
common factor x^{−|c|} an entry is multiplied by u^{|c|} where the bond is satisfied (c s s' > 0) and left alone elsewhere,
u = x². Fields likewise with y. The common factors x^{−Σ|c|} y^{−Σ|f|} are restored at the end.

Two makes of entries: `Balls` (arb numbers at given β, J, h) and `Counts` (integer polynomials in x², y² as arrays of
coefficients). Multiplying by u^{|c|} is then a shift, so a sweep needs additions alone: coefficients are kept modulo
2^64 or, where they may be larger, modulo several 62-bit primes, and put together by the Chinese remainder theorem. The
bound |coefficient| ≤ 2^n |R| (2^n |R| |R′| for pairs) makes the answer exact.

Cost: Σ over visits of 2^open (see `schedule`), times (1 + probes)(1 + regions), times (Σ|c|+1)(Σ|f|+1)/2 for polynomials.
Balls: about 0.4 μs a unit; polynomials: 10 to 25 ns a unit and prime (10 × 12 with a wall: 3 s; 12 × 12: some 40 s).

Reading order: `Spins` (the rules), `Balls`, `Counts`, `at`, `moments`.
"""

from typing import Any

import numpy as np
from flint import arb, fmpz

from numerics.ising.lattice import Lattice
from numerics.ising.laurent import Laurent
from numerics.ising.moments import Moments, Probes, Regions, named
from numerics.ising.schedule import Visit, best, too_wide
from numerics.ising.sweep import Basis, run
from numerics.precision import ball

Array = Any
BALLS = 1 << 25  # Σ 2^open: about ten seconds a vector
ENTRIES = 1 << 29  # coefficients in all the vectors: 4 GiB


class Spins(Basis):
    """The rules of `sweep` in the basis of spins; entries supplied by a subclass through three operations."""

    tail: tuple[int, ...] = ()

    def unit(self) -> Array:
        raise NotImplementedError

    def raise_bond(self, part: Array, c: int) -> None:
        """part ← u^c · part in place, c > 0."""
        raise NotImplementedError

    def raise_field(self, part: Array, f: int) -> None:
        """part ← y^{2f} · part in place, f > 0."""
        raise NotImplementedError

    def add(self, one: Array, other: Array) -> Array:
        return one + other

    def negative(self, part: Array) -> Array:
        return -part

    def enter(self, vector: Array, visit: Visit) -> Array:
        vector = self._open(vector) if visit.heir is None else self._inherit(vector, visit.axis, visit.heir)
        for axis, c in visit.bonds:
            self._bond(vector, axis, visit.axis, c)
        if visit.field:
            self.raise_field(self._split(vector, visit.axis)[:, int(visit.field < 0)], abs(visit.field))
        return vector

    def _open(self, vector: Array) -> Array:
        return np.repeat(vector, 2, axis=0)

    def _inherit(self, vector: Array, axis: int, c: int) -> Array:
        """Σ over the old spin s of weight(s s') V(s): the new spin s' takes the axis."""
        old = self._split(vector, axis)
        raised = old.copy()
        self.raise_bond(raised, abs(c))
        same, other = (raised, old) if c > 0 else (old, raised)
        new = np.stack([self.add(same[:, 0], other[:, 1]), self.add(other[:, 0], same[:, 1])], axis=1)
        return new.reshape(vector.shape)

    def _bond(self, vector: Array, one: int, other: int, c: int) -> None:
        low, high = sorted((one, other))
        quarters = vector.reshape(1 << low, 2, 1 << (high - low - 1), 2, -1, *vector.shape[1:])
        for s in (0, 1):
            self.raise_bond(quarters[:, s, :, s if c > 0 else 1 - s], abs(c))

    def spin(self, vector: Array, axis: int) -> Array:
        turned = vector.copy()
        half = self._split(turned, axis)
        half[:, 1] = self.negative(half[:, 1])
        return turned

    def close(self, vector: Array, axis: int) -> Array:
        halves = self._split(vector, axis)
        return self.add(halves[:, 0], halves[:, 1]).reshape(-1, *vector.shape[1:])


class Balls(Spins):
    """Entries are balls: the sums at one β."""

    def __init__(self, beta: arb, J: arb, h: arb):
        self.u, self.v = (2 * beta * J).exp(), (2 * beta * h).exp()

    def unit(self) -> Array:
        return np.array([arb(1)], dtype=object)

    def raise_bond(self, part: Array, c: int) -> None:
        part *= self.u**c

    def raise_field(self, part: Array, f: int) -> None:
        part *= self.v**f


class Counts(Spins):
    """Entries are the coefficients [a, b] of x^{2a} y^{2b}, modulo a prime below 2^62, or modulo 2^64 (prime None).

    The array grows with the bonds and fields paid, so shifts never lose a coefficient.
    """

    def __init__(self, prime: int | None):
        self.prime = None if prime is None else np.uint64(prime)

    def unit(self) -> Array:
        return np.ones((1, 1, 1), np.uint64)

    def prepare(self, vector: Array, visit: Visit) -> Array:
        more = abs(visit.heir or 0) + sum(abs(c) for _, c in visit.bonds)
        states, a, b = vector.shape
        grown = np.zeros((states, a + more, b + abs(visit.field)), np.uint64)
        grown[:, :a, :b] = vector
        return grown

    def raise_bond(self, part: Array, c: int) -> None:
        part[..., c:, :] = part[..., :-c, :].copy()
        part[..., :c, :] = 0

    def raise_field(self, part: Array, f: int) -> None:
        part[..., f:] = part[..., :-f].copy()
        part[..., :f] = 0

    def add(self, one: Array, other: Array) -> Array:
        total = one + other
        if self.prime is not None:
            np.minimum(
                total, total - self.prime, out=total
            )  # below the prime the difference wraps round to a large number
        return total

    def negative(self, part: Array) -> Array:
        if self.prime is None:
            return np.uint64(0) - part
        return np.where(part == 0, part, self.prime - part)


def at(
    lattice: Lattice,
    beta: object,
    probes: Probes | None = None,
    regions: Regions = None,
    J: object = 1,
    h: object = 0,
    *,
    pairs: bool = False,
) -> Moments[arb]:
    """Z, Z_p, Z_R, Z_pR (and Z_RR′ for `pairs`) at one β as balls, at the precision of the scope (`numerics.precision.digits`).

    β, J, h: exact numbers or balls. Raises `BadInput` where the sweep would take more than 2^25 steps a vector (about width
    17, or a torus of width 9), for masked probes and for unknown regions.
    """
    places, schedule = named(lattice, probes or {}, regions), best(lattice)
    if schedule.cost > BALLS:
        raise too_wide(lattice, schedule, "use `subgraphs.at`")
    b, coupling, field = ball(beta), ball(J), ball(h)
    found = run(schedule, Balls(b, coupling, field), *places, pairs)
    scale = (-b * (coupling * lattice.bond_degree + field * lattice.field_degree)).exp()
    return Moments({key: vector[0] * scale for key, vector in found.items()})


def moments(
    lattice: Lattice, probes: Probes | None = None, regions: Regions = None, *, pairs: bool = False
) -> Moments[Laurent]:
    """Z, Z_p, Z_R, Z_pR (and Z_RR′ for `pairs`) as exact Laurent polynomials in x = e^{βJ}, y = e^{βh}.

    Raises `BadInput` where the vectors would hold more than 2^29 coefficients (about width 17 without field for one probe
    and two regions, a torus of width 8), for masked probes and for unknown regions.
    """
    places, schedule = named(lattice, probes or {}, regions), best(lattice)
    shape = (lattice.bond_degree + 1, lattice.field_degree + 1)
    vectors = (1 + len(places[0])) * (1 + len(places[1]))
    if (vectors * shape[0] * shape[1]) << schedule.peak > ENTRIES:
        raise too_wide(lattice, schedule, "ask for fewer probes and regions, or for one β with `transfer.at`")
    bits = len(lattice.sites) + (1 + pairs) * max([1, *(len(sites).bit_length() for sites in places[1].values())]) + 1
    primes = _primes(bits)
    parts = [run(schedule, Counts(prime), *places, pairs) for prime in primes]
    moduli = [fmpz(1 << 64) if prime is None else fmpz(prime) for prime in primes]
    return Moments({key: _laurent(lattice, [part[key][0] for part in parts], moduli) for key in parts[0]})


def _primes(bits: int) -> list[int | None]:
    """Moduli whose product exceeds 2^bits: 2^64 alone where that does, else the largest primes below 2^62."""
    if bits <= 64:
        return [None]
    found: list[int | None] = []
    candidate, product = 1 << 62, 1
    while product <= 1 << bits:
        candidate -= 1
        if fmpz(candidate).is_prime():
            found.append(candidate)
            product *= candidate
    return found


def _laurent(lattice: Lattice, residues: list[Array], moduli: list[fmpz]) -> Laurent:
    """Σ N_ab x^{2a − Σ|c|} y^{2b − Σ|f|} from N_ab modulo every modulus, |N_ab| below half their product."""
    product = fmpz(1)
    for m in moduli:
        product *= m
    weights = [(product // m) * pow(int(product // m), -1, int(m)) for m in moduli]
    terms: dict[tuple[int, int], int] = {}
    for a, b in np.argwhere(np.any(residues, axis=0)):
        n = int(sum((w * int(r[a, b]) for w, r in zip(weights, residues, strict=True)), fmpz(0)) % product)
        n -= int(product) if 2 * n > int(product) else 0
        terms[2 * int(a) - lattice.bond_degree, 2 * int(b) - lattice.field_degree] = n
    return Laurent.of(terms)
