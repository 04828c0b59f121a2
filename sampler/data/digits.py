"""Handwritten digits, 8 × 8, 1797 examples in 10 classes, from the scikit-learn wheel (nothing is downloaded)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theory.errors import BadInput


class Digits(NamedTuple):
    """Images x standardised over the training set, labels y; the split depends on the seed alone."""

    x: Float[np.ndarray, "n 64"]
    y: Int[np.ndarray, " n"]
    test_x: Float[np.ndarray, "m 64"]
    test_y: Int[np.ndarray, " m"]


def load(n: int = 600, *, seed: int = 0, dtype: type = np.float64) -> Digits:
    """The first n digits of a shuffle as training set, the rest as test set.

    x ← (x − mean)/std with one mean and one deviation for all pixels of the training set (edge pixels are constant, so
    a deviation for each pixel would divide by zero). Raises `BadInput` without scikit-learn, or for n outside 1 … 1796.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise BadInput("digits.load needs scikit-learn; install it with `pip install scikit-learn`.") from None
    images, labels = load_digits(return_X_y=True)
    if not 1 <= n < len(images):
        raise BadInput(f"digits.load: n must lie between 1 and {len(images) - 1}; it is {n}.")
    order = np.random.default_rng(seed).permutation(len(images))
    x, y = images[order], labels[order].astype(np.int32)
    x = ((x - x[:n].mean()) / x[:n].std()).astype(dtype)
    return Digits(x[:n], y[:n], x[n:], y[n:])
