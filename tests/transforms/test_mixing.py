"""Mixed precision: what is cast, what is not, and what comes back."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jax.random.normal(jax.random.key(9), (8, 4))


def seen_dtypes(dtypes):
    def note(x):
        dtypes.append(x.dtype.name)
        return x

    return note


def test_computes_low_returns_float32_and_keeps_params_and_state_in_float32():
    dtypes: list[str] = []
    net = fnn.mixed_precision(
        fnn.sequential(fnn.dense(4), seen_dtypes(dtypes), fnn.batch_norm())
    )
    params, state = net.init(jax.random.key(0), X)
    dtypes.clear()
    y, after = net.apply(params, state, X, train=True)
    assert dtypes == ["bfloat16"]
    leaves = jax.tree.leaves((params, state, after, y))
    assert {leaf.dtype.name for leaf in leaves} == {"float32"}


def test_is_the_layer_in_bfloat16():
    net, params = fnn.dense(3), fnn.dense(3).init(jax.random.key(0), X)
    mixed = fnn.mixed_precision(net, output=None)
    low = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), (params, X))
    y = mixed.apply(params, X)
    assert y.dtype == jnp.bfloat16
    assert np.array_equal(y, net.apply(*low))


def test_params_read_in_a_forward_function_are_those_computed_with():
    @fnn.module(table=fnn.mixed_precision(fnn.embed(10, 4)))
    def net(parts, ids):
        y = parts.table(ids)
        assert parts.table.params["weight"].dtype == jnp.bfloat16
        return y

    net.apply(net.init(jax.random.key(0), jnp.arange(3)), jnp.arange(3))


def test_gradients_are_float32_and_near_the_exact_ones():
    net = fnn.sequential(fnn.dense(16), jnp.tanh, fnn.dense(1))
    mixed, params = fnn.mixed_precision(net), net.init(jax.random.key(0), X)
    exact, low = (
        jax.grad(lambda p, n=n: n.apply(p, X).mean())(params) for n in (net, mixed)
    )
    for a, b in zip(*map(jax.tree.leaves, (exact, low)), strict=True):
        assert b.dtype == jnp.float32
        # bfloat16 keeps 8 bits: products of a few layers are within a few percent.
        assert np.abs(a - b).max() < 0.03 * np.abs(a).max()


def test_integers_and_flags_are_not_cast():
    @fnn.module(table=fnn.embed(10, 4))
    def net(parts, ids, *, mask):
        assert mask.dtype == bool and ids.dtype == jnp.int32
        y = parts.table(ids)
        assert y.dtype == jnp.float16
        return y * jnp.asarray(mask, y.dtype)[:, None].repeat(4, 1)

    ids, mask = jnp.arange(3), jnp.array([True, False, True])
    mixed = fnn.mixed_precision(net, jnp.float16)
    params = mixed.init(jax.random.key(0), ids, mask=mask)
    assert mixed.apply(params, ids, mask=mask).dtype == jnp.float32


@pytest.mark.parametrize("output", [jnp.float32, None])
def test_init_finds_the_dtypes_that_parts_hand_to_each_other(output):
    dtypes: list[str] = []
    net = fnn.sequential(
        seen_dtypes(dtypes), fnn.repeat(fnn.dense(4), 2), seen_dtypes(dtypes), last_seen
    )
    mixed = fnn.mixed_precision(net, output=output)
    params, state = mixed.init(jax.random.key(0), X)
    assert dtypes == ["bfloat16", "bfloat16"]
    assert state[3].dtype == jnp.bfloat16
    chex.assert_trees_all_equal(params, net.init(jax.random.key(0), X)[0])
    y, after = mixed.apply(params, state, X)
    assert y.dtype == (output or jnp.bfloat16)
    assert np.array_equal(y, after[3].astype(y.dtype))


def last_init(key, x):
    return (), jnp.zeros(x.shape, x.dtype)


def last_apply(params, state, x):
    return x, x


last_seen = fnn.StatefulLayer(last_init, last_apply)


def test_a_decoder_keeps_what_is_computed_and_gives_the_same():
    block = fnn.transformer_block(fnn.attention(4, 2, causal=True), fnn.feed_forward(4))
    net = fnn.mixed_precision(fnn.repeat(block, 2))
    x = jnp.stack([X, -X])
    params = net.init(jax.random.key(0), x)
    decoder = fnn.decoding(net, 8)
    _, state = decoder.init(jax.random.key(0), x[:, :1])
    caches = state["attention"]["cache"]["key"].copies
    assert all(cache.dtype == jnp.bfloat16 for cache in caches)
    first, state = decoder.apply(params, state, x[:, :5])
    rest, _ = decoder.apply(params, state, x[:, 5:])
    y = jnp.concatenate([first, rest], 1)
    # Sums of keys in another order, in bfloat16 of 8 bits.
    np.testing.assert_allclose(y, net.apply(params, x), rtol=0.01, atol=0.02)


@pytest.mark.parametrize("options", [{"compute": "int8"}, {"output": int}])
def test_dtypes_that_are_not_floating_are_refused(options):
    with pytest.raises(
        TypeError, match=r"^mixed_precision: expected .* floating dtype"
    ):
        fnn.mixed_precision(fnn.dense(2), **options)
