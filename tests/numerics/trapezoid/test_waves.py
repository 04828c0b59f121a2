"""Sines and cosines in the loss and the observables: against Bessel series, acb.integral and the independent checker."""

import mpmath
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import certificate, enclosure, trapezoid
from numerics.certificate.witness import Shear
from numerics.errors import NotCertified
from numerics.precision import ball, digits
from numerics.trapezoid import waves
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
R = sp.Rational


def unscaled(result):
    return [b * (-arb(result.level)).exp() for b in result.balls]


def rippled_gaussian(c, square, d):
    """∫ e^{−|w|²/2 − c cos κ·w} dw = (2π)^{d/2} Σ_m (−1)^m I_m(c) e^{−m²|κ|²/2} (Jacobi–Anger, DLMF 10.35.2)."""
    terms = [(-1) ** m * arb(c).bessel_i(arb(abs(m))) * (-arb(square) * m * m / 2).exp() for m in range(-60, 61)]
    return (2 * arb.pi()).sqrt() ** d * sum(terms, arb(0))


@pytest.mark.parametrize(
    ("variables", "kappa", "n"), [((x,), (2,), 40), ((x, y), (2, 1), 25), ((x, y, z), (1, R(1, 2), -1), 10)], ids=str
)
def test_a_rippled_gaussian(variables, kappa, n):
    angle = sum(k * v for k, v in zip(kappa, variables, strict=True))
    loss = sum(v**2 for v in variables) / 2 + sp.cos(angle) / 2
    with digits(n):
        b = unscaled(trapezoid.gibbs_integrals(loss, [1], variables, 1))[0]
    with digits(2 * n):
        square = sum(fmpq(int(sp.Rational(k).p), int(sp.Rational(k).q)) ** 2 for k in kappa)
        assert b.overlaps(rippled_gaussian(fmpq(1, 2), square, len(variables)))
        assert b.rel_accuracy_bits() >= 3.32 * n


def test_waves_as_observables():
    """⟨cos κ·w⟩ = e^{−|κ|²/2}, ⟨x² cos⟩ by differentiation, products written as sums."""
    fs = [sp.cos(2 * x + y), x**2 * sp.cos(2 * x + y), sp.sin(x) ** 2, sp.sin(x + 1) * sp.cos(y), x * sp.sin(x)]
    values = [
        sp.exp(-R(5, 2)), -3 * sp.exp(-R(5, 2)), (1 - sp.exp(-2)) / 2, sp.sin(1) * sp.exp(-1), sp.exp(-R(1, 2)),
    ]  # fmt: skip
    with digits(25):
        found = unscaled(trapezoid.gibbs_integrals((x**2 + y**2) / 2, fs, (x, y), 1))
    with digits(50):
        for b, value in zip(found, values, strict=True):
            assert b.overlaps(ball(2 * sp.pi * value))
            assert b.rel_accuracy_bits() > 3.32 * 23


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.fractions(-3, 3, max_denominator=4), st.fractions(-9, 9, max_denominator=5),
    st.fractions(-2, 2, max_denominator=3), st.sampled_from([R(1, 2), R(3), R(20)]),
)  # fmt: skip
def test_the_line_agrees_with_acb_and_the_checker(k, phase, c, t):
    loss = x**4 / 4 - x / 3 + R(c) * sp.sin(R(k) * x + R(phase)) + sp.cos(x) / 3
    f = x * sp.cos(x - R(1, 3))
    with digits(20):
        result = trapezoid.gibbs_integrals(loss, [1, f], [x], t)
        others = enclosure.gibbs_integrals(loss, [1, f], x, t).unscaled()
        for b, other in zip(unscaled(result), others, strict=True):
            assert b.overlaps(other)
        for cert, g in zip(result.certificates, [1, f], strict=True):
            assert certificate.check(cert, loss, [x], t, f=g).overlaps(cert.value * (-arb(cert.level)).exp())


