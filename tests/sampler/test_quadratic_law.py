"""Every coefficient of the dense predictions against exact theory: random polynomial losses, one by one over Q.

A per-example loss ℓ_z(w) = Σ z_m w^m has its coefficients for data, so that one compiled program serves every problem: the data are
random polynomials whose mean L has its minimum at 0, the probes are L + ψ. The other road is the moment recursion
(`theory.langevin`), the matrix equations (`theory.stationary`) or, at ε = 0, Gaussian integrals (`theory.laplace`).
"""

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations_with_replacement, pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from sampler import quadratic
from sampler.posterior import LocalPosterior
from sampler.quadratic.law import Law
from sampler.quadratic.observables import Prediction
from theory import langevin, laplace, stationary

T = 16  # nβ
R = sp.Rational
W = sp.symbols("x y z", real=True)


def monomials(d: int) -> list[sp.Expr]:
    return [sp.Mul(*c) for k in (1, 2, 3, 4) for c in combinations_with_replacement(W[:d], k)]


@cache
def generic(d: int) -> Any:
    """Σ z_m w^m in the order of `monomials`, each a monomial of the degree below times a weight; one function for each d."""
    powers = [list(combinations_with_replacement(range(d), k)) for k in (1, 2, 3, 4)]
    below = [np.array([[c[:-1] == b for b in lower] for c in higher], float) for lower, higher in pairwise(powers)]
    last = [np.array([[c[-1] == i for i in range(d)] for c in higher], float) for higher in powers[1:]]

    def loss(w: Any, z: Any) -> Any:
        found = [w]
        for rows, weights in zip(below, last, strict=True):
            found.append((rows @ found[-1]) * (weights @ w))
        return z @ jnp.concatenate(found)

    return loss


@dataclass(frozen=True)
class Problem:
    """Three losses with the mean L, and two perturbations ψ; exact."""

    d: int
    losses: tuple[sp.Expr, ...]
    psis: tuple[sp.Expr, ...]

    @cached_property
    def L(self) -> sp.Expr:
        return sp.expand(sum(self.losses) / len(self.losses))

    def rows(self, expressions: tuple[sp.Expr, ...]) -> np.ndarray:
        polynomials = (sp.Poly(f, *W[: self.d]) for f in expressions)
        return np.array([[float(p.coeff_monomial(m)) for m in monomials(self.d)] for p in polynomials])

    @cached_property
    def probes(self) -> np.ndarray:
        return self.rows(tuple(self.L + psi for psi in self.psis))


def problem(d: int, seed: int) -> Problem:
    rng = np.random.default_rng(seed)

    def form(lowest: int, scale: int) -> sp.Expr:
        chosen = (m for m in monomials(d) if sp.total_degree(m) >= lowest)
        return sum((R(int(rng.integers(-3, 4)), scale) * m for m in chosen), sp.S.Zero)

    M = sp.Matrix(d, d, [R(int(k), 2) for k in rng.integers(-2, 3, d * d)])
    w = sp.Matrix(W[:d])
    L = sp.expand((w.T * (M.T * M + sp.eye(d)) * w)[0] / 2 + 4 * (w.T * w)[0] ** 2) + form(3, 6)
    one, two = form(1, 4), form(1, 4)
    return Problem(d, (L + one, L + two, L - one - two), (form(1, 3), form(1, 3)))


@dataclass(frozen=True)
class Setting:
    """e = εt, c = γ/t, the diagonal of D, and the batch size."""

    e: sp.Rational
    c: sp.Rational = sp.S.Zero
    D: tuple[sp.Rational, ...] | None = None
    batch: int | None = None


SETTINGS = {
    "posterior": Setting(R(0)),
    "posterior, localised": Setting(R(0), R(1, 2)),
    "full batch": Setting(R(1, 5)),
    "localised": Setting(R(1, 5), R(1, 2)),
    "preconditioned": Setting(R(1, 5), R(0), (R(1, 2), R(1), R(3, 4))),
    "preconditioned and localised": Setting(R(1, 5), R(1, 2), (R(1, 2), R(1), R(3, 4))),
    "minibatch": Setting(R(1, 10), R(0), None, 2),
    "all of it": Setting(R(1, 8), R(1, 3), (R(1, 2), R(1), R(3, 4)), 2),
}


