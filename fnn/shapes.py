"""Trees of shapes in place of arrays, and how trees read in a message."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def is_array(leaf: Any) -> bool:
    """Whether a leaf has a shape and a dtype: an array, or the shape of one."""
    has_both = hasattr(leaf, "shape") and hasattr(leaf, "dtype")
    return has_both and not isinstance(leaf, type)  # np.float32, the class, has both


def spec(tree: Any) -> Any:
    """The tree with shapes in place of arrays; other leaves stay as they are."""

    def of(leaf):
        if not is_array(leaf):
            return leaf
        dtype = leaf.dtype  # NumPy's float64 is float32 to JAX, unless it is told else
        if not jnp.issubdtype(dtype, jax.dtypes.extended):
            dtype = jax.dtypes.canonicalize_dtype(dtype)
        return jax.ShapeDtypeStruct(leaf.shape, dtype)

    return jax.tree.map(of, tree)


def zeros(tree: Any) -> Any:
    """The tree with zeros in place of shapes; other leaves stay as they are."""

    def of(leaf):
        return jnp.zeros(leaf.shape, leaf.dtype) if is_array(leaf) else leaf

    return jax.tree.map(of, tree)


def over_arrays(function: Callable, *args: Any) -> tuple[Callable, list]:
    """`function(*args)` as a function of the arrays among the arguments, and these."""
    leaves, treedef = jax.tree.flatten(args)

    def of_arrays(arrays):
        feed = iter(arrays)
        mixed = [next(feed) if is_array(leaf) else leaf for leaf in leaves]
        return function(*jax.tree.unflatten(treedef, mixed))

    return of_arrays, [leaf for leaf in leaves if is_array(leaf)]


def abstract(function: Callable, *args: Any) -> Any:
    """The shapes that `function` returns; arguments that are no arrays stay values."""
    return jax.eval_shape(*over_arrays(function, *args))


def shard_axes(tree: Any) -> frozenset[str]:
    """The axes of a mesh, of `jax.shard_map` around, over which some array varies."""
    arrays = filter(is_array, jax.tree.leaves(tree))
    types = (jax.typeof(array).manual_axis_type for array in arrays)
    return frozenset().union(*(kind.varying for kind in types))


def varying(tree: Any, axes: frozenset[str]) -> Any:
    """The tree, of whose arrays each varies over these axes: what goes round a scan."""

    def one(leaf):
        more = axes - shard_axes(leaf)
        return lax.pcast(leaf, tuple(sorted(more)), to="varying") if more else leaf

    return jax.tree.map(one, tree) if axes else tree


def shown(tree: Any) -> str:
    """A tree in a message: `{weight: float32[4, 3], bias: float32[3]}`."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in tree.items()) + "}"
    if type(tree) is tuple:
        return f"({', '.join(map(shown, tree))}{',' if len(tree) == 1 else ''})"
    if is_array(tree):
        return f"{tree.dtype.name}{list(tree.shape)}"
    return word(tree)


def word(value: Any) -> str:
    """An argument in a repr: a function by its name, an array by its shape."""
    if isinstance(value, functools.partial):
        items = [word(value.func), *map(word, value.args)]
        items += [f"{name}={word(v)}" for name, v in value.keywords.items()]
        return f"partial({', '.join(items)})"
    if type(value) is list:
        return f"[{', '.join(map(word, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(word, value))}{',' if len(value) == 1 else ''})"
    if type(value) is dict:
        return "{" + ", ".join(f"{k!r}: {word(v)}" for k, v in value.items()) + "}"
    if is_array(value) and not isinstance(value, np.generic):
        return shown(value)
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return repr(value)
