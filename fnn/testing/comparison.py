"""The comparison of reverse mode, forward mode and differences, point by point."""

from typing import NamedTuple

import numpy as np

from fnn.testing.coordinates import Problem
from fnn.testing.differences import (
    NOISE_STEPS,
    ROUNDING,
    STENCILS,
    STEPS,
    judge,
    noise_samples,
)
from fnn.testing.directions import Direction, Programs, compile_programs
from fnn.testing.report import Report

# Through a leaf that has too many coordinates to check each, as many random directions.
DIRECTIONS = 4
# Where to look instead when a kink lies at the point: so many typical sizes away.
# Up, and down, for functions of positive or of negative numbers alone.
DETOURS = (1e-2, -1e-2, 1e-3, -1e-3, 1e-4, -1e-4)
# Pairs of opposite points, so close, whose derivatives show what a kink's may be.
PAIRS = 32
NEARBY = 1e-6


def compare(
    problem: Problem, modes: tuple, tolerance: float, max_coordinates: int
) -> None:
    """Raises what `check_gradients` raises, unless all derivatives agree."""
    directions, table = _directions(problem, max_coordinates)
    capacity = max(len(directions), DIRECTIONS)
    programs = compile_programs(problem, modes, table, capacity)
    noise = _noise(problem, programs, directions)
    report = Report(problem, programs.views, directions, tolerance)
    check = _Comparison(problem, programs, noise, tolerance, report)

    # Nearly all agree at the first step; only for the rest are the others tried.
    left = check.undecided(directions, STEPS[:1])
    left = left and check.undecided(left, STEPS)
    if left:
        check.kinks(left)
    for detour in DETOURS:
        left = left and check.undecided(left, STEPS, detour)
    if left:
        raise report.undecided(left)


class _Comparison(NamedTuple):
    """What the comparisons of one problem share."""

    problem: Problem
    programs: Programs
    noise: np.ndarray  # (views,)
    tolerance: float
    report: Report

    def undecided(
        self, directions: list[Direction], steps: np.ndarray, detour: float = 0
    ) -> list[Direction]:
        """The directions in which differences at these steps settle nothing.

        Raises:
          AssertionError: If a derivative is wrong.
        """
        point = _beside(self.problem, detour)
        derivatives = self.derivatives(point, directions)
        if not detour:
            for mode, rows in derivatives.items():
                if not np.isfinite(rows).all():
                    raise self.report.not_finite(directions, mode, rows)
        first, *others = derivatives.values()
        # Rounding along one direction may be more coherent than along all at once: it
        # is measured, on the side without a kink, or at first taken to be tenfold.
        quick = len(steps) == 1
        noise = np.broadcast_to(self.noise, first.shape) * (10 if quick else 1)
        if not quick:
            samples = noise_samples(self.changes(point, directions, NOISE_STEPS))
            noise = np.fmax(noise, samples.max(axis=1).min(axis=0))
        changes = self.changes(point, directions, steps)
        verdict = judge(first, changes, steps, noise, self.tolerance)

        compared = {**derivatives, "finite differences": verdict.estimates}
        names = list(compared)
        for other in others:
            slack = self.slack(np.maximum(np.abs(first), np.abs(other)))
            wrong = np.abs(first - other) > slack
            if wrong.any():
                raise self.report.disagreement(
                    directions, compared, (names[0], names[1]), slack, wrong, detour
                )
        wrong = verdict.wrong
        rows = np.flatnonzero(wrong.any(axis=1))
        if rows.size and not detour:
            wrong = wrong.copy()
            wrong[rows[self.tears([directions[row] for row in rows])]] = False
        if wrong.any():
            pair = (names[0], "finite differences")
            raise self.report.disagreement(
                directions, compared, pair, verdict.slack, wrong, detour
            )
        settled = verdict.proven if quick else verdict.accepted
        return [directions[i] for i in np.flatnonzero(~settled)]

    def kinks(self, directions: list[Direction]) -> None:
        """Holds derivatives at a kink to those on either side of it, and around it.

        Where several kinks meet, the rules of each need not add up to any of these:
        hence the range is widened by twice its width, which still tells nonsense.
        """
        step = STEPS[:1] / 10
        sides = STENCILS[1:] @ self.changes(self.problem.point, directions, step)[0]
        near = [sides[:, 0] / step, sides[:, 1] / step, *self.around(directions)]
        low, high = np.minimum.reduce(near), np.maximum.reduce(near)
        slack = self.slack(np.maximum(np.abs(low), np.abs(high))) + 2 * (high - low)
        derivatives = self.derivatives(self.problem.point, directions)
        mode, rows = next(iter(derivatives.items()))
        wrong = (rows < low - slack) | (rows > high + slack)
        if wrong.any():
            raise self.report.outside(directions, mode, rows, low, high, wrong)

    def tears(self, directions: list[Direction]) -> np.ndarray:
        """Where derivatives jump about the point, `(n,)`: a kink, if not along a line.

        The median of equal numbers is one: it is constant along each of them.
        """
        rows = self.around(directions)
        size = np.abs(rows).max(axis=0)
        return (np.ptp(rows, axis=0) > 1e-3 * size + self.slack(size)).any(axis=1)

    def around(self, directions: list[Direction]) -> np.ndarray:
        """The derivatives at points on all sides, `(points, n, k)`, in one mode."""
        run = next(iter(self.programs.modes.values()))
        points = [
            _beside(self.problem, sign * NEARBY, 1 + pair)
            for pair in range(PAIRS)
            for sign in (1, -1)
        ]
        return np.stack([run(point, directions)[1] for point in points])

    def derivatives(
        self, point: np.ndarray, directions: list[Direction]
    ) -> dict[str, np.ndarray]:
        modes = self.programs.modes
        return {mode: run(point, directions)[1] for mode, run in modes.items()}

    def changes(
        self, point: np.ndarray, directions: list[Direction], steps: np.ndarray
    ) -> np.ndarray:
        run = self.programs.changes
        rows = np.stack([run(point, directions, step)[1] for step in steps])
        return np.where(np.isfinite(rows), rows, np.nan)  # NaN never warns

    def slack(self, size: np.ndarray) -> np.ndarray:
        """How far two derivatives of this size may be apart."""
        return self.tolerance * size + ROUNDING[1] * self.noise[None] / STEPS[0]


