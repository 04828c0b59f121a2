"""Each fault, made on purpose, is named; healthy runs are left alone; the stationarity test has its size and its power.

Size: over 800 healthy experiments the virial z is N(0, 1) (Kolmogorov–Smirnov, p > 1e-6), which a z too large by a half would fail.
"""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, kstest, norm

from sampler import chain, diagnosis, diagnostics, martingale
from sampler.diagnosis import diagnose
from sampler.diagnostics import Estimate
from sampler.kernels.mala import mala
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior
from sampler.record import Run

T = 50.0


def bowl(w, _):
    return jnp.sum(w**2) / 2 + jnp.sum(w**4) / 12 + jnp.sum(w) ** 2 / 4


def valley(w, _):
    """Steep along one direction, flat along the others."""
    return w[0] ** 2 * (1 + jnp.sum(w[1:] ** 2) / 500) / 2


def posterior(loss=bowl, d=3, gamma=0.0, **options):
    return LocalPosterior(loss, jnp.zeros((1, 0)), jnp.zeros(d), T, gamma, **options)


def experiments(run, chains):
    names = ("loss", "drift", "square", "accepted", "finite")
    parts = [slice(i, i + chains) for i in range(0, len(run.finite), chains)]
    return [replace(run, **{name: getattr(run, name)[p] for name in names}) for p in parts]


@cache
def healthy(chains=4):
    """1600 chains in experiments of a few; ελ_max = 0.01 · 125."""
    return experiments(
        chain.run(jax.random.key(0), sgld(0.01), posterior(), chains=1600, draws=400, burn_in=200), chains
    )


def test_the_virial_z_of_settled_chains_is_standard_normal():
    z = np.array([run.stationarity() for run in healthy(2)])
    assert kstest(z, "norm").pvalue > 1e-6
    assert kstest(1.5 * z, "norm").pvalue < 1e-6
    assert kstest(z + 0.5, "norm").pvalue < 1e-6


def test_chains_that_were_stopped_too_early_fail_it(limit):
    """300 steps from the centre along 40 flat directions that take 4000 to settle: each of 50 experiments of 8 chains fails.

    A direction that diffuses freely adds −1 to the virial, draw by draw and without noise: here −40, less
    γ|y|² ≈ 0.05·40·ε·200 = 4.
    """
    p = posterior(valley, 41, gamma=0.05)
    run = chain.run(jax.random.key(1), sgld(0.01), p, chains=400, draws=200, burn_in=100)
    parts = experiments(run, 8)
    z = np.array([part.stationarity() for part in parts])
    assert (z < -limit()).all()
    assert abs(diagnostics.mean(run.virial).mean + 36) < 2
    found = diagnose(parts[0])["stationary"]
    assert found.severity == "error"
    assert "move away" in found.sentence
    assert "36 directions" in found.sentence or "35 directions" in found.sentence or "37 directions" in found.sentence
    assert "martingale" in found.sentence


def test_the_leaf_that_moves_is_named():
    p = LocalPosterior(
        lambda w, _: w["a"] ** 2 * (1 + w["b"] ** 2) / 2, jnp.zeros((1, 0)), {"a": 0.0, "b": 0.0}, T, 0.05
    )
    run = martingale.run(jax.random.key(2), sgld(0.01), p, order=1, chains=8, draws=300, burn_in=100)
    assert "leaf 1" in diagnose(run)["stationary"].sentence


def test_healthy_runs_are_left_alone():
    """Of 60 no one has a worse finding than a note, but for the bias of so large a step, which is there."""
    for run in healthy()[:60]:
        found = diagnose(run)
        worse = [f.check for f in found.findings if f.severity in ("warning", "error")]
        assert set(worse) <= {"step"}
        assert found["stationary"].severity in ("fine", "warning")


def test_a_small_step_and_many_draws_have_nothing_wrong():
    run = chain.run(jax.random.key(3), mala(0.02), posterior(), chains=8, draws=3000, burn_in=200)
    found = diagnose(run)
    assert found.ok
    assert "accepted" in found
    assert "step" not in found, "MALA has no bias of step"


