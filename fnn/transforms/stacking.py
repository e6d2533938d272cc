"""Trees of several copies of a layer: stacked on a first axis, or each array apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fnn.forms import Outline
from fnn.shapes import is_array, shown, spec
from fnn.taps import merged


def stacked_spec(tree: Any, n: int) -> Any:
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct((n, *s.shape), s.dtype), tree)


def stacked(line: Outline, n: int) -> Outline:
    """The outline of n copies; its outputs are still those of one."""

    def draw(key):
        # Not by vmap, under which not every generator draws what it would draw alone.
        copies = np.arange(n, dtype=np.uint32)
        return lax.map(lambda i: line.draw(jax.random.fold_in(key, i)), copies)

    return Outline(
        draw, stacked_spec(line.params, n), stacked_spec(line.state, n), line.outputs
    )


def check_stacked(who: str, tree: Any, n: int, what: str) -> None:
    """Raises where some array's first axis is not n long."""
    for leaf in jax.tree.leaves(tree):
        if not is_array(leaf) or leaf.shape[:1] != (n,):
            raise ValueError(
                f"{who}: expected {what} of {n} copies, stacked on the first axis, "
                f"got {shown(leaf)}."
            )


def stack_params(params: Sequence[Any]) -> Any:
    """The params of ``n`` layers as those of `repeat`: stacked on a new first axis.

    Args:
      params: A sequence of params nested alike, of the same shapes and dtypes.

    Raises:
      ValueError: If there is none, or they are not alike.

    Example:
      >>> params = fnn.stack_params([{"bias": jnp.zeros(3)}, {"bias": jnp.ones(3)}])
      >>> params["bias"].shape
      (2, 3)
    """
    params = list(params)
    if not params:
        raise ValueError(
            "stack_params: expected at least one layer's params, got none."
        )
    for other in params[1:]:
        if spec(other) != spec(params[0]):
            raise ValueError(
                "stack_params: expected params alike, "
                f"got {shown(spec(params[0]))} and {shown(spec(other))}."
            )
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *params)


def unstack_params(params: Any) -> tuple:
    """The params of `repeat` as those of its copies: what `stack_params` put together.

    Args:
      params: Params, all with a first axis of the same length.

    Raises:
      ValueError: If there is no array, or the first axes differ.

    Example:
      >>> len(fnn.unstack_params({"bias": jnp.zeros((2, 3))}))
      2
    """
    leaves = jax.tree.leaves(params)
    if not leaves or not all(leaf.ndim for leaf in leaves):
        raise ValueError(
            f"unstack_params: expected arrays with a first axis, got {shown(params)}."
        )
    n = leaves[0].shape[0]
    check_stacked("unstack_params", params, n, "params")

    return tuple(nth(params, i) for i in range(n))


def nth(tree: Any, i: int) -> Any:
    """The i-th of stacked copies."""
    return jax.tree.map(lambda array: array[i], tree)


# ----------------------------------------------------------------- each array by itself
@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Apart:
    """One array of each copy, in the place that it has in the tree of one copy."""

    copies: tuple


def is_apart(value: Any) -> bool:
    return isinstance(value, Apart)


def apart(tree: Any, n: int) -> Any:
    """A stacked tree with `Apart` in place of each array."""

    def split(part):
        return Apart(tuple(nth(part, i) for i in range(n)))

    return jax.tree.map(split, tree, is_leaf=is_apart)


def one_of(tree: Any, i: int) -> Any:
    """The tree of the i-th copy, of arrays that are apart or stacked."""

    def pick(part):
        return part.copies[i] if is_apart(part) else part[i]

    return jax.tree.map(pick, tree, is_leaf=is_apart)


def together(trees: Sequence[Any]) -> Any:
    """All copies' trees in one, of which `one_of` gives each; taps' values stacked."""
    return merged(lambda *parts: Apart(parts), trees, is_apart)


def check_copies(who: str, params: Any, n: int) -> None:
    """Raises where params are neither stacked nor apart, of n copies."""
    for part in jax.tree.leaves(params, is_leaf=is_apart):
        if not is_apart(part) or len(part.copies) != n:
            check_stacked(who, part, n, "params")


def check_apart(who: str, state: Any, n: int) -> None:
    """Raises where some array of a state is not there once for each of n copies."""
    for part in jax.tree.leaves(state, is_leaf=is_apart):
        if not is_apart(part) or len(part.copies) != n:
            raise ValueError(
                f"{who}: expected state of {n} copies, as init of the decoder gives "
                f"it, got {shown(part)}."
            )
