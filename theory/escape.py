"""When the explicit chain has no stationary law at all: losses whose gradient grows faster than linearly.

w' = w − (ε/2)(t∇L(w) + γ(w − w*)) + √ε ξ with a polynomial loss of degree n ≥ 3, L_n its top form and F = ∇L_n, homogeneous of
degree m = n − 1 ≥ 2. Far out, w' = −(εt/2) F(w) + smaller terms, and where F does not vanish on the direction of w, |w'| ≥
const·|w|^m. Let K be a closed set of directions that is mapped into its own interior by v ↦ −F(v)/|F(v)| and on which F ≠ 0.
Then from all w with direction in K and |w| ≥ R,

    P(|w_{k+1}| ≥ |w_k|^{(m+1)/2} and direction in K, for all k) ≥ 1 − δ(R) > 0,        δ(R) → 0 as R → ∞,

a product of Gaussian tails; and Gaussian noise reaches that set from anywhere. A chain with a positive density that escapes with
positive probability is transient: it has **no stationary probability law**, at any ε > 0 (Meyn and Tweedie, Markov Chains and
Stochastic Stability, Th. 8.3.4 and Prop. 10.1.1; recalled). Two ways to such a K are decided exactly here:

    all directions        F has no real zero but 0        d = 1 always; d = 2 by common real roots; products of definite quadratics
    round one direction   F(v) = μ v, μ ≠ 0, and the other eigenvalues of DF(v) are below |μ| in size (v and −v attract)

Time to escape from near w* is exponentially long in t, and the series of `theory.langevin` describes the metastable law until then.
For a loss that is no polynomial nothing is decided here; minibatches are not either (the full batch is meant). The preconditioned
chain is the plain one for L(D^{1/2}v).

Reading order: `escapes` (public), `Escape`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact


@dataclass(frozen=True)
class Escape:
    """The gradient grows like |w|^`growth` along ± `direction`; `proved`: the chain has no stationary law."""

    growth: int
    direction: tuple[sp.Expr, ...]
    proved: bool
    reason: str


def escapes(loss: sp.Expr, variables: Sequence[sp.Symbol]) -> Escape | None:
    """Whether the explicit chain for a polynomial loss with rational coefficients runs off to infinity.

    None: degree ≤ 2, the gradient is linear and stability is decided by e λ_max(H) < 4. `proved` is False where the gradient is
    superlinear along the direction named but neither criterion of the module applies (such as for x²y² + x² + y²). Raises
    `BadInput` for a loss that is no polynomial with rational coefficients.
    """
    loss, v = exact(loss), tuple(variables)
    if not loss.is_polynomial(*v) or loss.free_symbols - set(v):
        raise BadInput(f"{loss} is not a polynomial in {', '.join(map(str, v))} with numbers for coefficients")
    poly = sp.Poly(loss, *v)
    degree = poly.total_degree()
    if degree <= 2:
        return None
    leading = sp.Poly({powers: c for powers, c in poly.terms() if sum(powers) == degree}, *v)
    top, field = leading.as_expr(), [leading.diff(a) for a in v]
    candidates = [(c, _at(field, c)) for c in _directions(len(v))]
    growing = next(c for c in (*_directions(len(v)), *_grid(len(v), degree)) if any(_at(field, c)))
    if _never_zero(field, v) or _product_of_definite(top, v):
        return Escape(degree - 1, growing, True, "the top form of the gradient vanishes in no direction")
    for c, image in candidates:
        if any(image) and _attracts(top, v, c, image):
            return Escape(degree - 1, c, True, "the direction attracts all directions near it")
    return Escape(degree - 1, growing, False, "the gradient is superlinear there; no criterion decides")


def _never_zero(field: Sequence[sp.Poly], v: Sequence[sp.Symbol]) -> bool:
    """Whether the form has no real zero but 0: decided for d ≤ 2, and for sums of powers of single variables."""
    if len(v) == 1:
        return True
    if len(v) == 2:
        s = sp.Dummy()
        line = [sp.Poly(f.as_expr().subs(v[0], s).subs(v[1], 1), s) for f in field]
        at_infinity = any(_at(field, (sp.S.One, sp.S.Zero)))
        common = sp.gcd(*line)
        return at_infinity and (common.degree() < 1 or not common.count_roots())
    own = [(f.free_symbols & set(v)) == {a} for f, a in zip(field, v, strict=True)]
    return all(own)


def _product_of_definite(top: sp.Expr, v: Sequence[sp.Symbol]) -> bool:
    """Whether the form is a product of definite quadratic ones; then v·F(v) = n L_n(v) ≠ 0."""
    hessians = [sp.hessian(factor, v) for factor, _ in sp.factor_list(top, *v)[1]]
    return all(h.free_symbols.isdisjoint(v) and (h.is_positive_definite or (-h).is_positive_definite) for h in hessians)


def _attracts(top: sp.Expr, v: Sequence[sp.Symbol], c: tuple, image: Sequence[sp.Expr]) -> bool:
    """F(c) = μc, μ ≠ 0, and μ² − DF(c)² positive definite across c."""
    axis = sp.Matrix(c)
    mu = (axis.T * sp.Matrix(image))[0] / (axis.T * axis)[0]
    if mu == 0 or sp.Matrix(image) != mu * axis:
        return False
    slope = sp.hessian(top, v).subs(dict(zip(v, c, strict=True)))
    across = sp.Matrix.hstack(*axis.T.nullspace())
    return bool((across.T * (mu**2 * sp.eye(len(v)) - slope**2) * across).is_positive_definite)


def _at(field: Sequence[sp.Poly], c: tuple) -> list[sp.Expr]:
    return [f(*c) for f in field]


def _directions(d: int) -> Iterator[tuple[sp.Expr, ...]]:
    """Integer directions up to sign with entries up to 3 (d ≤ 2) or 2, the axes first."""
    yield from (tuple(sp.Integer(int(k == i)) for k in range(d)) for i in range(d))
    reach = 3 if d <= 2 else 2
    for c in product(range(-reach, reach + 1), repeat=d):
        first = next((k for k in c if k), 0)
        if first > 0 and gcd(*c) == 1 and sum(map(bool, c)) > 1:
            yield tuple(map(sp.Integer, c))


def _grid(d: int, degree: int) -> Iterator[tuple[sp.Expr, ...]]:
    """Points among which a form of lower degree that is not 0 has one where it does not vanish."""
    yield from (tuple(map(sp.Integer, c)) for c in product(range(degree), repeat=d))


__all__ = ["Escape", "escapes"]