def test_the_bias_of_the_step_is_what_it_says(limit):
    """Against the exact law of a quadratic, with minibatch noise in it as well: λ̂ = ½(d + E[square])."""
    data = jnp.array([[0.5, 0.0], [-0.5, 0.0], [0.0, 0.3], [0.0, -0.3]])
    p = LocalPosterior(lambda w, z: jnp.sum((w - z) ** 2) / 2, data, jnp.zeros(2), T, 0.0, batch_size=2)
    run = chain.run(jax.random.key(4), sgld(0.01), p, chains=200, draws=400, burn_in=100)
    excess, lam = diagnose(run)["step"].value * float(llc(run).mean), llc(run)
    assert abs(float(lam.mean) - excess - 1.0) < limit() * np.hypot(lam.sem, diagnostics.mean(run.square).sem)
    assert excess > 20 * float(lam.sem)
    assert "take ε" in diagnose(run)["step"].sentence


@pytest.mark.filterwarnings("ignore")
def test_each_fault_is_named():
    run = healthy()[0]
    lost = replace(run, finite=np.array([True, True, False, True]))
    assert diagnose(lost)["finite"].severity == "error"
    assert "1 of 4 chains" in str(diagnose(lost))

    trend = np.linspace(0, 3, run.loss.shape[1]) / T
    moving = replace(run, loss=run.loss + trend)
    assert diagnose(moving)["drift"].severity == "error"
    assert "burn in longer, by 400 draws" in diagnose(moving)["drift"].sentence

    apart = replace(run, loss=run.loss + np.array([[0.0], [0.0], [0.0], [3.0 / T]]))
    assert diagnose(apart)["agreement"].severity == "error"
    assert "chain 3" in diagnose(apart)["agreement"].sentence
    assert diagnose(apart)["rhat"].severity in ("warning", "error")

    slow = replace(
        run, **{name: np.repeat(getattr(run, name)[:, :10], 40, axis=1) for name in ("loss", "drift", "square")}
    )
    assert diagnose(slow)["ess"].severity in ("warning", "error")
    assert "uncertain by some" in diagnose(slow)["ess"].sentence

    below = replace(run, centre_loss=run.centre_loss + 1.0)
    assert diagnose(below)["minimum"].severity == "error"
    assert diagnose(below).severity == "error"

    stuck = replace(run, accepted=np.zeros_like(run.accepted))
    assert "never moved" in diagnose(stuck)["accepted"].sentence


def told(check, **numbers) -> Any:
    """The finding of one check on a run whose estimates are these numbers."""
    parts: list[Any] = [np.asarray(numbers.pop(name, 1.0)) for name in diagnostics.NUMBERS]
    estimate = Estimate(*parts)
    made = {"finite": np.ones(4, bool), "draws": 100, "nbeta": 2.0, "epsilon": 0.25, "moments": (), **numbers}
    return check(SimpleNamespace(mean=lambda _: estimate, **made))


@pytest.mark.parametrize(
    ("check", "number", "sign", "limits"),
    [
        (diagnosis.rhat, "rhat", 1, {"note": 1.01, "warning": 1.05, "error": 1.2}),
        (diagnosis.ess, "ess", -1, {"note": 400.0, "warning": 100.0, "error": 20.0}),
        (diagnosis.stationary, "mean", 1, {"warning": 3.0, "error": 5.0}),
        (diagnosis.stationary, "mean", -1, {"warning": -3.0, "error": -5.0}),
        (diagnosis.accepted, "mean", -1, {"warning": 0.2}),
        (diagnosis.minimum, "mean", -1, {"error": -float(norm.isf(1e-4))}),
    ],
)
def test_severities_change_just_beyond_their_limits(check, number, sign, limits):
    """At a limit a run is still as good as before it, one part in a million further it is not."""
    before = "fine"
    for severity, limit in limits.items():
        at, beyond = (told(check, **{number: limit + sign * abs(limit) * step}) for step in (0.0, 1e-6))
        assert at.severity == before
        assert at.value == limit * (2 if check is diagnosis.minimum else 1)  # there the mean times nβ = 2
        assert beyond.severity == severity and beyond.limit in (abs(limits[next(iter(limits))]), 0.0)
        before = severity


