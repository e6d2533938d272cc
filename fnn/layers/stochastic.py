"""Layers that draw when training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from fnn.contract import constructor
from fnn.layers.checks import check_array, check_axes, check_count, check_number
from fnn.layers.dtypes import as_number, at_least_float32
from fnn.ops.dropping import dropped
from fnn.ops.random_bits import swift


@constructor
def dropout(
    rate: float | Array, *, broadcast: int | Sequence[int] = ()
) -> Callable[..., Any]:
    """Zeroes values at random in training, ``(...) -> (...)``; needs a key then.

    ``y = x * kept / (1 - rate)``, where ``kept`` is 0 with probability ``rate``, else
    1, so that ``y`` has the expectation ``x``. Without ``train=True``, ``y = x``.

    Params: ``()``.

    Args:
      rate: Probability of *zeroing* a value, in [0, 1), to the nearest multiple of
        ``2 ** -16``; may be traced.
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
        return dropped(x, rate, key, shape)

    return apply


@constructor
def drop_path(rate: float | Array, *, batch: int = 1) -> Callable[..., Any]:
    """Zeroes whole examples at random in training, ``(batch, ...) -> (batch, ...)``.

    ``y = x * kept / (1 - rate)``, where ``kept`` is one draw for each example: 0 with
    probability ``rate``, else 1. At the end of a residual branch it is stochastic
    depth: an example skips the branch. Without ``train=True``, ``y = x``.

    Params: ``()``.

    Args:
      rate: Probability of *zeroing* an example, in [0, 1), to the nearest multiple of
        ``2 ** -16``; may be traced.
      batch: How many leading axes count examples; at least 0. With 0, one draw decides
        for all.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If an option is out of range, ``x`` has fewer axes than ``batch``, or
        ``apply`` gets ``train=True`` and no key.

    Example:
      >>> branch = fnn.sequential(fnn.dense(3), fnn.drop_path(0.5))
      >>> init, apply = fnn.residual(branch)
      >>> x = jnp.ones((8, 3))
      >>> params = init(jax.random.key(0), x)
      >>> y = apply(params, x, key=jax.random.key(1), train=True)
      >>> len(set((y - x).any(1).tolist()))  # some examples skipped the branch
      2

    References:
      Huang, Sun, Liu, Sedra and Weinberger, Deep networks with stochastic depth, 2016;
      scaled in training, as dropout is, not in testing as there.
    """
    check_number("drop_path", "rate", rate, "in [0, 1)", lambda v: 0 <= v < 1)
    check_count("drop_path", "batch", batch, 0)

    def apply(x, *, key, train):
        check_array("drop_path", x)
        if x.ndim < batch:
            raise ValueError(
                f"drop_path: expected x of at least {batch} axes, got shape {x.shape}."
            )
        x = jnp.asarray(x)
        if not train:
            return x
        shape = (*x.shape[:batch], *[1] * (x.ndim - batch))
        return dropped(x, rate, key, shape)

    return apply


@constructor
def gaussian_noise(stddev: float | Array) -> Callable[..., Any]:
    """Adds normal noise in training, ``(...) -> (...)``; needs a key then.

    ``y = x + stddev * e``, where ``e`` is standard normal, drawn for each value by
    itself (of a complex ``x``, with a variance of 1 over both parts). Without
    ``train=True``, ``y = x``.

    Params: ``()``.

    Args:
      stddev: Standard deviation of the noise, at least 0; may be traced.

    Raises:
      TypeError: If ``stddev`` is no number, or ``x`` is not floating or complex.
      ValueError: If ``stddev`` is below 0 or not finite, or ``apply`` gets
        ``train=True`` and no key.

    Example:
      >>> layer = fnn.gaussian_noise(0.1)
      >>> x = jnp.ones(1000)
      >>> layer.apply((), x) is x
      True
      >>> y = layer.apply((), x, key=jax.random.key(0), train=True)
      >>> round(float((y - x).std()), 2)
      0.1
    """
    check_number(
        "gaussian_noise",
        "stddev",
        stddev,
        "to be finite and at least 0",
        lambda v: 0 <= v < math.inf,
    )

    def apply(x, *, key, train):
        check_array("gaussian_noise", x)
        x = jnp.asarray(x)
        if not train:
            return x
        # Drawn in float32, as draws of 16 bits are coarse.
        noise = jax.random.normal(swift(key), x.shape, at_least_float32(x.dtype))
        return x + jnp.asarray(noise * as_number(stddev, noise.dtype), x.dtype)

    return apply
