"""The header of safetensors: what it says of each tensor, checked before it is used.

The format is 8 bytes that say how long the header is, the header in JSON, and the
tensors one after the other (https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import jax.numpy as jnp
import numpy as np

METADATA = "__metadata__"
# Bytes of a header, of which 150,000 tensors fill as many. JSON takes up to thirty
# times its length in memory, so that the 100 MB which others allow would be 3 GB.
LONGEST = 1 << 24
MOST_AXES = 32
LARGEST = 1 << 63  # what no array's size in bytes may reach

DTYPES = {
    name: np.dtype(dtype).newbyteorder("<")
    for name, dtype in {
        "BOOL": np.bool_,
        "U8": np.uint8,
        "I8": np.int8,
        "U16": np.uint16,
        "I16": np.int16,
        "U32": np.uint32,
        "I32": np.int32,
        "U64": np.uint64,
        "I64": np.int64,
        "F8_E4M3": jnp.float8_e4m3fn,
        "F8_E5M2": jnp.float8_e5m2,
        "F16": np.float16,
        "BF16": jnp.bfloat16,
        "F32": np.float32,
        "F64": np.float64,
        "C64": np.complex64,
    }.items()
}

brief = reprlib.Repr()  # of what a file says, which may be long
brief.maxstring = 100


class Entry(NamedTuple):
    """What a header says of a tensor, and where its bytes lie."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


class Header:
    """The header at the beginning of some bytes.

    Args:
      data: All bytes: of a file that is mapped, or in memory.
      where: What a message calls them.
    """

    def __init__(self, data: Any, where: str) -> None:
        self.where = where
        if len(data) < 8:
            self.fail("at least 8 bytes", f"{len(data)}")
        length = int.from_bytes(data[:8], "little")
        self.begin, self.size = 8 + length, len(data)
        if length > LONGEST:
            self.fail(f"a header of at most {LONGEST} bytes", f"{length}")
        if self.begin > self.size:
            self.fail(f"a header of {length} bytes", f"{self.size - 8}")
        said = self.parsed(data[8 : self.begin])
        self.metadata = self.checked_metadata(said.pop(METADATA, {}))
        self.entries = {name: self.entry(name, one) for name, one in said.items()}
        self.check_places()

    def fail(self, expected: str, got: str) -> NoReturn:
        raise ValueError(
            f"read_safetensors: expected {expected} in {self.where}, got {got}."
        )

    def parsed(self, raw: Any) -> dict[str, Any]:
        try:
            said = json.loads(str(raw, "utf-8"), object_pairs_hook=self.unique)
        except _Repeated as error:
            self.fail("each name once", f"{brief.repr(error.args[0])} twice")
        except (ValueError, RecursionError) as error:
            self.fail("a header in JSON", str(error))
        if not isinstance(said, dict):
            self.fail("an object of tensors by name", brief.repr(said))
        return said

    def unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise _Repeated(name)
            found[name] = value
        return found

    def checked_metadata(self, said: Any) -> dict[str, str]:
        if not isinstance(said, dict) or not all(
            isinstance(text, str) for text in said.values()
        ):
            self.fail(f"strings by name in {METADATA}", brief.repr(said))
        return said

    def entry(self, name: str, said: Any) -> Entry:
        """What is said of a tensor, if it agrees with itself."""
        shown = brief.repr(name)
        if not isinstance(said, dict) or set(said) != {
            "dtype",
            "shape",
            "data_offsets",
        }:
            wanted = f"dtype, shape and data_offsets of {shown}"
            self.fail(wanted, brief.repr(said))
        kind, shape, offsets = said["dtype"], said["shape"], said["data_offsets"]
        if not isinstance(kind, str) or kind not in DTYPES:
            known = f"the dtype of {shown} to be one of {', '.join(DTYPES)}"
            self.fail(known, brief.repr(kind))
        if not are_sizes(shape) or len(shape) > MOST_AXES:
            lengths = f"a shape of {shown} of at most {MOST_AXES} lengths"
            self.fail(lengths, brief.repr(shape))
        if not are_sizes(offsets) or len(offsets) != 2:
            self.fail(f"a start and a stop of {shown}", brief.repr(offsets))
        dtype = DTYPES[kind]
        # Also of an array without values, which NumPy refuses where lengths are absurd.
        if math.prod(n or 1 for n in shape) * dtype.itemsize >= LARGEST:
            self.fail(f"a shape of {shown} that memory may hold", brief.repr(shape))
        start, stop = offsets
        if stop - start != math.prod(shape) * dtype.itemsize:
            need = f"{math.prod(shape) * dtype.itemsize} bytes of {shown}"
            self.fail(f"{need}, {kind}{shape}", f"{stop - start}")
        return Entry(dtype, tuple(shape), self.begin + start, self.begin + stop)

    def check_places(self) -> None:
        """Raises where tensors overlap, leave bytes between them or lie outside."""
        end = self.begin
        for name, entry in sorted(
            self.entries.items(), key=lambda item: (item[1].start, item[1].stop)
        ):
            if entry.start != end:
                place = f"{brief.repr(name)} at byte {end - self.begin} of the tensors"
                self.fail(place, f"{entry.start - self.begin}")
            end = entry.stop
        if end != self.size:
            count = f"{end - self.begin} bytes of tensors"
            self.fail(count, f"{self.size - self.begin}")


def are_sizes(said: Any) -> bool:
    """Whether something is a list of counts that 64 bits hold."""
    return isinstance(said, list) and all(
        type(n) is int and 0 <= n < LARGEST for n in said
    )


class _Repeated(Exception):
    """A name that stands twice."""


def header_of(
    tensors: Mapping[str, np.ndarray], kinds: Mapping[str, Any], metadata: Any
) -> bytes:
    """The bytes before tensors that lie in this order."""
    said: dict[str, Any] = {METADATA: metadata} if metadata else {}
    end = 0
    for name, array in tensors.items():
        start, end = end, end + array.nbytes
        said[name] = {
            "dtype": kinds[name],
            "shape": array.shape,
            "data_offsets": (start, end),
        }
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that tensors begin at multiples of 8
    return len(text).to_bytes(8, "little") + text
