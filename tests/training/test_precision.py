import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn

BATCH = np.ones((4, 1), np.float32), np.ones((4, 2), np.float32)


def begun(dtype, rate, *, optimizer=None, **options):
    net = fnn.sequential(
        lambda x: x.astype(dtype), fnn.dense(2, param_dtype=dtype), fnn.dense(2)
    )
    objective = fnn.training.supervised(
        net, lambda a, b: (a.astype(jnp.float32) - b) ** 2
    )
    trainer = fnn.training.trainer(objective, optimizer or optax.sgd(rate), **options)
    return trainer, trainer.init(jax.random.key(0), BATCH)


@pytest.fixture(autouse=True)
def _mixed_dtypes():
    # These networks mix dtypes on purpose, to have some parameters of low precision.
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_updates_that_rounding_swallows_are_named(dtype):
    trainer, state = begun(dtype, 1e-5)
    with pytest.warns(UserWarning, match="trainer: expected") as caught:
        state, _ = trainer.step(state, BATCH)
    (warning,) = caught
    assert str(warning.message) == (
        "trainer: expected updates that change the parameters, got ones too small for "
        "low precision: rounding left 100% of 1/weight as it was; keep parameters in "
        "float32 and only compute in low precision (fnn.mixed_precision)."
    )
    assert warning.filename == __file__  # it points at the call
    trainer.step(state, BATCH)  # once is enough: a second warning would be an error


def test_the_share_is_of_entries_that_should_have_moved():
    params = {"a": jnp.array([1, 1, 1e-3, 5], jnp.bfloat16), "wide": jnp.ones(2)}
    updates = {"a": jnp.array([1e-4, 1e-4, 1e-4, 0], jnp.bfloat16), "wide": jnp.ones(2)}
    new = optax.apply_updates(params, updates)
    found = fnn.training.precision.lost_updates(jnp.int32(0), params, updates, new)
    assert {path: round(float(share), 3) for path, share in found.items()} == {
        "a": 0.667
    }
    later = jnp.int32(fnn.training.precision.STEPS)
    found = fnn.training.precision.lost_updates(later, params, updates, new)
    assert float(found["a"]) == 0  # not looked for any more


def test_large_updates_and_wide_parameters_are_fine():
    for dtype, rate in ((jnp.bfloat16, 0.5), (jnp.float32, 1e-5)):
        trainer, state = begun(dtype, rate)
        for _ in range(3):
            state, _ = trainer.step(state, BATCH)


def test_no_update_at_all_is_none_that_is_lost():
    trainer, state = begun(jnp.bfloat16, 0.0)
    trainer.step(state, BATCH)


def test_it_is_looked_for_in_the_first_steps_alone():
    rate = optax.piecewise_constant_schedule(0.5, {fnn.training.precision.STEPS: 1e-8})
    trainer, state = begun(jnp.bfloat16, None, optimizer=optax.sgd(rate))
    for _ in range(fnn.training.precision.STEPS + 3):
        state, _ = trainer.step(state, BATCH)


def test_several_steps_at_once_warn_too():
    trainer, state = begun(jnp.bfloat16, 1e-5, steps_per_call=2)
    assert trainer.steps is not None
    with pytest.warns(UserWarning, match="1/weight"):
        trainer.steps(state, jax.tree.map(lambda a: np.stack([a, a]), BATCH))


def test_fit_warns_too():
    trainer, state = begun(jnp.bfloat16, 1e-5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fnn.training.fit(trainer, state, [BATCH], steps=20, progress=False)
    assert len(caught) == 1
