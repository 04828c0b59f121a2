"""Float shadows of fields: polynomials with sines and cosines in float64, with verified lower bounds.

Idea
----
`FloatPolynomial` bounds polynomials; here waves are added. On a box |y − c| ≤ r a wave W = a cos θ + b sin θ has, with
u = κ·(y − c), |u| ≤ ρ = Σ |κ_i| r_i, C = W(c) and D = dW/dθ (c),

    W = C cos u + D sin u ≥ C + D u − max(C, 0)·min(ρ²/2, 2) − |D|·min(ρ³/6, ρ + 1).

C and D κ_i join the Taylor coefficients T_0 and T_{e_i} of the polynomial, so that slopes cancel; on long boxes the bound
W ≥ −√(a² + b²) is the better one, and the larger of the two infima is taken.

Rounding: θ is off by at most 4(d + 4) u (Σ |κ_i c_i| + |φ|), u = 2^−53, and a cosine or sine by 2^−50 (libm keeps within one
unit in the last place, 2^−53), and so is the factor cosh, relatively; each error counts with the amplitude.

Notation: κ frequencies, φ phases; `scales` multiply the waves (cosh κ_j a on shifted lines).
Reading order: `FloatField`, `Majorants`.
"""

from collections.abc import Sequence

import numpy as np
from flint import arb, ctx, fmpq, fmpq_mpoly

from numerics.errors import NotCertified
from numerics.trapezoid.polynomial import TINY, UNIT_ROUNDOFF, FloatPolynomial, terms_of, to_float
from numerics.trapezoid.waves import Field, constant, constant_value

LIBM = 2.0**-50


