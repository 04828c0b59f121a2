"""The sampled layer: Langevin estimators in JAX with the error bars they deserve.

Reading order: `posterior` (what is sampled), `lower` (a sympy loss as a JAX loss), `compute` (in which precision), `kernels` (one
step), `chain` (many steps), `recorder`, `moments` and `record` (what is kept of them), `sweep`, `sharding`, `checkpoint`;
`diagnostics` (means and covariances of correlated draws), `control` and `martingale` (their variance reduced), `llc`,
`susceptibility`, `influence` and `information` (the estimators of §3.5 and Section 6), `diagnosis` and `stepsize` (is the run any
good), `quadratic` (what they should give near a regular minimum), `spectroscopy`; `results`, `plots` and `progress` (what a person
sees); then `train`, `networks` and `data` for real networks.
"""
