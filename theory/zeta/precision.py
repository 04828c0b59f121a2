"""Working precision as a scope, for `theory.zeta` and `theory.singular`: python-flint's, in decimal digits.

Reading order: `digits`, `current_digits`, `rational`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sympy as sp
from flint import ctx, fmpq

BITS = 10  # three decimal digits: 2^10 ≈ 10^3


@contextmanager
def digits(n: int) -> Iterator[None]:
    """Work with n decimal digits and 32 guard bits inside the block."""
    before = ctx.prec
    ctx.prec = n * BITS // 3 + 32
    try:
        yield
    finally:
        ctx.prec = before


def current_digits() -> int:
    """The n of the innermost `digits(n)`, or one less."""
    return (ctx.prec - 32) * 3 // BITS


def rational(value: sp.Expr) -> fmpq:
    """A sympy rational as one of python-flint."""
    return fmpq(int(value.p), int(value.q))
