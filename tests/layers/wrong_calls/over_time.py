"""Cells over time."""

import jax
import jax.numpy as jnp

from tests.layers.wrong_calls.inputs import KEPT, LSTM, RNN, ROW, SEQUENCE, fnn, init

CALLS = [
    # recurrent
    (
        lambda: fnn.recurrent(3),
        TypeError,
        "recurrent: expected a layer or a function of arrays, got 3.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell),
        TypeError,
        "recurrent: expected a layer or a function of arrays, got the "
        "constructor lstm_cell; call it, lstm_cell(...).",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), reverse=1),
        TypeError,
        "recurrent: expected reverse to be True or False, got 1.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), unroll=0),
        ValueError,
        "recurrent: expected unroll of at least 1, got 0.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), axis=1),
        ValueError,
        "recurrent: expected axis counted from the end, such as -2, got 1.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), axis=(-2,)),
        TypeError,
        "recurrent: expected axis to be an int, got (-2,).",
    ),
    (
        lambda: init(fnn.recurrent(fnn.lstm_cell(3)), jnp.ones((5, 4))),
        ValueError,
        "recurrent: expected x of shape (batch, time, features), got (5, 4).",
    ),
    (
        lambda: init(fnn.recurrent(fnn.lstm_cell(3), axis=-1), jnp.ones(5)),
        ValueError,
        "recurrent: expected x of shape (batch, time), got (5,).",
    ),
    (
        lambda: init(fnn.recurrent(fnn.lstm_cell(3), axis=-4), ROW),
        ValueError,
        "recurrent: expected x of shape (batch, time, ...), got (2, 4).",
    ),
    (
        lambda: init(fnn.recurrent(fnn.lstm_cell(3)), None),
        TypeError,
        "recurrent: expected x with at least one array, got none.",
    ),
    (
        lambda: init(fnn.recurrent(fnn.lstm_cell(3))),
        TypeError,
        "recurrent: expected 1 input, got 0.",
    ),
    (
        lambda: init(fnn.recurrent(fnn.lstm_cell(3)), SEQUENCE, SEQUENCE),
        TypeError,
        "recurrent: expected 1 input, got 2.",
    ),
    (
        lambda: init(fnn.recurrent(fnn.lstm_cell(3)), (SEQUENCE, SEQUENCE[:, 1:])),
        ValueError,
        "recurrent: expected arrays of x with the same batch and time axes, got "
        "(2, 5) and (2, 4).",
    ),
    (
        lambda: init(fnn.recurrent(fnn.dense(3)), SEQUENCE),
        TypeError,
        "dense: expected 1 input, got 2.",
    ),
    (
        lambda: init(fnn.recurrent(lambda carry, x: x), SEQUENCE),
        TypeError,
        "recurrent: expected <lambda> to return (carry, y), got float32[2, 4].",
    ),
    (
        lambda: fnn.recurrent(lambda carry, x: (x, x)).apply(
            (), SEQUENCE, carry=jnp.ones(2)
        ),
        ValueError,
        "recurrent: expected the carry of <lambda>, float32[2, 4], got float32[2].",
    ),
    (
        lambda: fnn.recurrent(
            lambda carry, x: ((x if carry is None else jnp.stack([carry, carry])), x)
        ).apply((), SEQUENCE),
        ValueError,
        "recurrent: expected <lambda> to keep its carry, float32[2, 4], got "
        "float32[2, 2, 4].",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(LSTM, SEQUENCE[0, 0]),
        ValueError,
        "recurrent: expected x of shape (..., time, features), got (4,).",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE, lengths=jnp.ones(2)
        ),
        TypeError,
        "recurrent: expected lengths of integer dtype, got float32.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE, lengths=jnp.array([1, 2, 3])
        ),
        ValueError,
        "recurrent: expected lengths of shape (2,), got (3,).",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE, lengths=jnp.array([1, 6])
        ),
        ValueError,
        "recurrent: expected lengths in [0, 5], got 6.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE, lengths=jnp.array([-1, 2])
        ),
        ValueError,
        "recurrent: expected lengths in [0, 5], got -1.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE, lengths=jnp.array([[1, 2]])
        ),
        ValueError,
        "recurrent: expected lengths of shape (2,), got (1, 2).",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE[0], lengths=jnp.array([3])
        ),
        ValueError,
        "recurrent: expected lengths of shape (), got (1,).",
    ),
    (
        lambda: jax.jit(fnn.recurrent(fnn.lstm_cell(3)).apply)(
            LSTM, SEQUENCE, lengths=jnp.array([1, 2, 3])
        ),
        ValueError,
        "recurrent: expected lengths of shape (2,), got (3,).",
    ),
    (
        lambda: fnn.recurrent(fnn.rnn_cell(3)).apply(
            RNN, SEQUENCE, carry=jnp.ones((4, 3))
        ),
        ValueError,
        "rnn_cell: expected carry of shape (2, 3), got (4, 3).",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(LSTM, SEQUENCE, lengths=[1, 2]),
        TypeError,
        "recurrent: expected lengths to be an array, got list.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE, carry=jnp.ones((2, 3))
        ),
        ValueError,
        "lstm_cell: expected carry {cell: (2, 3), hidden: (2, 3)}, got (2, 3).",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(
            LSTM, SEQUENCE, length=jnp.array([1, 2])
        ),
        TypeError,
        "recurrent: expected inputs by name among (carry, lengths, x), got length.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3)).apply(RNN, SEQUENCE),
        ValueError,
        "lstm_cell: expected params {input: {weight: (n, 12), bias: (12,)}, "
        "recurrent: {weight: (3, 12)}}, got {input: {weight: (4, 3), bias: "
        "(3,)}, recurrent: {weight: (3, 3)}}.",
    ),
    (
        lambda: fnn.recurrent(lambda carry, x: (x.sum(), x)).apply(
            (), SEQUENCE, lengths=jnp.array([1, 2])
        ),
        ValueError,
        "recurrent: expected a cell whose arrays have the batch axes (2,) of "
        "lengths, got shape ().",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), keep_carry=True).apply(LSTM, SEQUENCE),
        TypeError,
        "recurrent: expected 1 input, got 0.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), keep_carry=True).apply(
            LSTM, (), SEQUENCE
        ),
        ValueError,
        "recurrent: expected state {carry, inner} of keep_carry=True, got ().",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), keep_carry=True).apply(
            LSTM, KEPT, SEQUENCE[:1]
        ),
        ValueError,
        "lstm_cell: expected carry {cell: (1, 3), hidden: (1, 3)}, got {cell: "
        "(2, 3), hidden: (2, 3)}.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), keep_carry=True).apply(
            LSTM,
            KEPT,
            SEQUENCE[:1],
            carry={"cell": jnp.ones((1, 3)), "hidden": jnp.ones((1, 3))},
        ),
        ValueError,
        "recurrent: expected the carry of lstm_cell, {cell: float32[2, 3], "
        "hidden: float32[2, 3]}, got {cell: float32[1, 3], hidden: float32[1, "
        "3]}.",
    ),
    (
        lambda: fnn.recurrent(fnn.lstm_cell(3), reverse=True).form.decoding(5),
        ValueError,
        "recurrent: expected reverse=False to decode, got reverse=True.",
    ),
    # bidirectional
    (
        lambda: fnn.bidirectional(3),
        TypeError,
        "bidirectional: expected a layer or a function of arrays, got 3.",
    ),
    (
        lambda: fnn.bidirectional(fnn.gru_cell(3), return_carry=1),
        TypeError,
        "bidirectional: expected return_carry to be True or False, got 1.",
    ),
    (
        lambda: fnn.bidirectional(fnn.gru_cell(3), axis="time"),
        TypeError,
        "bidirectional: expected axis to be an int, got 'time'.",
    ),
    (
        lambda: fnn.bidirectional(fnn.gru_cell(3), axis=1),
        ValueError,
        "bidirectional: expected axis counted from the end, such as -2, got 1.",
    ),
    (
        lambda: fnn.bidirectional(fnn.gru_cell(3), unroll=0),
        ValueError,
        "bidirectional: expected unroll of at least 1, got 0.",
    ),
    (
        lambda: fnn.bidirectional(fnn.rnn_cell(3)).apply(
            {"forward": RNN, "backward": RNN}, SEQUENCE, lengths=jnp.array([1, 2, 3])
        ),
        ValueError,
        "recurrent: expected lengths of shape (2,), got (3,).",
    ),
    (
        lambda: fnn.bidirectional(fnn.rnn_cell(3)).apply(
            {"forward": RNN, "backward": RNN}, SEQUENCE, lengths=jnp.array([1, 6])
        ),
        ValueError,
        "recurrent: expected lengths in [0, 5], got 6.",
    ),
    (
        lambda: fnn.bidirectional(fnn.rnn_cell(3)).apply(
            {"forward": RNN, "backward": RNN}, SEQUENCE, carry=jnp.ones((2, 3))
        ),
        TypeError,
        "bidirectional: expected carry to be a dict of forward and backward, got "
        "float32[2, 3].",
    ),
    (
        lambda: init(
            fnn.bidirectional(lambda carry, x: (x.sum(-1), x.sum(-1))), SEQUENCE
        ),
        ValueError,
        "bidirectional: expected a cell whose outputs have an axis of features, got "
        "(2, 5) over time.",
    ),
    (
        lambda: fnn.bidirectional(fnn.rnn_cell(3)).apply(
            {"forward": RNN, "backward": RNN}, SEQUENCE, mask=jnp.ones(5)
        ),
        TypeError,
        "bidirectional: expected inputs by name among (carry, lengths, x), got mask.",
    ),
]
