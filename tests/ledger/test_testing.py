"""The entry for other people's samplers passes right ones, blackjax's among them, and catches each wrong one."""

from dataclasses import replace
from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ledger import testing
from ledger.testing import estimators
from sampler import chain, diagnostics
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from theory.errors import BadInput


@pytest.fixture(autouse=True, scope="module")
def double_precision():
    with jax.enable_x64(True):
        yield


def of_blackjax(task, *, noise=1.0, localise=True, count_burn_in=False, drift=1.0, seed=1):
    """blackjax's SGLD, with a temperature that scales its noise and other ways to be wrong."""
    import blackjax  # at import it computes

    data = jnp.asarray(task.data)
    size = len(data)

    def prior(w):
        return -task.gamma / 2 * jnp.sum(w**2) if localise else 0.0

    gradient = blackjax.sgmcmc.gradients.grad_estimator(
        prior, lambda w, z: -drift * task.nbeta / size * task.loss(w, z), size
    )
    kernel = blackjax.sgld(gradient)

    @partial(jax.jit, static_argnums=2)
    def one(key, start, steps):
        def step(w, key):
            chosen, key = jax.random.split(key)
            batch = data if task.batch is None else data[jax.random.randint(chosen, (task.batch,), 0, size)]
            w = kernel.step(key, w, batch, task.s, noise)
            return w, w

        return jax.lax.scan(step, start, jax.random.split(key, steps))[1]

    first = 0 if count_burn_in else task.burn_in
    keys = jax.random.split(jax.random.key(seed), task.chains)
    path = jax.vmap(one, (0, None, None))(keys, jnp.asarray(task.start), first + task.draws * task.thin)
    return path[:, first + task.thin - 1 :: task.thin][:, : task.draws]


def of_threefold(task):
    data, start = jnp.asarray(task.data), jnp.asarray(task.start)
    posterior = LocalPosterior(task.loss, data, task.centre, task.nbeta, task.gamma, batch_size=task.batch)
    options = {"chains": task.chains, "draws": task.draws, "burn_in": task.burn_in, "thin": task.thin}
    run = chain.run(3, sgld(task.epsilon), posterior, initial=start, observables={"w": lambda w: w}, **options)
    return run.trace("w")


@pytest.mark.parametrize("task", testing.TASKS, ids=str)
def test_right_samplers_pass(task):
    """False alarms: 1e-6 a comparison, some 25 of them for each."""
    testing.check_sampler(of_blackjax, task).require()
    if task.batch is None:  # this package draws batches without replacement
        testing.check_sampler(of_threefold, task).require()


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("localised", {"noise": 0.5}),  # √ε where √(2ε) belongs
        ("large step", {"noise": 0.5}),
        ("localised", {"localise": False}),
        ("minibatch", {"localise": False}),
        ("far start", {"count_burn_in": True}),
        ("localised", {"drift": 0.5}),
        ("cubic", {"drift": 0.8}),
    ],
)
def test_wrong_samplers_fail(name, mistake):
    (task,) = (each for each in testing.TASKS if each.name == name)
    report = testing.check_sampler(partial(of_blackjax, **mistake), task)
    assert not report.ok
    with pytest.raises(AssertionError, match="✗"):
        report.require()


def test_a_sampler_of_the_posterior_fails_at_a_large_step():
    """N(0, P⁻¹) is not what SGLD samples: exact draws of it are told apart."""
    task = testing.TASKS[1]
    P = task.nbeta * np.array([[2, 0.5], [0.5, 1]])

    def exact(task):
        return np.random.default_rng(0).multivariate_normal(np.zeros(2), np.linalg.inv(P), (task.chains, task.draws))

    assert not testing.check_sampler(exact, task).ok


def test_predictions_are_those_of_the_linear_chain():
    """Second road: S = A S A + εI + (ε²/4)G iterated in numbers, for the four quadratic tasks."""
    for task in testing.TASKS:
        if len(task.start) != 2:
            continue
        P = task.nbeta * np.array([[2, 0.5], [0.5, 1]]) + task.gamma * np.eye(2)
        A = np.eye(2) - task.epsilon / 2 * P
        G = np.zeros((2, 2)) if task.batch is None else task.nbeta**2 * np.cov(task.data.T, ddof=0) / task.batch
        S = np.zeros((2, 2))
        for _ in range(5000):
            S = A @ S @ A + task.epsilon * np.eye(2) + task.epsilon**2 / 4 * G
        expected, slack = testing.law(task)
        assert [expected[f"Cov(w{i}, w{j})"] for i, j in ((0, 0), (0, 1), (1, 1))] == pytest.approx(
            [S[0, 0], S[0, 1], S[1, 1]], rel=1e-9
        )
        assert max(slack.values()) < 1e-12


def dropped(traces):
    return traces.loss[:, traces.burn_in :], traces.probes[:, traces.burn_in :]


def pooled(x, y, ddof):
    centred = (x - x.mean(axis=(0, 1))).reshape(-1, x.shape[-1]), (y - y.mean(axis=(0, 1))).reshape(-1, y.shape[-1])
    return centred[0].T @ centred[1] / (len(centred[0]) - ddof)


