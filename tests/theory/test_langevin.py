"""The law of the discrete chain: against closed forms, the posterior's expansion, exact linear chains and a discretised kernel."""

from itertools import combinations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import langevin, laplace
from theory.errors import BadInput

x, y, z = sp.symbols("x y z", real=True)
lam, T, Q, u, e, g = sp.symbols("lambda T Q u e gamma")
UNSTABLE = "the chain with step e = {} is unstable at leading order: e·λ_max(DH) must be below 4; take a smaller e"
QUARTIC = lam * x**2 / 2 + T * x**3 / 6 + Q * x**4 / 24

small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


def test_one_dimensional_closed_forms() -> None:
    """Second road: the cumulant recursion by hand in u = eλ (mean, third cumulant, Lemma 25, learning coefficient)."""
    mean = langevin.expectation(QUARTIC, x, (x,), e=u / lam, order=1)[1]
    assert sp.simplify(mean + 2 * T / (lam**2 * (4 - u))) == 0
    skew = langevin.cumulant(QUARTIC, (x, x, x), (x,), e=u / lam, order=2)[2]
    kappa = -48 * T * (2 - u) ** 2 / (lam**3 * (4 - u) ** 2 * (u**2 - 6 * u + 12))
    assert sp.simplify(skew - kappa) == 0
    covariance = langevin.cumulant(QUARTIC, (x**2, x), (x,), e=u / lam, order=2)[2]
    expected = -32 * T * (2 * u**2 - 9 * u + 12) / (lam**3 * (4 - u) ** 2 * (u**2 - 6 * u + 12))
    assert sp.simplify(covariance - expected) == 0
    llc = langevin.expectation(QUARTIC, QUARTIC, (x,), e=u / lam, order=2, gamma=g)
    l1 = (
        -2 * Q * (4 - 3 * u) / (lam**2 * (4 - u) ** 3)
        + 2 * T**2 * (80 - 100 * u + 50 * u**2 - 9 * u**3) / (lam**3 * (4 - u) ** 3 * (u**2 - 6 * u + 12))
        - 4 * g * (2 - u) / (lam * (4 - u) ** 2)
    )
    assert sp.simplify(llc[1] - 2 / (4 - u)) == 0
    assert sp.simplify(llc[2] - l1) == 0


@settings(max_examples=8, deadline=None)
@given(small, small, small, small, small)
def test_small_steps_give_the_posterior(a, b, c, p, q) -> None:
    loss = x**2 / 2 + y**2 + a * x * y / 2 + b * x**3 / 3 + c * x * y**2 / 2 + (x**2 + y**2) ** 2
    phi, psi = x + p * x * y, y + q * x**2
    chain = langevin.cumulant(loss, (phi, psi), (x, y), e=e, order=2)
    assert tuple(sp.limit(coefficient, e, 0) for coefficient in chain) == laplace.cumulant(
        loss, (phi, psi), (x, y), order=2
    )


SPACE = x**2 / 2 + y**2 + 2 * z**2 + x**3 / 6 - x * y**2 / 4 + x * y * z / 3 + z**3 / 9 + (x**2 + y**2 + z**2) ** 2 / 8
SKEWED = SPACE + x * y / 3 + y * z / 5 + x**2 * z / 7
LINE = x**2 / 2 + x**3 / 6 + x**4 / 8 + x**5 / 50 + x**6 / 40
PLANE = x**2 + y**2 / 2 + x * y / 3 + x**3 / 6 + x * y**2 / 4 + x**2 * y / 7 + x**4 / 8 + y**4 / 10


@pytest.mark.parametrize(
    ("loss", "phis", "order"),
    [
        (LINE, (x**2, x), 8),
        (PLANE, (x**2 + x * y, y), 3),
        (SPACE, (x * y + z**2,), 2),
        pytest.param(SKEWED, (x * y, z), 2, marks=pytest.mark.slow),
    ],
    ids=["d=1", "d=2", "d=3", "d=3, full Hessian"],
)
def test_small_steps_give_the_posterior_at_higher_orders(loss, phis, order) -> None:
    """As rational functions of e, at e = 0; with γ every coefficient in d = 1 as the prior exp(−γx²/2) has it."""
    v = tuple(sorted(loss.free_symbols, key=str))
    chain = langevin.cumulant(loss, phis, v, e=e, order=order, at=(0,) * len(v))
    assert tuple(sp.cancel(f).subs(e, 0) for f in chain) == laplace.cumulant(
        loss, phis, v, order=order, at=(0,) * len(v)
    )
    if len(v) == 1:
        chain = langevin.cumulant(loss, phis, v, e=e, order=4, at=(0,), gamma=3)
        posterior = laplace.cumulant(loss, phis, v, order=4, at=(0,), prior=sp.exp(-3 * x**2 / 2))
        assert tuple(sp.cancel(f).subs(e, 0) for f in chain) == posterior


