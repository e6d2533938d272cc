"""Pooling, window by window and bin by bin."""

import itertools
import math

import numpy as np

import fnn
from tests.proof.rows import EXACT, IMAGES, SEQUENCES, row, variant


def windows(x, window, stride, low, sizes):
    """By position of the output, the values of x in its window, and its zeros.

    One batch axis; ``{position: (values (batch, count, channels), zeros)}``.
    """
    found = {}
    for position in itertools.product(*map(range, sizes)):
        inside = []
        for tap in itertools.product(*map(range, window)):
            at = [
                p * s + t - pad
                for p, t, s, pad in zip(position, tap, stride, low, strict=True)
            ]
            if all(0 <= a < n for a, n in zip(at, x.shape[1:-1], strict=True)):
                inside.append(x[(slice(None), *at)])
        found[position] = np.stack(inside, 1), math.prod(window) - len(inside)
    return found


def largest(values, zeros):
    return values.max(1)


def mean(values, zeros):
    return values.sum(1) / (values.shape[1] + zeros)


def mean_of_values(values, zeros):
    return values.mean(1)


def pooled(reduce, window, stride, low, sizes):
    def equation(params, x):
        y = np.zeros((len(x), *sizes, x.shape[-1]))
        for at, part in windows(x, window, stride, low, sizes).items():
            y[(slice(None), *at)] = reduce(*part)
        return y

    return equation


def in_bins(reduce, size):
    """One batch axis; bin i of m holds what lies from i * n / m to (i + 1) * n / m."""

    def equation(params, x):
        space = x.shape[1:-1]
        y = np.zeros((len(x), *size, x.shape[-1]))
        for at in np.ndindex(*size):
            bins = tuple(
                slice(math.floor(i * n / m), math.ceil((i + 1) * n / m))
                for i, n, m in zip(at, space, size, strict=True)
            )
            part = x[(slice(None), *bins)]
            y[(slice(None), *at)] = reduce(part, axis=tuple(range(1, x.ndim - 1)))
        return y

    return equation


BY_TWO = ((2, 2), (2, 2), (0, 0), (2, 3))
SAME = ((3,), (2,), (1,), (3,))

ROWS = {
    "max_pool": [
        row(
            fnn.max_pool((2, 2)),
            IMAGES,
            equation=pooled(largest, *BY_TWO),
            errors=EXACT,
        ),
        variant(
            fnn.max_pool((3,), stride=2, padding="SAME"),
            SEQUENCES,
            equation=pooled(largest, *SAME),
            errors=EXACT,
        ),
    ],
    "avg_pool": [
        row(fnn.avg_pool((2, 2)), IMAGES, equation=pooled(mean, *BY_TWO)),
        variant(
            fnn.avg_pool((3,), stride=2, padding="SAME"),
            SEQUENCES,
            equation=pooled(mean, *SAME),
        ),
        variant(
            fnn.avg_pool((3,), stride=2, padding="SAME", count_padding=False),
            SEQUENCES,
            equation=pooled(mean_of_values, *SAME),
        ),
    ],
    "global_avg_pool": [
        row(fnn.global_avg_pool(2), IMAGES, equation=lambda _, x: x.sum((1, 2)) / 24)
    ],
    "global_max_pool": [
        row(
            fnn.global_max_pool(2),
            IMAGES,
            equation=lambda _, x: x.max((1, 2)),
            errors=EXACT,
        )
    ],
    "adaptive_avg_pool": [
        row(fnn.adaptive_avg_pool((3, 4)), IMAGES, equation=in_bins(np.mean, (3, 4)))
    ],
    "adaptive_max_pool": [
        row(
            fnn.adaptive_max_pool((3, 4)),
            IMAGES,
            equation=in_bins(np.max, (3, 4)),
            errors=EXACT,
        )
    ],
}
