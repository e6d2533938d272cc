"""The largest value in each of windows that touch, and derivatives that cost little."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

MOST_TAPS = 32  # of a window, each of which is a slice


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def largest(x: Array, window: tuple[int, ...]) -> Array:
    """Maximum over windows, ``(batch..., *space, channels)`` to a part of space.

    Windows touch, and what is left over at the end is dropped. Where a value is NaN, so
    is the result; of equal values the first one in row-major order gets the gradient.

    The transpose of strided slices writes each value of ``x`` once for each of them.
    Here the derivative asks each position whether it was the largest of its window, by
    a number for each window that says where that was: as fast as reading ``x`` once.
    """
    return functools.reduce(lax.max, _taps(x, window))


@largest.defjvp
def _(window, primals, tangents):
    ((x,), (dx,)) = primals, tangents
    taps = _taps(x, window)
    y = functools.reduce(lax.max, taps)
    code = lax.full_like(y, 0, np.int8)
    for i, tap in reversed(list(enumerate(taps))):
        won = (tap == y) | (tap != tap)
        code = jnp.where(won, lax.full_like(code, i), code)
    rank = len(window)
    first = x.ndim - 1 - rank
    # Space cut into windows: (batch..., n, window, n, window, ..., channels).
    cut = [n for pair in zip(y.shape[first:-1], window, strict=True) for n in pair]
    inside = [first + 2 * i + 1 for i in range(rank)]
    dx = lax.reshape(_whole(dx, window), (*x.shape[:first], *cut, x.shape[-1]))
    numbers = np.ones(dx.ndim, int)
    numbers[inside] = window
    numbers = np.arange(len(taps), dtype=np.int8).reshape(numbers)
    won = jnp.expand_dims(code, inside) == numbers
    return y, jnp.sum(jnp.where(won, dx, jnp.zeros_like(dx)), inside)


def _taps(x: Array, window: tuple[int, ...]) -> list[Array]:
    """The first value of each window, the second of each, and so on."""
    x, rank = _whole(x, window), len(window)
    first = x.ndim - 1 - rank
    stride = (*(1,) * first, *window, 1)
    starts = ((*(0,) * first, *tap, 0) for tap in np.ndindex(*window))
    return [lax.slice(x, start, x.shape, stride) for start in starts]


def _whole(x: Array, window: Sequence[int]) -> Array:
    """Without what is left over at the end of each axis of space."""
    first = x.ndim - 1 - len(window)
    ends = [n // w * w for n, w in zip(x.shape[first:-1], window, strict=True)]
    return lax.slice(x, (0,) * x.ndim, (*x.shape[:first], *ends, x.shape[-1]))
