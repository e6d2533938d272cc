"""Layers that draw when training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from fnn.contract import constructor
from fnn.layers.checks import check_array, check_axes, check_number


@constructor
def dropout(
    rate: float | Array, *, broadcast: int | Sequence[int] = ()
) -> Callable[..., Any]:
    """Zeroes values at random in training, ``(...) -> (...)``; needs a key then.

    ``y = x * kept / (1 - rate)``, where ``kept`` is 0 with probability ``rate``, else
    1, so that ``y`` has the expectation ``x``. Without ``train=True``, ``y = x``.

    Params: ``()``.

    Args:
      rate: Probability of *zeroing* a value, in [0, 1); may be traced.
      broadcast: Axes along which one draw is shared: -2 in sequences
        ``(..., time, features)`` drops a feature at all times.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If ``rate`` is out of range, ``x`` lacks an axis of ``broadcast``, or
        ``apply`` gets ``train=True`` and no key.

    Example:
      >>> layer = fnn.dropout(0.5)
      >>> layer.apply((), jnp.ones(8))
      Array([1., 1., 1., 1., 1., 1., 1., 1.], dtype=float32)
      >>> y = layer.apply((), jnp.ones(8), key=jax.random.key(0), train=True)
      >>> sorted(set(y.tolist()))
      [0.0, 2.0]

    References:
      Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way
      to prevent neural networks from overfitting, 2014; section 10 scales as here, in
      training.
    """
    check_number("dropout", "rate", rate, "in [0, 1)", lambda v: 0 <= v < 1)
    axes = check_axes("dropout", broadcast, "broadcast")

    def apply(x, *, key, train):
        check_array("dropout", x)
        for axis in axes:
            if not -x.ndim <= axis < x.ndim:
                raise ValueError(
                    f"dropout: expected x with an axis {axis} to broadcast along, "
                    f"got shape {x.shape}."
                )
        x = jnp.asarray(x)
        if not train:
            return x
        shared = {axis % x.ndim for axis in axes}
        shape = [1 if i in shared else n for i, n in enumerate(x.shape)]
        kept = jax.random.bernoulli(key, 1 - rate, shape)
        scaled = x / jnp.asarray(1 - rate, x.dtype)
        return jnp.where(jnp.broadcast_to(kept, x.shape), scaled, jnp.zeros_like(x))

    return apply
