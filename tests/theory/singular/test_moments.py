"""Expectations, covariances and cumulants: exact leading terms, the rule for their order, and proved integrals at finite t."""

import time

import mpmath as mp
import pytest
import sympy as sp
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.singular.reference import in_three, monomial, quadrature
from theory import singular
from theory.errors import BadInput
from theory.singular import LOG, Leading, predict
from theory.zeta import Map

x, y, z = NAMES = sp.symbols("x y z", real=True)
R = sp.Rational
TS = (10**2, 10**6, 10**10)


@pytest.fixture(autouse=True)
def precision():
    before, ctx.prec = ctx.prec, 200
    yield
    ctx.prec = before


def agree(a: arb, b: arb, n: int) -> bool:
    """Both enclose, so they meet; and both are known to n digits."""
    return a.overlaps(b) and all(c.rad() < abs(c) * arb(10) ** -n for c in (a, b))


@pytest.mark.parametrize("t", TS)
@pytest.mark.parametrize(("k", "h"), [((2, 2), (0, 0)), ((2, 4), (0, 0)), ((4, 2), (1, 2)), ((3, 1), (0, 1))])
def test_boxes_are_proved_to_fifteen_digits(k, h, t) -> None:
    """Z, ⟨x⟩, Cov(x, y), Cov(K, x), t⟨K⟩ against enclosures that know no poles."""
    K, prior = x ** k[0] * y ** k[1], x ** h[0] * y ** h[1]

    def raw(a, b):
        return monomial(k, (h[0] + a, h[1] + b), t)

    def covariance(a, b):
        one = raw(0, 0)
        return raw(a[0] + b[0], a[1] + b[1]) / one - raw(*a) * raw(*b) / one**2

    Z = singular.partition(K, (x, y), prior=prior)
    assert Z.proved
    assert agree(Z.evaluate(t, 20), raw(0, 0), 18)
    assert agree(singular.expectation(K, x, (x, y), prior=prior).evaluate(t, 20), raw(1, 0) / raw(0, 0), 18)
    assert agree(singular.covariance(K, x, y, (x, y), prior=prior).evaluate(t, 18), covariance((1, 0), (0, 1)), 16)
    assert agree(singular.covariance(K, K, x, (x, y), prior=prior).evaluate(t, 18), covariance(k, (1, 0)), 16)
    assert agree(singular.potential(K, (x, y), prior=prior).evaluate(t, 18), t * raw(*k) / raw(0, 0), 16)


def test_the_poles_taken_when_none_are_named() -> None:
    """Up to 2 beyond the first where the remainder is proved, up to 1 where a unit couples coordinates."""
    for K, domain, beyond in ((x**2 * y**4, "gaussian", 2), (x**2 * y**4 * (1 + x + y), "box", 1)):
        Z = singular.partition(K, (x, y), domain=domain)
        assert Z.limit == R(1, 4) + beyond == Z.terms[-1].power


@pytest.mark.parametrize("t", [1, 10, 40])
def test_boxes_at_small_t(t: int) -> None:
    """There the poles are of no use, and the power series in t takes over."""
    assert agree(singular.partition(x**2 * y**4, (x, y)).evaluate(t, 25), monomial((2, 4), (0, 0), t), 25)


@pytest.mark.parametrize("t", [1, 100, 10**4, 10**10])
@pytest.mark.parametrize("a", [1, 2])
def test_gaussians_are_proved(a: int, t: int) -> None:
    """x^{2a}y² under N(0, 1)²: E (1 + 2t x^{2a})^{−1/2}; the ball must hold it."""
    with mp.workdps(40):
        edges = [0, *(mp.mpf(10) ** -k for k in range(10, 0, -1)), 1, 3, 6, 14]
        expected = mp.quad(lambda v: mp.sqrt(2 / mp.pi) * mp.exp(-v * v / 2) / mp.sqrt(1 + 2 * t * v ** (2 * a)), edges)
        found = singular.partition(x ** (2 * a) * y**2, (x, y), domain="gaussian")
        value = found.evaluate(t, 18)
        assert found.proved
        assert value.overlaps(arb(str(expected)) + arb(0, float(expected) * 1e-33))
        assert value.rad() < value * arb(10) ** -17


