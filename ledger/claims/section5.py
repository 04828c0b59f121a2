"""Section 5: the structural coordinate map, its modes, and patterning as its inverse.

μ_j(q) = ⟨φ_j⟩ has the Jacobian nβ X on the tangent space Σ dq = 0 (eq 25–26); X = U S Vᵀ (eq 27); dq = (1/nβ) X⁺dμ (eq 28–30).

The derived layer uses undefined losses and observables for the first, generic matrices for the others, and a Gaussian model with
rational μ(q) for counterexamples. The enclosed and sampled layers use one nonlinear regression (`ledger.patterning`), at uniform
and at non-uniform q, which is where eq 29 needs a correction.
"""

from collections.abc import Callable, Sequence

import sympy as sp

from ledger.claim import Budget, Claim, Evidence, Status
from ledger.compare import combine
from ledger.evidence import encloses, vanishes
from ledger.patterning import DIGITS, DRAWS, EVEN, MODEL, UNEVEN, directed, exact, sample, steps, u, v
from numerics import patterning as balls
from numerics.patterning import DataModel, column, rationals
from numerics.precision import ball, digits
from theory import patterning
from theory.patterning import QuadraticModel
from theory.rational import lowest_terms
from theory.response import Posterior, W, linearize, response

Inverse = Callable[[sp.Matrix, Sequence[sp.Expr]], sp.Matrix]
R = sp.Rational
x, y = sp.symbols("x y", real=True)
TARGET = (R(3, 50), -R(1, 25), R(3, 100))  # dμ of the three observables
SLANTED = (R(3, 20), -R(1, 5), R(1, 8), -R(1, 4), R(7, 40))  # a direction of the weights with Σ = 0
HEAVY = (R(1, 5), R(1, 10), -R(1, 20), R(3, 20), R(1, 20))  # one with Σ ≠ 0

# Rational μ(q): two weights, four points, three polynomial observables.
GAUSSIAN = QuadraticModel(
    (x**2 / 2 - x, x**2 + y**2 + x * y / 2 + x, y**2 - 2 * y, (x - y) ** 2 / 2 + x**2 / 3),
    (x**2, x * y, y**3),
    (x, y),
    sp.Integer(3),
)
GAUSSIAN_Q = (R(1, 2), R(1, 4), R(1, 8), R(1, 8))
# ℓ_z = (x − z)²/2 at z = 0, 1, 2, q = (1/2, 1/4, 1/4), φ = x²: the counterexample to eq 29 in the finding.
THREE_POINTS = QuadraticModel(tuple(sp.expand((x - z) ** 2 / 2) for z in range(3)), (x**2,), (x,), sp.Integer(1))
THREE_Q = (R(1, 2), R(1, 4), R(1, 4))


def derive_eq_25(_: Budget, scale: Callable = lambda n, beta: n * beta) -> Evidence:
    """dμ = nβ X c − nβ (Σc) Cov(φ, L) for undefined losses, and X q = 0; the same from the rational μ(q) of a Gaussian model."""
    n, beta = sp.symbols("n beta", positive=True)
    h, q1, q2, c1, c2, c3 = sp.symbols("h q_1 q_2 c_1 c_2 c_3", real=True)
    losses = [sp.Function(f"ell_{z}")(W) for z in (1, 2, 3)]
    phi, prior = sp.Function("phi")(W), sp.Function("p")(W)
    q, c = (q1, q2, 1 - q1 - q2), (c1, c2, c3)

    def mix(weights):
        return sum((a * loss for a, loss in zip(weights, losses, strict=True)), sp.S.Zero)

    base = Posterior(n * beta * mix(q), prior)
    covariance = [linearize(base.covariance(phi, loss)) for loss in losses]
    centre = mix_of(q, covariance)
    chi = [-(value - centre) for value in covariance]
    moved = response(Posterior(n * beta * mix([a + h * b for a, b in zip(q, c, strict=True)]), prior), phi, h)
    undefined = moved - scale(n, beta) * (mix_of(c, chi) - sum(c) * centre)
    slope = GAUSSIAN.coordinates(
        [a + h * b for a, b in zip(GAUSSIAN_Q, (1, -R(1, 2), -R(1, 3), -R(1, 6)), strict=True)]
    )
    X = GAUSSIAN.susceptibilities(GAUSSIAN_Q)
    tangent = sp.Matrix((1, -R(1, 2), -R(1, 3), -R(1, 6)))
    t = scale(GAUSSIAN.t, sp.S.One)
    return vanishes(
        "eq 25–26",
        {
            "dμ − nβ(X c − (Σc) Cov(φ, L))": symbolic(undefined),
            "X q": symbolic(mix_of(q, chi)),
            "Gaussian model: ∂μ − nβ X dq": (slope.diff(h).subs(h, 0) - t * X * tangent).applyfunc(lowest_terms),
            "Gaussian model: X q": X * sp.Matrix(GAUSSIAN_Q),
        },
        "undefined losses, observable and prior, directions of any sum; and a Gaussian model's rational μ(q)",
    )


