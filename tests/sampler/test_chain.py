"""Runs: reproducible to the bit, compiled once, cut anywhere, and honest about chains that fail."""

import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import chain, diagnostics, programs
from sampler.kernels.mala import mala
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior
from tests.sampler import killed
from theory.errors import BadInput

DATA = np.linspace(-1, 1, 12).reshape(6, 2)
PROBES = DATA[:2] + 0.5
TRACED = []


def loss(w, z):
    TRACED.append(1)
    return jnp.sum((w["a"] - z) ** 2) / 2 + w["b"] ** 2


def first(w):
    return w["a"][0]


def posterior(**changes):
    centre = {"a": DATA.mean(axis=0), "b": np.zeros(())}
    return LocalPosterior(**({"loss": loss, "data": DATA, "centre": centre, "nbeta": 20.0, "gamma": 1.0} | changes))


def go(p=None, key=0, kernel=None, **changes):
    settings = {"chains": 3, "draws": 12, "burn_in": 5, "thin": 2, "observables": {"a": first}, "probes": PROBES}
    return chain.run(jax.random.key(key), kernel or sgld(0.02), p or posterior(), **(settings | changes))


def same(one, two):
    names = ("loss", "drift", "square", "accepted", "probes")
    return all((getattr(one, n) == getattr(two, n)).all() for n in names) and jax.tree.all(
        jax.tree.map(lambda a, b: bool((a == b).all()), one.position, two.position)
    )


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("make", [sgld, mala])
def test_same_key_same_bits_however_it_is_cut(make, batch_size):
    if make is mala and batch_size:
        with pytest.raises(BadInput):
            go(posterior(batch_size=batch_size), kernel=make(0.02))
        return
    p, seen = posterior(batch_size=batch_size), []
    whole, cut = go(p, kernel=make(0.02)), go(p, kernel=make(0.02), every=4, progress=lambda *at: seen.append(at))
    assert same(whole, cut)
    assert seen == [(4, 12), (8, 12), (12, 12)]
    assert not same(whole, go(p, key=1, kernel=make(0.02)))


def test_chains_one_by_one_or_two_by_two_are_the_same_chains():
    whole = go(posterior(batch_size=2))
    for together in (1, 2):
        part = go(posterior(batch_size=2), together=together)
        np.testing.assert_allclose(part.loss, whole.loss, rtol=1e-12)
        np.testing.assert_allclose(part.probes, whole.probes, rtol=1e-12)


def test_probes_may_have_a_loss_of_their_own():
    """Two numbers an example: the trace has them one behind the other, probe by probe."""

    def parts(w, z):
        return (w["a"] - z) ** 2 / 2

    run = go(probe_loss=parts)
    assert run.probes.shape == (3, 12, 4)
    expected = np.concatenate([parts({"a": run.position["a"][2]}, z) for z in PROBES])
    np.testing.assert_allclose(run.probes[2, -1], expected, rtol=1e-12)


def test_traces_are_what_they_say():
    run = go(thin=3)
    assert run.loss.shape == (3, 12)
    assert run.probes.shape == (3, 12, 2)
    w = run.position
    for c in range(3):
        here = {"a": w["a"][c], "b": w["b"][c]}
        np.testing.assert_allclose(run.loss[c, -1], np.mean([loss(here, z) for z in DATA]), rtol=1e-12)
        np.testing.assert_allclose(run.probes[c, -1], [loss(here, z) for z in PROBES], rtol=1e-12)
        np.testing.assert_allclose(run.observables["a"][c, -1], here["a"][0])
    np.testing.assert_allclose(run.centre_loss, np.mean([loss(posterior().centre, z) for z in DATA]), rtol=1e-12)


def test_burn_in_and_thinning_drop_steps_and_nothing_else():
    every_step = go(burn_in=0, thin=1, draws=29)
    np.testing.assert_array_equal(go().loss, every_step.loss[:, 6::2])


def test_the_burn_in_is_a_program_of_its_own_only_where_it_must_be(monkeypatch):
    """Not where a draw is a loop of steps, unless progress is shown (that the bits agree is asserted above)."""
    burned, burn = [], programs.burn
    monkeypatch.setattr(programs, "burn", lambda *args: burned.append(args[4]) or burn(*args))
    go()
    assert burned == []
    go(thin=1, burn_in=9)
    assert burned == [(0, 9)]
    go(progress=lambda *_: None)
    assert burned == [(0, 9), (0, 2), (2, 4), (4, 5)]


