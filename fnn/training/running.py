"""One run of `fit`: steps ahead of their metrics, and nothing lost when it stops."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fnn.checks import pair
from fnn.training.batching import kind
from fnn.training.display import display
from fnn.training.evaluation import evaluate
from fnn.training.failures import NonFiniteError, non_finite
from fnn.training.interrupts import Interrupts
from fnn.training.planning import Plan
from fnn.training.recording import History, one_row, several_rows
from fnn.training.rewinding import Fault, Rewind
from fnn.training.states import TrainState, is_deleted
from fnn.training.trainers import Trainer

# While calls are under way, metrics of earlier ones are read: of at least two calls, so
# that the device is never idle, and of no more than take this many seconds.
LATENCY = 0.05
MOST_AHEAD = 64


class Pending(NamedTuple):
    """A call whose metrics have not been read yet."""

    step: int  # its first
    epoch: int
    examples: list[float]  # in the batch of each of its steps
    metrics: Any
    stacked: bool  # of several steps


class Run:
    """The state of one `fit`."""

    def __init__(
        self,
        trainer: Trainer,
        state: Any,
        batches: Iterable[Any],
        plan: Plan,
        history: History,
    ) -> None:
        self.trainer, self.state, self.batches = trainer, state, batches
        self.plan, self.history = plan, history
        known = history.train.rows > 0
        last = int(history.train["step"][-1]) if known else 0
        self.first = int(state.step) if isinstance(state, TrainState) else last
        self.epoch = int(history.train["epoch"][-1]) if known else 0
        self.rows = history.train.rows  # before this run
        self.called_at = self.rows  # rows that callbacks have seen
        self.done = self.epochs = 0  # steps and epochs of this run
        self.evaluated_at = self.called_back_at = -1  # steps
        self.stopped = False  # by a callback
        self.pending: deque[Pending] = deque()
        self.ahead, self.read_at = 2, time.perf_counter()
        self.structure: Any = None  # of every batch
        rewinds = plan.rewind > 0 and plan.finite != ()
        self.rewind = Rewind(trainer.step, plan.rewind) if rewinds else None
        self.interrupts = Interrupts()
        self.display = display(plan.progress, plan.total, plan.log_every or 1)

    @property
    def step(self) -> int:
        """The number of the last step begun."""
        return self.first + self.done

    def train(self) -> Any:
        """All steps; returns the last state."""
        try:
            with self.display, self.interrupts:
                if self.rewind:
                    self.rewind.keep(self.state, self.step)
                while not self.is_over():
                    self.go_through_batches()
                self.check_parameters()
                self.after_steps(last=True)
        except BaseException as error:
            self.leave_with(error)
            raise
        return self.state

    def is_over(self) -> bool:
        return (
            self.stopped
            or self.done == self.plan.steps
            or self.epochs == self.plan.epochs
        )

    def go_through_batches(self) -> None:
        """One epoch, or what the number of steps leaves of it."""
        before = self.done
        self.epoch += 1
        for group in groups(self.batches, self.room):
            self.advance(group)
            self.after_steps()
            if self.stopped or self.done == self.plan.steps:
                return
        if self.done == before:
            self.refuse_no_batches()
        self.epochs += 1
        self.after_steps(epoch=True)

    def room(self) -> int:
        """How many steps may be taken in one call from here."""
        plan = self.plan
        rooms = [self.trainer.steps_per_call]
        if plan.steps is not None:
            rooms.append(plan.steps - self.done)
        for every in (plan.eval_every, plan.log_every if plan.callbacks else None):
            if every is not None:
                rooms.append(every - self.step % every)
        return min(rooms)

    def refuse_no_batches(self) -> None:
        if not self.done:
            raise ValueError("fit: expected at least one batch, got none.")
        raise ValueError(
            f"fit: expected {self.plan.steps} steps, got batches that ended after "
            f"{self.done}; pass a list or fnn.training.batches, which begin anew, or "
            "take fewer steps."
        )

    # ------------------------------------------------------------------------- steps
    def advance(self, group: list[Any]) -> None:
        """One call of several steps, or one step for each batch."""
        if self.rewind and self.rewind.is_due:
            self.check_parameters()
            self.rewind.keep(self.state, self.step)
        size = self.trainer.steps_per_call
        several = size > 1 and len(group) == size
        for batch in group:
            self.check_structure(batch)
            if self.rewind:
                self.rewind.add(batch)
        if several:
            self.take(self.trainer.steps, stacked(group), group)
        else:
            for batch in group:
                self.take(self.trainer.step, batch, [batch])

    def take(self, step: Any, batch: Any, group: list[Any]) -> None:
        """One call, on one batch or on a stacked group."""
        examples = [self.plan.count(batch) for batch in group]
        self.interrupts.hold()
        self.state, metrics = pair(
            "fit: expected a step to return (state, metrics)", step(self.state, batch)
        )
        several = step is self.trainer.steps
        call = Pending(self.step + 1, self.epoch, examples, metrics, several)
        self.pending.append(call)
        self.done += len(group)
        self.interrupts.release()
        if len(self.pending) > self.ahead:
            self.read_half()

    def check_parameters(self) -> None:
        """Raises unless all steps up to here were good; waits for them."""
        self.read(ahead=0)
        if self.rewind and self.rewind.has_spoiled(self.state):
            raise self.failure("finite parameters, got others", self.step)

    def check_structure(self, batch: Any) -> None:
        structure = jax.tree.structure(batch)
        if self.structure is None:
            self.structure = structure
        if structure != self.structure:
            raise ValueError(
                "fit: expected every batch to be nested like the first, "
                f"{self.structure}, got {structure}."
            )

    def read_half(self) -> None:
        """Reads metrics in bunches, as waiting for each would cost more than a step."""
        calls = len(self.pending) - self.ahead // 2
        self.read(ahead=self.ahead // 2)
        now = time.perf_counter()
        seconds, self.read_at = (now - self.read_at) / calls, now
        self.ahead = min(max(int(LATENCY / max(seconds, 1e-6)), 2), MOST_AHEAD)

    def read(self, ahead: int) -> None:
        """Waits for metrics, until so many calls are under way."""
        while len(self.pending) > ahead:
            self.record(self.pending[0])
            self.pending.popleft()

    def record(self, call: Pending) -> None:
        """A row of the history for each step of a call."""
        if call.stacked:
            rows = several_rows("fit", call.metrics, len(call.examples))
        else:
            rows = [one_row("fit", call.metrics)]
        train = self.history.train
        for i, (examples, row) in enumerate(zip(call.examples, rows, strict=True)):
            step = call.step + i
            train.append(
                {"step": step, "epoch": call.epoch, "examples": examples, **row}
            )
            for name in self.bad(row):
                raise self.failure(f"a finite {name}, got {row[name]}", step)
            self.display.update(train.rows - self.rows, step, train)

    def bad(self, metrics: dict[str, Any]) -> list[str]:
        """The metrics that must be finite and are not."""
        names = self.plan.finite
        if names is None:
            names = ["loss"] if "loss" in metrics else list(metrics)
        unknown = [name for name in names if name not in metrics]
        if unknown:
            raise ValueError(
                f"fit: expected finite to name metrics among {', '.join(metrics)}, "
                f"got '{unknown[0]}'."
            )
        return [name for name in names if not np.isfinite(metrics[name])]

    # ------------------------------------------------------------- what follows steps
    def after_steps(self, *, epoch: bool = False, last: bool = False) -> None:
        """Evaluates and calls back where it is time to."""
        every, log_every = self.plan.eval_every, self.plan.log_every or 1
        due = (epoch and every is None) or (every and self.step % every == 0)
        metrics: dict[str, float] = {}
        if self.plan.evaluate is not None and (due or last):
            metrics = self.evaluate()
        due = bool(metrics) or (not epoch and self.step % log_every == 0) or last
        if self.plan.callbacks and due:
            self.call_back(metrics)

    def evaluate(self) -> dict[str, float]:
        """Measures the state, unless it has been measured already."""
        if self.evaluated_at == self.step:
            return {}
        self.read(ahead=0)
        plan, self.evaluated_at = self.plan, self.step
        if callable(plan.evaluate):
            metrics = one_row("fit", plan.evaluate(self.state))
        else:
            metrics = evaluate(
                self.trainer, self.state, plan.evaluate, count=plan.count
            )
        row = {"step": self.step, "epoch": self.epoch, **metrics}
        self.history.evaluation.append(row)
        self.display.evaluated(self.step, metrics)
        return {f"eval_{name}": value for name, value in metrics.items()}

    def call_back(self, evaluated: dict[str, float]) -> None:
        """Hands the callbacks the state, and what has been measured since the last."""
        if self.called_back_at == self.step and not evaluated:
            return
        self.read(ahead=0)
        means = self.history.train.means(self.called_at)
        self.called_at, self.called_back_at = self.history.train.rows, self.step
        for callback in self.plan.callbacks:
            stop = callback(self.step, self.state, means | evaluated)
            self.stopped |= isinstance(stop, bool | np.bool_) and bool(stop)

    # ---------------------------------------------------------------- what ends badly
    def failure(self, what: str, step: int) -> NonFiniteError:
        """The error for a step that was not finite, found again if it can be."""
        fault = self.rewind.find(self.bad) if self.rewind else None
        if fault is None:
            fault = Fault(step, self.state, None, self.state)
        return non_finite(f"{what} at step {step}", fault, self.trainer, self.history)

    def leave_with(self, error: BaseException) -> None:
        """Whatever ends training takes the state and the history with it."""
        if isinstance(error, NonFiniteError):
            return
        with suppress(Exception):  # what ended training is what is told
            self.read(ahead=0)
        state = self.state
        if any(map(is_deleted, jax.tree.leaves(state))) and self.rewind:
            state = self.rewind.state
        error.state, error.history = state, self.history  # pyright: ignore
        error.add_note(
            f"fit stopped after step {self.step}; this error has the state and the "
            "history until then, as its attributes state and history."
        )


def groups(batches: Iterable[Any], room: Callable[[], int]) -> Iterator[list[Any]]:
    """Runs of batches of one shape, each as long as there is room for, or shorter."""
    group: list[Any] = []
    for batch in batches:
        if group and kind(batch) != kind(group[0]):
            yield group
            group = []
        group.append(batch)
        if len(group) >= room():
            yield group
            group = []
    if group:
        yield group


def stacked(group: list[Any]) -> Any:
    """Batches along a new first axis, on the host if they are there."""

    def stack(*leaves):
        on_device = isinstance(leaves[0], jax.Array)
        return jnp.stack(leaves) if on_device else np.stack(leaves)

    return jax.tree.map(stack, *group)
