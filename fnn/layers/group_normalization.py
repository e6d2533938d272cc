"""Normalisation over space, channel by channel or in groups of channels."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import ones, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
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


@constructor
def group_norm(
    groups: int = 32,
    *,
    space: int | None = None,
    eps: float | Array = 1e-5,
    use_scale: bool = True,
    use_bias: bool = True,
    scale_init: Initializer = ones,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Normalisation of groups of channels, ``(batch, *space, n)`` of the same shape.

    ``y = (x - mean(x)) / sqrt(var(x) + eps) * scale + bias``, where mean and var are
    those of all positions in space and the ``n / groups`` channels beside each other
    of a group, for each example by itself; ``var`` divides by the number of values.
    Statistics are computed in at least float32, and in two passes, so that a large mean
    costs no precision.

    Params: ``scale (n,)``, ones at first; ``bias (n,)``, zeros at first.

    Args:
      groups: How many equal parts the channels are cut into; at least 1. With 1, all
        channels share their statistics.
      space: How many spatial axes there are before the last axis; at least 0. By
        default all but the first and last, so give it where there may be no batch axis,
        or several.
      eps: Added to the variance; above 0.
      use_scale: Whether to multiply by ``scale``.
      use_bias: Whether to add ``bias``.
      scale_init: Draws ``scale``.
      bias_init: Draws ``bias``.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If an option is out of range, or ``x`` has too few axes, no values in
        space, or another number of channels than the parameters or no multiple of
        ``groups``.

    Example:
      >>> init, apply = fnn.group_norm(2)
      >>> x = jnp.array([[[1.0, 3.0, 5.0, 5.0], [1.0, 3.0, 9.0, 9.0]]])
      >>> apply(init(jax.random.key(0), x), x)[0, 0].round(2)
      Array([-1.,  1., -1., -1.], dtype=float32)

    References:
      Wu and He, Group normalization, 2018, equation 7.
    """
    check_count("group_norm", "groups", groups)
    options = _Options("group_norm", groups, space, eps)
    gains = options.gains(use_scale, use_bias, scale_init, bias_init, param_dtype)

    def init(key, x):
        options.axes(x)
        shapes = dict.fromkeys(gains, (x.shape[-1],))
        return draw_params("group_norm", gains, key, shapes, param_dtype)

    def apply(params, x):
        return options.normalize(params, gains, x)

    return Layer(init, apply)


