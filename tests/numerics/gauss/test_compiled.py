"""Programs: shared instructions, what depends on what, values freed only when used up; singular parts; Horner forms."""

import numpy as np
import pytest
import sympy as sp
from flint import arb

from numerics.gauss.compiled import Program, collected, singularities
from numerics.gauss.rectangles import Rectangles
from numerics.precision import ball, digits
from theory.errors import BadInput

x, y, z = XYZ = sp.symbols("x y z", real=True)
R = sp.Rational
OUTPUTS = [
    sp.tanh(x) * y**2 + sp.exp(-z) / (3 + x),
    sp.tanh(x) ** 3 - sp.sqrt(2) * sp.erf(y),
    sp.S(5) / 7,
    x,
    (x**2 + y**2 + 2) ** R(-3, 2) + sp.cos(x * y * z),
    sp.log(4 + x) + sp.atan(y) * sp.sech(z) + (y + 4) ** -2,
    sp.exp(2) * sp.sinh(x - y) + sp.asinh(x) + sp.gamma(x + 4) + sp.erfc(z),
]


def point(v: float) -> Rectangles:
    return Rectangles((np.array([v]), np.array([v])))


def test_every_arithmetic_gives_the_values_of_sympy() -> None:
    """At rational points, by floats, complex floats, balls and boxes; twice, so that remembered constants are used."""
    program = Program(OUTPUTS, XYZ)
    for place in ((R(1, 2), R(-3, 4), R(5, 4)), (R(-2), R(1, 3), R(0))):
        exact = [sp.N(f.subs(dict(zip(XYZ, place, strict=True))), 40) for f in OUTPUTS]
        for n in (12, 30):
            with digits(n):
                found = program.balls(*(np.array([ball(v)], dtype=object) for v in place))
                values = [np.asarray(v, dtype=object).reshape(-1)[0] for v in found]
                assert all(value.rel_accuracy_bits() > 3.3 * (n - 2) for value in values)
            with digits(45):
                assert all(v.overlaps(arb(str(e)) + arb(0, 1e-38)) for v, e in zip(values, exact, strict=True))
        real, beside = program.floats(*map(float, place)), program.floats(*map(complex, place))
        boxes = program.boxes(*(point(float(v)) for v in place))
        for e, a, b, r in zip(map(float, exact), real, beside, boxes, strict=True):
            assert float(a) == pytest.approx(e, rel=1e-13) and complex(b) == pytest.approx(e, rel=1e-13)
            low, high = (float(np.broadcast_to(end, (1,))[0]) for end in r.re)
            assert low - 1e-15 <= e <= high + 1e-15 and high - low < 1e-9


def test_common_parts_are_computed_once_and_dependence_is_known() -> None:
    program = Program(OUTPUTS, XYZ)
    kinds = [(step.kind, step.data) for step in program.instructions]
    assert kinds.count(("function", sp.tanh)) == 1
    assert program.depends == tuple(
        frozenset(i for i, v in enumerate(XYZ) if f.has(v)) for f in OUTPUTS
    )  # fmt: skip
    assert [program.holds(i) for i in range(3)] == [True] * 3
    assert [Program([x * z, 3], XYZ).holds(i) for i in range(3)] == [True, False, True]
    assert Program([x * y, x + sp.cos(y), x], (x, y)).full == 2 and Program([x, y], (x, y)).full == 0


def test_an_output_that_is_used_further_is_kept() -> None:
    """Outputs that are parts of other outputs, twice the same one, and a variable itself."""
    part = sp.exp(x) + y
    program = Program([part, part**2 + x, part, x, part * sp.sin(part)], (x, y))
    a = np.exp(0.5) + 2
    found = [float(v) for v in program.floats(0.5, 2.0)]
    assert found == pytest.approx([a, a**2 + 0.5, a, 0.5, a * np.sin(a)])


