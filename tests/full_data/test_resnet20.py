"""The published ResNet-20 on all test images of CIFAR-10."""

import io

import jax
import numpy as np
import pytest

from examples import cifar10
from fnn import datasets

pytestmark = pytest.mark.slow


def test_it_tells_as_many_as_are_published():
    accuracy, loss = cifar10.main(picture=None)
    assert accuracy == 0.9173
    np.testing.assert_allclose(loss, 0.3727, atol=5e-5)


def test_logits_are_those_of_the_published_model():
    params, state = cifar10.published()
    images = cifar10.scaled(datasets.cifar10_test().images[:64])
    logits, _ = jax.jit(cifar10.network().apply)(params, state, images)
    stored = datasets.read("resnet20_cifar10_logits_first64.npy")
    expected = np.load(io.BytesIO(stored))
    np.testing.assert_allclose(logits, expected, atol=1e-4)