def test_full_loss_is_recorded_by_minibatch_chains():
    run = go(posterior(batch_size=1))
    here = {"a": run.position["a"][1], "b": run.position["b"][1]}
    np.testing.assert_allclose(run.loss[1, -1], np.mean([loss(here, z) for z in DATA]), rtol=1e-12)


def test_chains_have_their_own_minibatches():
    """Without noise in the way: w′ − w depends on the chain through its minibatch and its noise alone, uncorrelated."""
    run = go(posterior(batch_size=1), draws=400, burn_in=50, thin=1)
    one, two, _ = run.observables["a"] - run.observables["a"].mean(axis=1, keepdims=True)
    assert abs(np.corrcoef(np.diff(one), np.diff(two))[0, 1]) < 0.25


def test_nothing_is_compiled_twice():
    go()
    before = len(TRACED)
    p = posterior(nbeta=30.0, gamma=0.0, data=DATA[::-1] * 2, mask=None)
    p.centre["a"].block_until_ready()
    checks = len(TRACED) - before
    go(p, key=7, kernel=sgld(0.005), burn_in=9)
    assert len(TRACED) - before == checks, "only the shape check of LocalPosterior may look at the loss"


def test_masks_of_one_shape_share_a_program():
    go(posterior(mask={"a": True, "b": False}))
    p = posterior(mask={"a": False, "b": True})
    before = len(TRACED)
    run = go(p)
    assert len(TRACED) == before
    assert run.dimension == 1


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("dtype", [np.float64, "bfloat16"])
def test_resume_is_bit_identical(tmp_path, dtype):
    centre = {"a": jnp.zeros(2, dtype), "b": jnp.zeros((), dtype)}
    p = posterior(batch_size=2, centre=centre)
    path = tmp_path / "run.npz"

    def stop(done, draws):
        if done == 8:
            raise Interrupted

    with pytest.raises(Interrupted):
        go(p, checkpoint=path, every=4, progress=stop)
    resumed = []
    again = go(p, checkpoint=path, every=4, progress=lambda done, draws: resumed.append(done))
    assert resumed == [12]
    assert same(again, go(p))
    assert not list(tmp_path.glob("*.part"))


def another(w, z):
    return jnp.sum((w["a"] - z) ** 2) / 2 + 1.0000001 * w["b"] ** 2


@pytest.mark.parametrize(
    "changed",
    [{"nbeta": 21.0}, {"loss": another}, {"data": DATA + 1e-9}, {"batch_size": 2}],
    ids=["nbeta", "loss", "data", "batch"],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, changed):
    path = tmp_path / "run.npz"
    go(checkpoint=path)
    with pytest.raises(BadInput, match="other settings"):
        go(posterior(**changed), checkpoint=path)
    with pytest.raises(BadInput, match="other settings"):
        go(checkpoint=path, kernel=sgld(0.021))


def steep(w, z):
    return w[0] ** 2 / 2 + w[0] ** 4 / 4


def test_a_chain_that_diverges_is_flagged_and_left_out():
    p = LocalPosterior(steep, jnp.zeros((1, 0)), jnp.zeros(1), 10.0, 0.0)
    starts = jnp.array([[0.0], [1e6], [0.1]])
    settings = {"chains": 3, "draws": 50, "burn_in": 10, "initial": starts}
    run = chain.run(jax.random.key(0), sgld(0.02), p, **settings)
    assert run.finite.tolist() == [True, False, True]
    assert "1 of 3 chains" in run.message
    assert run.kept(run.loss).shape == (2, 50)
    with pytest.raises(ValueError, match="read-only"):
        run.kept(run.loss)[0, 0] = 1.0
    assert np.isfinite(llc(run).mean)
    assert "1 of 3" in str(run)
    with pytest.raises(BadInput, match="smaller"):
        chain.run(jax.random.key(0), sgld(0.02), p, **(settings | {"initial": starts + 1e6}))


@pytest.mark.parametrize(
    "changes",
    [
        {"chains": 0},
        {"draws": 0},
        {"burn_in": -1},
        {"thin": 0},
        {"every": 0},
        {"together": 0},
        {"probes": PROBES[:, :1]},
        {"initial": {"a": np.zeros(3), "b": 0.0}},
        {"initial": {"a": np.zeros(2)}},
    ],
    ids=str,
)
def test_refuses_bad_sizes(changes):
    with pytest.raises(BadInput):
        go(**changes)


