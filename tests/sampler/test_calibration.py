"""Calibration: over 200 random problems the estimates are where the exact law of the chain says, and as far off as their errors.

A problem is a loss with a random positive definite Hessian, cubic and quartic terms in one to three weights (the others clamped,
so that components are in it), localised or not, at a step 0.2 < ε λ_max < 1.5, with the full batch or with minibatches of four
kinds of examples; two observables with random gradients and Hessians. Four estimates each,

    LLC   t⟨L − L*⟩        mean   ⟨φ⟩        covariance   Cov(φ, ψ)        response   χ = −Cov(L, ψ − L)

against `theory.langevin` to the order after the leading one. Many problems run at once: a clamped weight holds the number of the
problem that a chain is about, so that two programs are compiled, for full batches and for minibatches.

The family test: for each of the four, Kolmogorov–Smirnov of the z-scores against N(0, 1) and Σz² against χ², at 1e-3/8 each, so
that right estimators fail it with probability 1e-3. Its power against five wrong formulas is estimated on 400 resamplings of the
problems and must be 0.99.
"""

from itertools import permutations
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import chdtr, chdtrc
from scipy.stats import kstest

from sampler import chain, diagnostics
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from theory.langevin import Chain, minibatch

pytestmark = pytest.mark.compiled
PROBLEMS, LEVEL = 200, 1e-3 / 8
CHAINS, DRAWS, THIN, BURN_IN = 8, 500, 10, 800
BATCH, NBETA = 8, 2000
TOGETHER = 32  # problems
KINDS = ("LLC", "mean", "covariance", "response")
W = sp.symbols("w:3", real=True)


class Problem(NamedTuple):
    """Coefficients as small rationals (exact in both layers), nβ, γ, step e = εt, d, and whether batches are used."""

    H: np.ndarray
    T: np.ndarray
    A: np.ndarray  # the fourth derivative is that of ⅛ (Aww)²
    g: np.ndarray  # (4, 3): the gradients of the four kinds of examples, of mean 0
    phi: tuple
    psi: tuple
    t: int
    gamma: int
    e: sp.Rational
    d: int
    batches: bool


def rational(x):
    return np.round(np.asarray(x) * 64) / 64


def symmetric(x):
    """The mean over all orders of the axes."""
    orders = list(permutations(range(x.ndim)))
    return sum(np.transpose(x, order) for order in orders) / len(orders)


@st.composite
def problems(draw):
    d, batches = draw(st.sampled_from([1, 1, 2, 2, 3])), draw(st.sampled_from([False, False, True]))
    gamma, u = draw(st.sampled_from([0, 0, 3, 40])), draw(st.integers(20, 150))
    rng = np.random.default_rng(draw(st.integers(0, 2**40)))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    H = rational(rotation @ np.diag(rng.uniform(0.6, 3, 3)) @ rotation.T)
    T = 8 * rational(symmetric(rng.normal(size=(3,) * 3)) / 8)
    A = rational(rotation @ np.diag(rng.uniform(0.4, 1.2, 3)) @ rotation.T)
    g = rational(rng.normal(size=(2, 3)) * 0.06 if batches else np.zeros((2, 3)))
    largest = np.linalg.eigvalsh(H[:d, :d])[-1]
    e = sp.Rational(u, 100) / sp.Rational(str(round(largest, 2)))
    phi, psi = ((rational(rng.normal(size=3)), rational(symmetric(rng.normal(size=(3, 3))))) for _ in range(2))
    return Problem(H, T, A, np.concatenate([g, -g]), phi, psi, NBETA, gamma, e, d, batches)


def exact(x):
    return sp.Rational(float(x))


def polynomial(problem, H, g, T=None, A=None):
    """The loss or an observable in the weights that move."""
    w, d = W[: problem.d], range(problem.d)
    terms = [exact(g[i]) * w[i] for i in d] + [exact(H[i, j]) * w[i] * w[j] / 2 for i in d for j in d]
    if T is not None and A is not None:
        terms += [exact(T[i, j, k]) * w[i] * w[j] * w[k] / 6 for i in d for j in d for k in d]
        terms += [sp.expand(sp.Add(*(exact(A[i, j]) * w[i] * w[j] for i in d for j in d)) ** 2) / 8]
    return sp.Add(*terms)


