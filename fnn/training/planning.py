"""What `fit` was asked for, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any

from fnn.shapes import word
from fnn.training.checks import check_count
from fnn.training.trainers import Trainer

LINES = 20  # in a whole training, by default
STEPS_A_LINE = 100  # where its length is not known


@dataclass(frozen=True)
class Plan:
    """The options of `fit`, as it documents them."""

    steps: int | None
    epochs: int | None
    evaluate: Any
    eval_every: int | None
    callbacks: tuple[Callable, ...]
    log_every: int | None
    progress: bool
    count: Callable[[Any], float]
    finite: Sequence[str] | None
    rewind: int
    total: int | None = None  # steps, where their number is known

    def checked(self, trainer: Trainer, batches: Iterable[Any]) -> Plan:
        """The plan with its numbers filled in; raises where it can't be followed."""
        self.check_length(batches)
        self.check_evaluation(trainer)
        self.check_rest()
        total = self.steps
        if self.epochs is not None and isinstance(batches, Sized):
            total = self.epochs * len(batches)
        every = STEPS_A_LINE if total is None else max(total // LINES, 1)
        return replace(self, total=total, log_every=self.log_every or every)

    def check_length(self, batches: Any) -> None:
        if (self.steps is None) == (self.epochs is None):
            got = "neither" if self.steps is None else "both"
            raise ValueError(f"fit: expected either steps or epochs, got {got}.")
        for name in ("steps", "epochs", "eval_every", "log_every"):
            value = getattr(self, name)
            if value is not None:
                check_count("fit", name, value)
        if not isinstance(batches, Iterable):
            raise TypeError(
                f"fit: expected batches that can be iterated, got {word(batches)}."
            )
        if isinstance(batches, Iterator) and (self.epochs or 0) > 1:
            raise ValueError(
                f"fit: expected batches that can be iterated {self.epochs} times, got "
                "an iterator, which ends after one; pass a list or "
                "fnn.training.batches."
            )

    def check_evaluation(self, trainer: Trainer) -> None:
        evaluate = self.evaluate
        if evaluate is None:
            if self.eval_every is not None:
                raise ValueError(
                    "fit: expected evaluate, batches or a function of the state, with "
                    f"eval_every={self.eval_every}, got None."
                )
        elif isinstance(evaluate, Iterator):
            raise ValueError(
                "fit: expected evaluate to be batches that can be iterated more than "
                "once, got an iterator; pass a list or fnn.training.batches."
            )
        elif isinstance(evaluate, Iterable):
            if trainer.evaluate is None:
                raise ValueError(
                    "fit: expected evaluate to be a function of the state, as the "
                    "trainer has no function evaluate(state, batch), got batches."
                )
        elif not callable(evaluate):
            raise TypeError(
                "fit: expected evaluate to be batches or a function of the state, "
                f"got {word(evaluate)}."
            )

    def check_rest(self) -> None:
        check_count("fit", "rewind", self.rewind, least=0)
        for function in (*self.callbacks, self.count):
            if not callable(function):
                raise TypeError(
                    "fit: expected callbacks and count to be functions, "
                    f"got {word(function)}."
                )
        if not isinstance(self.progress, bool):
            raise TypeError(
                f"fit: expected progress to be a bool, got {word(self.progress)}."
            )
        if isinstance(self.finite, str):
            raise TypeError(
                f"fit: expected finite to be a list of names, got {self.finite!r}."
            )
