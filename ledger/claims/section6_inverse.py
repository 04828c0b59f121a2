"""Section 6.5.2: how to invert an estimated X̂. The ridge inverse, and what noise does to X̂⁺.

R_η = (XᵀX + η)⁻¹Xᵀ puts σ/(σ² + η) for 1/σ: bounded by 1/(2√η), real analytic in X, with relative bias η/(σ² + η) mode by mode.
X⁺ is neither bounded nor continuous where the rank changes; inside a rank its derivative is of size 1/σ².

Estimation and inversion do not commute: E[X̂⁺] ≠ (E X̂)⁺. To second order in independent noise of variance v,

    E[X̂⁺] − X⁺ = −(n − k − 1) v Xᵀ(XXᵀ)⁻²          (k ≤ n independent rows),

so a mode is pushed too hard when n = k and too little when n > k + 1. For Gaussian noise E|X̂⁺| is finite only for |n − k| ≥ 1 and
E|X̂⁺|² only for |n − k| ≥ 2, since σ_min has a density like σ^{|n−k|} at 0 (Edelman, SIAM J. Matrix Anal. Appl. 9, 1988; the mean
of the inverse Wishart matrix is I/(n − k − 1): Muirhead, Aspects of Multivariate Statistical Theory, 1982); that of R_η is finite
always. n counts the directions in which X̂ is free: one less than the data for centred rows.
"""

from collections.abc import Callable
from functools import lru_cache

import sympy as sp
from flint import acb, arb

from ledger.claim import Budget, Claim, Evidence, Status
from ledger.claims.section5 import DEPENDENT, GENERIC, TALL, TARGET, TWIN
from ledger.compare import combine
from ledger.evidence import encloses, estimates, vanishes
from ledger.patterning import DIGITS, DRAWS, EVEN, MODEL, N, directed, exact, fresh_sample, sample, steps
from numerics import patterning as balls
from numerics.patterning import DataModel, column, rationals
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory import patterning
from theory.rational import lowest_terms

R = sp.Rational
Factor = Callable[[sp.Expr, sp.Expr], sp.Expr]
ETA = R(1, 50)  # between the squared singular values of MODEL at uniform q


def derive_ridge(_: Budget, factor: Factor = patterning.ridge_factor) -> Evidence:
    """Factors, bound, bias and limit of R_η for every kind of rank; the derivative of X⁺ and its jump."""
    sigma, eta = sp.symbols("sigma eta", positive=True)
    f = factor(sigma, eta)
    gap = (sigma - sp.sqrt(eta)) ** 2 / (2 * sp.sqrt(eta) * (sigma**2 + eta))
    left: dict[str, object] = {
        "1/(2√η) − factor − (σ − √η)²/(2√η(σ² + η))": sp.simplify(1 / (2 * sp.sqrt(eta)) - f - gap),
        "(1/σ − factor)σ − η/(σ² + η)": lowest_terms(1 - sigma * f - eta / (sigma**2 + eta)),
    }
    for name, X in {"dependent": DEPENDENT, "twin": TWIN, "tall": TALL}.items():
        k, n = X.shape
        wide, high = X.T * (X * X.T + eta * sp.eye(k)).inv(), (X.T * X + eta * sp.eye(n)).inv() * X.T
        found = patterning.modes(X)
        terms = sum((factor(m.s, eta) * m.v * m.u.T for m in found), sp.zeros(n, k))
        spectrum = eta ** (n - len(found)) * sp.Mul(*(m.s**2 + eta for m in found))
        left[f"{name}: (XᵀX + η)⁻¹Xᵀ − Xᵀ(XXᵀ + η)⁻¹"] = (wide - high).applyfunc(lowest_terms)
        left[f"{name}: R_η − Σ factor v uᵀ"] = (wide - terms).applyfunc(sp.simplify)
        left[f"{name}: det(XᵀX + η) − η^(n−r) Π(s² + η)"] = sp.expand((X.T * X + eta * sp.eye(n)).det() - spectrum)
        left[f"{name}: R_η → X⁺"] = wide.applyfunc(lowest_terms).subs(eta, 0) - patterning.pseudo_inverse(X)
    return vanishes("§6.5.2, ridge", left | rank(), "factors, bound, bias and limit for ranks 1 to 2; dX⁺ and its jump")


