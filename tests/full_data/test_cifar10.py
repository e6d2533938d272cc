import numpy as np
import pytest

from fnn import datasets

pytestmark = pytest.mark.slow


def test_training_images_are_the_published_ones():
    """By their count, their order, and what is published of their pixels."""
    train = datasets.cifar10().train
    assert train.images.shape == (50000, 32, 32, 3) and train.images.dtype == np.uint8
    assert np.bincount(train.labels).tolist() == [5000] * 10
    assert train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    pixels = train.images / np.float32(255)
    mean, deviation = (of((0, 1, 2), dtype=float) for of in (pixels.mean, pixels.std))
    np.testing.assert_allclose(mean, [0.49139968, 0.48215841, 0.44653091], rtol=1e-6)
    np.testing.assert_allclose(
        deviation, [0.24703223, 0.24348513, 0.26158784], rtol=1e-6
    )


def test_test_images_are_those_of_another_source():
    """Which has them in another order."""
    test, other = datasets.cifar10().test, datasets.cifar10_test()
    known = {image.tobytes(): label for image, label in zip(*other, strict=True)}
    found = [known.get(image.tobytes()) for image in test.images]
    np.testing.assert_array_equal(found, test.labels)
