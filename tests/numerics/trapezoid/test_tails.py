"""Growth that is certified is true along random rays, on shifted lines and in oblique frames; its bounds hold the tails."""

import itertools
import math

import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq, fmpq_mat

from numerics.precision import digits
from numerics.trapezoid.polynomial import from_sympy
from numerics.trapezoid.tails import Frame, Tail, certify

x, y = sp.symbols("x y", real=True)
R = sp.Rational


def rational(values) -> list:
    return [rational(v) if isinstance(v, list) else fmpq(int(R(v).p), int(R(v).q)) for v in values]


def frame(matrix: list, shift: list) -> Frame:
    s = fmpq_mat(rational(matrix))
    return Frame(s.tolist(), s.inv().tolist(), rational(shift))


PLAIN = frame([[1, 0], [0, 1]], [0, 0])
OBLIQUE = frame([[1, R(1, 2)], [-1, 1]], [R(1, 4), -2])


def coordinates(tail: Tail, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u = S y + shift and N(u) = max |u_j/R_j|^{2m_j} at points [n, d]."""
    matrix = np.array([[float(arb(a)) for a in row] for row in tail.frame.matrix])
    u = points @ matrix.T + np.array([float(arb(s)) for s in tail.frame.shift])
    radii = np.array([float(arb(r)) for r in tail.radii])
    return u, (np.abs(u / radii) ** np.array(tail.powers)).max(axis=1)


def far_points(tail: Tail) -> np.ndarray:
    """Points y with N from 1 to 10⁹, the faces and edges of N = const and what lies between."""
    random = np.random.default_rng(0)
    directions = np.concatenate(
        [random.uniform(-1, 1, (300, 2)), list(itertools.product([-1, -0.01, 0, 0.3, 1], repeat=2))]
    )
    directions = directions[np.abs(directions).max(axis=1) > 0]
    radii, powers = np.array([float(arb(r)) for r in tail.radii]), np.array(tail.powers)
    points = []
    for n in (1.000001, 2.0, 30.0, 1e4, 1e9):
        size = (np.abs(directions) ** powers).max(axis=1)
        u = radii * directions * ((n / size)[:, None] ** (1 / powers))
        inverse = np.array([[float(arb(a)) for a in row] for row in tail.frame.inverse])
        points.append((u - np.array([float(arb(s)) for s in tail.frame.shift])) @ inverse.T)
    return np.concatenate(points)


GROWING = [
    (20 * x**2 + 3 * y**4 + 5 * x * y + 2 * y**3, PLAIN, False),
    (x**2 / 2 + x * y / 3 + y**2 - 5 * x, PLAIN, False),
    (x**6 - x**4 + y**2 * x**2 + y**4 - y + 3, PLAIN, False),
    ((x + y / 2) ** 4 + (y - x) ** 2, OBLIQUE, False),
    ((1 - x * y) ** 2 + x**2 + y**2, PLAIN, True),
    (x**2 * y**2 + x**2 + y**2 + x**2 * y + x * y**2 / 2, PLAIN, True),
    (x**2 * y**2 + x**2 / 2 + y**4, PLAIN, False),
]


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize(("loss", "where", "squared"), GROWING, ids=str)
def test_growth_is_true_on_all_the_lines(loss, where, squared: bool, axis) -> None:
    """Re P(y + i b e_axis) ≥ m N for N ≥ 1 and 0 ≤ b ≤ a; the box `enclosing` holds {N ≤ 1}."""
    m, a = 25.0, R(1, 2)
    tail = certify(from_sympy(sp.expand(loss), (x, y)), where, m, axis=axis, a=rational([a])[0])
    assert tail is not None and tail.m == m and bool(tail.squares) is squared
    points = far_points(tail)
    _, n = coordinates(tail, points)
    assert (n > 1).all()
    value = sp.lambdify((x, y), loss, "numpy")
    for b in (0, 0.25, 0.5) if axis is not None else (0,):
        shifted = [points[:, i] + (1j * b if i == axis else 0j) for i in range(2)]
        real = value(*shifted).real
        assert (real >= m * n - 1e-7 * np.abs(real)).all(), b
    random = np.random.default_rng(1).uniform(-1.5, 1.5, (3000, 2)) * tail.enclosing
    inside = coordinates(tail, random)[1] <= 1
    assert inside.any() and (np.abs(random[inside]) <= tail.enclosing).all()
    edge = np.abs(coordinates(tail, tail.enclosing * np.array([[1, 0], [0, 1], [1, 1], [1, -1]]))[1])
    assert where is OBLIQUE or edge == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("k", "l"), [(0, 3), (-4, 0), (10, -7)])
def test_radii_follow_the_units(k: int, l: int) -> None:
    """P(x/2^k, y/2^l) has the radii of P times 2^k and 2^l, and P alone those with P(R) ≥ m; c·P with c·m has the same."""
    loss = x**2 / 3 + 5 * y**4 + x * y
    plain = certify(from_sympy(loss, (x, y)), PLAIN, 30.0)
    moved = certify(from_sympy(loss.subs({x: x / R(2) ** k, y: y / R(2) ** l}, simultaneous=True), (x, y)), PLAIN, 30.0)
    larger = certify(from_sympy(8 * loss, (x, y)), PLAIN, 240.0)
    assert plain is not None and moved is not None and larger is not None
    assert [float(arb(r)) for r in moved.radii] == pytest.approx(
        [float(arb(r)) * 2.0**e for r, e in zip(plain.radii, (k, l), strict=True)], rel=1e-9
    )
    assert larger.radii == plain.radii and plain.powers == (2, 4)


def test_pure_powers_need_no_more_than_twice_the_growth() -> None:
    """x²/3 + 5y⁴ ≥ m N at the radii with P(R_j e_j) = 2m, found at once, to the 9 bits of a radius."""
    tail = certify(from_sympy(x**2 / 3 + 5 * y**4, (x, y)), PLAIN, 30.0)
    assert tail is not None
    rx, ry = (float(arb(r)) for r in tail.radii)
    assert rx**2 / 3 == pytest.approx(60, rel=0.01) and 5 * ry**4 == pytest.approx(60, rel=0.01)


@pytest.mark.parametrize(
    "loss",
    [
        x**2, x**2 + y, x**2 + y**3, x**2 - y**2, -(x**2) + y**4, x**2 * y**2, x**4 + y**2 - 3 * x**2 * y, sp.S(3),
        x**2 + y**2 - x**2 * y**2, x**2 + y**2 + x**3 * y,
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_grow_in_a_frame_has_no_certificate(loss) -> None:
    assert certify(from_sympy(sp.expand(loss), (x, y)), PLAIN, 20.0) is None


@pytest.mark.parametrize("steps", [(0.25, 0.5), (0.0, 0.5), (0.0, 0.0)], ids=str)
@pytest.mark.parametrize(("loss", "where"), [(x**2 + y**4, PLAIN), ((x + y / 2) ** 4 + (y - x) ** 2, OBLIQUE)], ids=str)
def test_the_bound_holds_what_the_growth_allows(loss, where, steps) -> None:
    """Π h Σ_{N>1} |f| e^{−mN}, sums and integrals mixed; P is no smaller. The integrals by a grid four times finer."""
    with digits(15):
        tail = certify(from_sympy(sp.expand(loss), (x, y)), where, 12.0)
        assert tail is not None
        f = 3 + x**2 * y**2 / 4 + y**2
        bound = float(tail.bound(from_sympy(f, (x, y)), list(steps)))
    h = [step or 0.1 for step in steps]
    far = 2.5 * tail.enclosing
    axes = [np.arange(-math.ceil(r / s), math.ceil(r / s) + 1) * s for r, s in zip(far, h, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    _, n = coordinates(tail, points)
    height = sp.lambdify((x, y), f, "numpy")(points[:, 0], points[:, 1])
    model = math.prod(h) * float((height * np.exp(-12 * n))[n > 1].sum())
    assert 0 < model <= bound < 3000 * model
    true = math.prod(h) * float((height * np.exp(-sp.lambdify((x, y), loss, "numpy")(*points.T)))[n > 1].sum())
    assert true <= bound


def test_an_observable_that_grows_too_fast_has_no_bound() -> None:
    """|f| ≤ F N^k needs k < m: y^{4k} is N^k for a quartic, x^{2k} for a quadratic; m = 5 bears N³ and not N⁶."""
    with digits(15):
        tail = certify(from_sympy(x**2 + y**4, (x, y)), PLAIN, 5.0)
        assert tail is not None
        finite, infinite, also = tail.bounds([from_sympy(f, (x, y)) for f in (y**12, x**12, y**24)], [0.1, 0.1])
    assert finite.is_finite() and not infinite.is_finite() and not also.is_finite()
    with digits(15):
        first, second = tail.bounds([from_sympy(f, (x, y)) for f in (x * y, 5 * x * y)], [0.1, 0.1])
        assert float(second / first) == pytest.approx(5, rel=1e-7)


@pytest.mark.parametrize(
    ("loss", "m", "total", "a"),
    [(x**2 + y**4, 5.0, R(3, 4), 0), (x**2 + y**2, 3.0, 1, 0), (x**4 + y**4, 2.5, R(1, 2), 0)],
    ids=str,
)
def test_the_bound_is_that_of_the_theorem(loss, m: float, total, a: int) -> None:
    """V_h F e^{−m} (1 + |w|/(m − a)), V_h = Π (2R_j + h_j), for |f| ≤ F = 7."""
    with digits(15):
        tail = certify(from_sympy(loss, (x, y)), PLAIN, m)
        assert tail is not None
        found = float(tail.bound(from_sympy(sp.S(7), (x, y)), [0.5, 0.25]))
    rx, ry = (float(arb(r)) for r in tail.radii)
    expected = (2 * rx + 0.5) * (2 * ry + 0.25) * 7 * math.exp(-m) * (1 + float(total) / (m - a))
    assert expected * (1 - 1e-12) <= found <= expected * (1 + 1e-6)


def test_the_volume_of_a_skew_frame_counts_its_cells_and_its_determinant() -> None:
    """u = (x + y/2, y − x): det 3/2; rows (1, ½) and (1, 1) of |S| tell how far the cells reach."""
    with digits(15):
        tail = certify(
            from_sympy(sp.expand((x + y / 2) ** 2 + (y - x) ** 2), (x, y)), frame([[1, R(1, 2)], [-1, 1]], [0, 0]), 4.0
        )
        assert tail is not None
        found = float(tail.bound(from_sympy(sp.S(1), (x, y)), [0.5, 0.125]))
    r, s = (float(arb(v)) for v in tail.radii)
    expected = (2 * r + 0.5 + 0.0625) * (2 * s + 0.5 + 0.125) / 1.5 * math.exp(-4) * (1 + 1 / 4)
    assert expected * (1 - 1e-12) <= found <= expected * (1 + 1e-6)
