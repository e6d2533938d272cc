"""Safetensors that are damaged, or made to do harm: a sentence each, and no more."""

import json
import tracemalloc

import numpy as np
import pytest

from fnn import interop
from fnn.interop import headers

ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def file_of(said, data=bytes(8), length=None):
    """The bytes of a file with this header."""
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    length = len(text) if length is None else length
    return length.to_bytes(8, "little") + text + data


def twice(start, *rest):
    """Two tensors, the second from here on."""
    second = ENTRY | {"data_offsets": [start, start + 8]}
    return {"a": ENTRY, "b": second, **dict(rest)}


KNOWN = ", ".join(headers.DTYPES)
HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "at least 8 bytes", "0"),
    "short": (b"abc", "at least 8 bytes", "3"),
    "a header of more bytes than there are": (
        file_of({"a": ENTRY}, length=1000),
        "a header of 1000 bytes",
        "69",
    ),
    "a header of 16 EiB": (
        b"\xff" * 8 + b"{}",
        "a header of at most 16777216 bytes",
        "18446744073709551615",
    ),
    "no JSON": (
        file_of(b"{,}"),
        "a header in JSON",
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "no text": (
        file_of(b"{\xff}"),
        "a header in JSON",
        "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte",
    ),
    "a list": (file_of([1, 2]), "an object of tensors by name", "[1, 2]"),
    "a number": (file_of(3), "an object of tensors by name", "3"),
    "a name twice": (
        file_of(b'{"a":' + json.dumps(ENTRY).encode() + b',"a":{}}'),
        "each name once",
        "'a' twice",
    ),
    "a shape twice": (
        file_of(b'{"a":{"dtype":"F32","shape":[9],"shape":[2],"data_offsets":[0,8]}}'),
        "each name once",
        "'shape' twice",
    ),
    "metadata of numbers": (
        file_of({"__metadata__": {"a": 1}}),
        "strings by name in __metadata__",
        "{'a': 1}",
    ),
    "metadata that are a list": (
        file_of({"__metadata__": []}),
        "strings by name in __metadata__",
        "[]",
    ),
    "no offsets": (
        file_of({"a": {"dtype": "F32", "shape": [2]}}),
        "dtype, shape and data_offsets of 'a'",
        "{'dtype': 'F32', 'shape': [2]}",
    ),
    "more than is known": (
        file_of({"a": ENTRY | {"strides": [1]}}),
        "dtype, shape and data_offsets of 'a'",
        "{'data_offsets': [0, 8], 'dtype': 'F32', 'shape': [2], 'strides': [1]}",
    ),
    "no entry": (
        file_of({"a": None}),
        "dtype, shape and data_offsets of 'a'",
        "None",
    ),
    "another dtype": (
        file_of({"a": ENTRY | {"dtype": "F31"}}),
        f"the dtype of 'a' to be one of {KNOWN}",
        "'F31'",
    ),
    "a dtype that is a list": (
        file_of({"a": ENTRY | {"dtype": ["F32"]}}),
        f"the dtype of 'a' to be one of {KNOWN}",
        "['F32']",
    ),
    "a negative length": (
        file_of({"a": ENTRY | {"shape": [-2]}}),
        "a shape of 'a' of at most 32 lengths",
        "[-2]",
    ),
    "a length that is no integer": (
        file_of({"a": ENTRY | {"shape": [2.0]}}),
        "a shape of 'a' of at most 32 lengths",
        "[2.0]",
    ),
    "a length that is true": (
        file_of({"a": ENTRY | {"shape": [True]}}),
        "a shape of 'a' of at most 32 lengths",
        "[True]",
    ),
    "a length that is no number": (
        file_of(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}'),
        "a shape of 'a' of at most 32 lengths",
        "[nan]",
    ),
    "a length of 100 bits": (
        file_of({"a": ENTRY | {"shape": [2**100]}}),
        "a shape of 'a' of at most 32 lengths",
        "[1267650600228229401496703205376]",
    ),
    "a hundred lengths": (
        file_of({"a": ENTRY | {"shape": [1] * 100}}),
        "a shape of 'a' of at most 32 lengths",
        "[1, 1, 1, 1, 1, 1, ...]",
    ),
    "lengths whose product is 0 in 64 bits": (
        file_of({"a": ENTRY | {"shape": [2**32, 2**32], "data_offsets": [0, 0]}}, b""),
        "a shape of 'a' that memory may hold",
        "[4294967296, 4294967296]",
    ),
    "absurd lengths of nothing": (
        file_of({"a": ENTRY | {"shape": [0, 2**62], "data_offsets": [0, 0]}}, b""),
        "a shape of 'a' that memory may hold",
        "[0, 4611686018427387904]",
    ),
    "an exabyte": (
        file_of({"a": ENTRY | {"shape": [2**58], "data_offsets": [0, 2**60]}}),
        "1152921504606846976 bytes of tensors",
        "8",
    ),
    "more values than bytes": (
        file_of({"a": ENTRY | {"shape": [3]}}),
        "12 bytes of 'a', F32[3]",
        "8",
    ),
    "a stop before the start": (
        file_of({"a": ENTRY | {"data_offsets": [8, 0]}}),
        "8 bytes of 'a', F32[2]",
        "-8",
    ),
    "a negative start": (
        file_of({"a": ENTRY | {"data_offsets": [-8, 0]}}),
        "a start and a stop of 'a'",
        "[-8, 0]",
    ),
    "three offsets": (
        file_of({"a": ENTRY | {"data_offsets": [0, 4, 8]}}),
        "a start and a stop of 'a'",
        "[0, 4, 8]",
    ),
    "an overlap": (file_of(twice(4), bytes(12)), "'b' at byte 8 of the tensors", "4"),
    "the same bytes": (
        file_of(twice(0), bytes(8)),
        "'b' at byte 8 of the tensors",
        "0",
    ),
    "a gap": (file_of(twice(12), bytes(20)), "'b' at byte 8 of the tensors", "12"),
    "a gap before all": (
        file_of({"a": ENTRY | {"data_offsets": [8, 16]}}, bytes(16)),
        "'a' at byte 0 of the tensors",
        "8",
    ),
    "bytes that are no tensor's": (
        file_of({"a": ENTRY}, bytes(9)),
        "8 bytes of tensors",
        "9",
    ),
    "truncated": (file_of(twice(8), bytes(15)), "16 bytes of tensors", "15"),
    "a number of many digits": (
        file_of(b'{"a": ' + b"9" * 5000 + b"}"),
        "a header in JSON",
        "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 "
        "digits; use sys.set_int_max_str_digits() to increase the limit",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_sentence_for_each(name, tmp_path):
    content, expected, got = HOSTILE[name]
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    for source, where in ((content, f"{len(content)} bytes"), (path, path)):
        with pytest.raises(ValueError, match="expected ") as caught:
            interop.read_safetensors(source)
        sentence = f"read_safetensors: expected {expected} in {where}, got {got}."
        assert caught.value.args == (sentence,)
        assert "\n" not in sentence


def test_deep_nesting_ends_in_a_sentence():
    with pytest.raises(ValueError, match=r"expected a header in JSON in .*, got max"):
        interop.read_safetensors(file_of(b"[" * 100_000))


def test_a_long_name_is_shown_in_short():
    with pytest.raises(ValueError, match="expected ") as caught:
        interop.read_safetensors(file_of({"a" * 100_000: None}))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "header",
    [
        b"[" + b"[]," * 300_000 + b"[]]",
        b"{" + b'"":{},' * 200_000 + b"}",
        b'{"a":{"shape":[' + b"1," * 400_000 + b"1]}}",
    ],
    ids=["lists", "objects", "numbers"],
)
def test_memory_is_within_forty_times_the_header(header):
    content = file_of(header)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="read_safetensors: expected "):
            interop.read_safetensors(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(header)


# ------------------------------------------------------------------------- mutations
def whole(tmp_path):
    path = tmp_path / "whole.safetensors"
    arrays = {
        "layer.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
        "layer.bias": np.arange(4, dtype=np.float16),
        "count": np.int64(7),
        "nothing": np.zeros((0, 3), np.int8),
    }
    interop.write_safetensors(path, arrays, metadata={"format": "pt"})
    return path.read_bytes()


TOKENS = (
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"-", b"9", b"0", b"e", b"\\u0000"),
    *(b"F64", b"I8", b"null", b"true", b"99999999999999999999", b"NaN", b"1e999"),
)


