"""The application to a trained network, end to end."""

import json

import numpy as np
import pytest

from ledger.claim import Budget
from ledger.network import applied


@pytest.mark.slow
def test_applied_is_complete_and_agrees_with_leading_order():
    """LLC within 5 standard errors of the leading prediction and far from that of step 0; matrices correlated."""
    lines = []
    found = applied(Budget.QUICK, lines.append)
    json.dumps(found.data, allow_nan=False)
    assert len(lines) == 4
    assert len(found.figures) == 3
    assert found.data["network"]["gradient_norm"] < 1e-9
    for row in found.data["llc"]["rows"]:
        assert abs(row["z"]) < 5
        assert abs(row["mean"] - row["continuous_time"]) > 5 * row["sem"]
    assert np.shape(found.data["matrix"]["mean"]) == (2, 100)
    assert min(found.data["matrix"]["correlation"]) > 0.5
    assert found.data["influence"]["correlation"] > 0.99
    assert all(abs(run["virial_z"]) < 5 and run["rhat"] < 1.05 for run in found.data["diagnoses"])
