"""Section 3.5: component losses φ_C = δ(u − u*)[L − L(w*)] and the susceptibility matrix X of components by data.

    ⟨φ_C⟩ = (Z_C/Z)⟨L(u*, ·) − L(w*)⟩_C,     X_{C,z} = χ_z(φ_C)

on the curved regression, whose two components clamp one weight each. The machinery is that of `ledger.restricted`.

Reading order: the three layers of Def 14, then those of Def 16, `CLAIMS`.
"""

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.compare import combine
from ledger.densities import (
    beta,
    n,
)  # fmt: skip
from ledger.evidence import encloses, estimates, vanishes
from ledger.population import CURVED, DIGITS, TRAINED, entry, u, v
from ledger.restricted import Braces, Component, eq_34, response_of_component, symbolic_eq_34
from numerics import extrapolate
from numerics.posterior import Posterior as Certified
from numerics.precision import digits, rational
from theory.response import Posterior, linearize

t, width = sp.symbols("t sigma", positive=True)
ATTENTION, REST = (
    Component(CURVED, (v,)),
    Component(CURVED, (u,)),
)  # two components of one model: v at u = 0, u at v = 0
U_STAR = sp.Symbol("u_star", real=True)


def derive_def_14(_: Budget) -> Evidence:
    """∫∫ δ(u − u*) K e^{−E} p = ∫ K(u*, v) e^{−E(u*, v)} p(u*, v) dv; narrow Gaussians reach it with an error ½σ²∂²_u."""
    U, V = sp.symbols("u v", real=True)
    K, p = (sp.Function(name)(U, V) for name in ("K", "p"))
    full = Posterior(t * K, p, (U, V))
    part = full.slice({U: U_STAR})
    integrand = K * sp.exp(-t * K) * p
    inner = sp.Integral(sp.DiracDelta(U - U_STAR) * integrand, (U, -sp.oo, sp.oo)).doit()
    sliced = linearize(sp.Integral(inner, (V, -sp.oo, sp.oo)) / full.integral(sp.S.One))
    claimed = linearize(part.integral(sp.S.One) / full.integral(sp.S.One) * part.expectation(K.subs(U, U_STAR)))
    xi = sp.Symbol("xi", real=True)
    F = sp.Function("F")
    taylor = sum((F(U).diff(U, k).subs(U, U_STAR) * (width * xi) ** k / sp.factorial(k) for k in range(4)), sp.S.Zero)
    density = sp.exp(-(xi**2) / 2) / sp.sqrt(2 * sp.pi)
    gaussian = sp.integrate(sp.expand(taylor * density), (xi, -sp.oo, sp.oo))
    second = F(U_STAR) + width**2 / 2 * F(U).diff(U, 2).subs(U, U_STAR)
    differences = {
        "⟨φ_C⟩ = (Z_C/Z)⟨g⟩_C": sp.expand(sliced - claimed),
        "N(u*, σ²) in place of δ": sp.simplify(gaussian - second),
    }
    return vanishes(
        "δ(u − u*) as a distribution", differences, "an integral over C; Gaussians of width σ converge as σ²"
    )


def smeared(component: Component, precision: int) -> tuple:
    """⟨N(u; u*, σ²) [L − L(w*)]⟩ for one clamped variable, certified, σ^−2 = `precision`."""
    population = component.population
    (clamped,) = set(population.variables) - set(component.free)
    kernel = sp.exp(-precision * (clamped - population.minimum[clamped]) ** 2 / 2)
    narrow = Certified(population.loss, population.variables, population.t, prior=kernel, digits=DIGITS)
    height = (arb(precision) / (2 * arb.pi())).sqrt()
    return height * narrow.partition() / population.posterior().partition(), narrow.expectation(population.excess)


def enclose_def_14(_: Budget) -> Evidence:
    """Narrow Gaussians in place of δ, extrapolated to σ → 0, against (Z_C/Z)⟨g⟩_C: two-dimensional against
    one-dimensional integrals."""
    parts = []
    with digits(DIGITS):
        for component in (ATTENTION, REST):

            def value(precision: int, component: Component = component):
                weight, mean = smeared(component, precision)
                return weight * mean

            found = extrapolate.coefficients(value, order=0, target_digits=17)[0]
            parts.append(encloses(f"{component.name}: σ → 0", found.ball, component.expectation()))
    return combine(parts)