def test_three_variables_at_large_t() -> None:
    """t⟨K⟩ of x²y²z² on the box from the density of log K: Γ integrals of (log)², by mpmath."""
    t = 10**8
    with mp.workdps(40):

        def moment(
            p,
        ):  # ∫ e^{−tK} K^p dw = ∫_0^∞ e^{−u}… with s = −½ log K ~ Gamma(3, 1): ∫ s²/2 e^{−s} e^{−t e^{−2s}} e^{−2ps} ds
            edge = mp.log(t) / 2
            cuts = [0, edge - 3, edge, edge + 3, edge + 10, edge + 40, edge + 120]
            return mp.quad(lambda s: s * s / 2 * mp.exp(-(1 + 2 * p) * s - t * mp.exp(-2 * s)), cuts)

        expected = t * moment(1) / moment(0)
    found = singular.potential(x**2 * y**2 * z**2, NAMES).evaluate(t, 20)
    assert abs(mp.mpf(found.mid().str(30, radius=False)) / expected - 1) < 1e-18


def test_the_textbook_potential() -> None:
    """t⟨K⟩ = ½ − 1/(log t + γ + 2 log 2) for x²y², and to 15 digits at t = 10⁴, 10⁸."""
    found = singular.potential(x**2 * y**2, (x, y))
    ratio, power = found.leading_ratio()
    assert power == 0
    assert sp.simplify(ratio - (R(1, 2) - 1 / (LOG + sp.EulerGamma + 2 * sp.log(2)))) == 0
    for t in (10**4, 10**8):
        expected = t * monomial((2, 2), (2, 2), t) / monomial((2, 2), (0, 0), t)
        assert agree(found.evaluate(t, 15), expected, 15)
        assert found.evaluate(t, 15).overlaps(arb(str(sp.N(ratio.subs(LOG, sp.log(t)), 45))) + arb(0, 1e-40))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_all_cumulants_of_the_potential_come_from_the_partition_function(order: int) -> None:
    """t^n κ_n(K) = (−1)^n D(D−1)…(D−n+1) log Z, D = d/dL (2.4), on the leading polynomial."""
    P = singular.partition(x**2 * y**2 * z**2, NAMES).terms[0]
    f = sp.log(P.polynomial) - P.power * LOG
    for j in range(order):
        f = sp.diff(f, LOG) - j * f
    ratio, power = singular.potential(x**2 * y**2 * z**2, NAMES, order=order).leading_ratio()
    assert power == 0
    value = (ratio - (-1) ** order * f).subs(LOG, 30)
    assert abs(sp.N(value, 40)) < sp.Float("1e-30")


LEADING = [
    (x**2 * y**2, (x, y), (x, y), Leading(-4, 0, -2)),
    (x**2 * y**2, (x, x), (x, y), Leading(1, 0, -1)),
    (x**2 * y**2 * z**2, (x, y), NAMES, Leading(-8, 0, -2)),
    (x**2 * y**2 * z**2, (x, x), NAMES, Leading(2, 0, -1)),
    (x**2 * y**2, (x * y, x * y), (x, y), Leading((sp.pi - 2) / (2 * sp.pi), 1, 0)),
]


@pytest.mark.parametrize(("K", "pair", "names", "expected"), LEADING, ids=str)
def test_leading_covariances(K, pair, names, expected) -> None:
    found = singular.covariance(K, pair[0], pair[1], names).leading
    assert found[1:] == expected[1:]
    assert sp.simplify(found.coefficient - expected.coefficient) == 0


