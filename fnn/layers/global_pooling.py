"""Pooling over all of space: one value for each channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from fnn.contract import constructor
from fnn.layers.checks import check_array, check_count
from fnn.layers.dtypes import at_least_float32


def _space(owner: str, x: Any, n: int | None, kinds: str) -> tuple[int, ...]:
    """The spatial axes of x: the n before the last, or all but the first and last."""
    check_array(owner, x, kinds)
    least = 3 if n is None else n + 1
    axes = tuple(range(1 if n is None else max(x.ndim - 1 - n, 0), x.ndim - 1))
    if x.ndim < least:
        raise ValueError(
            f"{owner}: expected x of at least {least} axes, got shape {x.shape}."
        )
    if any(x.shape[axis] < 1 for axis in axes):
        raise ValueError(f"{owner}: expected values to pool, got shape {x.shape}.")
    return axes


@constructor
def global_avg_pool(n: int | None = None) -> Callable[..., Any]:
    """Mean over space, ``(batch, *space, channels) -> (batch, channels)``.

    Values are summed in at least float32.

    Params: ``()``.

    Args:
      n: How many spatial axes there are before the last axis; at least 1. By default
        all but the first and last, so give it where there may be no batch axis, or
        several.

    Raises:
      TypeError: If ``n`` is no int, or ``x`` is not floating or complex.
      ValueError: If ``n < 1``, or ``x`` has too few axes or no values in space.

    Example:
      >>> fnn.global_avg_pool().apply((), jnp.ones((2, 7, 7, 3))).shape
      (2, 3)
    """
    if n is not None:
        check_count("global_avg_pool", "n", n)

    def apply(x):
        axes = _space("global_avg_pool", x, n, "floating or complex")
        x = jnp.asarray(x)
        wide = jnp.asarray(x, at_least_float32(x.dtype))
        return jnp.asarray(jnp.mean(wide, axes), x.dtype)

    return apply


@constructor
def global_max_pool(n: int | None = None) -> Callable[..., Any]:
    """Largest value over space, ``(batch, *space, channels) -> (batch, channels)``.

    Of equal values the first, in row-major order, gets the gradient.

    Params: ``()``.

    Args:
      n: How many spatial axes there are before the last axis; at least 1. By default
        all but the first and last, so give it where there may be no batch axis, or
        several.

    Raises:
      TypeError: If ``n`` is no int, or ``x`` is not floating or integer.
      ValueError: If ``n < 1``, or ``x`` has too few axes or no values in space.

    Example:
      >>> fnn.global_max_pool().apply((), jnp.ones((2, 7, 7, 3))).shape
      (2, 3)
    """
    if n is not None:
        check_count("global_max_pool", "n", n)

    def apply(x):
        axes = _space("global_max_pool", x, n, "floating or integer")
        size = math.prod(x.shape[axis] for axis in axes)
        flat = jnp.reshape(jnp.asarray(x), (*x.shape[: axes[0]], size, x.shape[-1]))
        first = jnp.argmax(flat, axis=-2, keepdims=True)
        return jnp.take_along_axis(flat, first, axis=-2)[..., 0, :]

    return apply