def predicted(p: Problem, s: Setting, microbatch: int | None = None) -> dict[str, np.ndarray]:
    """The coefficients, scaled by their powers of t."""
    posterior = LocalPosterior(generic(p.d), p.rows(p.losses), np.zeros(p.d), T, float(s.c * T), batch_size=s.batch)
    D = None if s.D is None else jnp.array([float(x) for x in s.D[: p.d]])
    found = quadratic.curvature(posterior, preconditioner=D, microbatch=microbatch)
    eps, psi = float(s.e / T), found.losses(p.probes)
    first = found.covariance(psi, psi, eps)
    return {
        "LLC": np.array([found.llc(eps), T * (found.llc(eps, 2) - found.llc(eps))]),
        "mean": T * np.asarray(found.mean(psi, eps)),
        "covariance": T * np.asarray(first),
        "next covariance": T**2 * (found.covariance(psi, psi, eps, 2) - first),
        "with the loss": T**2 * np.asarray(found.loss_covariance(p.probes, eps)),
        "loss as an observable": T**2 * np.asarray(found.covariance(found.mean_loss, psi, eps, 2))[0],
    }


def by_gaussian_integrals(p: Problem, s: Setting) -> dict[str, np.ndarray]:
    v, at = W[: p.d], (0,) * p.d
    U = p.L + s.c / 2 * sum(w**2 for w in v)

    def kappa(*fs: sp.Expr) -> tuple[sp.Expr, ...]:
        return laplace.cumulant(U, fs, v, order=2, at=at)

    return _table(p, kappa)


def by_the_recursion(p: Problem, s: Setting) -> dict[str, np.ndarray]:
    v = W[: p.d]
    options = {"e": s.e, "at": (0,) * p.d, "confinement": s.c, "preconditioner": _diagonal(p, s), "noise": _noise(p, s)}
    return _table(p, lambda *fs: langevin.cumulant(p.L, fs, v, order=2, **options))


def by_matrix_equations(p: Problem, s: Setting) -> dict[str, np.ndarray]:
    options = {"e": s.e, "at": (0,) * p.d, "confinement": s.c, "preconditioner": _diagonal(p, s), "noise": _noise(p, s)}
    law = stationary.law(p.L, W[: p.d], **options)
    pairs = [[law.covariance(f, g) for g in p.psis] for f in p.psis]
    loss = _array([law.with_the_loss(f) for f in p.psis])
    return {
        "LLC": _array(law.learning_coefficient()),
        "mean": _array([law.mean(f) for f in p.psis]),
        "covariance": _array([[x[0] for x in row] for row in pairs]),
        "next covariance": _array([[x[1] for x in row] for row in pairs]),
        "with the loss": loss,
        "loss as an observable": loss,
    }


def _table(p: Problem, kappa: Any) -> dict[str, np.ndarray]:
    pairs = [[kappa(f, g) for g in p.psis] for f in p.psis]
    loss = _array([kappa(p.L, f)[2] for f in p.psis])
    return {
        "LLC": _array(kappa(p.L)[1:]),
        "mean": _array([kappa(f)[1] for f in p.psis]),
        "covariance": _array([[x[1] for x in row] for row in pairs]),
        "next covariance": _array([[x[2] for x in row] for row in pairs]),
        "with the loss": loss,
        "loss as an observable": loss,
    }


def _array(values: Any) -> np.ndarray:
    return np.array(sp.sympify(values).tolist() if hasattr(values, "tolist") else values, dtype=float)


def _diagonal(p: Problem, s: Setting) -> sp.Matrix | None:
    return None if s.D is None else sp.diag(*s.D[: p.d])


def _noise(p: Problem, s: Setting) -> dict | None:
    return None if s.batch is None else langevin.minibatch(p.losses, W[: p.d], ratio=R(T, s.batch))


def deviation(found: dict[str, np.ndarray], exact: dict[str, np.ndarray]) -> float:
    """The largest difference of all coefficients, each in units of the largest entry of its kind."""
    assert found.keys() == exact.keys()
    return max(float(np.abs(found[k] - exact[k]).max() / max(1.0, np.abs(exact[k]).max())) for k in exact)


ROUNDING = 1e-10


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", SETTINGS)
def test_two_weights(name: str, seed: int) -> None:
    p, s = problem(2, seed), SETTINGS[name]
    road = by_the_recursion if s.e else by_gaussian_integrals
    assert deviation(predicted(p, s), road(p, s)) < ROUNDING


LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("posterior, localised", "all of it")]


@pytest.mark.parametrize("name", ["preconditioned and localised", *LONG])
def test_three_weights(name: str) -> None:
    """In minibatches of derivatives too: microbatch = 2 of three examples changes nothing."""
    p, s = problem(3, 5), SETTINGS[name]
    road = by_matrix_equations if s.e else by_gaussian_integrals
    assert deviation(predicted(p, s, microbatch=2), road(p, s)) < ROUNDING


def test_one_weight_at_large_steps() -> None:
    """u from 0.1 to 3.9, where a = 1 − u/2 has either sign."""
    p = problem(1, 3)
    curvature = sp.diff(p.L, W[0], 2).subs(W[0], 0)
    for u in (R(1, 10), R(1), R(2), R(3), R(39, 10)):
        s = Setting(u / curvature)
        assert deviation(predicted(p, s), by_the_recursion(p, s)) < 1e-9


