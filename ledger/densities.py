"""Data as symbols: derivations with an undefined data density q(z), undefined losses ℓ(z, w) and any signed direction δ(z).

The population loss L = ∫ q(z) ℓ_z dz is an integral over data inside an integral over weights. A derivation merges nested integrals
(Fubini), gives their bound variables standard names, and uses ∫ q = ∫ q′ = 1 and ∫ δ = m; nothing else is assumed. Where two data
integrals are multiplied, each needs a bound variable of its own: `LOSS` and `LOSS_AGAIN` are the same L.

Reading order: `over`, `under`, `normalised`, `per_sample`.
"""

from collections.abc import Callable
from itertools import permutations

import sympy as sp

from theory.response import Posterior, W, fubini

n, beta = sp.symbols("n beta", positive=True)
h, m = sp.symbols("h m", real=True)
x, z, r, s = sp.symbols("x z r s", real=True)
PHI, PRIOR = sp.Function("phi")(W), sp.Function("p")(W)
q, q_prime, delta = (sp.Function(name) for name in ("q", "qprime", "delta"))
_STANDARD = sp.symbols("z1:5", real=True)
Density = Callable[[sp.Symbol], sp.Expr]


def ell(at: sp.Symbol) -> sp.Expr:
    """ℓ_z(w) at a point."""
    return sp.Function("ell")(at, W)


def over(f: sp.Expr, variable: sp.Symbol = z) -> sp.Expr:
    """∫ f dz."""
    return sp.Integral(f, (variable, -sp.oo, sp.oo))


def loss(density: Density = q, bound: sp.Symbol = s) -> sp.Expr:
    """∫ q(s) ℓ_s ds: L, or the loss of any density."""
    return over(density(bound) * ell(bound), bound)


LOSS, LOSS_AGAIN = loss(), loss(bound=r)


def under(density: Density = q) -> Posterior:
    """The population posterior of a data density (eq 5), whatever its total mass."""
    return Posterior(n * beta * loss(density), PRIOR)


def per_sample(at: sp.Symbol = z, phi: sp.Expr = PHI) -> sp.Expr:
    """χ_z(φ) = −Cov(φ, ℓ_z − L) (eq 8)."""
    return -under().covariance(phi, ell(at) - LOSS)


def normalised(expr: sp.Expr, mass: sp.Expr = sp.S.Zero) -> sp.Expr:
    """The normal form: nested integrals merged, bound variables renamed, ∫q = ∫q′ = 1 and ∫δ = mass."""
    renamed = fubini(expr).replace(lambda node: isinstance(node, sp.Integral), _renamed)
    one = _STANDARD[0]
    return sp.expand(renamed.subs({over(q(one), one): 1, over(q_prime(one), one): 1, over(delta(one), one): mass}))


def _renamed(integral: sp.Integral) -> sp.Integral:
    """Data variables become z1, z2, …, in the order that makes the integrand first in the dictionary."""
    data = [v for v in integral.variables if v != W]
    if not data or set(data) <= set(_STANDARD):
        return integral
    forms = [
        integral.function.xreplace(dict(zip(data, names, strict=True)))
        for names in permutations(_STANDARD[: len(data)])
    ]
    limits = [(v, -sp.oo, sp.oo) for v in (*((W,) if W in integral.variables else ()), *_STANDARD[: len(data)])]
    return sp.Integral(min(forms, key=str), *limits)
