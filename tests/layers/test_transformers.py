import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.layers.multi_head_attention import attention
from fnn.layers.transformers import feed_forward, transformer_block


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X, MEMORY = normal(0, 2, 5, 6), normal(1, 2, 4, 3)


def drawn(layer, *inputs):
    params = layer.init(jax.random.key(0), *inputs)
    return jax.tree.map(lambda leaf: leaf + 0.1 * normal(3, *leaf.shape), params)


def affine(params, x):
    return x @ np.asarray(params["weight"], np.float64) + np.asarray(params["bias"])


@pytest.mark.parametrize("gated", [False, True])
def test_feed_forward(gated):
    layer = feed_forward(4, hidden=3, activation=jnp.tanh, gated=gated)
    params, x = drawn(layer, X), X.astype(np.float64)
    hidden, gate = (affine(params[n], x) for n in ("up", "gate" if gated else "up"))
    hidden = np.tanh(gate) * (hidden if gated else 1)
    y = layer.apply(params, X)
    np.testing.assert_allclose(y, affine(params["down"], hidden), rtol=1e-5, atol=1e-5)


def test_options_of_feed_forward():
    ones, zeros = jax.nn.initializers.ones, jax.nn.initializers.zeros
    layer = feed_forward(6, use_bias=False, weight_init=ones, out_init=zeros)
    params = layer.init(jax.random.key(0), X)
    assert fnn.paths(params).keys() == {"up/weight", "down/weight"}
    assert params["up"]["weight"].shape == (6, 24) and params["up"]["weight"].all()
    assert not params["down"]["weight"].any()
    low = feed_forward(6, gated=True, bias_init=ones, param_dtype=jnp.bfloat16)
    leaves = fnn.paths(low.init(jax.random.key(0), X))
    assert {leaf.dtype for leaf in leaves.values()} == {jnp.dtype("bfloat16")}
    assert all(leaf.all() for name, leaf in leaves.items() if name.endswith("bias"))


def test_dropout_of_feed_forward_is_of_the_hidden_layer():
    layer, none = feed_forward(6, hidden=1, dropout=0.5), feed_forward(6, hidden=1)
    params = drawn(layer, X)
    assert jax.tree.structure(params) == jax.tree.structure(drawn(none, X))
    assert jnp.array_equal(layer.apply(params, X), none.apply(params, X))
    y = layer.apply(params, X, key=jax.random.key(0), train=True)
    dropped = (y == params["down"]["bias"][None, None]).all(-1)
    assert 0 < int(dropped.sum()) < dropped.size


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("crossed", [True, False])
def test_block_is_what_its_parts_compose_to(norm_first, crossed):
    own, cross = attention(6, 2, causal=True), attention(6, 2, cross=True)
    network, norm = feed_forward(6), fnn.rms_norm()
    block = transformer_block(
        own,
        network,
        cross_attention=cross if crossed else None,
        norm=norm,
        norm_first=norm_first,
    )
    memory = (MEMORY,) if crossed else ()
    params = drawn(block, X, *memory)
    mask, bias = normal(4, 2, 1, 5, 5) < 1, normal(5, 5, 5)
    lengths = np.array([5, 3])
    named = {"mask": mask, "bias": bias, "lengths": lengths}
    others = {"memory_lengths": np.array([1, 4])}
    others |= {"memory_mask": normal(4, 5, 4) < 1, "memory_bias": normal(5, 5, 4)}
    others = others if crossed else {}
    steps: dict[str, Any] = {"attention": lambda p, x: own.apply(p, x, **named)}
    if crossed:
        steps["cross_attention"] = lambda p, x: cross.apply(
            p, x, MEMORY, **others, lengths=lengths
        )
    steps["feed_forward"] = network.apply
    expected = X
    for name, step in steps.items():
        scale = params[f"{name}_norm"]
        if norm_first:
            expected = expected + step(params[name], norm.apply(scale, expected))
        else:
            expected = norm.apply(scale, expected + step(params[name], expected))
    y = block.apply(params, X, *memory, **named, **others)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_block_repeats_with_inputs_by_name():
    block = transformer_block(attention(6, 2), feed_forward(6, hidden=4))
    lengths = np.array([5, 2])
    deep, plain = fnn.repeat(block, 2), fnn.sequential(block, block)
    params = deep.init(jax.random.key(0), X)
    y = deep.apply(params, X, lengths=lengths)
    each = fnn.unstack_params(params)
    np.testing.assert_allclose(
        y, plain.apply(each, X, lengths=lengths), rtol=1e-5, atol=1e-5
    )
    assert deep.form.accepts == {"mask", "bias", "lengths", "positions"}


def test_dropout_of_a_block():
    none = transformer_block(attention(6, 2), feed_forward(6, hidden=4))
    block = transformer_block(attention(6, 2), feed_forward(6, hidden=4), dropout=0.5)
    params = drawn(block, X)
    assert jax.tree.structure(params) == jax.tree.structure(drawn(none, X))
    assert jnp.array_equal(block.apply(params, X), none.apply(params, X))
    off = fnn.replace(block, {"feed_forward": jnp.zeros_like})
    off = off.apply(params | {"feed_forward": ()}, X, key=jax.random.key(0), train=True)
    same = off == X  # where dropout took away what attention would have added
    assert 0.2 < float(same.mean()) < 0.8


def test_further_outputs_of_the_network_come_after_those_of_the_block():
    def network(x):
        return 2 * x, jnp.float32(7)

    block = transformer_block(jnp.zeros_like, network, norm=jnp.negative)
    y, extra = block.apply(block.init(jax.random.key(0), X), X)
    assert jnp.array_equal(y, -X) and extra == 7


def test_a_block_is_a_value():
    def build():
        return transformer_block(
            attention(6, 2), feed_forward(6), norm=fnn.rms_norm(), dropout=0.1
        )

    block = build()
    assert repr(block) == (
        "transformer_block(attention(6, 2), feed_forward(6), norm=rms_norm(), "
        "dropout=0.1)"
    )
    assert pickle.loads(pickle.dumps(block)) == block == build()
    changed = fnn.replace(block, {"attention": jnp.tanh})
    assert pickle.loads(pickle.dumps(changed)) == changed
