"""The normalisation that the networks share: norm(x) = γ x/√(mean x² + ε), over the last axis.

Function: `rms_norm`.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def rms_norm(x: Float[Array, "T d"], gain: Float[Array, " d"], epsilon: float = 1e-6) -> Float[Array, "T d"]:
    """γ x/√(mean x² + ε)."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + epsilon) * gain
