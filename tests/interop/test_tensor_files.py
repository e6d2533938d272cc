"""Safetensors written and read: against the format's own package, and by hand."""

import json
import os
import stat

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from fnn import interop

FLOATS = (np.float64, np.float32, np.float16, ml_dtypes.bfloat16)
INTEGERS = (np.int8, np.int16, np.int32, np.int64)
UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)
OTHERS = (
    *(np.bool_, np.complex64),
    *(ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2),
)


def some(dtype, *shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape, scale=3)
    return values.astype(dtype)


def several():
    arrays = {
        np.dtype(dtype).name: some(dtype, 3, 5)
        for dtype in (*FLOATS, *INTEGERS, *OTHERS)
    }
    arrays |= {np.dtype(dtype).name: np.arange(7).astype(dtype) for dtype in UNSIGNED}
    return arrays | {
        "scalar": np.float32(1.5),
        "nothing": np.zeros((0, 4), np.int16),
        "turned": some(np.float32, 3, 4).T,
        "of every other": some(np.float64, 9)[::2],
        "the great end first": some(np.float32, 4).astype(">f4"),
        "größer / 漢字": np.ones(1, np.int8),
    }


def same(found, wanted):
    assert list(found) == list(wanted) or sorted(found) == sorted(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype.newbyteorder("<")
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("where", ["file", "bytes"])
def test_what_is_written_is_read(where, tmp_path):
    path, arrays = tmp_path / "some.safetensors", several()
    interop.write_safetensors(path, arrays, metadata={"format": "pt", "note": "ü"})
    found = interop.read_safetensors(path if where == "file" else path.read_bytes())
    same(found, arrays)
    assert found.metadata == {"format": "pt", "note": "ü"}
    assert len(found) == len(arrays) and "scalar" in found and "other" not in found
    assert repr(interop.read_safetensors(path)).startswith("SafeTensors(complex64, ")
    with pytest.raises(KeyError):
        found["other"]


def test_arrays_of_jax(tmp_path):
    path = tmp_path / "some.safetensors"
    params = {"weight": jnp.arange(6, dtype=jnp.bfloat16).reshape(2, 3)}
    interop.write_safetensors(path, params)
    same(interop.read_safetensors(path), {"weight": np.asarray(params["weight"])})


def test_the_package_reads_what_is_written(tmp_path):
    path, arrays = tmp_path / "some.safetensors", several()
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64"):
        del arrays[name]  # which it has no NumPy arrays of
    interop.write_safetensors(path, arrays, metadata={"format": "pt"})
    same(safetensors.numpy.load_file(path), arrays)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"format": "pt"}


def test_what_the_package_writes_is_read(tmp_path):
    path = tmp_path / "some.safetensors"
    names = ("float64", "float32", "float16", "int64", "int8", "uint16", "bool")
    arrays = {name: several()[name] for name in names}
    safetensors.numpy.save_file(arrays, path, metadata={"format": "np"})
    found = interop.read_safetensors(path)
    same(found, arrays)
    assert found.metadata == {"format": "np"}


def test_each_tensor_begins_at_a_multiple_of_its_width(tmp_path):
    path = tmp_path / "some.safetensors"
    interop.write_safetensors(path, {"é": np.int8(1), "b": np.ones(3), "a": np.ones(2)})
    raw = path.read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    said = json.loads(raw[8:begin])
    assert begin % 8 == 0 and list(said) == ["a", "b", "é"]
    assert [one["data_offsets"] for one in said.values()] == [
        [0, 16],
        [16, 40],
        [40, 41],
    ]


def test_arrays_are_read_only_and_outlive_the_mapping(tmp_path):
    path = tmp_path / "some.safetensors"
    interop.write_safetensors(path, {"a": np.arange(5000.0), "b": np.arange(3)})
    found = interop.read_safetensors(path)
    first, _ = found["a"], found["b"]  # whose reading lets go of the pages of the first
    del found
    path.unlink()
    np.testing.assert_array_equal(first, np.arange(5000.0))
    assert not first.flags.writeable and not first.flags.owndata


