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
# # Susceptibilities of a small network
#
# **The question.** Show a trained network one example $z$ a little more often. Which way do its observables move, and by how much? By [Thm 11](report.html#thm-11) the
# answer is a covariance under the posterior of the *unchanged* data, the per-sample susceptibility ([Def 12](report.html#def-12), [eq 31](report.html#eq-31)):
#
# $$\chi_z(\varphi) = -\mathrm{Cov}(\varphi,\ \ell_z - L_n),\qquad \textstyle\sum_z \chi_z(\varphi) = 0 .$$
#
# Near a regular minimum it can be derived ([Ex 24](report.html#ex-24): flat directions dominate), in two weights it can be enclosed, and always sampled. Change
# the network in the next cell.

# %%
import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
import sympy as sp

a, b = weights = sp.symbols("a b", real=True)
x, y = sp.symbols("x y", real=True)

network = a * sp.tanh(b * x)  # ← change me: any smooth function of two weights and the input
START = (1.0, 1.0)  # ← where training starts
points = [(-2, -1.5), (-1, -0.5), (-0.5, -0.75), (0.5, 0.25), (1, 1.0), (2, 1.0)]  # ← or me: inputs and targets
T, GAMMA = 400, 40  # nβ and the localisation

loss = (network - y) ** 2 / 2

# %% [markdown]
# ## 1. Derive
# Train to the minimum; then $H$, the gradients $D\ell_z$ and the third derivatives there give $\chi_z$ to two orders in $1/t$: $-\tfrac1t D\varphi^\top\Sigma\,D\ell_z$
# ([Cor 23](report.html#cor-23), [Ex 24](report.html#ex-24)), and the whole coefficient of $t^{-2}$. The observable is the output at $x = 3$, where there are no data.

# %%
from sampler import train
from sampler.lower import lower, lower_loss
from sampler.posterior import LocalPosterior
from sampler.quadratic import curvature

ell = lower_loss(loss, weights, (x, y))
data = jnp.asarray(points)
trained = train.minimise(ell, jnp.asarray(START), data)
phi = lower(network.subs(x, 3), weights)

posterior = LocalPosterior(ell, data, trained.params, T, GAMMA)
local = curvature(posterior)
derived = {
    order: -local.covariance(local.observable(phi), local.losses(data), order=order).values[0] for order in (1, 2)
}
print(trained, "\nw* =", trained.params, "\neigenvalues of P:", local.precision)
derived

# %% [markdown]
# ## 2. Enclose
# Two weights are few enough for an integral with proved error: the posterior with the prior $e^{-\gamma|w - w^*|^2/2}$, at the doubles that training gave.

# %%
from numerics.posterior import Posterior

exactly = [sp.Rational(float(w)) for w in trained.params]
losses = [loss.subs({x: sp.Rational(u), y: sp.Rational(v)}) for u, v in points]
mean_loss = sum(losses) / len(losses)
prior = sp.exp(-sp.Rational(GAMMA, 2) * sum((w - c) ** 2 for w, c in zip(weights, exactly, strict=True)))
integral = Posterior(mean_loss, weights, T, prior=prior, digits=8)
enclosed = [integral.susceptibility(network.subs(x, 3), ell_z - mean_loss) for ell_z in losses]
for z, ball in enumerate(enclosed):
    print(f"{points[z]}: order 1 {derived[1][z]:+.6f}, order 2 {derived[2][z]:+.6f}, certified {ball.str(8)}")

# %% [markdown]
# ## 3. Sample
# A Metropolis-adjusted chain has the posterior's law without any error of the step. The covariances come from its traces.

# %%
from sampler import chain, control
from sampler.kernels.mala import mala
from sampler.susceptibility import susceptibility

kernel = mala(local.step(1.0))
observables = {"phi": phi, "fields": control.fields(kernel, posterior, degree=3)}
run = chain.run(0, kernel, posterior, chains=128, draws=600, burn_in=300, thin=4, observables=observables, probes=data)
sampled = susceptibility(run, "phi", names=[str(p) for p in points])
centred = run.trace("probes") - run.trace("probes").mean(-1, keepdims=True)
reduced = [
    control.cumulant([run.trace("phi"), centred[..., z]], run.trace("fields")).scale(-1) for z in range(len(points))
]
for z, estimate in enumerate(reduced):
    plain = f"{1e6 * sampled.mean[z]:+8.2f} ± {1e6 * sampled.sem[z]:.2f}"
    print(
        f"{points[z]}: 10⁶χ plain {plain}, with controls {1e6 * float(estimate.mean):+8.2f} ± {1e6 * float(estimate.sem):.2f}"
    )
print("sum over z:", sampled.mean.sum())

# %% [markdown]
# ## 4. A network with layers
# With more weights the integral is gone; derivation and samples remain, and check each other. The observable of a component $C$ is the loss itself, on a
# chain that moves $C$ alone ([Def 14](report.html#def-14), [Def 16](report.html#def-16)): rows are components, columns are examples. To second order that is
# [Ex 27](report.html#ex-27) for the chain at its own step. (The factor $Z_C/Z$ of [eq 34](report.html#eq-34) is left out on both sides.)

