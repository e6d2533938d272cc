"""Normalisations, by mean and variance of what each normalises together."""

import numpy as np

import fnn
from tests.proof.rows import IMAGES, JOINS, SEQUENCES, row, variant


def standardised(x, axes, eps=1e-5):
    """Mean 0 and variance 1, the mean square about the mean, over the axes."""
    mean = x.mean(axes, keepdims=True)
    var = ((x - mean) ** 2).mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def gained(params, x):
    return x * params["scale"] + params["bias"]


def batch_norm(params, state, x, train=False):
    if not train:
        y = (x - state["mean"]) / np.sqrt(state["var"] + 1e-5)
        return gained(params, y), state
    axes = tuple(range(x.ndim - 1))
    new = {"mean": x.mean(axes), "var": x.var(axes, ddof=1)}
    state = {name: 0.9 * state[name] + 0.1 * new[name] for name in state}
    return gained(params, standardised(x, axes)), state


def layer_norm(params, x):
    return gained(params, standardised(x, -1))


def layer_norm_of_rows(params, x):
    scale, bias = (params[name][:, :, None] for name in ("scale", "bias"))
    return standardised(x, (1, 2)) * scale + bias


def rms_norm(params, x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * params["scale"]


def group_norm(params, x):
    """Two groups of channels, of each image by itself."""
    halves = [standardised(half, (1, 2, 3)) for half in np.split(x, 2, -1)]
    return gained(params, np.concatenate(halves, -1))


def instance_norm(params, x):
    return gained(params, standardised(x, (1, 2)))


ROWS = {
    "batch_norm": [
        row(fnn.batch_norm(), SEQUENCES, equation=batch_norm, train=(False, True))
    ],
    "layer_norm": [
        row(fnn.layer_norm(), SEQUENCES, equation=layer_norm),
        variant(fnn.layer_norm(axis=(-3, -2)), IMAGES, equation=layer_norm_of_rows),
    ],
    "rms_norm": [row(fnn.rms_norm(), SEQUENCES, equation=rms_norm)],
    "group_norm": [row(fnn.group_norm(2, space=2), IMAGES, equation=group_norm)],
    "instance_norm": [
        row(fnn.instance_norm(), IMAGES, equation=instance_norm, skip=JOINS)
    ],
}