def rank() -> dict[str, object]:
    """dX⁺ against exact curves of constant rank; its size between modes; the jump of diag(1, ε)⁺ at ε = 0."""
    h, eps = sp.symbols("h epsilon")
    s1, s2 = sp.symbols("s_1 s_2", positive=True)
    E = sp.Matrix([[1, R(1, 2), -1, 2], [0, 1, 3, -R(1, 4)]])
    full = patterning.pseudo_inverse(GENERIC + h * E).applyfunc(lowest_terms)
    F, G = patterning.factorise(DEPENDENT)
    dF, dG = sp.Matrix([[1, 0], [R(1, 2), -1], [0, 2]]), sp.Matrix([[0, 1, 1, 2], [1, 0, -1, R(1, 3)]])
    product = (F + h * dF) * (G + h * dG)
    low = patterning.pseudo_inverse(product).applyfunc(lowest_terms)
    D = sp.Matrix([[s1, 0, 0], [0, s2, 0], [0, 0, 0]])
    e = sp.Matrix(3, 3, sp.symbols("e0:9"))
    dP = patterning.pseudo_inverse_derivative(D, e)
    sizes = [
        [-e[0, 0] / s1**2, -e[0, 1] / (s1 * s2), e[2, 0] / s1**2],
        [-e[1, 0] / (s1 * s2), -e[1, 1] / s2**2, e[2, 1] / s2**2],
        [e[0, 2] / s1**2, e[1, 2] / s2**2, 0],
    ]
    thin = patterning.pseudo_inverse(sp.diag(1, eps))
    return {
        "dX⁺, full rank": full.diff(h).subs(h, 0) - patterning.pseudo_inverse_derivative(GENERIC, E),
        "dX⁺, rank 2 of 3": low.diff(h).subs(h, 0) - patterning.pseudo_inverse_derivative(DEPENDENT, product.diff(h).subs(h, 0)),
        "dX⁺ in the modes: E/(s_α s_β), and E/s_α² into kernel and cokernel": dP - sp.Matrix(sizes),
        "diag(1, ε)⁺ grows as 1/ε": thin[1, 1] - 1 / eps,
        "diag(1, 0)⁺": patterning.pseudo_inverse(sp.diag(1, 0)) - sp.diag(1, 0),
    }  # fmt: skip


def enclose_ridge(__: Budget, factor: Callable = lambda s, eta: s / (s**2 + eta)) -> Evidence:
    """Along R_η dμ/nβ each mode of the certified ⟨φ⟩ moves by σ·factor of what was asked; the norm of R_η, worst at η = σ²."""
    with digits(DIGITS):
        X, eta = MODEL.susceptibilities(EVEN), ball(ETA)
        found = balls.modes(X)
        dq = rationals(balls.ridge(X, ETA) * column(TARGET) * ball(1 / MODEL.t))
        expected = [ball(0)] * len(TARGET)
        for s, left, _ in found:
            load = (left.transpose() * column(TARGET))[0, 0]
            expected = [a + s * factor(s, eta) * load * b for a, b in zip(expected, left.entries(), strict=True)]
        parts = [directed("§6.5.2, ridge", EVEN, dq, expected)]
        # The norm of R_η is the largest factor; at η = σ₂² it meets its bound 1/(2√η).
        worst = found[1][0] ** 2
        norm = balls.modes(balls.ridge(X, worst).transpose())[0][0]
        parts.append(encloses("norm of R_η at η = σ₂²", norm, factor(found[1][0], worst)))
        parts.append(encloses("its bound 1/(2√η)", norm, 1 / (2 * worst.sqrt())))
        factors = sorted((factor(s, eta) for s, _, _ in found), key=lambda a: -float(a.mid()))
        for (s, _, _), a in zip(balls.modes(balls.ridge(X, ETA).transpose()), factors, strict=True):
            parts.append(encloses("factor", s, a))
    return combine(parts)


