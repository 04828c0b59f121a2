"""Normal crossings against quadrature, closed forms and the separable law."""

import math

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import zeta
from theory.errors import BadInput
from theory.singular import LOG, Leading, partition
from theory.zeta import Side
from theory.zeta.balls import ball
from theory.zeta.precision import digits

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


def test_the_classical_crossing() -> None:
    """x²y² on the box: t⟨K⟩ = ½ − 1/(log t + γ_E + 2 log 2)."""
    Z = partition(x**2 * y**2, (x, y))
    assert (Z.threshold, Z.multiplicity) == (sp.Rational(1, 2), 2)
    assert Z.leading == (sp.sqrt(sp.pi) / 4, sp.Rational(1, 2), 1)
    expected = sp.Rational(1, 2) - 1 / (LOG + sp.EulerGamma + 2 * sp.log(2))
    assert sp.simplify(Z.leading_mean_potential() - expected) == 0


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_box_series_against_quadrature(a: int, b: int) -> None:
    """The box sum misses only e^{−t}: at t = 60 it has 20 digits."""
    t = 60
    with mp.workdps(30):
        # inner integral over y by the incomplete gamma function, outer by quadrature: shares nothing with the poles
        def inner(c):
            s = mp.mpf(1) / (2 * b)
            return mp.gammainc(s, 0, c) * c ** (-s) / (2 * b) if c > 0 else mp.mpf(1)

        found = mp.quad(lambda w: inner(t * w ** (2 * a)), [0, 0.05, 0.2, 0.5, 1])
        series = partition(x ** (2 * a) * y ** (2 * b), (x, y), poles_up_to=3).series(sp.Integer(t))
        assert abs(mp.mpf(str(sp.N(series, 30))) / found - 1) < mp.mpf(10) ** -20


@pytest.mark.parametrize(("a", "t"), [(1, 50), (2, 50), (3, 1000)])
def test_gaussian_series_against_quadrature(a: int, t: int) -> None:
    """x^{2a}y² with prior N(0,1)²: y integrated exactly, x by quadrature; the poles left out are smaller than about (5/t)^5."""
    with mp.workdps(30):
        edges = [0, 0.02, 0.1, 0.3, 1, 3, 7, 12]
        found = (
            2 * mp.quad(lambda w: mp.exp(-w * w / 2) / mp.sqrt(1 + 2 * t * w ** (2 * a)), edges) / mp.sqrt(2 * mp.pi)
        )
        series = partition(x ** (2 * a) * y**2, (x, y), domain="gaussian", poles_up_to=5).series(sp.Integer(t))
        assert abs(mp.mpf(str(sp.N(series, 30))) / found - 1) < mp.mpf(5 / t) ** 5


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_the_leading_coefficient_of_the_box(d: int) -> None:
    """∫ e^{−t Π x_i²} over [0, 1]^d ~ Γ(½)/((d−1)! 2^d) t^{−1/2} (log t)^{d−1} (Watanabe 2009, Ch. 4)."""
    w = sp.symbols(f"w0:{d}")
    Z = partition(sp.Mul(*(v**2 for v in w)), w)
    assert Z.leading == (sp.sqrt(sp.pi) / (sp.factorial(d - 1) * 2**d), sp.Rational(1, 2), d - 1)


@pytest.mark.parametrize("j", [0, 1, 2])
def test_one_gaussian_variable_is_a_binomial_series(j: int) -> None:
    """E[x^{2j} e^{−tx²}] = (2j−1)!! (1 + 2t)^{−j−1/2} for x ~ N(0, 1), expanded in 1/t up to λ + 2 when nothing else is asked."""
    Z = partition(x**2, (x,), domain="gaussian", observable=x ** (2 * j))
    lam = j + sp.Rational(1, 2)
    expected = [
        (lam + n, sp.factorial2(2 * j - 1) * sp.binomial(-lam, n) * sp.Integer(2) ** (-lam - n)) for n in range(3)
    ]
    assert [term.power for term in Z.terms] == [power for power, _ in expected]
    assert all(sp.simplify(term.polynomial - c) == 0 for term, (_, c) in zip(Z.terms, expected, strict=True))


