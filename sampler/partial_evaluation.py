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
activation with a weight stays a product until something reads it that is not linear (`reassociation`), so that frozen weights
behind it are multiplied into it. An equation without a rule gets whole values, which is always right.

What is kept for an example are the values at w* that the rest reads, and of each only the range that is read; views of
smaller values (broadcasts, reshapes, casts) are done again. Calls that only group equations (`jit`) are opened; loops,
custom derivatives and other nested calls are taken whole, so a `scan` over layers depends on v if any layer does.

No prefix is written by hand and any pure model works. Results are those of the loss but for the order of floating-point sums.

Reading order: `split`, `Moving`, `_Program`, `_Step` (the rules).
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core
from jaxtyping import Array

from sampler.reassociation import Product, Sum, contraction, direct_cost, folded_axes, folded_cost

OPENED = {"jit", "pjit", "closed_call", "core_call"}
VIEWS = {"broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "convert_element_type", "copy"}
ELEMENTWISE = {
    "add", "sub", "mul", "div", "max", "min", "pow", "integer_pow", "exp", "exp2", "log", "log1p", "expm1", "tanh",
    "logistic", "sin", "cos", "sqrt", "rsqrt", "neg", "sign", "abs", "erf", "select_n", "stop_gradient",
    "convert_element_type", "square", "ge", "gt", "le", "lt", "eq", "ne", "and", "or", "not", "is_finite", "copy",
    "add_any", "clamp",
}  # fmt: skip
LINEAR = {"add", "add_any"}
REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "argmax", "argmin"}

Var = Any
Range = tuple[int, int, int]  # axis, start, stop


class Moving(NamedTuple):
    """What moves of a leaf: all of it (where = None), or the range [start, stop) of one axis."""

    value: Array
    where: Range | None = None


class _Block(NamedTuple):
    """x = x⁰ but for the range `where`, which is `value`."""

    value: Array
    where: Range


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
    program = _Program(loss, weights, example)
    leaves = jax.tree.leaves(weights)

    def shape(name: str) -> jax.ShapeDtypeStruct:
        number, where = moving[name]
        full = list(leaves[number].shape)
        if where is not None:
            full[where[0]] = where[2] - where[1]
        return jax.ShapeDtypeStruct(tuple(full), leaves[number].dtype)

    def run(v: Mapping[str, Array], read: Callable[[Var, Range | None], Any]) -> Array:
        inputs = {moving[name][0]: Moving(v[name], moving[name][1]) for name in moving}
        return _Step(program, read, batch).loss(inputs)

    wanted: dict[tuple[Var, Range | None], None] = {}

    def note(x: Var, where: Range | None) -> Any:
        wanted[x, where] = None
        return jnp.zeros(_cut(x.aval.shape, where), x.aval.dtype)

    jax.eval_shape(lambda v: run(v, note), {name: shape(name) for name in moving})
    keys = list(wanted)

    def once(example: Any) -> list[Array]:
        values = program.values(example, list(dict.fromkeys(x for x, _ in keys)))
        return [jnp.asarray(_slice(values[x], where)) for x, where in keys]

    def each(v: Mapping[str, Array], kept: Sequence[Array]) -> Array:
        table = dict(zip(keys, kept, strict=True))
        return run(v, lambda x, where: table[x, where])

    return Split(
        once, each, sum(np.dtype(x.aval.dtype).itemsize * prod(_cut(x.aval.shape, where)) for x, where in keys)
    )


def _cut(shape: Sequence[int], where: Range | None) -> tuple[int, ...]:
    if where is None:
        return tuple(shape)
    return tuple(where[2] - where[1] if i == where[0] else n for i, n in enumerate(shape))


def _slice(x: Any, where: Range | None) -> Any:
    return x if where is None else lax.slice_in_dim(jnp.asarray(x), where[1], where[2], axis=where[0])


def _options(equation: Any) -> dict[str, Any]:
    return {name: equation.params[name] for name in ("precision", "preferred_element_type")}


def _literal(x: Any) -> bool:
    return isinstance(x, core.Literal)


