"""Bilinear operations that are computed otherwise on a CPU, with every derivative.

``y = f(a, b)``, linear in each argument, has two transposes: what brings ``(dy, b)``
back to ``a``, and what brings ``(a, dy)`` back to ``b``. Both are bilinear, and the
transposes of these are the other ones of the three. So three primitives of JAX that
name each other as their transposes are closed under differentiation, in either mode and
to any order, and each can be computed in a form of its own. `jax.custom_jvp` can't say
how to transpose, `jax.custom_vjp` forbids forward mode, and
`jax.custom_derivatives.linear_call` has no derivative in what it is not linear in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from fnn.ops.shards import alike

MOST_UNROLLED = 16  # XLA is slower in a loop, and longer at compiling without one

Product = Callable[..., Array]  # of two arrays and the geometry


class Geometry(Protocol):
    """What stays fixed: hashable, and enough to tell each shape from the other two."""

    def shape_of_y(self, a: Any, b: Any) -> tuple[int, ...]: ...
    def shape_of_a(self, dy: Any, b: Any) -> tuple[int, ...]: ...
    def shape_of_b(self, a: Any, dy: Any) -> tuple[int, ...]: ...


class Mapped(NamedTuple):
    """The geometry of so many operations side by side, along a new first axis."""

    geometry: Any
    count: int

    def shape_of_y(self, a: Any, b: Any) -> tuple[int, ...]:
        return (self.count, *self.geometry.shape_of_y(_first(a), _first(b)))

    def shape_of_a(self, dy: Any, b: Any) -> tuple[int, ...]:
        return (self.count, *self.geometry.shape_of_a(_first(dy), _first(b)))

    def shape_of_b(self, a: Any, dy: Any) -> tuple[int, ...]:
        return (self.count, *self.geometry.shape_of_b(_first(a), _first(dy)))


def _first(array: Any) -> Any:
    return jax.ShapeDtypeStruct(array.shape[1:], array.dtype)


class Products(NamedTuple):
    """The operation ``(a, b) -> y``, and its transposes."""

    to_y: Product  # (a, b)
    to_a: Product  # (dy, b)
    to_b: Product  # (a, dy)


def transposes(f: Product) -> Products:
    """The operation with the transposes that JAX derives for it."""

    def to_a(dy, b, geometry):
        like = _like(dy, geometry.shape_of_a(dy, b))
        return jax.linear_transpose(lambda a: f(a, b, geometry), like)(dy)[0]

    def to_b(a, dy, geometry):
        like = _like(dy, geometry.shape_of_b(a, dy))
        return jax.linear_transpose(lambda b: f(a, b, geometry), like)(dy)[0]

    return Products(f, to_a, to_b)


def bilinear(
    name: str, default: Products, on_cpu: Products, *, in_turn: bool
) -> Product:
    """The operation whose every product is lowered by `default`, but `on_cpu` there.

    The operation goes over the first axis of ``a`` and ``y`` item by item. Where
    `jax.vmap` maps both arguments, `default` is mapped likewise, and so is `on_cpu`, or
    it comes once for each of them `in_turn`.
    """
    to_y, to_a, to_b = (
        _primitive(
            f"{name}_{product}", f"shape_of_{product[3:]}", *forms, in_turn=in_turn
        )
        for product, *forms in zip(Products._fields, default, on_cpu, strict=True)
    )
    ad.defbilinear(
        to_y,
        lambda ct, a, b, **fixed: to_a.bind(ct, b, **fixed),
        lambda ct, a, b, **fixed: to_b.bind(a, ct, **fixed),
    )
    ad.defbilinear(
        to_a,
        lambda ct, dy, b, **fixed: to_y.bind(ct, b, **fixed),
        lambda ct, dy, b, **fixed: to_b.bind(ct, dy, **fixed),
    )
    ad.defbilinear(
        to_b,
        lambda ct, a, dy, **fixed: to_a.bind(dy, ct, **fixed),
        lambda ct, a, dy, **fixed: to_y.bind(a, ct, **fixed),
    )

    def call(a, b, geometry):
        return to_y.bind(*alike(a, b), geometry=geometry)

    return call


def _primitive(
    name: str, shape: str, default: Product, on_cpu: Product, *, in_turn: bool
) -> Primitive:
    """One of the products, of the shape that this method of the geometry gives."""
    primitive = Primitive(name)

    @functools.partial(jax.jit, static_argnames="geometry")
    def compiled(a, b, *, geometry):
        return primitive.bind(a, b, geometry=geometry)

    def shaped(a, b, *, geometry):
        return a.update(shape=getattr(geometry, shape)(a, b))

    def batched(args, axes, *, geometry):
        (a, b), (axis, other) = args, axes
        over_first = other is None and shape != "shape_of_b"
        if axis is not None and other is not None:
            a, b = jnp.moveaxis(a, axis, 0), jnp.moveaxis(b, other, 0)
            return primitive.bind(a, b, geometry=Mapped(geometry, len(a))), 0
        if axis is not None and over_first and not isinstance(geometry, Mapped):
            a = jnp.moveaxis(a, axis, 0)
            y = primitive.bind(lax.collapse(a, 0, 2), b, geometry=geometry)
            return lax.reshape(y, (*a.shape[:2], *y.shape[1:])), 0
        f = functools.partial(_by_vmap, default, geometry=geometry)
        return jax.vmap(f, in_axes=axes)(a, b), 0

    def lower(f):
        return mlir.lower_fun(
            lambda a, b, *, geometry: f(a, b, geometry), multiple_results=False
        )

    primitive.def_impl(compiled)
    primitive.def_abstract_eval(shaped)
    batching.primitive_batchers[primitive] = batched
    mapped = _one_by_one if in_turn else _by_vmap
    mlir.register_lowering(primitive, lower(functools.partial(_by_vmap, default)))
    mlir.register_lowering(
        primitive, lower(functools.partial(mapped, on_cpu)), platform="cpu"
    )
    return primitive


def _by_vmap(product: Product, a: Array, b: Array, geometry: Any) -> Array:
    """Mapped operations at once, as JAX maps a product."""
    if not isinstance(geometry, Mapped):
        return product(a, b, geometry)
    f = functools.partial(_by_vmap, product, geometry=geometry.geometry)
    return jax.vmap(f)(a, b)


def _one_by_one(product: Product, a: Array, b: Array, geometry: Any) -> Array:
    """Mapped operations in turn."""
    if not isinstance(geometry, Mapped):
        return product(a, b, geometry)
    f = functools.partial(_one_by_one, product, geometry=geometry.geometry)
    if geometry.count <= MOST_UNROLLED:
        return jnp.stack([f(a[i], b[i]) for i in range(geometry.count)])
    return lax.map(lambda pair: f(*pair), (a, b))


def _like(array: Array, shape: tuple[int, ...]) -> Any:
    """A shape that varies over what the array does, inside `jax.shard_map`."""
    return jax.eval_shape(lambda a: lax.full_like(a, 0, shape=shape), array)
