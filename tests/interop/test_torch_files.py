"""PyTorch's files without PyTorch: what is refused, and that nothing of it is run."""

import io
import os
import pickle
import zipfile

import ml_dtypes
import numpy as np
import pytest

from fnn import interop
from fnn.interop import pickles
from fnn.interop.torch_files import LONGEST, called, integer, integers, text

VALUES = np.arange(6, dtype=np.float32).tobytes()


def tensor(offset=0, shape=(2, 3), strides=(3, 1), size=6, kind="Float", key="0"):
    """The words of a tensor."""
    words = [called(pickles.TENSOR), b"((", text("storage")]
    words += [called(f"torch {kind}Storage"), text(key), text("cpu"), integer(size)]
    words += [b"tQ", integer(offset), integers(shape), integers(strides), b"\x89"]
    return b"".join([*words, called(pickles.DICT), b")RtR"])


def dict_of(words):
    return b"\x80\x02}" + text("a") + words + b"s."


def file_of(pickle, values=VALUES, more=(), compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickle)
        archive.writestr("archive/data/0", values)
        for name, content in more:
            archive.writestr(name, content)
    return file.getvalue()


def read(pickle, **options):
    return interop.read_torch(file_of(pickle, **options))


def test_there_and_back(tmp_path):
    path = tmp_path / "model.pt"
    arrays = {
        "weight": np.arange(6.0).reshape(2, 3),
        "turned": np.arange(6, dtype=np.float16).reshape(2, 3).T,
        "half": np.arange(3).astype(ml_dtypes.bfloat16),
        "flags": np.array([True, False]),
        "scalar": np.int32(3),
        "nothing": np.zeros((0, 3), np.uint8),
        "the great end first": np.arange(3, dtype=">i8"),
        "größer": np.ones(1, np.complex64),
    }
    interop.write_torch(path, arrays)
    found = interop.read_torch(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype.newbyteorder("<")
        assert not found[name].flags.writeable
        np.testing.assert_array_equal(found[name], array, strict=False)
    assert os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, [[0, 1, 2], [3, 4, 5]]),
        ({"shape": (3, 2), "strides": (1, 3)}, [[0, 3], [1, 4], [2, 5]]),
        ({"offset": 1, "shape": (2,), "strides": (3,)}, [1, 4]),
        ({"offset": 5, "shape": (1, 1), "strides": (2**62, 2**62)}, [[5]]),
        ({"offset": 6, "shape": (0, 2), "strides": (1, 1)}, np.zeros((0, 2))),
        ({"shape": (), "strides": (), "offset": 4}, 4),
    ],
)
def test_views(options, expected):
    found = read(dict_of(tensor(**options)))["a"]
    np.testing.assert_array_equal(found, expected)


def test_nested_values_and_what_is_shared():
    shared = text("a") + tensor() + b"q\x07" + text("b") + b"h\x07"
    words = b"\x80\x02}(" + shared + text("c") + b"](K\x01G?\xe0\0\0\0\0\0\0\x88Ne"
    found = read(words + text("d") + text("x") + b"\x85" + b"u.")
    assert found["a"] is found["b"]
    assert found["c"] == [1, 0.5, True, None] and found["d"] == ("x",)


# ---------------------------------------------------------------------------- refused
class Exploit:
    def __reduce__(self):
        return os.mkdir, ("harm",)


class Evaluated:
    def __reduce__(self):
        return eval, ("1 + 1",)


def test_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for value in (Exploit(), {"a": Evaluated()}, [range(3)], {"a": np.ones(3)}):
            with pytest.raises(
                ValueError, match="read_torch: expected what a state di"
            ):
                read(pickle.dumps(value, protocol))
    assert not os.listdir(tmp_path)


def test_nothing_is_imported():
    with pytest.raises(ValueError, match="got the name 'antigravity\\.fly'"):
        read(dict_of(b"cantigravity\nfly\n)R"))
    assert "antigravity" not in __import__("sys").modules


