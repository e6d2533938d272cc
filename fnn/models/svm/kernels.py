"""Kernels: values that are called with two arrays and give their Gram matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_count, check_number

# (..., n), (m, n) -> (..., m), and a pytree where a machine goes through transforms.
Kernel = Callable[[Array, Array], Array]


def linear() -> Linear:
    """The kernel of a linear machine, ``k(x, z) = x @ z``.

    Example:
      >>> fnn.models.svm.linear()(jnp.ones((2, 3)), jnp.ones((4, 3))).shape
      (2, 4)
    """
    return Linear()


def rbf(gamma: float | Array) -> RBF:
    """The Gaussian kernel, ``k(x, z) = exp(-gamma * |x - z| ** 2)``.

    Args:
      gamma: Above 0; may be traced, as for a grid of them under `jax.vmap`.

    Raises:
      TypeError: If ``gamma`` is no number.
      ValueError: If ``gamma`` is not above 0.

    Example:
      >>> kernel = fnn.models.svm.rbf(0.5)
      >>> kernel(jnp.array([[0.0], [1.0]]), jnp.array([[0.0]]))
      Array([[1.        ],
             [0.60653067]], dtype=float32)
    """
    check_number("rbf", "gamma", gamma, "above 0", lambda v: v > 0)
    return RBF(gamma)


def polynomial(
    degree: int, *, gamma: float | Array = 1.0, coef0: float | Array = 0.0
) -> Polynomial:
    """The polynomial kernel, ``k(x, z) = (gamma * x @ z + coef0) ** degree``.

    Args:
      degree: At least 1.
      gamma: Above 0; may be traced.
      coef0: Added to the product, at least 0, without which the kernel would not be
        positive; may be traced.

    Raises:
      TypeError: If an option is of the wrong kind.
      ValueError: If an option is out of range.

    Example:
      >>> fnn.models.svm.polynomial(2, coef0=1.0)(jnp.ones((1, 3)), jnp.ones((1, 3)))
      Array([[16.]], dtype=float32)
    """
    check_count("polynomial", "degree", degree)
    check_number("polynomial", "gamma", gamma, "above 0", lambda v: v > 0)
    check_number("polynomial", "coef0", coef0, "of at least 0", lambda v: v >= 0)
    return Polynomial(degree, gamma, coef0)


class Linear(NamedTuple):
    """``x @ z``."""

    def __call__(self, x: Array, z: Array) -> Array:
        return x @ z.T


class RBF(NamedTuple):
    """``exp(-gamma * |x - z| ** 2)``."""

    gamma: Any

    def __call__(self, x: Array, z: Array) -> Array:
        products = x @ z.T
        squares = jnp.sum(jnp.square(x), -1, keepdims=True)
        others = jnp.broadcast_to(jnp.sum(jnp.square(z), -1), products.shape)
        distances = jnp.broadcast_to(squares, products.shape) + others - 2 * products
        # Rounding may leave the distance of two equal vectors below zero.
        return jnp.exp(-jnp.asarray(self.gamma, x.dtype) * jnp.maximum(distances, 0))


class Polynomial(NamedTuple):
    """``(gamma * x @ z + coef0) ** degree``."""

    degree: Any
    gamma: Any
    coef0: Any

    def __call__(self, x: Array, z: Array) -> Array:
        gamma, coef0 = (jnp.asarray(v, x.dtype) for v in (self.gamma, self.coef0))
        return (gamma * (x @ z.T) + coef0) ** self.degree
