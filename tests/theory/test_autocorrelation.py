"""The chain in time: sums of lags, closed forms, a discretised kernel, a simulation, wrong formulas."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import autocorrelation as ac
from theory import langevin, laplace
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
e, u, lam = sp.symbols("e u lambda", positive=True)
R = sp.Rational
small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(lambda q: R(q.numerator, q.denominator))
PLANE = x**2 + y**2 / 2 + x * y / 3 + x**3 / 6 + x * y**2 / 4 + x**4 / 8 + y**4 / 10


def tau(rho):
    return (1 + rho) / (1 - rho)


def test_one_dimension_in_closed_form() -> None:
    """L = λx²/2: Cov(x_k, x_0) = a^k S, S = 1/(λ(1 − u/4)), a = 1 − u/2; the learning coefficient's variance has τ(a²)."""
    loss, a, S = lam * x**2 / 2, 1 - u / 2, 1 / (lam * (1 - u / 4))
    for lag in (0, 1, 5, -2):
        found = ac.lagged(loss, x, x, (x,), e=u / lam, order=1, lag=lag)
        assert sp.simplify(found[1] - a ** abs(lag) * S) == 0
    assert sp.simplify(ac.long_run(loss, x, x, (x,), e=u / lam, order=1, thin=2)[1] - S * tau(a**2)) == 0
    whole = ac.long_run(loss, loss, loss, (x,), e=u / lam, order=2)[2]
    assert sp.simplify(whole - tau(a**2) / (2 * (1 - u / 4) ** 2)) == 0
    burnt = ac.from_start(loss, loss, (x,), e=u / lam, order=1, steps=4)[1]
    assert sp.simplify(burnt - lam * S * (1 - a**8) / 2) == 0


@settings(max_examples=10, deadline=None)
@given(small, small, small, small, st.sampled_from([1, 2, 3]), st.booleans())
def test_leading_order_is_mehlers_formula(a, b, c, q, thin, scaled) -> None:
    """H and D not diagonal; the sums over lags of linear and quadratic observables by matrix equations of their own."""
    H, D, step = sp.Matrix([[2, a], [a, 1]]), sp.Matrix([[1, b / 2], [b / 2, 1]]) if scaled else sp.eye(2), R(1, 3)
    loss = (sp.Matrix([x, y]).T * H * sp.Matrix([x, y]))[0] / 2 + c * x**3 / 3 + x**4 + y**4
    chain = {"e": step, "preconditioner": D}
    A = sp.eye(2) - step * D * H / 2
    S = (H - step * H * D * H / 4).inv()
    f, g = x + q * x * y, 2 * y - q * x**2 + y**2
    # t^{-1}: the linear parts; the quadratic ones alone at t^{-2} of a Gaussian chain
    found = ac.lagged(loss, f, g, (x, y), order=1, lag=thin, **chain)[1]
    assert sp.expand(found - ac.mehler(x, 2 * y, (x, y), S=S, moved=A**thin * S)) == 0
    gaussian = (sp.Matrix([x, y]).T * H * sp.Matrix([x, y]))[0] / 2
    found = ac.lagged(gaussian, q * x * y, y**2 - q * x**2, (x, y), order=2, lag=thin, **chain)[2]
    assert sp.expand(found - ac.mehler(q * x * y, y**2 - q * x**2, (x, y), S=S, moved=A**thin * S)) == 0
    power = A**thin
    sums = (sp.eye(2) + power) * (sp.eye(2) - power).inv() * S
    found = ac.long_run(loss, x, 2 * y, (x, y), order=1, thin=thin, **chain)[1]
    assert sp.simplify(found - 2 * (sums[0, 1] + sums[1, 0]) / 2) == 0


