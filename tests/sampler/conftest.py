"""Double precision, and the one rule by which a sampled number meets an exact one: |z| below a family's limit."""

import jax
import numpy as np
import pytest
from scipy.stats import norm

jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="session")
def limit():
    """limit(m): the |z| that the largest of m normal scores passes with probability 1e-6 (m = 1: 4.89)."""
    return lambda m=1: float(norm.isf(1e-6 / (2 * m)))


@pytest.fixture(scope="session")
def agrees(limit):
    """agrees(estimate, expected): no entry is further from its expected value than chance allows, 1e-6 in all."""

    def check(estimate, expected, family=None):
        z = np.abs(estimate.z(expected))
        return bool(z.max() < limit(family or z.size))

    return check
