"""Normalisation by the statistics of the batch, with running ones for evaluation."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import ones, zeros
from jax.typing import DTypeLike

from fnn.contract import StatefulLayer, constructor
from fnn.layers.checks import (
    check_array,
    check_flags,
    check_functions,
    check_number,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import at_least_float32, promoted
from fnn.layers.initialization import Initializer, draw_params
from fnn.shapes import word


@constructor
def batch_norm(
    *,
    momentum: float | Array = 0.1,
    eps: float | Array = 1e-5,
    axis_name: str | tuple[str, ...] | None = None,
    use_scale: bool = True,
    use_bias: bool = True,
    scale_init: Initializer = ones,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> StatefulLayer:
    """Batch normalisation of each channel, ``(batch..., channels)`` of the same shape.

    ``y = (x - mean) / sqrt(var + eps) * scale + bias``

    With ``train=True``, ``mean`` and ``var`` are those of each channel over all other
    axes, ``var`` dividing by the number of values, and the state moves towards them,
    ``state = (1 - momentum) * state + momentum * statistic``, where ``var`` divides by
    one less than the number of values, as in PyTorch. Else they are the state's.
    Statistics are computed in at least float32, and in two passes, so that a large mean
    costs no precision; no gradient flows into the state.

    Params: ``scale (channels,)``, ones at first; ``bias (channels,)``, zeros at first.
    State: ``mean (channels,)``, zeros at first; ``var (channels,)``, ones at first; in
    at least float32.

    Args:
      momentum: Weight of the newest statistics in the state, in [0, 1].
      eps: Added to the variance; above 0.
      axis_name: Mapped axes, of `jax.vmap` or `jax.shard_map` around ``apply``, that
        hold the rest of the batch: statistics are taken over them as well.
      use_scale: Whether to multiply by ``scale``.
      use_bias: Whether to add ``bias``.
      scale_init: Draws ``scale``.
      bias_init: Draws ``bias``.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If an option is out of range, ``x`` has other channels than the state,
        a channel has a single value in training, or nothing maps ``axis_name`` then.

    Example:
      >>> init, apply = fnn.batch_norm()
      >>> x = jnp.array([[1.0], [3.0]])
      >>> params, state = init(jax.random.key(0), x)
      >>> y, state = apply(params, state, x, train=True)
      >>> y.round(3).ravel(), state["mean"], state["var"].round(3)
      (Array([-1.,  1.], dtype=float32), Array([0.2], dtype=float32),
       Array([1.1], dtype=float32))

    References:
      Ioffe and Szegedy, Batch normalization: accelerating deep network training by
      reducing internal covariate shift, 2015, algorithm 1.
    """
    check_number("batch_norm", "momentum", momentum, "in [0, 1]", lambda v: 0 <= v <= 1)
    check_number("batch_norm", "eps", eps, "above 0", lambda v: v > 0)
    _check_axis_name(axis_name)
    check_flags("batch_norm", use_scale=use_scale, use_bias=use_bias)
    check_functions("batch_norm", scale_init=scale_init, bias_init=bias_init)
    check_param_dtype("batch_norm", param_dtype, "floating")
    gains = {"scale": scale_init} if use_scale else {}
    gains |= {"bias": bias_init} if use_bias else {}

    def init(key, x):
        check_array("batch_norm", x, "floating")
        if x.ndim < 1 or x.shape[-1] < 1:
            raise ValueError(
                f"batch_norm: expected x of shape (..., channels), got {x.shape}."
            )
        shape: tuple[int, ...] = x.shape[-1:]
        dtype = at_least_float32(param_dtype)
        shapes = dict.fromkeys(gains, shape)
        params = draw_params("batch_norm", gains, key, shapes, param_dtype)
        return params, {"mean": jnp.zeros(shape, dtype), "var": jnp.ones(shape, dtype)}

    def apply(params, state, x, *, train):
        vector = ("channels",)
        check_params("batch_norm", state, {"mean": vector, "var": vector}, "state")
        channels = state["mean"].shape
        check_params("batch_norm", state, {"mean": channels, "var": channels}, "state")
        check_params("batch_norm", params, dict.fromkeys(gains, channels))
        check_array("batch_norm", x, "floating")
        if x.shape[-1:] != channels:
            raise ValueError(
                f"batch_norm: expected x of shape (..., {channels[0]}), got {x.shape}."
            )
        x = jnp.asarray(x)
        dtype = promoted("batch_norm", x, *(params[name] for name in gains))
        wide = promoted(
            "batch_norm", state["mean"], jnp.zeros((), at_least_float32(dtype))
        )
        mean, var = (jnp.asarray(state[name], wide) for name in ("mean", "var"))
        if train:
            mean, var, count = _moments(jnp.asarray(x, wide), axis_name)
            unbiased = var * (count / (count - 1))
            state = _moved(state, {"mean": mean, "var": unbiased}, momentum)
        factor = lax.rsqrt(var + jnp.asarray(eps, wide))
        if use_scale:
            factor = factor * jnp.asarray(params["scale"], wide)
        # Not x * factor + (bias - mean * factor), which would be a product less to
        # store, but loses what a large mean has in common with x.
        y = (jnp.asarray(x, wide) - _along(mean, x)) * _along(factor, x)
        if use_bias:
            y = y + _along(jnp.asarray(params["bias"], wide), x)
        return jnp.asarray(y, dtype), state

    return StatefulLayer(init, apply)


def _check_axis_name(axis_name: Any) -> None:
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    if axis_name is not None and not all(isinstance(name, str) for name in names):
        raise TypeError(
            "batch_norm: expected axis_name to be a name or a tuple of them, "
            f"got {word(axis_name)}."
        )


def _along(vector: Array, x: Array) -> Array:
    """One value for each channel, at all positions of x."""
    return jnp.broadcast_to(vector, x.shape)


def _moments(x: Array, axis_name: Hashable | None) -> tuple[Array, Array, int]:
    """Mean and variance of each channel, and the number of values of one."""
    axes = tuple(range(x.ndim - 1))
    count = math.prod(x.shape[:-1]) * _size_of(axis_name)
    if count < 2:
        raise ValueError(
            "batch_norm: expected more than one value of each channel in training, "
            f"got x of shape {x.shape}."
        )

    def everywhere(statistic):
        return statistic if axis_name is None else lax.pmean(statistic, axis_name)

    mean = everywhere(jnp.mean(x, axes))
    var = everywhere(jnp.mean(jnp.square(x - _along(mean, x)), axes))
    return mean, var, count


def _size_of(axis_name: Any) -> int:
    if axis_name is None:
        return 1
    try:
        return lax.axis_size(axis_name)
    except NameError:
        raise ValueError(
            f"batch_norm: expected jax.vmap or jax.shard_map around apply to name its "
            f"axis {word(axis_name)}, got no such axis."
        ) from None


def _moved(
    state: dict[str, Any], newest: dict[str, Array], momentum: float | Array
) -> dict[str, Array]:
    """The running statistics, moved towards the newest ones."""

    def move(old, new):
        weight = jnp.asarray(momentum, old.dtype)
        moved = (1 - weight) * old + weight * jnp.asarray(new, old.dtype)
        return lax.stop_gradient(moved)

    return {name: move(jnp.asarray(state[name]), newest[name]) for name in state}
