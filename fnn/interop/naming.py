"""Params by the names that others give them: read into ours, and written back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fnn.interop.rows import Names, Place, places
from fnn.interop.tensor_files import check_tensors
from fnn.shapes import is_array, shown, word
from fnn.tree import from_paths, paths

ALIGNED = 64  # bytes to which an array is aligned that JAX takes without a copy


def from_names(
    tensors: Mapping[str, Any], names: Names, *, like: Any, cast: bool = False
) -> Any:
    """Params, or params and state, of tensors under the names of others.

    All names, shapes and dtypes are looked at first, and every difference is told at
    once. Then leaf after leaf is read, so that of a file that is mapped little more is
    in memory than the leaves; and of a leaf that goes to several devices, each reads
    what is its own.

    Args:
      tensors: Arrays by name, as `read_safetensors` and `read_torch` give them.
      names: A table, such as ``bert_names()``.
      like: A tree of the structure, shapes and dtypes wanted, such as ``jax.eval_shape(
        net.init, key, x)``. A leaf that says its sharding, as `jax.ShapeDtypeStruct`
        and arrays on devices do, is read to that sharding.
      cast: Whether floating tensors of another dtype are converted to that of ``like``.

    Raises:
      TypeError: If ``tensors`` are no arrays by name, or ``names`` no table.
      ValueError: If a tensor is missing, not expected, or of another shape or dtype, or
        the table has no row for a leaf; lists every difference.

    Example:
      >>> Row, Names = fnn.interop.Row, fnn.interop.Names
      >>> names = Names((Row("weight", "fc.weight", (1, 0)), Row("bias", "fc.bias")))
      >>> like = jax.eval_shape(fnn.dense(3).init, jax.random.key(0), jnp.ones((1, 4)))
      >>> theirs = {"fc.weight": np.ones((3, 4), "f"), "fc.bias": np.ones(3, "f")}
      >>> params = fnn.interop.from_names(theirs, names, like=like)
      >>> params["weight"].shape
      (4, 3)
      >>> fnn.interop.to_names(params, names)["fc.weight"].shape
      (3, 4)
    """
    check_tensors("from_names", tensors)
    check_names("from_names", names)
    leaves = leaves_of("from_names", like)
    found, problems = places(names.rows, leaves)
    problems += differences(tensors, names, leaves, found, cast)
    if problems:
        raise ValueError(
            "from_names: expected the tensors that like is made of, "
            f"got {', '.join(problems)}."
        )
    # The largest first, as what is read of it is in memory twice for a while.
    order = sorted(leaves, key=lambda path: math.prod(leaves[path].shape), reverse=True)
    made = {path: placed(tensors, leaves[path], found[path]) for path in order}
    return from_paths(made, like=like)


def to_names(tree: Any, names: Names) -> dict[str, np.ndarray]:
    """Arrays under the names of others: what `from_names` reads.

    Args:
      tree: Params; or params and state in a tuple, as `init` returns them.
      names: A table, such as ``bert_names()``.

    Returns:
      NumPy arrays by name, views of the leaves where they may be.

    Raises:
      TypeError: If a leaf is no array, or ``names`` no table.
      ValueError: If the table has no row for a leaf, or one name for two; lists all.

    Example:
      >>> net = fnn.models.bert(11, length=8, features=8, heads=2, layers=2)
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 8), int))
      >>> theirs = fnn.interop.to_names(params, fnn.interop.bert_names())
      >>> theirs["encoder.layer.1.attention.self.query.weight"].shape
      (8, 8)
    """
    check_names("to_names", names)
    leaves = leaves_of("to_names", tree)
    found, problems = places(names.rows, leaves)
    takers: dict[str, tuple[str, ...]] = {}
    for path, place in found.items():
        for name in place.names:
            if takers.setdefault(name, place.group) != place.group:
                problems.append(f"{path} for {name}, which {takers[name][0]} has")
    if problems:
        raise ValueError(
            f"to_names: expected leaves that names has rows for, "
            f"got {', '.join(problems)}."
        )
    arrays = {path: np.asarray(leaf) for path, leaf in leaves.items()}
    made = {}
    for place in found.values():
        parts = [arrays[path] for path in place.group]
        for i, name in enumerate(place.names):
            if name not in made:
                own = [part[i] for part in parts] if place.stacked else parts
                whole = own[0] if len(own) == 1 else np.concatenate(own, -1)
                made[name] = place.row.back(np.asarray(whole))
    return made


# ---------------------------------------------------------------------- what is wrong
def check_names(who: str, names: Any) -> None:
    """Raises where something is no table."""
    if not isinstance(names, Names):
        raise TypeError(f"{who}: expected names to be a Names, got {word(names)}.")


def leaves_of(who: str, tree: Any) -> dict[str, Any]:
    """The leaves of a tree by path, which must be arrays."""
    leaves = paths(tree)
    for path, leaf in leaves.items():
        if not is_array(leaf):
            raise TypeError(f"{who}: expected {path} to be an array, got {word(leaf)}.")
    return leaves


def differences(
    tensors: Mapping[str, Any],
    names: Names,
    leaves: Mapping[str, Any],
    found: Mapping[str, Place],
    cast: bool,
) -> list[str]:
    """What tensors are missing, are of no use, or are not what leaves are made of."""
    wanted = {
        name: jax.ShapeDtypeStruct(place.whole, dtype_of(leaves[path]))
        for path, place in found.items()
        for name in place.names
    }
    problems = [f"no {name}" for name in wanted if name not in tensors]
    spare = tensors.keys() - wanted.keys()
    for name, other in names.same:
        if name in spare and other in tensors:
            spare.remove(name)
            if not np.array_equal(tensors[name], tensors[other]):
                problems.append(f"{name} unlike {other}, with which it is tied")
    problems += [
        f"an unexpected {name}"
        for name in sorted(spare)
        if not any(fnmatchcase(name, glob) for glob in names.unused)
    ]
    for name, want in wanted.items():
        if name in tensors and not fits(tensors[name], want, cast):
            got = shown(tensors[name])
            problems.append(f"{name} as {got} in place of {shown(want)}")
    return problems


def fits(tensor: Any, want: Any, cast: bool) -> bool:
    """Whether a tensor is of the shape and dtype wanted."""
    floating = all(jnp.issubdtype(one.dtype, jnp.floating) for one in (tensor, want))
    same = tensor.dtype == want.dtype or (cast and floating)
    return same and tuple(tensor.shape) == want.shape


def dtype_of(leaf: Any) -> Any:
    """The dtype that JAX gives a leaf."""
    extended = jnp.issubdtype(leaf.dtype, jax.dtypes.extended)
    return leaf.dtype if extended else jax.dtypes.canonicalize_dtype(leaf.dtype)


# --------------------------------------------------------------------- leaf after leaf
def placed(tensors: Mapping[str, Any], leaf: Any, place: Place) -> jax.Array:
    """A leaf on its devices, of which each reads its own slice."""
    shape, dtype = tuple(leaf.shape), dtype_of(leaf)
    # An array that was not sent anywhere says where it is, all the same.
    sharding = getattr(leaf, "sharding", None)
    if sharding is None or not getattr(leaf, "committed", True):
        whole = tuple(slice(0, n) for n in shape)
        return jax.device_put(filled(tensors, place, shape, dtype, whole))

    def own(index):
        return filled(tensors, place, shape, dtype, index)

    return jax.make_array_from_callback(shape, sharding, own)


def filled(
    tensors: Mapping[str, Any], place: Place, shape: Any, dtype: Any, index: Any
) -> np.ndarray:
    """A slice of a leaf, in memory that JAX may keep as it is."""
    ranges = [range(n)[cut] for n, cut in zip(shape, index, strict=True)]
    array = aligned([len(each) for each in ranges], dtype)
    if not place.stacked:
        array[...] = place.part(np.asarray(tensors[place.names[0]]))[index]
        return array
    for i, copy in enumerate(ranges[0]):
        tensor = np.asarray(tensors[place.names[copy]])
        array[i] = place.part(tensor)[index[1:]]
    return array


def aligned(shape: list[int], dtype: Any) -> np.ndarray:
    """An array of values yet to be written."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNED, np.uint8)
    start = -memory.ctypes.data % ALIGNED
    return memory[start : start + size].view(dtype).reshape(shape)
