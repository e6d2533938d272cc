"""The dtypes that layers compute in, whatever JAX is set to promote by itself.

A layer is traced anew in every program, so what all layers do is written to trace fast:
an array that is as it should be is handed on without an operation.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.shapes import is_array


def promoted(owner: str, *arrays: Any) -> Any:
    """The dtype that the arrays promote to together, float64 only where JAX has it."""
    dtypes = [as_array(array).dtype for array in arrays]
    if dtypes.count(dtypes[0]) == len(dtypes):
        return dtypes[0]
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
    return [as_array(array, dtype) for array in arrays]


def as_array(x: Any, dtype: Any = None) -> Array:
    """`jnp.asarray`, at no cost where there is nothing to do."""
    # (np.dtype("float64") == None, as NumPy has it, so None is asked for by itself.)
    same = dtype is None or (is_array(x) and dtype == x.dtype)
    strong = isinstance(x, jax.Array) and not x.weak_type
    return x if same and strong else jnp.asarray(x, dtype)


def as_number(x: Any, dtype: Any) -> Any:
    """An option that is a number: one of Python as it is, a traced one in a dtype."""
    return x if isinstance(x, int | float) else jnp.asarray(x, dtype)


def along(vector: Array, shape: Sequence[int]) -> Array:
    """A vector along the last axis of a shape, the same everywhere else."""
    return lax.broadcast_in_dim(vector, tuple(shape), (len(shape) - 1,))


@functools.lru_cache
def at_least_float32(*dtypes: Any) -> Any:
    """The dtype of statistics of values of these."""
    with jax.numpy_dtype_promotion("standard"):
        return functools.reduce(jnp.promote_types, dtypes, jnp.dtype("float32"))
