"""The sampled layer: Langevin estimators in JAX with the error bars they deserve.

Reading order: `posterior` (what is sampled), `lower` (a sympy loss as a JAX loss), `kernels` (one step), `chain` and
`record` (many steps, recorded), `diagnostics` (means and covariances of correlated draws), `control` (their variance
reduced), `llc` and `susceptibility` (the estimators of §3.5 and Section 6), `quadratic` (what they should give near a
regular minimum), then `train`, `networks` and `data` for real networks.
"""