def test_certificates_with_waves_are_checked_and_tampering_is_found():
    loss, f = x**2 / 2 + y**2 + y**4 / 5 + sp.cos(2 * x - y + R(1, 2)) / 2, y + sp.sin(x + y)
    with digits(12):
        c = trapezoid.gibbs_integrals(loss, [f], (x, y), 2).certificate
    certificate.check(c, loss, (x, y), 2, f=f)
    e4 = arb(4).exp()
    for bad in (
        c._replace(masses=(c.masses[0] / e4, c.masses[1])), c._replace(level=c.level + 1),
        c._replace(value=arb(c.value.mid(), c.value.rad() / 2)), c._replace(shifts=(c.shifts[0] * 2, c.shifts[1])),
    ):  # fmt: skip
        with pytest.raises(NotCertified, match="certificate fails"):
            certificate.check(bad, loss, (x, y), 2, f=f)
    for other in (loss - sp.cos(2 * x - y + R(1, 2)), loss + sp.sin(x) / 50):
        with pytest.raises(NotCertified, match="certificate fails"):
            certificate.check(c, other, (x, y), 2, f=f)


def test_a_prior_with_waves():
    prior = (2 + sp.cos(x)) * sp.exp(-(x**2) / 2 + sp.sin(y) / 3)
    with digits(15):
        b = unscaled(trapezoid.gibbs_integrals(y**2, [1], (x, y), 1, prior=prior))[0]
        alone = enclosure.gibbs_integrals(y**2 - sp.sin(y) / 3, [1], y, 1).unscaled()[0]
        assert b.overlaps(alone * ball(sp.sqrt(2 * sp.pi) * (2 + sp.exp(-R(1, 2)))))


@pytest.mark.parametrize(
    ("loss", "f", "reason"),
    [
        (x**2 + y**2 + x * sp.cos(y), 1, "constant coefficients"),
        (x**2 + y**2 + sp.cos(x**2), 1, "linear"),
        (x**2 + y**2 + sp.exp(x), 1, "polynomials with sines and cosines"),
        (x**2 + y**2, sp.tanh(x), "polynomials with sines and cosines"),
        (x**2 + y**2, sp.cos(sp.pi * x), "rational"),
        (x**2 + sp.cos(y), 1, "could not be proved"),
        (x**2 - y**2 + sp.cos(y), 1, "ray"),
    ],
    ids=str,
)
def test_refusals(loss, f, reason):
    with digits(10), pytest.raises(BadInput, match=reason):
        trapezoid.gibbs_integrals(loss, [f], [x, y], 1)


@settings(max_examples=60, deadline=None)
@given(st.fractions(-250, 250, max_denominator=50))
def test_the_bound_of_cosh(eta):
    q = fmpq(eta.numerator, eta.denominator)
    with digits(40):
        assert 0 <= (arb(waves.cosh_above(q)) / arb(q).cosh() - 1) * 2**30 <= 2 or eta == 0


@pytest.mark.parametrize(
    "expr",
    [
        x**2 + 1,
        sp.cos(x) ** 2 * sp.sin(y) - 3 * x * sp.cos(2 * x - y + 1),
        (1 + sp.sin(x / 2)) ** 2 * (y - x),
        sp.sin(R(1, 3)) * x + sp.cos(2) * sp.cos(x) * sp.cos(y),
        sp.cos(x) * sp.cos(2 * x) * sp.cos(3 * y) - sp.sin(x) * y**2 + sp.sin(x),
        sp.cos(x - 1) + sp.cos(x - 1) * y + sp.sin(1 - x),
    ],
    ids=str,
)
def test_fields_are_the_expressions(expr):
    """p + Σ (p_j cos θ_j + q_j sin θ_j) evaluated at rational points, also after an affine change of variables."""

    def value(field, at):
        total = field.polynomial(*at)
        total = arb(total)
        for w in field.waves:
            angle = arb(w.phase + sum((k * v for k, v in zip(w.frequency, at, strict=True)), fmpq(0)))
            total += arb(w.cosine(*at)) * angle.cos() + arb(w.sine(*at)) * angle.sin()
        return total

    field = waves.from_sympy(sp.sympify(expr), (x, y))
    assert field.dimension == 2
    assert len({(w.frequency, w.phase) for w in field.waves}) == len(field.waves)
    offset, matrix = [fmpq(1, 2), fmpq(-2)], [[fmpq(3), fmpq(1)], [fmpq(-1), fmpq(1, 2)]]
    moved = field.affine(offset, matrix)
    with digits(25):
        for at in ((fmpq(0), fmpq(0)), (fmpq(1, 3), fmpq(-5, 4)), (fmpq(7), fmpq(2))):
            exact = expr.subs({x: R(int(at[0].p), int(at[0].q)), y: R(int(at[1].p), int(at[1].q))})
            assert value(field, at).overlaps(ball(exact))
            image = [
                o + sum((a * v for a, v in zip(row, at, strict=True)), fmpq(0))
                for o, row in zip(offset, matrix, strict=True)
            ]
            assert value(moved, at).overlaps(value(field, image))


