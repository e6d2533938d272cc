"""The two losses, and what they are in the dual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from fnn.shapes import word

Loss = Callable[[Array], Array]


def hinge(margins: Array) -> Array:
    """What a margin below 1 lacks, ``max(0, 1 - m)``, ``(...) -> (...)``.

    Example:
      >>> fnn.models.svm.hinge(jnp.array([-1.0, 0.5, 2.0]))
      Array([2. , 0.5, 0. ], dtype=float32)
    """
    return jnp.maximum(1 - margins, 0)


def squared_hinge(margins: Array) -> Array:
    """The square of what a margin below 1 lacks, ``max(0, 1 - m) ** 2``.

    Example:
      >>> fnn.models.svm.squared_hinge(jnp.array([-1.0, 0.5, 2.0]))
      Array([4.  , 0.25, 0.  ], dtype=float32)
    """
    return jnp.square(hinge(margins))


class Conjugate(NamedTuple):
    """``C * loss(m)`` is the largest ``a * (1 - m) - curvature * a ** 2 / 2``.

    Of all ``a`` from 0 to ``most``; the best one is the example's dual variable.
    """

    most: Any
    curvature: Any


def conjugate(loss: Loss, C: Any) -> Conjugate:
    """A loss, times C, as it stands in the dual."""
    if loss is squared_hinge:
        return Conjugate(np.inf, 1 / (2 * C))
    return Conjugate(C, 0.0)


def check_loss(owner: str, loss: Any) -> None:
    """Raises where it is neither of the two."""
    if loss is not hinge and loss is not squared_hinge:
        raise ValueError(
            f"{owner}: expected loss to be hinge or squared_hinge, got {word(loss)}."
        )
