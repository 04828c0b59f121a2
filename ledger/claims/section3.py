"""Section 3: susceptibilities. Every identity here is exact at every temperature; nothing is expanded but where a claim says so.

The derivations differentiate under the integral sign with undefined functions: the loss of a point ℓ(z, w), the data density
q(z), any signed direction δ(z), the observable, the prior. The instances are chosen far from the regular large-t regime on
purpose: two wells at low t, a degenerate minimum, a quartic valley, and a *curved regression* at nβ = 4 whose data space is
finite (`ledger.population`), so that averages over data are sums and every integral is certified.

In the enclosed and sampled layers the two sides of an identity are computed apart: responses from their definition, as
derivatives of certified means, and covariances from certified integrals or from the draws of Metropolis-adjusted chains.

Reading order: the instances; then each claim with its three functions, in the order of the paper. §3.5, the observables and their
matrices, is `section3_observables`.
"""

import sympy as sp
from flint import arb

from ledger import identity
from ledger.claim import Budget, Claim, Evidence
from ledger.claims import section3_observables as observables
from ledger.compare import combine
from ledger.densities import LOSS, beta, delta, ell, h, loss, m, n, normalised, over, per_sample, q, q_prime, under
from ledger.evidence import encloses, estimates, vanishes
from ledger.identity import H, Response
from ledger.population import CURVED, DIGITS, PHI, PSI, TRAINED, Direction, changes, entry
from numerics.posterior import Posterior as Certified
from numerics.precision import digits, rational
from theory.response import Posterior, W, differentiate, linearize, response, response_of_cumulant

x, y, z = sp.symbols("x y z", real=True)
L, DELTA, PHI_W, PSI_W, PRIOR = (sp.Function(name)(W) for name in ("L", "DeltaL", "phi", "psi", "p"))


def perturbed(
    name: str, loss: sp.Expr, delta_loss: sp.Expr, phi: sp.Expr, variables, t: int, delta, step: float
) -> Response:
    """L_h = L + hΔL as two losses with weights 2 and 2h (their mean is L_h)."""
    weights = (sp.Integer(2), 2 * H)
    return Response(name, (loss, delta_loss), weights, phi, delta_loss, tuple(variables), t, sp.Rational(delta), step)


TWO_WELLS = perturbed("two wells", x**4 / 4 - x**2 / 2 + x / 5, x**2 / 2 - x, x + x**2 / 2, (x,), 3, "1/4", 0.25)
DEGENERATE = perturbed("degenerate minimum", x**4, x**2 + x, x**2 - x / 2, (x,), 5, "1/4", 0.1)
VALLEY = perturbed(
    "two variables", x**2 * y**2 + x**4 / 2 + y**4 / 3, x * y + x, x**2 + x * y - y, (x, y), 4, "1/8", 0.1
)

# Directions on the five points of the curved regression (three of them with mass, two held out).
MIXTURE = tuple(p - q for p, q in zip(map(sp.Rational, ("1/10", "1/5", "2/5", "1/10", "1/5")), CURVED.q, strict=True))
SIGNED = tuple(map(sp.Rational, ("1/2", "-3/4", "1/3", "1/12", "-1/6")))  # total mass 0, no mixture
HEAVY = tuple(map(sp.Rational, ("1/2", "-1/4", "1/3", "1/12", "-1/6")))  # total mass 1/2


# ── Def 4, 5 ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PRECISION, RATE, TEMPERATURES = sp.Integer(1), (1, 2, -1, 3), (sp.S.One, sp.Rational(1, 3))
LABELS = tuple(map(sp.Rational, ("1", "3/2", "-1/4", "2")))


def derive_def_5(_: Budget) -> Evidence:
    """e^{−nβL_n} = Π p(z_i|w)^β for every n: at n = 0, and from n to n + 1 by one factor."""
    size = sp.Symbol("k", integer=True, positive=True)
    p = sp.Function("density", positive=True)(W)
    so_far = sp.Function("ell_sum")(W)  # Σ_{i≤k} ℓ_i = k L_k
    weight = sp.exp(-size * beta * (so_far / size))
    after = sp.exp(-(size + 1) * beta * ((so_far - sp.log(p)) / (size + 1)))
    step = sp.simplify(sp.expand_log(sp.log(after) - sp.log(weight * p**beta), force=True))
    bayes = sp.simplify((after / weight).subs(beta, 1) - p)
    differences = {"one more datum, any β": step, "one more datum, β = 1": bayes}
    return vanishes("Gibbs posterior", differences, "each datum multiplies it by p(z|w)^β; β = 1 is Bayes")


