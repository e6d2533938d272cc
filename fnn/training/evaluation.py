"""Measuring without learning."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from fnn.shapes import word
from fnn.training.batching import count_examples
from fnn.training.recording import Table, one_row
from fnn.training.trainers import Trainer, as_trainer

AHEAD = 2  # batches under way while the metrics of an earlier one are read


def evaluate(
    trainer: Trainer,
    state: Any,
    batches: Iterable[Any],
    *,
    count: Callable[[Any], float] = count_examples,
) -> dict[str, float]:
    """The means of a trainer's metrics over batches, each weighed by its examples.

    ``mean = sum(count(batch) * metric(batch)) / sum(count(batch))``

    Args:
      trainer: A trainer with ``evaluate(state, batch) -> metrics``.
      state: The trainer's state, which stays as it is.
      batches: Any iterable of batches.
      count: The weight of a batch; by default the length of its arrays' first axis.

    Returns:
      ``{name: mean}``; `trainer` reports the loss as ``"loss"``.

    Raises:
      TypeError: If the trainer has no function to evaluate by, or ``batches`` can't be
        iterated.
      ValueError: If there is no batch.

    Example:
      >>> objective = fnn.training.supervised(fnn.dense(1), optax.l2_loss)
      >>> trainer = fnn.training.trainer(objective, optax.sgd(0.1))
      >>> data = np.ones((5, 2), "float32"), np.ones((5, 1), "float32")
      >>> state = trainer.init(jax.random.key(0), data)
      >>> list(fnn.training.evaluate(trainer, state, fnn.training.batches(data, 2)))
      ['loss']
    """
    measure = as_trainer(trainer, "evaluate").evaluate
    if measure is None:
        raise TypeError(
            "evaluate: expected a trainer with a function evaluate(state, batch), "
            "got one without."
        )
    if not hasattr(batches, "__iter__"):
        raise TypeError(
            f"evaluate: expected batches that can be iterated, got {word(batches)}."
        )
    table, pending = Table(), deque()

    def read(ahead):
        while len(pending) > ahead:
            examples, metrics = pending.popleft()
            table.append({"examples": examples} | one_row("evaluate", metrics))

    for batch in batches:
        pending.append((count(batch), measure(state, batch)))
        read(AHEAD)  # so that not all batches wait on the device
    read(0)
    if not table.rows:
        raise ValueError("evaluate: expected at least one batch, got none.")
    return table.means()
