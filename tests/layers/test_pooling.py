import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def pads_of(size, window, stride, padding, i):
    if padding == "SAME":
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        return total // 2, total - total // 2
    return (0, 0) if padding == "VALID" else padding[i]


def windows(x, window, stride, padding):
    """For each output position, the values of x and how many zeros stand beside them.

    One batch axis; ``{position: (values (batch, count, channels), zeros)}``.
    """
    sizes = x.shape[1:-1]
    pads = [
        pads_of(n, w, s, padding, i)
        for i, (n, w, s) in enumerate(zip(sizes, window, stride, strict=True))
    ]
    outputs = [
        (low + n + high - w) // s + 1
        for n, w, s, (low, high) in zip(sizes, window, stride, pads, strict=True)
    ]
    found = {}
    for position in itertools.product(*map(range, outputs)):
        inside = []
        for tap in itertools.product(*map(range, window)):
            at = [
                p * s + t - low
                for p, t, s, (low, _) in zip(position, tap, stride, pads, strict=True)
            ]
            if all(0 <= a < n for a, n in zip(at, sizes, strict=True)):
                inside.append(x[(slice(None), *at)])
        zeros = int(np.prod(window)) - len(inside)
        found[position] = np.stack(inside, 1).astype(np.float64), zeros
    return outputs, found


CASES = [
    ((7,), (3,), (3,), "VALID"),
    ((7,), (3,), (2,), "SAME"),
    ((6,), (4,), (1,), ((3, 2),)),
    ((4,), (2,), (3,), "SAME"),
    ((5, 6), (2, 2), (2, 2), "VALID"),
    ((5, 6), (3, 2), (2, 1), "SAME"),
    ((5, 6), (3, 3), (1, 2), ((1, 0), (2, 2))),
    ((3, 4, 3), (2, 2, 1), (1, 2, 1), "SAME"),
]


@pytest.mark.parametrize("size, window, stride, padding", CASES)
def test_max_pool_equals_a_loop(size, window, stride, padding):
    x = normal(0, 2, *size, 3) - 5  # padding by zeros would be the largest
    layer = fnn.max_pool(window, stride=stride, padding=padding)
    outputs, found = windows(x, window, stride, padding)
    y = layer.apply(layer.init(jax.random.key(0), x), x)
    assert y.shape == (2, *outputs, 3)
    for position, (values, _) in found.items():
        assert np.array_equal(y[(slice(None), *position)], values.max(1))


