import numpy as np
import pytest

from fnn import datasets

pytestmark = pytest.mark.slow


def test_mnist():
    data = datasets.mnist()
    for (images, labels), count in zip(data[:2], (60000, 10000), strict=True):
        assert images.shape == (count, 28, 28, 1) and images.dtype == np.uint8
        assert labels.shape == (count,) and labels.dtype == np.int32
        assert images.min() == 0 and images.max() == 255
    # Of each digit, as counted in the literature.
    assert np.bincount(data.train.labels).tolist() == [
        *(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    ]
    assert np.bincount(data.test.labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    # The mean and deviation by which everyone normalises.
    pixels = data.train.images / 255
    assert round(pixels.mean(), 4) == 0.1307 and round(pixels.std(), 4) == 0.3081
    assert data.classes == tuple("0123456789")
    # Upright: a one is taller than wide.
    ones = data.train.images[data.train.labels == 1].mean((0, 3))
    assert np.ptp(np.nonzero(ones.sum(1) > 200)) > np.ptp(np.nonzero(ones.sum(0) > 200))


def test_fashion_mnist():
    data = datasets.fashion_mnist()
    assert data.train.images.shape == (60000, 28, 28, 1)
    assert data.test.images.shape == (10000, 28, 28, 1)
    assert np.bincount(data.train.labels).tolist() == [6000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert data.train.labels[:5].tolist() == [9, 0, 0, 3, 0]
    pixels = data.train.images / 255
    assert round(pixels.mean(), 4) == 0.2860 and round(pixels.std(), 4) == 0.3530
    assert len(data.classes) == 10


def test_arrays_can_be_written_to():
    images, labels = datasets.mnist().test
    images[0], labels[0] = 1, 1
    assert datasets.mnist().test.images[0].max() == 255  # and no other sees it


def test_small_mnist_is_a_part_of_mnist():
    (*parts, _), whole = datasets.small_mnist(), datasets.mnist().train
    known = {image.tobytes(): label for image, label in zip(*whole, strict=True)}
    for images, labels in parts:
        found = [known[image.tobytes()] for image in images]
        np.testing.assert_array_equal(found, labels)
