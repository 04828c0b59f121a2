"""The small changes that a mutant is made of, on the syntax tree of a module.

A change is one node replaced by a near neighbour: an operator by another one, `<` by `<=`, a condition by its negation, a number by
the next one, a keyword argument dropped for its default, the end of a slice dropped, `min` for `max`, a step of a sum or a call
for its effect left out. Left alone is what no value depends on: docstrings, annotations, what is imported for them, messages of
exceptions, `__all__`, texts, and `strict=True` of a zip, which is an assertion.

    changes(tree)   every change, in the order of the source      mutated(source, k)   the tree with the k-th of them
"""

import ast
import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}  # fmt: skip
COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum", "sin": "cos", "cos": "sin",
    "ceil": "floor", "floor": "ceil", "zeros": "ones", "ones": "zeros", "lower": "upper", "upper": "lower",
}  # fmt: skip
SILENT = {"warn", "log", "debug", "info"}  # calls whose arguments are only words


class Change(NamedTuple):
    """Where (line, column), what a reader is told, and the replacement of the node with this number in `ast.walk`'s order."""

    line: int
    column: int
    told: str
    number: int
    replacement: ast.AST

    @property
    def name(self) -> str:
        return f"{self.line}:{self.column} {self.told}"


def changes(tree: ast.Module) -> list[Change]:
    """Every change of the module, sorted by place; the same list for the same source."""
    silent = {id(part) for node in ast.walk(tree) for part in _silent(node)}
    found = []
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in silent:
            continue
        line, column = _place(node)
        for told, replacement in _neighbours(node):
            found.append(Change(line, column, told or f"{_short(node)} → {_short(replacement)}", number, replacement))
    return sorted(found, key=lambda change: (change.line, change.column, change.told))


def mutated(source: str, k: int) -> tuple[ast.Module, Change]:
    """The tree of `source` with the k-th change made."""
    tree = ast.parse(source)
    change = changes(tree)[k]
    target = next(node for number, node in enumerate(ast.walk(tree)) if number == change.number)
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, change.replacement)
            elif isinstance(value, list):
                value[:] = [change.replacement if item is target else item for item in value]
    return ast.fix_missing_locations(tree), change


def _neighbours(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(what is told of it, or nothing where the two texts say it; the replacement)."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            changed = _with(node, op=ARITHMETIC[type(op)]())
            yield f"{_around(left, op, right)} → {_around(left, changed.op, right)}", changed
        case ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield "", _with(node, op=ARITHMETIC[type(op)]())
            yield "", ast.copy_location(ast.Pass(), node)
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            yield "", _with(node, left=right, right=left)
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                yield "", _with(node, ops=[*ops[:i], COMPARISON[type(op)](), *ops[i + 1 :]])
        case ast.BoolOp(op=op):
            yield "", _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert(), operand=operand):
            yield "", operand
        case ast.Constant(value=bool() as value):
            yield "", _with(node, value=not value)
        case ast.Constant(value=int() as value):
            yield "", _with(node, value=value + 1)
        case ast.Constant(value=float() as value):
            yield "", _with(node, value=2 * value if value else 1.0)
        case ast.If(test=test) | ast.IfExp(test=test):
            yield "", _with(node, test=ast.copy_location(ast.UnaryOp(ast.Not(), test), test))
        case ast.Slice():
            for end in ("lower", "upper", "step"):
                if getattr(node, end) is not None:
                    yield f"{_short(node)} without its {end}", _with(node, **{end: None})
        case ast.Call(keywords=[_, *_] as keywords):
            for keyword in keywords:
                if keyword.arg not in (None, "strict"):
                    yield (
                        f"without {keyword.arg}={_short(keyword.value)}",
                        _with(node, keywords=[other for other in keywords if other is not keyword]),
                    )
        case ast.Name(id=name) if name in NAMES and isinstance(node.ctx, ast.Load):
            yield "", _with(node, id=NAMES[name])
        case ast.Attribute(attr=name) if name in NAMES and isinstance(node.ctx, ast.Load):
            yield f"{ast.unparse(node)[-40:]} → .{NAMES[name]}", _with(node, attr=NAMES[name])
        case ast.comprehension(ifs=[_, *_] as ifs):
            for test in ifs:
                yield f"without if {_short(test)}", _with(node, ifs=[other for other in ifs if other is not test])
        case ast.Expr(value=ast.Call()):
            yield "", ast.copy_location(ast.Pass(), node)
        case ast.Continue():
            yield "", ast.copy_location(ast.Break(), node)
        case ast.Break():
            yield "", ast.copy_location(ast.Continue(), node)


def _with(node: ast.AST, **fields: object) -> Any:
    changed = copy.copy(node)
    for field, value in fields.items():
        setattr(changed, field, value)
    return changed


def _silent(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `node` on which no computed value depends."""
    parts: list[ast.AST | None] = []
    match node:
        case ast.Raise(exc=ast.Call(args=args, keywords=keywords)):
            parts += [*args, *keywords]
        case ast.Call(func=ast.Attribute(attr=name)) if name in SILENT:
            parts += [node]
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            parts += [node]
        case ast.keyword(arg="strict", value=value):
            parts += [value]
        case ast.arg(annotation=annotation):
            parts += [annotation]
        case ast.FunctionDef(returns=returns, decorator_list=decorators):
            parts += [returns, *decorators]
        case ast.AnnAssign(annotation=annotation):
            parts += [annotation]
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            parts += [node]
        case ast.JoinedStr():
            parts += [node]
    for part in parts:
        if part is not None:
            yield from ast.walk(part)


def _place(node: ast.AST) -> tuple[int, int]:
    """Line and column; those of its target for a comprehension, which has none of its own."""
    placed = node.target if isinstance(node, ast.comprehension) else node
    return getattr(placed, "lineno", 0), getattr(placed, "col_offset", 0)


def _around(left: ast.expr, op: ast.operator, right: ast.expr) -> str:
    """The operation with the ends of its operands that stand next to it."""
    whole = ast.unparse(ast.BinOp(left, op, right))
    begin, end = len(ast.unparse(left)), len(whole) - len(ast.unparse(right))
    return " ".join(whole[max(0, begin - 30) : end + 30].split())


def _short(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"[:60]
    return " ".join(ast.unparse(node).split())[:60]
