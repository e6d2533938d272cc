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
MOST_ROWS = 16  # whose products are added up in registers, of taps times rows at most
MOST_PRODUCTS = 256


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
    spread = []
    for n, p, (low, _), w, s, d in zip(
        geometry.space,
        dy.shape[1:-1],
        geometry.pads,
        geometry.window,
        geometry.stride,
        geometry.dilation,
        strict=True,
    ):
        before = d * (w - 1) - low
        spread.append((before, n + d * (w - 1) - before - ((p - 1) * s + 1), s - 1))
    wide = lax.pad(dy, jnp.zeros((), dy.dtype), ((0, 0, 0), *spread, (0, 0, 0)))
    return _shifted_sum(wide, lax.rev(weight, (0, 1)), (1, 1), geometry.space, geometry)


def to_b(x: Array, dy: Array, geometry: Any, default: Any) -> Array:
    """For each tap, the sum over all positions of the shifted image times dy.

    A reduction over all positions would run on one number at a time. So each is
    written as so many rows' sum, which is elementwise, and a small reduction.
    """
    if _too_large(geometry):
        return default(x, dy, geometry)
    (height, width), channels = dy.shape[1:-1], dy.shape[-1]
    taps = list(_taps(geometry))
    most = max(1, min(MOST_ROWS, MOST_PRODUCTS // len(taps)))
    parts = -(-height // most)
    rows = -(-height // parts)
    more = rows * parts - height
    (top, bottom), sides = geometry.pads
    down, across = geometry.stride
    x = _padded(x, ((top, bottom + more * down), sides))
    dy = _padded(dy, ((0, more), (0, 0)))

    def sums(i: int, j: int) -> Array:
        """For each image, part of its rows, column and channel."""
        products = (
            _every(x, (i + r * down, j), (parts, width), (rows * down, across))
            * _every(dy, (r, 0), (parts, width), (rows, 1))
            for r in range(rows)
        )
        return functools.reduce(operator.add, products)

    # An image's sums side by side, so that it is still in the cache for the next tap.
    each = jnp.stack([sums(i, j) for i, j in taps], axis=1)
    return jnp.sum(each, (0, 2, 3)).reshape(*geometry.window, 1, channels)


def _too_large(geometry: Any) -> bool:
    return math.prod(geometry.window) > MOST_TAPS


def _taps(geometry: Any) -> Iterator[tuple[int, int]]:
    """How far down and across each tap of the window reaches."""
    down, across = geometry.dilation
    height, width = geometry.window
    return itertools.product(
        range(0, height * down, down), range(0, width * across, across)
    )


def _padded(x: Array, pads: Any) -> Array:
    config = ((0, 0, 0), *((low, high, 0) for low, high in pads), (0, 0, 0))
    return lax.pad(x, jnp.zeros((), x.dtype), config)


def _every(x: Array, start: Any, count: Any, stride: Any) -> Array:
    """So many rows and columns, every so many."""
    ends = (b + (n - 1) * s + 1 for b, n, s in zip(start, count, stride, strict=True))
    return lax.slice(
        x, (0, *start, 0), (x.shape[0], *ends, x.shape[-1]), (1, *stride, 1)
    )


def _shifted_sum(
    x: Array, weight: Array, stride: Any, count: Any, geometry: Any
) -> Array:
    """The convolution of a padded x, so many rows and columns of it."""
    weights = lax.reshape(weight, (math.prod(geometry.window), 1, 1, 1, x.shape[-1]))
    products = (
        _every(x, tap, count, stride) * w
        for tap, w in zip(_taps(geometry), weights, strict=True)
    )
    return functools.reduce(operator.add, products)
