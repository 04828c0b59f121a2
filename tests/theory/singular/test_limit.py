"""The limit law: moments from the residue measure, its factorisation, and what finite t says of it."""

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import singular
from theory.errors import BadInput
from theory.singular import LOG, dirichlet_moment, limit_law
from theory.singular.limit import strata
from theory.zeta.balls import ball
from theory.zeta.maps import pullback
from theory.zeta.precision import digits
from theory.zeta.resolution import resolve

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


@pytest.mark.parametrize("p", [R(1, 2), 1, R(3, 2), 2])
@pytest.mark.parametrize(("K", "domain"), [(x**2 * y**4, "box"), (x**4 * y**2, "gaussian"), (x**2 + y**4, "symmetric")])
def test_the_rise_is_a_gamma_variable(K, domain, p) -> None:
    """t^p⟨K^p⟩ → Γ(λ+p)/Γ(λ); for p = 1, 2 against the exact expectation of K^p."""
    law = limit_law(K, (x, y), domain=domain)
    lam = law.threshold
    assert sp.simplify(sp.gammasimp(law.rise(p) - sp.gamma(lam + p) / sp.gamma(lam))) == 0
    if p in (1, 2):
        found = singular.expectation(K, K**p, (x, y), domain=domain).leading
        assert found.power == p
        assert sp.simplify(found.coefficient - law.rise(p)) == 0


def test_the_residue_measure_of_one_divisor() -> None:
    """x²y⁴ on the box: λ = ¼ on y = 0, density x^{−1/2}: E_μ x^n = ½/(n + ½)."""
    law = limit_law(x**2 * y**4, (x, y))
    assert (law.threshold, law.multiplicity) == (R(1, 4), 1)
    for n in range(4):
        assert law.mean(x**n) == R(1, 2) / (n + R(1, 2))
        assert law.mean(x**n * y) == 0
    (stratum,) = law.strata()
    assert stratum.vanishing == (y,)
    assert sp.simplify(stratum.density - x ** R(-1, 2) / 4) == 0


def test_the_residue_measure_with_unit_and_prior() -> None:
    """x²y⁴(1+x+y)e^{…}: E_μ F = ∫ F x^{−1/2}(1+x)^{−1/4} b(x, 0)/∫ …, by quadrature."""
    law = limit_law(x**2 * y**4 * (1 + x + y), (x, y), prior=sp.exp(-x - y))
    with digits(20), mp.workdps(25):
        found = mp.mpf(ball(law.mean(sp.cos(x))).mid().str(25, radius=False))

        def integral(f):  # x = v²
            return mp.quad(lambda v: 2 * f(v * v) * (1 + v * v) ** mp.mpf(-0.25) * mp.exp(-v * v), [0, 1])

        assert abs(found - integral(mp.cos) / integral(lambda _: 1)) < 1e-17


def test_a_variable_that_K_does_not_hold_keeps_its_prior() -> None:
    """E y = (1/2 + 1/3)/(1 + 1/2) for the prior 1 + y."""
    assert limit_law(x**2, (x, y), prior=1 + y).mean(y) == R(5, 9)


def test_a_point_has_no_spread() -> None:
    law = limit_law(x**2 * y**2, (x, y))
    assert law.multiplicity == 2
    assert law.mean(sp.cos(x) + y) == 1
    assert law.covariance(x, 0, y, 0) == 0


@pytest.mark.parametrize(("p", "q"), [(0, 0), (1, 0), (R(1, 2), R(1, 2)), (1, 1)])
def test_the_corollary(p, q) -> None:
    """t^{p+q} Cov(K^p F, K^q G) for x⁴y² against the exact numerators, F = y, G = y²."""
    K = x**4 * y**2
    law = limit_law(K, (x, y))
    root = {0: 1, R(1, 2): x**2 * y, 1: K}
    expected = law.covariance(y, p, y**2, q)
    found = singular.covariance(K, root[p] * y, root[q] * y**2, (x, y)).leading
    assert found[1:] == (p + q, 0)
    assert sp.simplify(sp.gammasimp(found.coefficient - expected)) == 0


