"""Zeroing at random by 16 random bits a value, of which a word of JAX's has two."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.ops.random_bits import swift

LEVELS = 2**16  # of which a rate has the nearest


def dropped(x: Array, rate: Any, key: Any, shape: Sequence[int]) -> Array:
    """X with zeros at the rate, else divided by the probability that it is kept.

    There is a draw for each place of the shape, in which an axis may be 1 to share it.
    The rate is that of the nearest of 65,536 levels, and so is the probability, so that
    the expectation is x to rounding. Drawing takes the time of dropout, and
    `jax.random.bernoulli` has a word for each value: of 2 million, this takes 0.2 times
    as long on a CPU (`benchmarks/ops/dropping.py`).
    """
    if isinstance(rate, int | float):
        level = min(round(rate * LEVELS), LEVELS - 1)
        kept = 1 - level / LEVELS
    else:
        rate = jnp.asarray(rate, jnp.result_type(rate, jnp.float32))
        level = jnp.clip(jnp.round(rate * LEVELS), 0, LEVELS - 1)
        # By its value that of the level, by its derivative that of the rate.
        kept = 1 - (rate + lax.stop_gradient(level / LEVELS - rate))
    return _dropped(x, level, kept, key, tuple(shape))


# Compiled once for a shape, however many layers drop.
@functools.partial(jax.jit, static_argnums=4)
def _dropped(
    x: Array, level: Any, kept: Any, key: Any, shape: tuple[int, ...]
) -> Array:
    drawn = _draws(key, shape) >= jnp.asarray(level, jnp.uint16)
    scaled = x / jnp.asarray(kept, x.dtype)
    return jnp.where(jnp.broadcast_to(drawn, x.shape), scaled, jnp.zeros_like(x))


def _draws(key: Any, shape: tuple[int, ...]) -> Array:
    """Integers of 16 bits: neighbours along the last axis are halves of one word."""
    *first, last = shape or (1,)
    words = jax.random.bits(swift(key), (*first, -(-last // 2)), jnp.uint32)
    halves = lax.bitcast_convert_type(words, jnp.uint16)
    halves = jnp.reshape(halves, (*first, 2 * words.shape[-1]))
    return jnp.reshape(halves[..., :last], shape)
