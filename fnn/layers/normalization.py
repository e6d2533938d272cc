"""Normalisation of each example by its own statistics."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import ones, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_axes,
    check_flags,
    check_functions,
    check_number,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import as_array, as_number, at_least_float32, promoted
from fnn.layers.initialization import Initializer, draw_params


@constructor
def layer_norm(
    *,
    axis: int | Sequence[int] = -1,
    eps: float | Array = 1e-5,
    use_scale: bool = True,
    use_bias: bool = True,
    scale_init: Initializer = ones,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Layer normalisation of the last axis, ``(..., n) -> (..., n)``.

    ``y = (x - mean(x)) / sqrt(var(x) + eps) * scale + bias``, where ``var`` divides by
    the number of values. Statistics are computed in at least float32, and in two
    passes, so that a large mean costs no precision.

    Params: ``scale (n,)``, ones at first; ``bias (n,)``, zeros at first. With several
    axes, both have the lengths of all of them.

    Args:
      axis: The axes that statistics are taken over; negative, so that any number of
        batch axes may lead.
      eps: Added to the variance; above 0.
      use_scale: Whether to multiply by ``scale``.
      use_bias: Whether to add ``bias``.
      scale_init: Draws ``scale``.
      bias_init: Draws ``bias``.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If an axis isn't negative, ``eps`` is not above 0, or ``x`` has other
        lengths than the parameters.

    Example:
      >>> init, apply = fnn.layer_norm()
      >>> x = jnp.array([[1.0, 2.0, 3.0]])
      >>> apply(init(jax.random.key(0), x), x).round(2)
      Array([[-1.22,  0.  ,  1.22]], dtype=float32)

    References:
      Ba, Kiros and Hinton, Layer normalization, 2016, equation 3.
    """
    axes = _from_the_end("layer_norm", axis)
    check_number("layer_norm", "eps", eps, "above 0", lambda v: v > 0)
    check_flags("layer_norm", use_scale=use_scale, use_bias=use_bias)
    check_functions("layer_norm", scale_init=scale_init, bias_init=bias_init)
    check_param_dtype("layer_norm", param_dtype, "floating")
    gains = {"scale": scale_init} if use_scale else {}
    gains |= {"bias": bias_init} if use_bias else {}

    def init(key, x):
        shape = _lengths("layer_norm", x, axes)
        shapes = dict.fromkeys(gains, shape)
        return draw_params("layer_norm", gains, key, shapes, param_dtype)

    def apply(params, x):
        x, dtype, params = _prepared("layer_norm", params, gains, x, axes)
        return as_array(_normalized(x, params, eps, axes=axes, centred=True), dtype)

    return Layer(init, apply)


@constructor
def rms_norm(
    *,
    axis: int | Sequence[int] = -1,
    eps: float | Array = 1e-6,
    use_scale: bool = True,
    scale_init: Initializer = ones,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Division of the last axis by its root mean square, ``(..., n) -> (..., n)``.

    ``y = x / sqrt(mean(x ** 2) + eps) * scale``, the mean in at least float32.

    Params: ``scale (n,)``, ones at first. With several axes, it has the lengths of all
    of them.

    Args:
      axis: The axes that the mean is taken over; negative, so that any number of batch
        axes may lead.
      eps: Added to the mean square; above 0.
      use_scale: Whether to multiply by ``scale``.
      scale_init: Draws ``scale``.
      param_dtype: Floating dtype of ``scale``; ``y`` has the dtype that ``x`` and it
        promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If an axis isn't negative, ``eps`` is not above 0, or ``x`` has other
        lengths than ``scale``.

    Example:
      >>> init, apply = fnn.rms_norm()
      >>> x = jnp.array([[3.0, -3.0]])
      >>> apply(init(jax.random.key(0), x), x).round(3)
      Array([[ 1., -1.]], dtype=float32)

    References:
      Zhang and Sennrich, Root mean square layer normalization, 2019, equation 4.
    """
    axes = _from_the_end("rms_norm", axis)
    check_number("rms_norm", "eps", eps, "above 0", lambda v: v > 0)
    check_flags("rms_norm", use_scale=use_scale)
    check_functions("rms_norm", scale_init=scale_init)
    check_param_dtype("rms_norm", param_dtype, "floating")
    gains = {"scale": scale_init} if use_scale else {}

    def init(key, x):
        shape = _lengths("rms_norm", x, axes)
        shapes = dict.fromkeys(gains, shape)
        return draw_params("rms_norm", gains, key, shapes, param_dtype)

    def apply(params, x):
        x, dtype, params = _prepared("rms_norm", params, gains, x, axes)
        return as_array(_normalized(x, params, eps, axes=axes, centred=False), dtype)

    return Layer(init, apply)


# ------------------------------------------------------------------------------ shared
def _from_the_end(owner: str, axis: Any) -> tuple[int, ...]:
    axes = check_axes(owner, axis)
    if not axes or max(axes) >= 0:
        raise ValueError(
            f"{owner}: expected axis counted from the end, such as -1, got {axis}."
        )
    return tuple(sorted(axes))


def _lengths(owner: str, x: Any, axes: tuple[int, ...]) -> tuple[int, ...]:
    check_array(owner, x, "floating")
    if x.ndim < -axes[0] or any(x.shape[axis] < 1 for axis in axes):
        raise ValueError(
            f"{owner}: expected x with at least one value along axis {axes}, "
            f"got shape {x.shape}."
        )
    return tuple(x.shape[axis] for axis in axes)


def _prepared(
    owner: str,
    params: Any,
    gains: dict[str, Initializer],
    x: Any,
    axes: tuple[int, ...],
) -> tuple[Array, Any, dict[str, Array]]:
    """The input and params in at least float32, and the dtype of y."""
    shape = _lengths(owner, x, axes)
    free = tuple(f"n{i}" for i in range(len(axes))) if len(axes) > 1 else ("n",)
    check_params(owner, params, dict.fromkeys(gains, free))
    lengths = [params[name].shape for name in gains] or [shape]
    if any(have != shape for have in lengths):
        raise ValueError(
            f"{owner}: expected x of lengths {lengths[0]} along axis {axes}, "
            f"got shape {x.shape}."
        )
    dtype = promoted(owner, x, *(params[name] for name in gains))
    wide = at_least_float32(dtype)
    return as_array(x, wide), dtype, {n: as_array(params[n], wide) for n in gains}


# Compiled on its own: JAX traces and differentiates it once for a shape, however many
# layers of a network call it.
@functools.partial(jax.jit, static_argnames=("axes", "centred"))
def _normalized(
    x: Array, gain: dict[str, Array], eps: Any, *, axes: tuple[int, ...], centred: bool
) -> Array:
    """X over the root of its mean square, scaled and shifted by what is learned."""
    aligned = [n if i - x.ndim in axes else 1 for i, n in enumerate(x.shape)]

    def like_x(vector):
        return jnp.broadcast_to(jnp.reshape(vector, aligned), x.shape)

    if centred:
        x = x - jnp.mean(x, axes, keepdims=True)
    square = jnp.mean(jnp.square(x), axes, keepdims=True)
    y = x * lax.rsqrt(square + as_number(eps, x.dtype))
    y = y * like_x(gain["scale"]) if "scale" in gain else y
    return y + like_x(gain["bias"]) if "bias" in gain else y
