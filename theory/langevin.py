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

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, permutations, product
from math import comb, factorial, perm, prod
from operator import sub
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from theory.errors import BadInput
from theory.jets import exact, jets, multiply
from theory.laplace import cumulant_from_moments, hessian, set_partitions
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
    divided by t, an expression in `variables` (see `minibatch`); two or more indices, sorted; absent ones are 0.
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


def minibatch(
    losses: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, ratio: Any, order: int = 3, batch: int | None = None
) -> dict:  # fmt: skip
    """The noise, up to the cumulant `order`, of batches of size B from equally likely `losses` ℓ_z; the ratio b = t/B is fixed.

    Drawn with replacement (batch=None), the r-th cumulant of g divided by t is b^{r−1} κ_r(∇ℓ_z). Drawn *without* replacement,
    `batch` of the n losses, it is b^{r−1} B^{r−1} κ_r(batch mean), with the finite-population factors that follow:
    (n − B)/(n − 1) for r = 2, (n − B)(n − 2B)/((n − 1)(n − 2)) for r = 3, exactly. They are numbers of this B and n, so they
    hold at the t = bB at which the batch is used. Raises `BadInput` unless 1 ≤ B ≤ n.
    """
    gradients = [[sp.diff(loss, v) for v in variables] for loss in losses]
    n, b = len(losses), exact(ratio)
    if batch is not None and not 1 <= batch <= n:
        raise BadInput(f"a batch without replacement holds 1 to {n} of the {n} losses; it was given {batch}")

    def moment(block: tuple[int, ...]) -> list[sp.Expr]:
        if batch is None:
            return [sp.Add(*(sp.Mul(*(g[i] for i in block)) for g in gradients)) / n]
        return [_batch_moment(gradients, block, batch)]

    def cumulant_of(indices: tuple[int, ...]) -> sp.Expr:
        (value,) = cumulant_from_moments(indices, moment, lambda f, g: [f[0] * g[0]])
        return sp.expand(value)

    scale = b if batch is None else b * batch
    return {
        indices: scale ** (r - 1) * cumulant_of(indices)
        for r in range(2, order + 1)
        for indices in combinations_with_replacement(range(len(variables)), r)
    }


def _batch_moment(gradients: Sequence[Sequence[sp.Expr]], indices: tuple[int, ...], batch: int) -> sp.Expr:
    """E Π_a ḡ_{i_a} = Σ_π (B)_k/(n)_k Σ_{z_1 ≠ … ≠ z_k} Π_b Π_{a∈b} g_{i_a}(z_b) / B^r, ḡ the mean of B different gradients."""
    n, total = len(gradients), sp.S.Zero
    for partition in set_partitions(tuple(range(len(indices)))):
        k = len(partition)
        if k > batch:
            continue
        distinct = sp.Add(  # Möbius inversion over the coarser partitions: sums over different z from free sums
            *(
                prod((-1) ** (len(c) - 1) * factorial(len(c) - 1) for c in coarser)
                * sp.Mul(*(_power_sum(gradients, [indices[a] for j in c for a in partition[j]]) for c in coarser))
                for coarser in set_partitions(tuple(range(k)))
            )
        )
        total += sp.Rational(perm(batch, k), perm(n, k)) * distinct
    return sp.expand(total) / batch ** len(indices)


def _power_sum(gradients: Sequence[Sequence[sp.Expr]], indices: Sequence[int]) -> sp.Expr:
    return sp.Add(*(sp.Mul(*(g[i] for i in indices)) for g in gradients))


