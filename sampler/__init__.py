"""The sampled layer: Langevin estimators in JAX with the error bars they deserve."""
