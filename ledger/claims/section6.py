"""Sections 6.1 and 6.2: the empirical susceptibility. Data weights and the loss kernel.

L_n^ρ = (1/n) Σ_j ρ_j ℓ_{z_j} (eq 32). Then ∂⟨φ⟩_ρ/∂ρ_i at ρ = 1 is −β Cov_n(φ, ℓ_{z_i}) (eq 33), and along the path
ρ_j = (1−h) + n h δ_ij the response (1/nβ) d⟨φ⟩/dh is χ̂_{z_i} = −Cov_n(φ, ℓ_{z_i} − L_n) (eq 31). All of it is exact at finite n.

The instances: a two-fold symmetric posterior, ℓ_z(w) = (w² − z)²/4 on four data points at β = 1, with one more point
held out; and the curved regression of Section 3. What χ̂ says of the population's χ is `section6_estimator`; component observables
(§6.3) are in `section6_components`.
"""

import sympy as sp
from flint import arb

from ledger import identity
from ledger.claim import Budget, Claim, Evidence
from ledger.claims import section6_components as components
from ledger.claims import section6_estimator as estimator
from ledger.compare import combine
from ledger.densities import LOSS, delta, ell, normalised, over, per_sample, under
from ledger.densities import q as density
from ledger.densities import x as query
from ledger.densities import z as point
from ledger.evidence import encloses, estimates, vanishes
from ledger.identity import H, Response
from ledger.population import CURVED, DIGITS, TRAINED, Population, entry, losses_of
from numerics.precision import digits, rational
from theory.response import Posterior, W, linearize, response

w = sp.Symbol("w", real=True)
DATA = tuple(map(sp.Rational, ("1/2", "1", "-1/4", "3/4")))
N = len(DATA)
LOSSES = tuple((w**2 - z) ** 2 / 4 for z in DATA)
PHI = w**2
CHOSEN = 2  # the data point z_i whose weight is changed


def _weights(of_chosen: sp.Expr, of_others: sp.Expr) -> tuple[sp.Expr, ...]:
    return tuple(sp.sympify(of_chosen if j == CHOSEN else of_others) for j in range(N))


# t = nβ = n, and L_h = (1/n) Σ ρ_j ℓ_j: the derivative of L_h in ρ_i is ℓ_i/n.
WEIGHT = Response(
    "one weight", LOSSES, _weights(1 + H, sp.S.One), PHI, LOSSES[CHOSEN] / N, (w,), N, sp.Rational(1, 2), 0.3
)
PATH = Response(
    "path to δ_z", LOSSES, _weights(1 - H + N * H, 1 - H), PHI, LOSSES[CHOSEN] - sp.Add(*LOSSES) / N, (w,), N,
    sp.Rational(1, 4), 0.3,
)  # fmt: skip

# The same data set as a finite data space, with the held-out point z = −1.
UNSEEN = N
DATA_SET = Population(
    "two-fold", (*LOSSES, (w**2 + 1) ** 2 / 4), (1,) * N + (0,), (w,), t=N, step=0.3,
    observables=(("w2", PHI), ("w2+w", PHI + w)),
)  # fmt: skip


# ── eq 31 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def derive_eq_31(_: Budget) -> Evidence:
    """Def 12 holds for any q, so for q_n; over the training points Σ_i (ℓ_i − L_n) = 0 at every w, before any average."""
    beta = sp.Symbol("beta", positive=True)
    prior, phi, probe = (sp.Function(name)(W) for name in ("p", "phi", "ell_z"))
    losses = [sp.Function(f"ell{i}")(W) for i in range(4)]
    mean = sp.Add(*losses) / 4
    h = sp.Symbol("h", real=True)
    toward = Posterior(4 * beta * ((1 - h) * mean + h * probe), prior)
    claimed = -Posterior(4 * beta * mean, prior).covariance(phi, probe - mean)
    differences = {
        "mass moved from q_n to any z": sp.expand(response(toward, phi, h) / (4 * beta) - linearize(claimed)),
        "Σ_i (ℓ_i(w) − L_n(w))": sp.expand(sp.Add(*(f - mean for f in losses))),
        "any q, q_n among them": normalised(over(density(point) * per_sample())),
    }
    return vanishes(
        "χ̂_z",
        differences,
        "the response of q_n toward z, in or out of the data; over the data the sum is 0 draw by draw",
    )


