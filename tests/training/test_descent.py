import copy

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.ops import elementwise
from fnn.training import Objective, TrainState, supervised, trainer
from tests.compiling import programs_compiled
from tests.rounding import OF_DRAWS

cross_entropy = optax.softmax_cross_entropy_with_integer_labels


def labelled(rng, count=8):
    x = rng.normal(size=(count, 8, 8, 1)).astype(np.float32)
    return x, rng.integers(0, 3, count)


def network(*, convolution: bool):
    first = fnn.conv(4, (3, 3)) if convolution else fnn.dense(4)
    return fnn.sequential(
        first,
        fnn.batch_norm(),
        jax.nn.relu,
        fnn.dropout(0.5),
        fnn.flatten(),
        fnn.dense(3),
    )


def test_a_step_is_gradient_descent(data, linear):
    x, y = (np.asarray(a, np.float64) for a in data)
    state = linear.init(jax.random.key(0), data)
    w, b = (np.asarray(state.params[n], np.float64) for n in ("weight", "bias"))
    for i in range(3):
        error = (x @ w + b - y) / y.size
        loss = 0.5 * np.mean((x @ w + b - y) ** 2)
        w, b = w - 0.1 * x.T @ error, b - 0.1 * error.sum(0)
        state, metrics = linear.step(state, data)
        np.testing.assert_allclose(metrics["loss"], loss, rtol=1e-5)
        np.testing.assert_allclose(state.params["weight"], w, rtol=1e-5)
        np.testing.assert_allclose(state.params["bias"], b, rtol=1e-5, atol=1e-7)
        assert int(state.step) == i + 1


def test_a_step_is_traced_once_and_compiled_once(data):
    traced = chex.assert_max_traces(optax.l2_loss, 1)
    made = trainer(supervised(fnn.dense(2), traced), optax.adam(1e-2), steps_per_call=2)
    state = made.init(jax.random.key(0), data)
    for _ in range(3):
        state, _ = made.step(state, data)
    assert made.steps is not None
    made.steps(state, jax.tree.map(lambda a: np.stack([a, a]), data))


@pytest.mark.same_key  # where keys are checked, all is left to JAX
def test_a_first_state_takes_no_program_but_that_of_the_draws(data):
    made = trainer(supervised(fnn.dense(2), optax.l2_loss), optax.adam(1e-2))
    key = jax.random.key(0)
    jax.clear_caches()
    elementwise.compiled.cache_clear()
    with programs_compiled() as programs:
        made.init(key, data)
    assert len(programs) == 1


def test_weak_types_of_a_users_state_cost_no_second_trace(data):
    def init(key, batch):
        return jnp.asarray(1.0), (jnp.asarray(0), jnp.asarray(0.0))  # weak, all

    @chex.assert_max_traces(1)
    def loss(params, state, batch):
        return params**2, ((state[0] + 1, jnp.asarray(0.5)), {"half": 0.5})

    made = trainer(Objective(init, loss), optax.sgd(0.1))
    state = made.init(jax.random.key(0), data)
    for _ in range(3):
        state, _ = made.step(state, data)
    assert int(state.state[0]) == 3 and float(state.state[1]) == 0.5


def test_a_step_takes_over_the_memory_of_its_state(data, linear):
    state = linear.init(jax.random.key(0), data)
    old = state.params["weight"]
    new, _ = linear.step(state, data)
    assert old.is_deleted() and not new.params["weight"].is_deleted()


def test_init_shares_no_memory_with_the_outside(data):
    pretrained = {"weight": jnp.ones((3, 2)), "bias": jnp.zeros(2)}
    objective = supervised(fnn.dense(2), optax.l2_loss)
    made = trainer(
        Objective(lambda key, batch: (pretrained, ()), objective.loss),
        optax.contrib.schedule_free_sgd(0.1),  # whose state begins as the parameters
    )
    state, _ = made.step(made.init(jax.random.key(0), data), data)
    assert not any(a.is_deleted() for a in pretrained.values())
    assert not jnp.all(state.params["weight"] == pretrained["weight"])


def test_each_step_draws_anew_and_runs_repeat(data):
    def loss(params, state, batch, *, key):
        return params * 0.0, (state, {"draw": jax.random.uniform(key)})

    objective = Objective(lambda key, batch: (jnp.ones(()), ()), loss)
    made = trainer(objective, optax.sgd(0.1))

    def draws():
        state, found = made.init(jax.random.key(0), data), []
        for _ in range(3):
            state, metrics = made.step(state, data)
            found.append(float(metrics["draw"]))
        assert made.evaluate is not None
        found.append(float(made.evaluate(state, data)["draw"]))
        return [*found, float(made.step(state, data)[1]["draw"])]

    assert len(set(draws())) == 5
    assert draws() == draws()


@pytest.mark.parametrize("convolution", [False, True])
def test_several_steps_at_once_have_the_bits_of_single_ones(convolution):
    rng = np.random.default_rng(0)
    batches = [labelled(rng) for _ in range(4)]
    objective = supervised(network(convolution=convolution), cross_entropy)
    made = trainer(objective, optax.adamw(1e-2), steps_per_call=4)
    one = made.init(jax.random.key(0), batches[0])
    several, losses = jax.tree.map(jnp.copy, one), []
    for batch in batches:
        one, metrics = made.step(one, batch)
        losses.append(metrics["loss"])
    assert made.steps is not None
    stacked = jax.tree.map(lambda *a: np.stack(a), *batches)
    several, metrics = made.steps(several, stacked)
    chex.assert_trees_all_equal(several._replace(key=0), one._replace(key=0))
    np.testing.assert_array_equal(metrics["loss"], np.stack(losses))
    assert len(set(np.asarray(metrics["loss"]).tolist())) == 4


