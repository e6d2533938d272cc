"""Wrong calls, each with the exact sentence that the user gets."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn as library

fnn: Any = library  # most of these are wrong in their types, too

ROW, SEQUENCE = jnp.ones((2, 4)), jnp.ones((2, 5, 4))
DENSE = {"weight": jnp.ones((4, 3)), "bias": jnp.ones(3)}
CONV = {"weight": jnp.ones((3, 3, 3, 8)), "bias": jnp.ones(8)}
NORM = (
    {"scale": jnp.ones(4), "bias": jnp.ones(4)},
    {"mean": jnp.ones(4), "var": jnp.ones(4)},
)
RNN = {
    "input": {"weight": jnp.ones((4, 3)), "bias": jnp.ones(3)},
    "recurrent": {"weight": jnp.ones((3, 3))},
}
LSTM = {
    "input": {"weight": jnp.ones((4, 12)), "bias": jnp.ones(12)},
    "recurrent": {"weight": jnp.ones((3, 12))},
}
CONV_LSTM = {
    "input": {"weight": jnp.ones((1, 4, 12)), "bias": jnp.ones(12)},
    "recurrent": {"weight": jnp.ones((1, 3, 12))},
}
RING = {
    "log_decay": jnp.ones(3),
    "log_phase": jnp.ones(3),
    "log_gain": jnp.ones(3),
    "input": {"real": jnp.ones((4, 3)), "imag": jnp.ones((4, 3))},
    "output": {"real": jnp.ones((3, 4)), "imag": jnp.ones((3, 4))},
    "skip": jnp.ones(4),
}
KEPT = {
    "carry": {"cell": jnp.ones((2, 3)), "hidden": jnp.ones((2, 3))},
    "inner": (),
}


def init(layer, *inputs):
    return layer.init(jax.random.key(0), *inputs)


CALLS = [
    # dense
    (
        lambda: fnn.dense(0),
        ValueError,
        "dense: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.dense(2.5),
        TypeError,
        "dense: expected features to be an int, got 2.5.",
    ),
    (
        lambda: fnn.dense(True),
        TypeError,
        "dense: expected features to be an int, got True.",
    ),
    (
        lambda: fnn.dense(3, use_bais=False),
        TypeError,
        "dense: expected arguments (features, use_bias, weight_init, bias_init, "
        "param_dtype), got an unexpected keyword argument 'use_bais'.",
    ),
    (
        lambda: fnn.dense(3, use_bias="no"),
        TypeError,
        "dense: expected use_bias to be True or False, got 'no'.",
    ),
    (
        lambda: fnn.dense(3, weight_init=0.1),
        TypeError,
        "dense: expected weight_init to be a function, got 0.1.",
    ),
    (
        lambda: fnn.dense(3, param_dtype=jnp.int32),
        TypeError,
        "dense: expected param_dtype to be a floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.dense(3, param_dtype="float31"),
        TypeError,
        "dense: expected param_dtype to be a floating or complex dtype, got 'float31'.",
    ),
    (
        lambda: fnn.dense(3, param_dtype=None),
        TypeError,
        "dense: expected param_dtype to be a floating or complex dtype, got None.",
    ),
    (
        lambda: init(fnn.dense(3), 1.0),
        TypeError,
        "dense: expected x to be an array, got float.",
    ),
    (
        lambda: init(fnn.dense(3), jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "dense: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: init(fnn.dense(3), jnp.ones(())),
        ValueError,
        "dense: expected x of shape (..., n) with n of at least 1, got ().",
    ),
    (
        lambda: init(fnn.dense(3), jnp.ones((2, 0))),
        ValueError,
        "dense: expected x of shape (..., n) with n of at least 1, got (2, 0).",
    ),
    (
        lambda: init(fnn.dense(3), [1.0, 2.0]),
        TypeError,
        "dense: expected x to be an array, got list.",
    ),
    (
        lambda: init(
            fnn.dense(3, weight_init=lambda key, shape, dtype: jnp.ones(3)), ROW
        ),
        ValueError,
        "dense: expected weight_init to draw an array of shape (4, 3), got float32[3].",
    ),
    (
        lambda: init(fnn.dense(3, bias_init=lambda key, shape, dtype: 0.0), ROW),
        ValueError,
        "dense: expected bias_init to draw an array of shape (3,), got 0.0.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 5))),
        ValueError,
        "dense: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 3))),
        ValueError,
        "dense: expected x of shape (..., 4), got (2, 3).",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "dense: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 4), bool)),
        TypeError,
        "dense: expected x of floating or complex dtype, got bool.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, 2.0),
        TypeError,
        "dense: expected x to be an array, got float.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, "x"),
        TypeError,
        "dense: expected x to be an array, got str.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jax.random.key(0)),
        TypeError,
        "dense: expected x of floating or complex dtype, got key<fry>.",
    ),
    (lambda: fnn.dense(3).apply(DENSE), TypeError, "dense: expected 1 input, got 0."),
    (
        lambda: fnn.dense(3).apply(DENSE, ROW, ROW),
        TypeError,
        "dense: expected 1 input, got 2.",
    ),
    (
        lambda: fnn.dense(3).apply({"weight": DENSE["weight"]}, ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got {weight: (4, 3)}.",
    ),
    (
        lambda: fnn.dense(3, use_bias=False).apply(DENSE, ROW),
        ValueError,
        "dense: expected params {weight: (n, 3)}, got {weight: (4, 3), bias: (3,)}.",
    ),
    (
        lambda: fnn.dense(2).apply(DENSE, ROW),
        ValueError,
        "dense: expected params {weight: (n, 2), bias: (2,)}, got {weight: (4, "
        "3), bias: (3,)}.",
    ),
    (
        lambda: fnn.dense(3).apply(
            {"weight": DENSE["weight"], "b": DENSE["bias"]}, ROW
        ),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got {weight: (4, "
        "3), b: (3,)}.",
    ),
    (
        lambda: fnn.dense(3).apply((), ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got ().",
    ),
    (
        lambda: fnn.dense(3).apply((DENSE,), ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got ({weight: (4, "
        "3), bias: (3,)},).",
    ),
    (
        lambda: fnn.dense(3).apply([1, 2], ROW),
        TypeError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got [1, 2].",
    ),
    (
        lambda: fnn.dense(3).apply(None, ROW),
        TypeError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got None.",
    ),
    (
        lambda: fnn.dense(3).apply(
            {"weight": jnp.ones((4, 3), jnp.int32), "bias": jnp.ones(3)}, ROW
        ),
        TypeError,
        "dense: expected weight of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.dense(3).apply({"weight": 1.0, "bias": 2.0}, ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got {weight: 1.0, "
        "bias: 2.0}.",
    ),
    (
        lambda: fnn.dense(3).apply(
            {
                "weight": jnp.ones((4, 3), jnp.float8_e5m2),
                "bias": jnp.ones(3, jnp.float8_e4m3fn),
            },
            ROW,
        ),
        TypeError,
        "dense: expected dtypes that promote to one, got float32, float8_e5m2, "
        "float8_e4m3fn.",
    ),
    # parameter
    (
        lambda: fnn.parameter("3"),
        TypeError,
        "parameter: expected shape to be a tuple of ints, got '3'.",
    ),
    (
        lambda: fnn.parameter((2, 1.5)),
        TypeError,
        "parameter: expected shape to be a tuple of ints, got (2, 1.5).",
    ),
    (
        lambda: fnn.parameter((2, -1)),
        ValueError,
        "parameter: expected lengths of at least 0 in shape, got (2, -1).",
    ),
    (
        lambda: fnn.parameter(3, init=1.0),
        TypeError,
        "parameter: expected init to be a function, got 1.0.",
    ),
    (
        lambda: fnn.parameter(3, param_dtype=jnp.uint8),
        TypeError,
        "parameter: expected param_dtype to be a floating or complex dtype, got uint8.",
    ),
    (
        lambda: init(fnn.parameter(3), ROW),
        TypeError,
        "parameter: expected 0 inputs, got 1.",
    ),
    (
        lambda: init(fnn.parameter(3, init=lambda key, shape, dtype: jnp.ones(4))),
        ValueError,
        "parameter: expected init to draw an array of shape (3,), got float32[4].",
    ),
    (
        lambda: fnn.parameter(3).apply(jnp.ones(4)),
        ValueError,
        "parameter: expected params of shape (3,), got (4,).",
    ),
    (
        lambda: fnn.parameter(3).apply({"value": jnp.ones(3)}),
        ValueError,
        "parameter: expected params of shape (3,), got {value: (3,)}.",
    ),
    (
        lambda: fnn.parameter(3).apply(jnp.ones(3, jnp.int32)),
        TypeError,
        "parameter: expected params of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.parameter(3).apply(2.0),
        TypeError,
        "parameter: expected params of shape (3,), got 2.0.",
    ),
    # conv
    (
        lambda: fnn.conv(8, 3),
        TypeError,
        "conv: expected window to be a tuple of 1 to 3 ints, got 3.",
    ),
    (
        lambda: fnn.conv(8, ()),
        ValueError,
        "conv: expected window of 1 to 3 ints of at least 1, got ().",
    ),
    (
        lambda: fnn.conv(8, (3, 0)),
        ValueError,
        "conv: expected window of 1 to 3 ints of at least 1, got (3, 0).",
    ),
    (
        lambda: fnn.conv(8, (1, 1, 1, 1)),
        ValueError,
        "conv: expected window of 1 to 3 ints of at least 1, got (1, 1, 1, 1).",
    ),
    (
        lambda: fnn.conv(0, (3, 3)),
        ValueError,
        "conv: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), stride=0),
        ValueError,
        "conv: expected stride of at least 1, once or for each of 2 axes, got 0.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), stride=(2, 2, 2)),
        ValueError,
        "conv: expected stride of at least 1, once or for each of 2 axes, got "
        "(2, 2, 2).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), stride="2"),
        TypeError,
        "conv: expected stride to be an int or a tuple of 2, got '2'.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), dilation=(1, 0)),
        ValueError,
        "conv: expected dilation of at least 1, once or for each of 2 axes, got "
        "(1, 0).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding="same"),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got 'same'.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding="CAUSAL"),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got 'CAUSAL'.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding=-1),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got -1.",
    ),
    (
        lambda: fnn.conv(8, (3,), padding=(1, 2)),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CAUSAL, CIRCULAR, "
        "REFLECT, or (low, high) of at least 0 for each of 1 axes, got (1, 2).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding=((1, 1), (0,))),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got ((1, 1), (0,)).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), groups=3),
        ValueError,
        "conv: expected features to be a multiple of groups = 3, got 8.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), groups=0),
        ValueError,
        "conv: expected groups of at least 1, got 0.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3)), jnp.ones((28, 28, 1))),
        ValueError,
        "conv: expected x of shape (batch, height, width, channels), got (28, 28, 1).",
    ),
    (
        lambda: init(fnn.conv(8, (3,)), jnp.ones((5, 4))),
        ValueError,
        "conv: expected x of shape (batch, length, channels), got (5, 4).",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3)), jnp.ones((2, 28, 28, 0))),
        ValueError,
        "conv: expected channels to be at least 1 and a multiple of groups = 1, got 0.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3), groups=2), jnp.ones((1, 8, 8, 3))),
        ValueError,
        "conv: expected channels to be at least 1 and a multiple of groups = 2, got 3.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3)), jnp.ones((1, 8, 8, 3), jnp.uint8)),
        TypeError,
        "conv: expected x of floating or complex dtype, got uint8.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3), padding="VALID"), jnp.ones((1, 8, 2, 3))),
        ValueError,
        "conv: expected width of at least 3 with its padding, got 2.",
    ),
    (
        lambda: init(
            fnn.conv(8, (3, 3), dilation=4, padding=1), jnp.ones((1, 6, 8, 3))
        ),
        ValueError,
        "conv: expected height of at least 9 with its padding, got 8.",
    ),
    (
        lambda: init(fnn.conv(8, (5,), padding="CIRCULAR"), jnp.ones((1, 1, 3))),
        ValueError,
        "conv: expected length of at least 2 for padding CIRCULAR, got 1.",
    ),
    (
        lambda: init(fnn.conv(8, (5,), padding="REFLECT"), jnp.ones((1, 2, 3))),
        ValueError,
        "conv: expected length of at least 3 for padding REFLECT, got 2.",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(CONV, jnp.ones((2, 3, 8, 8))),
        ValueError,
        "conv: expected x of shape (..., height, width, 3), with channels last, "
        "got (2, 3, 8, 8).",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(CONV, jnp.ones((8, 8))),
        ValueError,
        "conv: expected x of shape (..., height, width, 3), with channels last, "
        "got (8, 8).",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(CONV, jnp.ones((2, 8, 8, 1))),
        ValueError,
        "conv: expected x of shape (..., height, width, 3), with channels last, "
        "got (2, 8, 8, 1).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), groups=2).apply(CONV, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected x of shape (..., height, width, 6), with channels last, "
        "got (2, 8, 8, 3).",
    ),
    (
        lambda: fnn.conv(8, (3, 2)).apply(CONV, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected params {weight: (3, 2, channels, 8), bias: (8,)}, got "
        "{weight: (3, 3, 3, 8), bias: (8,)}.",
    ),
    (
        lambda: fnn.conv(4, (3, 3)).apply(CONV, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected params {weight: (3, 3, channels, 4), bias: (4,)}, got "
        "{weight: (3, 3, 3, 8), bias: (8,)}.",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(
            {"weight": CONV["weight"]}, jnp.ones((2, 8, 8, 3))
        ),
        ValueError,
        "conv: expected params {weight: (3, 3, channels, 8), bias: (8,)}, got "
        "{weight: (3, 3, 3, 8)}.",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(DENSE, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected params {weight: (3, 3, channels, 8), bias: (8,)}, got "
        "{weight: (4, 3), bias: (3,)}.",
    ),
    # max_pool
    (
        lambda: fnn.max_pool(2),
        TypeError,
        "max_pool: expected window to be a tuple of 1 to 3 ints, got 2.",
    ),
    (
        lambda: fnn.max_pool((2, 0)),
        ValueError,
        "max_pool: expected window of 1 to 3 ints of at least 1, got (2, 0).",
    ),
    (
        lambda: fnn.max_pool((2, 2), stride=(1,)),
        ValueError,
        "max_pool: expected stride of at least 1, once or for each of 2 axes, "
        "got (1,).",
    ),
    (
        lambda: fnn.max_pool((2, 2), padding="CIRCULAR"),
        ValueError,
        "max_pool: expected padding to be one of SAME, VALID, or (low, high) of "
        "at least 0 for each of 2 axes, got 'CIRCULAR'.",
    ),
    (
        lambda: fnn.max_pool((2, 2), padding=2),
        ValueError,
        "max_pool: expected padding less than the window (2, 2), got ((2, 2), (2, 2)).",
    ),
    (
        lambda: fnn.max_pool((2, 2), strides=2),
        TypeError,
        "max_pool: expected arguments (window, stride, padding), got an "
        "unexpected keyword argument 'strides'.",
    ),
    (
        lambda: init(fnn.max_pool((2, 2)), jnp.ones((8, 8, 3))),
        ValueError,
        "max_pool: expected x of shape (batch, height, width, channels), got (8, "
        "8, 3).",
    ),
    (
        lambda: init(fnn.max_pool((2, 2)), jnp.ones((1, 8, 8, 3), jnp.complex64)),
        TypeError,
        "max_pool: expected x of floating or integer dtype, got complex64.",
    ),
    (
        lambda: init(fnn.max_pool((2, 2)), jnp.ones((1, 8, 8, 3), bool)),
        TypeError,
        "max_pool: expected x of floating or integer dtype, got bool.",
    ),
    (
        lambda: init(fnn.max_pool((3, 3)), jnp.ones((1, 8, 2, 3))),
        ValueError,
        "max_pool: expected width of at least 3 with its padding, got 2.",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply((), jnp.ones((8, 8))),
        ValueError,
        "max_pool: expected x of shape (..., height, width, channels), got (8, 8).",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply((), jnp.ones((1, 0, 8, 3))),
        ValueError,
        "max_pool: expected height of at least 2 with its padding, got 0.",
    ),
    (
        lambda: fnn.max_pool((3,), padding=2).apply((), jnp.ones((1, 0, 3))),
        ValueError,
        "max_pool: expected length of at least 1, got 0.",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply((), "image"),
        TypeError,
        "max_pool: expected x to be an array, got str.",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply(DENSE, jnp.ones((1, 8, 8, 3))),
        ValueError,
        "max_pool: expected params (), got {weight: (4, 3), bias: (3,)}.",
    ),
    # avg_pool
    (
        lambda: fnn.avg_pool("2"),
        TypeError,
        "avg_pool: expected window to be a tuple of 1 to 3 ints, got '2'.",
    ),
    (
        lambda: fnn.avg_pool((2, 2.0)),
        TypeError,
        "avg_pool: expected window to be a tuple of 1 to 3 ints, got (2, 2.0).",
    ),
    (
        lambda: fnn.avg_pool((2, 2), stride=-1),
        ValueError,
        "avg_pool: expected stride of at least 1, once or for each of 2 axes, got -1.",
    ),
    (
        lambda: fnn.avg_pool((2,), padding=((2, 0),)),
        ValueError,
        "avg_pool: expected padding less than the window (2,), got ((2, 0),).",
    ),
    (
        lambda: fnn.avg_pool((2,), padding="CAUSAL"),
        ValueError,
        "avg_pool: expected padding to be one of SAME, VALID, or (low, high) of "
        "at least 0 for each of 1 axes, got 'CAUSAL'.",
    ),
    (
        lambda: fnn.avg_pool((2, 2), count_padding=1),
        TypeError,
        "avg_pool: expected count_padding to be True or False, got 1.",
    ),
    (
        lambda: init(fnn.avg_pool((2,)), jnp.ones((8, 3))),
        ValueError,
        "avg_pool: expected x of shape (batch, length, channels), got (8, 3).",
    ),
    (
        lambda: init(fnn.avg_pool((2,)), jnp.ones((1, 8, 3), jnp.int32)),
        TypeError,
        "avg_pool: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.avg_pool((4,)).apply((), jnp.ones((1, 3, 3))),
        ValueError,
        "avg_pool: expected length of at least 4 with its padding, got 3.",
    ),
    (
        lambda: fnn.avg_pool((2, 2)).apply((), jnp.ones((8, 8))),
        ValueError,
        "avg_pool: expected x of shape (..., height, width, channels), got (8, 8).",
    ),
    # global pools
    (
        lambda: fnn.global_avg_pool(0),
        ValueError,
        "global_avg_pool: expected n of at least 1, got 0.",
    ),
    (
        lambda: fnn.global_avg_pool((1, 2)),
        TypeError,
        "global_avg_pool: expected n to be an int, got (1, 2).",
    ),
    (
        lambda: init(fnn.global_avg_pool(), jnp.ones((8, 3))),
        ValueError,
        "global_avg_pool: expected x of at least 3 axes, got shape (8, 3).",
    ),
    (
        lambda: init(fnn.global_avg_pool(), jnp.ones((1, 8, 3), jnp.int32)),
        TypeError,
        "global_avg_pool: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.global_avg_pool(2).apply((), jnp.ones((8, 3))),
        ValueError,
        "global_avg_pool: expected x of at least 3 axes, got shape (8, 3).",
    ),
    (
        lambda: fnn.global_avg_pool().apply((), jnp.ones((2, 0, 3))),
        ValueError,
        "global_avg_pool: expected values to pool, got shape (2, 0, 3).",
    ),
    (
        lambda: fnn.global_max_pool(-1),
        ValueError,
        "global_max_pool: expected n of at least 1, got -1.",
    ),
    (
        lambda: fnn.global_max_pool(2.0),
        TypeError,
        "global_max_pool: expected n to be an int, got 2.0.",
    ),
    (
        lambda: init(fnn.global_max_pool(), jnp.ones((8, 3))),
        ValueError,
        "global_max_pool: expected x of at least 3 axes, got shape (8, 3).",
    ),
    (
        lambda: init(fnn.global_max_pool(), jnp.ones((1, 8, 3), jnp.complex64)),
        TypeError,
        "global_max_pool: expected x of floating or integer dtype, got complex64.",
    ),
    (
        lambda: fnn.global_max_pool(3).apply((), jnp.ones((4, 8, 3))),
        ValueError,
        "global_max_pool: expected x of at least 4 axes, got shape (4, 8, 3).",
    ),
    (
        lambda: fnn.global_max_pool().apply((), jnp.ones((2, 4, 0, 3))),
        ValueError,
        "global_max_pool: expected values to pool, got shape (2, 4, 0, 3).",
    ),
    # flatten, reshape
    (lambda: fnn.flatten(0), ValueError, "flatten: expected n of at least 1, got 0."),
    (
        lambda: fnn.flatten("all"),
        TypeError,
        "flatten: expected n to be an int, got 'all'.",
    ),
    (
        lambda: init(fnn.flatten(), jnp.ones(5)),
        ValueError,
        "flatten: expected x of at least 2 axes, got shape (5,).",
    ),
    (
        lambda: fnn.flatten(3).apply((), jnp.ones((2, 3))),
        ValueError,
        "flatten: expected x of at least 3 axes, got shape (2, 3).",
    ),
    (
        lambda: fnn.flatten().apply((), 1.0),
        TypeError,
        "flatten: expected x to be an array, got float.",
    ),
    (
        lambda: fnn.flatten().apply(DENSE, ROW),
        ValueError,
        "flatten: expected no params, (), got {weight: float32[4, 3], bias: "
        "float32[3]}.",
    ),
    (
        lambda: fnn.reshape(3),
        TypeError,
        "reshape: expected shape to be a tuple of ints, got 3.",
    ),
    (
        lambda: fnn.reshape((2, "3")),
        TypeError,
        "reshape: expected shape to be a tuple of ints, got (2, '3').",
    ),
    (
        lambda: fnn.reshape((-1, -1)),
        ValueError,
        "reshape: expected lengths of at least 0, or one -1, in shape, got (-1, -1).",
    ),
    (
        lambda: fnn.reshape((2, -3)),
        ValueError,
        "reshape: expected lengths of at least 0, or one -1, in shape, got (2, -3).",
    ),
    (
        lambda: fnn.reshape((2, 3), 0),
        ValueError,
        "reshape: expected n of at least 1, got 0.",
    ),
    (
        lambda: fnn.reshape((2, 3)).apply((), jnp.ones((1, 5))),
        ValueError,
        "reshape: expected axes that fit into (2, 3), got (5,).",
    ),
    (
        lambda: fnn.reshape((4, -1)).apply((), jnp.ones((1, 6))),
        ValueError,
        "reshape: expected axes that fit into (4, -1), got (6,).",
    ),
    (
        lambda: fnn.reshape((0, -1)).apply((), jnp.ones((1, 6))),
        ValueError,
        "reshape: expected axes that fit into (0, -1), got (6,).",
    ),
    (
        lambda: fnn.reshape((2, 3)).apply((), jnp.ones(6)),
        ValueError,
        "reshape: expected x of at least 2 axes, got shape (6,).",
    ),
    (
        lambda: fnn.reshape((2, 3), 2).apply((), jnp.ones(6)),
        ValueError,
        "reshape: expected x of at least 2 axes, got shape (6,).",
    ),
    # embed
    (
        lambda: fnn.embed(0, 3),
        ValueError,
        "embed: expected count of at least 1, got 0.",
    ),
    (
        lambda: fnn.embed(10, 0),
        ValueError,
        "embed: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.embed(10.0, 3),
        TypeError,
        "embed: expected count to be an int, got 10.0.",
    ),
    (
        lambda: fnn.embed(10, 3, padding_id=10),
        ValueError,
        "embed: expected padding_id below count = 10, got 10.",
    ),
    (
        lambda: fnn.embed(10, 3, padding_id=-1),
        ValueError,
        "embed: expected padding_id of at least 0, got -1.",
    ),
    (
        lambda: fnn.embed(10, 3, padding_id="pad"),
        TypeError,
        "embed: expected padding_id to be an int, got 'pad'.",
    ),
    (
        lambda: fnn.embed(10, 3, scale=float("inf")),
        ValueError,
        "embed: expected scale to be finite, got inf.",
    ),
    (
        lambda: fnn.embed(10, 3, scale="sqrt"),
        TypeError,
        "embed: expected scale to be a number, got 'sqrt'.",
    ),
    (
        lambda: fnn.embed(10, 3, scale=jnp.ones(3)),
        TypeError,
        "embed: expected scale to be a number, got float32[3].",
    ),
    (
        lambda: init(fnn.embed(10, 3), jnp.ones(2)),
        TypeError,
        "embed: expected ids of integer dtype, got float32.",
    ),
    (
        lambda: init(fnn.embed(10, 3), 4),
        TypeError,
        "embed: expected ids to be an array, got int.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"weight": jnp.ones((10, 3))}, jnp.array([1.0])),
        TypeError,
        "embed: expected ids of integer dtype, got float32.",
    ),
    (
        lambda: fnn.embed(10, 3).apply(
            {"weight": jnp.ones((10, 3))}, jnp.array([True])
        ),
        TypeError,
        "embed: expected ids of integer dtype, got bool.",
    ),
    (
        lambda: fnn.embed(10, 3).apply(
            {"weight": jnp.ones((10, 3))}, jnp.array([3, 10])
        ),
        ValueError,
        "embed: expected ids in [0, 10), got 10.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"weight": jnp.ones((10, 3))}, np.array([-1])),
        ValueError,
        "embed: expected ids in [0, 10), got -1.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"weight": jnp.ones((9, 3))}, jnp.array([3])),
        ValueError,
        "embed: expected params {weight: (10, 3)}, got {weight: (9, 3)}.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"table": jnp.ones((10, 3))}, jnp.array([3])),
        ValueError,
        "embed: expected params {weight: (10, 3)}, got {table: (10, 3)}.",
    ),
    # dropout
    (
        lambda: fnn.dropout(1.0),
        ValueError,
        "dropout: expected rate in [0, 1), got 1.0.",
    ),
    (
        lambda: fnn.dropout(-0.1),
        ValueError,
        "dropout: expected rate in [0, 1), got -0.1.",
    ),
    (
        lambda: fnn.dropout(float("nan")),
        ValueError,
        "dropout: expected rate in [0, 1), got nan.",
    ),
    (
        lambda: fnn.dropout(np.float32(1.5)),
        ValueError,
        "dropout: expected rate in [0, 1), got 1.5.",
    ),
    (
        lambda: fnn.dropout("0.5"),
        TypeError,
        "dropout: expected rate to be a number, got '0.5'.",
    ),
    (
        lambda: fnn.dropout(True),
        TypeError,
        "dropout: expected rate to be a number, got True.",
    ),
    (
        lambda: fnn.dropout(jnp.ones(3)),
        TypeError,
        "dropout: expected rate to be a number, got float32[3].",
    ),
    (
        lambda: fnn.dropout(jnp.array(1)),
        ValueError,
        "dropout: expected rate in [0, 1), got 1.0.",
    ),
    (
        lambda: fnn.dropout(0.5, broadcast="time"),
        TypeError,
        "dropout: expected broadcast to be an int or a tuple of ints, got 'time'.",
    ),
    (
        lambda: fnn.dropout(0.5, broadcast=(1, 1)),
        ValueError,
        "dropout: expected each broadcast once, got (1, 1).",
    ),
    (
        lambda: fnn.dropout(0.5).apply((), jnp.ones(3), train=True),
        ValueError,
        "dropout: expected a key when train=True, got None; pass apply(..., key=key).",
    ),
    (
        lambda: fnn.dropout(0.5).apply((), jnp.ones(3, jnp.int32)),
        TypeError,
        "dropout: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.dropout(0.5).apply((), 1.0),
        TypeError,
        "dropout: expected x to be an array, got float.",
    ),
    (
        lambda: fnn.dropout(0.5).apply(DENSE, ROW),
        ValueError,
        "dropout: expected no params, (), got {weight: float32[4, 3], bias: "
        "float32[3]}.",
    ),
    (
        lambda: init(fnn.dropout(0.5, broadcast=-3), ROW),
        ValueError,
        "dropout: expected x with an axis -3 to broadcast along, got shape (2, 4).",
    ),
    (
        lambda: fnn.dropout(0.5, broadcast=(0, 2)).apply((), ROW),
        ValueError,
        "dropout: expected x with an axis 2 to broadcast along, got shape (2, 4).",
    ),
    (
        lambda: jax.jit(lambda rate: fnn.dropout(rate))(jnp.ones(2)),
        TypeError,
        "dropout: expected rate to be a number, got float32[2].",
    ),
    # batch_norm
    (
        lambda: fnn.batch_norm(momentum=1.5),
        ValueError,
        "batch_norm: expected momentum in [0, 1], got 1.5.",
    ),
    (
        lambda: fnn.batch_norm(momentum=None),
        TypeError,
        "batch_norm: expected momentum to be a number, got None.",
    ),
    (
        lambda: fnn.batch_norm(eps=0.0),
        ValueError,
        "batch_norm: expected eps above 0, got 0.0.",
    ),
    (
        lambda: fnn.batch_norm(eps=jnp.ones(2)),
        TypeError,
        "batch_norm: expected eps to be a number, got float32[2].",
    ),
    (
        lambda: fnn.batch_norm(axis_name=1),
        TypeError,
        "batch_norm: expected axis_name to be a name or a tuple of them, got 1.",
    ),
    (
        lambda: fnn.batch_norm(use_scale=None),
        TypeError,
        "batch_norm: expected use_scale to be True or False, got None.",
    ),
    (
        lambda: fnn.batch_norm(param_dtype=jnp.complex64),
        TypeError,
        "batch_norm: expected param_dtype to be a floating dtype, got complex64.",
    ),
    (
        lambda: init(fnn.batch_norm(), jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "batch_norm: expected x of floating dtype, got int32.",
    ),
    (
        lambda: init(fnn.batch_norm(), jnp.ones((2, 4), jnp.complex64)),
        TypeError,
        "batch_norm: expected x of floating dtype, got complex64.",
    ),
    (
        lambda: init(fnn.batch_norm(), jnp.ones(())),
        ValueError,
        "batch_norm: expected x of shape (..., channels), got ().",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, jnp.ones((1, 4)), train=True),
        ValueError,
        "batch_norm: expected more than one value of each channel in training, "
        "got x of shape (1, 4).",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, jnp.ones((0, 4)), train=True),
        ValueError,
        "batch_norm: expected more than one value of each channel in training, "
        "got x of shape (0, 4).",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, jnp.ones((2, 5))),
        ValueError,
        "batch_norm: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.batch_norm(axis_name="batch").apply(*NORM, ROW, train=True),
        ValueError,
        "batch_norm: expected jax.vmap or jax.shard_map around apply to name its "
        "axis 'batch', got no such axis.",
    ),
    (
        lambda: fnn.batch_norm().apply(NORM[0], ROW),
        TypeError,
        "batch_norm: expected apply(params, state, *inputs), as it keeps state, "
        "got no inputs.",
    ),
    (
        lambda: fnn.batch_norm().apply(NORM[0], (), ROW),
        ValueError,
        "batch_norm: expected state {mean: (channels,), var: (channels,)}, got ().",
    ),
    (
        lambda: fnn.batch_norm().apply(NORM[0], {"mean": jnp.ones(4)}, ROW),
        ValueError,
        "batch_norm: expected state {mean: (channels,), var: (channels,)}, got "
        "{mean: (4,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply(
            NORM[0], {"mean": jnp.ones(4), "var": jnp.ones(3)}, ROW
        ),
        ValueError,
        "batch_norm: expected state {mean: (4,), var: (4,)}, got {mean: (4,), "
        "var: (3,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply({"scale": jnp.ones(4)}, NORM[1], ROW),
        ValueError,
        "batch_norm: expected params {scale: (4,), bias: (4,)}, got {scale: (4,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply(
            {"scale": jnp.ones(5), "bias": jnp.ones(5)}, NORM[1], ROW
        ),
        ValueError,
        "batch_norm: expected params {scale: (4,), bias: (4,)}, got {scale: "
        "(5,), bias: (5,)}.",
    ),
    (
        lambda: fnn.batch_norm(use_scale=False, use_bias=False).apply(*NORM, ROW),
        ValueError,
        "batch_norm: expected params (), got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, ROW, train=1),
        TypeError,
        "train: expected a bool, got 1.",
    ),
    (
        lambda: jax.jit(lambda train: fnn.batch_norm().apply(*NORM, ROW, train=train))(
            True
        ),
        TypeError,
        "train: expected a bool, got a traced value; under jax.jit bind it "
        "(functools.partial(apply, train=True)) or name it in static_argnames.",
    ),
    # layer_norm, rms_norm
    (
        lambda: fnn.layer_norm(axis=1),
        ValueError,
        "layer_norm: expected axis counted from the end, such as -1, got 1.",
    ),
    (
        lambda: fnn.layer_norm(axis=(-1, 0)),
        ValueError,
        "layer_norm: expected axis counted from the end, such as -1, got (-1, 0).",
    ),
    (
        lambda: fnn.layer_norm(axis=()),
        ValueError,
        "layer_norm: expected axis counted from the end, such as -1, got ().",
    ),
    (
        lambda: fnn.layer_norm(axis=(-1, -1)),
        ValueError,
        "layer_norm: expected each axis once, got (-1, -1).",
    ),
    (
        lambda: fnn.layer_norm(axis="last"),
        TypeError,
        "layer_norm: expected axis to be an int or a tuple of ints, got 'last'.",
    ),
    (
        lambda: fnn.layer_norm(eps=-1e-5),
        ValueError,
        "layer_norm: expected eps above 0, got -1e-05.",
    ),
    (
        lambda: init(fnn.layer_norm(), jnp.ones(4, jnp.int32)),
        TypeError,
        "layer_norm: expected x of floating dtype, got int32.",
    ),
    (
        lambda: init(fnn.layer_norm(axis=(-2, -1)), jnp.ones(4)),
        ValueError,
        "layer_norm: expected x with at least one value along axis (-2, -1), got "
        "shape (4,).",
    ),
    (
        lambda: init(fnn.layer_norm(), jnp.ones((2, 0))),
        ValueError,
        "layer_norm: expected x with at least one value along axis (-1,), got "
        "shape (2, 0).",
    ),
    (
        lambda: fnn.layer_norm().apply(NORM[0], jnp.ones((2, 5))),
        ValueError,
        "layer_norm: expected x of lengths (4,) along axis (-1,), got shape (2, 5).",
    ),
    (
        lambda: fnn.layer_norm().apply({"scale": jnp.ones(4)}, ROW),
        ValueError,
        "layer_norm: expected params {scale: (n,), bias: (n,)}, got {scale: (4,)}.",
    ),
    (
        lambda: fnn.layer_norm(axis=(-2, -1)).apply(NORM[0], ROW),
        ValueError,
        "layer_norm: expected params {scale: (n0, n1), bias: (n0, n1)}, got "
        "{scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.layer_norm(use_scale=False, use_bias=False).apply(NORM[0], ROW),
        ValueError,
        "layer_norm: expected params (), got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.rms_norm(axis=0),
        ValueError,
        "rms_norm: expected axis counted from the end, such as -1, got 0.",
    ),
    (lambda: fnn.rms_norm(eps=0), ValueError, "rms_norm: expected eps above 0, got 0."),
    (
        lambda: fnn.rms_norm(use_bias=True),
        TypeError,
        "rms_norm: expected arguments (axis, eps, use_scale, scale_init, "
        "param_dtype), got an unexpected keyword argument 'use_bias'.",
    ),
    (
        lambda: fnn.rms_norm(scale_init="ones"),
        TypeError,
        "rms_norm: expected scale_init to be a function, got 'ones'.",
    ),
    (
        lambda: init(fnn.rms_norm(), jnp.ones(4, jnp.complex64)),
        TypeError,
        "rms_norm: expected x of floating dtype, got complex64.",
    ),
    (
        lambda: fnn.rms_norm().apply({"scale": jnp.ones(4)}, jnp.ones((2, 5))),
        ValueError,
        "rms_norm: expected x of lengths (4,) along axis (-1,), got shape (2, 5).",
    ),
    (
        lambda: fnn.rms_norm().apply(NORM[0], ROW),
        ValueError,
        "rms_norm: expected params {scale: (n,)}, got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.rms_norm(axis=-2).apply({"scale": jnp.ones(2)}, jnp.ones(4)),
        ValueError,
        "rms_norm: expected x with at least one value along axis (-2,), got "
        "shape (4,).",
    ),
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
    # group_norm, instance_norm
    (
        lambda: fnn.group_norm(0),
        ValueError,
        "group_norm: expected groups of at least 1, got 0.",
    ),
    (
        lambda: fnn.group_norm(2, space=-1),
        ValueError,
        "group_norm: expected space of at least 0, got -1.",
    ),
    (
        lambda: fnn.group_norm(2, eps=0.0),
        ValueError,
        "group_norm: expected eps above 0, got 0.0.",
    ),
    (
        lambda: init(fnn.group_norm(), SEQUENCE),
        ValueError,
        "group_norm: expected channels to be at least 1 and a multiple of groups = "
        "32, got 4.",
    ),
    (
        lambda: init(fnn.group_norm(1), jnp.ones(4)),
        ValueError,
        "group_norm: expected x of at least 2 axes, got shape (4,).",
    ),
    (
        lambda: init(fnn.group_norm(1, space=2), ROW),
        ValueError,
        "group_norm: expected x of at least 3 axes, got shape (2, 4).",
    ),
    (
        lambda: init(fnn.group_norm(4), ROW),
        ValueError,
        "group_norm: expected at least 2 values to normalise together, got shape "
        "(2, 4).",
    ),
    (
        lambda: fnn.group_norm(2).apply(NORM[0], jnp.ones((2, 5, 6))),
        ValueError,
        "group_norm: expected x of shape (..., 4), got (2, 5, 6).",
    ),
    (
        lambda: fnn.group_norm(2, use_bias=False).apply(NORM[0], SEQUENCE),
        ValueError,
        "group_norm: expected params {scale: (n,)}, got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.group_norm(2).apply(NORM[0], jnp.ones((2, 5, 4), jnp.int32)),
        TypeError,
        "group_norm: expected x of floating dtype, got int32.",
    ),
    (
        lambda: fnn.instance_norm(space=0),
        ValueError,
        "instance_norm: expected space of at least 1, got 0.",
    ),
    (
        lambda: fnn.instance_norm(use_scale="yes"),
        TypeError,
        "instance_norm: expected use_scale to be True or False, got 'yes'.",
    ),
    (
        lambda: fnn.instance_norm(param_dtype=jnp.complex64),
        TypeError,
        "instance_norm: expected param_dtype to be a floating dtype, got complex64.",
    ),
    (
        lambda: init(fnn.instance_norm(), ROW),
        ValueError,
        "instance_norm: expected x of at least 3 axes, got shape (2, 4).",
    ),
    (
        lambda: fnn.instance_norm().apply(NORM[0], SEQUENCE[:, :1]),
        ValueError,
        "instance_norm: expected at least 2 values to normalise together, got shape "
        "(2, 1, 4).",
    ),
    (
        lambda: fnn.instance_norm().apply(NORM[0], jnp.ones((2, 5, 3))),
        ValueError,
        "instance_norm: expected x of shape (..., 4), got (2, 5, 3).",
    ),
    # drop_path, gaussian_noise
    (
        lambda: fnn.drop_path(1.0),
        ValueError,
        "drop_path: expected rate in [0, 1), got 1.0.",
    ),
    (
        lambda: fnn.drop_path("0.5"),
        TypeError,
        "drop_path: expected rate to be a number, got '0.5'.",
    ),
    (
        lambda: fnn.drop_path(0.5, batch=-1),
        ValueError,
        "drop_path: expected batch of at least 0, got -1.",
    ),
    (
        lambda: fnn.drop_path(0.5, batch=2).apply((), jnp.ones(4)),
        ValueError,
        "drop_path: expected x of at least 2 axes, got shape (4,).",
    ),
    (
        lambda: fnn.drop_path(0.5).apply((), ROW, train=True),
        ValueError,
        "drop_path: expected a key when train=True, got None; pass apply(..., "
        "key=key).",
    ),
    (
        lambda: fnn.gaussian_noise(-1.0),
        ValueError,
        "gaussian_noise: expected stddev to be finite and at least 0, got -1.0.",
    ),
    (
        lambda: fnn.gaussian_noise(float("inf")),
        ValueError,
        "gaussian_noise: expected stddev to be finite and at least 0, got inf.",
    ),
    (
        lambda: fnn.gaussian_noise(None),
        TypeError,
        "gaussian_noise: expected stddev to be a number, got None.",
    ),
    (
        lambda: fnn.gaussian_noise(0.5).apply((), jnp.ones(3, jnp.int32)),
        TypeError,
        "gaussian_noise: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.gaussian_noise(0.5).apply((), ROW, train=True),
        ValueError,
        "gaussian_noise: expected a key when train=True, got None; pass apply(..., "
        "key=key).",
    ),
    # conv_transpose
    (
        lambda: fnn.conv_transpose(0, (3,)),
        ValueError,
        "conv_transpose: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.conv_transpose(2, 3),
        TypeError,
        "conv_transpose: expected window to be a tuple of 1 to 3 ints, got 3.",
    ),
    (
        lambda: fnn.conv_transpose(2, (3,), padding="CAUSAL"),
        ValueError,
        "conv_transpose: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, "
        "or (low, high) of at least 0 for each of 1 axes, got 'CAUSAL'.",
    ),
    (
        lambda: fnn.conv_transpose(2, (3,), stride=2, output_padding=2),
        ValueError,
        "conv_transpose: expected output_padding less than stride (2,), got (2,).",
    ),
    (
        lambda: fnn.conv_transpose(2, (3,), output_padding=-1),
        ValueError,
        "conv_transpose: expected output_padding of at least 0, once or for each of 1 "
        "axes, got -1.",
    ),
    (
        lambda: fnn.conv_transpose(3, (3,), groups=2),
        ValueError,
        "conv_transpose: expected features to be a multiple of groups = 2, got 3.",
    ),
    (
        lambda: init(fnn.conv_transpose(3, (3,), groups=3), SEQUENCE),
        ValueError,
        "conv_transpose: expected channels to be at least 1 and a multiple of groups "
        "= 3, got 4.",
    ),
    (
        lambda: init(fnn.conv_transpose(3, (3,)), ROW),
        ValueError,
        "conv_transpose: expected x of shape (batch, length, channels), got (2, 4).",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3)).apply(CONV, jnp.ones((1, 4, 4, 4))),
        ValueError,
        "conv_transpose: expected x of shape (..., height, width, 3), with channels "
        "last, got (1, 4, 4, 4).",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3), padding=2).apply(
            CONV, jnp.ones((1, 3, 2, 3))
        ),
        ValueError,
        "conv_transpose: expected width of at least 3, got 2.",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3)).apply(CONV, jnp.ones((1, 0, 4, 3))),
        ValueError,
        "conv_transpose: expected height of at least 1, got 0.",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3), padding="REFLECT").apply(
            CONV, jnp.ones((1, 1, 4, 3))
        ),
        ValueError,
        "conv_transpose: expected height of at least 2 for padding REFLECT, got 1.",
    ),
    # upsample, pixel_shuffle, pixel_unshuffle
    (
        lambda: fnn.upsample(2),
        TypeError,
        "upsample: expected factor to be a tuple of 1 to 3 ints, got 2.",
    ),
    (
        lambda: fnn.upsample((2, 0)),
        ValueError,
        "upsample: expected factor of 1 to 3 ints of at least 1, got (2, 0).",
    ),
    (
        lambda: fnn.upsample((2, 2), method="bicubic"),
        ValueError,
        "upsample: expected method to be one of nearest, linear, cubic, got 'bicubic'.",
    ),
    (
        lambda: fnn.upsample((2,), method="linear").apply((), jnp.ones((1, 3, 1), int)),
        TypeError,
        "upsample: expected x of floating dtype, got int32.",
    ),
    (
        lambda: init(fnn.upsample((2, 2)), SEQUENCE),
        ValueError,
        "upsample: expected x of shape (batch, height, width, channels), "
        "got (2, 5, 4).",
    ),
    (
        lambda: fnn.pixel_shuffle((1.5,)),
        TypeError,
        "pixel_shuffle: expected factor to be a tuple of 1 to 3 ints, got (1.5,).",
    ),
    (
        lambda: fnn.pixel_shuffle(()),
        ValueError,
        "pixel_shuffle: expected factor of 1 to 3 ints of at least 1, got ().",
    ),
    (
        lambda: init(fnn.pixel_shuffle((3,)), SEQUENCE),
        ValueError,
        "pixel_shuffle: expected channels to be a multiple of 3, got 4.",
    ),
    (
        lambda: fnn.pixel_shuffle((2, 2)).apply((), ROW),
        ValueError,
        "pixel_shuffle: expected x of shape (..., height, width, channels), "
        "got (2, 4).",
    ),
    (
        lambda: fnn.pixel_unshuffle(2),
        TypeError,
        "pixel_unshuffle: expected factor to be a tuple of 1 to 3 ints, got 2.",
    ),
    (
        lambda: fnn.pixel_unshuffle((-1,)),
        ValueError,
        "pixel_unshuffle: expected factor of 1 to 3 ints of at least 1, got (-1,).",
    ),
    (
        lambda: fnn.pixel_unshuffle((2,)).apply((), SEQUENCE),
        ValueError,
        "pixel_unshuffle: expected length to be a multiple of 2, got 5.",
    ),
    (
        lambda: fnn.pixel_unshuffle((2,)).apply((), [1.0]),
        TypeError,
        "pixel_unshuffle: expected x to be an array, got list.",
    ),
    # adaptive pools
    (
        lambda: fnn.adaptive_avg_pool(7),
        TypeError,
        "adaptive_avg_pool: expected size to be a tuple of 1 to 3 ints, got 7.",
    ),
    (
        lambda: fnn.adaptive_avg_pool((0,)),
        ValueError,
        "adaptive_avg_pool: expected size of 1 to 3 ints of at least 1, got (0,).",
    ),
    (
        lambda: fnn.adaptive_avg_pool((2,)).apply((), jnp.ones((2, 0, 4))),
        ValueError,
        "adaptive_avg_pool: expected length of at least 1, got 0.",
    ),
    (
        lambda: init(fnn.adaptive_avg_pool((2,)), jnp.ones((2, 4, 4), jnp.int32)),
        TypeError,
        "adaptive_avg_pool: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.adaptive_max_pool("7"),
        TypeError,
        "adaptive_max_pool: expected size to be a tuple of 1 to 3 ints, got '7'.",
    ),
    (
        lambda: fnn.adaptive_max_pool((1, 1, 1, 1)),
        ValueError,
        "adaptive_max_pool: expected size of 1 to 3 ints of at least 1, got (1, 1, 1, "
        "1).",
    ),
    (
        lambda: init(fnn.adaptive_max_pool((2, 2)), SEQUENCE),
        ValueError,
        "adaptive_max_pool: expected x of shape (batch, height, width, channels), "
        "got (2, 5, 4).",
    ),
    (
        lambda: fnn.adaptive_max_pool((2,)).apply(DENSE, SEQUENCE),
        ValueError,
        "adaptive_max_pool: expected params (), got {weight: (4, 3), bias: (3,)}.",
    ),
    # einsum, bilinear
    (
        lambda: fnn.einsum(3),
        TypeError,
        "einsum: expected equation to be a string, got 3.",
    ),
    (
        lambda: fnn.einsum("...n->...m", {"m": 3}),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n->...m'.",
    ),
    (
        lambda: fnn.einsum("...n,nn->...n"),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n,nn->...n'.",
    ),
    (
        lambda: fnn.einsum("...n,nm->m", {"m": 3}),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n,nm->m'.",
    ),
    (
        lambda: fnn.einsum("...n,nmk->...m", {"m": 3, "k": 2}),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n,nmk->...m'.",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", 3),
        TypeError,
        "einsum: expected lengths to be a dict, got 3.",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"n": 4}),
        ValueError,
        "einsum: expected lengths of the axes (m), got (n).",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"m": 0}),
        ValueError,
        "einsum: expected length m of at least 1, got 0.",
    ),
    (
        lambda: init(fnn.einsum("...gn,gnm->...gm", {"m": 3}), jnp.ones(4)),
        ValueError,
        "einsum: expected x of shape (..., g, n), got (4,).",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"m": 3}).apply(DENSE, jnp.ones((2, 5))),
        ValueError,
        "einsum: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"m": 2}).apply(DENSE, ROW),
        ValueError,
        "einsum: expected params {weight: (n, 2), bias: (2,)}, got {weight: (4, 3), "
        "bias: (3,)}.",
    ),
    (
        lambda: fnn.einsum("...n,n->...n").apply(
            {"weight": jnp.ones(4), "bias": jnp.ones(3)}, ROW
        ),
        ValueError,
        "einsum: expected bias of shape (4,), got (3,).",
    ),
    (
        lambda: fnn.bilinear(0),
        ValueError,
        "bilinear: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.bilinear(3, bias_init=0.0),
        TypeError,
        "bilinear: expected bias_init to be a function, got 0.0.",
    ),
    (
        lambda: init(fnn.bilinear(3), ROW),
        TypeError,
        "bilinear: expected 2 inputs, got 1.",
    ),
    (
        lambda: init(fnn.bilinear(3), ROW, SEQUENCE),
        ValueError,
        "bilinear: expected x and z with the same batch axes, got (2, 4) and (2, 5, "
        "4).",
    ),
    (
        lambda: init(fnn.bilinear(3), ROW, jnp.ones((2, 0))),
        ValueError,
        "bilinear: expected z of shape (..., m) with m of at least 1, got (2, 0).",
    ),
    (
        lambda: fnn.bilinear(3).apply(
            {"weight": jnp.ones((4, 5, 3)), "bias": jnp.ones(3)}, ROW, ROW
        ),
        ValueError,
        "bilinear: expected z of shape (..., 5), got (2, 4).",
    ),
    # separable_conv
    (
        lambda: fnn.separable_conv(0, (3,)),
        ValueError,
        "separable_conv: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.separable_conv(4, 3),
        TypeError,
        "separable_conv: expected window to be a tuple of 1 to 3 ints, got 3.",
    ),
    (
        lambda: fnn.separable_conv(4, (3,), multiplier=0),
        ValueError,
        "separable_conv: expected multiplier of at least 1, got 0.",
    ),
    (
        lambda: fnn.separable_conv(4, (3,), weight_init=1.0),
        TypeError,
        "separable_conv: expected weight_init to be a function, got 1.0.",
    ),
    (
        lambda: init(fnn.separable_conv(4, (3, 3)), SEQUENCE),
        ValueError,
        "separable_conv: expected x of shape (batch, height, width, channels), got "
        "(2, 5, 4).",
    ),
    (
        lambda: init(fnn.separable_conv(4, (3,)), jnp.ones((2, 5, 0))),
        ValueError,
        "separable_conv: expected at least 1 channel, got shape (2, 5, 0).",
    ),
    (
        lambda: init(fnn.separable_conv(4, (7,), padding="VALID"), SEQUENCE),
        ValueError,
        "separable_conv: expected length of at least 7 with its padding, got 5.",
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
    # linear_recurrence, state_space
    (
        lambda: fnn.linear_recurrence(0),
        ValueError,
        "linear_recurrence: expected state of at least 1, got 0.",
    ),
    (
        lambda: fnn.linear_recurrence(6, r_min=1.0),
        ValueError,
        "linear_recurrence: expected r_min in [0, 1), got 1.0.",
    ),
    (
        lambda: fnn.linear_recurrence(6, r_max=1.5),
        ValueError,
        "linear_recurrence: expected r_max in (0, 1], got 1.5.",
    ),
    (
        lambda: fnn.linear_recurrence(6, r_min=0.9, r_max=0.5),
        ValueError,
        "linear_recurrence: expected r_max above r_min = 0.9, got 0.5.",
    ),
    (
        lambda: fnn.linear_recurrence(6, max_phase="pi"),
        TypeError,
        "linear_recurrence: expected max_phase to be a number, got 'pi'.",
    ),
    (
        lambda: fnn.linear_recurrence(6, max_phase=7),
        ValueError,
        "linear_recurrence: expected max_phase in (0, 2 pi], got 7.",
    ),
    (
        lambda: fnn.linear_recurrence(6, groups=4),
        ValueError,
        "linear_recurrence: expected state to be a multiple of groups = 4, got 6.",
    ),
    (
        lambda: fnn.linear_recurrence(6, keep_carry=1),
        TypeError,
        "linear_recurrence: expected keep_carry to be True or False, got 1.",
    ),
    (
        lambda: fnn.linear_recurrence(6, skip_init=1.0),
        TypeError,
        "linear_recurrence: expected skip_init to be a function, got 1.0.",
    ),
    (
        lambda: fnn.linear_recurrence(6, param_dtype=jnp.complex64),
        TypeError,
        "linear_recurrence: expected param_dtype to be a floating dtype, got "
        "complex64.",
    ),
    (
        lambda: init(fnn.linear_recurrence(6), ROW),
        ValueError,
        "linear_recurrence: expected x of shape (batch, time, n) with n of at least 1, "
        "got (2, 4).",
    ),
    (
        lambda: init(fnn.linear_recurrence(6, groups=3), SEQUENCE),
        ValueError,
        "linear_recurrence: expected x of shape (batch, time, n) with n of at least 1, "
        "a multiple of 3, got (2, 5, 4).",
    ),
    (
        lambda: init(fnn.linear_recurrence(6), SEQUENCE.astype(jnp.complex64)),
        TypeError,
        "linear_recurrence: expected x of floating dtype, got complex64.",
    ),
    (
        lambda: fnn.linear_recurrence(3).apply(RING, SEQUENCE[..., :3]),
        ValueError,
        "linear_recurrence: expected x of shape (..., time, 4), got (2, 5, 3).",
    ),
    (
        lambda: fnn.linear_recurrence(3).apply(RING, SEQUENCE, lengths=jnp.array([6])),
        ValueError,
        "linear_recurrence: expected lengths of shape (2,), got (1,).",
    ),
    (
        lambda: fnn.linear_recurrence(3).apply(
            RING, SEQUENCE, lengths=jnp.array([6, 1])
        ),
        ValueError,
        "linear_recurrence: expected lengths in [0, 5], got 6.",
    ),
    (
        lambda: fnn.linear_recurrence(3).apply(RING, SEQUENCE, carry=ROW),
        ValueError,
        "linear_recurrence: expected carry of shape (2, 3), got (2, 4).",
    ),
    (
        lambda: fnn.linear_recurrence(3, keep_carry=True).apply(RING, (), SEQUENCE),
        TypeError,
        "linear_recurrence: expected state to be an array, got tuple.",
    ),
    (
        lambda: fnn.linear_recurrence(3).apply(
            RING | {"skip": jnp.ones(3)}, jnp.ones((2, 5, 4))
        ),
        ValueError,
        "linear_recurrence: expected params {log_decay: (3,), log_phase: (3,), "
        "log_gain: (3,), input: {real: (4, 3), imag: (4, 3)}, output: {real: (3, 4), "
        "imag: (3, 4)}, skip: (4,)}, got {log_decay: (3,), log_phase: (3,), log_gain: "
        "(3,), input: {real: (4, 3), imag: (4, 3)}, output: {real: (3, 4), imag: (3, "
        "4)}, skip: (3,)}.",
    ),
    (
        lambda: fnn.linear_recurrence(3).apply(RING, SEQUENCE, SEQUENCE),
        TypeError,
        "linear_recurrence: expected 1 input, got 2.",
    ),
    (
        lambda: fnn.linear_recurrence(3, keep_carry=True).apply(
            RING, jnp.ones((2, 3)), SEQUENCE
        ),
        ValueError,
        "linear_recurrence: expected apply to return a state like the one it got, "
        "float32[2, 3], got complex64[2, 3].",
    ),
    (
        lambda: fnn.decoding(fnn.linear_recurrence(3, reverse=True), 5),
        ValueError,
        "linear_recurrence: expected reverse=False to decode, got reverse=True.",
    ),
    (
        lambda: fnn.state_space(6, frequency_init="legs"),
        ValueError,
        "state_space: expected frequency_init to be one of LEGS, LIN, INV, or a "
        "function, got 'legs'.",
    ),
    (
        lambda: fnn.state_space(6, step_min=0.0),
        ValueError,
        "state_space: expected step_min above 0, got 0.0.",
    ),
    (
        lambda: fnn.state_space(6, step_min=0.5),
        ValueError,
        "state_space: expected step_max above step_min = 0.5, got 0.1.",
    ),
    (
        lambda: fnn.state_space(6, blocks=0),
        ValueError,
        "state_space: expected blocks of at least 1, got 0.",
    ),
    (
        lambda: fnn.state_space(6, groups=2, blocks=2),
        ValueError,
        "state_space: expected state to be a multiple of groups * blocks = 4, got 6.",
    ),
    (
        lambda: init(
            fnn.state_space(6, frequency_init=lambda key, shape, dtype: jnp.ones(3)),
            SEQUENCE,
        ),
        ValueError,
        "state_space: expected frequency_init to draw an array of shape (6,), got "
        "float32[3].",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
    assert type(caught.value) is kind


CONSTRUCTORS = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "batch_norm",
    "bidirectional",
    "bilinear",
    "conv",
    "conv_lstm_cell",
    "conv_transpose",
    "dense",
    "drop_path",
    "dropout",
    "einsum",
    "embed",
    "flatten",
    "gaussian_noise",
    "global_avg_pool",
    "global_max_pool",
    "group_norm",
    "gru_cell",
    "instance_norm",
    "layer_norm",
    "linear_recurrence",
    "lstm_cell",
    "max_pool",
    "parameter",
    "pixel_shuffle",
    "pixel_unshuffle",
    "recurrent",
    "reshape",
    "rms_norm",
    "rnn_cell",
    "separable_conv",
    "state_space",
    "upsample",
]


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_each_constructor_has_several_wrong_calls(name):
    assert sum(sentence.startswith(f"{name}: ") for _, _, sentence in CALLS) >= 4
