"""One evaluation of the loss at v, equation by equation.

Reading order: `Step.loss`, `_ruled` (which rule an equation follows).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxtyping import Array

from sampler.partial_evaluation.blocks import Blocks
from sampler.partial_evaluation.products import Sum
from sampler.partial_evaluation.program import Range, apply, literal
from sampler.partial_evaluation.values import Block

ELEMENTWISE = {
    "add", "sub", "mul", "div", "max", "min", "pow", "integer_pow", "exp", "exp2", "log", "log1p", "expm1", "tanh",
    "logistic", "sin", "cos", "sqrt", "rsqrt", "neg", "sign", "abs", "erf", "select_n", "stop_gradient",
    "convert_element_type", "square", "ge", "gt", "le", "lt", "eq", "ne", "and", "or", "not", "is_finite", "copy",
    "add_any", "clamp",
}  # fmt: skip
LINEAR = {"add", "add_any"}
REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "argmax", "argmin"}


class Moving(NamedTuple):
    """What moves of a leaf: all of it (where = None), or the range [start, stop) of one axis."""

    value: Array
    where: Range | None = None


class Step(Blocks):
    """The rules of all equations."""

    def loss(self, inputs: Mapping[int, Moving]) -> Array:
        for number, (value, where) in inputs.items():
            self.moved[self.program.weights[number]] = value if where is None else Block(value, where)
        for equation in self.program.equations:
            if any(not literal(x) and x in self.moved for x in equation.invars):
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
        if Block in kinds:
            rule = self._elementwise if name in ELEMENTWISE else self._reduction if name in REDUCTIONS else None
            rule = rule or getattr(self, "_" + name, None)
            found = rule(equation) if rule else None
            if found is not None:
                return found
        return self._apart(equation, equation.invars) if name == "dot_general" else None


__all__ = ["Moving", "Step"]
