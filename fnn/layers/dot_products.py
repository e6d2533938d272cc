"""Dot products of queries and keys, and averages of values by their softmax.

All arrays are laid out ``(batch..., heads, time, size)``: on a CPU it is faster than
``(batch, time, heads, size)``, and a key/value cache is read in the order it is stored.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from fnn.checks import check_empty
from fnn.contract import Layer, as_layer, constructor, make
from fnn.forms import form_around
from fnn.layers.dtypes import at_least_float32
from fnn.layers.masking import both, distances, near
from fnn.layers.stochastic import dropout
from fnn.ops import flash_attention
from fnn.ops.attention import attention
from fnn.ops.padding import before
from fnn.shapes import abstract


def grouped(q: Array, kv_heads: int) -> Array:
    """Queries ``(..., heads, t, n)`` as ``(..., kv_heads, group * t, n)``.

    The heads that share keys and values are neighbours, so that one product serves all
    of them and neither keys nor values are repeated.
    """
    *batch, heads, time, n = q.shape
    return jnp.reshape(q, (*batch, kv_heads, heads // kv_heads * time, n))


def logits_of(q: Array, k: Array, scale: float | Array) -> Array:
    """``scale * q @ k.T`` by head, ``(..., heads, time, keys)``, at least float32."""
    *batch, heads, time, _ = q.shape
    wide = at_least_float32(q.dtype)
    logits = jnp.einsum(
        "...tn,...sn->...ts", grouped(q, k.shape[-3]), k, preferred_element_type=wide
    )
    logits = logits * jnp.asarray(scale, wide)
    return jnp.reshape(logits, (*batch, heads, time, k.shape[-2]))


def averages(weights: Array, v: Array) -> Array:
    """``weights @ v`` by head, ``(..., heads, time, size)``, in the dtype of v."""
    *batch, heads, time, _ = weights.shape
    y = grouped(jnp.asarray(weights, v.dtype), v.shape[-3]) @ v
    return jnp.reshape(y, (*batch, heads, time, v.shape[-1]))


def masked_softmax(logits: Array, allowed: Array | None = None) -> Array:
    """Softmax of the last axis over the keys allowed; zeros where none is."""
    if not logits.shape[-1]:
        return logits
    if allowed is None:
        return jax.nn.softmax(logits, axis=-1)
    # A finite number: with -inf a row of nothing else would be NaN, and so would its
    # gradient be, whatever is put in its place afterwards.
    lowest = jnp.full_like(logits, 0.5 * jnp.finfo(logits.dtype).min)
    logits = jnp.where(jnp.broadcast_to(allowed, logits.shape), logits, lowest)
    weights = jax.nn.softmax(logits, axis=-1)
    some = jnp.any(allowed, axis=-1, keepdims=True)
    return jnp.where(
        jnp.broadcast_to(some, weights.shape), weights, jnp.zeros_like(weights)
    )


@constructor
def attention_weights(rate: float | Array = 0.0) -> Layer:
    """`masked_softmax`, some of whose weights training drops."""
    if not _some(rate):
        return as_layer(masked_softmax, "attention", "attention_weights")
    drop = dropout(rate)

    def weights(logits, allowed=None, *, key, train):
        return drop.apply((), masked_softmax(logits, allowed), key=key, train=train)

    return as_layer(weights, "attention", "attention_weights")


@constructor
def averaging(layer: Any, rate: float | Array = 0.0) -> Any:
    """Averages of values by the weights that `attention_weights` makes of logits.

    Like a `repeat` it has the path of the layer in it. That one gets logits and a mask
    where it is another, such as one whose output is captured, or where it drops
    weights. Otherwise no more of these are made than are needed at a time.
    """
    untouched = layer == attention_weights(rate)

    def run(params, state, inputs, named, key, train):
        q, k, v, *rest = inputs
        bias, mask, lengths, scale, (left, right), start = rest
        if untouched and start is None and not (train and _some(rate)):
            check_empty(params, f"{layer.form.name}: expected no params")
            options = flash_attention.Options(scale, left, right)
            plain = bias is None and mask is None
            if plain and flash_attention.takes(q, k, v, lengths, options):
                return flash_attention.averages(q, k, v, lengths, options), state
            masks = masks_of(mask, lengths, k.shape[-2])
            return attention(
                q, k, v, bias=bias, masks=masks, **options._asdict()
            ), state
        given = logits_and_mask(q, k, *rest)
        weights, state = layer.form.run(params, state, given, named, key, train)
        return averages(weights, v), state

    def outline(key, inputs, named):
        q, k, v, *rest = inputs
        given = abstract(logits_and_mask, q, k, *rest)
        line = layer.form.outline(key, given, named)
        return line._replace(outputs=abstract(averages, line.outputs, v))

    def rebuild(part):
        return averaging(part, rate)

    form = form_around(layer, outline=outline, run=run, rebuild=rebuild, copies=True)
    return make(form, averaging, (layer, rate))


def logits_and_mask(
    q: Array,
    k: Array,
    bias: Array | None,
    mask: Array | None,
    lengths: Any,
    scale: float | Array,
    sides: tuple[int | None, int | None],
    start: Any,
) -> tuple[Array, Array | None]:
    """All logits, and where a query may attend to a key; None where everywhere."""
    logits = logits_of(q, k, scale)
    logits = logits if bias is None else wide_sum(logits, bias)
    masks = masks_of(mask, lengths, k.shape[-2])
    reach = near(distances(q.shape[-2], k.shape[-2], start), *sides)
    if reach is not None:
        masks = (*masks, jnp.reshape(reach, (*(1,) * (q.ndim - 2), *reach.shape)))
    return logits, functools.reduce(both, masks, None)


def masks_of(mask: Array | None, lengths: Any, keys: int) -> tuple[Array, ...]:
    """A mask, and one of the keys that are no padding."""
    masks = () if mask is None else (mask,)
    if lengths is None:
        return masks
    return (*masks, before(lengths, keys)[..., None, None, :])


def wide_sum(first: Array, second: Array) -> Array:
    """The sum of two arrays of as many axes, in at least float32."""
    wide = at_least_float32(first.dtype, second.dtype)
    return jnp.asarray(first, wide) + jnp.asarray(second, wide)


def _some(rate: Any) -> bool:
    """Whether a rate is anything but the number zero."""
    return not isinstance(rate, int | float) or rate != 0


def by_jax(
    implementation: str,
    arrays: tuple[Array, Array, Array],
    *,
    bias: Array | None,
    mask: Array | None,
    lengths: Any,
    allowed: Any,
    **options: Any,
) -> Array:
    """The averages by `jax.nn.dot_product_attention`, which wants one batch axis."""
    q = arrays[0]
    batch, wide = q.shape[:-3], at_least_float32(q.dtype)

    def one_batch(x: Any) -> Any:
        if x is None:
            return None
        rest = x.shape[len(batch) :]
        x = jnp.broadcast_to(x, (*batch, *rest))
        return jnp.reshape(x, (math.prod(batch), *rest))

    # It adds up 16 bits and 32 of its own.
    with jax.numpy_dtype_promotion("standard"):
        y = jax.nn.dot_product_attention(
            *(jnp.swapaxes(one_batch(x), -3, -2) for x in arrays),
            bias=one_batch(bias if bias is None else jnp.asarray(bias, wide)),
            mask=one_batch(mask),
            key_value_seq_lengths=None
            if lengths is None
            else one_batch(_int32(lengths)),
            implementation=implementation,  # pyright: ignore
            **options,
        )
    y = jnp.reshape(jnp.swapaxes(y, -3, -2), q.shape)
    if mask is None and lengths is None:
        return y
    # Where no key is allowed it averages all of them.
    some = jnp.any(allowed, axis=-1, keepdims=True)
    return jnp.where(jnp.broadcast_to(some, y.shape), y, jnp.zeros_like(y))


def _int32(lengths: Any) -> Array:
    return jnp.asarray(lengths, jnp.int32)
