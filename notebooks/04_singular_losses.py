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
# # Singular losses: blow up, read off λ
#
# **The question.** Where the loss has a unique, curved minimum, $t\langle K\rangle \to d/2$ for $K = L - L(w^*)$: every weight costs one half. Where the minimum
# is a cross, a cusp or a whole curve, that is false. [eq 23](report.html#eq-23) says that
#
# $$t\,\langle K\rangle \;\longrightarrow\; \lambda,\qquad\text{approached as}\quad \lambda - \frac{m-1}{\log t},$$
#
# with $\lambda$ the real log canonical threshold and $m$ its multiplicity, and [eq 24](report.html#eq-24) where to find them: in the largest pole $-\lambda$ of
# $\zeta(z) = \int K^z\varphi\,dw$, and its order $m$. How does one get hold of that pole?

# %%
import jax

jax.config.update("jax_enable_x64", True)

import sympy as sp

x, y = variables = sp.symbols("x y", real=True)

K = x**2 * y**2  # ← change me: a product of even powers, such as x**2*y**4 (the cross has λ = 1/2, m = 2)
prior = sp.exp(-(x**2 + y**2) / 2)

# %% [markdown]
# ## 1. Derive: a product of powers is easy
# On $[0,1]^2$ the zeta function of $x^{2a}y^{2b}$ is $\frac{1}{(2az+1)(2bz+1)}$: poles at $-1/2a$ and $-1/2b$; the larger one wins, and if they coincide
# it is double. That is the whole theory for normal crossings ([separable law](report.html#separable-law) is its cousin for sums of powers).

# %%
from theory.rlct import rlct, tree

z = sp.Symbol("z")
powers = dict(zip(variables, sp.Poly(K, *variables).monoms()[0], strict=True))
zeta = sp.Mul(*(1 / (power * z + 1) for power in powers.values()))
poles = sp.roots(sp.denom(sp.together(zeta)), z)
by_hand = max((pole, order) for pole, order in poles.items())
by_library = rlct(K, variables)
zeta, by_hand, (by_library.value, by_library.multiplicity)

# %% [markdown]
# ## 2. Derive: what is not a product is made one
# $K = (y^2 - x^3)^2$ vanishes on a cusp. Substitute $x = u^2$, $y = u^3v$, a *weighted blow-up*: the two terms get the same power of $u$, which comes out.

# %%
u, v = sp.symbols("u v", real=True)
cusp = (y**2 - x**3) ** 2
chart = {x: u**2, y: u**3 * v}
jacobian = sp.Matrix([u**2, u**3 * v]).jacobian((u, v)).det()
sp.factor(cusp.subs(chart, simultaneous=True)), sp.factor(jacobian)

# %% [markdown]
# $u^{12}(v^2-1)^2$ with Jacobian $2u^4$. In $u$ the pole is at $12z + 4 + 1 = 0$, $z = -5/12$; at $v = \pm1$ a smooth zero squared, $z = -1/2$, which is farther
# left. So $\lambda = 5/12$. The library searches through such charts, and writes down what it did as a certificate that a checker which shares
# no code with the search verifies:

# %%
from theory import certificate

resolved = rlct(cusp, variables)
nodes, edges = tree(resolved.certificate)
for node in nodes:
    print(
        f"{node['number']}: ideal ({node['label']}), " + (f"done, 2λ ≥ {node['value']}" if node["leaf"] else "blow up")
    )
print(
    "λ =",
    resolved.value,
    " m =",
    resolved.multiplicity,
    " certificate accepted:",
    certificate.check(resolved.certificate, cusp, variables),
)

# %% [markdown]
# ## 3. Enclose
# For products of powers `theory.singular` knows $t\langle K\rangle$ at *every* $t$, from all poles and not the first alone. `numerics.posterior` integrates, and knows
# nothing of poles.

# %%
from numerics.posterior import Posterior
from numerics.precision import digits
from theory import singular

energy = singular.potential(K, variables, domain="gaussian")
integrals = {t: t * Posterior(K, variables, t, prior=prior, digits=10).expectation(K) for t in (10, 100)}
for t, integral in integrals.items():
    print(f"t = {t:4d}: by poles {energy.evaluate(t, 12).str(12)}   by quadrature {integral.str(10)}")

# %% [markdown]
# ## 4. Sample
# The prior $e^{-|w|^2/2}$ is a localisation with $\gamma = 1$. A Metropolis-adjusted chain has exactly this law, so it must find the same numbers: the
# learning coefficient as estimated on networks ([§3.5](report.html#sec-3.5)). It must take small steps, $\varepsilon \propto 1/t$: far out on an arm of the cross the valley is steep
# across, and a chain that cannot enter the arms settles near the centre and reports a number that is too small.

