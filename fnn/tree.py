"""Paths, the one language for "which": every leaf and every part has one name.

A path is the names and indices from the root, joined by ``/``: ``blocks/0/weight``. A
pattern picks paths: a glob, in which ``*`` stands for any characters within one name
and ``**`` for any number of whole names, also none; a function of (path, leaf) to bool;
or a list of these. A pattern that picks nothing is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax
from jax.tree_util import keystr, tree_flatten_with_path

Pattern = str | Callable[[str, Any], bool] | Sequence["Pattern"]


def paths(tree: Any) -> dict[str, Any]:
    """The leaves of a tree by path, ``{path: leaf}``.

    Args:
      tree: Any pytree; params, gradients, an optimiser's state.

    Raises:
      ValueError: If two leaves have one path, as names with ``/`` may bring about.

    Example:
      >>> fnn.paths({"hidden": ({"weight": 1, "bias": 2},), "scale": 3})
      {'hidden/0/bias': 2, 'hidden/0/weight': 1, 'scale': 3}
    """
    flat: dict[str, Any] = {}
    for path, leaf in tree_flatten_with_path(tree)[0]:
        name = keystr(path, simple=True, separator="/")
        if name in flat:
            raise ValueError(f"paths: expected one leaf at {name}, got two.")
        flat[name] = leaf
    return flat


def from_paths(flat: Mapping[str, Any], *, like: Any) -> Any:
    """The tree whose leaves by path are ``flat``: what `paths` takes apart.

    Args:
      flat: ``{path: leaf}``.
      like: A tree of the structure wanted; its leaves are not used.

    Raises:
      ValueError: If the paths are not those of ``like``; lists every difference.

    Example:
      >>> params = {"weight": 1, "bias": 2}
      >>> fnn.from_paths({"weight": 10, "bias": 20}, like=params)
      {'bias': 20, 'weight': 10}
    """
    names = list(paths(like))
    missing = [name for name in names if name not in flat]
    unknown = [name for name in flat if name not in set(names)]
    if missing or unknown:
        differences = [f"no {name}" for name in missing]
        differences += [f"an unknown {name}" for name in unknown]
        raise ValueError(
            f"from_paths: expected the paths of like, got {', '.join(differences)}."
        )
    return jax.tree.unflatten(jax.tree.structure(like), [flat[name] for name in names])


def split(tree: Any, pattern: Pattern) -> tuple[Any, Any]:
    """Two trees of the same nesting: the leaves that match a pattern, and the rest.

    Where a leaf is in the other tree there is None, which JAX takes for no leaf at all:
    `jax.grad` by the first tree leaves the second alone.

    Args:
      tree: Any pytree.
      pattern: Which leaves: a glob of paths, a function of (path, leaf), or a list.

    Raises:
      ValueError: If the pattern matches nothing.

    Example:
      >>> fnn.split({"weight": 1, "bias": 2}, "bias")
      ({'bias': 2, 'weight': None}, {'bias': None, 'weight': 1})
    """
    flat = paths(tree)
    picked = matching(pattern, flat, "split")
    chosen = [leaf if name in picked else None for name, leaf in flat.items()]
    rest = [None if name in picked else leaf for name, leaf in flat.items()]
    treedef = jax.tree.structure(tree)
    return jax.tree.unflatten(treedef, chosen), jax.tree.unflatten(treedef, rest)


def merge(first: Any, second: Any) -> Any:
    """The tree of which `split` made two.

    Args:
      first: A tree with None where the other has a leaf.
      second: The other.

    Raises:
      ValueError: If the two are nested differently, or both have a leaf at one place.

    Example:
      >>> fnn.merge({"bias": 2, "weight": None}, {"bias": None, "weight": 1})
      {'bias': 2, 'weight': 1}
    """

    def one(path, a, b):
        if a is not None and b is not None:
            name = keystr(path, simple=True, separator="/")
            raise ValueError(
                f"merge: expected a leaf in one tree alone, got two at {name}."
            )
        return b if a is None else a

    def none(leaf):
        return leaf is None

    nested = [jax.tree.structure(tree, is_leaf=none) for tree in (first, second)]
    if nested[0] != nested[1]:
        raise ValueError(
            f"merge: expected two trees nested alike, got {nested[0]} and {nested[1]}."
        )
    return jax.tree_util.tree_map_with_path(one, first, second, is_leaf=none)


def check_pattern(pattern: Any, who: str) -> None:
    """Raises where something is no pattern."""
    if not isinstance(pattern, str | Sequence) and not callable(pattern):
        raise TypeError(
            f"{who}: expected a glob, a function of (path, leaf), or a list of these, "
            f"got {pattern!r}."
        )


def matching(pattern: Pattern, named: Mapping[str, Any], who: str) -> set[str]:
    """The names that a pattern picks of ``{path: leaf or part}``."""
    check_pattern(pattern, who)
    if isinstance(pattern, str):
        wanted = pattern.split("/") if pattern else []
        found = {
            name for name in named if _fits(wanted, name.split("/") if name else [])
        }
    elif callable(pattern):
        found = {name for name, leaf in named.items() if pattern(name, leaf)}
    else:
        found = {name for one in pattern for name in matching(one, named, who)}
    if not found:
        shown = getattr(pattern, "__name__", repr(pattern))
        some = ", ".join(name or "''" for name in list(named)[:20]) or "nothing"
        raise ValueError(
            f"{who}: expected a pattern that matches some of {some}, got {shown}."
        )
    return found


def _fits(pattern: list[str], name: list[str]) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "**":
        return _fits(pattern[1:], name) or (bool(name) and _fits(pattern, name[1:]))
    return (
        bool(name) and fnmatchcase(name[0], pattern[0]) and _fits(pattern[1:], name[1:])
    )
