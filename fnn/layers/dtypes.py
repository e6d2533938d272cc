"""The dtypes that layers compute in, whatever JAX is set to promote by itself."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def promoted(owner: str, *arrays: Any) -> Any:
    """The dtype that the arrays promote to together, float64 only where JAX has it."""
    dtypes = [jnp.asarray(array).dtype for array in arrays]
    try:
        with jax.numpy_dtype_promotion("standard"):
            return functools.reduce(jnp.promote_types, dtypes)
    except ValueError:  # of two 8-bit floating dtypes, say
        names = ", ".join(dict.fromkeys(dtype.name for dtype in dtypes))
        raise TypeError(
            f"{owner}: expected dtypes that promote to one, got {names}."
        ) from None


def promote(owner: str, *arrays: Any) -> list[Array]:
    """The arrays in the dtype that they promote to together, none of them weak."""
    dtype = promoted(owner, *arrays)
    return [jnp.asarray(array, dtype) for array in arrays]


def at_least_float32(dtype: Any) -> Any:
    """The dtype of statistics of values of this one."""
    with jax.numpy_dtype_promotion("standard"):
        return jnp.promote_types(dtype, jnp.float32)