def test_the_log_scale_is_a_simplex() -> None:
    """x²y²z² on the box, conditionally on K: ⟨(2 log x)(2 log y)⟩/⟨(log K)²⟩ is exactly the Dirichlet moment 1/12."""
    assert dirichlet_moment((1, 1, 0)) == R(1, 12)
    assert dirichlet_moment((2, 0, 0)) == R(1, 6)
    assert sum(dirichlet_moment(m) * c for m, c in (((2, 0, 0), 3), ((1, 1, 0), 6))) == 1
    # With s_i = −2k_i log x_i exponential of rate ½, (s_1, s_2, s_3)/Σ is uniform on the simplex and independent of Σ.
    s1, s2, s3 = sp.symbols("s1:4", positive=True)
    weight = sp.exp(-(s1 + s2 + s3) / 2) / 8

    def mean(f):
        return sp.integrate(sp.integrate(sp.integrate(f * weight, (s1, 0, sp.oo)), (s2, 0, sp.oo)), (s3, 0, sp.oo))

    assert mean(s1 * s2) / mean((s1 + s2 + s3) ** 2) == R(1, 12)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2))
def test_two_roads_to_a_residue_mean(a, b, i, j) -> None:
    """E_μ[g/K] by ζ-quotients and by t⟨g⟩."""
    K = x ** (2 * a) * y ** (2 * b)
    g = K * (1 + x**i * y**j)
    law = limit_law(K, (x, y), domain="symmetric")
    assert sp.simplify(sp.gammasimp(law.mean(g, 1) - law._by_moments(g, R(1)))) == 0


def test_finite_t_keeps_the_logarithms() -> None:
    """⟨x⟩ of x²y² is exactly 2·(1/2t^{…})… : P_x/P = 2/(L + γ + 2 log 2), not its limit 0."""
    ratio, power = singular.expectation(x**2 * y**2, x, (x, y)).leading_ratio()
    assert power == 0
    assert sp.simplify(ratio - 2 / (LOG + sp.EulerGamma + 2 * sp.log(2))) == 0


@pytest.mark.parametrize(
    ("g", "p"), [(x, 1), (x**2, R(1, 2)), (sp.S.One, R(1, 4)), (sp.sqrt(x) * y**2, R(1, 2)), (x * y**4, 1)]
)
def test_what_is_not_small_enough_is_refused(g, p) -> None:
    with pytest.raises(BadInput, match="so that its mean under the residue measure is infinite"):
        limit_law(x**2 * y**4, (x, y), domain="box").mean(g, p)


def test_strata_where_a_chart_has_no_zeros() -> None:
    """(2x − 1)² on [0, 1] is cut at ½: ∫|2x − 1|^{2z} = 1/(2z + 1), half of the residue ½ on either side."""
    law = limit_law((2 * x - 1) ** 2, (x,), resolution=resolve(2 * x - 1, (x,)))
    assert (law.threshold, law.multiplicity) == (R(1, 2), 1)
    assert [stratum.density for stratum in law.strata()] == [R(1, 4), R(1, 4)]
    assert all(stratum.vanishing == stratum.chart.variables for stratum in law.strata())


@pytest.mark.parametrize(
    ("K", "names", "domain", "prior"),
    [
        (x**2 * y**4, (x, y), "gaussian", sp.S.One),
        (x**2 * y**4 * z**4 * (2 + x), (x, y, z), "box", 1 + y + x),
        (x**2 * y**4 * (3 + x + y), (x, y), "symmetric", 2 + x),
        (x**2 * y**4, (x, y), {x: "half-gaussian", y: "symmetric"}, sp.Abs(y) ** R(1, 2)),
    ],
    ids=str,
)
def test_the_density_on_the_strata_is_the_residue_measure(K, names, domain, prior) -> None:
    """E_μ x² and E_μ |x| from the densities by mpmath against the quotients of zeta functions."""
    law = limit_law(K, names, domain=domain, prior=prior)

    def integral(power):
        total = mp.mpf(0)
        for stratum in law.strata():
            free = [v for v in stratum.chart.variables if v not in stratum.vanishing]
            f = sp.lambdify(free, stratum.density, "mpmath")
            # x = v⁴: the densities begin with x^{−1/2}
            ends = [
                [0, 0.5, 1] if not g else [0, 0.5, 1, mp.mpf(3) / 2, 2]
                for v, g in zip(stratum.chart.variables, stratum.chart.gaussian, strict=True) if v in free
            ]  # fmt: skip
            at = free.index(x) if x in free else None

            def value(*w, f=f, at=at):
                factor = mp.fprod(4 * v**3 for v in w)
                return factor * f(*(v**4 for v in w)) * ((w[at] ** 4) ** power if at is not None else 0**power)

            total += mp.quad(value, *ends)
        return total

    with mp.workdps(20):
        for g, power in ((x**2, 2), (sp.Abs(x), 1)):
            with digits(20):
                found = mp.mpf(ball(law.mean(g)).mid().str(20, radius=False))
            assert abs(found - integral(power) / integral(0)) < 1e-12


