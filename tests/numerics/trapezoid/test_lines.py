"""Steps are rounded down to few bits."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from numerics.trapezoid.lines import _floor_dyadic


@given(st.floats(1e-30, 1e30))
def test_a_step_is_never_rounded_up(x: float) -> None:
    """Nine bits: no more than one part in 256 is lost."""
    found = _floor_dyadic(x)
    step = Fraction(int(found.p), int(found.q))
    assert Fraction(x) * Fraction(255, 256) < step <= Fraction(x)
    odd = step.numerator
    while odd % 2 == 0:
        odd //= 2
    assert odd < 512 and step.denominator & (step.denominator - 1) == 0
