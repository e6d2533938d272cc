"""Windows that slide over space: options of convolution and pooling, and padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fnn.layers.checks import is_int
from fnn.shapes import word

Pads = tuple[tuple[int, int], ...]  # (low, high) for each spatial axis

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


# ----------------------------------------------------------------------------- options
def window_of(owner: str, window: Any, name: str = "window") -> tuple[int, ...]:
    """A window or the like, whose length tells how many spatial axes there are."""
    ints = isinstance(window, tuple | list) and all(map(is_int, window))
    if not ints:
        raise TypeError(
            f"{owner}: expected {name} to be a tuple of 1 to {len(AXES)} ints, "
            f"got {word(window)}."
        )
    if len(window) not in AXES or min(window) < 1:
        raise ValueError(
            f"{owner}: expected {name} of 1 to {len(AXES)} ints of at least 1, "
            f"got {word(window)}."
        )
    return tuple(window)


def per_axis(
    owner: str, name: str, value: Any, rank: int, least: int = 1
) -> tuple[int, ...]:
    """One int for all spatial axes, or one for each."""
    values = (value,) * rank if is_int(value) else value
    if not isinstance(values, tuple | list) or not all(map(is_int, values)):
        raise TypeError(
            f"{owner}: expected {name} to be an int or a tuple of {rank}, "
            f"got {word(value)}."
        )
    if len(values) != rank or min(values) < least:
        raise ValueError(
            f"{owner}: expected {name} of at least {least}, once or for each of {rank} "
            f"axes, got {word(value)}."
        )
    return tuple(values)


def padding_of(owner: str, padding: Any, rank: int, names: Sequence[str]) -> str | Pads:
    """One of the names, or (low, high) for each axis; an int is both of them."""
    if isinstance(padding, str) and padding in names:
        return padding
    entries = [padding] * rank if is_int(padding) else padding
    if isinstance(entries, tuple | list) and len(entries) == rank:
        pairs: Any = [(entry, entry) if is_int(entry) else entry for entry in entries]
        if all(map(_is_pair, pairs)):
            return tuple((low, high) for low, high in pairs)
    raise ValueError(
        f"{owner}: expected padding to be one of {', '.join(names)}, or (low, high) of "
        f"at least 0 for each of {rank} axes, got {word(padding)}."
    )


def _is_pair(value: Any) -> bool:
    pair = isinstance(value, tuple | list) and len(value) == 2
    return pair and all(is_int(v) and v >= 0 for v in value)


# ------------------------------------------------------------------------------ shapes
def check_space(
    owner: str, x: Any, rank: int, *, batch: bool, channels: str = "channels"
) -> None:
    """An input with spatial axes, channels last, and a batch axis if it needs one."""
    if x.ndim < rank + 1 + batch or channels not in ("channels", str(x.shape[-1])):
        lead = "batch" if batch else "..."
        last = "" if channels == "channels" else ", with channels last"
        raise ValueError(
            f"{owner}: expected x of shape ({lead}, {', '.join(AXES[rank])}, "
            f"{channels}){last}, got {x.shape}."
        )


def same_padding(size: int, reach: int, stride: int) -> tuple[int, int]:
    """What makes ``ceil(size / stride)`` windows fit, the odd one more at the end."""
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def check_fit(
    owner: str, sizes: Sequence[int], pads: Pads, reach: Sequence[int]
) -> None:
    """A window that fits at least once into the padded input."""
    names = AXES[len(sizes)]
    for name, size, (low, high), least in zip(names, sizes, pads, reach, strict=True):
        if low + size + high < least:
            raise ValueError(
                f"{owner}: expected {name} of at least {least} with its padding, "
                f"got {low + size + high}."
            )