exponents = st.integers(0, 3)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 3).flatmap(
        lambda d: st.tuples(
            st.lists(st.sampled_from([2, 4]), min_size=d, max_size=d),
            *[st.lists(exponents, min_size=d, max_size=d)] * 3,
        )
    )
)
def test_the_covariance_rule(problem) -> None:
    """Order and sign from exponents alone agree with the exact numerator, without exception; equal constants are finer."""
    k, h, f, g = problem
    names = NAMES[: len(k)]

    def power(e):
        return sp.Mul(*(v**n for v, n in zip(names, e, strict=True)))

    found = singular.covariance(power(k), power(f), power(g), names, prior=power(h)).leading
    predicted = predict(k, h, f, g)
    if not any(f) or not any(g):
        assert found.coefficient == 0
    elif predicted.leading is not None:
        assert found[1:] == predicted.leading[1:]
        assert sp.simplify(found.coefficient - predicted.leading.coefficient) == 0
        sign = {"product": True, "means": False}.get(predicted.winner)
        assert sign is None or bool(found.coefficient > 0) is sign
    else:
        both = predict(k, h, [a + b for a, b in zip(f, g, strict=True)], [0] * len(k))
        assert both.winner == "tie"
        assert found.coefficient == 0 or found.power >= 0


def test_a_wrong_rule_is_caught() -> None:
    """Were the multiplicities left out, x and y under x²y² would tie."""
    right = predict((2, 2), (0, 0), (1, 0), (0, 1))
    assert right == ("means", Leading(-4, 0, -2))
    assert predict((2, 2, 2), (0, 0, 0), (1, 0, 0), (0, 1, 0)) == ("tie", Leading(-8, 0, -2))
    assert predict((2, 4), (0, 0), (0, 1), (0, 1)).winner == "product"


@pytest.mark.parametrize(
    ("K", "prior", "f", "g"),
    [
        (x**2 * y**2 * (1 + x + y), sp.S.One, x, y),
        (x**2 * y**4 * (2 + x * y), 1 + x, x * y, y),
        (x**2 * y**2 * sp.exp(x - y), sp.cos(x), x, x),
        (2 * sp.sin(x / 2) ** 2 * sp.tanh(y) ** 2, sp.S.One, x, y),
    ],
    ids=str,
)
@pytest.mark.parametrize("t", [10**8])
def test_units_to_eight_digits(K, prior, f, g, t) -> None:
    """Against quadrature in four integrals; the estimated radius must not be smaller than the error."""
    raw = [quadrature(K, prior * w, (x, y), t) for w in (sp.S.One, f, g, f * g)]
    found = singular.partition(K, (x, y), prior=prior)
    assert not found.proved
    Z = found.evaluate(t, 15)
    assert abs(float(Z.mid()) / raw[0] - 1) < max(1e-12, 1.1 * float(Z.rad() / Z.mid()))
    mean = singular.expectation(K, f, (x, y), prior=prior).evaluate(t, 12)
    assert abs(float(mean.mid()) * raw[0] / raw[1] - 1) < 1e-9
    covariance = float(singular.covariance(K, f, g, (x, y), prior=prior).evaluate(t, 12).mid())
    expected = raw[3] / raw[0] - raw[1] * raw[2] / raw[0] ** 2
    assert abs(covariance / expected - 1) < 1e-8


