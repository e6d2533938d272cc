"""Pooling: the largest or the mean value in each window, channel by channel."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from fnn.contract import Layer, constructor
from fnn.layers.checks import check_array, check_flags, check_params
from fnn.layers.dtypes import at_least_float32
from fnn.layers.windows import (
    AXES,
    Pads,
    check_fit,
    check_space,
    padding_of,
    per_axis,
    same_padding,
    window_of,
)
from fnn.ops.pooling import MOST_TAPS, largest

# Up to this length, windows along an axis are that many strided slices: on a CPU
# several times as fast as XLA's own reduction over windows, which serves longer ones.
LONGEST_SLICED = 32


class Reduction(NamedTuple):
    """How the values in a window become one."""

    combine: Callable[[Array, Array], Array]
    monoid: Any  # the same, as `lax.reduce_window` knows it


def _first_largest(a: Array, b: Array) -> Array:
    """The larger one, the first of two equal ones; NaN where there is one."""
    return jnp.where((b > a) | (b != b), b, a)


LARGEST, SUM = Reduction(_first_largest, lax.max), Reduction(jnp.add, lax.add)


@constructor
def max_pool(
    window: Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: str | int | Sequence[int | Sequence[int]] = "VALID",
) -> Layer:
    """Largest value in each window, ``(batch..., *space, channels)`` made smaller.

    ``y[p] = max_t x[stride * p + t - low]`` over the positions ``t`` of the window,
    where ``low`` is the padding before the first value; padding is never the largest.
    Of equal values the first, in row-major order, gets the gradient. Integers work as
    well.

    Params: ``()``.

    Args:
      window: Lengths of the window, one for each spatial axis, such as ``(2, 2)``.
      stride: Steps between windows; an int, or one for each axis. By default the
        window's own lengths, so that windows touch.
      padding: ``"VALID"`` leaves out windows that don't fit; ``"SAME"`` gives
        ``ceil(size / stride)`` outputs, the odd value of padding at the end. Or how
        much to pad, less than the window: an int, or for each axis an int or a pair
        ``(low, high)``.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or integer.
      ValueError: If an option is out of range, a spatial axis is missing or empty, or
        ``x`` is smaller than the window.

    Example:
      >>> fnn.max_pool((2, 2)).apply((), jnp.arange(16.0).reshape(1, 4, 4, 1)).ravel()
      Array([ 5.,  7., 13., 15.], dtype=float32)
    """
    options = _options("max_pool", window, stride, padding)

    def init(key, x):
        check_array("max_pool", x, "floating or integer")
        check_space("max_pool", x, len(window), batch=True)
        return ()

    def apply(params, x):
        check_params("max_pool", params, {})
        check_array("max_pool", x, "floating or integer")
        check_space("max_pool", x, len(window), batch=False)
        x = jnp.asarray(x)
        floating = jnp.issubdtype(x.dtype, jnp.floating)
        lowest = -jnp.inf if floating else jnp.iinfo(x.dtype).min
        return _pool("max_pool", x, options, LARGEST, lowest)[0]

    return Layer(init, apply)


@constructor
def avg_pool(
    window: Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: str | int | Sequence[int | Sequence[int]] = "VALID",
    count_padding: bool = True,
) -> Layer:
    """Mean of each window, ``(batch..., *space, channels)`` made smaller.

    ``y[p] = 1 / n * sum_t x[stride * p + t - low]`` over the positions ``t`` of the
    window, where ``low`` is the padding before the first value. Values are summed in at
    least float32.

    Params: ``()``.

    Args:
      window: Lengths of the window, one for each spatial axis, such as ``(2, 2)``.
      stride: Steps between windows; an int, or one for each axis. By default the
        window's own lengths, so that windows touch.
      padding: ``"VALID"`` leaves out windows that don't fit; ``"SAME"`` gives
        ``ceil(size / stride)`` outputs, the odd zero of padding at the end. Or how many
        zeros, fewer than the window is long: an int, or for each axis an int or a pair
        ``(low, high)``.
      count_padding: Whether ``n`` is always the size of the window, as if padding were
        values, or only the number of values in it.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If an option is out of range, a spatial axis is missing or empty, or
        ``x`` is smaller than the window.

    Example:
      >>> fnn.avg_pool((2, 2)).apply((), jnp.arange(16.0).reshape(1, 4, 4, 1)).ravel()
      Array([ 2.5,  4.5, 10.5, 12.5], dtype=float32)
    """
    options = _options("avg_pool", window, stride, padding)
    check_flags("avg_pool", count_padding=count_padding)

    def init(key, x):
        check_array("avg_pool", x)
        check_space("avg_pool", x, len(window), batch=True)
        return ()

    def apply(params, x):
        check_params("avg_pool", params, {})
        check_array("avg_pool", x)
        check_space("avg_pool", x, len(window), batch=False)
        x = jnp.asarray(x)
        wide = jnp.asarray(x, at_least_float32(x.dtype))
        total, pads = _pool("avg_pool", wide, options, SUM, 0)
        counts = math.prod(options.window)
        if not count_padding:
            sizes = x.shape[-len(window) - 1 : -1]
            values = _values_in_windows(sizes, pads, options)
            counts = jnp.broadcast_to(jnp.asarray(values)[..., None], total.shape)
        return jnp.asarray(total / jnp.asarray(counts, total.dtype), x.dtype)

    return Layer(init, apply)


# ----------------------------------------------------------------------------- windows
class _Windows(NamedTuple):
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | Pads


def _options(owner: str, window: Any, stride: Any, padding: Any) -> _Windows:
    window = window_of(owner, window)
    rank = len(window)
    stride = window if stride is None else per_axis(owner, "stride", stride, rank)
    padding = padding_of(owner, padding, rank, ("SAME", "VALID"))
    if not isinstance(padding, str):
        for pair, length in zip(padding, window, strict=True):
            if max(pair) >= length:  # a window of padding alone has no value
                raise ValueError(
                    f"{owner}: expected padding less than the window {window}, "
                    f"got {padding}."
                )
    return _Windows(window, stride, padding)


def _pool(
    owner: str, x: Array, options: _Windows, reduction: Reduction, filler: float
) -> tuple[Array, Pads]:
    """The windows of x, each reduced to one value, and how x was padded."""
    window, stride, padding = options
    rank = len(window)
    sizes = x.shape[-rank - 1 : -1]
    if padding == "SAME":
        pads = tuple(map(same_padding, sizes, window, stride))
    else:
        pads = ((0, 0),) * rank if isinstance(padding, str) else padding
    check_fit(owner, sizes, pads, window)
    for name, size in zip(AXES[rank], sizes, strict=True):
        if size < 1:  # padding alone has no largest value and no mean
            raise ValueError(f"{owner}: expected {name} of at least 1, got {size}.")
    if any(map(any, pads)):
        around = [(0, 0, 0)] * (x.ndim - rank - 1)
        around += [(low, high, 0) for low, high in pads] + [(0, 0, 0)]
        x = lax.pad(x, jnp.asarray(filler, x.dtype), around)
    touching = window == stride and math.prod(window) <= MOST_TAPS
    if reduction is LARGEST and touching and jnp.issubdtype(x.dtype, jnp.floating):
        return largest(x, window), pads
    # One axis after another, the last first: of equal values the first in row-major
    # order wins, as it would in the whole window.
    for i in reversed(range(rank)):
        axis = x.ndim - 1 - rank + i
        x = _slide(x, axis, window[i], stride[i], reduction, filler)
    return x, pads


def _slide(
    x: Array, axis: int, length: int, stride: int, reduction: Reduction, filler: float
) -> Array:
    """Windows along one axis."""
    if length > LONGEST_SLICED:
        ones = [1] * x.ndim
        lengths, strides = [*ones], [*ones]
        lengths[axis], strides[axis] = length, stride
        start = np.asarray(filler, x.dtype)
        return lax.reduce_window(x, start, reduction.monoid, lengths, strides, "VALID")
    span = (x.shape[axis] - length) // stride * stride + 1
    slices = (
        lax.slice_in_dim(x, first, first + span, stride, axis)
        for first in range(length)
    )
    return functools.reduce(reduction.combine, slices)


def _values_in_windows(sizes: Sequence[int], pads: Pads, options: _Windows) -> Any:
    """How many values of x each window holds, in the shape of the output's space."""
    counts = np.ones(())
    for size, (low, high), length, stride in zip(
        sizes, pads, options.window, options.stride, strict=True
    ):
        padded = np.pad(np.ones(size, np.float32), (low, high))
        windows = np.lib.stride_tricks.sliding_window_view(padded, length)[::stride]
        counts = np.multiply.outer(counts, windows.sum(-1))
    return counts.astype(np.float32)