class _Program:
    """The equations of a loss, nested calls opened; its values at w*, constants evaluated."""

    def __init__(self, loss: Callable[[Any, Any], Array], weights: Any, example: Any):
        closed = jax.make_jaxpr(loss)(weights, example)
        leaves = jax.tree.leaves(weights)
        self.weights, self.read = closed.jaxpr.invars[: len(leaves)], closed.jaxpr.invars[len(leaves) :]
        self.constants: dict[Var, Any] = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
        self.constants |= dict(zip(self.weights, leaves, strict=True))
        self.equations: list[Any] = []
        self.derived: list[Any] = []
        self.maker: dict[Var, Any] = {}
        self._names: dict[Any, Var] = {}
        names = self._open(closed.jaxpr, {}, self.equations)
        self.out = self._same(closed.jaxpr.outvars[0], names)
        self.of_example: set[Var] = set(self.read)
        for equation in self.equations:
            if not self.of_example.isdisjoint(x for x in equation.invars if not _literal(x)):
                self.of_example.update(equation.outvars)

    def derive(self, key: Any, function: Callable[..., Array], *inputs: Var) -> Var:
        """A value at w* that the loss does not compute itself; `key` tells it from others."""
        if key not in self._names:
            shapes = [jax.ShapeDtypeStruct(x.aval.shape, x.aval.dtype) for x in inputs]
            closed = jax.make_jaxpr(function)(*shapes)
            names = dict(zip(closed.jaxpr.invars, inputs, strict=True))
            names = self._open(closed.jaxpr, names | self._fresh(closed.jaxpr), self.derived)
            self._names[key] = self._same(closed.jaxpr.outvars[0], names)
        return self._names[key]

    def _same(self, x: Any, names: Mapping[Var, Any]) -> Any:
        return x if _literal(x) else names.get(x, x)

    @staticmethod
    def _fresh(jaxpr: Any) -> dict[Var, Any]:
        """New names for what a jaxpr makes: the same nested one may stand in several calls."""
        return {x: core.Var(x.aval) for eqn in jaxpr.eqns for x in eqn.outvars}

    def _open(self, jaxpr: Any, names: dict[Var, Any], into: list[Any]) -> dict[Var, Any]:
        for equation in jaxpr.eqns:
            inner = equation.params.get("jaxpr")
            if equation.primitive.name in OPENED and isinstance(inner, core.ClosedJaxpr):
                inside = dict(zip(inner.jaxpr.invars, (self._same(x, names) for x in equation.invars), strict=True))
                inside |= self._fresh(inner.jaxpr)
                for x, value in zip(inner.jaxpr.constvars, inner.consts, strict=True):
                    inside[x] = core.Var(x.aval)
                    self.constants[inside[x]] = value
                inside = self._open(inner.jaxpr, inside, into)
                found = (self._same(y, inside) for y in inner.jaxpr.outvars)
                names |= dict(zip(equation.outvars, found, strict=True))
            else:
                self._add(
                    equation.replace(
                        invars=[self._same(x, names) for x in equation.invars],
                        outvars=[self._same(x, names) for x in equation.outvars],
                    ),
                    into,
                )
        return names

    def _add(self, equation: Any, into: list[Any]) -> None:
        into.append(equation)
        self.maker |= dict.fromkeys(equation.outvars, equation)
        if all(_literal(x) or x in self.constants for x in equation.invars):
            given = [x.val if _literal(x) else self.constants[x] for x in equation.invars]
            with jax.ensure_compile_time_eval():
                self.constants |= dict(zip(equation.outvars, apply(equation, given), strict=True))

    def values(self, example: Any, wanted: list[Var]) -> dict[Var, Any]:
        """The wanted values at w*, for one example."""
        given = dict(zip(self.read, jax.tree.leaves(example), strict=True))
        known = {x: (self.constants | given)[x] for x in wanted if x in self.constants or x in given}
        needed, equations = {x for x in wanted if x not in known}, []
        for equation in reversed([*self.equations, *self.derived]):
            if needed.intersection(equation.outvars) and not set(equation.outvars) <= self.constants.keys():
                equations.append(equation)
                needed |= {x for x in equation.invars if not _literal(x)}
        environment = dict(given)
        for equation in reversed(equations):
            values = [x.val if _literal(x) else environment.get(x, self.constants.get(x)) for x in equation.invars]
            environment |= dict(zip(equation.outvars, apply(equation, values), strict=True))
        return {x: known[x] if x in known else environment[x] for x in wanted}


