"""Minima: found, verified, or refused with a witness."""

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.minimum import locate, lower_elsewhere

x, y = sp.symbols("x y", real=True)


@given(st.integers(-6, 6), st.integers(1, 4), st.integers(0, 5))
def test_a_shifted_bowl_is_found(a: int, curvature: int, quartic: int) -> None:
    assert locate(curvature * (x - a) ** 2 + quartic * (x - a) ** 4, (x,)) == {x: a}


def test_the_lower_of_two_wells_is_found() -> None:
    assert locate(x**4 - 3 * x**3 + x**2, (x,)) == {x: 2}


def test_several_variables() -> None:
    assert locate((x - 1) ** 2 + (y + 2) ** 2 + (x - 1) ** 2 * (y + 2) ** 2, (x, y)) == {x: 1, y: -2}


@pytest.mark.parametrize(
    ("loss", "variables", "at", "says"),
    [
        (x**3, (x,), None, "unbounded below"),
        (x**2 - x**3, (x,), None, "unbounded below"),
        (x**2 - y**2, (x, y), None, r"unbounded below: along direction \(0, 1\)"),
        (x**2 + y**2 + x**2 * y, (x, y), None, "unbounded below"),
        (x**4 - x**2, (x,), (0,), "is a maximum"),
        (x**4 + y**4 - x**2 + y**2, (x, y), (0, 0), "is a saddle"),
        (x**4, (x,), None, "degenerate"),
        (x**2 * y**2, (x, y), None, "degenerate"),
        ((x**2 - 1) ** 2, (x,), None, "equally low"),
        (x**2, (x,), (1,), "not a critical point"),
        (x, (x,), None, "unbounded below"),
        (sp.exp(x), (x,), None, "give one with at="),
        (sp.Abs(x), (x,), None, "smooth"),
        (x**2, (), None, "at least one variable"),
    ],
)
def test_what_is_no_minimum_is_refused(loss, variables, at, says) -> None:
    with pytest.raises(BadInput, match=says):
        locate(loss, variables, at)


def test_symbols_are_taken_to_be_what_the_formula_needs() -> None:
    lam, mu = sp.Symbol("lambda"), sp.Symbol("mu", negative=True)
    assert locate(lam * x**2 + x**4, (x,)) == {x: 0}
    with pytest.raises(BadInput, match="maximum"):
        locate(mu * x**2 + x**4, (x,), (0,))


@pytest.mark.parametrize("shift", [sp.S.Zero, sp.Rational(1, 3)])
def test_a_lower_well_elsewhere_is_seen(shift) -> None:
    loss = ((x - shift) ** 2 * ((x - shift) - 2) ** 2 - (x - shift) ** 3 / 10).expand()
    assert lower_elsewhere(loss, (x,), {x: shift}) is not None
    assert lower_elsewhere(x**2 + (x - shift) ** 4 * 0, (x,), {x: sp.S.Zero}) is None


def test_a_tie_is_seen() -> None:
    assert "as low as" in (lower_elsewhere((x**2 - 1) ** 2, (x,), {x: sp.S.One}) or "")


def test_example_19_needs_its_inequality() -> None:
    """α² < 3λγ is what makes w* = 0 the only global minimum: at equality a second one is as low, beyond it lower."""
    for alpha, unique in ((sp.Rational(5, 3), True), (sp.sqrt(3), False), (2, False)):
        loss = x**2 / 2 + alpha * x**3 / 6 + x**4 / 24
        if alpha == sp.sqrt(3):
            second = sp.solve(sp.Eq(loss / x**2, 0), x)
            assert len(set(second)) == 1
            continue
        assert (lower_elsewhere(loss, (x,), {x: sp.S.Zero}) is None) == unique


def test_non_polynomials_are_probed_on_a_lattice() -> None:
    assert lower_elsewhere(1 - sp.cos(x) + x**2 / 10, (x,), {x: sp.S.Zero}) is None
    assert lower_elsewhere(1 - sp.cos(x) - x**2 / 10, (x,), {x: sp.S.Zero}) is not None