def test_sentences_tell_the_numbers():
    assert told(diagnosis.ess, ess=50.0, sem=0.03).sentence == (
        "400 draws of the loss are worth 50 independent ones: the error bar 0.06 of λ̂ is itself uncertain by some 20%; draw "
        "longer, or thin more at the same number of draws."
    )
    assert told(diagnosis.ess, ess=1.0).sentence.count("by some 100%;") == 1  # never more than all of it
    assert (
        told(diagnosis.accepted, mean=0.1).sentence
        == "10% of the proposals were accepted; take a step smaller than 0.25."
    )
    assert told(diagnosis.accepted, mean=0.0).severity == "error" and told(diagnosis.accepted, mean=1.0) is None
    assert told(diagnosis.rhat, rhat=np.nan) is None and told(diagnosis.ess, ess=np.inf) is None
    one, two = (np.arange(10) >= lost for lost in (1, 2))
    assert (
        told(diagnosis.finite, finite=one).severity == "warning"
        and told(diagnosis.finite, finite=two).severity == "error"
    )
    assert told(diagnosis.finite, finite=two).value == 0.2


def test_rounding_of_single_precision_is_measured():
    """A loss near 1000 in float32 has units of 6e-5: at nβ = 50 that is 0.003, at nβ = 50000 three."""
    run = healthy()[0]
    for scale, severity in ((1.0, "fine"), (1e3, "error")):
        single = replace(
            run, loss=(run.loss / scale + 1000).astype(np.float32), centre_loss=1000.0, nbeta=run.nbeta * scale
        )
        found = diagnose(single)["rounding"]
        assert found.severity == severity
    assert "rounding" not in diagnose(run)


def test_moments_are_diagnosed_too_and_the_answer_is_plain():
    run = chain.run(jax.random.key(5), sgld(0.01), posterior(), chains=4, draws=400, burn_in=100, keep="moments")
    found = diagnose(run)
    assert "drift" not in found
    assert {"stationary", "ess", "rhat", "finite"} <= {f.check for f in found.findings}
    plain = found.to_dict()
    assert plain["severity"] == found.severity
    assert {"check", "severity", "value", "limit", "sentence"} == set(plain["findings"][0])


def made(energy, *, square=0.0, drift: Any = 3.0, **fields):
    """A run at nβ = 2 with these values of nβ(L − L*), d = 3, made by hand."""
    energy = np.asarray(energy, float)
    known = {
        "finite": np.ones(len(energy), bool),
        "centre_loss": 0.0,
        "nbeta": 2.0,
        "gamma": 1.0,
        "epsilon": 0.25,
        "dimension": 3,
    }
    known |= {"observables": {}, "probes": None, "position": (), "seconds": 0.0, "accepted": np.ones_like(energy)}
    known |= {"loss": energy / 2, "square": square + 0 * energy, "drift": drift + 0 * energy}
    return Run(**{**known, **fields})


def zigzag(chains, draws):
    """±1 in turn."""
    return np.tile([1.0, -1.0], (chains, draws))[:, :draws]


@pytest.mark.parametrize(
    ("square", "energy", "severity"),
    [
        (0.2, 10.0, "note"), (0.2, 10.1, "fine"), (0.2, 2.0, "warning"), (0.2, 2.1, "note"),
        (1.0, 2.0, "error"), (1.0, 2.1, "warning"), (1.0, -2.0, "error"),
    ],
)  # fmt: skip
def test_the_bias_of_the_step_is_judged_at_1_5_and_25_percent(square, energy, severity):
    """½E[square] over λ̂, where all of the drift is the loss's."""
    found = diagnosis.step(made(np.full((2, 8), energy), square=square, drift=2 * abs(energy)))
    assert found is not None
    assert (found.severity, found.limit) == (severity, 0.01) and found.value == pytest.approx(square / 2 / abs(energy))
    assert ("take ε" in found.sentence) == (severity != "fine")