@settings(max_examples=12, deadline=None)
@given(small, small, small, st.integers(1, 3))
def test_quadratics_are_exact_with_noise_and_preconditioner(a, b, c, step) -> None:
    """w' = (I − eDH/2) w + noise: S = A S Aᵀ + eD + (e²/4) D G D, solved independently as a linear system; higher orders vanish."""
    hessian = sp.Matrix([[2, a], [a, 1]])
    scaling = sp.Matrix([[1, b / 2], [b / 2, 1]])
    noise = sp.Matrix([[2, c], [c, 1]])
    size = sp.Rational(step, 5)
    loss = (sp.Matrix([[x, y]]) * hessian * sp.Matrix([x, y]))[0] / 2
    step_matrix = sp.eye(2) - size * scaling * hessian / 2
    forcing = size * scaling + size**2 / 4 * scaling * noise * scaling
    s = sp.symbols("s0:3")
    S = sp.Matrix([[s[0], s[1]], [s[1], s[2]]])
    solution = sp.solve(list(S - step_matrix * S * step_matrix.T - forcing), s)
    given_noise = {(0, 0): noise[0, 0], (0, 1): noise[0, 1], (1, 1): noise[1, 1]}
    for i, j in ((0, 0), (0, 1), (1, 1)):
        found = langevin.cumulant(
            loss, ((x, y)[i], (x, y)[j]), (x, y), e=size, order=3, noise=given_noise, preconditioner=scaling
        )
        assert found == (0, S[i, j].subs(solution), 0, 0)


@settings(max_examples=8, deadline=None)
@given(small, small)
def test_a_preconditioner_is_a_change_of_coordinates(b, c) -> None:
    """w = R v with D = R Rᵀ: the chain for L with D in w is the plain chain for L(Rv) in v."""
    R = sp.Matrix([[2, 0], [b, 1]])
    loss = x**2 / 2 + y**2 + c * x * y + x**3 / 4 + x * y**2 / 3 + x**4 + y**4
    moved = {x: (R * sp.Matrix([x, y]))[0], y: (R * sp.Matrix([x, y]))[1]}
    size = sp.Rational(1, 6)
    direct = langevin.cumulant(loss, (x * y, x), (x, y), e=size, order=2, preconditioner=R * R.T)
    pulled = [f.subs(moved, simultaneous=True) for f in (loss, x * y, x)]
    assert direct == langevin.cumulant(pulled[0], pulled[1:], (x, y), e=size, order=2)


def test_a_preconditioner_is_a_change_of_coordinates_for_the_noise_too() -> None:
    """The same with minibatch noise that depends on the place, its cumulants of order 2 and 3 contracted with D."""
    R = sp.Matrix([[2, 0], [sp.Rational(1, 3), 1]])
    loss = x**2 / 2 + y**2 + x * y / 3 + x**3 / 4 + x**4 + y**4
    kicks = [2 * x + x * y, y - x, -x - y - x * y]
    moved = {x: (R * sp.Matrix([x, y]))[0], y: (R * sp.Matrix([x, y]))[1]}
    size, ratio = sp.Rational(1, 6), sp.Rational(3, 5)
    noise = langevin.minibatch([loss + kick for kick in kicks], (x, y), ratio=ratio)
    pulled = [f.subs(moved, simultaneous=True) for f in (loss, x * y, x)]
    pulled_noise = langevin.minibatch(
        [(loss + kick).subs(moved, simultaneous=True) for kick in kicks], (x, y), ratio=ratio
    )
    direct = langevin.cumulant(loss, (x * y, x), (x, y), e=size, order=2, noise=noise, preconditioner=R * R.T)
    assert direct == langevin.cumulant(pulled[0], pulled[1:], (x, y), e=size, order=2, noise=pulled_noise)


