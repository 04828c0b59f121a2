"""The Ising model sampled (section 2 of the primer): Metropolis and cluster chains on any grid, with walls, gaps and fields.

Idea
----
Spins s_i = ±1 on a rectangular grid, free or periodic, sites masked, every bond with a coupling of its own and every site with a
field of its own:

    p_β(s) ∝ e^{−βH(s)},    H(s) = −Σ_{⟨ij⟩} J_ij s_i s_j − Σ_i h_i s_i                                  (eqs 1 and 2)

A wall is a column of masked sites, or bonds of strength 0. Two kinds of chains have this stationary law: `metropolis`, which turns
single spins, a colour of the checkerboard at a time; and `swendsen_wang`, which turns whole clusters at random, with a ghost spin
that carries the fields. Near β_c a sweep of the second is worth many hundreds of the first (τ_int stands in every estimate).

Covariances are responses (the fluctuation–dissipation theorem, eqs 3 and 4): d⟨O⟩/dh = −β Cov(O, A) for H + hA, and
d⟨M_R⟩/dh = +β Cov(M_R, s_p) for a field on one site. The cluster chain has *improved* estimators of them: given the clusters, the
mean of s_p M_R is s_p times the magnetisation of R within the cluster of p, which is never negative on a ferromagnet; a
covariance of 10⁻³ is then counted, where a plain chain looks for it in noise of order √|R|.

    from numerics.ising import wall_with_gap
    from sampler import ising

    model = ising.model(wall_with_gap(), {"p": (10, 5)})
    run = ising.run(jax.random.key(0), model, 0.33, chains=16, draws=5000, burn_in=200)
    run.response()                        # Cov(s_p, M_R), labelled, with standard errors
    run.ratio("p", "left", "right")

Reading order: `arrays` (what is sampled), `single_spins`, `clusters`, `measure` (what is recorded, plain and improved), `chains`
(`run`), `record` (`Run`: estimates), `maps` (the response of every site).

References: R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 58 (1987) 86; U. Wolff, Nucl. Phys. B 334 (1990) 581 (improved
estimators). The exact counterpart is `numerics.ising`.
"""

from sampler.ising.arrays import Couplings, Model, couplings, model
from sampler.ising.chains import run
from sampler.ising.clusters import swendsen_wang
from sampler.ising.record import Run
from sampler.ising.single_spins import Kernel, heat_bath, metropolis

__all__ = [
    "Couplings",
    "Kernel",
    "Model",
    "Run",
    "couplings",
    "heat_bath",
    "metropolis",
    "model",
    "run",
    "swendsen_wang",
]