# ---------------------------------------------------------------------- wholly or not
class Broken(Exception):
    pass


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that fills before a file is whole."""

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)


def test_nothing_is_lost_where_writing_fails(tmp_path, full_disk):
    path = tmp_path / "some.safetensors"
    path.write_bytes(b"before")
    with pytest.raises(OSError, match=r"write .*, got No space left on device\."):
        interop.write_safetensors(path, {"a": np.ones(3)})
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == [path.name]


def test_nothing_is_lost_where_an_array_fails(tmp_path, monkeypatch):
    def fail(array):
        raise Broken

    path = tmp_path / "some.safetensors"
    path.write_bytes(b"before")
    monkeypatch.setattr("fnn.interop.tensor_files.bytes_of", fail)
    with pytest.raises(Broken):
        interop.write_safetensors(path, {"a": np.ones(3)})
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == [path.name]


def test_a_file_takes_the_place_of_another(tmp_path):
    path = tmp_path / "some.safetensors"
    for value in (1.0, 2.0):
        interop.write_safetensors(path, {"a": np.full(3, value)})
    np.testing.assert_array_equal(interop.read_safetensors(path)["a"], [2, 2, 2])
    assert os.listdir(tmp_path) == [path.name]
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert stat.S_ISREG(path.stat().st_mode)


# ------------------------------------------------------------------------ wrong calls
KNOWN = (
    "BOOL, U8, I8, U16, I16, U32, I32, U64, I64, F8_E4M3, F8_E5M2, F16, BF16, F32, "
    "F64, C64"
)
WRONG: list[tuple] = [
    ([np.ones(3)], {}, TypeError, "expected arrays by name, got [float64[3]]."),
    ({3: np.ones(3)}, {}, TypeError, "expected names that are strings, got 3."),
    ({"a": [1.0]}, {}, TypeError, "expected a to be an array, got [1.0]."),
    (
        {"a": jax.ShapeDtypeStruct((3,), "f")},
        {},
        TypeError,
        "expected a to be an array, got float32[3].",
    ),
    (
        {"a": np.ones(3), "b": np.ones(2, "c16"), "c": np.array([None])},
        {},
        TypeError,
        f"expected dtypes {KNOWN}, got b of complex128, c of object.",
    ),
    (
        {"__metadata__": np.ones(3)},
        {},
        ValueError,
        "expected names other than '__metadata__', got it.",
    ),
    (
        {"a": np.ones(3)},
        {"metadata": {"steps": 3}},
        TypeError,
        "expected metadata of strings by name, got {'steps': 3}.",
    ),
]


@pytest.mark.parametrize("tensors, options, error, sentence", WRONG)
def test_wrong_writing(tensors, options, error, sentence, tmp_path):
    with pytest.raises(error) as caught:
        interop.write_safetensors(tmp_path / "some", tensors, **options)
    assert caught.value.args == (f"write_safetensors: {sentence}",)
    assert not os.listdir(tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "none" / "some.safetensors"
    with pytest.raises(FileNotFoundError) as caught:
        interop.write_safetensors(path, {})
    assert caught.value.args == (
        f"write_safetensors: expected to write {path}, got No such file or directory.",
    )


@pytest.mark.parametrize(
    "name, error, got",
    [
        ("none", FileNotFoundError, "No such file or directory"),
        (".", IsADirectoryError, "Is a directory"),
    ],
)
def test_no_file_to_read(name, error, got, tmp_path):
    with pytest.raises(error) as caught:
        interop.read_safetensors(tmp_path / name)
    assert caught.value.args == (
        f"read_safetensors: expected {tmp_path / name} to be a file that can be read, "
        f"got {got}.",
    )


def test_no_path():
    with pytest.raises(TypeError) as caught:
        interop.read_safetensors(3)
    assert caught.value.args == (
        "read_safetensors: expected a path or the bytes of a file, got 3.",
    )
