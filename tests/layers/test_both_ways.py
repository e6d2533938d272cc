import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def elman(params, x):
    """One sequence from its first step to its last, in float64."""
    w, b = (np.asarray(params["input"][n], np.float64) for n in ("weight", "bias"))
    u, h = np.asarray(params["recurrent"]["weight"], np.float64), np.zeros(3)
    steps = []
    for row in x.astype(np.float64):
        h = np.tanh(row @ w + b + h @ u)
        steps.append(h)
    return np.array(steps).reshape(-1, 3)


def test_it_runs_both_ways_within_the_lengths():
    x, lengths = normal(0, 4, 5, 2), np.array([5, 2, 0, 1], np.int32)
    layer = fnn.bidirectional(fnn.rnn_cell(3))
    params = layer.init(jax.random.key(0), x)
    assert params.keys() == {"forward", "backward"}
    assert not jnp.array_equal(*(p["input"]["weight"] for p in params.values()))
    y = layer.apply(params, x, lengths=lengths)
    assert y.shape == (4, 5, 6)
    for b, n in enumerate(lengths):
        there = elman(params["forward"], x[b, :n])
        back = elman(params["backward"], x[b, :n][::-1])[::-1]
        expected = np.concatenate([there, back], axis=-1)
        np.testing.assert_allclose(y[b, :n], expected, rtol=1e-5, atol=1e-6)
        assert not y[b, n:].any()


@pytest.mark.parametrize("cell", [fnn.gru_cell(3), fnn.lstm_cell(3)])
def test_it_is_two_recurrent_layers(cell):
    x = normal(0, 2, 5, 4)
    layer = fnn.bidirectional(cell, return_carry=True, unroll=2)
    params = layer.init(jax.random.key(0), x)
    carry, y = layer.apply(params, x)
    there = fnn.recurrent(cell, return_carry=True)
    back = fnn.recurrent(cell, return_carry=True, reverse=True)
    one = there.apply(params["forward"], x)
    other = back.apply(params["backward"], x)
    expected = {"forward": one[0], "backward": other[0]}
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), carry, expected
    )
    np.testing.assert_allclose(y, np.concatenate([one[1], other[1]], -1), rtol=1e-6)
    # From there it goes on, each way from its own.
    carry_on, y = layer.apply(params, x, carry=carry)
    one = there.apply(params["forward"], x, carry=carry["forward"])
    other = back.apply(params["backward"], x, carry=carry["backward"])
    np.testing.assert_allclose(y, np.concatenate([one[1], other[1]], -1), rtol=1e-6)
    assert jax.tree.structure(carry_on) == jax.tree.structure(carry)


def test_other_axes_state_and_surgery():
    def sums(carry, x):
        carry = x if carry is None else carry + x
        return carry, carry

    layer = fnn.bidirectional(sums, axis=-3)
    x = normal(0, 2, 5, 3, 4)  # time before two more axes
    y = layer.apply(layer.init(jax.random.key(0), x), x)
    there, back = np.cumsum(x, 1), np.cumsum(x[:, ::-1], 1)[:, ::-1]
    np.testing.assert_allclose(y, np.concatenate([there, back], -1), atol=1e-5)

    layer = fnn.bidirectional(fnn.rnn_cell(3))
    assert repr(layer) == "bidirectional(rnn_cell(3))"
    assert pickle.loads(pickle.dumps(layer)) == layer
    frozen = fnn.freeze(layer, "backward/**")
    x = jnp.asarray(normal(0, 2, 5, 4))
    params = frozen.init(jax.random.key(0), x)
    gradient = jax.grad(lambda p: frozen.apply(p, x).sum())(params)
    assert not any(leaf.any() for leaf in jax.tree.leaves(gradient["backward"]))
    assert all(leaf.any() for leaf in jax.tree.leaves(gradient["forward"]))


def test_a_cell_that_keeps_state_keeps_it_each_way():
    @fnn.module(cell=fnn.rnn_cell(3), norm=fnn.batch_norm())
    def cell(parts, carry, x):
        return parts.cell(carry, parts.norm(x))

    layer = fnn.bidirectional(cell)
    x = jnp.asarray(normal(0, 4, 5, 2))
    params, state = layer.init(jax.random.key(0), x)
    assert state.keys() == {"forward", "backward"}
    _, after = layer.apply(params, state, x, train=True)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    means = [after[way]["norm"]["mean"] for way in ("forward", "backward")]
    # The later steps weigh more in a running mean.
    assert all(mean.any() for mean in means)
    assert not jnp.allclose(*means)
