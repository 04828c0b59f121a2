"""What is wrong with a run, in sentences: each says what was seen and what to do about it.

    print(diagnose(run))            one line for each finding, the worst first
    diagnose(run)["stationary"]     the finding of one check, with its number and its limit

The checks, and the statistics behind them (λ̂ = nβ(⟨L_n⟩ − L_n(w*))):

    finite       chains that left the finite numbers
    accepted     fraction of proposals accepted (kernels that reject)
    stationary   z of the virial identity E[(w−w*)·ĝ] = d + E[square], exact for any stationary chain at any step. Its mean is minus
                 the growth of |w − w*|²/ε a step: negative means that the chains still move away from the centre. each
                 direction that diffuses freely adds −1, without noise
    drift        z of λ̂ over the last half of the draws against the first fifth (Geweke 1992)
    agreement    χ² of the chain means of λ̂ about their mean, with errors from within the chains
    rhat         split R-hat of L_n (Vehtari et al. 2021)
    ess          effective sample size of L_n: below 100 an error bar is itself uncertain by a tenth or more
    step         ½E[square], by which step and minibatches raise λ̂: on a quadratic λ̂ = ½(d + E[square]) exactly, since tr PS = d +
                 (ε/4)(tr PSP + tr G); in a singular model (ε/8)⟨ΔU⟩, the leading part of the first-order term. u = 4x/(1 + x),
                 x = E[square]/d, is the ελ of a spectrum of one value
    rounding     nβ times the spacing of floating numbers at L_n, against the spread of nβL_n
    minimum      λ̂ < 0 by more than its error: the centre is no minimum

Severity: "fine", "note" (worth knowing), "warning" (an estimate may be off by its error bar or more), "error" (do not use).

Reading order: `diagnose`, `Diagnosis`, then the checks, one function each.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtri

from sampler import diagnostics, martingale
from sampler.record import Run

SEVERITIES = ("fine", "note", "warning", "error")


@dataclass(frozen=True)
class Finding:
    """One check: its name, severity, the number that was seen, the limit that it is held to, and a sentence."""

    check: str
    severity: str
    value: float
    limit: float
    sentence: str

    def __str__(self) -> str:
        return f"[{self.severity}] {self.sentence}"


@dataclass(frozen=True)
class Diagnosis:
    """The findings of a run, worst first."""

    findings: tuple[Finding, ...]

    @property
    def severity(self) -> str:
        """The worst severity."""
        return self.findings[0].severity

    @property
    def ok(self) -> bool:
        """Nothing worse than a note."""
        return self.severity in ("fine", "note")

    def __getitem__(self, check: str) -> Finding:
        return next(f for f in self.findings if f.check == check)

    def __contains__(self, check: object) -> bool:
        return any(f.check == check for f in self.findings)

    def __str__(self) -> str:
        told = [str(f) for f in self.findings if f.severity != "fine"]
        return "\n".join(told) or f"Nothing wrong was found in {len(self.findings)} checks."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"severity": self.severity, "ok": self.ok, "findings": [vars(f) for f in self.findings]}


def diagnose(run: Run) -> Diagnosis:
    """All checks that the run has the numbers for; a run that kept moments has none for drift, agreement, step and rounding."""
    found = [f for check in CHECKS if (f := check(run)) is not None]
    return Diagnosis(tuple(sorted(found, key=lambda f: -SEVERITIES.index(f.severity))))


def _level(value: float, *limits: float) -> str:
    """The severity of a value by the limits of note, warning, error."""
    return SEVERITIES[sum(value > limit for limit in limits)]


def finite(run: Run) -> Finding:
    lost, chains = int((~run.finite).sum()), len(run.finite)
    if not lost:
        return Finding("finite", "fine", 0.0, 0.0, f"All {chains} chains stayed finite.")
    share = lost / chains
    sentence = (
        f"{lost} of {chains} chains left the finite numbers and are left out: what is left is selected for having stayed, so that "
        f"estimates are biased toward the centre; take a step smaller than {run.epsilon:.3g} (stepsize.suggest) or a larger gamma."
    )
    return Finding("finite", "error" if share > 0.1 else "warning", share, 0.0, sentence)


def accepted(run: Run) -> Finding | None:
    rate = float(run.mean("accepted").mean)
    if rate == 1:
        return None
    severity = "error" if rate == 0 else "warning" if rate < 0.2 else "fine"
    advice = "" if severity == "fine" else f"; take a step smaller than {run.epsilon:.3g}"
    told = (
        "No proposal was accepted: the chains never moved"
        if rate == 0
        else f"{100 * rate:.3g}% of the proposals were accepted"
    )
    return Finding("accepted", severity, rate, 0.2, f"{told}{advice}.")


def stationary(run: Run) -> Finding:
    seen = run.mean("virial")
    z, gap = float(seen.z(0.0)), float(seen.mean)
    severity = _level(abs(z), 3, 3, 5)
    if severity == "fine":
        sentence = f"The virial identity holds: z = {z:.2f}."
        return Finding("stationary", severity, z, 3.0, sentence)
    where = _unsettled(run)
    moving = (
        f"still move away from the centre, as {-gap:.0f} directions without force would"
        if gap < 0
        else "come closer to the centre than they started"
    )
    sentence = (
        f"The chains have not settled: the virial identity fails by {gap:.3g} (z = {z:.1f}), which says that they {moving}{where}. "
        "Lengthen the burn-in, or confine the flat directions with a larger gamma; until then use llc(…, control='martingale'), "
        "which assumes no stationarity, and not control='virial'."
    )
    return Finding("stationary", severity, z, 3.0, sentence)


def _unsettled(run: Run) -> str:
    """The leaf that moves most, where `martingale.run` recorded the virial of each."""
    if run.moments is not None or martingale.NAME not in run.observables or run.loss.shape[1] < 5:
        return ""
    leaves = martingale.blocks(run)[1][..., 1:]
    z = diagnostics.mean(leaves).z(0.0)
    return f", most of all in leaf {int(np.abs(z).argmax())} of the weights (z = {z[np.abs(z).argmax()]:.1f})"


def drift(run: Run) -> Finding | None:
    if run.moments is not None or run.loss.shape[1] < 20:
        return None
    energy = run.nbeta * run.trace("loss")
    draws = energy.shape[1]
    begin, end = (diagnostics.mean(energy[:, s]) for s in (slice(0, draws // 5), slice(draws // 2, None)))
    spread = float(np.hypot(begin.sem, end.sem))
    change = float(end.mean - begin.mean)
    # Chains that stand still at two heights have no spread; the same mean twice is no drift.
    z = change / spread if spread > 0 else math.copysign(math.inf, change) if change else 0.0
    severity = _level(abs(z), 3, 3, 5)
    sentence = f"nβ(L − L*) is {begin.mean:.4g} in the first fifth of the draws and {end.mean:.4g} in the last half (z = {z:.1f})"
    sentence += "." if severity == "fine" else f": burn in longer, by {draws} draws at least, and look again."
    return Finding("drift", severity, z, 3.0, sentence)


def agreement(run: Run) -> Finding | None:
    if run.moments is not None or run.finite.sum() < 2:
        return None
    energy = run.nbeta * run.trace("loss")
    chains = len(energy)
    each = [diagnostics.mean(row[None]) for row in energy]
    means, sems = np.array([float(e.mean) for e in each]), np.array([float(e.sem) for e in each])
    if not sems.any():
        return None
    scatter = float(np.sum((means - means.mean()) ** 2) / np.mean(sems**2))
    # The errors of short chains are uncertain themselves: an F rather than a χ² would be right; the limit is set by 1e-4.
    p = float(chdtrc(chains - 1, scatter))
    severity = "fine" if p > 1e-4 else "warning" if p > 1e-12 else "error"
    worst = int(np.abs(means - means.mean()).argmax())
    sentence = (
        f"The chains agree on nβ(L − L*): χ² = {scatter:.1f} for {chains - 1} degrees of freedom."
        if severity == "fine"
        else f"The chains disagree on nβ(L − L*) by more than their own errors (χ² = {scatter:.0f} for {chains - 1} degrees of "
        f"freedom; chain {np.flatnonzero(run.finite)[worst]} is at {means[worst]:.4g}, all at {means.mean():.4g}): they sit in "
        "different regions; run longer, or take the scatter of many chains for the error."
    )
    return Finding("agreement", severity, p, 1e-4, sentence)


def rhat(run: Run) -> Finding | None:
    value = float(run.mean("loss").rhat)
    if not np.isfinite(value):
        return None
    severity = _level(value, 1.01, 1.05, 1.2)
    sentence = f"Split R-hat of the loss is {value:.3f}"
    sentence += (
        "."
        if severity == "fine"
        else ": halves of chains differ; run longer or burn in longer (1.01 is the usual limit)."
    )
    return Finding("rhat", severity, value, 1.01, sentence)


def ess(run: Run) -> Finding | None:
    found = run.mean("loss")
    value = float(found.ess)
    if not np.isfinite(value):
        return None
    severity = _level(-value, -400, -100, -20)
    total = int(run.finite.sum()) * (run.draws or run.loss.shape[1])
    sentence = f"{total} draws of the loss are worth {value:.0f} independent ones"
    if severity != "fine":
        sentence += (
            f": the error bar {run.nbeta * float(found.sem):.2g} of λ̂ is itself uncertain by some "
            f"{100 * min(1.0, (2 / value) ** 0.5):.0f}%; draw longer, or thin more at the same number of draws"
        )
    return Finding("ess", severity, value, 400.0, sentence + ".")


def step(run: Run) -> Finding | None:
    if run.moments is not None:
        return None
    square, drift = (float(run.kept(trace).mean()) for trace in (run.square, run.drift))
    if square <= 0:
        return None
    energy = diagnostics.mean(run.nbeta * run.trace("loss"))
    value, sem = float(energy.mean), float(energy.sem)
    # E[drift] = d + E[square], and the loss has a share of 2λ̂/E[drift] in the drift (all of it near a regular minimum with γ = 0).
    share = min(1.0, 2 * abs(value) / drift) if drift > 0 else 1.0
    excess, most = square / 2 * share, min(square / 2, abs(value))
    relative = excess / max(abs(value), 1e-300)
    x = square / run.dimension
    severity = "fine" if relative < 0.01 else "note" if relative < 0.05 else "warning" if relative < 0.25 else "error"
    sentence = (
        f"Step and minibatches raise λ̂ = {value:.4g} by about {excess:.2g} ({100 * relative:.2g}%, "
        f"{excess / sem if sem else np.inf:.1g} error bars; typical ελ = {4 * x / (1 + x):.2g})"
        + (f", and by {most:.2g} at most" if most > 1.5 * excess else "")
    )
    if severity != "fine":
        sentence += (
            f": the bias is proportional to the step; take ε = {run.epsilon * 0.01 / relative:.2g} for 1%, or correct for it "
            "(`correction`)"
        )
    return Finding("step", severity, relative, 0.01, sentence + ".")


def rounding(run: Run) -> Finding | None:
    if run.moments is not None or run.loss.dtype == np.float64:
        return None
    level = np.abs(run.loss[run.finite]).mean()
    unit = run.nbeta * float(np.spacing(level.astype(run.loss.dtype)))
    energy = run.nbeta * run.trace("loss")
    share = unit / max(float(energy.std()), 1e-300)
    severity = _level(share, 0.02, 0.1, 1.0)
    sentence = f"One unit in the last place of L_n ({run.loss.dtype}) is {unit:.2g} in nβ(L − L*), {100 * share:.2g}% of its spread"
    if severity != "fine":
        sentence += f": λ̂ is not known to better than some {unit:.1g}; use float64, or a loss less its value at w*"
    return Finding("rounding", severity, share, 0.02, sentence + ".")


def minimum(run: Run) -> Finding:
    found = run.mean("loss").scale(run.nbeta)
    value, sem = float(found.mean), float(found.sem)
    below = value < 0 and abs(value) > -ndtri(1e-4) * sem
    if not below:
        return Finding("minimum", "fine", value, 0.0, f"λ̂ = {value:.4g} ± {sem:.2g} is not below 0.")
    sentence = (
        f"λ̂ = {value:.4g} ± {sem:.2g} is negative: the chains found lower losses than at the centre, which is no minimum; train "
        "on, raise gamma, or take information.rlct_from_two, which needs no L(w*)."
    )
    return Finding("minimum", "error", value, 0.0, sentence)


CHECKS: tuple[Callable[[Run], Finding | None], ...] = (
    finite, accepted, stationary, drift, agreement, rhat, ess, step, rounding, minimum,
)  # fmt: skip

__all__ = ["Diagnosis", "Finding", "diagnose"]
