"""Sampling kernels: pairs of pure functions (init, step) on pytrees, told apart by the law that they leave invariant.

    kernel                 stationary law                                             minibatches
    sgld                   exp(−U) up to O(ε), known exactly at a quadratic           yes
    preconditioned         the same under D^{1/2}, D frozen                           yes
    rmsprop                biased at every ε while it adapts; `preconditioned` after  yes
    underdamped.baoab      exp(−U) up to O(ε), exact at a quadratic                   yes, heated by their noise
    underdamped.sgnht      exp(−U) up to O(ε)                                         yes, isotropic noise absorbed
    mala, nuts             exp(−U)                                                    no

Reading order: `kernel`, `sgld`, `preconditioned`, `underdamped`, `mala`, `nuts`.
"""
