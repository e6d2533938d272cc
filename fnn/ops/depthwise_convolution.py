"""Depthwise convolution on a CPU: each channel by itself, all of them side by side.

XLA's own goes through one channel at a time. Here an image is shifted by each tap of
the window and multiplied by that tap's weights, so that channels fill vectors.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

MOST_TAPS = 64  # each is an operation of its own
MOST_ROWS = 16  # whose products are added up in registers,
MOST_PRODUCTS = 256  # and most of these, over all taps


def to_y(x: Array, weight: Array, geometry: Any, default: Any) -> Array:
    """The sum over taps of the shifted image times the tap's weights."""
    if _too_large(geometry):
        return default(x, weight, geometry)
    space = geometry.shape_of_y(x, weight)[1:-1]
    x = _padded(x, geometry.pads)
    return _shifted_sum(x, weight, geometry.stride, space, geometry)


def to_a(dy: Array, weight: Array, geometry: Any, default: Any) -> Array:
    """The convolution of the spread-out dy with the window turned round."""
    if _too_large(geometry):
        return default(dy, weight, geometry)
    rank = len(geometry.window)
    dy = _padded(dy, geometry.pads_of_dy, [s - 1 for s in geometry.stride])
    turned = lax.rev(weight, range(rank))
    return _shifted_sum(dy, turned, (1,) * rank, geometry.space, geometry)


def to_b(x: Array, dy: Array, geometry: Any, default: Any) -> Array:
    """For each tap, the sum over all positions of the shifted image times dy.

    A reduction over all positions would run on one number at a time. So each is
    written as so many rows' sum, which is elementwise, and a small reduction.
    """
    if _too_large(geometry):
        return default(x, dy, geometry)
    height, *others = dy.shape[1:-1]
    taps = list(_taps(geometry))
    most = max(1, min(MOST_ROWS, MOST_PRODUCTS // len(taps)))
    parts = -(-height // most)
    rows = -(-height // parts)
    more = rows * parts - height
    (top, bottom), *sides = geometry.pads
    down, *across = geometry.stride
    x = _padded(x, [(top, bottom + more * down), *sides])
    dy = _padded(dy, [(0, more), *((0, 0) for _ in others)])
    zeros, ones = [0] * len(others), [1] * len(others)

    def sums(i: int, *tap: int) -> Array:
        """For each image, part of its rows, and all that is not a row."""
        count = parts, *others
        products = (
            _every(x, (i + r * down, *tap), count, (rows * down, *across))
            * _every(dy, (r, *zeros), count, (rows, *ones))
            for r in range(rows)
        )
        return functools.reduce(operator.add, products)

    # An image's sums side by side, so that it is still in the cache for the next tap.
    each = jnp.stack([sums(*tap) for tap in taps], axis=1)
    total = jnp.sum(each, (0, *range(2, each.ndim - 1)))
    return total.reshape(*geometry.window, 1, x.shape[-1])


def _too_large(geometry: Any) -> bool:
    return math.prod(geometry.window) > MOST_TAPS


def _taps(geometry: Any) -> Iterator[tuple[int, ...]]:
    """How far along each axis each tap of the window reaches."""
    sizes = zip(geometry.window, geometry.dilation, strict=True)
    return itertools.product(*(range(0, n * d, d) for n, d in sizes))


def _padded(x: Array, pads: Any, between: Any = None) -> Array:
    """Zeros around space, and so many between its values."""
    inside = [0] * len(pads) if between is None else between
    space = ((low, high, n) for (low, high), n in zip(pads, inside, strict=True))
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *space, (0, 0, 0)))


def _every(x: Array, start: Any, count: Any, stride: Any) -> Array:
    """So many values along each axis of space, every so many."""
    ends = (b + (n - 1) * s + 1 for b, n, s in zip(start, count, stride, strict=True))
    return lax.slice(
        x, (0, *start, 0), (x.shape[0], *ends, x.shape[-1]), (1, *stride, 1)
    )


def _shifted_sum(
    x: Array, weight: Array, stride: Any, count: Any, geometry: Any
) -> Array:
    """The convolution of a padded x, at so many positions along each axis."""
    taps = list(_taps(geometry))
    weights = lax.reshape(weight, (len(taps), *(1,) * (x.ndim - 1), x.shape[-1]))
    products = (
        _every(x, tap, count, stride) * w for tap, w in zip(taps, weights, strict=True)
    )
    return functools.reduce(operator.add, products)
