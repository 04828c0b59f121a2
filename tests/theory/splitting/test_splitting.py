"""The splitting lemma: coordinates that really split, and expansions that agree with `theory.laplace`."""

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import laplace
from theory.errors import BadInput
from theory.singular import lemma20
from theory.splitting import Local, split

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational
small = st.integers(-2, 2)


def terms(K, names, degree):
    """The terms of total degree ≤ degree of a polynomial."""
    kept = ((m, c) for m, c in sp.Poly(K, *names).terms() if sum(m) <= degree)
    return sp.Add(*(c * sp.Mul(*(v**n for v, n in zip(names, m, strict=True))) for m, c in kept))


@pytest.mark.parametrize(
    "K",
    [
        x**2 + x * y + y**2 + x**3 + x * y**2 * z + (x + z) ** 4,
        x * y + z**3 + x**2 * z - y * z**2,
        (x + y) ** 2 + x**3 - y**4 + x * y * z + z**4,
    ],
    ids=str,
)
def test_substitution_gives_the_normal_form(K) -> None:
    """K∘ψ by sympy's own substitution, whatever rank and signature the quadratic part has."""
    found = split(K, (x, y, z), order=4)
    image = sp.expand(K.subs(dict(zip((x, y, z), found.images, strict=True)), simultaneous=True))
    assert sp.expand(terms(image, found.coordinates, 4) - found.normal_form) == 0


@settings(max_examples=15, deadline=None)
@given(st.lists(small, min_size=6, max_size=6), st.lists(small, min_size=6, max_size=6))
def test_nothing_is_left(quadratic, cubic) -> None:
    """Rank, defect, and a residual without a 2-jet, for quadratic parts of every rank and signature."""
    monomials = [x**2, x * y, y**2, x * z, y * z, z**2]
    K = sum(c * m for c, m in zip(quadratic, monomials, strict=True)) + sum(
        c * m for c, m in zip(cubic, [x**3, x * y**2, y * z**2, x * y * z, z**4, x**2 * z], strict=True)
    )
    found = split(K, (x, y, z), order=4)
    assert len(found.regular) == sp.hessian(K, (x, y, z)).subs({x: 0, y: 0, z: 0}).rank()
    assert found.defect() == 0
    if found.residual != 0:
        assert min(sum(m) for m in sp.Poly(found.residual, *found.singular).monoms()) >= 3


def test_a_hidden_singularity() -> None:
    """(x − y²)² + y⁸: x_1 = x − y², g = y⁸; λ = ½ + ⅛."""
    found = split((x - y**2) ** 2 + y**8, (x, y), order=10)
    x1, y1 = found.coordinates
    assert found.normal_form == x1**2 + y1**8
    assert found.images == (x1 + y1**2, y1)
    assert Local(found).law.threshold == R(5, 8)


def test_away_from_the_origin_and_analytic() -> None:
    K = sp.cosh(x - 1) - 1 + (x - 1) * (y + 2) ** 2 + (y + 2) ** 4
    found = split(K, (x, y), order=7, at={x: 1, y: -2})
    assert found.defect() == 0
    y1 = found.singular[0]
    assert sp.Poly(found.residual, y1).coeff_monomial(y1**4) == R(1, 2)  # 1 − ½·(1)²/1


@pytest.mark.parametrize("phi", [x, x * y, y**2 + x**3], ids=str)
def test_corank_zero_is_the_laplace_expansion(phi) -> None:
    """Two roads that share no step: Gaussian moments of jets, and exact coordinates."""
    L = x**2 / 2 + x * y / 3 + y**2 + x**3 / 6 - x * y**2 + x**4 + y**4
    found = Local(split(L, (x, y), order=8), prior=1 + x).expectation(phi).expanded()
    expected = laplace.expectation(L, phi, (x, y), order=3, prior=1 + x)
    assert {int(term.power): sp.nsimplify(term.polynomial) for term in found.terms} == {
        k: c for k, c in enumerate(expected) if c != 0
    }


def test_covariances_too() -> None:
    L = x**2 + x * y + y**2 + x**3 + x**4 + y**4
    found = Local(split(L, (x, y), order=6)).cumulant([x, y**2]).expanded()
    expected = laplace.cumulant(L, [x, y**2], (x, y), order=2)
    assert [(term.power, term.polynomial) for term in found.terms] == [(k, c) for k, c in enumerate(expected) if c != 0]


def test_lemma_20_through_the_splitting() -> None:
    """aᵀΣb exactly, for a Hessian that is not diagonal."""
    H = sp.Matrix([[2, 1, 0], [1, 3, 1], [0, 1, 2]])
    w, a, b = sp.Matrix([x, y, z]), sp.Matrix([1, 2, -1]), sp.Matrix([3, 0, 1])
    local = Local(split((w.T * H * w)[0] / 2 + x**3 + y**2 * z, (x, y, z), order=4))
    found = lemma20(local.law, local.pull((a.T * w)[0] + x * y), local.pull((b.T * w)[0]))
    assert found == (a.T * H.inv() * b)[0]


