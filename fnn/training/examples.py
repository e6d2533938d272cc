"""What is wrong with examples, found before anything is trained on them.

Only arrays whose values are there are looked at, once, where training begins.
"""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from fnn.shapes import is_array

BYTE = 255  # the largest value of a pixel
FEWEST_PIXELS = 64  # of an image in a row; tables have fewer columns, or other numbers
TOO_LARGE = 16  # whole numbers above it are no features of scale 1


def check_finite(inputs: Any, targets: Any) -> None:
    """Raises where a number among the examples is none."""
    for name, tree in (("inputs", inputs), ("targets", targets)):
        for array in known(tree):
            if not jnp.issubdtype(array.dtype, jnp.inexact):
                continue
            finite = np.isfinite(np.asarray(array, _wide(array.dtype)))
            if not finite.all():
                at = int(np.argwhere(~finite)[0][0])
                raise ValueError(
                    f"supervised: expected finite {name}, got "
                    f"{np.asarray(array)[~finite][0]} in example {at}."
                )


def check_scale(inputs: Any) -> None:
    """Warns where images are pixels that nobody has scaled."""
    for array in known(inputs):
        if array.ndim < 2 or not jnp.issubdtype(array.dtype, jnp.floating):
            continue
        values = np.asarray(array)
        if array.ndim == 2 and (array.shape[1] < FEWEST_PIXELS or values.max() < BYTE):
            continue
        if (
            TOO_LARGE < values.max() <= BYTE
            and values.min() >= 0
            and np.all(values == np.rint(values))
        ):
            warnings.warn(
                "supervised: expected images of a scale near 1, got whole numbers up "
                f"to {values.max():g}, as pixels are before they are divided by 255.",
                stacklevel=4,
            )


def check_labels(labels: Any, outputs: Any) -> None:
    """Raises where labels are not indices of outputs, one for each row of these."""
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise TypeError(
            f"supervised: expected integer labels, got {labels.dtype.name} "
            f"{tuple(labels.shape)}."
        )
    if labels.shape != outputs.shape[:-1]:
        raise ValueError(
            f"supervised: expected labels of shape {outputs.shape[:-1]}, one for each "
            f"row of outputs {outputs.shape}, got {tuple(labels.shape)}."
        )
    for array in known(labels):
        values, classes = np.asarray(array), outputs.shape[-1]
        wrong = (values < 0) | (values >= classes)
        if wrong.any():
            raise ValueError(
                f"supervised: expected labels in [0, {classes}), one for each output, "
                f"got {values[wrong][0]} in example {int(np.argwhere(wrong)[0][0])}."
            )


def known(tree: Any) -> list[Any]:
    """The arrays of a tree that have examples, and values that can be looked at."""
    return [
        leaf
        for leaf in jax.tree.leaves(tree)
        if is_array(leaf)
        and not isinstance(leaf, Tracer | jax.ShapeDtypeStruct)
        and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        and leaf.size
        and getattr(leaf, "is_fully_addressable", True)
    ]


def _wide(dtype: Any) -> Any:
    """A dtype that NumPy knows well, of at least as many bits."""
    return dtype if np.dtype(dtype).kind in "fc" else np.float32
