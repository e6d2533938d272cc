"""Keys by which `jax.random` draws what it always draws, sooner on a CPU."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.extend.random import define_prng_impl, threefry_prng_impl

from fnn.ops.elementwise import threefry
from fnn.ops.shards import alike


def swift(key: Any) -> Any:
    """The same key, of a kind whose random bits are computed faster on a CPU.

    On a CPU, JAX goes through the rounds of its generator in a loop, and its words
    through memory at each turn. Here they are unrolled, and part of whatever the words
    are for: 0.2 to 0.4 times as long for 80,000 words and more
    (`benchmarks/ops/random_bits.py`). All numbers are the same, on any platform and
    over any mesh.

    A key of another generator than JAX's own comes back as it is; so do all keys where
    JAX is set to watch over their use, or to draw bits that depend on a mesh.
    """
    partitionable = jax.config.jax_threefry_partitionable  # pyright: ignore
    plain = jax.random.key_impl(key) == "threefry2x32"
    if not plain or jax.debug_key_reuse.value or not partitionable:
        return key
    return jax.random.wrap_key_data(jax.random.key_data(key), impl=_UNROLLED)


def _random_bits(words: Array, width: int, shape: Sequence[int]) -> Array:
    """Bits for a shape; of 32 in a place by the unrolled form, where it is a CPU's."""

    def by_jax(words):
        bits = threefry_prng_impl.random_bits(words, width, tuple(shape))
        return alike(words, bits)[1]  # as the other form is

    known = all(isinstance(length, int) for length in shape)  # not so in some exports
    if width != 32 or not known or not 0 < math.prod(shape) < 2**32:
        return by_jax(words)
    return lax.platform_dependent(
        words,
        cpu=functools.partial(_unrolled, shape=tuple(shape)),
        default=by_jax,
    )


@functools.partial(jax.jit, static_argnames="shape")  # traced once for a shape
def _unrolled(words: Array, shape: tuple[int, ...]) -> Array:
    """A word for each place, of the place's number and the key."""
    place, stride = jnp.zeros(shape, jnp.uint32), 1
    for axis in reversed(range(len(shape))):
        along = lax.broadcasted_iota(jnp.uint32, shape, axis)
        place, stride = place + along * jnp.uint32(stride), stride * shape[axis]
    high, low = threefry(words, jnp.zeros_like(place), place)
    return high ^ low


_UNROLLED = define_prng_impl(
    key_shape=(2,),
    seed=threefry_prng_impl.seed,
    split=threefry_prng_impl.split,
    random_bits=_random_bits,
    fold_in=threefry_prng_impl.fold_in,
    name="fnn_unrolled_threefry",
    tag="fnn",
)
