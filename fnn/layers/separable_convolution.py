"""Convolution in two steps: space first, then channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax.nn.initializers import lecun_normal, zeros
from jax.typing import DTypeLike

from fnn.combinators import sequential
from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_flags,
    check_functions,
    check_param_dtype,
    check_params,
)
from fnn.layers.convolution import PADDINGS, conv, convolve
from fnn.layers.dtypes import promote
from fnn.layers.initialization import Initializer, draw_params
from fnn.layers.windows import Pads, check_space, padding_of, per_axis, window_of


@constructor
def separable_conv(
    features: int,
    window: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int | Sequence[int]] = "SAME",
    dilation: int | Sequence[int] = 1,
    multiplier: int = 1,
    use_bias: bool = True,
    weight_init: Initializer = lecun_normal(),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Depthwise separable convolution, ``(batch..., *space, channels)`` to features.

    ``y = pointwise(depthwise(x))``: each channel is convolved over space by itself, by
    ``multiplier`` windows, then all are mixed at each position by a `conv` whose window
    is 1. It is a `conv` with a weight of low rank.

    Params: ``depthwise/weight (*window, 1, channels * multiplier)``;
    ``pointwise/weight (1..., channels * multiplier, features)``; ``pointwise/bias
    (features,)``, zero at first.

    Args:
      features: Channels of the output; at least 1.
      window: Lengths of the window, one for each spatial axis, such as ``(3, 3)``.
      stride: Steps between windows; an int, or one for each axis.
      padding: As `conv` takes it: SAME, VALID, CAUSAL, CIRCULAR, REFLECT or numbers.
      dilation: Steps between the values that a window takes; an int, or one for each
        axis.
      multiplier: How many windows each channel has; at least 1.
      use_bias: Whether ``bias`` is added, at the end.
      weight_init: Draws both weights; by default truncated normal of variance 1 over
        the number of values that each output of a step sums.
      bias_init: Draws ``bias``.
      param_dtype: Floating or complex dtype of the parameters; ``y`` has the dtype that
        ``x`` and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If an option is out of range, channels are not in the last axis, or
        ``x`` is smaller than the window.

    Example:
      >>> images = jnp.ones((2, 8, 8, 4))
      >>> init, apply = fnn.separable_conv(16, (3, 3), stride=2)
      >>> params = init(jax.random.key(0), images)
      >>> params["depthwise"]["weight"].shape, params["pointwise"]["weight"].shape
      ((3, 3, 1, 4), (1, 1, 4, 16))
      >>> apply(params, images).shape
      (2, 4, 4, 16)

    References:
      Chollet, Xception: deep learning with depthwise separable convolutions, 2017.
    """
    check_count("separable_conv", "features", features)
    window = window_of("separable_conv", window)
    rank = len(window)
    stride = per_axis("separable_conv", "stride", stride, rank)
    dilation = per_axis("separable_conv", "dilation", dilation, rank)
    names = [name for name in PADDINGS if rank == 1 or name != "CAUSAL"]
    padding = padding_of("separable_conv", padding, rank, names)
    check_count("separable_conv", "multiplier", multiplier)
    check_flags("separable_conv", use_bias=use_bias)
    check_functions("separable_conv", weight_init=weight_init, bias_init=bias_init)
    check_param_dtype("separable_conv", param_dtype)
    pointwise = conv(
        features,
        (1,) * rank,
        use_bias=use_bias,
        weight_init=weight_init,
        bias_init=bias_init,
        param_dtype=param_dtype,
    )
    return sequential(
        depthwise=depthwise(
            window, stride, padding, dilation, multiplier, weight_init, param_dtype
        ),
        pointwise=pointwise,
    )


@constructor
def depthwise(
    window: tuple[int, ...],
    stride: tuple[int, ...],
    padding: str | Pads,
    dilation: tuple[int, ...],
    multiplier: int,
    weight_init: Initializer,
    param_dtype: DTypeLike,
) -> Layer:
    """Each channel convolved by itself: a `conv` that asks its input for the groups.

    Its options are those of `separable_conv`, checked there.
    """
    rank = len(window)
    expected = {"weight": (*window, 1, "features")}

    def init(key, x):
        check_array("separable_conv", x)
        check_space("separable_conv", x, rank, batch=True)
        if x.shape[-1] < 1:
            raise ValueError(
                f"separable_conv: expected at least 1 channel, got shape {x.shape}."
            )
        shapes = {"weight": (*window, 1, x.shape[-1] * multiplier)}
        initializers = {"weight": weight_init}
        return draw_params("separable_conv", initializers, key, shapes, param_dtype)

    def apply(params, x):
        check_params("separable_conv", params, expected)
        check_array("separable_conv", x)
        channels = params["weight"].shape[-1] // multiplier
        check_space("separable_conv", x, rank, batch=False, channels=str(channels))
        x, weight = promote("separable_conv", x, params["weight"])
        return convolve(
            "separable_conv", x, weight, stride, padding, dilation, channels
        )

    return Layer(init, apply)
