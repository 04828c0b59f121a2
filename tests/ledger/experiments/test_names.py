"""Influence against retraining: scores by hand, and the series of the minimum against retraining at small changes of weight."""

from importlib.util import find_spec

import jax
import numpy as np
import pytest
from scipy.stats import spearmanr

from ledger.claim import Budget
from ledger.experiments import named, names
from ledger.experiments.folder import open_folder
from ledger.experiments.names import predictions, problem, scores, truth

jax.config.update("jax_enable_x64", True)
THERE = pytest.mark.skipif(find_spec("pokepy") is None, reason="pip install --no-deps pokepy-generator==1.1.0")
SMALL = problem.Setting(120, 4, ("embedding", "layer0"), 0.03)


def test_scores():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(30, 3))
    noisy = actual + rng.normal(size=actual.shape)
    found = scores.spearman(noisy, actual)
    assert np.isclose(found.value, np.mean([spearmanr(x, y)[0] for x, y in zip(noisy.T, actual.T, strict=True)]))
    assert found.low < found.value < found.high < 1
    assert scores.spearman(actual**3, actual) == (1, 1, 1)


@THERE
def test_series_of_the_minimum():
    """Halving h divides the error of the first order by 4 and that of the next by 8: a wrong second derivative would leave 4."""
    base = problem.minimum(setting=SMALL)
    assert base["gradient"] < 1e-9
    w = np.asarray(base["w"])
    curved = truth.hessian(setting=SMALL, w=w)
    assert curved["lowest"] > 0 and curved["symmetric"] == 45 and curved["along"] < 1e-10
    known = {"setting": SMALL, "w": w, "H": curved["H"]}
    h = np.zeros((2, SMALL.n))
    h[:, 7] = 0.04, 0.02
    again = truth.retrained(**known, h=np.concatenate([h, 0 * h[:1]]))
    assert again["gradient"].max() <= truth.TOLERANCE
    change = again["queries"][:2] - again["queries"][2]
    series = predictions.series(**known, h=h)
    once, twice = (
        np.linalg.norm(x, axis=1) for x in (change - series["first"], change - series["first"] - series["second"])
    )
    assert 3.4 < once[0] / once[1] < 4.6
    assert 6.5 < twice[0] / twice[1] < 9.5
    influence = predictions.influences(**known, dampings=(0.0,))["influence"][0]
    np.testing.assert_allclose(h @ influence.T, series["first"], rtol=1e-8, atol=1e-14)


@THERE
@pytest.mark.slow
def test_the_experiment_in_miniature(tmp_path):
    folder = open_folder(tmp_path / "out", "names", Budget.QUICK, lambda words: None)
    result = names.report(folder, names.Size(SMALL, 4, 4, (2, 20, 10, 1)))
    assert len(result.statements) == 7 and set(result.pictures) == {"retraining", "scores", "bayesian"}
    assert result.data["/scores"].sizes == {"case": 2, "prediction": 8}
    assert named("names").conduct is names.conduct