def symbolic(expr: sp.Expr) -> sp.Expr:
    """The expanded expression with a symbol for each integral: what is left of an identity stays short to simplify."""
    integrals = sorted(sp.expand(expr).atoms(sp.Integral), key=str)
    return sp.expand(sp.expand(expr).xreplace({integral: sp.Symbol(f"I_{i}") for i, integral in enumerate(integrals)}))


def mix_of(weights: Sequence, values: Sequence) -> sp.Expr:
    """Σ weights·values."""
    return sum((a * b for a, b in zip(weights, values, strict=True)), sp.S.Zero)


def enclose_eq_25(_: Budget, factor: object = MODEL.t) -> Evidence:
    """Directions with Σ = 0, along q itself (X q = 0: only the temperature moves) and with Σ ≠ 0, at non-uniform q."""
    with digits(DIGITS):
        X, heat, q = MODEL.susceptibilities(UNEVEN), MODEL.covariance(UNEVEN, UNEVEN), column(UNEVEN)
        parts = [encloses("X q = 0", entry, sp.S.Zero) for entry in (X * q).entries()]
        for c in (SLANTED, UNEVEN, HEAVY):
            linear = (X * column(c)).entries()
            expected = [ball(factor) * (a - ball(sum(c)) * b) for a, b in zip(linear, heat, strict=True)]
            parts.append(directed("eq 26", UNEVEN, c, expected))
    return combine(parts)


def sample_eq_25(budget: Budget, factor: float = float(MODEL.t)) -> Evidence:
    """X̂ from a chain at q; the weights then moved by half of themselves."""
    run = sample(tuple(map(float, UNEVEN)), 0, DRAWS * budget.effort)
    covariances = [run.covariance(j, SLANTED) for j in range(len(MODEL.phis))]
    predicted = [(-factor * float(e.mean), abs(factor) * float(e.sem)) for e in covariances]
    return steps("eq 26", UNEVEN, SLANTED, R(1, 2), predicted, budget, 1)


GENERIC = sp.Matrix([[1, 2, -3, R(1, 2)], [R(1, 3), 1, -2, 0]])
TWIN = sp.Matrix([[2, 1, 0, -2], [1, -2, 2, 0]])  # a double singular value: XXᵀ = 9
DEPENDENT = sp.Matrix([[2, 1, 0, -2], [1, -2, 2, 0], [3, -1, 2, -2]])  # rank 2, s = 3√3 and 3
TALL = sp.Matrix([[1, -1], [2, R(1, 2)], [0, 3]])


def derive_eq_27(_: Budget, coupling: Callable = lambda mode: mode.s) -> Evidence:
    """X = Σ s u vᵀ with orthonormal u, v, and s_1 as the largest response per unit of dq, for X of every kind of rank."""
    left: dict[str, object] = {}
    for name, X in {"twin": TWIN, "dependent": DEPENDENT, "tall": TALL}.items():
        found = patterning.modes(X)
        s = [coupling(mode) for mode in found]
        total = sum((a * m.u * m.v.T for a, m in zip(s, found, strict=True)), sp.zeros(*X.shape))
        U, V = (sp.Matrix.hstack(*(getattr(m, side) for m in found)) for side in "uv")
        c = sp.Matrix(sp.symbols(f"c0:{X.cols}", real=True))
        gap = s[0] ** 2 * c.dot(c) - (X * c).dot(X * c)
        loads = [m.v.dot(c) for m in found]
        rest = c.dot(c) - sum(load**2 for load in loads)
        squares = s[0] ** 2 * rest + sum((s[0] ** 2 - a**2) * load**2 for a, load in zip(s, loads, strict=True))
        left[f"{name}: X − Σ s u vᵀ"] = total - X
        left[f"{name}: UᵀU − 1"] = U.T * U - sp.eye(len(found))
        left[f"{name}: VᵀV − 1"] = V.T * V - sp.eye(len(found))
        left[f"{name}: s₁²|c|² − |Xc|² − (a sum of squares)"] = sp.expand(gap - squares)
    return vanishes(
        "eq 27", left, "X = Σ s u vᵀ exactly; s₁ is the largest |dμ|/|nβ dq|; rank 2 in three shapes, a double value"
    )


