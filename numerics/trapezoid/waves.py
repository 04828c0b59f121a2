"""Polynomials with sines and cosines, exactly.

Idea
----
A *field* is F(y) = p(y) + Σ_j [p_j(y) cos θ_j + q_j(y) sin θ_j], θ_j = κ_j·y + φ_j, with polynomials p, p_j, q_j over Q,
frequencies κ_j ∈ Q^d and phases φ_j ∈ Q. It is entire, and on the lines that the trapezoid rule shifts to,

    Re cos(θ + iη) = cos θ cosh η,   Re sin(θ + iη) = sin θ cosh η,   |cos(θ + iη)|, |sin(θ + iη)| ≤ cosh η,   η = κ·Im y.

Products and powers of sines and cosines are written as sums first (cos a cos b = ½ cos(a − b) + ½ cos(a + b), …).

Notation: κ frequencies, φ phases, θ = κ·y + φ.
Reading order: `Wave`, `Field`, `from_sympy`, `cosh_above`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy as sp
from flint import arb, fmpq, fmpq_mpoly
from sympy.simplify.fu import TR8

from numerics.certificate.witness import Shear
from numerics.errors import NotCertified
from numerics.trapezoid import polynomial
from numerics.trapezoid.polynomial import Exponents, affine, ring, terms_of

NEEDED = "the certified rule in several variables needs polynomials with sines and cosines"


class Wave(NamedTuple):
    """cosine(y)·cos(κ·y + φ) + sine(y)·sin(κ·y + φ), κ = frequency (0 for a constant such as sin 1), φ = phase."""

    frequency: tuple[fmpq, ...]
    phase: fmpq
    cosine: fmpq_mpoly
    sine: fmpq_mpoly

    @property
    def amplitude(self) -> fmpq:
        """a with |a' cos θ + b' sin θ| ≤ a for constant polynomials a', b': |a'| + |b'|."""
        return sum((abs(c) for part in (self.cosine, self.sine) for c in terms_of(part).values()), fmpq(0))


class Field(NamedTuple):
    """polynomial + Σ waves."""

    polynomial: fmpq_mpoly
    waves: tuple[Wave, ...] = ()

    @property
    def dimension(self) -> int:
        return self.polynomial.context().nvars()

    def affine(self, offset: list[fmpq], matrix: list[list[fmpq]]) -> "Field":
        """F(offset + matrix·y), exactly."""
        waves = []
        for wave in self.waves:
            frequency = tuple(_dot(wave.frequency, column) for column in zip(*matrix, strict=True))
            phase = wave.phase + _dot(wave.frequency, offset)
            waves.append(Wave(frequency, phase, *(affine(q, offset, matrix) for q in (wave.cosine, wave.sine))))
        return Field(affine(self.polynomial, offset, matrix), tuple(waves))

    def sheared(self, shear: Shear) -> "Field":
        """F at w with w_axis = v_axis + q(v); no wave may depend on w_axis."""
        context = self.polynomial.context()
        moved = context.from_dict(dict(shear.terms))
        images = [v + moved if i == shear.axis else v for i, v in enumerate(context.gens())]
        if any(wave.frequency[shear.axis] != 0 for wave in self.waves):
            raise NotCertified(f"{NEEDED} of linear arguments also in the sheared coordinates; write it otherwise")
        waves = [Wave(w.frequency, w.phase, *(q.compose(*images, ctx=context) for q in w[2:])) for w in self.waves]
        return Field(self.polynomial.compose(*images, ctx=context), tuple(waves))

    def shifted(self, axis: int, a: fmpq) -> "Field":
        """Re F(y + i a e_axis) for constant amplitudes, cosh(κ_axis a) left out of the waves: see `cosh_above`."""
        direction = [fmpq(int(i == axis)) for i in range(self.dimension)]
        parts = polynomial.directional_parts(self.polynomial, direction)
        return Field(sum((q * a ** (2 * k) for k, q in enumerate(parts)), 0 * self.polynomial), self.waves)

    def majorant(self, axis: int = 0, a: fmpq = fmpq(0)) -> fmpq_mpoly:  # noqa: B008
        """A polynomial g with coefficients ≥ 0 and |F(y + i b e_axis)| ≤ g(|y_1|, …, |y_d|), |b| ≤ a."""
        y = self.polynomial.context().gens()
        images = [v + a if i == axis else v for i, v in enumerate(y)]
        total = absolute(self.polynomial)
        for wave in self.waves:
            total += (absolute(wave.cosine) + absolute(wave.sine)) * cosh_above(wave.frequency[axis] * a)
        return total.compose(*images, ctx=self.polynomial.context()) if a else total


def _dot(u: Sequence[fmpq], v: Sequence[fmpq]) -> fmpq:
    return sum((a * b for a, b in zip(u, v, strict=True)), fmpq(0))


def absolute(p: fmpq_mpoly) -> fmpq_mpoly:
    """Σ |c_α| y^α."""
    return p.context().from_dict({alpha: abs(c) for alpha, c in terms_of(p).items()})


def cosh_above(eta: fmpq) -> fmpq:
    """A rational number ≥ cosh η, larger by at most one part in 2^30. Raises `NotCertified` for |η| > 300."""
    if eta == 0:
        return fmpq(1)
    if abs(eta) > 300:
        raise NotCertified(f"a frequency times a shift is {float(arb(eta)):.3g}; rescale the variables")
    upper = (arb(eta).cosh() * (1 + arb(2) ** -40)).upper()
    mantissa, exponent = upper.man_exp()
    value = fmpq(int(mantissa)) * fmpq(2) ** int(exponent)
    return fmpq((value * 2**32).ceil(), 2**32) if value < 2**30 else fmpq(value.ceil())


def from_sympy(expr: Any, variables: tuple[sp.Symbol, ...]) -> Field:
    """The exact field `expr`; raises `NotCertified` if it is not one with rational coefficients."""
    if expr.is_polynomial(*variables) and not expr.has(sp.cos, sp.sin):
        return Field(polynomial.from_sympy(expr, variables))
    linear = sp.expand(TR8(sp.expand(expr)))
    plain: list[Any] = []
    found: dict[tuple[tuple[fmpq, ...], fmpq], list[Any]] = {}
    for term in sp.Add.make_args(linear):
        waves = [f for f in sp.Mul.make_args(term) if f.func in (sp.cos, sp.sin)]
        if not waves:
            plain.append(term)
            continue
        if len(waves) > 1:
            raise NotCertified(f"{NEEDED}; {term} could not be written as one; expand it")
        key = _argument(waves[0].args[0], variables)
        found.setdefault(key, [sp.S.Zero, sp.S.Zero])[waves[0].func == sp.sin] += term / waves[0]
    waves = tuple(
        Wave(frequency, phase, *(_polynomial(part, variables, expr) for part in parts))
        for (frequency, phase), parts in found.items()
    )
    return Field(_polynomial(sp.Add(*plain), variables, expr), waves)


def _polynomial(part: Any, variables: tuple[sp.Symbol, ...], whole: Any) -> fmpq_mpoly:
    if not part.is_polynomial(*variables):
        names = ", ".join(map(str, variables))
        raise NotCertified(
            f"{NEEDED}; {whole} is not one in {names}; expand it to one, or integrate one variable at a time"
        )
    return polynomial.from_sympy(part, variables)


def _argument(angle: Any, variables: tuple[sp.Symbol, ...]) -> tuple[tuple[fmpq, ...], fmpq]:
    """κ, φ of κ·w + φ."""
    if not angle.is_polynomial(*variables) or sp.Poly(angle, *variables).total_degree() > 1:
        raise NotCertified(f"{NEEDED} of linear arguments; {angle} is not linear in {', '.join(map(str, variables))}")
    line = polynomial.from_sympy(angle, variables)
    terms: dict[Exponents, fmpq] = terms_of(line)
    d = len(variables)
    frequency = tuple(terms.get(tuple(int(i == j) for i in range(d)), fmpq(0)) for j in range(d))
    return frequency, terms.get((0,) * d, fmpq(0))


def constant_value(q: fmpq_mpoly) -> fmpq:
    """The value of a constant polynomial."""
    return next(iter(terms_of(q).values()), fmpq(0))


def constant(value: fmpq, dimension: int) -> fmpq_mpoly:
    """The constant polynomial in Q[y_0, …, y_{d−1}]."""
    return ring(dimension).constant(value)


__all__ = ["Field", "Wave", "absolute", "constant", "constant_value", "cosh_above", "from_sympy"]