def test_a_kept_trace_of_finite_chains_cannot_be_written_to():
    """It is the run's own trace, which every later estimate reads."""
    run = go()
    before = np.array(run.loss)
    with pytest.raises(ValueError, match="read-only"):
        run.kept(run.loss)[0, 0] = 1.0
    np.testing.assert_array_equal(run.loss, before)


def test_summary():
    assert go().to_dict()["finite_chains"] == 3
    assert chain.run(5, sgld(0.02), posterior(), chains=1, draws=4, burn_in=0).loss.shape == (1, 4)


# Which loss is recorded.


def test_loss_of_the_minibatch_is_unbiased_and_quieter_than_its_own_noise():
    """L_m(w) − L_m(w*) + L_n(w*): the same mean as L_n(w); the noise is that of the change of the losses."""
    data = np.random.default_rng(0).normal(size=(40, 2))
    p = posterior(data=data, batch_size=8, nbeta=40.0, gamma=20.0)
    settings = {"chains": 8, "draws": 8000, "burn_in": 200, "thin": 2, "kernel": sgld(5e-3)}
    on_all, on_batch = go(p, **settings), go(p, **settings, evaluate="batch")
    np.testing.assert_allclose(on_all.position["a"], on_batch.position["a"], rtol=1e-9, err_msg="the chain is the same")
    gap = diagnostics.mean(on_batch.trace("loss") - on_all.trace("loss"))
    assert abs(gap.z(0.0)) < 4.9
    unpaired = np.std([loss(p.centre, z) for z in data]) / 8**0.5
    assert np.std(on_batch.trace("loss") - on_all.trace("loss")) < unpaired / 3
    assert gap.sem < 0.02 * diagnostics.mean(on_all.trace("loss")).mean, "an error of a seventh would have shown"


def test_loss_on_a_fixed_subset():
    """The same examples for w and for w*: given, or spread over the data."""
    run = go(posterior(batch_size=2), evaluate=3)
    given = go(posterior(batch_size=2), evaluate=DATA[[0, 2, 5]])
    np.testing.assert_array_equal(run.loss, given.loss)
    here = {"a": run.position["a"][0], "b": run.position["b"][0]}
    np.testing.assert_allclose(run.loss[0, -1], np.mean([loss(here, z) for z in DATA[[0, 2, 5]]]), rtol=1e-12)
    np.testing.assert_allclose(run.centre_loss, np.mean([loss(posterior().centre, z) for z in DATA[[0, 2, 5]]]))


@pytest.mark.parametrize("evaluate", ["some", 0, 7, DATA[:, :1]], ids=str)
def test_refuses_what_the_loss_cannot_be_evaluated_on(evaluate):
    with pytest.raises(BadInput):
        go(posterior(batch_size=2), evaluate=evaluate)


def test_statistics_see_the_state():
    """ĝ of the minibatch of the next step: at thin = 1 it explains the next move up to its noise."""

    def gradient(p, state):
        return state.gradient["a"]

    run = go(
        posterior(batch_size=2), statistics={"g": gradient}, observables={"w": lambda w: w["a"]}, thin=1, draws=200
    )
    w, g = run.observables["w"], run.observables["g"]
    rest = (np.diff(w, axis=1) + 0.02 / 2 * g[:, :-1]) / np.sqrt(0.02)
    assert abs(rest.std() - 1) < 0.15 and abs(np.corrcoef(rest[..., 0].ravel(), g[:, :-1, 0].ravel())[0, 1]) < 0.2


def test_names_are_unique():
    for name in ("loss", "probes", "virial"):
        with pytest.raises(BadInput, match="name"):
            go(observables={name: first})


# Cut off for good.


def test_kill_in_mid_run_then_resume_gives_the_same_bytes(tmp_path, capsys):
    """SIGKILL at several moments, burn-in included; at most `every` draws are lost. Another process, this one, goes on."""
    path = tmp_path / "run.npz"

    def printed(path):
        killed.main(path)
        return capsys.readouterr().out.splitlines()

    whole, kills = printed(tmp_path / "whole.npz"), 0
    for after in (1, 2, 3):
        process = subprocess.Popen([sys.executable, killed.__file__, path], stdout=subprocess.PIPE, text=True)
        for _ in range(after):
            process.stdout.readline()
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    again = printed(path)
    assert kills == 3
    assert again[-1] == whole[-1]
    assert len(again) < len(whole), "it went on, and did not begin again"


def test_a_torn_checkpoint_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "run.npz"
    go(checkpoint=path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match="not a checkpoint"):
        go(checkpoint=path)
