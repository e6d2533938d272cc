"""Wrong calls of a transformer's block and its feed-forward layer."""

import functools

import jax.numpy as jnp
import pytest

from fnn.layers.multi_head_attention import attention
from fnn.layers.transformers import feed_forward, transformer_block
from tests.layers.calling import MEMORY, X, called, initialised

block = functools.partial(called, transformer_block(attention(6, 2), feed_forward(6)))

WRONG_OPTIONS = [
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
]

WRONG_INPUTS = [
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
]


@pytest.mark.parametrize("call, error, message", WRONG_OPTIONS + WRONG_INPUTS)
def test_message(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
