"""Music as piano rolls: which of 88 keys sound at each step."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np

from fnn.datasets.reading import read
from fnn.datasets.requirements import Needing


class Music(NamedTuple):
    """Pieces, each uint8 ``(time, 88)`` of zeros and ones, by the published split."""

    train: tuple[np.ndarray, ...]
    valid: tuple[np.ndarray, ...]
    test: tuple[np.ndarray, ...]


def rolls(who: str, name: str) -> Music:
    """The three splits in a file of MATLAB's."""
    with Needing(who):
        from scipy.io import loadmat
    stored = loadmat(io.BytesIO(read(name)))
    return Music(
        *(
            tuple(np.ascontiguousarray(roll) for roll in stored[f"{part}data"].ravel())
            for part in ("train", "valid", "test")
        )
    )


def jsb_chorales() -> Music:
    """Chorales of J. S. Bach, transposed to C major or C minor, a step a quarter note.

    Returns:
      ``train``, ``valid`` and ``test``, of 229, 76 and 77 pieces, each uint8
      ``(time, 88)``.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.jsb_chorales()
      >>> len(data.train), data.train[0].shape
      (229, (129, 88))

    References:
      Boulanger-Lewandowski, Bengio and Vincent, "Modeling temporal dependencies in
      high-dimensional sequences", 2012; the files are those of Bai, Kolter and Koltun,
      "An empirical evaluation of generic convolutional and recurrent networks for
      sequence modeling", 2018.
    """
    return rolls("jsb_chorales", "JSB_Chorales.mat")


def nottingham() -> Music:
    """Folk tunes of the Nottingham collection, with their chords.

    Returns:
      ``train``, ``valid`` and ``test``, of 694, 173 and 170 pieces, each uint8
      ``(time, 88)``.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.nottingham()
      >>> len(data.test), data.train[0].shape
      (170, (192, 88))

    References:
      As `jsb_chorales`.
    """
    return rolls("nottingham", "Nottingham.mat")
