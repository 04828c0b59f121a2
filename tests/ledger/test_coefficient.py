"""Random problems: the derived coefficient lies in the ball that certified integrals give, and a neighbour of it does not."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import coefficient
from ledger.claim import Budget, Status
from ledger.coefficient import CoefficientClaim, Problem, Sampling
from sampler.diagnostics import Estimate

x, y = sp.symbols("x y", real=True)

small = st.fractions(min_value=-1, max_value=1, max_denominator=4).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


@st.composite
def problems(draw, d: int) -> Problem:
    v = (x, y)[:d]
    squares = sum((w**2 for w in v), sp.S.Zero)
    loss = (
        squares / 2
        + draw(small) * x * v[-1] / 4
        + sum((draw(small) * w**2 * v[0] for w in v), sp.S.Zero) / 3
        + squares**2
    )
    phis = tuple(sum((draw(small) * m for m in (x, v[-1], x * v[-1], v[-1] ** 3)), sp.S.Zero) for _ in range(2))
    if draw(st.booleans()):
        phis = phis[:1]
    prior = draw(st.sampled_from([sp.S.One, sp.exp(x - x**2), 1 + x**2]))
    return Problem(loss, phis, v, (sp.S.Zero,) * d, prior)


def check_coefficient(problem: Problem, order: int) -> None:
    derived = problem.coefficients(order)[order]
    claim = CoefficientClaim("coefficient", lambda _: derived, order, (problem,), (problem,))
    evidence = claim.enclosed(Budget.QUICK)
    assert evidence.status is Status.HOLDS, evidence.summary
    nearby = derived + (1 + abs(derived)) / 10**12
    assert replace(claim, formula=lambda _: nearby).enclosed(Budget.QUICK).status is Status.REFUTED


GAUSS = Problem(x**2 / 2, (x, x**2), (x,), (sp.S.Zero,))
PLAN = Sampling(t=20, e=sp.Rational(1, 2))


def known(monkeypatch: pytest.MonkeyPatch, mean: float, sem: float) -> list:
    """Every run is said to give this estimate; the runs that were asked for."""
    asked: list = []

    def estimate(problem, plan, *, adjusted=False):
        asked.append((plan, adjusted))
        return Estimate(*(np.asarray(value) for value in (mean, sem, 100.0, 1.0)))

    monkeypatch.setattr(coefficient, "estimate_cumulant", estimate)
    return asked


def claim(formula, problem: Problem, order: int) -> CoefficientClaim:
    return CoefficientClaim("name", lambda _: sp.sympify(formula), order, (problem,), (problem,), PLAN)


def test_the_chain_supplies_the_step_and_what_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """L = x²/2 + x⁴, ⟨x²⟩ = f/t + …: f + (the chain's c₁ − the posterior's) at 1/t, the chain's own terms after it."""
    problem = replace(GAUSS, loss=x**2 / 2 + x**4, observables=(x**2,))
    t, top = 20, 1 + coefficient.HIGHER_ORDERS
    chain = [float(c) for c in problem.chain_coefficients(top, PLAN.e)]
    posterior = [float(c) for c in problem.coefficients(top)]
    assert posterior[1] == 1 and chain[1] == pytest.approx(1 / (1 - 0.5 / 4))
    prediction = sum(c / t**k for k, c in enumerate(chain)) + 0.25 / t
    truncation = abs(chain[top]) / t**top
    asked = known(monkeypatch, prediction + 3e-3, 1e-3)
    found = claim(1.25, problem, 1).sampled(Budget.FULL)
    assert asked == [(replace(PLAN, draws=4 * PLAN.draws), False)]
    (data,), error = found.data["parts"], math.hypot(1e-3, truncation)
    assert data["prediction"] == pytest.approx(prediction) and data["truncation"] == pytest.approx(truncation)
    assert data["z"] == pytest.approx(3e-3 / error) and data["power_at"] == pytest.approx(
        7.21792 * error / (1.25 / t), rel=1e-5
    )
    continuous = sum(c / t**k for k, c in enumerate(posterior)) + 0.25 / t
    assert data["z_continuous_time"] == pytest.approx((prediction + 3e-3 - continuous) / error)
    assert (data["t"], data["step"], data["problem"]) == (t, "1/2", "L = x**4 + x**2/2, φ = x**2")
    (figure,) = found.figures
    curves = {series.label: series for series in figure.series}
    ts = np.array(curves["posterior"].x)
    np.testing.assert_allclose(ts, 10 * 2 ** (np.arange(33) / 8))
    for label, series in (("posterior", posterior), ("discrete chain, ε = e/t with e = 1/2", chain)):
        np.testing.assert_allclose(curves[label].y, sum(c * ts ** (1 - k) for k, c in enumerate(series)))
    assert curves["formula (t → ∞)"].y == (1.25, 1.25)
    point = curves["sampled ± 1 s.e."]
    assert (point.x, point.y[0], point.yerr) == ((20.0,), pytest.approx(20 * (prediction + 3e-3)), (0.02,))
    assert figure.xlog and not figure.ylog and (figure.ylabel, figure.title) == ("t κ", f"name: {problem}")


