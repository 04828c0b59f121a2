"""How a block of one axis goes through an equation; a rule that does not apply returns None.

Reading order: `Blocks`, with `_dot_general` last.
"""

from math import prod
from typing import Any

from jax import lax
from jaxtyping import Array

from sampler.partial_evaluation.products import Sum
from sampler.partial_evaluation.program import Range, apply, cut, part_of
from sampler.partial_evaluation.sums import Sums
from sampler.partial_evaluation.values import Block


class Blocks(Sums):
    """The rules of blocks."""

    def _ranges(self, equation: Any) -> set[Range | None]:
        """Where the moved inputs moved; None for everywhere."""
        found = (self._of(x) for x in equation.invars)
        return {f.where if isinstance(f, Block) else None for f in found if f is not None}

    def _elementwise(self, equation: Any) -> Block | None:
        ranges, shape = self._ranges(equation), equation.outvars[0].aval.shape
        if len(ranges) != 1 or None in ranges:
            return None
        where = next(r for r in ranges if r is not None)
        axis = where[0]

        def part(x: Any) -> Any:  # sizes 1 broadcast, and so do scalars
            along = x.aval.ndim == len(shape) and x.aval.shape[axis] == shape[axis]
            return self._part(x, where) if along else self._whole(x)

        return Block(apply(equation, [part(x) for x in equation.invars])[0], where)

    def _reduction(self, equation: Any) -> Block | None:
        block, axes = self._of(equation.invars[0]), equation.params["axes"]
        axis, start, stop = block.where
        if axis in axes:
            return None
        return Block(apply(equation, [block.value])[0], (axis - sum(a < axis for a in axes), start, stop))

    def _broadcast_in_dim(self, equation: Any) -> Block | None:
        block, dimensions = self._of(equation.invars[0]), equation.params["broadcast_dimensions"]
        axis, start, stop = block.where
        shape, target = equation.params["shape"], dimensions[axis]
        if len(equation.invars) > 1 or shape[target] != equation.invars[0].aval.shape[axis]:
            return None
        where = (target, start, stop)
        return Block(lax.broadcast_in_dim(block.value, cut(shape, where), dimensions), where)

    def _transpose(self, equation: Any) -> Block:
        block, order = self._of(equation.invars[0]), tuple(equation.params["permutation"])
        axis, start, stop = block.where
        return Block(lax.transpose(block.value, order), (order.index(axis), start, stop))

    def _squeeze(self, equation: Any) -> Block | None:
        block, dimensions = self._of(equation.invars[0]), equation.params["dimensions"]
        axis, start, stop = block.where
        if axis in dimensions:
            return None
        return Block(lax.squeeze(block.value, dimensions), (axis - sum(d < axis for d in dimensions), start, stop))

    def _reshape(self, equation: Any) -> Block | None:
        """An axis split in two or merged with those behind it, on whole multiples."""
        block, shape = self._of(equation.invars[0]), tuple(equation.params["new_sizes"])
        axis, start, stop = block.where
        old = equation.invars[0].aval.shape
        before = prod(old[:axis])
        target = next((i for i in range(len(shape)) if prod(shape[:i]) == before and shape[i] > 1), None)
        if target is None or equation.params.get("dimensions") is not None:
            return None
        inner_old, inner_new = prod(old[axis + 1 :]), prod(shape[target + 1 :])
        first, last = start * inner_old, stop * inner_old
        if first % inner_new or last % inner_new:
            return None
        where = (target, first // inner_new, last // inner_new)
        return Block(lax.reshape(block.value, cut(shape, where)), where)

    def _dot_general(self, equation: Any) -> Block | Sum | Array | None:
        (contracted, batch), (left, right) = equation.params["dimension_numbers"], equation.invars
        sides = [self._of(left), self._of(right)]
        ranks = [len(left.aval.shape), len(right.aval.shape)]
        places = [self._place(k, sides[k], contracted, batch, ranks) for k in (0, 1)]
        if None in places or len({p for p in places if p != "still"}) != 1:
            return None
        (place,) = {p for p in places if p != "still"}
        kind, number, start, stop = place
        if kind == "free" and "still" not in places:
            return None
        wheres: list[Any] = []
        for k in (0, 1):
            axes = (contracted if kind == "contracted" else batch)[k] if kind != "free" else ()
            wheres.append(
                (axes[number], start, stop) if kind != "free" else sides[k].where if sides[k] is not None else None
            )
        pairs = zip((left, right), wheres, strict=True)
        values = [self._whole(x) if w is None else self._part(x, w) for x, w in pairs]
        if kind == "contracted":

            def still(out: Array, *sides: Array) -> Array:
                return out - apply(equation, [part_of(x, w) for x, w in zip(sides, wheres, strict=True)])[0]

            rest = self.program.derive(("still", equation.outvars[0], *wheres), still, equation.outvars[0], left, right)
            apart = self._apart(equation, (left, right), values, rest)
            return apart if apart is not None else self._at_centre(rest) + apply(equation, values)[0]
        product = apply(equation, values)[0]
        axis = (
            number
            if kind == "batch"
            else self._free_axis(number, 0 if sides[0] is not None else 1, contracted, batch, ranks)
        )
        return Block(product, (axis, start, stop))

    @staticmethod
    def _place(k: int, side: Any, contracted: Any, batch: Any, ranks: list[int]) -> Any:
        """Where the block of side k lies: ("batch" | "contracted" | "free", which one, start, stop); None if it is everywhere."""
        if side is None:
            return "still"
        if not isinstance(side, Block):
            return None
        axis, start, stop = side.where
        for kind, axes in (("batch", batch[k]), ("contracted", contracted[k])):
            if axis in axes:
                return kind, list(axes).index(axis), start, stop
        free = [a for a in range(ranks[k]) if a not in batch[k] and a not in contracted[k]]
        return "free", free.index(axis), start, stop

    @staticmethod
    def _free_axis(number: int, k: int, contracted: Any, batch: Any, ranks: list[int]) -> int:
        """The place of a free axis in the result: batch axes, free axes of the left, free axes of the right."""
        left = ranks[0] - len(batch[0]) - len(contracted[0])
        return len(batch[0]) + (left if k else 0) + number


__all__ = ["Blocks"]
