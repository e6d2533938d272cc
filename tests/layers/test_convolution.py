import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from tests.proof.convolution import convolution


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


CASES = [
    # size, window, padding, stride, dilation, groups
    ((7,), (3,), "SAME", (1,), (1,), 1),
    ((7,), (4,), "SAME", (2,), (1,), 1),
    ((2,), (5,), "SAME", (1,), (1,), 1),
    ((7,), (3,), "VALID", (2,), (2,), 1),
    ((7,), (3,), "CAUSAL", (1,), (2,), 1),
    ((8,), (3,), "CAUSAL", (3,), (1,), 2),
    ((7,), (4,), "CIRCULAR", (1,), (1,), 1),
    ((7,), (3,), "REFLECT", (2,), (2,), 1),
    ((5,), (1,), "SAME", (3,), (1,), 1),
    ((5, 6), (3, 2), "SAME", (1, 2), (1, 1), 1),
    ((5, 6), (2, 3), "CIRCULAR", (2, 1), (1, 2), 4),
    ((5, 6), (3, 3), "REFLECT", (1, 1), (1, 1), 2),
    ((5, 6), (3, 3), ((0, 2), (3, 1)), (2, 1), (1, 2), 1),
    ((3, 4, 3), (2, 3, 1), "SAME", (1, 2, 1), (1, 1, 1), 2),
    ((3, 4, 3), (2, 2, 2), "CIRCULAR", (1, 1, 1), (1, 1, 1), 1),
    ((3, 4, 3), (2, 2, 2), ((1, 0), (0, 1), (0, 0)), (1, 1, 1), (2, 1, 1), 1),
]


@pytest.mark.parametrize("size, window, padding, stride, dilation, groups", CASES)
def test_conv_equals_a_loop(size, window, padding, stride, dilation, groups):
    x, bias = normal(0, 2, *size, 4), normal(2, 4)
    weight = normal(1, *window, 4 // groups, 4)
    layer = fnn.conv(
        4, window, padding=padding, stride=stride, dilation=dilation, groups=groups
    )
    expected = convolution(x, weight, bias, padding, stride, dilation, groups)
    assert layer.init(jax.random.key(0), x)["weight"].shape == weight.shape
    y = layer.apply({"weight": weight, "bias": bias}, x)
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_one_number_serves_all_axes():
    x = normal(0, 1, 7, 7, 2)
    numbers = fnn.conv(3, (2, 2), stride=2, dilation=3, padding=1)
    tuples = fnn.conv(
        3, (2, 2), stride=(2, 2), dilation=(3, 3), padding=((1, 1), (1, 1))
    )
    mixed = fnn.conv(3, (2, 2), stride=2, dilation=3, padding=(1, (1, 1)))
    params = numbers.init(jax.random.key(0), x)
    y = numbers.apply(params, x)
    assert jnp.array_equal(y, tuples.apply(params, x))
    assert jnp.array_equal(y, mixed.apply(params, x))


@pytest.mark.parametrize("padding", ["SAME", "CIRCULAR", "REFLECT", "CAUSAL"])
@pytest.mark.parametrize("size, stride", [(5, 1), (5, 2), (6, 2), (7, 3)])
def test_these_paddings_give_one_output_a_stride(padding, size, stride):
    x = jnp.ones((1, size, 1))
    layer = fnn.conv(1, (3,), padding=padding, stride=stride)
    params = layer.init(jax.random.key(0), x)
    assert layer.apply(params, x).shape == (1, -(-size // stride), 1)


def test_a_causal_convolution_gets_no_gradient_from_the_future():
    x = jnp.asarray(normal(0, 1, 9, 2))
    layer = fnn.conv(3, (3,), padding="CAUSAL", dilation=2)
    params = layer.init(jax.random.key(0), x)
    for t in (0, 4, 8):
        gradient = jax.grad(lambda x, t=t: layer.apply(params, x)[0, t].sum())(x)
        assert jnp.all(gradient[0, t + 1 :] == 0)
        assert jnp.all(gradient[0, t] != 0)


def test_a_circular_convolution_commutes_with_rotation():
    x = jnp.asarray(normal(0, 1, 6, 5, 2))
    layer = fnn.conv(3, (3, 4), padding="CIRCULAR")
    params = layer.init(jax.random.key(0), x)
    rotated = layer.apply(params, jnp.roll(x, (2, 3), (1, 2)))
    expected = jnp.roll(layer.apply(params, x), (2, 3), (1, 2))
    np.testing.assert_allclose(rotated, expected, rtol=1e-5, atol=1e-6)


def test_groups_do_not_mix():
    x = jnp.asarray(normal(0, 1, 5, 4))
    layer = fnn.conv(6, (3,), groups=2)
    params = layer.init(jax.random.key(0), x)
    gradient = jax.grad(lambda x: layer.apply(params, x)[..., :3].sum())(x)
    assert jnp.all(gradient[..., 2:] == 0)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,), (0, 3)])
def test_any_number_of_batch_axes(batch):
    x = jnp.asarray(normal(0, 6, 5, 5, 2))
    layer = fnn.conv(3, (3, 3))
    params = layer.init(jax.random.key(0), x)
    count = int(np.prod(batch))
    y = layer.apply(params, x[:count].reshape(*batch, 5, 5, 2))
    assert y.shape == (*batch, 5, 5, 3)
    expected = layer.apply(params, x)[:count]
    np.testing.assert_allclose(y.reshape(-1, 5, 5, 3), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding", ["SAME", "CAUSAL"])
def test_an_empty_sequence_stays_empty(padding):
    layer = fnn.conv(3, (3,), padding=padding)
    params = layer.init(jax.random.key(0), jnp.ones((1, 4, 2)))
    assert layer.apply(params, jnp.ones((1, 0, 2))).shape == (1, 0, 3)


@pytest.mark.parametrize("groups", [1, 4])
def test_conv_draws_weights_of_variance_one_over_summed_values(groups):
    x = jnp.ones((1, 8, 8, 32))
    layer = fnn.conv(64, (3, 5), groups=groups)
    params = layer.init(jax.random.key(0), x)
    assert params["weight"].shape == (3, 5, 32 // groups, 64)
    summed = 15 * 32 // groups
    assert abs(float(params["weight"].var()) * summed - 1) < 0.05
    assert not params["bias"].any()


def test_conv_without_bias_draws_the_same_weights():
    x, key = jnp.ones((1, 4, 2)), jax.random.key(0)
    params = fnn.conv(3, (2,), use_bias=False).init(key, x)
    other = fnn.conv(3, (2,)).init(jax.random.clone(key), x)
    assert params.keys() == {"weight"}
    assert jnp.array_equal(params["weight"], other["weight"])


def test_conv_computes_in_the_dtype_that_x_and_params_promote_to():
    x = jnp.ones((1, 4, 2), jnp.bfloat16)
    for dtype, expected in (("bfloat16", "bfloat16"), ("float32", "float32")):
        layer = fnn.conv(3, (2,), param_dtype=dtype)
        params = layer.init(jax.random.key(0), x)
        assert layer.apply(params, x).dtype == expected


def test_conv_of_complex_values():
    x, y = normal(0, 1, 5, 2), normal(1, 1, 5, 2)
    layer = fnn.conv(3, (3,), use_bias=False)
    params = layer.init(jax.random.key(0), x)
    together = layer.apply(params, (x + 1j * y).astype(np.complex64))
    np.testing.assert_allclose(together.real, layer.apply(params, x), atol=1e-6)
    np.testing.assert_allclose(together.imag, layer.apply(params, y), atol=1e-6)
