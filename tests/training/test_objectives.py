import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.training import Objective, supervised

cross_entropy = optax.softmax_cross_entropy_with_integer_labels


def value_of(objective, batch, **options):
    params, state = objective.init(jax.random.key(0), batch)
    return objective.loss(params, state, batch, **options)


def test_loss_is_the_mean_over_examples(data):
    x, y = data
    objective = supervised(fnn.dense(2), optax.squared_error)
    params, state = objective.init(jax.random.key(0), data)
    value, (state, metrics) = objective.loss(params, state, data)
    w, b = (np.asarray(params[n], np.float64) for n in ("weight", "bias"))
    np.testing.assert_allclose(value, np.mean((x @ w + b - y) ** 2), rtol=1e-6)
    assert state == () and metrics == {}


def test_low_precision_losses_are_averaged_in_float32():
    outputs = jnp.full((4096, 1), 1.001, jnp.bfloat16)
    value, _ = value_of(
        supervised(lambda x: x, lambda outputs, targets: outputs), (outputs, outputs)
    )
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, np.float64(outputs[0, 0]), rtol=1e-6)


def test_losses_of_low_precision_are_computed_in_float32():
    logits = jax.random.normal(jax.random.key(0), (64, 1000)).astype(jnp.bfloat16)
    labels = jnp.arange(64)
    loss = optax.softmax_cross_entropy_with_integer_labels
    value, _ = value_of(supervised(lambda x: x, loss), (logits, labels))
    exact = np.asarray(logits, np.float64)
    exact = np.log(np.exp(exact).sum(-1)) - exact[np.arange(64), np.arange(64)]
    np.testing.assert_allclose(value, exact.mean(), rtol=1e-6)


def test_logits_of_ten_thousand_have_finite_losses_and_gradients():
    logits, labels = jnp.array([[1e4, -1e4], [-1e4, 1e4]]), jnp.array([0, 0])
    loss = optax.softmax_cross_entropy_with_integer_labels
    objective = supervised(lambda x: x, loss)

    def value(logits):
        return objective.loss((), (), (logits, labels))[0]

    assert value(logits) == 1e4
    np.testing.assert_array_equal(jax.grad(value)(logits), [[0, 0], [-0.5, 0.5]])


def test_all_but_the_last_item_are_inputs(data):
    x, y = data
    objective = supervised(lambda a, b: a[:, :2] + b, optax.squared_error)
    value, _ = value_of(objective, (x, y, y))
    np.testing.assert_allclose(value, np.mean(x[:, :2] ** 2), rtol=1e-6)


def test_lists_and_pytrees_are_batches(data):
    x, _ = data
    objective = supervised(
        lambda inputs: inputs["x"],
        lambda outputs, targets: jnp.sum(outputs, -1) * targets["weight"],
    )
    value, _ = value_of(objective, [{"x": x}, {"weight": np.ones(10, np.float32)}])
    np.testing.assert_allclose(value, np.mean(x.sum(-1)), rtol=1e-5)


def test_state_key_and_train_reach_the_network():
    net = fnn.sequential(fnn.dropout(0.5), fnn.batch_norm())
    batch = np.ones((64, 2), np.float32), np.zeros((64, 2), np.float32)
    objective = supervised(net, optax.squared_error)
    params, state = objective.init(jax.random.key(0), batch)
    trained, (new, _) = objective.loss(
        params, state, batch, key=jax.random.key(1), train=True
    )
    evaluated, (kept, _) = objective.loss(params, state, batch)
    assert trained > 0.9  # normalised noise of dropout
    np.testing.assert_allclose(evaluated, 1, rtol=1e-4)
    chex_equal = jax.tree.map(lambda a, b: bool(jnp.all(a == b)), kept, state)
    assert all(jax.tree.leaves(chex_equal))
    assert not jnp.all(new[1]["mean"] == state[1]["mean"])


def test_float64_of_numpy_is_what_jit_makes_of_it():
    batch = np.ones((4, 3)), np.ones((4, 2))
    objective = supervised(fnn.dense(2), optax.squared_error)
    params, _ = objective.init(jax.random.key(0), batch)
    assert params["weight"].dtype == jnp.float32