def test_the_variance_of_a_covariance_estimate_in_the_eigenbasis() -> None:
    """Linear with linear, and a quadratic with a linear observable, for diagonal H: sums of τ of products of the a_i."""
    l1, l2, step = R(1), R(2), R(2, 3)
    loss = (l1 * x**2 + l2 * y**2) / 2
    lams, names = (l1, l2), (x, y)
    a = [1 - step * v / 2 for v in lams]
    S = [1 / (v * (1 - step * v / 4)) for v in lams]
    f, b, B = (R(1), R(3)), (R(-2), R(1)), sp.Matrix([[1, R(1, 2)], [R(1, 2), -1]])
    n = range(2)
    for thin in (1, 3):
        linear = [sp.Add(*(c * v for c, v in zip(cs, names, strict=True))) for cs in (f, b)]
        found = ac.estimator(loss, linear[0], linear[1], (x, y), e=step, order=2, thin=thin)
        expected = sum(
            tau((a[i] * a[j]) ** thin)
            * (f[i] * S[i] * f[i] * b[j] * S[j] * b[j] + f[i] * S[i] * b[i] * b[j] * S[j] * f[j])
            for i in n
            for j in n
        )
        assert found[:2] == (0, 0)
        assert sp.simplify(found[2] - expected) == 0
        quadratic = (sp.Matrix(names).T * B * sp.Matrix(names))[0] / 2
        found = ac.estimator(loss, quadratic, linear[1], (x, y), e=step, order=3, thin=thin)[3]
        BSb = [sum(B[i, j] * S[j] * b[j] for j in n) for i in n]
        one = sum(
            B[i, j] ** 2 * S[i] * S[j] * b[k] ** 2 * S[k] * tau((a[i] * a[j] * a[k]) ** thin) / 2
            for i in n for j in n for k in n
        )  # fmt: skip
        two = sum(BSb[j] ** 2 * S[j] * tau(a[j] ** thin) for j in n)
        three = sum(
            S[i] * b[i] * B[i, j] * S[j] * B[j, k] * S[k] * b[k] * tau((a[i] * a[j] * a[k]) ** thin)
            # Cov of x_i (BSB)… : the three pairings that cross once in each of the two factors
            for i in n for j in n for k in n
        )  # fmt: skip
        wrong = one + two
        assert sp.simplify(found - wrong - three) == 0
        assert sp.simplify(found - wrong) != 0


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_mehlers_formula_for_quartics(lag) -> None:
    """Means of fourth, second and zeroth derivatives enter: against P^k applied to monomials, H not diagonal."""
    H, step = sp.Matrix([[2, R(1, 2)], [R(1, 2), 1]]), R(1, 3)
    gaussian = (sp.Matrix([x, y]).T * H * sp.Matrix([x, y]))[0] / 2
    S, A = (H - step * H * H / 4).inv(), sp.eye(2) - step * H / 2
    for f, g, order in (
        (x**4, x**2 * y**2, 4),
        (x**3 * y, y**2, 3),
        (x**3, lam * x * y**2, 3),
        (x**6, y**2, 4),
        (x**2, y, 2),
    ):
        found = ac.lagged(gaussian, f, g, (x, y), order=order, e=step, lag=lag)[order]
        assert sp.expand(found - ac.mehler(f, g, (x, y), S=S, moved=A**lag * S)) == 0


def test_mehlers_formula_for_mixed_degrees() -> None:
    """E D(x + x³ + x⁵) = 1 + 3S + 15S², so the covariance with x is that times M."""
    S, M = sp.symbols("S M")
    found = ac.mehler(x + x**3 + x**5, x, (x,), S=sp.Matrix([[S]]), moved=sp.Matrix([[M]]))
    assert sp.expand(found - M * (1 + 3 * S + 15 * S**2)) == 0


