"""From which t on a truncated series is good: the next terms as its error.

A Laplace series is asymptotic. Cut after t^{−K},

    S_K(t) = Σ_{k≤K} c_k t^{−k},      |F(t) − S_K(t)| ≈ e(t) = Σ_{j=1}^{J} |c_{K+j}| t^{−K−j},

where the J terms after the cut stand for the error (with J = 2, one that happens to vanish or to be small is not mistaken for
accuracy). This is an estimate: certified integrals (`numerics.posterior`) decide at any one t. `good_from` gives the least
integer t₀ such that e(t) ≤ ε |S_K(t)| for *every* t ≥ t₀: a root of a polynomial, isolated exactly.
"""

from collections.abc import Sequence

import sympy as sp

from theory.errors import BadInput

EXTRA = 2  # the terms after the cut that stand for the error
PERCENT = sp.Rational(1, 100)
_GRID = sp.Integer(10) ** 40


def good_from(coefficients: Sequence[sp.Expr], order: int, relative: sp.Rational = PERCENT) -> sp.Integer | None:
    """The least integer t₀ ≥ 0 with Σ_{k>order} |c_k| t^{−k} ≤ relative · |Σ_{k≤order} c_k t^{−k}| for all t ≥ t₀.

    coefficients: c_0, …, c_{order+J} with J ≥ 1, real numbers; `relative` > 0. None when all c_k up to `order` vanish: a
    truncated series that is zero has no relative error. Raises `BadInput` when there is no term after the cut, or when a
    coefficient is not a number (put numbers for its symbols).
    """
    cs = [sp.sympify(c) for c in coefficients]
    if not 0 <= order < len(cs) - 1:
        raise BadInput(
            f"the error of a series cut at t^−{order} needs the next term; {len(cs)} coefficients were given"
        )
    if not sp.sympify(relative) > 0:
        raise BadInput(f"a relative error must be positive, got {relative}")
    for c in cs:
        if not (c.is_number and c.is_extended_real):
            raise BadInput(
                f"the coefficient {c} is not a real number; give values to {sorted(map(str, c.free_symbols))}"
            )
    leading = next((c for c in cs[: order + 1] if c != 0), None)
    if leading is None:
        return None
    if not any(cs[order + 1 :]):
        return sp.S.Zero
    if leading.is_negative:
        cs = [-c for c in cs]
    # t^{order+J} (relative·S − e) for S > 0, each coefficient rounded down, if at all. It has a positive root: its first
    # coefficient is positive and a later one negative.
    falling = [relative * c for c in cs[: order + 1]] + [-abs(c) for c in cs[order + 1 :]]
    return sp.ceiling(sp.Poly([_below(c) for c in falling], sp.Dummy()).real_roots()[-1])


def _below(c: sp.Expr) -> sp.Rational:
    """c itself when rational, else a rational just below it."""
    return c if c.is_Rational else sp.floor(c * _GRID) / _GRID