@pytest.mark.parametrize("axis", [0, 1])
def test_real_parts_and_majorants_on_shifted_lines(axis):
    """Re F(y + ia e) with the cosh put back, and |F(y + ib e)| ≤ g(|y|) for every b ≤ a; exactly Σ |c| |y|^α at a = 0."""
    expr = x**3 - 2 * x * y + 5 - 3 * sp.cos(2 * x - y + 1) + 4 * sp.sin(x + R(1, 2))
    field, a = waves.from_sympy(expr, (x, y)), fmpq(3, 4)
    shifted, above, plain = field.shifted(axis, a), field.majorant(axis, a), field.majorant()
    value = sp.lambdify((x, y), expr, "mpmath")
    for at in ((0.5, -1.25), (-2.0, 0.25), (3.0, 3.0)):
        exact = [fmpq(*v.as_integer_ratio()) for v in at]
        for share in (0.0, 0.5, 1.0):
            beside = [mpmath.mpc(v, 0.75 * share if i == axis else 0) for i, v in enumerate(at)]
            assert abs(value(*beside)) <= float(arb(above(*(abs(e) for e in exact)))) * (1 + 1e-12)
        real = float(arb(shifted.polynomial(*exact)))
        for w in shifted.waves:
            angle = float(arb(w.phase)) + sum(float(arb(k)) * v for k, v in zip(w.frequency, at, strict=True))
            part = float(arb(waves.constant_value(w.cosine))) * mpmath.cos(angle)
            part += float(arb(waves.constant_value(w.sine))) * mpmath.sin(angle)
            real += float(part) * float(mpmath.cosh(float(arb(w.frequency[axis])) * 0.75))
        beside = [mpmath.mpc(v, 0.75 if i == axis else 0) for i, v in enumerate(at)]
        assert real == pytest.approx(float(value(*beside).real), rel=1e-12)
    assert plain(fmpq(2), fmpq(3)) == 8 + 12 + 5 + 3 + 4
    assert sorted(w.amplitude for w in field.waves) == [3, 4]
    both = waves.from_sympy(3 * sp.cos(x) - 4 * sp.sin(x), (x,))
    assert [w.amplitude for w in both.waves] == [7]
    assert both.majorant() == waves.constant(fmpq(7), 1)


def test_a_field_is_sheared_where_no_wave_stands_in_the_way():
    """x = v + y² in x² + y cos y: (v + y²)² + y cos y; along a wave it is refused."""
    shear = Shear(0, (((0, 2), fmpq(1)),))
    found = waves.from_sympy(x**2 + y * sp.cos(y) + x * sp.sin(y), (x, y)).sheared(shear)
    expected = waves.from_sympy(sp.expand((x + y**2) ** 2 + y * sp.cos(y) + (x + y**2) * sp.sin(y)), (x, y))
    assert found.polynomial == expected.polynomial
    parts = [{(w.frequency, w.phase, str(w.cosine), str(w.sine)) for w in field.waves} for field in (found, expected)]
    assert parts[0] == parts[1]
    with pytest.raises(NotCertified, match="sheared coordinates"):
        waves.from_sympy(x**2 + sp.cos(x), (x, y)).sheared(shear)


def test_cosh_is_one_at_zero_and_refused_far_out():
    assert waves.cosh_above(fmpq(0)) == 1 and waves.cosh_above(fmpq(-1)) == waves.cosh_above(fmpq(1))
    assert waves.cosh_above(fmpq(300)) > fmpq(10) ** 129
    for eta in (fmpq(301), fmpq(-301)):
        with pytest.raises(NotCertified, match="rescale"):
            waves.cosh_above(eta)


def test_constants_are_polynomials():
    assert waves.constant(fmpq(7, 2), 3)(fmpq(1), fmpq(2), fmpq(3)) == fmpq(7, 2)
    assert (
        waves.constant_value(waves.constant(fmpq(7, 2), 2)) == fmpq(7, 2)
        and waves.constant_value(waves.constant(fmpq(0), 2)) == 0
    )
    field = waves.from_sympy(x - 2 * y**2, (x, y))
    assert waves.absolute(field.polynomial)(fmpq(3), fmpq(1)) == 5
