"""Section 4.2: the singular case. The learning coefficient of normal crossings, with the logarithm that the limit hides.

For K = x^{2a} y^{2b} with prior N(0, 1) on each coordinate, nβ⟨K⟩ → λ (eq 23), where −λ is the largest pole of
ζ(z) = ∫ K^z φ dw (eq 24): λ = min(1/2a, 1/2b), of order m = 2 if a = b and 1 otherwise. At finite t the approach is
λ − P'(log t)/P(log t) + powers of 1/t; every layer compares at finite t with that correction, never with λ alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from ledger.claim import Budget, Evidence, Figure, Series, Status
from ledger.compare import combine, contains
from ledger.evidence import estimates
from ledger.singular import claim, run
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory.singular import LOG, Asymptotics, partition

x, y = sp.symbols("x y", real=True)
DIGITS = 30
Threshold = Callable[[tuple[int, int]], sp.Rational]


def learning_coefficient(exponents: tuple[int, int]) -> sp.Rational:
    """λ = min over coordinates of 1/(2k_i) for K = Π x_i^{2k_i}."""
    return min(sp.Rational(1, 2 * k) for k in exponents)


def crossing(exponents: tuple[int, int]) -> sp.Expr:
    a, b = exponents
    return x ** (2 * a) * y ** (2 * b)


def asymptotics(exponents: tuple[int, int], poles_up_to: int = 5) -> Asymptotics:
    """Z(t) with all poles s ≤ poles_up_to: the neglected ones are smaller than t^{−poles_up_to}."""
    return partition(crossing(exponents), (x, y), domain="gaussian", poles_up_to=poles_up_to)


@dataclass(frozen=True)
class LearningCoefficient:
    """eq 23 with λ as the formula gives it; a wrong formula must be refuted by each layer."""

    formula: Threshold = learning_coefficient

    def derived(self, _: Budget) -> Evidence:
        """λ and m from the poles of ζ, and the limit of −d log Z/d log t."""
        wrong = []
        pairs = [(a, b) for a in range(1, 4) for b in range(1, 4)]
        for pair in pairs:
            Z = asymptotics(pair, 1)
            limit = sp.limit(Z.leading_mean_potential(), LOG, sp.oo)
            if not (limit == Z.threshold == self.formula(pair) and Z.multiplicity == (2 if pair[0] == pair[1] else 1)):
                wrong.append(
                    f"a, b = {pair}: ζ has its pole at −{Z.threshold} (order {Z.multiplicity}), t⟨K⟩ → {limit}"
                )
        data = {"cases": [str(pair) for pair in pairs], "wrong": wrong}
        if not wrong:
            return Evidence(Status.HOLDS, f"largest pole of ζ and limit of t⟨K⟩ for {len(pairs)} crossings", data)
        return Evidence(Status.REFUTED, wrong[0], data)

    def correction(self, exponents: tuple[int, int], t: int) -> sp.Expr:
        """t⟨K⟩ − λ at this t, from all poles (the logarithm included)."""
        Z = asymptotics(exponents)
        return Z.mean_potential(sp.Integer(t)) - Z.threshold

    def enclosed(self, _: Budget) -> Evidence:
        return combine([self._enclose(exponents) for exponents in ((1, 1), (2, 1), (3, 1))])

    def _enclose(self, exponents: tuple[int, int]) -> Evidence:
        ts = (10**4, 10**5, 10**6)
        found = [mean_potential(exponents[0], t) for t in ts]
        expected = [self.formula(exponents) + self.correction(exponents, t) for t in ts]
        with digits(DIGITS):
            meetings = [contains(b, value) for b, value in zip(found, expected, strict=True)]
            # The series is cut at t^{−5}: the ball and the cut series may differ by that much and no more.
            cut = [abs(float((b - ball(value)).mid())) for b, value in zip(found, expected, strict=True)]
        agrees = all(m.agrees or gap < 100.0 * t**-5.0 for m, gap, t in zip(meetings, cut, ts, strict=True))
        held = min(m.digits for m in meetings)
        K = crossing(exponents)
        figure = Figure(
            f"K = {K}: the approach of t⟨K⟩ to λ",
            "t = nβ",
            "t⟨K⟩",
            (
                Series("certified integrals", tuple(map(float, ts)), tuple(float(b.mid()) for b in found)),
                Series(
                    "poles and logarithms", tuple(map(float, ts)), tuple(float(sp.N(e)) for e in expected), style="line"
                ),
                Series("λ", (float(ts[0]), float(ts[-1])), (float(self.formula(exponents)),) * 2, style="line"),
            ),
            xlog=True,
        )
        data = {"digits": round(held, 1), "K": str(K), "t": list(ts)}
        if agrees:
            return Evidence(Status.HOLDS, f"{K}: {held:.0f} digits", data, (figure,))
        return Evidence(
            Status.REFUTED, f"{K}: t⟨K⟩ = {found[0].str(10)}, expected {sp.N(expected[0], 10)}", data, (figure,)
        )

    def sampled(self, budget: Budget) -> Evidence:
        return combine([self._sample(exponents, budget) for exponents in ((1, 1), (2, 1))])

    def _sample(self, exponents: tuple[int, int], budget: Budget, t: int = 20) -> Evidence:
        """The local learning coefficient by Metropolis-adjusted chains; the prior is the localisation γ = 1."""
        from sampler.llc import llc

        K = crossing(exponents)
        estimate = llc(run(K, (x, y), t, budget, epsilon=0.01, seed=23, draws=1000, burn_in=2000))
        lam = self.formula(exponents)
        prediction = float(lam + self.correction(exponents, t))
        known = {"t": t, "K": str(K), "lambda": str(lam)}
        return estimates(str(K), estimate, prediction, truncation=100.0 * t**-5.0, scale=float(lam), **known)


def mean_potential(a: int, t: int):
    """t⟨K⟩ for K = x^{2a}y², certified: y is integrated out exactly (a Gaussian with precision 1 + 2c, c = t x^{2a}).

    ∫ e^{−cy²−y²/2} dy ∝ (1+2c)^{−1/2} and ⟨c y²⟩ = c/(1+2c) given x, so one variable is left.
    """
    c = t * x ** (2 * a)
    marginal = Posterior(x**2 / 2, (x,), 1, prior=1 / sp.sqrt(1 + 2 * c), digits=DIGITS)
    return marginal.expectation(c / (1 + 2 * c))


_EQ_23 = LearningCoefficient()

CLAIMS = (
    claim("eq 23", "nβ⟨K⟩ → λ; for K = x^{2a}y^{2b}: λ = min(1/2a, 1/2b), approached as λ − (m−1)/log t + …", _EQ_23),
)
