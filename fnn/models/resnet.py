"""Residual networks, for photographs and for the small images of CIFAR."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from fnn.contract import as_layer, constructor
from fnn.layers.batch_normalization import batch_norm
from fnn.layers.checks import check_count, check_flags
from fnn.layers.forwards import Forward
from fnn.layers.global_pooling import global_avg_pool
from fnn.layers.linear import dense
from fnn.layers.pooling import max_pool
from fnn.models.residual_blocks import (
    EXPANSION,
    padded_shortcut,
    projected_shortcut,
    residual_block,
    square_conv,
)
from fnn.shapes import word
from fnn.wiring import module

# The blocks of each stage by depth: table 1 of the paper.
STAGES = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
BOTTLENECKS = (50, 101, 152)


@constructor
def resnet(
    classes: int | None,
    *,
    depth: int = 50,
    cifar: bool = False,
    features: int | None = None,
    projection: bool | None = None,
    activation: Callable[[Array], Array] = jax.nn.relu,
    norm: Any = batch_norm(),
    last_norm: Any = None,
    param_dtype: DTypeLike = jnp.float32,
) -> Any:
    """Logits of the classes of an image, ``(..., height, width, n) -> (..., classes)``.

    A convolution, stages of residual blocks, the mean over space, and a linear layer.
    Each stage but the first halves space and doubles features. For photographs the
    first convolution is of 7x7 with stride 2, a pool follows, and there are four
    stages, of bottlenecks from a depth of 50 on. In the form for CIFAR it is of 3x3,
    without pool, and there are three stages of ``(depth - 2) / 6`` blocks.

    Params: ``conv1`` and ``norm1``; ``stages``, a tuple of tuples of blocks, as of
    `residual_block`; ``head`` (``()`` without classes). ``activation``, ``pool`` and
    ``average`` are ``()``. Weights of convolutions are normal of variance ``2 / n``,
    ``n`` being the number of values that an input reaches. State: that of the norms.

    With ten classes, depth 20 for CIFAR has 269,722 parameters (272,474 with
    projections); with 1,000, depth 18 has 11,689,512 and depth 50 has 25,557,032, as
    torchvision's have, down to padding and to the stride in the 3x3 of a bottleneck.

    Args:
      classes: The number of classes; None for the mean over space itself.
      depth: The number of layers with weights: 18, 34, 50, 101 or 152, or for CIFAR
        ``6 * n + 2``, such as 20, 32, 44, 56 or 110.
      cifar: Whether it has the form for images of 32x32.
      features: Those of the first stage, and of the first convolution; by default 64,
        for CIFAR 16.
      projection: Whether a shortcut to another shape is a convolution of 1x1 with a
        norm (option B), or takes every other pixel and adds features of zero, half of
        them before and half after (option A). By default True, for CIFAR False.
      activation: A function of an array or a layer, of the same shape.
      norm: A layer or function that normalises, of which each use has its own
        parameters, such as ``batch_norm(axis_name="batch")``.
      last_norm: The norm that ends a block, before the sum; by default as ``norm``.
        ``batch_norm(scale_init=jax.nn.initializers.zeros)`` makes each block begin as
        its shortcut.
      param_dtype: Floating dtype of weights and biases; a norm has its own.

    Raises:
      TypeError: If an option is of the wrong kind, or images are not floating.
      ValueError: If an option is out of range, or images have no space or too little,
        or have their channels first.

    Example:
      >>> net = fnn.models.resnet(10, depth=8, cifar=True, features=4)
      >>> images = jnp.ones((2, 8, 8, 3))
      >>> params, state = net.init(jax.random.key(0), images)
      >>> params["stages"][1][0]["conv1"]["weight"].shape
      (3, 3, 4, 8)
      >>> logits, state = net.apply(params, state, images, train=True)
      >>> logits.shape
      (2, 10)

    References:
      He et al., Deep residual learning for image recognition, 2015, table 1, section
      3.3 for the shortcuts, section 4.2 for CIFAR; Goyal et al., Accurate, large
      minibatch SGD, 2017, section 5.1, for the last norm and the stride.
    """
    check_flags("resnet", cifar=cifar)
    check_count("resnet", "depth", depth)
    counts = _counts(depth, cifar)
    if classes is not None:
        check_count("resnet", "classes", classes)
    width = (16 if cifar else 64) if features is None else features
    check_count("resnet", "features", width)
    projection = not cifar if projection is None else projection
    check_flags("resnet", projection=projection)
    activation = as_layer(activation, "resnet, activation")
    norm = as_layer(norm, "resnet, norm")
    if last_norm is not None:
        last_norm = as_layer(last_norm, "resnet, last_norm")
    bottleneck = not cifar and depth in BOTTLENECKS
    block = functools.partial(
        residual_block,
        bottleneck=bottleneck,
        activation=activation,
        norm=norm,
        last_norm=last_norm,
        param_dtype=param_dtype,
    )
    projected = functools.partial(
        projected_shortcut, norm=norm, param_dtype=param_dtype
    )
    match = projected if projection else padded_shortcut
    expansion = EXPANSION if bottleneck else 1
    side, stride = (3, 1) if cifar else (7, 2)
    head = None if classes is None else dense(classes, param_dtype=param_dtype)
    return module(
        conv1=square_conv(width, side, stride, param_dtype),
        norm1=norm,
        activation=activation,
        pool=None if cifar else max_pool((3, 3), stride=2, padding=1),
        stages=_stages(counts, width, expansion, block, match),
        average=global_avg_pool(2),
        head=head,
    )(_ResNet())


def _stages(
    counts: Sequence[int],
    width: int,
    expansion: int,
    block: Callable[..., Any],
    match: Callable[[int, int], Any],
) -> list[list[Any]]:
    """The blocks of each stage; `match` makes a shortcut to other features."""
    stages, channels = [], width
    for i, count in enumerate(counts):
        inner, stride = width * 2**i, 2 if i else 1
        out = inner * expansion
        same = stride == 1 and channels == out
        first = block(
            inner, stride=stride, shortcut=None if same else match(out, stride)
        )
        stages.append([first, *[block(inner)] * (count - 1)])
        channels = out
    return stages


@dataclass(frozen=True)
class _ResNet(Forward):
    __name__ = "resnet"

    def __call__(self, parts, images):
        _check_channels(images)
        x = parts.activation(parts.norm1(parts.conv1(images)))
        x = parts.pool(x) if parts.pool else x
        for stage in parts.stages:
            for block in stage:
                x = block(x)
        x = parts.average(x)
        return parts.head(x) if parts.head else x


def _check_channels(images: Any) -> None:
    """Colours may come first, as in PyTorch: nobody has images 3 pixels high."""
    shape = getattr(images, "shape", ())
    if len(shape) >= 3 and shape[-3] in (1, 3) and shape[-3] != shape[-2] == shape[-1]:
        raise ValueError(
            f"resnet: expected images (..., height, width, channels), got {shape}, as "
            "if channels came first; jnp.moveaxis(images, -3, -1) puts them last."
        )


def _counts(depth: int, cifar: bool) -> tuple[int, ...]:
    """How many blocks each stage has."""
    if not cifar and depth not in STAGES:
        raise ValueError(
            f"resnet: expected depth to be one of {', '.join(map(str, STAGES))}, "
            f"got {word(depth)}."
        )
    if cifar and (depth < 8 or depth % 6 != 2):
        raise ValueError(
            "resnet: expected depth of 6 * n + 2 with n of at least 1 for CIFAR, "
            f"got {word(depth)}."
        )
    return ((depth - 2) // 6,) * 3 if cifar else STAGES[depth]
