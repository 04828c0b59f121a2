"""The pieces of the induction experiment against answers known otherwise, and the whole of it on a tiny plan."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ledger.claim import Budget
from ledger.experiments import induction as experiment
from ledger.experiments.experiment import Found
from ledger.experiments.folder import open_folder
from ledger.experiments.induction import conditions, linear, measure, paired, report, retrain, rules, statements
from ledger.experiments.induction.findings import Findings
from sampler import patterning, standardize
from sampler.data import induction
from sampler.networks import relative
from theory.errors import BadInput

NAMES = ("l0h0", "l0h1", "l1h0", "l1h1", "E", "U")
HEADS = ["l1h0", "l1h1"]


def matrix(rng, kinds, shared=(1.0, 0.8, 0.3, 0.3, 0.6, 0.1), noise=1.0):
    """−χ̂ of six components that share the direction of the second copy."""
    c = (kinds == induction.SECOND) * 1.0
    return -np.outer(shared, c) + noise * rng.normal(size=(6, len(kinds)))


@pytest.fixture(scope="module")
def kinds():
    return induction.sequences(60, seed=3).kinds.reshape(-1)


# Times


def test_half_time_is_read_off_a_line_and_infinite_when_it_never_comes():
    assert retrain.half_time(np.array([3.0, retrain.HALF + 0.25, retrain.HALF - 0.75])) == pytest.approx(45.0)
    assert retrain.half_time(np.array([0.5 * retrain.HALF])) == pytest.approx(20 / 1.5)
    assert retrain.half_time(np.full(5, 3.0)) == np.inf


def test_intervals_cover_and_plain_percentiles_would_not():
    """Coverage of 95% intervals of the mean of 8 normal values: 2000 trials, five standard errors are 0.024."""
    rng = np.random.default_rng(0)
    hits = plain = 0
    draws = np.random.default_rng(0).integers(0, 8, (paired.RESAMPLES, 8))
    for _ in range(400):
        x = rng.normal(size=8)
        found = paired.mean(x, np.inf)
        hits += found.low <= 0 <= found.high
        low, high = np.quantile(x[draws[:2000]].mean(axis=1), (0.025, 0.975))
        plain += low <= 0 <= high
    assert 0.92 < hits / 400 < 0.985
    assert plain / 400 < 0.93


def test_censored_times_count_as_the_end_and_say_so():
    found = paired.mean(np.array([300.0, np.inf, 500.0, 700.0]), 1000)
    assert found.mean == pytest.approx(625) and found.bound and str(found).startswith("≥ 625")
    assert not paired.mean(np.array([300.0, 500.0]), 1000).bound
    gap = paired.difference(np.array([np.inf, 400.0]), np.array([300.0, 350.0]), 1000)
    assert gap.mean == pytest.approx(375) and gap.bound


def test_sign_flip_is_exact():
    d = np.array([1.0, 2.0, 3.0, 4.0])
    assert paired.sign_flip(d) == 2 / 16
    by_hand = np.mean(
        [abs(sum(s * x for s, x in zip(signs, d, strict=True))) >= 2 for signs in product((1, -1), repeat=4)]
    )
    assert paired.sign_flip(np.array([1.0, -2.0, 3.0, -4.0])) == by_hand


# χ̂


def test_answers_are_covariances_with_the_mean_taken_out():
    rng = np.random.default_rng(1)
    losses, centre = rng.normal(size=(50, 12)), np.zeros(12)
    phi, chi = measure.answers(losses, centre)
    L = losses.mean(axis=1)
    assert phi == pytest.approx(L)
    for z in range(12):
        assert chi[z] == pytest.approx(-np.cov(L, losses[:, z] - L, bias=True)[0, 1], abs=1e-14)
    assert chi.sum() == pytest.approx(0, abs=1e-13)
    assert abs(chi[0] + np.cov(L, losses[:, 0], bias=True)[0, 1]) > 1e-4  # without taking L out it is another number


def test_the_components_are_the_heads_and_the_embeddings():
    weights = retrain.initial(jnp.int32(0))
    found = measure.components_of(weights)
    assert tuple(found) == NAMES
    assert [found[name].size for name in NAMES] == [2048] * 4 + [1024] * 2


# Rules


def test_pc1_is_the_pseudo_inverse_aimed_along_the_first_left_singular_vector(kinds):
    X = matrix(np.random.default_rng(2), kinds)
    scores = rules.scores(X, NAMES, HEADS, 1.0)
    Z = standardize.zscore(X)
    u, _, _ = np.linalg.svd(Z, full_matrices=False)
    target = -u[:, 0] * np.sign(u[:, 0].sum())
    dq = patterning.pattern(Z, target, 1.0).dq
    assert np.corrcoef(dq, scores["pc1"])[0, 1] == pytest.approx(1, abs=1e-12)
    assert rules.area(scores["pc1"], kinds) > 0.6


def test_a_large_ridge_makes_the_raw_rule_of_the_target(kinds):
    X = matrix(np.random.default_rng(3), kinds)
    scores = rules.scores(X, NAMES, HEADS, 1e12)
    assert np.corrcoef(scores["ridge pm"], scores["raw pm"])[0, 1] == pytest.approx(1, abs=1e-9)


def test_leverage_is_a_regression_at_one_end_and_a_correlation_at_the_other(kinds):
    X = matrix(np.random.default_rng(4), kinds)
    Z, c = standardize.zscore(X), rules.standardised(kinds == induction.SECOND)
    assert rules.leverage(X, kinds, 0.0) == pytest.approx(np.linalg.lstsq(Z.T, c, rcond=None)[0])
    assert rules.leverage(X, kinds, np.inf) == pytest.approx([np.corrcoef(row, c)[0, 1] for row in Z])
    assert rules.leverage(X, kinds, 1e9) == pytest.approx(rules.leverage(X, kinds, np.inf), rel=1e-3)


def test_the_induction_in_a_pseudo_inverse_step_is_its_leverage(kinds):
    """c·dq = ⟨leverage, dμ⟩, and a head that only repeats the others has one of the wrong sign."""
    rng = np.random.default_rng(5)
    X = matrix(rng, kinds)
    # The upper heads see what layer 0 sees, and a nuisance that layer 0 sees too.
    nuisance = rng.normal(size=len(kinds))
    X[0] += 1.5 * nuisance
    X[2:4] = 0.3 * X[2:4] + 1.5 * nuisance - 0.3 * (kinds == induction.SECOND)
    Z, c = standardize.zscore(X), rules.standardised(kinds == induction.SECOND)
    target = -1.0 * np.isin(NAMES, HEADS)
    dq = patterning.pattern(Z, target, 1.0).dq
    assert c @ dq == pytest.approx(rules.leverage(X, kinds, 0.0) @ target)
    assert c @ dq < 0 < c @ (Z.T @ target)
    scores = rules.scores(X, NAMES, HEADS, 0.0)
    assert (
        rules.ratio(rules.weights(scores["pinv pm"], 1.0), kinds)
        < 1
        < rules.ratio(rules.weights(scores["raw pm"], 1.0), kinds)
    )


def test_standardising_takes_out_what_all_components_share(kinds):
    c = (kinds == induction.SECOND) * 1.0
    X = matrix(np.random.default_rng(6), kinds, shared=(1.0,) * 6, noise=0.5)
    scores = rules.scores(X, NAMES, HEADS, 1.0)
    assert rules.area(scores["pc1"], kinds) > 0.95
    assert all(abs(np.corrcoef(scores[f"mode {j}"], c)[0, 1]) < 0.1 for j in range(1, 6))


def test_weights_at_a_ratio_and_by_class(kinds):
    rng = np.random.default_rng(7)
    score = rng.normal(size=len(kinds)) + (kinds == induction.SECOND)
    rho = rules.at_ratio(score, 1.0, 1.4, kinds)
    assert rules.ratio(rho, kinds) == pytest.approx(1.4, abs=1e-3) and rho.mean() == pytest.approx(1) and rho.min() >= 0
    below = rules.at_ratio(score, 1.0, 0.9, kinds)  # asked of the sign that raises it
    assert rules.ratio(below, kinds) == pytest.approx(0.9, abs=1e-3) and below.min() >= 0
    between, within = rules.by_class(rho, kinds)
    assert rules.ratio(between, kinds) == pytest.approx(rules.ratio(rho, kinds))
    assert rules.ratio(within, kinds) == pytest.approx(1, abs=0.05)
    assert [between[kinds == k].std() for k in induction.KINDS] == pytest.approx([0] * 4, abs=1e-12)
    with pytest.raises(BadInput, match="no strength of this score"):
        rules.at_ratio(score, 1.0, 9.0, kinds)
    mixed = rules.shuffled(rho, [0, 1])
    assert np.sort(mixed[0]) == pytest.approx(np.sort(rho)) and (mixed[0] != mixed[1]).any()


def test_area_and_reliability():
    kinds = np.array([induction.SECOND] * 3 + [0] * 4)
    assert rules.area(np.array([5, 6, 7, 1, 2, 3, 4.0]), kinds) == 1
    assert rules.area(np.array([5, 6, 1.5, 1, 2, 3, 4.0]), kinds) == pytest.approx(9 / 12)
    rng = np.random.default_rng(8)
    signal = rng.normal(size=(1, 1, 20_000))
    groups = signal + rng.normal(size=(4, 1, 20_000))
    # Signal 1, noise 1/4 in the mean of four chains: reliability 1/(1 + 1/4).
    assert rules.reliability(groups) == pytest.approx([0.8], abs=0.02)
    # Two components with the same signal and noise of their own: correlation 1/(1 + 1/4), and none of the noise.
    both = np.concatenate([groups, signal + rng.normal(size=(4, 1, 20_000))], axis=1)
    assert rules.shared(both) == pytest.approx((0.8, 0.0), abs=0.03)


# Linear response


def test_first_and_second_order_on_a_chain_whose_answer_is_known():
    """φ = x², ℓ_s = a x² under N(0, 1) at nβ = 1: ⟨φ⟩ = 1/(1 + 2a) = 1 − 2a + 4a² …"""
    rng = np.random.default_rng(9)
    a, x = 0.05, rng.normal(size=(4, 100_000))
    phi = np.stack([x**2, x**2 / (1 + 2 * a)])
    r = linear.compare(phi, (a * x**2)[None], nbeta=1.0)
    assert abs(r.realised[0] - (1 / (1 + 2 * a) - 1)) < 5 * r.realised_sem[0]
    assert abs(r.first[0] + 2 * a) < 5 * r.first_sem[0] and r.first_sem[0] < 0.01 * abs(r.first[0])
    assert abs(r.second[0] + 2 * a - 4 * a**2) < 5 * r.second_sem[0]
    assert abs(r.second[0] - r.realised[0]) < abs(r.first[0] - r.realised[0])
    assert r.slope[0][0] == pytest.approx(1 / (1 + 2 * a), rel=0.02)


# Training


def test_pairs_share_their_start_and_a_lane_does_not_know_its_neighbours():
    data = induction.sequences(40, seed=4)
    one = np.ones(data.kinds.shape)
    rho = np.stack([one, 2 * one - 1, one])
    rho[1, :, ::2] = 1.5
    rho[1, :, 1::2] = 0.5
    both = retrain.train(data.tokens, rho, np.array([0, 0, 1]), 40)
    alone = retrain.train(data.tokens, one, np.array([0, 1, 2]), 40)
    assert both["curves"].shape == (3, 2, 4) and np.isinf(both["times"]).all()
    assert both["curves"][0] == pytest.approx(alone["curves"][0], rel=1e-4)
    assert both["curves"][2] == pytest.approx(alone["curves"][1], rel=1e-4)
    assert np.abs(both["curves"][1] - both["curves"][0]).max() > 1e-3


# The whole


def fake(beyond):
    """Findings as `conduct` would have them, from made-up numbers: pc1 works, the pseudo-inverse does not."""
    rng = np.random.default_rng(10)
    kinds = {name: induction.sequences(60, seed=seed).kinds.reshape(-1) for name, seed in (("train", 3), ("held", 5))}
    groups = np.stack([matrix(rng, kinds["train"]) for _ in range(4)])
    after = {
        "train chi": groups.swapaxes(0, 1),
        "train phi": rng.normal(0.05, 0.01, (6, 4, 50)),
        "train virial": rng.normal(size=(6, 4)),
        "held chi": np.stack([matrix(rng, kinds["held"]) for _ in range(2)]).swapaxes(0, 1),
    }
    ridge = rules.edge(groups) ** 2
    scores = rules.scores(groups.mean(axis=0), NAMES, HEADS, ridge)
    loss = 2.0 - (kinds["train"] == induction.SECOND) + 0.5 * rng.normal(size=len(kinds["train"]))
    made = conditions.claim(scores, loss, kinds["train"], range(8), names=("pc1", "raw pm"))
    few = range(4)
    if beyond:
        made |= conditions.explained(scores, kinds["train"], few) | conditions.others(scores, loss, few)
        held = rules.scores(after["held chi"].mean(axis=1), NAMES, HEADS, ridge)
        made |= conditions.held_out(held, len(kinds["held"]), few) | conditions.before(scores, few)
    runs = {}
    for name, each in made.items():
        centre = 430 if "shuffled" in name else 350 if "control" in name else 260 if "+" in name else 800
        times = centre + 15 * rng.normal(size=each.seeds)
        if name == "pc1 −":
            times[:5] = np.inf
        runs[name] = {"times": times, "curves": np.zeros((each.seeds, 2, 4)), "at_half": np.full((each.seeds, 4), 2.5)}
    source = {"curve": np.zeros((3, 4))}
    found = Findings(1000, NAMES, HEADS, kinds, source, after, groups, ridge, scores, loss, made, runs)
    if not beyond:
        return found
    phi = 0.05 + 0.01 * rng.normal(size=(3, 2, 60))
    ladders = {(mark, "U"): {"phi": phi, "response": 0.01 * rng.normal(size=(2, 2, 60))} for mark in (600, 280)}
    return found._replace(earlier=scores, early=after, ladders=ladders, strengths=(-1.0, 1.0))


@pytest.mark.parametrize("beyond", [False, True])
def test_the_report_says_what_the_numbers_say(beyond):
    found = fake(beyond)
    answer = report.result(found)
    claims = [s for s in answer.statements if s.text.startswith("Weights ")]
    assert len(claims) == 4 and all(s.found is Found.HOLDS for s in claims)
    assert "p = 0.0078" in claims[0].text and "≥" in claims[1].text
    worse = found._replace(runs=found.runs | {"pc1 + shuffled": found.runs["pc1 +"]})
    (first, *_) = statements.made(worse)
    assert first.found is Found.FAILS and "do not clearly accelerate" in first.text
    table = answer.tables[0]
    assert [row[0] for row in table.rows] == list(found.runs) and all(
        len(row) == len(table.columns) for row in table.rows
    )
    assert {"times", "targets"} <= set(answer.pictures) and ("linear" in answer.pictures) == beyond
    assert float(answer.data["/training"]["time"].sel(condition="control", seed=0)) == found.times("control")[0]
    assert np.isinf(answer.data["/training"]["time"].sel(condition="pc1 −", seed=0))


def test_one_sign_alone_and_errors_of_the_ratios():
    """The claim of one sign trains that sign only; the error from two chains is half their difference (jackknife)."""
    found = fake(False)
    made = conditions.claim(found.scores, found.loss, found.kinds["train"], range(3), names=("pc1",), signs="+")
    assert list(made) == ["control", "pc1 +", "pc1 + shuffled", "loss = pc1 +"]
    two = found._replace(groups=found.groups[:2])
    a, b = (
        [rules.ratio(rules.weights(rules.scores(x, NAMES, HEADS, 0.0)["pinv pm"], 1.0), two.kinds["train"])]
        for x in two.groups
    )
    told = statements.targets_of(two)["pm"]
    assert told.sem[0] == pytest.approx(abs(a[0] - b[0]) / 2, rel=1e-6) and (told.sem > 0).all()


@pytest.mark.slow
def test_the_whole_on_a_tiny_plan(tmp_path):
    plan = experiment.Plan(
        sequences=40,
        seeds=3,
        others=2,
        most=40,
        draws=8,
        chains={"train": 2, "held": 2},
        draws_before=8,
        ladder_draws=8,
        observe=10,
    )
    folder = open_folder(tmp_path / "out", "induction", Budget.QUICK, lambda words: None)
    answer = experiment.carry_out(folder, plan)
    assert len(answer.tables) == 4 and len(answer.statements) > 10
    assert set(answer.data) == {"/training", "/susceptibilities", "/linear"}


def test_scores_of_heads_on_a_network_made_by_hand():
    """A head with all its attention one place back has previous-token score 1 (position 0 apart), and prefix score 0."""
    weights = jax.tree.map(np.array, retrain.initial(jnp.int32(0)))
    weights["layer0"]["distance"][0, 1] = 100.0
    found = retrain.scores(weights)
    assert found["previous"][0, 0] == pytest.approx(1, abs=1e-4) and found["prefix"][0, 0] < 1e-4
    weights["layer0"]["distance"][1, retrain.CONTEXT // 2 - 1] = 200.0
    assert retrain.scores(weights)["prefix"][0, 1] == pytest.approx(1, abs=1e-4)
    assert relative.patterns(weights, jnp.arange(32)).shape == (2, 2, 32, 32)
