"""Exact laws of quadratic losses: against batches enumerated one by one, and the scaling B ∝ t of the recursion."""

from functools import cache
from itertools import combinations, product
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import langevin, laplace, linear_chain
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
R = sp.Rational
small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(lambda q: R(q.numerator, q.denominator))
PLANE = [x**2 + y**2 / 2 + x - y, x**2 / 2 + y**2 + x * y / 2 + 2 * y, x**2 + y**2 / 3 - x * y / 3 - 2 * x]


def batches(losses, size, replacement):
    """The mean loss of every batch, each as likely."""
    chosen = product(losses, repeat=size) if replacement else combinations(losses, size)
    return [sum(batch) / sp.Integer(size) for batch in chosen]


def gaussian(f, v, variance):
    """E f(w + √variance ξ)."""
    total, term, n = sp.S.Zero, sp.expand(f), 0
    while term != 0:
        total += term / sp.factorial(n)
        n += 1
        term = sp.expand(sum(sp.diff(term, a, 2) for a in v) * variance / 2)
    return total


@settings(max_examples=4, deadline=None)
@given(small, small, st.sampled_from([(1, True), (2, True), (2, False)]))
def test_the_moments_are_stationary_under_enumerated_batches(a, b, drawn) -> None:
    """E f(w') − E f(w) over every batch, ξ integrated out, for each monomial up to degree 3: an exact zero."""
    (size, replacement), e, t, gamma = drawn, R(1, 2), R(7, 2), R(1, 3)
    losses = [loss + a * x * y / 2 + b * y for loss in PLANE]
    means = batches(losses, size, replacement)
    options = {"e": e, "t": t, "batch": size, "replacement": replacement, "gamma": gamma}
    moments = {}
    for m in sp.itermonomials((x, y), 3):
        moments[m] = linear_chain.expectation(losses, m, (x, y), **options)
    for f in (x, x**2, x * y, x**2 * y, y**3):
        total = sp.S.Zero
        for mean in means:
            moved = {v: v - e / 2 * (sp.diff(mean, v) + gamma / t * v) for v in (x, y)}
            total += gaussian(f, (x, y), e / t).subs(moved, simultaneous=True) / sp.Integer(len(means))
        after = sum(c * moments[x**i * y**j] for (i, j), c in sp.Poly(sp.expand(total), x, y).terms())
        assert sp.expand(after - moments[f]) == 0


def test_equal_curvature_gives_every_cumulant() -> None:
    """w' = a w + kick with kicks of three points: after K steps κ_r = κ_r(kick)(1 − a^{rK})/(1 − a^r), all 3^K paths enumerated."""
    a, kicks, steps = R(1, 2), (R(2), R(-1), R(-1, 2)), 5
    ends = [sum(a**k * kick for k, kick in enumerate(path)) for path in product(kicks, repeat=steps)]

    def kappa(values, r):
        def moment(block):
            return [sum(v ** len(block) for v in values) / sp.Integer(len(values))]

        return laplace.cumulant_from_moments((0,) * r, moment, lambda f, g: [f[0] * g[0]])[0]

    law = linear_chain.linear_chain_cumulants([[a]], {(0,) * r: kappa(kicks, r) for r in range(1, 6)}, 5)
    for r in range(1, 6):
        assert law[(0,) * r] == kappa(kicks, r) / (1 - a**r)
        assert law[(0,) * r] * (1 - a ** (r * steps)) == kappa(ends, r)


@settings(max_examples=4, deadline=None)
@given(small, small, st.booleans())
def test_cumulants_and_moments_agree(a, b, replacement) -> None:
    """Losses of one Hessian in d = 2, batches of 2: third cumulants from moments and from the tensors of the kick."""
    common = x**2 + y**2 / 2 + a * x * y / 2
    losses = [common + s * x + u * y for s, u in ((1, 2), (b, -1), (-2, 1))]
    options = {"e": R(2, 3), "t": 5, "batch": 2, "replacement": replacement}
    kick = linear_chain.kick_cumulants(losses, (x, y), order=4, **options)
    A = sp.eye(2) - R(1, 3) * sp.hessian(common, (x, y))
    law = linear_chain.linear_chain_cumulants(A, kick, 4)

    @cache
    def mean(powers):
        return linear_chain.expectation(losses, x ** powers[0] * y ** powers[1], (x, y), **options)

    def moment(block):
        return [mean((block.count(0), block.count(1)))]

    for indices in ((0,), (0, 1), (0, 0, 1), (0, 0, 1, 1)):
        (kappa,) = laplace.cumulant_from_moments(indices, moment, lambda f, g: [f[0] * g[0]])
        assert kappa == law[indices]


