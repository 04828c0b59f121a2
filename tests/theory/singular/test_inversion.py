"""Mellin inversion along a line against iterated Gauss–Legendre quadrature, at t where no asymptotic series helps."""

import pytest
import sympy as sp
from flint import acb, arb, fmpq
from mpmath import mp

from theory.singular import inversion, partition
from theory.singular.estimate import estimates
from theory.singular.inversion import inverted
from theory.zeta.chart import charts
from theory.zeta.precision import rational

x, y, z = sp.symbols("x y z", real=True)


def quadrature(K, variables, t):
    """∫_{[0,1]^d} e^{−tK} by mpmath, 15 digits."""
    function = sp.lambdify(variables, sp.exp(-t * K), "mpmath")
    with mp.workdps(20):
        return mp.quad(function, *[[0, 1]] * len(variables))


@pytest.mark.parametrize("t", [2, 10, 100])
@pytest.mark.parametrize("K", [x**2 * y**2 * (1 + x + y), x**2 * y**4 * sp.exp(x - y / 2)], ids=str)
def test_small_t_against_quadrature(K, t):
    """The radius holds, and is small; a line that crossed the first pole would be off by its whole residue."""
    found = partition(K, (x, y), domain="box").evaluate(t, 8)
    assert isinstance(found, arb)
    exact = arb(str(quadrature(K, (x, y), t)))
    assert abs(found.mid() - exact) <= found.rad() + arb("1e-13")
    assert found.rad() < 1e-6 * abs(exact)


def test_integrals_of_different_size_along_one_line_have_their_own_digits():
    """At t = 10⁴ with K in the density: 10⁻⁴ of the other one."""
    K, t = x**2 * y**2 * (1 + x + y), sp.Integer(10) ** 4
    (c,), (small,) = charts(K, (x, y), domain="box"), charts(K, (x, y), domain="box", density=x**2 * y**2)
    found = inverted({c: arb.nan(), small: arb.nan()}, t, 9)
    assert found[small] < 1e-3 * found[c]
    assert all(value.rad() < 1e-7 * value for value in found.values())


def test_the_line_suits_the_smallest_unit():
    """Units from 1/50 on and from 1 on, together: e^{−t/50} lies at the far faces of the one, and each has its digits."""
    losses, t = (x**2 * y**2 * (1 + 7 * x) / 50, x**2 * y**2 * (1 + y)), 8
    made = [charts(K, (x, y), domain="box") for K in losses]
    found = inverted(dict.fromkeys((*made[0], *made[1]), arb.nan()), sp.Integer(t), 8)
    for K, (c,) in zip(losses, made, strict=True):
        exact = arb(str(quadrature(K, (x, y), t)))
        assert abs(found[c].mid() - exact) <= found[c].rad() + arb("1e-13") and found[c].rad() < 1e-6 * abs(exact)


def test_the_line_and_the_series_agree():
    """At t = 10⁶ both have their digits: two roads to one integral."""
    made = charts(x**2 * y**2 * (1 + x + y), (x, y), domain="box")
    t = sp.Integer(10) ** 6
    line, series = inverted(dict.fromkeys(made, arb.nan()), t, 8), estimates(made, t)
    for c in made:
        assert abs(line[c].mid() - series[c].mid()) <= line[c].rad() + series[c].rad()
        assert line[c].rad() < 1e-6 * abs(series[c])


@pytest.mark.parametrize("t", [fmpq(1, 2), fmpq(20), fmpq(10**6)])
@pytest.mark.parametrize("least", [fmpq(1), fmpq(1, 5)])
@pytest.mark.parametrize("first", [sp.Rational(1, 4), sp.Rational(3)])
def test_the_line_passes_between_zero_and_the_first_pole(first, t, least):
    """The hyperbola of the docstring: η, ψ and a + μ sin(2η + ψ) = λ; its nodes, their speed, and how many there are."""
    line = inversion._Line.of(first, arb(t), arb(least), 10)
    s, _ = line.node(0)
    assert 0 < s.real < rational(first) and s.imag == 0
    log = arb(t).log()
    psi = (arb.pi() / 2 / (max(log, arb(0)) + 1)).atan()
    eta = max(min(arb(2) / 5, (log + arb(least).log()) / 8), arb(0))
    sin, cos = line.tilt
    assert abs(sin - eta.sin()) < 1e-12 and abs(cos - eta.cos()) < 1e-12
    assert abs(line.a + line.mu * (2 * eta + psi).sin() - rational(first)) < 1e-12
    assert abs(line.rate - (arb(4) / 3 + (arb(7) / 4 - arb(4) / 3) * eta / (arb(2) / 5))) < 1e-12
    for k in (1, 3):
        (at, speed), theta = line.node(k), k * line.step
        assert abs(at.real - line.a - line.mu * sin * theta.cosh()) < 1e-12
        assert abs(at.imag - line.mu * cos * theta.sinh()) < 1e-12
        exact = acb(line.mu * sin * theta.sinh(), line.mu * cos * theta.cosh()) / acb(0, 1)
        assert abs(speed - exact) < 1e-12

    def size(k):
        at, speed = line.node(k)
        return abs(at.gamma() * (-log * at).exp() * speed)

    for digits in (3, 7):
        count = line.length(log, digits)
        assert size(count - 1) < size(0) * arb(10) ** -digits or count == inversion.MANY * digits + 1
        assert count == 2 or size(count - 2) > size(0) * arb(10) ** -digits * (1 - arb(10) ** -9)


