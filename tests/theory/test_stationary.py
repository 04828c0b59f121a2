"""Matrix equations against the moment recursion: two roads to the law of the chain that share the Taylor data alone."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import langevin, laplace
from theory.errors import BadInput
from theory.stationary import law
from theory.tensors import generic_symmetric

x, y, z = sp.symbols("x y z", real=True)
e, lam, T, Q, gamma = sp.symbols("e lambda T Q gamma", positive=True)
small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


@st.composite
def forms(draw, v, degree: int) -> sp.Expr:
    """A random form: rational coefficients on every monomial of the degree."""
    return sum(
        (draw(small) * m for m in sorted(sp.itermonomials(v, degree, degree), key=str)),
        sp.S.Zero,
    )


@st.composite
def problems(draw, d: int):
    """Random H, T, Q, G with derivatives, N, γ, D, and two observables."""
    v = (x, y, z)[:d]
    m = sp.Matrix(d, d, [draw(small) for _ in range(d * d)])
    w = sp.Matrix(v)
    loss = sp.expand((w.T * (m.T * m + sp.eye(d)) * w)[0] / 2) + draw(forms(v, 3)) / 2 + draw(forms(v, 4)) / 3
    loss += 20 * (w.T * w)[0] ** 2
    phis = tuple(draw(forms(v, 1)) + draw(forms(v, 2)) + draw(forms(v, 3)) for _ in range(2))
    # G = BBᵀ + linear and quadratic changes; no positivity is needed away from w* for the algebra.
    b = sp.Matrix(d, d, [draw(small) for _ in range(d * d)])
    noise = {}
    for i in range(d):
        for j in range(i, d):
            noise[i, j] = (b * b.T)[i, j] + draw(forms(v, 1)) / 3 + draw(forms(v, 2)) / 4
            for k in range(j, d):
                noise[i, j, k] = draw(small)
    p = sp.Matrix(d, d, [draw(small) for _ in range(d * d)]) / 3
    return loss, phis, v, noise, p.T * p + sp.eye(d) / 2, draw(small) + 1, draw(small) ** 2


@pytest.mark.parametrize(("d", "examples"), [(1, 12), (2, 5), (3, 2)])
def test_closed_forms_are_the_moment_recursion(d: int, examples: int) -> None:
    """Exactly over Q, with noise whose covariance moves, third cumulants, localisation, confinement and a preconditioner."""

    @settings(max_examples=examples, deadline=None)
    @given(problems(d), st.sampled_from(["1/10", "1/7"]))
    def check(problem, step: str) -> None:
        loss, (phi, psi), v, noise, D, g, c = problem
        options = {
            "e": sp.Rational(step),
            "at": (0,) * d,
            "gamma": g,
            "confinement": c,
            "noise": noise,
            "preconditioner": D,
        }
        closed = law(loss, v, **options)
        assert closed.mean(phi) == langevin.expectation(loss, phi, v, order=1, **options)[1]
        assert closed.covariance(phi, psi) == langevin.cumulant(loss, (phi, psi), v, order=2, **options)[1:]
        third = langevin.cumulant(loss, (v[0], v[0], v[-1]), v, order=2, **options)[2]
        assert closed.K[0, 0, d - 1] == third
        assert closed.learning_coefficient() == langevin.expectation(loss, loss, v, order=2, **options)[1:]
        assert closed.with_the_loss(psi) == langevin.cumulant(loss, (loss, psi), v, order=2, **options)[2]

    check()


ONE = lam * x**2 / 2 + T * x**3 / 6 + Q * x**4 / 24
u = sp.Symbol("u", positive=True)


def in_u(value: sp.Expr) -> sp.Expr:
    return sp.factor(sp.sympify(value).subs(e, u / lam))


def test_one_dimension_in_u() -> None:
    """The formulas in u = eλ; each of them a known closed form of the full-batch chain."""
    one = law(ONE, (x,), e=e, at=(0,), gamma=gamma)
    p = u**2 - 6 * u + 12
    assert in_u(one.S[0] - 4 / (lam * (4 - u))) == 0
    assert in_u(one.m[0] + 2 * T / (lam**2 * (4 - u))) == 0
    assert in_u(one.K[0, 0, 0] + 48 * T * (2 - u) ** 2 / (lam**3 * (4 - u) ** 2 * p)) == 0
    second = (
        -16 * Q * (2 - u) / (lam**3 * (4 - u) ** 3)
        + 8 * T**2 * (96 - 108 * u + 46 * u**2 - 7 * u**3) / (lam**4 * (4 - u) ** 3 * p)
        - 8 * gamma * (2 - u) / (lam**2 * (4 - u) ** 2)
    )
    assert in_u(one.S2[0] - second) == 0
    l0, l1 = one.learning_coefficient()
    assert in_u(l0 - 2 / (4 - u)) == 0
    known = (
        -2 * Q * (4 - 3 * u) / (lam**2 * (4 - u) ** 3)
        + 2 * T**2 * (80 - 100 * u + 50 * u**2 - 9 * u**3) / (lam**3 * (4 - u) ** 3 * p)
        - 4 * gamma * (2 - u) / (lam * (4 - u) ** 2)
    )
    assert in_u(l1 - known) == 0
    crossed = -32 * T * (2 * u**2 - 9 * u + 12) / (lam**3 * (4 - u) ** 2 * p)
    assert in_u(one.covariance(x**2, x)[1] - crossed) == 0


def test_small_steps_give_the_posterior_with_symbols() -> None:
    """e → 0: S → Σ, and the covariance of any two observables at t⁻² is that of `theory.laplace`; no O(e) term in K."""
    loss = (x**2 + 2 * y**2) / 2 + generic_symmetric("T", (x, y), 3)
    phi, psi = x + x * y, y + x**2 - y**2 / 3
    chain = law(loss, (x, y), e=e, at=(0, 0))
    expected = laplace.cumulant(loss, (phi, psi), (x, y), order=2, at=(0, 0))
    assert chain.S.subs(e, 0) == sp.diag(1, sp.Rational(1, 2))
    first, second = chain.covariance(phi, psi)
    assert sp.simplify(first.subs(e, 0) - expected[1]) == 0
    assert sp.simplify(second.subs(e, 0) - expected[2]) == 0
    assert all(sp.diff(entry, e).subs(e, 0) == 0 for entry in sp.flatten(chain.K))


def test_the_t_term_of_example_27_has_no_linear_bias() -> None:
    """t² Cov(L, ψ) = Laplace + (e/4) tr B + O(e²) (full batch), whatever T and ψ."""
    loss = (x**2 + 3 * y**2) / 2 + generic_symmetric("T", (x, y), 3)
    psi = generic_symmetric("b", (x, y), 1) + generic_symmetric("B", (x, y), 2)
    _, second = law(loss, (x, y), e=e, at=(0, 0)).covariance(loss, psi)
    trace = sum((sp.diff(psi, v, 2) for v in (x, y)), sp.S.Zero)
    assert sp.simplify(sp.diff(second, e).subs(e, 0) - trace / 4) == 0


def test_example_27_has_no_quadratic_in_the_cubic_term() -> None:
    """The second and fourth terms of Lemma 25 cancel for φ = L; under a confinement c they do not: ½ c (T:S)·P⁻¹Sb is left."""
    free = law(ONE, (x,), e=e, at=(0,))
    assert in_u(free.with_the_loss(x) - lam * free.K[0, 0, 0] / 2) == 0
    c = sp.Symbol("c", positive=True)
    confined = law(ONE, (x,), e=e, at=(0,), confinement=c)
    left = confined.with_the_loss(x) - lam * confined.K[0, 0, 0] / 2
    assert sp.simplify(left - c * T * confined.S[0] ** 2 / (lam + c) / 2) == 0
    assert sp.simplify(confined.with_the_loss(x) - confined.covariance(ONE, x)[1]) == 0


WRONG = {
    "H⁻¹ for S": lambda one: one.data.Sigma[0],
    "S for H⁻¹ in Lemma 18": lambda one: -one.S[0] * one.data.T[0, 0, 0] * one.S[0] / 2,
    "K without its factors a": lambda one: (
        -one.data.T[0, 0, 0] * 3 * e / 2 * one.S[0] ** 2 / (1 - (1 - e * lam / 2) ** 3)
    ),
    "K with a term linear in e": lambda one: one.K[0, 0, 0] * (1 + e * lam),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_variants_differ_from_the_recursion(what: str) -> None:
    """Each would agree at e → 0 or for T = 0, and is refused by the recursion at e = 1/2."""
    one = law(ONE, (x,), e=e, at=(0,))
    values = {e: sp.Rational(1, 2), lam: sp.S.One, T: sp.S.One, Q: sp.Integer(1)}
    loss = ONE.subs(values)
    recursion = {
        "H": langevin.cumulant(loss, (x, x), (x,), e=sp.Rational(1, 2), order=1, at=(0,))[1],
        "S": langevin.expectation(loss, x, (x,), e=sp.Rational(1, 2), order=1, at=(0,))[1],
        "K": langevin.cumulant(loss, (x, x, x), (x,), e=sp.Rational(1, 2), order=2, at=(0,))[2],
    }[what[0]]
    right = {"H": one.S[0], "S": one.m[0], "K": one.K[0, 0, 0]}[what[0]]
    assert sp.simplify(right.subs(values) - recursion) == 0
    assert sp.simplify(sp.sympify(WRONG[what](one)).subs(values) - recursion) != 0


def test_the_named_minimum_is_the_one_that_is_expanded() -> None:
    """(x² − 1)² + x³/5 − 3x/5 has minima at ±1 of different curvature; γ is 0 unless given."""
    loss = (x**2 - 1) ** 2 + x**3 / 5 - 3 * x / 5
    step = sp.Rational(1, 10)
    for place in (1, -1):
        closed = law(loss, (x,), e=step, at=(place,))
        recursion = langevin.cumulant(loss, (x, x), (x,), e=step, order=2, at=(place,))
        assert closed.covariance(x, x) == recursion[1:]


def test_an_unstable_step_is_refused() -> None:
    with pytest.raises(BadInput, match="unstable at leading order"):
        law(2 * x**2, (x,), e=1)