def conjugate_mean(temperature: sp.Rational) -> sp.Rational:
    """The textbook posterior mean of y_i = x_i w + N(0, 1), w ∼ N(0, 1), likelihood to the power β: βΣxy/(1 + βΣx²)."""
    xy = sp.Add(*(a * b for a, b in zip(RATE, LABELS, strict=True)))
    return temperature * xy / (PRECISION + temperature * sp.Add(*(a**2 for a in RATE)))


def empirical_loss() -> sp.Expr:
    """L_n(w) = (1/n) Σ ½ (y_i − x_i w)²."""
    return sp.expand(sp.Add(*((b - a * x) ** 2 / 2 for a, b in zip(RATE, LABELS, strict=True))) / len(RATE))


def enclose_def_5(_: Budget, inverse_temperature=lambda b: len(RATE) * b) -> Evidence:
    """Integrals of e^{−nβL_n}φ against the conjugate posterior, which knows neither L_n nor n; `inverse_temperature` is nβ."""
    parts = []
    with digits(DIGITS):
        for b in TEMPERATURES:
            posterior = Certified(empirical_loss(), x, inverse_temperature(b), prior=sp.exp(-(x**2) / 2), digits=DIGITS)
            parts.append(encloses(f"β = {b}: ⟨w⟩_n", posterior.expectation(x), conjugate_mean(b)))
    return combine(parts)


def sample_def_5(budget: Budget) -> Evidence:
    """MALA on the examples (γ = 1 is the prior) against the conjugate means."""
    import jax
    import jax.numpy as jnp

    from sampler import chain, diagnostics
    from sampler.kernels.mala import mala
    from sampler.lower import lower, lower_loss
    from sampler.posterior import LocalPosterior

    a, b = sp.symbols("a b", real=True)
    loss, data = (
        lower_loss((b - a * x) ** 2 / 2, (x,), (a, b)),
        jnp.asarray([[float(c) for c in row] for row in zip(RATE, LABELS, strict=True)]),
    )
    parts = []
    for temperature in TEMPERATURES:
        target = LocalPosterior(loss, data, jnp.zeros(1), len(RATE) * float(temperature), 1.0)
        run = chain.run(
            jax.random.key(5), mala(0.1), target, chains=256, draws=500 * budget.effort, burn_in=200, thin=4,
            observables={"w": lower(x, (x,))},
        )  # fmt: skip
        mean = diagnostics.mean(run.trace("w"))
        parts.append(estimates(f"β = {temperature}: ⟨w⟩_n", mean, float(conjugate_mean(temperature))))
    return combine(parts)


# ── Def 7–9, §3.2 ─────────────────────────────────────────────────────────────────────────────────────────────────────


def derive_coordinates(_: Budget) -> Evidence:
    """L is linear in q for every direction; the coordinates of q + hδ move by −Cov(φ, L^δ), or, brought back to mass
    one, L^δ − mL."""
    path = loss(lambda at: (1 - h) * q(at) + h * q_prime(at)) - (LOSS + h * (loss(q_prime) - LOSS))
    free = response(under(lambda at: q(at) + h * delta(at)), PHI_W, h) / (n * beta)
    kept = response(under(lambda at: (q(at) + h * delta(at)) / (1 + h * m)), PHI_W, h) / (n * beta)
    hotter = response(Posterior(n * beta * (1 + h * m) * LOSS, PRIOR), PHI_W, h) / (n * beta)
    base, along_delta = under(), loss(delta)
    differences = {
        "mixture": linearize(path),
        "any δ": normalised(free + base.covariance(PHI_W, along_delta)),
        "any δ, normalised": normalised(kept + base.covariance(PHI_W, along_delta - m * LOSS)),
        "mass is inverse temperature": normalised(free - kept - hotter),
    }
    return vanishes(
        "L_h and dμ/dh", differences, "for undefined q, q′, δ, ℓ, φ and prior; mass m acts as nβ → nβ(1 + hm)"
    )


def coordinate(
    name: str, delta: Direction, direction: sp.Expr, mass: sp.Expr = sp.S.One, phi: sp.Expr = PHI
) -> Response:
    """The coordinate ⟨φ⟩ along (q + hδ)/mass(h), and the ∂_h L_h that is claimed for it."""
    size = CURVED.size
    weights = tuple(size * (q + H * d) / mass for q, d in zip(CURVED.q, delta, strict=True))
    return Response(
        name, CURVED.losses, weights, phi, direction, CURVED.variables, CURVED.t, sp.Rational(1, 16), CURVED.step
    )


