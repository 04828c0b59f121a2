"""What the estimators should give near a regular minimum: two orders in 1/t, at the chain's own step size, without the chain.

Notation. t = nβ, e = εt, H = D²L_n(w*) on the weights that move, P = H + c I with c = γ/t, T = D³L_n, Q = D⁴L_n. Localisation is in
P, which drives the chain; the observable L keeps H. A frozen preconditioner D turns H, P, T, … into those of L(w* + D^{1/2}v). In
the eigenbasis of P (eigenvalues p_i, u_i = e p_i, a_i = 1 − u_i/2) the SGLD chain has, for minibatches of B examples with the
gradient noise G = (t/B) Cov_z(Dℓ_z),

    t Cov w = S,     S_ij = [2δ_ij + (e/2) G_ij]/(p_i + p_j − (e/2) p_i p_j)                    full batch: 1/[p_i (1 − u_i/4)]
    t E(w − w*) = m = −½ P⁻¹(T:S),      t² κ₃(w) = K,      t² Cov w = t S + S₂ + O(1/t)                                (see `law`)

so that for observables φ, ψ with derivatives a, A, Φ and b, B, Ψ at w*

    t (⟨φ⟩ − φ(w*)) = a·m + ½ tr(AS) + O(1/t)                                                                  (Lemma 18)
    t Cov(φ, ψ)     = aᵀSb + (1/t) [aᵀS₂b + ½ tr(ASBS) + R(φ, ψ) + R(ψ, φ)] + O(t⁻²)                           (Lemmas 20, 25)
                      R(φ, ψ) = ½ (Sb)·(Φ:S) + ½ A_ij K_ijk b_k + mᵀASb
    t⟨L − L*⟩       = ½ tr(HS) + (1/t) [½ tr(HS₂) + ½ mᵀHm + ½ m·(T:S) + (1/6) T∴K + ⅛ Q::(S, S)] + O(t⁻²)              (LLC)

For ε → 0 all of it is the posterior's: S = P⁻¹, K = −T∘SSS. The exact second road is `theory.langevin` and `theory.stationary`.

Two regimes, the same names:

* `curvature(posterior)`   dense, up to 5000 weights: one eigendecomposition; exact in ε. What needs all of T or Q (the next order)
  is streamed in d slices of d third and fourth derivatives each, never d³ numbers at once, up to 1000 weights;
* `iterative(posterior)`   any number of weights, leading order: conjugate gradients on Hessian-vector products, traces from random
  vectors with standard errors, λ_max by Lanczos.

Rooms, in reading order: `observables` (what φ may be), `law` (the formulas), `dense`, `second` (the next order), `noise`
(minibatches), `matrix_free` and `krylov` (iterative), `jets` and `derivatives` (what is differentiated).

Source of the formulas: the law of total cumulance for one step of the chain, as in `theory.stationary`.
"""

from sampler.quadratic.dense import Curvature, curvature
from sampler.quadratic.matrix_free import Iterative, iterative
from sampler.quadratic.observables import Observable, Prediction

__all__ = ["Curvature", "Iterative", "Observable", "Prediction", "curvature", "iterative"]
