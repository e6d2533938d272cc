"""What games check of samples."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_array
from fnn.layers.dtypes import at_least_float32, promote


def check_points(who: str, **points: Any) -> list[Array]:
    """Two sets of points of one space, in at least float32."""
    for name, array in points.items():
        check_array(who, array, "floating", name)
    shapes = [array.shape for array in points.values()]
    fits = all(len(shape) == 2 and 0 not in shape for shape in shapes)
    if not fits or shapes[0][1] != shapes[1][1]:
        first, second = points
        raise ValueError(
            f"{who}: expected {first} (n, d) and {second} (m, d), at least one of "
            f"each, got {shapes[0]} and {shapes[1]}."
        )
    wide = [jnp.asarray(a, at_least_float32(a.dtype)) for a in points.values()]
    return promote(who, *wide)