WINDOW = 100  # σ^−2 of the sampled kernel


def sample_def_14(budget: Budget) -> Evidence:
    """A full chain seen through a window of width 0.1, against the certified smeared mean; a clamped chain against ⟨φ_C⟩ Z/Z_C."""
    import numpy as np

    from sampler import diagnostics

    parts = []
    with digits(DIGITS):
        for number, component in enumerate((ATTENTION, REST)):
            weight, mean = smeared(component, WINDOW)
            population = component.population
            index = [i for i, w in enumerate(population.variables) if w not in component.free]
            full = population.run(budget)
            away = full.trace(str(population.variables[index[0]]))
            height = np.sqrt(WINDOW / (2 * np.pi)) * np.exp(-WINDOW * away**2 / 2)
            seen = diagnostics.mean(height * full.trace("loss"))
            parts.append(estimates(f"window on the full chain, {component.name}", seen, float((weight * mean).mid())))
            clamped = diagnostics.mean(population.run(budget, component.free, seed=34).trace("loss"))
            g = component.expectation() / component.density
            parts.append(estimates(f"clamped chain, {component.name}", clamped, float(g.mid()), part=number))
    return combine(parts)


def derive_def_16(_: Budget) -> Evidence:
    """X_{C,z} = χ_z(φ_C) is eq 34, undefined losses; each row averages to 0 over q, for three points of undefined weight."""
    masses = sp.symbols("q1 q2", positive=True)
    masses = (*masses, 1 - sum(masses))
    U, V = sp.symbols("u v", real=True)
    points = [sp.Function(f"ell{k}")(U, V) for k in range(3)]
    loss, p, g = sp.Function("L")(U, V), sp.Function("p")(U, V), sp.Function("g")(V)
    full = Posterior(n * beta * loss, p, (U, V))
    part = full.slice({U: U_STAR})
    total = sp.Add(*(mass * point for mass, point in zip(masses, points, strict=True)))
    row = sp.S.Zero
    for mass, point in zip(masses, points, strict=True):
        row += mass * symbolic_eq_34(full, part, g, point - total, {U: U_STAR})
    differences = {**response_of_component(), "Σ_z q_z X_{C,z}": linearize(row)}
    return vanishes(
        "X_{C,z} = χ_z(φ_C)", differences, "the mixed covariance of eq 34; rows average to 0; undefined losses"
    )


COLUMNS = (1, 2, 4)  # two points of the data set and one held out


def enclose_def_16(_: Budget, formula: Braces = eq_34) -> Evidence:
    """A 2 × 3 block of X by definition against eq 34; each full row averages to 0 over q."""
    parts = []
    with digits(DIGITS):
        for component in (ATTENTION, REST):
            for k in COLUMNS[:2]:
                found = component.response(CURVED.towards(k))
                parts.append(encloses(f"X_{k}, {component.name}", found, formula(component, k)))
            average = sum((rational(CURVED.q[k]) * formula(component, k) for k in TRAINED), arb(0))
            parts.append(encloses(f"E_q X, {component.name}", average, sp.S.Zero))
    return combine(parts)


def sample_def_16(budget: Budget) -> Evidence:
    """The two rows from three chains (one for each component, one full) times the certified Z_C/Z, against X by definition."""
    parts = []
    with digits(DIGITS):
        for component in (ATTENTION, REST):
            row = component.estimate(budget)
            for k in COLUMNS[:2]:
                expected = component.response(CURVED.towards(k))
                found = entry(row, k).scale(float(component.density.mid()))
                parts.append(estimates(f"X_{k}, {component.name}", found, float(expected.mid())))
    return combine(parts)


CLAIMS = (
    Claim(
        "Def 14", ("Def 14", "eq 10", "Rem 15"), "3.5",
        "φ_C = δ(u − u*)[L − L(w*)]: ⟨φ_C⟩ = (Z_C/Z)⟨L(u*, ·) − L(w*)⟩_C, the limit of Gaussians of width σ → 0 in place of δ",
        derive_def_14, enclose_def_14, sample_def_14,
    ),
    Claim(
        "Def 16", ("Def 16",), "3.5",
        "X_{C,z} = χ_z(φ_C), rows components, columns data: each row averages to 0 over q; nβX is the Jacobian of the "
        "coordinates ⟨φ_C⟩",
        derive_def_16, enclose_def_16, sample_def_16,
    ),
)  # fmt: skip