def test_with_a_prior_the_posterior_itself_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """L = x²/2 with prior e^x: x ~ N(1/t, 1/t), Cov(x, x²) = 2/t²; a formula that is off by 1 moves the prediction by t⁻²."""
    problem = replace(GAUSS, prior=sp.exp(x))
    asked = known(monkeypatch, 2 / 400, 1e-4)
    (data,) = claim(3, problem, 2).sampled(Budget.QUICK).data["parts"]
    assert asked == [(PLAN, True)] and data["prediction"] == pytest.approx(3 / 400, rel=1e-12)
    assert data["z"] == pytest.approx(-25) and data["power_at"] == pytest.approx(7.21792 * 1e-4 / (3 / 400), rel=1e-5)
    assert (data["t"], data["prior"], data["problem"], data["truncation"]) == (20, "exp(x)", str(problem), 0.0)
    assert data["summary"].startswith("name at t = 20: ")


def test_a_prior_enters_the_chain_as_a_part_of_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(−t (x²/2 − x/t)) = e^x exp(−t x²/2)."""

    class Stopped(Exception):
        pass

    def target(loss, variables):
        raise Stopped(loss, variables)

    monkeypatch.setattr(coefficient.polynomials, "target", target)
    with pytest.raises(Stopped) as told:
        coefficient.estimate_cumulant(replace(GAUSS, prior=sp.exp(x)), PLAN, adjusted=True)
    assert sp.expand(told.value.args[0] - (x**2 / 2 - x / 20)) == 0 and told.value.args[1] == (x,)


def test_the_ladder_shows_the_coefficient_and_the_formula() -> None:
    """t² Cov(x, x + x²) with prior e^x: x ~ N(1/t, 1/t) makes it t + 2, of order 1."""
    problem = replace(GAUSS, observables=(x, x + x**2), prior=sp.exp(x))
    found = claim(1, problem, 1).enclosed(Budget.QUICK)
    assert found.status is Status.HOLDS and found.data["parts"][0]["problem"] == str(problem)
    (figure,) = found.figures
    integrals, formula = figure.series
    np.testing.assert_allclose(integrals.y, 1 + 2 / np.array(integrals.x), rtol=1e-12)
    assert (formula.x, formula.y, formula.style) == ((min(integrals.x), max(integrals.x)), (1.0, 1.0), "line")
    assert figure.xlog and figure.ylabel == "t κ"


def test_what_is_derived_must_be_the_formula_and_the_first_term() -> None:
    """Cov(x, x²) of x ~ N(c/(tλ), 1/(tλ)): 2c/λ² at t⁻²; 1/λ is what Cov(x, x) has before that."""
    lam, c = sp.symbols("lambda c", positive=True)
    problem = Problem(lam * x**2 / 2, (x, x**2), (x,), (sp.S.Zero,), sp.exp(c * x))
    right = claim(2 * c / lam**2, problem, 2).derived(Budget.QUICK)
    assert right.status is Status.HOLDS and right.summary == "name: identity in 1 symbols (d = 1)"
    (data,) = right.data["parts"]
    assert (data["dimension"], data["symbols"], data["difference"], data["lower_orders"]) == (1, 1, "0", ["0", "0"])
    wrong = claim(c / lam**2, problem, 2).derived(Budget.QUICK)
    assert wrong.status is Status.REFUTED and wrong.summary.startswith(
        "name: derived coefficient differs by c/lambda**2"
    )
    early = claim(0, replace(problem, observables=(x, x), prior=sp.S.One), 2).derived(Budget.QUICK)
    assert early.status is Status.REFUTED and "lower orders [0, 1/lambda] do not vanish" in early.summary


def test_the_minimum_as_given_or_found_and_how_long_a_chain_forgets() -> None:
    loss = (x - 1) ** 2 + 2 * (y + 2) ** 2  # H = diag(2, 4)
    for at in (None, (sp.S.One, -sp.S(2))):
        problem = Problem(loss, (x,), (x, y), at)
        assert problem.minimum == {x: 1, y: -2}
        assert [t.value for t in replace(problem, observables=(x * y,)).taylor] == [-2]
    assert coefficient.burn_in(problem, replace(PLAN, e=sp.Rational(1, 4))) == 60 + 10  # 30/(e λ_min) and ten more
    assert [coefficient._degree(d) for d in (1, 2, 3, 4, 5, 8, 60, 99)] == [4, 4, 4, 3, 3, 2, 1, 1]
    assert [coefficient._power(k) for k in (1, 2, 9, 10)] == ["", "²", "⁹", "^10"]


@settings(max_examples=8, deadline=None)
@given(problems(d=1), st.integers(1, 3))
def test_one_variable(problem: Problem, order: int) -> None:
    check_coefficient(problem, order)


@settings(max_examples=4, deadline=None)
@given(problems(d=2), st.integers(1, 2))
def test_two_variables(problem: Problem, order: int) -> None:
    check_coefficient(problem, order)