def test_a_gamma_factor_that_looks_like_a_pole_and_is_none() -> None:
    """E_x first: E[y² e^{−tx²y²}] = E[y² (1 + 2ty²)^{−1/2}] ~ E|y|/√(2t) = 1/√(πt)."""
    Z = partition(x**2 * y**2, (x, y), domain="gaussian", observable=y**2)
    assert Z.leading == (1 / sp.sqrt(sp.pi), sp.Rational(1, 2), 0)


@pytest.mark.parametrize(
    ("domain", "k", "p"), [("box", 1, 2), ("box", 2, 3), ("box", 3, 4), ("gaussian", 1, 2), ("gaussian", 3, 4)]
)
def test_a_third_coordinate_integrates_out(domain: str, k: int, p: int) -> None:
    """The pole ½ of x²y²z^{2k} with z^p from that of x²y²: L + 2k log z for L (t z^{2k} for t), and integrate z^{p−k}."""
    plane = sp.Poly(partition(x**2 * y**2, (x, y), domain=domain).terms[0].polynomial, LOG)
    a, b = plane.all_coeffs()
    q = sp.Symbol("q", positive=True)
    mean = 1 / (q + 1) if domain == "box" else 2 ** (q / 2) * sp.gamma((q + 1) / 2) / sp.sqrt(sp.pi)
    expected = (a * LOG + b) * mean + 2 * k * a * sp.diff(mean, q)  # E z^q log z = (d/dq) E z^q
    Z = partition(x**2 * y**2 * z ** (2 * k), (x, y, z), domain=domain, observable=z**p)
    (found,) = (term.polynomial for term in Z.terms if term.power == sp.Rational(1, 2))
    difference = sp.expand(sp.expand_func(sp.simplify((found - expected).subs(q, p - k))))
    assert sp.simplify(difference) == 0


def test_absent_coordinates_integrate_to_their_moments() -> None:
    for domain, moment in (("box", sp.Rational(1, 3)), ("symmetric", sp.Rational(2, 3)), ("gaussian", 1)):
        one = partition(x**2, (x,), domain=domain)
        two = partition(x**2, (x, y), domain=domain, observable=5 * y**2)
        assert [term.power for term in two.terms] == [term.power for term in one.terms]
        pairs = zip(one.terms, two.terms, strict=True)
        assert all(sp.simplify(b.polynomial - 5 * moment * a.polynomial) == 0 for a, b in pairs)


def test_odd_observables_are_fine_on_the_box() -> None:
    """∫ x e^{−tx²} over [0, 1] = (1 − e^{−t})/(2t)."""
    (term,) = partition(x**2, (x,), observable=x).terms
    assert (term.power, term.polynomial) == (1, sp.Rational(1, 2))


def test_the_mean_potential_is_minus_the_logarithmic_derivative() -> None:
    t, c = sp.symbols("t c", positive=True)
    Z = partition(c * x**2 * y**2, (x, y), domain="gaussian")
    assert len(Z.terms) == 3
    series = Z.series(t)
    leading = Z.terms[0].polynomial.subs(LOG, sp.log(t)) * t ** (-Z.threshold)
    for found, f in ((Z.mean_potential(t), series), (Z.leading_mean_potential().subs(LOG, sp.log(t)), leading)):
        for point in ({t: 10, c: 3}, {t: sp.Rational(50, 3), c: sp.Rational(1, 7)}):
            assert abs(sp.N((found + t * sp.diff(f, t) / f).subs(point), 30)) < sp.Float("1e-25")


def test_poles_end_at_the_limit_that_is_asked_for() -> None:
    powers = [term.power for term in partition(x**4 * y**2, (x, y), domain="gaussian", poles_up_to="5/4").terms]
    assert powers == [sp.Rational(n, 4) for n in (1, 2, 3, 5)]
    assert [term.power for term in partition(x**4 * y**2, (x, y)).terms] == [sp.Rational(1, 4), sp.Rational(1, 2)]


