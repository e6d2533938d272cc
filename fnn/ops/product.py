"""Rows times a matrix: the product of `dense` layers."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from fnn.ops.bilinear import Products, bilinear, transposes


class Rows(NamedTuple):
    """All of a product ``(batch..., n), (n, m) -> (batch..., m)`` but its arrays."""

    precision: Any

    def shape_of_y(self, x: Any, weight: Any) -> tuple[int, ...]:
        return (*x.shape[:-1], weight.shape[-1])

    def shape_of_a(self, dy: Any, weight: Any) -> tuple[int, ...]:
        return (*dy.shape[:-1], weight.shape[0])

    def shape_of_b(self, x: Any, dy: Any) -> tuple[int, ...]:
        return (x.shape[-1], dy.shape[-1])


def product(x: Array, weight: Array) -> Array:
    """``x @ weight``, ``(batch..., n), (n, m) -> (batch..., m)``.

    JAX's gradient of the weight adds up over each batch axis by itself, and so XLA on a
    CPU turns one of its operands over and multiplies both the slow way round. There it
    is one product of matrices here: 0.6 times as long where much is to be added up
    (`benchmarks/ops/product.py`).
    """
    # One batch axis is as good as one product. In JAX's explicit mode, types say how
    # arrays are laid out over a mesh.
    sharded = (*jax.typeof(x).sharding.spec, *jax.typeof(weight).sharding.spec)
    if x.ndim < 3 or x.size == 0 or any(sharded):
        return x @ weight
    return _product(x, weight)


@jax.custom_jvp
def _product(x: Array, weight: Array) -> Array:
    # JAX's own primitive, which policies of `jax.checkpoint` know.
    return x @ weight


def _product_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x, weight), (dx, dweight) = primals, tangents
    config: Any = jax.config  # whose settings pyright does not know
    rows = Rows(config.jax_default_matmul_precision)
    y = x @ weight
    dy = [
        *([] if isinstance(dx, SymbolicZero) else [dx @ weight]),
        *([] if isinstance(dweight, SymbolicZero) else [_bilinear(x, dweight, rows)]),
    ]
    return y, sum(dy[1:], dy[0]) if dy else jnp.zeros_like(y)


_product.defjvp(_product_jvp, symbolic_zeros=True)


def by_xla(x: Array, weight: Array, rows: Rows) -> Array:
    """The product, as XLA lowers it."""
    return jnp.matmul(x, weight, precision=rows.precision)


def at_once(x: Array, dy: Array, rows: Rows) -> Array:
    """What brings ``dy`` back to the weight, over all batch axes at once."""
    x, dy = (lax.collapse(a, 0, a.ndim - 1) for a in (x, dy))
    return jnp.matmul(x.T, dy, precision=rows.precision)


_BY_XLA = transposes(by_xla)
_bilinear = bilinear(
    "product", _BY_XLA, Products(*_BY_XLA[:2], to_b=at_once), in_turn=False
)
