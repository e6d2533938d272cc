"""What models check of options and values that layers have no need to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.core import Tracer

from fnn.layers.checks import is_int
from fnn.shapes import word


def check_widths(owner: str, name: str, value: Any, least: int = 0) -> Sequence[int]:
    """How wide each of several layers is: at least so many ints, none below 1."""
    if not isinstance(value, tuple | list) or not all(map(is_int, value)):
        raise TypeError(
            f"{owner}: expected {name} to be a tuple of ints, got {word(value)}."
        )
    if len(value) < least or any(n < 1 for n in value):
        count = f"at least {least} ints" if least else "ints"
        raise ValueError(
            f"{owner}: expected {name} of {count} of at least 1, got {word(value)}."
        )
    return value


def check_unit_interval(owner: str, name: str, value: Any) -> None:
    """An array of values from 0 to 1, as far as they are known."""
    if isinstance(value, Tracer):
        return
    values = np.asarray(value, np.float32)
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise ValueError(f"{owner}: expected {name} in [0, 1], got {wrong[0]:g}.")
