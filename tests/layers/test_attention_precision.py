import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.layers.multi_head_attention import attention
from fnn.layers.relative_positions import alibi, rotary
from tests.layers.attention_oracle import (
    LENGTHS,
    X,
    anything,
    causal,
    drawn,
    normal,
    oracle,
)


def test_large_logits_and_low_precision():
    layer = attention(6, 2, scale=1e4)
    params = drawn(layer, X)
    y, pullback = jax.vjp(layer.apply, params, X)
    leaves = jax.tree.leaves((y, pullback(jnp.ones_like(y))))
    assert all(jnp.isfinite(leaf).all() for leaf in leaves)

    layer = attention(16, 2)
    x = normal(0, 2, 64, 16)
    params = drawn(layer, x)
    low = jax.tree.map(lambda a: jnp.asarray(a, jnp.bfloat16), (params, x))
    got, weights = fnn.capture(layer, "weights").apply(*low)
    assert got.dtype == jnp.bfloat16
    assert weights["weights"].dtype == jnp.float32
    # The sum of 64 weights in bfloat16 would be off by a hundred times as much.
    np.testing.assert_allclose(weights["weights"].sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(
        got.astype(jnp.float32), layer.apply(params, x), atol=0.05
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: attention(6, 2, causal=True, kv_heads=1),
        lambda: attention(6, 2, rotary=functools.partial(rotary, fraction=0.7)),
        lambda: attention(6, 2, qk_norm=fnn.layer_norm(), dropout=0.5),
    ],
)
def test_derivatives_in_both_modes_and_of_second_order(make):
    layer = make()
    with jax.enable_x64(True):
        params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), drawn(layer, X))
        x = jnp.asarray(X, jnp.float64)
        direction = jnp.asarray(normal(8, *X.shape), jnp.float64)

        def loss(x):
            options = {"lengths": LENGTHS, "key": jax.random.key(1), "train": True}
            return jnp.sum(jnp.sin(layer.apply(params, x, **options)))

        @jax.jit
        def values(x):
            return loss(x), jnp.vdot(jax.grad(loss)(x), direction)

        @jax.jit
        def derivatives(x):
            forward = jax.jvp(values, (x,), (direction,))[1]
            return *forward, jnp.vdot(jax.grad(lambda x: values(x)[1])(x), direction)

        step = 1e-6
        up, down = values(x + step * direction), values(x - step * direction)
        slope, curvature = ((a - b) / (2 * step) for a, b in zip(up, down, strict=True))
        forward, second, reverse = derivatives(x)
        np.testing.assert_allclose(forward, slope, rtol=1e-7)
        np.testing.assert_allclose(values(x)[1], forward, rtol=1e-12)
        np.testing.assert_allclose(second, curvature, rtol=1e-6)
        np.testing.assert_allclose(reverse, second, rtol=1e-10)


def test_float64_is_exact():
    with jax.enable_x64(True):
        layer = attention(6, 2, causal=True, param_dtype=jnp.float64)
        x = np.asarray(X, np.float64)
        params = layer.init(jax.random.key(0), x)
        y = layer.apply(params, x)
        expected = oracle(params, x, x, 2, 2, causal)
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


def test_a_bias_of_float64_stays_exact_beside_one_of_positions():
    with jax.enable_x64(True):
        layer = attention(6, 2, position_bias=alibi(2), param_dtype=jnp.float64)
        x, bias = np.asarray(X, np.float64), np.full((5, 5), 0.1) ** np.arange(5)
        params = layer.init(jax.random.key(0), x)
        y = layer.apply(params, x, bias=bias)
        far = np.abs(np.arange(5) - np.arange(5)[:, None])
        every = bias - far * np.array([2.0**-4, 2.0**-8])[:, None, None]
        every = np.broadcast_to(every, (2, 2, 5, 5))
        expected = oracle(params, x, x, 2, 2, anything, every)
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
