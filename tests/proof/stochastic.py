"""What draws in training: JAX draws, the rest is written out."""

import jax
import numpy as np

import fnn
from tests.proof.rows import JOINS, SEQUENCES, row, variant


def zeroed(x, shape, key):
    """Times 0 or 1 / (1 - rate), for a rate of 0.25."""
    *first, last = shape
    words = np.asarray(jax.random.bits(key, (*first, -(-last // 2)), np.uint32))
    return x * (words.view(np.uint16)[..., :last] >= 0.25 * 2**16) / 0.75


def dropout(params, x, train=False, key=None):
    return zeroed(x, x.shape, key) if train else x


def dropout_of_features(params, x, train=False, key=None):
    """One draw for all steps of a sequence."""
    return zeroed(x, (2, 1, 4), key) if train else x


def drop_path(params, x, train=False, key=None):
    return zeroed(x, (2, 1, 1), key) if train else x


def gaussian_noise(params, x, train=False, key=None):
    return x + 0.5 * np.asarray(jax.random.normal(key, x.shape)) if train else x


BOTH = {"train": (False, True)}

ROWS = {
    "dropout": [
        row(fnn.dropout(0.25), SEQUENCES, equation=dropout, **BOTH),
        variant(
            fnn.dropout(0.25, broadcast=-2),
            SEQUENCES,
            equation=dropout_of_features,
            **BOTH,
        ),
    ],
    "drop_path": [
        row(fnn.drop_path(0.25), SEQUENCES, equation=drop_path, skip=JOINS, **BOTH)
    ],
    "gaussian_noise": [
        row(fnn.gaussian_noise(0.5), SEQUENCES, equation=gaussian_noise, **BOTH)
    ],
}