def test_a_random_linear_chain_is_solved_exactly() -> None:
    """ℓ_z = a_z x²/2 + c_z x with mean a x²/2: w' = (1 − e a_z/2) w + …, so its moments solve linear equations, exactly in t.

    m₂ (1 − α²) = e/t + (e²b/4t)(k₂₀m₂ + k₀₂) and m₃ (1 − α³) = (3α e²b/4t) (k₂₀m₃ + 2k₁₁m₂) − (e³b²/8t²)(k₃₀m₃ + 3k₂₁m₂ + k₀₃),
    α = 1 − ea/2, with k_ij the joint cumulants of a_z (i times) and c_z (j times) and m₁ = 0.
    """
    size, b, t = sp.Rational(1, 2), sp.Rational(3, 4), sp.Symbol("t", positive=True)
    pairs = [(1, 2), (2, -3), (3, 1), (2, 0)]
    losses = [a * x**2 / 2 + c * x for a, c in pairs]

    def k(i: int, j: int) -> sp.Rational:  # central moments: the cumulants up to the third
        return sum(((a - 2) ** i * c**j for a, c in pairs), sp.S.Zero) / 4

    alpha = 1 - size
    m2, m3 = sp.symbols("m2 m3")
    second = m2 * (1 - alpha**2) - size / t - size**2 * b / (4 * t) * (k(2, 0) * m2 + k(0, 2))
    third = (
        m3 * (1 - alpha**3)
        - 3 * alpha * size**2 * b / (4 * t) * (k(2, 0) * m3 + 2 * k(1, 1) * m2)
        + size**3 * b**2 / (8 * t**2) * (k(3, 0) * m3 + 3 * k(2, 1) * m2 + k(0, 3))
    )
    solution = sp.solve([second, third], [m2, m3])
    noise = langevin.minibatch(losses, (x,), ratio=b)
    for phi, exact in ((x**2, solution[m2]), (x**3, solution[m3])):
        series = langevin.expectation(x**2, phi, (x,), e=size, order=5, noise=noise)
        assert sp.series(exact.subs(t, 1 / u), u, 0, 6).removeO() == sum(c * u**n for n, c in enumerate(series))


def test_means_keep_their_constants() -> None:
    """E(3 + x²) at the minimum named, with the noise given, to the order asked for."""
    loss, noise = (x**2 - 1) ** 2 / 8, {(0, 0): sp.Integer(2)}
    S = (e + e**2 / 2) / (1 - (1 - e / 2) ** 2)  # here H = 1
    for w in (1, -1):
        found = langevin.expectation(loss, 3 + x, (x,), e=e, order=1, at=(w,), noise=noise)
        assert found[0] == 3 + w
        assert sp.simplify(found[1] + sp.Rational(3, 2) * w * S) == 0  # D³L = 3w and E x = −½ D³L S
        assert langevin.expectation(loss, 3 + x, (x,), e=e, order=0, at=(w,)) == (3 + w,)
        covariance = langevin.cumulant(loss, (3 + x, 5 + x), (x,), e=e, order=1, at=(w,), noise=noise)
        assert covariance[0] == 0 and sp.simplify(covariance[1] - S) == 0


def test_there_is_no_localisation_unless_it_is_asked_for() -> None:
    chains = [
        langevin.expectation(x**2, x**2, (x,), e=e, order=2),
        langevin.cumulant(x**2, (x**2,), (x,), e=e, order=2),
        langevin.Chain(x**2, [x**2], (x,), e=e, order=2).cumulant([0]),
    ]
    assert all(chain == (0, chain[1], 0) for chain in chains)
    assert all(sp.simplify(chain[1] - 1 / (2 - e)) == 0 for chain in chains)  # 1/(H(1 − eH/4)) at H = 2
    assert langevin.expectation(x**2, x**2, (x,), e=e, order=2, gamma=1)[2] != 0


