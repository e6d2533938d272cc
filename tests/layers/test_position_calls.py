"""Wrong calls of positions and their layers, and the sentences they get."""

import functools

import numpy as np
import pytest

from fnn.layers.positions import learned_positions, sinusoidal, sinusoidal_positions
from fnn.layers.relative_positions import alibi, rotary
from tests.layers.calling import X, called

learned = functools.partial(called, learned_positions(5))

WRONG_OPTIONS = [
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
