"""How layers draw their parameters: each by its own key, folded by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from fnn.composition import fold
from fnn.layers.dtypes import at_least_float32
from fnn.shapes import is_array, shown

# (key, shape, dtype) -> array, like those of `jax.nn.initializers`.
Initializer = Callable[[Any, Any, Any], Any]


def draw(
    owner: str,
    name: str,
    initializer: Initializer,
    key: Any,
    shape: tuple[int, ...],
    dtype: DTypeLike,
) -> Array:
    """What the initialiser given as option `name` draws, in the shape asked for.

    Params of low precision are drawn in float32, and so are those of float32 rounded:
    draws of 16 bits are coarse, and some (orthogonal matrices) there are none.
    """
    value = initializer(key, shape, at_least_float32(dtype))
    if not is_array(value) or value.shape != shape:
        raise ValueError(
            f"{owner}: expected {name} to draw an array of shape {shape}, "
            f"got {shown(value)}."
        )
    return jnp.asarray(value, dtype)


def draw_params(
    owner: str,
    initializers: dict[str, Initializer],
    key: Any,
    shapes: dict[str, tuple[int, ...]],
    dtype: DTypeLike,
) -> Any:
    """Params by name; an option that adds one changes none of the others."""
    params = {
        name: draw(
            owner, f"{name}_init", initializer, fold(key, name), shapes[name], dtype
        )
        for name, initializer in initializers.items()
    }
    return params or ()
