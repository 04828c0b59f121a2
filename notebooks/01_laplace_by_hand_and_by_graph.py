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
# # Laplace by hand and by graph
#
# **The question.** As $t = n\beta$ grows the posterior $\Pi \propto e^{-tL(x)}$ narrows to the minimum of $L$. Its mean does not sit *at* the
# minimum: [Ex 19](report.html#ex-19) says
#
# $$t\,\langle x\rangle \;\longrightarrow\; -\frac{\alpha}{2\lambda^2}
# \qquad\text{for}\quad L = \tfrac{\lambda}{2}x^2 + \tfrac{\alpha}{6}x^3 + \tfrac{\gamma}{24}x^4 ,$$
#
# a case of [Lem 18](report.html#lem-18). Where does that number come from, what comes after it, and how far can it be trusted?
# Change the loss in the next cell: every layer answers for yours.

# %%
import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt
import sympy as sp

x, u, h = sp.symbols("x u h", real=True)

loss = x**2 / 2 + x**3 / 6 + x**4 / 24  # ← change me (the minimum at 0)
phi = x  # ← or me

# %% [markdown]
# ## 1. By hand
# Zoom in: $x = hu$ with $h = t^{-1/2}$. The exponent becomes $-tL(hu) = -\tfrac12\lambda u^2 - h\,\tfrac{\alpha}{6}u^3 - h^2\tfrac{\gamma}{24}u^4$: a Gaussian
# of variance $1/\lambda$ times $W = e^{-hL_3 - h^2L_4 - \dots}$, a power series in $h$ whose coefficients are polynomials in $u$. That is all of
# [Lem 33](report.html#lem-33): $\langle\varphi\rangle = E[\varphi W]/E[W]$, with Gaussian moments $E[u^{2k}] = (2k-1)!!\,\lambda^{-k}$.

# %%
ORDER = 3


def cut(f, top=2 * ORDER):
    """The powers h⁰ … h^top of a polynomial in h and u."""
    return sum(sp.expand(f).coeff(h, k) * h**k for k in range(top + 1))


def taylor(f, top):
    """f(hu) to h^top."""
    return sum(sp.diff(f, x, k).subs(x, 0) * (h * u) ** k / sp.factorial(k) for k in range(top + 1))


