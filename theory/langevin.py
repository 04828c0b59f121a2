"""The stationary law of the discrete Langevin chain, order by order in 1/t.

SGLD at a finite step does not sample the posterior exp(−tL). With step ε = e/t and w = w* + h x, h = t^{−1/2}, the chain

    w' = w − (ε/2) D g(w) + √ε D^{1/2} ξ,   E[g|w] = t ∇L(w) + γ(w − w*),   ξ ~ N(0, I),

becomes x' = F_0 x + h F_1(x) + h² F_2(x) + … + noise, with F_0 = I − (e/2) D H and F_j = −(e/2) D ∇L_{j+2} (and −(e/2)γ D x
in F_2: the localisation is a perturbation, γ = O(1)). Its stationary moments follow exactly, order by order, by the moment
recursion (`theory.recursion`) from the conditional cumulants of x' given x: drift, covariance e D + (e²/4) D G(hx) D, and the
higher cumulants of the gradient noise. For e → 0 the law is the posterior's and the coefficients are those of `theory.laplace`.

Where γ/t is not small, γ = c t belongs into the Hessian: `confinement` = c replaces L by L + (c/2)|w − w*|² in the dynamics,
P = H + c I for H, and leaves the observables alone. L may then be degenerate at w*.

Numbers are exact: rationals, algebraic numbers, symbols; the coefficients are then rational functions of e, γ, c, …. Floats are
refused, as everywhere in `theory`; a float is a rational, and `sympy.Rational(f)` says which.

What the series does not say:
* Stability at leading order, 0 < e λ_i(D P) < 4, is checked. It is local.
* The series is asymptotic. When ∇L grows faster than linearly the explicit chain has no stationary law: it escapes to infinity,
  with a probability per step that vanishes faster than every power of h for a start near w*. The series then describes the
  metastable law. `escapes` (`theory.escape`; `Chain.escape`) detects it for polynomial losses; nothing is forbidden.
* Other minima: transitions between wells are exponentially rare in t and are invisible in every order.
* Batches of fixed size, B = O(1): at ε = e/t their noise moves w by O(1) and not by t^{−1/2}, so no expansion in 1/t exists; B
  grows like t here (b = t/B fixed). For quadratic losses `theory.linear_chain` has the law exactly, at every t and B.

Reading order: `expectation`, `cumulant` (public), `minibatch` (gradient noise of minibatches), `Chain` and `Step`.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations_with_replacement, permutations
from math import factorial, perm, prod
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.escape import Escape, escapes
from theory.jets import exact, jets, point
from theory.laplace import cumulant_from_moments, hessian, set_partitions
from theory.minimum import locate
from theory.recursion import Monomial, Recursion, Stage, for_moments, monomials, unit

Noise = Mapping[tuple[int, ...], sp.Expr]


def expectation(
    loss: sp.Expr, phi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, order: int, at: Any = None, gamma: Any = 0,
    confinement: Any = 0, noise: Noise | None = None, preconditioner: Any = None,
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """The coefficients (c_0, …, c_order) of E φ = Σ_k c_k t^{−k} under the chain with step ε = e/t.

    e: step in units of 1/t, rational or symbol; gamma: localisation γ (fixed as t grows); confinement: c ≥ 0 for a localisation
    γ = c t that grows with t; preconditioner: a constant symmetric positive definite matrix D. noise[(i, j, …)]: the joint
    conditional cumulant of the gradient components g_i, g_j, … divided by t, an expression in `variables` (see `minibatch`); two
    or more indices, sorted; absent ones are 0.
    loss, phi, at: as in `theory.laplace`. Raises `BadInput` when the chain is unstable at leading order.
    """
    chain = Chain(
        loss, [phi], variables, e=e, order=order, at=at, gamma=gamma, confinement=confinement, noise=noise,
        preconditioner=preconditioner,
    )  # fmt: skip
    return chain.cumulant([0])


def cumulant(
    loss: sp.Expr, observables: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, e: Any, order: int, at: Any = None,
    gamma: Any = 0, confinement: Any = 0, noise: Noise | None = None, preconditioner: Any = None,
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """The coefficients (c_0, …, c_order) of the joint cumulant of `observables` under the chain; arguments as in `expectation`."""
    if not observables:
        raise BadInput("a joint cumulant needs at least one observable")
    chain = Chain(
        loss, observables, variables, e=e, order=order, at=at, gamma=gamma, confinement=confinement, noise=noise,
        preconditioner=preconditioner,
    )  # fmt: skip
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
    gradients = _ring_elements([[sp.diff(loss, v) for v in variables] for loss in losses], variables)
    n, b = len(losses), exact(ratio)
    if batch is not None and not 1 <= batch <= n:
        raise BadInput(f"a batch without replacement holds 1 to {n} of the {n} losses; it was given {batch}")

    @cache
    def moment(block: tuple[int, ...]) -> list[Any]:
        if batch is None:
            return [_power_sum(gradients, block) * sp.Rational(1, n)]
        return [_batch_moment(gradients, block, batch)]

    def cumulant_of(indices: tuple[int, ...]) -> sp.Expr:
        (value,) = cumulant_from_moments(indices, moment, lambda f, g: [f[0] * g[0]])
        return sp.expand(value.as_expr())

    scale = b if batch is None else b * batch
    return {
        indices: scale ** (r - 1) * cumulant_of(indices)
        for r in range(2, order + 1)
        for indices in combinations_with_replacement(range(len(variables)), r)
    }


def _ring_elements(rows: list[list[Any]], variables: Sequence[sp.Symbol]) -> list[list[Any]]:
    """The same as polynomials, where all of them are."""
    if all(f.is_polynomial(*variables) for row in rows for f in row):
        return [[sp.Poly(f, *variables) for f in row] for row in rows]
    return rows


def _batch_moment(gradients: Sequence[Sequence[Any]], indices: tuple[int, ...], batch: int) -> Any:
    """E Π_a ḡ_{i_a} = Σ_π (B)_k/(n)_k Σ_{z_1 ≠ … ≠ z_k} Π_b Π_{a∈b} g_{i_a}(z_b) / B^r, ḡ the mean of B different gradients."""
    n, total = len(gradients), sp.S.Zero
    for partition in set_partitions(tuple(range(len(indices)))):
        k = len(partition)
        if k > batch:
            continue
        distinct = sum(  # Möbius inversion over the coarser partitions: sums over different z from free sums
            prod(_power_sum(gradients, [indices[a] for j in c for a in partition[j]]) for c in coarser)
            * prod((-1) ** (len(c) - 1) * factorial(len(c) - 1) for c in coarser)
            for coarser in set_partitions(tuple(range(k)))
        )
        total += distinct * sp.Rational(perm(batch, k), perm(n, k))
    return total * sp.Rational(1, batch ** len(indices))


def _power_sum(gradients: Sequence[Sequence[Any]], indices: Sequence[int]) -> Any:
    return sum(prod(g[i] for i in indices) for g in gradients)


class Chain(Recursion):
    """The moment recursion for one chain and several observables, to order t^{−order}."""

    def __init__(
        self, loss: sp.Expr, observables: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, e: Any, order: int,
        at: Any = None, gamma: Any = 0, confinement: Any = 0, noise: Noise | None = None, preconditioner: Any = None,
    ):  # fmt: skip
        refuse_order(order)
        loss, e, gamma, confinement = map(exact, (loss, e, gamma, confinement))
        d, top = len(variables), 2 * order
        self.loss, self.variables = loss, tuple(variables)
        self.at = locate_confined(loss, variables, at, confinement)
        scaling = sp.eye(d) if preconditioner is None else sp.Matrix(preconditioner).applyfunc(exact)
        noise = dict(noise or {})
        refuse_noise(noise, variables)
        expressions = [loss, *observables, *noise.values()]
        orders = [top + 2] + [top] * (len(expressions) - 1)
        taylor = jets(expressions, variables, self.at, orders, extra=[e, gamma, confinement, *scaling])
        convert = taylor.domain.from_sympy
        loss_parts, *parts = taylor.parts
        potential = confined(loss_parts[2:], taylor.ring, convert(confinement), convert(gamma), taylor.ring.gens)
        curvature = [[taylor.expr(c) for c in row] for row in hessian(potential[0], taylor.ring)]
        refuse_unstable(scaling, sp.Matrix(curvature), e)
        step = Step(taylor.ring, convert(e), [[convert(c) for c in row] for row in scaling.tolist()])
        given = {indices: parts[len(observables) + k] for k, indices in enumerate(noise)}
        stage = Stage(taylor.ring, step.conditional_cumulants(potential, given), for_moments(top))
        super().__init__(taylor, [stage], parts[: len(observables)], top)

    @property
    def escape(self) -> Escape | None:
        """Whether the law described is metastable only: `theory.escape.escapes` of the loss, None also where L is no polynomial."""
        polynomial = self.loss.is_polynomial(*self.variables) and not self.loss.free_symbols - set(self.variables)
        return escapes(self.loss, self.variables) if polynomial else None


class Step:
    """One step x' = x − (e/2) D g + √e D^{1/2} ξ as conditional cumulants."""

    def __init__(self, ring: Any, e: Any, scaling: list[list[Any]]):
        self.ring, self.e, self.scaling = ring, e, scaling
        self.half = e / ring.domain(2)

    def conditional_cumulants(self, potential: Sequence[Any], noise: Mapping) -> dict[Monomial, list[Any]]:
        """κ_α(x; h) of x' given x: the drift for |α| = 1, the covariance e D + (e²/4) D G D for |α| = 2, and so on."""
        ring, d = self.ring, self.ring.ngens
        kappa: dict[Monomial, list[Any]] = {}

        def step(i: int, part: Any) -> Any:
            return ring.add([part.diff(x) * (-self.half * self.scaling[i][k]) for k, x in enumerate(ring.gens)])

        for i, x in enumerate(ring.gens):
            drift = [step(i, part) for part in potential]
            kappa[unit(d, (i,))] = [x + drift[0], *drift[1:]]
        for i, j in combinations_with_replacement(range(d), 2):
            kappa[unit(d, (i, j))] = [ring(self.scaling[i][j] * self.e)] + [ring.zero for _ in potential[1:]]
        for source, parts in noise.items():
            in_powers_of_h = [ring.zero] * (len(source) - 2) + list(parts)
            for target in combinations_with_replacement(range(d), len(source)):
                alpha, weight = unit(d, target), self.contraction(target, source)
                known = kappa.get(alpha, [ring.zero for _ in potential])
                kappa[alpha] = [c + in_powers_of_h[j] * weight for j, c in enumerate(known)]
        return kappa

    def contraction(self, target: Sequence[int], source: Sequence[int]) -> Any:
        """Σ Π_k (−e/2) D_{i_k j_k} over the different orderings j of `source`, i = `target`."""
        return sum(
            prod(map(lambda i, j: -self.half * self.scaling[i][j], target, ordering))
            for ordering in set(permutations(source))
        )