def along(delta: Direction) -> sp.Expr:
    return CURVED.along(delta)


COORDINATES = (
    coordinate("mixture", MIXTURE, along(MIXTURE)),
    coordinate("signed, mass 0", SIGNED, along(SIGNED), phi=PSI),
    coordinate("mass ½", HEAVY, along(HEAVY)),
    coordinate("mass ½, normalised", HEAVY, along(HEAVY) - sum(HEAVY) * CURVED.loss, 1 + H * sum(HEAVY), PSI),
)


def enclose_coordinates(_: Budget) -> Evidence:
    return combine([identity.enclosed(each) for each in COORDINATES])


def sample_coordinates(budget: Budget) -> Evidence:
    """Runs at q ± hδ: a mixture at h = ¼, and the direction of mass ½ at h = ½ brought back to mass one."""
    with digits(DIGITS):
        base, direction = CURVED.posterior(), along(HEAVY) - sum(HEAVY) * CURVED.loss
        mixture, heavy = -base.covariance(PHI, along(MIXTURE)), -base.covariance(PHI, direction)
    half = sp.Rational(1, 2)
    return combine(
        [
            CURVED.sampled_response("phi", MIXTURE, half / 2, mixture, budget),
            CURVED.sampled_response("phi", HEAVY, half, heavy, budget, mass=1 + H * sum(HEAVY)),
        ]
    )


# ── Thm 11 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def derive_thm_11(_: Budget) -> Evidence:
    """Differentiate ⟨φ⟩_h under the integral sign: first with undefined L and ΔL, then L_h = ∫(q + hδ)ℓ with undefined δ."""
    measured = response(Posterior(n * beta * (L + h * DELTA), PRIOR), PHI_W, h) / (n * beta)
    claimed = -Posterior(n * beta * L, PRIOR).covariance(PHI_W, DELTA)
    signed = response(under(lambda at: q(at) + h * delta(at)), PHI_W, h) / (n * beta)
    on_data = -under().covariance(PHI_W, loss(delta))
    differences = {"L + hΔL": linearize(measured - claimed), "q + hδ": normalised(signed - on_data)}
    return vanishes(
        "quotient rule under the integral sign", differences, "for undefined L, ΔL, φ, prior; and q, signed δ, ℓ"
    )


SIGNED_RESPONSE = coordinate("signed direction", SIGNED, along(SIGNED))


def enclose_thm_11(_: Budget) -> Evidence:
    return combine([identity.enclosed(instance) for instance in (TWO_WELLS, DEGENERATE, VALLEY, SIGNED_RESPONSE)])


def sample_thm_11(budget: Budget) -> Evidence:
    return combine([identity.sampled(instance, budget) for instance in (TWO_WELLS, DEGENERATE)])


# ── Thm 11 beyond means: covariances, all cumulants, second order ─────────────────────────────────────────────────────


def derive_cumulants(_: Budget) -> Evidence:
    """d κ_m/dh against −nβ κ_{m+1} for m = 1, 2, 3, with an observable that moves too; and the second-order response."""
    xi = sp.Function("xi")(W)
    moved = Posterior(n * beta * (L + h * DELTA), PRIOR)
    fixed = Posterior(n * beta * L, PRIOR)
    groups = {"m = 1": (PHI_W,), "m = 2": (PHI_W, PSI_W), "m = 3": (PHI_W, PSI_W, xi)}
    differences = {
        name: differentiate(moved.cumulant(group), h) + n * beta * linearize(fixed.cumulant([*group, DELTA]))
        for name, group in groups.items()
    }
    moving = (PHI_W, PSI_W + h * xi)
    differences["an observable that moves"] = differentiate(moved.cumulant(moving), h) - response_of_cumulant(
        moved, moving, h
    )
    twice = differentiate(moved.expectation(PHI_W), h, times=2)
    differences["second order"] = twice - (n * beta) ** 2 * linearize(fixed.cumulant([PHI_W, DELTA, DELTA]))
    differences = {name: sp.expand(difference) for name, difference in differences.items()}
    return vanishes("dκ_m/dh = −nβ κ_{m+1}(…, ΔL)", differences, "m = 1, 2, 3, second order; undefined functions")


CUMULANT_DELTA = SIGNED


