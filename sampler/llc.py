"""The local learning coefficient, nβ⟨L − L(w*)⟩ (§3.5, eq 23).

    λ̂ = nβ (⟨L_n⟩ − L_n(w*))

over kept draws only. At a regular minimum it tends to d/2, at a singular one to the RLCT; at finite γ and ε the value
of the SGLD chain itself is ½ tr(H S) to leading order, with P = H + (γ/nβ) I and S = [P(I − εnβP/4)]⁻¹ (see
`quadratic`). Compare it with that.
"""

import numpy as np

from sampler import diagnostics
from sampler.diagnostics import Estimate
from sampler.record import Run


def llc(run: Run, *, control: bool = False) -> Estimate:
    """λ̂ = nβ(⟨L_n⟩ − L_n(w*)) with its standard error (dimensionless).

    control  subtract c·Z, where Z = (w−w*)·ĝ − square − d has mean 0 exactly for a stationary chain at any step size
             (see `kernels.kernel`), with c fitted by least squares on the same draws. On a nearly quadratic loss with
             a small step most of the variance goes. Not for a chain that is still moving toward stationarity.
    """
    energy = run.nbeta * run.trace("loss")
    if control:
        virial = run.virial
        spread = np.mean(virial**2)
        slope = np.mean((energy - energy.mean()) * virial) / spread if spread > 0 else 0.0
        energy = energy - slope * virial
    return diagnostics.mean(energy)
