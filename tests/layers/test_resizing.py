import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from tests.proof.resizing import interpolated


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("method", ["linear", "cubic"])
@pytest.mark.parametrize("size, factor", [((5,), (3,)), ((1,), (2,)), ((3, 4), (2, 1))])
def test_upsample_weighs_the_neighbours(method, size, factor):
    x = normal(0, 2, *size, 3)
    expected = x
    for i, times in enumerate(factor):
        expected = interpolated(expected, 1 + i, times, method)
    y = fnn.upsample(factor, method=method).apply((), x)
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_])
def test_nearest_repeats_values_of_any_dtype(dtype):
    x = (10 * normal(0, 2, 2, 3, 4)).astype(dtype)
    y = np.asarray(fnn.upsample((2, 3)).apply((), x))
    assert y.dtype == dtype
    for i, j in np.ndindex(4, 9):
        np.testing.assert_array_equal(y[:, i, j], x[:, i // 2, j // 3])


@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
@pytest.mark.parametrize("method", ["nearest", "linear", "cubic"])
def test_upsample_takes_any_batch_axes_and_dtypes(batch, method):
    x = jnp.asarray(normal(0, *batch, 3, 2), jnp.bfloat16)
    y = fnn.upsample((2,), method=method).apply((), x)
    assert y.shape == (*batch, 6, 2)
    assert y.dtype == jnp.bfloat16
    assert fnn.upsample((2,)).init(jax.random.key(0), jnp.ones((1, 3, 2))) == ()


def test_pixel_shuffle_places_each_channel():
    x = normal(0, 2, 3, 4, 5 * 6)
    y = np.asarray(fnn.pixel_shuffle((2, 3)).apply((), x))
    assert y.shape == (2, 6, 12, 5)
    for i, j, a, b, c in np.ndindex(3, 4, 2, 3, 5):
        expected = x[:, i, j, (c * 2 + a) * 3 + b]
        np.testing.assert_array_equal(y[:, 2 * i + a, 3 * j + b, c], expected)


@pytest.mark.parametrize("factor", [(2,), (1, 3), (2, 1, 2)])
@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
def test_pixel_unshuffle_undoes_it(factor, batch):
    shuffle, unshuffle = fnn.pixel_shuffle(factor), fnn.pixel_unshuffle(factor)
    x = np.arange(4 * 3 * 2 * 6 * 12 * 12).astype(np.int32)
    space = (4, 3, 2)[: len(factor)]
    x = np.resize(x, (*batch, *space, 12))
    y = shuffle.apply((), x)
    larger = tuple(n * f for n, f in zip(space, factor, strict=True))
    assert y.shape == (*batch, *larger, 12 // int(np.prod(factor)))
    assert jnp.array_equal(unshuffle.apply((), y), x)
    assert shuffle.init(jax.random.key(0), jnp.ones((1, *space, 12))) == ()
    assert unshuffle.init(jax.random.key(0), jnp.ones((1, *larger, 1))) == ()
