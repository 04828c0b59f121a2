"""The partition function of the regular case (eq 11): Z = e^{−tL(w*)} (2π/t)^{d/2} det(H)^{−1/2} (1 + O(1/t)).

derived    the Gaussian factor by completing the square; the coefficients beyond it by moments and by vacuum diagrams
enclosed   log Z less the Gaussian factor, extrapolated: 0 at t⁰, the vacuum diagrams at 1/t
sampled    chains do not see Z but its derivatives: −∂ log Z/∂t = ⟨L⟩ holds the exponent d/2, −∂ log Z/∂θ = t⟨∂L/∂θ⟩ the determinant
"""

from collections.abc import Callable

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.coefficient import CoefficientClaim, Problem
from ledger.compare import combine
from ledger.evidence import encloses, vanishes
from ledger.regular import QUARTIC_1D, ROTATED_2D, curved, generic, x, y
from numerics import extrapolate
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory import diagrams, laplace
from theory.tensors import generic_symmetric

theta = sp.Symbol("theta", real=True)


def gaussian_factor(problem: Problem, t: int) -> arb:
    """log of e^{−tL(w*)} (2π/t)^{d/2} det(H)^{−1/2} (eq 11), as a ball."""
    level = problem.loss.subs(problem.data.at)
    d = len(problem.variables)
    return -t * ball(level) + d * (2 * arb.pi() / t).log() / 2 - ball(problem.data.H.det()).log() / 2


PARTITIONS = (Problem(QUARTIC_1D + 1, (), (x,)), Problem(ROTATED_2D - sp.Rational(1, 3), (), (x, y)))


def derive_partition(factor=lambda problem: sp.sqrt(1 / problem.data.H.det())) -> Evidence:
    """eq 11: the Gaussian integral ∫ e^{−½ t xᵀHx} dx, coordinate after coordinate, and log Z beyond it by two roads."""
    t, k, m = sp.symbols("t k m", positive=True)
    c = sp.Symbol("c", real=True)
    quadratic = Problem(k * x**2 / 2 + c * x * y + (m + c**2 / k) * y**2 / 2, (), (x, y), (sp.S.Zero, sp.S.Zero))
    over_x = sp.integrate(sp.exp(-t * k * x**2 / 2), (x, -sp.oo, sp.oo))  # after x → x − cy/k
    over_y = sp.integrate(sp.exp(-t * m * y**2 / 2), (y, -sp.oo, sp.oo))
    completed = sp.expand(k * (x + c * y / k) ** 2 / 2 + m * y**2 / 2 - quadratic.loss)
    gaussian = sp.simplify(over_x * over_y / ((2 * sp.pi / t) * sp.simplify(factor(quadratic))))
    problem = generic(2, ())
    series = laplace.log_partition(problem.loss, problem.variables, order=2, at=problem.at)
    by_graphs = [diagrams.cumulant(problem.loss, [], problem.variables, order=k) for k in (1, 2)]
    stirling = laplace.log_partition(sp.exp(x) - 1 - x, (x,), order=3)
    differences = {
        "completing the square": completed,
        "Gaussian integral": gaussian - 1,
        "t⁰": series[0],
        "t⁻¹": series[1] - by_graphs[0],
        "t⁻²": series[2] - by_graphs[1],
        "Stirling's 1/(12t)": stirling[1] - sp.Rational(1, 12),
        "Stirling's −1/(360t³)": stirling[3] + sp.Rational(1, 360),
    }
    return vanishes("log Z", differences, "Gaussian factor, and O(1/t) beyond it by moments and by diagrams")


def enclose_partition(problem: Problem, factor: Callable[[Problem, int], arb] = gaussian_factor) -> Evidence:
    """log Z less its Gaussian factor on a ladder of t: the coefficient of t⁰ is 0, that of 1/t the sum of vacuum diagrams."""
    first = diagrams.cumulant(problem.loss, [], problem.variables, order=1, at=problem.at)

    def value(t: int) -> arb:
        return Posterior(problem.loss, problem.variables, t, digits=40).log_partition() - factor(problem, t)

    with digits(40):
        zeroth, next_one = extrapolate.coefficients(value, order=1, target_digits=20)
        parts = [encloses("log Z, t⁰", zeroth.ball, sp.S.Zero), encloses("log Z, 1/t", next_one.ball, first)]
    return combine(parts)


def exponent(problem: Problem) -> sp.Expr:
    """t⟨L − L(w*)⟩ → d/2, from (2π/t)^{d/2}."""
    return sp.Rational(len(problem.variables), 2)


def determinant(problem: Problem) -> sp.Expr:
    """t⟨M⟩ → ½ ∂_θ log det D²(L + θM) at θ = 0, from det(H)^{−1/2}; M is the problem's observable."""
    moved = sp.hessian(problem.loss + theta * problem.observables[0], problem.variables).subs(problem.data.at)
    return sp.diff(sp.log(moved.det()), theta).subs(theta, 0) / 2


EXPONENT = CoefficientClaim(
    "t⟨L − L(w*)⟩", exponent, 1,
    generic=(generic(2, (), loss_observable=True),), cases=(Problem(ROTATED_2D, (ROTATED_2D,), (x, y)),),
)  # fmt: skip
DETERMINANT = CoefficientClaim(
    "t⟨∂L/∂θ⟩", determinant, 1,
    generic=(curved((generic_symmetric("M", (x, y), 2),)),), cases=(Problem(ROTATED_2D, (x**2 / 2 - x * y / 3 + y**2,), (x, y)),),
)  # fmt: skip


def _derived(budget: Budget) -> Evidence:
    return combine([derive_partition(), EXPONENT.derived(budget), DETERMINANT.derived(budget)])


def _enclosed(_: Budget) -> Evidence:
    return combine([enclose_partition(problem) for problem in PARTITIONS])


def _sampled(budget: Budget) -> Evidence:
    return combine([EXPONENT.sampled(budget), DETERMINANT.sampled(budget)])


CLAIM = Claim(
    "eq 11", ("eq 11",), "4.1", "Z = e^{−tL(w*)} (2π/t)^{d/2} det(H)^{−1/2} (1 + O(1/t))", _derived, _enclosed, _sampled
)
