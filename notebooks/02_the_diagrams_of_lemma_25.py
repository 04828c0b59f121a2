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
# # The three diagrams of Lemma 25
#
# **The question.** To first order the covariance of two observables is $\tfrac1t a^\top\Sigma b$ ([Lem 20](report.html#lem-20)). When $\varphi$ is flat at the minimum,
# $a = D\varphi(w^*) = 0$, that term is gone, as it is for $\varphi = L$ itself. [Lem 25](report.html#lem-25) gives what is left:
#
# $$t^2\,\mathrm{Cov}(\varphi,\psi) \to \tfrac12\mathrm{tr}(A\Sigma B\Sigma) + \tfrac12(\Sigma b)\!\cdot\!(\Phi\!:\!\Sigma)
#   - \tfrac12 b^\top\Sigma A\Sigma(T\!:\!\Sigma) - \tfrac12(\Sigma b)\!\cdot\!(T\!:\!\Sigma A\Sigma).$$
#
# Four terms, three diagrams in [Fig 4](report.html#lem-25). Why four, why these, where do the factors come from? Change the loss or the observables below.

# %%
import jax

jax.config.update("jax_enable_x64", True)

import sympy as sp

x, y = variables = sp.symbols("x y", real=True)

# ↓ change me (the minimum at 0)
loss = x**2 / 2 + y**2 + x * y / 2 + x**3 / 6 + x**2 * y / 8 + x * y**2 / 8 + x**4 / 12 + y**4 / 12
phi = x**2 - x * y + y**3 / 2  # ← flat at 0: Dφ = 0
psi = x + y + x * y + y**2  # ← anything with ψ(0) = 0

# %% [markdown]
# ## 1. Count the pairings
# By [Lem 33](report.html#lem-33), $\langle\varphi\psi\rangle = t^{-2}\{E[\varphi_2\psi_2] + E[\varphi_3\psi_1] - E[\varphi_2\psi_1L_3]\}$ with $f_k$ the part of degree $k$. Each $E$ is over
# a Gaussian: join the legs of the vertices in pairs, in all ways. For $\varphi_2\psi_1L_3$ that is 6 legs, 15 pairings; how they fall
# into classes is a matter of counting.

# %%
from collections import Counter


def pairings(legs):
    """All ways to join the legs two by two."""
    if not legs:
        yield ()
    for i in range(1, len(legs)):
        for others in pairings(legs[1:i] + legs[i + 1 :]):
            yield ((legs[0], legs[i]), *others)


def classes(**valences):
    """How many pairings join which vertices: {edges: number}."""
    legs = [name for name, valence in valences.items() for _ in range(valence)]
    return Counter(tuple(sorted("–".join(edge) for edge in pairing)) for pairing in pairings(legs))


for edges, number in classes(φ=2, ψ=1, L=3).items():
    print(number, "×", ", ".join(edges))

# %% [markdown]
# 3 + 6 + 6, as the appendix says. The class with a loop φ–φ falls apart into two pieces: that is $\langle\varphi\rangle\langle\psi\rangle$, which the covariance
# subtracts. The weight of a class is its number over $2!\,1!\,3!$ from the Taylor series: $6/12 = \tfrac12$, twice. The other two:

# %%
for edges, number in (classes(φ=2, ψ=2) + classes(φ=3, ψ=1)).items():
    print(number, "×", ", ".join(edges))

# %% [markdown]
# ## 2. All graphs, and those that survive
# The library lists the connected graphs of $\kappa(\varphi,\psi)$ at order $t^{-2}$, by enumeration rather than by Gaussian moments. There are ten; a
# graph in which $\varphi$ has one edge carries $a = 0$.

# %%
from IPython.display import SVG

from ledger import answers, drawing
from theory import diagrams, graphs, laplace, notation

family = graphs.connected(2, 2)
surviving = graphs.surviving(family, {0: {1}})
print(len(family), "graphs,", len(surviving), "survive")
SVG(drawing.page(answers.family(2, 2, prior=False, vanishing=["1:1"])))

# %%
tensors = diagrams.Diagrams(loss, (phi, psi), variables, surviving, at=(0, 0))
terms = {notation.matrix_notation(graph): tensors.value(graph) for graph in surviving}
for name, value in terms.items():
    print(f"{value!s:>14}   {name}")

# %% [markdown]
# ## 3. Check
# Derived again without graphs; by hand, with matrices, as the lemma is printed; and by integrals with proved error on a ladder of $t$.

# %%
coefficients = laplace.cumulant(loss, (phi, psi), variables, order=4)


def D(f, rank):
    """The derivative tensor at 0."""
    for _ in range(rank):
        f = sp.derive_by_array(f, variables)
    return f.subs({x: 0, y: 0})


def dot(T, M):
    """(T:M)_i = Σ_jk T_ijk M_jk."""
    return sp.Matrix([sum(T[i, j, k] * M[j, k] for j in range(2) for k in range(2)) for i in range(2)])


S, A, B = sp.Matrix(D(loss, 2)).inv(), sp.Matrix(D(phi, 2)), sp.Matrix(D(psi, 2))
b, T, Phi, half = sp.Matrix(D(psi, 1)), D(loss, 3), D(phi, 3), sp.Rational(1, 2)
printed = [
    half * (A * S * B * S).trace(),
    half * (S * b).dot(dot(Phi, S)),
    -half * (b.T * S * A * S * dot(T, S))[0],
    -half * (S * b).dot(dot(T, S * A * S)),
]
printed, sum(printed), coefficients

