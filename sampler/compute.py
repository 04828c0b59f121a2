"""How a loss is computed: in another precision, or with less memory; the same function of the weights up to rounding.

    computed_in(ℓ, bfloat16)    weights and floating data are cast, ℓ comes back in float32; so does its gradient, at each weight
    rematerialised(ℓ)           the backward pass computes activations again instead of keeping them (`jax.checkpoint`)

The weights of the chain stay as they are (float32 or wider), and so do sums over examples (`LocalPosterior`): at ε = 10⁻⁶ a
step is below the rounding of a bfloat16 weight, and a chain of such weights would not move. Both give back the same function
object for the same arguments, so that nothing is compiled twice.

Functions: `computed_in`, `rematerialised`.
"""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

from sampler.posterior import Loss
from theory.errors import BadInput


def computed_in(loss: Loss, dtype: Any) -> Loss:
    """(w, z) ↦ ℓ_z(w) with all floating weights and data cast to `dtype`; the result is float32, or wider where `dtype` is.

    Raises `BadInput` for a dtype that is not floating.
    """
    dtype = jnp.dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise BadInput(
            f"compute.computed_in: {dtype} is not a floating dtype; take bfloat16, float16, float32 or float64."
        )
    return _cast(loss, dtype)


@lru_cache(maxsize=256)
def _cast(loss: Loss, dtype: Any) -> Loss:
    def cast(leaf: Any) -> Any:
        return jnp.asarray(leaf, dtype) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else leaf

    def narrow(params: Any, example: Any) -> Scalar:
        value = loss(*jax.tree.map(cast, (params, example)))
        return value.astype(jnp.promote_types(value.dtype, jnp.float32))

    return narrow


@lru_cache(maxsize=256)
def rematerialised(loss: Loss) -> Loss:
    """The same loss, its activations computed again in the backward pass."""
    return jax.checkpoint(loss)
