"""Convolution over any number of spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import lecun_normal, zeros
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
from fnn.layers.dtypes import along, promote
from fnn.layers.initialization import Initializer, draw_params
from fnn.layers.windows import (
    AXES,
    Pads,
    check_fit,
    check_space,
    padding_of,
    per_axis,
    same_padding,
    window_of,
)
from fnn.ops import convolution as ops

PADDINGS = ("SAME", "VALID", "CAUSAL", "CIRCULAR", "REFLECT")
CONTINUED = {"CIRCULAR": "wrap", "REFLECT": "reflect"}  # as jnp.pad calls them


@constructor
def conv(
    features: int,
    window: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int | Sequence[int]] = "SAME",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    use_bias: bool = True,
    weight_init: Initializer = lecun_normal(),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Convolution, ``(batch..., *space, channels) -> (batch..., *space, features)``.

    ``y[p] = sum_t x[stride * p + dilation * t - low] @ weight[t] + bias``, where ``p``
    and ``t`` count along the spatial axes (as many as the window is long, 1 to 3) and
    ``low`` is the padding before the first value. Like everywhere in deep learning, the
    window is not flipped. `apply` takes inputs without a batch axis, too; `init` wants
    one, lest a batch of images that lost an axis pass for one image.

    Params: ``weight (*window, channels / groups, features)``; ``bias (features,)``,
    zero at first.

    Args:
      features: Channels of the output; at least 1, and a multiple of ``groups``.
      window: Lengths of the window, one for each spatial axis, such as ``(3, 3)``.
      stride: Steps between windows; an int, or one for each axis.
      padding: ``"SAME"`` gives ``ceil(size / stride)`` outputs, with zeros around the
        input, the odd one at the end; ``"VALID"`` pads nothing. The window spans
        ``r = dilation * (window - 1) + 1`` values: ``"CIRCULAR"`` continues the input
        from its other end and ``"REFLECT"`` mirrors it without repeating the edge, both
        by ``(r - 1) // 2`` values before and ``r // 2`` after; ``"CAUSAL"``, for one
        axis, puts ``r - 1`` zeros before, so that no output sees later inputs. All
        three give ``ceil(size / stride)`` outputs. Else the number of zeros: an int, or
        for each axis an int or a pair ``(low, high)``.
      dilation: Steps between the values that a window takes; an int, or one for each
        axis.
      groups: How many equal parts channels and features are cut into, each convolved by
        itself; as many as there are channels make the convolution depthwise.
      use_bias: Whether ``bias`` is added.
      weight_init: Draws ``weight``; by default truncated normal of variance 1 over the
        number of values that an output sums.
      bias_init: Draws ``bias``.
      param_dtype: Floating or complex dtype of the parameters; ``y`` has the dtype that
        ``x`` and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If an option is out of range, channels are not in the last axis or no
        multiple of ``groups``, or ``x`` is smaller than the window.

    Example:
      >>> images = jnp.ones((2, 28, 28, 1))
      >>> init, apply = fnn.conv(8, (3, 3), stride=2)
      >>> params = init(jax.random.key(0), images)
      >>> params["weight"].shape
      (3, 3, 1, 8)
      >>> apply(params, images).shape
      (2, 14, 14, 8)
    """
    check_count("conv", "features", features)
    window = window_of("conv", window)
    rank = len(window)
    stride = per_axis("conv", "stride", stride, rank)
    dilation = per_axis("conv", "dilation", dilation, rank)
    names = [name for name in PADDINGS if rank == 1 or name != "CAUSAL"]
    padding = padding_of("conv", padding, rank, names)
    check_count("conv", "groups", groups)
    if features % groups:
        raise ValueError(
            f"conv: expected features to be a multiple of groups = {groups}, "
            f"got {features}."
        )
    check_flags("conv", use_bias=use_bias)
    check_functions("conv", weight_init=weight_init, bias_init=bias_init)
    check_param_dtype("conv", param_dtype)
    initializers = {"weight": weight_init}
    shapes: dict[str, Any] = {"weight": (*window, "channels", features)}
    if use_bias:
        initializers["bias"] = bias_init
        shapes["bias"] = (features,)

    def init(key, x):
        check_array("conv", x)
        check_space("conv", x, rank, batch=True)
        channels = x.shape[-1]
        if channels < 1 or channels % groups:
            raise ValueError(
                f"conv: expected channels to be at least 1 and a multiple of groups = "
                f"{groups}, got {channels}."
            )
        drawn = shapes | {"weight": (*window, channels // groups, features)}
        return draw_params("conv", initializers, key, drawn, param_dtype)

    def apply(params, x):
        check_params("conv", params, shapes)
        check_array("conv", x)
        channels = params["weight"].shape[-2] * groups
        check_space("conv", x, rank, batch=False, channels=str(channels))
        x, weight, *bias = promote("conv", x, *(params[name] for name in shapes))
        y = convolve("conv", x, weight, stride, padding, dilation, groups)
        return lax.add(y, along(bias[0], y.shape)) if use_bias else y

    return Layer(init, apply)


def convolve(
    owner: str,
    x: Array,
    weight: Array,
    stride: tuple[int, ...],
    padding: str | Pads,
    dilation: tuple[int, ...],
    groups: int,
) -> Array:
    """The convolution itself, linear in x and in its weight."""
    rank = len(stride)
    batch, sizes = x.shape[: x.ndim - rank - 1], x.shape[-rank - 1 : -1]
    window = weight.shape[:rank]
    reach = [d * (n - 1) + 1 for d, n in zip(dilation, window, strict=True)]
    pads = _pads(sizes, padding, reach, stride)
    if isinstance(padding, str) and padding in CONTINUED:
        _check_continued(owner, sizes, pads, padding)
        mode = CONTINUED[padding]
        x = jnp.pad(x, [(0, 0)] * len(batch) + [*pads, (0, 0)], mode=mode)
        pads = ((0, 0),) * rank
    elif padding not in ("SAME", "CAUSAL"):  # these two always fit
        check_fit(owner, sizes, pads, reach)
    flat = len(batch) == 1
    if not flat:
        x = jnp.reshape(x, (math.prod(batch), *x.shape[len(batch) :]))
    y = ops.convolve(x, weight, stride, pads, dilation, groups)
    return y if flat else jnp.reshape(y, (*batch, *y.shape[1:]))


def _pads(
    sizes: Sequence[int],
    padding: str | Pads,
    reach: Sequence[int],
    stride: Sequence[int],
) -> Pads:
    if not isinstance(padding, str):
        return padding
    if padding == "VALID":
        return ((0, 0),) * len(sizes)
    if padding == "CAUSAL":
        return tuple((r - 1, 0) for r in reach)
    if padding == "SAME":
        return tuple(map(same_padding, sizes, reach, stride))
    return tuple(((r - 1) // 2, r // 2) for r in reach)


def _check_continued(
    owner: str, sizes: Sequence[int], pads: Pads, padding: str
) -> None:
    """An input long enough to be continued by its own values."""
    for name, size, ends in zip(AXES[len(sizes)], sizes, pads, strict=True):
        least = max(ends) + (padding == "REFLECT")
        if size < least:
            raise ValueError(
                f"{owner}: expected {name} of at least {least} for padding {padding}, "
                f"got {size}."
            )
