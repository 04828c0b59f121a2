"""The underdamped chain: quadratic laws, the overdamped chain as a special case, the posterior at small steps, a simulation."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import langevin, laplace
from theory import underdamped as ud
from theory.errors import BadInput

x, y, p, q = sp.symbols("x y p q", real=True)
s, c = sp.symbols("s c")
lam = sp.Symbol("lambda", positive=True)
R = sp.Rational
small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(lambda q: R(q.numerator, q.denominator))
LINE = x**2 / 2 + x**3 / 6 + x**4 / 8
WORDS = ("BAOAB", "OBABO", "ABOBA", "BAOA", "SGHMC")


def plane(a, b) -> sp.Expr:
    return x**2 + y**2 / 2 + a * x * y / 2 + b * x**3 / 3 + x * y**2 / 4 + (x**2 + y**2) ** 2 / 4


def test_quadratic_laws_with_symbols() -> None:
    """Each with λ, s and c as symbols; BAOAB and ABOBA sample w exactly at any step."""
    expected = {
        "BAOAB": (1 / lam, 1 - s**2 * lam / 4),
        "ABOBA": (1 / lam, 1 / (1 - s**2 * lam / 4)),
        "OBABO": (1 / (lam - s**2 * lam**2 / 4), 1),
        "SGHMC": (1 / (lam - s**2 * lam**2 / (2 + 2 * c)), 4 / (2 + 2 * c - s**2 * lam)),
    }
    for scheme, (w, v) in expected.items():
        found = ud.quadratic(sp.Matrix([[lam]]), step=s, keep=c, scheme=scheme)
        assert sp.simplify(found[0, 0] - w) == 0 and sp.simplify(found[1, 1] - v) == 0
        assert (sp.simplify(found[0, 1]) == 0) == (scheme != "SGHMC")


@settings(max_examples=5, deadline=None)
@given(small, small, st.sampled_from(WORDS), st.sampled_from([R(1, 2), R(4, 5)]))
def test_quadratics_are_exact(a, keep, scheme, step) -> None:
    """d = 2, H not diagonal: the recursion against Σ = MΣMᵀ + R and BAOAB's closed form; all higher orders vanish."""
    H, keep = sp.Matrix([[2, a], [a, 1]]), abs(keep) * R(9, 10)
    loss = (sp.Matrix([[x, y]]) * H * sp.Matrix([x, y]))[0] / 2
    known = ud.quadratic(H, step=step, keep=keep, scheme=scheme)
    if scheme == "BAOAB":
        assert known == sp.diag(H.inv(), sp.eye(2) - step**2 * H / 4)
    names = (x, y, p, q)
    for i, j in ((0, 0), (0, 1), (0, 3), (2, 2), (2, 3)):
        options = {"step": step, "keep": keep, "scheme": scheme, "order": 2, "momenta": (p, q)}
        assert ud.cumulant(loss, (names[i], names[j]), (x, y), **options) == (0, known[i, j], 0)


@settings(max_examples=6, deadline=None)
@given(small, small, st.booleans())
def test_without_memory_of_the_momentum_it_is_the_langevin_chain(a, b, noisy) -> None:
    """c = 0: OBABO is SGLD with e = s² and SGHMC is SGLD with e = 2s², to every order, with γ, confinement and moving noise."""
    loss, phis = plane(a, b), (x + x * y, y**2)
    kicks = [x + x * y, y - 2 * x, x - y - x * y]
    noise = langevin.minibatch([loss + k for k in kicks], (x, y), ratio=R(3, 5)) if noisy else None
    options = {"order": 2, "at": (0, 0), "gamma": b, "confinement": R(1, 4), "noise": noise}
    for scheme, e in (("OBABO", R(1, 4)), ("SGHMC", R(1, 2))):
        found = ud.cumulant(loss, phis, (x, y), step=R(1, 2), keep=0, scheme=scheme, **options)
        assert found == langevin.cumulant(loss, phis, (x, y), e=e, **options)
        assert found != langevin.cumulant(loss, phis, (x, y), e=e / 2, **options)
        mean = ud.expectation(loss, loss, (x, y), step=R(1, 2), keep=0, scheme=scheme, **options)
        assert mean == langevin.expectation(loss, loss, (x, y), e=e, **options)