class FloatField:
    """A field with constant amplitudes in float64: values, lower bounds at points and on boxes."""

    def __init__(self, field: Field, scales: Sequence[float] | None = None):
        self.dimension = d = field.dimension
        units = [tuple(int(i == j) for i in range(d)) for j in range(d)] if field.waves else []
        self.polynomial = FloatPolynomial(field.polynomial, d, also=units)
        self._units = self.polynomial.positions(units)
        waves = field.waves
        self._kappa = np.array([[to_float(f) for f in w.frequency] for w in waves]).reshape(len(waves), d)
        self._phase = np.array([to_float(w.phase) for w in waves])
        factors = np.ones(len(waves)) if scales is None else np.asarray(scales, dtype=float)
        self._cosine, self._sine = (
            np.array([to_float(constant_value(getattr(w, part))) for w in waves]) * factors
            for part in ("cosine", "sine")
        )
        self._amplitude = np.hypot(self._cosine, self._sine) * (1 + 8 * UNIT_ROUNDOFF)
        self._least = float(self._amplitude.sum()) * (1 + 1e-12)

    @staticmethod
    def on_line(field: Field, axis: int, a: fmpq) -> "FloatField":
        """Re F(y + i a e_axis)."""
        with ctx.workprec(80):
            scales = [float(arb(w.frequency[axis] * a).cosh()) for w in field.waves]
        if not all(scale < 1e250 for scale in scales):
            raise NotCertified("a frequency times a shift leaves the float range; rescale the variables")
        return FloatField(field.shifted(axis, a), scales)

    def _waves(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """W and dW/dθ at the points, and a bound of the error of each, all [n, waves]."""
        angle = points @ self._kappa.T + self._phase
        size = np.abs(points) @ np.abs(self._kappa).T + np.abs(self._phase)
        cosine, sine = np.cos(angle), np.sin(angle)
        error = 2 * self._amplitude * (8 * (self.dimension + 4) * UNIT_ROUNDOFF * size + 4 * LIBM)
        return self._cosine * cosine + self._sine * sine, self._sine * cosine - self._cosine * sine, error

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values at points [n, d] → [n], without error bound."""
        values = self.polynomial(points)
        return values + self._waves(points)[0].sum(axis=1) if len(self._phase) else values

    def derivatives(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradients [n, d] and Hessians [n, d, d] at points [n, d], without error bound."""
        gradient, hessian = self.polynomial.derivatives(points)
        if len(self._phase):
            value, slope, _ = self._waves(points)
            gradient = gradient + slope @ self._kappa
            hessian = hessian - np.einsum("nw,wi,wj->nij", value, self._kappa, self._kappa)
        return gradient, hessian

    def absolute(self, radii: np.ndarray) -> np.ndarray:
        """An upper bound of |F| for real |y_i| ≤ radii_i."""
        return self.polynomial.absolute(radii) + self._least

    def below(self, points: np.ndarray) -> np.ndarray:
        """Proved lower bounds of the values at (exactly represented) points."""
        lower = self.polynomial.below(points)
        if len(self._phase):
            value, _, error = self._waves(points)
            lower = lower + value.sum(axis=1) - error.sum(axis=1) - 1e-14 * (np.abs(lower) + self._least)
            if not np.isfinite(lower).all():
                raise NotCertified("a bound left the float range; rescale the variables")
        return lower

    def bounds(self, centres: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(inf [n], value at centre [n], loss [n, d]): a proved lower bound on each box, and what each axis costs it."""
        if not len(self._phase):
            return self.polynomial.bounds(centres, radii)
        taylor, reach, error = self.polynomial.local(centres, radii)
        plain, _ = self.polynomial.infimum(taylor, reach, error)
        value, slope, slip = self._waves(centres)
        stretch = np.abs(self._kappa) * radii[:, None, :]  # [n, waves, d]
        rho = stretch.sum(axis=2) * (1 + 1e-14)
        taylor[:, 0] += value.sum(axis=1)
        taylor[:, self._units] += slope @ self._kappa
        bent = np.maximum(value, 0.0) * np.minimum(rho**2 / 2, 2.0) + np.abs(slope) * np.minimum(rho**3 / 6, rho + 1)
        slack = 2 * (slip * (1 + rho)).sum(axis=1) + 1e-14 * (np.abs(taylor[:, 0]) + self._least)
        infimum, loss = self.polynomial.infimum(taylor, reach, error + slack)
        infimum = infimum - bent.sum(axis=1) * (1 + 1e-12) - slack
        loss = loss + np.einsum("nw,nwi->ni", bent / np.maximum(rho, 1e-300), stretch)
        best = np.maximum(infimum, plain - self._least - 1e-14 * np.abs(plain))
        if not np.isfinite(best).all():
            raise NotCertified("a box bound left the float range; rescale the variables")
        return best, taylor[:, 0], loss


class Majorants:
    """Polynomials with coefficients ≥ 0, evaluated together."""

    def __init__(self, polynomials: Sequence[fmpq_mpoly]):
        d = polynomials[0].context().nvars()
        terms = [terms_of(p) for p in polynomials]
        exponents = sorted({alpha for t in terms for alpha in t} | {(0,) * d})
        self._all = FloatPolynomial(constant(fmpq(1), d), d, also=exponents)
        position = {alpha: i for i, alpha in enumerate(exponents)}
        self._exponents = np.array(exponents, dtype=int).reshape(-1, d)
        self._matrix = np.zeros((len(exponents), len(polynomials)))
        for j, t in enumerate(terms):
            for alpha, c in t.items():
                self._matrix[position[alpha], j] = to_float(c)
        degree = int(self._exponents.sum(axis=1).max())
        self._floor = 10.0 ** (-140 / max(degree, 1))  # no monomial underflows, and the bound only grows
        self._inflation = 1 + 16 * (2 * len(exponents) + degree + 10) * UNIT_ROUNDOFF

    def above(self, radii: np.ndarray) -> np.ndarray:
        """Upper bounds at radii ≥ 0: [n, d] → [n, polynomials], all > 0 and finite."""
        values = (
            self._all.monomials(np.maximum(radii, self._floor), self._exponents) @ self._matrix * self._inflation + TINY
        )
        if not np.isfinite(values).all():
            raise NotCertified("the bound of an observable left the float range; rescale the variables")
        return values


__all__ = ["FloatField", "Majorants"]
