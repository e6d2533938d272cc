"""Every public layer, combinator and transform under the check of the whole contract.

A name that is exported and has neither a row here nor a reason to have none fails.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.testing import check_layer

ROW = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
SEQUENCE = np.random.default_rng(1).normal(size=(2, 5, 4)).astype(np.float32)
IMAGE = np.random.default_rng(2).normal(size=(2, 4, 6, 4)).astype(np.float32)
IDS = np.array([[1, 2, 0], [3, 1, 1]])

JOINS = {"skip": ["batch"]}  # all axes but the first are one example
WHOLE = {"skip": ["batch", "vmap"]}  # it takes no input: there is nothing to map
STOPS = {"skip": ["gradients"]}  # of what is frozen, or of vectors
CARRIES = {"skip": ["dtypes"]}  # what goes from copy to copy keeps its dtype
BALANCES = {"skip": ["batch", "dtypes"]}  # over all steps, in float32
ROUNDS = {"skip": ["gradients", "dtypes"], "tolerance": 0.01}  # to bfloat16


@fnn.module(first=fnn.dense(4), rest=[fnn.batch_norm(), jnp.tanh], none=None)
def wired(parts, x):
    for part in (parts.first, *parts.rest):
        x = part(x)
    return x + parts.first(x)


@fnn.transform
def doubled(layer, params, state, x, **named):
    y, state = layer.apply(params, state, x, **named)
    return 2 * y, state


@fnn.constructor
def scaled(factor):
    return lambda x: factor * x


BLOCK = fnn.sequential(fnn.dense(4), fnn.dropout(0.3), jnp.tanh)
NORMED = fnn.sequential(fnn.dense(4), fnn.batch_norm())
ATTENTION = fnn.attention(4, 2)

ROWS = {
    "adaptive_avg_pool": [(fnn.adaptive_avg_pool((2, 3)), IMAGE)],
    "adaptive_max_pool": [(fnn.adaptive_max_pool((2, 4)), IMAGE)],
    "attention": [(ATTENTION, SEQUENCE)],
    "avg_pool": [(fnn.avg_pool((2, 2)), IMAGE)],
    "batch_norm": [(fnn.batch_norm(), SEQUENCE)],
    "bidirectional": [(fnn.bidirectional(fnn.rnn_cell(3)), SEQUENCE)],
    "bilinear": [(fnn.bilinear(3), ROW, ROW[:, :2])],
    "capture": [(fnn.capture(NORMED, "0"), ROW)],
    "constructor": [(scaled(2.0), ROW)],
    "conv": [(fnn.conv(3, (3, 3), stride=2), IMAGE)],
    "conv_lstm_cell": [(fnn.conv_lstm_cell(3, (3, 3)), None, IMAGE[:, :2, :3])],
    "conv_transpose": [(fnn.conv_transpose(3, (3,), stride=2), SEQUENCE)],
    "dense": [(fnn.dense(3), SEQUENCE)],
    "drop_path": [(fnn.drop_path(0.5), SEQUENCE, JOINS)],
    "dropout": [(fnn.dropout(0.5), SEQUENCE)],
    "einsum": [(fnn.einsum("...n,nhd->...hd", {"h": 2, "d": 3}), SEQUENCE)],
    "embed": [(fnn.embed(5, 3), IDS)],
    "ensemble": [(fnn.ensemble(NORMED, 2), ROW, JOINS)],
    "evaluating": [(fnn.evaluating(NORMED), ROW)],
    "feed_forward": [(fnn.feed_forward(4, hidden=6), SEQUENCE)],
    "flatten": [(fnn.flatten(), IMAGE, JOINS), (fnn.flatten(2), IMAGE)],
    "freeze": [(fnn.freeze(BLOCK, "0/bias"), ROW, STOPS)],
    "gaussian_noise": [(fnn.gaussian_noise(0.5), SEQUENCE)],
    "global_avg_pool": [(fnn.global_avg_pool(2), IMAGE)],
    "global_max_pool": [(fnn.global_max_pool(2), IMAGE)],
    "group_norm": [(fnn.group_norm(2, space=2), IMAGE)],
    "gru_cell": [(fnn.gru_cell(3), np.ones((3, 3), np.float32), ROW)],
    "instance_norm": [(fnn.instance_norm(), IMAGE, JOINS)],
    "intercept": [(fnn.intercept(NORMED, "0", jnp.sin), ROW)],
    "layer_norm": [(fnn.layer_norm(), SEQUENCE)],
    "learned_positions": [(fnn.learned_positions(7), SEQUENCE)],
    "linear_recurrence": [(fnn.linear_recurrence(3), SEQUENCE)],
    "lora": [(fnn.lora(NORMED, 2), ROW, STOPS)],
    "lstm_cell": [(fnn.lstm_cell(3), None, ROW)],
    "map_parts": [(fnn.map_parts(lambda path, part: part, BLOCK), ROW)],
    "max_pool": [(fnn.max_pool((2, 2)), IMAGE)],
    "mixture_of_experts": [
        (fnn.mixture_of_experts(fnn.dense(3), 2), SEQUENCE, BALANCES)
    ],
    "mixed_precision": [(fnn.mixed_precision(BLOCK), ROW, ROUNDS)],
    "module": [(wired, ROW)],
    "parallel": [(fnn.parallel(BLOCK, NORMED, combine=sum), ROW)],
    "parameter": [(fnn.parameter((2, 3)), WHOLE)],
    "pixel_shuffle": [(fnn.pixel_shuffle((2, 2)), IMAGE)],
    "pixel_unshuffle": [(fnn.pixel_unshuffle((2, 2)), IMAGE)],
    "recurrent": [(fnn.recurrent(fnn.lstm_cell(3)), SEQUENCE)],
    "remat": [(fnn.remat(NORMED), ROW)],
    "repeat": [
        (fnn.repeat(BLOCK, 3), ROW, CARRIES),
        (fnn.repeat(NORMED, 2, remat=True), ROW, CARRIES),
    ],
    "replace": [(fnn.replace(BLOCK, {"2": jnp.sin}), ROW)],
    "reshape": [(fnn.reshape((2, 2), 1), SEQUENCE)],
    "residual": [(fnn.residual(BLOCK), ROW), (fnn.residual(BLOCK, NORMED), ROW)],
    "rms_norm": [(fnn.rms_norm(), SEQUENCE)],
    "rnn_cell": [(fnn.rnn_cell(3), None, ROW)],
    "separable_conv": [(fnn.separable_conv(3, (3, 3)), IMAGE)],
    "sequential": [(BLOCK, ROW), (fnn.sequential(a=NORMED, b=jnp.sin), ROW)],
    "sinusoidal_positions": [(fnn.sinusoidal_positions(), SEQUENCE)],
    "spectral_norm": [(fnn.spectral_norm(NORMED), ROW, STOPS)],
    "state_space": [(fnn.state_space(3), SEQUENCE)],
    "transform": [(doubled(BLOCK), ROW)],
    "transformer_block": [
        (fnn.transformer_block(ATTENTION, fnn.feed_forward(4, hidden=6)), SEQUENCE)
    ],
    "upsample": [(fnn.upsample((2, 3)), IMAGE)],
    "whole": [(fnn.whole(ATTENTION), SEQUENCE)],
    "weight_norm": [(fnn.weight_norm(NORMED), ROW)],
    "with_state": [(fnn.with_state(BLOCK), ROW)],
}

# What is public and makes no layer, or one that needs a test of its own.
NO_LAYERS = {
    "Layer": "rows are instances of it",
    "StatefulLayer": "rows are instances of it",
    "alibi": "a bias of attention logits",
    "decoding": "its state is a cache: tests/transforms/test_stepping.py",
    "from_paths": "a function of trees",
    "merge": "a function of trees",
    "merge_lora": "a function of params",
    "models": "a module",
    "paths": "a function of trees",
    "rotary": "a function of arrays",
    "sinusoidal": "a function of arrays",
    "split": "a function of trees",
    "stack_params": "a function of params",
    "steps_as": "its call holds a function: tests/transforms/test_stepping.py",
    "summary": "a function of layers",
    "testing": "a module",
    "training": "a module",
    "unstack_params": "a function of params",
}


def test_each_public_name_has_a_row_or_a_reason():
    assert {*ROWS} | {*NO_LAYERS} == {*fnn.__all__}
    assert not {*ROWS} & {*NO_LAYERS}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{name}-{i}")
        for name, rows in ROWS.items()
        for i, row in enumerate(rows)
    ],
)
def test_layer_keeps_the_contract(row):
    layer, *inputs = row
    options = inputs.pop() if inputs and isinstance(inputs[-1], dict) else {}
    check_layer(layer, *inputs, max_coordinates=40, **options)


def test_the_check_is_one_that_can_fail():
    @jax.custom_jvp
    def wrong(x):
        return jnp.sin(x)

    wrong.defjvp(lambda x, dx: (jnp.sin(x[0]), 1.01 * jnp.cos(x[0]) * dx[0]))
    layer = fnn.sequential(fnn.dense(3), functools.partial(wrong))
    with pytest.raises(AssertionError, match="0/weight"):
        check_layer(layer, ROW)
