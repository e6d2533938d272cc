"""Files of tensors by name: safetensors, mapped into memory and read where looked at.

The package ``safetensors`` takes a file in which a name stands twice, and has no
bfloat16 for NumPy; this has, and says in a sentence what is wrong with a file.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from fnn.interop.headers import DTYPES, METADATA, Header, header_of
from fnn.interop.replacing import replacing
from fnn.interop.sources import Source, bytes_of_source
from fnn.shapes import word


class SafeTensors(Mapping[str, np.ndarray]):
    """Tensors by name, read-only: what `read_safetensors` gives.

    Attributes:
      metadata: What the file says beside tensors, strings by name.
    """

    def __init__(self, source: Source) -> None:
        self._data, where = bytes_of_source("read_safetensors", source)
        header = Header(self._data, where)
        self.metadata, self._entries = header.metadata, header.entries

    def __getitem__(self, name: str) -> np.ndarray:
        dtype, shape, start, _ = self._entries[name]
        # Pages of what was read before are let go; they come back if looked at again.
        if isinstance(self._data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self._data.madvise(mmap.MADV_DONTNEED)
        return np.ndarray(shape, dtype, self._data, start)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"SafeTensors({', '.join(self)})"


def read_safetensors(source: Source) -> SafeTensors:
    """The tensors of a safetensors file by name, a mapping of read-only NumPy arrays.

    The header is read and checked at once: lengths, names, dtypes, shapes and places.
    Of the tensors, bytes are read where they are looked at, by slices too, and what was
    read before need not stay in memory. The file must stay as it is while it is used.

    Args:
      source: Path of a file, or its bytes.

    Returns:
      A mapping with ``metadata``, strings by name, beside it. 16-bit floats are of the
      dtypes that JAX has.

    Raises:
      ValueError: If anything in the header is not as the format has it; the tensors
        would overlap, leave a gap or lie outside of the file; a name stands twice; or
        the header is longer than 16 MiB.
      OSError: If the file can't be read.

    Example:
      >>> import tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = f"{folder}/model.safetensors"
      ...     fnn.interop.write_safetensors(path, {"weight": np.eye(3)})
      ...     tensors = fnn.interop.read_safetensors(path)
      >>> tensors["weight"][1]
      array([0., 1., 0.])
    """
    return SafeTensors(source)


def write_safetensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Any],
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes arrays by name to a safetensors file, wholly or not at all.

    The file is written beside the one at ``path`` and then takes its place: if anything
    fails, what was there is there still.

    Args:
      path: Where to write.
      tensors: Arrays of NumPy or JAX by name.
      metadata: What else to say, strings by name: ``{"format": "pt"}`` is what Hugging
        Face's transformers look for.

    Raises:
      TypeError: If names or metadata are no strings, or something is no array of a
        dtype that the format has.
      ValueError: If a name is that of the metadata.
      OSError: If the file can't be written.

    Example:
      >>> import tempfile
      >>> params = {"weight": jnp.ones((4, 3), jnp.bfloat16), "bias": jnp.zeros(3)}
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = f"{folder}/dense.safetensors"
      ...     fnn.interop.write_safetensors(path, fnn.paths(params))
      ...     tensors = fnn.interop.read_safetensors(path)
      >>> fnn.from_paths(tensors, like=params)["weight"].dtype
      dtype(bfloat16)
    """
    check_tensors("write_safetensors", tensors)
    said = dict(metadata or {})
    if not all(isinstance(text, str) for pair in said.items() for text in pair):
        raise TypeError(
            f"write_safetensors: expected metadata of strings by name, got {said!r}."
        )
    if METADATA in tensors:
        raise ValueError(
            f"write_safetensors: expected names other than {METADATA!r}, got it."
        )
    known = {dtype: kind for kind, dtype in DTYPES.items()}
    kinds = {name: known.get(little(one.dtype)) for name, one in tensors.items()}
    wrong = [f"{name} of {tensors[name].dtype}" for name in kinds if not kinds[name]]
    if wrong:
        raise TypeError(
            f"write_safetensors: expected dtypes {', '.join(DTYPES)}, "
            f"got {', '.join(wrong)}."
        )
    # Wide ones first: each then begins at a multiple of its width.
    order = sorted(kinds, key=lambda name: (-tensors[name].dtype.itemsize, name))
    arrays = {name: np.asarray(tensors[name]) for name in order}
    with replacing("write_safetensors", path) as file:
        file.write(header_of(arrays, kinds, said))
        for array in arrays.values():
            file.write(bytes_of(array))


def check_tensors(who: str, tensors: Any) -> None:
    """Raises where something is no mapping of names to arrays."""
    if not isinstance(tensors, Mapping):
        raise TypeError(f"{who}: expected arrays by name, got {word(tensors)}.")
    for name, value in tensors.items():
        if not isinstance(name, str):
            raise TypeError(f"{who}: expected names that are strings, got {name!r}.")
        if not isinstance(value, np.ndarray | np.generic | jax.Array):
            raise TypeError(
                f"{who}: expected {name} to be an array, got {word(value)}."
            )


def little(dtype: Any) -> Any:
    """The dtype with the least byte of each value first."""
    return dtype.newbyteorder("<") if isinstance(dtype, np.dtype) else None


def bytes_of(array: np.ndarray) -> memoryview:
    """The bytes of an array, its last axis running fastest."""
    flat = np.ascontiguousarray(array, little(array.dtype)).reshape(-1)
    return flat.view(np.uint8).data
