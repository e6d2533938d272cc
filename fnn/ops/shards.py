"""Arrays inside `jax.shard_map`, whose types say what axes of a mesh they vary over."""

from __future__ import annotations

import jax
from jax import Array, lax


def alike(*arrays: Array) -> list[Array]:
    """The same arrays, all varying over the axes that any of them varies over."""
    own = [jax.typeof(array).manual_axis_type.varying for array in arrays]
    every = frozenset().union(*own)
    missing = [tuple(sorted(every - axes)) for axes in own]
    return [
        lax.pcast(array, names, to="varying") if names else array
        for array, names in zip(arrays, missing, strict=True)
    ]
