"""Which keys a query may attend to: masks, lengths, and their alignment."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from fnn.layers.checks import check_array
from fnn.ops.padding import before

Shape = tuple[int, ...]


def check_within(owner: str, name: str, values: Any, least: int, most: int) -> None:
    """Integers in an interval, as far as their values are known."""
    if isinstance(values, Tracer | jax.ShapeDtypeStruct) or not values.size:
        return
    values = np.asarray(values)
    for value in (values.min(), values.max()):
        if not least <= int(value) <= most:
            raise ValueError(
                f"{owner}: expected {name} in [{least}, {most}], got {value}."
            )


def check_lengths(
    owner: str, lengths: Any, batch: Shape, time: int, name: str = "lengths"
) -> None:
    """One length for each sequence."""
    check_array(owner, lengths, "integer", name)
    if lengths.shape != batch:
        raise ValueError(
            f"{owner}: expected {name} of shape {batch}, got {lengths.shape}."
        )
    check_within(owner, name, lengths, 0, time)


def without_padding(y: Array, lengths: Any) -> Array:
    """Zeros in place of the steps that are padding, ``(batch..., time, n)``."""
    kept = jnp.broadcast_to(before(lengths, y.shape[-2])[..., None], y.shape)
    return jnp.where(kept, y, jnp.zeros_like(y))


def aligned(owner: str, name: str, array: Any, full: Shape) -> Array:
    """A mask or bias with all axes of ``(batch..., heads, time, keys)``, full or 1.

    One of shape ``(time, keys)`` is that of every head. Any other rank is refused:
    ``(batch, time, keys)`` could pass for ``(heads, time, keys)``.
    """
    want = full[-2:] if array.ndim == 2 else full
    fits = len(want) == array.ndim and all(
        got in (1, n) for got, n in zip(array.shape, want, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{owner}: expected {name} of shape {full[-2:]} or {full}, 1 standing for "
            f"any length, got {array.shape}."
        )
    missing = (1,) * (len(full) - array.ndim)
    return jnp.reshape(jnp.asarray(array), (*missing, *array.shape))


def both(first: Array | None, second: Array | None) -> Array | None:
    """Where both masks allow it; None allows everything."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def distances(time: int, keys: int, start: Any = None) -> Array:
    """From each query to each key, negative to the left; queries start at `start`."""
    shape = (time, keys)
    distance = lax.broadcasted_iota(jnp.int32, shape, 1) - lax.broadcasted_iota(
        jnp.int32, shape, 0
    )
    return distance if start is None else distance - start


def near(distance: Array, left: int | None, right: int | None) -> Array | None:
    """Which distances to either side may be bridged; None where any."""
    allowed = None if right is None else distance <= right
    return allowed if left is None else both(allowed, -left <= distance)