def gaussian(f, variance):
    """E f over u ~ N(0, variance), power by power."""
    terms = sp.Poly(f, u).terms()
    return sp.expand(sum(c * sp.factorial2(k - 1) * variance ** (k // 2) for (k,), c in terms if k % 2 == 0))


curvature = sp.diff(loss, x, 2).subs(x, 0)
rest = sp.expand((taylor(loss - loss.subs(x, 0), 2 * ORDER + 2) - curvature * (h * u) ** 2 / 2) / h**2)
W = sum(cut((-rest) ** k) / sp.factorial(k) for k in range(2 * ORDER + 1))
numerator, partition = (gaussian(cut(f), 1 / curvature) for f in (taylor(phi, 2 * ORDER) * W, W))
by_hand = [sp.series(numerator / partition, h, 0, 2 * ORDER + 1).removeO().coeff(h, 2 * k) for k in range(ORDER + 1)]
by_hand

# %% [markdown]
# The same from the library, which works in any number of variables, and with letters for the Taylor coefficients:

# %%
from theory import diagrams, graphs, laplace, notation

coefficients = laplace.expectation(loss, phi, (x,), order=7)
lam, alpha, gamma = sp.symbols("lambda alpha gamma", positive=True)
example19 = lam * x**2 / 2 + alpha * x**3 / 6 + gamma * x**4 / 24
print(coefficients)
laplace.expectation(example19, x, (x,), order=2)

# %% [markdown]
# ## 2. By graph
# A Gaussian moment is a sum over pairings, and a pairing is a graph: derivatives of $\varphi$ and of $L$ are vertices, $\Sigma = H^{-1}$ is an
# edge. Disconnected graphs cancel in the quotient. What is left at order $t^{-1}$ are two graphs, with their weights $(-1)^V/|\mathrm{Aut}|$:

# %%
for graph in graphs.connected(1, 1):
    print(notation.matrix_notation(graph))

# %% [markdown]
# This is [Lem 18](report.html#lem-18): half the trace of $A\Sigma$ less the pull of the cubic. At order $t^{-2}$ there are fourteen, and their sum
# is again the number found by hand.

# %%
fourteen = graphs.connected(1, 2)
contributions = diagrams.Diagrams(loss, (phi,), (x,), fourteen, at=(0,))
for graph in fourteen:
    if value := contributions.value(graph):
        print(f"{value!s:>8}   {notation.matrix_notation(graph)}")
by_graph = [diagrams.cumulant(loss, (phi,), (x,), order=k) for k in range(1, ORDER + 1)]
by_graph

# %% [markdown]
# ## 3. Check: integrals with proved error, and a sampler
# `numerics.posterior` gives a ball that contains $\langle\varphi\rangle$ at that $t$. SGLD takes finite steps $\varepsilon = e/t$, so it is compared with the law
# of *its* chain, from `theory.langevin`.

# %%
from numerics import extrapolate
from numerics.posterior import Posterior
from numerics.precision import ball, digits

truth = {t: Posterior(loss, x, t, digits=40).expectation(phi) for t in (2**k for k in range(1, 15))}
with digits(40):
    enclosed = extrapolate.coefficients({t: b for t, b in truth.items() if t >= 64}, order=2)
    print("first coefficient:", enclosed[1].ball.str(15), " second:", enclosed[2].ball.str(10))

# %%
import jax.numpy as jnp

from sampler import chain
from sampler.kernels.sgld import sgld
from sampler.lower import lower, lower_loss
from sampler.posterior import LocalPosterior
from theory import langevin

T, STEP = 60, sp.Rational(1, 2) / curvature
posterior = LocalPosterior(lower_loss(loss, (x,)), jnp.zeros((1, 0)), jnp.zeros(1), T, 0.0)
run = chain.run(
    0,
    sgld(float(STEP) / T),
    posterior,
    chains=256,
    draws=1000,
    burn_in=100,
    thin=4,
    observables={"phi": lower(phi, (x,))},
)
sampled = run.mean("phi")
of_chain = float(laplace.evaluate(langevin.expectation(loss, phi, (x,), e=STEP, order=5), T))
print(f"sampled at t = {T}: {sampled}   predicted: {of_chain:.6f}   z = {float(sampled.z(of_chain)):+.2f}")

# %% [markdown]
# ## 4. Watch
# The error of the sum to order $k$ falls like $t^{-(k+1)}$ (parallel lines), but at small $t$ more terms are *worse*: the series is asymptotic, its
# coefficients are exact and its sum at a finite $t$ is not.

# %%
figure, axes = plt.subplots(figsize=(7, 4))
with digits(40):
    sums = {k: {t: ball(laplace.evaluate(coefficients[: k + 1], t)) for t in truth} for k in range(1, 7)}
    errors = {k: [abs(float((s - truth[t]).mid())) for t, s in partial.items()] for k, partial in sums.items()}
for k, error in errors.items():
    axes.loglog(list(truth), error, "o-", ms=3, label=f"order {k}")
axes.set(xlabel="t", ylabel="|partial sum − certified value|", title=f"⟨{phi}⟩ under L = {loss}")
axes.legend()
figure.tight_layout()

# %% [markdown]
# ## The claim, asserted

# %%
assert by_hand == list(coefficients[: ORDER + 1])
assert by_graph == by_hand[1:]
with digits(40):
    assert all(c.ball.contains(ball(exact)) for c, exact in zip(enclosed, by_hand[:3], strict=True))
assert laplace.expectation(example19, x, (x,), order=1)[1] == -alpha / (2 * lam**2)
assert abs(float(sampled.z(of_chain))) < 4.9
print("holds: by hand, by graph, by certified integrals and by samples")

# %% [markdown]
# ## Exercises
# 1. [Ex 19](report.html#ex-19) also says that $t\langle L - L(w^*)\rangle \to d/2$, whatever the loss. Derive it with letters, and find the next term.
# 2. The prior so far was flat. Put the prior $e^{cx}$ on $x$: to which order does it move the mean, and by how much?
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. The first is 1/2, whatever the shape. The next is that of log Z: ⟨L⟩ = −∂ log Z/∂t and log Z = −½ log t + c/t + … give c/t².
# energy = laplace.expectation(example19, example19, (x,), order=2)
# assert energy[1] == sp.Rational(1, 2)
# assert sp.simplify(energy[2] - (5 * alpha**2 - 3 * gamma * lam) / (24 * lam**3)) == 0
# ```
#
# ```python
# # 2. By c/λ at order 1/t, the same order as the bias −α/2λ² itself: a prior counts as much as the cubic does.
# c = sp.Symbol("c", real=True)
# tilted = laplace.expectation(example19, x, (x,), order=1, prior=sp.exp(c * x))
# assert sp.simplify(tilted[1] - (c / lam - alpha / (2 * lam**2))) == 0
# ```
#
# </details>
