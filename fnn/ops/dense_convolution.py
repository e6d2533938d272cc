"""Dense convolution of two axes on a CPU.

XLA's gradient of a weight convolves with a window as large as the image, which takes up
to eight times as long as as many multiplications do elsewhere: a product of matrices is
faster. And where XLA still convolves, arrays have their axes in its own order (images,
height, width, channels): in a loop of a program, such as `jax.lax.scan`, others make it
fall back to a form that took 10 to 40 times as long (JAX 0.10 and 0.12).
"""

from __future__ import annotations

import functools
from importlib import metadata
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

AXES = ("NHWC", "HWIO", "NHWC")

# XLA hands convolutions of stride 1 to a library, YNNPACK, unless more rows come out
# than go in. From so many channels on, of x as of y, its own form is faster, even with
# a row that nobody asked for. Since which version of jaxlib, and how many:
# `python -m benchmarks.ops.convolution`, of 0.10.2 and 0.12.0.
FEWEST_CHANNELS = {(0, 10): 32, (0, 12): 256}
MOST_ROWS = 0.25  # more than were asked for

# Bytes of both matrices whose product is added to the gradient of a weight at a time:
# they stay in a core's cache between being laid out and being multiplied.
BLOCK = 3 << 20
FEWEST_COLUMNS = 16  # of either matrix, below which XLA's own form is as fast
# Multiplications by those that are needed: rows of x that dy does not reach with every
# tap, and taps beyond the window where its height is no multiple of the stride.
MOST_MULTIPLICATIONS = 1.45


def to_y(x: Array, weight: Array, geometry: Any, default: Any) -> Array:
    """A product of matrices where the window is 1, and else with a row more."""
    if _pointwise(geometry):
        return _every(x, geometry) @ weight[0, 0]
    rows = geometry.shape_of_y(x, weight)[1]
    more = _rows_more(x, weight, rows, geometry.stride)
    (low, high), across = geometry.pads
    wider = geometry._replace(pads=((low, high + more), across))
    return default(x, weight, wider)[:, :rows]


def to_a(dy: Array, weight: Array, geometry: Any, _: Any) -> Array:
    """The convolution of the spread-out dy with the window turned round."""
    pads = geometry.pads_of_dy
    if _pointwise(geometry):
        spread = ((*pair, s - 1) for pair, s in zip(pads, geometry.stride, strict=True))
        return _padded(dy @ weight[0, 0].T, *spread)
    turned, rows = lax.rev(weight, (0, 1)).swapaxes(2, 3), geometry.space[0]
    more = _rows_more(dy, turned, rows, geometry.stride)
    (low, high), across = pads
    dx = lax.conv_general_dilated(
        dy,
        turned,
        (1, 1),
        ((low, high + more), across),
        lhs_dilation=geometry.stride,
        rhs_dilation=geometry.dilation,
        dimension_numbers=AXES,
    )
    return dx[:, :rows]


