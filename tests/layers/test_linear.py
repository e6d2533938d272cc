import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_is_an_affine_map_of_the_last_axis(shape, use_bias):
    x, weight, bias = normal(0, *shape), normal(1, 4, 3), normal(2, 3)
    params = {"weight": weight} | ({"bias": bias} if use_bias else {})
    y = fnn.dense(3, use_bias=use_bias).apply(params, x)
    expected = np.zeros((*shape[:-1], 3))
    for at in np.ndindex(*shape[:-1]):
        for j in range(3):
            expected[(*at, j)] = sum(
                float(x[(*at, i)]) * float(weight[i, j]) for i in range(4)
            )
            expected[(*at, j)] += float(bias[j]) if use_bias else 0.0
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_dense_draws_weights_of_variance_one_over_inputs():
    params = fnn.dense(300).init(jax.random.key(0), jnp.ones((1, 400)))
    assert abs(float(params["weight"].var()) * 400 - 1) < 0.02
    assert float(params["bias"].max()) == float(params["bias"].min()) == 0.0


def test_a_bias_changes_no_weight():
    x, key = jnp.ones((1, 4)), jax.random.key(1)
    with_bias = fnn.dense(3).init(key, x)
    without = fnn.dense(3, use_bias=False).init(jax.random.clone(key), x)
    assert jnp.array_equal(with_bias["weight"], without["weight"])


def test_weight_and_bias_are_drawn_by_different_keys():
    init = jax.nn.initializers.normal(1.0)
    layer = fnn.dense(4, weight_init=init, bias_init=init)
    params = layer.init(jax.random.key(0), jnp.ones((1, 1)))
    assert not jnp.any(params["weight"][0] == params["bias"])


@pytest.mark.parametrize(
    "x_dtype, param_dtype, y_dtype",
    [
        ("bfloat16", "float32", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("float16", "bfloat16", "float32"),
        ("complex64", "float32", "complex64"),
        ("float32", "complex64", "complex64"),
    ],
)
def test_dense_computes_in_the_dtype_that_both_promote_to(
    x_dtype, param_dtype, y_dtype
):
    layer = fnn.dense(3, param_dtype=param_dtype)
    x = jnp.ones((2, 4), x_dtype)
    params = layer.init(jax.random.key(0), x)
    assert {a.dtype.name for a in params.values()} == {param_dtype}
    assert layer.apply(params, x).dtype == y_dtype


def test_parameters_of_low_precision_are_those_of_float32_rounded():
    x, key = jnp.ones((1, 4)), jax.random.key(0)
    low = fnn.dense(3, param_dtype=jnp.bfloat16).init(key, x)
    full = fnn.dense(3).init(jax.random.clone(key), x)
    assert jnp.array_equal(low["weight"], full["weight"].astype(jnp.bfloat16))


def test_weak_inputs_give_strong_outputs():
    x = jnp.full((2, 4), 1.0)
    assert x.weak_type
    params = fnn.dense(3).init(jax.random.key(0), x)
    assert not fnn.dense(3).apply(params, x).weak_type


def test_parameter_is_the_array_itself():
    layer = fnn.parameter((2, 3), init=jax.nn.initializers.normal(1.0))
    params = layer.init(jax.random.key(0))
    assert params.shape == (2, 3) and float(jnp.abs(params).min()) > 0
    assert jnp.array_equal(layer.apply(params), params)
    gradient = jax.grad(lambda p: jnp.sum(layer.apply(p) ** 2))(params)
    assert jnp.array_equal(gradient, 2 * params)


def test_parameter_starts_from_zeros_and_takes_an_int_for_one_axis():
    assert jnp.array_equal(fnn.parameter(3).init(jax.random.key(0)), jnp.zeros(3))
    assert fnn.parameter(()).init(jax.random.key(0)).shape == ()
    low = fnn.parameter(2, param_dtype=jnp.bfloat16).init(jax.random.key(0))
    assert low.dtype == jnp.bfloat16


def test_parameter_is_a_part_under_its_own_name():
    @fnn.module(gain=fnn.parameter((), init=jax.nn.initializers.ones))
    def scaled(parts, x):
        return x * jnp.broadcast_to(parts.gain(), x.shape)

    params = scaled.init(jax.random.key(0), jnp.ones(2))
    assert fnn.paths(params).keys() == {"gain"}
    y = scaled.apply({"gain": jnp.float32(3)}, jnp.ones(2))
    assert y.tolist() == [3, 3]
