import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.training import supervised
from tests.rounding import OF_DRAWS

X, LABELS = np.ones((4, 3), "float32"), np.array([0, 1, 1, 0])
LOSS = optax.softmax_cross_entropy_with_integer_labels
OBJECTIVE = supervised(fnn.dense(2), LOSS)


def key():
    return jax.random.key(0)


def changed(array, at, value, dtype=None):
    array = np.array(array, dtype)
    array[at] = value
    return array


@pytest.mark.parametrize(
    "batch, error, message",
    [
        (
            (changed(X, (2, 1), np.nan), LABELS),
            ValueError,
            "supervised: expected finite inputs, got nan in example 2.",
        ),
        (
            (jnp.asarray(changed(X, (3, 0), -np.inf), jnp.bfloat16), LABELS),
            ValueError,
            "supervised: expected finite inputs, got -inf in example 3.",
        ),
        (
            (X, LABELS.astype("float32")),
            TypeError,
            r"supervised: expected integer labels, got float32 \(4,\).",
        ),
        (
            (X, LABELS[:, None]),
            ValueError,
            r"supervised: expected labels of shape \(4,\), one for each row of outputs "
            r"\(4, 2\), got \(4, 1\).",
        ),
        (
            (X, changed(LABELS, 1, 2)),
            ValueError,
            r"supervised: expected labels in \[0, 2\), one for each output, got 2 in "
            "example 1.",
        ),
        (
            (X, jnp.asarray(changed(LABELS, 3, -1))),
            ValueError,
            r"supervised: expected labels in \[0, 2\), one for each output, got -1 in "
            "example 3.",
        ),
    ],
)
def test_examples_are_looked_at_where_training_begins(batch, error, message):
    trainer = fnn.training.trainer(OBJECTIVE, optax.sgd(0.1))
    for init in (OBJECTIVE.init, trainer.init):
        with pytest.raises(error, match=f"^{message}$"):
            init(key(), batch)


def test_targets_must_be_finite_too():
    objective = supervised(fnn.dense(1), optax.l2_loss)
    targets = changed(np.ones((4, 1)), (1, 0), np.inf, "float32")
    with pytest.raises(ValueError, match="expected finite targets, got inf in exam"):
        objective.init(key(), (X, targets))


def test_pixels_that_nobody_scaled_are_told():
    net = fnn.sequential(fnn.flatten(), fnn.dense(2))
    objective = supervised(net, LOSS)
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 5, 1)).astype("float32")
    images[0, 0, 0] = 255
    with pytest.warns(UserWarning, match="up to 255, as pixels are before they are"):
        objective.init(key(), (images, LABELS))
    for fine in (images / 255, images - 128, images // 64, images + 0.5, images * 2):
        objective.init(key(), (fine, LABELS))


def test_pixels_in_rows_are_told_and_tables_are_not():
    objective = supervised(fnn.dense(2), LOSS)
    pixels = np.random.default_rng(0).integers(256, size=(4, 64)).astype("f4")
    pixels[0, 0] = 255
    with pytest.warns(UserWarning, match="got whole numbers up to 255, as pixels"):
        objective.init(key(), (pixels, LABELS))
    for table in (pixels / 255, pixels[:, :63], np.minimum(pixels, 254), pixels + 0.5):
        objective.init(key(), (table, LABELS))


def one_hot_loss(outputs, labels):
    return jnp.sum((outputs - jax.nn.one_hot(labels, 2)) ** 2, -1)


def test_accuracy_tells_that_targets_are_labels():
    metrics = {"accuracy": fnn.training.accuracy}
    objective = supervised(fnn.dense(2), one_hot_loss, metrics=metrics)
    objective.init(key(), (X, LABELS))
    with pytest.raises(ValueError, match=r"expected labels in \[0, 2\), .* got 2 in"):
        objective.init(key(), (X, LABELS + 1))


def test_there_must_be_an_example():
    objective = supervised(fnn.dense(2), one_hot_loss)
    with pytest.raises(ValueError, match="expected at least one example, got none"):
        objective.init(key(), (X[:0], LABELS[:0]))


def test_other_losses_take_labels_as_they_like():
    def masked(logits, labels):
        return jnp.where(labels < 0, 0.0, LOSS(logits, jnp.maximum(labels, 0)))

    params, _ = supervised(fnn.dense(2), masked).init(
        key(), (X, changed(LABELS, 0, -1))
    )
    assert params["weight"].shape == (3, 2)


def test_shapes_alone_are_enough():
    batch = jax.ShapeDtypeStruct((4, 3), jnp.float32), jax.ShapeDtypeStruct((4,), int)
    expected = OBJECTIVE.init(key(), (X, LABELS))
    for found in (
        OBJECTIVE.init(key(), batch),
        jax.jit(OBJECTIVE.init)(key(), (changed(X, 0, np.nan), LABELS)),
    ):
        chex.assert_trees_all_close(found, expected, rtol=OF_DRAWS, atol=0)


def test_outputs_are_those_of_the_network_that_draws():
    net = fnn.sequential(fnn.batch_norm(), fnn.dropout(0.5), fnn.dense(2))
    params, _ = supervised(net, LOSS).init(key(), (X, LABELS))
    assert params[2]["weight"].shape == (3, 2)
