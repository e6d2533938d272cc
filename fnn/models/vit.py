"""Vision transformer: an encoder of the patches of an image."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import normal, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import check_array, check_count, check_flags
from fnn.layers.convolution import conv
from fnn.layers.dtypes import promote
from fnn.layers.forwards import Forward
from fnn.layers.linear import dense, parameter
from fnn.layers.multi_head_attention import attention
from fnn.layers.normalization import layer_norm
from fnn.layers.positions import learned_positions
from fnn.layers.transformers import dropping, feed_forward, transformer_block
from fnn.transforms.copies import repeat
from fnn.wiring import module


@constructor
def vit(
    classes: int | None,
    *,
    patch: int = 16,
    features: int = 768,
    heads: int = 12,
    layers: int = 12,
    hidden: int | None = None,
    activation: Callable[[Array], Array] = functools.partial(
        jax.nn.gelu, approximate=False
    ),
    class_token: bool = True,
    dropout: float | Array = 0.0,
    eps: float = 1e-6,
    remat: bool = False,
    unroll: int = 1,
    implementation: str | None = None,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Logits of the classes of an image, ``(..., height, width, n) -> (..., classes)``.

    Each patch is mapped to a vector; a class token stands before them; learned
    positions are added; blocks of attention with the norm first follow, and a last
    norm. Logits are a linear layer of the class token, or of the mean of all patches
    without one. All images are of the size that `init` gets.

    Params: ``patches``, a convolution; ``class_token (features,)`` (``()`` without
    one); ``positions``; ``blocks`` of ``layers`` copies with ``attention``,
    ``feed_forward`` and their norms; ``norm``; ``head`` (``()`` without classes), zeros
    at first. ``dropout`` is ``()``.

    Args:
      classes: The number of classes; None for the vector itself, ``(..., features)``.
      patch: Height and width of a patch, of which those of images are multiples.
      features: Length of a vector; a multiple of ``heads``.
      heads: The number of heads of attention.
      layers: The number of blocks; at least 1.
      hidden: Length of a block's hidden layer; by default ``4 * features``.
      activation: That of the hidden layer; by default exact GELU.
      class_token: Whether there is a class token.
      dropout: Probability of *zeroing*, in training, a value of the embedding, of what
        a part adds, or an attention weight; in [0, 1).
      eps: Added to the variance in norms.
      remat: Whether each block's activations are recomputed in the backward pass.
      unroll: How many blocks one iteration of their loop runs: more take longer to
        compile, and on a CPU all of them less time (`repeat`).
      implementation: That of `attention`.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, or images are not floating.
      ValueError: If an option is out of range, or images are of another size.

    Example:
      >>> net = fnn.models.vit(10, patch=4, features=8, heads=2, layers=2)
      >>> images = jnp.ones((2, 8, 12, 1))
      >>> params = net.init(jax.random.key(0), images)
      >>> params["positions"]["weight"].shape, net.apply(params, images).shape
      ((7, 8), (2, 10))

    References:
      Dosovitskiy et al., An image is worth 16x16 words: transformers for image
      recognition at scale, 2020, equations 1 to 4.
    """
    check_count("vit", "patch", patch)
    check_count("vit", "features", features)
    check_count("vit", "layers", layers)
    check_count("vit", "unroll", unroll)
    if classes is not None:
        check_count("vit", "classes", classes)
    check_flags("vit", class_token=class_token, remat=remat)
    dtype: dict[str, Any] = {"param_dtype": param_dtype}
    norm = layer_norm(eps=eps, **dtype)
    block = transformer_block(
        attention(
            features, heads, dropout=dropout, implementation=implementation, **dtype
        ),
        feed_forward(features, hidden=hidden, activation=activation, **dtype),
        norm=norm,
        dropout=dropout,
    )
    patches = conv(features, (patch, patch), stride=patch, padding="VALID", **dtype)
    head = None
    if classes is not None:
        head = dense(classes, weight_init=zeros, **dtype)
    return module(
        patches=patches,
        class_token=parameter(features, **dtype) if class_token else None,
        positions=learned_positions(weight_init=normal(0.02), **dtype),
        dropout=dropping("vit", dropout),
        blocks=repeat(block, layers, remat=remat, unroll=unroll),
        norm=norm,
        head=head,
    )(_ViT(patch))


@dataclass(frozen=True)
class _ViT(Forward):
    patch: int
    __name__ = "vit"

    def __call__(self, parts, images):
        check_array("vit", images, "floating", "images")
        if images.ndim < 3 or any(n % self.patch for n in images.shape[-3:-1]):
            raise ValueError(
                "vit: expected images of shape (..., height, width, channels), height "
                f"and width multiples of patch = {self.patch}, got {images.shape}."
            )
        x = parts.patches(images)
        x = jnp.reshape(x, (*x.shape[:-3], -1, x.shape[-1]))
        if parts.class_token:
            token = jnp.broadcast_to(
                parts.class_token(), (*x.shape[:-2], 1, x.shape[-1])
            )
            x = jnp.concatenate(promote("vit", token, x), axis=-2)
        x = parts.positions(x)
        x = parts.norm(parts.blocks(parts.dropout(x) if parts.dropout else x))
        x = x[..., 0, :] if parts.class_token else jnp.mean(x, -2)
        return parts.head(x) if parts.head else x
