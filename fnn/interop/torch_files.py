"""PyTorch's files of tensors, read and written without PyTorch.

Such a file is a zip archive of a pickle, which says what there is, and of the values of
each storage, as they lie in memory.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, NoReturn

import numpy as np

from fnn.interop.pickles import DTYPES, Refused, View, mapped, unpickled
from fnn.interop.replacing import replacing
from fnn.interop.sources import Source, reading
from fnn.interop.tensor_files import bytes_of, check_tensors, little
from fnn.shapes import word

PICKLE = "data.pkl"
# Bytes of a pickle, of which 25,000 tensors fill as many; it takes up to sixty times
# its length in memory.
LONGEST = 1 << 22
# What zipfile raises, wherever the damage is: NotImplementedError for an unknown way of
# packing, RuntimeError for a password, OSError for a place before 0.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, EOFError),
    *(RuntimeError, OverflowError, OSError),
)


def read_torch(source: Source) -> Any:
    """What `torch.save` wrote of a state dict, with NumPy arrays for tensors.

    No code of the file's is run: of a pickle only what a state dict needs is known, and
    everything else refused. Dicts, lists and tuples of tensors, strings and numbers may
    be nested; other objects, as a whole module is, are not read. A storage is read and
    its checksum compared when a tensor needs it; tensors that share it share memory.

    Args:
      source: Path of a file, or its bytes.

    Returns:
      Dicts, lists and tuples as they were saved, and read-only arrays.

    Raises:
      ValueError: If the file is no zip archive, as PyTorch writes since version 1.6, or
        is damaged; its pickle has something else; or a tensor is larger than its
        storage.
      OSError: If the file can't be read.

    Example:
      >>> import tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = f"{folder}/model.pt"
      ...     fnn.interop.write_torch(path, {"weight": np.eye(2)})
      ...     tensors = fnn.interop.read_torch(path)
      >>> tensors["weight"]
      array([[1., 0.],
             [0., 1.]])
    """
    with opened(source) as (file, where):
        try:
            with zipfile.ZipFile(file) as archive:
                return Archive(archive, where).tree()
        except Refused as refused:
            expected, got = refused.args
            fail(where, expected, got)
        except DAMAGED as error:
            said = str(error).rstrip(".") or type(error).__name__
            fail(where, "a whole zip archive, as torch.save writes it", said)


@contextmanager
def opened(source: Source) -> Iterator[tuple[BinaryIO, str]]:
    """A file to read, and what to call it."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source), f"{len(source)} bytes"
    elif isinstance(source, str | os.PathLike):
        with reading("read_torch", source) as file:
            yield file, os.fspath(source)
    else:
        raise TypeError(
            f"read_torch: expected a path or the bytes of a file, got {word(source)}."
        )


def fail(where: str, expected: str, got: str) -> NoReturn:
    raise ValueError(
        f"read_torch: expected {expected} in {where}, got {got}."
    ) from None


class Archive:
    """The members of an archive, none of which claims more bytes than there are."""

    def __init__(self, archive: zipfile.ZipFile, where: str) -> None:
        self.archive, self.where = archive, where
        self.storages: dict[str, np.ndarray] = {}
        members = archive.infolist()
        self.members = {member.filename: member for member in members}
        (size,) = (archive.fp.seek(0, os.SEEK_END),) if archive.fp else (0,)
        packed = [one for one in members if one.compress_type != zipfile.ZIP_STORED]
        if packed or sum(max(m.file_size, m.compress_size) for m in members) > size:
            raise Refused("members as they are", "some that are packed or overlap")
        found = [name for name in self.members if name.endswith(f"/{PICKLE}")]
        if len(found) != 1 or len(self.members) < len(members):
            raise Refused(f"one {PICKLE}, and each member once", f"{len(found)}")
        self.folder = found[0].removesuffix(PICKLE)

    def tree(self) -> Any:
        order = self.members.get(f"{self.folder}byteorder")
        if order and self.archive.read(order) != b"little":
            raise Refused("the least byte first", "another order of bytes")
        pickle = self.members[f"{self.folder}{PICKLE}"]
        if pickle.file_size > LONGEST:
            raise Refused(f"a pickle of at most {LONGEST} bytes", f"{pickle.file_size}")
        return mapped(unpickled(self.archive.read(pickle)), self.array)

    def array(self, view: View) -> np.ndarray:
        """The array of a tensor, a view of its storage."""
        (dtype, key, size), offset, shape, strides = view
        member = self.members.get(f"{self.folder}data/{key}")
        if member is None or member.file_size != size * dtype.itemsize:
            got = "none" if member is None else f"{member.file_size}"
            need = f"{size * dtype.itemsize} bytes of storage {key[:20]!r}"
            raise Refused(need, got)
        if key not in self.storages:
            content = self.archive.read(member)
            self.storages[key] = np.frombuffer(content, np.uint8)
        values = self.storages[key].view(dtype)[offset:]
        steps = [dtype.itemsize * stride for stride in strides]
        return np.lib.stride_tricks.as_strided(values, shape, steps, writeable=False)


