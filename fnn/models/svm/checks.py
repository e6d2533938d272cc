"""What fits check of examples, signs and options before anything is trained."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from fnn.layers.checks import check_array, check_number
from fnn.layers.dtypes import at_least_float32


def check_C(owner: str, C: Any) -> None:
    """The price of the loss."""
    check_number(
        owner, "C", C, "above 0 and finite", lambda v: v > 0 and math.isfinite(v)
    )


def check_penalty(owner: str, penalty: Any) -> None:
    """How much of the bias is regularised."""
    check_number(owner, "bias_penalty", penalty, "of at least 0", lambda v: v >= 0)


def check_tolerance(owner: str, tolerance: Any) -> None:
    """How near the optimum a fit is to come."""
    check_number(owner, "tolerance", tolerance, "above 0", lambda v: v > 0)


def examples_and_signs(owner: str, x: Any, y: Any) -> tuple[Array, Array]:
    """Examples and their signs in one floating dtype, of at least 32 bits.

    Values are looked at where there are some: under `jax.jit` only shapes are checked.
    """
    check_array(owner, x, "floating")
    check_array(owner, y, "integer", "y")
    if len(x.shape) != 2 or 0 in x.shape:
        raise ValueError(
            f"{owner}: expected x of shape (examples, features), none of them 0, "
            f"got {x.shape}."
        )
    count = x.shape[0]
    if y.ndim not in (1, 2) or y.shape[-1] != count or 0 in y.shape:
        raise ValueError(
            f"{owner}: expected y of shape ({count},) or (machines, {count}), "
            f"got {y.shape}."
        )
    if not isinstance(x, Tracer):
        _check_examples(owner, np.asarray(x))
    if not isinstance(y, Tracer):
        _check_signs(owner, np.asarray(y))
    dtype = at_least_float32(jnp.asarray(x).dtype)
    return jnp.asarray(x, dtype), jnp.asarray(y, dtype)


def _check_examples(owner: str, x: np.ndarray) -> None:
    if not np.isfinite(x).all():
        where = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(
            f"{owner}: expected finite x, got {float(x[tuple(where)])} in "
            f"feature {where[1]} of example {where[0]}."
        )
    if (x == x[:1]).all():
        raise ValueError(
            f"{owner}: expected examples that differ, got features all constant."
        )


def _check_signs(owner: str, y: Any) -> None:
    others = y[(y < -1) | (y > 1)]
    if others.size:
        raise ValueError(
            f"{owner}: expected y of -1, 1, and 0 for an example to leave out, "
            f"got {others[0]}; one_against_rest makes signs of classes."
        )
    for sign in (-1, 1):
        lacking = ~(np.atleast_2d(y) == sign).any(-1)
        if lacking.any():
            where = f" in row {np.argmax(lacking)}" if y.ndim > 1 else ""
            raise ValueError(
                f"{owner}: expected both -1 and 1 in y, got no {sign}{where}."
            )


def warn_unless_reached(owner: str, reached: Any, left: Any, what: str) -> None:
    """Warns of a fit that ran out of steps, where values are known."""
    if not isinstance(reached, Tracer) and not reached.all():
        warnings.warn(
            f"{owner}: expected {what} below the tolerance, got "
            f"{float(left.max()):.3g} when steps ran out.",
            RuntimeWarning,
            stacklevel=3,
        )
