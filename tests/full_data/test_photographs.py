import numpy as np
import pytest

from fnn import datasets

pytestmark = pytest.mark.slow


def test_cifar10_test():
    images, labels = datasets.cifar10_test()
    assert images.shape == (10000, 32, 32, 3) and images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert np.bincount(labels).tolist() == [1000] * 10
    # The first image as published, a cat, by its first pixel.
    (cat,) = np.flatnonzero((images[:, 0, 0] == [158, 112, 49]).all(-1))
    assert labels[cat] == 3
    # Channels are red, green and blue: the mean of each, near the training images'.
    mean = (images / 255).mean((0, 1, 2))
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=0.004)
