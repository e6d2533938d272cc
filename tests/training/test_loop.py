"""`fit` on trainers by hand, whose every step is known, and on real ones."""

import itertools
import re
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.training import Fit, History, Trainer, batches, fit, supervised, trainer


def quietly(*args, **options):
    return fit(*args, progress=False, **options)


# ------------------------------------------------------------------------ steps, epochs
def test_steps_are_taken_in_order(by_hand):
    state, history = quietly(by_hand(), 0.0, [1.0, 2.0, 3.0], steps=5)
    assert state == 1 + 2 + 3 + 1 + 2
    assert history.train["loss"].tolist() == [0, 1, 3, 6, 7]
    assert history.train["step"].tolist() == [1, 2, 3, 4, 5]
    assert history.train["epoch"].tolist() == [1, 1, 1, 2, 2]
    assert isinstance(quietly(by_hand(), 0.0, [1.0], steps=1), Fit)


def test_epochs_go_through_all_batches(by_hand):
    state, history = quietly(by_hand(), 0.0, [1.0, 2.0, 3.0], epochs=2)
    assert state == 12 and history.train["epoch"].tolist() == [1, 1, 1, 2, 2, 2]


def test_an_iterator_gives_no_more_than_the_steps_ask_for(by_hand):
    stream = itertools.count(1.0)
    assert quietly(by_hand(), 0.0, stream, steps=3).state == 6
    assert quietly(by_hand(), 0.0, stream, steps=2).state == 9
    assert quietly(by_hand(), 0.0, iter([1.0, 2.0]), epochs=1).state == 3


