"""Dense convolution of two axes on a CPU, as products of matrices where these win.

XLA's gradient of a weight convolves with a window as large as the image, which takes
up to eight times as long as the same numbers of multiplications in the other products.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

# Bytes of both matrices whose product is added to the gradient of a weight at a time:
# they stay in a core's cache between being laid out and being multiplied.
BLOCK = 3 << 20
FEWEST_COLUMNS = 16  # of either matrix, below which XLA's own form is as fast
# Positions of an image, below which that is so with a stride: it wastes some products.
FEWEST_POSITIONS = 256


def to_y(x: Array, weight: Array, geometry: Any, default: Any) -> Array:
    """A product of matrices where the window is 1."""
    if not _pointwise(geometry):
        return default(x, weight, geometry)
    return _every(x, geometry) @ weight[0, 0]


def to_a(dy: Array, weight: Array, geometry: Any, default: Any) -> Array:
    """A product of matrices where the window is 1; zeros between with a stride."""
    if not _pointwise(geometry):
        return default(dy, weight, geometry)
    pads = (
        (0, n - ((p - 1) * s + 1), s - 1)
        for n, p, s in zip(geometry.space, dy.shape[1:-1], geometry.stride, strict=True)
    )
    return _padded(dy @ weight[0, 0].T, *pads)


def to_b(x: Array, dy: Array, geometry: Any, default: Any) -> Array:
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
    if (
        geometry.dilation != (1, 1)
        or min(of_x, of_dy) < FEWEST_COLUMNS
        or (down > 1 and rows * columns < FEWEST_POSITIONS)
    ):
        return default(x, dy, geometry)
    # Row `down * q + r` of the padded x meets row `q - a` of dy at tap `down * a + r`:
    # r goes beside x, a beside dy, and q over the rows where x is not all padding.
    (low, _), sides = geometry.pads
    first, last = low // down, (low + x.shape[1] - 1) // down
    count = last + 1 - first
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
