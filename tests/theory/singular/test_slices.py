"""Slices of singular models: exponents, weights, and the baseline that can hide a component."""

import pytest
import sympy as sp

from tests.theory.singular.reference import monomial
from theory import singular
from theory.errors import BadInput
from theory.singular import component
from theory.zeta.chart import Side

u, v = sp.symbols("u v", real=True)
R = sp.Rational


def test_a_slice_across_the_other_divisor_is_suppressed() -> None:
    """x²y⁴: on u = u* λ_C = ¼ = λ, on v = v* λ_C = ½ and Z_C/Z ~ t^{−1/4}."""
    K = u**2 * v**4
    along, across = component(K, (u, v), {u: R(1, 2)}), component(K, (u, v), {v: R(1, 2)})
    assert (along.threshold, along.multiplicity, along.weight.power) == (R(1, 4), 1, 0)
    assert (across.threshold, across.multiplicity, across.weight.power) == (R(1, 2), 1, R(1, 4))


def test_a_slice_loses_logarithms() -> None:
    """(uv)² with u = u*: Z_C/Z ~ (√π/(2u*))/(√π/4) /log t; a prior gives its quotient at u* and 0 to it."""
    found = component(u**2 * v**2, (u, v), {u: R(1, 4)}).weight
    assert found == (8, 0, -1)
    assert component(u**2 * v**2, (u, v), {u: R(1, 4)}, prior=3 + u).weight == (8 * R(13, 12), 0, -1)


@pytest.mark.parametrize("t", [10**4, 10**8])
def test_weights_at_finite_t(t: int) -> None:
    """Z_C(t) = Z_{v⁴}(t u*²) against Γ functions, and Z against an enclosure."""
    slice_ = component(u**2 * v**4, (u, v), {u: R(1, 2)})
    part = singular.partition(v**4 / 4, (v,)).evaluate(t, 20)
    expected = part / monomial((2, 4), (0, 0), t)
    leading = slice_.weight.at(sp.Integer(t))
    assert abs(float(expected.mid()) / float(leading) - 1) < 2 * t**-0.25


def test_the_baseline_dominates_or_ties() -> None:
    """x²y⁴, f = uv²(1+2u+v): slice u* both t^{−3/2}; slice v* own term t^{−2}, baseline t^{−3/2} (relative to Z_C/Z)."""
    f = u * v**2 * (1 + 2 * u + v)
    tie = component(u**2 * v**4, (u, v), {u: R(1, 2)}, domain="symmetric")
    assert tie.first_term(f).power == tie.baseline(f).power == R(3, 2)
    assert "of the same order" in tie.warning(f)
    total = tie.susceptibility(f)
    assert total.coefficient == sp.expand(tie.first_term(f).coefficient + tie.baseline(f).coefficient)
    hidden = component(u**2 * v**4, (u, v), {v: R(1, 2)}, domain="symmetric")
    own, baseline, weight = hidden.first_term(f), hidden.baseline(f), hidden.weight
    assert (own.power - weight.power, baseline.power - weight.power) == (2, R(3, 2))
    assert "dominates" in hidden.warning(f)
    assert hidden.susceptibility(f) == baseline


def test_no_warning_where_the_component_speaks() -> None:
    """On the slice u* of u⁴v⁴ with an odd f of u the full mean vanishes."""
    slice_ = component(u**4 * v**4, (u, v), {u: R(1, 2)}, domain="symmetric")
    assert slice_.warning(u * v**2 * sp.Abs(u)) == ""
    assert slice_.baseline(u * v**2 * sp.Abs(u)).coefficient == 0


@pytest.mark.parametrize(
    ("fixed", "says"),
    [
        ({u: 0}, "K vanishes identically on the slice"),
        ({u: 1, v: 1}, "a slice fixes some but not all of u, v"),
        ({sp.Symbol("w"): 1}, "a slice fixes some but not all of u, v"),
    ],
)
def test_refusals(fixed, says) -> None:
    with pytest.raises(BadInput, match=says):
        component(u**2 * v**4, (u, v), fixed)