def enclose_eq_27(_: Budget, factor: object = MODEL.t) -> Evidence:
    """Along v_α the coordinates move along u_α alone, by nβ s_α (uniform q, where v_α is tangent)."""
    with digits(DIGITS):
        parts = []
        for s, left, right in balls.modes(MODEL.susceptibilities(EVEN)):
            expected = [ball(factor) * s * entry for entry in left.entries()]
            parts.append(directed("eq 27", EVEN, rationals(right), expected))
    return combine(parts)


def sample_eq_27(budget: Budget, factor: float = float(MODEL.t)) -> Evidence:
    """The modes of X̂ from a chain; the weights moved along v̂_1 and along v̂_2."""
    from sampler.patterning import modes

    run = sample(tuple(map(float, EVEN)), 10, DRAWS * budget.effort)
    found = modes(run.X)
    parts = []
    for alpha in (0, 1):
        c = exact(found.v[:, alpha])
        h = R(3, 4) * patterning.largest_step((*EVEN, *EVEN), (*c, *(-entry for entry in c)))
        expected = factor * found.s[alpha] * found.u[:, alpha]
        predicted = [(float(a), abs(factor) * e) for a, e in zip(expected, run.errors(c), strict=True)]
        parts.append(steps(f"eq 27, mode {alpha + 1}", EVEN, c, h, predicted, budget, 11 + 2 * alpha))
    return combine(parts)


def derive_eq_28(_: Budget, inverse: Callable = patterning.pseudo_inverse) -> Evidence:
    """The four axioms by three roads, least squares and least norm as sums of squares, and where X⁺dμ is tangent."""
    left: dict[str, object] = {}
    for name, X in {
        "generic": GENERIC,
        "twin": TWIN,
        "dependent": DEPENDENT,
        "tall": TALL,
        "zero": sp.zeros(2, 3),
    }.items():
        P = inverse(X)
        left |= {f"{name}: {axiom}": rest for axiom, rest in patterning.penrose(X, P).items()}
        left[f"{name}: X⁺ − Σ s⁻¹ v uᵀ (by Decell's polynomial)"] = P - patterning.spectral_pseudo_inverse(X)
    for name, X in {"generic": GENERIC, "dependent": DEPENDENT}.items():
        terms = [m.v * m.u.T / m.s for m in patterning.modes(X)]
        left[f"{name}: X⁺ − Σ s⁻¹ v uᵀ (by eigenvectors)"] = inverse(X) - sum(terms, sp.zeros(X.cols, X.rows))
    left |= pythagoras(DEPENDENT, inverse(DEPENDENT)) | pythagoras(GENERIC, inverse(GENERIC))
    return combine(
        [
            vanishes("eq 28–30", left, "axioms, eigenvectors, Decell's polynomial; least squares, least norm; ranks 0 to 2"),
            vanishes("eq 29, constraint", tangency(), "X⁺dμ ⊥ q for every q with X q = 0; Σ dq = 0 in the χ² norm, in symbols"),
            counterexample(),
        ]
    )  # fmt: skip


def pythagoras(X: sp.Matrix, P: sp.Matrix) -> dict[str, sp.Expr]:
    """|X dq − dμ|² and |dq|² of any dq = P dμ + y, as those of P dμ plus squares: least squares, and least norm among them."""
    dmu = sp.Matrix(sp.symbols(f"m0:{X.rows}", real=True))
    y = sp.Matrix(sp.symbols(f"y0:{X.cols}", real=True))
    kernel = y - P * X * y
    best, other = X * P * dmu - dmu, X * (P * dmu + y) - dmu
    return {
        f"{X.shape}: residual": sp.expand(other.dot(other) - best.dot(best) - (X * y).dot(X * y)),
        f"{X.shape}: norm": sp.expand(
            (P * dmu + kernel).dot(P * dmu + kernel) - (P * dmu).dot(P * dmu) - kernel.dot(kernel)
        ),
        f"{X.shape}: kernel": X * kernel,
    }


