"""Each fault, made on purpose, is named; healthy runs are left alone; the stationarity test has its size and its power.

Size: over 800 healthy experiments the virial z is N(0, 1) (Kolmogorov–Smirnov, p > 1e-6), which a z too large by a half would fail.
"""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

from sampler import chain, diagnosis, diagnostics, martingale
from sampler.diagnosis import diagnose
from sampler.diagnostics import Estimate
from sampler.kernels.mala import mala
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior

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


def told(check, **numbers):
    """The finding of one check on a run whose estimates are these numbers."""
    estimate = Estimate(*(np.asarray(numbers.pop(name, 1.0)) for name in diagnostics.NUMBERS))
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
        (diagnosis.minimum, "mean", -1, {"error": -3.719016485455709}),  # the normal quantile of 1e-4
    ],
)
def test_severities_change_just_beyond_their_limits(check, number, sign, limits):
    """At a limit a run is still as good as before it, one part in a million further it is not."""
    before = "fine"
    for severity, limit in limits.items():
        at, beyond = (told(check, **{number: limit + sign * abs(limit) * step}) for step in (0.0, 1e-6))
        if check is not diagnosis.minimum:  # its limit is no rational number
            assert (at.severity, at.value) == (before, limit)
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