def test_poles_end_two_above_the_threshold_by_default() -> None:
    powers = [term.power for term in partition(x**4, (x,), domain="gaussian").terms]
    assert powers == [sp.Rational(n, 4) for n in (1, 3, 5, 7, 9)]
    assert [term.power for term in partition(x**2 * y**2, (x, y), observable=y**5).terms] == [sp.Rational(1, 2)]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_threshold_and_multiplicity(halves: list[int]) -> None:
    """λ = min 1/(2k_i), m = how many attain it (in three variables as well)."""
    K = sp.Mul(*(v ** (2 * k) for v, k in zip((x, y, z), halves, strict=False)))
    Z = partition(K, (x, y, z)[: len(halves)], domain="symmetric")
    assert Z.threshold == sp.Rational(1, 2 * max(halves))
    assert Z.multiplicity == halves.count(max(halves))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 5))
def test_one_variable_is_a_gamma_function(k: int, j: int, c: int) -> None:
    """∫ x^{2j} e^{−t c x^{2k}} over [−1, 1] → Γ((2j+1)/2k)/k · (ct)^{−(2j+1)/2k} (the separable law)."""
    (term,) = partition(c * x ** (2 * k), (x,), domain="symmetric", observable=x ** (2 * j)).terms
    s = sp.Rational(2 * j + 1, 2 * k)
    assert term.power == s
    assert sp.simplify(term.polynomial - sp.gamma(s) / k * sp.Integer(c) ** (-s)) == 0


def test_blocks_add_thresholds_and_multiply_polynomials() -> None:
    """x² + y²z² on the box: √π/2 t^{−1/2} · √π/4 t^{−1/2}(L + γ + 2 log 2); x² is a block, and its own factor."""
    Z = partition(x**2 + y**2 * z**2, (x, y, z))
    assert (Z.threshold, Z.multiplicity) == (1, 2)
    expected = sp.pi / 8 * (LOG + sp.EulerGamma + 2 * sp.log(2))
    assert sp.expand(Z.terms[0].polynomial - expected) == 0


def test_an_observable_is_a_sum_over_blocks() -> None:
    one = partition(x**2 + y**4, (x, y), domain="gaussian", observable=(x**2 + y**2) ** 2)
    parts = [partition(x**2 + y**4, (x, y), domain="gaussian", observable=g) for g in (x**4, 2 * x**2 * y**2, y**4)]
    t = sp.Symbol("t", positive=True)
    for power in (R(7, 4), R(9, 4), R(11, 4), R(15, 4)):
        total = sum(term.polynomial for Z in parts for term in Z.terms if term.power == power)
        (found,) = (term.polynomial for term in one.terms if term.power == power)
        assert sp.simplify(found - total) == 0
    assert one.series(t).has(t)


def test_a_prior_shifts_the_threshold() -> None:
    """|x|^h: λ = (h+1)/2k; h = −½ is integrable."""
    Z = partition(x**4, (x,), domain="symmetric", prior=sp.Abs(x) ** R(-1, 2))
    assert Z.leading == (sp.gamma(R(1, 8)) / 2, R(1, 8), 0)


def test_a_unit_changes_the_constants_only() -> None:
    """(xy)²(1+x) on the box: √π[(L − ψ(½))/4 + log 2 − log(1+√2)]."""
    Z = partition(x**2 * y**2 * (1 + x), (x, y))
    expected = sp.sqrt(sp.pi) * ((LOG + sp.EulerGamma + 2 * sp.log(2)) / 4 + sp.log(2) - sp.log(1 + sp.sqrt(2)))
    assert Z.terms[0].power == R(1, 2)
    assert sp.expand(Z.terms[0].polynomial - expected) == 0