@pytest.mark.parametrize("scheme", WORDS)
def test_small_steps_give_the_posterior(scheme) -> None:
    """s → 0 at fixed friction factor, d = 1 to t^−2: w has the posterior's law and is uncorrelated with v."""
    options = {"step": s, "keep": R(1, 2), "scheme": scheme, "order": 2, "momenta": (p,)}
    chain = ud.cumulant(LINE, (x**2, x), (x,), **options)
    posterior = laplace.cumulant(LINE, (x**2, x), (x,), order=2)
    assert tuple(sp.cancel(f).subs(s, 0) for f in chain) == posterior
    heat = ud.expectation(LINE, p**2, (x,), **{**options, "order": 2})
    assert [sp.cancel(f).subs(s, 0) for f in heat] == [0, R(4, 3) if scheme == "SGHMC" else 1, 0]


def test_small_steps_give_the_posterior_in_two_dimensions() -> None:
    loss = plane(R(1, 2), R(1, 3))
    chain = ud.expectation(loss, x * y + x - y, (x, y), step=s, keep=R(1, 3), order=1)
    posterior = laplace.expectation(loss, x * y + x - y, (x, y), order=1)
    assert tuple(sp.cancel(f).subs(s, 0) for f in chain) == posterior


def test_baoab_has_no_second_order_bias_at_a_fixed_friction_factor() -> None:
    """Leimkuhler and Matthews (2013): at c = 0 averages over w are off by O(s⁴) only; so they are at c = 1/2. OBABO: by O(s²)."""
    for scheme, keep, exact in (
        ("BAOAB", 0, True),
        ("BAOAB", R(1, 2), True),
        ("OBABO", 0, False),
        ("OBABO", R(1, 2), False),
    ):
        series = ud.expectation(LINE, x**2 + x, (x,), step=s, keep=keep, scheme=scheme, order=2)
        slopes = [sp.diff(sp.cancel(f), s, 2).subs(s, 0) for f in series]
        assert all(value == 0 for value in slopes) == exact
        assert all(sp.diff(sp.cancel(f), s).subs(s, 0) == 0 for f in series)


def test_a_word_with_its_half_steps_moved_has_the_same_law_of_w() -> None:
    """BAOAB after its last kick and BAOA after its last drift stand at the same w; with noise they do not share batches."""
    for phi in (x, x**2 + x**3):
        options = {"step": R(1, 2), "keep": R(1, 3), "order": 3}
        assert ud.expectation(LINE, phi, (x,), scheme="BAOAB", **options) == ud.expectation(
            LINE, phi, (x,), scheme="BAOA", **options
        )


def test_sums_of_lags() -> None:
    """Linear chain: Cov(z_k, z_0) = M^k Σ, long-run variance of w by the same matrices; and beyond leading order lags add up."""
    H, step, keep = sp.Matrix([[lam]]).subs(lam, 2), R(4, 5), R(1, 2)
    timed = ud.InTime(x**2, [x], (x,), step=step, keep=keep, order=1)
    sigma = ud.quadratic(H, step=step, keep=keep)
    M = sp.eye(2)
    for letter, share in ud.letters("BAOAB"):
        M = ud._linear(letter, H, step * share, keep)[0] * M
    for k in (0, 1, 5):
        assert timed.lagged(0, 0, k) == (0, (M**k * sigma)[0, 0])
    total = (sp.eye(2) + M) * (sp.eye(2) - M).inv() * sigma
    assert timed.long_run(0, 0) == (0, total[0, 0])
    timed = ud.InTime(LINE, [x**2, x], (x,), step=step, keep=keep, order=2)
    lags = [timed.lagged(0, 1, k) for k in range(-60, 61)]
    assert abs(float(timed.long_run(0, 1)[2] - sum(lag[2] for lag in lags))) < 1e-6


