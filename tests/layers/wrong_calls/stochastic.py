"""Layers that draw."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.layers.wrong_calls.inputs import DENSE, ROW, fnn, init

CALLS = [
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
]
