"""Proved growth of a polynomial in every direction, and bounds of the tails of ∫ |f| e^{−P} and of its grid sums.

Theorem (T4). Let u_j^{2m_j} be the highest pure power of u_j in P, of even degree with a positive coefficient; w_j =
1/(2m_j), q = lcm(2m_j), |w| = Σ w_j, and, for radii R, N(u) = max_j |u_j / R_j|^{2m_j}. The set {N = 1/s^q …} is
parametrised by

    u_j = ±R_j s^{−q w_j},  u_i = R_i s^{−q w_i} v_i  (i ≠ j),  s ∈ (0, 1],  v ∈ [−1, 1]^{d−1},  N = s^{−q},

and s^q P is a *polynomial* in (s, v), provided every monomial u^α has Σ w_i α_i ≤ 1. If it is ≥ m > 0 on the 2d
compact cubes s ∈ [0, 1], v ∈ [−1, 1]^{d−1}, then P ≥ m N wherever N ≥ 1, infinity included.

With |f| ≤ F N^k for N ≥ 1, V = Π 2R_j and a = max(|w| + k − 1, 0) < m, since {N ≤ r} has the volume V r^{|w|} and
r^a ≤ e^{a(r−1)}:

    ∫_{N>1} |f| e^{−P} ≤ V F |w| e^{−m} / (m − a).

For a grid with steps h (h_i = 0: the variable is integrated, not summed), u = S y + shift, the cells of the grid
points in {N ≤ r} lie in the boxes |u_j| ≤ R_j r^{w_j} + ½ Σ_i |S_ji| h_i, so by the layer-cake formula

    Π h_i Σ_{N>1} |f| e^{−P} ≤ V_h F e^{−m} (1 + |w| / (m − a)),   V_h = Π (2R_j + Σ_i |S_ji| h_i) / |det S|.

The second bound is the larger and serves for both. Monomials above the simplex Σ w_i α_i ≤ 1 may be dropped from P
when they are ≥ 0 everywhere, that is even with a positive coefficient.

On shifted lines Re P(u + i b v), 0 ≤ b ≤ a, a shift adds terms of lower weight only. If nothing was dropped, the face
s = 0 is therefore the same for all b, and the certificate at b = a proves the uniform decay that the contour shift
needs. If something was dropped, θ = (b/a)² ∈ [0, 1] is one more variable of the polynomial on the cubes.

Reading order: `Frame`, `certify`, `Tail`.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq, fmpq_mat, fmpq_mpoly

from numerics.boxes import Boxes, exceeds
from numerics.polynomial import FloatPolynomial, affine, directional_parts, ring, terms_of

GROWTH = 4
ORIGIN = fmpq(0)


class Frame(NamedTuple):
    """Coordinates u = S y + shift in which a tail is certified, all exact; `inverse` = S⁻¹."""

    matrix: list[list[fmpq]]
    inverse: list[list[fmpq]]
    shift: list[fmpq]

    def pull(self, p: fmpq_mpoly) -> fmpq_mpoly:
        """p, a polynomial in y, as a polynomial in u: y = S⁻¹(u − shift)."""
        offset = [-sum((a * s for a, s in zip(row, self.shift, strict=True)), fmpq(0)) for row in self.inverse]
        return affine(p, offset, self.inverse)

    def pull_majorant(self, g: fmpq_mpoly) -> fmpq_mpoly:
        """The majorant g(|y|) as one in |u|: |y_i| ≤ Σ_j |S⁻¹_ij| (|u_j| + |shift_j|)."""
        rows = [[abs(a) for a in row] for row in self.inverse]
        offset = [sum((a * abs(s) for a, s in zip(row, self.shift, strict=True)), fmpq(0)) for row in rows]
        return affine(g, offset, rows)


class Tail(NamedTuple):
    """P ≥ m N for N ≥ 1 in `frame`, with radii R and powers 2m_j; `enclosing` holds {N ≤ 1} in y: |y_i| ≤
    enclosing_i.
    """

    frame: Frame
    radii: tuple[fmpq, ...]
    powers: tuple[int, ...]
    m: float
    enclosing: np.ndarray

    def bound(self, majorant: fmpq_mpoly, steps: list[float]) -> arb:
        """A bound of Π h Σ_{N>1} |f| e^{−P}, the variables with h = 0 integrated.

        majorant: polynomial g with coefficients ≥ 0 and |f(y)| ≤ g(|y_1|, …, |y_d|).
        """
        weights = [Fraction(1, power) for power in self.powers]
        size, k = arb(0), Fraction(0)
        for alpha, c in terms_of(self.frame.pull_majorant(majorant)).items():
            size += abs(arb(c)) * math.prod((arb(r) ** e for r, e in zip(self.radii, alpha, strict=True)), start=arb(1))
            k = max(k, sum((w * e for w, e in zip(weights, alpha, strict=True)), Fraction(0)))
        total = sum(weights, Fraction(0))
        exponent = max(total + k - 1, Fraction(0), k)
        if not self.m > float(exponent) + 1:
            return arb.pos_inf()
        margin = arb(self.m) - arb(fmpq(exponent.numerator, exponent.denominator))
        volume = self._volume(steps)
        return (
            volume * size * (-arb(self.m)).exp() * (1 + arb(fmpq(total.numerator, total.denominator)) / margin)
        ).upper()

    def _volume(self, steps: list[float]) -> arb:
        volume = arb(1)
        for row, radius in zip(self.frame.matrix, self.radii, strict=True):
            volume *= 2 * arb(radius) + sum((abs(arb(a)) * arb(h) for a, h in zip(row, steps, strict=True)), arb(0))
        return volume / abs(arb(_determinant(self.frame.matrix)))


def _determinant(matrix: list[list[fmpq]]) -> fmpq:
    return fmpq_mat(matrix).det()


def certify(
    p: fmpq_mpoly, frame: Frame, m: float, *, axis: int | None = None, a: fmpq = ORIGIN, attempts: int = 12
) -> Tail | None:
    """A proof that Re P(y + i a e_axis) ≥ m N for N ≥ 1, for some radii; None where none is found in this frame.

    With `axis` the tails on all the lines 0 ≤ b ≤ a decay uniformly as well.
    """
    direction = [row[axis] for row in frame.matrix] if axis is not None else [fmpq(0)] * len(frame.matrix)
    parts = directional_parts(frame.pull(p), direction)
    powers = _top_powers(parts[0])
    if powers is None:
        return None
    kept = _below_simplex(parts, powers, a)
    if kept is None:
        return None
    tops = [terms_of(parts[0])[_unit(len(powers), j, power)] for j, power in enumerate(powers)]
    density = 2 * m
    for _ in range(attempts):
        radii = tuple(_rounded((density / float(arb(c))) ** (1 / n)) for c, n in zip(tops, powers, strict=True))
        if all(_face_exceeds(kept, radii, powers, j, sign, m) for j in range(len(powers)) for sign in (1, -1)):
            return Tail(frame, radii, powers, m, _enclosing(frame, radii))
        density *= GROWTH
    return None


def _unit(dimension: int, j: int, power: int) -> tuple[int, ...]:
    return tuple(power if i == j else 0 for i in range(dimension))


def _top_powers(p: fmpq_mpoly) -> tuple[int, ...] | None:
    terms = terms_of(p)
    powers = []
    for j in range(p.context().nvars()):
        pure = [alpha[j] for alpha in terms if alpha[j] > 0 and sum(alpha) == alpha[j]]
        if not pure or max(pure) % 2 or not terms[_unit(len(next(iter(terms))), j, max(pure))] > 0:
            return None
        powers.append(max(pure))
    return tuple(powers)


def _below_simplex(parts: list[fmpq_mpoly], powers: tuple[int, ...], a: fmpq) -> fmpq_mpoly | None:
    """Re P on the shifted lines without the monomials above the simplex, as a polynomial in (u, θ), b² = a²θ.

    None if a monomial above the simplex may be negative for some b ≤ a. If there is none, θ = 1 is put in.
    """
    combined: dict[tuple[int, ...], list[fmpq]] = {}
    for k, part in enumerate(parts):
        for alpha, c in terms_of(part).items():
            combined.setdefault(alpha, [fmpq(0)] * len(parts))[k] = c * a ** (2 * k)
    above = [alpha for alpha in combined if sum(Fraction(e, n) for e, n in zip(alpha, powers, strict=True)) > 1]
    for alpha in above:
        by_shift = combined.pop(alpha)
        lowest = by_shift[0] + sum((min(c, fmpq(0)) for c in by_shift[1:]), fmpq(0))
        if any(e % 2 for e in alpha) or lowest < 0:
            return None
    kept: dict[tuple[int, ...], fmpq] = {}
    for alpha, by_shift in combined.items():
        for k, c in enumerate(by_shift):
            key = (*alpha, k if above else 0)
            kept[key] = kept.get(key, fmpq(0)) + c
    return ring(len(powers) + 1).from_dict(kept)


def _face_exceeds(p: fmpq_mpoly, radii: tuple[fmpq, ...], powers: tuple[int, ...], j: int, sign: int, m: float) -> bool:
    """s^q P ≥ m on the face u_j = sign·R_j s^{−q w_j}, with s in the place of variable j, for all θ ∈ [0, 1]."""
    q, d = math.lcm(*powers), len(powers)
    terms: dict[tuple[int, ...], fmpq] = {}
    for alpha, c in terms_of(p).items():
        s_power = q - sum(q // n * e for e, n in zip(alpha, powers, strict=False))
        scale = math.prod((r**e for r, e in zip(radii, alpha, strict=False)), start=fmpq(1)) * sign ** alpha[j]
        key = tuple(s_power if i == j else e for i, e in enumerate(alpha))
        terms[key] = terms.get(key, fmpq(0)) + c * scale
    uniform = all(alpha[d] == 0 for alpha in terms)
    dimension = d if uniform else d + 1
    reduced = ring(dimension).from_dict({alpha[:dimension]: c for alpha, c in terms.items()})
    centre, half = np.zeros((1, dimension)), np.ones((1, dimension))
    for i in {j, dimension - 1} if not uniform else {j}:
        centre[0, i], half[0, i] = 0.5, 0.5
    return exceeds(FloatPolynomial(reduced, dimension), Boxes(centre, half), m, max_boxes=4000)


def _rounded(x: float) -> fmpq:
    """x rounded to 9 bits."""
    mantissa, exponent = math.frexp(x)
    return fmpq(round(mantissa * 512), 512) * fmpq(2) ** exponent


def _enclosing(frame: Frame, radii: tuple[fmpq, ...]) -> np.ndarray:
    """Half-widths of a box in y that holds {|u_j| ≤ R_j}."""
    reach = [r + abs(s) for r, s in zip(radii, frame.shift, strict=True)]
    exact = [sum((abs(x) * r for x, r in zip(row, reach, strict=True)), fmpq(0)) for row in frame.inverse]
    return np.array([float(arb(value).upper()) for value in exact]) * (1 + 1e-12)
