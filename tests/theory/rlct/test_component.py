"""The refined learning coefficient of a component: slices by hand, and the counterexample to every bound between λ_C and λ."""

import pytest
import sympy as sp

from theory.errors import BadInput
from theory.rlct import rlct, rlct_component

x, y, z, w = sp.symbols("x y z w", real=True)


def test_a_slice_may_have_the_larger_or_the_smaller_threshold():
    """(x²+y²+z²−w)²: ½, its slice w = 0 is |v|⁴ in three variables, ∫ r^{2−4s} dr: ¾. x² + y²: 1, its slice y = 0 has ½."""
    K = (x**2 + y**2 + z**2 - w) ** 2
    assert (rlct(K, (x, y, z, w)).value, rlct_component(K, (x, y, z, w), (x, y, z)).value) == (
        sp.Rational(1, 2),
        sp.Rational(3, 4),
    )
    assert (rlct(x**2 + y**2, (x, y)).value, rlct_component(x**2 + y**2, (x, y), (x,)).value) == (1, sp.Rational(1, 2))


def test_the_slice_away_from_the_crossing_sees_one_divisor():
    """x²y⁴ on the slice y = 1/2: x², on x = 1: y⁴; with the prior |x|³, which the second slice does not see."""
    point = {x: 0, y: sp.Rational(1, 2)}
    found = rlct_component(x**2 * y**4, (x, y), (x,), at=point, prior=sp.Abs(x) ** 3)
    assert (found.value, found.multiplicity) == (2, 1)
    found = rlct_component(x**2 * y**4, (x, y), (y,), at={x: 1, y: 0}, prior=sp.Abs(x) ** 3)
    assert (found.value, found.multiplicity) == (sp.Rational(1, 4), 1)


@pytest.mark.parametrize(
    ("component", "at", "prior", "witness"),
    [
        ((), None, 1, "component"),
        ((z,), None, 1, "component"),
        ((x,), None, sp.Abs(y), "prior"),
        ((x,), None, 1, "identically"),
    ],
)
def test_refusals(component, at, prior, witness):
    with pytest.raises(BadInput, match=witness):
        rlct_component(x**2 * y**4, (x, y), component, at=at, prior=prior)
