import itertools
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def convolved(x, weight, low, high, stride, dilation):
    """One image without batch axis, zeros around it; a loop over outputs and taps."""
    rank, window = x.ndim - 1, weight.shape[:-2]
    x = np.pad(x.astype(np.float64), [*zip(low, high, strict=True), (0, 0)])
    sizes = [
        (n - d * (w - 1) - 1) // s + 1
        for n, w, s, d in zip(x.shape[:-1], window, stride, dilation, strict=True)
    ]
    y = np.zeros((*sizes, weight.shape[-1]))
    for place in itertools.product(*map(range, sizes)):
        for tap in itertools.product(*map(range, window)):
            at = tuple(place[a] * stride[a] + tap[a] * dilation[a] for a in range(rank))
            y[place] += x[at] @ weight[tap].astype(np.float64)
    return y


def step(params, carry, x, stride, dilation, pad):
    """One step of one image by the equations of the paper, in float64."""
    c, h = (carry[name].astype(np.float64) for name in ("cell", "hidden"))
    ones = (1,) * (x.ndim - 1)
    from_x = convolved(x, params["input"]["weight"], pad, pad, stride, dilation)
    u = params["recurrent"]["weight"]
    low = [(n - 1) // 2 for n in u.shape[:-2]]
    high = [n // 2 for n in u.shape[:-2]]
    sums = from_x + convolved(h, u, low, high, ones, ones) + params["input"]["bias"]
    i, f, g, o = np.split(sums, 4, axis=-1)
    v = np.split(params["peephole"]["weight"].astype(np.float64), 3, axis=-1)
    c = sigmoid(f + v[1] * c) * c + sigmoid(i + v[0] * c) * np.tanh(g)
    return {"cell": c, "hidden": sigmoid(o + v[2] * c) * np.tanh(c)}


SPACES = [
    # size, window, recurrent window, stride, dilation, zeros around x, size of h
    ((7,), (3,), (5,), (2,), (1,), (1,), (4,)),
    ((5, 6), (2, 3), (3, 2), (1, 2), (2, 1), (0, 1), (3, 3)),
    ((3, 4, 2), (1, 3, 2), (3, 1, 2), (1, 1, 1), (1, 1, 1), (0, 0, 1), (3, 2, 3)),
]


@pytest.mark.parametrize("size, window, inner, stride, dilation, pad, out", SPACES)
def test_it_equals_the_papers_equations(
    size, window, inner, stride, dilation, pad, out
):
    x = normal(0, 2, *size, 2)
    carry = {"cell": normal(1, 2, *out, 3), "hidden": normal(2, 2, *out, 3)}
    cell = fnn.conv_lstm_cell(
        3,
        window,
        stride=stride,
        dilation=dilation,
        padding=tuple((p, p) for p in pad),
        recurrent_window=inner,
        peepholes=True,
    )
    params = {
        "input": {"weight": normal(3, *window, 2, 12), "bias": normal(4, 12)},
        "recurrent": {"weight": normal(5, *inner, 3, 12)},
        "peephole": {"weight": normal(6, *out, 9)},
    }
    shapes = jax.eval_shape(cell.init, jax.random.key(0), carry, x)
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, params)
    new, y = jax.jit(cell.apply)(params, carry, x)
    assert jnp.array_equal(new["hidden"], y)
    for b in range(2):
        start = {name: leaf[b] for name, leaf in carry.items()}
        expected = step(params, start, x[b], stride, dilation, pad)
        for name, leaf in expected.items():
            np.testing.assert_allclose(new[name][b], leaf, rtol=1e-5, atol=1e-5)


def test_without_peepholes_none_has_a_weight():
    x = normal(0, 1, 4, 5, 2)
    cell = fnn.conv_lstm_cell(3, (3, 3), use_bias=False)
    params = cell.init(jax.random.key(0), None, x)
    assert fnn.paths(params).keys() == {"input/weight", "recurrent/weight"}
    zeros = {"peephole": {"weight": jnp.zeros((4, 5, 9))}}
    peeping = fnn.conv_lstm_cell(3, (3, 3), use_bias=False, peepholes=True)
    drawn = peeping.init(jax.random.key(0), None, x)
    assert not drawn["peephole"]["weight"].any()
    carry = {"cell": normal(1, 1, 4, 5, 3), "hidden": normal(2, 1, 4, 5, 3)}
    y = cell.apply(params, carry, x)[1]
    np.testing.assert_allclose(peeping.apply(params | zeros, carry, x)[1], y, atol=1e-6)


def test_a_window_of_one_is_an_lstm_at_each_position():
    x = normal(0, 2, 4, 5, 2)
    conv, plain = fnn.conv_lstm_cell(3, (1, 1)), fnn.lstm_cell(3)
    params = conv.init(jax.random.key(0), None, x)
    # Their fans are the same, so what starts like one starts like the other.
    assert params["input"]["bias"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    flat = jax.tree.map(lambda w: w[0, 0] if w.ndim > 1 else w, params)
    carry = {"cell": normal(1, 2, 4, 5, 3), "hidden": normal(2, 2, 4, 5, 3)}
    for start in (None, carry):
        got, want = conv.apply(params, start, x), plain.apply(flat, start, x)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), got, want
        )


