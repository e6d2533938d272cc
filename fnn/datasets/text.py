"""Text, character by character: Shakespeare, and given names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fnn.datasets.reading import read


class Text(NamedTuple):
    """A text as numbers of its symbols.

    Attributes:
      train: int32 ``(n,)``, places in `symbols`.
      valid: What follows, to be judged by.
      symbols: Each character that occurs, in the order of their codes.
    """

    train: np.ndarray
    valid: np.ndarray
    symbols: str


def shakespeare() -> Text:
    """Scenes of Shakespeare, 1,115,394 characters: the first nine tenths, and the rest.

    Returns:
      ``train``, int32 ``(1003854,)``, and ``valid``, int32 ``(111540,)``, places in
      ``symbols``, a string of 65.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.

    Example:
      >>> data = fnn.datasets.shakespeare()
      >>> "".join(data.symbols[i] for i in data.train[:14])
      'First Citizen:'

    References:
      Karpathy, "The unreasonable effectiveness of recurrent neural networks", 2015; the
      split is that of his nanoGPT.
    """
    content = np.frombuffer(read("tinyshakespeare.txt"), np.uint8)  # it is ASCII
    codes, text = np.unique(content, return_inverse=True)
    train, valid = np.split(text.astype(np.int32), [len(text) * 9 // 10])
    return Text(train, valid, bytes(codes).decode())


def names() -> tuple[str, ...]:
    """32,033 given names in lower case, as makemore has them.

    Returns:
      The names, of the letters a to z.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.

    Example:
      >>> fnn.datasets.names()[:3]
      ('emma', 'olivia', 'ava')
    """
    return tuple(read("names.txt").decode().split())
