"""Proofs that an analytic function is positive on a box or an orthant, by subdivision in ball arithmetic.

Reading order: `positive`.
"""

import heapq
from collections.abc import Sequence
from itertools import product

import sympy as sp
from flint import arb, fmpq

from theory.zeta.balls import ball, evaluator
from theory.zeta.precision import digits


def positive(expr: sp.Expr, variables: Sequence[sp.Symbol], unbounded: Sequence[bool], pieces: int = 4000) -> str:
    """Is `expr` > 0 for every variable in [0, 1] (or [0, ∞) where `unbounded`)? "" when proved, else a witness in words.

    A half-line is cut at 1 and turned round, x → 1/x, which needs a polynomial there.
    """
    if not variables or not expr.has(*variables):
        if expr.is_positive:
            return ""
        with digits(20):
            return "" if not expr.free_symbols and ball(expr) > 0 else f"it is {expr}"
    if expr.is_polynomial(*variables):
        terms = sp.Poly(expr, *variables).terms()
        constant = dict(terms).get((0,) * len(variables), sp.S.Zero)
        if constant.is_positive and all(c.is_nonnegative for _, c in terms):
            return ""
    for turned in product(*((False, True) if far else (False,) for far in unbounded)):
        piece = expr
        for v, turn in zip(variables, turned, strict=True):
            if turn:
                if not piece.is_polynomial(v):
                    return f"it is not a polynomial in {v}, which runs to infinity"
                degree = sp.degree(piece, v)
                piece = sp.expand(piece.subs(v, 1 / v) * v**degree) if degree > 0 else piece
        witness = _positive_on_box(piece, variables, pieces)
        if witness:
            return witness
    return ""


def _positive_on_box(expr: sp.Expr, variables: Sequence[sp.Symbol], pieces: int) -> str:
    if expr.free_symbols - set(variables):
        return f"its sign depends on {sorted(map(str, expr.free_symbols - set(variables)))}"
    function = evaluator(expr, variables)
    queue: list[tuple[int, tuple[tuple[fmpq, fmpq], ...]]] = [(0, ((fmpq(0), fmpq(1)),) * len(variables))]
    for _ in range(pieces):
        if not queue:
            return ""
        depth, cell = heapq.heappop(queue)
        for point in ([arb(low) for low, _ in cell], [arb(high) for _, high in cell]):
            value = function(point)
            if value.is_finite() and not value > 0:
                where = ", ".join(f"{v} = {x.str(4, radius=False)}" for v, x in zip(variables, point, strict=True))
                return f"at {where} its value is {value.str(4, radius=False)}"
        if function([arb(low).union(arb(high)) for low, high in cell]) > 0:
            continue
        axis = max(range(len(cell)), key=lambda i: cell[i][1] - cell[i][0])
        low, high = cell[axis]
        middle = (low + high) / 2
        for half in ((low, middle), (middle, high)):
            heapq.heappush(queue, (depth + 1, (*cell[:axis], half, *cell[axis + 1 :])))
    return f"{pieces} pieces did not prove it"
