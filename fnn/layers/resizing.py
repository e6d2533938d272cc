"""Layers without parameters that make space larger or smaller."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from fnn.contract import Layer, constructor
from fnn.layers.checks import check_array, check_params
from fnn.layers.dtypes import at_least_float32
from fnn.layers.windows import AXES, check_space, window_of
from fnn.shapes import word

METHODS = ("nearest", "linear", "cubic")


@constructor
def upsample(factor: Sequence[int], *, method: str = "nearest") -> Layer:
    """Interpolation of space, ``(batch..., *space, channels)`` made larger.

    Pixels are areas, not points: value ``p`` of the output lies at ``(p + 1/2) / factor
    - 1/2`` of the input, as in PyTorch with ``align_corners=False``, and beyond the
    outermost values nothing is extrapolated.

    Params: ``()``.

    Args:
      factor: How many times as long each spatial axis becomes, such as ``(2, 2)``.
      method: ``"nearest"`` repeats values, of any dtype; ``"linear"`` interpolates
        between the two next to it along each axis; ``"cubic"`` between the four, by
        Keys' kernel of a = -1/2, weighing at the borders only those that there are.
        These two compute in at least float32.

    Raises:
      TypeError: If ``factor`` is no tuple of ints, or ``x`` is no array, or not
        floating where it is interpolated.
      ValueError: If an option is out of range, or a spatial axis is missing.

    Example:
      >>> x = jnp.array([0.0, 4.0]).reshape(1, 2, 1)
      >>> fnn.upsample((2,), method="linear").apply((), x).ravel()
      Array([0., 1., 3., 4.], dtype=float32)

    References:
      Keys, Cubic convolution interpolation for digital image processing, 1981.
    """
    factor = window_of("upsample", factor, "factor")
    rank = len(factor)
    if method not in METHODS:
        raise ValueError(
            f"upsample: expected method to be one of {', '.join(METHODS)}, "
            f"got {word(method)}."
        )
    kinds = None if method == "nearest" else "floating"

    def init(key, x):
        check_array("upsample", x, kinds)
        check_space("upsample", x, rank, batch=True)
        return ()

    def apply(params, x):
        check_params("upsample", params, {})
        check_array("upsample", x, kinds)
        check_space("upsample", x, rank, batch=False)
        x = jnp.asarray(x)
        if method == "nearest":
            for axis, times in enumerate(factor, x.ndim - 1 - rank):
                x = jnp.repeat(x, times, axis)
            return x
        shape = _scaled(x.shape, factor)
        if not x.size:
            return jnp.zeros(shape, x.dtype)
        wide = jnp.asarray(x, at_least_float32(x.dtype))
        return jnp.asarray(jax.image.resize(wide, shape, method), x.dtype)

    return Layer(init, apply)


@constructor
def pixel_shuffle(factor: Sequence[int]) -> Layer:
    """Channels spread over space, ``(batch..., *space, factor * n)`` made larger.

    With two spatial axes and ``factor = (r, s)``, ``y[r * i + a, s * j + b, c] =
    x[i, j, (c * r + a) * s + b]``, PyTorch's order of channels.

    Params: ``()``.

    Args:
      factor: How many times as long each spatial axis becomes, such as ``(2, 2)``.

    Raises:
      TypeError: If ``factor`` is no tuple of ints, or ``x`` no array.
      ValueError: If a factor is below 1, a spatial axis is missing, or channels are no
        multiple of the product of all factors.

    Example:
      >>> x = jnp.arange(4.0).reshape(1, 1, 1, 4)
      >>> fnn.pixel_shuffle((2, 2)).apply((), x)[0, :, :, 0]
      Array([[0., 1.],
             [2., 3.]], dtype=float32)

    References:
      Shi et al., Real-time single image and video super-resolution using an efficient
      sub-pixel convolutional neural network, 2016, equation 4.
    """
    factor = window_of("pixel_shuffle", factor, "factor")
    rank, parts = len(factor), math.prod(factor)

    def check(x, batch):
        check_array("pixel_shuffle", x, None)
        check_space("pixel_shuffle", x, rank, batch=batch)
        if x.shape[-1] % parts:
            raise ValueError(
                f"pixel_shuffle: expected channels to be a multiple of {parts}, "
                f"got {x.shape[-1]}."
            )

    def init(key, x):
        check(x, True)
        return ()

    def apply(params, x):
        check_params("pixel_shuffle", params, {})
        check(x, False)
        batch, lead = x.shape[: x.ndim - rank - 1], x.ndim - rank - 1
        sizes, channels = x.shape[lead:-1], x.shape[-1] // parts
        x = jnp.reshape(jnp.asarray(x), (*batch, *sizes, channels, *factor))
        # Each spatial axis, then the axis of its factor.
        pairs = [a for i in range(rank) for a in (lead + i, lead + rank + 1 + i)]
        x = jnp.transpose(x, (*range(lead), *pairs, lead + rank))
        larger = [n * f for n, f in zip(sizes, factor, strict=True)]
        return jnp.reshape(x, (*batch, *larger, channels))

    return Layer(init, apply)


@constructor
def pixel_unshuffle(factor: Sequence[int]) -> Layer:
    """Space folded into channels, the inverse of `pixel_shuffle`.

    ``(batch..., *space, n) -> (batch..., *(space / factor), factor * n)``

    Params: ``()``.

    Args:
      factor: How many times as short each spatial axis becomes, such as ``(2, 2)``.

    Raises:
      TypeError: If ``factor`` is no tuple of ints, or ``x`` no array.
      ValueError: If a factor is below 1, or a spatial axis is missing or no multiple of
        its factor.

    Example:
      >>> x = jnp.arange(4.0).reshape(1, 2, 2, 1)
      >>> fnn.pixel_unshuffle((2, 2)).apply((), x)
      Array([[[[0., 1., 2., 3.]]]], dtype=float32)
    """
    factor = window_of("pixel_unshuffle", factor, "factor")
    rank = len(factor)

    def check(x, batch):
        check_array("pixel_unshuffle", x, None)
        check_space("pixel_unshuffle", x, rank, batch=batch)
        sizes = x.shape[-rank - 1 : -1]
        for name, size, times in zip(AXES[rank], sizes, factor, strict=True):
            if size % times:
                raise ValueError(
                    f"pixel_unshuffle: expected {name} to be a multiple of {times}, "
                    f"got {size}."
                )

    def init(key, x):
        check(x, True)
        return ()

    def apply(params, x):
        check_params("pixel_unshuffle", params, {})
        check(x, False)
        batch, lead = x.shape[: x.ndim - rank - 1], x.ndim - rank - 1
        smaller = [n // f for n, f in zip(x.shape[lead:-1], factor, strict=True)]
        pairs = [n for pair in zip(smaller, factor, strict=True) for n in pair]
        channels = x.shape[-1]
        x = jnp.reshape(jnp.asarray(x), (*batch, *pairs, channels))
        space = [lead + 2 * i for i in range(rank)]
        inside = [axis + 1 for axis in space]
        x = jnp.transpose(x, (*range(lead), *space, lead + 2 * rank, *inside))
        return jnp.reshape(x, (*batch, *smaller, channels * math.prod(factor)))

    return Layer(init, apply)


def _scaled(shape: tuple[int, ...], factor: tuple[int, ...]) -> tuple[int, ...]:
    lead = len(shape) - 1 - len(factor)
    space = [n * f for n, f in zip(shape[lead:-1], factor, strict=True)]
    return (*shape[:lead], *space, shape[-1])