# %%
import jax.numpy as jnp

from sampler import chain
from sampler.kernels.mala import mala
from sampler.llc import llc
from sampler.lower import lower_loss
from sampler.posterior import LocalPosterior

loss = lower_loss(K, variables)


def sample(t):
    """t⟨K⟩ from 256 chains that start at the origin."""
    posterior = LocalPosterior(loss, jnp.zeros((1, 0)), jnp.zeros(2), float(t), 1.0)
    run = chain.run(t, mala(0.5 / t), posterior, chains=256, draws=1000, burn_in=3000, thin=10)
    return llc(run)


sampled = {t: sample(t) for t in (10, 100)}
for t, estimate in sampled.items():
    print(f"t = {t:5d}: {estimate}   z = {float(estimate.z(float(energy.evaluate(t, 10).mid()))):+.2f}")

# %% [markdown]
# ## 5. Watch
# The approach is slow where $m > 1$: an estimate of $\lambda$ at $t = 10^4$ is off by a tenth and more, and *not* by an error of the sampler.

# %%
import matplotlib.pyplot as plt
import numpy as np

lam, m = by_library.value, by_library.multiplicity
ts = [10**k for k in range(1, 13)]
figure, axes = plt.subplots(figsize=(7, 3.8))
axes.semilogx(ts, [float(energy.evaluate(t, 10).mid()) for t in ts], label="derived, all poles")
axes.semilogx(list(integrals), [float(b.mid()) for b in integrals.values()], "o", ms=9, mfc="none", label="enclosed")
axes.errorbar(
    list(sampled),
    [float(e.mean) for e in sampled.values()],
    [2 * float(e.sem) for e in sampled.values()],
    fmt="s",
    ms=3,
    capsize=3,
    label="sampled ± 2 s.e.",
)
axes.semilogx(ts[1:], [float(lam) - (m - 1) / np.log(t) for t in ts[1:]], "--", label="λ − (m − 1)/log t")
axes.axhline(float(lam), color="grey", lw=0.8, label=f"λ = {lam}")
axes.axhline(1, color="grey", ls=":", label="d/2, were it regular")
axes.set(xlabel="t", ylabel="t⟨K⟩", title=f"K = {K}")
axes.legend(fontsize=8)
figure.tight_layout()

# %% [markdown]
# ## The claim, asserted

# %%
assert by_hand == (-by_library.value, by_library.multiplicity)
assert (resolved.value, resolved.multiplicity, resolved.exact) == (sp.Rational(5, 12), 1, True)
assert certificate.check(resolved.certificate, cusp, variables)
assert (energy.leading.coefficient, energy.leading.power) == (by_library.value, 0)
with digits(12):
    assert all(integral.overlaps(energy.evaluate(t, 12)) for t, integral in integrals.items())
assert all(abs(float(e.z(float(energy.evaluate(t, 10).mid())))) < 4.9 for t, e in sampled.items())
print("holds: λ from the poles, at finite t by quadrature, and in the samples")

# %% [markdown]
# ## Exercises
# 1. A narrow deep linear network $ba\cdot x$ with true map 0 has $K = a^2b^2$, the cross above. [DLN](report.html#dln) gives $\lambda$ for any widths. What is it
#    for one hidden layer of width 3 between 2 inputs and 2 outputs, rank 0, and how does that compare with the number of weights?
# 2. Read $\lambda$ off integrals alone, without any algebra, for $K = x^4$: how many digits come out?
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. λ = 2 from 12 weights: a regular model with 12 weights would have λ = 6.
# from theory import known
#
# network = known.deep_linear((2, 3, 2), 0)
# assert network.value == 2
# assert known.deep_linear((1, 1, 1), 0) == (sp.Rational(1, 2), 2)
# ```
#
# ```python
# # 2. On a geometric ladder Z(t) ~ C t^−λ is a geometric sequence; `numerics.exponents` finds its ratio and guesses the fraction.
# from numerics import exponents
#
# partition = {2**k: Posterior(x**4, x, 2**k, prior=sp.exp(-(x**2)), digits=40).partition() for k in range(10, 24)}
# (first, *_) = exponents.exponents(partition, count=1)
# assert abs(float(first.ball.mid()) - 0.25) < 1e-6 and first.multiplicity == 1
# ```
#
# </details>