def sample_ridge(budget: Budget, factor: Callable = lambda s, eta: s / (s**2 + eta)) -> Evidence:
    """The ridge pattern of the X̂ of a chain; chains at q ± h dq move each mode by its damped share of the target."""
    import numpy as np

    from sampler.patterning import modes, pattern

    run = sample(tuple(map(float, EVEN)), 10, DRAWS * budget.effort)
    target, eta = np.asarray([float(a) for a in TARGET]), float(ETA)
    found, written = modes(run.X), pattern(run.X, target, float(MODEL.t), ridge=eta)
    expected = found.u @ (found.s * factor(found.s, eta) * (found.u.T @ target))
    c = exact(written.dq)
    predicted = [(float(a), float(MODEL.t) * e) for a, e in zip(expected, run.errors(c), strict=True)]
    return steps("§6.5.2, ridge", EVEN, c, exact([0.6 * written.largest_step])[0], predicted, budget, 30)


def derive_noise(_: Budget, degrees: Callable = lambda n, k: n - k - 1) -> Evidence:
    """Two-point noise exactly; the second order of R_η(X + hE); its mean over independent noise; which moments exist for k = 1."""
    x, s, h = sp.symbols("x s h", positive=True)
    two_points = ((1 / (x + s)) + 1 / (x - s)) / 2
    left: dict[str, object] = {
        "E X̂⁺ − x/(x² − s²)": lowest_terms(two_points - x / (x**2 - s**2)),
        "relative bias − s²/(x² − s²)": lowest_terms(x * two_points - 1 - s**2 / (x**2 - s**2)),
    }
    E = sp.Matrix([[1, R(1, 2), -1, 2], [0, 1, 3, -R(1, 4)]])
    for eta in (sp.S.Zero, R(3, 2)):
        curve = patterning.ridge(GENERIC + h * E, eta).applyfunc(
            lambda a: sp.series(lowest_terms(a), h, 0, 3).removeO().coeff(h, 2)
        )
        left[f"second order, η = {eta}"] = curve - patterning.second_order(GENERIC, E, eta)
    samples = {
        "1 × 1": sp.Matrix([[2]]), "1 × 2": sp.Matrix([[2, 1]]), "2 × 2": sp.Matrix([[2, 1], [R(1, 3), 1]]), "1 × 4": GENERIC[0, :],
        "2 × 3": GENERIC[:, :3], "2 × 4": GENERIC, "3 × 4": GENERIC.col_join(sp.Matrix([[0, 1, 0, 2]])),
    }  # fmt: skip
    for name, X in samples.items():
        K = (X * X.T).inv()
        left[f"{name}: mean of the second order"] = mean_second_order(X) + degrees(X.cols, X.rows) * X.T * K * K
        left[f"{name}: `noise_bias`"] = mean_second_order(X) - patterning.noise_bias(X, sp.S.One)
    r, n = sp.symbols("r n", positive=True)
    chi = [sp.integrate(r ** (n - 1 - p) * sp.exp(-(r**2) / 2), (r, 0, sp.oo), conds="none") for p in (0, 2)]
    left["1 × n: E|X̂⁺|² − 1/(n − 2) at X = 0"] = sp.gammasimp(chi[1] / chi[0] - 1 / (n - 2))
    return vanishes("§6.5.2, noise", left, "x/(x² − s²) for two-point noise; second order −(n − k − 1) v Xᵀ(XXᵀ)⁻²")  # fmt: skip


def mean_second_order(X: sp.Matrix) -> sp.Matrix:
    """Σ_ij second_order(X, E_ij): the mean over independent noise of variance 1."""
    total = sp.zeros(X.cols, X.rows)
    for i in range(X.rows):
        for j in range(X.cols):
            E = sp.zeros(*X.shape)
            E[i, j] = 1
            total += patterning.second_order(X, E)
    return total


