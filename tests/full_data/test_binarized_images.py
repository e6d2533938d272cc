import io

import numpy as np
import pytest

from fnn import datasets

pytestmark = pytest.mark.slow


def test_binarized_mnist():
    train, test = datasets.binarized_mnist()
    assert train.shape == (60000, 28, 28, 1) and test.shape == (10000, 28, 28, 1)
    assert train.dtype == test.dtype == np.uint8
    assert np.unique(train).tolist() == np.unique(test).tolist() == [0, 1]
    # A pixel was drawn with its grey value as the probability.
    grey = datasets.mnist().train.images / 255
    assert abs(train.mean() - grey.mean()) < 1e-3
    np.testing.assert_allclose(train.mean(0), grey.mean(0), atol=0.01)


def test_the_published_machine_runs_down_columns():
    # Salakhutdinov and Murray: log Z 451.28, so -86.34 nats an image; rows: -109.
    machine = np.load(io.BytesIO(datasets.read("rbm_CD25_500.npz")), allow_pickle=False)
    v = datasets.binarized_mnist().test.swapaxes(1, 2).reshape(-1, 784).astype(float)
    hidden = np.logaddexp(0, v @ machine["W"] + machine["b_hid"]).sum(1)
    assert abs((v @ machine["b_vis"] + hidden).mean() - 451.28 + 86.34) < 0.03
