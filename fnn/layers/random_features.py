"""Random features: a product of them is a kernel, for what is linear after them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import orthogonal
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_functions,
    check_number,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import promote
from fnn.layers.initialization import Initializer, draw_params


def orthogonal_frequencies(key, shape, dtype) -> Array:
    """Columns of normal numbers, of which each n are orthogonal, ``(n, count)``."""
    n, count = shape
    direction_key, length_key = jax.random.split(key)
    keys = jax.random.split(direction_key, -(-count // n))
    blocks = jax.vmap(lambda key: orthogonal()(key, (n, n), dtype))(keys)
    directions = jnp.concatenate(list(blocks), axis=-1)[:, :count]
    lengths = jnp.linalg.norm(jax.random.normal(length_key, shape, dtype), axis=0)
    return directions * jnp.broadcast_to(lengths, shape)


@constructor
def random_fourier_features(
    features: int,
    *,
    gamma: float | Array = 1.0,
    weight_init: Initializer = orthogonal_frequencies,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Waves whose products are a Gaussian kernel, ``(..., n) -> (..., features)``.

    ``y = [cos(a), sin(a)] / sqrt(features / 2)``, ``a = sqrt(2 * gamma) * x @ weight``,
    so that ``y(x) @ y(z)`` is near ``exp(-gamma * |x - z| ** 2)``, with an error of
    some ``1 / sqrt(features)``, and ``y(x) @ y(x)`` is 1. A linear machine on them
    costs as much as there are examples, a kernel machine their square.

    Params: ``weight (n, features / 2)``, which is commonly not trained: see `freeze`.

    Args:
      features: How many waves; even, at least 2.
      gamma: Of the kernel, above 0; may be traced.
      weight_init: Draws ``weight``, of mean 0 and variance 1; by default normal, with
        columns that are orthogonal by groups of ``n``, which errs less than
        ``jax.nn.initializers.normal(1.0)``.
      param_dtype: Floating dtype of ``weight``; ``y`` has the dtype that ``x`` and it
        promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If ``features`` is odd or below 2, ``gamma`` is not above 0, or
        ``apply`` gets a last axis other than ``n``.

    Example:
      >>> layer = fnn.random_fourier_features(1000, gamma=0.5)
      >>> x = jnp.array([[0.0, 0.0], [1.0, 0.0]])
      >>> y = layer.apply(layer.init(jax.random.key(0), x), x)
      >>> bool(jnp.abs(y[0] @ y[1] - jnp.exp(-0.5)) < 0.1)
      True

    References:
      Rahimi and Recht, Random features for large-scale kernel machines, 2007, section
      3; Yu et al., Orthogonal random features, 2016, section 3.
    """
    owner = "random_fourier_features"
    check_count(owner, "features", features, 2)
    if features % 2:
        raise ValueError(
            f"{owner}: expected an even number of features, got {features}."
        )
    check_number(owner, "gamma", gamma, "above 0", lambda v: v > 0)
    check_functions(owner, weight_init=weight_init)
    check_param_dtype(owner, param_dtype, "floating")

    def init(key, x):
        check_array(owner, x, "floating")
        if x.ndim < 1 or x.shape[-1] < 1:
            raise ValueError(
                f"{owner}: expected x of shape (..., n) with n of at least 1, "
                f"got {x.shape}."
            )
        shapes = {"weight": (x.shape[-1], features // 2)}
        return draw_params(owner, {"weight": weight_init}, key, shapes, param_dtype)

    def apply(params, x):
        check_params(owner, params, {"weight": ("n", features // 2)})
        check_array(owner, x, "floating")
        n = params["weight"].shape[0]
        if x.shape[-1:] != (n,):
            raise ValueError(f"{owner}: expected x of shape (..., {n}), got {x.shape}.")
        x, weight = promote(owner, x, params["weight"])
        scale = jnp.sqrt(2 * jnp.asarray(gamma, x.dtype))
        angles = scale * (x @ weight)
        waves = jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=-1)
        return waves * (2 / features) ** 0.5

    return Layer(init, apply)