@pytest.mark.parametrize(("power", "unit", "prior"), [(1, 2 + 3 * y + x, 1 + x + x * y), (1, sp.exp(x - y), sp.cos(x))])
def test_the_explicit_formula_for_two_minimal_divisors(power, unit, prior) -> None:
    """P(L) = Γ(λ){F_0[L − ψ(λ) + …]/(4k_1k_2) + finite parts along the axes}, F = u^{−λ} b, written out here with mpmath."""
    Z = partition(x**2 * y**2 * unit, (x, y), prior=prior)
    lam, u0 = mp.mpf(1) / 2, unit.subs({x: 0, y: 0})
    with mp.workdps(30):

        def edge(v, other):  # F along one axis
            f = sp.lambdify(v, (unit ** R(-1, 2) * prior).subs(other, 0), "mpmath")
            return f(mp.mpf(0)), mp.quad(
                lambda s: (f(s) - f(mp.mpf(0))) / s if s else 0, [mp.mpf(10) ** -12, R(1, 10), 1]
            )

        (F0, along_x), (_, along_y) = edge(x, y), edge(y, x)
        log_u0 = mp.log(mp.mpf(str(sp.N(u0, 30))))
        constant = mp.gamma(lam) * (F0 * (log_u0 - mp.digamma(lam)) / 4 + along_x / 2 + along_y / 2)
        with digits(25):
            found = [mp.mpf(ball(c).mid().str(25, radius=False)) for c in Z.terms[0].coefficients]
        assert abs(found[0] - constant) < 1e-10
        assert abs(found[1] - mp.gamma(lam) * F0 / 4) < 1e-20


def test_a_gaussian_prior_with_a_unit() -> None:
    """x²y²(1+x²), y integrated first: E (1 + 2tx²(1+x²))^{−1/2}."""
    t = 10**6
    with mp.workdps(25):
        edges = [0, *(mp.mpf(10) ** -k for k in range(8, 0, -1)), 1, 3, 6, 12]
        expected = mp.quad(
            lambda v: mp.sqrt(2 / mp.pi) * mp.exp(-v * v / 2) / mp.sqrt(1 + 2 * t * v * v * (1 + v * v)), edges
        )
        found = partition(x**2 * y**2 * (1 + x**2), (x, y), domain="gaussian").evaluate(t, 12)
        assert abs(mp.mpf(found.mid().str(25, radius=False)) - expected) < 1e-9 * expected


def test_one_blow_up() -> None:
    """x⁴ + y⁴ + x²y² on [−1, 1]²: λ = ½, and Z = t^{−1/2} Γ(½)/4 · ∮ over the square, from polar coordinates by mpmath."""
    Z = partition(x**4 + y**4 + x**2 * y**2, (x, y), domain="symmetric")
    with mp.workdps(25):

        def angular(a):
            c, s = mp.cos(a), mp.sin(a)
            return (c**4 + s**4 + c**2 * s**2) ** mp.mpf(-0.5)

        expected = mp.sqrt(mp.pi) / 4 * mp.quad(angular, mp.linspace(0, 2 * mp.pi, 9))
        with digits(20):
            assert abs(mp.mpf(ball(Z.leading.coefficient).mid().str(20, radius=False)) - expected) < 1e-17
    assert Z.leading[1:] == (R(1, 2), 0)


def test_several_exceptional_curves() -> None:
    """x⁴ + y⁶ + xy² on the box: λ = 5/8 where two of its three divisors meet nothing smaller; against the Newton polygon."""
    Z = partition(x**4 + y**6 + x * y**2, (x, y))
    polygon = [(4, 0), (1, 2), (0, 6)]
    inverse = min(max(min(a * u + b * (1 - u) for a, b in polygon) for u in (R(k, 840) for k in range(841))), 99)
    assert 1 / inverse == Z.threshold  # λ = min over weights (u, 1−u) of 1/min_a a·u


@pytest.mark.parametrize(
    ("K", "domain"),
    [
        ((y**2 - x**3) ** 2, "symmetric"),
        ((y - x) ** 2 * (y - 2 * x) ** 2, "box"),
        ((y**2 - 2 * x**2) ** 2, "symmetric"),
    ],
    ids=str,
)
def test_curves_that_no_monomial_map_straightens(K, domain) -> None:
    """Charts found by cuts at the roots, against 240 panels of Gauss's rule a side at t = 1000 and 3000."""
    low = -1 if domain == "symmetric" else 0
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(low, 1, 241)
    at = ((edges[1:] + edges[:-1])[:, None] / 2 + np.diff(edges)[:, None] / 2 * nodes).ravel()
    mass = (np.diff(edges)[:, None] / 2 * weights).ravel()
    loss = sp.lambdify((x, y), K, "numpy")(*np.meshgrid(at, at, indexing="ij"))
    Z = partition(K, (x, y), domain=domain)
    for t in (1000, 3000):
        expected = float(mass @ np.exp(-t * loss) @ mass)
        found = Z.evaluate(t, 12)
        assert abs(float(found.mid()) - expected) < float(found.rad()) + 1e-10 * expected
        assert float(found.rad()) < 0.1 * expected


