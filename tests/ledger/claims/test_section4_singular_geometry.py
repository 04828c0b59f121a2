"""Section 4.2, splitting, slices and deep linear networks: wrong formulas are refuted by every layer.

False alarms: 1e-6 a sampled comparison (fixed seeds); wrong thresholds are off by an eighth or more, the runs detect a twentieth.
"""

from itertools import pairwise

import pytest
import sympy as sp

from ledger.claim import Budget, Layer, Status
from ledger.claims import section4_geometry as geometry
from ledger.claims import section4_networks as networks

pytestmark = pytest.mark.compiled
QUICK = Budget.QUICK
R = sp.Rational
x, y = geometry.x, geometry.y


def at_zero(K, variables, _):
    """g = K(0, y): the quadratic direction set to 0, where it should be on its ridge."""
    rest = tuple(variables[1:])
    return 1, sp.expand(K.subs(variables[0], 0)), rest


@pytest.mark.parametrize("layer", list(Layer))
def test_a_restriction_is_no_splitting(layer: Layer) -> None:
    assert getattr(geometry.Splitting(at_zero), layer)(QUICK).status is Status.REFUTED


def bounded_by_the_whole(case) -> sp.Expr:
    """min(λ_C, λ): a component that is never more complex than the whole."""
    return min(geometry.refined(case), geometry.resolved(sp.expand(case.K), case.variables)[0])


@pytest.mark.parametrize("layer", list(Layer))
def test_no_bound_by_the_whole(layer: Layer) -> None:
    assert getattr(geometry.Refined(bounded_by_the_whole), layer)(QUICK).status is Status.REFUTED


def half_the_weights(widths, rank):
    """d/2 and m = 1, as for a nondegenerate minimum."""
    return R(sum(a * b for a, b in pairwise(widths)), 2), 1


def always_simple(widths, rank):
    return networks.deep_linear(widths, rank)[0], 1


@pytest.mark.parametrize("wrong", [half_the_weights, always_simple], ids=lambda f: f.__name__)
@pytest.mark.parametrize("layer", list(Layer))
def test_wrong_coefficients_of_networks_are_refuted(wrong, layer: Layer) -> None:
    assert getattr(networks.DeepLinear(wrong), layer)(QUICK).status is Status.REFUTED


@pytest.mark.parametrize(
    ("widths", "rank", "expected"),
    [
        ((5, 3, 5), 0, (R(13, 2), 2)),
        ((4, 2, 4), 0, None),
        ((3, 3, 3), 0, None),
        ((3, 3, 3), 1, None),
        ((6, 2, 3), 1, None),
    ],
)
def test_one_hidden_layer_is_reduced_rank_regression(widths, rank, expected) -> None:
    """Aoyagi and Watanabe 2005, their four cases, in the widths N = H_2, M = H_0, H = H_1."""
    M, H, N, r = widths[0], widths[1], widths[2], rank
    if N + r < M + H and M + r < N + H and H + r < M + N:
        even = (M + H + N + r) % 2 == 0
        value = -((H + r) ** 2) - M**2 - N**2 + 2 * (H + r) * M + 2 * (H + r) * N + 2 * M * N + (0 if even else 1)
        other = R(value, 8), 1 if even else 2
    elif N + r >= M + H:
        other = R(H * M - H * r + N * r, 2), 2 if N + r == M + H else 1
    elif M + r >= N + H:
        other = R(H * N - H * r + M * r, 2), 2 if M + r == N + H else 1
    else:
        other = R(M * N, 2), 2 if H + r == M + N else 1
    assert networks.deep_linear(widths, rank) == other
    assert expected is None or other == expected


def test_the_finding() -> None:
    """½ for the paraboloid, ¾ for its slice."""
    case = geometry.PARABOLOID
    assert geometry.resolved(sp.expand(case.K), case.variables)[0] == R(1, 2)
    assert geometry.resolved(sp.expand(case.restricted), case.free) == (R(3, 4), 1)