def test_means_of_sums_of_blocks() -> None:
    """K = x² + y⁴ on [−1, 1]²: E_μ[g/K^p] = lim t^p⟨g⟩ Γ(λ)/Γ(λ+p); smaller g have 0, larger ones none."""
    law = limit_law(x**2 + y**4, (x, y), domain="symmetric")
    lam = R(3, 4)
    assert law.threshold == lam
    y2, x2 = sp.gamma(R(3, 4)) / sp.gamma(R(1, 4)), R(1, 2)  # lim √t⟨y²⟩, lim t⟨x²⟩
    assert sp.simplify(sp.gammasimp(law.mean(y**2, R(1, 2)) - y2 * sp.gamma(lam) / sp.gamma(lam + R(1, 2)))) == 0
    assert sp.simplify(law.mean(3 * x**2, 1) - 3 * x2 / lam) == 0
    assert law.mean(x**2, R(1, 2)) == 0 and law.mean(x * y) == 0
    for g, p in ((y**2, 1), (sp.S.One, R(1, 4))):
        with pytest.raises(BadInput, match="so that its mean under the residue measure is infinite"):
            law.mean(g, p)


@pytest.mark.parametrize("p", [R(-1, 8), R(1, 2), 1])
def test_scaled_means(p) -> None:
    """lim t^p ⟨K^p F⟩, p < 0 too while λ + p > 0: ∫ u^{λ+p−1} e^{−u} over Γ(λ), times E_μ F."""
    law = limit_law(x**4 * y**2, (x, y))
    mean = law.mean(y)
    assert mean == R(1, 3)  # density y^{−1/2}: (1/2)/(3/2)
    found = law.scaled_mean(y, p)
    assert sp.simplify(sp.gammasimp(found - mean * sp.gamma(R(1, 4) + p) / sp.gamma(R(1, 4)))) == 0


def test_strata_under_a_gaussian_carry_its_density() -> None:
    """x² under N(0, 1): 2/(2z + 1)/√(2π) near z = −½. x²y², x Gaussian, φ = 3x² + y²: on y = 0 ∫|x|, on x = 0 ∫_0^1 y."""
    (stratum,) = limit_law(x**2, (x,), domain="gaussian").strata()
    assert stratum.density == 1 / sp.sqrt(2 * sp.pi)
    law = limit_law(x**2 * y**2, (x, y), domain={x: "gaussian", y: "box"}, prior=3 * x**2 + y**2)
    masses = {}
    for each in law.strata():
        (free,) = set(each.chart.variables) - set(each.vanishing)
        masses[free] = masses.get(free, 0) + sp.integrate(each.density, (free, 0, sp.oo if free == x else 1))
    # 3 E|x|/2, and the residue 1/√(2π) times ½
    assert sp.simplify(masses[x] - R(3, 2) * sp.sqrt(2 / sp.pi)) == 0
    assert sp.simplify(masses[y] - 1 / (2 * sp.sqrt(2 * sp.pi))) == 0


def test_every_chart_with_the_full_order_has_its_stratum() -> None:
    """x²y² + y⁶ on the box: the order of its charts, one of which has a lower pole, does not matter."""
    charts = tuple(c for m in resolve(x**2 * y**2 + y**6, (x, y)) for c in pullback(x**2 * y**2 + y**6, m))
    found, reverse = strata(charts), strata(charts[::-1])
    assert found == reverse[::-1] and 0 < len(found) < len(charts)
