"""What a check of derivatives says when it fails: one sentence, with the coordinate."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fnn.testing.coordinates import Leaf, Problem
from fnn.testing.directions import MODES, Direction


class Report(NamedTuple):
    """The names of all that is compared, and the errors that use them."""

    problem: Problem
    views: list[str]
    directions: list[Direction]
    tolerance: float

    def disagreement(
        self,
        directions: Sequence[Direction],
        derivatives: dict[str, np.ndarray],
        pair: tuple[str, str],
        slack: np.ndarray,
        wrong: np.ndarray,
        detour: float,
    ) -> AssertionError:
        """Of the `wrong (n, k)` derivatives, the one furthest beyond its `slack`."""
        error = np.abs(derivatives[pair[0]] - derivatives[pair[1]])
        # A coordinate says more than a direction through the whole leaf.
        alone = np.array([_is_coordinate(direction) for direction in directions])
        chosen = wrong & alone[:, None] if wrong[alone].any() else wrong
        excess = np.divide(error, slack, out=np.zeros_like(error), where=chosen)
        worst, view = divmod(int(excess.argmax()), len(self.views))
        direction = directions[worst]
        unit = self._unit(direction)
        values = {name: rows[worst, view] for name, rows in derivatives.items()}
        got = [
            f"{value / unit:.10g} ({_spoken(name)})" for name, value in values.items()
        ]
        size = max(abs(values[pair[0]]), abs(values[pair[1]]))
        where = f", {abs(detour):g} typical sizes away from a kink" if detour else ""
        return AssertionError(
            f"check_gradients: expected {_spoken(pair[0])} and "
            f"{_spoken(pair[1])} to agree on "
            f"{self._derivative(direction, view)}, got {_listed(got)}{where}: "
            f"relative error {error[worst, view] / size:.2g}, tolerance "
            f"{max(self.tolerance, slack[worst, view] / size):.2g}; "
            f"{self._extent(directions, wrong, direction)}."
        )

    def not_finite(
        self, directions: Sequence[Direction], mode: str, rows: np.ndarray
    ) -> AssertionError:
        bad = ~np.isfinite(rows)
        first, view = divmod(int(bad.argmax()), len(self.views))
        direction = directions[first]
        return AssertionError(
            f"check_gradients: expected finite derivatives, got {rows[first, view]} "
            f"({mode} mode) for {self._derivative(direction, view)}; "
            f"{self._extent(directions, bad, direction)}."
        )

    def outside(
        self,
        directions: Sequence[Direction],
        mode: str,
        rows: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        wrong: np.ndarray,
    ) -> AssertionError:
        """A derivative at a kink that is far from all derivatives around it."""
        first, view = divmod(int(wrong.argmax()), len(self.views))
        direction = directions[first]
        got, least, most = (
            f"{values[first, view] / self._unit(direction):.10g}"
            for values in (rows, low, high)
        )
        return AssertionError(
            f"check_gradients: expected {self._derivative(direction, view)}, which has "
            f"a kink there, to lie near those around it, from {least} to {most}, got "
            f"{got} ({mode} mode); {self._extent(directions, wrong, direction)}."
        )

    def undecided(self, directions: Sequence[Direction]) -> AssertionError:
        more = f", nor for {len(directions) - 1} more" if directions[1:] else ""
        return AssertionError(
            "check_gradients: expected a function that is smooth somewhere near its "
            "arguments, got kinks or jumps at every distance from a tenth to 1e-7 of "
            f"the size of {self._name(directions[0])}: differences can't tell the "
            f"derivative there{more}."
        )

    def _leaf(self, direction: Direction) -> Leaf:
        leaves = self.problem.leaves
        return next(leaf for leaf in leaves if direction.start < leaf.stop)

    def _unit(self, direction: Direction) -> float:
        """What a step of 1 along a direction is; that along a whole leaf stays so."""
        alone = _is_coordinate(direction)
        return float(self.problem.scale[direction.start]) if alone else 1.0

    def _name(self, direction: Direction) -> str:
        leaf = self._leaf(direction)
        if _is_coordinate(direction):
            return leaf.name_of(direction.start)
        return f"{leaf.name} along a random direction"

    def _derivative(self, direction: Direction, view: int) -> str:
        of = f" of {self.views[view]}" if self.views[view] else ""
        return f"the derivative{of} by {self._name(direction)}"

    def _extent(
        self, directions: Sequence[Direction], wrong: np.ndarray, worst: Direction
    ) -> str:
        """How much else is wrong: in this leaf, and in which others."""
        name = self._leaf(worst).name
        bad = [directions[row] for row in np.flatnonzero(wrong.any(axis=1)).tolist()]
        here, total = (
            sum(self._leaf(d).name == name and _is_coordinate(d) for d in some)
            for some in (bad, self.directions)
        )
        others = dict.fromkeys(self._leaf(direction).name for direction in bad)
        others.pop(name)
        text = f"so it is at {here} of {total} coordinates checked of {name}"
        return text + (f", and in {_listed(list(others))}" if others else "")


def _spoken(name: str) -> str:
    return f"{name} mode" if name in MODES else name


def _is_coordinate(direction: Direction) -> bool:
    return direction.stop - direction.start == 1


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
