"""Tensor rules over panels: exact for the polynomials of their degree, axis by axis, whatever depends on what."""

import math

import numpy as np
import pytest
import sympy as sp
from flint import arb, ctx, fmpq

from numerics.gauss import summation
from numerics.gauss.ellipse import Ellipses, Panels
from numerics.gauss.integrand import Integrand
from numerics.gauss.summation import _Contractions, _rule, panel_sums
from numerics.precision import ball, digits

x, y, z = XYZ = sp.symbols("x y z", real=True)
R = sp.Rational
LOWER, UPPER = (R(-1, 2), R(1, 3), R(0)), (R(2), R(1), R(5, 4))
NODES = (4, 2, 3)  # exact up to the degrees 7, 3 and 5
MONOMIALS = (x**7 - x, y**3 + y, z**5, x**6 * y**3, y**2 * z**4, x**3 * z**5 - x, x**7 * y * z**2 + y * z + 2)
AMPLITUDES = (sp.S(7), *MONOMIALS, x * y**3 * z**5)


def panels_of(*boxes) -> Panels:
    ends = [[tuple(ball(e) for e in side) for side in box] for box in boxes]
    return Panels(tuple(low for low, _ in ends), tuple(high for _, high in ends))


def moments(f, names, box):
    """∫ f over the box, monomial by monomial: Π (b^{k+1} − a^{k+1})/(k + 1)."""
    return sum(
        c * math.prod((b ** (k + 1) - a ** (k + 1)) / (k + 1) for k, a, b in zip(alpha, *box, strict=True))
        for alpha, c in sp.Poly(f, *names).terms()
    )


def fitted(nodes, amplitudes: int, log_m: float = -math.inf) -> Ellipses:
    count, d = np.shape(nodes)
    return Ellipses(np.array(nodes), np.full((count, d), 2.0), np.full((d, amplitudes, count), log_m))


