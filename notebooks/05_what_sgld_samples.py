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
# # Sampling: what SGLD really samples
#
# **The question.** Stochastic gradient Langevin dynamics ([§6.4](report.html#sec-6.4)),
#
# $$w \leftarrow w - \tfrac{\varepsilon}{2}\big[n\beta\,\nabla L_m(w) + \gamma(w - w^*)\big] + \sqrt{\varepsilon}\,\xi,\qquad \xi\sim N(0, 1),$$
#
# is meant to sample $\exp\{-n\beta L_n - \tfrac{\gamma}{2}|w-w^*|^2\}$. It does so only as $\varepsilon \to 0$ and without minibatches. What does it sample at a step, a batch and a
# $\gamma$ that one would use? The answer is exact, order by order. Change the losses in the next cell.

# %%
import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import sympy as sp

x, z = sp.symbols("x z", real=True)

loss = x**2 / 2 + (sp.sin(x) - x) / 2 + z * x * (1 + x / 2) / 4  # ← change me: the loss of one example z
examples = [-1, 0, 0, 1]  # ← or me: the data (mean 0 keeps the minimum at 0)
T = 100  # nβ

mean_loss = sp.expand(sum(loss.subs(z, value) for value in examples) / len(examples))
curvature = sp.diff(mean_loss, x, 2).subs(x, 0)
mean_loss

# %% [markdown]
# ## 1. Derive: the step
# On a quadratic the chain is a linear recursion: $v' = (1 - \varepsilon P/2)\,v + \sqrt\varepsilon\,\xi$ has the stationary variance $S$ that solves $S = (1-\varepsilon P/2)^2S + \varepsilon$, that is
# $S = [P(1-\varepsilon P/4)]^{-1}$ ([chain S](report.html#chain-s)). Too *large*, by a factor that depends on $u = \varepsilon P$ alone, and infinite at $u = 4$.

# %%
P, eps, S = sp.symbols("P epsilon S", positive=True)
sp.factor(sp.solve(sp.Eq(S, (1 - eps * P / 2) ** 2 * S + eps), S)[0])

# %% [markdown]
# The loss above is no quadratic; `theory.langevin` expands the chain's law in $1/t$ at fixed $e = \varepsilon t$, and `theory.stationary` has the leading terms in
# closed form, with $e$ a letter. The learning coefficient that the chain sees ([chain LLC](report.html#chain-llc)), to leading order:

# %%
from theory import langevin, stationary

e = sp.Symbol("e", positive=True)
law = stationary.law(mean_loss, (x,), e=e)
sp.simplify(law.learning_coefficient()[0])

# %% [markdown]
# ## 2. Derive: the minibatch and γ
# A gradient of $B$ examples is the gradient of $L_n$ plus noise, whose variance is $1/B$ of that of one example. It enters the chain as extra heat
# ([chain minibatch](report.html#chain-minibatch)). Localisation adds $\gamma$ to the curvature $tH$ that drives the chain, and leaves the *observable* $L$ alone.

# %%
ORDER = 3


example_losses = [loss.subs(z, value) for value in examples]


def predict(phi, step, *, batch=None, gamma=0):
    """⟨φ⟩ of the chain with ε = step/T: from the expansion in 1/T, and the size of its last term."""
    noise = batch and langevin.minibatch(example_losses, (x,), ratio=sp.Rational(T, batch), order=ORDER + 1)
    settings = {"e": step, "order": ORDER, "at": (0,), "confinement": sp.Rational(gamma, T), "noise": noise}
    terms = [float(c) / T**k for k, c in enumerate(langevin.expectation(mean_loss, phi, (x,), **settings))]
    return sum(terms), abs(terms[-1])


# %% [markdown]
# ## 3. Enclose
# The posterior with proved digits; and the stationary law of the *chain* without any expansion: `numerics.kernel` writes one step as a
# transition on a grid, which for analytic gradients is exponentially accurate, and solves for the law that it leaves alone (the error is
# an estimate, from three grids). It wants gradients that grow at most linearly, for otherwise an explicit chain has no law at all.

# %%
from numerics import kernel
from numerics.posterior import Posterior
from numerics.precision import digits

GAMMA = 50
settings = {
    "small step": {"step": sp.Rational(1, 10)},
    "large step": {"step": sp.Rational(1)},
    "large step, B = 2": {"step": sp.Rational(1), "batch": 2},
    "large step, γ = 50": {"step": sp.Rational(1), "gamma": GAMMA},
}
targets = {
    g: Posterior(mean_loss, x, T, prior=sp.exp(-sp.Rational(g, 2) * x**2), digits=20).expectation(mean_loss)
    for g in (0, GAMMA)
}


def law_on_a_grid(step, *, batch=None, gamma=0):
    """The stationary law of the chain with ε = step/T."""
    batches = {} if batch is None else {"losses": example_losses, "batch": batch}
    return kernel.stationary(mean_loss, (x,), T, step, gamma=gamma, **batches)


with digits(15):
    enclosed = {name: law_on_a_grid(**setting).expectation(mean_loss) for name, setting in settings.items()}
    for name, ball in enclosed.items():
        posterior_ball = targets[settings[name].get("gamma", 0)]
        print(f"{name:>20}: chain {(T * ball).str(12)}, posterior {(T * posterior_ball).str(12)}")