def test_batches_that_grow_with_t_are_those_of_the_recursion() -> None:
    """B = t/b: the exact moment, as a function of t, has the recursion's coefficients; at B = 1 it is another number."""
    losses, e, b = [x**2 + 2 * x, x**2 / 2 - 3 * x, 3 * x**2 / 2 + x], R(1, 2), R(1, 2)
    noise = langevin.minibatch(losses, (x,), ratio=b)
    mean = sp.expand(sum(losses) / 3)
    for phi in (x**2, x**3):
        series = langevin.expectation(mean, phi, (x,), e=e, order=4, noise=noise)
        for t in (10, 20):
            exact = linear_chain.expectation(losses, phi, (x,), e=e, t=t, batch=t * 2)
            assert abs(exact - laplace.evaluate(series, t)) < R(40, t**5)
            assert linear_chain.expectation(losses, phi, (x,), e=e, t=t, batch=1) != exact


def test_a_preconditioner_is_a_change_of_coordinates() -> None:
    W = sp.Matrix([[2, 0], [R(1, 3), 1]]) / 2
    moved = dict(zip((x, y), W * sp.Matrix([x, y]), strict=True))
    options = {"e": R(1, 3), "t": 4, "batch": 2}
    for phi in (x * y, y**2 + x):
        direct = linear_chain.expectation(PLANE, phi, (x, y), preconditioner=W * W.T, **options)
        pulled = [loss.subs(moved, simultaneous=True) for loss in PLANE]
        assert direct == linear_chain.expectation(pulled, phi.subs(moved, simultaneous=True), (x, y), **options)


def test_heavy_tails_are_refused() -> None:
    """a = 1/2 or −13/10, equally likely: E a² < 1 < E a⁴, so the second moment exists and the fourth does not."""
    losses = [x**2 / 2, R(23, 10) * x**2]  # at e = 1: a = 1 − ½ and 1 − 2.3 = −1.3
    options: dict[str, Any] = {"e": 1, "t": 1, "batch": 1}
    second = linear_chain.expectation(losses, x**2, (x,), **options)
    assert second == 1 / (1 - (R(1, 4) + R(169, 100)) / 2)
    with pytest.raises(BadInput, match="no moment of degree 4"):
        linear_chain.expectation(losses, x**4, (x,), **options)
    with pytest.raises(BadInput, match="no moment of degree 4"):
        linear_chain.expectation(losses, x**3, (x,), **options)
    assert linear_chain.expectation(losses, x**4, (x,), **{**options, "batch": 40}) > 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: linear_chain.expectation([x**3], x, (x,), e=1, t=1, batch=1), "quadratic losses"),
        (lambda: linear_chain.expectation([sp.cos(x)], x, (x,), e=1, t=1, batch=1), "quadratic losses"),
        (lambda: linear_chain.expectation([x**2], sp.sin(x), (x,), e=1, t=1, batch=1), "moments of polynomials"),
        (lambda: linear_chain.expectation([x**2], x, (x,), e=5, t=1, batch=1), "no moment of degree 2"),
        (lambda: linear_chain.linear_chain_cumulants([[1]], {}, 2), "no stationary law"),
        (
            lambda: linear_chain.kick_cumulants([x**2, 2 * x**2], (x,), e=1, t=1, batch=1, order=2),
            "different curvature",
        ),
    ],
)
def test_refusals(call, says) -> None:
    with pytest.raises(BadInput, match=says):
        call()


def test_a_batch_is_drawn_with_replacement_unless_it_is_said_otherwise() -> None:
    """Kicks of ℓ_c = x²/2 + cx in batches of two, every batch enumerated: κ₁, κ₂ less the heat e/t, and κ₃ of −(e/2) c̄."""
    losses, e, t = [x**2 / 2 + c * x for c in (3, -1, R(1, 2))], R(2, 3), 5
    for options, replacement in (({}, True), ({"replacement": True}, True), ({"replacement": False}, False)):
        found = linear_chain.kick_cumulants(losses, (x,), e=e, t=t, batch=2, order=3, **options)
        kicks = [-e / 2 * sp.diff(mean, x).subs(x, 0) for mean in batches(losses, 2, replacement)]
        mean = sum(kicks) / len(kicks)
        second, third = (sum((k - mean) ** r for k in kicks) / len(kicks) for r in (2, 3))
        assert found == {(0,): mean, (0, 0): second + e / t, (0, 0, 0): third}
        moment = linear_chain.expectation(losses, x**2, (x,), e=e, t=t, batch=2, **options)
        a = 1 - e / 2
        assert moment == (mean / (1 - a)) ** 2 + (second + e / t) / (1 - a**2)


def test_cumulants_of_the_kick_that_are_not_given_are_zero() -> None:
    """w' = w/2 + N(0, 3): variance 3/(1 − 1/4) = 4 and nothing else."""
    half = sp.Rational(1, 2)
    assert linear_chain.linear_chain_cumulants([[half]], {(0, 0): 3}, 3) == {(0,): 0, (0, 0): 4, (0, 0, 0): 0}
