"""Convolution: XLA's own, but on a CPU each product in its fastest form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.ops import dense_convolution, depthwise_convolution
from fnn.ops.bilinear import Products, bilinear, transposes


class Geometry(NamedTuple):
    """All of a convolution but its arrays, which are channels-last."""

    space: tuple[int, ...]  # of x
    window: tuple[int, ...]
    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int
    precision: Any

    def shape_of_y(self, x: Any, weight: Any) -> tuple[int, ...]:
        reaches = zip(self.space, self.pads, self.reach, self.stride, strict=True)
        space = ((low + n + high - r) // s + 1 for n, (low, high), r, s in reaches)
        return (x.shape[0], *space, weight.shape[-1])

    def shape_of_a(self, dy: Any, weight: Any) -> tuple[int, ...]:
        return (dy.shape[0], *self.space, self.groups * weight.shape[-2])

    def shape_of_b(self, x: Any, dy: Any) -> tuple[int, ...]:
        return (*self.window, x.shape[-1] // self.groups, dy.shape[-1])

    @property
    def reach(self) -> list[int]:
        """How many values a window spans."""
        return [
            d * (w - 1) + 1 for d, w in zip(self.dilation, self.window, strict=True)
        ]

    @property
    def pads_of_dy(self) -> list[tuple[int, int]]:
        """Zeros around a dy spread out by the stride, whose windows are those of dx."""
        sizes = zip(self.space, self.pads, self.reach, self.stride, strict=True)
        spread = ((low + n + high - r) // s * s + 1 for n, (low, high), r, s in sizes)
        return [
            (r - 1 - low, n + low - one)
            for n, (low, _), r, one in zip(
                self.space, self.pads, self.reach, spread, strict=True
            )
        ]


def convolve(
    x: Array,
    weight: Array,
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    groups: int,
) -> Array:
    """Convolution, ``(batch, *space, channels) -> (batch, *space, features)``.

    ``y[n, p] = sum_t x[n, stride * p + dilation * t - low] @ weight[t]``, linear in x
    and in the weight, of shape ``(*window, channels / groups, features)``. On GPUs and
    TPUs it is `jax.lax.conv_general_dilated`, and its derivatives are those of that.
    """
    geometry = geometry_of(x, weight, stride, pads, dilation, groups)
    operation = _fast if _has_fast_form(x, weight, geometry) else by_xla
    return operation(x, weight, geometry)


def geometry_of(
    x: Any,
    weight: Any,
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    groups: int,
) -> Geometry:
    config: Any = jax.config  # whose settings pyright does not know
    return Geometry(
        x.shape[1:-1],
        weight.shape[:-2],
        tuple(stride),
        tuple((low, high) for low, high in pads),
        tuple(dilation),
        groups,
        config.jax_default_matmul_precision,
    )


def by_xla(x: Array, weight: Array, geometry: Geometry) -> Array:
    """The convolution, as XLA lowers it."""
    space = "DHW"[-len(geometry.window) :]
    return lax.conv_general_dilated(
        x,
        weight,
        window_strides=geometry.stride,
        padding=geometry.pads,
        rhs_dilation=geometry.dilation,
        dimension_numbers=(f"N{space}C", f"{space}IO", f"N{space}C"),
        feature_group_count=geometry.groups,
        precision=geometry.precision,
    )


def _has_fast_form(x: Array, weight: Array, geometry: Geometry) -> bool:
    depthwise = weight.shape[-2] == 1 and weight.shape[-1] == geometry.groups
    # In JAX's explicit mode, types say how arrays are laid out over a mesh.
    sharded = (*jax.typeof(x).sharding.spec, *jax.typeof(weight).sharding.spec)
    return (
        (depthwise if geometry.groups > 1 else len(geometry.window) == 2)
        and x.dtype in (jnp.float32, jnp.float64)
        and weight.dtype == x.dtype
        and x.size > 0
        and weight.size > 0
        and not any(sharded)
    )


def _choose(name: str, default: Any) -> Any:
    """The fastest form of one product on a CPU."""

    def product(a, b, geometry):
        family = depthwise_convolution if geometry.groups > 1 else dense_convolution
        return getattr(family, name)(a, b, geometry, default)

    return product


_BY_XLA = transposes(by_xla)
_ON_CPU = Products(*map(_choose, Products._fields, _BY_XLA))
_fast = bilinear("convolution", _BY_XLA, _ON_CPU, in_turn=True)
