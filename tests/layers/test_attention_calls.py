"""Wrong calls of attention, and the sentences they get."""

import functools

import numpy as np
import pytest

import fnn
from fnn.layers.multi_head_attention import attention
from fnn.layers.relative_positions import alibi, rotary
from tests.layers.calling import MEMORY, X, called, initialised

own = functools.partial(called, attention(6, 2))
cross = functools.partial(called, attention(6, 2, cross=True), at=(X, MEMORY))

WRONG_OPTIONS = [
    (
        lambda: attention(6.0, 2),
        TypeError,
        "attention: expected features to be an int, got 6.0.",
    ),
    (
        lambda: attention(6, 0),
        ValueError,
        "attention: expected heads of at least 1, got 0.",
    ),
    (
        lambda: attention(6, 4),
        ValueError,
        "attention: expected features to be a multiple of heads = 4 without "
        "head_features, got 6.",
    ),
    (
        lambda: attention(8, 4, kv_heads=3),
        ValueError,
        "attention: expected kv_heads to divide heads = 4, got 3.",
    ),
    (
        lambda: attention(6, 2, head_features=0),
        ValueError,
        "attention: expected head_features of at least 1, got 0.",
    ),
    (
        lambda: attention(6, 2, causal=1),
        TypeError,
        "attention: expected causal to be True or False, got 1.",
    ),
    (
        lambda: attention(6, 2, window=-1),
        ValueError,
        "attention: expected window of at least 0, got -1.",
    ),
    (
        lambda: attention(6, 2, window=(1, 2, 3)),
        TypeError,
        "attention: expected window to be an int or (left, right), got (1, 2, 3).",
    ),
    (
        lambda: attention(6, 2, rotary=True),
        TypeError,
        "attention: expected rotary to be a function, got True.",
    ),
    (
        lambda: attention(6, 2, qk_norm="rms"),
        TypeError,
        "attention, qk_norm: expected a layer or a function of arrays, got 'rms'.",
    ),
    (
        lambda: attention(6, 2, position_bias=8),
        TypeError,
        "attention: expected position_bias to be a function, got 8.",
    ),
    (
        lambda: attention(6, 2, dropout=1.0),
        ValueError,
        "attention: expected dropout in [0, 1), got 1.0.",
    ),
    (
        lambda: attention(6, 2, scale=0.0),
        ValueError,
        "attention: expected scale above 0, got 0.0.",
    ),
    (
        lambda: attention(6, 2, cross=True, causal=True),
        ValueError,
        "attention: expected no causal with cross=True, got True.",
    ),
    (
        lambda: attention(6, 2, cross=True, rotary=rotary),
        ValueError,
        "attention: expected no rotary with cross=True, got rotary.",
    ),
    (
        lambda: attention(6, 2, implementation="flash"),
        ValueError,
        "attention: expected implementation None, 'xla' or 'cudnn', got 'flash'.",
    ),
    (
        lambda: attention(6, 2, implementation="xla", dropout=0.1),
        ValueError,
        "attention: expected no dropout with implementation='xla', got 0.1.",
    ),
]

