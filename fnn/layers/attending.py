"""The forward functions of attention: projections, heads, masks, and what is cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_array
from fnn.layers.dot_products import (
    averages,
    by_jax,
    logits_and_mask,
    masked_softmax,
    wide_sum,
)
from fnn.layers.dtypes import at_least_float32, promote
from fnn.layers.forwards import Forward
from fnn.layers.masking import (
    aligned,
    check_lengths,
    distances,
    without_padding,
)
from fnn.layers.positions import check_positions


@dataclass(frozen=True)
class Heads:
    """What both kinds of attention know beside their parts."""

    heads: int
    kv_heads: int
    size: int
    scale: Any
    causal: bool = False
    window: tuple[int, int] | None = None
    normalised: bool = False
    biased: bool = False
    implementation: str | None = None

    @property
    def sides(self) -> tuple[int | None, int | None]:
        """How many keys a query reaches on either side; None where all."""
        left, right = self.window or (None, None)
        return left, 0 if self.causal else right

    def query(self, parts: Any, x: Any) -> Array:
        """Queries of x, ``(batch..., heads, time, size)``."""
        q = self.split("query", parts.query(x), self.heads)
        return parts.query_norm(q) if self.normalised else q

    def key_and_value(self, parts: Any, x: Any, values: Any) -> tuple[Array, Array]:
        """Keys of x, and values of something as long, by head."""
        k = self.split("key", parts.key(x), self.kv_heads)
        v = self.split("value", parts.value(values), self.kv_heads)
        return parts.key_norm(k) if self.normalised else k, v

    def split(self, name: str, x: Any, heads: int) -> Array:
        """``(batch..., time, heads * size)`` with the heads before time."""
        if x.shape[-1] != heads * self.size:
            raise ValueError(
                f"attention: expected part {name} to give {heads} heads of "
                f"{self.size} features, got shape {x.shape}."
            )
        x = jnp.reshape(x, (*x.shape[:-1], heads, self.size))
        return jnp.swapaxes(x, -3, -2)

    def attend(
        self,
        parts: Any,
        q: Array,
        k: Array,
        v: Array,
        *,
        mask: Array | None,
        bias: Array | None,
        lengths: Any,
        start: Any = None,
    ) -> Array:
        """Averages of values for each query, by what its key allows, put out.

        Queries are the steps from ``start`` on, or all; keys from ``lengths`` on are
        padding; mask and bias have all axes of the logits.
        """
        *batch, _, time, _ = q.shape
        keys = k.shape[-2]
        if self.biased:
            relative = self.relative_bias(parts, distances(time, keys, start))
            relative = jnp.reshape(relative, (*(1,) * len(batch), *relative.shape))
            bias = relative if bias is None else wide_sum(relative, bias)
        inputs = (bias, mask, lengths, self.scale, self.sides, start)
        if self.implementation is None:
            y = parts.weights(q, k, v, *inputs)
        elif start is None:
            y = by_jax(
                self.implementation,
                (q, k, v),
                bias=bias,
                mask=mask,
                lengths=lengths,
                allowed=logits_and_mask(q, k, *inputs)[1],
                scale=self.scale,
                is_causal=self.causal,
                local_window_size=self.window,
            )
        else:
            y = averages(masked_softmax(*logits_and_mask(q, k, *inputs)), v)
        y = jnp.swapaxes(y, -3, -2)
        return parts.out(jnp.reshape(y, (*batch, time, self.heads * self.size)))

    def relative_bias(self, parts: Any, distance: Array) -> Array:
        """What `position_bias` gives, ``(heads, time, keys)``."""
        bias = parts.position_bias(distance)
        want = (self.heads, *distance.shape)
        if bias.shape != want:
            raise ValueError(
                f"attention: expected position_bias of shape {want}, got {bias.shape}."
            )
        return jnp.asarray(bias, at_least_float32(bias.dtype))


@dataclass(frozen=True)
class SelfAttention(Forward):
    """Queries, keys and values are all of one sequence."""

    heads: Heads
    __name__ = "attention"

    def __call__(self, parts, x, *, mask=None, bias=None, lengths=None, positions=None):
        check_sequence("x", x)
        *batch, time, _ = x.shape
        if lengths is not None:
            check_lengths("attention", lengths, tuple(batch), time)
        if positions is not None:
            check_positions("attention", positions, x)
        q = self.heads.query(parts, x)
        k, v = self.heads.key_and_value(parts, x, x)
        q, k, v = promote("attention", q, k, v)
        q, k, v, start = parts.cache(q, k, v, positions, lengths)
        full = (*q.shape[:-1], k.shape[-2])
        y = self.heads.attend(
            parts,
            q,
            k,
            v,
            mask=checked_mask("mask", mask, full),
            bias=checked_bias("bias", bias, full),
            # In a cache padding comes after all queries that are none.
            lengths=lengths if start is None else None,
            start=start,
        )
        return y if lengths is None else without_padding(y, lengths)


@dataclass(frozen=True)
class CrossAttention(Forward):
    """Queries are of one sequence, keys and values of another, or of two others."""

    heads: Heads
    __name__ = "attention"

    def __call__(
        self,
        parts,
        x,
        memory=None,
        values=None,
        *,
        memory_mask=None,
        memory_bias=None,
        memory_lengths=None,
        lengths=None,
    ):
        check_sequence("x", x)
        *batch, time, _ = x.shape
        if lengths is not None:
            check_lengths("attention", lengths, tuple(batch), time)
        q, k, v = self.heads.query(parts, x), None, None
        if memory is not None:
            values = memory if values is None else values
            self.check_memory(x, memory, values, memory_lengths)
            k, v = self.heads.key_and_value(parts, memory, values)
        elif values is not None or memory_lengths is not None:
            name = "values" if values is not None else "memory_lengths"
            raise TypeError(f"attention: expected memory with {name}, got none.")
        k, v, padded = parts.cache(k, v, memory_lengths)
        q, k, v = promote("attention", q, k, v)
        full = (*q.shape[:-1], k.shape[-2])
        y = self.heads.attend(
            parts,
            q,
            k,
            v,
            mask=checked_mask("memory_mask", memory_mask, full),
            bias=checked_bias("memory_bias", memory_bias, full),
            lengths=padded,
        )
        return y if lengths is None else without_padding(y, lengths)

    def check_memory(self, x: Any, memory: Any, values: Any, lengths: Any) -> None:
        """Raises where the memory does not go with x, or the values with it."""
        check_sequence("memory", memory)
        check_sequence("values", values)
        batch = x.shape[:-2]
        if memory.shape[:-2] != batch:
            raise ValueError(
                f"attention: expected memory of batch axes {batch}, as x has, "
                f"got {memory.shape}."
            )
        if values.shape[:-1] != memory.shape[:-1]:
            raise ValueError(
                "attention: expected values of the batch and time axes of memory, "
                f"{memory.shape[:-1]}, got {values.shape}."
            )
        if lengths is not None:
            keys = memory.shape[-2]
            check_lengths("attention", lengths, batch, keys, "memory_lengths")


# ---------------------------------------------------------------------- what is checked
def check_sequence(name: str, x: Any) -> None:
    """Raises where an input is no sequence."""
    check_array("attention", x, "floating", name)
    if x.ndim < 2:
        raise ValueError(
            f"attention: expected {name} of shape (..., time, features), got {x.shape}."
        )


def checked_mask(name: str, mask: Any, full: tuple[int, ...]) -> Array | None:
    """A mask with all axes of the logits."""
    if mask is None:
        return None
    check_array("attention", mask, None, name)
    if mask.dtype != bool:
        raise TypeError(
            f"attention: expected {name} of bool dtype, got {mask.dtype.name}."
        )
    return aligned("attention", name, mask, full)


def checked_bias(name: str, bias: Any, full: tuple[int, ...]) -> Array | None:
    """A bias with all axes of the logits."""
    if bias is None:
        return None
    check_array("attention", bias, "floating", name)
    return aligned("attention", name, bias, full)
