"""Any optimiser of optax, called as each of them wants to be."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import optax

from fnn.shapes import spec
from fnn.training.checks import shown_pair

# What optax's transformations know beside gradients, state and parameters.
EXTRA = ("value", "grad", "value_fn", "grad_fn")


class Optimizer(NamedTuple):
    """``init(params)``, and ``step(gradient, state, params, **extra)``.

    `step` returns the new parameters, the updates that made them, and the new state.
    """

    init: Callable[[Any], Any]
    step: Callable[..., tuple[Any, Any, Any]]


def as_optimizer(optimizer: Any, who: str) -> Optimizer:
    """An optimiser of optax that takes any of `EXTRA`, and may promote."""
    functions = [getattr(optimizer, name, None) for name in ("init", "update")]
    if not all(map(callable, functions)):
        raise TypeError(
            f"{who}: expected an optimizer of optax, a pair (init, update), "
            f"got {shown_pair(optimizer)}."
        )
    asked = _asked(optimizer.update)

    def init(params):
        with _promotion():
            return optimizer.init(params)

    def step(gradient, state, params, **extra):
        if spec(jax.eval_shape(init, params)) != spec(state):
            raise ValueError(
                f"{who}: expected the optimizer's state of these parameters, got an "
                "opt_state of another structure; make it with this trainer's init."
            )
        extra = {name: value for name, value in extra.items() if name in asked}
        with _promotion():
            updates, state = optimizer.update(gradient, state, params, **extra)
            return optax.apply_updates(params, updates), updates, state

    return Optimizer(init, step)


@contextmanager
def _promotion() -> Iterator[None]:
    """Optax counts on promotion, which users may forbid in what they write."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def _asked(update: Callable) -> tuple[str, ...]:
    """Which of `EXTRA` an update takes: all, or those that it names."""
    try:
        parameters = inspect.signature(update).parameters
    except (TypeError, ValueError):  # some callables have no signature to read
        return ()
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return EXTRA
    return tuple(name for name in EXTRA if name in parameters)