WRONG_INPUTS = [
    (
        lambda: initialised(attention(6, 2), X[0]),
        ValueError,
        "attention: expected x of shape (batch, time, features) at init, got no batch "
        "axis.",
    ),
    (
        lambda: initialised(attention(6, 2, cross=True), X[0], MEMORY[0]),
        ValueError,
        "attention: expected x of shape (batch, time, features) at init, got no batch "
        "axis.",
    ),
    (
        lambda: own(X[0, 0]),
        ValueError,
        "attention: expected x of shape (..., time, features), got (6,).",
    ),
    (
        lambda: own(X[..., :4]),
        ValueError,
        "dense: expected x of shape (..., 6), got (2, 5, 4).",
    ),
    (
        lambda: own(X.astype(np.int32)),
        TypeError,
        "attention: expected x of floating dtype, got int32.",
    ),
    (
        lambda: own(X, mask=np.ones((2, 5, 5), bool)),
        ValueError,
        "attention: expected mask of shape (5, 5) or (2, 2, 5, 5), 1 standing for any "
        "length, got (2, 5, 5).",
    ),
    (
        lambda: own(X, mask=np.ones((5, 4), bool)),
        ValueError,
        "attention: expected mask of shape (5, 5) or (2, 2, 5, 5), 1 standing for any "
        "length, got (5, 4).",
    ),
    (
        lambda: own(X, mask=np.ones((5, 5), np.float32)),
        TypeError,
        "attention: expected mask of bool dtype, got float32.",
    ),
    (
        lambda: own(X, bias=np.ones((3, 5, 5), np.float32)),
        ValueError,
        "attention: expected bias of shape (5, 5) or (2, 2, 5, 5), 1 standing for any "
        "length, got (3, 5, 5).",
    ),
    (
        lambda: own(X, bias=np.ones((5, 5), bool)),
        TypeError,
        "attention: expected bias of floating dtype, got bool.",
    ),
    (
        lambda: own(X, lengths=np.array([5])),
        ValueError,
        "attention: expected lengths of shape (2,), got (1,).",
    ),
    (
        lambda: own(X, lengths=np.array([6, 2])),
        ValueError,
        "attention: expected lengths in [0, 5], got 6.",
    ),
    (
        lambda: own(X, lengths=np.array([1.0, 2.0])),
        TypeError,
        "attention: expected lengths of integer dtype, got float64.",
    ),
    (
        lambda: own(X, positions=np.arange(4)),
        ValueError,
        "attention: expected positions of shape (5,) or (2, 5), got (4,).",
    ),
    (
        lambda: own(X, MEMORY),
        TypeError,
        "attention: expected 1 input, got 2.",
    ),
    (
        lambda: own(X, memory=MEMORY),
        TypeError,
        "attention: expected inputs by name among (bias, lengths, mask, positions), "
        "got memory.",
    ),
    (
        lambda: cross(X),
        TypeError,
        "attention: expected memory, as cross=True, got none.",
    ),
    (
        lambda: cross(X, memory_lengths=np.array([1, 1])),
        TypeError,
        "attention: expected memory with memory_lengths, got none.",
    ),
    (
        lambda: cross(X, MEMORY[:1]),
        ValueError,
        "attention: expected memory of batch axes (2,), as x has, got (1, 4, 3).",
    ),
    (
        lambda: cross(X, MEMORY, MEMORY[:, :2]),
        ValueError,
        "attention: expected values of the batch and time axes of memory, (2, 4), got "
        "(2, 2, 3).",
    ),
    (
        lambda: cross(X, MEMORY, memory_lengths=np.array([1, 5])),
        ValueError,
        "attention: expected memory_lengths in [0, 4], got 5.",
    ),
    (
        lambda: cross(X, MEMORY, memory_mask=np.ones((5, 5), bool)),
        ValueError,
        "attention: expected memory_mask of shape (5, 4) or (2, 2, 5, 4), 1 standing "
        "for any length, got (5, 5).",
    ),
    (
        lambda: called(attention(6, 2, dropout=0.1), X, train=True),
        ValueError,
        "attention_weights: expected a key when train=True, got None; "
        "pass apply(..., key=key).",
    ),
    (
        lambda: initialised(attention(6, 2, rotary=lambda x, p: x[..., :1]), X),
        ValueError,
        "attention: expected rotary to keep the shape and dtype of what it turns, "
        "float32[2, 2, 5, 3], got float32[2, 2, 5, 1].",
    ),
    (
        lambda: initialised(attention(6, 2, position_bias=alibi(3)), X),
        ValueError,
        "attention: expected position_bias of shape (2, 5, 5), got (3, 5, 5).",
    ),
    (
        lambda: initialised(fnn.replace(attention(6, 2), {"key": fnn.dense(3)}), X),
        ValueError,
        "attention: expected part key to give 2 heads of 3 features, got shape "
        "(2, 5, 3).",
    ),
]


@pytest.mark.parametrize("call, error, message", WRONG_OPTIONS + WRONG_INPUTS)
def test_message(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
