"""Patterning from estimated susceptibilities: modes, the data weights for a wanted change, and how far to trust them.

Idea. X (k observables × n points, χ̂_z(φ_j)) is the Jacobian of ⟨φ⟩ in the data weights, over nβ. A wanted change dμ is written by

    dq = (1/nβ) W R_η(XW) dμ,   R_η(Y) = Yᵀ(YYᵀ + η)⁻¹,   W = √(nq)     (eq 28–30, §6.5.2; η = 0: the pseudo-inverse)

the least-squares solution of least norm Σ dq²/q. At uniform q this is the primer's dq; at other q the primer's X⁺dμ does not sum
to 0, this one does. X is centred first (X − Xq 1ᵀ): that changes nothing in an exact X, and keeps noise from opening a false mode
along the constant.

What to know before the weights are used, each computed here:

* noise: modes of X̂ with s below `Modes.edge` cannot be told from noise of independent entries; `Pattern.sem` is the error of dq
  by the delta method, and `Pattern.message` says when that method fails (noise as large as a mode that is inverted);
* direction: dq may *lower* the weight of points whose own profile x_z agrees with the target (`Pattern.against`): the
  pseudo-inverse sets the observables against each other. A large ridge turns dq towards Xᵀdμ, in which no point does;
* bias: estimation and inversion do not commute; `bias` is the difference to second order in the noise.

Standard errors are those of the entries; entries estimated from one chain are correlated, which the delta method leaves out.

Reading order: `modes`, `pattern`, `suggest_ridge`, `bias`. From dq to loss weights: `sampler.reweighting`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from sampler.diagnostics import Estimate
from theory.errors import BadInput

Matrix = Float[np.ndarray, "k n"]


@dataclass(frozen=True)
class Modes:
    """X = Σ s_α u_α v_αᵀ (eq 27): structures u (k, r), couplings s (r,) falling, data patterns v (n, r), r = min(k, n).

    `edge` is the largest singular value that noise alone would show, None without standard errors; the signs make the entry of u
    that is largest in size positive.
    """

    u: np.ndarray
    s: np.ndarray
    v: np.ndarray
    edge: float | None
    observables: tuple[str, ...]
    data: tuple[str, ...]

    @property
    def loud(self) -> np.ndarray:
        """Which modes stand above the noise edge (all, where the noise is not known)."""
        return self.s > (self.edge or 0.0)


def modes(X: Any, *, sem: Any = None, q: Sequence[float] | None = None) -> Modes:
    """The singular value decomposition of X (eq 27), of an array (k, n) or an `Estimate`.

    sem  standard errors of the entries, taken from the estimate where it is one; q: the data weights (default uniform). The
    modes are those of XW, W = √(nq); a data direction is W v. Raises `BadInput` for what is not a finite matrix.
    """
    X, sem, rows, columns = _matrix(X, sem)
    W = _root(q, X.shape[1])
    u, s, vt = np.linalg.svd(_centred(X, W) * W, full_matrices=False)
    sign = np.sign(u[np.abs(u).argmax(axis=0), np.arange(u.shape[1])])
    return Modes(u * sign, s, vt.T * sign, None if sem is None else noise_edge(sem * W), rows, columns)


def noise_edge(sem: Matrix) -> float:
    """√(largest row sum of sem²) + √(largest column sum of sem²): the norm of noise with independent entries, for large k or n.

    Equal variances give √v(√n + √k), the Marchenko–Pastur edge; unequal ones about this at most (Bandeira and van Handel, Ann.
    Probab. 44, 2016). Entries from one chain are correlated; then only √Σ sem² bounds the norm (in mean square).
    """
    variance = np.asarray(sem, float) ** 2
    return float(np.sqrt(variance.sum(axis=1).max()) + np.sqrt(variance.sum(axis=0).max()))


def suggest_ridge(X: Any, *, sem: Any = None, q: Sequence[float] | None = None) -> float:
    """η = edge²: a mode at the noise edge gets half of its inverse 1/s, weaker ones are damped. Needs standard errors."""
    found = modes(X, sem=sem, q=q)
    if found.edge is None:
        raise BadInput("suggest_ridge needs the noise: give an `Estimate`, or `sem` with the standard errors of X.")
    return found.edge**2


@dataclass(frozen=True)
class Pattern:
    """A change of the data weights for a wanted dμ.

    dq          (n,) change of q, of sum 0; ρ − 1 = dq/q as loss weights
    predicted   (k,) nβ X dq, to compare with the target; residual: target − predicted
    sem         (n,) standard errors of dq from those of X, None where those are not known
    noise       (k,) standard error of `predicted` for this dq, None likewise
    largest_step the h at which a weight q + h dq reaches 0
    against     share of the points whose weight moves against their own profile: dq_z ⟨x_z, dμ⟩ < 0
    message     what the reader must know, empty when all is well
    """

    dq: np.ndarray
    predicted: np.ndarray
    residual: np.ndarray
    sem: np.ndarray | None
    noise: np.ndarray | None
    largest_step: float
    against: float
    message: str = ""


def pattern(
    X: Any, target: Any, nbeta: float, *, ridge: float = 0.0, q: Sequence[float] | None = None, sem: Any = None
) -> Pattern:
    """dq = (1/nβ) W R_η(XW) dμ (eq 28–30; §6.5.2 for η > 0), the least-squares solution of least norm Σ dq²/q.

    X (k, n) array or `Estimate`; target dμ (k,) in the units of φ; ridge η ≥ 0 in the units of X². Singular values below
    max(k, n) ε s_max are zero. Raises `BadInput` for bad shapes, η < 0, nβ ≤ 0 and for q not positive or not of sum 1.
    """
    X, sem, _, _ = _matrix(X, sem)
    target = np.atleast_1d(np.asarray(target, float))
    if target.shape != (X.shape[0],) or not np.isfinite(target).all():
        raise BadInput(
            f"pattern: the target needs one finite number for each of {X.shape[0]} observables; its shape is {target.shape}."
        )
    if not (ridge >= 0 and 0 < nbeta < np.inf):
        raise BadInput(f"pattern: needs ridge ≥ 0 and nbeta > 0; they are {ridge} and {nbeta}.")
    W = _root(q, X.shape[1])
    Y = _centred(X, W) * W
    u, s, vt = np.linalg.svd(Y, full_matrices=False)
    alive = s > max(X.shape) * np.finfo(float).eps * (s.max() if s.size else 0.0)
    u, s, v = u[:, alive], s[alive], vt[alive].T
    y = v @ (s / (s**2 + ridge) * (u.T @ target)) / nbeta
    dq = W * y
    predicted = nbeta * Y @ y
    falls = dq < 0
    share = W**2 / len(W)
    profile = Y.T @ target
    return Pattern(
        dq,
        predicted,
        target - predicted,
        None if sem is None else W * _delta(sem * W, target, s, u, v, W / np.sqrt(len(W)), ridge) / nbeta,
        None if sem is None else nbeta * np.sqrt((sem**2) @ dq**2),
        float((share[falls] / -dq[falls]).min()) if falls.any() else np.inf,
        float(np.mean(dq * profile < 0)),
        _message(s, sem, W, ridge, target, predicted),
    )


def _delta(S, target, s, u, v, omega, ridge) -> np.ndarray:
    """√Σ_ij S_ij² (∂y_z/∂Y_ij)² for y = R_η(Y)τ, Y = u s vᵀ centred: row i enters by J_i = α_i(1 − ωωᵀ) + v C_i vᵀ − b_i yᵀ with

    b = R_η(Y), α = (YYᵀ + η)⁻¹τ, C_i = −α_i s²/(s² + η); at η = 0, where α is taken on the range and r = τ − Yy is what the range
    misses, C_i = −α_i + r_i/s² (Golub and Pereyra). ω = W/√n is the direction that centring takes out. No n × n matrix is formed:
    the cost is O(nk³).
    """
    f = s / (s**2 + ridge)
    along = u.T @ target
    b, y = (v * f) @ u.T, v @ (f * along)
    alpha, r = u @ (along / (s**2 + ridge)), target - u @ along
    if ridge:
        alpha, r = alpha + r / ridge, 0 * r
    variance = np.zeros(len(v))
    v = np.column_stack([v, omega])
    for i, power in enumerate(S**2):
        C = -alpha[i] * s * f + (r[i] / s**2 if not ridge else 0)
        vC = v * np.append(C, -alpha[i])
        variance += power * (alpha[i] ** 2 + 2 * alpha[i] * (vC * v).sum(axis=1) - 2 * alpha[i] * b[:, i] * y)
        variance += np.einsum("za,ab,zb->z", vC, (v.T * power) @ v, vC) - 2 * b[:, i] * (vC @ (v.T @ (power * y)))
        variance += b[:, i] ** 2 * (power @ y**2)
    return np.sqrt(np.maximum(variance, 0.0))


def _message(s, sem, W, ridge, target, predicted) -> str:
    told = []
    missed = np.linalg.norm(target - predicted) / max(np.linalg.norm(target), np.finfo(float).tiny)
    if not s.size:
        return "X is zero once centred: no data weights move these observables."
    if missed > 0.1:
        told.append(f"{100 * missed:.0f}% of the target is out of reach to first order.")
    if sem is not None:
        edge = noise_edge(sem * W)
        quiet = int(np.sum(s <= edge))
        if quiet and ridge < s.min() ** 2:
            told.append(
                f"{quiet} of {len(s)} modes lie below the noise edge {edge:.3g} and are inverted all the same: not trustworthy, "
                f"take a ridge (suggest_ridge gives {edge**2:.3g}), drop observables or draw more."
            )
    return " ".join(told)


def bias(X: Matrix, noise: Float[np.ndarray, "m k n"], *, ridge: float = 0.0) -> Float[np.ndarray, "n k"]:
    """E[R_η(X + N)] − R_η(X) to second order in the noise, Cov(N) = Σ_a vec(noise_a) vec(noise_a)ᵀ: estimation and inversion
    do not commute (§6.5.2). X of full row rank where η = 0.

    Independent entries of variance v: −(n − k − 1) v Xᵀ(XXᵀ)⁻² at η = 0, so that modes are pushed too little once n > k + 1.
    """
    X = np.asarray(X, float)
    K = np.linalg.inv(X @ X.T + ridge * np.eye(len(X)))
    total = np.zeros(X.T.shape)
    for E in np.asarray(noise, float):
        M = E @ X.T + X @ E.T
        total += X.T @ K @ (M @ K @ M - E @ E.T) @ K - E.T @ K @ M @ K
    return total


def _matrix(X: Any, sem: Any) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...], tuple[str, ...]]:
    rows = columns = None
    if isinstance(X, Estimate):
        rows, columns = (X.labels.get(dim) for dim in X.dims[:2]) if len(X.dims) == 2 else (None, None)
        X, sem = X.mean, X.sem if sem is None else sem
    X = np.asarray(X, float)
    if X.ndim != 2 or not X.size or not np.isfinite(X).all():
        raise BadInput(f"patterning: X must be a finite matrix (observables, points); its shape is {X.shape}.")
    if sem is not None:
        sem = np.broadcast_to(np.asarray(sem, float), X.shape)
        if not (np.isfinite(sem).all() and (sem >= 0).all()):
            raise BadInput("patterning: the standard errors of X must be finite and not negative.")
    k, n = X.shape
    return X, sem, tuple(rows or map(str, range(k))), tuple(columns or map(str, range(n)))


def _root(weights: Sequence[float] | np.ndarray | None, n: int) -> np.ndarray:
    """W = √(nq)."""
    if weights is None:
        return np.ones(n)
    q = np.asarray(weights, float)
    if q.shape != (n,) or not (q > 0).all() or abs(q.sum() - 1) > 1e-6:
        raise BadInput(f"patterning: q needs {n} positive weights of sum 1; leave out the points of weight 0.")
    return np.sqrt(n * q)


def _centred(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    """X − Xq 1ᵀ."""
    return X - (X @ W**2 / len(W))[:, None]