def test_the_arguments_of_the_public_functions_reach_the_chain() -> None:
    """`thin`, γ, noise and the named minimum: each function against the methods of one `InTime`, and with a changed argument."""
    loss = (x**2 - 1) ** 2 / 8 + x**3 / 50 - 3 * x / 50  # minima at ±1, of different curvature
    chain = {"e": R(1, 2), "order": 2, "at": (1,), "gamma": R(1, 3), "noise": {(0, 0): 1 + x**2}}
    timed = ac.InTime(loss, [x, x**2], (x,), **chain)
    assert ac.long_run(loss, x, x**2, (x,), **chain) == timed.long_run(0, 1, 1) != timed.long_run(0, 1, 2)
    assert ac.estimator(loss, x, x**2, (x,), **chain) == timed.estimator(0, 1, 1)
    assert ac.estimator(loss, x, x**2, (x,), thin=2, **chain) == timed.estimator(0, 1, 2)
    assert ac.from_start(loss, x, (x,), steps=3, **chain) == timed.from_start(0, 3)
    for thin in (1, 2):
        sums, weighted = timed.long_run(1, 1, thin), timed.weighted(1, 1, thin)
        found = ac.variance_of_mean(loss, x**2, (x,), draws=7, thin=thin, **chain)
        assert [sp.expand(c) for c in found] == [a / 7 - b / 49 for a, b in zip(sums, weighted, strict=True)]
    assert ac.variance_of_mean(loss, x**2, (x,), draws=7, **chain) == ac.variance_of_mean(
        loss, x**2, (x,), draws=7, thin=1, **chain
    )
    for what in ("long_run", "estimator", "weighted"):
        assert getattr(timed, what)(0, 1) == getattr(timed, what)(0, 1, 1) != getattr(timed, what)(0, 1, 2)
    assert timed.poisson(timed.fluctuation(0)) == timed.poisson(timed.fluctuation(0), 1)
    assert ac.from_start(loss, 3 + x, (x,), steps=3, **chain)[0] == 4
    twice = ac.variance_of_mean(x**2 / 2, x, (x,), e=R(1), order=1, draws=5, thin=2)
    assert twice[1] == R(4, 3) * (tau(R(1, 4)) / 5 - R(8, 9) / 25)  # 2ρ/(1 − ρ)² = 8/9 at ρ = 1/4
    once = ac.variance_of_mean(x**2 / 2, x, (x,), e=R(1), order=1, draws=1)
    assert once[1] == R(4, 3) * (tau(R(1, 2)) - 4)  # Σ_k |k| a^k = 2a/(1 − a)² = 4


def test_the_control_variate_of_a_thinned_chain_at_a_named_minimum() -> None:
    """u − P²u = φ − Eφ for the linear chain about w* = 3, γ = 2 in the drift: u = (w − 3)/(1 − a²), exactly in t."""
    t, step = sp.Symbol("t", positive=True), R(1, 2)
    loss = (x - 3) ** 2 / 2
    u_ = ac.control_variate(loss, x, (x,), e=step, order=1, t=t, thin=2, at=(3,))
    assert sp.expand(u_ - (x - 3) / (1 - R(9, 16))) == 0
    with_localisation = ac.control_variate(loss, x, (x,), e=step, order=2, t=t, thin=2, at=(3,), gamma=2)
    a = 1 - step / 2 * (1 + 2 / t)
    exact = sp.series((1 / (1 - a**2)).subs(t, 1 / u), u, 0, 2).removeO().subs(u, 1 / t)
    assert sp.expand(with_localisation - (x - 3) * exact) == 0


def test_sums_of_lags_beyond_leading_order() -> None:
    """Σ_k by the Poisson equation against the lags added up, to t^−2; the remainder of the geometric tails is below 1e-9."""
    f, g, settings_ = x * y + x, y**2, {"e": R(3, 2), "order": 2}
    sums = ac.long_run(PLANE, f, g, (x, y), **settings_)
    timed = ac.InTime(PLANE, [f, g], (x, y), **settings_)
    weighted = timed.weighted(0, 1)
    lags = [timed.lagged(0, 1, k) for k in range(-35, 36)]
    for order in (1, 2):
        assert abs(float(sums[order] - sum(lag[order] for lag in lags))) < 1e-6
        assert abs(float(weighted[order] - sum(abs(k) * lag[order] for k, lag in enumerate(lags, -35)))) < 1e-4


def test_the_control_variate_has_no_variance_left() -> None:
    """u − Pu − (φ − Eφ) vanishes to the order asked for, P applied to u by Gaussian integration over one step."""
    t, z = sp.Symbol("t", positive=True), sp.Symbol("z")
    loss, step, phi = x**2 / 2 + x**3 / 6 + x**4 / 24, R(1, 2), x**2
    u_ = ac.control_variate(loss, phi, (x,), e=step, order=2, t=t)
    moved = x - step / 2 * sp.diff(loss, x) + sp.sqrt(step / t) * z
    power = sp.Poly(sp.expand(u_.subs(x, moved)), z)
    image = sp.Add(*(c * sp.factorial2(n - 1) for (n,), c in power.terms() if n % 2 == 0))
    mean = laplace.evaluate(langevin.expectation(loss, phi, (x,), e=step, order=2), t)
    left = sp.expand((u_ - image - phi + mean).subs(x, z / sp.sqrt(t)))
    by_power = sp.expand(left.subs(t, 1 / u**2))  # u = t^{−1/2}
    assert all(sp.expand(by_power).coeff(u, k) == 0 for k in range(5))
    assert sp.expand(by_power).coeff(u, 5) != 0


