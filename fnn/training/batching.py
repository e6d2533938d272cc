"""Batches from arrays in memory, in a new order each time."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fnn.checks import check_key
from fnn.shapes import is_array, word
from fnn.training.checks import check_count
from fnn.tree import paths

ALIGNMENT = 64  # bytes, of which an array's address is a multiple in XLA on a CPU


class Batches:
    """What `batches` returns: it has a length, and is iterated once for each epoch."""

    def __init__(self, arrays: Any, size: int, seed: Any, *, drop_last: bool) -> None:
        self._arrays, self._seed = arrays, seed
        self.size, self.drop_last = size, drop_last
        self.examples = len(jax.tree.leaves(arrays)[0])
        self.epochs = 0  # begun so far

    def __len__(self) -> int:
        """How many batches an epoch has."""
        whole, rest = divmod(self.examples, self.size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        self.epochs += 1
        return self.epoch(self.epochs - 1)

    def __repr__(self) -> str:
        return f"batches({self.examples} examples, {self.size}) of length {len(self)}"

    def epoch(self, number: int) -> Iterator[Any]:
        """The batches of one epoch, counted from 0, whichever have been iterated."""
        if self._seed is None:
            order = None
        else:
            order = np.random.default_rng([*self._seed, number]).permutation(
                self.examples
            )
        for i in range(len(self)):
            part = slice(i * self.size, (i + 1) * self.size)
            if order is None:
                yield jax.tree.map(lambda a, part=part: a[part], self._arrays)
            else:
                rows = functools.partial(_rows, chosen=order[part])
                yield jax.tree.map(rows, self._arrays)


def batches(
    arrays: Any, size: int, *, key: Any = None, drop_last: bool = False
) -> Batches:
    """Batches of arrays that are in memory, shuffled anew at each iteration.

    Each batch is a tree like ``arrays``, in which every array has ``size`` of its rows,
    the same in all. Iterating the n-th time gives the n-th order that follows from the
    key: runs repeat, and epochs differ. NumPy cuts the batches, so that nothing is
    computed on a device; arrays of JAX are copied to NumPy's once. JAX on a CPU may
    read a batch where it lies, so change none in place once it has been given to JAX.

    Args:
      arrays: Any pytree of arrays with the examples on their first axis.
      size: How many examples make a batch; from 1 to as many as there are.
      key: From which the orders follow; None keeps the order of the arrays.
      drop_last: Whether the last batch of an epoch is left out where it is smaller.
        Kept, it makes `jax.jit` compile a step twice; means weigh it by its size.

    Returns:
      An iterable that can be iterated any number of times; ``len`` counts its batches,
      and ``.epoch(n)`` gives those of epoch ``n``, counted from 0.

    Raises:
      TypeError: If a leaf of ``arrays`` is no array.
      ValueError: If there is none, their first axes differ, or ``size`` is out of
        range.

    Example:
      >>> data = {"x": np.arange(5), "y": np.arange(5) ** 2}
      >>> batches = fnn.training.batches(data, 2, key=jax.random.key(0))
      >>> len(batches), [batch["x"].tolist() for batch in batches]
      (3, [[2, 4], [3, 0], [1]])
      >>> [batch["x"].tolist() for batch in batches]
      [[1, 3], [4, 2], [0]]
    """
    for path, leaf in paths(arrays).items():
        if not is_array(leaf) or not leaf.shape:
            at = f" at {path}" if path else ""
            raise TypeError(
                "batches: expected arrays with the examples on their first axis, "
                f"got {word(leaf)}{at}."
            )
    lengths = {path: leaf.shape[0] for path, leaf in paths(arrays).items()}
    if not lengths or 0 in lengths.values():
        raise ValueError("batches: expected at least one example, got none.")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{length} at {path}" for path, length in lengths.items())
        raise ValueError(f"batches: expected arrays of one length, got {listed}.")
    check_count("batches", "size", size)
    examples = next(iter(lengths.values()))
    if size > examples:
        raise ValueError(
            f"batches: expected a size of at most {examples}, the number of examples, "
            f"got {size}."
        )
    if not isinstance(drop_last, bool):
        raise TypeError(
            f"batches: expected drop_last to be a bool, got {word(drop_last)}."
        )
    seed = None
    if key is not None:
        key = check_key(key, "batches: batches(arrays, size, key=key)")
        seed = np.asarray(jax.random.key_data(key)).tolist()
    return Batches(jax.tree.map(_on_host, arrays), size, seed, drop_last=drop_last)


def _on_host(leaf: Any) -> Any:
    """An array of NumPy; keys, which NumPy doesn't have, stay where they are."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return np.asarray(leaf)


def _rows(array: Any, chosen: np.ndarray) -> Any:
    """``array[chosen]``, where JAX on a CPU can read it: what lies elsewhere it copies.

    A copy takes as long as the rows themselves.
    """
    width = array.dtype.itemsize
    if not isinstance(array, np.ndarray) or not width or ALIGNMENT % width:
        return array[chosen]
    shape = (len(chosen), *array.shape[1:])
    count = math.prod(shape)
    room = np.empty(count + ALIGNMENT // width, array.dtype)
    first = -room.ctypes.data % ALIGNMENT // width
    rows = room[first : first + count].reshape(shape)
    # Another mode than "clip" would go by way of a buffer; none is out of range.
    return np.take(array, chosen, 0, out=rows, mode="clip")


def count_examples(batch: Any) -> int:
    """How many examples a batch has: the length of the first axis of its arrays."""
    lengths = {np.shape(leaf)[0] for leaf in jax.tree.leaves(batch) if np.shape(leaf)}
    if len(lengths) > 1:
        raise ValueError(
            "fit: expected arrays of one length in a batch, got lengths "
            f"{sorted(lengths)}; pass count=, a function that counts the examples."
        )
    return lengths.pop() if lengths else 1


def kind(batch: Any) -> tuple:
    """The structure and shapes of a batch: what one compiled step takes."""
    leaves, treedef = jax.tree.flatten(batch)
    return treedef, tuple((np.shape(a), getattr(a, "dtype", type(a))) for a in leaves)
