"""Runs of SGLD on the discrete chain's problems, and what they should give, with standard errors predicted.

    observe       one run of SGLD at one setting: estimates of the quantities that the claims are about
    expected      formula · t^{−k} + Σ_{j≠k} series_j t^{−j}, so that the formula itself is what is compared
    sampled       the two, compared

Reading order: `Setting`, `observe`, `Observed`, `start`; `predicted`, `sampled`, `predicted_error`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from ledger.claim import Evidence
from ledger.compare import meets
from ledger.discrete import Problem
from ledger.discrete_kernel import BATCH_DIGITS, KERNEL_DIGITS, kernel_at
from ledger.discrete_problems import linear, observables
from ledger.evidence import estimates
from numerics.precision import digits
from theory import autocorrelation, laplace
from theory.identities import step_identity

if TYPE_CHECKING:
    from sampler.control import Standardised
    from sampler.diagnostics import Estimate

TAIL = {1: 5, 2: 3}  # orders beyond the one that is tested, in a sampled prediction, by the number of variables


@dataclass(frozen=True)
class Setting:
    """A run: the problem, t, the seed; C chains of N draws, `thin` steps apart."""

    problem: Problem
    t: int = 60
    seed: int = 1
    chains: int = 8192
    draws: int = 96
    thin: int = 2
    burn_in: int = 100


@cache
def observe(setting: Setting, effort: int = 1) -> "Observed":
    """One run of SGLD with its traces."""
    import jax
    import jax.numpy as jnp

    from sampler import chain
    from sampler.kernels.sgld import sgld
    from sampler.lower import lower, lower_loss
    from sampler.posterior import LocalPosterior

    p, label = setting.problem, sp.Symbol("z_label", real=True)
    loss = lower_loss(p.loss + label * p.kick, p.variables, (label,))
    batch = int(setting.t / p.ratio) if p.labels else None
    # With replacement: copies change nothing but the number of examples, which bounds the size of a batch.
    data = jnp.asarray(p.labels * (batch or 1) or (0,), float)[:, None]
    posterior = LocalPosterior(loss, data, jnp.zeros(p.d), setting.t, float(p.gamma), None, batch)
    phi, psi = observables(p.variables)
    seen = {"phi": lower(phi, p.variables), "psi": lower(psi, p.variables), "w": _itself}
    slopes = {f"slope {i}": lower(sp.diff(p.loss, v), p.variables) for i, v in enumerate(p.variables)}
    run = chain.run(
        jax.random.key(setting.seed), sgld(float(sp.sympify(p.e)) / setting.t), posterior, chains=setting.chains,
        draws=setting.draws * effort, burn_in=setting.burn_in, thin=setting.thin, observables=seen | slopes,
    )  # fmt: skip
    traces = {name: run.trace(name) for name in (*seen, *slopes, "loss")} | {"virial": run.virial}
    return Observed(setting, traces)


class Observed:
    """Estimates by name, each worked out once.

    With exact control variates where the batch is full: "llc", "x mean", "psi", "cov x", "cov x psi", "K", "cov phi psi",
    "cov loss psi". "plain llc", "plain K", "plain cov" do without, so that their standard errors can be predicted; "spread llc",
    "spread cov" are the variances of the means of single chains; "lag" is a covariance one draw apart, "virial" the
    defect of the identity.
    """

    def __init__(self, setting: Setting, traces: dict[str, np.ndarray]):
        w = traces["w"]
        x, y = w[..., 0], w[..., -1]
        form = y if setting.problem.d == 1 else x / 2 + y
        energy, f, g = setting.t * traces["loss"], traces["phi"], traces["psi"]
        self.setting, self.traces = setting, traces
        self._joint = {
            "llc": (energy,), "psi": (g,), "x mean": (y,), "cov x psi": (x + g, g), "cov x": (x, form), "K": (x, x, form),
            "cov phi psi": (f, g), "cov loss psi": (traces["loss"], g),
        }  # fmt: skip
        self._others: dict[str, Callable[[], Estimate]] = {
            "plain llc": lambda: _plain(energy),
            "plain cov": lambda: _plain(f, g),
            "plain K": lambda: _plain(x, x, form),
            "spread llc": lambda: _spread(traces["loss"]),
            "spread cov": lambda: _spread((f - f.mean()) * (g - g.mean())),
            "lag": lambda: _lag(x, form),
            "virial": lambda: _plain(traces["virial"]),
        }
        self._known: dict[str, Estimate] = {}

    def __getitem__(self, name: str) -> "Estimate":
        if name not in self._known:
            self._known[name] = self._others[name]() if name in self._others else self._reduced(*self._joint[name])
        return self._known[name]

    def controlled(self, *observables: sp.Expr) -> "Estimate":
        """The joint cumulant of any observables, functions of w."""
        variables, w = self.setting.problem.variables, self.traces["w"]
        traces = (sp.lambdify(variables, f, "numpy")(*np.moveaxis(w, -1, 0)) for f in observables)
        return self._reduced(*traces)

    def _reduced(self, *traces: np.ndarray) -> "Estimate":
        from sampler import control

        return _plain(*traces) if self.setting.problem.labels else control.cumulant(list(traces), self._fields)

    @cached_property
    def _fields(self) -> "Standardised":
        from sampler import control

        slopes = [self.traces[f"slope {i}"] for i in range(self.setting.problem.d)]
        return control.standardised(_fields(self.setting, self.traces["w"], slopes))


@cache
def start(setting: Setting, steps: int, effort: int = 1) -> "Estimate":
    """t E[L(w_k) − L*] after k = `steps` steps from w*, over all chains and several runs."""
    import jax
    import jax.numpy as jnp

    from sampler import chain
    from sampler.kernels.sgld import sgld
    from sampler.lower import lower_loss
    from sampler.posterior import LocalPosterior

    p = setting.problem
    loss = lower_loss(p.loss, p.variables, (sp.Symbol("z_label", real=True),))
    posterior = LocalPosterior(loss, jnp.zeros((1, 1)), jnp.zeros(p.d), setting.t, float(p.gamma))
    run = chain.run(
        jax.random.key(setting.seed + 1000), sgld(float(sp.sympify(p.e)) / setting.t), posterior, draws=4,
        chains=2 * setting.chains * effort, burn_in=steps - 1,
    )  # fmt: skip
    return _over_chains(setting.t * run.trace("loss")[:, 0])


def _itself(w: Any) -> Any:
    return w


def _fields(setting: Setting, w: np.ndarray, slopes: list[np.ndarray]) -> np.ndarray:
    """Control variates of mean 0 at any step: E f(w') − f(w) for the monomials f to degree 4, in t^{1/2} w and t^{−1/2} g."""
    p, root = setting.problem, np.sqrt(setting.t)
    g = sp.symbols(f"g0:{p.d}", real=True)
    monomials = sp.itermonomials(p.variables, 4)
    known = [
        step_identity(f, p.variables, g, epsilon=p.e) for f in sorted(monomials, key=sp.default_sort_key) if f != 1
    ]
    slopes = [root * slope + float(p.gamma) / root * w[..., i] for i, slope in enumerate(slopes)]
    columns = sp.lambdify((*p.variables, *g), known, "numpy")(*(root * w[..., i] for i in range(p.d)), *slopes)
    return np.stack(columns, axis=-1)


def _plain(*traces: np.ndarray) -> "Estimate":
    from sampler import diagnostics

    if len(traces) == 1:
        return diagnostics.mean(traces[0])
    if len(traces) == 2:
        return diagnostics.covariance(traces[0], traces[1])
    return diagnostics.third_cumulant(traces[0], traces[1], traces[2])


def _spread(trace: np.ndarray) -> "Estimate":
    """The variance of the chains' means; its error from the chains, which are independent."""
    means = trace.mean(axis=1)
    return _over_chains((means - means.mean()) ** 2 * len(means) / (len(means) - 1))


def _lag(x: np.ndarray, y: np.ndarray) -> "Estimate":
    """Cov(x_k, y_0) at the lag of one draw."""
    return _over_chains(((x - x.mean())[:, 1:] * (y - y.mean())[:, :-1]).mean(axis=1))


def _over_chains(values: np.ndarray) -> "Estimate":
    from sampler.diagnostics import Estimate

    number = len(values)
    sem = values.std(ddof=1) / np.sqrt(number)
    return Estimate(np.asarray(values.mean()), np.asarray(sem), np.asarray(float(number)), np.asarray(1.0))


def expected(series: tuple[sp.Expr, ...], t: int, formula: dict[int, Any]) -> tuple[float, float]:
    """The series at t with the formula's coefficients in their places, and its last term."""
    t = sp.Integer(t)
    terms = [sp.sympify(formula.get(k, c)) / t**k for k, c in enumerate(series)]
    return float(sp.Add(*terms)), abs(float(terms[-1]))


def predicted(setting: Setting, traces: tuple[sp.Expr, ...], formula: dict[int, Any]) -> tuple[float, float]:
    """Full batch: the series. Minibatches: the kernel at this t and B with the formula's coefficients in place of its own."""
    p = setting.problem
    if not p.labels:
        return expected(p.series(*traces, order=max(formula) + TAIL[p.d]), setting.t, formula)
    with digits(KERNEL_DIGITS):
        whole = kernel_at(p, setting.t).cumulant(traces)
    own, t = p.series(*traces, order=max(formula)), sp.Integer(setting.t)
    exchanged = sum(((value - own[k]) / t**k for k, value in formula.items()), sp.S.Zero)
    return float(whole.mid()) + float(exchanged), float(whole.rad())


def sampled(
    name: str, setting: Setting, key: str, traces: tuple[sp.Expr, ...], formula: dict[int, Any], *, factor: float = 1.0,
    effort: int = 1,
) -> Evidence:  # fmt: skip
    """An estimate of a cumulant (times `factor`) against the law of the chain; the z of the posterior in the same run beside it."""
    p = setting.problem
    prediction, last = predicted(setting, traces, formula)
    limit = p.posterior_series(*traces, order=3)
    continuous = factor * float(sum((c / sp.Integer(setting.t) ** k for k, c in enumerate(limit)), sp.S.Zero))
    scale = max(abs(float(sp.sympify(c) / sp.Integer(setting.t) ** k)) for k, c in formula.items())
    estimate = observe(setting, effort)[key]
    away = meets(float(estimate.mean), float(estimate.sem), continuous).z
    return estimates(
        f"{name}, {p.name}", estimate, factor * prediction, truncation=factor * last, scale=factor * scale,
        z_continuous_time=away, t=setting.t, step=str(p.e),
    )  # fmt: skip


@cache
def predicted_error(setting: Setting, kind: str, effort: int = 1) -> float:
    """The standard error of "plain llc", "plain cov" or "plain K" over all chains, no draw used: `theory.autocorrelation`."""
    p, s = setting.problem, setting
    phi, psi = observables(p.variables)
    n, t = s.draws * effort, sp.Integer(s.t)
    moments, order = _influence(p, s.t), {"llc": 4}.get(kind, 5)
    if p.labels:
        # Few examples a batch: the noise is far from Gaussian and t small, so the kernel takes the place of the expansion.
        with digits(BATCH_DIGITS):
            k = kernel_at(p, s.t)
            if kind == "cov":
                variance = k.estimator(phi, psi, s.thin)
            else:
                f = p.loss if kind == "llc" else moments
                variance = k.long_run(f, f, s.thin)
        variance = float(variance.mid()) / n
    elif kind == "llc":
        series = autocorrelation.variance_of_mean(
            p.loss, p.loss, p.variables, order=order, draws=n, thin=s.thin, **p.chain
        )
        variance = laplace.evaluate(series, t)
    elif kind == "cov":
        series = autocorrelation.estimator(p.loss, phi, psi, p.variables, order=order, thin=s.thin, **p.chain)
        variance = laplace.evaluate(series, t) / n
    else:
        series = autocorrelation.long_run(p.loss, moments, moments, p.variables, order=order, thin=s.thin, **p.chain)
        variance = laplace.evaluate(series, t) / n
    return float(t if kind == "llc" else 1) * float(variance / s.chains) ** 0.5


def _influence(p: Problem, t: int) -> sp.Expr:
    """x̃x̃ỹ − ỹ Var x − 2x̃ Cov(x, y), the fluctuation whose mean is the third cumulant's."""
    x, y = p.variables[0], linear(p.variables)

    def value(*traces: sp.Expr) -> sp.Expr:
        if p.labels:
            with digits(BATCH_DIGITS):
                number = float(kernel_at(p, t).cumulant(traces).mid())
        else:
            number = float(laplace.evaluate(p.series(*traces, order=4), sp.Integer(t)))
        return sp.Rational(str(round(number, 12)))

    u, v = x - value(x), y - value(y)
    return sp.expand(u**2 * v - v * value(x, x) - 2 * u * value(x, y))