def test_a_step_is_carried_no_further_than_its_moment_needs() -> None:
    """Of E[(x')^α | x] the orders up to h^{2·order − |α|} are known, and no more: the work grows with every order."""
    chain = langevin.Chain(x**2 + x**3 + x**4, [x], (x,), e=e, order=3, noise={(0, 0): x**2, (0, 0, 0): 1 + x})
    assert [len(chain.step((n,))) for n in range(7)] == [7, 6, 5, 4, 3, 2, 1]
    (stage,) = chain.stages
    assert {len(kappa) for kappa in stage.kappa.values()} == {7}


def test_irrational_and_symbolic_chains() -> None:
    """S = (e/H)/(1 − eH/4) and its square roots: the domain is generated by whatever occurs."""
    root = sp.sqrt(2)
    noise = {(0, 0): root * x**0}
    variance = langevin.cumulant(root * x**2 / 2, (x, x), (x,), e=root / 3, order=1, noise=noise)[1]
    size = root / 3
    assert sp.simplify(variance - (size + size**2 * root / 4) / (1 - (1 - size * root / 2) ** 2)) == 0
    d = sp.Symbol("d", positive=True)
    mean = langevin.expectation(QUARTIC, x, (x,), e=u / lam, order=1, preconditioner=[[d]])[1]
    assert sp.simplify(mean + 2 * T / (lam**2 * (4 - u * d))) == 0


def _stationary_means(slope, size: float, observables, half_width: float, n: int = 801) -> list[float]:
    """Means under the stationary law of w' ~ N(w − (ε/2)U'(w), ε), its kernel discretised on a grid (Nyström)."""
    w = np.linspace(-half_width, half_width, n)
    kernel = np.exp(-((w[:, None] - (w - size / 2 * slope(w))[None, :]) ** 2) / (2 * size))
    kernel /= kernel.sum(axis=0)
    law = np.full(n, 1 / n)
    for _ in range(12):  # squaring: 2^12 steps
        kernel = kernel @ kernel
    law = kernel @ law
    law /= law.sum()
    return [float(law @ f(w)) for f in observables]


@pytest.mark.parametrize("size", [sp.Rational(1, 4), sp.Rational(3, 5), sp.Rational(3, 2)])
def test_a_discretised_kernel_agrees(size) -> None:
    """The whole series at t = 400 against the real chain of a loss with bounded Hessian, to 1e-11."""
    t, gamma = 400, sp.Rational(1, 2)
    loss = x**2 / 2 + (1 - sp.cos(x)) / 4 + (x - sp.sin(x)) / 5

    def slope(w):
        return t * (w + np.sin(w) / 4 + (1 - np.cos(w)) / 5) + float(gamma) * w

    mean, second, third = _stationary_means(
        slope, float(size) / t, (lambda w: w, lambda w: w**2, lambda w: w**3), 10 / np.sqrt(t)
    )
    for phi, found in ((x, mean), (x**2, second)):
        series = langevin.expectation(loss, phi, (x,), e=size, order=5, gamma=gamma)
        assert abs(found - float(laplace.evaluate(series, t))) < 1e-11
    covariance = langevin.cumulant(loss, (x**2, x), (x,), e=size, order=5, gamma=gamma)
    found = third - second * mean
    assert abs(found - float(laplace.evaluate(covariance, t))) < 1e-11
    without_step = laplace.evaluate(laplace.cumulant(loss, (x**2, x), (x,), order=5), t)
    assert abs(found - float(without_step)) > 5e-8  # the continuous-time law is 5000 times further away


def test_minibatch_noise_of_two_points() -> None:
    """ℓ_± = x²/2 ± x, b = t/B: G = b, odd cumulants 0; S = (e + e²b/4)/(1 − (1 − e/2)²)."""
    noise = langevin.minibatch([x**2 / 2 + x, x**2 / 2 - x], (x,), ratio=sp.Symbol("b"))
    assert noise == {(0, 0): sp.Symbol("b"), (0, 0, 0): 0}
    variance = langevin.cumulant(x**2 / 2, (x, x), (x,), e=e, order=1, noise=noise)[1]
    expected = (e + e**2 * sp.Symbol("b") / 4) / (1 - (1 - e / 2) ** 2)
    assert sp.simplify(variance - expected) == 0