@pytest.mark.parametrize("padding", ["CIRCULAR", "CAUSAL", "REFLECT", "SAME"])
def test_the_convolution_of_the_output_is_padded_like_that_of_the_input(padding):
    x = normal(0, 1, 6, 1)
    cell = fnn.conv_lstm_cell(
        1, (3,), padding=padding, activation=lambda a: a, gate_activation=jnp.ones_like
    )
    params = cell.init(jax.random.key(0), None, x)
    h = normal(1, 1, 6, 1)
    carry = {"cell": jnp.zeros((1, 6, 1)), "hidden": h}
    # With open gates the output is the candidate, a sum of the two convolutions.
    conv = fnn.conv(4, (3,), padding=padding, use_bias=False)
    w, u = ({"weight": params[name]["weight"]} for name in ("input", "recurrent"))
    sums = conv.apply(w, x) + conv.apply(u, h)
    y = cell.apply(params, carry, x)[1]
    np.testing.assert_allclose(y, sums[..., 2:3], atol=1e-5)


def test_valid_padding_is_none_of_the_input_alone():
    x = normal(0, 2, 6, 1)
    valid, none = (fnn.conv_lstm_cell(2, (3,), padding=p) for p in ("VALID", 0))
    params = valid.init(jax.random.key(0), None, x)
    carry = {"cell": normal(1, 2, 4, 2), "hidden": normal(2, 2, 4, 2)}
    y = valid.apply(params, carry, x)[1]
    assert y.shape == (2, 4, 2)
    assert jnp.array_equal(none.apply(params, carry, x)[1], y)


def test_activations_and_forget_bias_are_options():
    x = normal(0, 1, 4, 2)
    carry = {"cell": normal(1, 1, 4, 3), "hidden": normal(2, 1, 4, 3)}
    cell = fnn.conv_lstm_cell(
        3,
        (3,),
        activation=lambda a: a,
        gate_activation=jnp.ones_like,
        forget_bias=-2.0,
        bias_init=jax.nn.initializers.ones,
        weight_init=jax.nn.initializers.zeros,
        recurrent_init=jax.nn.initializers.zeros,
    )
    params = cell.init(jax.random.key(0), None, x)
    assert params["input"]["bias"].tolist() == [1] * 3 + [-1] * 3 + [1] * 6
    new, y = cell.apply(params, carry, x)
    np.testing.assert_allclose(new["cell"], carry["cell"] + 1, rtol=1e-6)
    assert jnp.array_equal(y, new["cell"])


def test_each_gate_has_its_own_weights_of_glorots_variance_or_orthogonal():
    x = jnp.ones((1, 4, 4, 60))
    params = fnn.conv_lstm_cell(40, (3, 3)).init(jax.random.key(0), None, x)
    for gate in jnp.split(params["input"]["weight"], 4, axis=-1):
        assert abs(float(gate.var()) * 9 * (60 + 40) / 2 - 1) < 0.03
    gates = jnp.split(params["recurrent"]["weight"], 4, axis=-1)
    for gate in gates:
        columns = gate.reshape(-1, 40)
        np.testing.assert_allclose(columns.T @ columns, jnp.eye(40), atol=1e-5)
    assert not jnp.allclose(gates[0], gates[1])


# ------------------------------------------------------------------------ over time
VIDEO = normal(7, 2, 3, 4, 5, 2)
LENGTHS = jnp.array([3, 1])


def unrolled(cell, params, x, reverse=False):
    """One video without padding, one image after the other."""
    carry: Any = None
    y: list = [None] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        carry, y[t] = cell.apply(params, carry, x[t])
    return np.stack(y), carry


@pytest.mark.parametrize("reverse", [False, True])
def test_recurrent_runs_it_over_the_axis_before_space(reverse):
    cell = fnn.conv_lstm_cell(3, (3, 3), stride=2)
    layer = fnn.recurrent(cell, reverse=reverse, return_carry=True)
    params = layer.init(jax.random.key(0), VIDEO)
    carry, y = jax.jit(layer.apply)(params, VIDEO, lengths=LENGTHS)
    assert y.shape == (2, 3, 2, 3, 3)
    for b, length in enumerate(LENGTHS.tolist()):
        expected, last = unrolled(cell, params, VIDEO[b, :length], reverse)
        np.testing.assert_allclose(y[b, :length], expected, atol=1e-6)
        assert not y[b, length:].any()
        for name, leaf in last.items():
            np.testing.assert_allclose(carry[name][b], leaf, atol=1e-6)


