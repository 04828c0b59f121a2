"""Minima: found, verified, or refused with a witness."""

from itertools import product
from math import gcd

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.minimum import _directions, _lattice, locate, lower_elsewhere

x, y, z = sp.symbols("x y z", real=True)


@given(st.integers(-6, 6), st.integers(1, 4), st.integers(0, 5))
def test_a_shifted_bowl_is_found(a: int, curvature: int, quartic: int) -> None:
    assert locate(curvature * (x - a) ** 2 + quartic * (x - a) ** 4, (x,)) == {x: a}


@pytest.mark.parametrize("level", [-20, 0, 20])
@pytest.mark.parametrize("shift", [0, 5])
def test_the_lower_of_two_wells_is_found_at_any_level(level: int, shift: int) -> None:
    """x⁴ − 3x³ + x² has the wells 0 (value 0) and 2 (value −4)."""
    u = x - shift
    assert locate(u**4 - 3 * u**3 + u**2 + level, (x,)) == {x: 2 + shift}
    u = -x - shift
    assert locate(u**4 - 3 * u**3 + u**2 + level, (x,)) == {x: -2 - shift}


def test_in_several_variables_the_origin_wins_where_it_is_a_minimum() -> None:
    loss = x**4 - 3 * x**3 + x**2 + y**2
    assert locate(loss, (x, y)) == {x: 0, y: 0}
    assert locate(loss, (x, y), (2, 0)) == {x: 2, y: 0}


def test_a_minimum_at_the_origin_need_not_be_polynomial() -> None:
    assert locate(sp.cosh(x) + y**2, (x, y)) == {x: 0, y: 0}
    assert locate(sp.exp(x**2) - x**4, (x,)) == {x: 0}


@pytest.mark.parametrize("variables", [(x, y), (y, x)])
def test_several_variables(variables) -> None:
    loss = (x - 1) ** 2 + (y + 2) ** 2 + (x - 1) ** 2 * (y + 2) ** 2
    assert list(locate(loss, variables).items()) == [(v, {x: 1, y: -2}[v]) for v in variables]


def test_complex_critical_points_are_none() -> None:
    """f' = u(u² + 1)(u² + 2): at u = √2 i the second derivative is 4 and the value is lower than at the minimum u = 0."""
    u = x - 1
    potential = u**6 / 6 + 3 * u**4 / 4 + u**2
    assert locate(potential + (y - 2) ** 2, (x, y)) == {x: 1, y: 2}


def test_radicals_that_vanish_are_seen_to_vanish() -> None:
    nothing = sp.sqrt(3 + 2 * sp.sqrt(2)) - 1 - sp.sqrt(2)
    assert locate(x**2 + nothing * x**3, (x,)) == {x: 0}
    assert locate(x**2 + nothing * x, (x,)) == {x: 0}


CRITICAL = "leave at= out to have the minimum found"
DEGENERATE = (
    "is degenerate (determinant 0); the Laplace expansion needs a nondegenerate minimum, "
    "a degenerate one belongs to the singular theory"
)
GROWS = "add a term that grows, or restrict the problem"