def test_a_surface() -> None:
    """(xy − z)² on [0, 1]³ with z integrated by hand: √π/(2√t) [erf(√t xy) + erf(√t (1 − xy))]."""
    nodes, weights = np.polynomial.legendre.leggauss(10)
    edges = np.concatenate([[0.0], 10.0 ** np.arange(-6, -1, 0.25), np.linspace(0.1, 1, 25)])
    at = ((edges[1:] + edges[:-1])[:, None] / 2 + np.diff(edges)[:, None] / 2 * nodes).ravel()
    mass = (np.diff(edges)[:, None] / 2 * weights).ravel()
    Z, erf = partition((x * y - z) ** 2, (x, y, z)), np.vectorize(math.erf)
    assert (Z.threshold, Z.multiplicity) == (R(1, 2), 1)
    for t in (10**3, 10**4):
        c, root = np.outer(at, at), t**0.5
        expected = float(mass @ (math.pi**0.5 / (2 * root) * (erf(root * c) + erf(root * (1 - c)))) @ mass)
        found = Z.evaluate(t, 12)
        assert abs(float(found.mid()) - expected) < float(found.rad()) + 1e-9 * expected


def test_a_resolution_that_the_caller_knows() -> None:
    """(x − y)² on [0, 1]²: Z(t) = ∫_0^1 2(1−u)e^{−tu²} du = √(π/t) − 1/t + O(e^{−t})."""
    r, s = sp.symbols("r s", positive=True)
    halves = [zeta.Map.of({x: a, y: b}, (r, s)) for a, b in ((1 - s + s * r, 1 - s), (1 - s, 1 - s + s * r))]
    Z = partition((x - y) ** 2, (x, y), resolution=halves, poles_up_to=3)
    assert [(term.power, term.polynomial) for term in Z.terms] == [(R(1, 2), sp.sqrt(sp.pi)), (1, -1)]


def test_domains_can_be_mixed() -> None:
    """y over the box and x ~ N(0, 4) on the right half, with |x|^{1/2}: one integral by hand, one by quadrature."""
    Z = partition(x**2 * y**2, (x, y), domain={x: Side(False, variance=sp.Integer(4)), y: "box"}, prior=sp.sqrt(x) * y)
    t = 300
    with mp.workdps(35):

        def outer(v):
            return mp.sqrt(v) * mp.exp(-v * v / 8) / mp.sqrt(8 * mp.pi) * -mp.expm1(-t * v * v) / (2 * t * v * v)

        expected = mp.quad(outer, [0, *(mp.mpf(10) ** -k for k in range(8, 0, -1)), 1, 3, 9, 30])
        found = Z.evaluate(t, 18)
        assert abs(mp.mpf(found.mid().str(30, radius=False)) / expected - 1) < 1e-20
        assert Z.proved


def test_free_energy_and_tex() -> None:
    """F_n − nL_n = λ log n − (m−1) log log n − log C."""
    n = sp.Symbol("n", positive=True)
    Z = partition(x**2 * y**2, (x, y))
    expected = sp.log(n) / 2 - sp.log(sp.log(n)) - sp.log(sp.sqrt(sp.pi) / 4)
    assert sp.expand_log(Z.free_energy(n) - expected) == 0
    assert Z.tex().startswith(r"t^{-\frac{1}{2}}\left(\frac{\sqrt{\pi} L}{4}")
    assert Z.leading.at(n) == sp.sqrt(sp.pi) * sp.log(n) / (4 * sp.sqrt(n))
    assert isinstance(Z.leading, Leading)


