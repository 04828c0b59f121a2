"""The independent checker: honest certificates pass, tampered ones are refused by the inequality they break."""

import random
from collections.abc import Iterator

import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import certificate, enclosure, trapezoid
from numerics.certificate import Certificate, Shear
from numerics.errors import NotCertified
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
R = sp.Rational


def random_part(draw: random.Random, v: sp.Expr) -> sp.Expr:
    """Steep and flat, degenerate and nearly so, wells, skew, shifted."""
    v = v - R(draw.randint(-80, 80), 8)
    return {
        "flat4": v**4 / draw.choice([1, 50]),
        "flat6": v**6 / 6 + v**2 / 50,
        "wells": (v**2 - R(draw.randint(2, 7), 2)) ** 2 / 4 + v / draw.randint(7, 30),
        "quadratic": v**2 * draw.choice([R(1, 200), R(1, 2), 300]),
        "cubic": v**2 / 2 + v**3 / 6 + v**4 / 12,
        "near": v**2 / draw.choice([100, 10**4, 10**8]) + v**4 / 100,
    }[draw.choice(["flat4", "flat6", "wells", "quadratic", "cubic", "near"])]


def random_problem(seed: int, d: int) -> tuple[sp.Expr, list[sp.Symbol], sp.Rational]:
    """A sum of parts along the coordinates, or along sheared ones."""
    draw = random.Random(seed)
    variables = [x, y, z][:d]
    forms: list[sp.Expr] = list(variables)
    if d > 1 and draw.random() < 0.6:
        for i in range(d - 1):
            forms[i] = forms[i] + R(draw.randint(-4, 4), 4) * forms[i + 1]
    loss = sp.expand(sum(random_part(draw, form) for form in forms))
    return loss, variables, draw.choice([R(1, 3), R(1), R(10), R(1000)])


def value_and_certificate(loss, variables, t, n, f=1):
    with digits(n):
        return trapezoid.gibbs_integrals(loss, [f], variables, t).certificate


@pytest.mark.parametrize("d", [1, 2])
@settings(max_examples=14, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), f=st.sampled_from([sp.S.One, x, x**2 - 3 * x]))
def test_honest_certificates_pass(d, seed, f):
    loss, variables, t = random_problem(seed, d)
    n = 20 if d == 1 else 12
    c = value_and_certificate(loss, variables, t, n, f)
    checked = certificate.check(c, loss, variables, t, f=f)
    with digits(2 * n):
        claimed = c.value * (-arb(c.level)).exp()
        assert checked.overlaps(claimed)
        assert checked.rad() <= claimed.rad() * (1 + arb(2) ** -20)
        if d == 1:
            assert checked.overlaps(enclosure.gibbs_integrals(loss, [f], x, t).unscaled()[0])


SPACE = (
    x**2 + y**2 + z**2 + x**3 / 3 + x * y * z / 2 + x**4 + y**4 + z**4,
    x**2 + (x + y) ** 4 / 3 + z**2 + y**2 / 5,
)


@pytest.mark.parametrize("loss", SPACE, ids=str)
def test_three_variables(loss):
    c = value_and_certificate(loss, [x, y, z], 5, 8, x**2)
    assert certificate.check(c, loss, [x, y, z], 5, f=x**2).overlaps(c.value * (-arb(c.level)).exp())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_three_variables_at_random(seed):
    loss, variables, t = random_problem(seed, 3)
    c = value_and_certificate(loss, variables, t, 6)
    certificate.check(c, loss, variables, t)


def test_a_prior_enters_the_check():
    prior = (1 + x**2) * sp.exp(-(x**2) / 2) * sp.exp(-(y**2) / 2)
    posterior = Posterior(x**2 * y**2, [x, y], R(1, 2), prior=prior, digits=12)
    posterior.expectation(y**2)
    assert set(posterior.certificates) == {sp.S.One, y**2}
    for f, c in posterior.certificates.items():
        checked = certificate.check(c, posterior.loss, [x, y], posterior.t, prior=prior, f=f)
        assert checked.rel_accuracy_bits() > 40
    with pytest.raises(NotCertified, match=r"certificate fails"):
        certificate.check(posterior.certificates[sp.S.One], posterior.loss, [x, y], posterior.t, f=1)


def test_floats_that_are_exact_may_be_given():
    c = value_and_certificate(0.5 * x**2, [x], 1, 15)
    with digits(30):
        assert certificate.check(c, 0.5 * x**2, [x], 1).overlaps(ball(sp.sqrt(2 * sp.pi)))


E4 = arb(4).exp()


def scaled(rows, factor):
    return tuple(tuple(a * factor for a in row) for row in rows)