@constructor
def instance_norm(
    *,
    space: int | None = None,
    eps: float | Array = 1e-5,
    use_scale: bool = True,
    use_bias: bool = True,
    scale_init: Initializer = ones,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Normalisation over space, ``(batch, *space, n) -> (batch, *space, n)``.

    ``y = (x - mean(x)) / sqrt(var(x) + eps) * scale + bias``, where mean and var are
    those of all positions in space, for each channel of each example by itself; ``var``
    divides by the number of values. Statistics are computed in at least float32, and in
    two passes. There are no running statistics: training changes nothing.

    Params: ``scale (n,)``, ones at first; ``bias (n,)``, zeros at first.

    Args:
      space: How many spatial axes there are before the last axis; at least 1. By
        default all but the first and last, so give it where there may be no batch axis,
        or several.
      eps: Added to the variance; above 0.
      use_scale: Whether to multiply by ``scale``.
      use_bias: Whether to add ``bias``.
      scale_init: Draws ``scale``.
      bias_init: Draws ``bias``.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If an option is out of range, or ``x`` has too few axes, fewer than
        two values in space, or another number of channels than the parameters.

    Example:
      >>> init, apply = fnn.instance_norm()
      >>> x = jnp.array([[[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]])
      >>> apply(init(jax.random.key(0), x), x)[0, :, 0].round(2)
      Array([-1.22,  0.  ,  1.22], dtype=float32)

    References:
      Ulyanov, Vedaldi and Lempitsky, Instance normalization, 2016, equation 3.
    """
    options = _Options("instance_norm", None, space, eps)
    gains = options.gains(use_scale, use_bias, scale_init, bias_init, param_dtype)

    def init(key, x):
        options.axes(x)
        shapes = dict.fromkeys(gains, (x.shape[-1],))
        return draw_params("instance_norm", gains, key, shapes, param_dtype)

    def apply(params, x):
        return options.normalize(params, gains, x)

    return Layer(init, apply)


# ------------------------------------------------------------------------------ shared
class _Options:
    """What both have in common; without a number of groups, each channel is one."""

    def __init__(self, owner: str, groups: int | None, space: Any, eps: Any) -> None:
        if space is not None:
            check_count(owner, "space", space, int(groups is None))
        check_number(owner, "eps", eps, "above 0", lambda v: v > 0)
        self.owner, self.groups, self.space, self.eps = owner, groups, space, eps

    def gains(
        self, use_scale: Any, use_bias: Any, scale_init: Any, bias_init: Any, dtype: Any
    ) -> dict[str, Initializer]:
        """What is learned, and how it is drawn."""
        check_flags(self.owner, use_scale=use_scale, use_bias=use_bias)
        check_functions(self.owner, scale_init=scale_init, bias_init=bias_init)
        check_param_dtype(self.owner, dtype, "floating")
        gains = {"scale": scale_init} if use_scale else {}
        return gains | ({"bias": bias_init} if use_bias else {})

    def axes(self, x: Any) -> tuple[int, ...]:
        """The spatial axes of x, which has values and channels enough."""
        check_array(self.owner, x, "floating")
        each_channel = self.groups is None
        least = 2 + each_channel if self.space is None else self.space + 1
        if x.ndim < least:
            raise ValueError(
                f"{self.owner}: expected x of at least {least} axes, "
                f"got shape {x.shape}."
            )
        lead = 1 if self.space is None else x.ndim - 1 - self.space
        axes = tuple(range(lead, x.ndim - 1))
        n, groups = x.shape[-1], self.groups or 1
        if n < 1 or n % groups:
            raise ValueError(
                f"{self.owner}: expected channels to be at least 1 and a multiple of "
                f"groups = {groups}, got {n}."
            )
        # One value is its own mean, and normalised it would be 0 whatever it is.
        channels = 1 if each_channel else n // groups
        if math.prod(x.shape[lead:-1]) * channels < 2:
            raise ValueError(
                f"{self.owner}: expected at least 2 values to normalise together, "
                f"got shape {x.shape}."
            )
        return axes

    def normalize(self, params: Any, gains: dict[str, Initializer], x: Any) -> Array:
        """The input normalised, in the dtype that it and the params promote to."""
        axes = self.axes(x)
        check_params(self.owner, params, dict.fromkeys(gains, ("n",)))
        n = x.shape[-1]
        lengths = [params[name].shape[0] for name in gains]
        if any(length != n for length in lengths):
            raise ValueError(
                f"{self.owner}: expected x of shape (..., {lengths[0]}), got {x.shape}."
            )
        dtype = promoted(self.owner, x, *(params[name] for name in gains))
        wide = at_least_float32(dtype)
        gain = {name: as_array(params[name], wide) for name in gains}
        groups = n if self.groups is None else self.groups
        y = _normalized(as_array(x, wide), gain, self.eps, axes=axes, groups=groups)
        return as_array(y, dtype)


# Compiled on its own: JAX traces and differentiates it once for a shape, however many
# layers of a network call it.
@functools.partial(jax.jit, static_argnames=("axes", "groups"))
def _normalized(
    x: Array, gain: dict[str, Array], eps: Any, *, axes: tuple[int, ...], groups: int
) -> Array:
    """Each group of channels with mean 0 and variance 1, then scaled and shifted."""
    shape = x.shape
    x = jnp.reshape(x, (*shape[:-1], groups, shape[-1] // groups))
    axes = (*axes, x.ndim - 1)
    x = x - jnp.mean(x, axes, keepdims=True)
    var = jnp.mean(jnp.square(x), axes, keepdims=True)
    y = jnp.reshape(x * lax.rsqrt(var + as_number(eps, x.dtype)), shape)
    y = y * along(gain["scale"], shape) if "scale" in gain else y
    return y + along(gain["bias"], shape) if "bias" in gain else y