def enclose_eq_31(_: Budget) -> Evidence:
    """Responses of the empirical posterior by definition, toward a training point and a held-out one; the sum over the data."""
    with digits(DIGITS):
        parts = [
            encloses(f"χ̂_{k}", DATA_SET.response(PHI + w, DATA_SET.towards(k)), DATA_SET.susceptibility(PHI + w, k))
            for k in (CHOSEN, UNSEEN)
        ]
        total = sum((DATA_SET.susceptibility(PHI, k) for k in range(N)), arb(0))
        parts.append(encloses("Σ_i χ̂_i", total, sp.S.Zero))
    return combine(parts)


def sample_eq_31(budget: Budget) -> Evidence:
    """The estimator `susceptibility` on a run over the data set, against the certified responses."""
    from sampler.susceptibility import susceptibility

    chi = susceptibility(DATA_SET.run(budget, draws=500, examples=True), "w2")
    with digits(DIGITS):
        return combine(
            [
                estimates(f"χ̂_{k}", entry(chi, k), float(DATA_SET.response(PHI, DATA_SET.towards(k)).mid()))
                for k in (1, CHOSEN, UNSEEN)
            ]
        )


# ── eq 32–33 ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def derive_eq_33(_: Budget) -> Evidence:
    """Both identities for undefined ℓ_i, φ, prior, and an undefined sum R of the other losses."""
    n, beta, rho, h = sp.symbols("n beta rho h", positive=True)
    loss, rest, phi, prior = (sp.Function(name)(W) for name in ("ell", "R", "phi", "p"))
    base = Posterior(beta * (loss + rest), prior)
    by_weight = response(Posterior(beta * (rho * loss + rest), prior), phi, rho, at=1)
    along_path = response(Posterior(beta * ((1 - h) * (loss + rest) + n * h * loss), prior), phi, h) / (n * beta)
    differences = {
        "weight": sp.expand(by_weight + beta * linearize(base.covariance(phi, loss))),
        "path": sp.expand(along_path + linearize(base.covariance(phi, loss - (loss + rest) / n))),
    }
    return vanishes("weight derivative and path response", differences, "for undefined losses, φ and prior")


def enclose_eq_33(_: Budget) -> Evidence:
    return combine([identity.enclosed(instance) for instance in (WEIGHT, PATH)])


def sample_eq_33(budget: Budget) -> Evidence:
    return combine([identity.sampled(instance, budget, seed=33) for instance in (WEIGHT, PATH)])


# ── Def 31 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def derive_def_31(_: Budget) -> Evidence:
    """Constants drop; cᵀKc is a variance; −PKPᵀ is the influence matrix; a loss-linear φ pairs with K; BIF = −K before centring."""
    base = under()
    K = base.covariance(ell(query), ell(point))
    constants = sp.symbols("a b", real=True)
    shifted = base.covariance(ell(query) - constants[0], ell(point) - constants[1])
    # P = 1 − 1qᵀ on both sides: K_xz − Σ_x q K − Σ_z q K + Σ_xz q q K.
    rows, columns = over(density(query) * K, query), over(density(point) * K)
    projected = K - rows - columns + over(density(query) * columns, query)
    influence = -base.covariance(ell(query) - LOSS, ell(point) - over(density(_R) * ell(_R), _R))
    weights = sp.Function("nu")
    linear = over(weights(query) * ell(query), query)  # φ = ∫ ν(x) ℓ_x dx
    pairing = over(over(weights(query) * delta(point) * K, query))
    chi = -base.covariance(linear, over(delta(point) * ell(point)))
    bif = -base.covariance(ell(query), ell(point))  # BIF(z, φ) = −Cov(ℓ_z, φ) at φ = ℓ_x
    differences = {
        "f = ℓ − ℓ(w*)": shifted - K,
        "I = −PKPᵀ": projected + influence,
        "χ(φ; δ) = −∫∫ ν K δ": chi + pairing,
        "χ_z(φ) = BIF(z, φ) − E_q BIF": bif - over(density(point) * bif) - per_sample(point, ell(query)),
    }
    differences = {name: normalised(difference) for name, difference in differences.items()}
    c, f = sp.symbols("c1:4", real=True), [sp.Function(f"f{i}")(W) for i in range(3)]
    finite = Posterior(sp.Function("E")(W), sp.Function("p")(W))
    gram = sp.Add(*(c[i] * c[j] * finite.covariance(f[i], f[j]) for i in range(3) for j in range(3)))
    combination = sp.Add(*(a * b for a, b in zip(c, f, strict=True)))
    differences["cᵀKc = Var(Σ c f) ≥ 0"] = sp.expand(linearize(gram - finite.covariance(combination, combination)))
    return vanishes(
        "loss kernel", differences, "a Gram matrix; I = −PKPᵀ; pairs with loss-linear φ; undefined q, ν, δ, ℓ, prior"
    )