@pytest.mark.parametrize(("t", "n"), [(10**4, 3), (10**6, 4)])
def test_corank_one_against_quadrature(t: int, n: int) -> None:
    """(x − y²)² + y⁴ + y⁵: ⟨x⟩, x integrated exactly, y by quadrature; the terms left out are of relative size t^{−5/4}."""
    K = (x - y**2) ** 2 + y**4 + y**5
    ratio = Local(split(K, (x, y), order=12)).expectation(x)
    assert ratio.leading == (sp.gamma(R(3, 4)) / sp.gamma(R(1, 4)), R(1, 2), 0)
    found = mp.mpf(str(sp.N(ratio.series(sp.Integer(t)), 25)))
    with mp.workdps(25):

        def moment(p):
            width = mp.mpf(t) ** -0.25
            return mp.quad(lambda v: v**p * mp.exp(-t * (v**4 + v**5)), [k * width for k in range(-9, 10, 3)])

        expected = moment(2) / moment(0)
    assert abs(found / expected - 1) < mp.mpf(10) ** -n


def test_what_a_low_order_cannot_see_is_not_told() -> None:
    """y⁸ changes ∫ e^{−tK} by 1/t, and a splitting of order 6 is right below t^{−3/4}: the terms are the first of a longer one."""
    short, long = (Local(split(x**2 + y**4 + y**5 + y**8, (x, y), order=n)).integral().terms for n in (6, 12))
    assert [term.power for term in short] == [R(3, 4), R(5, 4)]
    assert short == long[:2] and long[2].power == R(7, 4)


def test_several_singular_directions() -> None:
    """x² + y⁴ + z⁴ + y²z² + …: λ = ½ + ½, and ⟨y²⟩ to leading order from the homogeneous part alone."""
    local = Local(split(x**2 + y**4 + z**4 + y**2 * z**2 + y**5 + x * y**2 * z, (x, y, z), order=6))
    assert (local.law.threshold, local.law.multiplicity) == (1, 1)
    plain = Local(split(x**2 + y**4 + z**4 + y**2 * z**2, (x, y, z), order=6))
    assert local.expectation(y**2).leading == plain.expectation(y**2).leading


@pytest.mark.parametrize(
    ("K", "order", "says"),
    [
        (x**2 - y**2, 4, "has no minimum at (0, 0): its quadratic part has the coefficients (2, -2)"),
        (x**2 * y**2, 4, "the residual y1**2*y2**2 of x**2*y**2 has no power of y1 alone up to degree 4"),
        (x**2, 4, "has no power of y1 alone up to degree 4"),
        (x**2 + y**4, 3, "has no power of y1 alone up to degree 3"),
        (x**2 + y**3, 6, "y1**3 changes its sign where y1 does"),
    ],
)
def test_what_has_no_local_expansion(K, order, says) -> None:
    with pytest.raises(BadInput) as caught:
        Local(split(K, (x, y), order=order)).expectation(x)
    assert says in str(caught.value)


def test_bad_points_and_orders() -> None:
    with pytest.raises(BadInput, match="is not critical at"):
        split(x**2 + y, (x, y), order=3)
    with pytest.raises(BadInput, match="the order of a splitting is an integer ≥ 2"):
        split(x**2, (x,), order=1)
    with pytest.raises(BadInput, match="for f∘ψ to degree 5 split with order=6"):
        split(x**2 + y**4, (x, y), order=4).pull(x, 5)


def test_a_value_at_the_minimum_and_irrational_coefficients() -> None:
    """7 + x² + √2 xy² + y⁴ + √3 y⁵ = 7 + (x + y²/√2)² + y⁴/2 + √3 y⁵."""
    K = 7 + x**2 + sp.sqrt(2) * x * y**2 + y**4 + sp.sqrt(3) * y**5
    found = split(K, (x, y), order=5)
    (y1,) = found.singular
    assert sp.expand(found.residual - y1**4 / 2 - sp.sqrt(3) * y1**5) == 0
    assert found.K == K - 7 and found.defect() == 0
    assert found.jacobian == 1
    (x1,) = found.regular
    image = sp.expand(found.pull(sp.sqrt(5) * x + x * y, 3))
    assert sp.expand(image - (sp.sqrt(5) + y1) * (x1 - y1**2 / sp.sqrt(2))) == 0