def tangency() -> dict[str, object]:
    """In symbols, for any q > 0 and any X with X q = 0: qᵀX⁺ = 0; 1ᵀ(X⁺ in the χ² norm) = 0, also after q is cut finer."""
    a = sp.symbols("a0:6", positive=True)
    q1, q2, q3, theta = sp.symbols("q_1 q_2 q_3 theta", positive=True)
    X = sp.Matrix(2, 2, a[:4])
    X = X.row_join(-(X * sp.Matrix([q1, q2])) / q3)
    plain, chi2 = patterning.pseudo_inverse(X), patterning.weighted_pseudo_inverse(X, (q1, q2, q3))
    row = X[0, :]
    # The third point cut into two copies of shares θ and 1 − θ: the χ² solution is cut likewise.
    cut = patterning.weighted_pseudo_inverse(row.row_join(row[:, 2]), (q1, q2, theta * q3, (1 - theta) * q3))
    whole = patterning.weighted_pseudo_inverse(row, (q1, q2, q3))
    pieces = sp.Matrix([whole[0], whole[1], theta * whole[2], (1 - theta) * whole[2]])
    return {
        "qᵀX⁺": (sp.Matrix([[q1, q2, q3]]) * plain).applyfunc(lowest_terms),
        "1ᵀX⁺ (χ²)": (sp.ones(1, 3) * chi2).applyfunc(lowest_terms),
        "X X⁺(χ²) − 1": (X * chi2 - sp.eye(2)).applyfunc(lowest_terms),
        "χ² solution after a cut": (cut - pieces).applyfunc(lowest_terms),
    }


def counterexample() -> Evidence:
    """Three points, φ = w², nβ = 1: what the printed dq does when q = (1/2, 1/4, 1/4), and what the corrected ones do."""
    X, q, h = THREE_POINTS.susceptibilities(THREE_Q), sp.Matrix(THREE_Q), sp.Symbol("h")

    def realised(dq: sp.Matrix) -> sp.Expr:
        return lowest_terms(THREE_POINTS.coordinates(list(q + h * dq))[0].diff(h).subs(h, 0))

    printed, chi2 = patterning.pseudo_inverse(X), patterning.weighted_pseudo_inverse(X, THREE_Q)
    projected = printed - sum(printed) * q
    data = {
        "X": str(X),
        "printed": str(printed),
        "mass": str(sum(printed)),
        "realised": str(realised(printed)),
        "chi2": str(chi2),
    }
    return vanishes(
        "eq 29 at q = (1/2, 1/4, 1/4)",
        {
            "mass of the printed dq − 8/35": sum(printed) - R(8, 35),
            "its dμ − 27/35": realised(printed) - R(27, 35),
            "χ²: mass": sum(chi2),
            "χ²: dμ − 1": realised(chi2) - 1,
            "mass taken out along q: dμ − 1": realised(projected) - 1,
            "Euclid on Σ dq = 0: dμ − 1": realised(patterning.tangent_pseudo_inverse(X)) - 1,
        },
        "the printed X⁺dμ has mass 8/35 dμ and moves ⟨w²⟩ by 27/35 dμ; the corrected ones by dμ",
        **data,
    )  # fmt: skip


def enclose_eq_28(_: Budget, factor: object = 1 / MODEL.t, *, tangent: bool = True) -> Evidence:
    """The certified ⟨φ⟩ along dq moves by dμ: uniform q as printed, another q in the χ² norm (`tangent`), and out of reach."""
    with digits(DIGITS):
        target, scale = column(TARGET), ball(factor)
        even = balls.pseudo_inverse(MODEL.susceptibilities(EVEN)) * target * scale
        X = MODEL.susceptibilities(UNEVEN)
        inverse = balls.weighted_pseudo_inverse(X, UNEVEN) if tangent else balls.pseudo_inverse(X)
        uneven = rationals(inverse * target * scale)
        parts = [
            directed("eq 29, uniform q", EVEN, rationals(even), target.entries()),
            encloses("Σ dq, uniform q", sum(even.entries(), ball(0)), sp.S.Zero),
            directed("eq 29, χ² norm", UNEVEN, uneven, target.entries()),
        ]
    return combine([*parts, out_of_reach(factor), as_printed()])


