"""Section 4.2: deep linear networks, the one family of networks whose learning coefficients are known in closed form.

K = ∥W_L ⋯ W_1 − A∥² for a true map A of rank r. λ and m follow from the widths alone (Aoyagi 2024; one hidden layer is reduced rank
regression, Aoyagi and Watanabe 2005). Derived by resolving the ideal of the product's entries; enclosed where one layer can be
integrated by hand, so that Z(t) is Tricomi's function with its logarithms; sampled by SGLD, step effects taken out.

Reading order: `deep_linear`, `network`, `DeepLinear`, `CLAIMS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import sympy as sp
from flint import acb, arb

from ledger.claim import Budget, Evidence, Status
from ledger.compare import combine
from ledger.evidence import encloses, estimates
from ledger.singular import at_finite_t, claim, resolved_ideal
from numerics.posterior import Posterior
from numerics.precision import ball, digits, rational
from theory import known

R = sp.Rational
r = sp.Symbol("r", real=True)
DIGITS = 24
Widths = tuple[int, ...]
DlnFormula = Callable[[Widths, int], tuple[sp.Rational, int]]


def deep_linear(widths: Widths, rank: int = 0) -> tuple[sp.Rational, int]:
    """(λ, m) by Aoyagi's formula, `theory.known.deep_linear`."""
    found = known.deep_linear(widths, rank)
    return found.value, found.multiplicity


@cache
def network(widths: Widths, rank: int = 0) -> tuple[list[sp.Expr], tuple[sp.Symbol, ...]]:
    """(the entries of W_L … W_1 less the true map, the weights), at the point where each W_i holds the identity of size `rank`."""
    weights = [
        sp.Matrix(b, a, lambda i, j, k=k: sp.Symbol(f"w{k}_{i}{j}", real=True))
        for k, (a, b) in enumerate(pairwise(widths))
    ]
    product = sp.eye(widths[0])
    for W in weights:
        product = (W + sp.Matrix(W.rows, W.cols, lambda i, j: int(bool(i == j and i < rank)))) * product
    target = sp.Matrix(widths[-1], widths[0], lambda i, j: int(bool(i == j and i < rank)))
    return [sp.expand(e) for e in product - target], tuple(v for W in weights for v in W)


@dataclass(frozen=True)
class DeepLinear:
    """λ and m of deep linear networks as the formula gives them."""

    formula: DlnFormula = deep_linear

    def derived(self, _: Budget) -> Evidence:
        """The ideal of the product's entries, resolved, with certificates; the formula at (5, 3, 5)."""
        cases = (
            ((1, 1, 1), 0), ((2, 1, 2), 0), ((1, 2, 1), 0), ((2, 2, 1), 0), ((2, 2, 2), 0), ((3, 2, 3), 0), ((1, 1, 1, 1), 0),
            ((1, 2, 2, 1), 0), ((2, 2, 2), 1), ((3, 2, 2), 1), ((2, 3, 2), 1),
        )  # fmt: skip
        wrong = [] if self.formula((5, 3, 5), 0)[0] == R(13, 2) else ["(5, 3, 5): expected 13/2"]
        for widths, rank in cases:
            entries, weights = network(widths, rank)
            found, expected = resolved_ideal(entries, weights), self.formula(widths, rank)
            if found != expected:
                wrong.append(f"{widths}, rank {rank}: resolution gives {found}, the formula {expected}")
        data = {"cases": [str(case) for case in cases], "wrong": wrong}
        if wrong:
            return Evidence(Status.REFUTED, wrong[0], data)
        return Evidence(Status.HOLDS, f"λ and m of {len(cases)} networks by resolution, certificates verified", data)

    def enclosed(self, _: Budget) -> Evidence:
        return combine(
            [self._partition(widths, t) for widths in ((2, 1, 2), (1, 2, 1), (3, 1, 2)) for t in (100, 10**4)]
        )

    def _partition(self, widths: Widths, t: int) -> Evidence:
        """Z(t) = ⟨(1 + 2ts)^{−b/2}⟩, s ∼ χ²_a, by quadrature in v = √s, against Tricomi's function, whose logarithms are known."""
        a, b = chi_square(widths)
        lam, m = resolved_network(widths)
        with digits(DIGITS):
            weight = v_density(a) * (1 + 2 * t * r**2) ** R(-b, 2)
            norm = ball(2 ** (R(a, 2) - 1) * sp.gamma(R(a, 2)))
            found = Posterior(r**2 / 2, (r,), 1, prior=weight, digits=DIGITS, domain=(0, sp.oo)).partition() / norm
            scale = 4 * arb(t)  # Z = (4t)^{−a/2} U(a/2, 1 + a/2 − b/2, 1/4t)
            value = scale ** (-arb(a) / 2) * acb(1 / scale).hypgeom_u(acb(arb(a) / 2), acb(1 + arb(a - b) / 2)).real
            claimed, order = self.formula(widths, 0)
            shift = (arb(rational(lam - claimed)) * arb(t).log()).exp() * arb(t).log() ** (order - m)
            return encloses(f"Z({t}), widths {widths}", found, value * shift)

    def sampled(self, budget: Budget) -> Evidence:
        return combine([self._sample(widths, budget, 50 + 2 * i) for i, widths in enumerate(((2, 1, 2), (1, 2, 1)))])

    def _sample(self, widths: Widths, budget: Budget, seed: int, t: int = 5) -> Evidence:
        """The local learning coefficient by SGLD at two steps; the approach to λ by quadrature.

        The weights on the valley's far arms are stiff, so that the first order of the step is not enough: it is taken out of each
        run, and the second by (4c(ε/2) − c(ε))/3. What is left is smaller than what that last move changed.
        """
        from sampler.diagnostics import Estimate

        coarse, fine = (
            _chains(widths, 250 * budget.effort, seed + i, t, step) for i, step in enumerate((0.006, 0.003))
        )
        found = Estimate(
            (4 * fine.mean - coarse.mean) / 3, ((4 * fine.sem) ** 2 + coarse.sem**2) ** 0.5 / 3, fine.ess, fine.rhat
        )  # fmt: skip
        left = abs(float(fine.mean - coarse.mean)) / 3
        lam, m = self.formula(widths, 0)
        true, order = resolved_network(widths)
        prediction = at_finite_t(mean_potential(widths, t), float(true), float(lam)) - (m - order) / float(sp.log(t))
        return estimates(f"widths {widths}", found, prediction, truncation=left, scale=float(lam), t=t)


