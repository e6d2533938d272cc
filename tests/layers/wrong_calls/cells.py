"""Cells."""

import jax.numpy as jnp

from tests.layers.wrong_calls.inputs import (
    CONV_LSTM,
    DENSE,
    LSTM,
    RNN,
    ROW,
    SEQUENCE,
    fnn,
    init,
)

CALLS = [
    # cells
    (
        lambda: fnn.rnn_cell(0),
        ValueError,
        "rnn_cell: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.rnn_cell(3, activation="tanh"),
        TypeError,
        "rnn_cell: expected activation to be a function, got 'tanh'.",
    ),
    (
        lambda: fnn.rnn_cell(3, recurrent_init=None),
        TypeError,
        "rnn_cell: expected recurrent_init to be a function, got None.",
    ),
    (
        lambda: init(fnn.rnn_cell(3), ROW),
        TypeError,
        "rnn_cell: expected 2 inputs, got 1.",
    ),
    (
        lambda: init(fnn.rnn_cell(3), None, jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "rnn_cell: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: init(fnn.rnn_cell(3), jnp.ones((3, 3)), ROW),
        ValueError,
        "rnn_cell: expected carry of shape (2, 3), got (3, 3).",
    ),
    (
        lambda: init(fnn.rnn_cell(3), None, jnp.ones((2, 0))),
        ValueError,
        "rnn_cell: expected x of shape (..., n) with n of at least 1, got (2, 0).",
    ),
    (
        lambda: init(
            fnn.rnn_cell(3, weight_init=lambda key, shape, dtype: jnp.ones(2)),
            None,
            ROW,
        ),
        ValueError,
        "rnn_cell: expected weight_init to draw an array of shape (4, 3), got "
        "float32[2].",
    ),
    (
        lambda: fnn.rnn_cell(3).apply(RNN, None, jnp.ones((2, 5))),
        ValueError,
        "rnn_cell: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.rnn_cell(3).apply(RNN, jnp.ones(3), ROW),
        ValueError,
        "rnn_cell: expected carry of shape (2, 3), got (3,).",
    ),
    (
        lambda: fnn.rnn_cell(3).apply(RNN, jnp.ones((2, 3), jnp.int32), ROW),
        TypeError,
        "rnn_cell: expected carry of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.rnn_cell(3).apply(RNN, {"hidden": jnp.ones((2, 3))}, ROW),
        ValueError,
        "rnn_cell: expected carry of shape (2, 3), got {hidden: (2, 3)}.",
    ),
    (
        lambda: fnn.rnn_cell(3).apply(LSTM, None, ROW),
        ValueError,
        "rnn_cell: expected params {input: {weight: (n, 3), bias: (3,)}, "
        "recurrent: {weight: (3, 3)}}, got {input: {weight: (4, 12), bias: "
        "(12,)}, recurrent: {weight: (3, 12)}}.",
    ),
    (
        lambda: fnn.rnn_cell(3, use_bias=False).apply(RNN, None, ROW),
        ValueError,
        "rnn_cell: expected params {input: {weight: (n, 3)}, recurrent: {weight: "
        "(3, 3)}}, got {input: {weight: (4, 3), bias: (3,)}, recurrent: {weight: "
        "(3, 3)}}.",
    ),
    (
        lambda: fnn.rnn_cell(3).apply(DENSE, None, ROW),
        ValueError,
        "rnn_cell: expected params {input: {weight: (n, 3), bias: (3,)}, "
        "recurrent: {weight: (3, 3)}}, got {weight: (4, 3), bias: (3,)}.",
    ),
    (
        lambda: fnn.rnn_cell(3).apply(RNN, ROW, None),
        TypeError,
        "rnn_cell: expected x to be an array, got NoneType.",
    ),
    (
        lambda: fnn.lstm_cell(-1),
        ValueError,
        "lstm_cell: expected features of at least 1, got -1.",
    ),
    (
        lambda: fnn.lstm_cell(3, forget_bias="one"),
        TypeError,
        "lstm_cell: expected forget_bias to be a number, got 'one'.",
    ),
    (
        lambda: fnn.lstm_cell(3, forget_bias=float("nan")),
        ValueError,
        "lstm_cell: expected forget_bias to be finite, got nan.",
    ),
    (
        lambda: fnn.lstm_cell(3, gate_activation=0),
        TypeError,
        "lstm_cell: expected gate_activation to be a function, got 0.",
    ),
    (
        lambda: init(fnn.lstm_cell(3), (jnp.ones((2, 3)), jnp.ones((2, 3))), ROW),
        ValueError,
        "lstm_cell: expected carry {cell: (2, 3), hidden: (2, 3)}, got ((2, 3), "
        "(2, 3)).",
    ),
    (
        lambda: init(
            fnn.lstm_cell(3, bias_init=lambda key, shape, dtype: jnp.ones(3)), None, ROW
        ),
        ValueError,
        "lstm_cell: expected bias_init to draw an array of shape (12,), got "
        "float32[3].",
    ),
    (
        lambda: fnn.lstm_cell(3).apply(LSTM, None, jnp.ones((2, 5))),
        ValueError,
        "lstm_cell: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.lstm_cell(3).apply(LSTM, {"cell": jnp.ones((2, 3))}, ROW),
        ValueError,
        "lstm_cell: expected carry {cell: (2, 3), hidden: (2, 3)}, got {cell: (2, 3)}.",
    ),
    (
        lambda: fnn.lstm_cell(3).apply(
            LSTM, {"cell": jnp.ones((2, 3)), "hidden": jnp.ones((2, 4))}, ROW
        ),
        ValueError,
        "lstm_cell: expected carry {cell: (2, 3), hidden: (2, 3)}, got {cell: "
        "(2, 3), hidden: (2, 4)}.",
    ),
    (
        lambda: fnn.lstm_cell(3).apply(RNN, None, ROW),
        ValueError,
        "lstm_cell: expected params {input: {weight: (n, 12), bias: (12,)}, "
        "recurrent: {weight: (3, 12)}}, got {input: {weight: (4, 3), bias: "
        "(3,)}, recurrent: {weight: (3, 3)}}.",
    ),
    (
        lambda: fnn.lstm_cell(3).apply(LSTM, None, jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "lstm_cell: expected x of floating or complex dtype, got int32.",
    ),
    # gru_cell
    (
        lambda: fnn.gru_cell(0),
        ValueError,
        "gru_cell: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.gru_cell(3, use_bias=1),
        TypeError,
        "gru_cell: expected use_bias to be True or False, got 1.",
    ),
    (
        lambda: fnn.gru_cell(3, gate_activation="sigmoid"),
        TypeError,
        "gru_cell: expected gate_activation to be a function, got 'sigmoid'.",
    ),
    (
        lambda: init(fnn.gru_cell(3), jnp.ones((3, 3)), ROW),
        ValueError,
        "gru_cell: expected carry of shape (2, 3), got (3, 3).",
    ),
    (
        lambda: init(
            fnn.gru_cell(3, bias_init=lambda key, shape, dtype: jnp.ones(9)), None, ROW
        ),
        ValueError,
        "gru_cell: expected bias_init to draw an array of shape (3,), got float32[9].",
    ),
    (
        lambda: fnn.gru_cell(3).apply(RNN, None, ROW),
        ValueError,
        "gru_cell: expected params {input: {weight: (n, 9), bias: (9,)}, "
        "recurrent: {weight: (3, 9), bias: (3,)}}, got {input: {weight: (4, 3), "
        "bias: (3,)}, recurrent: {weight: (3, 3)}}.",
    ),
    (
        lambda: fnn.gru_cell(3, use_bias=False).apply(RNN, None, ROW),
        ValueError,
        "gru_cell: expected params {input: {weight: (n, 9)}, recurrent: {weight: "
        "(3, 9)}}, got {input: {weight: (4, 3), bias: (3,)}, recurrent: {weight: "
        "(3, 3)}}.",
    ),
    # conv_lstm_cell
    (
        lambda: fnn.conv_lstm_cell(0, (3,)),
        ValueError,
        "conv_lstm_cell: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.conv_lstm_cell(3, 3),
        TypeError,
        "conv_lstm_cell: expected window to be a tuple of 1 to 3 ints, got 3.",
    ),
    (
        lambda: fnn.conv_lstm_cell(3, (3, 3), recurrent_window=(3,)),
        ValueError,
        "conv_lstm_cell: expected recurrent_window of at least 1, once or for each of "
        "2 axes, got (3,).",
    ),
    (
        lambda: fnn.conv_lstm_cell(3, (3, 3), padding="CAUSAL"),
        ValueError,
        "conv_lstm_cell: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, "
        "or (low, high) of at least 0 for each of 2 axes, got 'CAUSAL'.",
    ),
    (
        lambda: fnn.conv_lstm_cell(3, (3,), peepholes=1),
        TypeError,
        "conv_lstm_cell: expected peepholes to be True or False, got 1.",
    ),
    (
        lambda: fnn.conv_lstm_cell(3, (3,), forget_bias=float("inf")),
        ValueError,
        "conv_lstm_cell: expected forget_bias to be finite, got inf.",
    ),
    (
        lambda: init(fnn.conv_lstm_cell(3, (3, 3)), None, SEQUENCE),
        ValueError,
        "conv_lstm_cell: expected x of shape (batch, height, width, channels), got "
        "(2, 5, 4).",
    ),
    (
        lambda: init(fnn.conv_lstm_cell(3, (3,)), None, jnp.ones((2, 5, 0))),
        ValueError,
        "conv_lstm_cell: expected at least 1 channel, got shape (2, 5, 0).",
    ),
    (
        lambda: init(fnn.conv_lstm_cell(3, (7,), padding="VALID"), None, SEQUENCE),
        ValueError,
        "conv_lstm_cell: expected length of at least 7 with its padding, got 5.",
    ),
    (
        lambda: init(fnn.conv_lstm_cell(3, (3,)), jnp.ones((2, 5, 3)), SEQUENCE),
        ValueError,
        "conv_lstm_cell: expected carry {cell: (2, 5, 3), hidden: (2, 5, 3)}, got "
        "(2, 5, 3).",
    ),
    (
        lambda: fnn.conv_lstm_cell(3, (1,)).apply(CONV_LSTM, None, jnp.ones((2, 5, 3))),
        ValueError,
        "conv_lstm_cell: expected x of shape (..., length, 4), with channels last, got "
        "(2, 5, 3).",
    ),
    (
        lambda: fnn.conv_lstm_cell(3, (1,), peepholes=True).apply(
            CONV_LSTM | {"peephole": {"weight": jnp.ones((6, 9))}}, None, SEQUENCE
        ),
        ValueError,
        "conv_lstm_cell: expected params {input: {weight: (1, 4, 12), bias: (12,)}, "
        "recurrent: {weight: (1, 3, 12)}, peephole: {weight: (5, 9)}}, got {input: "
        "{weight: (1, 4, 12), bias: (12,)}, recurrent: {weight: (1, 3, 12)}, peephole: "
        "{weight: (6, 9)}}.",
    ),
    (
        lambda: init(fnn.recurrent(fnn.conv_lstm_cell(3, (3, 3))), SEQUENCE),
        ValueError,
        "recurrent: expected x of shape (batch, time, ...), got (2, 5, 4).",
    ),
]