def tampered(c: Certificate) -> Iterator[tuple[str, Certificate]]:
    """(the inequality that breaks, the certificate with one entry changed)."""
    d, nine_eighths = len(c.steps), fmpq(9, 8)
    short = c.tail._replace(radii=tuple(r / 2 for r in c.tail.radii))
    short_line = c.line_tails[0]._replace(radii=tuple(r / 2 for r in c.line_tails[0].radii))
    doubled = (c.steps[0] * 2, *c.steps[1:])
    yield "mass", c._replace(masses=(c.masses[0] / E4, *c.masses[1:]))
    yield "mass", c._replace(masses=(*c.masses[:-1], c.masses[-1] / E4))
    yield "tail", c._replace(tail_bound=c.tail_bound / 2)
    yield "growth", c._replace(tail=short)
    yield "growth", c._replace(line_tails=(short_line, *c.line_tails[1:]))
    yield "growth", c._replace(tail=c.tail._replace(m=c.tail.m * 8))
    yield "tail|error", c._replace(steps=doubled)
    yield "error|mass", c._replace(steps=doubled, tail_bound=c.tail_bound * 4)
    yield "frame", c._replace(matrix=scaled(c.matrix, nine_eighths))
    yield "mass|sum", c._replace(matrix=scaled(c.matrix, nine_eighths), determinant=c.determinant * nine_eighths**d)
    yield "frame", c._replace(tail=c.tail._replace(matrix=scaled(c.tail.matrix, 2)))
    yield "mass|growth", c._replace(shifts=(c.shifts[0] * 2, *c.shifts[1:]))
    yield "mass|growth|sum", c._replace(centre=(c.centre[0] + 1, *c.centre[1:]))
    yield "mass|sum", c._replace(level=c.level - 1)
    yield "error", c._replace(value=arb(c.value.mid(), c.value.rad() / 2))
    yield "error", c._replace(value=c.value.mid())
    yield "shifts", c._replace(shifts=(-c.shifts[0], *c.shifts[1:]))
    yield "steps", c._replace(steps=(fmpq(0), *c.steps[1:]))
    yield "shape", c._replace(masses=c.masses[1:])
    zero, ragged = (0,) * d, ((fmpq(1),) * (d + 1), *c.matrix[1:])
    yield "shape", c._replace(matrix=ragged)
    for name in ("matrix", "inverse"):
        yield "shape", c._replace(tail=c.tail._replace(**{name: ragged}))
    for alpha in ((*zero, 0), zero[1:], (*zero[1:], -1)):
        yield "shear", c._replace(shears=(Shear(0, ((alpha, fmpq(1)),)),))
        for square in ((alpha, zero, fmpq(1)), (zero, alpha, fmpq(1))):
            yield "shape", c._replace(tail=c.tail._replace(squares=(square,)))
            yield "shape", c._replace(line_tails=(*c.line_tails[:-1], c.line_tails[-1]._replace(squares=(square,))))
    for axis in (-1, d):
        yield "shear", c._replace(shears=(Shear(axis, ()),))
    for bad in (arb("nan"), arb("inf"), arb(0, float("inf"))):
        yield "shape", c._replace(masses=(bad, *c.masses[1:]))
        yield "shape", c._replace(tail_bound=bad)
        yield "shape", c._replace(value=bad)
    yield "growth", c._replace(tail=c.tail._replace(powers=(3,) * d))
    with digits(60):
        yield "sum", c._replace(value=c.value + 3 * c.value.rad())


TAMPERED = [
    (x**2 / 2 + x**3 / 6 + x**4 / 8 + x / 3, [x], 3, 20),
    (x**2 + y**2 / 2 + x**2 * y / 2 + x**4 / 3 + y**4 / 5, [x, y], 4, 12),
    (x**2 / 2 + y**2 + z**2 / 2 + x * y / 3 + z**4 / 4, [x, y, z], 1, 6),
]


@pytest.mark.parametrize(("loss", "variables", "t", "n"), TAMPERED, ids=["d=1", "d=2", "d=3"])
def test_a_tampered_certificate_is_refused(loss, variables, t, n):
    c = value_and_certificate(loss, variables, t, n)
    certificate.check(c, loss, variables, t)
    for inequality, bad in tampered(c):
        with pytest.raises(NotCertified, match=rf"fails at the inequality '({inequality})'"):
            certificate.check(bad, loss, variables, t)