def enclose_noise(_: Budget, shift: int = 0) -> Evidence:
    """E[x̂/(x̂² + η)] for Gaussian x̂ by certified integrals, against the error function in the complex plane; E 1/χ²_n."""
    y = sp.Symbol("y", real=True)
    parts = []
    with digits(DIGITS):
        for mean, variance, eta in ((R(1), R(1, 4), R(1, 10)), (R(3, 5), R(1, 9), R(1, 200)), (R(1, 4), R(1), R(1, 3))):
            law = Posterior((y - mean) ** 2 / (2 * variance), y, 1, digits=DIGITS)
            found = law.expectation(y / (y**2 + eta))
            parts.append(
                encloses(
                    "E R_η", found, damped_mean(mean + shift * variance, variance, eta), mean=str(mean), eta=str(eta)
                )
            )
            plug_in = ball(mean / (mean**2 + eta))
            if found.overlaps(plug_in):
                return Evidence(Status.REFUTED, "estimation and inversion commute here", {})
        for n in (3, 4, 7):
            law = Posterior(y**2 / 2, y, 1, prior=y ** (n - 3), digits=DIGITS, domain=(0, sp.oo))
            parts.append(encloses("E 1/χ²_n", 1 / law.expectation(y**2), R(1, n - 2 + shift)))
    return combine(parts)  # fmt: skip


def damped_mean(mean: sp.Rational, variance: sp.Rational, eta: sp.Rational) -> arb:
    """E[x̂/(x̂² + η)] = Re Z(ζ)/(s√2) for x̂ ~ N(x, s²): Z(ζ) = i√π e^{−ζ²} erfc(−iζ), ζ = (−x + i√η)/(s√2)."""
    width = (2 * ball(variance)).sqrt()
    zeta = acb(-ball(mean), ball(eta).sqrt()) / width
    i = acb(0, 1)
    faddeeva = (-zeta * zeta).exp() * (-i * zeta).erfc()
    return (i * acb.pi().sqrt() * faddeeva).real / width


GROUP = 64  # independent draws behind one X̂
PAIR = DataModel(MODEL.losses, MODEL.phis[:2], MODEL.variables, MODEL.t)  # u and v: two rows, four free columns


def sample_noise(budget: Budget, scale: float = 1.0) -> Evidence:
    """Many small X̂, each from independent draws, hence unbiased with a noise covariance that certified integrals give.

    Measured: the mean of dμᵀX R(X̂)dμ/|dμ|², less its first order, whose mean is 0. Predicted: the second order with the certified
    covariance. What the higher orders add is measured on the same X̂ and reported; their error is in the comparison.
    """
    import numpy as np

    from sampler import diagnostics
    from sampler.patterning import bias

    X, noise = certified_noise(GROUP)
    target = np.asarray([float(a) for a in TARGET[:2]])
    parts = []
    for eta in (0.0, float(ETA)):
        first, second, total = expansion(small_estimates(6 * DRAWS * budget.effort), X, target, eta)
        rest = diagnostics.mean(total - first - second)
        measured = diagnostics.mean(total - first)
        predicted = float(target @ X @ (scale * bias(X, noise, ridge=eta)) @ target / (target @ target))
        commuting = abs(float(measured.mean) / float(measured.sem))
        parts.append(
            estimates(
                f"second order of E R(X̂) − R(X), η = {eta:g}", diagnostics.mean(second), predicted,
                bias=float(measured.mean), higher_orders=float(rest.mean), higher_orders_sem=float(rest.sem),
                z_of_commuting=commuting,
            )
        )  # fmt: skip
        if commuting < 5:
            return Evidence(Status.REFUTED, f"the bias is not seen: {commuting:.1f} s.e.", {})
    return combine(parts)


def expansion(found, X, target, eta: float) -> tuple:
    """First order, second order and whole of dμᵀX (R(X̂) − R(X)) dμ/|dμ|² for every X̂ (…, k, n)."""
    import numpy as np

    def inverse(A):
        return np.swapaxes(A, -1, -2) @ np.linalg.inv(A @ np.swapaxes(A, -1, -2) + eta * np.eye(len(target)))

    K = np.linalg.inv(X @ X.T + eta * np.eye(len(X)))
    E = found - X
    ET = np.swapaxes(E, -1, -2)
    M = E @ X.T + X @ ET
    first = ET @ K - X.T @ K @ M @ K
    second = X.T @ K @ (M @ K @ M - E @ ET) @ K - ET @ K @ M @ K
    left = target @ X / (target @ target)
    return tuple(np.einsum("z,...zi,i->...", left, A, target) for A in (first, second, inverse(found) - inverse(X)))


