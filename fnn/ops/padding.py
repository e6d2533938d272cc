"""Which steps of a sequence are padding."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax


def before(lengths: Any, time: int) -> Array:
    """Which steps are no padding, ``(batch...) -> (batch..., time)``."""
    lengths = jnp.asarray(lengths)[..., None]
    shape = (*lengths.shape[:-1], time)
    steps = lax.broadcasted_iota(lengths.dtype, shape, len(shape) - 1)
    return steps < jnp.broadcast_to(lengths, shape)