def test_the_loss_answers_for_its_share_of_the_drift():
    """E[drift] = 8 and λ̂ = 1: a quarter of ½E[square] = 1.2 and 1 at most, as λ̂ is no more; u = 4x/(1 + x), x = 2.4/3."""
    found = diagnosis.step(made(1 + zigzag(2, 40) / 10, square=2.4, drift=8.0))
    assert found is not None and found.value == pytest.approx(0.3)
    assert found.sentence.startswith("Step and minibatches raise λ̂ = 1 by about 0.3 (30%, ")
    assert (
        "typical ελ = 1.8), and by 1 at most: the bias is proportional to the step; take ε = 0.0083 for 1%"
        in found.sentence
    )
    sem = diagnostics.mean(1 + zigzag(2, 40) / 10).sem
    assert f"(30%, {0.3 / sem:.1g} error bars;" in found.sentence
    still = diagnosis.step(made(np.ones((2, 8)), square=0.3, drift=2.0))
    assert still is not None and "inf error bars" in still.sentence and "at most" not in still.sentence
    assert diagnosis.step(made(np.ones((2, 8)), square=0.3, drift=-1.0)).value == pytest.approx(0.15)  # pyright: ignore[reportOptionalMemberAccess]
    assert diagnosis.step(made(np.ones((2, 8)), square=0.0)) is None


def test_drift_compares_the_last_half_with_the_first_fifth():
    """Of 40 draws the first 8 and the last 20, whatever lies between; z by the errors of the two."""
    energy = zigzag(3, 40) + np.random.default_rng(0).normal(size=(3, 40))
    energy[:, 8:20] += 100
    for shift in (0.0, 9.0, -9.0):
        energy[:, 20:] += shift
        found = diagnosis.drift(made(energy))
        one, two = diagnostics.mean(energy[:, :8]), diagnostics.mean(energy[:, 20:])
        z = (two.mean - one.mean) / np.hypot(one.sem, two.sem)
        assert found is not None and found.value == pytest.approx(z) and found.limit == 3.0
        assert (
            f"is {one.mean:.4g} in the first fifth of the draws and {two.mean:.4g} in the last half (z = "
            in found.sentence
        )
        assert found.severity == ("fine" if abs(z) <= 3 else "warning" if abs(z) <= 5 else "error")
    assert diagnosis.drift(made(energy[:, :19])) is None and diagnosis.drift(made(energy[:, :20])) is not None


def test_chains_that_stand_still_at_two_heights_have_drifted():
    """No spread and another mean is no agreement; no spread and the same mean is."""
    steps = np.repeat([1.0, 5.0, 7.0], [8, 12, 20])[None]
    moved, same = diagnosis.drift(made(steps)), diagnosis.drift(made(np.ones((2, 40))))
    assert moved is not None and moved.severity == "error" and moved.value == np.inf
    assert same is not None and same.severity == "fine" and same.value == 0


def test_drift_at_its_limits(monkeypatch):
    for z, severity in ((3.0, "fine"), (3.001, "warning"), (-5.0, "warning"), (-5.001, "error")):
        one, nine = np.asarray(1.0), np.asarray(9.0)
        begin = Estimate(one, np.asarray(3.0), nine, one)
        end = Estimate(np.asarray(1 + 5 * z), np.asarray(4.0), nine, one)
        estimates = iter([begin, end])
        monkeypatch.setattr(diagnostics, "mean", lambda _, estimates=estimates: next(estimates))
        found = diagnosis.drift(made(np.ones((2, 20))))
        assert found is not None and found.severity == severity and found.value == pytest.approx(z, rel=1e-12)


@pytest.mark.parametrize(("p", "below", "above"), [(1e-4, "warning", "fine"), (1e-12, "error", "warning")])
def test_agreement_is_judged_by_chi_square(p, below, above):
    """Four chains of equal spread, one off by c: Σ (m − m̄)² = ¾c² against their squared error, with 3 degrees of freedom."""
    noise = zigzag(5, 40)
    sem = float(diagnostics.mean(noise[:1]).sem)
    for factor, severity in ((1 + 1e-6, below), (1 - 1e-6, above)):
        energy = noise.copy()
        energy[3] += sem * np.sqrt(chi2.isf(p, 3) * factor / 0.75)
        energy[1] = np.nan
        run = made(energy, finite=np.array([True, False, True, True, True]))
        found = diagnosis.agreement(run)
        assert found is not None and (found.severity, found.limit) == (severity, 1e-4)
        assert found.value == pytest.approx(p, rel=1e-4)
        assert "for 3 degrees of freedom" in found.sentence.replace("  ", " ")
        if severity != "fine":
            assert "chain 3 is at " in found.sentence
    assert diagnosis.agreement(made(energy, finite=np.arange(5) == 3)) is None
    assert diagnosis.agreement(made(np.ones((3, 10)))) is None