@pytest.mark.parametrize(
    ("loss", "variables", "at", "says"),
    [
        (x**3, (x,), None, f"x**3 is unbounded below: along direction (1) it behaves as 1*s**3; {GROWS}"),
        (x**2 - x**3, (x,), None, f"-x**3 + x**2 is unbounded below: along direction (1) it behaves as -1*s**3; {GROWS}"),
        (x**2 - y**2, (x, y), None, f"x**2 - y**2 is unbounded below: along direction (0, 1) it behaves as -1*s**2; {GROWS}"),
        (x**2 + y**2 + x**2 * y, (x, y), None,
         f"x**2*y + x**2 + y**2 is unbounded below: along direction (1, -2) it behaves as -2*s**3; {GROWS}"),
        (x, (x,), None, f"x is unbounded below: along direction (1) it behaves as 1*s**1; {GROWS}"),
        (x**4 - x**2, (x,), (0,),
         f"(x = 0) is a maximum of x**4 - x**2, not a minimum: the leading Hessian minor of size 1 is -2; {CRITICAL}"),
        (x**4 + y**4 - x**2 - y**2, (x, y), (0, 0),
         f"(x = 0, y = 0) is a maximum of x**4 - x**2 + y**4 - y**2, not a minimum: "
         f"the leading Hessian minor of size 1 is -2; {CRITICAL}"),
        (x**4 + y**4 + x**2 - y**2, (x, y), (0, 0),
         f"(x = 0, y = 0) is a saddle of x**4 + x**2 + y**4 - y**2, not a minimum: "
         f"the leading Hessian minor of size 2 is -4; {CRITICAL}"),
        (x**4 + y**4 - x**2 + y**2, (x, y), (0, 0),
         f"(x = 0, y = 0) is a saddle of x**4 - x**2 + y**4 + y**2, not a minimum: "
         f"the leading Hessian minor of size 1 is -2; {CRITICAL}"),
        (x**4, (x,), None, f"the Hessian of x**4 at (x = 0) {DEGENERATE}"),
        ((x - 1) ** 4, (x,), None, f"the Hessian of (x - 1)**4 at (x = 1) {DEGENERATE}"),
        (x**2 * y**2, (x, y), None, f"the Hessian of x**2*y**2 at (x = 0, y = 0) {DEGENERATE}"),
        (sp.Integer(3), (x,), None, f"the Hessian of 3 at (x = 0) {DEGENERATE}"),
        (sp.Integer(3), (x, y), None, f"the Hessian of 3 at (x = 0, y = 0) {DEGENERATE}"),
        (((x - 1) ** 2 * (x + 2) ** 2) + 5, (x,), None,
         "(x - 1)**2*(x + 2)**2 + 5 has two minima that are equally low, (x = 1) and (x = -2); choose with at="),
        ((x**2 - x - 1) ** 2, (x,), None,
         "(x**2 - x - 1)**2 has two minima that are equally low, (x = 1/2 - sqrt(5)/2) and (x = 1/2 + sqrt(5)/2); "
         "choose with at="),
        (x**2 + y**2, (x, y), (0, 1),
         f"(x = 0, y = 1) is not a critical point of x**2 + y**2: its derivative in y is 2 there; {CRITICAL}"),
        (x**2 + sp.log(y), (x, y), (0, 0), "x**2 + log(y) is not differentiable at (x = 0, y = 0); choose another point"),
        (sp.exp(x), (x,), None, "no exact minimum of exp(x) is known (the origin is not critical); give one with at="),
        (((x - 1) * (y - 2) - 1) ** 2, (x, y), None,
         "((x - 1)*(y - 2) - 1)**2 has no real critical point that could be found exactly; give the minimum with at="),
        (x**2, (), None, "the potential needs at least one variable"),
    ],
)  # fmt: skip
def test_what_is_no_minimum_is_refused(loss, variables, at, says) -> None:
    with pytest.raises(BadInput) as caught:
        locate(loss, variables, at)
    assert str(caught.value) == says


def test_what_is_not_smooth_or_not_exact_is_refused() -> None:
    with pytest.raises(BadInput, match="smooth"):
        locate(sp.Abs(x), (x,))
    with pytest.raises(BadInput, match="inexact"):
        locate(sp.Float("0.5") * x**2, (x,))


def test_symbols_are_taken_to_be_what_the_formula_needs() -> None:
    lam, mu = sp.Symbol("lambda"), sp.Symbol("mu", negative=True)
    assert locate(lam * x**2 + x**4, (x,)) == {x: 0}
    with pytest.raises(BadInput, match="maximum"):
        locate(mu * x**2 + x**4, (x,), (0,))


def value(at: str, how: str, loss: sp.Expr, than: str) -> str:
    return f"the value of {loss} at ({at}) is {how} at ({than})"


@pytest.mark.parametrize("shift", [sp.S.Zero, sp.Rational(1, 3)])
@pytest.mark.parametrize("side", [1, -1])
def test_a_lower_well_elsewhere_is_seen(shift, side) -> None:
    """u²(u − 2)² − u³: the turning points besides 0 solve 4u² − 15u + 8 = 0, the deeper one is (15 + √97)/8."""
    u = side * (x - shift)
    loss = (u**2 * (u - 2) ** 2 - u**3 + 7).expand()
    well = sp.expand(shift + side * (15 + sp.sqrt(97)) / 8)
    witness = lower_elsewhere(loss, (x,), {x: shift})
    assert witness == value(f"x = {well}", "lower than", loss, f"x = {shift}")


@pytest.mark.parametrize("level", [-3, 0, 3])
def test_the_nearest_of_two_lower_wells_is_named(level: int) -> None:
    """L' = x(x² − 1)(x + 4)(x − 3)-like potentials: wells at 2 and −3, with hills at 1 and −1."""
    loss = sp.integrate(sp.expand(x * (x - 1) * (x + 1) * (x - 2) * (x + 3)), x) + level
    assert [sp.sign(loss.subs(x, w) - level) for w in (2, -3)] == [-1, -1]
    assert lower_elsewhere(loss, (x,), {x: sp.S.Zero}) == value("x = 2", "lower than", loss, "x = 0")
    mirrored = loss.subs(x, -x)
    assert lower_elsewhere(mirrored, (x,), {x: sp.S.Zero}) == value("x = -2", "lower than", mirrored, "x = 0")


def test_a_tie_is_seen() -> None:
    for loss, well in ((x**2 * (x - 1) ** 2, 1), ((x + 1) ** 2 * x**2 + 5, -1)):
        assert lower_elsewhere(loss, (x,), {x: sp.S.Zero}) == value(f"x = {well}", "as low as", loss, "x = 0")
        assert lower_elsewhere(loss, (x,), {x: sp.Integer(well)}) == value("x = 0", "as low as", loss, f"x = {well}")