def discretised(t, size, n=701):
    """The kernel of w' ~ N(w − (ε/2)tL', ε) for a loss with bounded Hessian, on a grid; its law; the grid."""
    w = np.linspace(-10, 10, n) / np.sqrt(t)
    slope = t * (w + np.sin(w) / 4 + (1 - np.cos(w)) / 5)
    kernel = np.exp(-((w[None, :] - (w - size / (2 * t) * slope)[:, None]) ** 2) / (2 * size / t))
    kernel /= kernel.sum(axis=1, keepdims=True)
    law = np.linalg.solve((np.eye(n) - kernel).T + np.ones((n, n)) / n, np.full(n, 1 / n))
    return kernel, law / law.sum(), w


@pytest.mark.parametrize("thin", [1, 4])
@pytest.mark.parametrize("size", [R(3, 5), R(2)])
def test_a_discretised_kernel_agrees(size, thin) -> None:
    """Long-run variances of w² and of the estimate of Cov(w², w), from the kernel's own Poisson equation, at t = 400."""
    t, loss = 400, x**2 / 2 + (1 - sp.cos(x)) / 4 + (x - sp.sin(x)) / 5
    kernel, law, w = discretised(t, float(size))
    power = np.linalg.matrix_power(kernel, thin)

    def long_run(f):
        f = f - law @ f
        poisson = np.linalg.solve(np.eye(len(w)) - power + np.outer(np.ones(len(w)), law), f)
        return 2 * (law @ (f * poisson)) - law @ (f * f)

    variance = laplace.evaluate(ac.long_run(loss, x**2, x**2, (x,), e=size, order=5, thin=thin), t)
    assert abs(float(variance) / long_run(w**2) - 1) < 1e-7
    both = (w**2 - law @ w**2) * (w - law @ w)
    v = laplace.evaluate(ac.estimator(loss, x**2, x, (x,), e=size, order=6, thin=thin), t)
    assert abs(float(v) / long_run(both) - 1) < 1e-6
    leading = ac.estimator(loss, x**2, x, (x,), e=size, order=3, thin=thin)[3] / sp.Integer(t) ** 3
    assert abs(float(leading) / long_run(both) - 1) > 1e-4  # the next orders are seen


def test_means_of_short_chains() -> None:
    """Var of the mean of N draws of an AR(1) chain, exact but for a^N: against the double sum of its autocovariances."""
    step, draws = R(3, 2), 60
    a, S = 1 - step / 2, 1 / (1 - step / 4)
    exact = sum(a ** abs(i - j) for i in range(draws) for j in range(draws)) * S / draws**2
    found = ac.variance_of_mean(x**2 / 2, x, (x,), e=step, order=1, draws=draws)[1]
    assert abs(float(found - exact)) < 4 * float(a) ** draws
    assert abs(float(found - S * tau(a) / draws)) > 1e-4  # the long-run variance alone is not enough


def test_a_simulation_has_the_predicted_standard_error() -> None:
    """4000 chains of 200 draws: the variance of their means against the prediction. A ratio of variances of 4000 normal means has
    the standard error √(2/4000) = 2.2%, so 4.9 of them are a false-alarm rate of 1e-6 and 11% off would be seen; τ instead of τ_N
    or the independent-draws formula are further off.
    """
    loss, step, t, chains, draws = x**2 / 2 + x**3 / 6 + x**4 / 8, R(1), 100, 4000, 200
    rng = np.random.default_rng(5)
    w, total = np.zeros(chains), np.zeros(chains)
    for k in range(draws + 60):
        w = w - 0.5 * (w + w**2 / 2 + w**3 / 2) + rng.normal(size=chains) / np.sqrt(t)
        total += w**2 if k >= 60 else 0.0
    measured = (total / draws).var(ddof=1)
    predicted = float(laplace.evaluate(ac.variance_of_mean(loss, x**2, (x,), e=step, order=4, draws=draws), t))
    sem = np.sqrt(2 / chains)
    assert abs(measured / predicted - 1) < 4.9 * sem
    independent = float(laplace.evaluate(langevin.cumulant(loss, (x**2, x**2), (x,), e=step, order=4), t)) / draws
    assert abs(measured / independent - 1) > 4.9 * sem


