"""Float shadows: values and derivatives of fields, lower bounds that are true and near, majorants evaluated together."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq

from numerics.errors import NotCertified
from numerics.trapezoid.shadow import FloatField, Majorants
from numerics.trapezoid.waves import from_sympy

x, y = names = sp.symbols("x y", real=True)
R = sp.Rational
PLAIN = x**3 * y / 2 - x * y + y**4 - 3
WAVY = PLAIN + 3 * sp.cos(2 * x - y + 1) - 2 * sp.sin(x / 2 + R(1, 5)) + sp.cos(3 * y) / 7
POINTS = np.array([[0.5, -1.25], [-2.0, 0.75], [0.0, 0.0], [3.5, 1.0]])


@pytest.mark.parametrize("expr", [PLAIN, WAVY], ids=["plain", "wavy"])
def test_values_gradients_and_hessians_are_those_of_sympy(expr) -> None:
    field = FloatField(from_sympy(expr, names))
    value, gradient, hessian = (
        sp.lambdify(names, e, "numpy") for e in (expr, [expr.diff(v) for v in names], sp.hessian(expr, names))
    )
    found, (first, second) = field(POINTS), field.derivatives(POINTS)
    for k, point in enumerate(POINTS):
        assert found[k] == pytest.approx(value(*point), rel=1e-13, abs=1e-13)
        np.testing.assert_allclose(first[k], gradient(*point), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(second[k], hessian(*point), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("expr", [PLAIN, WAVY], ids=["plain", "wavy"])
def test_lower_bounds_at_points_are_true_and_near(expr, axis) -> None:
    """Of Re F(y + ia e_axis), against mpmath, to a relative 10⁻¹²."""
    field = from_sympy(expr, names)
    shadow = FloatField(field) if axis is None else FloatField.on_line(field, axis, fmpq(5, 8))
    f = sp.lambdify(names, expr, "mpmath")
    for point, below in zip(POINTS, shadow.below(POINTS), strict=True):
        with mpmath.workdps(30):
            beside = [mpmath.mpc(v, 0.625 if i == axis else 0) for i, v in enumerate(point.tolist())]
            exact = mpmath.re(f(*beside))
            assert mpmath.mpf(float(below)) <= exact <= float(below) + mpmath.mpf(1e-11) * (20 + abs(exact))


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("radius", [1e-3, 0.25, 4.0])
def test_bounds_on_boxes_are_true_and_sharp_on_small_ones(radius: float, axis) -> None:
    """inf ≥ value − Σ |∂F| r − O(r²) where r is small; on boxes longer than the waves, at worst every amplitude is lost."""
    field = from_sympy(WAVY, names)
    shadow = FloatField(field) if axis is None else FloatField.on_line(field, axis, fmpq(1, 2))
    plain = (
        FloatField(from_sympy(PLAIN, names))
        if axis is None
        else FloatField.on_line(from_sympy(PLAIN, names), axis, fmpq(1, 2))
    )
    radii = np.full((4, 2), radius) * [1.0, 0.5]
    infimum, middle, loss = shadow.bounds(POINTS, radii)
    np.testing.assert_allclose(middle, shadow(POINTS), rtol=1e-12, atol=1e-12)
    assert (loss >= 0).all() and loss.shape == (4, 2)
    random = np.random.default_rng(0).uniform(-1, 1, (400, 4, 2))
    inside = POINTS + radii * np.concatenate([random, np.sign(random[:40])])
    values = shadow(inside.reshape(-1, 2)).reshape(len(inside), 4)
    assert (infimum <= values.min(axis=0)).all()
    if radius < 0.01:
        gradient, hessian = shadow.derivatives(POINTS)
        steepest = (np.abs(gradient) * radii).sum(axis=1)
        curved = np.einsum("nij,ni,nj->n", np.abs(hessian) + 40, radii, radii)
        assert (infimum >= middle - steepest - curved - 1e-9).all()
    cosh = [np.cosh(abs(k) * 0.5) if axis == 0 else 1.0 for k in (2, 0.5, 0)]
    least = 3 * cosh[0] + 2 * cosh[1] + cosh[2] / 7
    assert (infimum >= plain.bounds(POINTS, radii)[0] - least - 1e-9 * (1 + np.abs(infimum))).all()


def test_frequencies_and_points_beyond_floats_are_refused() -> None:
    field = from_sympy(x**2 + sp.cos(2 * x), (x,))
    with pytest.raises(NotCertified, match="float range"):
        FloatField.on_line(field, 0, fmpq(400))
    shadow = FloatField(field)
    with np.errstate(all="ignore"):
        for bound in (
            shadow.below,
            lambda p: shadow.bounds(p, np.ones((1, 1))),
            lambda p: shadow.bounds(np.ones((1, 1)), np.abs(p)),
        ):
            for poison in (np.nan, np.inf):
                with pytest.raises(NotCertified, match="float range"):
                    bound(np.array([[poison]]))


def test_majorants_are_evaluated_together_and_from_above() -> None:
    """3x²y + y⁵/7, 0 and 2 at radii from 0 to 10⁶: at least the exact value, and no more than a relative 10⁻¹² above it."""
    polynomials = [from_sympy(sp.sympify(e), names).polynomial for e in (3 * x**2 * y + y**5 / 7, 0, 2, x)]
    radii = np.array([[0.5, 2.0], [0.0, 3.0], [1e6, 1e3], [1.0, 1e-3]])
    found = Majorants(polynomials).above(radii)
    assert found.shape == (4, 4) and (found > 0).all()
    for row, point in zip(found, radii, strict=True):
        at = [fmpq(*float(v).as_integer_ratio()) for v in point]
        for value, p in zip(row, polynomials, strict=True):
            exact = p(*at)
            assert fmpq(*float(value).as_integer_ratio()) >= exact
            assert value <= float(arb(exact)) * (1 + 1e-12) + 1e-20
    assert Majorants([from_sympy(sp.S(5), names).polynomial]).above(radii)[:, 0] == pytest.approx([5] * 4)