def test_a_lower_point_is_seen_along_a_direction() -> None:
    """A second well at (−2, 4), found on the line of direction (1, −2)."""
    u, v = x + 2, y - 4
    loss = sp.expand((x**2 + y**2) * (u**2 + v**2) - x**2 / 100)
    assert lower_elsewhere(loss, (x, y), {x: sp.S.Zero, y: sp.S.Zero}) is not None
    tie = sp.expand((x**2 + y**2) * (u**2 + v**2))
    at = {y: sp.S.Zero, x: sp.S.Zero}
    assert lower_elsewhere(tie, (x, y), at) == value("x = -2, y = 4", "as low as", tie, "y = 0, x = 0")


@pytest.mark.parametrize("loss", [x**2 + 3, x**2 + x**4 - 3, x**2 / 9 + x**4, x**4, 5 + x**2 + x**3 + x**4])
def test_nothing_is_seen_where_nothing_is_lower(loss) -> None:
    assert lower_elsewhere(loss, (x,), {x: sp.S.Zero}) is None
    assert lower_elsewhere(loss + y**2, (x, y), {x: sp.S.Zero, y: sp.S.Zero}) is None


def test_lines_on_which_the_loss_is_constant_are_passed_over() -> None:
    assert lower_elsewhere(x**2, (x, y), {x: sp.S.Zero, y: sp.S.Zero}) is None


def test_parameters_and_irrational_points_are_left_alone() -> None:
    assert lower_elsewhere(sp.Symbol("a") * x**2 - x**4, (x,), {x: sp.S.Zero}) is None
    assert lower_elsewhere((x**2 - 2) ** 2, (x,), {x: sp.sqrt(2)}) is None


def test_example_19_needs_its_inequality() -> None:
    """α² < 3λγ is what makes w* = 0 the only global minimum: at equality a second one is as low, beyond it lower."""
    for alpha, unique in ((sp.Rational(5, 3), True), (sp.sqrt(3), False), (2, False)):
        loss = x**2 / 2 + alpha * x**3 / 6 + x**4 / 24
        if alpha == sp.sqrt(3):
            second = sp.solve(sp.Eq(loss / x**2, 0), x)
            assert len(set(second)) == 1
            continue
        assert (lower_elsewhere(loss, (x,), {x: sp.S.Zero}) is None) == unique


@pytest.mark.parametrize("level", [-30, 0, 30])
def test_non_polynomials_are_probed_on_a_lattice(level: int) -> None:
    assert lower_elsewhere(1 - sp.cos(x) + x**2 / 10 + level, (x,), {x: sp.S.Zero}) is None
    falling = level + 1 - sp.cos(x) - (x - 1) ** 3 / 100  # lower than at 0 from 5.4… on
    witness = lower_elsewhere(falling, (x,), {x: sp.S.Zero})
    assert witness == value("x = 11/2", "lower than", falling, "x = 0")


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6, 7])
def test_one_primitive_direction_of_each_line(d: int) -> None:
    """All c in Z^d without common divisor and with entries up to 2 (1 from d = 4 on; from d = 6 on at most two not 0)."""
    reach = 2 if d in (1, 2, 3) else 1
    lines = [c for c in product(range(-reach, reach + 1), repeat=d) if gcd(*c) == 1 and (d < 6 or d - c.count(0) <= 2)]
    found = list(_directions(d))
    assert sorted(found + [tuple(-k for k in c) for c in found]) == lines


def test_the_lattice_is_half_the_integers() -> None:
    """In a cube of half-width 20, 4, 3/2, and ½ from four dimensions on."""
    for d, width in ((1, 20), (2, 4), (3, sp.Rational(3, 2)), (4, sp.Rational(1, 2)), (5, sp.Rational(1, 2))):
        steps = [sp.Rational(k, 2) for k in range(-99, 100) if abs(sp.Rational(k, 2)) <= width]
        assert list(_lattice(d)) == list(product(steps, repeat=d))


def test_the_origin_of_a_loss_that_is_no_polynomial() -> None:
    """Taken where it is a minimum though cosh x − 1 − x³/3 is lower far out; a maximum or a saddle is refused as such."""
    assert locate(sp.cosh(x) - 1 - x**3 / 3, (x,)) == {x: 0}
    assert lower_elsewhere(sp.cosh(x) - 1 - x**3 / 3, (x,), {x: sp.S.Zero}) is not None
    for loss, v, words in ((sp.cos(x), (x,), "is a maximum"), (sp.cosh(x) + sp.cos(2 * y), (x, y), "is a saddle")):
        with pytest.raises(BadInput, match=words):
            locate(loss, v)
    with pytest.raises(BadInput, match="the origin is not critical"):
        locate(sp.exp(x) + x**2, (x,))
