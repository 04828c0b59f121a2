"""Chains on the local posterior, reduced to means over stretches of draws: what the comparison needs, and no more.

Each chain is cut into `STRETCHES` stretches, ten relaxation times long or more (`predicted`), so that their means count as
independent. Kept are, of each stretch, the means of the record v = (ℓ_z − L_n for each probe z; L_n), about its value at the start,
and of the products v vᵀ, and the mean of nβ(L_n − L_n(w*)). Chains run in single precision; `sampler.chain` sums in double.

Functions: `chains` (SGLD or NUTS, all weights or one layer), `stretches`, `snapshot` (around any point of the training).
"""

from typing import Any

import jax
import numpy as np

from ledger.experiments.digits import trained
from sampler import chain, quadratic
from sampler.diagnosis import diagnose
from sampler.kernels.nuts import nuts
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.quadratic import derivatives
from sampler.record import Run
from theory.errors import BadInput

STRETCHES = 16
PIECE = 512  # draws: runs that it divides share one compiled program, whatever their length
KERNELS = {"sgld": sgld, "nuts": nuts}


def chains(
    *,
    model: str,
    centre: np.ndarray,
    nbeta: float,
    confinement: float,
    e: float,
    count: int,
    size: tuple[int, int, int],
    seed: int,
    kernel: str = "sgld",
    checkpoint: Any = None,
    progress: Any = None,
    **where: Any,
) -> dict[str, Any]:
    """e = ε nβ; size: (chains, draws, burn-in); `where`: a layer, a batch, a number of examples (`trained.posterior`).

    "first" (chains, stretches, P + 1), "product" (…, P + 1, P + 1), "energy" (chains, stretches) as in the module.
    """
    # blackjax mixes in doubles where they are enabled.
    dtype = np.float64 if kernel == "nuts" else np.float32
    posterior = trained.posterior(model, centre, nbeta=nbeta, gamma=confinement * nbeta, dtype=dtype, **where)
    number, draws, burn_in = size
    run = chain.run(
        jax.random.key(seed), KERNELS[kernel](e / nbeta), posterior, chains=number, draws=draws, burn_in=burn_in,
        probes=trained.probes(posterior, count), keep="pairs", every=None if draws % PIECE else PIECE, checkpoint=checkpoint,
        progress=progress,
    )  # fmt: skip
    first, product, energy = stretches(run)
    about = diagnose(run)
    return {
        "first": first,
        "product": product,
        "energy": energy,
        "virial": run.stationarity(),
        "accepted": float(run.mean("accepted").mean),
        "severity": about.severity,
        "diagnosis": str(about),
        "draws": number * draws,
        "stretch": draws // STRETCHES,
        "weights": run.dimension,
    }


def stretches(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over `STRETCHES` stretches of each chain: v, v vᵀ and nβ(L_n − L_n(w*)) of a run that kept pairs.

    Raises `BadInput` for a run with fewer blocks, or where a chain left the finite numbers.
    """
    m = run.moments
    if m is None or run.layout is None or m.full < STRETCHES or not run.finite.all():
        why = run.message or f"the run is shorter than {STRETCHES} draws a chain or kept no pairs"
        raise BadInput(f"digits: {why}.")
    where, _ = run.layout.of("probes")
    (loss,), _ = run.layout.of("loss")
    each = m.full // STRETCHES
    used = each * STRETCHES

    def means(sums: np.ndarray) -> np.ndarray:
        return sums[:, :used].reshape(len(sums), STRETCHES, each, *sums.shape[2:]).sum(axis=2) / (each * m.size)

    first, product = means(m.first), means(m.product)
    A = np.zeros((len(where) + 1, first.shape[-1]))  # v is linear in what the run recorded
    A[np.arange(len(where)), where], A[:, loss] = 1, -1
    A[-1, loss] = 1
    return first @ A.T, A @ product @ A.T, run.nbeta * (first[..., loss] + m.reference[loss])


def snapshot(
    *,
    model: str,
    centre: np.ndarray,
    nbeta: float,
    confinement: float,
    u: float,
    size: tuple[int, int, int],
    seed: int,
    **where: Any,
) -> dict[str, Any]:
    """λ̂ about any weights w₀ with its diagnosis, and the quadratic prediction where P = H + c I is positive there:

        ½ tr(HS) + nβ (g·δ + ½ δ·Hδ),     δ = −P⁻¹g,  g = DL_n(w₀)

    "decrement": ½ nβ g·P⁻¹g, by how much nβ L can be lowered, about; NaN, like the prediction, where P is not positive.
    """
    theory = quadratic.curvature(trained.posterior(model, centre, nbeta=nbeta, gamma=confinement * nbeta, **where))
    p = theory.precision
    e = u / np.abs(p).max()
    posterior = trained.posterior(model, centre, nbeta=nbeta, gamma=confinement * nbeta, dtype=np.float32, **where)
    number, draws, burn_in = size
    run = chain.run(jax.random.key(seed), sgld(e / nbeta), posterior, chains=number, draws=draws, burn_in=burn_in)
    found, about = llc(run), diagnose(run)
    g = theory.W.T @ np.asarray(derivatives.slope(theory.site), np.float64)
    predicted = decrement = np.nan
    if p[0] > 0:
        delta = -g / p
        decrement = nbeta * float(g @ (g / p)) / 2
        predicted = theory.llc(e / nbeta) + nbeta * float(g @ delta + delta @ ((p - confinement) * delta) / 2)
    return {
        "llc": float(found.mean),
        "sem": float(found.sem),
        "predicted": predicted,
        "decrement": decrement,
        "lowest": float(p[0] - confinement),
        "diagnosis": str(about),
        "minimum": about["minimum"].severity,
        "stationary": about["stationary"].severity,
    }