# %%
from numerics.posterior import Posterior
from numerics.precision import ball, digits

ladder = {t: Posterior(loss, variables, t, digits=12).covariance(phi, psi) for t in (8, 16, 32, 64, 128, 256)}
gaps = {t: float((t**2 * c - ball(coefficients[2])).mid()) for t, c in ladder.items()}
for t, gap in gaps.items():
    print(f"t = {t:4d}: t² Cov = {(t**2 * ladder[t]).str(9)}, away from the lemma by {gap:+.4f} = {t * gap:+.3f}/t")

# %% [markdown]
# The last column tends to the next coefficient, the sum of 126 graphs. And the sampler, against the law of its own chain. A
# covariance that is small beside the fluctuations of its two factors needs control variates: functions whose mean under the chain is 0
# exactly, at any step ([chain identities](report.html#chain-identities)).

# %%
import jax.numpy as jnp

from sampler import chain, control
from sampler.kernels.sgld import sgld
from sampler.lower import lower, lower_loss
from sampler.posterior import LocalPosterior
from theory import langevin

t, STEP = 200, sp.Rational(1, 2)
posterior = LocalPosterior(lower_loss(loss, variables), jnp.zeros((1, 0)), jnp.zeros(2), t, 0.0)
kernel = sgld(float(STEP) / t)
observables = {
    "phi": lower(phi, variables),
    "psi": lower(psi, variables),
    "fields": control.fields(kernel, posterior, degree=4),
}
run = chain.run(0, kernel, posterior, chains=256, draws=1000, burn_in=100, thin=3, observables=observables)
plain = run.covariance("phi", "psi").scale(t**2)
sampled = control.cumulant([run.trace("phi"), run.trace("psi")], run.trace("fields")).scale(t**2)
of_chain = langevin.cumulant(loss, (phi, psi), variables, e=STEP, order=4)
predicted = float(laplace.evaluate(of_chain, t)) * t**2
print(
    f"t² Cov sampled {plain}\nwith controls  {sampled}\npredicted for the chain {predicted:.5f}, for the posterior {float(laplace.evaluate(coefficients, t)) * t**2:.5f}"
)

# %% [markdown]
# ## 4. Watch
# Which terms make up the number, and how the certified covariance comes to it.

# %%
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(3, 2))
left.barh(list(terms), [float(v) for v in terms.values()], color="tab:blue")
left.axvline(0, color="grey", lw=0.8)
left.set_title("the four terms")
right.semilogx(list(ladder), [float(c.mid()) * t**2 for t, c in ladder.items()], "o", mfc="none", label="enclosed")
right.errorbar([t], [float(sampled.mean)], [2 * float(sampled.sem)], fmt="s", capsize=3, label="sampled ± 2 s.e.")
right.plot([t], [predicted], "kx", label="derived for the chain")
right.axhline(float(sum(printed)), color="grey", lw=0.8, label="Lemma 25")
right.set(xlabel="t", ylabel="t² Cov")
right.legend(fontsize=7)
figure.tight_layout()

# %% [markdown]
# ## The claim, asserted

# %%
assert all(sp.diff(phi, v).subs({x: 0, y: 0}) == 0 for v in variables), "Lemma 25 needs Dφ(w*) = 0"
assert sorted(classes(φ=2, ψ=1, L=3).values()) == [3, 6, 6]
assert sum(terms.values()) == sum(printed) == coefficients[2]
assert sorted(terms.values()) == sorted(printed)
with digits(12):
    next_order = {t: float(coefficients[3]) + float(coefficients[4]) / t for t in (128, 256)}
assert all(abs(t * gaps[t] - next_order[t]) < abs(float(coefficients[4])) / t for t in next_order)
assert abs(float(sampled.z(predicted))) < 4.9
print("holds: four graphs, four printed terms, certified integrals and samples")

# %% [markdown]
# ## Exercises
# 1. [Ex 27](report.html#ex-27): take $\varphi = L$. Two of the four terms cancel, for every loss. Which, and why?
# 2. [Ex 26](report.html#ex-26): in one dimension with $\varphi = x^2$, $\psi = x$ only two terms are not zero. Which graphs are they?
#
# <details><summary>Solutions</summary>
#
# ```python
# # 1. φ = L has A = H and Φ = T. Then ΣAΣ = Σ, so the fourth term is −½ (Σb)·(T:Σ) and the second is +½ (Σb)·(T:Σ): they cancel.
# #    What is left, ½ tr(BΣ) − ½ (Σb)·(T:Σ), is Lemma 18 for ψ: Cov(L, ψ) = −d⟨ψ⟩/dt, exactly.
# of_loss = [diagrams.Diagrams(loss, (loss, psi), variables, surviving, at=(0, 0)).value(g) for g in surviving]
# mean = laplace.expectation(loss, psi, variables, order=1)
# assert sum(of_loss) == mean[1]
# assert any(v == -w for i, v in enumerate(of_loss) for w in of_loss[:i])
# ```
#
# ```python
# # 2. B = 0 and Φ = 0 leave the two terms with T: each is −αλ⁻³, together −2α/λ³.
# lam, alpha = sp.symbols("lambda alpha", positive=True)
# one = lam * x**2 / 2 + alpha * x**3 / 6 + x**4
# each = [diagrams.Diagrams(one, (x**2, x), (x,), surviving, at=(0,)).value(g) for g in surviving]
# assert sorted(map(str, each)) == sorted(map(str, [0, 0, -alpha / lam**3, -alpha / lam**3]))
# ```
#
# </details>