@pytest.mark.parametrize(
    ("units", "severity"),
    [(50, "fine"), (49, "note"), (10, "note"), (9, "warning"), (1, "warning"), (0.5, "error")],
)
def test_rounding_is_judged_at_2_10_and_100_percent_of_the_spread(units, severity):
    """Losses 1024 and 2·units steps of 2⁻¹³ above it, in turn: their spread is `units` steps. The lost chain does not count."""
    loss = (1024 + 2 * units * (zigzag(3, 20) + 1) / 2 * 2.0**-13).astype(np.float32)
    loss[0] = 1e30
    run = made(loss, loss=loss, finite=np.array([False, True, True]), centre_loss=1000.0)
    found = diagnosis.rounding(run)
    assert found is not None and (found.severity, found.limit, found.value) == (
        severity,
        0.02,
        pytest.approx(1 / units),
    )
    assert found.sentence.startswith("One unit in the last place of L_n (float32) is 0.00024 in nβ(L − L*), ")
    assert diagnosis.rounding(replace(run, loss=loss.astype(float))) is None


def test_the_leaf_that_moves_most_is_the_one_of_largest_score():
    """Sums of (steps, M, virial of two leaves) over ten steps a draw: leaf 1 falls by 2 a step, leaf 0 by 1 with more noise."""
    rng = np.random.default_rng(1)
    steps, M, slow, fast = (
        rng.normal(mean, spread, (3, 80)) for mean, spread in ((10, 0), (0, 1), (-10, 30), (-20, 1))
    )
    added = np.stack([steps, M, slow, fast], axis=-1)
    run = made(rng.normal(size=(3, 80)), drift=0.0, observables={"martingale": np.cumsum(added, axis=1)})
    leaves = martingale.blocks(run)[1][..., 1:]
    assert (
        diagnosis._unsettled(run)
        == f", most of all in leaf 1 of the weights (z = {diagnostics.mean(leaves).z(0.0)[1]:.1f})"
    )
    told = diagnosis.stationary(run).sentence
    assert (
        "fails by -3 (z = -inf), which says that they still move away from the centre, as 3 directions" in told
        and "leaf 1" in told
    )
    assert (
        "come closer to the centre than they started"
        in diagnosis.stationary(replace(run, drift=run.drift + 9)).sentence
    )
    assert diagnosis._unsettled(made(np.ones((3, 80)))) == ""
    short = replace(run, loss=run.loss[:, :4], observables={"martingale": run.observables["martingale"][:, :4]})
    assert diagnosis._unsettled(short) == "" and diagnosis._unsettled(replace(run, moments=())) == ""


def test_a_chain_that_is_bad_in_every_way_is_told_so():
    """Four chains whose proposals were all refused, one lost, the others far below the centre and far apart, with huge steps."""
    rng = np.random.default_rng(2)
    energy = np.array([[0.0], [0.0], [100.0], [-100.0]]) - 1000 + 0.01 * rng.normal(size=(4, 40))
    energy[1, 30:] = np.nan
    lost, never = np.array([True, False, True, True]), np.zeros((4, 40))
    run = made(energy, square=1000.0, drift=2 + 0.1 * rng.normal(size=(4, 40)), finite=lost, accepted=never)
    found = diagnose(run)
    assert not found.ok and found.severity == "error"
    worst = {f.check for f in found.findings if f.severity == "error"}
    assert worst == {"finite", "accepted", "stationary", "agreement", "rhat", "ess", "step", "minimum"}
    assert len(str(found).splitlines()) == 8 and all(line.startswith("[error] ") for line in str(found).splitlines())
    good = diagnose(made(1.5 + rng.exponential(1.5, (4, 400)) - 1.5, drift=3 + rng.normal(size=(4, 400))))
    assert good.ok and str(good) == f"Nothing wrong was found in {len(good.findings)} checks."
    assert "drift" in good and "rounding" not in good and good["drift"].check == "drift"
    mixed = diagnosis.Diagnosis(
        (diagnosis.Finding("a", "note", 0.0, 0.0, "so"), diagnosis.Finding("b", "fine", 0.0, 0.0, "all"))
    )
    assert mixed.ok and str(mixed) == "[note] so"
