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
# # Patterning: write the structure
#
# **The question.** Susceptibilities say how observables answer to data. Turn it round: which change of the data *writes* a wanted change into the model?
# The structural coordinates $\mu_j = \langle\varphi_j\rangle$ are functions of the data weights $q$, with Jacobian $n\beta X$ ([eq 25](report.html#eq-25)), so
#
# $$d\mu = n\beta\,X\,dq,\qquad dq = \tfrac{1}{n\beta}X^{+}d\mu = \tfrac1{n\beta}\sum_\alpha s_\alpha^{-1}\langle u_\alpha, d\mu\rangle\,v_\alpha$$
#
# is the least change that does it ([eq 28](report.html#eq-28), with the modes of [eq 27](report.html#eq-27)). Write it, apply it, and measure what came of it.

# %%
import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import sympy as sp

x, z = sp.symbols("x z", real=True)

loss = (1 + z**2 / 2) * x**2 / 2 - z * x + x**3 / 12 + x**4 / 24  # ← change me: the loss of one example z
examples = [-2, -1, 0, 1, 2]  # ← or me
phis = (x, x**2)  # the observables
TARGET = [sp.Rational(1, 50), 0]  # dμ: move the mean, hold the second moment
T = 20  # nβ

losses = tuple(sp.expand(loss.subs(z, value)) for value in examples)
uniform = (sp.Rational(1, len(examples)),) * len(examples)
mean_loss = sp.expand(sum(losses) / len(losses))
mean_loss

# %% [markdown]
# ## 1. Derive
# Each entry $X_{jz} = -\mathrm{Cov}(\varphi_j, \ell_z - L)$ has an exact expansion in $1/t$. Its pseudo-inverse is exact too: with rational numbers no rank is a
# matter of opinion. That $dq$ sums to 0 is no condition, it comes out: the rows of $X$ sum to 0.

# %%
from theory import laplace, patterning

ORDER = 5


def entry(phi, ell):
    """X_jz to t^−ORDER, at t = T."""
    return -laplace.evaluate(laplace.cumulant(mean_loss, (phi, ell - mean_loss), (x,), order=ORDER), T)


derived = sp.Matrix([[entry(phi, ell) for ell in losses] for phi in phis])
dq = patterning.pseudo_inverse(derived) * sp.Matrix(TARGET) / T
for mode in patterning.modes(derived):
    print("coupling", sp.N(mode.s, 4), " structure", list(sp.N(mode.u.T, 3)), " data", list(sp.N(mode.v.T, 3)))
print("dq =", list(sp.N(dq.T, 5)), " sum:", sum(dq))

# %% [markdown]
# ## 2. Enclose
# The same matrix as balls; and, apart from any matrix, the response by definition: the posterior at the new weights $q + h\,dq$, integrated again.

# %%
from numerics.patterning import DataModel, step
from numerics.precision import ball

model = DataModel(losses, phis, (x,), sp.Integer(T))
X = model.susceptibilities(uniform)
gap = max(abs(float((X[j, k] - ball(derived[j, k])).mid())) for j in range(len(phis)) for k in range(len(losses)))
print(f"certified X against the series: largest gap {gap:.1e}")

direction = [sp.Rational(round(float(c) * 2**40), 2**40) for c in dq]
slope = [float(b.mid()) for b in model.derivative(uniform, direction)]
print("dμ/dh along dq, by definition:", slope, " wanted:", [float(c) for c in TARGET])

# %% [markdown]
# ## 3. Sample
# Nobody has the exact $X$ of a network. Estimate it from one run, invert the estimate, and let `sampler.patterning` say how far to trust the answer.

# %%
import jax.numpy as jnp

from sampler import chain
from sampler import patterning as estimated
from sampler.kernels.mala import mala
from sampler.lower import lower, lower_loss
from sampler.posterior import LocalPosterior
from sampler.susceptibility import susceptibility

data = jnp.asarray(examples, float)[:, None]
posterior = LocalPosterior(lower_loss(loss, (x,), (z,)), data, jnp.zeros(1), T, 0.0)
observables = {"mu": lambda w: jnp.stack([f(w) for f in lowered])}
lowered = [lower(phi, (x,)) for phi in phis]
run = chain.run(
    0, mala(1.0 / T), posterior, chains=256, draws=1000, burn_in=100, thin=3, observables=observables, probes=data
)
sampled = susceptibility(run, "mu", names=[str(v) for v in examples])
found = estimated.pattern(sampled, [float(c) for c in TARGET], T)
print("dq =", np.round(found.dq, 5), "±", np.round(found.sem, 5))
print(f"predicted dμ {found.predicted}, a weight reaches 0 at h = {found.largest_step:.1f}", found.message)

