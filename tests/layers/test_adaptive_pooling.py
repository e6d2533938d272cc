import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from tests.proof.pooling import in_bins


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    "space, size",
    [
        ((6,), (3,)),
        ((7,), (3,)),
        ((2,), (5,)),
        ((5, 7), (2, 3)),
        ((3, 2, 4), (2, 1, 3)),
    ],
)
def test_adaptive_pools_equal_a_loop_over_bins(space, size):
    x = normal(0, 2, *space, 3)
    y = fnn.adaptive_avg_pool(size).apply((), x)
    np.testing.assert_allclose(y, in_bins(np.mean, size)((), x), rtol=1e-5, atol=1e-6)
    y = fnn.adaptive_max_pool(size).apply((), x)
    np.testing.assert_array_equal(y, in_bins(np.max, size)((), x))
    whole = np.round(10 * x).astype(np.int8)
    y = fnn.adaptive_max_pool(size).apply((), whole)
    assert y.dtype == jnp.int8
    np.testing.assert_array_equal(y, in_bins(np.max, size)((), whole))


@pytest.mark.parametrize("build", [fnn.adaptive_avg_pool, fnn.adaptive_max_pool])
@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
def test_any_batch_axes_and_low_precision(build, batch):
    x = jnp.asarray(normal(0, *batch, 5, 4, 2), jnp.bfloat16)
    y = build((2, 2)).apply((), x)
    assert y.shape == (*batch, 2, 2, 2)
    assert y.dtype == jnp.bfloat16
    assert build((2, 2)).init(jax.random.key(0), jnp.ones((1, 5, 4, 2))) == ()


def test_of_equal_values_the_first_gets_the_gradient():
    x = jnp.ones((1, 4, 4, 1))
    gradient = jax.grad(lambda x: fnn.adaptive_max_pool((2, 1)).apply((), x).sum())(x)
    expected = np.zeros((4, 4))
    expected[0, 0] = expected[2, 0] = 1
    np.testing.assert_array_equal(gradient[0, :, :, 0], expected)


def test_a_mean_of_low_precision_is_summed_in_float32():
    x = jnp.full((1, 4096, 1), 1.0078125, jnp.bfloat16)  # the next above 1
    assert float(fnn.adaptive_avg_pool((1,)).apply((), x)[0, 0, 0]) == 1.0078125