@cache
def _chains(widths: Widths, draws: int, seed: int, t: int, step: float) -> Any:
    """t⟨K⟩ by SGLD, the step taken out to first order."""
    import jax

    from sampler import chain, correction
    from sampler.kernels.sgld import sgld

    posterior, observables = _posterior(widths, t)
    chains = chain.run(
        jax.random.key(seed), sgld(step), posterior, chains=512, draws=draws, burn_in=1500, thin=20, observables=observables
    )  # fmt: skip
    return correction.mean(chains).scale(t)


@cache
def _posterior(widths: Widths, t: int) -> tuple[Any, dict[str, Any]]:
    """The posterior to sample and what the correction needs of it: one pair, so that both steps run the same program."""
    import jax.numpy as jnp

    from sampler import correction
    from sampler.lower import lower_loss
    from sampler.posterior import LocalPosterior

    entries, weights = network(widths)
    loss = lower_loss(sp.Add(*(e**2 for e in entries)), weights)
    posterior = LocalPosterior(loss, jnp.zeros((1, 0)), jnp.zeros(len(weights)), t, 1.0)
    return posterior, correction.laplacians(posterior, {})


def resolved_network(widths: Widths) -> tuple[sp.Expr, int]:
    """(λ, m) by resolution: what the finite-t corrections are relative to."""
    return resolved_ideal(*network(widths))


def chi_square(widths: Widths) -> tuple[int, int]:
    """(a, b): one layer integrated exactly, the other left with s ∼ χ²_a, for networks of one hidden layer with a width of 1.

    H_1 = 1: K = |A|²|B|², a = H_0, b = H_2. H_0 = H_2 = 1: K = (A·B)², a = H_1, b = 1.
    """
    first, hidden, last = widths
    return (first, last) if hidden == 1 else (hidden, 1)


def v_density(a: int) -> sp.Expr:
    """v^{a−1}, to go with e^{−v²/2}: the density of v = √s, s ∼ χ²_a."""
    return r ** (a - 1)


def mean_potential(widths: Widths, t: int) -> float:
    """t⟨K⟩ = ⟨b ts/(1 + 2ts)⟩ under s's share of the posterior."""
    a, b = chi_square(widths)
    weight = v_density(a) * (1 + 2 * t * r**2) ** R(-b, 2)
    share = Posterior(r**2 / 2, (r,), 1, prior=weight, digits=14, domain=(0, sp.oo))
    return float(share.expectation(b * t * r**2 / (1 + 2 * t * r**2)).mid())


_DLN = DeepLinear()

CLAIMS = (
    claim(
        "DLN",
        "Deep linear network: λ = [r(H_0+H_L) − r²]/2 + a(ℓ−a)/(4ℓ) − (ℓ(ℓ−1)/4)(Σ_S/ℓ)² + ½ Σ_{i<j∈S} M_iM_j, m = a(ℓ−a)+1, "
        "M_s = H_s − r, M = ⌈Σ_S/ℓ⌉, a = Σ_S − (M−1)ℓ",
        _DLN,
    ),
)  # fmt: skip
