"""Which order and sign a covariance of two monomials has, from exponents alone.

K = Π x_i^{κ_i} on the unit box, φ = Π x_i^{h_i}; f, g, fg have thresholds λ_f, …, multiplicities m_f, … and constants C_f, … in
⟨f⟩ ~ C_f t^{−(λ_f−λ)} (log t)^{m_f−m}. The two terms of Cov(f, g) = ⟨fg⟩ − ⟨f⟩⟨g⟩ are compared by

    α = (λ_fg + λ, m_fg + m)   with   β = (λ_f + λ_g, m_f + m_g):   the smaller first entry wins, then the larger second.

* α wins: Cov ~ ⟨fg⟩ > 0.   * β wins: Cov ~ −⟨f⟩⟨g⟩ < 0: f and g vanish on different minimal divisors.
* a tie: Cov ~ (C_fg − C_f C_g) t^{−(λ_fg−λ)} (log t)^{m_fg−m} unless the constants agree; then f, g are uncorrelated under the
  limit law, and only the exact numerator (`theory.singular.covariance`) knows.

Reading order: `predict`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import sympy as sp

from theory.errors import BadInput
from theory.singular.expansion import Leading
from theory.zeta.balls import is_zero
from theory.zeta.series import gamma_value

Exponents = Sequence[int | sp.Rational]


class Prediction(NamedTuple):
    """winner: "product" (⟨fg⟩), "means" (−⟨f⟩⟨g⟩) or "tie"; leading is None for a tie whose constants agree."""

    winner: str
    leading: Leading | None


class _Monomial(NamedTuple):
    power: sp.Rational
    multiplicity: int
    constant: sp.Expr


def predict(orders: Exponents, jacobian: Exponents, f: Exponents, g: Exponents) -> Prediction:
    """The covariance of x^f and x^g under e^{−t x^orders} x^jacobian on [0, 1]^d, from exponents alone (tuples of length d)."""
    if not len(orders) == len(jacobian) == len(f) == len(g):
        raise BadInput(
            f"the exponents {orders}, {jacobian}, {f} and {g} are not those of the same coordinates; give one for each"
        )
    one = _monomial(orders, jacobian, (0,) * len(orders))
    a, b, both = (_monomial(orders, jacobian, e) for e in (f, g, tuple(p + q for p, q in zip(f, g, strict=True))))
    alpha = (both.power + one.power, -(both.multiplicity + one.multiplicity))
    beta = (a.power + b.power, -(a.multiplicity + b.multiplicity))
    product = Leading(both.constant / one.constant, both.power - one.power, both.multiplicity - one.multiplicity)
    means = Leading(
        -a.constant * b.constant / one.constant**2,
        a.power + b.power - 2 * one.power,
        a.multiplicity + b.multiplicity - 2 * one.multiplicity,
    )
    if alpha != beta:
        return Prediction("product", product) if alpha < beta else Prediction("means", means)
    difference = sp.gammasimp(product.coefficient + means.coefficient)
    return Prediction("tie", None if is_zero(difference) else product._replace(coefficient=difference))


def _monomial(orders: Exponents, jacobian: Exponents, powers: Exponents) -> _Monomial:
    """λ, m and C of Z[x^powers] ~ C t^{−λ} (log t)^{m−1}: C = Γ(λ)/(m−1)! Π_I 1/κ_i Π_{i∉I} 1/(κ_i(λ_i − λ))."""
    sides = [
        (sp.Rational(k), sp.Rational(h) + 1 + sp.Rational(p)) for k, h, p in zip(orders, jacobian, powers, strict=True)
    ]
    lam = min(h / k for k, h in sides if k)
    factors = [1 / k if k and h / k == lam else 1 / (h - k * lam) for k, h in sides]
    m = sum(bool(k) and h / k == lam for k, h in sides)
    return _Monomial(lam, m, gamma_value(lam) / sp.factorial(m - 1) * sp.Mul(*factors))
