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
when they are ≥ 0 everywhere, that is even with a positive coefficient D; before that a part of D u^{2μ} may complete a
square, c u^β + D u^{2μ} ≥ −(c²/4D) u^{2(β−μ)}.

On shifted lines Re P(u + i b v), 0 ≤ b ≤ a, a shift adds terms of lower weight only. If nothing was dropped, the face
s = 0 is therefore the same for all b, and the certificate at b = a proves the uniform decay that the contour shift
needs. If something was dropped, θ = (b/a)² ∈ [0, 1] is one more variable of the polynomial on the cubes.

Reading order: `Frame`, `certify`, `Tail`.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq, fmpq_mat, fmpq_mpoly

from numerics.trapezoid.boxes import Boxes, exceeds
from numerics.trapezoid.polynomial import Exponents, FloatPolynomial, affine, directional_parts, ring, terms_of

GROWTH = 4
FACE_BOXES = 16  # about, at first: few boxes cost as much as one
ORIGIN = fmpq(0)


Square = tuple[tuple[int, ...], tuple[int, ...], fmpq]
"""(β, μ, D): c u^β + D u^{2μ} ≥ −(c²/4D) u^{2(β−μ)}."""


class Frame(NamedTuple):
    """Coordinates u = S y + shift in which a tail is certified, all exact; `inverse` = S⁻¹."""

    matrix: list[list[fmpq]]
    inverse: list[list[fmpq]]
    shift: list[fmpq]

    def pull(self, p: fmpq_mpoly) -> fmpq_mpoly:
        """p, a polynomial in y, as a polynomial in u: y = S⁻¹(u − shift)."""
        offset = [-sum((a * s for a, s in zip(row, self.shift, strict=True)), fmpq(0)) for row in self.inverse]
        return affine(p, offset, self.inverse)


