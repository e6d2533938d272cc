"""How far training is: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from fnn.training.recording import Table

REDRAW = 0.2  # seconds between two drawings of the bar, each of which takes a few ms
RECENT = 50  # steps over which the bar's numbers are averaged
WINDOW = 1.0  # seconds at least over which speed is; steps of a call are read at once


def display(progress: bool, total: int | None, every: int) -> Silence:
    """What shows the progress: a bar where stderr is a terminal and rich is there."""
    if not progress:
        return Silence()
    if sys.stderr.isatty() and importlib.util.find_spec("rich"):
        return Bar(total)
    return Lines(total, every)


def written(metrics: Mapping[str, float]) -> str:
    """Metrics as they are shown, the loss first."""
    names = sorted(metrics, key=lambda name: name != "loss")
    return "  ".join(f"{name} {metrics[name]:.4g}" for name in names)


class Silence:
    """Shows nothing; what the others do."""

    def update(self, done: int, step: int, table: Table) -> None:
        """After a step was recorded, the last row of the table."""

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """After an evaluation."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *error: Any) -> None:
        pass


class Lines(Silence):
    """A line to stderr every so many steps, with the means since the last."""

    def __init__(self, total: int | None, every: int) -> None:
        self.total, self.every = total, every
        self.shown = self.row = 0  # steps, and rows of the table, in earlier lines
        self.marks = deque([(time.perf_counter(), 0)])  # when how many steps were done

    def update(self, done: int, step: int, table: Table) -> None:
        if done % self.every and done != self.total:
            return
        start = self.row if self.shown else table.rows - done
        speed = self.speed(done, time.perf_counter())
        of = "" if self.total is None else f"/{step - done + self.total}"
        _print(f"step {step}{of}  {written(table.means(start))}  {speed:.3g} steps/s")
        self.shown, self.row = done, table.rows

    def speed(self, done: int, now: float) -> float:
        """Steps a second since the last line that is old enough, or the beginning."""
        while len(self.marks) > 1 and self.marks[1][0] <= now - WINDOW:
            self.marks.popleft()
        then, before = self.marks[0]
        self.marks.append((now, done))
        return (done - before) / max(now - then, 1e-9)

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        _print(f"step {step}  evaluation: {written(metrics)}")


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Bar(Silence):
    """A bar of rich, redrawn a few times a second from the training loop itself."""

    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
            auto_refresh=False,  # a thread of its own would take turns with training
        )
        self.task = self.bar.add_task("", total=total, metrics="")
        self.total, self.drawn = total, 0.0

    def update(self, done: int, step: int, table: Table) -> None:
        now = time.perf_counter()
        if now - self.drawn < REDRAW and done != self.total:
            return
        self.drawn = now
        means = written(table.means(max(table.rows - min(done, RECENT), 0)))
        self.bar.update(self.task, completed=done, metrics=means, refresh=True)

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        self.bar.console.print(
            f"step {step}  evaluation: {written(metrics)}", highlight=False
        )

    def __enter__(self) -> Bar:
        self.bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.bar.refresh()
        self.bar.stop()
