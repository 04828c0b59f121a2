"""The estimators of the reference implementation (devinterp 2.0.1) as they are: to compare with, not to use.

Each is written down with what it does otherwise than the estimator here that has its name. None has an error bar.

| here | there | difference |
|---|---|---|
| `llc.llc` | `llc_with_burn_in` | burn-in is averaged in; minibatch losses; the spread of chains for an error |
| −Cov, `susceptibility.influence_matrix` | `bif` | sign +; correlation unless asked; losses not centred on L_n |
| `susceptibility.mixed` | `mixed_susceptibility` | the same, without an error; noisier than `susceptibility.susceptibility` |

Recorded runs of it are reproduced by these functions in `tests/sampler/test_fixtures.py`.

Traces are arrays (chains, draws, …) of finite numbers.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from theory.errors import BadInput


class ChainLLC(NamedTuple):
    """The LLC of each chain, their mean, and their standard deviation with divisor C."""

    per_chain: Float[np.ndarray, " chains"]
    mean: float
    std: float


def llc_with_burn_in(losses: ArrayLike, initial: ArrayLike, nbeta: float) -> ChainLLC:
    """nβ (mean minibatch loss over all steps − mean initial loss) for each chain, dimensionless.

    losses   (chains, steps): the minibatch loss of *every* step, burn-in and thinned steps included
    initial  the loss at the centre, one number or one for each chain (an average over some minibatches)

    Defects. Steps on the way from the centre to stationarity pull the value down: on a deep linear network with λ = 7.5 it gave
    6.69, and 7.10 without them. A minibatch loss and an initial loss on other minibatches leave their difference in the
    result. `std` is the scatter of chains with divisor C, not the error of their mean; for one chain it is 0.
    """
    losses = _finite(losses, "losses", 2)
    per_chain = nbeta * (losses.mean(axis=1) - np.asarray(initial, np.float64))
    return ChainLLC(per_chain, float(per_chain.mean()), float(per_chain.std()))


def bif(losses: ArrayLike, *, covariance: bool = False) -> Float[np.ndarray, "p p"]:
    """+Corr(ℓ_x, ℓ_z), or +Cov(ℓ_x, ℓ_z) with divisor N − 1, over the pooled draws of all chains; losses (chains, draws, P).

    The influence of Def 13 is −Cov(ℓ_x − L, ℓ_z − L): other sign, centred on the mean loss. Here a shift that all losses
    share, which no reweighting of data can cause, makes every pair look related. Pooling adds the scatter of the chain means.
    """
    pooled = _finite(losses, "losses", 3)
    pooled = pooled.reshape(-1, pooled.shape[2])
    return np.cov(pooled, rowvar=False) if covariance else np.corrcoef(pooled, rowvar=False)


def bif_by_token(losses: ArrayLike) -> Float[np.ndarray, "p p"]:
    """The mean over pairs of tokens of their correlation; losses (chains, draws, P, tokens).

    An average of correlations weighs a token with hardly any variance like all others, and the diagonal is not 1.
    """
    losses = _finite(losses, "losses", 4)
    chains, draws, p, tokens = losses.shape
    pairs = bif(losses.reshape(chains, draws, p * tokens))
    return pairs.reshape(p, tokens, p, tokens).mean(axis=(1, 3))


def bif_of_chain_means(losses: ArrayLike) -> Float[np.ndarray, "p p"]:
    """The correlation over draws of the losses averaged over chains first, draw by draw; losses (chains, draws, P).

    Averaging independent chains leaves correlations as they are and divides the number of draws by C.
    """
    return bif(_finite(losses, "losses", 3).mean(axis=0, keepdims=True))


def mixed_susceptibility(
    restricted: ArrayLike, full: ArrayLike, restricted_mean: ArrayLike, full_mean: ArrayLike, initial: float
) -> Float[np.ndarray, " p"]:
    """⟨φL⟩_C − ⟨φℓ_x⟩_C − ⟨φ⟩_C (⟨L⟩_full − ⟨ℓ_x⟩_full), φ = L − initial loss: eq 34 without Z_C/Z and without nβ.

    restricted, full             ℓ_x on the restricted and on the full chains, (chains, draws, P)
    restricted_mean, full_mean   L on the same draws, (chains, draws)

    The means of two independent chains do not cancel: on a Gaussian toy its absolute error was 5.0 and 1.8 times that
    of −Cov_C(φ, ℓ_x − L) from the same draws. The two have different targets. Raises `BadInput` for traces that do not match.
    """
    restricted, full = _finite(restricted, "restricted", 3), _finite(full, "full", 3)
    base, other = _finite(restricted_mean, "restricted_mean", 2), _finite(full_mean, "full_mean", 2)
    if base.shape != restricted.shape[:2] or other.shape != full.shape[:2] or restricted.shape[2] != full.shape[2]:
        raise BadInput("conventions: the traces of ℓ_x and of L have different chains, draws or examples.")
    phi = (base - initial)[..., None]
    gap = other.mean() - full.mean(axis=(0, 1))
    return (phi * (base[..., None] - restricted)).mean(axis=(0, 1)) - phi.mean() * gap


def _finite(trace: ArrayLike, name: str, axes: int) -> np.ndarray:
    trace = np.asarray(trace, np.float64)
    if trace.ndim != axes or 0 in trace.shape:
        raise BadInput(f"conventions: {name} needs {axes} axes, none of them empty; its shape is {trace.shape}.")
    if not np.isfinite(trace).all():
        raise BadInput(f"conventions: {name} hold NaN or infinite losses; leave the diverged chains out.")
    return trace
