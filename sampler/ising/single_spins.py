"""Single spins: a checkerboard sweep, by the rule of Metropolis or of the heat bath.

With x = β ΔE = 2β s_i (Σ_j J_ij s_j + h_i), the spin i turns with probability a(x), and a(x)/a(−x) = e^{−x} makes p_β stationary:

    Metropolis   a(x) = q min(1, e^{−x})        heat bath   a(x) = 1/(1 + e^x)

The factor q = 7/8 is not cosmetic. With q = 1 the checkerboard chain is not ergodic: where every spin has as many friends as foes
(diagonal stripes on a torus whose sides are multiples of 4; at β = 0 every state) all spins turn for ever, and ⟨s_i s_j⟩
never moves. With q < 1 any set of spins of one colour may stay, so every state can be reached.

Probabilities are compared with random numbers that are multiples of 2⁻²³: an error of 10⁻⁷ in the probability of a turn.

Reading order: `neighbours`, `sweep`, `metropolis`, `heat_bath`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from sampler.ising.arrays import Couplings

PROPOSED = 7 / 8
Spins = Float[Array, "N M"]


class Kernel(NamedTuple):
    """A chain: its name, and (key, spins, β, couplings) ↦ (spins, the clusters they were drawn from, or None)."""

    name: str
    sweep: Callable[..., tuple[Spins, Int[Array, "N M"] | None]]


def neighbours(spins: Spins, c: Couplings) -> Spins:
    """Σ_j J_ij s_j + h_i for every site."""
    across = c.right * jnp.roll(spins, -1, 1) + jnp.roll(c.right * spins, 1, 1)
    along = c.down * jnp.roll(spins, -1, 0) + jnp.roll(c.down * spins, 1, 0)
    return across + along + c.field


def metropolis_rule(x: Array) -> Array:
    """q min(1, e^{−x})."""
    return PROPOSED * jnp.exp(-jnp.maximum(x, 0.0))


def heat_bath_rule(x: Array) -> Array:
    """1/(1 + e^x)."""
    return jax.nn.sigmoid(-x)


def sweep(
    key: Key[Array, ""], spins: Spins, beta: Array, c: Couplings, *, rule: Callable[[Array], Array]
) -> tuple[Spins, None]:
    """One visit of every site, colour after colour; a site is visited once, so one random number a site will do."""
    uniform = jax.random.uniform(key, (spins.size,), spins.dtype).reshape(spins.shape)

    def turn(spins: Spins, colour: Array) -> tuple[Spins, None]:
        x = 2 * beta * spins * neighbours(spins, c)
        return jnp.where((colour > 0) & (uniform < rule(x)), -spins, spins), None

    # A scan, for in an unrolled loop the compiler computes the first colour once for every neighbour that the second looks at.
    return jax.lax.scan(turn, spins, c.colours)


METROPOLIS = Kernel("metropolis", partial(sweep, rule=metropolis_rule))
HEAT_BATH = Kernel("heat bath", partial(sweep, rule=heat_bath_rule))


def metropolis() -> Kernel:
    """Metropolis on a checkerboard (see the module)."""
    return METROPOLIS


def heat_bath() -> Kernel:
    """The heat bath (Glauber's rule) on a checkerboard."""
    return HEAT_BATH
