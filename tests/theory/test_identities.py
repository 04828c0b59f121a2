"""Identities of the stationary chain: the named ones, and all of them against the recursion and a two-point minibatch chain."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import langevin
from theory.errors import BadInput
from theory.identities import step_identity, virial

x, y, p, q = sp.symbols("x y p q", real=True)
eps, t, h = sp.symbols("epsilon t h", positive=True)
R = sp.Rational


def test_the_named_identities() -> None:
    D = sp.Matrix([[2, 1], [1, 3]])
    g, v = sp.Matrix([p, q]), sp.Matrix([x, y])
    assert sp.expand(step_identity(x, (x, y), (p, q), epsilon=eps, preconditioner=D) + eps / 2 * (D * g)[0]) == 0
    expected = (v.T * g)[0] - 2 - eps / 4 * (g.T * D * g)[0]
    assert sp.expand(virial((x, y), (p, q), epsilon=eps, preconditioner=D) - expected) == 0
    assert sp.expand(virial((x, y), (p, q), epsilon=eps) - (x * p + y * q - 2 - eps / 4 * (p**2 + q**2))) == 0
    both = step_identity(x * y, (x, y), (p, q), epsilon=eps, preconditioner=D)
    Dg = D * g
    assert sp.expand(both - (eps * D[0, 1] - eps / 2 * (x * Dg[1] + y * Dg[0]) + eps**2 / 4 * Dg[0] * Dg[1])) == 0


def test_small_steps_give_steins_identity() -> None:
    f = x**3 * y + x
    stein = sp.limit(step_identity(f, (x, y), (p, q), epsilon=eps) / eps, eps, 0)
    laplacian = sp.diff(f, x, 2) + sp.diff(f, y, 2)
    assert sp.expand(2 * stein - (laplacian - p * sp.diff(f, x) - q * sp.diff(f, y))) == 0


@settings(max_examples=8, deadline=None)
@given(
    st.integers(-2, 2), st.integers(-2, 2), st.integers(1, 3), st.sampled_from([x**2, x * y, y**2, x**2 * y, x**3 + y])
)
def test_the_recursion_satisfies_them(a, b, c, f) -> None:
    """Full batch, g = t∇L, ε = e/t: every coefficient of the field's series vanishes; for f = v_1² not with ε/3."""
    loss = x**2 / 2 + y**2 + R(a, 3) * x * y + R(b, 4) * x**2 * y + x**4 / 4 + y**4
    e = R(c, 4)

    def series(step):
        field = step_identity(f, (x, y), (p, q), epsilon=step)
        total = [sp.S.Zero] * 4
        expanded = sp.Poly(sp.expand(field.subs({p: t * sp.diff(loss, x), q: t * sp.diff(loss, y)})), t, 1 / t)
        for (up, down), phi in expanded.terms():
            shift = up - down
            order = 3 + max(shift, 0)
            part = langevin.expectation(loss, phi, (x, y), e=e, order=order)
            for k, value in enumerate(part):
                if 0 <= k - shift < len(total):
                    total[k - shift] += value
        return [sp.expand(value) for value in total[:3]]

    assert series(e / t) == [0, 0, 0]
    if f == x**2:
        assert any(series(e / t / 3))


def test_minibatches_satisfy_them_exactly() -> None:
    """U = (x²/2)·t with two-point gradient noise ±t: the chain is linear with a finite noise, its moments
    in closed form.

    w' = a w − (ε/2)(±t) + √ε ξ, g = t(w ± 1): the identity of f = v⁴ with the moments of the exact stationary law.
    """
    step, temperature = R(1, 2), 10
    e_ = step / temperature
    a, size = 1 - step / 2, step / 2
    kick = {2: size**2 + e_, 4: size**4 + 6 * size**2 * e_ + 3 * e_**2}  # moments of −(ε/2)(±t) + √ε ξ
    m2 = kick[2] / (1 - a**2)
    m4 = (6 * a**2 * m2 * kick[2] + kick[4]) / (1 - a**4)
    field = step_identity(x**4, (x,), (p,), epsilon=e_)
    moments = {0: 1, 2: m2, 4: m4}
    mean = sum(
        c * sum(moments.get(n, 0) * w for (n,), w in sp.Poly(term, x).terms())
        for term, c in ((sp.expand(field.subs(p, temperature * (x + s))), R(1, 2)) for s in (1, -1))
    )
    assert sp.expand(mean) == 0
    wrong = step_identity(x**4, (x,), (p,), epsilon=2 * e_)
    assert sum(
        R(1, 2)
        * sum(moments.get(n, 0) * w for (n,), w in sp.Poly(sp.expand(wrong.subs(p, temperature * (x + s))), x).terms())
        for s in (1, -1)
    )


def test_a_simulated_chain() -> None:
    """z-scores of three fields over 400 chains × 500 draws stay below 4.9 (false alarm 1e-6 each); a chain stopped early fails."""
    rng = np.random.default_rng(8)
    fields = [step_identity(f, (x,), (p,), epsilon=R(1, 20)) for f in (x, x**2, x**3)]
    evaluate = sp.lambdify((x, p), fields)

    def means(burn_in, draws):
        w, sums = np.full(4000, 1.5), np.zeros((3, 4000))
        for k in range(burn_in + draws):
            g = 10 * (w + w**3 / 2)
            if k >= burn_in:
                sums += np.array(evaluate(w, g))
            w = w - g / 40 + np.sqrt(1 / 20) * rng.normal(size=w.size)
        return sums / draws

    def z(values):
        return np.abs(values.mean(axis=1)) / (values.std(axis=1, ddof=1) / np.sqrt(values.shape[1]))

    assert (z(means(60, 100)) < 4.9).all()
    assert (z(means(0, 3)) > 4.9).all()


@pytest.mark.parametrize(
    ("f", "gradient", "says"),
    [(sp.sin(x), (p,), "polynomial"), (x, (p, q), "as many gradient symbols"), (x, (x,), "of their own")],
)
def test_refusals(f, gradient, says) -> None:
    with pytest.raises(BadInput, match=says):
        step_identity(f, (x,), gradient, epsilon=R(1, 2))


def test_the_refusal_names_the_field_and_its_variables() -> None:
    with pytest.raises(BadInput) as caught:
        step_identity(sp.sin(x), (x, y), (p, q), epsilon=R(1, 2))
    assert str(caught.value) == "the field must be a polynomial in x, y; sin(x) is not"
