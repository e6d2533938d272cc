"""What models check of their options that layers have no need to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
