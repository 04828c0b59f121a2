"""Partial evaluation of a loss: what does not depend on the weights that move is computed once for each example.

Idea
----
Trace ℓ(w, z) to a jaxpr, a list of equations, and follow how every value depends on the weights that move, v:

    not at all            constants (frozen weights, masks) are evaluated now, functions of z once for each example;
    in one *block*        x = x⁰ except in the range [start, stop) of one axis: x⁰ is the value at w*, kept; the block is computed;
    everywhere            computed at each step, from whole values.

A slice of a matrix (one head's columns of W_Q) makes a block of x W_Q, which stays a block through reshapes, transposes,
element-wise functions and the products of one head with itself; so the other heads are never computed again. Where blocks
meet in a contraction,

    Σ_{all} x y = (Σ x y)⁰ − Σ_{block} x⁰ y⁰ + Σ_{block} x y,

and the result depends everywhere; what stands still in it, (Σ x y)⁰ − Σ_{block} x⁰ y⁰, is kept for the example. A product of an
activation with a weight stays a product until something reads it that is not linear (`products`), so that frozen weights
behind it are multiplied into it. An equation without a rule gets whole values, which is always right.

What is kept for an example are the values at w* that the rest reads, and of each only the range that is read; views of
smaller values (broadcasts, reshapes, casts) are done again. Calls that only group equations (`jit`) are opened; loops,
custom derivatives and other nested calls are taken whole, so a `scan` over layers depends on v if any layer does.

No prefix is written by hand and any pure model works. Results are those of the loss but for the order of floating-point sums.

Reading order: `split`, then `program`, `values`, `blocks`, `products`, `sums`, `step`.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from sampler.partial_evaluation.program import Program, Range, Var, cut, part_of
from sampler.partial_evaluation.step import Moving, Step


class Split(NamedTuple):
    """ℓ(w, z) = each(v, once(z)); `kept`: bytes of once(z)."""

    once: Callable[[Any], list[Array]]
    each: Callable[[Mapping[str, Array], Sequence[Array]], Array]
    kept: int


def split(
    loss: Callable[[Any, Any], Array],
    weights: Any,
    moving: Mapping[str, tuple[int, Range | None]],
    example: Any,
    *,
    batch: int = 1,
) -> Split:
    """Split the loss of one example between what is done once and what is done at each v.

    weights: w*, all of them; moving: {name: (number of the leaf, the range of one axis that moves, or None for all of it)}; v is a
    mapping from the same names to arrays. example: arrays (or shapes) of one example. batch: on how many examples at a time the
    loss will be computed, to judge what pays; 0 keeps no products apart, which keeps less for an example.
    """
    program = Program(loss, weights, example)
    leaves = jax.tree.leaves(weights)

    def shape(name: str) -> jax.ShapeDtypeStruct:
        number, where = moving[name]
        full = list(leaves[number].shape)
        if where is not None:
            full[where[0]] = where[2] - where[1]
        return jax.ShapeDtypeStruct(tuple(full), leaves[number].dtype)

    def run(v: Mapping[str, Array], read: Callable[[Var, Range | None], Any]) -> Array:
        inputs = {moving[name][0]: Moving(v[name], moving[name][1]) for name in moving}
        return Step(program, read, batch).loss(inputs)

    wanted: dict[tuple[Var, Range | None], None] = {}

    def note(x: Var, where: Range | None) -> Any:
        wanted[x, where] = None
        return jnp.zeros(cut(x.aval.shape, where), x.aval.dtype)

    jax.eval_shape(lambda v: run(v, note), {name: shape(name) for name in moving})
    keys = list(wanted)

    def once(example: Any) -> list[Array]:
        values = program.values(example, list(dict.fromkeys(x for x, _ in keys)))
        return [jnp.asarray(part_of(values[x], where)) for x, where in keys]

    def each(v: Mapping[str, Array], kept: Sequence[Array]) -> Array:
        table = dict(zip(keys, kept, strict=True))
        return run(v, lambda x, where: table[x, where])

    return Split(once, each, sum(np.dtype(x.aval.dtype).itemsize * prod(cut(x.aval.shape, where)) for x, where in keys))


__all__ = ["Moving", "Split", "split"]