def plain(traces, *, ddof=1, sign=-1.0, keep_burn_in=False, baseline=True, half=1.0):
    loss, probes = (traces.loss, traces.probes) if keep_burn_in else dropped(traces)
    x = loss[..., None]
    away = probes - x if baseline else probes
    return {
        "llc": half * traces.nbeta * (loss.mean() - traces.centre_loss),
        "covariance": pooled(probes, probes, ddof),
        "susceptibility": sign * pooled(x, away, ddof)[0],
    }


def with_errors(traces):
    loss, _ = dropped(traces)
    llc = diagnostics.mean(traces.nbeta * (loss - traces.centre_loss))
    return {"llc": (llc.mean, llc.sem)}


def independent_errors(traces):
    loss, _ = dropped(traces)
    values = traces.nbeta * (loss - traces.centre_loss)
    return {"llc": (values.mean(), values.std(ddof=1) / values.size**0.5)}


def test_right_estimators_pass():
    testing.check_estimator(plain).require()
    testing.check_estimator(with_errors).require()


@pytest.mark.parametrize(
    "mistake",
    [{"ddof": 0}, {"sign": 1.0}, {"keep_burn_in": True}, {"baseline": False}, {"half": 0.5}],
    ids=str,
)
def test_wrong_estimators_fail(mistake):
    assert not testing.check_estimator(partial(plain, **mistake)).ok


def test_a_divisor_shows_in_the_susceptibility_alone():
    """(N − 1)/N at N = 10, which 4000 random runs do not tell from 1: the mean over all pairs of draws is 9/10 exactly."""

    def chi(traces, ddof):
        return {"susceptibility": plain(traces, ddof=ddof)["susceptibility"]}

    (right,), (wrong,) = (
        [r for r in testing.check_estimator(partial(chi, ddof=k), short=9, long=0).rows if "pairs" in r.quantity]
        for k in (1, 0)
    )
    assert right.holds and not wrong.holds and wrong.found / wrong.expected == pytest.approx(0.9, rel=1e-12)
    assert wrong.detects < 1e-3


def test_single_precision_and_divisors_of_each_chain_are_no_bias():
    """The textbook formula E[xy] − E[x]E[y] in float32, and covariances within chains with n − 1, both unbiased."""

    def single(traces):
        loss, probes = (x.astype(np.float32) for x in dropped(traces))
        x, y = loss.reshape(-1, 1), probes.reshape(loss.size, -1)
        return {
            "covariance": (y.T @ y / len(y) - np.outer(y.mean(0), y.mean(0))) * np.float32(len(y) / (len(y) - 1)),
            "llc": np.float32(traces.nbeta) * (x.mean() - np.float32(traces.centre_loss)),
        }

    def within(traces):
        return {"covariance": np.mean([np.cov(chain.T) for chain in dropped(traces)[1]], axis=0)}

    for estimator in (single, within):
        testing.check_estimator(estimator, short=200, long=0).require()


def test_the_runs_hold_every_pair_of_draws_once():
    """Strength 2: for each two draws the 121 runs take each of the 11² pairs of points once; no chain stands still."""
    runs = estimators._every_pair()
    draws = runs.reshape(len(runs), -1, 2)
    for i, j in combinations(range(draws.shape[1]), 2):
        assert len(np.unique(np.hstack([draws[:, i], draws[:, j]]), axis=0)) == len(runs) == 121
    assert (np.ptp(runs, axis=2).max(axis=-1) > 0).all()


def test_where_nothing_is_expected_the_error_that_would_be_seen_is_absolute():
    row = testing.Row("mean", 0.0, 0.1, 0.02, 5.0, np.inf)
    assert "inf" not in row.seen
    assert float(row.seen) == pytest.approx(testing.SEEN * 0.02, rel=0.05)


def test_errors_that_forget_the_autocorrelation_fail():
    report = testing.check_estimator(independent_errors)
    assert [row.holds for row in report.rows] == [True, True, False]


def test_bad_answers_are_refused_in_a_sentence():
    task = replace(testing.TASKS[0], chains=2, draws=3)
    with pytest.raises(
        BadInput, match=r"draws have shape \(3, 2\); return an array \(chains, draws, d\) = \(2, 3, 2\)"
    ):
        testing.check_sampler(lambda task: np.zeros((3, 2)), task)
    with pytest.raises(BadInput, match=r"12 of the draws are not finite"):
        testing.check_sampler(lambda task: np.full((2, 3, 2), np.nan), task)
    with pytest.raises(BadInput, match=r"none of llc, covariance, susceptibility"):
        testing.check_estimator(lambda traces: {})
    with pytest.raises(BadInput, match=r"susceptibility has shape \(2,\); for 3 probes it has \(3,\)"):
        testing.check_estimator(lambda traces: {"susceptibility": np.zeros(2)})
    with pytest.raises(BadInput, match=r"llc does not vary"):
        testing.check_estimator(lambda traces: {"llc": 1.0})
