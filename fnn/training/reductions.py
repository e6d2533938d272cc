"""From values for each example to one number."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from fnn.shapes import is_array, shown


def accuracy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Whether the largest output is the target, ``(..., classes), (...) -> (...)``.

    ``1 if argmax(outputs) == targets else 0``; the first of equal outputs counts.

    Args:
      outputs: Logits or probabilities, one for each class on the last axis.
      targets: Integer classes, from 0 on.

    Raises:
      TypeError: If the targets are no integers.
      ValueError: If their shape is not that of the outputs without the last axis.

    Example:
      >>> fnn.training.accuracy(jnp.array([[0.1, 0.9], [0.8, 0.2]]), jnp.array([1, 1]))
      Array([1., 0.], dtype=float32)
    """
    if not jnp.issubdtype(jnp.result_type(targets), jnp.integer):
        raise TypeError(f"accuracy: expected integer targets, got {shown(targets)}.")
    if jnp.ndim(outputs) < 1 or jnp.shape(targets) != jnp.shape(outputs)[:-1]:
        raise ValueError(
            "accuracy: expected outputs (..., classes) and targets (...), "
            f"got {jnp.shape(outputs)} and {jnp.shape(targets)}."
        )
    largest = jnp.argmax(outputs, axis=-1)
    return (largest == jnp.asarray(targets, largest.dtype)).astype(jnp.float32)


def mean(values: jax.Array) -> jax.Array:
    """The mean over all axes, in at least float32."""
    values = widened(jnp.asarray(values))
    inexact = jnp.issubdtype(values.dtype, jnp.inexact)
    return jnp.mean(values if inexact else values.astype(jnp.float32))


def widened(tree: Any) -> Any:
    """The tree with its floating arrays in at least float32."""

    def of(leaf):
        if not is_array(leaf) or not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        return leaf if leaf.dtype.itemsize >= 4 else leaf.astype(jnp.float32)

    return jax.tree.map(of, tree)


def check_values(name: str, values: Any, outputs: Any, targets: Any) -> None:
    """Raises unless there is one value for each example, or each position within it.

    Broadcasting leaves its mark: values that have more axes than the outputs or the
    targets, or longer ones, were made of ``(b, 1)`` against ``(b,)`` or the like.
    """
    if not is_array(values):
        raise TypeError(
            f"supervised: expected {name} to return an array, got {shown(values)}."
        )
    length = jnp.shape(jax.tree.leaves(targets)[0])[:1]
    among = [a.shape for a in (outputs, targets) if is_array(a)]
    fits = all(
        len(values.shape) <= len(shape)
        and all(v <= s for v, s in zip(values.shape, shape, strict=False))
        for shape in among
    )
    if values.ndim < 1 or values.shape[:1] != length or not fits:
        raise ValueError(
            f"supervised: expected {name} to give one value for each example, or each "
            f"position within it, got {values.shape} from outputs {shown(outputs)} and "
            f"targets {shown(targets)}."
        )
