"""Wrong calls of a trainer, and the sentences they get."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.training import Objective, supervised, trainer

X, Y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
SQUARES = supervised(fnn.dense(2), optax.l2_loss)


def begun(objective=SQUARES, optimizer=None, batch=(X, Y)):
    made = trainer(objective, optax.sgd(0.1) if optimizer is None else optimizer)
    return made, made.init(jax.random.key(0), batch)


def returning(made):
    return Objective(lambda key, batch: (jnp.ones(2), ()), lambda *args: made(*args))


def used_up():
    made, state = begun()
    made.step(state, (X, Y))
    made.step(state, (X, Y))


def used_up_parameters():
    made, state = begun()
    params = state.params
    state, _ = made.step(state, (X, Y))
    made.step(state._replace(params=params), (X, Y))


USED_UP = (
    "trainer.step: expected a state that no step has used, got one whose memory a step "
    "has taken over; go on with the state that the step returned, or copy it first "
    "(jax.tree.map(jnp.copy, state))."
)


def step_with(state=None, batch=(X, Y), objective=SQUARES):
    made, good = begun(objective)
    made.step(good if state is None else state, batch)


@pytest.mark.parametrize(
    "wrong, kind, message",
    [
        (
            lambda: trainer(SQUARES, fnn.dense(2)),  # pyright: ignore
            TypeError,
            "trainer: expected an optimizer of optax, a pair (init, update), "
            "got the layer dense(2).",
        ),
        (
            lambda: trainer(SQUARES, optax.adam),  # pyright: ignore
            TypeError,
            "trainer: expected an optimizer of optax, a pair (init, update), got adam.",
        ),
        (
            lambda: trainer(SQUARES, 0.1),  # pyright: ignore
            TypeError,
            "trainer: expected an optimizer of optax, a pair (init, update), got 0.1.",
        ),
        (
            lambda: trainer(SQUARES, optax.sgd(0.1), steps_per_call=0),
            ValueError,
            "trainer: expected steps_per_call to be a whole number of at least 1, "
            "got 0.",
        ),
        (
            lambda: trainer(SQUARES, optax.sgd(0.1), steps_per_call=2.0),  # pyright: ignore
            TypeError,
            "trainer: expected steps_per_call to be a whole number of at least 1, "
            "got 2.0.",
        ),
        (
            lambda: trainer(SQUARES, optax.sgd(0.1)).init(0, (X, Y)),
            TypeError,
            "trainer: init(key, batch): expected one key made by jax.random.key, "
            "got 0.",
        ),
        (
            lambda: begun(Objective(lambda key, batch: {}, SQUARES.loss)),  # pyright: ignore
            TypeError,
            "trainer: expected an objective's init to return (params, state), got {}.",
        ),
        (
            lambda: begun(Objective(lambda key, x: ({"n": jnp.arange(2)}, ()), len)),  # pyright: ignore
            TypeError,
            "trainer: expected floating or complex parameters, got int32[2] at n; keep "
            "what is not trained in the state.",
        ),
        (used_up, ValueError, USED_UP),
        (used_up_parameters, ValueError, USED_UP),
        (
            lambda: step_with(state={"weight": X}),
            TypeError,
            "trainer.step: expected the TrainState that the trainer's init made, "
            "got {'weight': float32[4, 3]}.",
        ),
        (
            lambda: step_with(state=begun(optimizer=optax.adam(0.1))[1]),
            ValueError,
            "trainer: expected the optimizer's state of these parameters, got an "
            "opt_state of another structure; make it with this trainer's init.",
        ),
        (
            lambda: step_with(state=begun(batch=(X[:, :2], Y))[1]),
            ValueError,
            "dense: expected x of shape (..., 2), got (4, 3).",
        ),
        (
            lambda: step_with(batch=(X,)),
            TypeError,
            "supervised: expected a batch (*inputs, targets), a tuple of two or more, "
            "got (float32[4, 3],).",
        ),
        (
            lambda: step_with(batch=(X, ["cat"] * 4)),
            TypeError,
            "trainer.step: expected a batch of arrays, got 'cat' in it.",
        ),
        (
            lambda: step_with(batch=(X, np.array(["cat"] * 4))),
            TypeError,
            "trainer.step: expected a batch of arrays, got str96[4] in it.",
        ),
        (
            lambda: step_with(objective=returning(lambda p, s, b: p.sum())),
            TypeError,
            "trainer: expected a loss to return (value, (state, metrics)), "
            "got float32[].",
        ),
        (
            lambda: step_with(objective=returning(lambda p, s, b: (p.sum(), {}))),
            TypeError,
            "trainer: expected a loss to return (value, (state, metrics)), "
            "got (float32[], {}).",
        ),
        (
            lambda: step_with(objective=returning(lambda p, s, b: (p, (s, {})))),
            ValueError,
            "trainer: expected a loss that is a real floating-point scalar, got "
            "float32[2]; reduce it, as by jnp.mean.",
        ),
        (
            lambda: step_with(objective=returning(lambda p, s, b: (p.sum(), (p, {})))),
            ValueError,
            "trainer: expected a loss to return a state like the one it got, (), "
            "got float32[2].",
        ),
        (
            lambda: step_with(objective=returning(lambda p, s, b: (p.sum(), (s, 3)))),
            TypeError,
            "trainer: expected metrics to be a dict of scalars, got 3.",
        ),
        (
            lambda: step_with(
                objective=returning(lambda p, s, b: (p.sum(), (s, {"loss": 1.0})))
            ),
            ValueError,
            "trainer: expected metrics named otherwise than the loss, got one named "
            "'loss'.",
        ),
        (
            lambda: step_with(
                objective=returning(lambda p, s, b: (p.sum(), (s, {"p": p})))
            ),
            ValueError,
            "trainer: expected metric 'p' to be a scalar, got float32[2].",
        ),
    ],
)
def test_a_trainer_says_what_it_expected(wrong, kind, message):
    with pytest.raises(kind) as error:
        wrong()
    assert str(error.value) == message
