"""The time axis of sequences: where it stands, and how long each sequence is."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from fnn.layers.checks import check_array, is_int
from fnn.shapes import word

Lead = tuple[int, ...]  # the lengths of the batch axes and, last, of time


def time_axis(owner: str, axis: Any, cell: Any) -> int:
    """Where time stands in a cell's sequences, counted from the end; None asks it."""
    if axis is None:
        return -1 - cell.form.step_axes
    if not is_int(axis):
        raise TypeError(f"{owner}: expected axis to be an int, got {word(axis)}.")
    if axis >= 0:
        raise ValueError(
            f"{owner}: expected axis counted from the end, such as -2, got {axis}."
        )
    return axis


def sequence(inputs: tuple, axis: int, *, batch: bool) -> tuple[Any, Lead]:
    """The input, and the lengths of its batch axes and of time."""
    if len(inputs) != 1:
        raise TypeError(f"recurrent: expected 1 input, got {len(inputs)}.")
    (x,) = inputs
    leaves = jax.tree.leaves(x)
    if not leaves:
        raise TypeError("recurrent: expected x with at least one array, got none.")
    leads = []
    for leaf in leaves:
        check_array("recurrent", leaf, None)
        if leaf.ndim < batch - axis:
            rest = ", ".join({-1: (), -2: ("features",)}.get(axis, ("...",)))
            time = f"time, {rest}" if rest else "time"
            raise ValueError(
                f"recurrent: expected x of shape ({'batch' if batch else '...'}, "
                f"{time}), got {leaf.shape}."
            )
        leads.append(leaf.shape[: leaf.ndim + axis + 1])
    other = [lead for lead in leads if lead != leads[0]]
    if other:
        raise ValueError(
            "recurrent: expected arrays of x with the same batch and time axes, "
            f"got {leads[0]} and {other[0]}."
        )
    return x, leads[0]


def check_lengths(lengths: Any, lead: Lead) -> None:
    """One length for each sequence, in range where they have values."""
    check_array("recurrent", lengths, "integer", "lengths")
    if lengths.shape != lead[:-1]:
        raise ValueError(
            f"recurrent: expected lengths of shape {lead[:-1]}, got {lengths.shape}."
        )
    if isinstance(lengths, Tracer | jax.ShapeDtypeStruct) or not lengths.size:
        return
    values = np.asarray(lengths)
    for value in (values.min(), values.max()):
        if not 0 <= int(value) <= lead[-1]:
            raise ValueError(
                f"recurrent: expected lengths in [0, {lead[-1]}], got {value}."
            )


def step_of(x: Any, lead: Lead) -> Any:
    """The shapes of one step of x."""
    batch = len(lead) - 1

    def of(leaf):
        shape = (*leaf.shape[:batch], *leaf.shape[batch + 1 :])
        return jax.ShapeDtypeStruct(shape, leaf.dtype)

    return jax.tree.map(of, x)


def where(going: Array, new: Any, old: Any) -> Any:
    """The new arrays for those of the batch that go on, the old ones for the others."""

    def choose(new, old):
        if new.shape[: going.ndim] != going.shape:
            raise ValueError(
                f"recurrent: expected a cell whose arrays have the batch axes "
                f"{going.shape} of lengths, got shape {new.shape}."
            )
        aligned = jnp.reshape(going, (*going.shape, *[1] * (new.ndim - going.ndim)))
        return jnp.where(jnp.broadcast_to(aligned, new.shape), new, old)

    return jax.tree.map(choose, new, old)


def _time_axis(shape: tuple[int, ...], lead: Lead) -> int:
    """Where time goes in an array of one step: after the batch axes, if it has them."""
    batch = lead[:-1]
    return len(batch) if shape[: len(batch)] == batch else 0


def with_time(leaf: Any, lead: Lead) -> jax.ShapeDtypeStruct:
    at = _time_axis(leaf.shape, lead)
    shape = (*leaf.shape[:at], lead[-1], *leaf.shape[at:])
    return jax.ShapeDtypeStruct(shape, leaf.dtype)


def time_after_batch(leaf: Array, lead: Lead) -> Array:
    return jnp.moveaxis(leaf, 0, _time_axis(leaf.shape[1:], lead))
