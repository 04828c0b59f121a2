"""The high-temperature expansion swept site by site: sums of positive terms, without cancellation.

Idea
----
With e^{βJ c s s'} = cosh(βJc) (1 + t_c s s'), t_c = tanh(βJc), and the same for fields, the sum over spins leaves

    Z = 2^n Π cosh · Σ_{S even} t(S),    Z_p = 2^n Π cosh · Σ_{∂S = p} t(S),    t(S) = Π_{b∈S} t_b,

over the sets S of bonds (and fields) that meet every site an even number of times, except that for Z_p they meet exactly
the sites of p an odd number of times. The vector of the sweep holds, for every *parity* of the open sites, the sum over the
bonds chosen so far; s_i flips the parity of i, and a site closes even.

**Proved doubles.** For couplings and fields ≥ 0 all terms are positive, so rounding is a relative error: if at most D
roundings lie on the way to a result, the computed value is the true one times 1 + θ, |θ| ≤ γ_D = Du/(1 − Du), with the unit
roundoff u (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., Lemma 3.1). Underflow adds at most one
smallest subnormal number a multiplication, times the growth Π(1+t)(|R|+1)² of what follows. Both errors are put into the ball.
Covariances far below 1 keep all their digits, where sums of signed terms would have lost them: this is the road to the
20 × 20 lattices of the primer.

Reading order: `Parities` (the rules), `at`, `polynomials`. Source of the expansion: B. L. van der Waerden, Z. Phys. 118 (1941).
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from flint import arb, fmpz_poly

from numerics.ising.lattice import Lattice
from numerics.ising.moments import Moments, Places, Probes, Regions, named
from numerics.ising.schedule import Schedule, Visit, best, too_wide
from numerics.ising.sweep import Basis, run
from numerics.precision import ball, digits
from theory.errors import BadInput

Array = Any
ENTRIES = 1 << 28  # in all the vectors: 2 GiB of doubles
COEFFICIENTS = 1 << 26
BLOCK = 1 << 14  # entries that stay in the cache while a bond is paid
SHORT = 16  # a loop of numpy over fewer entries costs more than one of Python around longer ones


class Parities(Basis):
    """The rules of `sweep` in the basis of parities; `weigh` multiplies by tanh."""

    def unit(self) -> Array:
        raise NotImplementedError

    def weigh_bond(self, part: Array, c: int) -> Array:
        """t_c · part."""
        raise NotImplementedError

    def weigh_field(self, part: Array, f: int) -> Array:
        """tanh(βh f) · part."""
        raise NotImplementedError

    def enter(self, vector: Array, visit: Visit) -> Array:
        if visit.heir is None:  # the new site is even
            vector = np.stack([vector, np.zeros_like(vector)], axis=1).reshape(-1, *vector.shape[1:])
        else:  # the old site must end even: the bond is chosen where it was odd, and makes the new site odd
            halves = self._split(vector, visit.axis)
            halves[:, 1] = self.weigh_bond(halves[:, 1], visit.heir)
        for axis, c in visit.bonds:
            self._bond(vector, axis, visit.axis, c)
        if visit.field:
            vector = self.add(vector, self.weigh_field(self.spin(vector, visit.axis), visit.field))
        return vector

    def _bond(self, vector: Array, one: int, other: int, c: int) -> None:
        """V(a, b) ← V(a, b) + t V(1−a, 1−b)."""
        low, high = sorted((one, other))
        quarters = vector.reshape(1 << low, 2, 1 << (high - low - 1), 2, -1, *vector.shape[1:])
        between, after = quarters.shape[2], quarters.shape[4]
        rows = max(1, BLOCK // (min(between, BLOCK) * min(after, BLOCK)))
        for i in range(0, quarters.shape[0], rows):
            for j, k, b in product(_stretches(between), _stretches(after), (0, 1)):
                here, there = quarters[i : i + rows, 0, j, b, k], quarters[i : i + rows, 1, j, 1 - b, k]
                chosen = self.weigh_bond(there, c)
                there += self.weigh_bond(here, c)
                here += chosen

    def spin(self, vector: Array, axis: int) -> Array:
        return self._split(vector, axis)[:, ::-1].copy().reshape(vector.shape)

    def add(self, one: Array, other: Array) -> Array:
        one += other
        return one

    def close(self, vector: Array, axis: int) -> Array:
        return self._split(vector, axis)[:, 0].copy().reshape(-1, *vector.shape[1:])


def _stretches(length: int) -> Sequence[int | slice]:
    """An axis in pieces of a block; one by one where it is short, so that numpy loops over another axis."""
    return range(length) if length < SHORT else [slice(k, k + BLOCK) for k in range(0, length, BLOCK)]


class Doubles(Parities):
    """Floating-point entries; tanh values are given per coupling and per field."""

    def __init__(self, bonds: dict[int, Any], fields: dict[int, Any], dtype: Any):
        self.bonds, self.fields, self.dtype = bonds, fields, dtype

    def unit(self) -> Array:
        return np.ones(1, self.dtype)

    def weigh_bond(self, part: Array, c: int) -> Array:
        return part * self.bonds[c]

    def weigh_field(self, part: Array, f: int) -> Array:
        return part * self.fields[f]


class Powers(Parities):
    """Entries are the coefficients of t = tanh βJ, as Python integers, cut after `degree`; couplings ±1, no fields."""

    def __init__(self, degree: int):
        self.degree = degree

    def unit(self) -> Array:
        return np.array([[1] + [0] * self.degree], dtype=object)

    def weigh_bond(self, part: Array, c: int) -> Array:
        raised = np.zeros_like(part)
        raised[..., 1:] = c * part[..., :-1]
        return raised


def polynomials(
    lattice: Lattice, probes: Probes | None = None, regions: Regions = None, degree: int | None = None
) -> Moments[fmpz_poly]:
    """Σ_{∂S} t^{|S|}: the sums Z, Z_p, Z_R, Z_pR over 2^n cosh(βJ)^bonds, as integer polynomials in t = tanh βJ.

    `degree`: leave out higher powers (the expansion to that order, exactly). Couplings must be ±1 or 0 and fields 0. Raises
    `BadInput` otherwise, and where a vector would hold more than 2^26 coefficients.
    """
    if any(abs(c) != 1 for _, _, c in lattice.bonds) or any(lattice.field_of):
        raise BadInput("polynomials in tanh βJ need couplings ±1 and no fields; use `transfer.moments` for others")
    places, schedule = named(lattice, probes or {}, regions), best(lattice)
    degree = lattice.bond_degree if degree is None else degree
    if (degree + 1) << schedule.peak > COEFFICIENTS:
        raise too_wide(lattice, schedule, "lower the degree")
    found = run(schedule, Powers(degree), *places)
    return Moments({key: fmpz_poly([int(n) for n in vector[0]]) for key, vector in found.items()})


def at(
    lattice: Lattice,
    beta: object,
    probes: Probes | None = None,
    regions: Regions = None,
    J: object = 1,
    h: object = 0,
    *,
    pairs: bool = False,
    extended: bool = False,
) -> Moments[arb]:
    """Z, Z_p, Z_R, Z_pR (and Z_RR′ for `pairs`) at one β ≥ 0 as balls, from floating-point sums with a proved error.

    The relative radius is about 10⁻¹² on 20 × 20 sites.

    `extended`: use the 80-bit (or 128-bit) format of the machine where it has one, three more digits at twice the cost;
    elsewhere doubles. β, J, h: exact numbers or balls with βJc ≥ 0 and βhf ≥ 0 for every bond and field. Cost: 2^open entries
    a visit and vector, about 10 ns an entry: half a minute for the 20 × 20 lattice of §2.5. Raises `BadInput` for negative
    terms (use `transfer.at`), for more than 2^28 entries in all, for masked probes, for unknown regions.
    """
    places, schedule = named(lattice, probes or {}, regions), best(lattice)
    if (1 + len(places[0])) * (1 + len(places[1])) << schedule.peak > ENTRIES:
        raise too_wide(lattice, schedule, "ask for fewer probes and regions")
    dtype = _format(extended)
    with digits(40):
        b, coupling, field = ball(beta), ball(J), ball(h)
        bonds = {c: b * coupling * c for c in {c for _, _, c in lattice.bonds}}
        fields = {f: b * field * f for f in set(lattice.field_of) - {0}}
        tanh = {"bond": _tanh(bonds, dtype), "field": _tanh(fields, dtype)}
        bare = {name: {k: value for k, (value, _) in table.items()} for name, table in tanh.items()}
        rules = Doubles(bare["bond"], bare["field"], dtype)
        relative = _relative(lattice, schedule, tanh, dtype)
        tiny = _underflow(lattice, schedule, tanh, places)
        found = run(schedule, rules, *places, pairs)
        scale = arb(2) ** len(lattice.sites)
        for factor in [bonds[c] for _, _, c in lattice.bonds] + [fields[f] for f in lattice.field_of if f]:
            scale *= factor.cosh()
        return Moments({key: _ball(v[0], relative, tiny, dtype) * scale for key, v in found.items()})


def _format(extended: bool) -> Any:
    longer = float(np.finfo(np.longdouble).eps) in (2.0**-63, 2.0**-112)
    return np.longdouble if extended and longer else np.float64


def _exact(value: Any) -> arb:
    """A float of either format as an exact ball."""
    numerator, denominator = value.as_integer_ratio()
    return arb(int(numerator)) / arb(int(denominator))  # denominators are powers of two


def _tanh(arguments: dict[int, arb], dtype: Any) -> dict[int, tuple[Any, arb]]:
    """{k: (float t, bound of |t/tanh − 1|)}; raises `BadInput` for negative arguments."""
    table = {}
    for k, argument in arguments.items():
        exact = argument.tanh()
        if not argument >= 0:
            raise BadInput(
                f"the proved floating-point sum needs terms ≥ 0, and tanh({argument}) is not; use `transfer.at`"
            )
        high = dtype(float(exact.mid()))
        value = high + dtype(float((exact - _exact(high)).mid()))
        error = arb(0) if exact.is_zero() else (abs(_exact(value) / exact - 1)).upper()
        table[k] = (value, error)
    return table


def _relative(lattice: Lattice, schedule: Schedule, tanh: dict[str, dict[int, tuple[Any, arb]]], dtype: Any) -> arb:
    """(1+u)^D Π(1+δ_t) − 1, with D roundings: two a bond or field, three a site for the sums over regions."""
    u = arb(float(np.finfo(dtype).eps)) / 2
    roundings = 2 * len(lattice.bonds) + 3 * len(schedule.visits) + 2 * sum(map(bool, lattice.field_of))
    total = (1 / (1 - u)) ** roundings
    for _, _, c in lattice.bonds:
        total *= 1 + tanh["bond"][c][1]
    for f in lattice.field_of:
        total *= 1 + tanh["field"][f][1] if f else arb(1)
    return (total - 1).upper()


def _underflow(
    lattice: Lattice, schedule: Schedule, tanh: dict[str, dict[int, tuple[Any, arb]]], places: tuple[Places, Places]
) -> arb:
    """(number of multiplications) · (smallest subnormal) · Π(1+t) (|R|+1)², and a refusal where the sum may overflow."""
    growth = arb(1 + max([0, *map(len, places[1].values())])) ** 2
    for _, _, c in lattice.bonds:
        growth *= 1 + _exact(tanh["bond"][c][0])
    for f in lattice.field_of:
        growth *= 1 + _exact(tanh["field"][f][0]) if f else arb(1)
    if not growth < arb(2) ** 1000:
        raise BadInput("the expansion of this lattice may exceed the range of doubles; lower β, or use `transfer.at`")
    multiplications = (len(lattice.bonds) + len(lattice.sites)) << (schedule.peak + 1)
    return (growth * 2 * multiplications * arb(2) ** (-1074)).upper()


def _ball(value: Any, relative: arb, tiny: arb, dtype: Any) -> arb:
    """The ball about the computed value that holds the true one: |value − true| ≤ relative · true + tiny."""
    centre = _exact(dtype(value))
    radius = centre * relative / (1 - relative) + 2 * tiny
    return centre + arb(0, radius.upper())
