"""Langevin kernels: pairs of pure functions (init, step) on pytrees. Start with `kernel`, then `sgld`, then `mala`."""