def test_skewed_minibatches_skew_the_chain() -> None:
    """ℓ_z = x²/2 + zx, z ∈ {2, −1, −1}: a linear chain whose step noise −(e/2) z̄ has third cumulant −(e/2)³ κ₃(z)/B², B = t/b.

    So κ₃(w) = −(e/2)³ · 2 b²/t² / (1 − a³) with a = 1 − e/2, exactly.
    """
    b = sp.Symbol("b")
    noise = langevin.minibatch([x**2 / 2 + 2 * x, x**2 / 2 - x, x**2 / 2 - x], (x,), ratio=b)
    third = langevin.cumulant(x**2 / 2, (x, x, x), (x,), e=e, order=2, noise=noise)
    assert third[:2] == (0, 0)
    assert sp.simplify(third[2] + (e / 2) ** 3 * 2 * b**2 / (1 - (1 - e / 2) ** 3)) == 0


def test_batches_without_replacement() -> None:
    """Every batch of 3 of 5 losses, enumerated: cumulants of ∇ over t = bB to fourth order, and the finite-population factors."""
    losses = [R * x**2 / 2 + s * x * y + y**3 for R, s in ((1, 2), (2, -1), (3, 0), (1, -3), (5, 1))]
    b, B, n = sp.Symbol("b"), 3, 5
    found = langevin.minibatch(losses, (x, y), ratio=b, order=4, batch=B)
    means = [[sum(sp.diff(losses[z], v) for z in chosen) / B for v in (x, y)] for chosen in combinations(range(n), B)]
    at = {x: sp.Rational(1, 2), y: sp.Rational(-2, 3)}
    values = [[sp.sympify(m).subs(at) for m in mean] for mean in means]

    def moment(block):
        return [sum(sp.prod([v[i] for i in block]) for v in values) / sp.Integer(len(values))]

    for indices in ((0, 0), (0, 1), (0, 0, 1), (0, 0, 0, 1), (0, 0, 1, 1)):
        (kappa,) = laplace.cumulant_from_moments(indices, moment, lambda f, g: [f[0] * g[0]])
        assert sp.expand(found[indices].subs(at) - (b * B) ** (len(indices) - 1) * kappa) == 0
    free = langevin.minibatch(losses, (x, y), ratio=b, order=3)
    assert sp.expand(found[0, 1] - free[0, 1] * sp.Rational(n - B, n - 1)) == 0
    assert sp.expand(found[0, 0, 1] - free[0, 0, 1] * sp.Rational((n - B) * (n - 2 * B), (n - 1) * (n - 2))) == 0
    assert all(c == 0 for c in langevin.minibatch(losses, (x, y), ratio=b, batch=n).values())
    with pytest.raises(BadInput, match="1 to 5 of the 5 losses"):
        langevin.minibatch(losses, (x, y), ratio=b, batch=6)


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"e": sp.Rational(9, 2)}, UNSTABLE.format("9/2")),
        ({"e": 5}, UNSTABLE.format("5")),
        ({"e": sp.Rational(3, 2), "preconditioner": [[1, 0], [0, 3]]}, UNSTABLE.format("3/2")),
        ({"e": 0}, "the step e = 0 must be positive"),
        ({"order": -1}, "order must be an integer ≥ 0, got -1"),
        ({"order": 1.5}, "order must be an integer ≥ 0, got 1.5"),
        ({"preconditioner": [[-1, 0], [0, -1]]}, "the preconditioner [[-1, 0], [0, -1]] is not symmetric positive definite"),
        ({"preconditioner": [[1, 1], [0, 1]]}, "the preconditioner [[1, 1], [0, 1]] is not symmetric positive definite"),
        ({"noise": {(0,): x}}, "noise[(0,)] is not a cumulant: two or more indices of x, y in order, counted from 0"),
        ({"noise": {(1, 0): x}}, "noise[(1, 0)] is not a cumulant: two or more indices of x, y in order, counted from 0"),
        ({"noise": {(0, 2): x}}, "noise[(0, 2)] is not a cumulant: two or more indices of x, y in order, counted from 0"),
    ],
)  # fmt: skip
def test_bad_chains_are_refused(kwargs, says) -> None:
    with pytest.raises(BadInput) as caught:
        langevin.expectation((x**2 + y**2) / 2, x, (x, y), **{"order": 1, "e": sp.Rational(1, 2), **kwargs})
    assert str(caught.value) == says


