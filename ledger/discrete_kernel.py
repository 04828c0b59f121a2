"""The discrete chain by its own kernel: numbers at one t, and coefficients in 1/t from a ladder of them.

    coefficient   the coefficient of t^{−k} of a kernel's number, extrapolated from values at t = 64, 128, …

The kernel's errors are estimated from three grids and those of the extrapolation from the last rung: nothing is proved there.

Reading order: `kernel_at`, `coefficients`, `enclosed` (d = 1), `enclosed_far` (d = 2).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import sympy as sp
from flint import arb

from ledger.claim import Evidence
from ledger.discrete import Problem
from ledger.evidence import encloses
from numerics import extrapolate, kernel
from numerics.precision import ball, digits

KERNEL_DIGITS, BATCH_DIGITS = 50, 42
START, RUNGS, TARGET = 64, 14, 17
# Where the plane's kernel is compared: three more orders of the series are below 1e-17 then.
FAR, FAR_DIGITS = 2**20, 22
ESTIMATED = "kernel on three grids; its error is estimated"


@cache
def kernel_at(problem: Problem, t: int) -> kernel.Kernel:
    """The chain's kernel; d = 1 to KERNEL_DIGITS, minibatches of B = t/ratio."""
    settings: dict[str, Any] = {"at": (0,) * problem.d, "gamma": problem.gamma}
    if problem.labels:
        settings |= {"losses": problem.losses, "batch": int(t / problem.ratio)}
    else:
        settings |= {"noise": problem.gradient_noise}
    with digits(FAR_DIGITS if problem.d == 2 else BATCH_DIGITS if problem.labels else KERNEL_DIGITS):
        return kernel.stationary(problem.loss, problem.variables, t, problem.e, **settings)


def coefficients(problem: Problem, quantity: Callable[[kernel.Kernel], arb], order: int) -> list[arb]:
    """c_0 … c_order of the quantity's expansion in 1/t."""
    with digits(KERNEL_DIGITS):
        found = extrapolate.coefficients(
            lambda t: quantity(kernel_at(problem, t)), order=order, start=START, target_digits=TARGET, max_rungs=RUNGS
        )
    return [c.ball for c in found]


def enclosed(
    name: str, problem: Problem, quantity: Callable[[kernel.Kernel], arb], formula: dict[int, Any]
) -> list[Evidence]:
    """The kernel's coefficients against the formula's: {k: coefficient of t^{−k}}."""
    found = coefficients(problem, quantity, max(formula))
    with digits(KERNEL_DIGITS):
        return [
            encloses(f"{name}, t^−{k}", found[k], sp.sympify(value), problem=problem.name, road=ESTIMATED)
            for k, value in formula.items()
        ]


def enclosed_far(name: str, problem: Problem, traces: tuple[sp.Expr, ...], formula: dict[int, Any]) -> Evidence:
    """d = 2: the kernel's cumulant at t = FAR against the series with the formula's coefficients in their places.

    A coefficient of t^{−k} beside t^{−j} before it is seen to about 17 − 6(k − j) digits.
    """
    series = problem.series(*traces, order=max(formula) + 3)
    with digits(FAR_DIGITS):
        found = kernel_at(problem, FAR).cumulant(traces)
        terms = [ball(formula.get(k, c)) / arb(FAR) ** k for k, c in enumerate(series)]
        # The last term stands for what is left out.
        whole = sum(terms, arb(0)) + arb(0, abs(terms[-1]).upper())
        return encloses(f"{name} at t = {FAR}", found, whole, problem=problem.name, road=ESTIMATED)
