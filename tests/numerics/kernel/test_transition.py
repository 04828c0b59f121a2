"""The discretised step: densities against mpmath and plain mixtures of Gaussians, operators as adjoints, expressions on points."""

import itertools
import math

import numpy as np
import pytest
import sympy as sp
from flint import arb

from numerics.kernel.points import floats, vector
from numerics.kernel.transition import Grid, Step, transition
from numerics.precision import digits

R = sp.Rational
x, y = sp.symbols("x y", real=True)
S = sp.S


def line(**fields) -> Step:
    plain = {
        "loss": x**2 / 2 + x**3 / 9, "variables": (x,), "at": (R(1, 3),), "t": R(9), "e": R(1, 2), "gamma": R(2),
        "frame": ((R(3, 2),),), "noise": {}, "losses": (), "batch": 0,
    }  # fmt: skip
    return Step(**(plain | fields))


FRAME = ((R(1), R(1, 2)), (R(0), R(3, 2)))
PLANE_LOSS = x**2 / 2 + x * y / 3 + y**2 + x**2 * y / 8


def plane(**fields) -> Step:
    plain = {
        "loss": PLANE_LOSS, "variables": (x, y), "at": (R(1, 4), R(-1, 2)), "t": R(4), "e": R(1, 2), "gamma": R(1), "frame": FRAME,
        "noise": {}, "losses": (), "batch": 0,
    }  # fmt: skip
    return Step(**(plain | fields))


def moved(step: Step, point) -> list[float]:
    """f(y) = y − (e/2) Cᵀ [√t ∇L(w) + (γ/t) C y] at w = w* + C y/√t, straight from the definition."""
    C, Y = sp.Matrix(step.frame), sp.Matrix(point)
    w = sp.Matrix(step.at) + C * Y / sp.sqrt(step.t)
    slope = sp.Matrix([step.loss.diff(v) for v in step.variables]).subs(dict(zip(step.variables, w, strict=True)))
    return [float(c) for c in Y - step.e / 2 * C.T * (sp.sqrt(step.t) * slope + step.gamma / step.t * C * Y)]


@pytest.mark.parametrize("step", [line(), plane()], ids=["line", "plane"])
def test_the_drift_is_its_definition(step: Step) -> None:
    points = [[R(1, 2), R(-3, 4)][: step.d], [R(-2), R(1)][: step.d]]
    ys = [vector([arb(float(p[a])) for p in points]) for a in range(step.d)]
    drift, place = step.drift(ys), step.place(ys)
    for k, point in enumerate(points):
        w = sp.Matrix(step.at) + sp.Matrix(step.frame) * sp.Matrix(point) / sp.sqrt(step.t)
        assert [float(c[k]) for c in place] == pytest.approx([float(c) for c in w], abs=1e-13)
        assert [float(c[k]) for c in drift] == pytest.approx(moved(step, point), abs=1e-13)


def test_kicks_and_added_covariance_are_their_definitions() -> None:
    """σ_z = (e/2) √t Cᵀ(∇ℓ_z − ∇L) and (e²/4) Cᵀ G C, with G read symmetrically."""
    losses = (PLANE_LOSS + x * y, PLANE_LOSS - x * y / 2 + x, PLANE_LOSS - x * y / 2 - x)
    noise = {(0, 0): 2 + x, (0, 1): y / 3, (1, 1): S(1)}
    step, point = plane(losses=losses, noise=noise, batch=2), (R(1, 2), R(-3, 4))
    ys = [vector([arb(float(c))]) for c in point]
    C = sp.Matrix(FRAME)
    w = sp.Matrix(step.at) + C * sp.Matrix(point) / 2
    where = dict(zip((x, y), w, strict=True))
    for z, kick in enumerate(step.kicks(ys)):
        slope = sp.Matrix([(losses[z] - PLANE_LOSS).diff(v) for v in (x, y)]).subs(where)
        assert [float(c[0]) for c in kick] == pytest.approx([float(c) for c in C.T * slope * 2 / 4], abs=1e-13)
    G = sp.Matrix([[2 + x, y / 3], [y / 3, 1]]).subs(where)
    exact = C.T * G * C / 16
    for i, j in itertools.product(range(2), repeat=2):
        assert float(step.added(ys)[i][j][0]) == pytest.approx(float(exact[i, j]), abs=1e-13)
    assert step.noisy and not plane().noisy and plane(losses=losses).noisy and plane(noise=noise).noisy


def test_nodes_are_symmetric_and_the_last_axis_is_the_fastest() -> None:
    grid = Grid((0.5, 0.25), (1, 2))
    assert grid.sizes == (3, 5) and grid.axis(1) == [arb(k) / 4 for k in range(-2, 3)]
    first, second = (floats(c) for c in grid.points())
    assert (
        list(first) == [v for v in (-0.5, 0, 0.5) for _ in range(5)] and list(second) == [-0.5, -0.25, 0, 0.25, 0.5] * 3
    )
    assert first[grid.centre] == second[grid.centre] == 0 and len(first) == 15


def gaussian(z: float, v: float) -> float:
    return math.exp(-z * z / (2 * v)) / math.sqrt(2 * math.pi * v)


GRID = Grid((0.375,), (8,))