@pytest.mark.parametrize(
    ("K", "kwargs", "says"),
    [
        ((x**2 + y**3 - y**2) ** 2, {}, "is not a normal crossing c·Π x_i^(2k_i)·unit, nor does it become one by monomial maps"),
        ((x - y) ** 2 / (x + y) ** 3, {}, "nor does it become one by monomial maps and cuts along graphs (K = x**(-1)"),
        (sp.exp(x), {}, "exp(x) is not a normal crossing u·Π x_i^(2k_i) with a unit u > 0"),
        (x**3 * y**2, {"domain": "symmetric"}, "x**3*y**2 changes its sign where x does"),
        (-(x**2), {}, "-x**2 is not a normal crossing"),
        (sp.Integer(2), {}, "K = 2 is not a normal crossing: it holds none of x, y"),
        (x**2 + 1, {}, "K = x**2 + 1 is 1 where its variables vanish; the theory needs min K = 0"),
        (x**2, {"domain": "sphere"}, "domain 'sphere' is not one of box, symmetric, gaussian"),
        (x**4 + y**4 + x**2 * y**2, {"domain": "gaussian"}, "a resolution needs a bounded domain; take domain='symmetric'"),
        (x**2 * y**2, {"domain": "gaussian", "observable": x},
         "the integral of the odd observable x over the gaussian domain is identically 0"),
        (x**2, {"domain": "symmetric", "observable": x**2 * y},
         "the integral of the odd observable x**2*y over the symmetric domain is identically 0"),
        (x**2, {"poles_up_to": "1/4"}, "no pole of ζ(−s) lies at or below s = 1/4; raise poles_up_to"),
        (x**2, {"observable": 1 / x}, "1/x is not integrable at x = 0, where it behaves as x**(-1)"),
        (x**2 + y**2, {"observable": sp.cos(x * y)}, "the factor cos(x*y) of cos(x*y) couples summands of K"),
        (x**2, {"prior": R(1, 2) + sp.Float("0.5")}, "holds the inexact number"),
        ("x**2", {}, "an exact expression is needed, not the text 'x**2'"),
    ],
)  # fmt: skip
def test_what_cannot_be_treated_is_refused_in_one_line(K, kwargs, says) -> None:
    with pytest.raises(BadInput) as caught:
        partition(K, (x, y), **kwargs)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_poles_of_several_blocks_up_to_a_limit() -> None:
    """x²(1+x) + y⁴ + z² cos: all poles ≤ 7/4 are those of the product of the blocks' own expansions; no more is told."""
    Z = partition(x**2 * (1 + x) + y**4, (x, y), poles_up_to=R(7, 4), prior=1 + y)
    one = partition(x**2 * (1 + x), (x,), poles_up_to=3)
    expected = {}
    for term in one.terms:
        for s, c in ((R(1, 4), sp.gamma(R(1, 4)) / 4), (R(1, 2), sp.gamma(R(1, 2)) / 4)):
            expected[term.power + s] = expected.get(term.power + s, 0) + c * term.polynomial
    assert [term.power for term in Z.terms] == sorted(s for s in expected if s <= R(7, 4))
    assert all(sp.simplify(term.polynomial - expected[term.power]) == 0 for term in Z.terms)
    assert Z.limit == R(7, 4)


def test_where_all_poles_are_known_nothing_is_missing() -> None:
    """The limit is ∞ only with all of finitely many poles."""
    whole, cut = (partition(x**2 * y**4, (x, y), prior=1 + x, poles_up_to=s) for s in (1, R(1, 2)))
    assert (whole.limit, cut.limit) == (sp.oo, R(1, 2))
    assert [term.power for term in whole.terms] == [R(1, 4), R(1, 2), 1] and cut.terms == whole.terms[:2]


def test_a_divisor_that_vanishes_at_a_corner() -> None:
    """(x − y)²/(x + y): across the diagonal at x = y = s a Gaussian of variance s/t, ∫ √(2πs/t) ds = (2/3) √(2π/t)."""
    leading = partition((x - y) ** 2 / (x + y), (x, y), poles_up_to=R(1, 2)).leading
    assert leading[1:] == (R(1, 2), 0)
    assert sp.simplify(leading.coefficient - R(2, 3) * sp.sqrt(2 * sp.pi)) == 0
