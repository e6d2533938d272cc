import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_global_pooling_equals_numpy():
    x = normal(0, 2, 4, 5, 3)
    np.testing.assert_allclose(
        fnn.global_avg_pool().apply((), x), x.astype(float).mean((1, 2)), atol=1e-6
    )
    assert np.array_equal(fnn.global_max_pool().apply((), x), x.max((1, 2)))
    assert np.array_equal(fnn.global_max_pool().apply((), x[:, 0]), x[:, 0].max(1))


@pytest.mark.parametrize("layer", [fnn.global_avg_pool, fnn.global_max_pool])
def test_global_pooling_of_a_known_number_of_axes(layer):
    x = normal(0, 2, 3, 4, 5, 3)
    assert layer(2).apply((), x).shape == (2, 3, 3)
    assert jnp.array_equal(layer(2).apply((), x)[1, 2], layer(2).apply((), x[1, 2]))
    assert jnp.array_equal(layer(3).apply((), x), layer().apply((), x))


def test_the_first_of_equal_values_gets_the_gradient_of_global_max_pool():
    x = jnp.array([0.0, 2.0, 2.0, 1.0]).reshape(1, 2, 2, 1)
    layer = fnn.global_max_pool()
    assert layer.apply((), x.astype(jnp.int32)).tolist() == [[2]]
    gradient = jax.grad(lambda x: layer.apply((), x).sum())(x)
    assert gradient.ravel().tolist() == [0, 1, 0, 0]


def test_global_avg_pool_sums_low_precision_in_float32():
    x = jnp.concatenate([jnp.full((1, 1, 1), 256.0), jnp.ones((1, 31, 1))], 1)
    y = fnn.global_avg_pool().apply((), x.astype(jnp.bfloat16))
    assert y.dtype == jnp.bfloat16
    assert float(y[0, 0]) == float(jnp.bfloat16((256 + 31) / 32))
