"""Lemmas 18, 20 and 25 where K is singular: what replaces aᵀΣb, and which power of t the LLC susceptibility has.

Setting: f, f' vanish with √K (f² ≤ C K: essential uniqueness makes it so for f_z = ℓ_z − ℓ_z(w*)). In charts f = s √K a with s the
sign of Π x_i^{k_i}. With λ, μ as in `theory.singular.limit` and c_λ = Γ(λ+½)/Γ(λ),

    Lemma 18':  √t ⟨f⟩ → c_λ E_μ[s a];  where that is 0, ⟨f⟩ ~ t^{−ν}, ν read off the first pole of ζ_f(z) − λ;
    Lemma 20':  t Cov(f, f') → λ E_μ[a a'] − c_λ² E_μ[s a] E_μ[s a'],
                λ E_μ[a a'] = λ lim ∫K^{z−1} f f' φ/∫K^z φ,   E_μ[s a] = lim ∫K^{z−1/2} f φ/∫K^z φ    (z → −λ);
    trace:      t E_z Var f_z → 2λ − c_λ² E_z (E_μ[s a_z])²    for log-loss in a realizable model;
    LLC:        Cov(K, f) = −d⟨f⟩/dt ~ t^{−3/2} when E_μ[s a] ≠ 0, t^{−2} when ν = 1, t^{−1−ν} else;
    Lemma 25':  t^{3/2} Cov(KA, f) → Γ(λ+3/2)/Γ(λ) E_μ[s A a] − λ c_λ E_μ[A] E_μ[s a].

No resolution is needed to state them. At finite t, logarithms kept: `covariance(K, f, g, …).leading_ratio()`. A nondegenerate
minimum has λ = d/2 and Lemma 20' is aᵀΣb again (Lemma 20), the second term being 0 by symmetry; `theory.splitting` brings such a K
to the form that is read here.

Reading order: `lemma18`, `lemma20`, `trace`, `llc_susceptibility`, `lemma25`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact
from theory.singular.expansion import Leading
from theory.singular.limit import LimitLaw, rise
from theory.singular.model import Model
from theory.singular.moments import Cumulant
from theory.zeta.balls import is_zero

HALF = sp.Rational(1, 2)


def lemma18(law: LimitLaw, f: Any) -> sp.Expr:
    """lim √t ⟨f⟩ = c_λ E_μ[s a]. The exponent where it is 0: `expectation(…).leading`."""
    return sp.radsimp(law.rise(HALF) * law.mean(f, HALF))


def lemma20(law: LimitLaw, f: Any, g: Any) -> sp.Expr:
    """lim t Cov(f, g) = λ E_μ[a a'] − c_λ² E_μ[s a] E_μ[s a'], exact. Raises `BadInput` where f or g is not O(√K)."""
    f, g = exact(f), exact(g)
    return sp.expand(law.threshold * law.mean(f * g, 1) - lemma18(law, f) * lemma18(law, g))


def trace(law: LimitLaw, f: Any, z: Sequence[sp.Symbol], mean: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    """lim t E_z Var f_z for f polynomial in the data z; `mean` takes a monomial in z to its expectation.

    f = Σ_α z^α f_α gives Σ_{α,β} E[z^{α+β}] lim t Cov(f_α, f_β).
    """
    parts = [(sp.Mul(*(v**n for v, n in zip(z, m, strict=True))), c) for m, c in sp.Poly(exact(f), *z).terms()]
    limits = [
        mean(sp.expand(one * other)) * lemma20(law, a, b) for one, a in parts for other, b in parts
        if not is_zero(mean(sp.expand(one * other)))
    ]  # fmt: skip
    return sp.simplify(sp.Add(*limits))


class LLCSusceptibility(NamedTuple):
    """Cov(K, f) ~ leading; `case` says which row of the table it is."""

    leading: Leading
    case: str


ONE_SIDED = "the sign mean does not vanish: t^(-3/2), larger than in a regular model"
REGULAR = "the sign mean vanishes and the even part of f is of order K: t^(-2), as in a regular model"
BETWEEN = "the sign mean vanishes and the even part of f is larger than K: between t^(-3/2) and t^(-2)"
SMALLER = "smaller than t^(-2): the leading constants cancel"


def llc_susceptibility(model: Model, f: Any) -> LLCSusceptibility:
    """Cov(K, f) = −d⟨f⟩/dt, its leading term from the exact numerator, and its row in the table."""
    leading = Cumulant(model, (model.K, exact(f))).leading
    order, regular = (leading.power, -leading.log_power), (sp.Integer(2), 0)
    if order == (sp.Rational(3, 2), 0):
        return LLCSusceptibility(leading, ONE_SIDED)
    if order < regular:
        return LLCSusceptibility(leading, BETWEEN)
    return LLCSusceptibility(leading, SMALLER if order > regular else REGULAR)


def lemma25(law: LimitLaw, A: Any, f: Any) -> sp.Expr:
    """lim t^{3/2} Cov(KA, f). Where it is 0 the next order is `covariance(…).leading`."""
    A, f = exact(A), exact(f)
    three_halves = rise(law.threshold, sp.Rational(3, 2))
    first = three_halves * law.mean(A * f, HALF)
    return sp.radsimp(sp.expand(first - law.threshold * law.mean(A) * lemma18(law, f)))


def essentially_unique(law: LimitLaw, f: Any) -> bool:
    """Is f = O(√K) where the posterior concentrates, so that these lemmas apply to it?"""
    try:
        law.mean(exact(f) ** 2, 1)
    except BadInput:
        return False
    return True
