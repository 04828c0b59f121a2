"""The recursion on its own: stages composed, noise that is not Gaussian at leading order, stability decided exactly."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import linear_chain
from theory.autocorrelation import Timed
from theory.jets import jets
from theory.recursion import Recursion, Stage, for_moments, monomials, pulled_back, stable, unit

x, y = sp.symbols("x y", real=True)
R = sp.Rational
entries = st.fractions(min_value=-2, max_value=2, max_denominator=4).map(lambda q: R(q.numerator, q.denominator))


@settings(max_examples=40, deadline=None)
@given(st.lists(entries, min_size=4, max_size=4))
def test_stability_in_two_dimensions(m) -> None:
    """|eigenvalues| < 1 iff |det| < 1 and |trace| < 1 + det (Jury)."""
    matrix = sp.Matrix(2, 2, m)
    trace, det = matrix.trace(), matrix.det()
    assert stable(matrix) == bool(abs(det) < 1 and abs(trace) < 1 + det)


@pytest.mark.parametrize("scale", [R(9, 10), R(1), R(11, 10)])
def test_stability_of_rotations_and_triangles(scale) -> None:
    cycle = sp.Matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # eigenvalues: the cube roots of 1
    assert stable(scale * cycle) == (scale < 1)
    assert stable(sp.Matrix([[scale, 5], [0, R(1, 2)]])) == (scale < 1)
    assert stable(sp.Matrix([[sp.Symbol("a")]])) is None
    assert stable(sp.zeros(2)) is True


def test_two_maps_in_turn_are_their_composition() -> None:
    """x → x + h x² after x → x/2 + ξ, ξ of variance 3: P f by hand for f = x², the first map written first."""
    taylor = jets([x], (x,), {x: sp.S.Zero}, [4])
    ring, top = taylor.ring, 4
    (g,), zero, one = ring.gens, ring.zero, ring.one
    first = Stage(
        ring, {(1,): [g / 2, zero, zero, zero, zero], (2,): [3 * one, zero, zero, zero, zero]}, for_moments(top)
    )
    second = Stage(ring, {(1,): [g, g**2, zero, zero, zero]}, for_moments(top))
    chain = Recursion(taylor, [first, second], taylor.parts, top)
    # E (z + h z²)², z = x/2 + ξ: E z² + 2h E z³ + h² E z⁴ with E z² = x²/4 + 3, E z³ = x³/8 + 9x/2, …
    assert chain.step((2,))[:2] == [g**2 / 4 + 3, (g**3 / 8 + 9 * g / 2) * 2]
    assert chain.step((2,))[2] == g**4 / 16 + 6 * 3 * g**2 / 4 + 27
    swapped = Recursion(taylor, [second, first], taylor.parts, top)
    assert swapped.step((2,))[:2] == [g**2 / 4 + 3, g**3 / 2]
    assert first.apply(second.step((2,))) == chain.step((2,))
    assert pulled_back(first.step, [g**2, zero, zero], ring) == [g**2 / 4 + 3, zero, zero]


def test_odd_moments_of_a_symmetric_chain_are_zero_without_a_step() -> None:
    """(x, h) → (−x, −h) leaves it as it is, unless it is said not to: E x^α at h^k is 0 for odd |α| + k, whatever the stages."""
    chain = Recursion(jets([x], (x,), {x: sp.S.Zero}, [2]), [], [], 2)
    assert [chain.moment((n,), k) for n, k in ((1, 0), (0, 1), (3, 0), (2, 1))] == [0] * 4
    assert (chain.moment((0,), 0), chain.moment((0,), 2)) == (1, 0)


def test_noise_that_is_not_gaussian_at_leading_order() -> None:
    """x' = x/2 + h x²/5 + kick, kick = 2 or −1 (twice as often) at h⁰: E x at h from κ₂ alone; at h⁰ every cumulant is exact."""
    taylor = jets([x], (x,), {x: sp.S.Zero}, [8])
    ring, top = taylor.ring, 8
    (g,) = ring.gens
    rest = [ring.zero] * (top - 1)
    moments, kick = [R(2**n + 2 * (-1) ** n, 3) for n in range(9)], {}
    for n in range(1, 9):  # m_n = Σ_k C(n−1, k−1) κ_k m_{n−k}
        kick[n] = moments[n] - sum(sp.binomial(n - 1, k - 1) * kick[k] * moments[n - k] for k in range(1, n))
    kappa = {(n,): [ring(sp.QQ(int(k))), ring.zero, *rest] for n, k in kick.items() if n > 1}
    kappa[1,] = [g / 2, g**2 / 5, *rest]
    chain = Recursion(taylor, [Stage(ring, kappa, for_moments(top))], taylor.parts, top, symmetric=False)
    law = linear_chain.linear_chain_cumulants([[R(1, 2)]], {(0,) * n: k for n, k in kick.items()}, 4)
    second, third = law[0, 0], law[0, 0, 0]
    found = [taylor.expr(chain.moment((n,), 0)) for n in range(5)]
    assert found == [1, 0, second, third, law[0, 0, 0, 0] + 3 * second**2]
    assert taylor.expr(chain.moment((1,), 1)) == R(2, 5) * second
    # E x² at h: (1 − ¼) m = 2·½·(1/5) E x³ at h⁰
    assert taylor.expr(chain.moment((2,), 1)) == R(4, 3) * R(1, 5) * third
    # E x at h²: ½ E x + (1/5) E x² at h; the means of series and of the observable x, which stands at h¹
    mean = chain.mean([3 + 5 * g, 2 * g**2, 7 * g**2])
    assert [taylor.expr(c) for c in mean] == [3, (5 * R(2, 5) + 2) * R(4, 15) * third + 7 * second]
    assert chain.cumulant([0])[:2] == (0, R(2, 5) * second) and chain.cumulant([0, 0])[:2] == (0, second)