@pytest.mark.parametrize("convolution", [False, True])
def test_convolutions_are_kept_out_of_loops_on_a_cpu(convolution, monkeypatch):
    calls, real = [], fnn.training.descent.one_by_one

    def one_by_one(*args):
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(fnn.training.descent, "one_by_one", one_by_one)
    batch = labelled(np.random.default_rng(0), 2)
    net = fnn.sequential(
        fnn.conv(1, (2, 2)) if convolution else fnn.dense(1),
        fnn.flatten(),
        fnn.dense(3),
    )
    made = trainer(supervised(net, cross_entropy), optax.sgd(0.1), steps_per_call=2)
    assert made.steps is not None
    with jax.default_device(jax.devices("cpu")[0]):
        state = made.init(jax.random.key(0), batch)
        made.steps(state, jax.tree.map(lambda a: np.stack([a, a]), batch))
    assert len(calls) == convolution


def test_evaluation_changes_nothing_and_does_not_train():
    rng = np.random.default_rng(0)
    batch = labelled(rng)
    made = trainer(
        supervised(
            network(convolution=False),
            cross_entropy,
            metrics={"accuracy": fnn.training.accuracy},
        ),
        optax.sgd(0.1),
    )
    state = made.init(jax.random.key(0), batch)
    net = network(convolution=False)
    logits, _ = net.apply(state.params, state.state, batch[0])
    assert made.evaluate is not None
    metrics = made.evaluate(state, batch)
    np.testing.assert_allclose(
        metrics["loss"], cross_entropy(logits, batch[1]).mean(), rtol=1e-6
    )
    assert metrics["accuracy"] == np.mean(np.argmax(logits, -1) == batch[1])
    made.step(state, batch)  # it is still there


def test_state_of_the_network_is_kept():
    rng = np.random.default_rng(0)
    batch = labelled(rng)
    made = trainer(supervised(network(convolution=False), cross_entropy), optax.sgd(0))
    state = made.init(jax.random.key(0), batch)
    before = np.asarray(state.state[1]["mean"])
    after, _ = made.step(state, batch)
    assert np.abs(np.asarray(after.state[1]["mean"]) - before).max() > 1e-3


def test_complex_parameters_descend():
    target = np.array([1 + 2j, -3j], np.complex64)

    def loss(params, state, batch):
        return jnp.sum(jnp.abs(params - batch) ** 2), (state, {})

    objective = Objective(lambda key, batch: (jnp.zeros(2, jnp.complex64), ()), loss)
    made = trainer(objective, optax.sgd(0.2))
    state = made.init(jax.random.key(0), target)
    for _ in range(30):
        state, _ = made.step(state, target)
    np.testing.assert_allclose(state.params, target, rtol=1e-5)


def test_init_is_abstract_and_jittable(data, linear):
    shapes = jax.eval_shape(linear.init, jax.random.key(0), data)
    assert shapes.params["weight"].shape == (3, 2)
    jitted = jax.jit(linear.init)(jax.random.key(0), data)
    eager = linear.init(jax.random.key(0), data)
    chex.assert_trees_all_close(jitted.params, eager.params, rtol=OF_DRAWS, atol=0)


def test_a_step_runs_within_a_users_own_jit(data, linear):
    @jax.jit
    def twice(state, batch):
        state, _ = linear.step(state, batch)
        return linear.step(state, batch)

    state = linear.init(jax.random.key(0), data)
    inside, _ = twice(state, data)
    for _ in range(2):
        state, _ = linear.step(state, data)
    chex.assert_trees_all_close(inside.params, state.params, rtol=1e-6)


def test_a_trainer_is_a_pair(linear):
    init, step = linear
    assert (init, step) == (linear.init, linear.step)
    assert repr(linear) == "Trainer(init, step)"
    assert copy.deepcopy(linear) is linear and copy.copy(linear) is linear
    assert jax.tree.leaves(linear) == [linear]
    with pytest.raises(
        AttributeError, match="Trainer: expected no assignment, got one"
    ):
        linear.step = step


def test_the_compiled_step_can_be_looked_at(data, linear):
    state = linear.init(jax.random.key(0), data)
    assert "dot" in linear.step.lower(state, data).compile().as_text()


def test_options_of_the_compiler_reach_it(data):
    objective = supervised(fnn.dense(2), optax.l2_loss)
    made = trainer(objective, optax.sgd(0.1), compiler_options={"no_such_option": 1})
    with pytest.raises(Exception, match="no_such_option"):
        made.step(made.init(jax.random.key(0), data), data)


def test_a_train_state_is_a_pytree_with_names(data, linear):
    state = linear.init(jax.random.key(0), data)
    assert isinstance(state, TrainState)
    assert list(fnn.paths(state)) == [
        "step",
        "params/bias",
        "params/weight",
        "key",
    ]
