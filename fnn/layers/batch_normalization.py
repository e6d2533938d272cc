"""Normalisation by the statistics of the batch, with running ones for evaluation."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
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
from fnn.layers.dtypes import (
    along,
    as_array,
    as_number,
    at_least_float32,
    promoted,
)
from fnn.layers.initialization import Initializer, draw_params
from fnn.ops.normalization import normalized
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
        dtype = promoted("batch_norm", x, *(params[name] for name in gains))
        wide = at_least_float32(dtype, as_array(state["mean"]).dtype)
        x = as_array(x, wide)
        gain = {name: as_array(params[name], wide) for name in gains}
        if train:
            _check_count(x, axis_name)
            y, state = _trained(x, state, gain, momentum, eps, axis_name)
        else:
            statistics = {name: as_array(state[name], wide) for name in state}
            y = _normalized(x, statistics, gain, eps)
        return as_array(y, dtype), state

    return StatefulLayer(init, apply)


def _check_axis_name(axis_name: Any) -> None:
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    if axis_name is not None and not all(isinstance(name, str) for name in names):
        raise TypeError(
            "batch_norm: expected axis_name to be a name or a tuple of them, "
            f"got {word(axis_name)}."
        )


def _check_count(x: Array, axis_name: Any) -> None:
    if math.prod(x.shape[:-1]) * _size_of(axis_name) < 2:
        raise ValueError(
            "batch_norm: expected more than one value of each channel in training, "
            f"got x of shape {x.shape}."
        )


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


# Compiled functions of their own: JAX traces and differentiates each once for a shape,
# however many layers of a network call it.
@jax.jit
def _normalized(
    x: Array, statistics: dict[str, Array], gain: dict[str, Array], eps: Any
) -> Array:
    """Each channel shifted and scaled by its statistics and by what is learned."""
    factor = lax.rsqrt(statistics["var"] + as_number(eps, x.dtype))
    if "scale" in gain:
        factor = factor * gain["scale"]
    # Not x * factor + (bias - mean * factor), which would be a product less to store,
    # but loses what a large mean has in common with x.
    y = (x - along(statistics["mean"], x.shape)) * along(factor, x.shape)
    return y + along(gain["bias"], x.shape) if "bias" in gain else y


@functools.partial(jax.jit, static_argnames="axis_name")
def _trained(
    x: Array,
    state: dict[str, Array],
    gain: dict[str, Array],
    momentum: Any,
    eps: Any,
    axis_name: Any,
) -> tuple[Array, dict[str, Array]]:
    """The output by the batch's own statistics, and the running ones moved to them."""
    count = math.prod(x.shape[:-1]) * _size_of(axis_name)
    channels = x.shape[-1:]
    scale = gain.get("scale", jnp.ones(channels, x.dtype))
    bias = gain.get("bias", jnp.zeros(channels, x.dtype))
    y, mean, var = normalized(x, scale, bias, jnp.asarray(eps, x.dtype), axis_name)

    def moved(old, new):
        step = as_number(momentum, old.dtype) * (as_array(new, old.dtype) - old)
        return lax.stop_gradient(old + step)

    newest = {"mean": mean, "var": var * (count / (count - 1))}
    return y, {name: moved(as_array(state[name]), newest[name]) for name in state}
