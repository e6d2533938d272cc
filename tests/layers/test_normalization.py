import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def layer_norm(x, axes, eps=1e-5):
    x = np.asarray(x, np.float64)
    mean = x.mean(axes, keepdims=True)
    var = ((x - mean) ** 2).mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def rms_norm(x, axes, eps=1e-6):
    x = np.asarray(x, np.float64)
    return x / np.sqrt((x**2).mean(axes, keepdims=True) + eps)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4), (0, 4)])
def test_layer_norm_of_the_last_axis(shape):
    x, scale, bias = normal(0, *shape), normal(1, 4), normal(2, 4)
    y = fnn.layer_norm().apply({"scale": scale, "bias": bias}, x)
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, layer_norm(x, -1) * scale + bias, atol=1e-5)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4), (0, 4)])
def test_rms_norm_of_the_last_axis(shape):
    x, scale = normal(0, *shape), normal(1, 4)
    y = fnn.rms_norm().apply({"scale": scale}, x)
    np.testing.assert_allclose(y, rms_norm(x, -1) * scale, atol=1e-5)


@pytest.mark.parametrize(
    "axis, axes", [(-2, (2,)), ((-1, -3), (1, 3)), ((-3, -2, -1), (1, 2, 3))]
)
def test_other_axes(axis, axes):
    x = normal(0, 2, 3, 4, 5)
    lengths = [x.shape[a] for a in axes]
    aligned = [n if a in axes else 1 for a, n in enumerate(x.shape)]
    scale, bias = normal(1, *lengths), normal(2, *lengths)
    wide, up = scale.reshape(aligned), bias.reshape(aligned)

    layer = fnn.layer_norm(axis=axis)
    shapes = jax.tree.map(jnp.shape, layer.init(jax.random.key(0), x))
    assert shapes == {"scale": tuple(lengths), "bias": tuple(lengths)}
    y = layer.apply({"scale": scale, "bias": bias}, x)
    np.testing.assert_allclose(y, layer_norm(x, axes) * wide + up, atol=1e-5)
    y = fnn.rms_norm(axis=axis).apply({"scale": scale}, x)
    np.testing.assert_allclose(y, rms_norm(x, axes) * wide, atol=1e-5)


@pytest.mark.parametrize("use_scale", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_parameters_are_optional(use_scale, use_bias):
    x, key = normal(0, 2, 4), jax.random.key(0)
    layer = fnn.layer_norm(use_scale=use_scale, use_bias=use_bias)
    params = layer.init(key, x)
    names = [n for n, use in (("scale", use_scale), ("bias", use_bias)) if use]
    assert sorted(params) == sorted(names)
    assert params == () or names
    np.testing.assert_allclose(layer.apply(params, x), layer_norm(x, -1), atol=1e-5)
    rms = fnn.rms_norm(use_scale=use_scale)
    y = rms.apply(rms.init(jax.random.clone(key), x), x)
    np.testing.assert_allclose(y, rms_norm(x, -1), atol=1e-5)


def test_initialisers_and_dtypes():
    layer = fnn.layer_norm(
        scale_init=jax.nn.initializers.zeros,
        bias_init=jax.nn.initializers.ones,
        param_dtype=jnp.bfloat16,
    )
    x = jnp.asarray(normal(0, 2, 4), jnp.bfloat16)
    params = layer.init(jax.random.key(0), x)
    y = layer.apply(params, x)
    assert y.dtype == jnp.bfloat16
    assert jnp.array_equal(y, jnp.ones_like(y))
    assert layer.apply(params, x.astype(jnp.float32)).dtype == jnp.float32


def test_eps_is_what_is_added():
    x = normal(0, 2, 4)
    for eps in (0.5, jnp.asarray(0.5), np.float64(0.5)):
        layer = fnn.layer_norm(eps=eps, use_scale=False, use_bias=False)
        np.testing.assert_allclose(
            layer.apply((), x), layer_norm(x, -1, 0.5), atol=1e-5
        )
    traced = jax.jit(lambda eps: fnn.rms_norm(eps=eps, use_scale=False).apply((), x))
    np.testing.assert_allclose(traced(0.5), rms_norm(x, -1, 0.5), atol=1e-5)


def test_layer_norm_is_blind_to_shift_and_scale():
    x = jnp.asarray(normal(0, 3, 16))
    layer = fnn.layer_norm(eps=1e-12, use_scale=False, use_bias=False)
    np.testing.assert_allclose(
        layer.apply((), 5 * x + 2), layer.apply((), x), atol=1e-5
    )


def test_a_large_mean_costs_no_precision():
    # Noise of a power of two on a mean of a power of two is exact in float32.
    x = 2.0**13 + np.round(normal(0, 4, 64) * 256) / 256
    x = x.astype(np.float32)
    y = fnn.layer_norm(use_scale=False, use_bias=False).apply((), x)
    # What is left is the mean's own rounding, at most 2 ** -11 of a deviation of 1;
    # the mean square less the squared mean would be off by more than 1.
    np.testing.assert_allclose(y, layer_norm(x, -1), atol=1e-3)
    np.testing.assert_allclose(np.asarray(y, np.float64).var(-1), 1, atol=1e-4)


def test_statistics_of_low_precision_are_float32():
    x = jnp.asarray(normal(0, 4, 512) + 8, jnp.bfloat16)
    layer = fnn.layer_norm(use_scale=False, use_bias=False)
    y = layer.apply((), x)
    assert y.dtype == jnp.bfloat16
    expected = jnp.asarray(layer_norm(x.astype(jnp.float32), -1), jnp.bfloat16)
    # All but rare neighbours are the correctly rounded values.
    assert float((y == expected).mean()) > 0.99
    rms = fnn.rms_norm(use_scale=False).apply((), x)
    expected = jnp.asarray(rms_norm(x.astype(jnp.float32), -1), jnp.bfloat16)
    assert float((rms == expected).mean()) > 0.99


@pytest.mark.parametrize("layer", [fnn.layer_norm, fnn.rms_norm])
@pytest.mark.parametrize("value", [0.0, 3.0, -1e4])
def test_a_constant_row_and_its_gradient_are_finite(layer, value):
    x = jnp.full((2, 8), value)
    params = layer().init(jax.random.key(0), x)
    y, pullback = jax.vjp(layer().apply, params, x)
    assert jnp.isfinite(y).all()
    assert all(
        jnp.isfinite(g).all() for g in jax.tree.leaves(pullback(jnp.ones_like(y)))
    )
    if layer is fnn.layer_norm:
        assert not y.any()