def enclose_cumulants(_: Budget, sign: int = -1) -> Evidence:
    """Derivatives of certified covariances, third cumulants and responses against certified cumulants one order up."""
    parts = []
    delta = CURVED.along(CUMULANT_DELTA)
    with digits(DIGITS):
        for group in ((PHI, PSI), (PHI, PSI, PSI)):
            measured = CURVED.perturbed(CUMULANT_DELTA).cumulant(group)[1]
            claimed = sign * CURVED.t * CURVED.posterior().cumulant([*group, delta])
            parts.append(encloses(f"dκ_{len(group)}/dh", measured, claimed))
        twice = 2 * CURVED.perturbed(CUMULANT_DELTA, 2).expectation(PHI)[2]
        claimed = CURVED.t**2 * CURVED.posterior().cumulant([PHI, delta, delta])
        parts.append(encloses("d²⟨φ⟩/dh²", twice, claimed))
    return combine(parts)


def sample_cumulants(budget: Budget) -> Evidence:
    """The chain's κ₃(φ, ψ, ΔL) against the certified derivative of Cov_h(φ, ψ), which it has to be −1/nβ times."""
    from sampler import diagnostics

    run = CURVED.run(budget)
    change = changes(run)[..., 1]
    kappa = diagnostics.third_cumulant(run.trace("phi"), run.trace("psi"), change)
    again = diagnostics.third_cumulant(run.trace("phi"), change, change)
    with digits(DIGITS):
        slope = CURVED.perturbed(CURVED.towards(1)).cumulant([PHI, PSI])[1]
        bend = 2 * CURVED.perturbed(CURVED.towards(1), 2).expectation(PHI)[2]
    return combine(
        [
            estimates("−nβκ₃(φ, ψ, Δℓ)", kappa.scale(-CURVED.t), float(slope.mid())),
            estimates("(nβ)²κ₃(φ, Δℓ, Δℓ)", again.scale(CURVED.t**2), float(bend.mid())),
        ]
    )


# ── Def 12, eq 9 ──────────────────────────────────────────────────────────────────────────────────────────────────────


def derive_def_12(_: Budget) -> Evidence:
    """χ_z is the response to mass moved from q to z; its q-average vanishes (Fubini); nothing is assumed of q but ∫q = 1."""
    point = Posterior(n * beta * ((1 - h) * LOSS + h * ell(x)), PRIOR)
    differences = {
        "response to δ_z": normalised(response(point, PHI_W, h) / (n * beta) - per_sample(x)),
        "E_q χ_z": normalised(over(q(z) * per_sample())),
    }
    return vanishes(
        "χ_z(φ) = −Cov(φ, ℓ_z − L)", differences, "response to q → δ_z, of mean 0 over q; undefined q, ℓ, φ, prior"
    )


def enclose_def_12(_: Budget) -> Evidence:
    """χ_z for trained and held-out points against the response by definition; Σ_k q_k χ_k."""
    with digits(DIGITS):
        parts = [
            encloses(f"χ_{k}(φ)", CURVED.response(PHI, CURVED.towards(k)), CURVED.susceptibility(PHI, k))
            for k in (1, 4)
        ]
        average = sum((rational(CURVED.q[k]) * CURVED.susceptibility(PHI, k) for k in TRAINED), arb(0))
        parts.append(encloses("E_q χ_z", average, sp.S.Zero))
    return combine(parts)


def sample_def_12(budget: Budget) -> Evidence:
    """−Cov from the draws against the response by definition, certified; trained and held-out points, two observables."""
    from sampler.susceptibility import susceptibility

    run = CURVED.run(budget)
    with digits(DIGITS):
        return combine(
            [
                estimates(
                    f"χ_{k}({name})",
                    entry(susceptibility(run, name), k),
                    float(CURVED.response(phi, CURVED.towards(k)).mid()),
                )
                for name, phi, k in (("phi", PHI, 0), ("phi", PHI, 3), ("psi", PSI, 1))
            ]
        )


def derive_eq_9(_: Budget) -> Evidence:
    """∫ q′ χ_z dz against the response along the mixture; at a point mass; for signed δ of mass m against the normalised path."""
    mixture = response(under(lambda at: (1 - h) * q(at) + h * q_prime(at)), PHI_W, h) / (n * beta)
    heavy = response(under(lambda at: (q(at) + h * delta(at)) / (1 + h * m)), PHI_W, h) / (n * beta)
    chi = sp.Function("chi")
    differences = {
        "q′": normalised(mixture - over(q_prime(z) * per_sample())),
        "q′ = δ_x": over(sp.DiracDelta(z - x) * chi(z)).doit() - chi(x),
        "signed, mass m": normalised(heavy - over(delta(z) * per_sample()), m),
    }
    return vanishes(
        "∫ q′ χ_z dz", differences, "is the response, for undefined q, q′ and signed δ of any mass (normalised)"
    )