@lru_cache(maxsize=1)
def small_estimates(draws: int):
    """X̂ of groups of independent chains, draw by draw: (groups, draws, 2, n), each with the divisor m − 1."""
    import numpy as np

    run = fresh_sample(tuple(map(float, EVEN)), 40, draws, 1024)

    def grouped(trace):
        chains, draws, width = trace.shape
        cut = trace.reshape(chains // GROUP, GROUP, draws, width)
        return cut - cut.mean(axis=1, keepdims=True)

    phi, losses = grouped(run.phi[..., :2]), grouped(run.losses - run.losses.mean(axis=-1, keepdims=True))
    return -np.einsum("gmdk,gmdn->gdkn", phi, losses) / (GROUP - 1)


def certified_noise(m: int) -> tuple:
    """X, and matrices E_a with Cov(X̂) = Σ_a vec(E_a)vec(E_a)ᵀ for X̂ from m independent draws, by certified integrals.

    Cov(s_xy, s_zw) = (μ_xyzw − μ_xy μ_zw)/m + (μ_xz μ_yw + μ_xw μ_yz)/(m(m − 1)) with central moments μ.
    """
    import numpy as np

    with digits(DIGITS):
        posterior = Posterior(PAIR.loss(EVEN), PAIR.variables, PAIR.t, digits=20)
        centred = [sp.expand(loss - PAIR.loss(EVEN)) for loss in PAIR.losses]
        raw = [*PAIR.phis, *centred]
        mean = [exact([float(b.mid())])[0] for b in posterior.expectations(raw)]
        f = [sp.expand(a - b) for a, b in zip(raw, mean, strict=True)]
        k, n = len(PAIR.phis), N
        pairs = [(i, k + z) for i in range(k) for z in range(n)]
        wanted = {tuple(sorted(key)) for key in [(a, b) for a in range(k + n) for b in range(k + n)]}
        wanted |= {tuple(sorted((*one, *two))) for one in pairs for two in pairs}
        keys = sorted(wanted)
        values = posterior.expectations([sp.expand(sp.Mul(*(f[i] for i in key))) for key in keys])
        moment = {key: float(value.mid()) for key, value in zip(keys, values, strict=True)}

    def mu(*key: int) -> float:
        return moment[tuple(sorted(key))]

    covariance = np.asarray([
        [(mu(i, z, j, y) - mu(i, z) * mu(j, y)) / m + (mu(i, j) * mu(z, y) + mu(i, y) * mu(z, j)) / (m * (m - 1)) for j, y in pairs]
        for i, z in pairs
    ])  # fmt: skip
    size, vectors = np.linalg.eigh(covariance)
    factors = (vectors * np.sqrt(np.maximum(size, 0))).T.reshape(-1, k, n)
    return -np.asarray([mu(i, z) for i, z in pairs]).reshape(k, n), factors


CLAIMS = (
    Claim(
        "§6.5.2",
        ("§6.5.2", "§6.5.2, ridge"),
        "6.5",
        "(XᵀX + η)⁻¹Xᵀ: factors σ/(σ² + η), analytic, norm ≤ 1/(2√η), relative bias η/(σ² + η); X⁺ jumps with the rank",
        derive_ridge,
        enclose_ridge,
        sample_ridge,
    ),
    Claim(
        "§6.5.2, noise",
        ("§6.5.2, noise",),
        "6.5",
        "estimation and pseudo-inversion do not commute: E[X̂⁺] − X⁺ = −(n − k − 1) v Xᵀ(XXᵀ)⁻² + O(v²) for independent noise",
        derive_noise,
        enclose_noise,
        sample_noise,
    ),
)
