"""Dense predictions: the eigensystem of the precision on the weights that move, and every formula of the package on top of it.

One decomposition serves every nβ, γ and ε (with a preconditioner every ε; another γ is decomposed again). What it takes:

    llc, covariance at order 1            the Hessian: d Hessian-vector products
    mean (Lemma 18), loss_covariance      T[v_i, v_i, ·]: d third derivatives more
    order 2                               all slices of T and Q: d² third and fourth derivatives (see `second`)

Minibatches. For a posterior with a `batch_size` and ε > 0 everything is said of the minibatch chain, with G, its derivatives and
the third cumulant of the gradients (see `noise`). The series then wants batches that grow with nβ; for quadratic losses whose
gradient noise does not move with w, S is exact at any batch size.

Reading order: `curvature`, then `Curvature.step`, `.llc`, `.losses`, `.covariance`, `.mean`, `.loss_covariance`, `.law`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from sampler.posterior import Example, LocalPosterior, Params
from sampler.quadratic import derivatives, jets, noise, observables, second
from sampler.quadratic.derivatives import Site
from sampler.quadratic.law import Law
from sampler.quadratic.observables import MEAN_LOSS, Observable, Prediction, label
from theory.errors import BadInput

LARGEST = 5000
Rows = Observable | Float[np.ndarray, "p d"]


@dataclass(frozen=True, eq=False)
class Curvature:
    """P = H + (γ/t) I on the moving weights in its eigenbasis: Wᵀ P W = diag(values + …), w − w* = W y.

    free     indices of the moving weights among all weights
    hessian  H; D: the diagonal of the preconditioner on the moving weights, or None for 1
    values, vectors   the eigenvalues (ascending) and eigenvectors of D^{1/2} H D^{1/2}, or with D and γ of D^{1/2} P D^{1/2}
    message  what the reader must know; empty when all is well
    """

    posterior: LocalPosterior
    free: Int[np.ndarray, " d"]
    hessian: Float[np.ndarray, "d d"]
    values: Float[np.ndarray, " d"]
    vectors: Float[np.ndarray, "d d"]
    D: Float[np.ndarray, " d"] | None = None
    microbatch: int | None = None
    width: int = 32
    known: dict[Any, Any] = field(default_factory=dict, repr=False)

    mean_loss = MEAN_LOSS

    @property
    def site(self) -> Site:
        return Site(self.posterior, jnp.asarray(self.free), self.microbatch, self.width)

    @property
    def t(self) -> float:
        """nβ."""
        return float(self.posterior.nbeta)

    @property
    def confinement(self) -> float:
        """c = γ/t."""
        return float(self.posterior.gamma) / self.t

    @property
    def precision(self) -> Float[np.ndarray, " d"]:
        """The eigenvalues p of D^{1/2} P D^{1/2}, ascending."""
        return self.values + self.confinement if self.D is None else self.values

    @property
    def W(self) -> Float[np.ndarray, "d d"]:
        """D^{1/2} V: columns are the modes of the chain."""
        return self.vectors if self.D is None else np.sqrt(self.D)[:, None] * self.vectors

    @property
    def loss_hessian(self) -> Float[np.ndarray, "d d"]:
        """Wᵀ H W = diag(p) − c WᵀW, the Hessian of L_n itself in the modes."""
        return np.diag(self.precision) - self.confinement * (self.W.T @ self.W)

    @property
    def message(self) -> str:
        """The rounding of single precision, and a centre that is not a minimum, where they can be seen."""
        said, p = [], self.precision
        rounding = float(jnp.finfo(self.site.zero.dtype).eps) * np.abs(p).max() * len(p) ** 0.5
        if p[0] < 100 * rounding:
            said.append(
                f"the lowest eigenvalue {p[0]:.2g} of P is near the rounding {rounding:.1g} of {self.site.zero.dtype}: "
                "take a posterior in float64 or a larger gamma."
            )
        slope = self.W.T @ np.asarray(derivatives.slope(self.site), np.float64)
        if p[0] > 0 and (shift := self.t * float(slope**2 @ (1 / p)) / 2) > 1e-2:
            said.append(
                f"the centre is not a minimum: P⁻¹DL_n moves the mean and adds about {shift:.2g} to nβ(L_n − min)."
            )
        return " ".join(said)

    def localised(self, gamma: float) -> "Curvature":
        """The same minimum under another γ."""
        moved = replace(self, posterior=replace(self.posterior, gamma=gamma))
        if self.D is None:
            # T[v, v, ·] belongs to the directions; the laws do not.
            return replace(moved, known={"bends": self.known["bends"]} if "bends" in self.known else {})
        values, vectors = _decomposed(self.hessian, self.D, moved.confinement)
        return replace(moved, values=values, vectors=vectors, known={})

    def unconditioned(self) -> "Curvature":
        """The same posterior without a preconditioner."""
        if "unconditioned" not in self.known:
            values, vectors = _decomposed(self.hessian, None, 0.0)
            self.known["unconditioned"] = replace(self, D=None, values=values, vectors=vectors, known={})
        return self.known["unconditioned"]

    def step(self, u: float) -> float:
        """The step ε with ε t λ_max(DP) = u; raises `BadInput` unless 0 < u < 4, where the chain is stable."""
        if not 0 < u < 4:
            raise BadInput(f"quadratic: the chain is stable for 0 < u = ε nβ λ_max(P) < 4; u is {u}.")
        return u / (self.t * float(self.precision[-1]))

    def spread(self, epsilon: float = 0.0) -> Float[np.ndarray, " d"]:
        """The eigenvalues of S = [P(I − εtP/4)]⁻¹ (full batches); raises `BadInput` unless 0 < P and εtP < 4."""
        return Law(self.precision, float(epsilon) * self.t).spread

    def law(self, epsilon: float = 0.0) -> Law:
        """S of the chain at this step, in the modes; remembered."""
        key = "law", float(epsilon)
        if key not in self.known:
            batch = self.posterior.batch_size
            G = noise.covariance(self.site, self.W, self.t / batch) if batch is not None and epsilon else None
            self.known[key] = Law(self.precision, float(epsilon) * self.t, G)
        return self.known[key]

    def losses(self, examples: Example, *, centred: bool = True, names: Sequence[str] | None = None) -> Observable:
        """ℓ_z − L_n for each example (ℓ_z when not centred), to be put into `covariance` or `mean`."""
        return observables.losses(self.posterior, examples, centred=centred, names=names)

    def observable(self, f: Callable[[Any], Any], *, names: Sequence[str] | None = None) -> Observable:
        """The entries of f(w), any smooth function of all weights of the posterior."""
        return observables.function(self.posterior, f, names=names)

    def gradients(self, examples: Example, *, centred: bool = True) -> Float[np.ndarray, "p d"]:
        """Dℓ_z(w*) on the moving weights, for each example; minus DL_n(w*) when centred."""
        return jets.gradients(self.site, self.losses(examples, centred=centred))

    def llc(self, epsilon: float = 0.0, order: int = 1) -> float:
        """nβ⟨L_n − L_n(w*)⟩: ½ tr(HS), and with order = 2 plus l₁/t. Raises `BadInput` for order 2 of more than 1000 weights."""
        law, t = self.law(epsilon), self.t
        if self.D is None and law.diagonal:
            leading = float((self.precision - self.confinement) @ law.spread) / 2
        else:
            leading = float(np.sum(self.loss_hessian * law.S)) / 2
        return (
            leading
            if self._order(order) == 1
            else leading + self.next_order(epsilon).learning_coefficient(self.loss_hessian) / t
        )

    def mean(self, phi: Observable, epsilon: float = 0.0) -> Prediction:
        """⟨φ⟩ − φ(w*) = (1/t) [a·m + ½ tr(AS)] (Lemma 18 for the chain)."""
        law = self.law(epsilon)
        curved = jets.curvings(self.site, phi, (self.W @ law.root).T).sum(axis=1) / 2
        a = jets.gradients(self.site, phi) @ self.W
        dims, labels = label(phi)
        return Prediction((curved + a @ law.mean(self.bent(epsilon))) / self.t, dims, labels)

    def covariance(self, a: Rows, b: Rows, epsilon: float = 0.0, order: int = 1) -> Prediction:
        """Cov(φ, ψ) for all pairs: (1/t) aᵀSb (Lemma 20), and with order = 2 plus the whole coefficient of t⁻².

        a, b: observables, or with order = 1 their gradients, one in a row. Order 2 streams all slices of T and Q: d² third
        and fourth derivatives, once for S₂ of this ε (`next_order` remembers it) and once for new observables. Raises
        `BadInput` for order 2 of more than 1000 weights, or where P second derivatives take more than 2 GiB.
        """
        law = self.law(epsilon)
        x, y = (self._gradients(rows) @ self.W for rows in (a, b))
        leading = law.times_S(x) @ y.T / self.t
        both = [rows for rows in (a, b) if isinstance(rows, Observable)]
        dims, labels = label(*both) if len(both) == 2 else ((), {})
        if self._order(order) == 1:
            return Prediction(leading, dims, labels)
        if len(both) < 2:
            raise BadInput(
                "quadratic: the next order needs observables, not gradients: `losses`, `observable`, `mean_loss`."
            )
        return Prediction(leading + second.covariance(self, both[0], both[1], epsilon) / self.t**2, dims, labels)

    def loss_covariance(self, examples: Example, epsilon: float = 0.0) -> Prediction:
        """Cov(L_n, ℓ_z − L_n) to order t⁻² for each example, −χ_z (Lemma 25 and Ex 27 for the chain, exact in ε); loss².

            ½ tr(HSBS) + ½ (Sb)·(T:S) + ½ H_ij K_ijk b_k + mᵀHSb

        Where H and S are diagonal in one basis this takes T_iij alone; with minibatches, or γ under a preconditioner, it
        takes all slices (`covariance` of order 2). DL_n(w*) = 0 is taken for granted.
        """
        if self.D is not None and not epsilon:
            return self.unconditioned().loss_covariance(examples)  # the posterior knows no D
        law, probes = self.law(epsilon), self.losses(examples)
        dims, labels = label(probes)
        if not law.diagonal or (self.D is not None and self.confinement):
            found = second.covariance(self, MEAN_LOSS, probes, epsilon)[0] / self.t**2
            return Prediction(found, dims, labels)
        s, p = law.spread, law.p
        h, shs = p - self.confinement, (p - self.confinement) * s**2
        curved = jets.curvings(self.site, probes, self.W.T) @ shs
        rows = self._bends()
        TS = s @ rows
        linear = s * TS + h @ (law.diagonal_third() * rows) - h * s / p * TS
        b = self.gradients(examples) @ self.W
        return Prediction((curved + b @ linear) / (2 * self.t**2), dims, labels)

    def bent(self, epsilon: float = 0.0) -> Float[np.ndarray, " d"]:
        """T:S in the modes."""
        law = self.law(epsilon)
        if law.diagonal:
            return law.spread @ self._bends()
        directions = jnp.asarray((self.W @ law.root).T, self.site.zero.dtype)
        return np.asarray(derivatives.bends(self.site, directions), np.float64).sum(axis=0) @ self.W

    def next_order(self, epsilon: float = 0.0) -> second.Second:
        """S₂, T∴K and Q:S at this step, remembered; raises `BadInput` for more than 1000 weights."""
        key = "second", float(epsilon)
        if key not in self.known:
            self.known[key], _ = second.collect(self, epsilon, ())
        return self.known[key]

    def _bends(self) -> Float[np.ndarray, "d d"]:
        """T_iij: row i is T[w_i, w_i, ·] in the modes."""
        if "bends" not in self.known:
            directions = jnp.asarray(self.W.T, self.site.zero.dtype)
            self.known["bends"] = np.asarray(derivatives.bends(self.site, directions), np.float64) @ self.W
        return self.known["bends"]

    def _gradients(self, rows: Rows) -> Float[np.ndarray, "p d"]:
        return jets.gradients(self.site, rows) if isinstance(rows, Observable) else np.asarray(rows, np.float64)

    def _order(self, order: int) -> int:
        if order not in (1, 2):
            raise BadInput(f"quadratic: the order is 1 (leading) or 2 (with the next); it is {order}.")
        if order == 2:
            second.affordable(len(self.free))
        return order


def curvature(
    posterior: LocalPosterior, *, preconditioner: Params | None = None, microbatch: int | None = None, width: int = 32
) -> Curvature:
    """The eigensystem of P = D²L_n(w*) + γ/nβ on the weights that move.

    preconditioner  the frozen diagonal D of `kernels.preconditioned`, a tree like the weights or anything that broadcasts to it
    microbatch      how many examples are differentiated at once (None: all); width: how many directions at once. Both bound
                    the memory and change nothing else.

    Raises `BadInput` for more than 5000 weights that move (`iterative` takes any number).
    """
    site, free = Site.of(posterior, microbatch, width), posterior.moving
    if len(free) > LARGEST:
        raise BadInput(
            f"quadratic.curvature forms a dense Hessian; {len(free)} weights move and {LARGEST} is the most: "
            "use quadratic.iterative, or restrict the weights that move."
        )
    H = np.asarray(derivatives.products(site, jnp.eye(len(free), dtype=site.zero.dtype)), np.float64)
    if not np.isfinite(H).all():
        raise BadInput(
            "quadratic.curvature: the Hessian at the centre holds NaN or infinite entries; is the loss smooth there?"
        )
    H = (H + H.T) / 2
    D = None if preconditioner is None else site.diagonal(preconditioner)
    values, vectors = _decomposed(H, D, float(posterior.gamma) / float(posterior.nbeta))
    return Curvature(posterior, free, H, values, vectors, D, microbatch, width)


def _decomposed(H: np.ndarray, D: np.ndarray | None, c: float) -> tuple[np.ndarray, np.ndarray]:
    if D is None:
        return np.linalg.eigh(H)
    root = np.sqrt(D)
    return np.linalg.eigh(root[:, None] * H * root + np.diag(c * D))