def _terms(errors):
    """Five terms whose sums of step 1, 2, 3, 4 (n times every n-th one) are 1, 1 + e_2, 1 + e_3, 1 + e_4."""
    two, three, four = ((1 + e) / n for n, e in zip((2, 3, 4), errors, strict=True))
    first = mp.mpf(1) / 5
    fourth = four - first
    second = two - four
    third = three - first
    return [first, 1 - first - second - third - fourth, second, third, fourth]


@pytest.mark.parametrize(
    ("exponents", "q"),
    [
        ((mp.mpf(1.5) ** 0.7 * 9, 9, 9 / (mp.mpf(4) / 3) ** 0.7), lambda two, three: (mp.mpf(2) ** 0.7, two)),
        ((40, 9, 9 / (mp.mpf(4) / 3) ** 0.7), lambda two, three: (mp.mpf(2) ** 0.7, mp.mpf(1.5) ** 0.7 * three)),
        ((mp.mpf(1.5) ** 0.55 * 9, 9, 6), lambda two, three: (mp.mpf(2) ** 0.55, two)),
        ((14, 9, 6), lambda two, three: (mp.mpf(7) / 4, two)),
        ((10, 9.9, 9.8), lambda two, three: (mp.sqrt(2), two)),
        ((9, 3, 0.9), lambda two, three: (mp.mpf(7) / 4, two)),
        ((0.9, 0.85, 0.8), lambda two, three: (mp.sqrt(2), two)),
    ],
)
def test_the_error_of_the_rule_is_read_off_coarser_steps(exponents, q):
    """size e^{−qE_2}, q = 2^p at most 7/4: p from E_3/E_4, or E_2/E_3 if that is less, at least ½."""
    with mp.workdps(40):
        size, terms = mp.mpf(1), []
        for _ in range(60):  # the errors are relative to the sum of moduli, which depends on them
            terms = _terms([size * mp.exp(-mp.mpf(e)) for e in exponents])
            size = mp.fsum(abs(v) for v in terms)
        factor, two = q(mp.mpf(exponents[0]), mp.mpf(exponents[1]))
        expected = size * mp.exp(-factor * two)
        found = inversion._rule([acb(arb(mp.nstr(v, 35))) for v in terms], arb(7) / 4)
        assert abs(mp.mpf(found.mid().str(20, radius=False)) / expected - 1) < 1e-4


def test_no_error_of_the_rule_is_read_off_steps_that_are_too_coarse():
    """Where a sum of step 4 is off by more than the sum of moduli, that is the radius."""
    terms = [acb(1), acb(-1), acb(1), acb(-1), acb(3)]
    assert inversion._rule(terms, arb(7) / 4) == 7


def test_the_tail_is_a_geometric_series():
    """Last 1, rate r: r/(1 − r) and the last again, ten times it at least; where the terms do not fall, all of them."""
    for rate, expected in ((fmpq(19, 20), 20), (fmpq(1, 2), 10)):
        sizes = [arb(rate) ** k for k in range(10)]
        assert abs(inversion._tail(sizes) / sizes[-1] - expected) < 1e-9
    assert inversion._tail([arb(1), arb(2), arb(3)]) == 6
    assert inversion._tail([arb(8), arb(4), arb(2)]) == 20


def test_fewer_digits_where_more_would_cost_too_much(monkeypatch):
    """With a thousandth of the work there is a value still, a radius that holds, and no end of digits."""
    (made,), t = charts(x**2 * (1 + x), (x,), domain="box"), sp.Integer(5)
    good = inverted({made: arb.nan()}, t, 12)[made]
    monkeypatch.setattr(inversion, "WORK", 600)
    rough = inverted({made: arb.nan()}, t, 12)[made]
    assert good.rad() < 1e-10 < rough.rad() < 1e-2
    assert abs(good.mid() - rough.mid()) < rough.rad()