# %% [markdown]
# ## 4. Watch: how far is it linear?
# Go along the *sampled* $dq$ with $h$ times the target ([eq 35](report.html#eq-35): $\rho = 1 + \alpha s$, linear for small $\alpha$ only) and integrate the posterior anew at each point.

# %%
import matplotlib.pyplot as plt

written = [sp.Rational(round(float(c) * 2**40), 2**40) for c in found.dq]
strengths = [sp.Rational(k, 2) for k in range(-10, 11)]


def response(h):
    """μ(q + h dq) − μ(q), certified."""
    now, before = model.coordinates(step(uniform, written, h)), model.coordinates(uniform)
    return [float((a - b).mid()) for a, b in zip(now, before, strict=True)]


moved = np.array([response(h) for h in strengths])
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
hs = [float(h) for h in strengths]
for j, phi in enumerate(phis):
    left.plot(hs, moved[:, j], "o-", ms=3, label=f"⟨{phi}⟩, measured")
    left.plot(hs, [h * float(TARGET[j]) for h in hs], "k--", lw=0.8)
left.set(xlabel="h", ylabel="change of μ", title="written (dashed: wanted)")
left.legend()
right.bar(np.arange(len(examples)) - 0.2, [float(c) for c in dq], 0.4, label="exact X")
right.bar(np.arange(len(examples)) + 0.2, found.dq, 0.4, yerr=2 * found.sem, capsize=3, label="sampled X ± 2 s.e.")
right.set_xticks(range(len(examples)), [str(v) for v in examples])
right.set(xlabel="example z", ylabel="dq")
right.legend()
figure.tight_layout()

# %% [markdown]
# ## The claim, asserted

# %%
assert sum(dq) == 0 and list(derived * dq * T) == TARGET
assert all(
    residue.is_zero_matrix for residue in patterning.penrose(derived, patterning.pseudo_inverse(derived)).values()
)
assert gap < 1e-3 * max(abs(float(c)) for c in derived)
assert np.allclose(slope, [float(c) for c in TARGET], atol=1e-3 * float(max(map(abs, TARGET))))
assert np.all(np.abs(found.dq - np.array([float(c) for c in dq])) < 4.9 * found.sem)
quadratic = moved[strengths.index(1)] + moved[strengths.index(-1)]
assert np.linalg.norm(moved[strengths.index(1)] - [float(c) for c in TARGET]) < 4.9 * np.linalg.norm(
    found.noise
) + np.linalg.norm(quadratic)
print("holds: the weights that were derived, enclosed and sampled write the change that was wanted, to first order")

# %% [markdown]
# ## Exercises
# 1. Ask for what the data cannot give: add the observable $\varphi = x + x^2$, and ask for $d\mu = (1, 1, 0)/50$. What does $X^+$ answer?
# 2. Inverting noise: with fewer draws the small mode drowns. What does the ridge $\eta$ of [§6.5.2](report.html#sec-6.5.2) do to $dq$, and at what price?
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. The third row is the sum of the first two, so μ can only move in a plane: X⁺ gives the nearest point of it, (1/3, 1/3, 2/3)/50.
# three = derived.col_join(derived[0, :] + derived[1, :])
# wanted = sp.Matrix([1, 1, 0]) / 50
# got = three * patterning.pseudo_inverse(three) * wanted
# assert list(got) == [sp.Rational(1, 150), sp.Rational(1, 150), sp.Rational(2, 150)]
# ```
#
# ```python
# # 2. It replaces 1/s by s/(s² + η): a smaller dq with a smaller error, and a dμ that falls short of the target.
# short = chain.run(1, mala(1.0 / T), posterior, chains=8, draws=100, burn_in=100, thin=3, observables=observables, probes=data)
# noisy = susceptibility(short, "mu")
# plain = estimated.pattern(noisy, [float(c) for c in TARGET], T)
# damped = estimated.pattern(noisy, [float(c) for c in TARGET], T, ridge=estimated.suggest_ridge(noisy))
# assert np.linalg.norm(damped.dq) < np.linalg.norm(plain.dq)
# assert np.linalg.norm(damped.residual) > np.linalg.norm(plain.residual)
# ```
#
# </details>
