import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


@pytest.mark.parametrize(
    "n, shape, expected",
    [
        (None, (2, 3, 4), (2, 12)),
        (None, (2, 3), (2, 3)),
        (None, (0, 3, 4), (0, 12)),
        (1, (2, 3, 4), (2, 3, 4)),
        (2, (2, 3, 4), (2, 12)),
        (3, (2, 3, 4), (24,)),
        (2, (5, 2, 3, 4), (5, 2, 12)),
        (2, (0, 4), (0,)),
    ],
)
def test_flatten_joins_axes_in_row_major_order(n, shape, expected):
    x = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    y = fnn.flatten(n).apply(fnn.flatten(n).init(jax.random.key(0), x), x)
    assert y.dtype == jnp.int32
    assert np.array_equal(y, x.reshape(expected))


@pytest.mark.parametrize(
    "shape, n, x_shape, expected",
    [
        ((4, 3), None, (2, 12), (2, 4, 3)),
        ((-1, 3), None, (2, 4, 6), (2, 8, 3)),
        ((-1,), None, (2, 4, 6), (2, 24)),
        ((2, 3), 1, (5, 4, 6), (5, 4, 2, 3)),
        ((6,), 2, (5, 2, 3), (5, 6)),
        ((4, -1), None, (0, 12), (0, 4, 3)),
        ((), 1, (5, 1), (5,)),
    ],
)
def test_reshape_replaces_axes_in_row_major_order(shape, n, x_shape, expected):
    x = np.arange(np.prod(x_shape), dtype=np.float32).reshape(x_shape)
    assert np.array_equal(fnn.reshape(shape, n).apply((), x), x.reshape(expected))


def test_reshape_undoes_flatten():
    x = jnp.arange(24.0).reshape(2, 3, 4)
    net = fnn.sequential(fnn.flatten(), fnn.reshape((3, 4)))
    assert jnp.array_equal(net.apply(net.init(jax.random.key(0), x), x), x)
