"""The data folder: what lies in it is read whole, checked, and only then used."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import zlib
from pathlib import Path

from fnn.datasets.catalogue import SETS, File, owner
from fnn.datasets.requirements import Needing

GZIP = b"\x1f\x8b"  # what a file begins with that gzip has packed


def folder() -> Path:
    """The folder that ``FNN_DATA`` names, or ``fnn`` in the user's cache."""
    given = os.environ.get("FNN_DATA")
    if given:
        found = Path(given).expanduser().absolute()
    else:
        with Needing("datasets"):
            import pooch
        found = Path(pooch.os_cache("fnn"))
    if found.exists() and not found.is_dir():
        raise NotADirectoryError(
            "datasets: expected the data folder, which FNN_DATA names, to be one, got "
            f"the file {found}."
        )
    return found


def paths(file: File) -> list[Path]:
    """Where a file lies in the data folder, packed or not; the first is to be used."""
    plain = folder() / file.name
    return [path for path in (plain, Path(f"{plain}.gz")) if path.exists()]


def unpacked(file: File, packed: bytes, where: object) -> bytes:
    """What a file should contain, from bytes that gzip may have packed; checked."""
    content = packed
    if packed.startswith(GZIP) and not file.name.endswith(".gz"):
        try:
            content = gzip.decompress(packed)
        except (OSError, EOFError, zlib.error):  # damaged: its own checksum shows it
            content = packed
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise ValueError(
            f"{owner(file)}: expected {where} with SHA-256 {file.sha256}, got {found}; "
            "it is damaged, or another file of that name."
        )
    return content


def load(file: File, path: Path) -> bytes:
    """The content of a file at some path, checked."""
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise OSError(
            f"{owner(file)}: expected {path} to be a file that can be read, got "
            f"{error.strerror}."
        ) from None
    return unpacked(file, packed, path)


def keep(file: File, content: bytes) -> None:
    """Writes a file into the data folder, wholly or not at all."""
    target = folder() / file.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A neighbour, so that it comes to its place by being renamed.
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as work:
            part = Path(work) / target.name
            part.write_bytes(content)
            part.replace(target)
    except OSError as error:
        raise OSError(
            f"{owner(file)}: expected to write {target}, got {error.strerror}."
        ) from None


def is_good(file: File) -> bool:
    """Whether a file lies in the data folder and is what it should be."""
    try:
        return bool([load(file, path) for path in paths(file)[:1]])
    except (OSError, ValueError):
        return False


def lacking(name: str, *, check: bool = True) -> list[File]:
    """The files of a data set that are still to be had.

    With `check`, those that are damaged are among them.
    """
    there = is_good if check else paths
    absent = {
        one: [file for file in SETS[one].files if not there(file)]
        for one in (name, SETS[name].within)
        if one
    }
    return absent[name] if all(absent.values()) else []