# ---------------------------------------------------------------------------- writing
def write_torch(path: str | os.PathLike[str], tensors: Mapping[str, Any]) -> None:
    """Writes arrays by name as `torch.save` does a state dict, wholly or not at all.

    ``torch.load(path, weights_only=True)`` reads it.

    Args:
      path: Where to write.
      tensors: Arrays of NumPy or JAX by name.

    Raises:
      TypeError: If names are no strings, or something is no array of a dtype that
        PyTorch's files of this kind have.
      OSError: If the file can't be written.

    Example:
      >>> import tempfile
      >>> params = fnn.dense(3).init(jax.random.key(0), jnp.ones((1, 4)))
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     fnn.interop.write_torch(f"{folder}/dense.pt", fnn.paths(params))
      ...     tensors = fnn.interop.read_torch(f"{folder}/dense.pt")
      >>> tensors["weight"].shape
      (4, 3)
    """
    check_tensors("write_torch", tensors)
    known = {dtype: kind for kind, dtype in DTYPES.items()}
    kinds = {name: known.get(little(one.dtype), "") for name, one in tensors.items()}
    wrong = [f"{name} of {tensors[name].dtype}" for name in kinds if not kinds[name]]
    if wrong:
        names = ", ".join(dtype.name for dtype in known)
        raise TypeError(
            f"write_torch: expected dtypes {names}, got {', '.join(wrong)}."
        )
    with replacing("write_torch", path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"archive/{PICKLE}", pickled(tensors, kinds))
        archive.writestr("archive/byteorder", b"little")
        for i, name in enumerate(tensors):
            with archive.open(f"archive/data/{i}", "w", force_zip64=True) as member:
                member.write(bytes_of(np.asarray(tensors[name])))
        archive.writestr("archive/version", b"3\n")


def pickled(tensors: Mapping[str, Any], kinds: Mapping[str, str]) -> bytes:
    """A pickle of a dict of tensors, in the words of protocol 2."""
    words = [b"\x80\x02}("]
    for i, (name, array) in enumerate(tensors.items()):
        strides = [1]
        for n in array.shape[:0:-1]:
            strides.insert(0, strides[0] * n)
        words += [text(name), called("torch._utils _rebuild_tensor_v2"), b"("]
        words += [b"(", text("storage"), called(kinds[name]), text(str(i))]
        words += [text("cpu"), integer(array.size), b"tQ", integer(0)]
        words += [integers(array.shape), integers(strides[: array.ndim]), b"\x89"]
        words += [called("collections OrderedDict"), b")R", b"tR"]
    return b"".join([*words, b"u."])


def text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return b"X" + len(encoded).to_bytes(4, "little") + encoded


def called(name: str) -> bytes:
    module, function = name.split()
    return f"c{module}\n{function}\n".encode()


def integer(value: int) -> bytes:
    """In eight bytes, after their number."""
    return b"\x8a\x08" + value.to_bytes(8, "little", signed=True)


def integers(values: Any) -> bytes:
    return b"(" + b"".join(map(integer, values)) + b"t"