def out_of_reach(factor: object = 1 / MODEL.t) -> Evidence:
    """k = 3 observables of rank 2, u, v and u − 2v: what is reached is the projection F(FᵀF)⁻¹Fᵀ dμ, X = FG."""
    model = DataModel(MODEL.losses, (u, v), (u, v), MODEL.t)
    F = sp.Matrix([[1, 0], [0, 1], [1, -2]])
    left = patterning.pseudo_inverse(F)
    with digits(DIGITS):
        G = model.susceptibilities(EVEN)
        dq = rationals(balls.pseudo_inverse(G) * column(list(left * sp.Matrix(TARGET))) * ball(factor))
        reached = column(list(F * left * sp.Matrix(TARGET))).entries()
        wide = DataModel(MODEL.losses, (u, v, u - 2 * v), (u, v), MODEL.t)
        return directed("eq 28, rank 2 of 3", EVEN, dq, reached, wide)


def as_printed() -> Evidence:
    """X⁺dμ at a non-uniform q: it leaves Σ dq = 0, and misses dμ by −nβ (Σ dq) Cov(φ, L)."""
    with digits(DIGITS):
        X, heat = MODEL.susceptibilities(UNEVEN), MODEL.covariance(UNEVEN, UNEVEN)
        dq = rationals(balls.pseudo_inverse(X) * column(TARGET) * ball(1 / MODEL.t))
        mass = sum(dq, sp.S.Zero)
        expected = [ball(target) - ball(MODEL.t * mass) * b for target, b in zip(TARGET, heat, strict=True)]
        missed = [not found.overlaps(ball(a)) for found, a in zip(MODEL.derivative(UNEVEN, dq), TARGET, strict=True)]
        evidence = directed("eq 29 as printed", UNEVEN, dq, expected)
    if all(missed):
        return evidence
    return Evidence(
        Status.REFUTED, "eq 29 as printed reaches dμ at non-uniform q after all", {"mass": str(sp.N(mass, 15))}
    )


def sample_eq_28(budget: Budget, factor: float = 1.0) -> Evidence:
    """dq from the X̂ of a chain; then chains at q ± h dq must have moved by the target."""
    from sampler.patterning import pattern

    q = tuple(map(float, UNEVEN))
    run = sample(q, 0, DRAWS * budget.effort)
    written = pattern(run.X, [float(x) for x in TARGET], float(MODEL.t), q=q)
    dq = exact(factor * written.dq)
    h = exact([0.6 * written.largest_step / factor])[0]
    predicted = [(float(a), float(MODEL.t) * e) for a, e in zip(TARGET, run.errors(dq), strict=True)]
    return steps("eq 29, χ² norm", UNEVEN, dq, h, predicted, budget, 3)


CLAIMS = (
    Claim(
        "eq 25",
        ("eq 25", "eq 26"),
        "5.1",
        "q ↦ μ(q) = (⟨φ_j⟩) has the Jacobian nβ X on the tangent space: dμ = nβ X dq for Σ dq = 0",
        derive_eq_25,
        enclose_eq_25,
        sample_eq_25,
    ),
    Claim(
        "eq 27",
        ("eq 27",),
        "5.2",
        "X = U S Vᵀ: a step along the data pattern v_α moves the coordinates along the structure u_α, by nβ s_α",
        derive_eq_27,
        enclose_eq_27,
        sample_eq_27,
    ),
    Claim(
        "eq 28",
        ("eq 28", "eq 29", "eq 30"),
        "5.3",
        "dq = (1/nβ) X⁺dμ = (1/nβ) Σ s_α⁻¹⟨u_α, dμ⟩ v_α solves the least-squares problem nβ X dq = dμ with least norm",
        derive_eq_28,
        enclose_eq_28,
        sample_eq_28,
        finding="As printed: dq = (1/nβ) X⁺dμ. That vector is orthogonal to q (X q = 0), so Σ dq = 0 holds if q is uniform and "
        "in general not otherwise: it then changes the total weight, which acts as a temperature, and dμ is missed by "
        "−nβ (Σ dq) Cov(φ, L). Counterexample: ℓ_z = (w − z)²/2, z = 0, 1, 2, q = (1/2, 1/4, 1/4), φ = w², nβ = 1: "
        "dq = (−8/35, 8/105, 8/21) dμ has mass 8/35 dμ and ⟨w²⟩ moves by 27/35 dμ. Correction: the pseudo-inverse in the χ² norm, "
        "dq = (1/nβ) D^{1/2}(X D^{1/2})⁺dμ with D = diag(q), has Σ dq = 0 for every q and does not depend on how the data are cut "
        "into points; or subtract (Σ dq) q, which X does not see. All agree at uniform q.",
    ),
)