def test_the_poisson_equation_of_a_skewed_chain() -> None:
    """x' = x/2 + kick with κ₃(kick) ≠ 0: P x⁴ has a term in x, so u for x⁴ has terms of both parities."""
    taylor = jets([x], (x,), {x: sp.S.Zero}, [4])
    ring = taylor.ring
    (g,), rest = ring.gens, [ring.zero] * 4
    kappa = {(1,): [g / 2, *rest], (2,): [2 * ring.one, *rest], (3,): [2 * ring.one, *rest]}
    timed = Timed(taylor, [Stage(ring, kappa, for_moments(4))], taylor.parts, 4, symmetric=False)
    f = [ring.zero] * 4 + [g**4 - timed.moment((4,), 0)]
    u = timed.poisson(f)
    assert [a - b for a, b in zip(u, timed.after(u, 1), strict=True)] == f
    assert u[4].coeff(g) != 0 != u[4].coeff(g**2)


def test_monomials_and_units() -> None:
    assert list(monomials(2, 2)) == [(2, 0), (1, 1), (0, 2)]
    assert unit(3, (0, 2, 2)) == (1, 0, 2)
    assert [for_moments(4)(n) for n in range(5)] == [5, 4, 3, 2, 1]


def test_equal_chains_share_what_is_known_and_no_others() -> None:
    """One map and order written twice, observed otherwise: one set of moments. Another noise, order or parity: another."""

    def chain(noise: int, top: int, observable: sp.Expr, *, symmetric: bool = True) -> Recursion:
        taylor = jets([observable], (x,), {x: sp.S.Zero}, [top])
        ring, rest = taylor.ring, [taylor.ring.zero] * top
        kappa = {(1,): [ring.gens[0] / 2, *rest], (2,): [noise * ring.one, *rest]}
        return Recursion(taylor, [Stage(ring, kappa, for_moments(top))], taylor.parts, top, symmetric=symmetric)

    first, same = chain(3, 4, x**2), chain(3, 4, x + x**2)
    assert first.cumulant([0]) == (0, 4, 0) and same.cumulant([0, 0])[1] == 4
    assert same.step((2,)) is first.step((2,)) and same.stages == first.stages
    for other in (chain(6, 4, x**2), chain(3, 6, x**2), chain(3, 4, x**2, symmetric=False)):
        assert other.step((2,)) is not first.step((2,))
    assert chain(6, 4, x**2).cumulant([0]) == (0, 8, 0)
    assert first.stages[0] != "a stage"
