"""Records of `gauss` pass their independent check; records tampered with do not."""

import numpy as np
import pytest
import sympy as sp
from flint import arb

from numerics import gauss
from numerics.errors import NotCertified
from numerics.gauss.check import _confirm_analytic, check
from numerics.precision import digits

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
    yield "overlap", record._replace(panels=type(panels)(panels.lower * 2, panels.upper * 2))


def test_records_tampered_with_fail():
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
