"""Expressions in several variables, compiled once and evaluated in four arithmetics.

Idea
----
A `Program` is a list of instructions in which every common subexpression stands once. Its values are numpy arrays that
broadcast, so that on a tensor grid (the nodes of variable i along axis i) a subexpression of few variables is computed
on the small grid of these variables only: tanh(b x_i) costs one evaluation per node of b, whatever the other
variables are. The arithmetics:

* `real`, `complex_`: float64 and complex128, for steering;
* `balls`: object arrays of `flint.arb`, for the sums that leave the room;
* `rectangles.Rectangles`: proved ranges on many complex boxes at once; an infinite end says "not proved holomorphic".

Two shapes of an expression serve two ends. As the user wrote it (squares kept together) it has tight ranges on boxes;
collected in powers of a variable (`collected`) it is cheap at the nodes.

Reading order: `Program`, `singularities`, `collected`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from flint import arb, ctx
from scipy import special

from numerics.analytic import FUNCTIONS as ACB_FUNCTIONS
from numerics.gauss import rectangles
from numerics.gauss.rectangles import Rectangles
from numerics.precision import FUNCTIONS as ARB_FUNCTIONS
from numerics.precision import ball
from theory.errors import BadInput

MEROMORPHIC = (sp.tan, sp.coth, sp.tanh, sp.sech, sp.gamma, sp.digamma)
CUT = (sp.atan, sp.asinh)


class Instruction(NamedTuple):
    """kind: constant, variable, sum, product, power, root or function; `data` beside the slots of the operands."""

    kind: str
    data: Any
    operands: tuple[int, ...]
    depends: frozenset[int]


class Arithmetic(NamedTuple):
    """How an instruction acts on values: constants, functions (by sympy class), q-th powers."""

    constant: Callable[[sp.Expr], Any]
    apply: Callable[[Any, Any], Any]
    root: Callable[[Any, sp.Rational], Any]


NUMPY: dict[Any, Any] = {
    sp.exp: np.exp, sp.sin: np.sin, sp.cos: np.cos, sp.tan: np.tan, sp.sinh: np.sinh, sp.cosh: np.cosh,
    sp.tanh: np.tanh, sp.coth: lambda z: 1 / np.tanh(z), sp.sech: lambda z: 1 / np.cosh(z), sp.erf: special.erf,
    sp.erfc: special.erfc, sp.gamma: special.gamma, sp.digamma: special.digamma, sp.log: np.log, sp.atan: np.arctan,
    sp.asinh: np.arcsinh,
}  # fmt: skip

FLOATS = Arithmetic(lambda c: float(ball(c)), lambda f, z: NUMPY[f](z), lambda z, q: z ** float(q))


def _element(function: Callable[[arb], arb]) -> Callable[[Any], Any]:
    return np.frompyfunc(function, 1, 1)


ELEMENTWISE = {kind: _element(function) for kind, function in ARB_FUNCTIONS.items() if kind in ACB_FUNCTIONS}


def _arb_root(z: Any, q: sp.Rational) -> Any:
    if q == sp.S.Half:
        return _element(arb.sqrt)(z)
    exponent = ball(q)
    return _element(lambda x: x**exponent)(z)


BALLS = Arithmetic(lambda c: np.array(ball(c), dtype=object), lambda f, z: ELEMENTWISE[f](z), _arb_root)
BOXES = Arithmetic(lambda c: Rectangles.constant(ball(c)), rectangles.apply, rectangles.power)


class Program:
    """The outputs as functions of the variables; `depends`: the variables that each holds, by position."""

    def __init__(self, outputs: Sequence[Any], variables: Sequence[sp.Symbol]):
        self.variables = tuple(variables)
        self.instructions: list[Instruction] = []
        self._slots: dict[Any, int] = {}
        self._constants: dict[tuple[int, int], Any] = {}
        names, reduced = sp.cse([sp.sympify(e) for e in outputs], order="none")
        self._shared = dict(names)
        self.outputs = tuple(self._compile(e) for e in reduced)
        self.depends = tuple(self.instructions[slot].depends for slot in self.outputs)
        self._last_use = self._last_uses()
        self.full = sum(len(s.depends) == len(self.variables) for s in self.instructions)

    def _last_uses(self) -> list[list[int]]:
        last = {operand: k for k, step in enumerate(self.instructions) for operand in step.operands}
        keep = {*self.outputs}
        dead: list[list[int]] = [[] for _ in self.instructions]
        for operand, k in last.items():
            if operand not in keep:
                dead[k].append(operand)
        return dead

    def _emit(self, kind: str, data: Any, operands: tuple[int, ...], depends: frozenset[int]) -> int:
        key = (kind, data, operands)
        if key not in self._slots:
            self._slots[key] = len(self.instructions)
            self.instructions.append(Instruction(kind, data, operands, depends))
        return self._slots[key]

    def _compile(self, expr: Any) -> int:
        if expr in self._slots:
            return self._slots[expr]
        if expr in self._shared:
            slot = self._compile(self._shared[expr])
        elif expr in self.variables:
            i = self.variables.index(expr)
            slot = self._emit("variable", i, (), frozenset({i}))
        elif not expr.free_symbols:
            slot = self._emit("constant", expr, (), frozenset())
        elif expr.is_Symbol:
            names = ", ".join(map(str, self.variables))
            raise BadInput(f"the integrand holds {expr}, which is not among the variables {names}")
        else:
            slot = self._compile_node(expr)
        self._slots[expr] = slot
        return slot

    def _compile_node(self, expr: Any) -> int:
        if isinstance(expr, sp.Add | sp.Mul):
            kind = "sum" if isinstance(expr, sp.Add) else "product"
            slots = [self._compile(part) for part in expr.args]
            slots.sort(key=lambda s: (len(self.instructions[s].depends), sorted(self.instructions[s].depends)))
            total = slots[0]
            for slot in slots[1:]:
                total = self._emit(kind, None, (total, slot), self._union(total, slot))
            return total
        if isinstance(expr, sp.Pow) and expr.args[0] != sp.E:
            base, exponent = expr.args
            if not exponent.is_Rational:
                raise BadInput(f"certified quadrature has no rule for {expr}; write it as exp(exponent*log(base))")
            slot = self._compile(base)
            kind, data = ("power", int(exponent)) if exponent.is_Integer else ("root", exponent)
            return self._emit(kind, data, (slot,), self._union(slot))
        function, argument = (sp.exp, expr.args[1]) if isinstance(expr, sp.Pow) else (expr.func, expr.args[0])
        if function not in ACB_FUNCTIONS or len(expr.args) != 1 + isinstance(expr, sp.Pow):
            raise BadInput(
                f"certified quadrature has no rule for {expr}; the functions it knows are in `analytic.FUNCTIONS`"
            )
        slot = self._compile(argument)
        return self._emit("function", function, (slot,), self._union(slot))

    def _union(self, *slots: int) -> frozenset[int]:
        return frozenset().union(*(self.instructions[s].depends for s in slots))

    def holds(self, i: int) -> bool:
        """Does some output depend on variable i?"""
        return any(i in depends for depends in self.depends)

    def run(self, values: Sequence[Any], arithmetic: Arithmetic) -> list[Any]:
        """The outputs at the values of the variables."""
        memory: list[Any] = [None] * len(self.instructions)
        for k, (kind, data, operands, _) in enumerate(self.instructions):
            if kind == "variable":
                memory[k] = values[data]
            elif kind == "constant":
                memory[k] = self._constant(k, data, arithmetic)
            elif kind == "sum":
                memory[k] = memory[operands[0]] + memory[operands[1]]
            elif kind == "product":
                memory[k] = memory[operands[0]] * memory[operands[1]]
            elif kind == "power":
                memory[k] = _integer_power(memory[operands[0]], data, arithmetic)
            elif kind == "root":
                memory[k] = arithmetic.root(memory[operands[0]], data)
            else:
                memory[k] = arithmetic.apply(data, memory[operands[0]])
            for slot in self._last_use[k]:
                memory[slot] = None
        return [memory[slot] for slot in self.outputs]

    def _constant(self, slot: int, expr: Any, arithmetic: Arithmetic) -> Any:
        key = (slot, ctx.prec) if arithmetic is BALLS else (slot, -id(arithmetic))
        if key not in self._constants:
            self._constants[key] = arithmetic.constant(expr)
        return self._constants[key]

    def floats(self, *values: Any) -> list[np.ndarray]:
        """Steering: float64 or complex128 values, without any proof; undefined values are nan."""
        with np.errstate(all="ignore"):
            return [np.asarray(v) for v in self.run(values, FLOATS)]

    def balls(self, *values: Any) -> list[Any]:
        """Values at real nodes as object arrays of `arb`, at the current precision."""
        return self.run(values, BALLS)

    def boxes(self, *values: Rectangles) -> list[Rectangles]:
        """Proved ranges of the outputs on boxes; infinite ends where a pole or a cut could not be excluded."""
        with np.errstate(all="ignore"):
            return self.run(values, BOXES)


def _integer_power(value: Any, n: int, arithmetic: Arithmetic) -> Any:
    if arithmetic is BOXES:
        return value**n
    if n < 0:
        return 1 / _integer_power(value, -n, arithmetic)
    if n == 2:
        return value * value
    return value**n


class Singularities(NamedTuple):
    """What could make an expression singular: functions with poles or cuts of their own, and bases of negative and
    fractional powers and arguments of logarithms, which must not vanish (`signed`: a negative base is allowed).
    """

    functions: tuple[Any, ...]
    bases: tuple[Any, ...]
    signed: tuple[bool, ...]


def singularities(expressions: Sequence[Any], variables: Sequence[sp.Symbol]) -> Singularities:
    functions, bases = set(), {}
    for expr in expressions:
        for part in sp.preorder_traversal(expr):
            if not part.has(*variables):
                continue
            if isinstance(part, sp.Pow) and part.args[0] != sp.E:
                if not (part.args[1].is_Integer and part.args[1] > 0):
                    bases[part.args[0]] = bases.get(part.args[0], True) and bool(part.args[1].is_Integer)
            elif isinstance(part, sp.log):
                bases[part.args[0]] = False
            elif isinstance(part, (*MEROMORPHIC, *CUT)):
                functions.add(part)
    ordered = sorted(bases, key=sp.default_sort_key)
    return Singularities(
        tuple(sorted(functions, key=sp.default_sort_key)), tuple(ordered), tuple(bases[b] for b in ordered)
    )


def collected(expr: Any, variables: Sequence[sp.Symbol]) -> Any:
    """`expr` in Horner form in the variable of least degree among those it is polynomial in, the coefficients likewise.

    The coefficients depend on the other variables alone, so on a grid they cost next to nothing.
    """
    inside = [v for v in variables if expr.has(v)]
    polynomial = [v for v in inside if expr.is_polynomial(v)]
    if len(inside) < 2 or not polynomial:
        return expr
    candidates = [(sp.degree(expr, v), k, v) for k, v in enumerate(polynomial)]
    variable = min(candidates)[2]
    coefficients = sp.Poly(expr, variable).all_coeffs()
    result = collected(coefficients[0], variables)
    for coefficient in coefficients[1:]:
        result = result * variable + collected(coefficient, variables)
    return result


__all__ = ["Arithmetic", "Instruction", "Program", "collected"]
