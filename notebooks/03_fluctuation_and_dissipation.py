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
# # Fluctuation and dissipation on the Ising model
#
# **The question.** Push on one spin of a magnet with a weak field $h$. By how much do the others turn? [eq 3](report.html#eq-3) and [eq 4](report.html#eq-4) say that no push is
# needed: the answer is already in the fluctuations of the magnet that is left alone,
#
# $$\frac{d\langle M_R\rangle}{dh}\Big|_{h=0} = +\beta\,\mathrm{Cov}(M_R, s_p)\qquad\text{for}\quad H - h\,s_p .$$
#
# The same identity, with the loss for the energy and a data point for the field, is the susceptibility of a neural network
# ([Thm 11](report.html#thm-11)). Here both sides can be had exactly. Change the lattice in the next cell, and walls, probe and regions follow.

# %%
import sympy as sp

from numerics.ising import response, transfer, wall_with_gap

lattice = wall_with_gap(6, 6)  # ← change me: a wall with a gap between two halves (or any Lattice with regions)
probe = (2, 1)  # ← the spin that is pushed (row, column)
print(lattice.drawing())

# %% [markdown]
# ## 1. Derive
# Write $x = e^{\beta}$ and $y = e^{\beta h}$. The sum over all states is a polynomial in $x^{\pm1}$ and $y^{\pm1}$ with integer coefficients, so both
# sides are exact functions. *Dissipation*: the derivative of $\langle M_R\rangle$ by the field. *Fluctuation*: a covariance, from sums over products of
# spins. The two share no calculation; two rational functions are equal or they are not.

# %%
pushed = response.driven(lattice, [probe])
sums = transfer.moments(pushed, {"p": probe})
dissipation = {R: response.field_response(sums.magnetisation(R)) for R in lattice.regions}
fluctuation = {R: sums.covariance("p", R) for R in lattice.regions}
for R in lattice.regions:
    print(R, "equal as functions of β and h:", dissipation[R] == fluctuation[R])

# %% [markdown]
# The equality holds at *every* field, not only at $h = 0$. It is one line of algebra for any system: $\partial_h$ of $\langle O\rangle = \sum_s O\,e^{-\beta(H+hA)}/Z$ brings down
# $-\beta A$, once in the numerator and once in $Z$: $-\beta\langle OA\rangle + \beta\langle O\rangle\langle A\rangle$. The library does this with letters:

# %%
from theory.response import Posterior
from theory.response import response as derivative

beta, h, s = sp.symbols("beta h s", real=True)
H, A, O = (sp.Function(name)(s) for name in "HAO")
magnet = Posterior(beta * (H + h * A), sp.S.One, (s,))
at_zero = Posterior(beta * H, sp.S.One, (s,))
push = derivative(magnet, O, h)
covariance = at_zero.expectation(O * A) - at_zero.expectation(O) * at_zero.expectation(A)
sp.simplify(sp.expand(push + beta * covariance))

# %% [markdown]
# ## 2. Enclose
# Pushed for real: $\langle M_R\rangle$ at a small field $h$, as a ball with proved error, over $h$. That is what an experiment would do, and it is right only
# as $h \to 0$; the fluctuation is right at once.

# %%
from numerics.precision import digits

BETA = sp.Rational(3, 10)
with digits(30):
    exact = {R: f.at(BETA, n=25) for R, f in fluctuation.items()}
    for step in (sp.Rational(1, 2), sp.Rational(1, 20), sp.Rational(1, 200)):
        found = transfer.at(pushed, BETA, {}, h=step)
        slopes = {R: found.magnetisation(R) / (step.p * BETA.p) * step.q * BETA.q for R in lattice.regions}
        print(f"h = {float(step):<6}", {R: c.str(8, radius=False) for R, c in slopes.items()})
    print("h → 0:    ", {R: c.str(8, radius=False) for R, c in exact.items()})

# %% [markdown]
# ## 3. Sample
# Chains that turn single spins (Metropolis) and chains that turn clusters (Swendsen–Wang) have the same stationary law, so each must find the
# fluctuation within its error bar. No field is applied anywhere.

# %%
import jax

from sampler import ising

