"""Quartic losses as data, so that one compiled chain serves all of them.

    L(w) = Σ_α c_α w^α,   |α| ≤ 4,   d ≤ 3

A chain is compiled for the *function* of the loss; its data enter without compiling. The claims of Section 4.1 sample some twenty
such losses, and a program is compiled for longer than it runs: here the coefficients (c_α) are the one example of the data, and the
function, which knows only d, is the same for all. Observables are worked out afterwards, from the draws of w (`recorded`). Any
other loss is lowered as it stands: with many more monomials the program would be slower than a new one.

Reading order: `target`, `recorded`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

if TYPE_CHECKING:
    from sampler.record import Run

DEGREE, MOST_VARIABLES = 4, 3


def target(loss: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[Callable, np.ndarray]:
    """(the loss of an example, the data of one example) whose mean loss is `loss`, for `LocalPosterior`.

    Raises `BadInput` as `sampler.lower` does, for what cannot be followed.
    """
    from sampler.lower import lower_loss

    variables, d = tuple(variables), len(variables)
    polynomial = sp.Poly(loss, *variables) if loss.is_polynomial(*variables) else None
    coefficients = {} if polynomial is None else polynomial.as_dict()
    exact = all(c.is_real and c.is_number for c in coefficients.values())
    if polynomial is None or d > MOST_VARIABLES or polynomial.total_degree() > DEGREE or not exact:
        return lower_loss(loss, variables), np.zeros((1, 0))
    return _family(d), np.asarray([[float(coefficients.get(alpha, 0)) for alpha in _powers(d)]])


def recorded(run: "Run", observables: Mapping[str, sp.Expr], variables: Sequence[sp.Symbol]) -> "Run":
    """The run, which has the trace "w", with those of the observables, expressions by name; raises as `sampler.lower` does."""
    from sampler.lower import lower

    for f in observables.values():
        lower(f, variables)
    w = np.moveaxis(run.observables["w"], -1, 0)
    traces = {
        name: np.broadcast_to(sp.lambdify(tuple(variables), f, ["scipy", "numpy"])(*w), w.shape[1:])
        for name, f in observables.items()
    }
    return replace(run, observables={**run.observables, **traces})


def itself(w: Any) -> Any:
    """The weights as an observable; one function, so that it compiles nothing again."""
    return w


@cache
def _powers(d: int) -> tuple[tuple[int, ...], ...]:
    """All α with |α| ≤ 4, the constant first."""
    chosen = (c for k in range(DEGREE + 1) for c in combinations_with_replacement(range(d), k))
    return tuple(tuple(c.count(i) for i in range(d)) for c in chosen)


@cache
def _family(d: int) -> Callable:
    """(w, c) ↦ Σ_α c_α w^α."""

    def loss(w: Any, c: Any) -> Any:
        monomials: dict[tuple[int, ...], Any] = {}
        for alpha in _powers(d):
            first = next((i for i in range(d) if alpha[i]), None)
            if first is not None:
                less = tuple(a - (i == first) for i, a in enumerate(alpha))
                monomials[alpha] = w[first] * monomials[less] if any(less) else w[first]
        return sum((c[k + 1] * value for k, value in enumerate(monomials.values())), start=c[0])

    return loss


__all__ = ["itself", "recorded", "target"]
