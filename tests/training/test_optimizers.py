import jax
import jax.numpy as jnp
import optax
import optax.contrib
import pytest

import fnn

NORMALIZED = optax.chain(optax.contrib.normalize(), optax.sgd(0.01))
OPTIMIZERS = {
    "plain": optax.sgd(0.1),
    "schedule": optax.adamw(optax.cosine_decay_schedule(0.1, 100)),
    "value": optax.polyak_sgd(1.0),
    "value in a chain": optax.chain(
        optax.adam(0.1), optax.contrib.reduce_on_plateau(patience=5)
    ),
    "value_fn": optax.lbfgs(),
    "value_fn in a chain": optax.chain(
        optax.sgd(1.0), optax.scale_by_backtracking_linesearch(10)
    ),
    "grad_fn": optax.contrib.sam(optax.sgd(0.1), NORMALIZED, opaque_mode=True),
    "no extra arguments": optax.contrib.sam(optax.sgd(0.1), NORMALIZED),
    "several steps": optax.MultiSteps(optax.adam(0.1), 2),
    "hyperparameters": optax.inject_hyperparams(optax.adam)(learning_rate=0.1),
    "parts": optax.partition(
        {"decayed": optax.adamw(0.1), "free": optax.sgd(0.1)},
        lambda params: {"weight": "decayed", "bias": "free"},
    ),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_any_optimizer_learns(optimizer, data):
    objective = fnn.training.supervised(fnn.dense(2), optax.l2_loss)
    trainer = fnn.training.trainer(objective, optimizer)
    state = trainer.init(jax.random.key(0), data)
    shapes = jax.tree.map(lambda a: (a.shape, a.dtype), state)
    losses = []
    for _ in range(25):
        state, metrics = trainer.step(state, data)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < 0.3 * losses[0]
    assert jax.tree.map(lambda a: (a.shape, a.dtype), state) == shapes


def test_a_line_search_finds_the_minimum(data):
    objective = fnn.training.supervised(fnn.dense(2), optax.l2_loss)
    trainer = fnn.training.trainer(objective, optax.lbfgs())
    state = trainer.init(jax.random.key(0), data)
    for _ in range(20):
        state, metrics = trainer.step(state, data)
    assert metrics["loss"] < 1e-8


def test_extra_arguments_are_what_they_say(data):
    def update(updates, state, params, *, value, grad, value_fn, grad_fn, **rest):
        assert not rest
        again = jax.tree.map(jnp.subtract, grad_fn(params), grad)
        found = jnp.abs(value_fn(params) - value), optax.tree.max(again)
        return jax.tree.map(lambda g: -0.1 * g, updates), (*found, value)

    optimizer = optax.GradientTransformationExtraArgs(
        lambda p: (jnp.ones(()),) * 3, update
    )
    objective = fnn.training.supervised(
        fnn.sequential(fnn.dropout(0.5), fnn.dense(2)), optax.l2_loss
    )
    trainer = fnn.training.trainer(objective, optimizer)
    state, metrics = trainer.step(trainer.init(jax.random.key(0), data), data)
    value_again, gradient_again, value = state.opt_state
    assert value_again < 1e-7 and gradient_again < 1e-7  # with the same dropout
    assert value == metrics["loss"] > 0
