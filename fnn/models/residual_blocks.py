"""The blocks that residual networks are made of, and their shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import variance_scaling
from jax.typing import DTypeLike

from fnn.combinators import sequential
from fnn.contract import as_layer, constructor
from fnn.layers.batch_normalization import batch_norm
from fnn.layers.checks import check_count, check_flags
from fnn.layers.convolution import conv
from fnn.layers.dtypes import promote
from fnn.layers.forwards import Forward
from fnn.wiring import module

EXPANSION = 4  # how many times as many features come out of a bottleneck


@constructor
def residual_block(
    features: int,
    *,
    stride: int = 1,
    bottleneck: bool = False,
    shortcut: Any = None,
    activation: Callable[[Array], Array] = jax.nn.relu,
    norm: Any = batch_norm(),
    last_norm: Any = None,
    param_dtype: DTypeLike = jnp.float32,
) -> Any:
    """Convolutions around a shortcut, ``(..., height, width, n) -> (..., features)``.

    ``y = activation(shortcut(x) + norm2(conv2(activation(norm1(conv1(x))))))``, both
    convolutions of 3x3, the first one with the stride. A bottleneck has three, of 1x1,
    3x3 with the stride, and 1x1 to ``4 * features``.

    Params: ``conv1``, ``norm1``, ``conv2``, ``norm2``, with a bottleneck ``conv3`` and
    ``norm3``; ``shortcut`` (``()`` where it is the identity); ``activation`` is ``()``.
    State: that of the norms.

    Args:
      features: Those of the convolution of 3x3; at least 1.
      stride: Steps between windows.
      bottleneck: Whether it has three convolutions.
      shortcut: A layer or function that brings ``x`` to the shape of what is added to
        it; None for the identity.
      activation: A function of an array or a layer, of the same shape.
      norm: A layer or function that normalises.
      last_norm: The norm before the sum; by default as ``norm``.
      param_dtype: Floating dtype of the weights.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If an option is out of range, or the shortcut has another shape than
        what is added to it.

    Example:
      >>> from fnn.models.residual_blocks import residual_block
      >>> block, x = residual_block(4), jnp.ones((2, 8, 8, 4))
      >>> params, state = block.init(jax.random.key(0), x)
      >>> block.apply(params, state, x)[0].shape
      (2, 8, 8, 4)

    References:
      He et al., Deep residual learning for image recognition, 2015, equations 1 and 2
      and figure 5.
    """
    check_count("residual_block", "features", features)
    check_flags("residual_block", bottleneck=bottleneck)
    norm = as_layer(norm, "residual_block, norm")
    if bottleneck:
        convs = [(features, 1, 1), (features, 3, stride), (EXPANSION * features, 1, 1)]
    else:
        convs = [(features, 3, stride), (features, 3, 1)]
    parts = {}
    for i, (width, side, steps) in enumerate(convs, 1):
        parts[f"conv{i}"] = square_conv(width, side, steps, param_dtype)
        parts[f"norm{i}"] = norm
    if last_norm is not None:
        parts[f"norm{len(convs)}"] = as_layer(last_norm, "residual_block, last_norm")
    parts["activation"] = as_layer(activation, "residual_block, activation")
    if shortcut is not None:
        shortcut = as_layer(shortcut, "residual_block, shortcut")
    return module(**parts, shortcut=shortcut)(_Block(bottleneck))


@dataclass(frozen=True)
class _Block(Forward):
    bottleneck: bool
    __name__ = "residual_block"

    def __call__(self, parts, x):
        y = parts.activation(parts.norm1(parts.conv1(x)))
        y = parts.norm2(parts.conv2(y))
        if self.bottleneck:
            y = parts.norm3(parts.conv3(parts.activation(y)))
        x = parts.shortcut(x) if parts.shortcut else x
        if x.shape != y.shape:
            raise ValueError(
                "residual_block: expected a shortcut to the shape of what is added to "
                f"it, {y.shape}, got {x.shape}."
            )
        x, y = promote("residual_block", x, y)
        return parts.activation(x + y)


def projected_shortcut(
    features: int, stride: int, norm: Any, param_dtype: DTypeLike
) -> Any:
    """Option B: a convolution of 1x1."""
    return sequential(conv=square_conv(features, 1, stride, param_dtype), norm=norm)


@constructor
def padded_shortcut(features: int, stride: int) -> Callable[..., Any]:
    """Option A: every so many pixels, features of zero before and after the others."""

    def apply(x):
        if x.shape[-1] > features:
            raise ValueError(
                f"padded_shortcut: expected at most {features} channels, "
                f"got shape {x.shape}."
            )
        x = x[..., ::stride, ::stride, :]
        low = (features - x.shape[-1]) // 2
        high = features - x.shape[-1] - low
        return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(low, high)])

    return apply


def square_conv(features: int, side: int, stride: int, param_dtype: DTypeLike) -> Any:
    """A square window, padded by as much on either side: SAME would not be, with 2."""
    return conv(
        features,
        (side, side),
        stride=stride,
        padding=side // 2,
        use_bias=False,
        weight_init=_he_normal,
        param_dtype=param_dtype,
    )


def _he_normal(key: Any, shape: Any, dtype: Any) -> Array:
    """By its name it is pickled and equal to itself, which what it calls is not."""
    return variance_scaling(2.0, "fan_out", "normal")(key, shape, dtype)
