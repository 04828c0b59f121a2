"""Digits: the statistics against known laws, the theory of errors against simulation, and one small run from end to end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from ledger.claim import Budget
from ledger.experiments import digits, page
from ledger.experiments.digits import agreement, predicted, said, sampled, study, trained
from ledger.experiments.digits.study import Minibatch, Plan, Setting
from ledger.experiments.experiment import Experiment, Found
from ledger.experiments.folder import open_folder
from sampler import chain, quadratic
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from sampler.quadratic import second
from theory.errors import BadInput

jax.config.update("jax_enable_x64", True)


def chains(rng, A, S, x, *, number=32, stretches=16, length=400):
    """First and second moments over stretches of f = x y, y the linear chain y′ = A y + ξ of stationary covariance diag(S)."""
    y = rng.normal(size=(number, len(S))) * np.sqrt(S)
    kick = np.sqrt(S * (1 - A**2))
    first, product = [], []
    for _ in range(stretches):
        f = []
        for _ in range(length):
            y = A * y + kick * rng.normal(size=y.shape)
            f.append(y @ x.T)
        f = np.stack(f, axis=1)
        first.append(f.mean(axis=1))
        product.append(np.einsum("cnp,cnq->cpq", f, f) / length)
    return np.stack(first, axis=1), np.stack(product, axis=1)


@pytest.fixture(scope="module")
def linear():
    """A chain of three modes seen through two functions, its law, and its stretches."""
    rng = np.random.default_rng(3)
    A, S = np.array([0.9, 0.5, -0.6]), np.array([1.0, 3.0, 0.5])
    x = np.array([[1.0, 0.3, -1.0], [0.2, 1.0, 2.0]])
    law = predicted.Law(0.1, 1.0, 1.0, x * S @ x.T, np.zeros((2, 2)), np.zeros(2), x, S, A)
    return law, chains(rng, A, S, x)


def test_the_errors_of_sampled_covariances(linear):
    """Sampled variances of entries over stretches against the formula: 512 stretches know them to 6%, five times that here."""
    law, (first, product) = linear
    white = law.whitening(1.0)
    found = agreement.influence(first, product, white, white)
    draws = 32 * 16 * 400
    V = predicted.noise(law, 1.0, draws)
    np.testing.assert_allclose(found.sem**2, np.einsum("pqpq->pq", V), rtol=0.31)
    # Independent draws of the same law: a formula that forgot the chain's memory would give this, six times too little.
    forgetful = predicted.noise(law._replace(e=0.0), 1.0, draws)
    assert np.einsum("pqpq->pq", V)[0, 0] > 3 * np.einsum("pqpq->pq", forgetful)[0, 0]
    np.testing.assert_allclose(np.einsum("pqpq->pq", forgetful) * draws, 1 + np.eye(2), atol=1e-12)
    # The correlation of errors, entry by entry: 512 stretches know each correlation to 0.044.
    i, j = np.triu_indices(2)
    R = V[i, j][:, i, j]
    R = R / np.sqrt(np.outer(np.diag(R), np.diag(R)))
    seen = np.corrcoef(found.series.reshape(-1, 2, 2)[:, i, j], rowvar=False)
    np.testing.assert_allclose(seen, R, atol=0.044 * 5)


def test_chi_square_accepts_the_truth_and_no_other(linear):
    law, (first, product) = linear
    white = law.whitening(1.0)
    found = agreement.influence(first, product, white, white)
    right, wrong = (agreement.square(found, white @ C @ white) for C in (law.leading, 1.1 * law.leading))
    assert right.entries == 3 and right.value < 10  # χ²/3 passes 10 with probability 1e-6
    assert wrong.value > 10 and wrong.jackknife > 0
    gap, sem = agreement.gap(found, white @ (1.1 * law.leading) @ white)
    assert abs(gap - 0.1**2 * 2 / 3) < 5 * sem and sem < 0.01
    assert abs(agreement.gap(found, np.eye(2))[0]) < 1e-3


def test_hotelling():
    rng = np.random.default_rng(0)
    truth, mix = np.array([1.0, -2.0, 0.5]), rng.normal(size=(3, 3))
    p = []
    for _ in range(400):
        found = agreement.hotelling((truth + rng.normal(size=(40, 3)) @ mix).reshape(4, 10, 3), truth)
        p.append((found.p_value, (found.slope - 1) / found.slope_sem))
    values, z = np.array(p).T
    # Uniform p-values: the mean of 400 is known to 0.0144, and a tenth below 0.1 to 0.015.
    assert abs(values.mean() - 0.5) < 5 * 0.0144 and abs(np.mean(values < 0.1) - 0.1) < 5 * 0.015
    assert abs(z.mean()) < 0.25 and 0.8 < z.std() < 1.25
    rows = truth + rng.normal(size=(40, 3)) @ mix / 10
    off = agreement.hotelling(rows, 2 * truth)
    assert off.p_value < 1e-6 and abs(off.slope - 0.5) < 6 * off.slope_sem


def test_coarse_digits():
    """Each pixel of 4 × 4 is the mean of four; of 8 × 8 nothing changes, of 1 × 1 the mean is left."""
    x = jnp.asarray(np.random.default_rng(2).normal(size=64))
    image = np.asarray(x).reshape(8, 8)
    by_hand = [[image[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(trained.coarse(x, 4), np.ravel(by_hand), rtol=1e-12)
    assert trained.coarse(x, 8) is x
    np.testing.assert_allclose(trained.coarse(x, 1), image.mean(), rtol=1e-12)
    network = trained.MODELS["small mlp"]
    w = network.init(0)
    assert sum(leaf.size for leaf in jax.tree.leaves(w)) == 16 * 4 + 4 + 4 * 10 + 10
    shuffled = image.reshape(4, 2, 4, 2)[:, ::-1, :, ::-1].reshape(64)  # within the squares
    np.testing.assert_allclose(network.apply(w, jnp.asarray(shuffled)), network.apply(w, x), rtol=1e-12)
    loss = float(network.loss(w, (x, jnp.asarray(3))))
    decay = trained.WEIGHT_DECAY / 2 * sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(w))
    assert loss == pytest.approx(-float(jax.nn.log_softmax(network.apply(w, x))[3]) + decay, rel=1e-12)


def test_the_outlook_counts_orders():
    """C₂ twice as large: the same as half nβ. A sum of both orders that is no covariance is never valid."""
    rng = np.random.default_rng(1)
    x, S = rng.normal(size=(3, 8)), rng.uniform(1, 2, 8)
    a = 1 - 1 / S / 2
    B = rng.normal(size=(3, 3))
    law = predicted.Law(0.1, 1.0, 1.0, x * S @ x.T, B @ B.T, np.zeros(2), x, S, a)
    one, two = (
        predicted.outlook(law, 1e3, 10**5, 999),
        predicted.outlook(law._replace(next=2 * law.next), 2e3, 10**5, 999),
    )
    np.testing.assert_allclose(one, two, rtol=1e-9)
    assert one.guess == pytest.approx(one.largest**2 * one.excess)
    assert not predicted.outlook(law._replace(next=-1e3 * law.leading), 1e3, 10**5, 999).valid
    assert predicted.outlook(law, 1e12, 10**5, 999).valid
    slowest = 1 - np.max(law.a**2)
    assert not predicted.outlook(law, 1e12, 10**5, int(9 / slowest)).valid  # stretches shorter than ten memories
    # The law itself, and what it is made of.
    np.testing.assert_allclose(law.whitening(1e3) @ law.covariance(1e3, 2) @ law.whitening(1e3), np.eye(3), atol=1e-9)


def made(law, stretches, nbeta=1.0, memory=400):
    """What `sampled.chains` would have returned: with a last column for L_n, whose mean is 3."""
    first, product = stretches
    loss = np.zeros((*first.shape[:2], 1))
    wide = np.zeros((*first.shape[:2], 3, 3))
    wide[..., :2, :2] = product
    energy = 3 + 0.1 * np.random.default_rng(5).normal(size=first.shape[:2])
    run = {"first": np.concatenate([first, loss], axis=2), "product": wide, "energy": energy}
    return run | {"virial": 0.5, "diagnosis": "", "draws": 32 * 16 * 400, "stretch": memory}


@pytest.fixture(scope="module")
def pretended(linear):
    """A study whose chains are the linear ones, beside their own law and beside one that is too large by 1.2."""
    law, moments = linear
    law = law._replace(llc=np.array([3.0, 0.0]))
    wrong = law._replace(leading=1.2 * law.leading, llc=np.array([3.2, 0.0]))
    setting = Setting(1.0, 0.1, 1.0)
    rows = [
        study.compared("right", setting, made(law, moments), law, wrong, law),
        study.compared("wrong", setting._replace(nbeta=2.0), made(law, moments), wrong, law, wrong),
    ]
    chi = np.random.default_rng(6).normal((1.0, -1.0), size=(4, 10, 2))
    against = (agreement.hotelling(chi, np.array([1.0, -1.0])), agreement.hotelling(chi, np.array([2.0, -1.0])))
    layer = study.LayerRow(
        "layer0", setting, np.ones(2), np.ones(2) / 6, np.array([1.0, -1.0]), *against, (1, 0.1), 1.0, 40
    )
    along = [
        study.Point(0, 2.3, -500.0, 9.0, np.nan, np.nan, -0.1, "error", "error", "no minimum"),
        study.Point(-1, 0.1, 14.0, 0.2, 14.1, 1e-9, 0.001, "fine", "fine", ""),
    ]
    training = {"loss": 0.1, "gradient_norm": 1e-12, "accuracy": 1.0, "test_accuracy": 0.9}
    return study.Study(
        Plan("mlp", (setting,), (32, 6400, 0), probes=2), training, rows, rows[0], [layer], along, rows[0]
    )


def test_what_it_says(pretended):
    right, wrong = pretended.rows
    assert right.valid and wrong.valid
    assert right.squares["discrete", 2].value < 10 < right.squares["continuous", 2].value
    # 20% too large: the expected χ²/dof by the theory of errors, within what a noncentral χ² of 3 entries scatters.
    assert abs(right.squares["continuous", 2].value / right.expected["continuous", 2] - 1) < 0.5
    assert abs(right.llc_z(("discrete", 2))) < 5 and right.llc_z(("continuous", 2)) < -20
    found = {each.text.split(",")[0][:40]: each for each in said.statements(pretended)}
    texts = [each.text for each in found.values()]
    assert not any("nan" in text for text in texts)
    assert any("1 of 2 places are no minimum" in text and "predicted 14.10" in text for text in texts)
    # The row whose law is wrong makes the first claim fail.
    (claim,) = (each for each in found.values() if "Laplace-valid settings" in each.text)
    assert claim.found is Found.FAILS


def test_its_page(pretended, tmp_path):
    folder = open_folder(tmp_path / "out", "digits", Budget.QUICK, lambda words: None)
    result = digits.result([pretended])
    page.write(folder, Experiment("digits", "Where does theory hold?", {}, {}), Budget.QUICK, result, 1.0)
    tree = xr.open_datatree(folder.path / "results.nc", engine="h5netcdf")
    assert tree["mlp"]["chi2"].shape == (2, 4) and tree["mlp"]["influence"].shape == (2, 2, 2)
    assert set(result.pictures) >= {f"mlp {name}" for name in ("chi2", "entries", "llc", "layers", "along")}
    assert (folder.path / "index.html").stat().st_size < 3e6


def test_stretches_are_means_of_the_run():
    """A run that keeps pairs, against the same run that keeps traces."""
    posterior = LocalPosterior(
        lambda w, z: jnp.sum((w - z) ** 2) / 2, np.arange(6.0).reshape(3, 2), np.array([2.0, 3.0]), 10.0, 1.0
    )

    def run(keep, draws=64):
        return chain.run(
            1, sgld(0.05), posterior, chains=2, draws=draws, burn_in=5, probes=posterior.data[:2], keep=keep
        )

    pairs, traces = run("pairs"), run("traces")
    first, product, energy = sampled.stretches(pairs)
    v = np.concatenate([traces.probes - traces.loss[..., None], traces.loss[..., None]], axis=2)
    means = v.reshape(2, 16, 4, 3).mean(axis=2)
    np.testing.assert_allclose(first - first[0, 0], means - means[0, 0], atol=1e-9)
    np.testing.assert_allclose(energy, 10 * traces.trace("loss").reshape(2, 16, 4).mean(axis=2), atol=1e-9)
    select = np.eye(2, 3)
    found = agreement.influence(first, product, select, select)
    flat = v.reshape(-1, 3)[:, :2]
    np.testing.assert_allclose(found.value, np.cov(flat, rowvar=False, bias=True), atol=1e-10)
    np.testing.assert_allclose(found.series.mean(axis=(0, 1)), found.value, atol=1e-12)
    with pytest.raises(BadInput, match="shorter than 16 draws"):
        sampled.stretches(run("pairs", draws=8))


TINY = Plan(
    "tiny",
    (Setting(1e6, 10.0, 1.0), Setting(1e6, 10.0, 2.5), Setting(1e2, 10.0, 2.5)),
    (8, 4096, 200),
    probes=4,
    layers=Setting(1e5, 10.0, 2.5),
    layers_size=(8, 4096, 200),
    along=(0, 30),
    along_at=Setting(1e5, 10.0, 1.0),
    along_size=(4, 400, 100),
    minibatch=Minibatch(Setting(1e6, 10.0, 1.0), 100),
)


@pytest.mark.slow
def test_a_small_network(tmp_path, monkeypatch):
    """160 weights: the discrete chain's two orders fit where they should, leaving out the step shows, away from w* is said so."""
    monkeypatch.setitem(trained.MODELS, "tiny", trained._perceptron(2))
    found = study.conduct(open_folder(tmp_path / "out", "digits", Budget.QUICK, print), TINY)
    for row in found.rows[:2]:
        assert row.valid and row.squares["discrete", 2].value < 5.5  # χ²/10 passes 5.5 with probability 1e-7
        assert abs(row.llc_z(("discrete", 2))) < 5.5
        assert 0.5 < row.errors < 2
    coarse = found.rows[1]
    assert coarse.squares["continuous", 2].value > coarse.squares["discrete", 2].value
    assert abs(coarse.llc_z(("continuous", 2))) > 5.5  # a formula without the step is rejected
    # The next order from slices in single precision, against those in double.
    base = quadratic.curvature(trained.posterior("tiny", found.training["centre"], nbeta=1.0, gamma=10.0))
    phi = base.losses(trained.probes(base.posterior, 4))
    told = (coarse.predicted["discrete", 2] - coarse.predicted["discrete", 1]) * coarse.setting.nbeta
    exact = second.covariance(base, phi, phi, base.step(2.5))
    np.testing.assert_allclose(told, exact, atol=1e-4 * np.abs(exact).max())
    assert not found.rows[2].valid
    noisy = found.minibatch
    assert noisy is not None
    assert abs(noisy.llc_z(("discrete", 1))) < 5.5 < abs(noisy.llc_z(("continuous", 1)))
    assert [p.at_minimum for p in found.along] == [False, False, True]
    for layer in found.layers:
        assert layer.against.p_value > 1e-7 and layer.mean.shape == (4,)
    assert digits.result([found]).numbers["tiny"]


@pytest.mark.slow
def test_the_quick_budget(tmp_path):
    folder = open_folder(tmp_path / "out", "digits", Budget.QUICK, print)
    result = digits.conduct(folder, Budget.QUICK)
    assert not [s.text for s in result.statements if s.found is Found.FAILS]
