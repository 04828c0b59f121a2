"""One evaluation at v: what is known of each value of the program, moved or still.

A value x that depends on v is a `Block` (x = x⁰ but for a range of one axis), a `Sum` of products kept apart, or a whole array; all
else is read at w*, and what is read is what the split keeps.

Reading order: `Block`, `Values`.
"""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from sampler.partial_evaluation.products import Sum
from sampler.partial_evaluation.program import Program, Range, Var, apply, literal, part_of

VIEWS = {"broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "convert_element_type", "copy"}


class Block(NamedTuple):
    """x = x⁰ but for the range `where`, which is `value`."""

    value: Array
    where: Range


class Values:
    """One evaluation at v: `moved` holds what depends on v, a `Block`, a `Sum` or a whole array; all else is read at w*."""

    def __init__(self, program: Program, read: Callable[[Var, Range | None], Any], batch: int):
        self.program, self._read, self._batch = program, read, batch
        self.moved: dict[Var, Any] = {}
        self._together: dict[Var, Array] = {}

    def _of(self, x: Any) -> Any:
        return None if literal(x) else self.moved.get(x)

    def _at_centre(self, x: Any, where: Range | None = None) -> Any:
        """The value at w*, or a range of it."""
        if literal(x):
            return part_of(x.val, where)
        if x in self.program.constants:
            return part_of(self.program.constants[x], where)
        maker = self.program.maker.get(x)
        if where is None and maker is not None and maker.primitive.name in VIEWS:
            (small,) = maker.invars[:1]
            if len(maker.invars) == 1 and prod(small.aval.shape) <= prod(x.aval.shape):
                return apply(maker, [self._at_centre(small)])[0]
        return self._read(x, where)

    def _whole(self, x: Any) -> Any:
        found = self._of(x)
        if found is None:
            return self._at_centre(x)
        if isinstance(found, Sum):
            if x not in self._together:
                self._together[x] = found.whole(self._at_centre)
            return self._together[x]
        if not isinstance(found, Block):
            return found
        axis, start, _ = found.where
        return lax.dynamic_update_slice_in_dim(jnp.asarray(self._at_centre(x)), found.value, start, axis)

    def _part(self, x: Any, where: Range) -> Any:
        """The range of x: its block if that is the range, else a slice of what it is."""
        found = self._of(x)
        if found is None:
            return self._at_centre(x, where)
        if isinstance(found, Block) and found.where == where:
            return found.value
        return part_of(self._whole(x), where)


__all__ = ["Block", "Values"]
