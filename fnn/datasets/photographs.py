"""Photographs of 32 x 32 pixels: CIFAR-10."""

from __future__ import annotations

import io
import tarfile
from typing import IO, cast

import numpy as np

from fnn.datasets.catalogue import SETS
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


def cifar10() -> ImageSplits:
    """CIFAR-10: small photographs in ten classes, 50,000 and 10,000.

    Returns:
      ``train`` and ``test``, each ``images``, uint8 ``(n, 32, 32, 3)``, 0 to 255, and
      ``labels``, int32 ``(n,)``, 0 to 9; and ``classes``.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.

    Example:
      >>> data = fnn.datasets.cifar10()
      >>> data.train.images.shape, data.test.images.shape
      ((50000, 32, 32, 3), (10000, 32, 32, 3))

    References:
      Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    with tarfile.open(fileobj=io.BytesIO(read("cifar-10-binary.tar.gz"))) as archive:
        train = [records(archive, f"data_batch_{i}") for i in range(1, 6)]
        test = records(archive, "test_batch")
    return ImageSplits(photographs(np.concatenate(train)), photographs(test), THINGS)


def cifar10_test() -> Images:
    """The 10,000 test images of CIFAR-10.

    Where the data folder has ``cifar10_test.npz``, a tenth of the size, they are from
    there and sorted by class; else they are those of `cifar10`, as published.

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
    (file,) = SETS["cifar10_test"].files
    if not paths(file):
        return cifar10().test
    with Needing("cifar10_test"):
        from PIL import Image
    content = io.BytesIO(read(file.name))
    with np.load(content, allow_pickle=False) as stored:
        webp, length, label = stored["webp"], stored["length"], stored["label"]
    # Sheets of images, one below the other, compressed without loss.
    sheets = np.split(webp, np.cumsum(length)[:-1])
    pixels = [np.asarray(Image.open(io.BytesIO(sheet.tobytes()))) for sheet in sheets]
    images = np.concatenate(pixels).reshape(-1, 32, 32, 3)
    return Images(images, label.astype(np.int32))