def test_the_limit_of_stability() -> None:
    """e λ_max(DH) < 4, and noise of a few indices of their variables, are all that is asked for."""
    assert langevin.expectation(x**2 / 2, x, (x,), e=sp.Rational(7, 2), order=1) == (0, 0)
    assert langevin.expectation(x**2 + y**2, x, (x, y), e=1, order=1, noise={(0, 1): 1 + 0 * x, (1, 1): x}) == (0, 0)


def test_a_cumulant_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^a joint cumulant needs at least one observable$"):
        langevin.cumulant(x**2 / 2, (), (x,), e=1, order=1)


c = sp.Symbol("c", positive=True)


def plane(a, b) -> sp.Expr:
    return x**2 / 2 + y**2 + a * x * y / 2 + b * x**3 / 3 + x * y**2 / 4 + (x**2 + y**2) ** 2


@settings(max_examples=8, deadline=None)
@given(small, small, st.booleans())
def test_confinement_is_a_term_of_the_loss_that_observables_do_not_see(a, b, scaled) -> None:
    """`confinement` = k against the loss with (k/2)|w|² written into it, noise and preconditioner present; φ = L stays L."""
    loss, k, D = plane(a, b), sp.Rational(2, 3), [[1, a / 2], [a / 2, 1]] if scaled else None
    phis, chain = (loss, y + x**2), {"e": sp.Rational(1, 5), "order": 2, "noise": {(0, 0): 1 + x, (0, 0, 1): 2 + 0 * x}}
    by_hand = langevin.cumulant(loss + k * (x**2 + y**2) / 2, phis, (x, y), at=(0, 0), preconditioner=D, **chain)
    assert langevin.cumulant(loss, phis, (x, y), confinement=k, preconditioner=D, **chain) == by_hand
    one = langevin.expectation(loss, loss, (x, y), confinement=k, gamma=1, preconditioner=D, **chain)
    assert one == langevin.expectation(loss + k * (x**2 + y**2) / 2, loss, (x, y), gamma=1, preconditioner=D, **chain)


def test_confinement_sums_the_series_in_the_localisation() -> None:
    """γ = c t: what the coefficient of t^{−n−m} has at γ^m, the confined coefficient of t^{−n} has at c^m."""
    loss, size = x**2 / 2 + x**3 / 3 + x**4, sp.Rational(3, 5)
    for phi in (x, loss):
        perturbative = [sp.Poly(f, g) for f in langevin.expectation(loss, phi, (x,), e=size, order=5, gamma=g)]
        confined = langevin.expectation(loss, phi, (x,), e=size, order=2, confinement=c)
        for n in (1, 2):
            taylor = sp.series(confined[n], c, 0, 4).removeO()
            assert [taylor.coeff(c, m) for m in range(4)] == [
                perturbative[n + m].coeff_monomial(g**m) for m in range(4)
            ]


def test_a_confined_minimum_may_be_flat_or_a_saddle() -> None:
    """L = x⁴/24 at the origin under c = 1 and 2, and L = −x²/2 + x⁴/24 under 2; unconfined, both are refused."""
    for loss, k in ((x**4 / 24, 1), (x**4 / 24, 2), (-(x**2) / 2 + x**4 / 24, 2)):
        found = langevin.expectation(loss, x**2, (x,), e=1, order=2, at=(0,), confinement=k)
        assert found == langevin.expectation(loss + k * x**2 / 2, x**2, (x,), e=1, order=2, at=(0,))
        assert found[1] != 0
        with pytest.raises(BadInput):
            langevin.expectation(loss, x**2, (x,), e=1, order=2, at=(0,))
    with pytest.raises(BadInput, match="not a critical point"):
        langevin.expectation(x**4 / 24, x**2, (x,), e=1, order=2, at=(1,), confinement=2)
    centred = langevin.expectation((x - 1) ** 4, x**2, (x,), e=1, order=1, at=(1,), confinement=2)
    assert centred == (1, langevin.expectation(x**4, x**2, (x,), e=1, order=1, at=(0,), confinement=2)[1])
    with pytest.raises(BadInput, match="unstable"):
        langevin.expectation(x**2 / 2, x, (x,), e=1, order=1, confinement=4)
