"""Charts that are found cover the box once, bring f to normal crossings, and have the thresholds of `theory.rlct`."""

from itertools import product

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import zeta
from theory.errors import BadInput
from theory.rlct import rlct
from theory.singular import partition
from theory.zeta import resolution
from theory.zeta.resolution import resolve

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational

POLYNOMIALS = [
    x - y, y**2 - x**3, y**2 - 2 * x**3, x**2 * (y**2 - x**3), (y - x) * (y - 2 * x), x + y - 1, (2 * x - 1) * y, y - x**2,
    x * y - z, x + y - z, x**2 - 3 * x * y + y**2,
    x - sp.sqrt(2) * y, x * (1 - y) * (2 - sp.sqrt(2) * y), x * (1 - y) * (1 - sp.sqrt(2) * y), sp.pi * x - y,
    x * y - sp.sqrt(3) * z, x * (1 - y) * (sp.pi - y**2), x * (1 - y) * (sp.pi - sp.sqrt(2) * y**2),
    (2 * x - y**2) * (2 * y - x**2),  # by one fan for both factors, not by one after the other
    (sp.pi - sp.sqrt(2)) * (1 - y) ** 2, (1 - y) * (sp.pi - 4 * sp.sqrt(2) * y), x * (1 - y) * (1 - sp.pi * sp.sqrt(2) * y / 7),
]  # fmt: skip


def volume(maps, names) -> float:
    """Σ ∫ |det Dπ| by Gauss's rule; every image lies inside the box, and none is flat."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    grid = np.array(list(product((nodes + 1) / 2, repeat=len(names)))).T
    mass = np.array([np.prod(w) for w in product(weights / 2, repeat=len(names))])
    total = 0.0
    for m in maps:
        images = [sp.lambdify(m.new, f, "numpy")(*grid) * np.ones(len(mass)) for f in m.images]
        assert all((f >= -1e-12).all() and (f <= 1 + 1e-12).all() for f in images)
        share = float(mass @ np.abs(sp.lambdify(m.new, m.jacobian(), "numpy")(*grid) * np.ones(len(mass))))
        assert share > 0
        total += share
    return total


@pytest.mark.parametrize("f", POLYNOMIALS, ids=str)
def test_the_maps_cover_the_box_once(f: sp.Expr) -> None:
    """Volumes add up to 1 where the images stay inside."""
    names = tuple(v for v in (x, y, z) if f.has(v))
    assert volume(resolve(sp.expand(f), names), names) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("f", POLYNOMIALS, ids=str)
def test_units_are_proved(f: sp.Expr) -> None:
    """f² is a monomial times a positive unit in all charts: `pullback` proves it, or raises."""
    names = tuple(v for v in (x, y, z) if f.has(v))
    charts = [c for m in resolve(sp.expand(f), names) for c in zeta.pullback(f**2, m)]
    assert all(c.unit != 0 for c in charts)


@pytest.mark.parametrize("f", [y**2 - x**3, y**2 - x**5, y**3 - x**4, x**2 * y - y**2, (y - x) * (y - 2 * x)], ids=str)
def test_thresholds_are_those_of_the_resolution_on_strata(f: sp.Expr) -> None:
    """At the origin they are the same numbers where nothing worse lies in the box."""
    Z = partition(f**2, (x, y), domain="symmetric")
    found = rlct(sp.expand(f**2), (x, y))
    assert (Z.threshold, Z.multiplicity) == (found.value, found.multiplicity)


def test_an_irrational_slope_against_the_error_function() -> None:
    """∫∫ e^{−t(x − √2 y)²} over the unit square: the integral over x is √(π/t)/2 [erf(√t (1 − √2 y)) + erf(√(2t) y)]."""
    t = 1000
    with mpmath.workdps(20):
        root, slope = mpmath.sqrt(t), mpmath.sqrt(2)
        across = mpmath.quad(
            lambda v: mpmath.erf(root * (1 - slope * v)) + mpmath.erf(root * slope * v),
            [0, 0.1, 0.5, 1 / slope, 0.9, 1],
        )
        expected = mpmath.sqrt(mpmath.pi / t) / 2 * across
    for K in ((x - sp.sqrt(2) * y) ** 2, sp.expand((x - sp.sqrt(2) * y) ** 2)):
        found = partition(K, (x, y)).evaluate(t, 10)
        assert float(found.mid()) == pytest.approx(float(expected), rel=1e-9)


slopes = st.fractions(min_value=R(1, 3), max_value=3, max_denominator=4)


@settings(max_examples=12, deadline=None)
@given(slopes, st.integers(1, 3), st.integers(1, 3))
def test_curves_of_two_powers(c, a: int, b: int) -> None:
    """y^a − c x^b: the cover is one, whatever the root of c."""
    f = y**a - sp.Rational(c.numerator, c.denominator) * x**b
    assert volume(resolve(f, (x, y)), (x, y)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (sp.exp(x) - y, "is no polynomial in x, y"),
        (x**2 + y**2 - z**2, "is linear in none of its variables"),
        (y**2 - x**2 - x**3, "linear in none of its variables"),
        (sp.sqrt(2) * y**2 - 1, "algebraic over an algebraic number"),
        ((3 * x - 1) ** 2 + R(1, 10**30), "the sign of"),
    ],
)
def test_what_is_not_found_is_said_in_one_line(f: sp.Expr, says: str) -> None:
    names = tuple(v for v in (x, y, z) if f.has(v))
    with pytest.raises(BadInput) as caught:
        resolve(f, names)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_moves_are_counted(monkeypatch) -> None:
    """(2x − 1) y needs one cut; (2x − 1)(3y − 1) one, which leaves three pieces, and one of each of them; two roots one cut."""
    both = sp.expand((1 - y) * (sp.pi - 4 * sp.sqrt(2) * y))
    for f, needed in (((2 * x - 1) * y, 1), ((2 * x - 1) * (3 * y - 1), 4), (both, 1)):
        assert next(n for n in range(20) if found(f, n, monkeypatch)) == needed


def found(f: sp.Expr, most: int, monkeypatch) -> bool:
    """Whether so many moves are enough; else one line says how many were made."""
    monkeypatch.setattr(resolution, "MOST", most)
    try:
        return bool(resolve(f, (x, y)))
    except BadInput as error:
        assert str(error) == f"{most} cuts and blow-ups do not bring {f} to normal crossings"
        return False
