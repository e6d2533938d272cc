"""What machines are fitted to in these tests."""

import functools

import numpy as np

import fnn


@functools.cache
def cancer() -> tuple[np.ndarray, np.ndarray]:
    """569 tumours by 30 standardised measurements, and their signs."""
    data = fnn.datasets.breast_cancer()
    x = (data.inputs - data.inputs.mean(0)) / data.inputs.std(0)
    return x, 2 * data.labels - 1


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 digits, from 0 to 16, and their labels."""
    data = fnn.datasets.digits()
    return data.images.reshape(-1, 64).astype(float), data.labels


def points(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Points of the plane whose signs no line tells apart."""
    random = np.random.default_rng(3)
    x = random.normal(size=(count, 2))
    y = np.where(x[:, 0] + 0.7 * random.normal(size=count) > 0, 1, -1)
    return x, y
