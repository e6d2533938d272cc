"""What attention keeps: keys and values so far, and those of a memory.

Each is a part without parameters: in the form for whole sequences it hands on what it
gets, and `decoding` puts the one with a cache in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer

from fnn.checks import check_empty
from fnn.contract import Layer, StatefulLayer, constructor
from fnn.ops.writing import write
from fnn.shapes import shown, spec
from fnn.transforms.stepping import advanced, no_steps, steps_as

Rotary = Callable[[Array, Array], Array]  # (x, positions) -> x


@constructor
def keys_at_once(rotary: Rotary | None, causal: bool) -> Layer:
    """Queries, keys and values of a whole sequence, rotated by their positions."""

    def init(key, q, k, v, positions, lengths):
        if q.ndim < 4:
            raise ValueError(
                "attention: expected x of shape (batch, time, features) at init, "
                "got no batch axis."
            )
        return ()

    def apply(params, q, k, v, positions, lengths):
        check_empty(params, "attention: expected no params of its cache")
        if positions is None:
            positions = jnp.arange(q.shape[-2], dtype=jnp.int32)
        return rotated(rotary, q, positions), rotated(rotary, k, positions), v, None

    def decode(length):
        if not causal:
            raise ValueError(
                "attention: expected causal=True to decode, got causal=False."
            )
        return keys_so_far(rotary, length)

    return steps_as(Layer(init, apply), decode)


@constructor
def keys_so_far(rotary: Rotary | None, length: int) -> StatefulLayer:
    """Queries of the next steps, and keys and values of all steps so far."""

    def init(key, q, k, v, positions, lengths):
        def empty(x):
            return jnp.zeros((*x.shape[:-2], length, x.shape[-1]), x.dtype)

        return (), {"key": empty(k), "value": empty(v), "steps": no_steps(length)}

    def apply(params, state, q, k, v, positions, lengths):
        check_empty(params, "attention: expected no params of its cache")
        _check_like("the cache", (state["key"], state["value"]), (k, v), but=-2)
        start, time = state["steps"].count, q.shape[-2]
        steps, room = advanced("attention", state["steps"], time, lengths)
        places = start + jnp.arange(time, dtype=jnp.int32)
        positions = places if positions is None else positions
        q, k = rotated(rotary, q, positions), rotated(rotary, k, positions)
        q = jnp.where(room, q, jnp.full_like(q, jnp.nan))

        def put(cache, x):
            if lengths is None:
                return write(cache, x, start)
            # Padding may reach beyond the end, from where a slice would be moved back.
            return cache.at[..., places, :].set(x, mode="drop")

        keys, values = put(state["key"], k), put(state["value"], v)
        state = {"key": keys, "value": values, "steps": steps}
        return (q, keys, values, start), state

    return StatefulLayer(init, apply)


def rotated(rotary: Rotary | None, x: Array, positions: Array) -> Array:
    """Queries or keys ``(batch..., heads, time, n)``, turned by their positions."""
    if rotary is None:
        return x
    if positions.ndim > 1:  # those of each sequence are those of all its heads
        positions = positions[..., None, :]
    y = rotary(x, positions)
    if spec(y) != spec(x):
        raise ValueError(
            "attention: expected rotary to keep the shape and dtype of what it turns, "
            f"{shown(spec(x))}, got {shown(spec(y))}."
        )
    return y


@constructor
def memory_at_once() -> Layer:
    """Keys and values of a memory, and their lengths."""

    def init(key, k, v, lengths):
        check_memory(k)
        if k.ndim < 4:
            raise ValueError(
                "attention: expected x of shape (batch, time, features) at init, "
                "got no batch axis."
            )
        return ()

    def apply(params, k, v, lengths):
        check_empty(params, "attention: expected no params of its cache")
        check_memory(k)
        return k, v, lengths

    return steps_as(Layer(init, apply), lambda length: memory_so_far())


@constructor
def memory_so_far() -> StatefulLayer:
    """Keys and values of the last memory that was given, kept for later calls."""

    def init(key, k, v, lengths):
        check_memory(k)
        unknown = jnp.full(k.shape[:-3], -1, jnp.int32)
        return (), {
            "key": jnp.zeros(k.shape, k.dtype),
            "value": jnp.zeros(v.shape, v.dtype),
            "lengths": unknown,
        }

    def apply(params, state, k, v, lengths):
        check_empty(params, "attention: expected no params of its cache")
        if k is None:
            return _remembered(state), state
        _check_like("the first memory", (state["key"], state["value"]), (k, v))
        known = k.shape[-2] if lengths is None else lengths
        known = jnp.broadcast_to(jnp.asarray(known, jnp.int32), k.shape[:-3])
        return (k, v, known), {"key": k, "value": v, "lengths": known}

    return StatefulLayer(init, apply)


def check_memory(k: Any) -> None:
    """Raises where cross-attention got nothing to attend to."""
    if k is None:
        raise TypeError("attention: expected memory, as cross=True, got none.")


def _remembered(state: dict[str, Array]) -> tuple[Array, Array, Array]:
    """What was given before; NaN if that was nothing and nothing can raise."""
    lengths = state["lengths"]
    known = not isinstance(lengths, Tracer | jax.ShapeDtypeStruct)
    if known and lengths.size and int(lengths.min()) < 0:
        raise ValueError(
            "attention: expected memory in the first call of a decoder, got none."
        )
    given = jnp.broadcast_to(
        (lengths >= 0)[..., None, None, None], state["value"].shape
    )
    values = jnp.where(given, state["value"], jnp.full_like(state["value"], jnp.nan))
    # At least one key, so that NaN is seen.
    return state["key"], values, jnp.where(lengths < 0, 1, lengths)


def _check_like(
    what: str, kept: tuple[Array, ...], new: tuple[Array, ...], but: int | None = None
) -> None:
    """Raises where new keys and values are not like those kept, `but` for one axis."""
    for old, x in zip(kept, new, strict=True):
        shape = list(old.shape)
        if but is not None and old.ndim == x.ndim:
            shape[but] = x.shape[but]
        if tuple(shape) != x.shape or old.dtype != x.dtype:
            raise ValueError(
                f"attention: expected keys and values like those of {what}, "
                f"{shown(spec(old))}, got {shown(spec(x))}."
            )
