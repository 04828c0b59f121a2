"""When the explicit chain runs off: criteria decided, against the chain itself far out."""

import pytest
import sympy as sp

from theory import langevin
from theory.errors import BadInput
from theory.escape import Escape, escapes

x, y, z = sp.symbols("x y z", real=True)
NOWHERE, NEAR = "the top form of the gradient vanishes in no direction", "the direction attracts all directions near it"


@pytest.mark.parametrize(
    ("loss", "v", "growth", "proved", "reason"),
    [
        (x**4 - 10 * x**2, (x,), 3, True, NOWHERE),
        (x**3 + x**2, (x,), 2, True, NOWHERE),
        (x**2 + y**2 + (x**2 + y**2) ** 2, (x, y), 3, True, NOWHERE),
        (
            x**3 - 3 * x * y**2 + x**2 + y**2,
            (x, y),
            2,
            True,
            NOWHERE,
        ),  # harmonic: directions wander, |F| = 3 everywhere
        (x**2 + y**2 + x**4, (x, y), 3, True, NEAR),  # F = 0 along y
        (x**6 + y**6 + z**6 + x * y * z, (x, y, z), 5, True, NOWHERE),
        ((x**2 + y**2 + z**2) ** 2, (x, y, z), 3, True, NOWHERE),
        (-((x**2 + y**2 + z**2) * (x**2 + 2 * y**2 + z**2 + x * z)), (x, y, z), 3, True, NOWHERE),
        ((x**2 + y**2) ** 2 + z**2, (x, y, z), 3, False, ""),
        (x**4 + x**2 * y**2 / 9 + y**2 + z**2, (x, y, z), 3, True, NEAR),
        (x**2 * y**2 + x**2 + y**2, (x, y), 3, False, ""),
    ],
)
def test_the_criteria(loss, v, growth, proved, reason) -> None:
    found = escapes(loss, v)
    assert isinstance(found, Escape)
    assert (found.growth, found.proved) == (growth, proved)
    assert found.reason == reason or (not proved and "no criterion decides" in found.reason)
    s = sp.Symbol("s", positive=True)  # the witness: |∇L| along it grows like s^growth
    along = {a: s * c for a, c in zip(v, found.direction, strict=True)}
    slope = sp.expand(sum(sp.diff(loss, a).subs(along, simultaneous=True) ** 2 for a in v))
    assert sp.Poly(slope, s).degree() == 2 * growth


def test_the_direction_found_attracts() -> None:
    """Directions near the witness approach it, and |w| grows as |w|³, under the noiseless step with exact numbers."""
    found = escapes(x**4 + x**2 * y**2 / 9 + y**2, (x, y))
    assert found is not None and found.proved
    F = [4 * x**3 + 2 * x * y**2 / 9, 2 * x**2 * y / 9 + 2 * y]
    w = {x: sp.Rational(10), y: sp.Rational(1)}
    for _ in range(3):
        new = {v: w[v] - f.subs(w) / 20 for v, f in zip((x, y), F, strict=True)}
        assert abs(new[y] / new[x]) < abs(w[y] / w[x]) / 2 and abs(new[x]) > abs(w[x]) ** 2
        w = new


@pytest.mark.parametrize("c", [(1, 2), (1, -1), (3, -2)])
def test_an_attracting_direction_off_the_axes_is_found(c) -> None:
    """u⁴ + u²v²/9 with u along c and v across: the directions where F(v) = μv ≠ 0 are ±c alone."""
    u, across = c[0] * x + c[1] * y, c[1] * x - c[0] * y
    found = escapes(u**4 + u**2 * across**2 / 9 + x**2 + y**2, (x, y))
    assert found == Escape(3, c, True, NEAR)


def test_a_direction_that_repels_is_no_proof() -> None:
    """x⁴ + 7x²y² + y⁴ at (1, 0): F = 4, DF across = 14; the multiplier 14/4 exceeds 1. Yet F has no zero, which decides."""
    found = escapes(x**4 + 7 * x**2 * y**2 + y**4, (x, y))
    assert found is not None and found.reason == NOWHERE
    lifted = escapes(x**4 + 7 * x**2 * y**2 + y**4 + z**2, (x, y, z))
    assert lifted is not None and lifted.direction != (1, 0, 0)
    assert lifted.proved == (lifted.reason == NEAR)


def test_a_form_that_vanishes_on_many_directions_still_has_a_witness() -> None:
    top = sp.prod((a * x - b * y) ** 2 for a in range(-3, 4) for b in range(1, 4)) * x**2
    found = escapes(sp.expand(top) + x**2 + y**2, (x, y))
    assert found is not None and not found.proved and any(found.direction)


def test_what_does_not_escape_and_what_is_refused() -> None:
    assert escapes(x**2 + y**2 + x * y - x, (x, y)) is None
    assert escapes(sp.Integer(3), (x,)) is None
    for bad in (sp.cos(x), sp.Symbol("a") * x**4):
        with pytest.raises(BadInput, match="not a polynomial"):
            escapes(bad, (x,))


def test_the_chain_says_so_and_goes_on() -> None:
    chain = langevin.Chain(x**2 / 2 + x**4, [x**2], (x,), e=1, order=1)
    assert chain.escape is not None and chain.escape.proved and chain.cumulant([0])[1] != 0
    for loss in (x**2 / 2, x**2 / 2 + (1 - sp.cos(x)) / 4, x**2 / 2 + sp.Symbol("T") * x**3):
        assert langevin.Chain(loss, [x], (x,), e=1, order=1).escape is None
    assert langevin.escapes is escapes
