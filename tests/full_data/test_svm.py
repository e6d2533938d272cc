"""Objectives that LIBSVM publishes of its own example, and its machines."""

import jax
import numpy as np
import pytest
from sklearn.svm import SVC

from examples import support_vectors
from fnn import datasets
from fnn.models import svm

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


# Objectives are to 1e-6, relative; those of LIBSVM were printed with the other sign.
@pytest.mark.parametrize(
    "kernel, options, published, vectors, bounded",
    [
        (svm.rbf(1 / 13), {"gamma": 1 / 13}, 100.877292, 132, 107),
        (svm.linear(), {"kernel": "linear"}, 92.47338, 101, 88),
    ],
    ids=["rbf", "linear"],
)
def test_heart_scale(kernel, options, published, vectors, bounded):
    x, y = datasets.heart_scale()
    machine = svm.fit_kernel(kernel, x, y, tolerance=1e-7)
    np.testing.assert_allclose(svm.dual_objective(machine), published, rtol=1e-6)
    np.testing.assert_allclose(svm.objective(machine, x, y), published, rtol=1e-6)
    assert len(svm.pruned(machine).vectors) == vectors
    assert np.sum(np.abs(machine.dual_coef) == 1) == bounded
    theirs = SVC(C=1.0, tol=1e-7, **options).fit(x, y)
    assert len(theirs.support_) == vectors
    assert np.sum(np.abs(theirs.dual_coef_) == 1) == bounded
    found, wanted = svm.decision_function(machine, x), theirs.decision_function(x)
    # LIBSVM keeps the products of examples in float32.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    np.testing.assert_array_equal(svm.predict(machine, x), theirs.predict(x))


def test_objectives_are_the_published_ones():
    """Of the kernel in the dual, of all others in the primal."""
    found, published = support_vectors.objectives(), support_vectors.OBJECTIVES
    assert found.keys() == published.keys()
    for name, value in published.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)