# %% [markdown]
# ## 4. Sample

# %%
from sampler import chain, llc
from sampler.kernels.sgld import sgld
from sampler.lower import lower_loss
from sampler.posterior import LocalPosterior

ell = lower_loss(loss, (x,), (z,))
data = jnp.asarray(examples, float)[:, None]


PLAN = {"chains": 256, "draws": 1500, "burn_in": 500, "thin": 5}


def sample(step, *, batch=None, gamma=0):
    """A run of 256 chains with ε = step/T."""
    posterior = LocalPosterior(ell, data, jnp.zeros(1), T, gamma, batch_size=batch)
    return chain.run(0, sgld(float(step) / T), posterior, **PLAN)


runs = {name: sample(**setting) for name, setting in settings.items()}
predictions = {name: predict(mean_loss, **setting) for name, setting in settings.items()}
found = {name: llc.llc(run) for name, run in runs.items()}
for name, run in runs.items():
    series, slack = (T * value for value in predictions[name])
    truth = T * float(enclosed[name].mid())
    print(
        f"{name:>20}: {float(found[name].mean):.4f} ± {float(found[name].sem):.4f}, on the grid {truth:.4f}, expanded {series:.4f} (last term {slack:.4f}), virial z = {run.stationarity():+.2f}"
    )

# %% [markdown]
# ## 5. Watch: the virial, a check that needs no theory
# Whatever the loss, the step and the batch, a *stationary* chain satisfies $E[(w - w^*)\cdot g] = d + \tfrac{\varepsilon}{4}E|g|^2$ exactly
# ([chain virial](report.html#chain-identities)). A chain that has not settled does not. Start far away and count the burn-in: the identity sees it.

# %%
import matplotlib.pyplot as plt
import numpy as np

posterior = LocalPosterior(ell, data, jnp.zeros(1), T, 0)
far = chain.run(0, sgld(0.1 / T), posterior, chains=256, draws=300, burn_in=0, thin=1, initial=jnp.full(1, 1.5))
per_draw = far.virial
mean, sem = per_draw.mean(0), per_draw.std(0, ddof=1) / len(per_draw) ** 0.5

steps = np.linspace(0.05, 2.5, 25)
curve = [float(law.learning_coefficient()[0].subs(e, s)) for s in steps]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
left.plot(steps, curve, label="chain, leading order")
left.axhline(0.5, color="grey", lw=0.8, label="posterior, leading order: d/2")
for name, marker in zip(settings, "osD^", strict=True):
    left.errorbar(
        [float(settings[name]["step"])],
        [float(found[name].mean)],
        [2 * float(found[name].sem)],
        fmt=marker,
        ms=5,
        label=name,
    )
left.set(xlabel="e = ε nβ", ylabel="nβ⟨L − L*⟩", ylim=(0.2, 1.6))
left.legend(fontsize=7)
right.fill_between(range(300), mean - 2 * sem, mean + 2 * sem, alpha=0.4)
right.plot(mean)
right.axhline(0, color="grey", lw=0.8)
right.set(xlabel="step", ylabel="(w − w*)·g − ε|g|²/4 − d", title="the virial from a far start", ylim=(-3, 12))
figure.tight_layout()

# %% [markdown]
# ## The claim, asserted

# %%
for name, run in runs.items():
    series, truth = predictions[name], float(enclosed[name].mid())
    assert abs(series[0] - truth) < series[1], name
    assert abs(float(found[name].z(T * truth))) < 4.9, name
    assert abs(run.stationarity()) < 4.9, name
assert abs(far.stationarity()) > 4.9, "a burn-in that is counted must show"
assert abs(float(found["large step"].mean) - float(T * targets[0].mid())) > 4.9 * float(found["large step"].sem)
limit = law.learning_coefficient()[0]
assert sp.simplify(limit - 1 / (2 * (1 - e * curvature / 4))) == 0
print("holds: SGLD samples the law that was predicted for its step, its batch and its γ, and not the posterior")

# %% [markdown]
# ## Exercises
# 1. Which step makes the learning coefficient 2% too large (full batch)? Compare with what `sampler.stepsize` suggests.
# 2. The mean of the chain is off, too. With the step it moves by the same factor as the variance. Why? Use $E[g] = 0$.
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. 1/(1 − u/4) = 1.02 gives u = 4·0.02/1.02; the suggestion comes from Lanczos runs on D²U, without any formula for the loss.
# from sampler import stepsize
#
# u = 4 * 0.02 / 1.02
# suggested = stepsize.suggest(posterior, bias=0.02)
# assert abs(suggested.epsilon * T * float(curvature) - u) < 1e-6
# ```
#
# ```python
# # 2. 0 = E[L′] = λ E[x] + (α/2) E[x²] + …, so E[x] = −(α/2λ) E[x²], and the variance carries the step.
# alpha = sp.diff(mean_loss, x, 3).subs(x, 0)
# variance = law.S[0, 0]
# assert sp.simplify(law.mean(x) + alpha / (2 * curvature) * variance) == 0
# ```
#
# </details>
