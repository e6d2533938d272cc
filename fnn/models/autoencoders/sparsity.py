"""Penalties that keep most of a code near 0."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_array, check_number
from fnn.layers.dtypes import at_least_float32
from fnn.models.checks import check_unit_interval


def sparsity_penalty(code: Any, rate: float | Array = 0.05) -> Array:
    """How far units are from being active at a rate, ``(..., n) -> ()``, in nats.

    ``sum(rate * log(rate / mean) + (1 - rate) * log((1 - rate) / (1 - mean)))``, with
    ``mean``, of each unit, over all examples: the Kullback-Leibler divergence of coins.
    For units in [0, 1], as sigmoids are; for others the penalty is mostly L1,
    ``jnp.sum(jnp.abs(code), axis=-1)``. Some multiple of it is added to the error.

    Args:
      code: Units of several examples, in [0, 1]; infinite where one is always 0 or 1.
      rate: The mean wanted of each unit, in (0, 1); may be traced.

    Raises:
      TypeError: If an argument is of the wrong kind.
      ValueError: If ``rate`` is out of range, there are no examples, or a unit, where
        its values are known, is outside of [0, 1].

    Example:
      >>> code = jnp.full((100, 3), 0.05)
      >>> float(fnn.models.autoencoders.sparsity_penalty(code))
      0.0

    References:
      Ng, Sparse autoencoder, lecture notes of CS294A, 2011, section 3.
    """
    who = "sparsity_penalty"
    check_array(who, code, "floating", "code")
    check_number(who, "rate", rate, "in (0, 1)", lambda v: 0 < v < 1)
    if code.ndim < 2 or 0 in code.shape[:-1]:
        raise ValueError(
            f"{who}: expected code of shape (examples, n), at least one of them, "
            f"got {code.shape}."
        )
    check_unit_interval(who, "code", code)
    code = jnp.asarray(code, at_least_float32(code.dtype))
    mean = jnp.mean(code, tuple(range(code.ndim - 1)))
    rate = jnp.asarray(rate, mean.dtype)
    return jnp.sum(_divergence(rate, mean) + _divergence(1 - rate, 1 - mean))


def _divergence(rate: Array, mean: Array) -> Array:
    return rate * (jnp.log(rate) - jnp.log(mean))
