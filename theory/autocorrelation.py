"""The discrete Langevin chain in time: lags, long-run variances, standard errors and burn-in, order by order in 1/t.

One step of the chain acts on observables by (Pf)(x) = E[f(x')|x]. In x = t^{1/2}(w − w*) with h = t^{−1/2} an observable is a
graded polynomial f = Σ_j h^j f_j(x), deg f_j ≤ j, and P maps such to such, exactly to any order (`theory.langevin`). So

    Cov(φ(w_k), ψ(w_0)) = E[(ψ − Eψ) P^k (φ − Eφ)],      E[φ(w_k) | w_0 = w*] = (P^k φ)(0),

and the **Poisson equation** (1 − P^s) u = f − Ef is solved in polynomials: take the lowest power of h in the residual and in it the
highest degree n; there 1 − P^s is 1 − F_0^s on homogeneous polynomials of degree n, which is invertible for a stable
chain; subtract and go on. It ends, and with it every sum over lags is exact:

    Σ_{k∈Z} Cov(φ(w_{sk}), ψ(w_0)) = E[ψ̃ u_φ] + E[φ̃ u_ψ] − E[φ̃ψ̃],         φ̃ = φ − Eφ,
    Σ_{k∈Z} |k| Cov(φ(w_{sk}), ψ(w_0)) = E[ψ̃ (v_φ − u_φ)] + E[φ̃ (v_ψ − u_ψ)],    (1 − P^s) v = u − Eu,  Eu = 0.

The first is what N·C·Cov(φ̄, ψ̄) tends to for averages over C chains of N draws, s steps apart; the second gives the term in 1/N.
u − P^s u is also a control variate with variance zero: averaged along the chain it equals φ̃ up to the two ends.

Averages of products follow, since φ̃ψ̃ is a graded polynomial too: the variance of a covariance estimate is the long-run variance of
φ̃ψ̃. Centring by the chain's own averages biases it by −(1/N) Σ_k Cov(φ_k, ψ_0).

Leading order in closed form (any polynomial; `mehler`): with A = I − (e/2)DH and S the stationary covariance, Ē Dⁿf the mean of the
n-th derivative under N(0, S),

    Cov(f(x_k), g(x_0)) = Σ_{n≥1} (1/n!) ⟨Ē Dⁿf, (A^k S)^{⊗n} Ē Dⁿg⟩                                 (Mehler's formula).

Reading order: `long_run`, `lagged`, `estimator`, `variance_of_mean`, `from_start`, `control_variate`
(public), `Timed` (the same for any chain of `theory.recursion`), `InTime`, `mehler`.
Source: derived here; the same statements, found by other means, in Glynn and Meyn, "A Liapounov bound for solutions of the Poisson
equation", Ann. Probab. 24 (1996) (the identity for the long-run variance; recalled).
"""

from collections.abc import Sequence
from itertools import pairwise, product
from math import factorial, prod
from operator import add, sub
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from theory.errors import BadInput
from theory.jets import multiply
from theory.langevin import Chain
from theory.recursion import Graded, Monomial, Recursion, image, monomials, pulled_back