@pytest.mark.parametrize("scheme", ["BAOAB", "SGHMC"])
def test_a_simulation_agrees(scheme) -> None:
    """4000 chains of 150 draws at t = 40: E w, E w² and E v² within 4.9 standard errors (false alarm 1e-6); Gibbs is not."""
    loss = x**2 / 2 + (1 - sp.cos(x)) / 4 + (x - sp.sin(x)) / 2
    t, step, keep, chains, draws = 40, R(1), R(1, 2), 4000, 150
    rng = np.random.default_rng(3)
    w, v, sums = np.zeros(chains), np.zeros(chains), np.zeros((3, chains))
    for k in range(draws + 60):
        for letter, share in ud.letters(scheme):
            if letter == "A":
                w = w + float(step * share) * v
            elif letter == "B":
                v = v - float(step * share) * (w + np.sin(w) / 4 + (1 - np.cos(w)) / 2)
            else:
                heat = 1 - 0.25 if letter == "O" else 1.0
                v = 0.5 * v + np.sqrt(heat / t) * rng.normal(size=chains)
        if k >= 60:
            sums += np.array([w, w**2, v**2])
    means = sums / draws
    options = {"step": step, "keep": keep, "scheme": scheme, "order": 5, "momenta": (p,), "at": (0,)}
    sems = means.std(axis=1, ddof=1) / np.sqrt(chains)
    for phi, values, sem in zip((x, x**2, p**2), means, sems, strict=True):
        predicted = float(laplace.evaluate(ud.expectation(loss, phi, (x,), **options), t))
        assert abs(values.mean() - predicted) < 4.9 * sem
    continuous = float(laplace.evaluate(laplace.expectation(loss, x**2, (x,), order=5, at=(0,)), t))
    off = {"BAOAB": 1 / t - means[2].mean(), "SGHMC": continuous - means[1].mean()}[scheme]
    assert abs(off) > 4.9 * sems[-1]


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"scheme": "BAB"}, "word in A, B and O or E"),
        ({"scheme": "BAXO"}, "word in A, B and O or E"),
        ({"scheme": ""}, "word in A, B and O or E"),
        ({"keep": 1}, "leaves all of the momentum"),
        ({"step": 0}, "must be positive"),
        ({"step": 2}, "unstable at leading order"),
        ({"momenta": (x,)}, "momenta of their own"),
        ({"momenta": (p, q)}, "momenta of their own"),
        ({"order": -1}, "order must be an integer"),
        ({"noise": {(0,): x}}, "not a cumulant"),
    ],
)
def test_refusals(kwargs, says) -> None:
    with pytest.raises(BadInput, match=says):
        ud.expectation(x**2 / 2, x, (x,), **{"step": R(1), "keep": R(1, 2), "order": 1, **kwargs})
    with pytest.raises(BadInput, match="at least one observable"):
        ud.cumulant(x**2 / 2, (), (x,), step=R(1), keep=R(1, 2), order=1)


def test_there_is_no_localisation_unless_it_is_asked_for() -> None:
    """BAOAB samples w of L = 3w²/2 exactly, E w² = 1/(3t): γ would be seen at t⁻², a confinement at t⁻¹."""
    for kind in (ud.Underdamped, ud.InTime):
        chain = kind(3 * x**2 / 2, [x**2], (x,), step=R(1, 2), keep=R(1, 3), order=2)
        assert chain.cumulant([0]) == (0, R(1, 3), 0)
        localised = kind(3 * x**2 / 2, [x**2], (x,), step=R(1, 2), keep=R(1, 3), order=2, gamma=1)
        assert localised.cumulant([0]) == (0, R(1, 3), -R(1, 9))


def test_the_limit_of_stability() -> None:
    assert ud.expectation(x**2 / 2, x**2, (x,), step=R(199, 100), keep=R(1, 2), order=1) == (0, 1)