def apply(equation: Any, values: Sequence[Any]) -> list[Any]:
    """The outputs of one equation."""
    inputs = [core.Var(jax.typeof(x)) for x in values]
    outputs = [core.Var(x.aval) for x in equation.outvars]
    names = core.DebugInfo("partial evaluation", str(equation.primitive), ("",) * len(inputs), ("",) * len(outputs))
    jaxpr = core.Jaxpr([], inputs, outputs, [equation.replace(invars=inputs, outvars=outputs)], debug_info=names)
    return core.jaxpr_as_fun(core.ClosedJaxpr(jaxpr, []))(*values)


class _Step:
    """One evaluation at v: `moved` holds what depends on v, a `_Block`, a `Sum` or a whole array; all else is read at w*."""

    def __init__(self, program: _Program, read: Callable[[Var, Range | None], Any], batch: int):
        self.program, self._read, self._batch = program, read, batch
        self.moved: dict[Var, Any] = {}
        self._together: dict[Var, Array] = {}

    def loss(self, inputs: Mapping[int, Moving]) -> Array:
        for number, (value, where) in inputs.items():
            self.moved[self.program.weights[number]] = value if where is None else _Block(value, where)
        for equation in self.program.equations:
            if any(not _literal(x) and x in self.moved for x in equation.invars):
                found = self._ruled(equation)
                found = [found] if found is not None else apply(equation, [self._whole(x) for x in equation.invars])
                self.moved |= dict(zip(equation.outvars, found, strict=True))
        return self._whole(self.program.out)

    def _ruled(self, equation: Any) -> Any:
        """What the equation's rule makes of blocks and sums; None if it has none."""
        name = equation.primitive.name
        kinds = {type(self._of(x)) for x in equation.invars}
        if name in LINEAR and Sum in kinds:
            return self._sum(equation)
        if name == "dot_general":
            folded = self._folded(equation)
            if folded is not None:
                return folded
        if _Block in kinds:
            rule = self._elementwise if name in ELEMENTWISE else self._reduction if name in REDUCTIONS else None
            rule = rule or getattr(self, "_" + name, None)
            found = rule(equation) if rule else None
            if found is not None:
                return found
        return self._apart(equation, equation.invars) if name == "dot_general" else None

    def _of(self, x: Any) -> Any:
        return None if _literal(x) else self.moved.get(x)

    def _at_centre(self, x: Any, where: Range | None = None) -> Any:
        """The value at w*, or a range of it."""
        if _literal(x):
            return _slice(x.val, where)
        if x in self.program.constants:
            return _slice(self.program.constants[x], where)
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
        if not isinstance(found, _Block):
            return found
        axis, start, _ = found.where
        return lax.dynamic_update_slice_in_dim(jnp.asarray(self._at_centre(x)), found.value, start, axis)

    def _part(self, x: Any, where: Range) -> Any:
        """The range of x: its block if that is the range, else a slice of what it is."""
        found = self._of(x)
        if found is None:
            return self._at_centre(x, where)
        if isinstance(found, _Block) and found.where == where:
            return found.value
        return _slice(self._whole(x), where)

    def _ranges(self, equation: Any) -> set[Range | None]:
        """Where the moved inputs moved; None for everywhere."""
        found = (self._of(x) for x in equation.invars)
        return {f.where if isinstance(f, _Block) else None for f in found if f is not None}

    def _elementwise(self, equation: Any) -> _Block | None:
        ranges, shape = self._ranges(equation), equation.outvars[0].aval.shape
        if len(ranges) != 1 or None in ranges:
            return None
        where = next(r for r in ranges if r is not None)
        axis = where[0]

        def part(x: Any) -> Any:  # sizes 1 broadcast, and so do scalars
            along = x.aval.ndim == len(shape) and x.aval.shape[axis] == shape[axis]
            return self._part(x, where) if along else self._whole(x)

        return _Block(apply(equation, [part(x) for x in equation.invars])[0], where)

    def _reduction(self, equation: Any) -> _Block | None:
        block, axes = self._of(equation.invars[0]), equation.params["axes"]
        axis, start, stop = block.where
        if axis in axes:
            return None
        return _Block(apply(equation, [block.value])[0], (axis - sum(a < axis for a in axes), start, stop))

    def _broadcast_in_dim(self, equation: Any) -> _Block | None:
        block, dimensions = self._of(equation.invars[0]), equation.params["broadcast_dimensions"]
        axis, start, stop = block.where
        shape, target = equation.params["shape"], dimensions[axis]
        if len(equation.invars) > 1 or shape[target] != equation.invars[0].aval.shape[axis]:
            return None
        where = (target, start, stop)
        return _Block(lax.broadcast_in_dim(block.value, _cut(shape, where), dimensions), where)

    def _transpose(self, equation: Any) -> _Block:
        block, order = self._of(equation.invars[0]), tuple(equation.params["permutation"])
        axis, start, stop = block.where
        return _Block(lax.transpose(block.value, order), (order.index(axis), start, stop))

    def _squeeze(self, equation: Any) -> _Block | None:
        block, dimensions = self._of(equation.invars[0]), equation.params["dimensions"]
        axis, start, stop = block.where
        if axis in dimensions:
            return None
        return _Block(lax.squeeze(block.value, dimensions), (axis - sum(d < axis for d in dimensions), start, stop))

    def _reshape(self, equation: Any) -> _Block | None:
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
        return _Block(lax.reshape(block.value, _cut(shape, where)), where)

    def _sum(self, equation: Any) -> Sum | None:
        """x + y where one is a sum of products and the other one too, or still."""
        inputs = equation.invars
        if any(_literal(x) or not isinstance(self._of(x), Sum | None) for x in inputs):
            return None
        sums = [self._of(x) for x in inputs if self._of(x) is not None]
        if any(s.options != sums[0].options for s in sums):
            return None
        first = sums[0]
        others = [s.relabelled(first.axes) for s in sums[1:]]
        shift = 1 + max(first.sizes)
        for other in others:  # labels under the sums are their own
            names = {a: a if a in first.axes else a + shift for a in other.sizes}
            moved = tuple(
                p._replace(axes=tuple(names[a] for a in p.axes), weight_axes=tuple(names[a] for a in p.weight_axes))
                for p in other.products
            )
            sizes = {**first.sizes, **{names[a]: n for a, n in other.sizes.items()}}
            first = Sum(first.axes, sizes, first.products + moved, first.rest, first.options)
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
        if by is None or total.options != _options(equation):
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
        return Sum(out, sizes, (product,), rest, _options(equation))

    def _dot_general(self, equation: Any) -> _Block | Sum | Array | None:
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
                return out - apply(equation, [_slice(x, w) for x, w in zip(sides, wheres, strict=True)])[0]

            rest = self.program.derive(("still", equation.outvars[0], *wheres), still, equation.outvars[0], left, right)
            apart = self._apart(equation, (left, right), values, rest)
            return apart if apart is not None else self._at_centre(rest) + apply(equation, values)[0]
        product = apply(equation, values)[0]
        axis = (
            number
            if kind == "batch"
            else self._free_axis(number, 0 if sides[0] is not None else 1, contracted, batch, ranks)
        )
        return _Block(product, (axis, start, stop))

    @staticmethod
    def _place(k: int, side: Any, contracted: Any, batch: Any, ranks: list[int]) -> Any:
        """Where the block of side k lies: ("batch" | "contracted" | "free", which one, start, stop); None if it is everywhere."""
        if side is None:
            return "still"
        if not isinstance(side, _Block):
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


__all__ = ["Moving", "Split", "split"]