@settings(max_examples=3, deadline=None)
@given(small, small, st.sampled_from([1, 2]))
def test_a_preconditioner_is_a_change_of_coordinates_in_time_too(b, c, thin) -> None:
    """w = Wv, D = WWᵀ: sums of lags, standard errors of covariances, burn-in, with minibatch noise and a confinement k|Wv|²/2."""
    W = sp.Matrix([[2, R(1, 2)], [b, 1]])
    loss = PLANE + c * x * y / 4
    moved = dict(zip((x, y), W * sp.Matrix([x, y]), strict=True))
    kicks = [x + x * y, y - 2 * x, x - y - x * y]
    pulled = [f.subs(moved, simultaneous=True) for f in (loss, x * y, x + y**2)]
    options = {"e": R(1, 8), "at": (0, 0)}
    noise = langevin.minibatch([loss + k for k in kicks], (x, y), ratio=R(3, 5))
    moved_noise = langevin.minibatch([(loss + k).subs(moved, simultaneous=True) for k in kicks], (x, y), ratio=R(3, 5))
    direct = ac.InTime(
        loss, [x * y, x + y**2], (x, y), order=3, noise=noise, preconditioner=W * W.T, confinement=R(1, 3), **options
    )
    pulled[0] += R(1, 6) * sum(f**2 for f in moved.values())
    changed = ac.InTime(pulled[0], pulled[1:], (x, y), order=3, noise=moved_noise, **options)
    for what in ("long_run", "estimator", "lagged", "weighted"):
        arguments = (0, 1, 3) if what == "lagged" else (0, 1, thin)
        assert getattr(direct, what)(*arguments) == getattr(changed, what)(*arguments)
    assert direct.from_start(1, 3) == changed.from_start(1, 3)


def test_the_preconditioned_standard_error_of_the_loss_in_three_dimensions() -> None:
    """Leading order: ½ Σ_ij λ_i λ_j S_ij² τ(a_i² …) over the eigenvalues λ of DH, here 1, 1/2 and 1/4 with D and H not diagonal."""
    z = sp.Symbol("z", real=True)
    V, lams, step = sp.Matrix([[1, 2, 0], [0, 1, 1], [1, 0, 1]]), (R(1), R(1, 2), R(1, 4)), R(3, 2)
    D = V * V.T  # H = V^{−T} Λ V^{−1}: the chain in v = V^{−1} w has H = Λ and D = 1
    H = V.inv().T * sp.diag(*lams) * V.inv()
    v = sp.Matrix([x, y, z])
    loss = sp.expand((v.T * H * v)[0] / 2)
    for thin in (1, 3):
        found = ac.long_run(loss, loss, loss, (x, y, z), e=step, order=2, thin=thin, preconditioner=D)
        expected = sum(tau((1 - step * q / 2) ** (2 * thin)) / (2 * (1 - step * q / 4) ** 2) for q in lams)
        assert found == (0, 0, expected)
        plain = sum(tau((1 - step * q / 2) ** 2) for q in lams) / 2
        assert found[2] != plain


def test_confinement_reaches_the_autocovariances() -> None:
    options = {"e": R(1, 3), "order": 3, "at": (0, 0)}
    by_hand = PLANE + R(2, 3) * (x**2 + y**2) / 2
    for call in (ac.long_run, ac.estimator):
        found = call(PLANE, x + x * y, PLANE, (x, y), confinement=R(2, 3), **options)
        assert found == call(by_hand, x + x * y, PLANE, (x, y), **options)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ac.long_run(x**2, x, x, (x,), e=R(1), order=1, thin=0), "at least one step apart"),
        (lambda: ac.long_run(x**2, x, x, (x,), e=R(5), order=1), "unstable at leading order"),
        (
            lambda: ac.variance_of_mean(x**2, x, (x,), e=R(1), order=1, draws=0),
            "^a mean needs at least one draw; it was given 0$",
        ),
    ],
)
def test_refusals(call, says) -> None:
    with pytest.raises(BadInput, match=says):
        call()


def test_the_poisson_equation_needs_mean_zero() -> None:
    chain = ac.InTime(x**2 / 2 + x**4, [x**2], (x,), e=R(1), order=1)
    with pytest.raises(
        BadInput, match=r"^the Poisson equation needs an observable of mean zero; subtract its expectation first$"
    ):
        chain.poisson(chain.centred(0))
