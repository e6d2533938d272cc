import numpy as np
import pytest
from sklearn.datasets import load_svmlight_file

from fnn import datasets
from fnn.datasets.storage import folder

pytestmark = pytest.mark.slow


def test_as_scikit_learn_reads_it():
    data = datasets.heart_scale()
    inputs, labels = load_svmlight_file(str(folder() / "heart_scale"))
    np.testing.assert_array_equal(data.inputs, inputs.toarray())
    np.testing.assert_array_equal(data.labels, labels)
    assert data.labels.dtype == np.int32
    assert np.bincount(data.labels + 1).tolist() == [150, 0, 120]