_R = sp.Symbol("r", real=True)


def kernel(population: Population) -> list[list[arb]]:
    """K_xz = Cov(f_x, f_z), f_z = ℓ_z − ℓ_z(w*), certified, for all points."""
    f = [sp.expand(loss - loss.subs(population.minimum)) for loss in population.losses]
    posterior = population.posterior()
    upper = {(i, j): posterior.covariance(f[i], f[j]) for i in range(len(f)) for j in range(i, len(f))}
    return [[upper[min(i, j), max(i, j)] for j in range(len(f))] for i in range(len(f))]


def enclose_def_31(_: Budget) -> Evidence:
    """−K_xz by the weight derivative of ⟨ℓ_x⟩; −PKPᵀ against the response of the centred losses; leading minors of K positive."""
    from flint import arb_mat

    with digits(DIGITS):
        K = kernel(CURVED)
        parts = []
        for i, j in ((0, 3), (4, 1)):
            alone = tuple(sp.Integer(k == j) for k in range(CURVED.size))  # weight added to one point, none taken away
            parts.append(encloses(f"−K_{i}{j} = BIF", CURVED.response(CURVED.losses[i], alone), -K[i][j]))
        q = [rational(mass) for mass in CURVED.q]
        row = [sum((q[k] * K[k][j] for k in TRAINED), arb(0)) for j in range(CURVED.size)]
        mean = sum((q[k] * row[k] for k in TRAINED), arb(0))
        for i, j in ((0, 1), (2, 4)):
            centred = CURVED.response(CURVED.centred(i), CURVED.towards(j))
            parts.append(encloses(f"−(PKPᵀ)_{i}{j} = I", centred, -(K[i][j] - row[i] - row[j] + mean)))
        minors = [arb_mat([line[:k] for line in K[:k]]).det() for k in range(1, CURVED.size + 1)]
    positive = all(minor > 0 for minor in minors)
    differences = {"leading minors that are not positive": 0 if positive else str(minors)}
    gram = vanishes("K positive definite", differences, f"{len(minors)} leading minors proved positive")
    return combine([*parts, gram])


def sample_def_31(budget: Budget) -> Evidence:
    """The chain's kernel, uncentred probe losses, against the certified weight derivatives."""
    from sampler import diagnostics

    run = CURVED.run(budget)
    losses = losses_of(run)
    K = diagnostics.covariance(losses, losses)
    with digits(DIGITS):
        parts = []
        for i, j in ((1, 1), (1, 3), (2, 2)):
            alone = tuple(sp.Integer(k == j) for k in range(CURVED.size))
            response_of_loss = CURVED.response(CURVED.losses[i], alone)
            parts.append(estimates(f"K_{i}{j}", entry(K, i, j), float(-response_of_loss.mid())))
    return combine(parts)


CLAIMS = (
    Claim(
        "eq 31", ("eq 31",), "6.2",
        "χ̂_z(φ) = −Cov_n(φ, ℓ_z − L_n) is the response of Π_n to mass moved from the data set to z, exactly; it sums "
        "to 0 over the data",
        derive_eq_31, enclose_eq_31, sample_eq_31,
    ),
    Claim(
        "eq 33", ("eq 32", "eq 33"), "6.1",
        "∂⟨φ⟩_ρ/∂ρ_i at ρ = 1 is −β Cov_n(φ, ℓ_{z_i}), exactly at finite n; along ρ_j = (1−h) + n h δ_ij the response is χ̂_{z_i}",
        derive_eq_33, enclose_eq_33, sample_eq_33,
    ),
    Claim(
        "Def 31", ("Def 31",), "6.2.2",
        "K(z, z′) = Cov(f(z,·), f(z′,·)) = Cov(ℓ_z, ℓ_z′) is a Gram matrix; BIF = −K, I = −PKPᵀ, and χ(∫νℓ; δ) = −∫∫ νKδ",
        derive_def_31, enclose_def_31, sample_def_31,
    ),
    *estimator.CLAIMS,
    *components.CLAIMS,
)  # fmt: skip
