"""A loss as a list of equations: nested calls opened, constants evaluated, values at w* on demand.

`Program.equations` are those of the loss; `derive` adds values at w* that the loss does not compute itself, such as what
stands still of a contraction.

Reading order: `Program`, `apply`, `cut`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core
from jaxtyping import Array

OPENED = {"jit", "pjit", "closed_call", "core_call"}

Var = Any
Range = tuple[int, int, int]  # axis, start, stop


class Program:
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
            if not self.of_example.isdisjoint(x for x in equation.invars if not literal(x)):
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
        return x if literal(x) else names.get(x, x)

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
        if all(literal(x) or x in self.constants for x in equation.invars):
            given = [x.val if literal(x) else self.constants[x] for x in equation.invars]
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
                needed |= {x for x in equation.invars if not literal(x)}
        environment = dict(given)
        for equation in reversed(equations):
            values = [x.val if literal(x) else environment.get(x, self.constants.get(x)) for x in equation.invars]
            environment |= dict(zip(equation.outvars, apply(equation, values), strict=True))
        return {x: known[x] if x in known else environment[x] for x in wanted}


@cache
def _nameless() -> Any:
    """What jax tells of a program in its errors, here of an empty one (older versions do not export the class)."""
    return jax.make_jaxpr(lambda: ())().jaxpr.debug_info


def apply(equation: Any, values: Sequence[Any]) -> list[Any]:
    """The outputs of one equation."""
    inputs = [core.Var(jax.typeof(x)) for x in values]
    outputs = [core.Var(x.aval) for x in equation.outvars]
    names = _nameless()._replace(arg_names=("",) * len(inputs), result_paths=("",) * len(outputs))
    jaxpr = core.Jaxpr([], inputs, outputs, [equation.replace(invars=inputs, outvars=outputs)], debug_info=names)
    return core.jaxpr_as_fun(core.ClosedJaxpr(jaxpr, []))(*values)


def cut(shape: Sequence[int], where: Range | None) -> tuple[int, ...]:
    if where is None:
        return tuple(shape)
    return tuple(where[2] - where[1] if i == where[0] else n for i, n in enumerate(shape))


def part_of(x: Any, where: Range | None) -> Any:
    return x if where is None else lax.slice_in_dim(jnp.asarray(x), where[1], where[2], axis=where[0])


def options(equation: Any) -> dict[str, Any]:
    return {name: equation.params[name] for name in ("precision", "preferred_element_type")}


def literal(x: Any) -> bool:
    return isinstance(x, core.Literal)


__all__ = ["Program", "Range", "Var", "apply", "cut", "literal", "options", "part_of"]
