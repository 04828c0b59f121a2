"""First order in the step: as an identity for undefined functions, and against the expansion of the chain in 1/t."""

import pytest
import sympy as sp

from theory import langevin, laplace
from theory.first_order import Correction, density_equation, laplacian, of_covariance, of_mean

x, y, z, e, t = sp.symbols("x y z e t")


@pytest.mark.parametrize("v", [(x,), (x, y), (x, y, z)], ids=len)
def test_the_stationary_density_for_undefined_functions(v) -> None:
    U, f = sp.Function("U")(*v), sp.Function("f")(*v)
    assert density_equation(f, U, v) == 0


LOSS = x**2 / 2 + y**2 + x * y / 3 + x**3 / 4 - x * y**2 / 3 + x**2 * y / 5 + (x**2 + y**2) ** 2 / 2
PHI, PSI = x**2 + y / 2 - x * y**2, y - x / 3 + y**3
ORDER = 2


def series_of(correction: Correction, order: int) -> list[sp.Expr]:
    """Σ factors · κ(…) as a series in 1/t under the posterior; an observable t·f multiplies the series of f by t."""
    total = [sp.S.Zero] * (order + 2)  # total[k] is the coefficient of t^{1−k}
    for factor, observables in zip(correction.factors, correction.cumulants, strict=True):
        power = sum(1 for phi in observables if phi.has(t))
        plain = [sp.expand(phi / t) if phi.has(t) else phi for phi in observables]
        found = laplace.cumulant(LOSS, plain, (x, y), order=order + power, at=(0, 0))
        for k, c in enumerate(found):
            if k + 1 - power < len(total):
                total[k + 1 - power] += factor * c
    return total


@pytest.mark.parametrize("covariance", [False, True])
def test_the_linear_term_of_the_chain_at_every_order(covariance: bool) -> None:
    """With ε = e/t: d/de at e = 0 of the chain's coefficients, from the moment recursion with a symbolic step."""
    if covariance:
        chain = langevin.cumulant(LOSS, (PHI, PSI), (x, y), e=e, order=ORDER, at=(0, 0))
        expected = series_of(of_covariance(PHI, PSI, t * LOSS, (x, y)), ORDER)
    else:
        chain = langevin.expectation(LOSS, PHI, (x, y), e=e, order=ORDER, at=(0, 0))
        expected = series_of(of_mean(PHI, t * LOSS, (x, y)), ORDER)
    # ε κ = (e/t) Σ_k c_k t^{1−k}: the coefficient of t^{−k} is c_k.
    slopes = [sp.cancel(sp.diff(c, e).subs(e, 0)) for c in chain]
    assert slopes == expected[: ORDER + 1]


def test_a_quadratic_is_known_exactly() -> None:
    """U = λx²/2: the variance of the chain is 1/(λ(1 − ελ/4)) = 1/λ + ε/4 + …; the correction is ε/4."""
    lam = sp.Symbol("lambda", positive=True)
    correction = of_covariance(x, x, lam * x**2 / 2, (x,))
    assert correction.factors == (sp.Rational(1, 4), sp.Rational(1, 8), sp.Rational(1, 8), -sp.Rational(1, 8))
    assert correction.cumulants == ((sp.S.One,), (0, x), (x, 0), (x, x, lam))


def test_the_laplacian() -> None:
    assert laplacian(x**2 * y**3 + sp.sin(x), (x, y)) == 2 * y**3 + 6 * x**2 * y - sp.sin(x)
    assert of_mean(x**4, x**2 * y**2, (x, y)).cumulants == ((12 * x**2,), (x**4, 2 * x**2 + 2 * y**2))
