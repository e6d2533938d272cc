"""What loaders make of files, by small ones of the same form."""

import io
import json
import pickle
import struct
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fnn import datasets

RNG = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_mnist_and_its_kin(put, name, packed):
    splits = {}
    for part, count in (("train", 7), ("t10k", 4)):
        images = RNG.integers(256, size=(count, 28, 28), dtype=np.uint8)
        labels = RNG.integers(10, size=count, dtype=np.uint8)
        put(f"{name}/{part}-images-idx3-ubyte", idx(images), packed=packed)
        put(f"{name}/{part}-labels-idx1-ubyte", idx(labels), packed=packed)
        splits[part] = images, labels
    data = getattr(datasets, name)()
    for got, (images, labels) in zip(data[:2], splits.values(), strict=True):
        np.testing.assert_array_equal(got.images, images[..., None])
        np.testing.assert_array_equal(got.labels, labels)
        assert got.images.dtype == np.uint8 and got.labels.dtype == np.int32
        got.images[0] = 0  # they are the caller's own
    assert len(set(data.classes)) == 10


def test_cifar10(put):
    images = RNG.integers(256, size=(12, 32, 32, 3), dtype=np.uint8)
    labels = RNG.integers(10, size=12, dtype=np.uint8)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for i in range(6):
            name = "test_batch" if i == 5 else f"data_batch_{i + 1}"
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            content = b"".join(
                bytes([label]) + image.transpose(2, 0, 1).tobytes()
                for image, label in zip(
                    images[2 * i : 2 * i + 2], labels[2 * i : 2 * i + 2], strict=True
                )
            )
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    put("cifar-10-binary.tar.gz", file.getvalue())
    data = datasets.cifar10()
    np.testing.assert_array_equal(data.train.images, images[:10])
    np.testing.assert_array_equal(data.train.labels, labels[:10])
    np.testing.assert_array_equal(data.test.images, images[10:])
    np.testing.assert_array_equal(data.test.labels, labels[10:])
    assert data.train.labels.dtype == np.int32 and len(set(data.classes)) == 10


def test_cifar10_of_sheets(put):
    """Pictures whose rows are photographs, one channel after the other in a pixel."""
    images = RNG.integers(256, size=(12, 32, 32, 3), dtype=np.uint8)
    labels = RNG.integers(10, size=12)
    for i in range(6):
        name = "test_batch" if i == 5 else f"data_batch_{i + 1}"
        file = io.BytesIO()
        rows = images[2 * i : 2 * i + 2].reshape(2, 1024, 3)
        Image.fromarray(rows).save(file, "png")
        put(f"cifar10/{name}.png", file.getvalue())
    put("cifar10/train_lables.json", json.dumps(labels[:10].tolist()).encode())
    put("cifar10/test_lables.json", json.dumps(labels[10:].tolist()).encode())
    data = datasets.cifar10()
    np.testing.assert_array_equal(data.train.images, images[:10])
    np.testing.assert_array_equal(data.test.images, images[10:])
    np.testing.assert_array_equal(data.train.labels, labels[:10])
    np.testing.assert_array_equal(data.test.labels, labels[10:])
    assert data.train.labels.dtype == np.int32 and len(set(data.classes)) == 10


def test_cifar10_test(put):
    images = RNG.integers(256, size=(6, 32, 32, 3), dtype=np.uint8)
    sheets = []
    for part in np.split(images, [2]):
        file = io.BytesIO()
        Image.fromarray(part.reshape(-1, 32, 3)).save(file, "webp", lossless=True)
        sheets.append(np.frombuffer(file.getvalue(), np.uint8))
    content = npz(
        webp=np.concatenate(sheets),
        length=np.array([len(sheet) for sheet in sheets]),
        label=np.arange(6, dtype=np.uint8),
    )
    put("cifar10_test.npz", content)
    data = datasets.cifar10_test()
    np.testing.assert_array_equal(data.images, images)
    np.testing.assert_array_equal(data.labels, np.arange(6))


def test_binarized_mnist_is_upright(put):
    images = RNG.integers(2, size=(5, 28, 28, 1), dtype=np.uint8)
    columns = images.swapaxes(1, 2).reshape(5, 784)
    bits = np.packbits(columns, axis=1)
    put("mnist_binarized_sm08.npz", npz(train=bits[:3], test=bits[3:]))
    data = datasets.binarized_mnist()
    np.testing.assert_array_equal(data.train, images[:3])
    np.testing.assert_array_equal(data.test, images[3:])


class Trap:
    """What a pickle may do when it is loaded."""

    def __reduce__(self):
        return (sys.exit, ("a pickle was loaded",))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(npz(train=np.array([Trap()]), test=np.zeros(1)), id="within npz"),
        pytest.param(pickle.dumps(Trap()), id="bare"),
    ],
)
def test_no_pickle_is_loaded(put, content):
    put("mnist_binarized_sm08.npz", content)
    with pytest.raises(ValueError, match=r"allow_pickle="):
        datasets.binarized_mnist()


@pytest.mark.parametrize(
    "name, file",
    [("jsb_chorales", "JSB_Chorales.mat"), ("nottingham", "Nottingham.mat")],
)
def test_music(put, name, file):
    parts = ("traindata", "validdata", "testdata")
    stored = {part: np.empty((1, 2), object) for part in parts}
    for rolls in stored.values():
        for i in range(2):
            rolls[0, i] = RNG.integers(2, size=(3 + i, 88), dtype=np.uint8)
    content = io.BytesIO()
    savemat(content, stored)
    put(file, content.getvalue())
    data = getattr(datasets, name)()
    for got, rolls in zip(data, stored.values(), strict=True):
        assert len(got) == 2
        for roll, expected in zip(got, rolls[0], strict=True):
            np.testing.assert_array_equal(roll, expected)
            assert roll.dtype == np.uint8 and roll.flags.c_contiguous


def test_shakespeare(put):
    put("tinyshakespeare.txt", b"to be or not to be, that")
    train, valid, symbols = datasets.shakespeare()
    assert symbols == " ,abehnort"
    assert "".join(symbols[i] for i in train) == "to be or not to be, t"
    assert "".join(symbols[i] for i in valid) == "hat"
    assert train.dtype == valid.dtype == np.int32


def test_names(put):
    put("names.txt", b"emma\nolivia\nava\n")
    assert datasets.names() == ("emma", "olivia", "ava")


def test_heart_scale(put):
    put("heart_scale", b"+1 1:0.5 13:-1 \n-1 2:0.25 \n")
    data = datasets.heart_scale()
    expected = np.zeros((2, 13))
    expected[0, 0], expected[0, 12], expected[1, 1] = 0.5, -1, 0.25
    np.testing.assert_array_equal(data.inputs, expected)
    assert data.labels.tolist() == [1, -1] and data.labels.dtype == np.int32
