"""The derivatives of an observable at w* that the formulas contract, centring included: arrays of numpy in double precision.

For a row φ of P observables, directions v as rows and coordinates of the weights that move:

    gradients    Dφ                      (P, d)        trace_bends  Σ_v D(vᵀ D²φ v) = Φ:S for S = Σ v vᵀ    (P, d)
    curvings     vᵀ D²φ v                (P, k)        hessians     xᵀ D²φ y for a basis               (P, k, k)
    mixed        xᵀ D²φ y, row by row    (P, k)

Centring takes the same derivative of L_n away, which is computed once for all.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sampler.quadratic import derivatives
from sampler.quadratic.derivatives import Site
from sampler.quadratic.observables import Observable


def gradients(site: Site, phi: Observable) -> Float[np.ndarray, "p d"]:
    return _minus(phi, derivatives.gradients, site, (), lambda: derivatives.slope(site))


def curvings(site: Site, phi: Observable, directions: Any) -> Float[np.ndarray, "p k"]:
    v = _rows(site, directions)
    return _minus(phi, derivatives.curvings, site, (v,), lambda: jnp.sum(v * derivatives.products(site, v), axis=1))


def mixed(site: Site, phi: Observable, x: Any, y: Any) -> Float[np.ndarray, "p k"]:
    x, y = _rows(site, x), _rows(site, y)
    return _minus(phi, derivatives.mixed, site, (x, y), lambda: jnp.sum(x * derivatives.products(site, y), axis=1))


def hessians(site: Site, phi: Observable, basis: Any) -> Float[np.ndarray, "p k k"]:
    v = _rows(site, basis)
    return _minus(phi, derivatives.hessians, site, (v,), lambda: derivatives.products(site, v) @ v.T)


def trace_bends(site: Site, phi: Observable, directions: Any) -> Float[np.ndarray, "p d"]:
    v = _rows(site, directions)
    return _minus(phi, derivatives.trace_bends, site, (v,), lambda: jnp.sum(derivatives.bends(site, v), axis=0))


def _rows(site: Site, directions: Any) -> Array:
    return jnp.asarray(directions, site.zero.dtype)


def _minus(
    phi: Observable, derivative: Callable, site: Site, extra: tuple[Array, ...], of_the_loss: Callable[[], Array]
) -> np.ndarray:
    if phi.phi is None:
        return np.asarray(of_the_loss(), np.float64)[None]
    found = np.asarray(derivative(phi.phi, site, phi.items, *extra), np.float64)
    return found - np.asarray(of_the_loss(), np.float64) if phi.centred else found
