"""Trainers: whatever makes a state and steps from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fnn.contract import is_layer
from fnn.shapes import word
from fnn.training.checks import check_count, shown_pair

Metrics = dict[str, Any]  # scalars by name


class TrainerInitFn(Protocol):
    """``init(key, batch) -> state``."""

    def __call__(self, key: Any, batch: Any) -> Any: ...


class StepFn(Protocol):
    """``step(state, batch) -> (state, metrics)``."""

    def __call__(self, state: Any, batch: Any) -> tuple[Any, Metrics]: ...


class StepsFn(Protocol):
    """``steps(state, batches) -> (state, metrics)``, both stacked."""

    def __call__(self, state: Any, batches: Any) -> tuple[Any, Metrics]: ...


class EvaluateFn(Protocol):
    """``evaluate(state, batch) -> metrics``."""

    def __call__(self, state: Any, batch: Any) -> Metrics: ...


class Trainer(tuple[TrainerInitFn, StepFn]):
    """A pair of functions, ``init`` and ``step``, that `fit` can drive.

    ``init(key, batch) -> state``
    ``step(state, batch) -> (state, metrics)``

    `trainer` makes one from an objective and an optimiser. One written by hand, for two
    optimisers or none, may keep any pytree as its state; `fit` takes a plain tuple of
    the two functions as well.

    Args:
      init: ``init(key, batch)`` makes the first state.
      step: ``step(state, batch)`` learns from one batch; metrics are a dict of scalars.
      evaluate: ``evaluate(state, batch) -> metrics``, with nothing learned.
      steps: ``steps(state, batches) -> (state, metrics)``: ``steps_per_call`` steps at
        once, on batches stacked along a new first axis, which the metrics have too.
      steps_per_call: How many steps that is.
      gradients: ``gradients(state, batch)``, by which `fit` tells what was not finite.

    Raises:
      TypeError: If one of them is no function.

    Example:
      >>> def init(key, batch):
      ...     return jnp.zeros(())
      >>> @jax.jit
      ... def step(mean, batch):
      ...     return mean + 0.5 * (batch.mean() - mean), {"mean": mean}
      >>> averaging = fnn.training.Trainer(init, step)
      >>> state = averaging.init(jax.random.key(0), jnp.ones(4))
      >>> averaging.step(state, jnp.ones(4))[0]
      Array(0.5, dtype=float32)
    """

    evaluate: EvaluateFn | None
    steps: StepsFn | None
    steps_per_call: int
    gradients: Callable[[Any, Any], Any] | None

    def __new__(
        cls,
        init: TrainerInitFn,
        step: StepFn,
        *,
        evaluate: EvaluateFn | None = None,
        steps: StepsFn | None = None,
        steps_per_call: int = 1,
        gradients: Callable[[Any, Any], Any] | None = None,
    ) -> Trainer:
        required = {"init": init, "step": step}
        optional = {"evaluate": evaluate, "steps": steps, "gradients": gradients}
        given = {name: f for name, f in optional.items() if f is not None}
        for name, function in (required | given).items():
            if not callable(function):
                raise TypeError(
                    f"Trainer: expected {name} to be a function, got {word(function)}."
                )
        check_count("Trainer", "steps_per_call", steps_per_call)
        if steps_per_call > 1 and steps is None:
            raise ValueError(
                "Trainer: expected steps, a function of several batches, with "
                f"steps_per_call={steps_per_call}, got None."
            )
        made = tuple.__new__(cls, (init, step))
        vars(made).update(optional, steps_per_call=steps_per_call)
        return made

    init: TrainerInitFn = property(lambda self: self[0])  # pyright: ignore
    step: StepFn = property(lambda self: self[1])  # pyright: ignore

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Trainer: expected no assignment, got one to {name}.")

    def __repr__(self) -> str:
        return f"Trainer({word(self.init)}, {word(self.step)})"

    def __copy__(self) -> Trainer:
        return self

    def __deepcopy__(self, memo: Any) -> Trainer:
        return self


def as_trainer(value: Any, who: str) -> Trainer:
    """A trainer as it is; any pair of init and step as one that can do no more."""
    if isinstance(value, Trainer):
        return value
    if hasattr(value, "init") and hasattr(value, "step"):
        return Trainer(
            value.init, value.step, evaluate=getattr(value, "evaluate", None)
        )
    if type(value) is tuple and len(value) == 2 and all(map(callable, value)):
        return Trainer(*value)
    hint = "; make one with fnn.training.trainer" if is_layer(value) else ""
    raise TypeError(
        f"{who}: expected a trainer, a pair (init, step), "
        f"got {shown_pair(value)}{hint}."
    )