@pytest.mark.parametrize("variance", [R(1, 2), R(3), R(8)])
def test_the_density_of_a_gaussian_coordinate_goes_with_the_slice(variance) -> None:
    """u²v⁴, u ∼ N(0, σ²): Z_C at u* is e^{−u*²/2σ²}/√(2πσ²) ∫ e^{−t u*²v⁴} dv, Z_C(½)/Z_C(3/2) → √3 e^{1/σ²}."""
    sides = {u: Side(True, variance=variance), v: Side(False)}
    near, far = (component(u**2 * v**4, (u, v), {u: c}, domain=sides).weight for c in (R(1, 2), R(3, 2)))
    assert (near.power, near.log_power) == (far.power, far.log_power)
    assert sp.simplify(near.coefficient / far.coefficient - sp.sqrt(3) * sp.exp(1 / variance)) == 0


def test_terms_of_the_susceptibility_by_hand() -> None:
    """u²v⁴ on the box, u = ½: Z_C/Z → √2/2; f = v, g = v²: −√2/2 ⟨v³⟩_C against √2/2 ⟨v²⟩_C ⟨v⟩, which has the logarithm."""
    slice_ = component(u**2 * v**4, (u, v), {u: R(1, 2)})
    weight, quarter = sp.sqrt(2) / 2, sp.gamma(R(1, 4))
    assert slice_.weight[1:] == (0, 0) and sp.simplify(slice_.weight.coefficient - weight) == 0
    own, baseline = slice_.first_term(v, v**2), slice_.baseline(v, v**2)
    assert own[1:] == (R(3, 4), 0) and baseline[1:] == (R(3, 4), 1)
    assert sp.simplify(sp.gammasimp(own.coefficient + weight * 4 ** R(3, 4) / quarter)) == 0
    local, mean = 2 * sp.gamma(R(3, 4)) / quarter, sp.sqrt(sp.pi) / (4 * quarter)
    assert sp.simplify(sp.gammasimp(baseline.coefficient - weight * local * mean)) == 0
    assert slice_.susceptibility(v, v**2) == baseline
    assert "dominates" in slice_.warning(v, v**2)


def test_a_constant_observable_has_no_susceptibility() -> None:
    """f = 1: −Z_C/Z {⟨g⟩ − ⟨g⟩} cancels, whatever g, and the two terms are of one order; one is minus the other."""
    slice_ = component(u**2 * v**4, (u, v), {u: R(1, 2)}, domain={u: "box", v: "symmetric"})
    for g in (None, v**2, 1):
        own, baseline = slice_.first_term(1, g), slice_.baseline(1, g)
        assert sp.simplify(own.coefficient + baseline.coefficient) == 0 != own.coefficient
        assert own[1:] == baseline[1:]
        with pytest.raises(BadInput, match="the two terms of the susceptibility cancel at leading order"):
            slice_.susceptibility(1, g)


def test_an_observable_that_vanishes_on_the_slice_leaves_the_baseline() -> None:
    """f = (u − ½)²: its own term is 0."""
    slice_ = component(u**2 * v**4, (u, v), {u: R(1, 2)})
    f = (u - R(1, 2)) ** 2
    assert slice_.first_term(f).coefficient == 0
    assert slice_.susceptibility(f) == slice_.baseline(f)
    mean = R(1, 5) - R(1, 3) + R(1, 4)  # of u² − u + ¼ under u^{−1/2}/2
    local = slice_.baseline(1).coefficient
    assert sp.simplify(slice_.baseline(f).coefficient - local * mean) == 0


@pytest.mark.parametrize(("variance", "at"), [(R(1, 2), R(1, 2)), (R(3), R(3, 2))])
def test_the_weight_of_a_slice_under_a_gaussian(variance, at) -> None:
    """u²v⁴, u ∼ N(0, σ²): e^{−u*²/2σ²}/√(2πσ²) |u*|^{−1/2} over E|u|^{−1/2} = (2σ²)^{−1/4} Γ(1/4)/√π."""
    sides = {u: Side(True, variance=variance), v: Side(False)}
    slice_ = component(u**2 * v**4, (u, v), {u: at}, domain=sides)
    density = sp.exp(-(at**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
    mean = (2 * variance) ** R(-1, 4) * sp.gamma(R(1, 4)) / sp.sqrt(sp.pi)
    assert slice_.weight[1:] == (0, 0)
    assert abs(sp.N(slice_.weight.coefficient / (density / sp.sqrt(at) / mean) - 1, 30)) < sp.Float("1e-25")
    assert slice_.first_term((u - at) * v) == slice_.first_term(0) == (0, sp.oo, 0)


def test_the_observable_0_has_none_at_all() -> None:
    """Two terms that are 0 do not cancel."""
    found = component(u**2 + v**2, (u, v), {v: 0}).susceptibility(0)
    assert found.coefficient == 0 and found.power == sp.oo
