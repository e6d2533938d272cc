import types

import pytest

import fnn
from fnn.training import Trainer


def init(key, batch):
    return 0.0


def step(state, batch):
    return state + batch, {"loss": state}


@pytest.mark.parametrize(
    "pair",
    [
        (init, step),
        Trainer(init, step),
        types.SimpleNamespace(init=init, step=step),
    ],
)
def test_whatever_has_init_and_step_is_a_trainer(pair):
    state, history = fnn.training.fit(pair, 0.0, [1.0, 2.0], epochs=1, progress=False)
    assert state == 3 and history.train["loss"].tolist() == [0, 1]


@pytest.mark.parametrize(
    "value, shown",
    [
        (fnn.dense(2), "the layer dense(2); make one with fnn.training.trainer"),
        ((init,), "(init,)"),
        ([init, step], "[init, step]"),
        (step, "step"),
        (None, "None"),
    ],
)
def test_what_is_no_trainer_is_named(value, shown):
    with pytest.raises(TypeError) as error:
        fnn.training.fit(value, 0.0, [1.0], epochs=1)
    assert str(error.value) == (
        f"fit: expected a trainer, a pair (init, step), got {shown}."
    )


@pytest.mark.parametrize(
    "make, kind, message",
    [
        (
            lambda: Trainer(init, 3),  # pyright: ignore
            TypeError,
            "Trainer: expected step to be a function, got 3.",
        ),
        (
            lambda: Trainer(init, step, evaluate="all"),  # pyright: ignore
            TypeError,
            "Trainer: expected evaluate to be a function, got 'all'.",
        ),
        (
            lambda: Trainer(init, step, steps=step, steps_per_call=0),  # pyright: ignore
            ValueError,
            "Trainer: expected steps_per_call to be a whole number of at least 1, "
            "got 0.",
        ),
        (
            lambda: Trainer(init, step, steps_per_call=4),
            ValueError,
            "Trainer: expected steps, a function of several batches, with "
            "steps_per_call=4, got None.",
        ),
    ],
)
def test_a_trainer_by_hand_says_what_it_expected(make, kind, message):
    with pytest.raises(kind) as error:
        make()
    assert str(error.value) == message


def test_a_trainer_is_no_layer():
    with pytest.raises(TypeError, match=r"a layer.* got Trainer\(init, step\)\.$"):
        fnn.sequential(Trainer(init, step))
