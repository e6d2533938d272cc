"""Space made larger and smaller, a value at a time."""

import numpy as np

import fnn
from tests.proof.rows import EXACT, IMAGES, SEQUENCES, row, variant


def nearest(params, x):
    """By a factor of (2, 3)."""
    n, height, width, channels = x.shape
    y = np.zeros((n, 2 * height, 3 * width, channels))
    for i, j in np.ndindex(2 * height, 3 * width):
        y[:, i, j] = x[:, i // 2, j // 3]
    return y


def kernel(distance, method):
    """The weight of a value at a distance: a tent, or Keys' cubic of a = -1/2."""
    d = abs(distance)
    if method == "linear":
        return max(0.0, 1 - d)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def interpolated(x, axis, factor, method):
    """Along one axis, value by value."""
    rows = np.moveaxis(x.astype(np.float64), axis, 0)
    new = []
    for p in range(len(rows) * factor):
        at = (p + 0.5) / factor - 0.5
        weights = np.array([kernel(at - i, method) for i in range(len(rows))])
        new.append(np.tensordot(weights / weights.sum(), rows, 1))
    return np.moveaxis(np.array(new), 0, axis)


def linear(params, x):
    """By a factor of (2, 3)."""
    return interpolated(interpolated(x, 1, 2, "linear"), 2, 3, "linear")


def cubic(params, x):
    return interpolated(x, 1, 2, "cubic")


def shuffled(params, x):
    """``y[r * i + a, s * j + b, c] = x[i, j, (c * r + a) * s + b]``, r = s = 2."""
    y = np.zeros((len(x), 2 * x.shape[1], 2 * x.shape[2], x.shape[3] // 4))
    for i, j, a, b, c in np.ndindex(*x.shape[1:3], 2, 2, y.shape[-1]):
        y[:, 2 * i + a, 2 * j + b, c] = x[:, i, j, (c * 2 + a) * 2 + b]
    return y


def unshuffled(params, y):
    x = np.zeros((len(y), y.shape[1] // 2, y.shape[2] // 2, 4 * y.shape[3]))
    for i, j, a, b, c in np.ndindex(*x.shape[1:3], 2, 2, y.shape[-1]):
        x[:, i, j, (c * 2 + a) * 2 + b] = y[:, 2 * i + a, 2 * j + b, c]
    return x


ROWS = {
    "upsample": [
        row(fnn.upsample((2, 3)), IMAGES, equation=nearest, errors=EXACT),
        variant(fnn.upsample((2, 3), method="linear"), IMAGES, equation=linear),
        variant(fnn.upsample((2,), method="cubic"), SEQUENCES, equation=cubic),
    ],
    "pixel_shuffle": [
        row(fnn.pixel_shuffle((2, 2)), IMAGES, equation=shuffled, errors=EXACT)
    ],
    "pixel_unshuffle": [
        row(fnn.pixel_unshuffle((2, 2)), IMAGES, equation=unshuffled, errors=EXACT)
    ],
}
