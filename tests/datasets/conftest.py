"""A data folder of a test's own, with files made up and their checksums right."""

import gzip
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fnn.datasets.catalogue import SETS, File


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data folder: empty, and at the end without anything half-written."""
    made = tmp_path / "data"
    made.mkdir()
    monkeypatch.setenv("FNN_DATA", str(made))
    yield made
    if made.is_dir():
        assert not [path for path in made.rglob("*") if path.name.startswith(".")]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Callable[..., File]:
    """Gives the catalogue another checksum and address of a file."""

    def change(name: str, content: bytes, address: str = "") -> File:
        made = File(name, hashlib.sha256(content).hexdigest(), address)
        for key, has in list(SETS.items()):
            files = [made if file.name == name else file for file in has.files]
            monkeypatch.setitem(SETS, key, has._replace(files=tuple(files)))
        return made

    return change


@pytest.fixture
def put(folder: Path, declare: Callable[..., File]) -> Callable[..., Path]:
    """Puts a file into the data folder, and has the catalogue ask for its content."""

    def write(name: str, content: bytes, packed: bool = False) -> Path:
        declare(name, content)
        path = folder / (f"{name}.gz" if packed else name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(content) if packed else content)
        return path

    return write