@pytest.mark.parametrize("slice_", [1, 7, 100_000])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_polynomials_are_integrated_exactly(d: int, slice_: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """V = 5 and level 4: e^{−1} ∫ f over a box of unequal sides, in one piece or node by node."""
    monkeypatch.setattr(summation, "SLICE", slice_)
    names = XYZ[:d]
    fs = tuple(f for f in AMPLITUDES if f.free_symbols <= set(names))
    with digits(20):
        box = LOWER[:d], UPPER[:d]
        found = panel_sums(
            Integrand(sp.S(5), fs, names), fmpq(4), panels_of(box), fitted([NODES[:d]], len(fs)), np.zeros(1)
        )
        for f, value in zip(fs, found, strict=True):
            exact = moments(f, names, box)
            assert value.overlaps(ball(exact * sp.exp(-1))) and value.rel_accuracy_bits() > 60


def test_weights_and_potentials_go_with_their_own_axis() -> None:
    """V = x/2 + y²: Σ_{jk} w_j w_k f e^{−V} with numpy's nodes, for unequal numbers of nodes; no rule of these is exact."""
    fs = (sp.S.One, x, sp.cos(y), x * y**2, sp.sin(x * y))
    counts, box = (3, 5), ((R(-1), R(0)), (R(2), R(3)))
    with digits(20):
        found = panel_sums(
            Integrand(x / 2 + y**2, fs, (x, y)), fmpq(0), panels_of(box), fitted([counts], len(fs)), np.zeros(1)
        )
    rules = [np.polynomial.legendre.leggauss(n) for n in counts]
    (u, p), (v, q) = (
        ((float(a + b) + float(b - a) * nodes) / 2, weights * float(b - a) / 2)
        for (nodes, weights), a, b in zip(rules, *box, strict=True)
    )
    a, b = np.meshgrid(u, v, indexing="ij")
    for f, value in zip(fs, found, strict=True):
        values = np.broadcast_to(sp.lambdify((x, y), f * sp.exp(-x / 2 - y**2), "numpy")(a, b), a.shape)
        assert float(value.mid()) == pytest.approx(p @ values @ q, rel=1e-13)


def test_panels_add_up_and_those_of_little_weight_cost_few_digits_only() -> None:
    """Two panels with different nodes; a top of −60 takes 86 bits away from the second, whose ball holds it all the same."""
    fs = (sp.S.One, x**3 * y)
    boxes = ((R(0), R(0)), (R(1), R(1))), ((R(1), R(0)), (R(3), R(2)))
    exact = [sum(moments(f, (x, y), box) for box in boxes) for f in fs]
    with digits(50):
        integrand = Integrand(sp.S(0), fs, (x, y))
        results = {
            low: panel_sums(integrand, fmpq(0), panels_of(*boxes), fitted([[2, 1], [3, 2]], 2), np.array([0.0, low]))
            for low in (0.0, -60.0, -math.inf)
        }
        for found in results.values():
            for value, e in zip(found, exact, strict=True):
                assert value.overlaps(ball(e))
        assert results[0.0][0].rel_accuracy_bits() > 160 and results[-math.inf][0].rel_accuracy_bits() > 160
        assert 90 < results[-60.0][1].rel_accuracy_bits() < 140


def test_the_errors_of_the_axes_are_in_the_radius() -> None:
    """|Q| (32/15) Σ_j M_j ρ^{−2N_j}/(1 − ρ^{−2}) with M = e³, ρ = 2: the radius is this, for an exact sum."""
    with digits(30):
        (found,) = panel_sums(
            Integrand(sp.S(0), (sp.S.One,), (x, y)), fmpq(0), panels_of(((R(0), R(0)), (R(2), R(3)))),
            fitted([[3, 5]], 1, 3.0), np.zeros(1),
        )  # fmt: skip
        expected = 6 * 32 / 15 * math.exp(3) * (2**-6 + 2**-10) / (1 - 1 / 4)
    assert float(found.mid()) == pytest.approx(6) and float(found.rad()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("bits", [95, 127, 159])
def test_a_sum_has_the_bits_that_are_asked_for(bits: int) -> None:
    """∫_0^2 x³ = 4 by four nodes, exact but for rounding: the ball is a dozen bits wider than one rounding at most."""
    with ctx.workprec(bits):
        (found,) = panel_sums(
            Integrand(sp.S(0), (x**3,), (x,)), fmpq(0), panels_of(((R(0),), (R(2),))), fitted([[4]], 1), np.zeros(1)
        )
    assert found.contains(4) and found.rel_accuracy_bits() >= bits - 12


@pytest.mark.parametrize("n", [1, 2, 7, 20])
def test_the_nodes_are_those_of_gauss_and_the_weights_add_up_to_one(n: int) -> None:
    nodes, weights = _rule(n, 128)
    expected = np.polynomial.legendre.leggauss(n)
    np.testing.assert_allclose(sorted(map(float, nodes)), expected[0], atol=1e-14)
    np.testing.assert_allclose(
        [float(w) for w in weights[np.argsort(nodes.astype(float))]], expected[1] / 2, rtol=1e-12
    )
    with digits(40):
        assert abs(sum(weights, arb(0)) - 1) < arb(2) ** -110


@pytest.mark.parametrize("depends", [(), (0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)], ids=str)
def test_contractions_are_the_weighted_sum(depends: tuple[int, ...]) -> None:
    """Σ_{ijk} u_i v_j w_k h_ijk f with f on the axes of `depends` alone, in whole numbers, twice from one memory."""
    random = np.random.default_rng(3)
    sizes = (2, 3, 4)
    heights = random.integers(-9, 9, sizes).astype(object)
    weights = [random.integers(-9, 9, n).astype(object) for n in sizes]
    f = random.integers(-9, 9, [n if i in depends else 1 for i, n in enumerate(sizes)]).astype(object)
    contractions = _Contractions(heights, weights)
    expected = np.einsum("ijk,i,j,k->", (heights * f).astype(int), *(w.astype(int) for w in weights))
    for _ in range(2):
        assert contractions.total(f, frozenset(depends)) == expected
        assert contractions.total(2 * f, frozenset(depends)) == 2 * expected
