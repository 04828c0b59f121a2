"""Zeta functions ζ(z) = ∫ |K|^z φ left of their first pole: proved Laurent series on charts, exact positions and orders.

`continuation` has the answers; `charts` the problems (normal crossings with units and densities), `moves` what keeps them;
`resolution` makes charts of polynomials by cuts and weighted blow-ups; `cells`, `moments`, `ellipses`, `entire` expand one
chart; `contour` is the second road. The volume function that follows is in `numerics.volume`.

Reading order: `charts`, `moves`, `continuation`, `cells`, `moments`, `resolution`, `contour`.
"""

from numerics.zeta.charts import Chart, Gaussian, chart
from numerics.zeta.continuation import (
    Laurent,
    Pole,
    Term,
    candidates,
    first_pole,
    laurent,
    partition_terms,
    polar_polynomial,
    poles,
    series_value,
    threshold,
    zeta,
)
from numerics.zeta.moves import orthants
from numerics.zeta.resolution import polynomial, resolved

__all__ = [
    "Chart", "Gaussian", "Laurent", "Pole", "Term", "candidates", "chart", "first_pole", "laurent", "orthants", "partition_terms",
    "polar_polynomial", "poles", "polynomial", "resolved", "series_value", "threshold", "zeta",
]  # fmt: skip
