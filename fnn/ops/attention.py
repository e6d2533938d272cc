"""Averages of values by the softmax of logits, of which a few exist at a time."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

# By `python -m benchmarks.ops.attention`:
MOST_LOGITS = 2**23  # that exist at once where heads can go one after the other
SHORTEST = 32  # chunks are as many as the root of the time by this


class Inputs(NamedTuple):
    """What averages are taken of; the first axes of all are ``(batch..., kv_heads)``.

    Those of the bias and of the masks, and all their others, may be 1.
    """

    q: Array  # (..., group, time, size)
    k: Array  # (..., keys, size)
    v: Array
    bias: Array | None  # (..., group, time, keys)
    masks: tuple[Array, ...]  # like the bias, True where a query may attend to a key


@functools.partial(jax.jit, static_argnames=("left", "right"))
def attention(
    q: Array,
    k: Array,
    v: Array,
    *,
    scale: Any,
    bias: Array | None = None,
    masks: tuple[Array, ...] = (),
    left: int | None = None,
    right: int | None = None,
) -> Array:
    """``softmax(scale * q @ k.T + bias) @ v`` by head; zeros where no key is allowed.

    Queries ``(batch..., heads, time, size)``, keys and values ``(batch..., kv_heads,
    keys, size)``. A query reaches ``left`` and ``right`` keys beside that of its own
    place, or all. The softmax is in at least float32.

    On a CPU, queries go in chunks, each with the keys that it reaches alone, and where
    all logits would take much memory, sequences and heads one after the other: 0.2 to
    0.5 times as long as `jax.nn.dot_product_attention` with the gradient, from 128
    steps on, and at 2,048 a tenth of its memory (`benchmarks/ops/attention.py`).
    """
    *batch, heads, time, _ = q.shape
    kv_heads, keys = k.shape[-3:-1]
    if not (time and keys):
        return jnp.zeros((*batch, heads, time, v.shape[-1]), v.dtype)

    def grouped(x):
        groups = (kv_heads, heads // kv_heads) if x.shape[-3] == heads else (1, 1)
        return jnp.reshape(x, (*x.shape[:-3], *groups, *x.shape[-2:]))

    bias = None if bias is None else grouped(bias)
    inputs = Inputs(grouped(q), k, v, bias, tuple(map(grouped, masks)))

    def chosen(inputs, scale):
        sides = {"left": left, "right": right}
        return lax.platform_dependent(
            inputs,
            scale,
            cpu=functools.partial(on_a_cpu, **sides),
            default=functools.partial(at_once, **sides),
        )

    # Logits are not kept for the gradient but computed again; outside of loops XLA sees
    # that they are the same, and keeps them where it can.
    scale = jnp.asarray(scale, _wide(q))
    y = jax.checkpoint(chosen, prevent_cse=False)(inputs, scale)
    return jnp.reshape(y, (*batch, heads, time, v.shape[-1]))


def on_a_cpu(
    inputs: Inputs, scale: Array, *, left: int | None, right: int | None
) -> Array:
    """In parts, and in the dtype of the logits from the start.

    There is no arithmetic of 16 bits to lose, and queries are fewer than logits.
    """
    q, k, v = (jnp.asarray(x, _wide(x)) for x in inputs[:3])
    wide = inputs._replace(q=q * scale, k=k, v=v)
    return jnp.asarray(in_parts(wide, left=left, right=right), inputs.v.dtype)


def in_parts(inputs: Inputs, *, left: int | None, right: int | None) -> Array:
    """One after the other along the first axes while all logits would be too many."""
    first = inputs.q.shape[:-3]
    logits = math.prod(inputs.q.shape[:-1]) * inputs.k.shape[-2]
    if not first or logits <= MOST_LOGITS:
        return in_chunks(inputs, left=left, right=right)
    leaves, tree = jax.tree.flatten(inputs)

    def varies(x):
        return x.shape[0] == first[0]

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def part(varying):
        varying = iter(varying)
        parts = [next(varying) if varies(x) else x[0] for x in leaves]
        return in_parts(jax.tree.unflatten(tree, parts), left=left, right=right)

    return lax.map(part, [x for x in leaves if varies(x)])


def in_chunks(inputs: Inputs, *, left: int | None, right: int | None) -> Array:
    """A few queries at a time, with the keys that they reach alone."""
    q, k, v, bias, masks = inputs
    time, keys = q.shape[-2], k.shape[-2]
    # The longer the more of them, but not in proportion, as each is compiled.
    size = math.ceil(time / max(1, round(math.sqrt(time / SHORTEST))))

    def chunk(start):
        stop = min(start + size, time)
        first = 0 if left is None else max(0, start - left)
        last = keys if right is None else min(stop + right, keys)

        def part(x):
            x = x if x.shape[-2] == 1 else x[..., start:stop, :]
            return x if x.shape[-1] == 1 else x[..., first:last]

        k_, v_ = (x[..., first:last, :] for x in (k, v))
        bias_ = None if bias is None else part(bias)
        few = Inputs(q[..., start:stop, :], k_, v_, bias_, tuple(map(part, masks)))
        return at_once(few, left=left, right=right, ahead=first - start)

    chunks = [chunk(start) for start in range(0, time, size)]
    return chunks[0] if len(chunks) == 1 else jnp.concatenate(chunks, -2)


def at_once(
    inputs: Inputs,
    scale: Array | None = None,
    *,
    left: int | None,
    right: int | None,
    ahead: int = 0,
) -> Array:
    """All averages from all logits; the first key is `ahead` of the first query."""
    q, k, v, bias, masks = inputs
    *_, group, time, _ = q.shape

    def rows(x):
        """Heads of a group below each other, as they share keys and values."""
        if x.shape[-3:-1] != (1, 1):
            x = jnp.broadcast_to(x, (*x.shape[:-3], group, time, x.shape[-1]))
        return jnp.reshape(x, (*x.shape[:-3], math.prod(x.shape[-3:-1]), x.shape[-1]))

    # t rows, s keys, n size
    wide = _wide(q) if bias is None else _wide(q, bias)
    logits = jnp.einsum(
        "...tn,...sn->...ts", rows(q), k, preferred_element_type=_wide(q)
    )
    logits = jnp.asarray(logits if scale is None else logits * scale, wide)
    logits = logits if bias is None else logits + jnp.asarray(rows(bias), wide)
    near = _near(time, k.shape[-2], left, right, ahead)
    near = [jnp.reshape(x, (*(1,) * (q.ndim - 2), *x.shape)) for x in near]
    limits = [rows(x) for x in (*masks, *near)]
    allowed = functools.reduce(operator.and_, limits) if limits else None
    if allowed is not None:
        # A finite number: with -inf a row of nothing else would be NaN, and so would
        # its gradient be, whatever is put in its place afterwards.
        logits = jnp.where(allowed, logits, 0.5 * jnp.finfo(wide).min)
    y = jnp.asarray(average(logits, v), v.dtype)
    if masks and allowed is not None:  # a query always reaches itself
        some = jnp.any(allowed, axis=-1, keepdims=True)
        y = jnp.where(some, y, jnp.zeros_like(y))
    return jnp.reshape(y, (*q.shape[:-1], v.shape[-1]))


@jax.custom_jvp
def average(logits: Array, v: Array) -> Array:
    """``softmax(logits) @ v``, in the dtype of the logits.

    Neither it nor its derivatives divide weights by their sum, but products of them
    with values, which are fewer.
    """
    e, total = _exponentials(logits)
    return _product(e, v) / total


@average.defjvp
def _(primals: Any, tangents: Any) -> Any:
    (logits, v), (dlogits, dv) = primals, tangents
    e, total = _exponentials(logits)
    y = _product(e, v) / total
    z = e * dlogits
    dy = _product(z, v) + _product(e, dv) - y * jnp.sum(z, axis=-1, keepdims=True)
    return y, dy / total


def _exponentials(logits: Array) -> tuple[Array, Array]:
    """What a softmax divides, and by what."""
    e = jnp.exp(logits - jnp.max(logits, axis=-1, keepdims=True))
    return e, jnp.sum(e, axis=-1, keepdims=True)


def _product(weights: Array, v: Array) -> Array:
    """``weights @ v``, multiplied in the dtype of v and added up in that of weights."""
    return jnp.matmul(
        jnp.asarray(weights, v.dtype), v, preferred_element_type=weights.dtype
    )


def _near(
    time: int, keys: int, left: int | None, right: int | None, ahead: int
) -> list[Array]:
    """Masks ``(time, keys)`` of the keys that a query reaches on either side."""
    far = lax.broadcasted_iota(jnp.int32, (time, keys), 1) - lax.broadcasted_iota(
        jnp.int32, (time, keys), 0
    )
    masks = [] if right is None else [far <= right - ahead]
    return masks if left is None else [*masks, far >= -left - ahead]


def _wide(*arrays: Array) -> Any:
    """The dtype of logits."""
    with jax.numpy_dtype_promotion("standard"):
        return functools.reduce(
            jnp.promote_types, (x.dtype for x in arrays), jnp.dtype("float32")
        )
