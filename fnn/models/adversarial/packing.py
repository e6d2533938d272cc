"""Several examples side by side, for a discriminator that judges them together."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_array, check_count


def packed(x: Any, m: int) -> Array:
    """Each ``m`` examples in a row as one, ``(b, ..., n) -> (b / m, ..., m * n)``.

    Their features lie side by side along the last axis. A discriminator that begins by
    it, ``fnn.sequential(lambda x: packed(x, 2), ...)``, sees where examples of one
    origin are all alike, so that a generator gains by making different ones.

    Args:
      x: Examples along the first axis, a multiple of ``m``.
      m: How many make a pack; at least 1.

    Raises:
      TypeError: If ``m`` is no int, or ``x`` no array.
      ValueError: If ``m < 1``, or ``x`` has no axis beside the first, or a number of
        examples that ``m`` doesn't divide.

    Example:
      >>> x = jnp.arange(8).reshape(4, 2)
      >>> fnn.models.adversarial.packed(x, 2).tolist()
      [[0, 1, 2, 3], [4, 5, 6, 7]]

    References:
      Lin, Khetan, Fanti and Oh, PacGAN: the power of two samples in generative
      adversarial networks, 2018, section 2.
    """
    check_count("packed", "m", m)
    check_array("packed", x, None)
    if x.ndim < 2 or x.shape[0] % m:
        raise ValueError(
            f"packed: expected x of shape (b, ..., n), b a multiple of {m}, "
            f"got {x.shape}."
        )
    count, *space, features = x.shape
    apart = jnp.reshape(x, (count // m, m, math.prod(space), features))
    return jnp.reshape(jnp.moveaxis(apart, 1, 2), (count // m, *space, m * features))