class Chain:
    """The moment recursion for one chain and several observables, to order t^{−order}."""

    def __init__(
        self, loss: sp.Expr, observables: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, e: Any, order: int,
        at: Any = None, gamma: Any = 0, noise: Noise | None = None, preconditioner: Any = None,
    ):  # fmt: skip
        if not isinstance(order, int) or order < 0:
            raise BadInput(f"order must be an integer ≥ 0, got {order!r}")
        loss, e, gamma = exact(loss), exact(e), exact(gamma)
        self.d, self.top = len(variables), 2 * order
        self.at = at = locate(loss, variables, at)
        scaling = sp.eye(self.d) if preconditioner is None else sp.Matrix(preconditioner).applyfunc(exact)
        noise = dict(noise or {})
        _refuse_noise(noise, variables)
        expressions = [loss, *observables, *noise.values()]
        orders = [self.top + 2] + [self.top] * (len(expressions) - 1)
        taylor = jets(expressions, variables, at, orders, extra=[e, gamma, *scaling])
        self.jets, self.ring, self.domain = taylor, taylor.ring, taylor.ring.domain
        loss_parts, *parts = taylor.parts
        self.observables = parts[: len(observables)]
        self.noise = {indices: parts[len(observables) + k] for k, indices in enumerate(noise)}
        curvature = [[taylor.expr(c) for c in row] for row in hessian(loss_parts[2], self.ring)]
        refuse_unstable(scaling, sp.Matrix(curvature), e)
        self._e = self._convert(e)
        self._scaling = [[self._convert(c) for c in row] for row in scaling.tolist()]
        self._kappa = self._conditional_cumulants(loss_parts, self._convert(gamma))
        self._steps: dict[Monomial, list[Any]] = {(0,) * self.d: self._at_leading_order(self.ring.one)}
        self._solved: dict[tuple[int, int], dict[Monomial, Any]] = {}
        self._systems: dict[int, DomainMatrix] = {}

    def cumulant(self, indices: Sequence[int]) -> tuple[sp.Expr, ...]:
        """Coefficients of κ of the observables with these indices (repetition allowed)."""
        indices = tuple(indices)

        def moment(block: tuple[int, ...]) -> list[Any]:
            centred = self._at_leading_order(self.ring.one)
            for i in block:
                centred = multiply(self.centred(i), centred, self.ring.zero)
            return self.mean(centred)

        series = cumulant_from_moments(indices, moment, lambda f, g: multiply(f, g, self.domain.zero))
        if len(indices) == 1:  # constants drop out of all other cumulants
            series[0] = series[0] + self.observables[indices[0]][0].coeff(1)
        return tuple(self.jets.expr(c) for c in series)

    def mean(self, graded: Sequence[Any]) -> list[Any]:
        """E of Σ_j h^j f_j(x), f_j homogeneous of degree j, as a series in h² = 1/t."""
        result = []
        for k in range(0, len(graded), 2):
            total = self.domain.zero
            for j in range(k + 1):
                for alpha, c in graded[j].items():
                    total = total + c * self.moment(tuple(alpha), k - j)
            result.append(total)
        return result

    def moment(self, alpha: Monomial, k: int) -> Any:
        """The coefficient of h^k in E[x^α]."""
        degree = sum(alpha)
        if degree % 2 != k % 2:
            return self.domain.zero
        if degree == 0:
            return self.domain.one if k == 0 else self.domain.zero
        if (degree, k) not in self._solved:
            self._solved[degree, k] = self._solve(degree, k)
        return self._solved[degree, k][alpha]

    def _solve(self, degree: int, k: int) -> dict[Monomial, Any]:
        """m = A_n m + (everything already known), A_n = F_0 on monomials of this degree."""
        alphas = list(monomials(self.d, degree))
        known = []
        for alpha in alphas:
            step, total = self.step(alpha), self.domain.zero
            for j in range(k + 1):
                for beta, c in step[j].items():
                    if j or sum(beta) < degree:
                        total = total + c * self.moment(tuple(beta), k - j)
            known.append(total)
        if degree not in self._systems:
            leading = self.leading(degree)
            self._systems[degree] = (leading.eye(leading.shape, self.domain) - leading).to_field().inv()
        vector = DomainMatrix([[c] for c in known], (len(known), 1), self.domain)
        solution = self._systems[degree] * vector
        return {alpha: solution[i, 0].element for i, alpha in enumerate(alphas)}

    def leading(self, degree: int) -> DomainMatrix:
        """F_0 on monomials of this degree: row α holds the top part of P x^α at h^0."""
        rows = [
            [self.step(a)[0].coeff(self.ring({b: 1})) for b in monomials(self.d, degree)]
            for a in monomials(self.d, degree)
        ]
        return DomainMatrix(rows, (len(rows), len(rows)), self.domain)

    def centred(self, i: int) -> list[Any]:
        """Observable i without its value at w*, as a series in h."""
        return [self.ring.zero, *self.observables[i][1:]]

    def step(self, alpha: Monomial) -> list[Any]:
        """P x^α = E[(x')^α | x] as a series in h of polynomials in x, to the order that a moment of x^α can need."""
        if alpha not in self._steps:
            i = next(k for k, power in enumerate(alpha) if power)
            beta = (*alpha[:i], alpha[i] - 1, *alpha[i + 1 :])
            needed = self.top + 1 - sum(alpha)
            terms = []
            for gamma in product(*(range(b + 1) for b in beta)):
                kappa = self._kappa.get(tuple(g + (k == i) for k, g in enumerate(gamma)))
                if kappa is not None:
                    rest = self.step(tuple(map(sub, beta, gamma)))
                    factor = self.domain(prod(map(comb, beta, gamma)))
                    terms.append([c * factor for c in multiply(kappa[:needed], rest, self.ring.zero)])
            self._steps[alpha] = list(map(self.ring.add, *terms))
        return self._steps[alpha]

    def _conditional_cumulants(self, loss: Sequence[Any], gamma: Any) -> dict[Monomial, list[Any]]:
        """κ_α(x; h) of x' given x: the drift for |α| = 1, the covariance e D + (e²/4) D G D for |α| = 2, and so on."""
        d, ring, half = self.d, self.ring, self._e / self.domain(2)
        kappa: dict[Monomial, list[Any]] = {}
        potential = list(loss[2:])
        if self.top:
            potential[2] = potential[2] + ring.add([x**2 for x in ring.gens]) * (gamma / self.domain(2))

        def step(i: int, part: Any) -> Any:
            return ring.add([part.diff(x) * (-half * self._scaling[i][k]) for k, x in enumerate(ring.gens)])

        for i, x in enumerate(ring.gens):
            drift = [step(i, part) for part in potential]
            kappa[_unit(d, (i,))] = [x + drift[0], *drift[1:]]
        for i, j in combinations_with_replacement(range(d), 2):
            kappa[_unit(d, (i, j))] = self._at_leading_order(ring(self._scaling[i][j] * self._e))
        for source, parts in self.noise.items():
            in_powers_of_h = [ring.zero] * (len(source) - 2) + list(parts)
            for target in combinations_with_replacement(range(d), len(source)):
                alpha, weight = _unit(d, target), self._contraction(target, source, half)
                known = kappa.get(alpha, [ring.zero for _ in potential])
                kappa[alpha] = [c + in_powers_of_h[j] * weight for j, c in enumerate(known)]
        return kappa

    def _contraction(self, target: Sequence[int], source: Sequence[int], half: Any) -> Any:
        """Σ Π_k (−e/2) D_{i_k j_k} over the different orderings j of `source`, i = `target`."""
        return sum(
            prod(map(lambda i, j: -half * self._scaling[i][j], target, ordering))
            for ordering in set(permutations(source))
        )

    def _at_leading_order(self, element: Any) -> list[Any]:
        """The series in h with this element alone, at h^0."""
        return [element] + [self.ring.zero] * self.top

    def _convert(self, value: Any) -> Any:
        return self.domain.from_sympy(sp.sympify(value))


