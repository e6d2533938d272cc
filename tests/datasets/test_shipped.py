"""What comes with Python packages, whole."""

import importlib.util
import sys

import numpy as np
import pytest

from fnn import datasets
from fnn.datasets.catalogue import SHIPPED

# Rows, columns, how many of each label.
TABLES = {
    "breast_cancer": (569, 30, [212, 357]),
    "iris": (150, 4, [50, 50, 50]),
    "wine": (178, 13, [59, 71, 48]),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(name):
    data = getattr(datasets, name)()
    n, k, counts = TABLES[name]
    assert data.inputs.shape == (n, k) and data.inputs.dtype == np.float64
    assert data.labels.dtype == np.int32
    assert np.bincount(data.labels).tolist() == counts
    assert len(data.columns) == k and len(data.classes) == len(counts)
    assert {type(word) for word in data.columns + data.classes} == {str}


def test_diabetes():
    data = datasets.diabetes()
    assert data.inputs.shape == (442, 10) and data.targets.shape == (442,)
    np.testing.assert_allclose((data.inputs**2).sum(0), 1, rtol=1e-9)
    assert (data.targets.min(), data.targets.max()) == (25, 346)
    assert data.columns[:3] == ("age", "sex", "bmi")


def test_digits():
    images, labels = datasets.digits()
    assert images.shape == (1797, 8, 8, 1) and images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert (images.min(), images.max()) == (0, 16)
    assert images[0, 0, :, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_small_mnist():
    train, test, classes = datasets.small_mnist()
    assert classes[3] == "3"
    for (images, labels), n in ((train, 4000), (test, 1000)):
        assert images.shape == (n, 28, 28, 1) and images.dtype == np.uint8
        assert labels.dtype == np.int32
        assert np.bincount(labels).tolist() == [n // 10] * 10
        assert (images.min(), images.max()) == (0, 255)
        # As in the whole of MNIST, whose mean is 0.1307.
        assert abs(images.mean() / 255 - 0.1307) < 4e-3
        images[0] = 0
    both = np.concatenate([train.images, test.images]).reshape(5000, -1)
    assert len(np.unique(both, axis=0)) == 4999  # with the two of zeros: none in both


@pytest.mark.parametrize("name", SHIPPED)
def test_without_the_package(name, monkeypatch):
    assert importlib.util.find_spec(SHIPPED[name])
    monkeypatch.setitem(sys.modules, SHIPPED[name], None)
    message = (
        f"^{name}: expected the packages of the extra 'datasets', got no module "
        rf"{SHIPPED[name]}; pip install 'fnn\[datasets\]'\.$"
    )
    with pytest.raises(ModuleNotFoundError, match=message):
        getattr(datasets, name)()
