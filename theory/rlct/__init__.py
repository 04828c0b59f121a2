"""Real log canonical thresholds of K ≥ 0 by resolution on strata, exact and with a certificate.

For K ≥ 0 near a point and a prior φ ~ |w|^h, the zeta function ∫ K^{−z} φ dw converges for Re z < λ; its first pole λ is the real
log canonical threshold, the order m of that pole the multiplicity: ∫ e^{−tK} φ ~ C t^{−λ} (log t)^{m−1}. Here K ≍ max_j |g_j|^power
for polynomials g_j, and the ideal they generate is resolved in real coordinates.

    answer                      `rlct`, `rlct_ideal` and their result
    problem, domain, analytic   reading K, the point, the domain and the prior; functions other than polynomials
    gram                        K as a sum of squares, by a matrix G ≥ 0 over Q
    stratum, polynomials        a piece of a chart on which coordinates are 0, non-zero or free, and the ideal on it
    effort                      limits of time and of size: what is too long is given up
    bounds, sublevel, linear    its two bounds; the linear programme of a monomial ideal: λ, m and the proof of both
    units                       proofs that a polynomial has no zero on a stratum
    steps, implicit, parity     rewriting without a blow-up: the elementary steps
    tidy, reduce, coordinates   in which order they are tried
    blowup, dependent           weighted blow-ups with all their charts; splitting on a polynomial
    branching, canonical        where to branch; isomorphic strata are resolved once
    search                      best-first branch and bound: at any time lower ≤ (λ, m) ≤ upper
    format, certify             the certificate, and what has to be checked to believe it; how it is written.

Everything is exact: integer polynomials, rational linear programmes, algebraic numbers by their relations. What is not decided
stays a bracket with exact=False; what is not understood is refused.

Sources: S. Watanabe, Algebraic Geometry and Statistical Learning Theory (2009); S. Lin, Algebraic Methods for Evaluating
Integrals in Bayesian Statistics (thesis, Berkeley 2011), for ideals and boundaries.
"""

from theory.rlct.answer import RLCT, rlct, rlct_component, rlct_ideal
from theory.rlct.format import tree

__all__ = ["RLCT", "rlct", "rlct_component", "rlct_ideal", "tree"]
