"""`fit`: a trainer's steps over batches, with all that belongs around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fnn.training.batching import count_examples
from fnn.training.recording import History
from fnn.training.running import Plan, Run
from fnn.training.trainers import Trainer, as_trainer


class Fit(NamedTuple):
    """What `fit` returns: the state after the last step, and the history."""

    state: Any
    history: History


def fit(
    trainer: Trainer,
    state: Any,
    batches: Iterable[Any],
    *,
    steps: int | None = None,
    epochs: int | None = None,
    evaluate: Iterable[Any] | Callable[[Any], Mapping[str, float]] | None = None,
    eval_every: int | None = None,
    callbacks: Sequence[Callable[[int, Any, dict[str, float]], bool | None]] = (),
    log_every: int | None = None,
    progress: bool = True,
    history: History | None = None,
    count: Callable[[Any], float] = count_examples,
    finite: Sequence[str] | None = None,
    rewind: int = 200,
) -> Fit:
    """Steps of a trainer over batches, with progress, evaluation and a history.

    ``for batch in batches: state, metrics = trainer.step(state, batch)``

    The device is kept busy: metrics are read while later steps are under way. Training
    stops with a `NonFiniteError` when the loss is not finite; so that it can go back to
    the step that failed, it copies a good state from time to time. Whatever else ends
    training early, a KeyboardInterrupt, an error in the batches or in a callback, gets
    the state and the history so far as its attributes ``state`` and ``history``.

    Args:
      trainer: What `trainer` makes, or any pair of functions ``init`` and
        ``step(state, batch) -> (state, metrics)``, written by hand, with any pytree as
        state and a dict of scalars as metrics.
      state: Where to start; a step may take over its memory, as `trainer`'s does.
      batches: Any iterable of pytrees of arrays. It is iterated anew for each epoch; an
        iterator, such as a generator, gives one epoch.
      steps: How many steps to take; at least 1. Give this or ``epochs``.
      epochs: How many times to go through the batches; at least 1.
      evaluate: Batches on which to evaluate, by the trainer's ``evaluate``; or a
        function of the state that returns a dict of numbers.
      eval_every: Steps from one evaluation to the next; None evaluates after each
        epoch. The last step is always followed by one.
      callbacks: Functions ``callback(step, state, metrics)`` called every ``log_every``
        steps, after evaluations and at the end, with the means of the metrics since the
        last call, and with an evaluation's as ``"eval_loss"`` and so on. The next step
        takes over the state: copy what you keep. One that returns True ends training.
      log_every: Steps from one line or callback to the next; None makes it a
        twentieth of all steps, or 100 where their number is not known.
      progress: Whether progress is shown on stderr: a bar where it is a terminal and
        rich is installed, else lines.
      history: A history to go on with; None begins one.
      count: The number of examples in a batch, by which means are weighed; by default
        the length of its arrays' first axis.
      finite: Names of the metrics that must be finite; None is ``"loss"``, or all where
        there is none of this name; ``()`` never stops.
      rewind: Steps at most between two copies of a good state, which need the memory of
        one more state and of so many batches. With 0 there is no copy, and where a loss
        is not finite, the state is the last one, good or not.

    Returns:
      ``(state, history)``.

    Raises:
      NonFiniteError: If a metric that must be finite is not, or the parameters are not.
      TypeError: If the trainer, the batches or an option are of the wrong kind.
      ValueError: If not exactly one of ``steps`` and ``epochs`` is given, an option is
        out of range, the batches end early or change their structure, or metrics are no
        scalars or change their names.

    Example:
      >>> objective = fnn.training.supervised(fnn.dense(1), optax.l2_loss)
      >>> trainer = fnn.training.trainer(objective, optax.adam(0.1))
      >>> x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
      >>> batches = fnn.training.batches((x, 3 * x), 8, key=jax.random.key(0))
      >>> state = trainer.init(jax.random.key(1), (x, x))
      >>> state, history = fnn.training.fit(
      ...     trainer, state, batches, epochs=50, progress=False
      ... )
      >>> len(history.train["loss"]), bool(history.train["loss"][-1] < 0.01)
      (200, True)
    """
    trainer = as_trainer(trainer, "fit")
    plan = Plan(
        steps=steps,
        epochs=epochs,
        evaluate=evaluate,
        eval_every=eval_every,
        callbacks=tuple(callbacks),
        log_every=log_every,
        progress=progress,
        count=count,
        finite=finite,
        rewind=rewind,
    ).checked(trainer, batches)
    run = Run(trainer, state, batches, plan, History() if history is None else history)
    return Fit(run.train(), run.history)
