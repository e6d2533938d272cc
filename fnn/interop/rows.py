"""Tables of names: which tensor of others is which leaf of ours, and how it is laid."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    """What leaf of ours, or which, a tensor of theirs is.

    ``{}`` in a name stands for a number. Theirs has those of ours, in their order; one
    more, after them, numbers the copies that ours has stacked on its first axis.

    Attributes:
      ours: A path; or several, of which theirs has the values one after the other on
        the last axis.
      theirs: A name.
      axes: The axes of theirs in the order that ours has; by default as they are.
      ones: How many axes of length 1 theirs has before those.
    """

    ours: str | tuple[str, ...]
    theirs: str
    axes: tuple[int, ...] = ()
    ones: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.ours,) if isinstance(self.ours, str) else self.ours

    def turned(self, array: np.ndarray) -> np.ndarray:
        """A tensor of theirs with the axes of ours."""
        array = array.reshape(array.shape[self.ones :])
        return array.transpose(self.axes) if self.axes else array

    def back(self, array: np.ndarray) -> np.ndarray:
        """An array with the axes of theirs."""
        array = array.transpose(np.argsort(self.axes)) if self.axes else array
        return array.reshape((1,) * self.ones + array.shape)

    def their_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        order = np.argsort(self.axes) if self.axes else range(len(shape))
        return (1,) * self.ones + tuple(shape[i] for i in order)


class Names(NamedTuple):
    """A table of names, as data: what `from_names` and `to_names` go by.

    Attributes:
      rows: A row for each kind of leaf; those of parts that a model lacks are not used.
      unused: Globs of names of theirs that are of no use to ours.
      same: Pairs of names: a tensor of the first name, where there is one and ours has
        no leaf for it, must be equal to that of the second, as tied weights are.
    """

    rows: tuple[Row, ...]
    unused: tuple[str, ...] = ()
    same: tuple[tuple[str, str], ...] = ()


class Place(NamedTuple):
    """Where a leaf of ours is found among theirs.

    Attributes:
      row: The row whose path it has.
      names: The tensor's name; if ``stacked``, one for each copy.
      stacked: Whether ours is a stack.
      group: The paths of all leaves that share these tensors, in order.
      shape: That of the leaf, without the axis of the stack.
      cut: Which values of the last axis of theirs are its own.
      whole: The shape of their tensor.
    """

    row: Row
    names: tuple[str, ...]
    stacked: bool
    group: tuple[str, ...]
    shape: tuple[int, ...]
    cut: slice
    whole: tuple[int, ...]

    def part(self, tensor: np.ndarray) -> np.ndarray:
        """What is the leaf's, or a copy's, of a tensor of theirs."""
        turned = self.row.turned(tensor)
        return turned[..., self.cut] if len(self.group) > 1 else turned


def places(
    rows: Sequence[Row], leaves: Mapping[str, Any]
) -> tuple[dict[str, Place], list[str]]:
    """The place of each leaf by path, and what is wrong with those that have none."""
    patterns = [
        (re.compile(re.escape(path).replace(r"\{\}", r"(\d+)")), row, i)
        for row in rows
        for i, path in enumerate(row.paths)
    ]
    found, problems = {}, []
    for path, leaf in leaves.items():
        fits = ((p.fullmatch(path), row, i) for p, row, i in patterns)
        match, row, i = next((fit for fit in fits if fit[0]), (None, None, 0))
        if match is None or row is None:
            problems.append(f"no row for {path}")
            continue
        place = place_of(row, i, match.groups(), leaf, leaves)
        if isinstance(place, str):
            problems.append(f"{path} {place}")
        else:
            found[path] = place
    return found, problems


def place_of(
    row: Row,
    i: int,
    numbers: tuple[str, ...],
    leaf: Any,
    leaves: Mapping[str, Any],
) -> Place | str:
    """The place of the i-th leaf of a row, or why there is none."""
    group = tuple(path.format(*numbers) for path in row.paths)
    absent = [path for path in group if path not in leaves]
    more = row.theirs.count("{}") - len(numbers)
    if absent or more not in (0, 1):
        without = f"without {absent[0]}" if absent else "with other numbers"
        return f"{without}, for {row.theirs}"
    stacked, shape = more == 1, tuple(leaf.shape)
    if stacked and not shape:
        return f"without an axis of copies, for {row.theirs}"
    copies = [(i,) for i in range(shape[0])] if stacked else [()]
    names = tuple(row.theirs.format(*numbers, *copy) for copy in copies)
    shape = shape[1:] if stacked else shape
    turns = not row.axes or len(row.axes) == len(shape)
    if not turns or (len(group) > 1 and not shape):
        return f"with {len(shape)} axes, for {row.theirs}"
    widths = [leaves[path].shape[-1] for path in group] if shape else []
    start, total = sum(widths[:i]), (*shape[:-1], sum(widths)) if shape else ()
    cut = slice(start, start + (widths[i] if shape else 0))
    return Place(row, names, stacked, group, shape, cut, row.their_shape(total))