def test_a_row_is_a_gaussian_about_the_drift() -> None:
    """δ N(y'; f(y), e) on the line, and with gradient noise δ N(y'; f(y), e + (e²/4) C² G(w))."""
    nodes = [0.375 * k for k in range(-8, 9)]
    for step in (line(), line(noise={(0, 0): 1 + x**2})):
        P = transition(step, GRID)
        for k, node in enumerate(nodes):
            (f,), w = moved(step, [sp.Rational(node)]), 1 / 3 + 1.5 * node / 3
            variance = 0.5 + (0.0625 * 2.25 * (1 + w * w) if step.noise else 0)
            assert P.dense[k] == pytest.approx([0.375 * gaussian(z - f, variance) for z in nodes], rel=1e-11, abs=1e-15)


@pytest.mark.parametrize("batch", [1, 3])
def test_minibatches_on_the_line_are_mixtures_of_gaussians(batch: int) -> None:
    """Of all nᴮ equally likely batches: y' ~ N(f(y) − mean of σ_z, e), on a grid wide enough for no echo to be seen."""
    tilt = (x / 2, -x / 3 + x**2 / 5, -x / 6 - x**2 / 5)
    loss = x**2 / 2
    step = line(loss=loss, losses=tuple(loss + v for v in tilt), batch=batch)
    nodes = [0.375 * k for k in range(-20, 21)]
    with digits(15):
        P = transition(step, Grid((0.375,), (20,))).dense
    for k in (16, 20, 23):
        (f,), w = moved(step, [sp.Rational(nodes[k])]), 1 / 3 + 1.5 * nodes[k] / 3
        kicks = [0.25 * 3 * 1.5 * float(v.diff(x).subs(x, w)) for v in tilt]
        means = [f - sum(choice) / batch for choice in itertools.product(kicks, repeat=batch)]
        exact = [0.375 * sum(gaussian(z - m, 0.5) for m in means) / len(means) for z in nodes]
        assert P[k] == pytest.approx(exact, rel=1e-9, abs=1e-11)


FLAT = Grid((0.5, 0.625), (8, 7))


def exact_plane(step: Step, means, covariance) -> np.ndarray:
    """δ₁δ₂ times the average of N(y'; m, V) over the given means, at all nodes."""
    nodes = np.array([[float(c) for c in p] for p in zip(*FLAT.points(), strict=True)])
    inverse, root = np.linalg.inv(covariance), math.sqrt(np.linalg.det(covariance))
    gaps = nodes[None] - np.array(means)[:, None]
    return (
        0.5 * 0.625 * np.exp(-np.einsum("mxi,ij,mxj->mx", gaps, inverse, gaps) / 2).mean(axis=0) / (2 * math.pi * root)
    )


@pytest.mark.parametrize("kind", ["plain", "noise", "batches"])
def test_rows_in_the_plane(kind: str) -> None:
    """Product of Gaussians; N(f, eI + (e²/4)CᵀGC); mixture over batches of two: at three nodes, one of them the centre."""
    tame = x * y / 4
    losses = (PLANE_LOSS + x / 2 + tame, PLANE_LOSS - x / 4 + y / 3, PLANE_LOSS - x / 4 - y / 3 - tame)
    noise = {(0, 0): 1 + x**2, (0, 1): y / 4, (1, 1): S(2)}
    step = plane(**{"plain": {}, "noise": {"noise": noise}, "batches": {"losses": losses, "batch": 2}}[kind])
    with digits(15):
        P = transition(step, FLAT)
    points = list(zip(*FLAT.points(), strict=True))
    C = sp.Matrix(FRAME)
    for k in (FLAT.centre, FLAT.centre + 16, FLAT.centre - 31):
        point = [sp.Rational(float(c)) for c in points[k]]
        f, V = moved(step, point), 0.5 * np.eye(2)
        where = dict(zip((x, y), sp.Matrix(step.at) + C * sp.Matrix(point) / 2, strict=True))
        means = [f]
        if kind == "noise":
            G = sp.Matrix([[1 + x**2, y / 4], [y / 4, 2]]).subs(where)
            V = V + np.array((C.T * G * C / 16).tolist(), dtype=float)
        if kind == "batches":
            slopes = [sp.Matrix([(z - PLANE_LOSS).diff(v) for v in (x, y)]).subs(where) for z in losses]
            kicks = [[float(c) for c in C.T * s / 2] for s in slopes]
            means = [
                [m - (a + b) / 2 for m, a, b in zip(f, one, two, strict=True)]
                for one, two in itertools.product(kicks, repeat=2)
            ]
        assert P.dense[k] == pytest.approx(exact_plane(step, means, V), rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("kind", ["line", "plane", "noise"])
def test_operators_are_their_matrices(kind: str) -> None:
    """P f and π P, for vectors without symmetry."""
    step, grid = {
        "line": (line(), GRID), "plane": (plane(), FLAT), "noise": (plane(noise={(0, 0): S(1), (1, 1): 2 + x}), FLAT),
    }[kind]  # fmt: skip
    P, n = transition(step, grid), math.prod(grid.sizes)
    draw = np.random.default_rng(0)
    f, law = draw.normal(size=n), draw.normal(size=n)
    assert P.dense.shape == (n, n)
    assert floats(P.after(vector(map(arb, f)))) == pytest.approx(P.dense @ f, abs=1e-12)
    assert floats(P.push(vector(map(arb, law)))) == pytest.approx(law @ P.dense, abs=1e-12)
