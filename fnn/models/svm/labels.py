"""Labels of several classes as signs of several machines."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from fnn.layers.checks import check_array, check_count


def one_against_rest(labels: Any, classes: int) -> Array:
    """Signs of a machine for each class, ``(examples,) -> (classes, examples)``.

    1 for its own examples, -1 for all others. `fit_linear` and `fit_kernel` fit all of
    these machines at once, and `predict` takes the class whose decision is largest.

    Args:
      labels: Integers from 0 to ``classes - 1``.
      classes: How many there are; at least 2.

    Raises:
      TypeError: If ``labels`` are no integers, or ``classes`` is no int.
      ValueError: If a label is out of range, or ``labels`` are of another shape.

    Example:
      >>> fnn.models.svm.one_against_rest(jnp.array([0, 2, 1]), 3)
      Array([[ 1, -1, -1],
             [-1, -1,  1],
             [-1,  1, -1]], dtype=int32)
    """
    labels = _checked("one_against_rest", labels, classes)
    own = labels[None, :] == jnp.arange(classes, dtype=labels.dtype)[:, None]
    return jnp.where(own, 1, -1).astype(jnp.int32)


def one_against_one(labels: Any, classes: int) -> Array:
    """Signs of a machine for each pair, ``(examples,) -> (pairs, examples)``.

    Pairs are (0, 1), (0, 2), ..., (1, 2), ...; an example is 1 in a pair whose first
    class is its own, -1 where the second is, and 0 in others, which leaves it out.
    `votes` counts what the machines decide.

    Args:
      labels: Integers from 0 to ``classes - 1``.
      classes: How many there are; at least 2.

    Raises:
      TypeError: If ``labels`` are no integers, or ``classes`` is no int.
      ValueError: If a label is out of range, or ``labels`` are of another shape.

    Example:
      >>> fnn.models.svm.one_against_one(jnp.array([0, 2, 1]), 3)
      Array([[ 1,  0, -1],
             [ 1, -1,  0],
             [ 0, -1,  1]], dtype=int32)
    """
    labels = _checked("one_against_one", labels, classes)
    first, second = (
        labels[None, :] == jnp.asarray(of, labels.dtype)[:, None]
        for of in np.triu_indices(classes, 1)
    )
    return first.astype(jnp.int32) - second.astype(jnp.int32)


def votes(decisions: Array) -> Array:
    """How many pairs each class won, ``(..., pairs) -> (..., classes)``.

    ``decisions`` are what `decision_function` gives of machines fitted to
    `one_against_one`; ``argmax`` of the votes is the class, the first of equals.

    Raises:
      TypeError: If ``decisions`` are not floating.
      ValueError: If there are not as many as pairs of some number of classes.

    Example:
      >>> fnn.models.svm.votes(jnp.array([1.0, -0.5, -2.0]))  # 0 beats 1, 2 beats both
      Array([1, 0, 2], dtype=int32)
    """
    check_array("votes", decisions, "floating", "decisions")
    pairs = decisions.shape[-1] if decisions.ndim else 0
    classes = round((1 + (1 + 8 * pairs) ** 0.5) / 2)
    if pairs < 1 or classes * (classes - 1) != 2 * pairs:
        raise ValueError(
            "votes: expected decisions of 1, 3, 6, 10, ... pairs on the last axis, "
            f"got shape {decisions.shape}."
        )
    first, second = np.triu_indices(classes, 1)
    winners = jnp.where(decisions > 0, *_along(decisions.shape, first, second))
    return jnp.sum(winners[..., None] == _classes(classes, decisions.ndim), -2)


def _along(shape: Any, *vectors: Any) -> list[Array]:
    return [jnp.broadcast_to(jnp.asarray(v, jnp.int32), shape) for v in vectors]


def _classes(classes: int, axes: int) -> Array:
    return jnp.arange(classes, dtype=jnp.int32).reshape((1,) * axes + (classes,))


def _checked(owner: str, labels: Any, classes: Any) -> Array:
    check_array(owner, labels, "integer", "labels")
    check_count(owner, "classes", classes, 2)
    if labels.ndim != 1 or not labels.size:
        raise ValueError(
            f"{owner}: expected labels of shape (examples,), got {labels.shape}."
        )
    if not isinstance(labels, Tracer):
        least, most = int(labels.min()), int(labels.max())
        if least < 0 or most >= classes:
            got = least if least < 0 else most
            raise ValueError(
                f"{owner}: expected labels from 0 to {classes - 1}, got {got}."
            )
    return jnp.asarray(labels)
