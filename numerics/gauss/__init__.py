"""Certified integrals of analytic Gibbs integrands over boxes, half-spaces and R^d, d ≤ 3: Gauss–Legendre on panels.

`rule` puts the rooms together: `domain`, `quadratic` (variables integrated exactly), `decay` and `cones` (the tail), `hull`,
`panelling`, `ellipse` (the error bound), `integrand`, `compiled`, `rectangles` over `outward`, `intervals` over
`interval_polynomials` (evaluation), `summation`, `realness` (refusals); `check` re-proves a record.

Reading order: `rule`, `ellipse`, `decay`, `quadratic`, the others as they come up.
"""

from numerics.gauss.rule import Record, gibbs_integrals, record

__all__ = ["Record", "gibbs_integrals", "record"]
