"""Layers without parameters that only change the shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from fnn.contract import constructor
from fnn.layers.checks import check_array, check_count, is_int
from fnn.shapes import word


def _leading(owner: str, x: Any, n: int | None) -> tuple[int, ...]:
    """The axes of x that stay: the first, or all but the last n."""
    check_array(owner, x, None)
    least = 2 if n is None else n
    if x.ndim < least:
        raise ValueError(
            f"{owner}: expected x of at least {least} axes, got shape {x.shape}."
        )
    return x.shape[:1] if n is None else x.shape[: x.ndim - n]


@constructor
def flatten(n: int | None = None) -> Callable[..., Any]:
    """Joins axes into one: ``(batch, ...) -> (batch, features)``.

    Params: ``()``.

    Args:
      n: How many axes, counted from the end, are joined; at least 1. By default all but
        the first, so give it where there may be no batch axis, or several.

    Raises:
      TypeError: If ``n`` is no int, or ``x`` no array.
      ValueError: If ``n < 1``, or ``x`` has fewer axes than that (than 2 by default).

    Example:
      >>> fnn.flatten().apply((), jnp.ones((2, 4, 4, 3))).shape
      (2, 48)
      >>> fnn.flatten(2).apply((), jnp.ones((2, 4, 4, 3))).shape
      (2, 4, 12)
    """
    if n is not None:
        check_count("flatten", "n", n)

    def apply(x):
        leading = _leading("flatten", x, n)
        joined = math.prod(x.shape[len(leading) :])  # -1 can't tell it of an empty x
        return jnp.reshape(jnp.asarray(x), (*leading, joined))

    return apply


@constructor
def reshape(shape: Sequence[int], n: int | None = None) -> Callable[..., Any]:
    """Gives all axes but the first another shape: ``(batch, ...) -> (batch, *shape)``.

    Params: ``()``.

    Args:
      shape: The new lengths, of the same product; one may be -1, for what is left.
      n: How many axes, counted from the end, it replaces; by default all but the first.

    Raises:
      TypeError: If ``shape`` is no tuple of ints, ``n`` no int, or ``x`` no array.
      ValueError: If ``shape`` has a length below -1 or two of -1, ``n < 1``, or ``x``
        has fewer axes or another number of values.

    Example:
      >>> fnn.reshape((4, 4, -1)).apply((), jnp.ones((2, 48))).shape
      (2, 4, 4, 3)
      >>> fnn.reshape((2, 3), 1).apply((), jnp.ones((5, 7, 6))).shape
      (5, 7, 2, 3)
    """
    if not isinstance(shape, tuple | list) or not all(map(is_int, shape)):
        raise TypeError(
            f"reshape: expected shape to be a tuple of ints, got {word(shape)}."
        )
    if any(length < -1 for length in shape) or list(shape).count(-1) > 1:
        raise ValueError(
            "reshape: expected lengths of at least 0, or one -1, in shape, "
            f"got {word(shape)}."
        )
    if n is not None:
        check_count("reshape", "n", n)
    known = math.prod(length for length in shape if length != -1)

    def apply(x):
        leading = _leading("reshape", x, n)
        old = x.shape[len(leading) :]
        size = math.prod(old)
        fits = size == known if -1 not in shape else known and size % known == 0
        if not fits:
            raise ValueError(
                f"reshape: expected axes that fit into {word(tuple(shape))}, got {old}."
            )
        new = [size // known if length == -1 else length for length in shape]
        return jnp.reshape(jnp.asarray(x), (*leading, *new))

    return apply