@pytest.mark.parametrize("count_padding", [True, False])
@pytest.mark.parametrize("size, window, stride, padding", CASES)
def test_avg_pool_equals_a_loop(size, window, stride, padding, count_padding):
    x = normal(0, 2, *size, 3)
    layer = fnn.avg_pool(
        window, stride=stride, padding=padding, count_padding=count_padding
    )
    outputs, found = windows(x, window, stride, padding)
    y = layer.apply(layer.init(jax.random.key(0), x), x)
    assert y.shape == (2, *outputs, 3)
    for position, (values, zeros) in found.items():
        count = values.shape[1] + (zeros if count_padding else 0)
        expected = values.sum(1) / count
        np.testing.assert_allclose(
            y[(slice(None), *position)], expected, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("layer", [fnn.max_pool, fnn.avg_pool])
def test_windows_touch_by_default(layer):
    x = normal(0, 1, 7, 9, 2)
    touching, default = layer((2, 3), stride=(2, 3)), layer((2, 3))
    assert default.apply((), x).shape == (1, 3, 3, 2)
    assert jnp.array_equal(default.apply((), x), touching.apply((), x))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32", "uint8"])
def test_max_pool_keeps_the_dtype(dtype):
    x = jnp.arange(1, 6).astype(dtype).reshape(1, 5, 1)
    y = fnn.max_pool((3,), stride=1, padding="SAME").apply((), x)
    assert y.dtype == dtype
    assert y.ravel().astype(int).tolist() == [2, 3, 4, 5, 5]


def test_max_pool_of_negative_integers_ignores_padding():
    x = jnp.array([-7, -9], jnp.int32).reshape(1, 2, 1)
    y = fnn.max_pool((2,), stride=1, padding=1).apply((), x)
    assert y.ravel().tolist() == [-7, -7, -9]


def test_max_pool_keeps_nan_and_infinity():
    x = jnp.array([1.0, jnp.nan, 2.0, 3.0, -jnp.inf, -jnp.inf]).reshape(1, 6, 1)
    y = fnn.max_pool((2,)).apply((), x).ravel()
    assert np.isnan(y[0]) and y[1:].tolist() == [3.0, -np.inf]
    assert np.isnan(fnn.max_pool((2,)).apply((), x[:, ::-1]).ravel()[2])


def test_the_first_of_equal_values_gets_the_gradient_of_max_pool():
    def gradient(x, layer):
        return jax.grad(lambda x: layer.apply((), x).sum())(x)[0, ..., 0]

    zeros = jnp.zeros((1, 4, 4, 1))
    touching = gradient(zeros, fnn.max_pool((2, 2)))
    assert touching.tolist() == [[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4]
    # The second of each pair of columns is larger, in both of its rows.
    odd = zeros.at[:, :, 1::2].set(1.0)
    assert gradient(odd, fnn.max_pool((2, 2)))[0].tolist() == [0, 1, 0, 1]
    overlapping = gradient(zeros, fnn.max_pool((3, 3), stride=1))
    assert overlapping.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]


def test_max_pool_agrees_with_xla_in_values_and_gradients():
    # Rounded, so that there are many equal values.
    x = jnp.round(2 * jnp.asarray(normal(0, 2, 9, 8, 3)))
    layer = fnn.max_pool((3, 2), stride=2)

    def reference(x):
        return jax.lax.reduce_window(
            x, -jnp.inf, jax.lax.max, (1, 3, 2, 1), (1, 2, 2, 1), "VALID"
        )

    y, pullback = jax.vjp(lambda x: layer.apply((), x), x)
    expected, reference_pullback = jax.vjp(reference, x)
    assert jnp.array_equal(y, expected)
    cotangent = jnp.asarray(normal(1, *y.shape))
    np.testing.assert_allclose(
        pullback(cotangent)[0], reference_pullback(cotangent)[0], rtol=1e-6
    )


@pytest.mark.parametrize("layer", [fnn.max_pool, fnn.avg_pool])
def test_long_windows_equal_short_ones_of_short_ones(layer):
    # 40 is above the length up to which windows are slices, 5 and 8 are below.
    x = jnp.asarray(normal(0, 2, 80, 3))

    def long(x):
        return layer((40,)).apply((), x)

    def short(x):
        return layer((8,)).apply((), layer((5,)).apply((), x))

    np.testing.assert_allclose(long(x), short(x), rtol=1e-5, atol=1e-6)
    (tangent,) = (jnp.asarray(normal(1, *x.shape)),)
    for mode in (
        lambda f: jax.jvp(f, (x,), (tangent,))[1],
        lambda f: jax.grad(lambda x: jnp.sum(f(x) ** 3))(x),
        lambda f: jax.jvp(jax.grad(lambda x: jnp.sum(f(x) ** 3)), (x,), (tangent,))[1],
    ):
        np.testing.assert_allclose(mode(long), mode(short), rtol=1e-4, atol=1e-5)


def test_avg_pool_sums_low_precision_in_float32():
    # In bfloat16, 256 + 1 is 256, so a sum of 1s in it stops there.
    x = jnp.concatenate([jnp.full((1, 1, 1), 256.0), jnp.ones((1, 31, 1))], 1)
    y = fnn.avg_pool((32,)).apply((), x.astype(jnp.bfloat16))
    assert y.dtype == jnp.bfloat16
    assert float(y[0, 0, 0]) == float(jnp.bfloat16((256 + 31) / 32))


@pytest.mark.parametrize("layer", [fnn.max_pool((2, 2)), fnn.avg_pool((2, 2))])
@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_pooling_takes_any_number_of_batch_axes(layer, batch):
    x = jnp.asarray(normal(0, *batch, 4, 6, 2))
    y = layer.apply((), x)
    assert y.shape == (*batch, 2, 3, 2)
    flat = layer.apply((), x.reshape(-1, 4, 6, 2)) if x.size else y
    assert jnp.array_equal(y.reshape(-1, 2, 3, 2), flat.reshape(-1, 2, 3, 2))