@pytest.mark.parametrize(
    "outputs, targets",
    [
        ((8, 1), (8,)),  # the classic: 64 differences instead of 8
        ((8,), (8, 1)),
        ((1, 1), (1,)),
        ((8, 8), (8,)),
        ((8, 3), (8, 1)),
        ((3, 3, 4), (3, 4)),
    ],
)
def test_broadcasting_in_the_loss_is_refused(outputs, targets):
    objective = supervised(lambda x: x, lambda a, b: (a - b) ** 2)
    batch = np.ones(outputs, np.float32), np.ones(targets, np.float32)
    shown = [f"float32{list(shape)}" for shape in (outputs, targets)]
    message = (
        "supervised: expected loss to give one value for each example, or each "
        f"position within it, got {np.broadcast_shapes(outputs, targets)} from outputs "
        f"{shown[0]} and targets {shown[1]}."
    )
    refused = pytest.raises(ValueError, match=f"^{re.escape(message)}$")
    with jax.numpy_rank_promotion("allow"), refused:
        value_of(objective, batch)


@pytest.mark.parametrize(
    "outputs, targets",
    [((8, 5), (8,)), ((8, 4, 5), (8, 4)), ((8, 2, 2, 5), (8, 2, 2)), ((1, 5), (1,))],
)
def test_losses_of_fewer_axes_are_fine(outputs, targets):
    value, _ = value_of(
        supervised(lambda x: x, cross_entropy),
        (np.zeros(outputs, np.float32), np.zeros(targets, np.int32)),
    )
    np.testing.assert_allclose(value, np.log(5), rtol=1e-6)


def test_a_loss_may_shift_its_targets():
    def next_token(logits, ids):
        return cross_entropy(logits[:, :-1], ids[:, 1:])

    value, _ = value_of(
        supervised(lambda ids: jax.nn.one_hot(ids, 5), next_token),
        (np.zeros((2, 4), np.int32), np.zeros((2, 4), np.int32)),
    )
    np.testing.assert_allclose(value, np.log(np.e + 4) - 1, rtol=1e-6)


def test_an_objective_by_hand_names_only_what_it_uses(data):
    def init(key, batch):
        return {"w": jnp.ones(())}, ()

    def loss(params, state, batch):
        return params["w"] ** 2, (state, {"half": params["w"] / 2})

    for objective in (Objective(init, loss), (init, loss)):
        init_state, step = fnn.training.trainer(objective, optax.sgd(0.25))
        state, metrics = step(init_state(jax.random.key(0), data), data)
        assert float(state.params["w"]) == 0.5
        assert {name: float(m) for name, m in metrics.items()} == {
            "loss": 1,
            "half": 0.5,
        }


def test_an_objective_by_hand_gets_a_bool_and_a_key(data):
    seen = []

    def loss(params, state, batch, *, key, train):
        seen.append((type(train), train, key.shape))
        return params + jax.random.normal(key), (state, {})

    objective = Objective(lambda key, batch: (jnp.ones(()), ()), loss)
    trainer = fnn.training.trainer(objective, optax.sgd(0.1))
    state, _ = trainer.step(trainer.init(jax.random.key(0), data), data)
    assert trainer.evaluate is not None
    trainer.evaluate(state, data)
    assert seen == [(bool, True, ()), (bool, False, ())]


X, Y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
NET = fnn.dense(2)
TRAINER = fnn.training.trainer(supervised(NET, optax.l2_loss), optax.sgd(0.1))