def test_every_entry_of_a_certificate_has_its_sign_and_its_place():
    """In two variables each entry alone is told, not only all of them together."""
    loss, variables, t, n = TAMPERED[1]
    c = value_and_certificate(loss, variables, t, n)

    def with_one(row, k, value):
        return (*row[:k], value, *row[k + 1 :])

    for k in range(2):
        for name, words in (("steps", "every step must be > 0"), ("shifts", "every shift must be > 0")):
            with pytest.raises(NotCertified, match=words):
                certificate.check(c._replace(**{name: with_one(getattr(c, name), k, fmpq(0))}), loss, variables, t)
        for growth in (
            {"radii": with_one(c.tail.radii, k, fmpq(0))}, {"powers": with_one(c.tail.powers, k, 3)}, {"m": fmpq(0)},
            {"powers": with_one(c.tail.powers, k, 0)},
        ):  # fmt: skip
            for bad in (
                c._replace(tail=c.tail._replace(**growth)),
                c._replace(line_tails=with_one(c.line_tails, k, c.line_tails[k]._replace(**growth))),
            ):
                with pytest.raises(NotCertified, match="m and the radii must be > 0, the powers even"):
                    certificate.check(bad, loss, variables, t)
    for name in ("centre", "matrix", "steps", "shifts", "masses", "line_tails"):
        with pytest.raises(NotCertified, match="the problem has 2 variables"):
            certificate.check(c._replace(**{name: getattr(c, name)[1:]}), loss, variables, t)
    for name in ("matrix", "inverse", "shift", "radii", "powers"):
        with pytest.raises(NotCertified, match="a frame needs 2 entries"):
            certificate.check(c._replace(tail=c.tail._replace(**{name: getattr(c.tail, name)[1:]})), loss, variables, t)


def test_a_certificate_belongs_to_its_problem():
    c = value_and_certificate(x**2 + y**2, [x, y], 2, 10)
    for loss, f, t in [(x**2 + y**2 + x / 10, 1, 2), (x**2 + y**2, x**2, 2), (x**2 + y**2, 1, 3)]:
        with pytest.raises(NotCertified, match="certificate fails"):
            certificate.check(c, loss, [x, y], t, f=f)
    with pytest.raises(NotCertified, match="shape"):
        certificate.check(c, x**2, [x], 2)
    with pytest.raises(NotCertified, match="polynomials"):
        certificate.check(c, sp.cosh(x) + y**2, [x, y], 2)
    with pytest.raises(BadInput, match="not the text"):
        certificate.check(c, "x**2", [x, y], 2)
    with pytest.raises(BadInput, match="one variable at least"):
        certificate.check(c, 1, [], 2)


def test_what_lies_outside():
    """The bound of ∫ outside the box holds for a Gaussian, where the truth is an error function."""
    c = value_and_certificate(x**2 / 2, [x], 1, 12)
    (reach,), bound = certificate.outside(c, x**2 / 2, [x], 1)
    with digits(40):
        scale = arb(c.determinant)
        truth = (arb(2) * arb.pi()).sqrt() * (arb(reach) * scale / arb(2).sqrt()).erfc()
        assert truth < bound * scale * arb(-c.level).exp()
        assert bound < arb(10) ** -30
    assert certificate.outside(c, x**2 / 2, [x], 1, prior=1, f=1) == ((reach,), bound)  # the prior and f left out are 1


def sharpness(count: int) -> tuple[int, int]:
    """(balls that miss the truth, balls that miss it once every M is divided by e⁴), truth from another road at 60 digits."""
    honest = divided = 0
    for seed in range(count):
        loss, variables, t = random_problem(1000 + seed, 1)
        c = value_and_certificate(loss, variables, t, 20)
        with digits(60):
            truth = enclosure.gibbs_integrals(loss, [1], x, t).unscaled()[0] * arb(c.level).exp()
            whole = 2 * c.masses[0] / (2 * arb.pi() * arb(c.shifts[0] / c.steps[0])).expm1() * arb(c.determinant)
            distance = abs(c.value.mid() - truth)
            honest += bool(distance > c.value.rad())
            divided += bool(distance > c.value.rad() - whole * (1 - 1 / E4))
    return honest, divided


def test_the_mass_bound_is_sharp():
    """An error bound smaller by e⁴ would be false for most problems, so a checker that let it pass would be wrong."""
    honest, divided = sharpness(50)
    assert honest == 0
    assert divided > 25


def test_a_certificate_with_a_shear_passes() -> None:
    """y = v + x² with x⁰ and y⁰ among its exponents: ∫∫ e^{−(y − x²)² − x²/4} = 2π."""
    loss = (y - x**2) ** 2 + x**2 / 4
    c = value_and_certificate(loss, [x, y], 1, 6)
    assert c.shears and certificate.check(c, loss, [x, y], 1).overlaps(ball(2 * sp.pi))