def long_run(
    loss: sp.Expr, phi: sp.Expr, psi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, thin: int = 1, **chain: Any
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """Coefficients of t^0 … t^−order of Σ_{k∈Z} Cov(φ(w_{sk}), ψ(w_0)), s = `thin`: N·C times the covariance of long averages.

    For φ = ψ its root over N·C is the standard error of the mean. chain: at, gamma, confinement, noise, preconditioner as in
    `theory.langevin.expectation`. Raises `BadInput` for thin < 1 and for a chain that is unstable at leading order.
    """
    return InTime(loss, [phi, psi], variables, e=e, order=order, **chain).long_run(0, 1, thin)


def lagged(
    loss: sp.Expr, phi: sp.Expr, psi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, lag: int, **chain: Any
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """Coefficients of t^0 … t^−order of Cov(φ(w_k), ψ(w_0)), k = `lag` steps."""
    return InTime(loss, [phi, psi], variables, e=e, order=order, **chain).lagged(0, 1, lag)


def estimator(
    loss: sp.Expr, phi: sp.Expr, psi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, thin: int = 1, **chain: Any
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """Coefficients of V in Var Ĉ = V/(NC): Ĉ the sample covariance of φ and ψ over C chains of N draws, `thin` steps apart.

    V is the long-run variance of (φ − Eφ)(ψ − Eψ); centring by averages changes Var Ĉ by O(1/N²).
    """
    return InTime(loss, [phi, psi], variables, e=e, order=order, **chain).estimator(0, 1, thin)


def variance_of_mean(
    loss: sp.Expr, phi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, draws: int, thin: int = 1, **chain: Any
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """Coefficients of Var of the mean of φ over N = `draws` draws of one stationary chain, `thin` steps apart:

    (1/N) Σ_k c_k − (1/N²) Σ_k |k| c_k, c_k the autocovariances; what is left out is O(ρ^N), ρ < 1 the slowest factor.
    """
    if draws < 1:
        raise BadInput(f"a mean needs at least one draw; it was given {draws}")
    timed = InTime(loss, [phi], variables, e=e, order=order, **chain)
    sums, weighted = timed.long_run(0, 0, thin), timed.weighted(0, 0, thin)
    return tuple(sp.factor_terms(a / draws - weighted[k] / draws**2) for k, a in enumerate(sums))


def from_start(
    loss: sp.Expr, phi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, steps: int, **chain: Any
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """Coefficients of E[φ(w_k) | w_0 = w*], k = `steps`: what is left of the start, beside `langevin.expectation`."""
    return InTime(loss, [phi], variables, e=e, order=order, **chain).from_start(0, steps)


def control_variate(
    loss: sp.Expr, phi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, t: Any, thin: int = 1, **chain: Any
) -> sp.Expr:  # fmt: skip
    """u(w) with u − P^s u = φ − Eφ up to t^{−order}: a polynomial in w − w* (written in `variables`), its constant term 0."""
    timed = InTime(loss, [phi], variables, e=e, order=order, **chain)
    u = timed.poisson(timed.fluctuation(0), thin)
    shifts = [v - timed.at[v] for v in variables]
    return sp.Add(
        *(
            timed.jets.expr(c) * sp.sympify(t) ** sp.Rational(sum(alpha) - j, 2) * sp.Mul(*map(sp.Pow, shifts, alpha))
            for j, part in enumerate(u)
            for alpha, c in part.items()
        )
    )


class Timed(Recursion):
    """Any chain of the recursion, with its one-step operator on graded polynomials; the methods take indices of the observables."""

    def fluctuation(self, i: int) -> Graded:
        """φ_i − Eφ_i."""
        return self._without_mean(self.centred(i))

    def long_run(self, i: int, j: int, thin: int = 1) -> tuple[sp.Expr, ...]:
        return self._expressions(self._summed(self.fluctuation(i), self.fluctuation(j), thin))

    def estimator(self, i: int, j: int, thin: int = 1) -> tuple[sp.Expr, ...]:
        both = self._without_mean(multiply(self.fluctuation(i), self.fluctuation(j), self.ring.zero))
        return self._expressions(self._summed(both, both, thin))

    def lagged(self, i: int, j: int, lag: int) -> tuple[sp.Expr, ...]:
        if lag < 0:
            i, j, lag = j, i, -lag
        moved = self.after(self.fluctuation(i), lag)
        return self._expressions(self.mean(multiply(moved, self.fluctuation(j), self.ring.zero)))

    def weighted(self, i: int, j: int, thin: int = 1) -> tuple[sp.Expr, ...]:
        """Σ_{k∈Z} |k| Cov(φ_i(w_{sk}), φ_j(w_0))."""
        ahead = self._weighted_ahead(i, j, thin)
        behind = ahead if i == j else self._weighted_ahead(j, i, thin)
        return self._expressions(list(map(add, ahead, behind)))

    def _weighted_ahead(self, i: int, j: int, thin: int) -> list[Any]:
        """Σ_{k>0} k Cov(φ_i(w_{sk}), φ_j(w_0))."""
        u = self._without_mean(self.poisson(self.fluctuation(i), thin))
        later = list(map(sub, self.poisson(u, thin), u))
        return self.mean(multiply(self.fluctuation(j), later, self.ring.zero))

    def from_start(self, i: int, steps: int) -> tuple[sp.Expr, ...]:
        moved = self.after(self.centred(i), steps)
        constant = (0,) * self.d
        values = [part.get(constant, self.domain.zero) for part in moved[::2]]
        values[0] = values[0] + self.observables[i][0].coeff(1)
        return self._expressions(values)

    def after(self, graded: Graded, steps: int) -> Graded:
        """P^k f."""
        for _ in range(steps):
            graded = pulled_back(self.step, graded, self.ring)
        return graded

    def poisson(self, fluctuation: Graded, thin: int = 1) -> Graded:
        """u without constant term with (1 − P^s) u = f, for f of mean zero.

        At h^j the lower orders of u give a part r_j of P^s u, and u_j − P_0^s u_j = f_j + r_j is left, P_0 = P at h^0.
        """
        if thin < 1:
            raise BadInput(f"draws are at least one step apart; thin = {thin}")
        powers: list[Graded] = [[] for _ in range(thin + 1)]  # P^i u to the order reached
        for j, part in enumerate(fluctuation):
            powers[0].append(self.ring.zero)
            for before, after in pairwise(powers):
                after.append(image(self.step, before, j, self.ring))
            piece = self._divided(part + powers[-1][j], j, thin)
            for power in powers:
                power[j] = power[j] + piece
                (piece,) = self.after([piece], 1)
        return powers[0]

    def _divided(self, part: Any, degree: int, thin: int) -> Any:
        """p without constant term, of at most this degree, with p − P_0^s p = the part."""
        found = self.ring.zero
        for n in range(degree, 0, -1):
            piece = self._divide_by_leading(part, n, thin)
            if piece:
                (moved,) = self.after([piece], thin)
                found, part = found + piece, part - piece + moved
        if part:
            raise BadInput("the Poisson equation needs an observable of mean zero; subtract its expectation first")
        return found

    def _divide_by_leading(self, part: Any, degree: int, thin: int) -> Any:
        """p of this degree with p − P_0^s p = the part's component of this degree, up to lower degrees."""
        alphas = list(monomials(self.d, degree))
        wanted = [part.get(alpha, self.domain.zero) for alpha in alphas]
        if not any(wanted):
            return self.ring.zero
        row = DomainMatrix([wanted], (1, len(wanted)), self.domain).to_field()
        found = (row * self.resolvent(degree, thin)).to_list()[0]
        return self.ring.from_dict(dict(zip(alphas, found, strict=True)))

    def _summed(self, f: Graded, g: Graded, thin: int) -> list[Any]:
        """Σ_{k∈Z} Cov(f(x_{sk}), g(x_0)) for f and g of mean zero."""
        ahead = self._summed_ahead(f, g, thin)
        behind = ahead if f == g else self._summed_ahead(g, f, thin)
        return list(map(sub, map(add, ahead, behind), self.mean(multiply(f, g, self.ring.zero))))

    def _summed_ahead(self, f: Graded, g: Graded, thin: int) -> list[Any]:
        """Σ_{k≥0} Cov(f(x_{sk}), g(x_0))."""
        return self.mean(multiply(g, self.poisson(f, thin), self.ring.zero))

    def _without_mean(self, graded: Graded) -> Graded:
        result = list(graded)
        for k, value in enumerate(self.mean(graded)):
            result[2 * k] = result[2 * k] - value
        return result

    def _expressions(self, values: Sequence[Any]) -> tuple[sp.Expr, ...]:
        return tuple(map(self.jets.expr, values))


class InTime(Timed, Chain):
    """The discrete Langevin chain in time."""


def mehler(f: sp.Expr, g: sp.Expr, variables: Sequence[sp.Symbol], *, S: sp.Matrix, moved: sp.Matrix) -> sp.Expr:
    """Σ_{n≥1} (1/n!) ⟨Ē Dⁿf, M^{⊗n} Ē Dⁿg⟩ for polynomials f, g of x ~ N(0, S), M = `moved` = A^k S: the lag-k covariance.

    A linear Gaussian chain x' = Ax + noise at stationarity; M = S gives the covariance itself.
    """
    total, n = sp.S.Zero, 0
    tensors = [{(): sp.expand(p)} for p in (f, g)]
    while True:
        n += 1
        tensors = [{(*i, k): sp.diff(p, v) for i, p in D.items() for k, v in enumerate(variables)} for D in tensors]
        if not any(tensors[0].values()):
            return sp.expand(total)
        left, right = ({i: _gaussian_mean(p, variables, S) for i, p in D.items()} for D in tensors)
        for i, j in product(left, right):
            total += left[i] * prod(moved[i[k], j[k]] for k in range(n)) * right[j] / factorial(n)


def _gaussian_mean(p: sp.Expr, variables: Sequence[sp.Symbol], S: sp.Matrix) -> sp.Expr:
    """E p(x), x ~ N(0, S): exp(½ S:D²) p at 0."""
    total, term, n = sp.S.Zero, sp.expand(p), 0
    while term != 0:
        total += term.subs(dict.fromkeys(variables, 0)) / factorial(n)
        n += 1
        pairs = product(enumerate(variables), repeat=2)
        term = sp.expand(sp.Add(*(S[i, j] * sp.diff(term, v, w) for (i, v), (j, w) in pairs)) / 2)
    return total


__all__ = [
    "InTime", "Monomial", "Timed", "control_variate", "estimator", "from_start", "lagged", "long_run", "mehler", "variance_of_mean",
]  # fmt: skip
