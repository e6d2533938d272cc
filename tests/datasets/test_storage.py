import errno
import hashlib
import re
from pathlib import Path

import pooch
import pytest

from fnn import datasets
from fnn.datasets.catalogue import SETS
from fnn.datasets.storage import folder as data_folder
from fnn.datasets.storage import keep, lacking

CONTENT = bytes(range(256)) * 20


def test_the_folder_is_what_the_variable_names(monkeypatch, tmp_path):
    assert data_folder() == tmp_path / "data"
    monkeypatch.setenv("FNN_DATA", "~/some")
    assert data_folder() == Path.home() / "some"


@pytest.mark.parametrize("unset", [True, False])
def test_by_default_it_is_in_the_users_cache(monkeypatch, unset):
    monkeypatch.delenv("FNN_DATA") if unset else monkeypatch.setenv("FNN_DATA", "")
    assert data_folder() == Path(pooch.os_cache("fnn"))


def test_a_file_is_no_folder(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("FNN_DATA", str(tmp_path / "file"))
    expected = (
        "datasets: expected the data folder, which FNN_DATA names, to be one, got the "
        f"file {tmp_path / 'file'}."
    )
    with pytest.raises(NotADirectoryError, match=f"^{re.escape(expected)}$"):
        datasets.mnist()


@pytest.mark.parametrize("packed", [False, True])
def test_what_lies_there_is_read_packed_or_not(put, packed):
    put("names.txt", CONTENT, packed=packed)
    assert datasets.read("names.txt") == CONTENT
    assert not lacking("names") and not lacking("names", check=False)


def refused(path: Path, sha256: str) -> str:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    return re.escape(
        f"names: expected {path} with SHA-256 {sha256}, got {found}; it is damaged, or "
        "another file of that name."
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("left", [0.0, 0.01, 0.2, 0.5, 0.99])
def test_what_breaks_off_is_refused(put, packed, left):
    path = put("names.txt", CONTENT, packed=packed)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(left * len(whole))])
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(ValueError, match=f"^{refused(path, sha256)}$"):
        datasets.names()
    assert [file.name for file in lacking("names")] == ["names.txt"]
    assert not lacking("names", check=False)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", [0, 5, -9, -1])
def test_what_differs_in_a_bit_is_refused(put, packed, place):
    path = put("names.txt", CONTENT, packed=packed)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    if packed and place == 5:  # the time of packing, which does not matter
        assert datasets.read("names.txt") == CONTENT
        return
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(ValueError, match=f"^{refused(path, sha256)}$"):
        datasets.names()


def test_a_folder_in_the_place_of_a_file(folder):
    (folder / "names.txt").mkdir()
    expected = (
        f"names: expected {folder / 'names.txt'} to be a file that can be read, got Is "
        "a directory."
    )
    with pytest.raises(OSError, match=f"^{re.escape(expected)}$"):
        datasets.names()


@pytest.mark.parametrize("method", ["write_bytes", "replace"])
def test_a_full_disk_leaves_nothing_behind(folder, declare, monkeypatch, method):
    def stop(path: Path, *given: object) -> None:
        with path.open("wb") as file:
            file.write(CONTENT[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, method, stop)
    file = declare("names.txt", CONTENT)
    expected = (
        f"names: expected to write {folder / 'names.txt'}, got No space left on device."
    )
    with pytest.raises(OSError, match=f"^{re.escape(expected)}$"):
        keep(file, CONTENT)
    assert not list(folder.iterdir())


def test_a_folder_within_a_file_cannot_be_written_to(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("FNN_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(OSError, match=r"^names: expected to write .*, got Not a dir"):
        keep(SETS["names"].files[0], CONTENT)


def test_one_set_may_serve_for_another(put):
    assert lacking("cifar10_sheets")
    put("cifar-10-binary.tar.gz", CONTENT)
    assert not lacking("cifar10_sheets") and lacking("cifar10_test")


def test_each_of_two_sets_may_serve_for_the_other(put):
    *most, last = SETS["cifar10_sheets"].files
    for file in most:
        put(file.name, CONTENT)
    assert lacking("cifar10") and lacking("cifar10_sheets") == [last]
    put(last.name, CONTENT)
    assert not lacking("cifar10") and not lacking("cifar10_sheets")
