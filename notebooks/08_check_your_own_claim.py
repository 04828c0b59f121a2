# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Check your own claim
#
# **The question.** You have a formula that is not in the paper, or an estimator that is not in this library. How do you know that it is right? The ledger
# does for your claim what it does for the primer's: two derivations, certified integrals, and samples whose false-alarm rate and power are
# stated. As an example: by [Cor 23](report.html#cor-23) the response of $\varphi = x^2$ to a push along $x$ has no term in $1/t$, since $D\varphi(w^*) = 0$, and by
# [Lem 25](report.html#lem-25) it has one in $1/t^2$. Change the loss and the observables in the next cell.

# %%
import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import sympy as sp

x = sp.Symbol("x", real=True)

loss = x**2 + x**3 / 3 + x**4  # ← change me
observables = (x**2,)  # ← or me
perturbation = x  # ← ΔL, or None for the joint cumulant of the observables

# %% [markdown]
# ## 1. Derive: state the claim
# `ledger.check` turns the problem into a claim: what the expansion engine derives for it. Nothing has been verified yet.

# %%
from ledger import check

claim = check.check(loss, observables, perturbation, (x,))
print(claim.statement)

# %% [markdown]
# ## 2. Check: three layers, each by its own rule
# *Derived*: by Gaussian moments and again by diagrams. *Enclosed*: the coefficient from a ladder of certified integrals, and the response by its definition.
# *Sampled*: SGLD at a finite step, against the exact law of its chain. On the command line:
# `threefold check "x**2 + x**3/3 + x**4" --observable "x**2" --perturbation x --vars x`.

# %%
from ledger.claim import Budget, Layer, verdict

evidence = {layer: claim.test(layer)(Budget.QUICK) for layer in Layer}
for layer, found in evidence.items():
    print(f"{layer}: {found.status}. {found.summary}")
print("verdict:", verdict(claim, evidence))

# %% [markdown]
# ## 3. Check your estimator
# An estimator is a function from traces to numbers. `ledger.testing` runs it on many short runs of a law whose moments are known, so that a bias of a few
# per cent shows. Here are two: one with a mistake that is easy to make and hard to see. Asked for are the learning coefficient ([§3.5](report.html#sec-3.5)), the
# covariances of the losses ([Def 31](report.html#def-31)) and the susceptibilities of the loss, $-\mathrm{Cov}(L_n, \ell_z - L_n)$ ([Def 16](report.html#def-16)).

# %%
from ledger import testing


def careful(traces):
    """Burn-in dropped, means over all chains, divisor N − 1."""
    L = traces.loss[:, traces.burn_in :].ravel()
    probes = traces.probes[:, traces.burn_in :].reshape(len(L), -1)
    llc = traces.nbeta * (L.mean() - traces.centre_loss)
    chi = -((L - L.mean()) @ (probes - L[:, None])) / (len(L) - 1)
    return {"llc": llc, "covariance": np.cov(probes.T), "susceptibility": chi}


def careless(traces):
    """The same with the divisor N."""
    n = traces.loss[:, traces.burn_in :].size
    return {"covariance": careful(traces)["covariance"] * (n - 1) / n}


reports = {f.__name__: testing.check_estimator(f, short=3000, long=20) for f in (careful, careless)}
for name, report in reports.items():
    print(name, "→", report, "\n")

# %% [markdown]
# ## 4. Check your sampler
# A sampler is any function that returns draws; here plain numpy. It is compared with the law of the *discrete* chain, so that no small step is needed, and a
# factor of 2 in the noise or in the step cannot hide behind "discretisation error". The gradients of the task are differences of its loss.

# %%
task = testing.TASKS[0]


def gradient(w):
    """∇L_n(w), by central differences, which are exact for a quadratic."""
    shift = 0.5 * np.eye(w.shape[-1])
    return np.stack(
        [task.mean_loss(np.moveaxis(w + e, -1, 0)) - task.mean_loss(np.moveaxis(w - e, -1, 0)) for e in shift], -1
    )


def sgld(task, heat=1.0):
    """w ← w − (ε/2)[nβ ∇L + γw] + √ε ξ; `heat` is 1 if it is right."""
    rng, w, draws = np.random.default_rng(0), np.tile(task.start, (task.chains, 1)), []
    for k in range(task.burn_in + task.draws * task.thin):
        drift = task.nbeta * gradient(w) + task.gamma * w
        w = w - task.epsilon / 2 * drift + (heat * task.epsilon) ** 0.5 * rng.normal(size=w.shape)
        if k >= task.burn_in and (k - task.burn_in) % task.thin == 0:
            draws.append(w)
    return np.stack(draws, axis=1)


right = testing.check_sampler(sgld, task)
wrong = testing.check_sampler(lambda task: sgld(task, heat=1.1), task)
print(right, "\n\nwith 10% too much noise\n", wrong)

# %% [markdown]
# ## 5. Watch
# The z-score of every comparison. Between the lines is what chance allows, once in a million comparisons.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.4))
for ax, pair, title in zip(
    axes, (reports, {"right noise": right, "10% more": wrong}), ("estimators", "samplers"), strict=True
):
    for marker, (name, report) in zip("os", pair.items(), strict=True):
        rows = {row.quantity: row.z for row in report.rows if np.isfinite(row.z)}
        ax.plot(list(rows.values()), list(rows), marker, label=name)
    for edge in (-testing.LEAST, testing.LEAST):
        ax.axvline(edge, color="grey", lw=0.8)
    ax.set(xlabel="z", title=title)
    ax.legend(fontsize=8)
figure.tight_layout()

# %% [markdown]
# ## The claim, asserted

# %%
assert verdict(claim, evidence) == "holds"
assert reports["careful"].ok and right.ok
assert not reports["careless"].ok, "a divisor N for N − 1 must show"
assert not wrong.ok, "noise that is 10% too strong must show"
print("holds: the claim in three layers; the right estimator and sampler pass, the wrong ones do not")

# %% [markdown]
# ## Exercises
# 1. Claim something false: that $t^2\chi \to 1$. Which certified number contradicts you, and how many digits does it take?
# 2. A sampler that counts its burn-in: which of `testing.TASKS` is made for it?
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. The first: a ball around the truth at t = 1000 already excludes 1. (The true coefficient for the loss above is 1/2.)
# from numerics.posterior import Posterior
#
# t = 1000
# chi = Posterior(x**2 + x**3 / 3 + x**4, x, t, digits=10).susceptibility(x**2, x) * t**2
# assert not chi.contains(1) and abs(float(chi.mid()) - 0.5) < 0.05
# ```
#
# ```python
# # 2. "far start": it begins at (2, −2) with a small step, so draws from the way in are far from the law.
# far = next(t for t in testing.TASKS if t.name == "far start")
# assert far.burn_in > task.burn_in and np.abs(far.start).max() == 2
# ```
#
# </details>
