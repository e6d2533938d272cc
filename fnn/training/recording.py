"""What training recorded, in columns that can be plotted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fnn.shapes import shown

COUNTED = ("step", "epoch", "examples")  # columns that are no metrics


class Table(Mapping[str, np.ndarray]):
    """Columns of numbers by name, as long as there are rows: ``{name: array}``."""

    def __init__(self) -> None:
        self._columns: dict[str, list] = {}

    def append(self, row: Mapping[str, Any]) -> None:
        """Adds a row; it has the columns of the first."""
        if not self._columns:
            self._columns = {name: [] for name in row}
        if row.keys() != self._columns.keys():
            raise ValueError(
                f"History: expected {', '.join(self._columns)} in every row, "
                f"got {', '.join(row)}."
            )
        for name, value in row.items():
            self._columns[name].append(value)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array(self._columns[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"Table({self.rows} rows of {', '.join(self) or 'nothing'})"

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self._columns.values()), ()))

    def means(self, start: int = 0, stop: int | None = None) -> dict[str, float]:
        """Each metric's mean over rows, weighed by their numbers of examples."""
        rows = slice(start, stop)
        weights = np.array(self._columns.get("examples", ())[rows], float)
        if not weights.sum():
            return {}
        return {
            name: float(np.average(values[rows], weights=weights))
            for name, values in self._columns.items()
            if name not in COUNTED
        }


def one_row(who: str, metrics: Any) -> dict[str, float]:
    """Metrics of one step as Python's numbers, the loss first; waits for them."""
    return {name: values.item() for name, values in _columns(who, metrics, ()).items()}


def several_rows(who: str, metrics: Any, steps: int) -> list[dict[str, float]]:
    """The same of several steps, whose metrics are stacked."""
    columns = _columns(who, metrics, (steps,)).items()
    return [{name: values[i].item() for name, values in columns} for i in range(steps)]


def _columns(who: str, metrics: Any, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f"{who}: expected metrics to be a dict of scalars, got {shown(metrics)}."
        )
    columns = {}
    for name in sorted(metrics, key=lambda name: name != "loss"):
        columns[name] = np.asarray(metrics[name])  # far faster than jax.device_get
        if columns[name].shape != shape or columns[name].dtype.kind in "OSUV":
            raise ValueError(
                f"{who}: expected metric '{name}' to be a scalar, "
                f"got {shown(metrics[name])}."
            )
        if name in COUNTED:
            raise ValueError(
                f"{who}: expected metrics named otherwise than {', '.join(COUNTED)}, "
                f"got one named '{name}'."
            )
    return columns


class History:
    """What `fit` recorded: a row for each step, and one for each evaluation.

    Attributes:
      train: ``{name: array}`` with a value for each step: ``"step"``, counted from 1,
        ``"epoch"``, also from 1, ``"examples"`` in the batch, and each of the metrics.
      evaluation: The same for each evaluation, ``"step"`` being the step before it.

    Example:
      >>> history = fnn.training.History()
      >>> history.train.append({"step": 1, "epoch": 1, "examples": 3, "loss": 5.0})
      >>> history.train.append({"step": 2, "epoch": 1, "examples": 1, "loss": 1.0})
      >>> history.train["loss"]
      array([5., 1.])
      >>> history.epochs["loss"]
      array([4.])
    """

    def __init__(self) -> None:
        self.train = Table()
        self.evaluation = Table()

    @property
    def epochs(self) -> Table:
        """The means of the metrics over each epoch of training, weighed by examples.

        ``"step"`` is the last of the epoch, ``"examples"`` are all that it had.
        """
        table = Table()
        if not self.train.rows:
            return table
        numbers, starts = np.unique(self.train["epoch"], return_index=True)
        stops = [*starts[1:], self.train.rows]
        for number, start, stop in zip(numbers, starts, stops, strict=True):
            counted = {
                "step": self.train["step"][stop - 1],
                "epoch": number,
                "examples": self.train["examples"][start:stop].sum(),
            }
            table.append(counted | self.train.means(start, stop))
        return table

    def __repr__(self) -> str:
        return (
            f"History({self.train.rows} steps, {self.evaluation.rows} evaluations, of "
            f"{', '.join(n for n in self.train if n not in COUNTED) or 'nothing yet'})"
        )