def test_batches_that_end_early_are_named(by_hand):
    message = (
        "fit: expected 5 steps, got batches that ended after 2; pass a list or "
        "fnn.training.batches, which begin anew, or take fewer steps."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as error:
        quietly(by_hand(), 0.0, iter([1.0, 2.0]), steps=5)
    assert error.value.state == 3  # pyright: ignore


@pytest.mark.parametrize("length", [{"steps": 2}, {"epochs": 2}])
def test_no_batches_are_named(by_hand, length):
    with pytest.raises(
        ValueError, match=r"^fit: expected at least one batch, got none"
    ):
        quietly(by_hand(), 0.0, [], **length)


def test_batches_are_nested_alike(by_hand):
    # The whole sentence is compared below: as a pattern it would be full of escapes.
    with pytest.raises(ValueError) as error:  # noqa: PT011
        quietly(by_hand(), 0.0, [np.ones(1), (np.ones(1),)], epochs=1)
    assert str(error.value) == (
        "fit: expected every batch to be nested like the first, PyTreeDef(*), got "
        "PyTreeDef((*,))."
    )


def test_training_goes_on_where_it_was(data, linear):
    loader = batches(data, 5, key=jax.random.key(0))
    state = linear.init(jax.random.key(1), data)
    whole = jax.tree.map(jnp.copy, state)
    state, history = quietly(linear, state, loader, epochs=1)
    state, history = quietly(linear, state, loader, epochs=2, history=history)
    assert history.train["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history.train["epoch"].tolist() == [1, 1, 2, 2, 3, 3]
    again = batches(data, 5, key=jax.random.key(0))
    whole, other = quietly(linear, whole, again, epochs=3)
    np.testing.assert_array_equal(whole.params["weight"], state.params["weight"])
    np.testing.assert_array_equal(other.train["loss"], history.train["loss"])


def test_it_is_what_a_bare_loop_does(data, linear):
    loader = list(batches(data, 4, key=jax.random.key(0)))
    state = linear.init(jax.random.key(1), data)
    bare, losses = jax.tree.map(jnp.copy, state), []
    for batch in loader * 30:
        bare, metrics = linear.step(bare, batch)
        losses.append(float(metrics["loss"]))
    state, history = quietly(linear, state, loader, epochs=30)
    np.testing.assert_array_equal(state.params["weight"], bare.params["weight"])
    assert history.train["loss"].tolist() == losses
    assert history.train["examples"].tolist() == [4, 4, 2] * 30


# ------------------------------------------------------------------------ several steps
@pytest.mark.parametrize("size", [2, 4])
def test_several_steps_a_call_change_no_bit(data, size):
    net = fnn.sequential(fnn.dense(8), fnn.batch_norm(), fnn.dropout(0.5), fnn.dense(2))
    runs = []
    for steps_per_call in (1, size):
        made = trainer(
            supervised(net, optax.l2_loss),
            optax.adam(1e-2),
            steps_per_call=steps_per_call,
        )
        state = made.init(jax.random.key(1), data)
        loader = batches(data, 2, key=jax.random.key(0))  # five an epoch: a remainder
        runs.append(quietly(made, state, loader, epochs=3))
    (one, history), (several, other) = runs
    jax.tree.map(
        np.testing.assert_array_equal, one._replace(key=0), several._replace(key=0)
    )
    assert history.train["loss"].tolist() == other.train["loss"].tolist()


def test_calls_are_full_until_something_is_due(by_hand):
    calls = []

    def steps(total, stacked):
        calls.append(len(stacked))
        totals = total + np.cumsum(stacked.sum(1))
        return totals[-1], {"loss": totals}

    made = by_hand(steps=steps, steps_per_call=4)
    loader = [np.ones(2)] * 9 + [np.ones(1)]  # the last is smaller
    state, history = quietly(made, 0.0, loader, epochs=1)
    assert state == 19 and calls == [4, 4] and history.train.rows == 10
    for every, full in ((3, []), (6, [4])):
        calls.clear()
        quietly(
            made, 0.0, loader, epochs=1, eval_every=every, evaluate=lambda s: {"sum": s}
        )
        assert calls == full


# --------------------------------------------------------------------------- evaluation
def measured(**options):
    def evaluate(state):
        return {"state": state}

    def step(state, batch):
        return state + 1, {"loss": 0.0}

    made = Trainer(lambda key, batch: 0, step)
    return quietly(made, 0, [1.0] * 4, evaluate=evaluate, **options).history.evaluation


def test_evaluation_follows_each_epoch_and_the_last_step():
    assert measured(epochs=2)["step"].tolist() == [4, 8]
    assert measured(steps=6)["step"].tolist() == [4, 6]
    assert measured(steps=6, eval_every=2)["step"].tolist() == [2, 4, 6]
    assert measured(steps=5, eval_every=2)["step"].tolist() == [2, 4, 5]
    found = measured(epochs=2)
    assert found["state"].tolist() == [4, 8] and found["epoch"].tolist() == [1, 2]


def test_evaluation_on_batches_is_weighed_by_examples(data, linear):
    state = linear.init(jax.random.key(0), data)
    state, history = quietly(
        linear, state, [data], steps=2, evaluate=batches(data, 4), eval_every=1
    )
    np.testing.assert_allclose(
        history.evaluation["loss"][0], history.train["loss"][1], rtol=1e-6
    )


# ---------------------------------------------------------------------------- callbacks
def test_callbacks_get_means_since_the_last(by_hand):
    calls = []
    quietly(
        by_hand(),
        0.0,
        [np.ones(1), np.ones(3)],
        steps=5,
        log_every=2,
        callbacks=[lambda *args: calls.append(args)],
    )
    # Losses 0 (of 1 example), 1 (of 3); 4, 5; 8.
    assert calls == [
        (2, 4, {"loss": 0.75}),
        (4, 8, {"loss": 4.75}),
        (5, 9, {"loss": 8}),
    ]


def test_callbacks_get_evaluations(by_hand):
    calls = []
    quietly(
        by_hand(),
        0.0,
        [1.0, 1.0, 1.0],
        epochs=1,
        log_every=2,
        eval_every=3,
        evaluate=lambda state: {"state": state},
        callbacks=[lambda step, state, metrics: calls.append((step, metrics))],
    )
    assert calls == [(2, {"loss": 0.5}), (3, {"loss": 2, "eval_state": 3})]


def test_means_are_weighed_by_what_counts_examples(by_hand):
    _, history = quietly(
        by_hand(evaluate=lambda state, batch: {"batch": batch}),
        0.0,
        [1.0, 3.0],
        epochs=1,
        evaluate=[1.0, 3.0],
        count=lambda batch: batch,
    )
    assert history.train["examples"].tolist() == [1, 3]
    assert history.epochs["loss"].tolist() == [0.75]  # of 0 and 1
    assert history.evaluation["batch"].tolist() == [2.5]


def test_a_callback_may_end_training(by_hand):
    state, history = quietly(
        by_hand(),
        0.0,
        [1.0] * 10,
        epochs=9,
        log_every=1,
        evaluate=lambda state: {"state": state},
        callbacks=[lambda step, state, metrics: state >= 3],
    )
    assert state == 3 and history.train.rows == 3
    assert history.evaluation["step"].tolist() == [3]


def test_a_callback_may_read_the_state(data, linear):
    norms = []
    state = linear.init(jax.random.key(0), data)
    quietly(
        linear,
        state,
        [data],
        steps=10,
        log_every=3,
        callbacks=[
            lambda step, state, metrics: norms.append(float(state.params["bias"][0]))
        ],
    )
    assert len(set(norms)) == 4


# ---------------------------------------------------------------- pairs written by hand
def test_two_optimizers_and_a_state_of_ones_own(data):
    # Two players: one draws a number near the other, which flees.
    chase, flee = optax.sgd(0.5), optax.sgd(0.1)

    def init(key, batch):
        players = {"chaser": jnp.zeros(2), "runner": jnp.ones(2)}
        return players, chase.init(players["chaser"]), flee.init(players["runner"])

    @jax.jit
    def step(state, batch):
        players, chasing, fleeing = state

        def distance(chaser, runner):
            return jnp.sum((chaser - runner) ** 2)

        value, (down, up) = jax.value_and_grad(distance, (0, 1))(
            players["chaser"], players["runner"]
        )
        toward, chasing = chase.update(down, chasing)
        away, fleeing = flee.update(jax.tree.map(jnp.negative, up), fleeing)
        players = {
            "chaser": optax.apply_updates(players["chaser"], toward),
            "runner": optax.apply_updates(players["runner"], away),
        }
        return (players, chasing, fleeing), {"distance": value}

    state = init(jax.random.key(0), data)
    state, history = quietly((init, step), state, [data], steps=20)
    assert history.train["distance"][0] == 2
    assert history.train["distance"][-1] < 1e-3


def test_a_step_by_hand_returns_a_pair(by_hand):
    with pytest.raises(TypeError) as error:
        quietly((lambda key, batch: 0, lambda state, batch: state), 0.0, [1.0], steps=1)
    assert str(error.value) == (
        "fit: expected a step to return (state, metrics), got 0.0."
    )


# ------------------------------------------------------------------- nothing is lost
def test_an_error_in_the_batches_carries_the_state(data, linear):
    def failing():
        yield data
        yield data
        raise OSError("the disk is gone")

    state = linear.init(jax.random.key(0), data)
    with pytest.raises(OSError, match="the disk is gone") as error:
        quietly(linear, state, failing(), steps=9)
    assert int(error.value.state.step) == 2  # pyright: ignore
    assert error.value.history.train.rows == 2  # pyright: ignore
    assert error.value.__notes__ == [
        "fit stopped after step 2; this error has the state and the history until "
        "then, as its attributes state and history."
    ]


def test_an_interrupt_in_a_step_waits_for_its_end(data, linear, interrupt_self):
    def step(state, batch):
        made = linear.step(state, batch)  # the old state is gone by now
        if int(made[0].step) == 3:
            interrupt_self()
        return made

    state = linear.init(jax.random.key(0), data)
    with pytest.raises(KeyboardInterrupt) as error:
        quietly(Trainer(linear.init, step), state, [data], steps=9)
    state = error.value.state  # pyright: ignore
    assert int(state.step) == 3
    assert error.value.history.train.rows == 3  # pyright: ignore
    linear.step(state, data)


def test_fit_works_in_other_threads(by_hand):
    made = []

    def run():
        made.append(quietly(by_hand(), 0.0, [1.0], steps=3).state)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert made == [3]


# ---------------------------------------------------------------------------- real data
def test_digits_are_learned():
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = (digits.data / 16).astype(np.float32), digits.target
    net = fnn.sequential(fnn.dense(32), jax.nn.relu, fnn.dense(10))
    made = trainer(
        supervised(
            net,
            optax.softmax_cross_entropy_with_integer_labels,
            metrics={"accuracy": fnn.training.accuracy},
        ),
        optax.adam(3e-3),
        steps_per_call=4,
    )
    order = np.random.default_rng(0).permutation(len(labels))
    train, test = ((images[i], labels[i]) for i in (order[:1400], order[1400:]))
    state = made.init(jax.random.key(0), train)
    state, history = quietly(
        made,
        state,
        batches(train, 100, key=jax.random.key(1)),
        epochs=12,
        evaluate=batches(test, 100),
    )
    assert history.evaluation["accuracy"][-1] > 0.93
    assert history.epochs["loss"][-1] < 0.2 * history.epochs["loss"][0]
    logits = net.apply(state.params, test[0])
    np.testing.assert_allclose(
        history.evaluation["accuracy"][-1],
        np.mean(np.argmax(logits, -1) == test[1]),
        rtol=1e-6,
    )
    assert isinstance(history, History)
