"""Files by name: from the data folder, or from where they are published."""

from __future__ import annotations

import io
import sys

from fnn.datasets.catalogue import SETS, File, owner
from fnn.datasets.requirements import Needing
from fnn.datasets.storage import folder, keep, load, paths, unpacked

CHUNK = 1 << 16  # bytes between two looks at the bar


def download(file: File) -> bytes:
    """A file's content from where it is published, checked; a bar on a terminal."""
    who, expected = owner(file), f"expected {file.name} in {folder()}, got no such file"
    if not file.address:
        raise FileNotFoundError(
            f"{who}: {expected}, and it is not published for download; put it there."
        )
    with Needing(who):
        import pooch
    received = io.BytesIO()
    get = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), chunk_size=CHUNK)
    try:
        get(file.address, received, None)
    except OSError as error:  # as all that requests raises is
        status = getattr(getattr(error, "response", None), "status_code", None)
        what = type(error).__name__ if status is None else f"status {status}"
        raise FileNotFoundError(
            f"{who}: {expected}, nor its download from {file.address} ({what}); "
            "put it there."
        ) from None
    return unpacked(file, received.getvalue(), file.address)


def read(name: str) -> bytes:
    """The content of a file of the data folder, by its name there.

    What the data folder lacks is downloaded and kept, where it is published and the
    network allows. A checksum is compared at each reading, so that what is damaged is
    refused; what gzip has packed, with ``.gz`` after its name, is unpacked.

    It serves files that are no data sets of their own, as published weights are:
    ``resnet20_cifar10.safetensors``, ``resnet20_cifar10_logits_first64.npy``,
    ``rbm_CD25_500.npz``, ``minilm/model.safetensors`` and ``minilm/tokenizer.json``.

    Args:
      name: Path of the file in the data folder, as ``python -m fnn.datasets`` lists it.

    Returns:
      All of its bytes.

    Raises:
      ValueError: If no data set has such a file, or its checksum is not the right one.
      OSError: If it is not there and can't be downloaded (`FileNotFoundError`), or
        can't be read.
      ModuleNotFoundError: If the extra ``datasets`` is needed and not installed.

    Example:
      >>> import io
      >>> data = fnn.datasets.read("rbm_CD25_500.npz")
      >>> {name: a.shape for name, a in np.load(io.BytesIO(data)).items()}
      {'W': (784, 500), 'b_vis': (784,), 'b_hid': (500,)}
    """
    files = {file.name: file for has in SETS.values() for file in has.files}
    if name not in files:
        raise ValueError(
            f"read: expected the name of a file that a data set has, got {name!r}."
        )
    file = files[name]
    there = paths(file)
    if there:
        return load(file, there[0])
    content = download(file)
    keep(file, content)
    return content
