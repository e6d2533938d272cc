"""The error of a training that is no longer finite."""

from __future__ import annotations

from typing import Any

from fnn.training.recording import History
from fnn.training.rewinding import Fault, learned, not_finite
from fnn.training.trainers import Trainer
from fnn.tree import paths

LISTED = 10  # paths that a message names at most


class NonFiniteError(FloatingPointError):
    """Training met a loss or parameters that are not finite; nothing is lost.

    Attributes:
      step: The step that was the first not to be finite, counted from 1.
      state: The state that this step got: the last good one, from which to go on.
      batch: The batch that it got: ``trainer.step(state, batch)`` shows it again. None
        where `fit` was told to keep no copies (``rewind=0``).
      parameters: Paths of the parameters that this step left not finite.
      gradients: Paths of its gradients that were not finite.
      history: What was recorded until then.

    Example:
      >>> @jax.jit
      ... def step(x, batch):
      ...     return x + batch, {"loss": jnp.log(x)}
      >>> walk = fnn.training.Trainer(lambda key, batch: jnp.ones(()), step)
      >>> try:
      ...     fnn.training.fit(
      ...         walk, jnp.ones(()), [1.0, -3.0, 0.0], epochs=1, progress=False
      ...     )
      ... except fnn.training.NonFiniteError as error:
      ...     print(error.step, error.state)
      3 -1.0
    """

    step: int
    state: Any
    batch: Any
    parameters: tuple[str, ...]
    gradients: tuple[str, ...]
    history: History


def non_finite(
    what: str, fault: Fault, trainer: Trainer, history: History
) -> NonFiniteError:
    """The error of a fault; it names what was not finite."""
    gradients: tuple[str, ...] = ()
    if trainer.gradients is not None and fault.batch is not None:
        gradients = not_finite(paths(trainer.gradients(fault.state, fault.batch)))
    parameters = not_finite(learned(fault.after))
    found = [f"the gradients of {_listed(gradients)}"] if gradients else []
    found += [f"the parameters {_listed(parameters)} after it"] if parameters else []
    error = NonFiniteError(
        f"fit: expected {what}; not finite at step {fault.step} were "
        f"{' and '.join(found) or 'no parameters'}."
    )
    error.step, error.state, error.batch = fault.step, fault.state, fault.batch
    error.parameters, error.gradients = parameters, gradients
    error.history = history
    return error


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(name or "(root)" for name in names[:LISTED]) + more
