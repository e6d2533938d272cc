"""Wrong calls of attention and what stands around it, and the sentences they get."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.layers.multi_head_attention import attention
from fnn.layers.positions import learned_positions, sinusoidal, sinusoidal_positions
from fnn.layers.relative_positions import alibi, rotary
from fnn.layers.transformers import feed_forward, transformer_block

X, MEMORY = np.ones((2, 5, 6), np.float32), np.ones((2, 4, 3), np.float32)


def called(layer, *inputs, at=(X,), **named):
    """Applies a layer that was initialised at other inputs."""
    return layer.apply(layer.init(jax.random.key(0), *at), *inputs, **named)


def initialised(layer, *inputs, **named):
    return layer.init(jax.random.key(0), *inputs, **named)


own = functools.partial(called, attention(6, 2))
cross = functools.partial(called, attention(6, 2, cross=True), at=(X, MEMORY))
learned = functools.partial(called, learned_positions(5))
block = functools.partial(called, transformer_block(attention(6, 2), feed_forward(6)))


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
    (
        lambda: feed_forward(0),
        ValueError,
        "feed_forward: expected features of at least 1, got 0.",
    ),
    (
        lambda: feed_forward(6, hidden=0),
        ValueError,
        "feed_forward: expected hidden of at least 1, got 0.",
    ),
    (
        lambda: feed_forward(6, activation="gelu"),
        TypeError,
        "feed_forward: expected activation to be a function, got 'gelu'.",
    ),
    (
        lambda: feed_forward(6, gated=None),
        TypeError,
        "feed_forward: expected gated to be True or False, got None.",
    ),
    (
        lambda: feed_forward(6, dropout=-0.1),
        ValueError,
        "feed_forward: expected dropout in [0, 1), got -0.1.",
    ),
    (
        lambda: transformer_block(attention, feed_forward(6)),
        TypeError,
        "transformer_block, attention: expected a layer or a function of arrays, got "
        "the constructor attention; call it, attention(...).",
    ),
    (
        lambda: transformer_block(attention(6, 2), feed_forward(6), norm=None),
        TypeError,
        "transformer_block, norm: expected a layer or a function of arrays, got None.",
    ),
    (
        lambda: transformer_block(attention(6, 2), feed_forward(6), norm_first=0),
        TypeError,
        "transformer_block: expected norm_first to be True or False, got 0.",
    ),
    (
        lambda: transformer_block(attention(6, 2), feed_forward(6), dropout=2),
        ValueError,
        "transformer_block: expected dropout in [0, 1), got 2.",
    ),
    (
        lambda: learned_positions(0),
        ValueError,
        "learned_positions: expected count of at least 1, got 0.",
    ),
    (
        lambda: learned_positions(5, weight_init=0.02),
        TypeError,
        "learned_positions: expected weight_init to be a function, got 0.02.",
    ),
    (
        lambda: learned_positions(5, param_dtype=int),
        TypeError,
        "learned_positions: expected param_dtype to be a floating dtype, got int.",
    ),
    (
        lambda: sinusoidal_positions(base=0.0),
        ValueError,
        "sinusoidal_positions: expected base above 0, got 0.0.",
    ),
    (
        lambda: sinusoidal(np.arange(3), 0),
        ValueError,
        "sinusoidal: expected features of at least 1, got 0.",
    ),
    (
        lambda: sinusoidal(np.array([True]), 2),
        TypeError,
        "sinusoidal: expected positions of floating or integer dtype, got bool.",
    ),
    (
        lambda: sinusoidal("3", 2),
        TypeError,
        "sinusoidal: expected positions to be an array, got str.",
    ),
    (
        lambda: sinusoidal(np.arange(3), 2, base=-1.0),
        ValueError,
        "sinusoidal: expected base above 0, got -1.0.",
    ),
    (
        lambda: rotary(X[0, 0]),
        ValueError,
        "rotary: expected x of shape (..., time, features), got (6,).",
    ),
    (
        lambda: rotary(X, fraction=0.5),
        ValueError,
        "rotary: expected an even number of features to turn, got 3.",
    ),
    (
        lambda: rotary(X, fraction=1.5),
        ValueError,
        "rotary: expected fraction in (0, 1], got 1.5.",
    ),
    (
        lambda: rotary(X, np.arange(4)),
        ValueError,
        "rotary: expected positions that broadcast to (2, 5), got (4,).",
    ),
    (
        lambda: rotary(X, np.arange(5.0)),
        TypeError,
        "rotary: expected positions of integer dtype, got float64.",
    ),
    (
        lambda: alibi(0),
        ValueError,
        "alibi: expected heads of at least 1, got 0.",
    ),
    (
        lambda: alibi(2).apply((), np.zeros((2, 2), np.float32)),
        TypeError,
        "alibi: expected distance of integer dtype, got float32.",
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
    (
        lambda: initialised(transformer_block(attention(4, 2), feed_forward(6)), X),
        ValueError,
        "transformer_block: expected attention to keep the shape (2, 5, 6), "
        "got float32[2, 5, 4].",
    ),
    (
        lambda: block(X, memory=MEMORY),
        TypeError,
        "transformer_block: expected inputs by name among (bias, lengths, mask, "
        "positions), got memory.",
    ),
    (
        lambda: called(transformer_block(jnp.tanh, feed_forward(6)), X, mask=X),
        TypeError,
        "tanh: expected inputs by name among (none), got mask.",
    ),
    (
        lambda: learned(np.ones((2, 6, 6), np.float32)),
        ValueError,
        "learned_positions: expected at most 5 steps, as many as there are positions, "
        "got 6.",
    ),
    (
        lambda: learned(X[..., :4]),
        ValueError,
        "learned_positions: expected x of shape (..., time, 6), got (2, 5, 4).",
    ),
    (
        lambda: learned(X, positions=np.array([0, 1, 2, 3, 5])),
        ValueError,
        "learned_positions: expected positions in [0, 4], got 5.",
    ),
    (
        lambda: learned(X, positions=np.zeros((3, 5), int)),
        ValueError,
        "learned_positions: expected positions of shape (5,) or (2, 5), got (3, 5).",
    ),
    (
        lambda: learned(X, lengths=np.array([5, -1])),
        ValueError,
        "learned_positions: expected lengths in [0, 5], got -1.",
    ),
    (
        lambda: called(sinusoidal_positions(), X[0, 0]),
        ValueError,
        "sinusoidal_positions: expected x of shape (..., time, features), got (6,).",
    ),
    (
        lambda: called(sinusoidal_positions(), X.astype(int)),
        TypeError,
        "sinusoidal_positions: expected x of floating dtype, got int64.",
    ),
]


@pytest.mark.parametrize("call, error, message", WRONG_OPTIONS + WRONG_INPUTS)
def test_message(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