# %%
from sampler.kernels.sgld import sgld
from sampler.networks import mlp


def squared(w, z):
    """½ (f(x) − y)² for the multilayer perceptron."""
    return (mlp.apply(w, z[:1])[0] - z[1]) ** 2 / 2


WIDTHS, T_MLP = (1, 4, 1), 4000
with_decay = train.decayed(squared, 0.05)
minimum = train.minimise(with_decay, mlp.init(jax.random.key(1), WIDTHS), data)
masks = {"layer0": {"layer0": True, "layer1": False}, "layer1": {"layer0": False, "layer1": True}}


def row(mask):
    """χ_z(L) of one component: predicted for the chain, and sampled."""
    restricted = LocalPosterior(with_decay, data, minimum.params, T_MLP, 0.0, mask)
    geometry = curvature(restricted)
    step = geometry.step(0.5)
    chains = chain.run(0, sgld(step), restricted, chains=64, draws=500, burn_in=400, thin=5, probes=data)
    return -geometry.loss_covariance(data, step).values, susceptibility(chains), geometry.precision


rows = {name: row(mask) for name, mask in masks.items()}
print(minimum)
for name, (predicted, found, precision) in rows.items():
    print(
        f"{name:>7} ({len(precision):2d} weights, λ from {precision[0]:.2f} to {precision[-1]:.2f}): z =",
        np.round(found.z(predicted), 1),
    )

# %% [markdown]
# ## 5. Watch

# %%
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
place, names = np.arange(len(points)), [str(p[0]) for p in points]
left.bar(place - 0.25, derived[1], 0.25, label="derived, order 1")
left.bar(place, derived[2], 0.25, label="derived, order 2")
left.bar(place + 0.25, [float(c.mid()) for c in enclosed], 0.25, label="enclosed")
left.errorbar(place + 0.4, sampled.mean, 2 * sampled.sem, fmt="k.", capsize=2, label="sampled ± 2 s.e.")
left.set_xticks(place, names)
left.set(xlabel="x of the example that gains weight", ylabel="χ of the output at x = 3")
left.legend(fontsize=7)
X = np.stack([found.mean for _, found, _ in rows.values()]) * T_MLP**2
largest = np.abs(X).max(axis=1, keepdims=True)
shown = right.imshow(X / largest, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
right.set_xticks(place, names)
right.set_yticks(range(len(rows)), list(rows))
right.set(title="structural matrix, rows scaled", xlabel="x of the example")
figure.colorbar(shown)
figure.tight_layout()

# %% [markdown]
# ## The claim, asserted

# %%
truth = np.array([float(c.mid()) for c in enclosed])
assert sum(enclosed).contains(0)
assert all(abs(float(e.z(t))) < 4.9 for e, t in zip(reduced, truth, strict=True))
assert np.all(np.abs(sampled.z(truth)) < 4.9) and abs(sampled.mean.sum()) < 1e-12
assert np.linalg.norm(derived[2] - truth) < np.linalg.norm(derived[1] - truth), "the second order comes nearer"
for predicted, found, _ in rows.values():
    # The prediction is a first order in 1/t itself; what follows it is counted at 1% of the largest entry.
    assert np.all(np.abs(found.mean - predicted) < 4.9 * found.sem + 0.01 * np.abs(predicted).max())
print("holds: derived, enclosed and sampled susceptibilities agree, on two weights and on a layered network")

# %% [markdown]
# ## Exercises
# 1. Test the definition: put a little more weight on one example and compute $\langle\varphi\rangle$ again ([eq 33](report.html#eq-33)).
# 2. Which direction of weight space carries the response? Split $\chi_z$ by the eigenvectors of $H$ ([eq 16](report.html#eq-16)).
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. L + hΔL with ΔL = ℓ_z − L at nβ: the difference quotient, certified, tends to χ_z as h → 0.
# h, z = sp.Rational(1, 1000), 5
# pushed = Posterior((1 - h) * mean_loss + h * losses[z], weights, T, prior=prior, digits=10)
# unpushed = Posterior(mean_loss, weights, T, prior=prior, digits=10)
# output = network.subs(x, 3)
# slope = float((pushed.expectation(output) - unpushed.expectation(output)).mid()) / (T * float(h))
# assert abs(slope - truth[z]) < 0.02 * np.abs(truth).max()
# ```
#
# ```python
# # 2. In the eigenbasis χ_z = −(1/t) Σ_i a_i b_i/p_i: dividing by the small p makes the flat direction loudest.
# gradient = local.W.T @ np.asarray(jax.grad(phi)(trained.params))
# slopes = local.gradients(data) @ local.W
# parts = -slopes * gradient / local.precision / T
# assert np.allclose(parts.sum(axis=1), derived[1], rtol=1e-8)
# print("share of each direction, flattest first:", np.abs(parts).sum(axis=0) / np.abs(parts).sum())
# ```
#
# </details>
