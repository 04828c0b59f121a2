"""The stationary law of the discrete Langevin chain, order by order in 1/t.

SGLD at a finite step does not sample the posterior exp(−tL). With step ε = e/t and w = w* + h x, h = t^{−1/2}, the chain

    w' = w − (ε/2) D g(w) + √ε D^{1/2} ξ,   E[g|w] = t ∇L(w) + γ(w − w*),   ξ ~ N(0, I),

becomes x' = F_0 x + h F_1(x) + h² F_2(x) + … + noise, with F_0 = I − (e/2) D H and F_j = −(e/2) D ∇L_{j+2} (and −(e/2)γ D x
in F_2: the localisation is a perturbation, γ = O(1)). Its stationary moments follow exactly, order by order: apply the one-step
operator to a monomial,

    P x^{e_i+β} = Σ_{γ≤β} C(β,γ) κ_{e_i+γ}(x; h) · P x^{β−γ}     (κ: conditional cumulants of x' given x),

and demand E[P x^α] = E[x^α]; at each order of h and each degree this is one linear system, never singular for a stable chain.
For e → 0 the law is the posterior's and the coefficients are those of `theory.laplace`.

Stability at leading order: 0 < e λ_i(DH) < 4. The series is asymptotic; when ∇L grows faster than linearly the explicit chain
has no stationary law at all and the series describes the metastable law near w*.

Reading order: `expectation`, `cumulant` (public), `minibatch` (gradient noise of minibatches), `Chain` (the recursion).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement, product
from math import comb, prod
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from theory.errors import BadInput
from theory.jets import exact, jets, multiply
from theory.laplace import cumulant_from_moments, hessian
from theory.minimum import locate

Noise = Mapping[tuple[int, ...], sp.Expr]
Monomial = tuple[int, ...]


def expectation(
    loss: sp.Expr, phi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, at: Any = None, gamma: Any = 0,
    noise: Noise | None = None, preconditioner: Any = None,
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """The coefficients (c_0, …, c_order) of E φ = Σ_k c_k t^{−k} under the chain with step ε = e/t.

    e: step in units of 1/t, rational or symbol; gamma: localisation γ (fixed as t grows); preconditioner: a constant symmetric
    positive definite matrix D. noise[(i, j, …)]: the joint conditional cumulant of the gradient components g_i, g_j, …
    divided by t, an expression in `variables` (see `minibatch`); index tuples are sorted, absent ones are 0.
    loss, phi, at: as in `theory.laplace`. Raises `BadInput` when the chain is unstable at leading order.
    """
    chain = Chain(
        loss, [phi], variables, e=e, order=order, at=at, gamma=gamma, noise=noise, preconditioner=preconditioner
    )
    return chain.cumulant([0])


def cumulant(
    loss: sp.Expr, observables: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, e: Any, order: int, at: Any = None,
    gamma: Any = 0, noise: Noise | None = None, preconditioner: Any = None,
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """The coefficients (c_0, …, c_order) of the joint cumulant of `observables` under the chain; arguments as in `expectation`."""
    if not observables:
        raise BadInput("a joint cumulant needs at least one observable")
    chain = Chain(
        loss, observables, variables, e=e, order=order, at=at, gamma=gamma, noise=noise, preconditioner=preconditioner
    )
    return chain.cumulant(range(len(observables)))


def minibatch(losses: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, ratio: Any, order: int = 3) -> dict:
    """The noise of batches of size B drawn with replacement from equally likely `losses` ℓ_z, with ratio b = t/B held fixed.

    The r-th cumulant of g, divided by t, is b^{r−1} κ_r(∇ℓ_z); r = 2, …, order. Batches drawn without replacement have
    smaller cumulants and are not covered.
    """
    gradients = [[sp.diff(loss, v) for v in variables] for loss in losses]
    n, b = len(losses), exact(ratio)

    def cumulant_of(indices: tuple[int, ...]) -> sp.Expr:
        def moment(block: tuple[int, ...]) -> list[sp.Expr]:
            return [sp.Add(*(sp.Mul(*(g[i] for i in block)) for g in gradients)) / n]

        (value,) = cumulant_from_moments(indices, moment, lambda f, g: [f[0] * g[0]])
        return sp.expand(value)

    return {
        indices: b ** (r - 1) * cumulant_of(indices)
        for r in range(2, order + 1)
        for indices in combinations_with_replacement(range(len(variables)), r)
    }


class Chain:
    """The moment recursion for one chain and several observables, to order t^{−order}."""

    def __init__(
        self, loss: sp.Expr, observables: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, e: Any, order: int,
        at: Any = None, gamma: Any = 0, noise: Noise | None = None, preconditioner: Any = None,
    ):  # fmt: skip
        if not isinstance(order, int) or order < 0:
            raise BadInput(f"order must be an integer ≥ 0, got {order!r}")
        loss, e, gamma = exact(loss), exact(e), exact(gamma)
        self.d, self.order, self.top = len(variables), order, 2 * order
        at = locate(loss, variables, at)
        scaling = sp.eye(self.d) if preconditioner is None else sp.Matrix(preconditioner).applyfunc(exact)
        noise = dict(noise or {})
        expressions = [loss, *observables, *noise.values()]
        orders = [self.top + 2] + [self.top] * (len(expressions) - 1)
        taylor = jets(expressions, variables, at, orders, extra=[e, gamma, *scaling])
        self.jets, self.ring, self.domain = taylor, taylor.ring, taylor.ring.domain
        self.observables = [list(p) for p in taylor.parts[1 : 1 + len(observables)]]
        self.noise = dict(zip(noise, taylor.parts[1 + len(observables) :], strict=True))
        _refuse_unstable(scaling, taylor, taylor.parts[0][2], e)
        self._e = self._convert(e)
        self._scaling = [[self._convert(c) for c in row] for row in scaling.tolist()]
        self._kappa = self._conditional_cumulants(taylor.parts[0], self._convert(gamma))
        self._steps: dict[Monomial, list[Any]] = {(0,) * self.d: [self.ring.one] + [self.ring.zero] * self.top}
        self._solved: dict[tuple[int, int], dict[Monomial, Any]] = {}
        self._systems: dict[int, DomainMatrix] = {}

    def cumulant(self, indices: Sequence[int]) -> tuple[sp.Expr, ...]:
        """Coefficients of κ of the observables with these indices (repetition allowed)."""
        indices, zero = tuple(indices), self.ring.zero

        def moment(block: tuple[int, ...]) -> list[Any]:
            product_ = [self.ring.one] + [zero] * self.top
            for i in block:
                phi = self.observables[i]
                product_ = multiply([zero, *phi[1:]] if len(indices) > 1 else phi, product_, zero)
            return self.mean(product_)

        series = cumulant_from_moments(indices, moment, lambda f, g: multiply(f, g, self.domain.zero))
        return tuple(self.jets.expr(c) for c in series)

    def mean(self, graded: Sequence[Any]) -> list[Any]:
        """E of Σ_j h^j f_j(x), f_j homogeneous of degree j, as a series in h² = 1/t."""
        result = []
        for k in range(self.order + 1):
            total = self.domain.zero
            for j in range(2 * k + 1):
                for alpha, c in graded[j].items():
                    total = total + c * self.moment(tuple(alpha), 2 * k - j)
            result.append(total)
        return result

    def moment(self, alpha: Monomial, k: int) -> Any:
        """The coefficient of h^k in E[x^α]."""
        degree = sum(alpha)
        if (degree + k) % 2:
            return self.domain.zero
        if degree == 0:
            return self.domain.one if k == 0 else self.domain.zero
        if (degree, k) not in self._solved:
            self._solved[degree, k] = self._solve(degree, k)
        return self._solved[degree, k][alpha]

    def _solve(self, degree: int, k: int) -> dict[Monomial, Any]:
        """m = A_n m + (everything already known), A_n = F_0 on monomials of this degree."""
        monomials = list(_monomials(self.d, degree))
        known = []
        for alpha in monomials:
            step, total = self.step(alpha), self.domain.zero
            for j in range(k + 1):
                for beta, c in step[j].items():
                    if j or sum(beta) < degree:
                        total = total + c * self.moment(tuple(beta), k - j)
            known.append(total)
        if degree not in self._systems:
            rows = [
                [
                    (self.domain.one if a == b else self.domain.zero) - self.step(a)[0].coeff(self.ring({b: 1}))
                    for b in monomials
                ]
                for a in monomials
            ]
            self._systems[degree] = DomainMatrix(rows, (len(rows), len(rows)), self.domain).to_field().inv()
        vector = DomainMatrix([[c] for c in known], (len(known), 1), self.domain)
        solution = self._systems[degree] * vector
        return {alpha: solution[i, 0].element for i, alpha in enumerate(monomials)}

    def step(self, alpha: Monomial) -> list[Any]:
        """P x^α = E[(x')^α | x] as a series in h of polynomials in x, to the order that a moment of x^α can need."""
        if alpha not in self._steps:
            i = next(k for k, power in enumerate(alpha) if power)
            beta = (*alpha[:i], alpha[i] - 1, *alpha[i + 1 :])
            top = max(0, self.top - sum(alpha))
            total = [self.ring.zero] * (top + 1)
            for gamma in product(*(range(b + 1) for b in beta)):
                kappa = self._kappa.get(tuple(g + (k == i) for k, g in enumerate(gamma)))
                if kappa is not None:
                    rest = self.step(tuple(b - g for b, g in zip(beta, gamma, strict=True)))
                    factor = self.domain(prod(comb(b, g) for b, g in zip(beta, gamma, strict=True)))
                    term = multiply(kappa[: top + 1], rest[: top + 1], self.ring.zero)
                    total = [a + b * factor for a, b in zip(total, term, strict=True)]
            self._steps[alpha] = total
        return self._steps[alpha]

    def _conditional_cumulants(self, loss: Sequence[Any], gamma: Any) -> dict[Monomial, list[Any]]:
        """κ_α(x; h) of x' given x: the drift for |α| = 1, the covariance e D + (e²/4) D G D for |α| = 2, and so on."""
        d, ring, half = self.d, self.ring, self._e / self.domain(2)
        x, blank = ring.gens, [ring.zero] * (self.top + 1)
        kappa: dict[Monomial, list[Any]] = {}
        for i in range(d):
            drift = list(blank)
            drift[0] = x[i]
            for j in range(self.top + 1):
                force = [loss[j + 2].diff(x[k]) + (x[k] * gamma if j == 2 else ring.zero) for k in range(d)]
                drift[j] = drift[j] - sum(
                    (f * (s * half) for f, s in zip(force, self._scaling[i], strict=True)), ring.zero
                )
            kappa[_unit(d, (i,))] = drift
        for i, j in combinations_with_replacement(range(d), 2):
            if self._scaling[i][j]:
                kappa[_unit(d, (i, j))] = [ring(self._scaling[i][j] * self._e), *blank[1:]]
        for r in sorted({len(indices) for indices in self.noise}):
            for indices in combinations_with_replacement(range(d), r):
                series = list(blank)
                for source in product(range(d), repeat=r):  # contract every slot with D
                    parts = self.noise.get(tuple(sorted(source)))
                    weight = self.domain((-1) ** r) * half**r
                    for i, k in zip(indices, source, strict=True):
                        weight = weight * self._scaling[i][k]
                    if parts is not None and weight:
                        for j in range(r - 2, self.top + 1):
                            series[j] = series[j] + parts[j - r + 2] * weight
                alpha = _unit(d, indices)
                kappa[alpha] = [a + b for a, b in zip(kappa.get(alpha, blank), series, strict=True)]
        return kappa

    def _convert(self, value: Any) -> Any:
        return self.domain.from_sympy(sp.sympify(value))


def _refuse_unstable(scaling: sp.Matrix, taylor: Any, quadratic: Any, e: sp.Expr) -> None:
    """Stable at leading order iff 4 D^{-1}/e − H is positive definite (e λ_max(DH) < 4), decided where all is rational."""
    h = sp.Matrix([[taylor.expr(c) for c in row] for row in hessian(quadratic, taylor.ring)])
    if not scaling.is_symmetric() or scaling.is_positive_definite is False:
        raise BadInput(f"the preconditioner {scaling.tolist()} is not symmetric positive definite")
    if e.is_nonpositive:
        raise BadInput(f"the step e = {e} must be positive")
    if not (h.free_symbols | e.free_symbols | scaling.free_symbols):
        gap = 4 * scaling.inv() / e - h
        if any(gap[:k, :k].det(method="berkowitz").is_positive is False for k in range(1, gap.rows + 1)):
            raise BadInput(
                f"the chain with step e = {e} is unstable at leading order: e·λ_max(DH) must be below 4; take a smaller e"
            )


def _monomials(d: int, degree: int):
    for indices in combinations_with_replacement(range(d), degree):
        yield _unit(d, indices)


def _unit(d: int, indices: Sequence[int]) -> Monomial:
    """The exponent vector of Π_i x_i over `indices`."""
    return tuple(sum(1 for i in indices if i == k) for k in range(d))
