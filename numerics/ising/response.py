"""Responses by formal differentiation: the other side of eqs 1, 3 and 4, and the trend of a function of β.

Idea
----
The sums are polynomials in x = e^{βJ} and y = e^{βh}, so derivatives are taken exactly, never as differences:

    ⟨H⟩ = −∂_β log Z = −J x∂_x log Z − h y∂_y log Z                         (eq 1)
    d⟨O⟩/dh = β y∂_y⟨O⟩,   equal to −β Cov(O, A) for H + hA, A = −Σ f_i s_i    (eq 3; eq 4 for f = 1 on one site)
    d⟨O⟩/dJ = β x∂_x⟨O⟩,   equal to −β Cov(O, A) for A = −Σ c_ij s_i s_j       (eq 3)

The covariances come from products of spins summed separately (`Moments`), so the two sides share no calculation.

Reading order: `energy`, `field_response`, `coupling_response`, `driven`, `absolute_magnetisation`, `trend`.
"""

import dataclasses
from collections.abc import Iterable

from numerics.ising import roots, transfer
from numerics.ising.lattice import Lattice, Site
from numerics.ising.laurent import Laurent, Ratio
from numerics.ising.moments import Moments
from theory.errors import BadInput


def energy(moments: Moments[Laurent]) -> tuple[Ratio, Ratio]:
    """(E_J, E_h) with ⟨H⟩ = J E_J + h E_h = −∂_β log Z (eq 1)."""
    z = moments.partition
    return -(z.x_derivative() / z), -(z.y_derivative() / z)


def field_response(observable: Ratio) -> Ratio:
    """(1/β) d⟨O⟩/dh = y∂_y⟨O⟩: all fields h f_i raised together (eq 3), as a function of x and y."""
    return observable.y_derivative()


def coupling_response(observable: Ratio) -> Ratio:
    """(1/β) d⟨O⟩/dJ = x∂_x⟨O⟩; at h = 0 also (1/J) d⟨O⟩/dβ."""
    return observable.x_derivative()


def driven(lattice: Lattice, sites: Iterable[Site]) -> Lattice:
    """The lattice with one unit of field on `sites` (H − h Σ s_i, eq 4) and none elsewhere.

    Raises `BadInput` where the lattice has fields already: h would then move them too.
    """
    if any(lattice.field_of):
        raise BadInput(
            "`driven` puts the unit of field on chosen sites, and this lattice has fields already; set them to {}"
        )
    return dataclasses.replace(lattice, fields=dict.fromkeys(sites, 1))


def absolute_magnetisation(lattice: Lattice) -> Ratio:
    """⟨|M|⟩, M = Σ_i s_i over all sites, as an exact function of β at h = 0: the order parameter of Fig 1, times the sites.

    One unit of field on every site makes the exponent of y the value of M, so Z(x, y) = Σ N(E, M) x^{−E} y^M counts the states
    by energy and magnetisation; |M| is then summed at y = 1. Raises `BadInput` for lattices with fields.
    """
    z = transfer.moments(driven(lattice, lattice.sites), regions=[]).partition
    weighted = Laurent.of({(a, b): abs(b) * n for (a, b), n in z.terms().items()})
    return weighted.without_field() / z.without_field()


def trend(function: Ratio) -> int:
    """1 or −1 where the function of β rises or falls strictly on all of β > 0 (J > 0, h = 0), proved; 0 where it does neither.

    The numerator of x∂_x is an integer polynomial in u = x² = e^{2βJ}; its sign on u > 1 is decided by Descartes' rule
    (`roots`). Raises `BadInput` where the function has a pole at some β > 0, so that there is no trend to speak of.
    """
    function = function.without_field()
    if roots.roots_between(function.denominator.in_u(), 1, None):
        raise BadInput("the function has a pole at some β > 0: its denominator, a covariance perhaps, vanishes there")
    return roots.sign_between(function.x_derivative().numerator.in_u(), 1, None)
