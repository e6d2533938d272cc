"""Attention by cuDNN's kernel on a GPU of NVIDIA, which keeps no logits in memory."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend import backend

from fnn.ops.attention import attention
from fnn.ops.fused import fused
from fnn.ops.padding import before

MOST_FEATURES = 128  # of a head: what the kernel takes on every GPU that it runs on
FEWEST_STEPS = 256  # from where on it is faster, `benchmarks/ops/flash_attention.py`


class Options(NamedTuple):
    """What is the same for all queries."""

    scale: Any  # a Python number for the kernel
    left: int | None  # keys that a query reaches beside that of its own place
    right: int | None


def takes(
    q: Array, k: Array, v: Array, lengths: Array | None, options: Options
) -> bool:
    """Whether the kernel can be had here, computes this, and is faster at it."""
    size, (scale, left, right) = q.shape[-1], options
    return (
        q.dtype in (jnp.bfloat16, jnp.float16)
        and q.dtype == k.dtype == v.dtype
        and size == v.shape[-1] <= MOST_FEATURES
        and size % 8 == 0
        and isinstance(scale, int | float)
        and (right == 0 or (left is None and right is None))  # causal, or all keys
        and (left is None or lengths is None)  # lest a window have padding alone
        and min(q.shape[-2], k.shape[-2]) >= FEWEST_STEPS
        and math.prod(q.shape) > 0
        and has_kernel()
    )


@functools.cache
def has_kernel() -> bool:
    """Whether JAX computes on a GPU with the tensor cores that the kernel needs."""
    if jax.default_backend() != "gpu":
        return False
    if "cuda" not in backend.get_backend().platform_version:
        return False
    return float(getattr(jax.devices()[0], "compute_capability", 0)) >= 8.0


def averages(
    q: Array, k: Array, v: Array, lengths: Array | None, options: Options
) -> Array:
    """What `fnn.ops.attention` computes, of what the kernel takes.

    Keys from ``lengths (batch...)`` on are padding.
    """
    if lengths is None:
        return _attention((q, k, v), (), options)
    some = jnp.reshape(lengths > 0, (*lengths.shape, 1, 1, 1))
    least = jnp.maximum(jnp.asarray(lengths, jnp.int32), 1)  # no row without a key
    y = _attention((q, k, v), (least,), options)
    return jnp.where(jnp.broadcast_to(some, y.shape), y, jnp.zeros_like(y))


def _plain(
    arrays: tuple[Array, ...], constants: tuple[Array, ...], options: Options
) -> Array:
    keys = arrays[1].shape[-2]
    masks = [before(lengths, keys)[..., None, None, :] for lengths in constants]
    return attention(*arrays, masks=tuple(masks), **options._asdict())


def _kernel(
    arrays: tuple[Array, ...], constants: tuple[Array, ...], options: Options
) -> Array:
    """By `jax.nn.dot_product_attention`, which wants one batch axis and heads last."""
    q = arrays[0]
    batch = q.shape[:-3]

    def one_batch(x: Any) -> Any:
        return jnp.reshape(x, (math.prod(batch), *x.shape[len(batch) :]))

    with jax.numpy_dtype_promotion("standard"):
        y = jax.nn.dot_product_attention(
            *(jnp.swapaxes(one_batch(x), -3, -2) for x in arrays),
            scale=options.scale,
            is_causal=options.right == 0,
            local_window_size=None if options.left is None else (options.left, 0),
            key_value_seq_lengths=one_batch(constants[0]) if constants else None,
            implementation="cudnn",
        )
    return jnp.reshape(jnp.swapaxes(y, -3, -2), q.shape)


_attention = fused("flash_attention", _plain, _kernel, platform="cuda")