def test_wrapped_cells_know_their_axis_and_another_can_be_given():
    cell = fnn.conv_lstm_cell(3, (3,))
    signal = VIDEO[:, :, 0]  # batch, time, length, channels
    layer = fnn.recurrent(fnn.remat(fnn.freeze(cell, "input/bias")))
    params = layer.init(jax.random.key(0), signal)
    y = layer.apply(params, signal)
    assert jnp.array_equal(fnn.recurrent(cell, axis=-3).apply(params, signal), y)
    assert repr(fnn.recurrent(cell)) == "recurrent(conv_lstm_cell(3, (3,)))"


def test_bidirectional_and_a_kept_carry():
    cell = fnn.conv_lstm_cell(3, (3, 3))
    both = fnn.bidirectional(cell)
    params = both.init(jax.random.key(0), VIDEO)
    y = both.apply(params, VIDEO, lengths=LENGTHS)
    for way, part in (("forward", y[..., :3]), ("backward", y[..., 3:])):
        one = fnn.recurrent(cell, reverse=way == "backward")
        expected = one.apply(params[way], VIDEO, lengths=LENGTHS)
        np.testing.assert_allclose(part, expected, atol=1e-6)

    kept = fnn.recurrent(cell, keep_carry=True)
    params, state = kept.init(jax.random.key(0), VIDEO)
    whole = fnn.recurrent(cell).apply(params, VIDEO)
    first, state = kept.apply(params, state, VIDEO[:, :2])
    last, state = kept.apply(params, state, VIDEO[:, 2:])
    np.testing.assert_allclose(jnp.concatenate([first, last], 1), whole, atol=1e-6)


@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
def test_any_leading_axes_are_batch(batch):
    x = jnp.asarray(normal(0, *batch, 4, 5, 2))
    cell = fnn.conv_lstm_cell(3, (3, 3))
    params = cell.init(jax.random.key(0), None, x[None])
    carry, y = cell.apply(params, None, x)
    assert y.shape == (*batch, 4, 5, 3)
    zeros = jax.tree.map(jnp.zeros_like, carry)
    assert jnp.array_equal(cell.apply(params, zeros, x)[1], y)
    if batch == (2, 3):
        one = cell.apply(params, None, x[1, 2])[1]
        np.testing.assert_allclose(y[1, 2], one, atol=1e-6)


def test_gradients_are_right_to_second_order():
    x = normal(0, 1, 3, 2)
    cell = fnn.conv_lstm_cell(1, (2,), peepholes=True)
    carry = {"cell": normal(1, 1, 3, 1), "hidden": normal(2, 1, 3, 1)}
    params = cell.init(jax.random.key(0), carry, x)
    params["peephole"]["weight"] = normal(3, 3, 3)
    fnn.testing.check_gradients(cell.apply, params, carry, x, order=2)


def test_dtypes_and_value():
    x = jnp.ones((2, 4, 2), jnp.bfloat16)
    cell = fnn.conv_lstm_cell(3, (3,), param_dtype=jnp.bfloat16, peepholes=True)
    params = cell.init(jax.random.key(0), None, x)
    carry, y = cell.apply(params, None, x)
    assert {a.dtype for a in jax.tree.leaves((params, carry, y))} == {x.dtype}
    wide = jax.tree.map(lambda a: a.astype(jnp.float32), carry)
    carry, y = cell.apply(params, wide, x)
    assert {a.dtype for a in jax.tree.leaves((carry, y))} == {jnp.dtype("float32")}
    assert pickle.loads(pickle.dumps(cell)) == cell
    assert cell != fnn.conv_lstm_cell(3, (3,), param_dtype=jnp.bfloat16)


def test_it_learns_which_way_a_dot_moves():
    # A dot steps to the left or to the right in each sequence; where it is next can't
    # be told from one image alone.
    start, way = np.arange(8), np.array([1, -1])
    places = (start[:, None, None] + way[:, None] * np.arange(5)) % 8
    dots = jnp.asarray(np.eye(8, dtype=np.float32)[places.reshape(16, 5)][..., None])
    x, target = dots[:, :-1], dots[:, 1:]
    cell = fnn.conv_lstm_cell(8, (3,), padding="CIRCULAR")
    net = fnn.sequential(fnn.recurrent(cell), fnn.dense(1))
    params = net.init(jax.random.key(0), x)

    def loss(params):
        logits = net.apply(params, x)[:, 1:, :, 0]
        picked = jnp.sum(jax.nn.log_softmax(logits) * target[:, 1:, :, 0], -1)
        return -picked.mean()

    @jax.jit
    def train(params):
        def descend(carry, _):
            params, speed = carry
            value, gradient = jax.value_and_grad(loss)(params)
            speed = jax.tree.map(lambda v, g: 0.9 * v - 0.5 * g, speed, gradient)
            return (jax.tree.map(jnp.add, params, speed), speed), value

        still = jax.tree.map(jnp.zeros_like, params)
        return jax.lax.scan(descend, (params, still), length=150)[1]

    losses = train(params)
    assert losses[0] > 1.0 and losses[-1] < 0.1