model = ising.model(lattice, {"p": probe})
runs = {
    kernel.name: ising.run(jax.random.key(0), model, float(BETA), kernel=kernel, chains=32, draws=1000, burn_in=200)
    for kernel in (ising.metropolis(), ising.swendsen_wang())
}
estimates = {(name, R): run.covariance("p", R) for name, run in runs.items() for R in lattice.regions}
for (name, R), e in estimates.items():
    print(
        f"{name:>16} {R:>6}: Cov = {float(e.mean):.4f} ± {float(e.sem):.4f}, exactly {float(exact[R].mid()):.4f}, z = {float(e.z(float(exact[R].mid()))):+.2f}"
    )

# %% [markdown]
# ## 4. Watch
# The covariance of the probe with each half as $\beta$ goes through the transition, and which sites answer to the push.

# %%
import matplotlib.pyplot as plt
import numpy as np

betas = np.linspace(0.02, 0.8, 40)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(3, 2))
for R, f in fluctuation.items():
    left.semilogy(betas, [float(f.at(sp.Rational(str(round(b, 3))), n=12).mid()) for b in betas], label=f"exact, {R}")
for marker, name in zip("so", runs, strict=True):
    pairs = [estimates[name, R] for R in lattice.regions]
    left.errorbar(
        [float(BETA)] * len(pairs),
        [float(e.mean) for e in pairs],
        [2 * float(e.sem) for e in pairs],
        fmt=marker,
        capsize=3,
        mfc="none",
        label=f"{name} ± 2 s.e.",
    )
left.set(xlabel="β", ylabel="Cov(s_p, M_R)")
left.legend(fontsize=8)

each = transfer.at(lattice, BETA, {str(site): [site, probe] for site in lattice.sites if site != probe}, [])
picture = np.full((lattice.rows, lattice.columns), np.nan)
for site in lattice.sites:
    picture[site] = 1.0 if site == probe else float(each.mean(str(site)).mid())
shown = right.imshow(picture, cmap="viridis", norm="log")
right.set_title(f"Cov(s_p, s_i) at β = {float(BETA)}")
figure.colorbar(shown)
figure.tight_layout()

# %% [markdown]
# Left and right differ most in the disordered phase: at small $\beta$ the probe's influence dies out before it finds the gap. Toward $\beta_c$ everything moves
# together ([Fig 2](report.html#sec-2.5) of the primer looks for that ratio by sampling).

# %% [markdown]
# ## The claim, asserted

# %%
assert all(dissipation[R] == fluctuation[R] for R in lattice.regions)
assert sp.simplify(sp.expand(push + beta * covariance)) == 0
assert all(abs(float(e.z(float(exact[R].mid())))) < 4.9 for (_, R), e in estimates.items())
assert all(abs(float((slopes[R] - exact[R]).mid())) < 1e-3 * float(exact[R].mid()) for R in lattice.regions)
print("holds: exactly, with a real push, and in two chains that were never pushed")

# %% [markdown]
# ## Exercises
# 1. The temperature can be pushed, too: [eq 1](report.html#eq-1) says $\langle H\rangle = -\partial_\beta\log Z$, so $\partial_\beta\langle H\rangle = -\mathrm{Var}(H)$. Check it exactly.
# 2. Close the gap. Does the probe still reach the right half, and why?
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. x∂_x of −⟨H⟩ = x∂_x log Z is Z″/Z − (Z′/Z)², the variance of Σ s_i s_j: the response to J is the fluctuation of the energy.
# Z = transfer.moments(lattice, {}, []).partition
# mean = Z.x_derivative() / Z
# variance = Z.x_derivative().x_derivative() / Z - mean * mean
# assert response.coupling_response(mean) == variance
# ```
#
# ```python
# # 2. Yes: on a torus the halves also touch along the seam of the first and last columns. `walls` closes one contact or the other.
# from numerics.ising import walls
#
# closed = transfer.moments(walls.without_gap(lattice), {"p": probe}).covariance("p", "right")
# both = transfer.moments(lattice, {"p": probe}).covariance("p", "right")
# with digits(20):
#     assert 0 < closed.at(BETA, n=15) < both.at(BETA, n=15)
# ```
#
# </details>