NEEDED, WITHIN = pickles.NEEDED, "a tensor within its storage of 6 values"
WHOLE = "a whole zip archive, as torch.save writes it"
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "no archive": (b"\x80\x02}.", WHOLE, "File is not a zip file"),
    "empty": (b"", WHOLE, "File is not a zip file"),
    "packed": (
        file_of(dict_of(tensor()), compression=zipfile.ZIP_DEFLATED),
        "members as they are",
        "some that are packed or overlap",
    ),
    "no pickle": (
        file_of(b"").replace(b"data.pkl", b"data.pky"),
        "one data.pkl, and each member once",
        "0",
    ),
    "two pickles": (
        file_of(dict_of(tensor()), more=[("b/data.pkl", b"")]),
        "one data.pkl, and each member once",
        "2",
    ),
    "the great end first": (
        file_of(dict_of(tensor()), more=[("archive/byteorder", b"big")]),
        "the least byte first",
        "another order of bytes",
    ),
    "a long pickle": (
        file_of(b"]" * (LONGEST + 1)),
        f"a pickle of at most {LONGEST} bytes",
        f"{LONGEST + 1}",
    ),
    "changed values": (
        file_of(dict_of(tensor())).replace(VALUES, VALUES[::-1]),
        WHOLE,
        "Bad CRC-32 for file 'archive/data/0'",
    ),
    "another word": (file_of(b"\x80\x02}b."), "a whole pickle", "one that is damaged"),
    "a word that makes objects": (
        file_of(dict_of(called(pickles.DICT) + b")\x81")),
        NEEDED,
        "the pickle's word NEWOBJ",
    ),
    "a code of an extension": (
        file_of(dict_of(b"\x82\x01")),
        NEEDED,
        "the pickle's word EXT1",
    ),
    "no end": (
        file_of(b"\x80\x02}"),
        "a whole pickle",
        "one that is damaged (pickle exhausted before seeing STOP)",
    ),
    "a storage that calls": (
        file_of(dict_of(called("torch FloatStorage") + b")R")),
        NEEDED,
        "a call of 'torch FloatStorage'",
    ),
    "a call of a string": (
        file_of(dict_of(text("collections OrderedDict") + b")R")),
        NEEDED,
        "a call of 'collections OrderedDict'",
    ),
    "no storage": (
        file_of(dict_of(text("x") + b"Q")),
        "a storage by its type, key, device and size",
        "'x'",
    ),
    "a key that is a list": (
        file_of(b"\x80\x02}](s.".replace(b"(", text("a"))),
        "keys that are strings or ints",
        "list",
    ),
    "a key twice": (
        file_of(b"\x80\x02}(" + 2 * (text("a") + b"N") + b"u."),
        "each key once",
        "'a' twice",
    ),
    "more values than the storage has": (
        file_of(dict_of(tensor(shape=(3, 3)))),
        WITHIN,
        "shape (3, 3) with strides (3, 1) from 0 on",
    ),
    "a terabyte of one value": (
        file_of(dict_of(tensor(shape=(2**40,), strides=(0,)))),
        WITHIN,
        "shape (1099511627776,) with strides (0,) from 0 on",
    ),
    "an offset beyond": (
        file_of(dict_of(tensor(offset=6, shape=(), strides=()))),
        WITHIN,
        "shape () with strides () from 6 on",
    ),
    "strides beyond": (
        file_of(dict_of(tensor(shape=(2,), strides=(6,)))),
        WITHIN,
        "shape (2,) with strides (6,) from 0 on",
    ),
    "a negative stride": (
        file_of(dict_of(tensor(shape=(2,), strides=(-1,)))),
        "sizes of a tensor",
        "(-1,)",
    ),
    "a negative offset": (
        file_of(dict_of(tensor(offset=-1))),
        "sizes of a tensor",
        "(-1,)",
    ),
    "too few strides": (
        file_of(dict_of(tensor(strides=(1,)))),
        "as many strides as axes, at most 32",
        "1 and 2",
    ),
    "absurd lengths of nothing": (
        file_of(dict_of(tensor(shape=(0, 2**62), strides=(1, 1)))),
        "a shape that memory may hold",
        "(0, 4611686018427387904)",
    ),
    "a storage of more than there is": (
        file_of(dict_of(tensor(size=2**40))),
        "4398046511104 bytes of storage '0'",
        "24",
    ),
    "a storage that is not there": (
        file_of(dict_of(tensor(key="../7"))),
        "24 bytes of storage '../7'",
        "none",
    ),
    "a storage alone": (
        file_of(dict_of(tensor()[: tensor().index(b"tQ") + 2][33:])),
        "a whole pickle",
        "one that is damaged",
    ),
    "deep": (
        file_of(b"\x80\x02" + b")" + b"\x85" * 100_000 + b"."),
        "a tree of little depth",
        "a deep one",
    ),
    "a name alone": (
        file_of(dict_of(called("torch FloatStorage"))),
        "tensors and plain values",
        "'torch FloatStorage'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_sentence_for_each(name, tmp_path):
    content, expected, got = REFUSED[name]
    path = tmp_path / "hostile.pt"
    path.write_bytes(content)
    for source, where in ((content, f"{len(content)} bytes"), (path, path)):
        with pytest.raises(ValueError, match="read_torch: expected") as caught:
            interop.read_torch(source)
        (sentence,) = caught.value.args
        start = f"read_torch: expected {expected} in {where}, got {got}"
        assert sentence.startswith(start) and sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < len(start) + 100


def mutated(rng, content):
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        where, more = int(rng.integers(len(changed))), int(rng.integers(1, 20))
        match rng.integers(4):
            case 0:
                changed[where] = int(rng.integers(256))
            case 1:
                del changed[where : where + more]
            case 2:
                changed[where:where] = changed[where : where + 5 * more]
            case _:
                del changed[where:]
        changed = changed or bytearray(b"P")
    return bytes(changed)


def test_mutated_files_and_pickles():
    rng, refused, count = np.random.default_rng(0), 0, 4000
    words = dict_of(tensor())
    whole = file_of(words)
    for i in range(count):  # of a pickle that was changed, the checksum is right
        changed = mutated(rng, whole) if i % 2 else file_of(mutated(rng, words))
        try:
            interop.read_torch(changed)
        except ValueError as error:
            (sentence,) = error.args
            assert sentence.startswith("read_torch: expected ")
            assert sentence.endswith(".") and "\n" not in sentence
            refused += 1
    assert 0.5 < refused / count < 1


# ------------------------------------------------------------------------ wrong calls
def test_no_path():
    with pytest.raises(TypeError) as caught:
        interop.read_torch(3)
    sentence = "read_torch: expected a path or the bytes of a file, got 3."
    assert caught.value.args == (sentence,)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        interop.read_torch(tmp_path / "none")
    assert caught.value.args == (
        f"read_torch: expected {tmp_path / 'none'} to be a file that can be read, got "
        "No such file or directory.",
    )


@pytest.mark.parametrize(
    "tensors, sentence",
    [
        ([1], "expected arrays by name, got [1]."),
        ({"a": 1}, "expected a to be an array, got 1."),
        (
            {"a": np.ones(3, np.uint16)},
            "expected dtypes float64, float32, float16, bfloat16, int64, int32, int16, "
            "int8, uint8, bool, complex64, complex128, got a of uint16.",
        ),
    ],
)
def test_wrong_writing(tensors, sentence, tmp_path):
    with pytest.raises(TypeError) as caught:
        interop.write_torch(tmp_path / "model.pt", tensors)
    assert caught.value.args == (f"write_torch: {sentence}",)
    assert not os.listdir(tmp_path)
