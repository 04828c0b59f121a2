"""Stochastic gradient Langevin dynamics (§6.4).

    w′ = w − (ε/2)[nβ ∇L_m(w) + γ(w − w*)] + √ε ξ,    ξ ∼ N(0, I)

The chain does not sample exp(−U): at a quadratic U = ½ wᵀPw its stationary covariance is [P(I − εP/4)]⁻¹ with the full
batch, and S = (I−εP/2) S (I−εP/2) + εI + (ε²/4)G with gradient noise of covariance G. It is stable iff ε λ_max(P) < 4.
Compare it with that law, or use `mala` where the law must be exp(−U) itself.
"""

from dataclasses import dataclass

from jaxtyping import Array, Key, Scalar, ScalarLike

from sampler.kernels.kernel import State, drawn, langevin, pytree, start, step_size
from sampler.posterior import LocalPosterior, Params, dot


@pytree
@dataclass(frozen=True, eq=False)
class SGLD:
    """The kernel; build it with `sgld(epsilon)`, which checks the step size."""

    epsilon: Array

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        return start(key, posterior, position)

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        xi, batch_key = drawn(key, posterior, state.position)
        return start(batch_key, posterior, langevin(self.epsilon, state.position, state.gradient, xi))

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        """(w − w*)·ĝ and (ε/4)|ĝ|²: their means differ by d."""
        drift = dot(posterior.displacement(state.position), state.gradient)
        return drift, self.epsilon.astype(drift.dtype) / 4 * dot(state.gradient, state.gradient)


def sgld(epsilon: ScalarLike) -> SGLD:
    """SGLD with step size ε > 0 (an array leaf: changing it compiles nothing again)."""
    return SGLD(step_size(epsilon))
