"""The no-U-turn sampler of blackjax behind the contract of a kernel: a reference whose law is exp(−U) and whose code is not ours.

A step draws a momentum, follows leapfrog steps of time √ε until the path turns back, and picks a point of it by its weight; at
most 2^doublings − 1 gradients a step. The law is exp(−U) at every step size (beyond the stability limit ε λ_max < 4 of the
leapfrog step the chain hardly moves), so E[(w − w*)·g] = d exactly. U is formed as one number: in float32 the rounding of nβ L is
in the rule.

blackjax is optional (`pip install blackjax`) and imported when the kernel is made. It sees the weights as one flat vector in the
widest of their dtypes and the default one, in which it keeps its own numbers; a metric without mass on the clamped ones keeps them
where they are.

Source: Hoffman & Gelman 2014; multinomial and iterative as in Betancourt 2017 and Phan et al. 2019.
"""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Key, Scalar, ScalarLike

from sampler.kernels.kernel import State, exact_drift, pytree, start, step_size
from sampler.posterior import LocalPosterior, Params
from theory.errors import BadInput


@pytree
@dataclass(frozen=True, eq=False)
class NUTS:
    """The kernel; build it with `nuts(epsilon)`, which checks that blackjax is there."""

    epsilon: Array
    doublings: int = field(default=8, metadata={"static": True})

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        if posterior.batch_size is not None:
            raise BadInput("nuts accepts by the full loss; give LocalPosterior batch_size=None, or use sgld.")
        widest = jnp.result_type(*jax.tree.leaves(position))
        if jnp.finfo(widest).bits < 32:
            raise BadInput(f"nuts needs weights of 32 bits or more; the widest here are {widest}. Cast the centre.")
        return start(key, posterior, position)

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        from blackjax.mcmc import nuts
        from blackjax.mcmc.hmc import HMCState

        held, unravel = ravel_pytree(state.position)
        q = held.astype(jnp.promote_types(held.dtype, jnp.result_type(float)))
        free = ravel_pytree(posterior.clamp(jax.tree.map(jnp.ones_like, state.position)))[0].astype(q.dtype)

        def log_density(q):
            """−U with the clamped weights at their place, so that its slope there is 0."""
            w = unravel(jnp.where(free > 0, q.astype(held.dtype), held))
            return -posterior.energy(w, posterior.mean_loss(w)).astype(q.dtype)

        slope = -ravel_pytree(state.gradient)[0].astype(q.dtype)
        now = HMCState(q, -posterior.energy(state.position, state.loss).astype(q.dtype), slope)
        step = jnp.sqrt(self.epsilon).astype(q.dtype)
        after, info = nuts.build_kernel()(key, now, log_density, step, _metric(free), self.doublings)
        rate = jnp.asarray(info.acceptance_rate, state.accepted.dtype)
        return start(key, posterior, unravel(after.position.astype(held.dtype)))._replace(accepted=rate)

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        """(w − w*)·g, of mean d under exp(−U), and 0."""
        return exact_drift(posterior, state)


def nuts(epsilon: ScalarLike, doublings: int = 8) -> NUTS:
    """NUTS with leapfrog steps of time √ε and at most 2^doublings of them; raises `BadInput` where blackjax is missing."""
    try:
        import blackjax  # noqa: F401
    except ImportError as error:
        raise BadInput(f"nuts needs the package blackjax ({error}): pip install blackjax.") from None
    if doublings < 1:
        raise BadInput(f"nuts: doublings must be at least 1; it is {doublings}.")
    return NUTS(step_size(epsilon), doublings)


def _metric(free: Array):
    """Unit masses on the free weights; momenta of the others are 0, so that they neither move nor count."""
    from blackjax.mcmc.metrics import gaussian_euclidean

    unit = gaussian_euclidean(jnp.ones_like(free))

    def momentum(key, position):
        return free * unit.sample_momentum(key, position)

    return unit._replace(sample_momentum=momentum)