def predictions(p):
    """The four numbers: leading order and the next, at t."""
    L = polynomial(p, p.H, np.zeros(3), p.T, p.A)
    phi, psi = (polynomial(p, A, a) for a, A in (p.phi, p.psi))
    w = W[: p.d]
    noise = None
    if p.batches:
        # The part of the loss that all examples share makes no noise.
        noise = minibatch([polynomial(p, 0 * p.H, g) for g in p.g], w, ratio=sp.Rational(p.t, BATCH), order=4)
    law = Chain(L, [L, phi, psi], w, e=p.e, order=2 if p.batches else 3, at=(0,) * p.d, gamma=p.gamma, noise=noise)

    def cumulant(*observables):
        return float(sum(c / sp.Integer(p.t) ** k for k, c in enumerate(law.cumulant(observables))))

    response = cumulant(0, 0) - cumulant(0, 2)
    return {"LLC": p.t * cumulant(0), "mean": cumulant(1), "covariance": cumulant(1, 2), "response": response}


def loss_of(problems):
    """(w, kind) ↦ ½ H ww + ⅙ T www + ⅛ (Aww)² + g_kind w of the chain's problem; its φ and ψ for the kinds 4 and 5."""
    H, T, A = (jnp.array(np.stack([getattr(p, name) for p in problems])) for name in "HTA")
    g = jnp.array(np.stack([np.stack([*p.g, p.phi[0], p.psi[0]]) for p in problems]))
    bent = jnp.array(np.stack([np.stack([p.phi[1], p.psi[1]]) for p in problems]))

    def form(M, w):
        return jnp.sum(jnp.sum(M * w, axis=-1) * w, axis=-1)

    def loss(w, kind):
        number, w = w["problem"].astype(int), w["w"]
        shared = form(H[number], w) / 2 + jnp.sum(form(T[number], w) * w) / 6 + form(A[number], w) ** 2 / 8
        observable = form(bent[number, jnp.maximum(kind - 4, 0)], w) / 2
        return jnp.where(kind < 4, shared, observable) + g[number, kind] @ w

    return loss


def blocks(problems):
    """Numbers of problems of one d, with batches or without, TOGETHER at a time; a last block is filled up with its first ones."""
    kinds = {}
    for number, p in enumerate(problems):
        kinds.setdefault((p.d, p.batches), []).append(number)
    for (d, batches), numbers in kinds.items():
        for start in range(0, len(numbers), TOGETHER):
            yield d, batches, (numbers[start : start + TOGETHER] + TOGETHER * numbers)[:TOGETHER]


def samples(problems):
    """{number: the run of the problem}."""
    loss, runs = loss_of(problems), {}
    for key, (d, batches, numbers) in enumerate(blocks(problems)):
        # Each of the four kinds twice: a batch may not be larger than the data. The full batch needs no more than one.
        n = BATCH if batches else 1
        centre, mask = {"w": np.zeros(3), "problem": np.zeros(())}, {"w": np.arange(3) < d, "problem": np.array(False)}
        posterior = LocalPosterior(loss, np.arange(n) % 4, centre, NBETA, 0.0, mask, BATCH if batches else None)
        initial = {"w": np.zeros(3), "problem": np.repeat(np.array(numbers, float), CHAINS)}
        plan = chain.Plan(CHAINS, DRAWS, BURN_IN, THIN, probes=np.array([4, 5]), initial=initial)
        chosen = [problems[number] for number in numbers]
        settings = {
            "epsilon": np.array([float(p.e) / NBETA for p in chosen]),
            "gamma": np.array([float(p.gamma) for p in chosen]),
        }
        found = chain.runs(jax.random.key(key), sgld(1.0), posterior, settings, plan)
        runs |= {number: run for number, run in zip(numbers, found, strict=True) if number not in runs}
    return runs


