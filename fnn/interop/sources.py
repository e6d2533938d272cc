"""Where bytes are read: a file, mapped into memory, or bytes that are there already."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from fnn.shapes import word

Source = str | os.PathLike[str] | bytes | bytearray | memoryview


def bytes_of_source(who: str, source: Source) -> tuple[Any, str]:
    """All bytes, of which those of a file are not yet read, and what to call them."""
    if isinstance(source, bytes | bytearray | memoryview):
        data = memoryview(source).cast("B").toreadonly()
        return data, f"{len(data)} bytes"
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"{who}: expected a path or the bytes of a file, got {word(source)}."
        )
    with reading(who, source) as file:
        if not os.fstat(file.fileno()).st_size:
            return b"", os.fspath(source)  # which can't be mapped
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return data, os.fspath(source)


@contextmanager
def reading(who: str, path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to read."""
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise type(error)(
            f"{who}: expected {os.fspath(path)} to be a file that can be read, got "
            f"{error.strerror or error}."
        ) from None
