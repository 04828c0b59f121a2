"""Charts read off expressions: contents, parities, scalings, refusals."""

import pytest
import sympy as sp

from theory import zeta
from theory.errors import BadInput
from theory.zeta import Side
from theory.zeta.content import content, summands
from theory.zeta.positivity import positive
from theory.zeta.taylor import Removable

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


@pytest.mark.parametrize(
    ("expr", "powers", "signs", "rest"),
    [
        (3 * x**2 * y, (2, 1), (0, 1), 3),
        (sp.Abs(x) ** R(1, 2) * sp.sign(y), (R(1, 2), 0), (0, 1), 1),
        (x**2 * y + x * y**2, (1, 1), (1, 1), x + y),
        ((x + x * y) ** 2, (2, 0), (0, 0), (1 + y) ** 2),
        (sp.sqrt(x**2 + x**2 * y), (1, 0), (0, 0), sp.sqrt(1 + y)),
        (sp.Abs(x * y) ** 3, (3, 3), (0, 0), 1),
        (sp.tanh(x) ** 2 * sp.exp(y), (2, 0), (0, 0), Removable(sp.tanh(x), x, 1) ** 2 * sp.exp(y)),
        (x / (1 + x) - x, (2, 0), (0, 0), -1 / (1 + x)),
    ],
    ids=str,
)
def test_contents(expr, powers, signs, rest) -> None:
    found = content(expr, (x, y))
    assert found[:2] == (powers, signs)
    assert sp.simplify(found[2] - rest) == 0


def test_polynomial_densities_become_monomials() -> None:
    found = summands((1 + x) * (1 - x) * sp.Abs(y), (x, y))
    assert sorted((powers, rest) for powers, _, rest in found) == [((0, 1), 1), ((2, 1), -1)]


def test_odd_parts_of_symmetric_domains_go() -> None:
    charts = zeta.charts(x**2, (x,), domain="symmetric", density=(1 + x) ** 3)
    (monomial,) = zeta.charts(x**2, (x,), domain="symmetric", density=1)
    (square,) = zeta.charts(x**2, (x,), domain="symmetric", density=3 * x**2)
    for s in (R(1, 2), R(3, 2)):
        whole = zeta.laurent(charts, s, 1)
        parts = zeta.laurent((monomial, square), s, 1)
        assert whole == parts
    assert zeta.charts(x**2 * y**2, (x, y), domain="symmetric", density=x) == ()
    assert zeta.charts(x**2, (x,), domain="symmetric", density=sp.sin(x)) == ()


def test_units_that_are_not_even_have_two_charts() -> None:
    found = zeta.charts(x**2 * (2 + x), (x,), domain="symmetric")
    assert [c.unit for c in found] == [x + 2, 2 - x]


@pytest.mark.parametrize("size", [2, R(1, 3)])
def test_extents_scale(size) -> None:
    """∫_0^B (x²(1+x))^z/(3+x) dx = ∫_0^1 (B³y²(1/B + y))^z/(3+By) B dy."""
    one = zeta.charts(x**2 * (1 + x), (x,), domain=Side(False, extent=sp.sympify(size)), density=1 / (3 + x))
    other = zeta.charts(size**3 * x**2 * (R(1) / size + x), (x,), density=size / (3 + size * x))
    for s in (R(1, 2), 1):
        a, b = zeta.laurent(one, s), zeta.laurent(other, s)
        assert a.order == b.order
        assert all(sp.simplify(p - q) == 0 for p, q in zip(a.coefficients, b.coefficients, strict=True))


def test_variances_scale() -> None:
    """x ~ N(0, σ²) under x² is y ~ N(0, 1) under σ²y²."""
    wide = zeta.charts(x**2, (x,), domain=Side(True, variance=sp.Integer(5)), density=x**2)
    unit = zeta.charts(5 * x**2, (x,), domain="gaussian", density=5 * x**2)
    for s in (R(3, 2), R(5, 2)):
        (a,), (b,) = zeta.laurent(wide, s).coefficients, zeta.laurent(unit, s).coefficients
        assert sp.simplify(a - b) == 0


def test_half_gaussians_are_half() -> None:
    whole, half = (zeta.charts(x**4, (x,), domain=d) for d in ("gaussian", "half-gaussian"))
    for s in (R(1, 4), R(3, 4)):
        (a,), (b,) = zeta.laurent(whole, s).coefficients, zeta.laurent(half, s).coefficients
        assert sp.expand(a - 2 * b) == 0


@pytest.mark.parametrize(
    ("f", "far", "proved"),
    [
        (1 - x + x**2, True, True),
        (1 - 3 * x + x**2, True, False),
        (R(11, 10) - x, False, True),
        (R(11, 10) - x, True, False),
        (1 - x, False, False),
        (2 + sp.sin(5 * x), False, True),
        (Removable(sp.tanh(x), x, 1), False, True),
        (Removable(sp.tanh(x) ** 2 + sp.tanh(2 * x) ** 2, x, 2), False, True),
        (sp.exp(x) - R(3, 2), False, False),
        (Removable(sp.asinh(x), x, 1), False, True),
        (Removable(sp.cot(1 + x) - sp.cot(1), x, 1), False, False),
    ],
    ids=str,
)
def test_positivity_is_proved_or_has_a_witness(f, far, proved) -> None:
    assert (positive(f, [x], [far]) == "") is proved
    with pytest.raises(ValueError, match="shorter"):
        positive(x - y, [x, y], [far])


@pytest.mark.parametrize(
    ("K", "kwargs", "says"),
    [
        (x**3, {"domain": "symmetric"}, "x**3 changes its sign where x does; K must be ≥ 0, as a loss less its minimum is"),
        (sp.exp(x), {}, "exp(x) is not a normal crossing u·Π x_i^(2k_i) with a unit u > 0 and some k_i > 0; "
         "resolve its singularity first"),
        (x**2 * (1 - 2 * x), {}, "the factor 1 - 2*x of K is not proved positive on the domain (at x = 1.000 its value is -1.000); "
         "K is not a normal crossing there: resolve its zeros first, or shrink the domain"),
        (x**2, {"domain": "sphere"}, "domain 'sphere' is not one of box, symmetric, gaussian, half-gaussian"),
        (x**2, {"domain": {y: "box"}}, "domain None of x is not one of box, symmetric, gaussian, half-gaussian"),
        (x**2, {"domain": Side(False, extent=sp.S.Zero)}, "the domain of x has the size 0, which is not positive"),
        (x**2, {"density": x**-2}, "x**(-2) is not integrable at x = 0, where it behaves as x**(-2); it needs an exponent > −1"),
        (x**2, {"density": 1 / (1 - 2 * x)},
         "1/(1 - 2*x) is not proved analytic on the domain: 1 - 2*x may vanish there; shrink the domain"),
        (x**2, {"density": sp.Abs(x - R(1, 2))},
         "Abs(x - 1/2) is not analytic where it changes its sign, inside the domain; cut the domain there"),
        (x**2, {"density": sp.Piecewise((1, x > 0), (0, True))},
         "Piecewise((1, x > 0), (0, True)) is not known to be analytic; "
         "K and φ are made of powers and functions such as exp, cos, tanh"),
        (x**2, {"density": sp.sqrt(x), "domain": "symmetric"},
         "sqrt(x) holds a root of x, which is negative on half of the domain; write Abs(x)"),
    ],
)  # fmt: skip
def test_what_is_refused(K, kwargs, says) -> None:
    with pytest.raises(BadInput) as caught:
        zeta.charts(K, (x,), **kwargs)
    assert str(caught.value) == says