def enclose_eq_9(_: Budget) -> Evidence:
    """Σ_k δ_k χ_k against the response by definition: a mixture, a signed direction, one of mass ½ brought back to mass one."""
    with digits(DIGITS):
        chi = [CURVED.susceptibility(PHI, k) for k in range(CURVED.size)]
        flat = tuple(d - sum(HEAVY) * q for d, q in zip(HEAVY, CURVED.q, strict=True))
        parts = []
        for name, path, delta in (("q′", MIXTURE, MIXTURE), ("signed", SIGNED, SIGNED), ("mass ½", flat, HEAVY)):
            total = sum((rational(d) * c for d, c in zip(delta, chi, strict=True)), arb(0))
            parts.append(encloses(f"Σ δ χ ({name})", CURVED.response(PHI, path), total))
    return combine(parts)


def sample_eq_9(budget: Budget) -> Evidence:
    """The chain's Σ_k δ_k χ̂_k, one number of one run, against the response by definition."""
    from sampler import diagnostics

    run = CURVED.run(budget)
    losses = changes(run)
    parts = []
    with digits(DIGITS):
        for name, phi, delta in (("phi", PHI, MIXTURE), ("loss", CURVED.excess, SIGNED)):
            direction = losses @ [float(d) for d in delta]
            chi = diagnostics.covariance(run.trace(name), direction).scale(-1.0)
            parts.append(estimates(f"Σ δ χ({name})", chi, float(CURVED.response(phi, delta).mid())))
    return combine(parts)


# ── claims ────────────────────────────────────────────────────────────────────────────────────────────────────────────

CLAIMS = (
    Claim(
        "Def 5", ("Def 4", "Def 5", "eq 5", "eq 6", "Rem 6"), "3.1",
        "Π_n ∝ exp(−nβL_n)φ = φ Π p(z_i|w)^β: the Bayes posterior at β = 1, tempered otherwise; Π has L in place of L_n",
        derive_def_5, enclose_def_5, sample_def_5,
    ),
    Claim(
        "Def 9", ("Def 7", "Rem 8", "Def 9", "§3.2"), "3.2",
        "μ_j(q) = ⟨φ_j⟩ moves along q + hδ, δ signed, by dμ/dh = −nβ Cov(φ, L^δ) for a δ of mass 0, with L_h = L + "
        "hL^δ; mass m also "
        "acts as nβ → nβ(1 + hm), and (q + hδ)/(1 + hm) has the direction L^δ − mL",
        derive_coordinates, enclose_coordinates, sample_coordinates,
    ),
    Claim(
        "Thm 11", ("Thm 11", "Def 10", "eq 7"), "3.3",
        "χ(φ; ΔL) = (1/nβ) d⟨φ⟩_h/dh at h = 0 = −Cov(φ, ΔL), exactly, for every posterior",
        derive_thm_11, enclose_thm_11, sample_thm_11,
    ),
    Claim(
        "Thm 11, covariances", ("Thm 11, covariances",), "3.3",
        "Beyond means: dκ(φ_1, …, φ_m)/dh = −nβ κ(φ_1, …, φ_m, ΔL) for every joint cumulant, so dCov/dh = −nβ κ₃(φ, ψ, ΔL) "
        "and d²⟨φ⟩/dh² = (nβ)² κ₃(φ, ΔL, ΔL), exactly",
        derive_cumulants, enclose_cumulants, sample_cumulants,
    ),
    Claim(
        "Def 12", ("Def 12", "eq 8"), "3.4",
        "χ_z(φ) = −Cov(φ, ℓ_z − L) is the response to mass moved from q to z, and E_{z∼q} χ_z = 0",
        derive_def_12, enclose_def_12, sample_def_12,
    ),
    Claim(
        "eq 9", ("eq 9",), "3.4",
        "χ(φ; q′) = ∫ q′(z) χ_z(φ) dz, at q′ = δ_z it is χ_z; for signed δ of any mass ∫ δ χ_z is the response along "
        "the normalised path",
        derive_eq_9, enclose_eq_9, sample_eq_9,
    ),
    *observables.CLAIMS,
)  # fmt: skip
