"""The splitting lemma (eq 22), with its change of coordinates, to any order.

At a critical point w* of K whose Hessian has rank r there are coordinates w = ψ(x, y), x in R^r, y in R^{d−r}, with

    K(ψ(x, y)) = K(w*) + ½ Σ_i d_i x_i² + g(y),     g without constant, linear and quadratic terms.

The construction, by power series truncated at total degree N:

1. w = w* + A (u, y) with Aᵀ H A = diag(d_1, …, d_r, 0, …, 0): symmetric elimination, no square roots.
2. u = σ(y) with ∂_u K(σ(y), y) = 0, by σ ← σ − D⁻¹ ∂_u K(σ, y), one more degree right each time. Then g(y) = K(σ(y), y).
3. K(σ + u, y) = g + ½ uᵀ (D + B(u, y)) u: a monomial c u^α y^β with |α| = k ≥ 2 gives B_ij the part c ∂_i∂_j u^α · 2/(k(k−1)).
4. x = S u with S = (I + D⁻¹B)^{1/2}, a binomial series. As D⁻¹B is symmetric for the form D, SᵀDS = D S² = D + B.
5. (u, y) ↦ (x, y) is inverted by u ← x − (S − I) u.

The nondegenerate directions then are exactly Gaussian, and whatever is singular is in g. `Local(split(…))` goes on from there to
expectations and cumulants near w*, in powers of 1/t. Corank 0 is the Morse lemma, and the expansions agree with those of
`theory.laplace`, which shares no step with this.

Reading order: `normal_form`, `steps`, `local`.
"""

from theory.splitting.local import Local
from theory.splitting.normal_form import Splitting, split

__all__ = ["Local", "Splitting", "split"]
