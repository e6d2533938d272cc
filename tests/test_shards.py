"""Layers whose inner loops carry something, inside `jax.shard_map`.

What one iteration gets and what it gives must vary over the same axes of the mesh, also
where only some of params, inputs and keys do.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

import fnn

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
WHOLE, DATA = PartitionSpec(), PartitionSpec("data")


def delay_init(key, carry, x):
    return ()


def delay_apply(params, carry, x):
    """What came a step before, so that of the carry only half varies at first."""
    old, new = (jnp.zeros_like(x[:1]),) * 2 if carry is None else carry
    return (new, x[:1]), old


LAYERS = [
    fnn.recurrent(fnn.lstm_cell(3)),
    fnn.recurrent(fnn.Layer(delay_init, delay_apply)),
    fnn.bidirectional(fnn.gru_cell(3)),
    fnn.conv_transpose(3, (3,), stride=2),
    fnn.repeat(fnn.sequential(fnn.dense(4), fnn.dropout(0.5)), 2),
]


@pytest.mark.parametrize(
    "varies", [("params",), ("x",), ("key",), ("params", "x", "key")], ids="-".join
)
@pytest.mark.parametrize("layer", [pytest.param(one, id=repr(one)) for one in LAYERS])
def test_gradients_can_be_traced(layer, varies):
    def loss(params, x, key):
        y = layer.apply(params, x, key=key, train=True)
        return jnp.sum(y**2), y

    def call(*shards):
        shards = jax.tree.map(lambda leaf: leaf[0], shards)
        grads, y = jax.grad(loss, (0, 1), has_aux=True)(*shards)
        return jax.tree.map(lambda leaf: leaf[None], (grads, y))

    params = layer.init(jax.random.key(0), X)
    arguments = {"params": params, "x": jnp.asarray(X), "key": jax.random.key(1)}
    specs = tuple(DATA if name in varies else WHOLE for name in arguments)
    arguments = jax.tree.map(lambda leaf: leaf[None], tuple(arguments.values()))
    mesh = jax.make_mesh((1,), ("data",))
    sharded = jax.shard_map(call, mesh=mesh, in_specs=specs, out_specs=DATA)
    placed = jax.device_put(
        arguments, tuple(jax.NamedSharding(mesh, spec) for spec in specs)
    )
    got, expected = jax.eval_shape(sharded, *placed), jax.eval_shape(call, *arguments)
    chex.assert_trees_all_equal_shapes_and_dtypes(got, expected)


STEPPING = [
    fnn.attention(4, 2, causal=True),
    fnn.repeat(fnn.residual(fnn.attention(4, 2, causal=True)), 2),
    fnn.linear_recurrence(4),
]


@pytest.mark.parametrize("layer", [pytest.param(one, id=repr(one)) for one in STEPPING])
def test_a_decoder_may_start_from_a_state_that_does_not_vary(layer):
    decoder = fnn.decoding(layer, 5)
    params, state = decoder.init(jax.random.key(0), X[:, :1])

    def run(params, state, x):
        start, state = decoder.apply(params, state, x[:, :3])
        rest, _ = decoder.apply(params, state, x[:, 3:])
        return jnp.concatenate([start, rest], 1)

    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("data",))
    specs = WHOLE, WHOLE, DATA
    sharded = jax.shard_map(run, mesh=mesh, in_specs=specs, out_specs=DATA)
    y = jax.jit(sharded)(params, state, jnp.asarray(X))
    np.testing.assert_allclose(y, layer.apply(params, X), rtol=1e-5, atol=1e-6)