def mutated(rng, content):
    """The bytes with a few changes: bits, bytes, pieces and words of JSON."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        # Most of what can go wrong is in the header.
        where = int(rng.integers(0, len(changed) + 1) * rng.choice([1, 0.5]))
        more = int(rng.integers(1, 20))
        match rng.integers(7):
            case 0 if where < len(changed):
                changed[where] ^= 1 << int(rng.integers(8))
            case 1 if where < len(changed):
                changed[where] = int(rng.integers(256))
            case 2:
                del changed[where : where + more]
            case 3:
                changed[where:where] = rng.bytes(more)
            case 4:
                del changed[where:]
            case 5:
                changed[where:where] = changed[where : where + 5 * more]
            case _:
                token = TOKENS[rng.integers(len(TOKENS))]
                changed[where : where + len(token)] = token
    return bytes(changed)


def test_10000_mutated_files(tmp_path):
    rng, content, count = np.random.default_rng(0), whole(tmp_path), 10_000
    refused = 0
    for _ in range(count):
        changed = mutated(rng, content)
        try:
            tensors = interop.read_safetensors(changed)
        except ValueError as error:
            (sentence,) = error.args
            assert sentence.startswith("read_safetensors: expected ")
            assert sentence.endswith(".") and "\n" not in sentence
            assert len(sentence) < 2000
            refused += 1
        else:  # what was changed is a value, or a name
            total = sum(np.asarray(tensors[name]).nbytes for name in tensors)
            assert total <= len(changed)
    assert 0.5 < refused / count < 1
