"""The bound of the tails by its formula, and the faces on which growth is confirmed or refuted."""

import pytest
import sympy as sp
from flint import arb, fmpq

from numerics.certificate import exact_field
from numerics.certificate.growth import confirm_growth, enclosing, tail_bound
from numerics.certificate.witness import Growth
from numerics.errors import NotCertified

x, y = names = sp.symbols("x y", real=True)
ZERO, ONE = fmpq(0), fmpq(1)


def growth(d: int, **fields) -> Growth:
    unit = tuple(tuple(fmpq(int(i == j)) for j in range(d)) for i in range(d))
    plain = {"matrix": unit, "inverse": unit, "shift": (ZERO,) * d, "radii": (ONE,) * d, "powers": (2,) * d, "m": ONE}
    return Growth(**(plain | fields))


def field(expr, d: int = 2):
    return exact_field._field(sp.sympify(expr), names[:d])


def test_the_tail_in_one_variable() -> None:
    """N = (y/R)^n: (2R + h) c (1 + (1/n)/m) e^{−m} for a constant; y^k adds R^k, and k/n + 1/n − 1 to what m must exceed."""
    g = growth(1, radii=(fmpq(3),), powers=(4,), m=fmpq(7))
    found = tail_bound(g, field(5, 1).majorant(), [fmpq(1, 2)])
    assert (
        found.overlaps(arb(fmpq(13, 2) * 5 * (1 + fmpq(1, 4) / 7)) * arb(-7).exp()) and found.rel_accuracy_bits() > 40
    )
    found = tail_bound(g, field(5 - 2 * x**6, 1).majorant(), [ZERO])
    assert found.overlaps(arb(6 * (5 + 2 * fmpq(3) ** 6) * (1 + fmpq(1, 4) / (7 - fmpq(3, 4)))) * arb(-7).exp())
    for m, fits in ((fmpq(3, 2), False), (fmpq(25, 16), True)):  # y⁶ grows like N^{3/2}
        if fits:
            tail_bound(g._replace(m=m), field(x**6, 1).majorant(), [ZERO])
        else:
            with pytest.raises(NotCertified, match="larger m"):
                tail_bound(g._replace(m=m), field(x**6, 1).majorant(), [ZERO])


def test_the_tail_in_a_sheared_frame() -> None:
    """S = ((2, 0), (−2, 1)), so y = S⁻¹(u − shift) with S⁻¹ = ((½, 0), (1, 1)) and |y_1| ≤ R_0 + R_1 + |shifts|."""
    g = growth(
        2, matrix=((fmpq(2), ZERO), (fmpq(-2), ONE)), inverse=((fmpq(1, 2), ZERO), (ONE, ONE)), shift=(fmpq(-1), fmpq(1, 2)),
        radii=(fmpq(3), fmpq(5)), powers=(2, 4), m=fmpq(6),
    )  # fmt: skip
    assert enclosing(g) == [fmpq(2), fmpq(19, 2)]
    found = tail_bound(g, field(3 * y).majorant(), [fmpq(1, 4), fmpq(1, 8)])
    volume = (6 + 2 * fmpq(1, 4)) * (10 + 2 * fmpq(1, 4) + fmpq(1, 8)) / 2
    size = 3 * (fmpq(3, 2) + 3 + 5)  # |y_1| ≤ (|u_0| + 1) + (|u_1| + ½)
    excess = fmpq(1, 2) + fmpq(3, 4) - 1  # k = ½ from u_0, |w| = ½ + ¼
    assert found.overlaps(arb(volume * size * (1 + fmpq(3, 4) / (6 - excess))) * arb(-6).exp())


@pytest.mark.parametrize(
    ("expr", "fields", "holds"),
    [
        (x**2 + y**2, {}, True),
        (x**2 + y**2, {"m": fmpq(257, 256)}, False),
        (x**2 + y**2 - x * y, {"m": fmpq(3, 4) - fmpq(1, 256)}, True),  # least at v = ½ on a face
        (x**2 + y**2 - x * y, {"m": fmpq(3, 4) + fmpq(1, 256)}, False),
        (2 * x**2 + 3 * y**2 + x, {}, True),  # 1 at x = −1, 3 at x = 1
        (2 * x**2 + 3 * y**2 + x, {"m": fmpq(257, 256)}, False),
        (2 * x**2 + 3 * y**2 - x, {"m": fmpq(257, 256)}, False),
        (3 * x**2 + 2 * y**2 + y, {"m": fmpq(257, 256)}, False),
        (3 * x**2 + 2 * y**2 - y, {"m": fmpq(257, 256)}, False),
        (3 * x**2 + 2 * y**2 - y, {}, True),
        (x**2 + y**2 + x**4 * y**2, {}, True),  # dropped above the simplex: even and positive
        (x**2 + y**2 + x**3 * y, {}, False),
        (x**2 + y**2 - x**4, {}, False),
        (4 * (x**2 + y**2) + sp.cos(x), {"m": fmpq(3)}, True),  # the wave counts as −1
        (4 * (x**2 + y**2) + sp.cos(x), {"m": fmpq(31, 8)}, False),
        (x**2 / 4 + y**2, {"radii": (fmpq(2), ONE)}, True),
        ((x + y) ** 2 + y**2, {"matrix": ((ONE, ONE), (ZERO, ONE)), "inverse": ((ONE, -ONE), (ZERO, ONE))}, True),
        ((x - 1) ** 2 + y**2, {"shift": (-ONE, ZERO)}, True),
        ((x - 1) ** 2 + y**2, {}, False),
    ],
)  # fmt: skip
def test_growth_is_confirmed_up_to_the_largest_m(expr, fields, holds: bool) -> None:
    if holds:
        confirm_growth(field(expr), growth(2, **fields), "growth")
    else:
        with pytest.raises(NotCertified, match="the inequality 'growth'"):
            confirm_growth(field(expr), growth(2, **fields), "growth")


