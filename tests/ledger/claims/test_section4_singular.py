"""Section 4.2, poles and free energies: right formulas hold in the exact layers, wrong ones are refuted by every layer.

False alarms: 1e-6 a sampled comparison (fixed seeds). Every wrong formula is off by more than the runs detect at 99%.
"""

from dataclasses import replace

import pytest
import sympy as sp

from ledger import over_data
from ledger.claim import Budget, Layer, Status, Verdict, verdict
from ledger.claims import section4_free_energy as free
from ledger.claims import section4_thresholds as thresholds

pytestmark = pytest.mark.compiled
QUICK = Budget.QUICK
R = sp.Rational
EXACT = (Layer.DERIVED, Layer.ENCLOSED)


def without_jacobian(crossings):
    """1/κ, as if blowing up did not change the measure."""
    return thresholds.largest_pole([[(k, 0) for k, _ in point] for point in crossings])


def always_simple(crossings):
    return thresholds.largest_pole(crossings)[0], 1


def of_all_divisors(crossings):
    """m counted over all divisors, whether they meet or not."""
    lam, _ = thresholds.largest_pole(crossings)
    return lam, sum(R(h + 1, k) == lam for point in crossings for k, h in point)


@pytest.mark.parametrize("wrong", [without_jacobian, always_simple], ids=lambda f: f.__name__)
@pytest.mark.parametrize("layer", list(Layer))
def test_wrong_poles_are_refuted(wrong, layer: Layer) -> None:
    evidence = getattr(thresholds.LargestPole(wrong), layer)(QUICK)
    assert evidence.status is Status.REFUTED, evidence.summary


def test_divisors_must_meet() -> None:
    """The node has two branches through its exceptional curve at different points: m is 2, not 4."""
    wrong = thresholds.LargestPole(of_all_divisors)
    for layer in EXACT:
        assert getattr(wrong, layer)(QUICK).status is Status.REFUTED
    assert thresholds.largest_pole(thresholds.NODE.crossings) == (R(1, 2), 2)


def test_the_volume_of_the_cusp_by_counting() -> None:
    """The closed form against midpoints of 4000 × 4000 cells; their boundary cells are 1e-3 of the area."""
    import numpy as np

    level, side = R(1, 100), 4000
    at = (np.arange(side) + 0.5) * 2 / side - 1
    inside = np.mean([np.mean((at**2 - u**3) ** 2 < float(level)) for u in at])
    assert float(thresholds.cusp_volume(level)) == pytest.approx(4 * inside, abs=3e-3)


@pytest.mark.parametrize("layer", list(Layer))
def test_wrong_moments_are_refuted(layer: Layer) -> None:
    """Γ((j+1)/2k) for Γ((2j+1)/2k)."""

    def wrong(ks, js, t):
        return sp.Mul(
            *(
                sp.factorial(2 * k) ** R(j, k) * sp.gamma(R(j + 1, 2 * k)) / sp.gamma(R(1, 2 * k)) * t ** (-R(j, k))
                for k, j in zip(ks, js, strict=True)
            )
        )

    assert getattr(thresholds.Separable(wrong), layer)(QUICK).status is Status.REFUTED


def regular(law):
    """The law with d/2 in the place of λ: BIC for two weights."""
    return lambda _, m, n: law(sp.S.One, m, n)


WRONG_LAWS = {
    "d/2 in F": ({"free_energy": regular(free.free_energy)}, tuple(Layer)),
    "no log log": ({"free_energy": lambda lam, _, n: lam * sp.log(n)}, tuple(Layer)),
    "d/2 in WBIC": ({"wbic": regular(free.wbic)}, tuple(Layer)),
    "d/2 in G": ({"generalisation": regular(free.generalisation)}, tuple(Layer)),
}


@pytest.mark.parametrize("name", WRONG_LAWS)
def test_wrong_laws_of_learning_are_refuted_by_the_exact_layers(name: str) -> None:
    change, layers = WRONG_LAWS[name]
    for layer in set(layers) & set(EXACT):
        assert getattr(replace(free.FreeEnergy(), **change), layer)(QUICK).status is Status.REFUTED


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("d/2 in F", "_sample_free_energy"), ("no log log", "_sample_free_energy"),
        ("d/2 in WBIC", "_sample_wbic"), ("d/2 in G", "_sample_generalisation"),
    ],
)  # fmt: skip
def test_wrong_laws_of_learning_are_refuted_by_simulation(name: str, part: str) -> None:
    change, _ = WRONG_LAWS[name]
    assert getattr(replace(free.FreeEnergy(), **change), part)(QUICK).status is Status.REFUTED


def test_thermodynamic_integration() -> None:
    """−E log Z against ∫_0^1 E⟨n(L_n − L_n(w*))⟩_β dβ by Gauss's rule, the integrand from the posterior of x and y on a grid."""
    import numpy as np

    n, model = 50, free.PRODUCT
    at, weights = over_data._grid(2000)
    nodes, masses = np.polynomial.hermite_e.hermegauss(40)
    masses = masses / masses.sum()

    def energy(beta: float) -> float:
        p = 1 + n * beta * at**2
        shift = beta * n**0.5 * nodes[:, None] * at / p
        share = weights * p**-0.5 * np.exp(p * shift**2 / 2)
        value = n * at**2 * (1 / p + shift**2) / 2 - n**0.5 * nodes[:, None] * at * shift
        return float(masses @ ((share * value).sum(axis=1) / share.sum(axis=1)))

    s, w = np.polynomial.legendre.leggauss(40)
    s, w = (s + 1) / 2, w / 2
    integral = sum(b * 3 * a**2 * energy(a**3) for a, b in zip(s, w, strict=True))
    assert over_data.expected_free_energy(model.d, n)[0] == pytest.approx(integral, abs=1e-8)


def test_the_expected_generalisation_from_its_definition() -> None:
    """E[F_{n+1}] − E[F_n] against the Kullback–Leibler divergence of the predictions, averaged over data by two more rules."""
    import numpy as np

    n, model = 50, free.PRODUCT
    at, weights = over_data._grid(2000)
    nodes, masses = np.polynomial.hermite_e.hermegauss(40)
    masses = masses / masses.sum()

    def evidence(size, xi):
        p = 1 + size * at**2
        return (weights * p**-0.5 * np.exp(size * np.asarray(xi)[..., None] ** 2 * at**2 / (2 * p))).sum(axis=-1)

    after = (n**0.5 * nodes[:, None] + nodes) / (n + 1) ** 0.5
    direct = -n * float(masses @ np.log(evidence(n + 1, after) / evidence(n, nodes)[:, None]) @ masses)
    assert over_data.expected_generalisation(model.d, n)[0] == pytest.approx(direct, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("claim", [*thresholds.CLAIMS, *free.CLAIMS], ids=lambda claim: claim.id)
def test_true_claims_hold(claim) -> None:
    evidence = {layer: claim.test(layer)(QUICK) for layer in Layer}
    assert verdict(claim, evidence) is Verdict.HOLDS
