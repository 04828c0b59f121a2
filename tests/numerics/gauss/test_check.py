"""Records of `gauss` pass their independent check; records tampered with do not."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import acb, arb

from numerics import gauss
from numerics.errors import NotCertified
from numerics.gauss.check import _confirm_analytic, _confirm_sum, check, evaluate
from numerics.precision import ball, digits

x, y = sp.symbols("x y")
R = sp.Rational
PROBLEMS = [
    ((x**2 + y**2) / 2 + x * y / 3, (1, x * y), 8, {"domain": [(-1, 1), (-1, 2)], "eliminate": False}),
    ((R(1, 3) - x * sp.tanh(y)) ** 2 + (1 - x * sp.tanh(2 * y)) ** 2 + x**2 / 2 + y**2, (1, x), 8, {}),
    (sp.log(2 + x + y), (1 / (1 + x**2),), 8, {"domain": [(0, 1), (0, 1)]}),
    (x**4 + sp.cosh(y), (1,), 6, {"eliminate": False}),
]


@pytest.mark.parametrize(("loss", "amplitudes", "n", "options"), PROBLEMS, ids=lambda e: str(e)[:20])
def test_records_pass(loss, amplitudes, n, options):
    variables = (x, y)
    with digits(n):
        record = gauss.record(loss, amplitudes, variables, 2, **options)
        for again, claimed in zip(check(record), record.value.balls, strict=True):
            assert again.overlaps(claimed)


def tampered(record):
    yield "supremum", record._replace(log_m=record.log_m - 8)
    yield "analytic|supremum", record._replace(rho=record.rho * 2)
    yield "sum and radius", record._replace(nodes=record.nodes - 1)
    yield "sum and radius", record._replace(value=record.value._replace(balls=(record.value.balls[0] + 1,)))
    panels = record.panels
    twice = [np.concatenate([part] * 2, axis) for part, axis in ((record.nodes, 0), (record.rho, 0), (record.log_m, 2))]
    doubled = dict(zip(("nodes", "rho", "log_m"), twice, strict=True))
    yield "overlap", record._replace(panels=type(panels)(panels.lower * 2, panels.upper * 2), **doubled)


def test_records_tampered_with_fail(monkeypatch):
    monkeypatch.setattr("numerics.gauss.check.MAX_BOXES", 3000)
    with digits(8):
        record = gauss.record(0, (1 / (1 + x**2) / (1 + y**2),), (x, y), 1, domain=[(-1, 1), (0, 1)])
        check(record)
        for reason, bad in tampered(record):
            with pytest.raises(NotCertified, match=reason):
                check(bad)


@pytest.mark.parametrize(("place", "inside"), [(R(72, 100), False), (R(70, 100), True)])
@pytest.mark.parametrize("turn", [1, -1])
def test_a_pole_counts_if_it_lies_in_the_ellipse(place, inside, turn, monkeypatch):
    """ρ = 2 on [−1, 1]: semi-axes 5/4 and 3/4. A pole at (p, p) in units of these is inside where 2p² < 1: p < 0.7071."""
    monkeypatch.setattr("numerics.gauss.check.MAX_BOXES", 3000)
    real, imaginary = turn * place * R(5, 4), place * R(3, 4)
    with digits(8):
        record = gauss.record(0, (1 / ((x - real) ** 2 + imaginary**2),), (x,), 1, domain=[(-1, 1)])
        panels = type(record.panels)(((arb(-1),),), ((arb(1),),))
        widened = record._replace(panels=panels, rho=np.array([[2.0]]))
        if inside:
            with pytest.raises(NotCertified, match="analytic along axis 1"):
                _confirm_analytic(widened, 0, 0)
        else:
            _confirm_analytic(widened, 0, 0)


@pytest.mark.parametrize(
    "expr",
    [
        x**3 - y / 3, (x + 2) ** R(-3, 2), sp.sqrt(x + y + 5), sp.log(3 + x) * sp.exp(-y), sp.exp(x * y) + sp.pi, (x - 5) ** -2,
        sp.tanh(x) / sp.cosh(y) - sp.erf(x) + sp.sech(y), sp.atan(x) + sp.asinh(y) + sp.sin(x) * sp.cos(y) - sp.tan(x),
        sp.sqrt(3) * x, x * sp.sinh(y) * sp.erfc(x) + sp.gamma(x + 3), sp.E**y - sp.sqrt(2),
    ],
    ids=str,
)  # fmt: skip
def test_expressions_are_evaluated_at_complex_balls(expr):
    """The tree in balls, at a complex point, against mpmath; with and without the question whether it is analytic."""
    f = sp.lambdify((x, y), expr, "mpmath")
    with mpmath.workdps(30):
        exact = mpmath.mpc(f(mpmath.mpc(0.5, 0.25), mpmath.mpc(-0.75, 0.125)))
    with digits(20):
        at = {x: acb(0.5, 0.25), y: acb(-0.75, 0.125)}
        for analytic in (True, False):
            value = evaluate(expr, at, analytic)
            for part, e in ((value.real, exact.real), (value.imag, exact.imag)):
                assert abs(float(part.mid()) - float(e)) < 1e-15 * (1 + abs(float(e))) and part.rad() < 1e-17


def test_poles_and_cuts_are_met_where_they_are():
    """On a box across a cut the value may be finite but is not analytic; across a pole neither."""
    across = {x: acb(arb(-2), arb(0, 0.1)), y: acb(arb(0, 0.1))}
    with digits(15):
        for expr in (sp.log(x), sp.sqrt(x), x ** R(-1, 3)):
            assert evaluate(expr, across, False).is_finite() and not evaluate(expr, across, True).is_finite()
        for expr in (1 / y, y**-2, sp.coth(y), sp.log(y)):
            assert not evaluate(expr, across, True).is_finite()
        assert evaluate(x**2 + sp.exp(y), across, True).is_finite()


def simple_record():
    with digits(5):
        return gauss.record(0, (1 / (4 + x**2), x), (x, y), 1, domain=[(-1, 1), (0, sp.sqrt(2))])


def changed(record, **ends):
    """The record with ends of its first panel moved."""
    panels = record.panels
    parts = {
        name: (tuple(ends.get(name, getattr(panels, name)[0])), *getattr(panels, name)[1:])
        for name in ("lower", "upper")
    }
    return record._replace(panels=type(panels)(**parts))


def test_panels_outside_the_domain_or_turned_round_are_found():
    record = simple_record()
    check(record)
    low, high = record.panels.lower[0], record.panels.upper[0]
    for bad in (
        changed(record, lower=(arb(-2), low[1])),
        changed(record, upper=(arb(2), high[1])),
        changed(record, upper=(high[0], arb(3) / 2)),
        changed(record, lower=(low[0], arb(-1) / 10)),
        changed(record, lower=high, upper=low),
        changed(record, lower=low, upper=(low[0], high[1])),
    ):
        with pytest.raises(NotCertified, match="panels lie in the domain' on panel 0"):
            check(bad)


def test_claims_that_say_too_much_of_the_sum_are_found(monkeypatch):
    """A radius halved, the second ball moved by its radius, one node on an axis, ρ = 1: each is named."""
    record = simple_record()
    balls = record.value.balls
    narrow = arb(balls[0].mid(), balls[0].rad() / 4)
    moved = balls[1] + 3 * balls[1].rad().upper()
    few, round_ = np.array(record.nodes), np.array(record.rho)
    few[0, 1], round_[0, 1] = 1, 1.0
    for reason, bad in (
        ("sum and radius", record._replace(value=record.value._replace(balls=(narrow, balls[1])))),
        ("sum and radius", record._replace(value=record.value._replace(balls=(balls[0], moved)))),
        ("N ≥ 2 and ρ > 1", record._replace(nodes=few)),
        ("N ≥ 2 and ρ > 1", record._replace(rho=round_)),
        ("sum and radius", record._replace(omitted=(arb(1), record.omitted[1]))),
        ("supremum along axis 2", record._replace(log_m=np.stack([record.log_m[0], record.log_m[1] - 9]))),
        ("supremum along axis 1", record._replace(log_m=np.stack([record.log_m[0] - 9, record.log_m[1]]))),
    ):
        if reason.startswith("supremum"):  # what is false is not proved on more boxes either
            monkeypatch.setattr("numerics.gauss.check.MAX_BOXES", 2000)
        with pytest.raises(NotCertified, match=reason):
            (check if reason.startswith("supremum") else _confirm_sum)(bad)


@pytest.mark.parametrize("logs", [(1.0, 4.0), (-np.inf, 4.0), (1.0, -np.inf)], ids=str)
def test_the_errors_of_all_axes_are_in_the_radius(logs) -> None:
    """|Q| (32/15) Σ_j M_j ρ_j^{−2N_j}/(1 − ρ_j^{−2}) for f = 1 on [0, 2] × [0, 3], whose sum is 6: the ball is 6 ± this."""
    with digits(12):
        record = gauss.record(0, (1,), (x, y), 1, domain=[(0, 2), (0, 3)])
        (again,) = _confirm_sum(record._replace(
            panels=type(record.panels)(((arb(0), arb(0)),), ((arb(2), arb(3)),)), nodes=np.array([[2, 5]]),
            rho=np.array([[2.0, 3.0]]), log_m=np.reshape(logs, (2, 1, 1)), omitted=(arb(0),),
            value=record.value._replace(balls=(arb(6, 99),)),
        ))  # fmt: skip
    first, second = np.exp(logs)
    expected = 6 * 32 / 15 * (first * 2**-4 / (1 - 1 / 4) + second * 3**-10 / (1 - 1 / 9))
    assert float(again.mid()) == pytest.approx(6) and float(again.rad()) == pytest.approx(expected, rel=1e-6)


def test_more_than_enough_is_accepted():
    """Wider balls and larger suprema are still true; the sum is then enclosed in the same ball or a wider one."""
    record = simple_record()
    wide = tuple(b + arb(0, 1e-3) for b in record.value.balls)
    again = check(record._replace(value=record.value._replace(balls=wide)))
    assert all(a.overlaps(b) and a.rad() < 1e-4 for a, b in zip(again, record.value.balls, strict=True))
    with digits(20):
        assert again[0].overlaps(ball(sp.atan(R(1, 2)) * sp.sqrt(2)))
        assert again[1].contains(0)


def test_an_integral_that_is_closed_altogether_passes() -> None:
    """∫∫ e^{−x²−y²} = π and π/2 for x², without a variable left: the record holds one value, on a box without sides."""
    with digits(20):
        record = gauss.record(x**2 + y**2, (1, x**2), (x, y), 1)
        assert not record.problem.domain.variables
        for again, exact in zip(check(record), (sp.pi, sp.pi / 2), strict=True):
            assert again.overlaps(ball(exact)) and again.rel_accuracy_bits() > 60
        values = record.value
        with pytest.raises(NotCertified, match="sum and radius"):
            check(record._replace(value=values._replace(balls=(values.balls[0] + 1, values.balls[1]))))


def test_a_record_has_as_much_of_everything_as_belongs_to_it() -> None:
    record = simple_record()
    value, panels = record.value, record.panels
    more, fewer = (*value.balls, arb(1)), value.balls[:-1]
    bad = [record._replace(value=value._replace(balls=balls)) for balls in (more, fewer)]
    bad += [record._replace(omitted=balls) for balls in (more, fewer)]
    for number in (arb("nan"), arb(0, float("inf"))):
        bad += [
            record._replace(value=value._replace(balls=(number, *value.balls[1:]))),
            record._replace(omitted=(number, *record.omitted[1:])),
        ]
    bad += [
        record._replace(omitted=(arb(-1), *record.omitted[1:])),
        record._replace(value=value._replace(level=value.level + 1)),
        record._replace(nodes=record.nodes * np.nan),
        record._replace(panels=type(panels)(panels.lower * 2, panels.upper)),
        record._replace(panels=type(panels)(tuple(side[1:] for side in panels.lower), panels.upper)),
        record._replace(panels=type(panels)(panels.lower, tuple((*side, arb(9)) for side in panels.upper))),
    ]
    for name in ("nodes", "rho", "log_m"):
        array = getattr(record, name)
        bad += [record._replace(**{name: part}) for part in (array[1:], array[..., 1:], np.concatenate([array, array]))]
    for each in bad:
        with pytest.raises(NotCertified, match="'shape': 2 variables, 2 amplitudes and"):
            check(each)
