"""Grey images of 28 x 28 pixels: MNIST, Fashion-MNIST, binarised MNIST."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np

from fnn.datasets.reading import read

DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


class Images(NamedTuple):
    """Images, and what each shows.

    Attributes:
      images: uint8, channels last, ``(n, height, width, channels)``.
      labels: int32 ``(n,)``, from 0.
    """

    images: np.ndarray
    labels: np.ndarray


class ImageSplits(NamedTuple):
    """The images to learn from, those to be judged by, and what labels mean."""

    train: Images
    test: Images
    classes: tuple[str, ...]


class BinaryImages(NamedTuple):
    """Images of zeros and ones, uint8 ``(n, height, width, 1)``."""

    train: np.ndarray
    test: np.ndarray


def idx(name: str) -> np.ndarray:
    """The array in a file of MNIST's format: bytes, after a header with the shape."""
    content = read(name)
    ndim = content[3]
    shape = np.frombuffer(content, ">i4", ndim, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * ndim).reshape(shape)


def idx_splits(folder: str, classes: tuple[str, ...]) -> ImageSplits:
    """The four files of MNIST or its kin."""
    train, test = (
        Images(
            idx(f"{folder}/{part}-images-idx3-ubyte")[..., None].copy(),
            idx(f"{folder}/{part}-labels-idx1-ubyte").astype(np.int32),
        )
        for part in ("train", "t10k")
    )
    return ImageSplits(train, test, classes)


def mnist() -> ImageSplits:
    """MNIST: handwritten digits, 60,000 to learn from and 10,000 to be judged by.

    Returns:
      ``train`` and ``test``, each ``images``, uint8 ``(n, 28, 28, 1)``, 0 to 255, and
      ``labels``, int32 ``(n,)``, 0 to 9; and ``classes``.

    Raises:
      ValueError: If a file is not what its checksum says.
      OSError: If a file is not there and can't be downloaded, or can't be read.

    Example:
      >>> data = fnn.datasets.mnist()
      >>> data.train.images.shape, data.test.labels[:5].tolist()
      ((60000, 28, 28, 1), [7, 2, 1, 0, 4])

    References:
      LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
      recognition", 1998.
    """
    return idx_splits("mnist", DIGITS)


def fashion_mnist() -> ImageSplits:
    """Fashion-MNIST: clothes in MNIST's place, 60,000 and 10,000 images.

    Returns:
      ``train`` and ``test``, each ``images``, uint8 ``(n, 28, 28, 1)``, 0 to 255, and
      ``labels``, int32 ``(n,)``, 0 to 9; and ``classes``.

    Raises:
      ValueError: If a file is not what its checksum says.
      OSError: If a file is not there and can't be downloaded, or can't be read.

    Example:
      >>> data = fnn.datasets.fashion_mnist()
      >>> [data.classes[label] for label in data.test.labels[:3]]
      ['ankle boot', 'pullover', 'trouser']

    References:
      Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
      machine learning algorithms", 2017.
    """
    return idx_splits("fashion_mnist", CLOTHES)


def binarized_mnist() -> BinaryImages:
    """MNIST of zeros and ones, as Salakhutdinov and Murray drew it once for all.

    Likelihoods on it can't be compared with those on images that were thresholded, or
    are drawn afresh in each epoch. Images are upright here, while their file, and the
    published machine in ``rbm_CD25_500.npz``, run down the columns: their order of
    pixels is ``images.swapaxes(1, 2).reshape(-1, 784)``.

    Returns:
      ``train``, uint8 ``(60000, 28, 28, 1)``, and ``test``, ``(10000, 28, 28, 1)``.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there, or can't be read.

    Example:
      >>> data = fnn.datasets.binarized_mnist()
      >>> data.train.shape, np.unique(data.test).tolist()
      ((60000, 28, 28, 1), [0, 1])

    References:
      Salakhutdinov and Murray, "On the quantitative analysis of deep belief networks",
      2008.
    """
    content = io.BytesIO(read("mnist_binarized_sm08.npz"))
    with np.load(content, allow_pickle=False) as stored:
        bits = [np.unpackbits(stored[part], axis=1) for part in ("train", "test")]
    sideways = [part[:, : 28 * 28].reshape(-1, 28, 28, 1) for part in bits]
    return BinaryImages(
        *(np.ascontiguousarray(part.swapaxes(1, 2)) for part in sideways)
    )
