"""Real data by name: NumPy arrays with the splits that are published.

Files lie in the data folder, which ``FNN_DATA`` names; ``python -m fnn.datasets`` lists
them, and ``python -m fnn.datasets fill`` gets them.
"""

from fnn.datasets.images import binarized_mnist as binarized_mnist
from fnn.datasets.images import fashion_mnist as fashion_mnist
from fnn.datasets.images import mnist as mnist
from fnn.datasets.music import jsb_chorales as jsb_chorales
from fnn.datasets.music import nottingham as nottingham
from fnn.datasets.photographs import cifar10 as cifar10
from fnn.datasets.photographs import cifar10_test as cifar10_test
from fnn.datasets.reading import read as read
from fnn.datasets.small_images import digits as digits
from fnn.datasets.small_images import small_mnist as small_mnist
from fnn.datasets.tables import breast_cancer as breast_cancer
from fnn.datasets.tables import diabetes as diabetes
from fnn.datasets.tables import heart_scale as heart_scale
from fnn.datasets.tables import iris as iris
from fnn.datasets.tables import wine as wine
from fnn.datasets.text import names as names
from fnn.datasets.text import shakespeare as shakespeare

__all__ = [
    "binarized_mnist",
    "breast_cancer",
    "cifar10",
    "cifar10_test",
    "diabetes",
    "digits",
    "fashion_mnist",
    "heart_scale",
    "iris",
    "jsb_chorales",
    "mnist",
    "names",
    "nottingham",
    "read",
    "shakespeare",
    "small_mnist",
    "wine",
]
