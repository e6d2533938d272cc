"""Photographs of 32 x 32 pixels: CIFAR-10."""

from __future__ import annotations

import io
import json
import tarfile
from typing import IO, cast

import numpy as np

from fnn.datasets.catalogue import SETS, File
from fnn.datasets.images import Images, ImageSplits
from fnn.datasets.reading import read
from fnn.datasets.requirements import Needing
from fnn.datasets.storage import paths

THINGS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def records(archive: tarfile.TarFile, name: str) -> np.ndarray:
    """What a file of the archive holds of each image: a label, then the pixels."""
    member = cast(IO[bytes], archive.extractfile(f"cifar-10-batches-bin/{name}.bin"))
    return np.frombuffer(member.read(), np.uint8).reshape(-1, 1 + 3 * 32 * 32)


def photographs(records: np.ndarray) -> Images:
    """Images of records that have one channel after the other."""
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Images(np.ascontiguousarray(pixels), records[:, 0].astype(np.int32))


def sheet(content: bytes) -> np.ndarray:
    """Photographs that lie one below the other, or row after row, in a picture."""
    with Needing("cifar10"):
        from PIL import Image
    return np.asarray(Image.open(io.BytesIO(content))).reshape(-1, 32, 32, 3)


def of_sheets(pictures: list[File], labels: File) -> Images:
    """Photographs of one picture or several, and their labels."""
    images = np.concatenate([sheet(read(file.name)) for file in pictures])
    return Images(images, np.asarray(json.loads(read(labels.name)), np.int32))


def cifar10() -> ImageSplits:
    """CIFAR-10: small photographs in ten classes, 50,000 and 10,000.

    Where the data folder has the pictures of ``cifar10_sheets``, which npm has a
    package of, they are from there; else from the published archive.

    Returns:
      ``train`` and ``test``, each ``images``, uint8 ``(n, 32, 32, 3)``, 0 to 255, and
      ``labels``, int32 ``(n,)``, 0 to 9; and ``classes``.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.
      ModuleNotFoundError: If the extra ``datasets`` is needed and not installed.

    Example:
      >>> data = fnn.datasets.cifar10()
      >>> data.train.images.shape, data.test.images.shape
      ((50000, 32, 32, 3), (10000, 32, 32, 3))

    References:
      Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    *train, train_labels, test, test_labels = SETS["cifar10_sheets"].files
    if all(map(paths, SETS["cifar10_sheets"].files)):
        splits = of_sheets(train, train_labels), of_sheets([test], test_labels)
        return ImageSplits(*splits, THINGS)
    with tarfile.open(fileobj=io.BytesIO(read("cifar-10-binary.tar.gz"))) as archive:
        batches = [records(archive, f"data_batch_{i}") for i in range(1, 6)]
        rest = records(archive, "test_batch")
    return ImageSplits(photographs(np.concatenate(batches)), photographs(rest), THINGS)


def cifar10_test() -> Images:
    """The 10,000 test images of CIFAR-10 alone, a tenth of the size, sorted by class.

    In the order of ``resnet20_cifar10_logits_first64.npy``; those of `cifar10` are in
    the order of the published archive.

    Returns:
      ``images``, uint8 ``(10000, 32, 32, 3)``, 0 to 255, and ``labels``, int32
      ``(10000,)``, 0 to 9.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.
      ModuleNotFoundError: If the extra ``datasets`` is needed and not installed.

    Example:
      >>> np.bincount(fnn.datasets.cifar10_test().labels)[:3].tolist()
      [1000, 1000, 1000]
    """
    content = io.BytesIO(read("cifar10_test.npz"))
    with np.load(content, allow_pickle=False) as stored:
        webp, length, label = stored["webp"], stored["length"], stored["label"]
    # Compressed without loss.
    pictures = np.split(webp, np.cumsum(length)[:-1])
    images = np.concatenate([sheet(picture.tobytes()) for picture in pictures])
    return Images(images, label.astype(np.int32))