def _directions(
    problem: Problem, max_coordinates: int
) -> tuple[list[Direction], np.ndarray]:
    """What is checked, and the table of steps: each coordinate's own, then of all."""
    random = np.random.default_rng(0)
    directions = []
    for leaf in problem.leaves:
        chosen = np.arange(leaf.start, leaf.stop)
        if chosen.size > max_coordinates:
            directions += [
                Direction(leaf.start, leaf.stop, 1 + row) for row in range(DIRECTIONS)
            ]
            chosen = np.sort(random.choice(chosen, max_coordinates, replace=False))
        directions += [Direction(i, i + 1, 0) for i in chosen.tolist()]
    signs = random.choice([-1.0, 1.0], (1 + DIRECTIONS, problem.point.size))
    signs[0] = 1
    return directions, signs * problem.scale


def _beside(problem: Problem, distance: float, draw: int = 0) -> np.ndarray:
    """A point in a random direction of all coordinates; draw 0 goes up in all."""
    direction = np.random.default_rng(draw).standard_normal(problem.point.shape)
    direction = direction if draw else np.abs(direction)
    return problem.point + distance * problem.scale * direction


def _noise(
    problem: Problem, programs: Programs, directions: list[Direction]
) -> np.ndarray:
    """How far rounding scatters each view, `(k,)`.

    Raises:
      ValueError: If the outputs are not finite, or differ from call to call.
    """
    values, _ = programs.changes(problem.point, directions[:1], STEPS[0])
    for view, value in zip(programs.views, values, strict=True):
        if not np.isfinite(value):
            where = f" for {view}" if view else ""
            raise ValueError(
                f"check_gradients: expected finite outputs, got {value}{where}."
            )
    # At a point beside, off all kinks; the median passes over those that are close.
    everywhere = [
        Direction(0, problem.point.size, 1 + row) for row in range(DIRECTIONS)
    ]
    point = _beside(problem, DETOURS[0])
    moved = [programs.changes(point, everywhere, step)[1] for step in NOISE_STEPS]
    changes = np.stack(moved)
    changes = np.where(np.isfinite(changes), changes, 0)
    samples = noise_samples(changes).reshape(-1, values.size)
    noise = np.fmax(np.median(samples, axis=0), np.finfo(np.float64).eps * abs(values))

    for mode in programs.modes.values():
        again, _ = mode(problem.point, directions[:1])
        if (np.abs(again - values) > 1e-6 * np.abs(values) + 1e3 * noise).any():
            raise ValueError(
                "check_gradients: expected the same outputs at every call, got "
                f"{values} and {again}; give the function a key to draw from."
            )
    return noise
