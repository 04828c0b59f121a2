"""Which chains the kernel takes: the frame of a preconditioner, growth far out, and what is refused in one sentence."""

import numpy as np
import pytest
import sympy as sp

from numerics import kernel
from numerics.kernel.chains import frame_of
from numerics.precision import digits
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
R = sp.Rational
LINE = x**2 / 2 + (1 - sp.cos(x)) / 4 + (x - sp.sin(x)) / 2  # H = 5/4
PLANE = x**2 / 2 + y**2 + x * y / 3 + (1 - sp.cos(x + y)) / 4 + (x - sp.sin(x)) / 5 + (y - sp.sin(y)) / 3


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: kernel.stationary(x**2 / 2 + x**4, (x,), 10, 1), "faster than linearly"),
        (lambda: kernel.stationary(x**2 / 2, (x,), 10, 5), "unstable at leading order"),
        (lambda: kernel.stationary(x**2 / 2 - 1 + sp.cos(x), (x,), 10, 1, at=(0,)), "degenerate"),
        (lambda: kernel.stationary(3 * x**2 + 5 * (sp.cos(x) - 1), (x,), 10, 1), "far out"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(LINE, LINE + x), batch=2), "mean of `losses`"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(LINE, LINE)), "both"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, noise={(0, 0, 0): 1}), "pairs"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, noise={(0, 1): 1}), r"indices 0 to 0; it was given \(0, 1\)"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, noise={(0, 0): -1}), "variance cannot be negative"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(), batch=2), "`losses` is empty"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, preconditioner=sp.eye(2)), "constant 1 × 1 matrix"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, preconditioner=y), "constant 1 × 1 matrix"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, spread=()), "one positive number for each of the 1 variables"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, spread=(0,)), "one positive number"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1).long_run(x, x, 1.5), "a whole number of steps, and at least one"),  # pyright: ignore[reportArgumentType]
        (lambda: kernel.stationary(LINE, (x,), 10, 1).lagged(x, x, 0.5), "whole number of steps"),  # pyright: ignore[reportArgumentType]
        (lambda: kernel.stationary(LINE, (x,), 10, 1).from_start(x, -1), "whole number of steps ≥ 0; it was given -1"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1).cumulant(()), "one, two or three observables; there are 0"),
        (lambda: kernel.stationary(LINE, (x,), -1, 1), "t > 0"),
        (lambda: kernel.stationary(x**2 + y**2 + sp.Symbol("z") ** 2, (x, y, sp.Symbol("z")), 1, 1), "one or two"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1).long_run(x, x, 0), "one step apart"),
        (lambda: kernel.stationary(PLANE, (x, y), 10, R(1, 500)), "points"),
        (lambda: kernel.stationary(LINE, (x,), 10, 0), "e > 0"),
        (lambda: kernel.stationary(LINE, (x,), 0, 1), "t > 0"),
        (lambda: kernel.stationary(LINE, (), 10, 1), "one or two variables; there are 0"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, noise={(0, 0): R(1), (0, 0, 0): R(1)}), "pairs"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, batch=3), "one of them is missing"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(LINE, LINE), batch=0), "at least one loss; it was given 0"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(LINE, LINE), batch=R(3, 2)), "at least one loss"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(LINE, LINE), batch=2, noise={(0, 0): 1}), "not both"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1).long_run(x, x, -1), "one step apart; thin = -1"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1).estimator(x, x, 0), "one step apart"),
        (lambda: kernel.stationary(LINE, (x,), 10, R(1, 10**7)), "points for 15 digits"),
        (lambda: kernel.stationary(-LINE, (x,), 10, 1), "minimum|positive|unstable"),
    ],
)  # fmt: skip
def test_refusals(call, says) -> None:
    with digits(15), pytest.raises(BadInput, match=says):
        call()


def test_gradients_that_grow_linearly_are_taken_and_steeper_ones_of_either_noise_refused() -> None:
    """A minibatch loss may be steep although the mean is not; so may the far side of a plane."""
    steep = x**4 / 10
    with digits(10):
        with pytest.raises(BadInput, match="faster than linearly"):
            kernel.stationary(x**2 / 2, (x,), 10, R(1, 2), losses=(x**2 / 2 + steep, x**2 / 2 - steep), batch=2)
        with pytest.raises(BadInput, match="faster than linearly"):
            kernel.stationary(x**2 / 2 + y**2 / 2 + y**4 / 100, (x, y), 10, R(1, 2))
        with pytest.raises(BadInput, match="far out"):
            kernel.stationary(x**2 / 2 + y**2 / 2 + 3 * (1 - sp.cos(y)) - 2 * y**2 / 2, (x, y), 10, R(1, 4))


@pytest.mark.parametrize(
    ("D", "H"),
    [
        ([[1, 0], [0, 1]], [[2, 1], [1, 3]]),
        ([[R(3, 2), R(1, 3)], [R(1, 3), 1]], [[1, R(-9, 10)], [R(-9, 10), 1]]),
        ([[4, 0], [0, R(1, 4)]], [[1, 0], [0, 5]]),
        ([[2, 1], [1, 2]], [[1, 0], [0, 100]]),
    ],
    ids=str,
)
def test_the_frame_is_a_root_of_the_preconditioner_and_nearly_diagonal(D, H) -> None:
    """C Cᵀ = D exactly; Cᵀ H C has the eigenvalues of D H, off its diagonal no more than the 64ths of tan(angle/2) leave."""
    D, H = sp.Matrix(D), sp.Matrix(H)
    rows, diagonal = frame_of(D, H)
    C = sp.Matrix(rows)
    assert sp.simplify(C * C.T - D) == sp.zeros(2, 2)
    M = np.array((C.T * H * C).evalf().tolist(), float)
    values = np.sort(np.linalg.eigvals(np.array((D * H).tolist(), float)).real)
    assert np.diag(M) == pytest.approx(diagonal, rel=1e-12)
    assert abs(M[0, 1]) <= (values[1] - values[0]) * 2 / 64
    assert np.sort(np.linalg.eigvalsh(M)) == pytest.approx(values, rel=1e-9)
    assert sum(diagonal) == pytest.approx(values.sum())
    ((root,),), (curvature,) = frame_of(sp.Matrix([[R(9, 4)]]), sp.Matrix([[5]]))
    assert root == R(3, 2) and curvature == pytest.approx(45 / 4)
