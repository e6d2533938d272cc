"""Linear recurrences."""

import jax.numpy as jnp

from tests.layers.wrong_calls.inputs import RING, ROW, SEQUENCE, fnn, init

CALLS = [
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