@pytest.mark.parametrize("n", [-5, -2, -1, 0, 1, 2, 3, 6])
def test_integer_powers_in_every_arithmetic(n: int) -> None:
    program = Program([sp.Pow(x + y, n, evaluate=False) + 0 * x if n else (x + y) ** 0 + x - x], (x, y))
    assert float(program.floats(1.5, -4.0)[0]) == pytest.approx((-2.5) ** n)
    box = program.boxes(*(point(v) for v in (1.5, -4.0)))[0]
    assert float(np.ravel(box.re[0])[0]) <= (-2.5) ** n <= float(np.ravel(box.re[1])[0])
    with digits(20):
        (value,) = program.balls(*(np.array([arb(v)], dtype=object) for v in (1.5, -4.0)))
        assert np.ravel(np.asarray(value, dtype=object))[0].overlaps(ball(R(-5, 2) ** n))


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        (x**y, "exp\\(exponent"), (x ** sp.sqrt(2), "exp\\(exponent"), (sp.besselj(0, x), "no rule"), (sp.Abs(x), "no rule"),
        (sp.atan2(x, y), "no rule"), (sp.log(x, 2) + sp.Symbol("w"), "holds w"), (sp.zeta(x), "no rule"),
    ],
    ids=str,
)  # fmt: skip
def test_what_has_no_rule_is_refused(expr, reason) -> None:
    with pytest.raises(BadInput, match=reason):
        Program([expr], (x, y))


def test_singular_parts_are_collected() -> None:
    """Poles and cuts of functions; bases of roots, logarithms (positive) and negative powers (of either sign), constants none."""
    w = sp.Symbol("w", real=True)
    expressions = [
        sp.tanh(x) + sp.sqrt(3 + y) + x**3 + sp.exp(x) / (x - 7),
        sp.log(2 + x) * sp.atan(2) + (3 + y) ** -2 + sp.asinh(x * y) + sp.tanh(x) + sp.gamma(y) + sp.tan(w) + sp.log(w),
        (x + 5) ** -1 + sp.log(x + 5),
    ]
    found = singularities(expressions, (x, y))
    assert set(found.functions) == {sp.tanh(x), sp.asinh(x * y), sp.gamma(y)}
    signs = dict(zip(found.bases, found.signed, strict=True))
    assert signs == {3 + y: False, x - 7: True, 2 + x: False, x + 5: False}
    assert singularities([sp.exp(x) + sp.sin(y) ** 2 + sp.erf(x)], (x, y)) == ((), (), ())


@pytest.mark.parametrize(
    "expr",
    [
        3 * x**4 * y**2 + x * y**2 - 5 * y + x**3 + 1,
        x**2 * sp.cos(y) + x * sp.exp(y) - y**3,
        sp.exp(x * y) + x,
        x * y * z + x**2 * y**2 * z**2 - z**5 + x * sp.tanh(z),
        x**5 - 1,
        sp.tanh(x) * sp.tanh(y),
    ],
    ids=str,
)
def test_horner_forms_are_the_expression(expr) -> None:
    found = collected(expr, XYZ)
    assert sp.expand(found - expr) == 0
    point = {x: R(3, 2), y: R(-1, 3), z: R(2)}
    assert sp.N(found.subs(point) - expr.subs(point), 30, chop=True) == 0


def test_horner_forms_are_cheap_on_a_grid() -> None:
    """In powers of y (degree 2) with coefficients in x: two products and two sums on the whole grid, against many as written."""
    expr = sp.expand((1 + x + x**2 + x**3 + x**4) * y**2 + (x - x**5) * y + x**7)
    assert Program([collected(expr, (x, y))], (x, y)).full == 4 < Program([expr], (x, y)).full


def test_powers_that_do_not_occur_cost_nothing() -> None:
    """x⁵ sin y + 1: one product and one sum on the whole grid, as x⁵ is a matter of one axis."""
    assert Program([collected(x**5 * sp.sin(y) + 1, (x, y))], (x, y)).full == 2
