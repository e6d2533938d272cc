"""The trainer that moves parameters down the gradient of an objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from fnn.checks import check_key, pair
from fnn.ops.drawing import keys_from
from fnn.ops.filling import filled
from fnn.training.checks import (
    check_count,
    check_loss,
    check_trainable,
)
from fnn.training.compilation import SlowInLoops, compiled, one_by_one
from fnn.training.objectives import Objective, as_objective
from fnn.training.optimizers import Optimizer, as_optimizer
from fnn.training.precision import LostUpdates, lost_updates
from fnn.training.states import TrainState, call, like, owned, strong
from fnn.training.trainers import Trainer


def trainer(
    objective: Objective,
    optimizer: optax.GradientTransformation,
    *,
    steps_per_call: int = 1,
    compiler_options: Mapping[str, Any] | None = None,
) -> Trainer:
    """The step that moves parameters down an objective's gradient, compiled once.

    ``state = init(key, batch)``
    ``state, metrics = step(state, batch)``

    The step is compiled by `jax.jit` for the shapes of its first batch. It takes over
    the memory of the state that it gets, which can't be used again: go on with the one
    that it returns, and copy (``jax.tree.map(jnp.copy, state)``) what you want to keep.
    Step ``i`` draws from ``fold_in(state.key, i)``. ``metrics`` has ``"loss"`` and what
    the objective adds, as scalars still being computed: reading one waits for it.

    ``evaluate(state, batch)`` gives the same metrics with ``train=False``, and
    ``steps(state, batches)`` takes several steps in one call, by `jax.lax.scan` over
    batches stacked along a new first axis, bit for bit those of single steps (as seen
    on CPUs). XLA compiles a convolution in a loop to other code on a CPU, slower by far
    and rounded otherwise: there, a step that has one is called batch after batch.

    Args:
      objective: What is minimised, a pair ``(init, loss)``: `supervised`, `Objective`.
      optimizer: Any optax transformation, also one that asks for ``value``, ``grad``,
        ``value_fn`` or ``grad_fn`` (line searches, L-BFGS, schedules by the loss).
      steps_per_call: How many steps `fit` takes in one call; at least 1. More saves the
        cost of calling where a step takes well under a millisecond.
      compiler_options: Options of XLA for the step, as `jax.jit` takes them.

    Returns:
      A `Trainer`, the pair ``(init, step)`` with ``evaluate`` and ``steps`` beside it;
      the state is a `TrainState`.

    Raises:
      TypeError: If the objective or the optimiser is none, parameters are not floating
        or complex, or the loss returns other than ``(value, (state, metrics))``.
      ValueError: If ``steps_per_call < 1``, the loss is no scalar, a metric is none or
        is called ``"loss"``, or a state is used up, or of another optimiser or network.

    Warns:
      UserWarning: If updates are too small to change parameters of low precision.

    Example:
      >>> net = fnn.sequential(fnn.dense(8), jnp.tanh, fnn.dense(1))
      >>> objective = fnn.training.supervised(net, optax.l2_loss)
      >>> init, step = fnn.training.trainer(objective, optax.adam(0.1))
      >>> batch = jnp.ones((4, 2)), jnp.ones((4, 1))
      >>> state = init(jax.random.key(0), batch)
      >>> for _ in range(50):
      ...     state, metrics = step(state, batch)
      >>> int(state.step), float(metrics["loss"]) < 0.01
      (50, True)
    """
    objective = as_objective(objective, "trainer")
    descending = as_optimizer(optimizer, "trainer")
    check_count("trainer", "steps_per_call", steps_per_call)
    # Nested in what is compiled, so that one trace serves a single step and several.
    body = jax.jit(_descent(objective, descending))

    def train_step(state, batch):
        return body(state, batch)

    def train_steps(state, batches):
        return lax.scan(body, state, batches)

    one = compiled(train_step, donate=(0,), options=compiler_options)
    several = compiled(train_steps, donate=(0,), options=compiler_options)
    begin = jax.jit(_beginning(descending))
    lost, slow_in_loops = LostUpdates(), SlowInLoops(one)

    def init(key, batch):
        key = check_key(key, "trainer: init(key, batch)")
        drawing, training = keys_from(key, 2)
        expected = "trainer: expected an objective's init to return (params, state)"
        params, state = pair(expected, objective.init(drawing, batch))
        check_trainable(params)
        return filled(begin, params, state, training)

    def step(state, batch):
        state, (metrics, shares) = call("trainer.step", one, state, batch)
        lost.watch(shares)
        return state, metrics

    def steps(state, batches):
        if slow_in_loops(state, batches):
            return one_by_one(step, state, batches)
        state, (metrics, shares) = call("trainer.steps", several, state, batches)
        lost.watch(shares)
        return state, metrics

    def evaluate_batch(state, batch):
        # Complements, so that no number of a step is among them.
        key = jax.random.fold_in(state.key, ~state.step.astype(jnp.uint32))
        made = objective.loss(state.params, state.state, batch, key=key, train=False)
        value, (_, metrics) = check_loss(made, state.state)
        return {"loss": value, **metrics}

    evaluated = compiled(evaluate_batch, options=compiler_options)

    def evaluate(state, batch):
        return call("trainer.evaluate", evaluated, state, batch)

    step.lower = one.lower  # pyright: ignore[reportFunctionMemberAccess]
    return Trainer(
        init,
        step,
        evaluate=evaluate,
        steps=steps,
        steps_per_call=steps_per_call,
        gradients=jax.jit(lambda *args: _slope(objective, *args)[1]),
    )


def _beginning(optimizer: Optimizer) -> Callable:
    """The first state, in memory that is nobody else's, so that steps may take it."""

    def begin(params, state, key):
        return TrainState(
            step=jnp.zeros((), jnp.int32),
            params=owned(params),
            state=owned(state),
            opt_state=owned(optimizer.init(params)),
            key=key,
        )

    return begin


def _slope(objective: Objective, state: TrainState, batch: Any) -> tuple[Any, Any, Any]:
    """What the loss returned, its gradient, and the loss of any parameters."""
    key = jax.random.fold_in(state.key, state.step)

    def loss(params):
        made = objective.loss(params, state.state, batch, key=key, train=True)
        return check_loss(made, state.state)

    made, gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
    # By complex parameters, jax.grad gives the conjugate of the steepest ascent.
    return made, jax.tree.map(jnp.conj, gradient), loss


def _descent(objective: Objective, optimizer: Optimizer) -> Callable:
    """The step itself: ``(state, batch) -> (state, (metrics, lost updates))``."""

    def step(state, batch):
        (value, (kept, metrics)), gradient, loss = _slope(objective, state, batch)

        def value_fn(params, *, grad_fn=None):  # line searches hand on what they get
            return loss(params)[0]

        def grad_fn(params, _=None):  # optax.contrib.sam passes a number too
            return jax.tree.map(jnp.conj, jax.grad(value_fn)(params))

        params, updates, opt_state = optimizer.step(
            gradient,
            state.opt_state,
            state.params,
            value=value,
            grad=gradient,
            value_fn=value_fn,
            grad_fn=grad_fn,
        )
        shares = lost_updates(state.step, state.params, updates, params)
        new = TrainState(
            step=state.step + 1,
            params=strong(params),
            state=strong(kept),
            opt_state=like(opt_state, state.opt_state),
            key=state.key,
        )
        return new, ({"loss": value, **metrics}, shares)

    return step
