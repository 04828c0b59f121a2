"""Sums of matrix products kept apart, so that (y V) W is computed as y (V W) where that is cheaper.

Idea
----
A residual stream is a sum x = x° + Σ_i y_i V_i: activations y_i, one row for each token, times weights V_i, the same for all
tokens. What reads it linearly, x W with W frozen, is

    x W = x° W + Σ_i y_i (V_i W),

and x° W does not move if x° does not: it is kept for the example. V_i W costs as much as a few dozen tokens, or nothing where V_i
is frozen too. With y_i one head of width 64, V_i its rows of W_O, and W an unembedding of 512 columns, a token takes 64 · 512
products where x W took 256 · 512. A norm between the two ends it: then the sum is put together.

Axes carry labels, as in Einstein's notation: `Product` is einsum(activation, weight) over the labels that are not axes of the sum.

Reading order: `Product`, `Sum`, `Sum.whole`, `contraction`, `direct_cost`, `folded_cost`.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

Axes = tuple[int, ...]


class Product(NamedTuple):
    """einsum(activation, weight); a weight that is frozen is named (a variable of the program), one that moves is an array."""

    activation: Array
    axes: Axes
    weight: Any
    weight_axes: Axes
    frozen: bool


class Sum(NamedTuple):
    """x = rest + Σ products, with its axes' labels and every label's size; `rest` names what does not move (None for 0).

    options: what the products were asked for (precision and type), to be asked again.
    """

    axes: Axes
    sizes: Mapping[int, int]
    products: tuple[Product, ...]
    rest: Any
    options: Mapping[str, Any]

    def product(self, one: Product, weight: Callable[[Any], Array]) -> Array:
        value = weight(one.weight) if one.frozen else one.weight
        return jnp.einsum(one.activation, one.axes, value, one.weight_axes, self.axes, **self.options)

    def whole(self, read: Callable[[Any], Array]) -> Array:
        """The value; `read` gives what does not move."""
        first, *others = (self.product(one, read) for one in self.products)
        total = sum(others, start=first)
        return total if self.rest is None else read(self.rest) + total

    def relabelled(self, axes: Axes, fresh: int) -> "Sum":
        """The same with these labels for its axes, and labels from `fresh` on for the rest."""
        names = dict(zip(self.axes, axes, strict=True))
        names |= {label: fresh + i for i, label in enumerate(sorted(self.sizes.keys() - names.keys()))}
        products = tuple(
            one._replace(axes=tuple(names[a] for a in one.axes), weight_axes=tuple(names[a] for a in one.weight_axes))
            for one in self.products
        )
        return Sum(axes, {names[a]: n for a, n in self.sizes.items()}, products, self.rest, self.options)


class Contraction(NamedTuple):
    """x W or W x for a `Sum` x: labels of W and of the result, with all sizes."""

    weight_axes: Axes
    axes: Axes
    sizes: Mapping[int, int]


def contraction(
    x: Sum, contracted: Sequence[int], shape: Sequence[int], weight_contracted: Sequence[int], left: bool
) -> Contraction | None:
    """The labels of x W (`left`: x stands on the left); None where it contracts an axis that is not a weight's in every product."""
    summed = [x.axes[a] for a in contracted]
    if not all(set(summed) <= set(one.weight_axes) and not set(summed) & set(one.axes) for one in x.products):
        return None
    fresh = iter(range(1 + max(x.sizes), 2 + max(x.sizes) + len(shape)))
    names = dict(zip(weight_contracted, summed, strict=True))
    weight_axes = tuple(names[a] if a in names else next(fresh) for a in range(len(shape)))
    free = tuple(a for a in x.axes if a not in summed)
    new = tuple(label for a, label in enumerate(weight_axes) if a not in names)
    sizes = {**x.sizes, **dict(zip(weight_axes, shape, strict=True))}
    return Contraction(weight_axes, free + new if left else new + free, sizes)


def folded_axes(one: Product, by: Contraction, summed: set[int]) -> Axes:
    """The labels of V W."""
    return tuple(a for a in one.weight_axes if a not in summed) + tuple(a for a in by.weight_axes if a not in summed)


def _size(sizes: Mapping[int, int], *axes: Axes) -> int:
    return prod(sizes[a] for a in set().union(*axes))


def direct_cost(x: Sum, by: Contraction, rows: int, ready: bool) -> int:
    """Products of numbers for `rows` examples if x is put together (unless it is `ready`) and then multiplied."""
    together = 0 if ready else sum(_size(x.sizes, one.axes, one.weight_axes) for one in x.products)
    return rows * (together + _size(by.sizes, x.axes, by.weight_axes))


def folded_cost(x: Sum, by: Contraction, rows: int) -> int:
    """Products of numbers for `rows` examples if W goes into the weights first."""
    summed = set(x.axes) & set(by.weight_axes)
    each = sum(_size(by.sizes, one.axes, folded_axes(one, by, summed)) for one in x.products)
    once = sum(_size(by.sizes, one.weight_axes, by.weight_axes) for one in x.products if not one.frozen)
    return rows * each + once


__all__ = ["Contraction", "Product", "Sum", "contraction", "direct_cost", "folded_axes", "folded_cost"]
