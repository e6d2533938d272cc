"""LeNet-5: the convolutional network that read cheques."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from fnn.contract import Layer, as_layer, constructor
from fnn.layers.checks import check_array, check_count
from fnn.layers.convolution import conv
from fnn.layers.forwards import Forward
from fnn.layers.linear import dense
from fnn.layers.pooling import max_pool
from fnn.wiring import module

SIDE = 32  # of the images that it reads; digits fill the middle 28


@constructor
def lenet(
    classes: int = 10,
    *,
    activation: Callable[[Array], Array] = jax.nn.relu,
    pool: Any = max_pool((2, 2)),
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Logits of the classes of a digit, ``(..., side, side, n) -> (..., classes)``.

    LeNet-5: convolution and pooling twice, then a layer that sees all of space, a
    hidden one, and the logits. The side is 32, or 28, around which two zeros are added
    on each side. ``activation=jnp.tanh`` with ``pool=fnn.avg_pool((2, 2))`` is nearest
    to the original; there, a feature of C3 saw some of S2 only, pools had a gain and a
    bias each, and outputs were distances to codes of the classes.

    Params, by the names of the paper: convolutions ``c1``, ``c3`` and ``c5`` of 6, 16
    and 120 features; ``f6``, a `dense` of 84; ``out``, a `dense`: 61,706 numbers for
    ten classes of grey images. The pools ``s2`` and ``s4`` and ``activation`` are
    ``()``.

    Args:
      classes: The number of classes; at least 1.
      activation: A function of an array or a layer, of the same shape.
      pool: A layer or function that halves space, such as ``avg_pool((2, 2))``.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, or images are not floating.
      ValueError: If ``classes < 1``, or images are of another size.

    Example:
      >>> net = fnn.models.lenet()
      >>> images = jnp.ones((2, 28, 28, 1))
      >>> net.apply(net.init(jax.random.key(0), images), images).shape
      (2, 10)
      >>> fnn.summary(net, images).parameters
      61706

    References:
      LeCun et al., Gradient-based learning applied to document recognition, 1998,
      section II-B and figure 2.
    """
    check_count("lenet", "classes", classes)
    activation = as_layer(activation, "lenet, activation")
    pool = as_layer(pool, "lenet, pool")

    def windows(features):
        return conv(features, (5, 5), padding="VALID", param_dtype=param_dtype)

    return module(
        c1=windows(6),
        s2=pool,
        c3=windows(16),
        s4=pool,
        c5=windows(120),
        f6=dense(84, param_dtype=param_dtype),
        out=dense(classes, param_dtype=param_dtype),
        activation=activation,
    )(_LeNet())


@dataclass(frozen=True)
class _LeNet(Forward):
    __name__ = "lenet"

    def __call__(self, parts, images):
        x = parts.s2(parts.activation(parts.c1(_whole(images))))
        x = parts.s4(parts.activation(parts.c3(x)))
        x = parts.activation(parts.c5(x))
        x = jnp.reshape(x, (*x.shape[:-3], -1))
        return parts.out(parts.activation(parts.f6(x)))


def _whole(images: Any) -> Array:
    """Images with the border that they may have been handed without."""
    check_array("lenet", images, "floating", "images")
    sides = images.shape[-3:-1]
    if images.ndim < 3 or sides not in ((SIDE - 4,) * 2, (SIDE,) * 2):
        raise ValueError(
            "lenet: expected images of shape (..., 28, 28, channels) or "
            f"(..., 32, 32, channels), got {images.shape}."
        )
    border = (SIDE - sides[0]) // 2
    pads = [(0, 0)] * (images.ndim - 3) + [(border, border)] * 2 + [(0, 0)]
    return jnp.pad(images, pads)