@pytest.mark.parametrize(
    "build, kind, message",
    [
        (
            lambda: supervised(TRAINER, optax.l2_loss),
            TypeError,
            "supervised: expected a layer or a function of arrays, got a Trainer.",
        ),
        (
            lambda: supervised([NET], optax.l2_loss),
            TypeError,
            "supervised: expected a layer or a function of arrays, got [dense(2)].",
        ),
        (
            lambda: supervised(NET, "mse"),  # pyright: ignore
            TypeError,
            "supervised: expected loss to be a function of outputs and targets, "
            "got 'mse'.",
        ),
        (
            lambda: supervised(NET, NET),  # pyright: ignore
            TypeError,
            "supervised: expected loss to be a function of outputs and targets, "
            "got dense(2).",
        ),
        (
            lambda: supervised(NET, optax.l2_loss, metrics=optax.l2_loss),  # pyright: ignore
            TypeError,
            "supervised: expected metrics to be a dict, {name: function}, got l2_loss.",
        ),
        (
            lambda: supervised(NET, optax.l2_loss, metrics={"loss": optax.l2_loss}),
            ValueError,
            "supervised: expected metrics named otherwise than the loss, got one named "
            "'loss'.",
        ),
        (
            lambda: supervised(NET, optax.l2_loss, metrics={"error": None}),  # pyright: ignore
            TypeError,
            "supervised: expected error to be a function of outputs and targets, "
            "got None.",
        ),
    ],
)
def test_supervised_says_what_it_expected(build, kind, message):
    with pytest.raises(kind) as error:
        build()
    assert str(error.value) == message


@pytest.mark.parametrize(
    "batch, kind, message",
    [
        (
            {"x": X},
            TypeError,
            "supervised: expected a batch (*inputs, targets), a tuple of two or more, "
            "got {x: float32[4, 3]}.",
        ),
        (
            X,
            TypeError,
            "supervised: expected a batch (*inputs, targets), a tuple of two or more, "
            "got float32[4, 3].",
        ),
        (
            (X, None),
            TypeError,
            "supervised: expected targets that are arrays as the last item of a batch, "
            "got None.",
        ),
        (
            (X, Y[:3]),
            ValueError,
            "supervised: expected inputs and targets of equal length on their first "
            "axis, got (float32[4, 3], float32[3, 2]).",
        ),
        (
            (X, np.float32(1)),
            ValueError,
            "supervised: expected inputs and targets of equal length on their first "
            "axis, got (float32[4, 3], float32[]).",
        ),
    ],
)
def test_a_batch_of_another_form_is_refused(batch, kind, message):
    with pytest.raises(kind) as error:
        value_of(supervised(NET, optax.l2_loss), batch)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "loss, kind, message",
    [
        (
            lambda a, b: 1.0,
            TypeError,
            "supervised: expected loss to return an array, got 1.0.",
        ),
        (
            lambda a, b: jnp.mean(a),
            ValueError,
            "supervised: expected loss to give one value for each example, or each "
            "position within it, got () from outputs float32[4, 2] and targets "
            "float32[4, 2].",
        ),
        (
            lambda a, b: jnp.argmax(a, -1),  # its gradient would be 0 everywhere
            TypeError,
            "supervised: expected loss to give real floating-point values, got int32.",
        ),
        (
            jax.lax.complex,
            TypeError,
            "supervised: expected loss to give real floating-point values, "
            "got complex64.",
        ),
    ],
)
def test_a_loss_of_other_values_is_refused(loss, kind, message):
    with pytest.raises(kind) as error:
        value_of(supervised(NET, loss), (X, Y))
    assert str(error.value) == message


@pytest.mark.parametrize(
    "objective, message",
    [
        (NET, "the layer dense(2)"),
        (TRAINER, "a Trainer"),
        (optax.sgd(0.1), "a GradientTransformationExtraArgs"),
        (optax.l2_loss, "l2_loss"),
        (
            (NET, optax.l2_loss, 3),
            "(dense(2), l2_loss, 3)",
        ),
    ],
)
def test_a_trainer_says_what_is_no_objective(objective, message):
    with pytest.raises(TypeError) as error:
        fnn.training.trainer(objective, optax.sgd(0.1))
    assert str(error.value) == (
        "trainer: expected an objective, such as fnn.training.supervised(net, loss) or "
        f"fnn.training.Objective(init, loss), got {message}."
    )


def test_an_objective_has_two_functions():
    with pytest.raises(TypeError) as error:
        fnn.training.trainer(Objective(NET, 3), optax.sgd(0.1))  # pyright: ignore
    assert str(error.value) == (
        "trainer: expected an objective whose init is a function, got dense(2)."
    )
