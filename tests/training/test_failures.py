"""Training that is no longer finite is stopped, explained, and nothing is lost."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.training import NonFiniteError, Objective, fit, supervised, trainer


def failing(*args, **options):
    with pytest.raises(NonFiniteError) as error:
        fit(*args, progress=False, **options)
    return error.value


@pytest.fixture
def root():
    """A loss that is finite where its gradient is not: the square root at 0."""

    def init(key, batch):
        return {"free": jnp.ones(2), "under": jnp.ones(2)}, {"count": jnp.zeros(())}

    def loss(params, state, batch):
        value = jnp.sum(jnp.sqrt(jnp.maximum(params["under"] * batch, 0)))
        value += jnp.sum(params["free"] ** 2)
        return value, ({"count": state["count"] + 1}, {})

    return trainer(Objective(init, loss), optax.sgd(0.01))


@pytest.mark.parametrize("rewind", [1, 2, 3, 200])
def test_the_step_is_found_with_the_state_that_it_got(linear, poisoned, rewind):
    state = linear.init(jax.random.key(0), poisoned[0])
    expected = jax.tree.map(jnp.copy, state)
    for batch in poisoned[:4]:
        expected, _ = linear.step(expected, batch)
    error = failing(linear, state, poisoned, epochs=1, rewind=rewind)
    assert error.step == 5 and error.batch is poisoned[4]
    jax.tree.map(
        np.testing.assert_array_equal,
        error.state._replace(key=0),
        expected._replace(key=0),
    )
    assert error.parameters == ("bias", "weight")
    assert error.gradients == ("bias", "weight")
    assert error.history.train["step"].tolist() == [1, 2, 3, 4, 5]
    assert not np.isfinite(error.history.train["loss"][-1])
    assert re.match(
        r"fit: expected a finite loss, got (inf|nan) at step 5; not finite at step 5 "
        r"were the gradients of bias, weight and the parameters bias, weight after "
        r"it.$",
        str(error),
    )
    assert error.args == (str(error),)


def test_training_goes_on_from_the_last_good_state(linear, poisoned):
    state = linear.init(jax.random.key(0), poisoned[0])
    error = failing(linear, state, poisoned, epochs=1)
    state, history = fit(
        linear,
        error.state,
        poisoned[5:],
        epochs=1,
        history=error.history,
        progress=False,
    )
    assert int(state.step) == 9
    assert history.train["step"].tolist() == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9]


def test_the_step_fails_again_by_itself(linear, poisoned):
    error = failing(
        linear, linear.init(jax.random.key(0), poisoned[0]), poisoned, steps=9
    )
    _, metrics = linear.step(error.state, error.batch)
    assert not np.isfinite(metrics["loss"])


def test_a_gradient_is_blamed_where_the_loss_was_finite(root):
    batches = [np.ones(2, np.float32)] * 3 + [np.array([1, 0], np.float32)]
    batches += [np.ones(2, np.float32)] * 5
    error = failing(root, root.init(jax.random.key(0), batches[0]), batches, epochs=1)
    assert str(error) == (
        "fit: expected a finite loss, got nan at step 5; not finite at step 4 were the "
        "gradients of under and the parameters under after it."
    )
    assert error.step == 4 and int(error.state.step) == 3
    assert np.isfinite(error.state.params["under"]).all()
    np.testing.assert_array_equal(error.batch, [1, 0])
    assert error.gradients == error.parameters == ("under",)


def test_a_gradient_is_blamed_at_the_very_last_step(root):
    batches = [np.ones(2, np.float32), np.array([1, 0], np.float32)]
    error = failing(root, root.init(jax.random.key(0), batches[0]), batches, epochs=1)
    assert str(error) == (
        "fit: expected finite parameters, got others at step 2; not finite at step 2 "
        "were the gradients of under and the parameters under after it."
    )


def test_the_step_is_found_within_several_at_once(poisoned):
    made = trainer(
        supervised(fnn.dense(2), optax.l2_loss), optax.adam(0.1), steps_per_call=4
    )
    error = failing(made, made.init(jax.random.key(0), poisoned[0]), poisoned, epochs=1)
    assert error.step == 5 and int(error.state.step) == 4
    assert error.history.train["step"].tolist() == [1, 2, 3, 4, 5]


def test_without_copies_the_last_state_is_what_there_is(linear, poisoned):
    state = linear.init(jax.random.key(0), poisoned[0])
    error = failing(linear, state, poisoned, epochs=1, rewind=0)
    assert error.step == 5 and error.batch is None and error.gradients == ()
    assert int(error.state.step) > 4
    assert re.match(
        r"fit: expected a finite loss, got (inf|nan) at step 5; not finite at step 5 "
        r"were the parameters bias, weight after it.$",
        str(error),
    )


def test_diverging_is_not_finite_in_the_end(data):
    made = trainer(supervised(fnn.dense(2), optax.l2_loss), optax.sgd(1e4))
    error = failing(made, made.init(jax.random.key(0), data), [data], steps=99)
    assert 2 < error.step < 99
    assert np.isfinite(error.state.params["weight"]).all()


def test_an_optimizer_may_keep_infinities(data):
    optimizer = optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau())
    made = trainer(supervised(fnn.dense(2), optax.l2_loss), optimizer)
    state = made.init(jax.random.key(0), data)
    assert any(np.isinf(a).any() for a in jax.tree.leaves(state.opt_state))
    fit(made, state, [data], steps=3, progress=False)


def test_an_optimizer_may_skip_what_is_not_finite(poisoned):
    made = trainer(
        supervised(fnn.dense(2), optax.l2_loss),
        optax.apply_if_finite(optax.sgd(0.1), 5),
    )
    state = made.init(jax.random.key(0), poisoned[0])
    state, history = fit(made, state, poisoned, epochs=1, finite=(), progress=False)
    assert np.isfinite(state.params["weight"]).all()
    assert np.isfinite(history.train["loss"]).sum() == 9


# ---------------------------------------------------------------- pairs written by hand
def test_every_metric_of_a_pair_without_loss_is_watched(by_hand):
    def metrics(total, batch):
        return {"a": 1.0, "b": np.nan if total == 2 else 0.0}

    error = failing(by_hand(metrics), 0.0, [1.0] * 5, epochs=1)
    assert (error.step, error.state, error.batch) == (3, 2.0, 1.0)
    assert str(error) == (
        "fit: expected a finite b, got nan at step 3; not finite at step 3 were no "
        "parameters."
    )


def test_only_the_loss_is_watched_where_there_is_one(by_hand):
    def metrics(total, batch):
        return {"loss": total, "best": -np.inf}

    state, _ = fit(by_hand(metrics), 0.0, [1.0] * 5, epochs=1, progress=False)
    assert state == 5
    error = failing(by_hand(metrics), 0.0, [1.0], steps=2, finite=["best"])
    assert error.step == 1


def test_what_a_pair_left_not_finite_before_is_found(by_hand):
    def step(state, batch):
        total, best = state
        return (total + batch, -np.inf if total == 1 else best), {"loss": total}

    # An infinity that does no harm is none of our business; the step before is blamed
    # only where the very next loss is not finite.
    pair = fnn.training.Trainer(lambda key, batch: 0.0, step)
    error = failing(pair, (0.0, 0.0), [1.0, 1.0, 1.0, np.nan, 1.0], epochs=1)
    assert (error.step, error.state) == (4, (3.0, -np.inf))
    assert str(error) == (
        "fit: expected a finite loss, got nan at step 5; not finite at step 4 were the "
        "parameters 0, 1 after it."
    )


def test_a_metric_to_watch_has_to_exist(by_hand):
    message = "fit: expected finite to name metrics among loss, got 'cost'."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        fit(by_hand(), 0.0, [1.0], steps=1, finite=["cost"], progress=False)


def test_long_lists_of_paths_are_cut():
    shown = fnn.training.failures._listed(tuple(map(str, range(12))))
    assert shown == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
