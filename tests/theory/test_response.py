"""Response identities and the influence function."""

import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import laplace
from theory.response import Posterior, W, influence_function, linearize, response

x, y = sp.symbols("x y", real=True)
h = sp.Symbol("h", real=True)
t = sp.Symbol("t", positive=True)


def test_response_is_minus_the_covariance_for_undefined_functions() -> None:
    loss, delta, phi, prior = (sp.Function(name)(W) for name in ("L", "D", "phi", "p"))
    measured = response(Posterior(t * (loss + h * delta), prior), phi, h)
    claimed = -t * linearize(Posterior(t * loss, prior).covariance(phi, delta))
    assert sp.expand(measured - claimed) == 0
    assert sp.expand(measured + claimed) != 0
    assert sp.expand(measured - claimed / t) != 0


def test_a_gaussian_shifts_as_it_must() -> None:
    """L + h w for L = w²/2: the mean is −h, so (1/t) d⟨w⟩/dh = −1/t = −Cov(w, w)."""
    measured = response(Posterior(t * (W**2 / 2 + h * W), sp.S.One), W, h).doit()
    assert sp.simplify(measured) == -1


@settings(max_examples=15, deadline=None)
@given(st.integers(-2, 2), st.integers(-2, 2), st.integers(-2, 2))
def test_influence_function_is_the_leading_susceptibility(a: int, b: int, c: int) -> None:
    loss = x**2 + x * y + y**2 + a * x**3 / 6 + x**4 + y**4
    phi, delta = x + b * y + x * y, c * x - y + y**2
    leading = -laplace.cumulant(loss, (phi, delta), (x, y), order=1)[1]
    assert influence_function(loss, phi, delta, (x, y)) == leading
