"""Products of activations with weights, kept apart until something reads them that is not linear (`products`).

Reading order: `Sums._apart` (a product), `_sum` (x + y), `_folded` (x W).
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from sampler.partial_evaluation.products import Product, Sum, contraction, direct_cost, folded_axes, folded_cost
from sampler.partial_evaluation.program import Var, apply, literal, options
from sampler.partial_evaluation.values import Values


class Sums(Values):
    """The rules of sums of products."""

    def _sum(self, equation: Any) -> Sum | None:
        """x + y where one is a sum of products and the other one too, or still."""
        inputs = equation.invars
        if any(literal(x) or not isinstance(self._of(x), Sum | None) for x in inputs):
            return None
        sums = [self._of(x) for x in inputs if self._of(x) is not None]
        if any(s.options != sums[0].options for s in sums):
            return None
        first = sums[0]
        for other in sums[1:]:
            other = other.relabelled(first.axes, 1 + max(first.sizes))  # labels under the sums are their own
            first = first._replace(sizes={**first.sizes, **other.sizes}, products=first.products + other.products)
        rests = [x if self._of(x) is None else self._of(x).rest for x in inputs]
        rests = [x for x in rests if x is not None]
        rest = self.program.derive(("sum", *rests), jnp.add, *rests) if len(rests) == 2 else next(iter(rests), None)
        return first._replace(rest=rest)

    def _folded(self, equation: Any) -> Sum | None:
        """x W for a sum of products x and a frozen W, as x° W + Σ y (V W), where that is cheaper."""
        (contracted, batch), inputs = equation.params["dimension_numbers"], equation.invars
        left = isinstance(self._of(inputs[0]), Sum)
        x, W = inputs if left else inputs[::-1]
        total = self._of(x)
        if not isinstance(total, Sum) or self._of(W) is not None or W not in self.program.constants or any(batch):
            return None
        on_x, on_W = contracted if left else contracted[::-1]
        by = contraction(total, on_x, W.aval.shape, on_W, left)
        if by is None or total.options != options(equation):
            return None
        if folded_cost(total, by, self._batch) >= direct_cost(total, by, self._batch, x in self._together):
            return None
        summed = {total.axes[a] for a in on_x}
        products = []
        for one in total.products:
            axes = folded_axes(one, by, summed)

            def folded(V: Array, W: Array, one: Product = one, axes: tuple[int, ...] = axes) -> Array:
                return jnp.einsum(V, one.weight_axes, W, by.weight_axes, axes, **total.options)

            if one.frozen:
                key = ("folded", one.weight, one.weight_axes, W, by.weight_axes, axes)
                weight = self.program.derive(key, folded, one.weight, W)
            else:
                weight = folded(one.weight, self._at_centre(W))
            products.append(one._replace(weight=weight, weight_axes=axes))
        rest = total.rest
        if rest is not None:
            pair = (rest, W) if left else (W, rest)
            rest = self.program.derive(("rest", rest, W, left), lambda *pair: apply(equation, pair)[0], *pair)
        used = set(by.axes).union(*(set(p.axes) | set(p.weight_axes) for p in products))
        return Sum(by.axes, {a: by.sizes[a] for a in used}, tuple(products), rest, total.options)

    def _apart(
        self, equation: Any, inputs: Sequence[Any], values: Sequence[Any] = (), rest: Var | None = None
    ) -> Sum | None:
        """The product of an activation with a weight, kept as a product; `values`: of the inputs, if not their own."""
        (contracted, batch), program = equation.params["dimension_numbers"], self.program
        of_example = [x in program.of_example for x in inputs]
        if any(batch) or sum(of_example) != 1 or not self._batch:
            return None
        k = of_example.index(True)
        shapes = [jnp.shape(v) for v in values] or [x.aval.shape for x in inputs]
        axes: list[list[int]] = [list(range(len(shapes[0]))), []]
        fresh = len(shapes[0])
        for axis in range(len(shapes[1])):
            if axis in contracted[1]:
                axes[1].append(contracted[0][list(contracted[1]).index(axis)])
            else:
                axes[1].append(fresh)
                fresh += 1
        out = tuple(a for side, over in zip(axes, contracted, strict=True) for i, a in enumerate(side) if i not in over)
        sizes = {a: n for side, shape in zip(axes, shapes, strict=True) for a, n in zip(side, shape, strict=True)}
        weight = inputs[1 - k]
        frozen = not values and self._of(weight) is None
        product = Product(
            values[k] if values else self._whole(inputs[k]),
            tuple(axes[k]),
            weight if frozen else values[1 - k] if values else self._whole(weight),
            tuple(axes[1 - k]),
            frozen,
        )
        return Sum(out, sizes, (product,), rest, options(equation))


__all__ = ["Sums"]
