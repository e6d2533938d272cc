"""Which data sets tests and docstrings read, and whether their files are there.

Files are looked for only where ``FNN_DATA`` is set. What can't run is not collected.
"""

import os
from pathlib import Path

from fnn.datasets.catalogue import SETS
from fnn.datasets.storage import lacking

# The data sets that each file of tests in this folder reads.
NEEDS = {
    "test_autoencoder.py": ("mnist",),
    "test_binarized_images.py": ("mnist", "binarized_mnist", "rbm_weights"),
    "test_cifar10.py": ("cifar10", "cifar10_test"),
    "test_boltzmann.py": ("mnist", "binarized_mnist", "rbm_weights"),
    "test_chorales.py": ("jsb_chorales", "nottingham"),
    "test_heart_scale.py": ("heart_scale",),
    "test_images.py": ("mnist", "fashion_mnist"),
    "test_music.py": ("jsb_chorales", "nottingham"),
    "test_photographs.py": ("cifar10_test",),
    "test_sentences.py": ("minilm_weights",),
    "test_svm.py": ("heart_scale",),
    "test_resnet20.py": ("cifar10_test", "resnet20_weights"),
    "test_text.py": ("shakespeare", "names"),
}
HERE = Path(__file__).parent


def missing(sets: tuple[str, ...]) -> list[str]:
    """Those of some data sets whose files are not all there."""
    asked = bool(os.environ.get("FNN_DATA"))
    return [name for name in sets if not asked or lacking(name, check=False)]


def left_out() -> dict[str, list[str]]:
    """The files of tests that can't run, each with the data sets that it lacks."""
    found = {file: missing(sets) for file, sets in NEEDS.items()}
    return {file: sets for file, sets in found.items() if sets}


def report() -> list[str]:
    """What pytest says of the tests that it leaves out."""
    if not os.environ.get("FNN_DATA"):
        return ["tests/full_data: left out, as FNN_DATA is not set"]
    return [
        f"tests/full_data/{file}: left out, as there are no files of {', '.join(sets)}"
        for file, sets in left_out().items()
    ]


def read_by_example(name: str) -> tuple[str, ...]:
    """The data sets that the example in a docstring reads, by the full name."""
    module, _, function = name.rpartition(".")
    if not module.startswith("fnn.datasets."):
        return ()
    reads = {**{name: (name,) for name in SETS}, "read": ("rbm_weights",)}
    return reads.get(function, ())