def _refuse_noise(noise: Noise, variables: Sequence[sp.Symbol]) -> None:
    for indices in noise:
        if len(indices) < 2 or tuple(sorted(indices)) != indices or not set(indices) <= set(range(len(variables))):
            names = ", ".join(map(str, variables))
            raise BadInput(
                f"noise[{indices}] is not a cumulant: two or more indices of {names} in order, counted from 0"
            )


def refuse_unstable(scaling: sp.Matrix, h: sp.Matrix, e: sp.Expr) -> None:
    """Stable at leading order iff 4 D^{-1}/e − H is positive definite (e λ_max(DH) < 4), decided where all is rational."""
    if not scaling.is_symmetric() or scaling.is_positive_definite is False:
        raise BadInput(f"the preconditioner {scaling.tolist()} is not symmetric positive definite")
    if e.is_nonpositive:
        raise BadInput(f"the step e = {e} must be positive")
    if (4 * scaling.inv() / e - h).is_positive_definite is False:
        raise BadInput(
            f"the chain with step e = {e} is unstable at leading order: e·λ_max(DH) must be below 4; take a smaller e"
        )


def monomials(d: int, degree: int) -> Iterator[Monomial]:
    """The exponent vectors of d variables and this degree."""
    for indices in combinations_with_replacement(range(d), degree):
        yield _unit(d, indices)


def _unit(d: int, indices: Sequence[int]) -> Monomial:
    """The exponent vector of Π_i x_i over `indices`."""
    return tuple(sum(1 for i in indices if i == k) for k in range(d))