def to_b(x: Array, dy: Array, geometry: Any, _: Any) -> Array:
    """A product of matrices for all taps at once, added up over blocks of images.

    With all taps of the window beside each other in a row of one matrix, as usual,
    there would be as many copies of x as there are taps. Here those along the width are
    columns of x, and those along the height columns of dy: twice three instead of nine.
    """
    if _pointwise(geometry):
        return _product(_every(x, geometry), dy)[None, None]
    (height, width), (down, across) = geometry.window, geometry.stride
    (rows, columns), (channels, features) = dy.shape[1:-1], (x.shape[-1], dy.shape[-1])
    shifts = -(-height // down)
    of_x, of_dy = down * width * channels, shifts * features
    # Row `down * q + r` of the padded x meets row `q - a` of dy at tap `down * a + r`:
    # r goes beside x, a beside dy, and q over the rows where x is not all padding.
    (low, _), sides = geometry.pads
    first, last = low // down, (low + x.shape[1] - 1) // down
    count = last + 1 - first
    if (
        geometry.dilation != (1, 1)
        or min(of_x, of_dy) < FEWEST_COLUMNS
        or count * down * shifts > MOST_MULTIPLICATIONS * rows * height
    ):
        return _by_convolution(x, dy, geometry)
    around = (low - down * first, down * (last + 1) - low - x.shape[1], 0)

    def of_block(x: Array, dy: Array) -> Array:
        x = _padded(x, around, (*sides, 0))
        dy = _padded(dy, (shifts - 1 - first, last + 1 - rows, 0), (0, 0, 0))
        end = (columns - 1) * across + 1
        shifted_x = [
            x[:, r::down, j : j + end : across]
            for r in range(down)
            for j in range(width)
        ]
        shifted_dy = [
            lax.slice_in_dim(dy, shifts - 1 - a, shifts - 1 - a + count, axis=1)
            for a in range(shifts)
        ]
        return _product(jnp.concatenate(shifted_x, -1), jnp.concatenate(shifted_dy, -1))

    size = count * columns * (of_x + of_dy) * x.dtype.itemsize
    total = _over_blocks(of_block, x, dy, max(1, BLOCK // size))
    taps = total.reshape(down, width, channels, shifts, features)
    taps = taps.transpose(3, 0, 1, 2, 4).reshape(-1, width, channels, features)
    return taps[:height]


def _rows_more(x: Array, weight: Array, rows: int, stride: Any) -> int:
    """How many rows to compute beyond those asked for."""
    more = x.shape[1] + 1 - rows
    asked = (
        tuple(stride) == (1, 1)
        and x.dtype == jnp.float32
        and min(weight.shape[-2:]) >= _fewest_channels()
        and 0 < more <= MOST_ROWS * rows
    )
    return more if asked else 0


@functools.cache
def _fewest_channels() -> float:
    version = tuple(map(int, metadata.version("jaxlib").split(".")[:2]))
    known = [since for since in FEWEST_CHANNELS if since <= version]
    return FEWEST_CHANNELS[max(known)] if known else float("inf")


def _by_convolution(x: Array, dy: Array, geometry: Any) -> Array:
    """What XLA does: channels in the place of images, these in that of channels."""
    sizes = zip(
        geometry.space,
        geometry.pads,
        geometry.reach,
        dy.shape[1:-1],
        geometry.stride,
        strict=True,
    )
    taps = lax.conv_general_dilated(
        x.transpose(3, 1, 2, 0),
        dy.transpose(1, 2, 0, 3),
        geometry.dilation,
        [(low, (p - 1) * s + r - low - n) for n, (low, _), r, p, s in sizes],
        rhs_dilation=geometry.stride,
        dimension_numbers=AXES,
    )
    return taps.transpose(1, 2, 0, 3)


def _over_blocks(f: Any, x: Array, dy: Array, most: int) -> Array:
    """``f(x, dy)``, which is a sum over images, at most so many of them at a time."""
    images = x.shape[0]
    each = max(n for n in range(1, min(images, most) + 1) if images % n == 0)
    x, dy = (a.reshape(-1, each, *a.shape[1:]) for a in (x, dy))

    def add(i: int, total: Array) -> Array:
        return total + f(x[i], dy[i])

    return lax.fori_loop(1, images // each, add, f(x[0], dy[0]))


def _product(a: Array, b: Array) -> Array:
    """The sum over all axes but the last of a's last axis times b's."""
    axes = tuple(range(a.ndim - 1))
    return lax.dot_general(a, b, ((axes, axes), ((), ())))


def _pointwise(geometry: Any) -> bool:
    return geometry.window == (1, 1) and geometry.pads == ((0, 0), (0, 0))


def _every(x: Array, geometry: Any) -> Array:
    """The positions that a window of 1 takes."""
    down, across = geometry.stride
    return x[:, ::down, ::across]


def _padded(x: Array, *space: tuple[int, int, int]) -> Array:
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *space, (0, 0, 0)))
