import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from tests.proof.convolution import scattered


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


CASES = [
    # size, window, padding, output_padding, stride, dilation, groups, new size, low
    ((4,), (3,), "SAME", None, (1,), (1,), 1, (4,), (1,)),
    ((4,), (4,), "SAME", None, (2,), (1,), 1, (8,), (1,)),
    ((4,), (3,), "SAME", None, (2,), (1,), 1, (8,), (0,)),
    ((4,), (3,), "SAME", 0, (2,), (1,), 1, (7,), (1,)),
    ((3,), (1,), "SAME", None, (3,), (1,), 1, (9,), (0,)),
    ((4,), (3,), "VALID", None, (2,), (1,), 2, (9,), (0,)),
    ((4,), (3,), "VALID", 1, (2,), (2,), 1, (12,), (0,)),
    ((4,), (3,), 1, 1, (2,), (1,), 1, (8,), (1,)),
    ((4,), (3,), ((0, 2),), None, (1,), (1,), 1, (4,), (0,)),
    ((2, 3), (2, 3), "SAME", (0, 1), (1, 2), (1, 1), 4, (2, 6), (0, 0)),
    ((2, 3), (3, 2), ((0, 2), (1, 0)), (1, 0), (2, 1), (1, 2), 2, (4, 4), (0, 1)),
    ((2, 1, 2), (2, 1, 2), "VALID", None, (2, 1, 3), (1, 1, 1), 2, (4, 1, 5), (0,) * 3),
]


@pytest.mark.parametrize("case", CASES)
def test_conv_transpose_scatters_each_value_over_its_window(case):
    size, window, padding, extra, stride, dilation, groups, new, low = case
    x, bias = normal(0, 2, *size, 4), normal(2, 8)
    weight = normal(1, *window, 4 // groups, 8)
    layer = fnn.conv_transpose(
        8,
        window,
        padding=padding,
        output_padding=extra,
        stride=stride,
        dilation=dilation,
        groups=groups,
    )
    assert layer.init(jax.random.key(0), x)["weight"].shape == weight.shape
    y = layer.apply({"weight": weight, "bias": bias}, x)
    assert y.shape == (2, *new, 8)
    expected = scattered(x, weight, bias, new, low, stride, dilation, groups)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CIRCULAR", "REFLECT", 1])
@pytest.mark.parametrize("stride, dilation, groups", [(1, 2, 1), (2, 1, 2), (3, 1, 1)])
def test_it_is_the_transpose_of_conv(padding, stride, dilation, groups):
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "use_bias": False,
    }
    for extra in range(stride):
        x = normal(0, 1, 5, 4)
        transposed = fnn.conv_transpose(6, (3,), output_padding=extra, **options)
        params = transposed.init(jax.random.key(0), x)
        y = transposed.apply(params, x)
        u = normal(1, *y.shape)
        # The weight of conv takes the features of each group to its channels.
        parts = np.split(np.asarray(params["weight"]), groups, axis=-1)
        weight = np.concatenate([np.swapaxes(p, 1, 2) for p in parts], axis=-1)
        convolved = fnn.conv(4, (3,), **options).apply({"weight": weight}, u)
        assert convolved.shape == x.shape
        np.testing.assert_allclose(np.vdot(convolved, x), np.vdot(u, y), rtol=1e-4)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3), (0,)])
def test_any_number_of_batch_axes(batch):
    x = jnp.asarray(normal(0, *batch, 3, 4))
    layer = fnn.conv_transpose(2, (3,), stride=2)
    params = layer.init(jax.random.key(0), jnp.ones((1, 3, 4)))
    y = layer.apply(params, x)
    assert y.shape == (*batch, 6, 2)
    for at in np.ndindex(batch):
        np.testing.assert_allclose(y[at], layer.apply(params, x[at]), atol=1e-6)


def test_weights_have_their_variance_and_bias_is_an_option():
    x = jnp.ones((1, 4, 4, 40))
    params = fnn.conv_transpose(50, (3, 3), groups=2).init(jax.random.key(0), x)
    assert abs(float(params["weight"].var()) * 20 * 9 - 1) < 0.05
    assert not params["bias"].any()
    # Of a window of 4, an output sums every second value where the stride is 2.
    layer = fnn.conv_transpose(50, (4, 3), stride=(2, 3))
    params = layer.init(jax.random.key(0), x)
    assert abs(float(params["weight"].var()) * 40 * 2 * 1 - 1) < 0.05
    bare = fnn.conv_transpose(2, (3, 3), use_bias=False)
    assert bare.init(jax.random.key(0), x).keys() == {"weight"}


@pytest.mark.parametrize(
    "window, stride", [((4, 4), 2), ((2, 2), 2), ((3, 3), 1), ((3, 2), (2, 1))]
)
def test_outputs_start_with_the_variance_of_inputs(window, stride):
    layer = fnn.conv_transpose(64, window, stride=stride, padding="CIRCULAR")
    x = jnp.asarray(normal(0, 4, 8, 8, 64))
    y = layer.apply(layer.init(jax.random.key(0), x), x)
    assert 0.9 < float(y.var()) < 1.1
    # A window of less than the stride leaves gaps: all other values have it.
    layer = fnn.conv_transpose(64, (1, 1), stride=3)
    y = layer.apply(layer.init(jax.random.key(0), x), x)
    assert 0.9 < float(y[:, ::3, ::3].var()) < 1.1
