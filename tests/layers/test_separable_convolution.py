import itertools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def depthwise(x, weight, stride, dilation, multiplier):
    """One batch axis, no padding; a loop over outputs, taps and features."""
    window = weight.shape[:-2]
    sizes = [
        (n - d * (w - 1) - 1) // s + 1
        for n, w, s, d in zip(x.shape[1:-1], window, stride, dilation, strict=True)
    ]
    y = np.zeros((len(x), *sizes, weight.shape[-1]))
    for position in itertools.product(*map(range, sizes)):
        for tap in itertools.product(*map(range, window)):
            at = tuple(
                p * s + t * d
                for p, t, s, d in zip(position, tap, stride, dilation, strict=True)
            )
            for f in range(weight.shape[-1]):
                part = x[(slice(None), *at, f // multiplier)].astype(np.float64)
                y[(slice(None), *position, f)] += part * weight[(*tap, 0, f)]
    return y


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize(
    "size, window, stride, dilation",
    [((7,), (3,), (1,), (2,)), ((5, 6), (2, 3), (1, 2), (2, 1))],
)
def test_it_convolves_space_then_mixes_channels(
    size, window, stride, dilation, multiplier
):
    x = normal(0, 2, *size, 3)
    options = {"stride": stride, "dilation": dilation, "multiplier": multiplier}
    layer = fnn.separable_conv(4, window, padding="VALID", **options)
    params = layer.init(jax.random.key(0), x)
    first, second = params["depthwise"]["weight"], params["pointwise"]["weight"]
    assert first.shape == (*window, 1, 3 * multiplier)
    assert second.shape == (*[1] * len(window), 3 * multiplier, 4)
    params["pointwise"]["bias"] = bias = normal(1, 4)
    expected = depthwise(x, np.asarray(first), stride, dilation, multiplier)
    mix = np.asarray(second, np.float64).reshape(-1, 4)
    y = layer.apply(params, x)
    np.testing.assert_allclose(y, expected @ mix + bias, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", ["SAME", "CAUSAL", "CIRCULAR", "REFLECT", 2])
def test_it_pads_as_conv_does(padding):
    x = normal(0, 2, 7, 3)
    layer = fnn.separable_conv(4, (3,), padding=padding, stride=2, use_bias=False)
    params = layer.init(jax.random.key(0), x)
    assert params["pointwise"].keys() == {"weight"}
    conv = fnn.conv(3, (3,), padding=padding, stride=2, groups=3, use_bias=False)
    y = conv.apply(params["depthwise"], x)
    y = fnn.conv(4, (1,), use_bias=False).apply(params["pointwise"], y)
    np.testing.assert_allclose(layer.apply(params, x), y, rtol=1e-5, atol=1e-6)


def test_parts_dtypes_and_value():
    layer = fnn.separable_conv(4, (3, 3), param_dtype=jnp.bfloat16)
    assert repr(layer) == "separable_conv(4, (3, 3), param_dtype=bfloat16)"
    assert list(layer.parts) == ["depthwise", "pointwise"]
    assert pickle.loads(pickle.dumps(layer)) == layer
    frozen = fnn.freeze(layer, "depthwise/*")
    x = jnp.ones((1, 4, 4, 2), jnp.bfloat16)
    params = frozen.init(jax.random.key(0), x)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {x.dtype}
    gradient = jax.grad(lambda p: frozen.apply(p, x).sum())(params)
    assert not gradient["depthwise"]["weight"].any()
    assert gradient["pointwise"]["weight"].any()


def test_weights_have_the_variance_of_what_each_sums():
    x = jnp.ones((1, 4, 4, 300))
    params = fnn.separable_conv(50, (3, 3)).init(jax.random.key(0), x)
    assert abs(float(params["depthwise"]["weight"].var()) * 9 - 1) < 0.1
    assert abs(float(params["pointwise"]["weight"].var()) * 300 - 1) < 0.05
