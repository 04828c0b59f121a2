"""The structural coordinates of a small model in balls: μ(q), its Jacobian nβ X, its second order, and patterns from them.

Idea. A `DataModel` holds the losses ℓ_z of n data points, the observables φ_j and t = nβ. For weights q (exact numbers) the
posterior ∝ exp(−t Σ q_z ℓ_z) is integrated with proof, so that

    μ_j(q) = ⟨φ_j⟩,   X_jz = −Cov(φ_j, ℓ_z − L),   κ₃(φ_j, ℓ_c, ℓ_c) with ℓ_c = Σ c_z ℓ_z

are balls, and with them X⁺ and R_η. All are computed at q, none is differentiated; `derivative` and `curvature` of μ along a
direction are the other side of each identity.

Along a line, with h ↦ q + hc and Σ c whatever it is,  μ(q + hc) = μ − ht Cov(φ, ℓ_c) + (ht)²/2 κ₃(φ, ℓ_c, ℓ_c) + O(h³).

Notation: k observables, n points; vectors are lists of balls, matrices `flint.arb_mat`.

Reading order: `DataModel`, `pseudo_inverse`, `weighted_pseudo_inverse`, `ridge`, `modes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from flint import acb_mat, arb, arb_mat, ctx, fmpq

from numerics.errors import NotCertified
from numerics.perturbation import Perturbed
from numerics.posterior import Posterior
from numerics.precision import ball, digits, rational
from theory.errors import BadInput

Weights = tuple[sp.Rational, ...]
DIGITS = 25


@dataclass(frozen=True)
class DataModel:
    """n losses ℓ_z, k observables φ_j (expressions in at most three variables) and t = nβ; q need not sum to 1."""

    losses: tuple[sp.Expr, ...]
    phis: tuple[sp.Expr, ...]
    variables: tuple[sp.Symbol, ...]
    t: sp.Rational

    def loss(self, q: Sequence[sp.Rational]) -> sp.Expr:
        """Σ q_z ℓ_z. Raises `BadInput` unless there is one weight for each loss."""
        if len(q) != len(self.losses):
            raise BadInput(
                f"the model has {len(self.losses)} data points and was given {len(q)} weights; give one each"
            )
        return sp.expand(sp.Add(*(sp.sympify(weight) * loss for weight, loss in zip(q, self.losses, strict=True))))

    def coordinates(self, q: Weights) -> list[arb]:
        """μ(q) (eq 25)."""
        return list(_posterior(self, tuple(q)).expectations(self.phis))

    def susceptibilities(self, q: Weights) -> arb_mat:
        """X_jz = −Cov(φ_j, ℓ_z − L), k × n."""
        return _susceptibilities(self, tuple(q))

    def covariance(self, q: Weights, c: Sequence[sp.Rational]) -> list[arb]:
        """Cov(φ_j, ℓ_c), ℓ_c = Σ c_z ℓ_z."""
        return self._cumulants(q, c, 1)

    def third(self, q: Weights, c: Sequence[sp.Rational]) -> list[arb]:
        """κ₃(φ_j, ℓ_c, ℓ_c): the curvature of μ along c is t² times it."""
        return self._cumulants(q, c, 2)

    def _cumulants(self, q: Weights, c: Sequence[sp.Rational], times: int) -> list[arb]:
        """κ(φ_j, ℓ_c, …, ℓ_c) for every j."""
        posterior, l_c = _posterior(self, tuple(q)), self.loss(c)
        powers = [sp.expand(l_c**i) for i in range(times + 1)]
        # One pass over the grid for all the moments; the cumulants then find them in the posterior's cache.
        posterior.expectations([*powers[1:], *(sp.expand(phi * power) for phi in self.phis for power in powers)])
        return [posterior.cumulant([phi, *[l_c] * times]) for phi in self.phis]

    def moved(self, q: Weights, c: Sequence[sp.Rational], h: sp.Rational) -> list[arb]:
        """(μ(q + hc) − μ(q − hc))/2h, a ball for each observable; h ≠ 0."""
        if h == 0:
            raise BadInput("a difference quotient needs a step h other than 0; use `derivative`")
        high, low = (self.coordinates(step(q, c, sign * h)) for sign in (1, -1))
        return [(b - a) / arb(rational(2 * h)) for a, b in zip(low, high, strict=True)]

    def derivative(self, q: Weights, c: Sequence[sp.Rational]) -> list[arb]:
        """dμ/dh along c, by definition: from the moments at other h, the remainder proved (`perturbation`)."""
        return [series[1] for series in _along(self, tuple(q), tuple(c), 1, ctx.prec)]

    def curvature(self, q: Weights, c: Sequence[sp.Rational]) -> list[arb]:
        """d²μ/dh² along c, by definition."""
        return [2 * series[2] for series in _along(self, tuple(q), tuple(c), 2, ctx.prec)]


@lru_cache(maxsize=64)
def _posterior(model: DataModel, q: Weights) -> Posterior:
    return Posterior(model.loss(q), model.variables, model.t, digits=DIGITS)


@lru_cache(maxsize=64)
def _along(model: DataModel, q: Weights, c: Weights, order: int, _: int) -> Sequence[Sequence[arb]]:
    """The series of μ in h along c at the current precision, the last argument: formulas with other factors share directions."""
    return Perturbed(_posterior(model, q), model.loss(c), order).expectations(model.phis)


@lru_cache(maxsize=16)
def _susceptibilities(model: DataModel, q: Weights) -> arb_mat:
    total = sum(q, sp.S.Zero)
    if total != 1:
        raise BadInput(f"the susceptibilities belong to a distribution; the weights sum to {total}: divide by it")
    posterior, L = _posterior(model, q), model.loss(q)
    centred = [sp.expand(loss - L) for loss in model.losses]
    products = [sp.expand(phi * loss) for phi in model.phis for loss in centred]
    with digits(DIGITS):
        mean = dict(
            zip(
                (*model.phis, *centred, *products),
                posterior.expectations([*model.phis, *centred, *products]),
                strict=True,
            )
        )
        return arb_mat(
            [[mean[phi] * mean[loss] - mean[sp.expand(phi * loss)] for loss in centred] for phi in model.phis]
        )


def step(q: Weights, c: Sequence[sp.Rational], h: sp.Rational) -> Weights:
    """q + hc. Raises `BadInput` unless c has one entry for each weight."""
    if len(q) != len(c):
        raise BadInput(f"there are {len(q)} weights, and the direction has {len(c)} entries; give one for each weight")
    return tuple(a + h * b for a, b in zip(q, c, strict=True))


def column(values: Sequence[object]) -> arb_mat:
    """A column of balls from balls or exact numbers."""
    return arb_mat([[ball(value)] for value in values])


def rationals(values: arb_mat) -> tuple[sp.Rational, ...]:
    """The midpoints of a column, as exact numbers: weights for which a posterior can be integrated."""
    found = []
    for value in values.entries():
        man, exp = value.mid().man_exp()
        q = fmpq(man) * fmpq(2) ** int(exp)
        found.append(sp.Rational(int(q.p), int(q.q)))
    return tuple(found)


def pseudo_inverse(X: arb_mat) -> arb_mat:
    """X⁺ = Xᵀ(XXᵀ)⁻¹ for full row rank. Raises `NotCertified` where the rank is not proved."""
    return ridge(X, 0)


def ridge(X: arb_mat, eta: object) -> arb_mat:
    """R_η = Xᵀ(XXᵀ + η)⁻¹ (§6.5.2)."""
    k = X.nrows()
    damped = X * X.transpose() + arb_mat([[ball(eta if i == j else 0) for j in range(k)] for i in range(k)])
    return X.transpose() * _inverse(damped)


def _inverse(gram: arb_mat) -> arb_mat:
    try:
        return gram.inv()
    except ZeroDivisionError:
        raise NotCertified(
            "the rows of X are not proved independent: drop dependent observables, or take a ridge η > 0"
        ) from None


def weighted_pseudo_inverse(X: arb_mat, q: Weights) -> arb_mat:
    """D Xᵀ(X D Xᵀ)⁻¹ for full row rank: the solution of least χ² norm Σ dq²/q."""
    n = X.ncols()
    if len(q) != n:
        raise BadInput(f"X has {n} columns and was given {len(q)} weights; give one each")
    D = arb_mat([[ball(q[i] if i == j else 0) for j in range(n)] for i in range(n)])
    return D * X.transpose() * _inverse(X * D * X.transpose())


def modes(X: arb_mat) -> list[tuple[arb, arb_mat, arb_mat]]:
    """(s, u, v) of X = Σ s u vᵀ, s falling (eq 27), for full row rank and simple singular values; `NotCertified` otherwise."""
    try:
        values, right = acb_mat(X * X.transpose()).eig(right=True)
    except ValueError:
        raise NotCertified(
            "the singular values of X are not proved distinct: modes inside a multiple value are a choice"
        ) from None
    if not all(value.real > 0 for value in values):
        raise NotCertified(
            "a singular value of X may be 0: the rows of X are not proved independent; drop dependent ones"
        )
    found = []
    for i, value in enumerate(values):
        u = arb_mat([[right[j, i].real] for j in range(X.nrows())])
        u = u * (1 / (u.transpose() * u)[0, 0].sqrt())
        s = value.real.sqrt()
        found.append((s, u, X.transpose() * u * (1 / s)))
    return sorted(found, key=lambda mode: -float(mode[0].mid()))