def estimates(run):
    """{kind: (mean, standard error)} as the estimators give them."""
    phi, psi = (run.trace("probes")[..., i] for i in range(2))
    excess = run.trace("loss")
    found = {
        "LLC": diagnostics.mean(run.nbeta * excess),
        "mean": diagnostics.mean(phi),
        "covariance": diagnostics.covariance(phi, psi),
        "response": diagnostics.covariance(excess, psi - excess).scale(-1.0),
    }
    return {kind: (float(x.mean), float(x.sem)) for kind, x in found.items()}


def wrong(run):
    """{name: {kind: (mean, standard error)}}: estimators that are wrong in one place each."""
    psi = run.trace("probes")[..., 1]
    excess, right = run.trace("loss"), estimates(run)
    # A burn-in that starts at twice the mean and falls to it, as long as a fifth of the draws.
    burn_in = np.broadcast_to(np.linspace(2.0, 1.0, DRAWS // 5) * excess.mean(), (CHAINS, DRAWS // 5))
    counted = diagnostics.mean(run.nbeta * np.concatenate([burn_in, excess], axis=1))
    two = run.nbeta * excess[:2].mean(axis=1)
    return {
        "sign": right | {"response": (-right["response"][0], right["response"][1])},
        "factor ½": right | {"LLC": (2 * right["LLC"][0], right["LLC"][1])},
        "missing baseline": right | {"response": _of(diagnostics.mean(-excess * psi))},
        "burn-in counted": right | {"LLC": _of(counted)},
        "ddof 0 over two chains": right | {"LLC": (two.mean(), two.std(ddof=0) / np.sqrt(2))},
    }


def _of(x):
    return float(x.mean), float(x.sem)


class Family(NamedTuple):
    """z[name][kind]: (problems,) of the right estimators ("right") and of the wrong ones."""

    z: dict
    count: dict


@pytest.fixture(scope="module")
def family():
    chosen = {}

    @settings(max_examples=PROBLEMS + 40, derandomize=True, deadline=None, database=None)
    @given(problems())
    def collect(p):
        chosen.setdefault((p.H.tobytes(), p.T.tobytes(), p.e, p.d, p.batches, p.gamma), p)

    collect()
    scores, count = {}, {"d": [p.d for p in chosen.values()], "batches": [p.batches for p in chosen.values()]}
    runs = samples(list(chosen.values()))
    for number, p in enumerate(chosen.values()):
        run, expected = runs[number], predictions(p)
        for name, found in ({"right": estimates(run)} | wrong(run)).items():
            for kind in KINDS:
                mean, sem = found[kind]
                scores.setdefault(name, {}).setdefault(kind, []).append((mean - expected[kind]) / sem)
    return Family({name: {k: np.array(z) for k, z in kinds.items()} for name, kinds in scores.items()}, count)


def rejected(z):
    """Whether one of the eight tests fails: {kind: scores}."""

    def scattered(scores):
        total, n = np.sum(scores**2), len(scores)
        return 2 * min(chdtr(n, total), chdtrc(n, total)) < LEVEL

    return any(map(scattered, z.values())) or any(kstest(scores, "norm").pvalue < LEVEL for scores in z.values())


def test_there_are_enough_problems_of_every_kind(family):
    assert len(family.count["d"]) >= PROBLEMS
    assert min(family.count["d"].count(d) for d in (1, 2, 3)) >= 20
    assert 40 <= sum(family.count["batches"]) <= len(family.count["d"]) - 40


def test_scores_are_standard_normal(family):
    report = {k: (kstest(z, "norm").pvalue, np.mean(z**2), np.abs(z).max()) for k, z in family.z["right"].items()}
    assert not rejected(family.z["right"]), report


def test_wrong_formulas_are_rejected_with_power(family):
    rng = np.random.default_rng(0)
    n = len(family.count["d"])
    powers = {}
    for name in family.z.keys() - {"right"}:
        samples = (rng.integers(0, n, n) for _ in range(400))
        powers[name] = np.mean([rejected({k: s[chosen] for k, s in family.z[name].items()}) for chosen in samples])
    assert len(powers) == 5 and min(powers.values()) >= 0.99, powers