@pytest.mark.parametrize(
    "K",
    [
        x**2 * y**2 * z**2 * (1 + x + 2 * y + z),
        pytest.param(x**2 * y**4 * z**2 * sp.exp(x - y * z), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_units_in_three_variables(K) -> None:
    """Eight digits at t = 10⁸ against a tensor rule in all three variables, and about a second of processor time a call."""
    t = 10**8
    raw = in_three(K, [sp.S.One, x, y, x * y], NAMES, t)
    started = time.process_time()
    mean, covariance = singular.expectation(K, x, NAMES), singular.covariance(K, x, y, NAMES)
    found = [mean.evaluate(t, 10), covariance.evaluate(t, 10)]
    spent = time.process_time() - started
    expected = [raw[1] / raw[0], raw[3] / raw[0] - raw[1] * raw[2] / raw[0] ** 2]
    for value, reference in zip(found, expected, strict=True):
        assert value.rad() < abs(value) * 1e-9
        assert abs(float(value.mid()) / reference - 1) < 1e-9
    assert spent < 8  # the two take 1.5 s on one core


@pytest.mark.parametrize("t", [10**2, 10**5])
@pytest.mark.parametrize(
    "K",
    [x**2 * y**2 * (1 + x + y), x**2 * y**4 * (1 + x + y), x**2 * y**2 * sp.exp(x * y), x**4 + y**4 + x * y**2],
    ids=str,
)
def test_estimated_radii_are_not_too_small(K, t) -> None:
    """The series is asymptotic; where it is of little use the radius must say so."""
    expected = quadrature(K, sp.S.One, (x, y), t)
    found = singular.partition(K, (x, y)).evaluate(t, 12)
    assert abs(float(found.mid()) - expected) <= float(found.rad()) + 1e-11 * expected


def test_blocks_do_not_correlate() -> None:
    found = singular.covariance(x**2 + y**4, x**2, y**2, (x, y), domain="gaussian")
    assert found.leading == Leading(0, sp.oo, 0)
    assert found.evaluate(100, 15).contains(0)
    assert singular.covariance(x**2, x, y, (x, y)).leading.coefficient == 0


def test_the_next_order_of_a_tie() -> None:
    """Cov(K, g) with λ_g = λ, m_g < m: ⟨g⟩ Γ(λ+p)/Γ(λ) (ψ(λ+p) − ψ(λ)) (m − m_g)/L t^{−p}, p = 1: ψ(3/2) − ψ(1/2) = 2."""
    found = singular.covariance(x**2 * y**2, x**2 * y**2, x, (x, y)).leading
    mean = singular.expectation(x**2 * y**2, x, (x, y)).leading
    assert found == Leading(sp.simplify(mean.coefficient * R(1, 2) * 2), 1, mean.log_power - 1)


@pytest.mark.parametrize("p", [R(1, 2), R(1), R(3, 2)])
def test_powers_of_the_potential(p: sp.Rational) -> None:
    """⟨K^p⟩ ~ t^{−p} Γ(λ+p)/Γ(λ), real p (2.2)."""
    found = singular.expectation(x**2 * y**4, (x * y**2) ** (2 * p) if p != R(1, 2) else x * y**2, (x, y)).leading
    assert found.power == p
    assert sp.simplify(sp.gammasimp(found.coefficient - sp.gamma(R(1, 4) + p) / sp.gamma(R(1, 4)))) == 0


def test_third_cumulants() -> None:
    """κ_3(K, f, g) = −d/dt Cov(f, g) on exact expansions."""
    K = x**2 * y**2
    third = singular.cumulant(K, [K, x, y], (x, y))
    t = 10**6
    h = R(1, 10**8)
    below, above = (singular.covariance(K, x, y, (x, y)).evaluate(t * (1 + s * h), 40) for s in (-1, 1))
    slope = (above - below) / (2 * t) * 10**8
    assert abs(third.evaluate(t, 25) / -slope - 1) < 1e-13


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: singular.cumulant(x**2, [], (x,)), "a joint cumulant needs at least one observable; `partition` is Z itself"),
        (lambda: singular.potential(x**2, (x,), order=0), "the order of a cumulant of K is an integer ≥ 1; it was 0"),
        (lambda: singular.partition(x**2, (x,)).evaluate(-1), "t must be a positive rational number to be evaluated at; it was -1"),
        (lambda: singular.partition(x**2, (x,)).evaluate(sp.Float("0.1")), "holds the inexact number"),
        (lambda: singular.partition(x**2, (x,)).evaluate(10, 0), "the number of digits must lie between 1 and 1000; it was 0"),
        (lambda: singular.expectation(x**2, sp.Abs(x) ** -1, (x,)), "1/Abs(x) is not integrable at x = 0"),
    ],
)  # fmt: skip
def test_refusals(call, says) -> None:
    with pytest.raises(BadInput) as caught:
        value = call()
        value.leading  # noqa: B018 - an expectation is computed when it is looked at
    assert says in str(caught.value)


def test_a_float_that_is_exact_is_a_point() -> None:
    Z = singular.partition(x**2, (x,))
    assert Z.evaluate(1e8, 20).overlaps(Z.evaluate(10**8, 20))


