"""The transpose of convolution, which makes space larger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import variance_scaling, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_flags,
    check_functions,
    check_param_dtype,
    check_params,
)
from fnn.layers.convolution import convolve
from fnn.layers.dtypes import along, promote
from fnn.layers.initialization import Initializer, draw_params
from fnn.layers.windows import (
    AXES,
    Pads,
    check_space,
    padding_of,
    per_axis,
    window_of,
)
from fnn.shapes import shard_axes, varying

# The transpose of a causal convolution would look ahead, so CAUSAL is not among them.
PADDINGS = ("SAME", "VALID", "CIRCULAR", "REFLECT")


@constructor
def conv_transpose(
    features: int,
    window: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int | Sequence[int]] = "SAME",
    output_padding: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    use_bias: bool = True,
    weight_init: Initializer | None = None,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Transposed convolution, ``(batch..., *space, channels)`` made larger.

    ``y[stride * p + dilation * t - low] += x[p] @ weight[t]`` for all ``p`` and ``t``,
    then ``y + bias``; what falls outside ``y`` is dropped. It is the transpose of
    `conv` with the same options, as a linear map: what `conv` computes of an array
    shaped like ``y``, this one hands back from ``x`` as a gradient would be. Its output
    is of a size that `conv` would bring to the size of ``x``. `apply` takes inputs
    without a batch axis, too; `init` wants one.

    Params: ``weight (*window, channels / groups, features)``, with the last two axes
    the other way round than in that `conv`; ``bias (features,)``, zero at first.

    Args:
      features: Channels of the output; at least 1, and a multiple of ``groups``.
      window: Lengths of the window, one for each spatial axis, such as ``(4, 4)``.
      stride: How much larger space becomes; an int, or one for each axis.
      padding: That of the `conv`, taken off again here: ``"SAME"`` (by default
        ``stride * size`` outputs), ``"VALID"`` (``stride * (size - 1) + r`` outputs,
        where ``r = dilation * (window - 1) + 1``), ``"CIRCULAR"`` and ``"REFLECT"``
        (sizes as of SAME; what would fall outside is added at the other end, or
        mirrored). Else how many values to take off, ``low`` and ``high``: an int, or
        for each axis an int or a pair. To upsample causally, take off ``(0, r - 1)``.
      output_padding: As ``stride`` sizes are brought to one by `conv`: how much larger
        than the smallest of them the output is, from 0 to ``stride - 1``; an int, or
        one for each axis. By default 0 with VALID and numbers, as in PyTorch, and
        ``stride - 1`` with the others.
      dilation: Steps between the values that a window gives; an int, or one for each
        axis.
      groups: How many equal parts channels and features are cut into.
      use_bias: Whether ``bias`` is added.
      weight_init: Draws ``weight``; by default truncated normal of variance 1 over the
        values that an output sums: ``channels / groups`` times ``window / stride``, at
        least 1, of each axis.
      bias_init: Draws ``bias``.
      param_dtype: Floating or complex dtype of the parameters; ``y`` has the dtype that
        ``x`` and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If an option is out of range, channels are not in the last axis or no
        multiple of ``groups``, or nothing would be left of ``y``.

    Example:
      >>> x = jnp.ones((2, 7, 7, 8))
      >>> init, apply = fnn.conv_transpose(3, (4, 4), stride=2)
      >>> params = init(jax.random.key(0), x)
      >>> apply(params, x).shape
      (2, 14, 14, 3)

    References:
      Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016,
      chapter 4.
    """
    check_count("conv_transpose", "features", features)
    window = window_of("conv_transpose", window)
    rank = len(window)
    stride = per_axis("conv_transpose", "stride", stride, rank)
    dilation = per_axis("conv_transpose", "dilation", dilation, rank)
    padding = padding_of("conv_transpose", padding, rank, PADDINGS)
    extra = _output_padding(output_padding, padding, stride)
    check_count("conv_transpose", "groups", groups)
    if features % groups:
        raise ValueError(
            f"conv_transpose: expected features to be a multiple of groups = {groups}, "
            f"got {features}."
        )
    check_flags("conv_transpose", use_bias=use_bias)
    draw_weight = _fan_in(window, stride) if weight_init is None else weight_init
    check_functions("conv_transpose", weight_init=draw_weight, bias_init=bias_init)
    check_param_dtype("conv_transpose", param_dtype)
    initializers = {"weight": draw_weight}
    shapes: dict[str, Any] = {"weight": (*window, "channels", features)}
    if use_bias:
        initializers["bias"] = bias_init
        shapes["bias"] = (features,)

    def init(key, x):
        check_array("conv_transpose", x)
        check_space("conv_transpose", x, rank, batch=True)
        channels = x.shape[-1]
        if channels < 1 or channels % groups:
            raise ValueError(
                "conv_transpose: expected channels to be at least 1 and a multiple of "
                f"groups = {groups}, got {channels}."
            )
        drawn = shapes | {"weight": (*window, channels // groups, features)}
        return draw_params("conv_transpose", initializers, key, drawn, param_dtype)

    def apply(params, x):
        check_params("conv_transpose", params, shapes)
        check_array("conv_transpose", x)
        channels = params["weight"].shape[-2] * groups
        check_space("conv_transpose", x, rank, batch=False, channels=str(channels))
        x, weight, *bias = promote(
            "conv_transpose", x, *(params[name] for name in shapes)
        )
        reach = [d * (n - 1) + 1 for d, n in zip(dilation, window, strict=True)]
        sizes = _sizes(x.shape[-rank - 1 : -1], padding, reach, stride, extra)
        weight = _of_conv(weight, groups)

        def convolved(y):
            return convolve(
                "conv_transpose", y, weight, stride, padding, dilation, groups
            )

        shape = (*x.shape[: x.ndim - rank - 1], *sizes, features)
        x = varying(x, shard_axes(weight))
        like_y = jax.eval_shape(lambda x: lax.full_like(x, 0, shape=shape), x)
        (y,) = jax.linear_transpose(convolved, like_y)(x)
        return lax.add(y, along(bias[0], y.shape)) if use_bias else y

    return Layer(init, apply)


def _fan_in(window: Sequence[int], stride: Sequence[int]) -> Initializer:
    """By what an output sums: of each window, the values that are a stride apart."""
    shared = math.prod(min(n, s) for n, s in zip(window, stride, strict=True))
    return variance_scaling(shared, "fan_in", "truncated_normal")


def _output_padding(
    value: Any, padding: str | Pads, stride: tuple[int, ...]
) -> tuple[int, ...]:
    if value is None:
        numbers = padding == "VALID" or not isinstance(padding, str)
        return (0,) * len(stride) if numbers else tuple(s - 1 for s in stride)
    extra = per_axis("conv_transpose", "output_padding", value, len(stride), 0)
    if any(e >= s for e, s in zip(extra, stride, strict=True)):
        raise ValueError(
            f"conv_transpose: expected output_padding less than stride {stride}, "
            f"got {extra}."
        )
    return extra


def _sizes(
    sizes: Sequence[int],
    padding: str | Pads,
    reach: Sequence[int],
    stride: Sequence[int],
    extra: Sequence[int],
) -> list[int]:
    """The lengths of space in y."""
    if padding == "VALID":
        first = list(reach)  # what a length of 1 becomes
    elif isinstance(padding, str):
        first = [1] * len(reach)
    else:
        first = [r - low - high for r, (low, high) in zip(reach, padding, strict=True)]
    new = []
    for name, size, one, s, e in zip(
        AXES[len(sizes)], sizes, first, stride, extra, strict=True
    ):
        least = max(1, 1 - (one + e - 1) // s)
        if size < least:
            raise ValueError(
                f"conv_transpose: expected {name} of at least {least}, got {size}."
            )
        new.append((size - 1) * s + one + e)
    return new


def _of_conv(weight: Array, groups: int) -> Array:
    """The weight of the convolution from y to x."""
    *window, channels, features = weight.shape
    each = jnp.reshape(weight, (*window, channels, groups, features // groups))
    shape = (*window, features // groups, groups * channels)
    return jnp.reshape(jnp.swapaxes(each, -1, -3), shape)
