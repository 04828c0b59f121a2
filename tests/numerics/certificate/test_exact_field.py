"""Exact fields against sympy's own evaluation at rational points, and the bounds that are made from their coefficients."""

from itertools import product

import pytest
import sympy as sp
from flint import acb, arb, fmpq

from numerics.certificate import exact_field
from numerics.certificate.exact_field import ExactField, cosh_above, problem, sheared, substituted, terms_of
from numerics.certificate.witness import Shear
from numerics.errors import NotCertified
from numerics.precision import ball, digits

x, y = names = sp.symbols("x y", real=True)
R = sp.Rational
FIELDS = (
    x**3 * y - x / 3 + 2,
    sp.cos(x - 2 * y + R(1, 2)) / 3 + y**2,
    x * sp.sin(x + y) - sp.cos(y / 2) * (1 + x * y) + x**2,
    sp.sin(x) * sp.cos(y + 1) + sp.sin(y) ** 2,
    sp.cos(1) * x + sp.sin(2) + y**4,
)
POINTS = ((fmpq(1, 3), fmpq(-5, 4)), (fmpq(0), fmpq(2)), (fmpq(-7, 2), fmpq(1, 8)))


def at(field: ExactField, z) -> acb:
    """p(z) + Σ (a cos θ + b sin θ) at a complex point."""

    def value(p):
        return sum((acb(c) * z[0] ** i * z[1] ** j for (i, j), c in terms_of(p).items()), acb(0))

    total = value(field.polynomial)
    for wave in field.waves:
        angle = acb(wave.phase) + sum((acb(k) * v for k, v in zip(wave.frequency, z, strict=True)), acb(0))
        total += value(wave.cosine) * angle.cos() + value(wave.sine) * angle.sin()
    return total


def exactly(expr, point) -> arb:
    return ball(expr.subs(dict(zip(names, (R(int(q.p), int(q.q)) for q in point), strict=True))))


def meet(found: acb, expected: arb) -> bool:
    return abs(found - acb(expected)) < arb("1e-25")


@pytest.mark.parametrize("expr", FIELDS, ids=str)
def test_a_field_is_its_expression(expr) -> None:
    with digits(30):
        field = exact_field._field(expr, names)
        assert all(meet(at(field, [acb(q) for q in point]), exactly(expr, point)) for point in POINTS)
        assert all(meet(at(field.minus(fmpq(3, 7)), [acb(q) for q in p]), exactly(expr - R(3, 7), p)) for p in POINTS)
        assert field.dimension == 2 and bool(field.waves) == expr.has(sp.cos, sp.sin)


@pytest.mark.parametrize("expr", FIELDS, ids=str)
def test_changes_of_variables_are_substitutions(expr) -> None:
    """w = b + A v, and then x = v_0 + v_1²/2 − v_1 for fields without waves along x."""
    field, offset, matrix = (
        exact_field._field(expr, names),
        (fmpq(1, 2), fmpq(-1)),
        ((fmpq(2), fmpq(1, 3)), (fmpq(0), fmpq(-1, 4))),
    )
    moved = expr.subs({x: R(1, 2) + 2 * x + y / 3, y: -1 - y / 4}, simultaneous=True)
    shear = Shear(0, (((0, 2), fmpq(1, 2)), ((0, 1), fmpq(-1))))
    with digits(30):
        assert all(meet(at(substituted(field, offset, matrix), [acb(q) for q in p]), exactly(moved, p)) for p in POINTS)
        if any(wave.frequency[0] != 0 for wave in field.waves):
            with pytest.raises(NotCertified, match="shear"):
                sheared(field, shear)
        else:
            bent = expr.subs(x, x + y**2 / 2 - y)
            assert all(meet(at(sheared(field, shear), [acb(q) for q in p]), exactly(bent, p)) for p in POINTS)
    with pytest.raises(NotCertified, match="shear"):
        sheared(field, Shear(0, (((1, 1), fmpq(1)),)))


def test_the_integrand_of_a_problem_is_split_into_amplitude_and_potential() -> None:
    """F e^{−V} = f e^{−tL} prior, with exponential factors of the prior in V."""
    loss, f = x**2 + y**2 / 2 + sp.cos(x) / 3, y + sp.sin(x)
    prior = (2 + x**2) * sp.exp(-(y**2) / 3) * sp.exp(x / 5)
    v, amplitude = problem(loss, prior, f, names, fmpq(5, 2))
    with digits(30):
        for p in POINTS:
            z = [acb(q) for q in p]
            assert meet(at(v, z), exactly(loss * R(5, 2) + y**2 / 3 - x / 5, p)) and meet(
                at(amplitude, z), exactly(f * (2 + x**2), p)
            )


@pytest.mark.parametrize(
    ("loss", "f", "words"),
    [
        (x**2 + x * sp.cos(y), 1, "constant coefficients"),
        (x**2 + y * sp.sin(y), 1, "constant coefficients"),
        (x**2 + sp.cos(x**2), 1, "linear arguments"),
        (x**2 + sp.exp(x), 1, "polynomials"),
        (x**2, sp.tanh(x), "polynomials"),
        (x**2, sp.tanh(x) * sp.cos(y), "polynomials"),
    ],
)
def test_other_fields_are_refused(loss, f, words) -> None:
    with pytest.raises(NotCertified, match=words):
        problem(loss, 1, f, names, 1)


@pytest.mark.parametrize("expr", FIELDS, ids=str)
@pytest.mark.parametrize("axis", [0, 1])
def test_the_majorant_dominates_on_shifted_lines(expr, axis: int) -> None:
    """|f(y + i b e_axis)| ≤ g(|y|) for |b| ≤ a; at a = 0 a polynomial with one term has itself for a majorant."""
    field, a = exact_field._field(expr, names), fmpq(3, 4)
    g = ExactField(field.majorant(axis, a), ())
    for point, b in product(POINTS, (fmpq(-3, 4), fmpq(0), fmpq(3, 4))):
        z = [acb(q, b if i == axis else 0) for i, q in enumerate(point)]
        assert abs(at(field, z)) <= at(g, [acb(abs(q)) for q in point]).real
    if field.waves and all(w.cosine.is_constant() and w.sine.is_constant() for w in field.waves):
        waves = field._replace(polynomial=field.polynomial * 0)
        assert all(
            abs(at(waves, [acb(q, a if i == axis else 0) for i, q in enumerate(p)])) <= arb(field.dip(axis, a))
            for p in POINTS
        )


def test_bounds_of_one_term_are_sharp() -> None:
    """3xy² → 3|x||y|², and a wave of size 5/2 dips by no more than 5/2 cosh(2a) along x, by 5/2 along y."""
    g = exact_field._field(-3 * x * y**2, names).majorant()
    assert terms_of(g) == {(1, 2): 3}
    wave = exact_field._field(2 * sp.cos(2 * x) - sp.sin(2 * x) / 2, names)
    assert wave.dip(1, fmpq(9)) == sum(w.size for w in wave.waves) == fmpq(5, 2)
    assert wave.dip(0, fmpq(1)) == fmpq(5, 2) * cosh_above(fmpq(2))
    for eta in (fmpq(0), fmpq(1, 7), fmpq(-5), fmpq(30)):
        excess = arb(cosh_above(eta)) / arb(eta).cosh() - 1
        assert not excess < 0 and excess < arb("1e-12")
