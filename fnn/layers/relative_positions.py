"""Positions relative to each other: queries and keys turned, a bias of the logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from fnn.contract import constructor
from fnn.layers.checks import check_array, check_count, check_flags, check_number
from fnn.layers.dtypes import at_least_float32
from fnn.layers.positions import angles_of


def rotary(
    x: Any,
    positions: Any = None,
    *,
    base: float | Array = 10_000.0,
    fraction: float = 1.0,
    interleaved: bool = False,
) -> Array:
    """Turns pairs of features by their position, ``(..., time, n) -> (..., time, n)``.

    ``y[i], y[i + m] = turned(x[i], x[i + m])`` by the angle ``p * base ** (-i / m)``,
    for ``i < m = n / 2``; so the product of a query and a key depends on the distance
    between them alone. For ``attention(..., rotary=fnn.rotary)``, with options by
    `functools.partial`.

    Args:
      x: Queries or keys, floats.
      positions: Integers that broadcast to ``(..., time)``, as many axes or one; by
        default 0, 1, 2, ...
      base: The longest wavelength is about ``2 * pi * base`` steps; above 0.
      fraction: Which part of the features is turned, the first ones; in (0, 1].
      interleaved: Whether pairs are neighbours, ``(x[2 * i], x[2 * i + 1])``, as in the
        paper and GPT-J; else halves are paired as in GPT-NeoX and Llama.

    Raises:
      TypeError: If an input or an option is of the wrong kind.
      ValueError: If an option is out of range, the number of turned features is not
        even, or ``positions`` have another shape.

    Example:
      >>> q, k = jnp.array([[1.0, 2.0]]), jnp.array([[3.0, -1.0]])
      >>> near = fnn.rotary(q, jnp.array([2])) @ fnn.rotary(k, jnp.array([1])).T
      >>> far = fnn.rotary(q, jnp.array([12])) @ fnn.rotary(k, jnp.array([11])).T
      >>> bool(jnp.allclose(near, far, rtol=1e-4))
      True

    References:
      Su et al., RoFormer: enhanced transformer with rotary position embedding, 2021,
      equation 34.
    """
    check_array("rotary", x, "floating")
    if x.ndim < 2:
        raise ValueError(
            f"rotary: expected x of shape (..., time, features), got {x.shape}."
        )
    check_number("rotary", "base", base, "above 0", lambda v: v > 0)
    check_number("rotary", "fraction", fraction, "in (0, 1]", lambda v: 0 < v <= 1)
    check_flags("rotary", interleaved=interleaved)
    turned = int(x.shape[-1] * fraction)
    if turned % 2 or not turned:
        raise ValueError(
            f"rotary: expected an even number of features to turn, got {turned}."
        )
    x = jnp.asarray(x)
    if positions is None:
        positions = jnp.arange(x.shape[-2], dtype=jnp.int32)
    positions = _of_steps(x, positions)
    angles = angles_of(positions, turned, base, at_least_float32(x.dtype))
    sin, cos = jnp.sin(angles), jnp.cos(angles)
    first, second = _pairs(jnp.asarray(x[..., :turned], angles.dtype), interleaved)
    sin, cos = (jnp.broadcast_to(a, first.shape) for a in (sin, cos))
    both = first * cos - second * sin, second * cos + first * sin
    if interleaved:
        y = jnp.reshape(jnp.stack(both, axis=-1), (*x.shape[:-1], turned))
    else:
        y = jnp.concatenate(both, axis=-1)
    y = jnp.asarray(y, x.dtype)
    return jnp.concatenate([y, x[..., turned:]], axis=-1) if turned < x.shape[-1] else y


def _pairs(x: Array, interleaved: bool) -> tuple[Array, Array]:
    if interleaved:
        return x[..., ::2], x[..., 1::2]
    first, second = jnp.split(x, 2, axis=-1)
    return first, second


def _of_steps(x: Array, positions: Any) -> Array:
    """Positions with as many axes as the steps of x."""
    check_array("rotary", positions, "integer", "positions")
    steps = x.shape[:-1]
    want = steps[-1:] if positions.ndim == 1 else steps
    fits = positions.ndim == len(want) and all(
        got in (1, n) for got, n in zip(positions.shape, want, strict=True)
    )
    if not fits:
        raise ValueError(
            f"rotary: expected positions that broadcast to {steps}, "
            f"got {positions.shape}."
        )
    ones = (1,) * (len(steps) - positions.ndim)
    return jnp.reshape(jnp.asarray(positions), (*ones, *positions.shape))


@constructor
def alibi(heads: int) -> Callable[[Array], Array]:
    """Bias of attention that falls with the distance, ``(t, s) -> (heads, t, s)``.

    ``y[h] = -slope[h] * abs(distance)``, where slopes are ``2 ** (-8 * h / heads)`` for
    ``h`` from 1; if ``heads`` is no power of 2, those of the next lower power of 2,
    followed by every other one of the next higher. For ``attention(...,
    position_bias=fnn.alibi(heads))``.

    Params: ``()``.

    Args:
      heads: The number of heads of the attention; at least 1.

    Raises:
      TypeError: If ``heads`` is no int, or distances are no integers.
      ValueError: If ``heads < 1``.

    Example:
      >>> fnn.alibi(2).apply((), jnp.array([[-1, 1, 2]])).tolist()
      [[[-0.0625, -0.0625, -0.125]], [[-0.00390625, -0.00390625, -0.0078125]]]

    References:
      Press, Smith and Lewis, Train short, test long: attention with linear biases
      enables input length extrapolation, 2021, section 3.
    """
    check_count("alibi", "heads", heads)

    def powers(count):
        return 2.0 ** (-8 * np.arange(1, count + 1) / count)

    lower = 2 ** (heads.bit_length() - 1)
    slopes = np.concatenate([powers(lower), powers(2 * lower)[::2][: heads - lower]])

    def bias(distance):
        check_array("alibi", distance, "integer", "distance")
        far = jnp.broadcast_to(jnp.abs(distance)[None], (heads, *distance.shape))
        slope = jnp.asarray(slopes, jnp.float32).reshape(heads, *[1] * distance.ndim)
        return -slope * jnp.asarray(far, jnp.float32)

    return bias
