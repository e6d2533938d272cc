"""U-Net: down to the coarse and up again, each level seeing the one across."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from fnn.layers.pooling import max_pool
from fnn.layers.resizing import upsample
from fnn.layers.transformers import dropping
from fnn.layers.transposed_convolution import conv_transpose
from fnn.layers.windows import AXES
from fnn.models.checks import check_widths
from fnn.shapes import word
from fnn.wiring import module


@constructor
def unet(
    features: int,
    *,
    channels: Sequence[int] = (64, 128, 256, 512, 1024),
    blocks: int = 2,
    space: int = 2,
    padding: str = "SAME",
    transposed: bool = True,
    activation: Callable[[Array], Array] = jax.nn.relu,
    norm: Any = batch_norm(),
    dropout: float | Array = 0.0,
    param_dtype: DTypeLike = jnp.float32,
) -> Any:
    """An image of the size of another, ``(..., *space, n) -> (..., *space, features)``.

    Down, each level is some blocks (a convolution of 3, a norm, an activation), whose
    output goes across, and a max-pool that halves space. Up, each level doubles space
    again, joins what came across, and has as many blocks. A convolution of 1 gives the
    output: logits of the class of each pixel, or the noise in it.

    Params: ``down`` and ``up``, a tuple of blocks for each level, the finest first in
    both; ``bottom``, the blocks of the coarsest; ``up_conv``, what doubles space, by
    level; ``head``. A block has ``conv``, ``norm`` and ``activation``. Convolutions of
    blocks have a bias if there is no norm; their weights are normal of variance ``2 /
    n`` where ``n`` values are summed. ``pool`` and ``dropout`` are ``()``.

    Args:
      features: Channels of the output, such as the number of classes; at least 1.
      channels: Those of each level, the finest first; at least 2 levels.
      blocks: How many blocks a level has, on either side; at least 1.
      space: How many spatial axes there are: 1, 2 or 3.
      padding: ``"SAME"`` keeps space in each convolution; its lengths are multiples of
        ``2 ** (levels - 1)``. With ``"VALID"``, as in the paper, each block loses a
        pixel on each side, what goes across is cropped to its middle, and lengths are
        even before each pool, such as 572, of which 388 are left.
      transposed: Whether space is doubled by a transposed convolution of 2 with stride
        2, or by repeating values and a convolution of 3, which leaves no checkerboard.
      activation: A function of an array or a layer, of the same shape.
      norm: A layer or function that normalises, of which each block has its own
        parameters; None for none, as in the paper.
      dropout: Probability of *zeroing* a value of the coarsest level in training, in
        [0, 1).
      param_dtype: Floating dtype of weights and biases; a norm has its own.

    Raises:
      TypeError: If an option is of the wrong kind, or images are not floating.
      ValueError: If an option is out of range, or space can't be halved so often.

    Example:
      >>> net = fnn.models.unet(2, channels=(4, 8, 16), norm=fnn.group_norm(2))
      >>> images = jnp.ones((1, 8, 12, 3))
      >>> params = net.init(jax.random.key(0), images)
      >>> params["up"][0][0]["conv"]["weight"].shape
      (3, 3, 8, 4)
      >>> net.apply(params, images).shape
      (1, 8, 12, 2)

    References:
      Ronneberger, Fischer and Brox, U-Net: convolutional networks for biomedical image
      segmentation, 2015, figure 1 and section 3; Odena, Dumoulin and Olah,
      Deconvolution and checkerboard artifacts, 2016.
    """
    check_count("unet", "features", features)
    check_widths("unet", "channels", channels, 2)
    check_count("unet", "blocks", blocks)
    check_count("unet", "space", space)
    if space not in AXES:
        raise ValueError(f"unet: expected space of 1, 2 or 3 axes, got {word(space)}.")
    if padding not in ("SAME", "VALID"):
        raise ValueError(
            f"unet: expected padding to be one of SAME, VALID, got {word(padding)}."
        )
    check_flags("unet", transposed=transposed)
    after = {} if norm is None else {"norm": as_layer(norm, "unet, norm")}
    after["activation"] = as_layer(activation, "unet, activation")
    twice: Any = (2,) * space

    def convolution(width, side, padding="SAME", use_bias=True):
        return conv(
            width,
            (side,) * space,
            padding=padding,
            use_bias=use_bias,
            weight_init=_he_normal,
            param_dtype=param_dtype,
        )

    def level(width):
        return [
            sequential(conv=convolution(width, 3, padding, norm is None), **after)
        ] * blocks

    def doubling(width):
        if transposed:
            return conv_transpose(
                width, twice, stride=2, padding="VALID", param_dtype=param_dtype
            )
        return sequential(upsample=upsample(twice), conv=convolution(width, 3))

    *finer, coarsest = channels
    return module(
        down=[level(width) for width in finer],
        pool=max_pool(twice),
        bottom=level(coarsest),
        dropout=dropping("unet", dropout),
        up_conv=[doubling(width) for width in finer],
        up=[level(width) for width in finer],
        head=convolution(features, 1),
    )(_UNet(space))


@dataclass(frozen=True)
class _UNet(Forward):
    space: int
    __name__ = "unet"

    def __call__(self, parts, x):
        across = []
        for level in parts.down:
            x = _through(level, x)
            across.append(x)
            x = parts.pool(self.even(x, len(across)))
        x = _through(parts.bottom, x)
        x = parts.dropout(x) if parts.dropout else x
        for i in reversed(range(len(across))):
            x = parts.up_conv[i](x)
            both = promote("unet", self.middle(across[i], x), x)
            x = _through(parts.up[i], jnp.concatenate(both, -1))
        return parts.head(x)

    def even(self, x, level):
        """An array whose space can be halved."""
        sizes = x.shape[-self.space - 1 : -1]
        if any(size % 2 for size in sizes):
            raise ValueError(
                "unet: expected even lengths of space before each pool, "
                f"got {sizes} before pool {level}."
            )
        return x

    def middle(self, x, like):
        """The middle of space, of the lengths that another array has."""
        inside = []
        for axis in range(-self.space - 1, -1):
            low = (x.shape[axis] - like.shape[axis]) // 2
            inside.append(slice(low, low + like.shape[axis]))
        return x[(..., *inside, slice(None))]


def _through(blocks: Any, x: Any) -> Any:
    for block in blocks:
        x = block(x)
    return x


def _he_normal(key: Any, shape: Any, dtype: Any) -> Array:
    """By its name it is pickled and equal to itself, which what it calls is not."""
    return variance_scaling(2.0, "fan_in", "normal")(key, shape, dtype)
