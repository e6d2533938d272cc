"""Tables: a row of numbers for each example, and what is to be said of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fnn.datasets.reading import read
from fnn.datasets.requirements import Needing


class Table(NamedTuple):
    """Examples of known classes.

    Attributes:
      inputs: float64 ``(n, k)``.
      labels: int32 ``(n,)``.
      columns: What each input is, ``k`` names.
      classes: What labels from 0 mean.
    """

    inputs: np.ndarray
    labels: np.ndarray
    columns: tuple[str, ...]
    classes: tuple[str, ...]


class Points(NamedTuple):
    """Examples of two classes, -1 and 1.

    Attributes:
      inputs: float64 ``(n, k)``.
      labels: int32 ``(n,)``.
    """

    inputs: np.ndarray
    labels: np.ndarray


class Measurements(NamedTuple):
    """Examples of known values.

    Attributes:
      inputs: float64 ``(n, k)``.
      targets: float64 ``(n,)``.
      columns: What each input is, ``k`` names.
    """

    inputs: np.ndarray
    targets: np.ndarray
    columns: tuple[str, ...]


def heart_scale() -> Points:
    """LIBSVM's example: 270 patients by 13 measurements, each scaled to [-1, 1].

    Returns:
      ``inputs``, float64 ``(270, 13)``, and ``labels``, int32 ``(270,)``, -1 or 1.

    Raises:
      ValueError: If the file is not what its checksum says.
      OSError: If the file is not there and can't be downloaded, or can't be read.

    Example:
      >>> data = fnn.datasets.heart_scale()
      >>> data.inputs.shape, data.labels[:4].tolist()
      ((270, 13), [1, -1, 1, -1])

    References:
      Chang and Lin, "LIBSVM: a library for support vector machines", 2011.
    """
    lines = [line.split() for line in read("heart_scale").decode().splitlines()]
    inputs = np.zeros((len(lines), 13))  # what a line doesn't name is 0
    for row, (_, *pairs) in zip(inputs, lines, strict=True):
        for place, value in (pair.split(":") for pair in pairs):
            row[int(place) - 1] = float(value)
    return Points(inputs, np.asarray([int(line[0]) for line in lines], np.int32))


def of_scikit_learn(who: str) -> Any:
    """What scikit-learn ships under that name."""
    with Needing(who):
        from sklearn import datasets
    return getattr(datasets, f"load_{who}")()


def table(who: str) -> Table:
    """One of scikit-learn's that has classes."""
    has = of_scikit_learn(who)
    return Table(
        has.data,
        has.target.astype(np.int32),
        tuple(map(str, has.feature_names)),
        tuple(map(str, has.target_names)),
    )


def breast_cancer() -> Table:
    """569 tumours by 30 measurements of their cells, from scikit-learn.

    Returns:
      ``inputs``, float64 ``(569, 30)``; ``labels``, int32 ``(569,)``, 0 malignant or 1
      benign; ``columns`` and ``classes``.

    Raises:
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.breast_cancer()
      >>> data.inputs.shape, data.classes
      ((569, 30), ('malignant', 'benign'))

    References:
      Street, Wolberg and Mangasarian, "Nuclear feature extraction for breast tumor
      diagnosis", 1993.
    """
    return table("breast_cancer")


def iris() -> Table:
    """150 flowers of three species by four lengths, in cm, from scikit-learn.

    Returns:
      ``inputs``, float64 ``(150, 4)``; ``labels``, int32 ``(150,)``, 0 to 2;
      ``columns`` and ``classes``.

    Raises:
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.iris()
      >>> data.inputs[0].tolist(), data.classes[data.labels[0]]
      ([5.1, 3.5, 1.4, 0.2], 'setosa')

    References:
      Fisher, "The use of multiple measurements in taxonomic problems", 1936.
    """
    return table("iris")


def wine() -> Table:
    """178 wines of three growers by 13 chemical measurements, from scikit-learn.

    Returns:
      ``inputs``, float64 ``(178, 13)``; ``labels``, int32 ``(178,)``, 0 to 2;
      ``columns`` and ``classes``.

    Raises:
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.wine()
      >>> data.inputs.shape, data.columns[0]
      ((178, 13), 'alcohol')

    References:
      Aeberhard, Coomans and de Vel, "Comparison of classifiers in high dimensional
      settings", 1992.
    """
    return table("wine")


def diabetes() -> Measurements:
    """442 patients by ten measurements, and how their illness went on a year later.

    Returns:
      ``inputs``, float64 ``(442, 10)``, each column of mean 0 and sum of squares 1, as
      scikit-learn has them; ``targets``, float64 ``(442,)``, 25 to 346; ``columns``.

    Raises:
      ModuleNotFoundError: If the extra ``datasets`` is not installed.

    Example:
      >>> data = fnn.datasets.diabetes()
      >>> data.inputs.shape, data.targets[:3].tolist()
      ((442, 10), [151.0, 75.0, 141.0])

    References:
      Efron, Hastie, Johnstone and Tibshirani, "Least angle regression", 2004.
    """
    has = of_scikit_learn("diabetes")
    return Measurements(has.data, has.target, tuple(map(str, has.feature_names)))
