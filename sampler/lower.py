"""From a sympy expression to a JAX function, so that the loss that was derived is the loss that is sampled.

The idea. `theory` derives a coefficient from an expression L(w); the sampler must run on *that* expression and not on
a copy typed again. The lowering walks the tree once. Exact numbers become the nearest Python floats, which JAX treats
as weakly typed: the result has the dtype of the weights, in float32 and in float64.

Only functions that are smooth on their domain are lowered; a chain that follows gradients has no law to compare with
at a kink (`Abs`, `Max`, `Piecewise`, …), so those raise `BadInput`.

The same expression gives back the same function object (a cache), so that `chain.run` compiles it once. To change a
coefficient without compiling again, make it an example symbol and put its value into the data.

Reading order: `lower`, `lower_loss`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import jax.numpy as jnp
import jax.scipy.special as special
import sympy as sp
from jaxtyping import Array, Float, Scalar

from theory.errors import BadInput

SMOOTH: dict[type[sp.Basic], Callable] = {
    sp.exp: jnp.exp,
    sp.log: jnp.log,
    sp.sin: jnp.sin,
    sp.cos: jnp.cos,
    sp.tan: jnp.tan,
    sp.asin: jnp.arcsin,
    sp.acos: jnp.arccos,
    sp.atan: jnp.arctan,
    sp.sinh: jnp.sinh,
    sp.cosh: jnp.cosh,
    sp.tanh: jnp.tanh,
    sp.asinh: jnp.arcsinh,
    sp.acosh: jnp.arccosh,
    sp.atanh: jnp.arctanh,
    sp.erf: special.erf,
    sp.erfc: special.erfc,
    sp.loggamma: special.gammaln,
}


def lower(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Callable[[Float[Array, " d"]], Scalar]:
    """The JAX function w ↦ expr(w), w a vector in the order of `variables`.

    Raises `BadInput` for a free symbol that is not a variable, for a function that is not smooth or not known, and
    for a constant that is not real and finite.
    """
    function = lower_loss(expr, variables)
    return _alone(function)


def lower_loss(
    loss: sp.Expr, variables: Sequence[sp.Symbol], example_symbols: Sequence[sp.Symbol] = ()
) -> Callable[[Float[Array, " d"], Float[Array, " k"]], Scalar]:
    """The per-example loss (w, z) ↦ ℓ_z(w): w in the order of `variables`, z in the order of `example_symbols`.

    With ℓ = L + z·ψ and data z of mean zero the mean loss is L, and the probe z = 1 has ℓ_z − L = ψ. A loss without
    example symbols ignores its example; give it the data `jnp.zeros((1, 0))`. Raises as `lower` does.
    """
    return _compile(sp.sympify(loss), tuple(variables), tuple(example_symbols))


@lru_cache(maxsize=4096)
def _alone(function: Callable) -> Callable:
    return lambda w: function(w, None)


@lru_cache(maxsize=4096)
def _compile(expr: sp.Expr, variables: tuple[sp.Symbol, ...], example_symbols: tuple[sp.Symbol, ...]) -> Callable:
    names = (*variables, *example_symbols)
    if len(set(names)) != len(names):
        raise BadInput(f"lower: a symbol is listed twice in {names}.")
    if stray := expr.free_symbols - set(names):
        raise BadInput(f"lower: {expr} has the free symbol {min(map(str, stray))}; list it among the variables.")
    for node in sp.preorder_traversal(expr):
        _admit(node)

    def loss(w, z):
        known: dict[sp.Basic, object] = {s: w[i] for i, s in enumerate(variables)}
        known |= {s: z[i] for i, s in enumerate(example_symbols)}
        return jnp.asarray(_value(expr, known), w.dtype)

    return loss


def _admit(node: sp.Basic) -> None:
    if isinstance(node, sp.Symbol | sp.Add | sp.Mul | sp.Pow) or type(node) in SMOOTH:
        return
    if not isinstance(node, sp.Expr) or not node.is_number:
        raise BadInput(f"lower: {node} is not one of the smooth functions that the sampler can follow; rewrite it.")
    if not (node.is_real and node.is_finite):
        raise BadInput(f"lower: the constant {node} is not a finite real number.")


def _value(expr: sp.Basic, known: dict[sp.Basic, object]):
    """The value of `expr`; `known` remembers the subexpressions met so far."""
    if expr in known:
        return known[expr]
    if isinstance(expr, sp.Expr) and expr.is_number:
        return _number(expr)
    args = [_value(arg, known) for arg in expr.args]
    if isinstance(expr, sp.Add):
        value = sum(args[1:], start=args[0])
    elif isinstance(expr, sp.Mul):
        value = args[0]
        for factor in args[1:]:
            value = value * factor
    elif isinstance(expr, sp.Pow):
        value = _power(expr.exp, args)
    else:
        value = SMOOTH[type(expr)](*args)
    known[expr] = value
    return value


def _number(expr: sp.Expr) -> float:
    if isinstance(expr, sp.Rational):
        return expr.p / expr.q  # true division of integers rounds once
    value = sp.N(expr, 30)
    if not (value.is_real and value.is_finite):
        raise BadInput(f"lower: the constant {expr} is not a finite real number.")
    return float(value)


def _power(exponent: sp.Expr, args: list):
    base, power = args
    if exponent.is_Integer:
        return base ** int(exponent)
    if exponent == sp.Rational(1, 2):
        return jnp.sqrt(base)
    return jnp.asarray(base) ** power
