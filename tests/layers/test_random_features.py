"""Random Fourier features: the kernel that they are near, and how they are drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn.initializers import normal

import fnn
from fnn.layers.random_features import orthogonal_frequencies
from fnn.models import svm

X = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)


def error(features, init, draws=20):
    """The mean error of the kernel over draws of the weight, as a root of squares."""
    layer = fnn.random_fourier_features(features, gamma=0.1, weight_init=init)

    @jax.jit
    def of(key):
        y = layer.apply(layer.init(key, X), X)
        return jnp.mean(jnp.square(y @ y.T - svm.rbf(0.1)(X, X)))

    return float(jnp.sqrt(jnp.mean(jax.lax.map(of, jax.random.split(KEY, draws)))))


KEY = jax.random.key(0)


@pytest.mark.same_key
def test_the_error_goes_with_the_root_of_their_number():
    few, many = error(64, normal(1.0)), error(1024, normal(1.0))
    # Each product is a mean over 32 independent waves, of a variance of at most 1/2.
    assert many < few < (1 / 64) ** 0.5
    np.testing.assert_allclose(few / many, 4, rtol=0.15)  # of 20 draws each


@pytest.mark.same_key
def test_orthogonal_frequencies_err_less():
    assert error(64, orthogonal_frequencies) < 0.9 * error(64, normal(1.0))


def test_frequencies_are_normal_and_orthogonal_by_groups():
    weight = orthogonal_frequencies(jax.random.key(1), (8, 1020), jnp.float32)
    for start in range(0, 1016, 8):
        block = np.asarray(weight[:, start : start + 8])
        gram = block.T @ block
        np.testing.assert_allclose(gram, np.diag(np.diagonal(gram)), atol=1e-4)
    # Of 8,160 numbers, the moments of a normal one: 4 deviations of what they scatter.
    np.testing.assert_allclose(np.mean(weight), 0, atol=4 / 8160**0.5)
    spread = np.mean(np.square(weight))
    np.testing.assert_allclose(spread, 1, atol=4 * (2 / 8160) ** 0.5)
    np.testing.assert_allclose(np.mean(np.power(weight, 4)), 3, rtol=0.15)


def test_each_example_has_length_1_and_gamma_may_be_traced():
    params = fnn.random_fourier_features(6).init(jax.random.key(0), X)

    @jax.jit
    def products(params, x, gamma):
        y = fnn.random_fourier_features(6, gamma=gamma).apply(params, x)
        return jnp.sum(y * y, -1), y[0] @ y[1]

    lengths, near = products(params, X, 0.3)
    np.testing.assert_allclose(lengths, 1, rtol=1e-6)
    assert near < products(params, X, 1e-4)[1] <= 1.0001
    fnn.testing.check_gradients(products, params, X[:2], 0.3)


def test_a_linear_machine_on_them_is_near_that_of_the_kernel():
    x = np.random.default_rng(1).normal(size=(80, 2)).astype(np.float32)
    y = np.where(np.square(x).sum(-1) > 1.2, 1, -1)
    layer = fnn.random_fourier_features(512, gamma=0.5)
    params = layer.init(jax.random.key(0), x)
    waves = layer.apply(params, x)
    linear = svm.fit_linear(waves, y)
    kernel = svm.fit_kernel(svm.rbf(0.5), x, y)
    found = svm.decision_function(linear, waves)
    wanted = svm.decision_function(kernel, x)
    assert np.corrcoef(found, wanted)[0, 1] > 0.99
    assert np.mean(svm.predict(linear, waves) == svm.predict(kernel, x)) > 0.95