def test_it_prints() -> None:
    text = singular.covariance(x**2 * y**2, x, y, (x, y)).tex()
    assert text.startswith(r"- \frac{4}{\log{\left(t \right)}^{2}")
    assert singular.expectation(x**4, x, (x,)).tex().startswith(r"t^{- \frac{1}{4}}\,")


def test_terms_that_only_one_integral_is_known_to_have_are_not_told() -> None:
    """E (y⁴ − y²) t^{−1/2} is 0 under x²y⁴: its next term is as large as ⟨|y|⟩⟨|y|³ − |y|⟩, and once was left out."""
    found = singular.covariance(x**2 * y**4, sp.Abs(y), sp.Abs(y) * (y**2 - 1), (x, y), domain="gaussian")
    ratio, power = found.leading_ratio()
    assert power == R(1, 2)
    with mp.workdps(30):
        edges = [0, *(mp.mpf(10) ** -k for k in range(9, 0, -1)), 1, 3, 6, 12]

        def moment(f, t):  # E_x e^{−t x² y⁴} = (1 + 2t y⁴)^{−1/2}
            weight = lambda v: mp.exp(-v * v / 2) / mp.sqrt(1 + 2 * t * v**4)  # noqa: E731
            return mp.quad(lambda v: f(v) * weight(v), edges)

        t = mp.mpf(10) ** 20
        one, f, g, fg = (moment(h, t) for h in (lambda v: 1, lambda v: v, lambda v: v**3 - v, lambda v: v**4 - v**2))
        expected = fg / one - f * g / one**2
        value = mp.mpf(str(sp.N(ratio.subs(LOG, 20 * sp.log(10)), 30)))
        assert abs(value / t ** mp.mpf(0.5) / expected - 1) < 1e-4


def test_a_resolution_that_is_given_is_taken() -> None:
    """By everything that takes one."""
    u, v = sp.symbols("u v", positive=True)
    maps = (_map((1 - v + v * u, 1 - v), (u, v)), _map((1 - v, 1 - v + v * u), (u, v)))
    K = (x - y) ** 2
    for made in (
        singular.expectation(K, x, (x, y), resolution=maps),
        singular.covariance(K, x, y, (x, y), resolution=maps),
        singular.cumulant(K, [x, y, x], (x, y), resolution=maps),
        singular.potential(K, (x, y), resolution=maps),
        singular.limit_law(K, (x, y), resolution=maps),
    ):
        assert [block.maps for block in made.model.blocks] == [maps]


def _map(images, new) -> Map:
    return Map.of(dict(zip((x, y), images, strict=True)), new)


def test_a_ratio_has_poles_up_to_two_beyond_the_first_of_each_integral() -> None:
    """x²(1 + x) on the box: ∫ K^z has its first pole at −½, ∫ K^z x at −1."""
    ratio = singular.expectation(x**2 * (1 + x), x, (x,)).ratio()
    assert (ratio.base.limit, ratio.numerator.limit) == (R(1, 2) + 2, 1 + 2)
    assert ratio.base.terms[-1].power == R(1, 2) + 2


@pytest.mark.parametrize("t", [100, 10**5])
def test_the_truncated_series_of_a_cumulant_is_its_value(t: int) -> None:
    """Products of powers on a box: all poles are known, and what is missing is e^{−t}."""
    found = singular.covariance(x**2 * y**4, x, y**2, (x, y))
    value = arb(str(sp.N(found.series(sp.Integer(t)), 45)))
    assert abs(value - found.evaluate(t, 30)) < arb(10) ** -28
    assert abs(value - found.evaluate(t, 30)) < abs(value) * arb(10) ** -25


@pytest.mark.parametrize("short", range(4))
def test_exponents_of_different_coordinates_are_refused(short: int) -> None:
    given: list[tuple[int, ...]] = [(2, 2), (0, 0), (1, 0), (0, 1)]
    given[short] = given[short][:1]
    with pytest.raises(BadInput, match="are not those of the same coordinates"):
        predict(*given)
