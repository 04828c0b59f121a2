"""The Ising model exactly (section 2 of the primer): finite lattices with walls, gaps and fields.

Idea
----
Three roads to the same sums over states, from the plainest to the fastest:

- `enumeration` lists all 2^n states (n ≤ 25): exact functions of x = e^{βJ} and y = e^{βh};
- `transfer` sweeps the lattice site by site and keeps only the spins that still have an unpaid bond: balls at one β, or
  the same exact functions for widths to about 12;
- `subgraphs` sweeps the high-temperature expansion, a sum of *positive* terms without cancellation: doubles with a proved
  error, wide enough for the primer's 20 × 20 lattices; or integer polynomials in tanh βJ.

`lattice` builds the figures' lattices, `laurent` holds the exact functions, `moments` turns sums into covariances, `response`
differentiates them formally, `roots` proves signs of polynomials on intervals, `walls` is the question of §2.5, `onsager` has the
closed forms of the plain torus.

Reading order: `lattice`, `moments`, `laurent`, `enumeration`, `schedule`, `sweep`, `transfer`, `subgraphs`, `response`,
`roots`, `walls`, `onsager`.
"""

from numerics.ising.lattice import Lattice, divided_room, wall_with_gap
from numerics.ising.laurent import Laurent, Ratio
from numerics.ising.moments import Moments

__all__ = ["Lattice", "Laurent", "Moments", "Ratio", "divided_room", "wall_with_gap"]
