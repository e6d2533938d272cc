"""Writing a file wholly or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(who: str, path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write that takes the place of another when all is written.

    It is written beside the other and comes to its place by being renamed, so that what
    was there stays if anything fails.
    """
    target = Path(path)
    try:
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as work:
            part = Path(work) / "part"
            with part.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
    except OSError as error:
        raise type(error)(
            f"{who}: expected to write {target}, got {error.strerror or error}."
        ) from None