def confined(potential: Sequence[Any], ring: Any, confinement: Any, gamma: Any, variables: Sequence[Any]) -> list[Any]:
    """The parts of degree 2, 3, … of L + (c/2)|x|², and (γ/2)|x|² two orders of h later."""
    parts, square = list(potential), ring.add([x**2 for x in variables])
    parts[0] = parts[0] + square * (confinement / ring.domain(2))
    if len(parts) > 1:
        parts[2] = parts[2] + square * (gamma / ring.domain(2))
    return parts


def locate_confined(
    loss: sp.Expr, variables: Sequence[sp.Symbol], at: Any, confinement: sp.Expr
) -> dict[sp.Symbol, sp.Expr]:  # fmt: skip
    """The minimum w*: of L, or, named by `at`, of L + (c/2)|w − at|², for which L may be flat or saddle-shaped at w*."""
    if at is None:
        return locate(loss, variables)
    place = point(variables, at)
    return locate(loss + confinement / 2 * sp.Add(*((v - place[v]) ** 2 for v in variables)), variables, at)


def refuse_order(order: Any) -> None:
    if not isinstance(order, int) or order < 0:
        raise BadInput(f"order must be an integer ≥ 0, got {order!r}")


def refuse_noise(noise: Noise, variables: Sequence[sp.Symbol]) -> None:
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


__all__ = [
    "Chain",
    "Monomial",
    "Noise",
    "cumulant",
    "escapes",
    "expectation",
    "minibatch",
    "monomials",
    "refuse_unstable",
]
