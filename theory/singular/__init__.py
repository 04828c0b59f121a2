"""Singular learning theory at finite t: partition functions, expectations and covariances with powers of log t, exactly.

The singular counterpart of `theory.laplace`. For K = Σ of normal crossings (blocks in disjoint variables; units, priors |x|^h b(x);
boxes, symmetric boxes, orthants and Gaussians as domains),

    Z[g](t) = ∫ e^{−tK} g φ dw ~ Σ_s t^{−s} P_s(log t),   P_s(L) = [ε^{−1}] Γ(s−ε) ζ_g(−s+ε) e^{εL},                    (1.1)

by Mellin inversion; the smallest s is the real log canonical threshold λ, and deg P_λ + 1 its multiplicity m. Then

    t⟨K⟩ = −d log Z/d log t = λ − P'(L)/P(L) + powers of 1/t = λ − (m−1)/log t + …                                   (eq 23, 2.3)

and expectations, covariances and cumulants are ratios of such expansions. They are never expanded in 1/log t, which would converge
far too slowly to be compared with anything.

    partition, expectation, covariance, cumulant, potential     `.leading` exact, `.evaluate(t, digits)` a ball, `.tex()`
    limit_law                                                   Gamma(λ) × residue measure × simplex
    lemma18, lemma20, lemma25, trace, llc_susceptibility        what becomes of the primer's lemmas
    predict                                                     order and sign of a covariance from exponents alone
    component                                                   slices, and whether the baseline of eq 34 hides them

`.leading` is (C, a, b) for C t^{−a} (log t)^b. `.evaluate` contains the truth where `.proved` says so (products of powers on boxes
and under Gaussians); with units the series is asymptotic, no bound is known, and its radius is an estimate.

Where it ends: zeros of K that are no coordinate planes need a resolution: monomial maps are found here, others are given as
`resolution=` (`theory.zeta.Map`), or `theory.splitting` takes the nondegenerate directions out first.

Reading order: `expansion`, `model`, `moments`, `evaluation`, `residues`, `estimate`, `limit`, `lemmas`, `order`, `slices`.

Reference: S. Watanabe, "Algebraic Geometry and Statistical Learning Theory" (2009), chapters 4 and 6.
"""

from theory.singular.expansion import LOG, Asymptotics, Leading, Ratio, Term
from theory.singular.lemmas import (
    LLCSusceptibility,
    essentially_unique,
    lemma18,
    lemma20,
    lemma25,
    llc_susceptibility,
    trace,
)
from theory.singular.limit import LimitLaw, dirichlet_moment, limit_law
from theory.singular.model import Model
from theory.singular.moments import Cumulant, Partition, covariance, cumulant, expectation, partition, potential
from theory.singular.order import Prediction, predict
from theory.singular.slices import Slice, component

DOMAINS = ("box", "symmetric", "gaussian")
"""The domains that all layers know by name; `theory.zeta.SIDES` has more."""

__all__ = [
    "DOMAINS", "LOG", "Asymptotics", "Cumulant", "LLCSusceptibility", "Leading", "LimitLaw", "Model", "Partition", "Prediction",
    "Ratio", "Slice", "Term", "component", "covariance", "cumulant", "dirichlet_moment", "essentially_unique", "expectation",
    "lemma18", "lemma20", "lemma25", "limit_law", "llc_susceptibility", "partition", "potential", "predict", "trace",
]  # fmt: skip