def test_growth_on_shifted_lines() -> None:
    """Re (y + ib)² = y² − b² ≥ m y² for |y| ≥ 1 needs m ≤ 1 − a²; a square −2xy² ≥ −x² − y⁴ joins the cross term to the rest."""
    for m, holds in ((fmpq(3, 4), True), (fmpq(3, 4) + fmpq(1, 256), False)):
        if holds:
            confirm_growth(field(x**2, 1), growth(1, m=m), "line", 0, fmpq(1, 2))
        else:
            with pytest.raises(NotCertified, match="growth"):
                confirm_growth(field(x**2, 1), growth(1, m=m), "line", 0, fmpq(1, 2))
    crossed, frame = field(2 * x**2 + 2 * y**4 + 2 * x * y**2), growth(2, powers=(2, 4), m=fmpq(1))
    squares = (((1, 2), (1, 0), ONE),)
    confirm_growth(crossed, frame._replace(squares=squares), "square")
    with pytest.raises(NotCertified, match="no square"):
        confirm_growth(crossed, frame._replace(squares=(((2, 1), (1, 0), ONE),)), "square")
    with pytest.raises(NotCertified, match="growth"):
        confirm_growth(crossed, frame._replace(squares=squares, m=fmpq(9, 8)), "square")


def test_what_is_left_below_the_simplex_grows_on_every_line_between() -> None:
    """u = x, v = x + y and P = u²v² + A(u² + v²) + 2Buv + 7: on x + ib, b² = θ, all but u²v² leads with
    (A − θ)(u² + v²) + 2(B − 2θ)uv. On the faces that is A − θ − (B − 2θ)²/(A − θ) at least, or 2(A − θ − |B − 2θ|) on the
    diagonal: for A = 5/2, B = 1 it falls from 21/10 to 5/6, and for A = 3/2, B = 2 it is ½ at θ = 1, but negative at θ = 0.
    A false claim is told with a point.
    """
    frame = {"matrix": ((ONE, ZERO), (ONE, ONE)), "inverse": ((ONE, ZERO), (-ONE, ONE))}
    u, v = x, x + y
    grows, falls = (
        u**2 * v**2 + A * (u**2 + v**2) + 2 * B * u * v + 7 for A, B in ((sp.Rational(5, 2), 1), (sp.Rational(3, 2), 2))
    )
    confirm_growth(field(sp.expand(grows)), growth(2, m=fmpq(5, 6) - fmpq(1, 256), **frame), "line", 0, ONE)
    for expr, m in ((grows, fmpq(17, 20)), (falls, fmpq(1, 5))):
        with pytest.raises(NotCertified, match="at a point of a face"):
            confirm_growth(field(sp.expand(expr)), growth(2, m=m, **frame), "line", 0, ONE)


def test_a_growth_that_takes_too_many_boxes_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """x² + y² − xy ≥ ⅝ N on the faces needs some cuts: so many boxes that k are enough, for a k, and k − 1 are not."""

    def decided(most: int) -> bool:
        monkeypatch.setattr("numerics.certificate.growth.MAX_FACE_BOXES", most)
        try:
            confirm_growth(field(x**2 + y**2 - x * y), growth(2, m=fmpq(5, 8)), "growth")
        except NotCertified as told:
            assert f"undecided after {most} boxes" in str(told)
            return False
        return True

    found = [decided(most) for most in range(1, 65)]
    assert found == sorted(found) and found[-1] and not found[0]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_a_dip_is_seen_wherever_it_lies_on_a_face(tenth: int, side: int) -> None:
    """x⁴ (⅛ + 7(s − s₀)²) with x = ±1/s: least, ⅛, at s₀ on one of the two faces."""
    place = sp.Rational(tenth, 10)
    p = field((sp.Rational(1, 8) + 7 * place**2) * x**4 - side * 14 * place * x**3 + 7 * x**2, 1)
    confirm_growth(p, growth(1, powers=(4,), m=fmpq(1, 8) - fmpq(1, 256)), "dip")
    with pytest.raises(NotCertified, match="at a point of a face"):
        confirm_growth(p, growth(1, powers=(4,), m=fmpq(1, 8) + fmpq(1, 256)), "dip")