class Tail(NamedTuple):
    """P ≥ m N for N ≥ 1 in `frame`, with radii R and powers 2m_j; `enclosing` holds {N ≤ 1} in y: |y_i| ≤
    enclosing_i.
    """

    frame: Frame
    radii: tuple[fmpq, ...]
    powers: tuple[int, ...]
    m: float
    enclosing: np.ndarray
    squares: tuple[Square, ...] = ()

    def bound(self, majorant: fmpq_mpoly, steps: Sequence[float]) -> arb:
        """A bound of Π h Σ_{N>1} |f| e^{−P}, the variables with h = 0 integrated.

        majorant: polynomial g with coefficients ≥ 0 and |f(y)| ≤ g(|y_1|, …, |y_d|).
        """
        return self.bounds([majorant], steps)[0]

    def bounds(self, majorants: Sequence[fmpq_mpoly], steps: Sequence[float]) -> list[arb]:
        """`bound` for every f; +∞ where f grows too fast for m."""
        q = math.lcm(*self.powers)
        weights = [q // n for n in self.powers]
        heaviest = [
            max((w for w, x in zip(weights, row, strict=True) if x != 0), default=0) for row in self.frame.inverse
        ]
        reach = _reach(self.frame, self.radii)
        total, m = fmpq(sum(weights), q), arb(self.m)
        common = self._volume(steps) * (-m).exp()
        result = []
        for majorant in majorants:
            size = arb(majorant(*reach))  # Σ |c_α| R^α of g in u, since all coefficients are ≥ 0
            terms = terms_of(majorant)
            k = fmpq(max((sum(w * e for w, e in zip(heaviest, alpha, strict=True)) for alpha in terms), default=0), q)
            exponent = max(total + k - 1, k)
            bounded = m > arb(exponent) + 1
            result.append(
                (common * size * (1 + arb(total) / (m - arb(exponent)))).upper() if bounded else arb.pos_inf()
            )
        return result

    def _volume(self, steps: Sequence[float]) -> arb:
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
    combined = _by_monomial(parts, a)
    for squares in ((), _squares(combined, powers)):
        kept = _below_simplex(combined, powers, squares)
        found = None if kept is None else _with_radii(parts[0], kept, frame, powers, m, attempts)
        if found is not None or not _squares(combined, powers):
            return found if found is None else found._replace(squares=squares)
    return None


def _with_radii(
    p: fmpq_mpoly, kept: fmpq_mpoly, frame: Frame, powers: tuple[int, ...], m: float, attempts: int
) -> Tail | None:
    """Radii that grow until the faces are proved."""
    tops, terms = terms_of(p), terms_of(kept)
    pure = [tops[_unit(len(powers), j, power)] for j, power in enumerate(powers)]
    density = 2 * m
    for _ in range(attempts):
        radii = tuple(_rounded((density / float(arb(c))) ** (1 / n)) for c, n in zip(pure, powers, strict=True))
        scaled = {
            alpha: c * math.prod((r**e for r, e in zip(radii, alpha, strict=False)), start=fmpq(1))
            for alpha, c in terms.items()
        }
        if all(_face_exceeds(scaled, powers, j, sign, m) for j in range(len(powers)) for sign in (1, -1)):
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


ByMonomial = dict[tuple[int, ...], list[fmpq]]


def _by_monomial(parts: list[fmpq_mpoly], a: fmpq) -> ByMonomial:
    """{α: [c_0, c_1, …]}, Re P = Σ_α u^α Σ_k c_k θ^k on the shifted lines, b² = a²θ."""
    combined: ByMonomial = {}
    for k, part in enumerate(parts):
        for alpha, c in terms_of(part).items():
            combined.setdefault(alpha, [fmpq(0)] * len(parts))[k] = c * a ** (2 * k)
    return combined


@lru_cache(maxsize=4096)
def _weight(alpha: tuple[int, ...], powers: tuple[int, ...]) -> Fraction:
    return sum((Fraction(e, n) for e, n in zip(alpha, powers, strict=True)), Fraction(0))


def _least(by_shift: list[fmpq]) -> fmpq:
    """A lower bound of Σ c_k θ^k on [0, 1]."""
    return by_shift[0] + sum((min(c, fmpq(0)) for c in by_shift[1:]), fmpq(0))


def _squares(combined: ByMonomial, powers: tuple[int, ...]) -> tuple[Square, ...]:
    """Squares that absorb the monomials on or above the simplex that may be negative, as in (1 − xy)² + (x² + y²)/10."""
    helpers = {
        alpha: _least(by_shift)
        for alpha, by_shift in combined.items()
        if _weight(alpha, powers) > 1 and not any(e % 2 for e in alpha) and _least(by_shift) > 0
    }
    used: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for beta, by_shift in combined.items():
        pure = sum(e > 0 for e in beta) == 1
        if pure or _weight(beta, powers) < 1 or (not any(e % 2 for e in beta) and _least(by_shift) >= 0):
            continue
        halves = [tuple(e // 2 for e in alpha) for alpha in helpers if alpha != beta]
        fitting = [mu for mu in halves if all(e <= b for e, b in zip(mu, beta, strict=True))]
        if fitting:
            used.append((beta, max(fitting, key=lambda mu: _weight(mu, powers))))
    count = {mu: sum(other == mu for _, other in used) for _, mu in used}
    return tuple((beta, mu, helpers[tuple(2 * e for e in mu)] / count[mu]) for beta, mu in used)


def _completed(combined: ByMonomial, squares: tuple[Square, ...]) -> ByMonomial:
    """The lower bound of Re P after completing the squares, valid for all θ ∈ [0, 1]."""
    result = {alpha: list(by_shift) for alpha, by_shift in combined.items()}
    width = len(next(iter(result.values())))
    for beta, mu, share in squares:
        size = sum((abs(c) for c in result.pop(beta)), fmpq(0))
        nu = tuple(b - e for b, e in zip(beta, mu, strict=True))
        for alpha, change in ((mu, -share), (nu, -size * size / (4 * share))):
            by_shift = result.setdefault(tuple(2 * e for e in alpha), [fmpq(0)] * width)
            by_shift[0] += change
    return result


def _below_simplex(combined: ByMonomial, powers: tuple[int, ...], squares: tuple[Square, ...]) -> fmpq_mpoly | None:
    """Re P on the shifted lines without the monomials above the simplex, as a polynomial in (u, θ), b² = a²θ.

    None if a monomial above the simplex may be negative for some b ≤ a. If there is none, θ = 1 is put in.
    """
    combined = _completed(combined, squares)
    above = [alpha for alpha in combined if _weight(alpha, powers) > 1]
    for alpha in above:
        if any(e % 2 for e in alpha) or _least(combined.pop(alpha)) < 0:
            return None
    kept: dict[tuple[int, ...], fmpq] = {}
    for alpha, by_shift in combined.items():
        for k, c in enumerate(by_shift):
            key = (*alpha, k if above else 0)
            kept[key] = kept.get(key, fmpq(0)) + c
    return ring(len(powers) + 1).from_dict(kept)


def _face_exceeds(terms: Mapping[Exponents, fmpq], powers: tuple[int, ...], j: int, sign: int, m: float) -> bool:
    """s^q P ≥ m on the face u_j = sign·R_j s^{−q w_j}, with s in the place of variable j, for all θ ∈ [0, 1].

    terms: of P(R_1 u_1, …, R_d u_d; θ). No two of them meet: the power of s tells α_j when the other exponents are known.
    """
    q, d = math.lcm(*powers), len(powers)
    uniform = all(alpha[d] == 0 for alpha in terms)
    dimension = d if uniform else d + 1
    on_face = {}
    for alpha, c in terms.items():
        s_power = q - sum(q // n * e for e, n in zip(alpha, powers, strict=False))
        on_face[(*alpha[:j], s_power, *alpha[j + 1 : dimension])] = -c if sign < 0 and alpha[j] % 2 else c
    boxes = Boxes.around(np.ones(dimension), round(FACE_BOXES ** (1 / dimension)))
    for i in {j, dimension - 1} if not uniform else {j}:
        boxes.centres[:, i] = (boxes.centres[:, i] + 1) / 2  # [0, 1] in the place of [−1, 1]
        boxes.radii[:, i] /= 2
    return exceeds(FloatPolynomial(on_face, dimension), boxes, m, max_boxes=4000)


def _rounded(x: float) -> fmpq:
    """x rounded to 9 bits."""
    mantissa, exponent = math.frexp(x)
    return fmpq(round(mantissa * 512), 512) * fmpq(2) ** exponent


def _reach(frame: Frame, radii: tuple[fmpq, ...]) -> list[fmpq]:
    """Half-widths of a box in y that holds {|u_j| ≤ R_j}."""
    far = [r + abs(s) for r, s in zip(radii, frame.shift, strict=True)]
    return [sum((abs(x) * r for x, r in zip(row, far, strict=True)), fmpq(0)) for row in frame.inverse]


def _enclosing(frame: Frame, radii: tuple[fmpq, ...]) -> np.ndarray:
    return np.array([float(arb(value).upper()) for value in _reach(frame, radii)]) * (1 + 1e-12)
