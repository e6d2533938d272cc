"""What keeps a critic's slope near 1: a gradient, which is itself differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from fnn.checks import check_key
from fnn.layers.checks import check_array, check_count, check_functions, check_number
from fnn.layers.dtypes import at_least_float32, promote
from fnn.shapes import is_array, shown


def gradient_penalty(
    critic: Callable[[Array], Array],
    real: Any,
    fake: Any,
    key: Any,
    *,
    weight: float | Array = 10.0,
    pack: int = 1,
) -> Array:
    """How far a critic's slope is from 1 between examples, ``(b, ...) -> ()``.

    ``weight * mean((norm(grad(critic)(x)) - 1) ** 2)`` with ``x = share * real + (1 -
    share) * fake``, a ``share`` in [0, 1) for each pair, and norms over all axes but
    the first. It is differentiated by whatever the critic closes over, its params; the
    slope of a norm that is 0 is taken to be 0.

    Args:
      critic: A function of examples that gives a value, or several to be summed, of
        each by itself, or of each pack: no batch statistics.
      real: Real examples.
      fake: As many fake ones.
      key: What shares are drawn by.
      weight: The factor before the mean; at least 0, may be traced.
      pack: How many examples in a row the critic judges together, as where it begins by
        `packed`; at least 1. A pack has one share, and its slope one norm.

    Raises:
      TypeError: If an argument is of the wrong kind.
      ValueError: If examples have no axis beside the first, real and fake ones differ
        in shape, ``weight < 0``, ``pack < 1``, or there is no whole number of packs.

    Example:
      >>> def critic(x):
      ...     return 3 * x[:, 0]
      >>> x = jnp.ones((5, 2))
      >>> key = jax.random.key(0)
      >>> penalty = fnn.models.adversarial.gradient_penalty(critic, x, -x, key)
      >>> float(penalty)  # 10 (3 - 1)^2
      40.0

    References:
      Gulrajani et al., Improved training of Wasserstein GANs, 2017, equation 3.
    """
    who = "gradient_penalty"
    check_functions(who, critic=critic)
    check_array(who, real, "floating", "real")
    check_array(who, fake, "floating", "fake")
    if real.ndim < 2 or real.shape != fake.shape or 0 in real.shape:
        raise ValueError(
            f"{who}: expected real and fake of one shape (examples, ..., n), got "
            f"{real.shape} and {fake.shape}."
        )
    key = check_key(key, f"{who}(critic, real, fake, key)")
    check_number(who, "weight", weight, "of at least 0", lambda v: v >= 0)
    check_count(who, "pack", pack)
    if len(real) % pack:
        raise ValueError(
            f"{who}: expected packs of {pack} examples each, got {len(real)} examples."
        )
    real, fake = promote(who, real, fake)
    packs = len(real) // pack
    share = jax.random.uniform(key, (packs,) + (1,) * (real.ndim - 1), real.dtype)
    share = jnp.repeat(share, pack, 0)

    def total(x):
        values = critic(x)
        if not is_array(values) or not jnp.issubdtype(values.dtype, jnp.floating):
            raise TypeError(
                f"{who}: expected critic to give floating values, got {shown(values)}."
            )
        return jnp.sum(values)

    slopes = jax.grad(total)(fake + share * (real - fake))
    slopes = slopes.astype(at_least_float32(slopes.dtype))
    squares = jnp.sum(jnp.reshape(slopes, (packs, -1)) ** 2, 1)
    # The root of 0 has no slope, and rectifiers that all rest make one.
    rest = squares == 0
    norms = jnp.where(rest, 0, jnp.sqrt(jnp.where(rest, 1, squares)))
    return jnp.asarray(weight, norms.dtype) * jnp.mean((norms - 1) ** 2)
