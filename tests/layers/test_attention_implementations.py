"""Attention by `jax.nn.dot_product_attention` in place of this library's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)


@pytest.mark.parametrize("implementation", [None, "xla"])
@pytest.mark.parametrize("cross", [False, True])
def test_it_is_asked_for_by_name(monkeypatch, implementation, cross):
    by_jax, asked = jax.nn.dot_product_attention, []

    def seen(*arrays, **options):
        asked.append(options["implementation"])
        return by_jax(*arrays, **options)

    monkeypatch.setattr(jax.nn, "dot_product_attention", seen)
    layer = fnn.attention(6, 2, cross=cross, implementation=implementation)
    inputs = (X, X) if cross else (X,)
    params = layer.init(jax.random.key(0), *inputs)
    asked.clear()
    layer.apply(params, *inputs)
    assert asked == ([implementation] if implementation else [])


@pytest.mark.parametrize("implementation", [None, "xla"])
def test_a_fully_masked_row_has_finite_gradients(implementation):
    layer = fnn.attention(6, 2, implementation=implementation)
    params = layer.init(jax.random.key(0), X)
    params["out"]["bias"] = jnp.arange(6.0)
    mask = np.zeros((5, 5), bool)
    with jax.debug_nans(True):  # nor is there a NaN on the way
        y, pullback = jax.vjp(lambda p, x: layer.apply(p, x, mask=mask), params, X)
        grads, by_x = pullback(jnp.ones_like(y))
    assert jnp.array_equal(y, jnp.broadcast_to(params["out"]["bias"], y.shape))
    assert not by_x.any()
    assert all(not leaf.any() for leaf in jax.tree.leaves(grads["value"]))
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
