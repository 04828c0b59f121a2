"""Bounds of a field on boxes, from Taylor coefficients in balls: part of the checker of certificates.

Idea
----
On a box z = c + i a e_j + δ, |δ_i| ≤ r_i, let T_β = Re P^{(β)}(c + i a e_j)/β!. Then

    Re P(z) = T_0 + Σ_i T_i δ_i + ρ,  −ρ₋ ≤ ρ ≤ ρ₊,  ρ₋ = Σ_{|β| ≥ 2} (|T_β| if β odd else max(−T_β, 0)) r^β.

A wave W of the phase θ joins with C = Re W and D = Re dW/dθ at the centre: with u = κ·δ, |u| ≤ s = Σ |κ_i| r_i,

    Re W = C cos u + D sin u = C + D u + C (cos u − 1) + D (sin u − u),   |sin u − u| ≤ min(s³/6, s + 1).

Reading order: `Taylor`, `Potential`, `Amplitude`.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from flint import acb, acb_mat, arb, arb_mat, fmpq_mpoly

from numerics.certificate.exact_field import ExactField, ExactWave, terms_of


class Taylor:
    """The Taylor coefficients T_β(z) of a polynomial at complex points, as balls."""

    def __init__(self, p: fmpq_mpoly):
        terms = terms_of(p)
        self.dimension = p.context().nvars()
        units = [tuple(int(i == j) for j in range(self.dimension)) for i in range(self.dimension)]
        below = {gamma for alpha in (*terms, *units) for gamma in product(*(range(e + 1) for e in alpha))}
        self.exponents = sorted(below)  # a monomial after its divisors
        index = {gamma: i for i, gamma in enumerate(self.exponents)}
        self._steps = [self._step(gamma, index) for gamma in self.exponents[1:]]
        n = len(index)
        rows = [[arb(0)] * n for _ in range(n)]
        for alpha, c in terms.items():
            for beta in product(*(range(e + 1) for e in alpha)):
                gamma = tuple(a - b for a, b in zip(alpha, beta, strict=True))
                rows[index[beta]][index[gamma]] = arb(c * math.prod(map(math.comb, alpha, beta)))
        self._matrix = arb_mat(rows)  # T_β(z) = Σ_γ c_{β+γ} binom(β+γ, β) z^γ
        self._complex = acb_mat(self._matrix)
        self.first = [index[unit] for unit in units]
        higher = [(k, beta) for k, beta in enumerate(self.exponents) if sum(beta) > 1]
        self.odd = [k for k, beta in higher if any(e % 2 for e in beta)]
        self.even = [k for k, beta in higher if not any(e % 2 for e in beta)]
        self.shares = [[(k, beta[i] / sum(beta)) for k, beta in higher if beta[i]] for i in range(self.dimension)]

    @staticmethod
    def _step(gamma: tuple[int, ...], index: dict[tuple[int, ...], int]) -> tuple[int, int]:
        """(position of γ − e_i, i): a monomial is an earlier one times a variable."""
        i = next(i for i, e in enumerate(gamma) if e)
        return index[tuple(e - (j == i) for j, e in enumerate(gamma))], i

    def monomials(self, z: Sequence[Any]) -> list[Any]:
        values: list[Any] = [arb(1)]
        for before, i in self._steps:
            values.append(values[before] * z[i])
        return values

    def __call__(self, z: Sequence[Any]) -> list[Any]:
        values = self.monomials(z)
        if any(isinstance(x, acb) for x in z):
            return (self._complex * acb_mat(len(values), 1, values)).entries()
        return (self._matrix * arb_mat(len(values), 1, values)).entries()


class Local(NamedTuple):
    """On a box: P = T_0 + Σ slope_i δ_i + ρ with −below ≤ ρ ≤ above; what each axis costs the bounds (for steering)."""

    value: arb
    slopes: list[arb]
    below: arb
    above: arb
    costs: list[float]


def _real(z: Any) -> arb:
    return z.real if isinstance(z, acb) else z


def _angle(wave: ExactWave, z: Sequence[Any]) -> Any:
    return sum((arb(k) * x for k, x in zip(wave.frequency, z, strict=True)), arb(wave.phase))


def _constant(q: fmpq_mpoly) -> arb:
    """The value of a constant polynomial."""
    return arb(next(iter(terms_of(q).values()), 0))


class Potential:
    """Re P on boxes, for a field P whose waves have constant amplitudes."""

    def __init__(self, field: ExactField):
        self._taylor = Taylor(field.polynomial)
        self._waves = [(w, _constant(w.cosine), _constant(w.sine)) for w in field.waves]

    def local(self, z: Sequence[Any], radii: Sequence[arb]) -> Local:
        taylor = self._taylor
        coefficients = [_real(t) for t in taylor(z)]
        terms = [t * r for t, r in zip(coefficients, taylor.monomials(radii), strict=True)]
        odd = sum((abs(terms[k]) for k in taylor.odd), arb(0))
        even = [terms[k] for k in taylor.even]
        below = odd - sum((min(e.lower(), arb(0)) for e in even), arb(0))
        above = odd + sum((max(e.upper(), arb(0)) for e in even), arb(0))
        sizes = [abs(float(e.mid())) for e in terms]
        costs = [sum(sizes[k] * share for k, share in shares) for shares in taylor.shares]
        slopes = [coefficients[k] for k in taylor.first]
        value = coefficients[0]
        for wave, a, b in self._waves:
            angle = _angle(wave, z)
            sine, cosine = angle.sin(), angle.cos()
            here, slope = _real(a * cosine + b * sine), _real(b * cosine - a * sine)
            stretch = [abs(arb(k)) * r for k, r in zip(wave.frequency, radii, strict=True)]
            s = sum(stretch, arb(0)).upper()
            value += here
            slopes = [old + slope * arb(k) for old, k in zip(slopes, wave.frequency, strict=True)]
            turn, bend = min((s * s / 2).upper(), arb(2)), min((s * s * s / 6).upper(), (s + 1).upper()) * abs(slope)
            below += max(here.upper(), arb(0)) * turn + bend
            above += max((-here).upper(), arb(0)) * turn + bend
            loss = float((abs(here) * turn + bend).mid())
            costs = [c + loss * float(x) / max(float(s), 1e-300) for c, x in zip(costs, stretch, strict=True)]
        return Local(value, slopes, below.upper(), above.upper(), costs)


class Amplitude:
    """Bounds of |f| on boxes."""

    def __init__(self, field: ExactField):
        self._plain = Taylor(field.polynomial)
        self._waves = [(w, Taylor(w.cosine), Taylor(w.sine)) for w in field.waves]
        constant = field.polynomial.is_constant() and not field.waves
        self._constant = abs(_constant(field.polynomial)) if constant else None

    def sup_and_inf(self, z: Sequence[Any], radii: Sequence[arb]) -> tuple[arb, arb]:
        """(≥ sup, ≤ inf) from the value at the centre and |cos(θ + u) − cos θ| ≤ min(|u|, 2) cosh Im θ, u real."""
        if self._constant is not None:
            return self._constant, self._constant
        if not self._waves:
            return _sup_and_inf(self._plain, z, radii)
        centre, spread = _value_and_spread(self._plain, z, radii)
        for wave, cosine, sine in self._waves:
            angle = _angle(wave, z)
            height = (angle.imag if isinstance(angle, acb) else arb(0)).cosh()
            turn = sum((abs(arb(k)) * r for k, r in zip(wave.frequency, radii, strict=True)), arb(0))
            for amplitude, cycle in ((cosine, angle.cos()), (sine, angle.sin())):
                value, slip = _value_and_spread(amplitude, z, radii)
                centre = centre + value * cycle
                spread += (abs(value) * min(turn.upper(), arb(2)) + slip) * height
        return (abs(centre) + spread).upper(), max((abs(centre) - spread).lower(), arb(0))


def _value_and_spread(taylor: Taylor, z: Sequence[Any], radii: Sequence[arb]) -> tuple[Any, arb]:
    """T_0 and Σ_{β ≠ 0} |T_β| r^β."""
    coefficients, reach = taylor(z), taylor.monomials(radii)
    spread = sum((abs(t) * r for t, r in zip(coefficients[1:], reach[1:], strict=True)), arb(0))
    return coefficients[0], spread


def _sup_and_inf(taylor: Taylor, z: Sequence[Any], radii: Sequence[arb]) -> tuple[arb, arb]:
    """Bounds of |f| on the box: |T_0| ± Σ_{β ≠ 0} |T_β| r^β."""
    value, spread = _value_and_spread(taylor, z, radii)
    return (abs(value) + spread).upper(), max((abs(value) - spread).lower(), arb(0))
