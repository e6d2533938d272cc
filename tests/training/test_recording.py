import re

import jax.numpy as jnp
import numpy as np
import pytest

from fnn.training import History
from fnn.training.recording import one_row, several_rows


def recorded():
    history = History()
    rows = [(1, 1, 4, 1.0), (2, 1, 1, 6.0), (3, 2, 2, 3.0), (4, 2, 2, 5.0)]
    for step, epoch, examples, loss in rows:
        history.train.append(
            {"step": step, "epoch": epoch, "examples": examples, "loss": loss}
        )
    return history


def test_columns_are_arrays():
    table = recorded().train
    assert table["loss"].tolist() == [1, 6, 3, 5]
    assert dict(table).keys() == {"step", "epoch", "examples", "loss"}
    assert table.rows == 4 and "loss" in table and "accuracy" not in table
    assert repr(table) == "Table(4 rows of step, epoch, examples, loss)"


def test_means_are_weighed_by_examples():
    table = recorded().train
    np.testing.assert_allclose(table.means()["loss"], (4 + 6 + 6 + 10) / 9)
    np.testing.assert_allclose(table.means(2)["loss"], 4)
    assert table.means(4) == {}


def test_epochs_have_means_of_their_own():
    epochs = recorded().epochs
    np.testing.assert_allclose(epochs["loss"], [2, 4])
    assert epochs["epoch"].tolist() == [1, 2]
    assert epochs["step"].tolist() == [2, 4] and epochs["examples"].tolist() == [5, 4]
    assert History().epochs.rows == 0


def test_a_history_is_shown_by_what_it_has():
    assert repr(recorded()) == "History(4 steps, 0 evaluations, of loss)"
    assert repr(History()) == "History(0 steps, 0 evaluations, of nothing yet)"


def test_rows_have_the_same_metrics():
    message = (
        "History: expected step, epoch, examples, loss in every row, got step, epoch, "
        "examples, error."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        recorded().train.append({"step": 5, "epoch": 3, "examples": 1, "error": 0.0})


def test_rows_are_numbers_with_the_loss_first():
    row = one_row("fit", {"accuracy": jnp.float32(0.5), "count": 3, "loss": 1.5})
    assert row == {"loss": 1.5, "accuracy": 0.5, "count": 3}
    assert list(row) == ["loss", "accuracy", "count"]
    rows = several_rows("fit", {"a": jnp.arange(2), "loss": jnp.ones(2)}, 2)
    assert rows == [{"loss": 1, "a": 0}, {"loss": 1, "a": 1}]


@pytest.mark.parametrize(
    "metrics, kind, message",
    [
        (3.0, TypeError, "fit: expected metrics to be a dict of scalars, got 3.0."),
        (
            {"loss": jnp.ones(2)},
            ValueError,
            "fit: expected metric 'loss' to be a scalar, got float32[2].",
        ),
        (
            {"loss": "low"},
            ValueError,
            "fit: expected metric 'loss' to be a scalar, got 'low'.",
        ),
        (
            {"step": 1},
            ValueError,
            "fit: expected metrics named otherwise than step, epoch, examples, got one "
            "named 'step'.",
        ),
    ],
)
def test_metrics_are_scalars(metrics, kind, message):
    with pytest.raises(kind) as error:
        one_row("fit", metrics)
    assert str(error.value) == message
