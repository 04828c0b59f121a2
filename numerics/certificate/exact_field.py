"""The integrand of a certificate, exactly: polynomials with sines and cosines over Q, and changes of variables.

This room belongs to the checker of certificates and has no code in common with the search.

Notation: a field is p(y) + Σ_j [a_j(y) cos θ_j + b_j(y) sin θ_j], θ_j = κ_j·y + φ_j.
Reading order: `ExactField`, `problem`, `substituted`, `sheared`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy as sp
from flint import arb, fmpq, fmpq_mpoly, fmpq_mpoly_ctx
from sympy.simplify.fu import TR8

from numerics.certificate.witness import Shear
from numerics.errors import NotCertified
from numerics.precision import Exact, expression, rational
from theory.errors import BadInput

Terms = dict[tuple[int, ...], fmpq]


class ExactWave(NamedTuple):
    """cosine(y) cos θ + sine(y) sin θ, θ = frequency·y + phase."""

    frequency: tuple[fmpq, ...]
    phase: fmpq
    cosine: fmpq_mpoly
    sine: fmpq_mpoly

    @property
    def size(self) -> fmpq:
        """Σ of the absolute values of all coefficients: for constant ones, |wave| ≤ size."""
        return sum((abs(c) for q in (self.cosine, self.sine) for c in terms_of(q).values()), fmpq(0))


class ExactField(NamedTuple):
    """polynomial + Σ waves."""

    polynomial: fmpq_mpoly
    waves: tuple[ExactWave, ...]

    @property
    def dimension(self) -> int:
        return self.polynomial.context().nvars()

    def minus(self, level: fmpq) -> "ExactField":
        return ExactField(self.polynomial - level, self.waves)

    def dip(self, axis: int, a: fmpq) -> fmpq:
        """Σ |waves| on the lines shifted by |b| ≤ a is at most this, for constant amplitudes."""
        return sum((wave.size * cosh_above(wave.frequency[axis] * a) for wave in self.waves), fmpq(0))

    def majorant(self, axis: int = 0, a: fmpq = fmpq(0)) -> fmpq_mpoly:  # noqa: B008
        """g with coefficients ≥ 0 and |f(y + i b e_axis)| ≤ g(|y|), |b| ≤ a."""
        total = absolute(self.polynomial)
        for wave in self.waves:
            total += (absolute(wave.cosine) + absolute(wave.sine)) * cosh_above(wave.frequency[axis] * a)
        y = total.context().gens()
        return total.compose(*(v + a if i == axis else v for i, v in enumerate(y)), ctx=total.context())


def cosh_above(eta: fmpq) -> fmpq:
    """A dyadic number ≥ cosh η, close to it."""
    mantissa, exponent = arb(eta).cosh().upper().man_exp()
    return fmpq(int(mantissa)) * fmpq(2) ** int(exponent)


def ring(dimension: int) -> fmpq_mpoly_ctx:
    return fmpq_mpoly_ctx.get([f"v{i}" for i in range(dimension)], "lex")


def problem(
    loss: object, prior: object, f: object, names: tuple[sp.Symbol, ...], t: Exact
) -> tuple[ExactField, ExactField]:
    """The potential V and the amplitude F with f e^{−t·loss} prior = F e^{−V}."""
    if not names:
        raise BadInput("a certificate is for an integral over one variable at least; none was given")
    exponent, amplitude = sp.S.Zero, sp.S.One
    for factor in sp.Mul.make_args(sp.powsimp(_exact(prior))):
        base, power = factor.as_base_exp()
        if base == sp.E:
            exponent += power
        else:
            amplitude *= factor
    q = rational(t)
    v = _field(_exact(loss) * sp.Rational(int(q.p), int(q.q)) - exponent, names)
    if not all(part.is_constant() for wave in v.waves for part in (wave.cosine, wave.sine)):
        raise NotCertified("certificates are for potentials whose sines and cosines have constant coefficients")
    return v, _field(amplitude * _exact(f), names)


def _exact(value: object) -> Any:
    tree = expression(value)
    numbers = {n: rational(n) for n in tree.atoms(sp.Float)}
    return tree.xreplace({n: sp.Rational(int(q.p), int(q.q)) for n, q in numbers.items()})


def _field(expr: Any, names: tuple[sp.Symbol, ...]) -> ExactField:
    if expr.is_polynomial(*names) and not expr.has(sp.cos, sp.sin):
        return ExactField(_polynomial(expr, names), ())
    rest, waves = sp.S.Zero, []
    for term in sp.Add.make_args(sp.expand(TR8(sp.expand(expr)))):
        angles = list(term.atoms(sp.cos, sp.sin))
        if not angles:
            rest += term
            continue
        wave, amplitude = angles[0], term / angles[0]
        line = _polynomial(wave.args[0], names)
        if line.total_degree() > 1:
            raise NotCertified(f"certificates are for sines and cosines of linear arguments; {wave} is not one")
        d, parts = len(names), [ring(len(names)).constant(0)] * 2
        parts[wave.func == sp.sin] = _polynomial(amplitude, names)
        linear = terms_of(line)
        frequency = tuple(linear.get(tuple(int(i == j) for i in range(d)), fmpq(0)) for j in range(d))
        waves.append(ExactWave(frequency, linear.get((0,) * d, fmpq(0)), *parts))
    return ExactField(_polynomial(rest, names), tuple(waves))


def _polynomial(expr: Any, names: tuple[sp.Symbol, ...]) -> fmpq_mpoly:
    if not expr.is_polynomial(*names):
        raise NotCertified(f"certificates are for polynomials with sines and cosines; {expr} is not one")
    return ring(len(names)).from_dict({alpha: rational(c) for alpha, c in sp.Poly(expr, *names).terms()})


def terms_of(p: fmpq_mpoly) -> Terms:
    return {tuple(int(e) for e in alpha): c for alpha, c in p.to_dict().items()}


def absolute(p: fmpq_mpoly) -> fmpq_mpoly:
    return p.context().from_dict({alpha: abs(c) for alpha, c in terms_of(p).items()})


def composed(p: fmpq_mpoly, offset: Sequence[fmpq], matrix: Sequence[Sequence[fmpq]]) -> fmpq_mpoly:
    """p(offset + matrix·v) for the first variables of the ring; further ones stay as they are."""
    context = p.context()
    v = context.gens()
    images = [
        sum((a * x for a, x in zip(row, v, strict=False)), context.constant(b))
        for row, b in zip(matrix, offset, strict=True)
    ]
    return p.compose(*images, *v[len(images) :], ctx=context)


def substituted(field: ExactField, offset: Sequence[fmpq], matrix: Sequence[Sequence[fmpq]]) -> ExactField:
    """The field at offset + matrix·y."""
    waves = []
    for wave in field.waves:
        columns = zip(*matrix, strict=True)
        frequency = tuple(sum((k * x for k, x in zip(wave.frequency, c, strict=True)), fmpq(0)) for c in columns)
        phase = wave.phase + sum((k * b for k, b in zip(wave.frequency, offset, strict=True)), fmpq(0))
        waves.append(ExactWave(frequency, phase, *(composed(q, offset, matrix) for q in (wave.cosine, wave.sine))))
    return ExactField(composed(field.polynomial, offset, matrix), tuple(waves))


def sheared(field: ExactField, shear: Shear) -> ExactField:
    """The field at w with w_axis = v_axis + q(v). The Jacobian is 1, provided that q does not hold v_axis."""
    context = field.polynomial.context()
    q = context.from_dict(dict(shear.terms))
    y = context.gens()
    images = [v + q if i == shear.axis else v for i, v in enumerate(y)]
    if any(alpha[shear.axis] for alpha, _ in shear.terms) or any(w.frequency[shear.axis] != 0 for w in field.waves):
        raise NotCertified("the certificate fails at the inequality 'shear': it moves its own variable, or a wave")
    waves = tuple(
        wave._replace(cosine=wave.cosine.compose(*images, ctx=context), sine=wave.sine.compose(*images, ctx=context))
        for wave in field.waves
    )
    return ExactField(field.polynomial.compose(*images, ctx=context), waves)