@pytest.mark.parametrize(
    ("K", "at"),
    [
        (x * y + x**3 - x * y**2 + y**4, (0, 0)),
        ((y - 1) ** 2 + (x + 2) ** 4 + (y - 1) * (x + 2) ** 2, (-2, 1)),
        (sp.cosh(x - y) - 1 + sp.exp(y) * (x + y) ** 2, (0, 0)),
    ],
    ids=str,
)
def test_what_is_pulled_back_and_the_volume(K, at) -> None:
    """f∘ψ and det Dψ to the degree that is known, by sympy's substitution and determinant."""
    found = split(K, (x, y), order=5, at=at)
    names = found.coordinates
    series = sp.Add(*(sp.exp(at[0]) * (x - at[0]) ** n / sp.factorial(n) for n in range(5)))  # of exp x
    for f, polynomial in ((1 - 3 * x + y * x**2 + sp.sqrt(5) * x * y**3,) * 2, (y * sp.exp(x), y * series)):
        direct = sp.expand(polynomial.subs(dict(zip((x, y), found.images, strict=True)), simultaneous=True))
        for degree in (0, 2, 4):
            assert sp.expand(found.pull(f, degree) - terms(direct, names, degree)) == 0
    volume = sp.Matrix(found.images).jacobian(names).det()
    assert sp.expand(found.jacobian - terms(sp.expand(volume), names, 3)) == 0


@pytest.mark.parametrize(
    ("K", "at", "prior", "expected"),
    [
        (3 * y**2 + 5 * x**4, (0, 0), 1, sp.sqrt(sp.pi / 3) * sp.gamma(R(1, 4)) / 2 * 5 ** R(-1, 4)),
        (
            sp.sqrt(2) * y**2 + sp.sqrt(3) * x**4,
            (0, 0),
            1,
            sp.sqrt(sp.pi) * 2 ** R(-1, 4) * sp.gamma(R(1, 4)) / 2 * 3 ** R(-1, 8),
        ),
        (
            2 + 3 * (x + 2) ** 4 + (y - 1) ** 2,
            (-2, 1),
            x**2,
            4 * sp.sqrt(sp.pi) * sp.gamma(R(1, 4)) / 2 * 3 ** R(-1, 4),
        ),
        (y**2 + z**2 + x**4, (0, 0, 0), 2 - y, sp.pi * sp.gamma(R(1, 4))),
    ],
    ids=str,
)
def test_integrals_are_positive_whatever_the_order_of_the_coordinates(K, at, prior, expected) -> None:
    """∫ e^{−t(K − K(w*))} φ to leading order, singular directions before the others: |det Dψ| and φ(w*)."""
    names = (x, y, z)[: len(at)]
    found = Local(split(K, names, order=4, at=at), prior=sp.sympify(prior)).integral().leading
    assert (found.power, found.log_power) == (R(len(at), 2) - R(1, 4), 0)
    assert sp.simplify(found.coefficient - expected) == 0


def test_the_first_correction_of_an_integral() -> None:
    """K = x²/2 + ax³ + bx⁴: √(2π/t) [1 + (15a²/2 − 3b)/t + …]."""
    a, b = R(1, 3), R(2, 5)
    first, second = Local(split(x**2 / 2 + a * x**3 + b * x**4, (x,), order=4)).integral().terms[:2]
    assert (first.power, second.power) == (R(1, 2), R(3, 2))
    assert sp.simplify(first.polynomial - sp.sqrt(2 * sp.pi)) == 0
    assert sp.simplify(second.polynomial - sp.sqrt(2 * sp.pi) * (R(15, 2) * a**2 - 3 * b)) == 0


def test_weights_and_reach() -> None:
    """½ for what is Gaussian, 1/n for y^n; K to degree N and φ det Dψ to N − 2 reach as far as the lower of the two."""
    local = Local(split(x**2 + y**4 + z**6, (x, y, z), order=8))
    first, second = local.splitting.singular
    assert local.weights == {local.splitting.regular[0]: R(1, 2), first: R(1, 4), second: R(1, 6)}
    assert local.reach == R(1, 2)  # of z⁹, less 1, and of z⁷ in the density


def test_parts_below_the_pure_powers_are_refused() -> None:
    with pytest.raises(BadInput, match=r"is not led by a quasi-homogeneous part: .* is lower than its pure powers"):
        Local(split(x**6 + y**6 + x**2 * y**2, (x, y), order=6)).integral()


def test_the_correction_by_what_follows_the_leading_part() -> None:
    """x² + y⁴ + 3y⁶: 1 − 3t E y⁶ + … = 1 − 3 Γ(7/4)/Γ(1/4) t^{−1/2}, for E under e^{−ty⁴}; order 2 is enough for x²."""
    first, second = Local(split(x**2 + y**4 + 3 * y**6, (x, y), order=7)).integral().terms[:2]
    assert (first.power, second.power) == (R(3, 4), R(5, 4))
    ratio = second.polynomial / first.polynomial
    assert sp.simplify(sp.gammasimp(ratio + 3 * sp.gamma(R(7, 4)) / sp.gamma(R(1, 4)))) == 0
    assert split(x**2, (x,), order=2).normal_form == split(x**2, (x,), order=2).coordinates[0] ** 2
