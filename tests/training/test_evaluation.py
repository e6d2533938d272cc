import jax
import numpy as np
import pytest

import fnn
from fnn.training import batches, evaluate


def test_means_are_over_examples_not_batches(data, linear):
    state = linear.init(jax.random.key(0), data)
    whole = evaluate(linear, state, [data])
    parts = evaluate(linear, state, batches(data, 4))  # of 4, 4 and 2
    np.testing.assert_allclose(parts["loss"], whole["loss"], rtol=1e-6)
    assert not state.params["weight"].is_deleted()
    assert isinstance(parts["loss"], float)


def test_batches_may_be_weighed_otherwise(by_hand):
    trainer = by_hand(evaluate=lambda state, batch: {"mean": np.mean(batch)})
    data = [np.array([1.0, 1.0]), np.array([4.0])]
    assert evaluate(trainer, 0.0, data) == {"mean": 2}
    assert evaluate(trainer, 0.0, data, count=lambda batch: 1) == {"mean": 2.5}


@pytest.mark.parametrize(
    "given, kind, message",
    [
        ([], ValueError, "evaluate: expected at least one batch, got none."),
        (
            3,
            TypeError,
            "evaluate: expected batches that can be iterated, got 3.",
        ),
    ],
)
def test_evaluate_says_what_it_expected(given, kind, message, by_hand):
    with pytest.raises(kind) as error:
        evaluate(by_hand(evaluate=lambda state, batch: {}), 0.0, given)
    assert str(error.value) == message


def test_a_trainer_that_cant_evaluate_is_refused(by_hand):
    with pytest.raises(TypeError) as error:
        fnn.training.evaluate(by_hand(), 0.0, [1.0])
    assert str(error.value) == (
        "evaluate: expected a trainer with a function evaluate(state, batch), "
        "got one without."
    )