def test_a_mask_is_a_smaller_problem() -> None:
    """Three weights, the second clamped, against the polynomials in the other two."""
    p, s = problem(3, 7), SETTINGS["localised"]
    posterior = LocalPosterior(
        generic(3), p.rows(p.losses), np.zeros(3), T, float(s.c * T), jnp.array([True, False, True])
    )
    found, eps = quadratic.curvature(posterior), float(s.e / T)
    names = {W[0]: W[0], W[1]: 0, W[2]: W[1]}
    smaller = Problem(2, *(tuple(f.subs(names, simultaneous=True) for f in fs) for fs in (p.losses, p.psis)))
    exact = by_matrix_equations(smaller, s)
    psi = found.losses(p.probes)
    first = found.covariance(psi, psi, eps)
    np.testing.assert_allclose([found.llc(eps), T * (found.llc(eps, 2) - found.llc(eps))], exact["LLC"], rtol=1e-10)
    np.testing.assert_allclose(T**2 * (found.covariance(psi, psi, eps, 2) - first), exact["next covariance"], rtol=1e-9)
    np.testing.assert_allclose(T**2 * found.loss_covariance(p.probes, eps), exact["with the loss"], rtol=1e-9)


def test_observables_of_the_weights() -> None:
    """Functions of the weights, arrays among them, against their own polynomials; names on the axes."""
    p, s = problem(2, 4), SETTINGS["localised"]
    posterior = LocalPosterior(generic(2), p.rows(p.losses), np.zeros(2), T, float(s.c * T))
    found, eps = quadratic.curvature(posterior), float(s.e / T)
    f = found.observable(lambda w: jnp.stack([w[0] * w[1] + w[0], w[1] ** 3 - w[0] ** 2 + w[1]]), names=["f", "g"])
    x, y = W[:2]
    law = stationary.law(p.L, (x, y), e=s.e, at=(0, 0), confinement=s.c)
    fs = (x * y + x, y**3 - x**2 + y)
    exact = [[sum(c / T ** (k + 1) for k, c in enumerate(law.covariance(a, b))) for b in p.psis] for a in fs]
    answer = found.covariance(f, found.losses(p.probes, names=["one", "two"]), eps, 2)
    np.testing.assert_allclose(answer, _array(exact), rtol=1e-10)
    assert answer.dims == ("observable", "probe")
    assert answer.labels == {"observable": ("f", "g"), "probe": ("one", "two")}
    np.testing.assert_allclose(T * found.mean(f, eps), _array([law.mean(a) for a in fs]), rtol=1e-10)


def _at_zero(law: Law, k: int, tensor: np.ndarray, *rest: Any) -> np.ndarray:
    return -tensor / (law.p[:, None] * law.p * law.p[k])


def _diagonal_at_zero(law: Law) -> np.ndarray:
    return -1 / (law.p[:, None] ** 2 * law.p)


WRONG = {
    "H⁻¹ for S": {"spread": property(lambda law: 1 / law.p)},
    "the factor of the step forgotten in S": {"spread": property(lambda law: 1 / (law.p * (1 - law.e * law.p / 2)))},
    "½ missing in the mean": {"mean": lambda law, TS: -TS / law.p},
    "K at ε → 0": {"third": _at_zero},
    "K at ε → 0 in T_iij": {"diagonal_third": _diagonal_at_zero},
    "no Q in S₂": {"second": lambda law, KT, Tm, QS, TT, driven=None: RIGHT(law, KT, Tm, 0 * QS, TT, driven)},
    "no TT in S₂": {"second": lambda law, KT, Tm, QS, TT, driven=None: RIGHT(law, KT, Tm, QS, 0 * TT, driven)},
}
RIGHT = Law.second


@pytest.mark.parametrize("name", WRONG)
def test_wrong_formulas_are_told_apart(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    p, s = problem(2, 1), SETTINGS["localised"]
    exact = by_matrix_equations(p, s)
    assert deviation(predicted(p, s), exact) < ROUNDING
    for attribute, wrong in WRONG[name].items():
        monkeypatch.setattr(Law, attribute, wrong)
    assert deviation(predicted(p, s), exact) > 1e-4


def test_a_prediction_is_an_array_that_may_be_copied_or_not() -> None:
    """numpy's contract: a copy where one is asked for, the values themselves where none is needed, no silent copy."""
    found = Prediction(np.arange(4.0).reshape(2, 2))
    copied, same = np.array(found), np.asarray(found)
    copied[0, 0] = 7
    assert found.values[0, 0] == 0 and np.shares_memory(same, found.values)
    assert np.asarray(found, np.float32).dtype == np.float32 and np.array(found, int).tolist() == [[0, 1], [2, 3]]
    with pytest.raises(ValueError, match="copy"):
        np.asarray(found, np.float32, copy=False)
