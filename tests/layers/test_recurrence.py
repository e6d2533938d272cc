import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def weights(gates, n=4, h=3):
    return {
        "input": {"weight": normal(1, n, gates * h), "bias": normal(2, gates * h)},
        "recurrent": {"weight": normal(3, h, gates * h)},
    }


def test_gru_activations_are_options():
    h, x = normal(4, 2, 3), normal(5, 2, 4)
    cell = fnn.gru_cell(3, activation=lambda a: a, gate_activation=jnp.zeros_like)
    params = cell.init(jax.random.key(0), None, x)
    _, y = cell.apply(params, h, x)
    # Gates of zero reset the carry and let the candidate through.
    np.testing.assert_allclose(y, x @ params["input"]["weight"][:, 6:], atol=1e-5)


def test_a_shut_update_gate_keeps_the_carry_of_a_gru():
    params = fnn.gru_cell(3).init(jax.random.key(0), None, jnp.ones((2, 4)))
    params["input"]["bias"] = params["input"]["bias"].at[3:6].set(60.0)
    h = jnp.asarray(normal(4, 2, 3))
    assert jnp.array_equal(fnn.gru_cell(3).apply(params, h, normal(5, 2, 4))[0], h)


@pytest.mark.parametrize("cell", [fnn.rnn_cell(3), fnn.lstm_cell(3), fnn.gru_cell(3)])
@pytest.mark.parametrize("batch", [(), (2,), (2, 5), (0,)])
def test_no_carry_is_zeros(cell, batch):
    x = jnp.asarray(normal(0, *batch, 4))
    params = cell.init(jax.random.key(0), None, x)
    carry, y = cell.apply(params, None, x)
    zeros = jax.tree.map(jnp.zeros_like, carry)
    again, same = cell.apply(params, zeros, x)
    assert y.shape == (*batch, 3)
    assert jnp.array_equal(y, same)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, carry, again))
    key = jax.random.key(0)
    drawn = cell.init(key, zeros, x)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, params, drawn))


def test_activations_are_options():
    params, h, x = weights(1), normal(4, 2, 3), normal(5, 2, 4)
    linear = fnn.rnn_cell(3, activation=lambda a: a).apply(params, h, x)[1]
    y = fnn.rnn_cell(3).apply(params, h, x)[1]
    np.testing.assert_allclose(jnp.tanh(linear), y, rtol=1e-6)

    start = {"cell": normal(4, 2, 3), "hidden": normal(5, 2, 3)}
    open_gates = fnn.lstm_cell(3, activation=lambda a: a, gate_activation=jnp.ones_like)
    carry, y = open_gates.apply(weights(4), start, x)
    g = weights(4)["input"]["weight"][:, 6:9], weights(4)["recurrent"]["weight"][:, 6:9]
    candidate = x @ g[0] + weights(4)["input"]["bias"][6:9] + start["hidden"] @ g[1]
    np.testing.assert_allclose(carry["cell"], start["cell"] + candidate, rtol=1e-4)
    assert jnp.array_equal(y, carry["cell"])


def test_cells_without_bias():
    x = jnp.asarray(normal(0, 2, 4))
    for cell, gates in ((fnn.rnn_cell, 1), (fnn.lstm_cell, 4), (fnn.gru_cell, 3)):
        layer, key = cell(3, use_bias=False), jax.random.key(0)
        params = layer.init(key, None, x)
        assert fnn.paths(params).keys() == {"input/weight", "recurrent/weight"}
        with_bias = {
            "input": params["input"] | {"bias": jnp.zeros(3 * gates)},
            "recurrent": params["recurrent"],
        }
        if cell is fnn.gru_cell:
            with_bias["recurrent"] = with_bias["recurrent"] | {"bias": jnp.zeros(3)}
        expected = cell(3).apply(with_bias, None, x)[1]
        assert jnp.array_equal(layer.apply(params, None, x)[1], expected)


def test_lstm_starts_with_open_forget_gates():
    params = fnn.lstm_cell(3).init(jax.random.key(0), None, jnp.ones((1, 4)))
    assert params["input"]["bias"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    closed = fnn.lstm_cell(3, forget_bias=-2.0, bias_init=jax.nn.initializers.ones)
    params = closed.init(jax.random.key(0), None, jnp.ones((1, 4)))
    assert params["input"]["bias"].tolist() == [1] * 3 + [-1] * 3 + [1] * 6


def test_recurrent_weights_are_orthogonal_gate_by_gate():
    params = fnn.lstm_cell(8).init(jax.random.key(0), None, jnp.ones((1, 4)))
    gates = jnp.split(params["recurrent"]["weight"], 4, axis=1)
    for gate in gates:
        np.testing.assert_allclose(gate.T @ gate, jnp.eye(8), atol=1e-5)
    assert not jnp.allclose(gates[0], gates[1])
    params = fnn.rnn_cell(8).init(jax.random.key(0), None, jnp.ones((1, 4)))
    u = params["recurrent"]["weight"]
    np.testing.assert_allclose(u.T @ u, jnp.eye(8), atol=1e-5)


@pytest.mark.parametrize(
    "cell, gates", [(fnn.rnn_cell, 1), (fnn.lstm_cell, 4), (fnn.gru_cell, 3)]
)
def test_input_weights_have_glorots_variance_gate_by_gate(cell, gates):
    params = cell(200).init(jax.random.key(0), None, jnp.ones((1, 300)))
    for gate in jnp.split(params["input"]["weight"], gates, axis=1):
        assert abs(float(gate.var()) * (300 + 200) / 2 - 1) < 0.03


def test_cells_compute_in_the_dtype_that_all_promote_to():
    x = jnp.ones((2, 4), jnp.bfloat16)
    cell = fnn.lstm_cell(3, param_dtype=jnp.bfloat16)
    params = cell.init(jax.random.key(0), None, x)
    carry, y = cell.apply(params, None, x)
    assert {a.dtype for a in jax.tree.leaves((carry, y))} == {x.dtype}
    wide = jax.tree.map(lambda a: a.astype(jnp.float32), carry)
    carry, y = cell.apply(params, wide, x)
    assert {a.dtype for a in jax.tree.leaves((carry, y))} == {jnp.dtype("float32")}


def test_the_forget_gate_alone_carries_the_cell():
    # With a closed input gate and an open forget gate, the cell stays, and so does
    # its gradient, over any number of steps.
    big = 30.0
    bias = jnp.concatenate([jnp.full(3, b) for b in (-big, big, 0.0, big)])
    params = jax.tree.map(jnp.zeros_like, weights(4))
    params["input"]["bias"] = bias
    cell, x = fnn.lstm_cell(3), jnp.asarray(normal(0, 4))

    def last(c):
        carry = {"cell": c, "hidden": jnp.zeros(3)}

        def step(carry, _):
            return cell.apply(params, carry, x)[0], None

        return jax.lax.scan(step, carry, length=1000)[0]["cell"]

    c = jnp.array([0.5, -1.0, 2.0])
    np.testing.assert_allclose(last(c), c, rtol=1e-4)
    np.testing.assert_allclose(jax.jacobian(last)(c), jnp.eye(3), atol=1e-4)
