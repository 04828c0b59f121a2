"""Response identities and the influence function."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import laplace
from theory.errors import BadInput
from theory.response import (
    Posterior,
    W,
    differentiate,
    fubini,
    influence_function,
    linearize,
    response,
    response_of_cumulant,
)

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


def test_derivatives_are_taken_at_the_given_value_and_as_often_as_asked() -> None:
    """L + h²D at h = 3 responds with ∂_h E = 6tD; d²⟨φ⟩/dh² = t² κ₃(φ, D, D) under L + hD."""
    loss, delta, phi, prior = undefined("L", "D", "phi", "p")
    there = Posterior(t * (loss + 9 * delta), prior)
    measured = response(Posterior(t * (loss + h**2 * delta), prior), phi, h, 3)
    assert sp.expand(measured + 6 * t * linearize(there.covariance(phi, delta))) == 0
    twice = differentiate(Posterior(t * (loss + h * delta), prior).expectation(phi), h, times=2)
    assert sp.expand(twice - t**2 * linearize(Posterior(t * loss, prior).cumulant([phi, delta, delta]))) == 0


def test_the_integrals_are_those_of_the_density_with_its_prior() -> None:
    loss, phi, prior = undefined("L", "phi", "p")
    line = (W, -sp.oo, sp.oo)
    above, below = sp.Integral(phi * prior * sp.exp(-loss), line), sp.Integral(prior * sp.exp(-loss), line)
    assert Posterior(loss, prior).expectation(phi) == above / below


@settings(max_examples=15, deadline=None)
@given(st.integers(-2, 2), st.integers(-2, 2), st.integers(-2, 2))
def test_influence_function_is_the_leading_susceptibility(a: int, b: int, c: int) -> None:
    loss = x**2 + x * y + y**2 + a * x**3 / 6 + x**4 + y**4
    phi, delta = x + b * y + x * y, c * x - y + y**2
    leading = -laplace.cumulant(loss, (phi, delta), (x, y), order=1)[1]
    assert influence_function(loss, phi, delta, (x, y)) == leading


def undefined(*names: str) -> list[sp.Expr]:
    return [sp.Function(name)(W) for name in names]


def test_response_of_cumulants_to_order_three_and_of_observables_that_move() -> None:
    loss, delta, prior, *phis = undefined("L", "D", "p", "f", "g", "k")
    posterior = Posterior(t * (loss + h * delta), prior)
    for m in (1, 2, 3):
        measured = differentiate(posterior.cumulant(phis[:m]), h)
        assert sp.expand(measured - response_of_cumulant(posterior, phis[:m], h)) == 0
        assert sp.expand(measured + response_of_cumulant(posterior, phis[:m], h)) != 0
    moving = (phis[0], phis[1] + h * phis[2])
    measured = differentiate(posterior.cumulant(moving), h)
    assert sp.expand(measured - response_of_cumulant(posterior, moving, h)) == 0
    assert sp.expand(measured - response_of_cumulant(posterior, phis[:2], h)) != 0
    first = (phis[0] + h * phis[2], phis[1])
    assert sp.expand(differentiate(posterior.cumulant(first), h) - response_of_cumulant(posterior, first, h)) == 0


def test_an_observable_that_moves_by_a_constant_moves_its_mean() -> None:
    """d⟨f + h⟩/dh = −Cov(f, ∂_h E) + 1 at h = 0, and nothing is added to Cov(f + h, g)."""
    loss, delta, prior, f, g = undefined("L", "D", "p", "f", "g")
    posterior = Posterior(t * (loss + h * delta), prior)
    here = Posterior(t * loss, prior)
    moved = response_of_cumulant(posterior, [f + h], h)
    assert sp.expand(moved - 1 + t * linearize(here.covariance(f, delta))) == 0
    third = response_of_cumulant(posterior, [f + h, g], h)
    assert sp.expand(third + t * linearize(here.cumulant([f, g, delta]))) == 0


def test_cumulants_of_a_gaussian() -> None:
    posterior = Posterior(t * W**2 / 2, sp.S.One)
    assert sp.simplify(posterior.cumulant([W, W]).doit() - 1 / t) == 0
    assert sp.simplify(posterior.cumulant([W, W, W**2]).doit() - 2 / t**2) == 0
    assert sp.simplify(posterior.cumulant([W, W, W, W]).doit()) == 0


def test_fubini_exchanges_but_never_confuses_bound_variables() -> None:
    """∫dz q(z) ∫dw f is one double integral; the product of two integrals over w, both depending on z, is not."""
    z = sp.Symbol("z", real=True)
    q, f, g = sp.Function("q")(z), sp.Function("f")(z, W), sp.Function("g")(z, W)
    line = (-sp.oo, sp.oo)
    one = sp.Integral(q * sp.Integral(f, (W, *line)), (z, *line))
    other = sp.Integral(sp.Integral(q * f, (z, *line)), (W, *line))
    assert fubini(one - other) == 0
    product = sp.Integral(sp.Integral(f, (W, *line)) * sp.Integral(g, (W, *line)), (z, *line))
    assert fubini(product - sp.Integral(f * g, (z, *line), (W, *line))) != 0
    assert fubini(product).has(sp.Integral(f, (W, *line)))
    # w is free in the first factor and bound in the second; or bound twice, once inside the other's range.
    free = sp.Integral(f * sp.Integral(g, (W, *line)), (z, *line))
    assert fubini(free) == free
    triangle = sp.Integral(W * sp.Integral(q.subs(z, W), (W, 0, W)), (W, 0, 1))
    assert fubini(triangle) == triangle
    alone = sp.Integral(q.subs(z, W), (W, 0, W), (W, 0, 1))
    assert fubini(alone) == alone


def test_an_integral_is_linear() -> None:
    z = sp.Symbol("z", real=True)
    f, g = sp.Function("f")(z), sp.Function("g")(W)
    line = (-sp.oo, sp.oo)
    one, other = sp.Integral(f, (z, *line)), sp.Integral(g, (W, *line))
    assert linearize(sp.Integral(2 * f - h * f**2 + f * g, (z, *line))) == (
        2 * one - h * sp.Integral(f**2, (z, *line)) + g * one
    )
    assert linearize(sp.Integral(3 * f * g, (z, *line), (W, *line))) == 3 * one * other
    # A factor e^{−h} of the integrand is a constant too.
    assert linearize(sp.Integral(sp.exp(-h - W) * g, (W, *line))) == sp.exp(-h) * sp.Integral(
        sp.exp(-W) * g, (W, *line)
    )


def test_the_weights_are_real() -> None:
    """|w|² is w² and w = Re w, under the integral sign too."""
    posterior = Posterior(t * W**2 / 2, sp.S.One)
    assert posterior.expectation(sp.Abs(W) ** 2) == posterior.expectation(W**2)
    assert posterior.expectation(sp.re(W)) == posterior.expectation(W)


def test_a_slice_clamps_some_variables_and_leaves_one() -> None:
    full = Posterior(t * (x**2 + x * y + y**2), sp.exp(-x), (x, y))
    part = full.slice({x: sp.S.One})
    assert part.variables == (y,)
    assert sp.expand(part.exponent - t * (1 + y + y**2)) == 0
    assert part.prior == sp.exp(-1)
    for at in ({x: 0, y: 0}, {h: 0}):
        with pytest.raises(BadInput, match=r"^a slice of the posterior over x, y must clamp some of these"):
            full.slice(at)
    with pytest.raises(BadInput, match=r"^`response_of_cumulant` needs at least one observable$"):
        response_of_cumulant(full, [], h)


@pytest.mark.parametrize("g", [sp.Rational(1, 3), sp.Integer(2)])
def test_damped_influence_is_the_leading_susceptibility_of_the_localised_posterior(g: sp.Expr) -> None:
    loss = x**2 + x * y + y**2 + x**3 / 6 + x**4 + y**4
    phi, delta = x + y / 2 + x * y, x - y + y**2
    localised = loss + g / 2 * (x**2 + y**2)
    leading = -laplace.cumulant(localised, (phi, delta), (x, y), order=1)[1]
    assert influence_function(loss, phi, delta, (x, y), damping=g) == leading
    assert influence_function(loss, phi, delta, (x, y)) != leading


def test_the_influence_function_looks_at_the_given_point() -> None:
    """L = (x − 1)² + ½(y + 2)² has H = diag(2, 1) at (1, −2), where D(x²y) = (−4, 1) and D(xy²) = (4, −4)."""
    loss = (x - 1) ** 2 + (y + 2) ** 2 / 2
    assert influence_function(loss, x**2 * y, x * y**2, (x, y), (1, -2)) == 12
    assert influence_function(loss, x**2 * y, x * y**2, (x, y), (1, -2), damping=1) == sp.Rational(22, 3)
    # Of two minima it takes the one that is named.
    for minimum in (1, -1):
        assert influence_function((x**2 - 1) ** 2, x**2, x, (x,), (minimum,)) == -sp.Rational(minimum, 4)
