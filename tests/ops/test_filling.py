"""First states are those of the jitted function, and compile nothing for a shape."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fnn.ops.filling import filled
from tests.compiling import programs_compiled

# Where keys are checked, each state is left to JAX.
pytestmark = pytest.mark.same_key

KEY = jax.random.key(7)
PARAMS = {"weight": jnp.arange(6.0).reshape(2, 3), "bias": jnp.ones(3), "none": ()}


def state_of(optimizer):
    @jax.jit
    def begin(params, key):
        copied = jax.tree.map(jnp.copy, params)
        return {"of": optimizer.init(params), "params": copied, "key": key}

    return begin


FILLED = {
    "adam": optax.adam(0.1),
    "adam in bfloat16": optax.adam(0.1, mu_dtype=jnp.bfloat16),
    "none": optax.sgd(0.1),
    "schedule-free": optax.contrib.schedule_free_sgd(0.1),
}
COMPUTED = {
    "of a key": optax.add_noise(0.1, 0.5, key=3),
    "hyperparameters": optax.inject_hyperparams(optax.adam)(optax.constant_schedule(1)),
    "by its norm": optax.GradientTransformation(
        lambda params: optax.tree.norm(params), lambda *args: args[:2]
    ),
}


def raw(tree):
    """With the words of keys in place of keys."""

    def of(leaf):
        typed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jax.random.key_data(leaf) if typed else leaf

    return jax.tree.map(of, tree)


@pytest.mark.parametrize("name", FILLED | COMPUTED)
def test_it_is_what_the_function_returns(name):
    begin = state_of((FILLED | COMPUTED)[name])
    found, wanted = filled(begin, PARAMS, KEY), begin(PARAMS, KEY)
    chex.assert_trees_all_equal_shapes_and_dtypes(raw(found), raw(wanted))
    chex.assert_trees_all_equal(raw(found), raw(wanted))
    for one, other in zip(*map(jax.tree.leaves, raw((found, wanted))), strict=True):
        assert (one.weak_type, one.committed) == (other.weak_type, other.committed)


@pytest.mark.parametrize("name", FILLED)
def test_nothing_is_compiled_for_it(name):
    begin = state_of(FILLED[name])
    with programs_compiled() as programs:
        filled(begin, PARAMS, KEY)
    assert not programs


def test_its_memory_is_nobody_elses():
    begin = state_of(FILLED["schedule-free"])
    found = jax.tree.leaves(raw(filled(begin, PARAMS, KEY)))
    given = jax.tree.leaves(raw((PARAMS, KEY)))
    places = [leaf.unsafe_buffer_pointer() for leaf in (*found, *given)]
    assert len(set(places)) == len(places)


def test_a_step_that_takes_it_over_takes_nothing_else():
    step = jax.jit(lambda state: state, donate_argnums=0)
    step(filled(state_of(FILLED["schedule-free"]), PARAMS, KEY))
    given = jax.tree.leaves((PARAMS, KEY))
    assert not any(leaf.is_deleted() for leaf in given)


def test_arrays_held_to_a_device_are_left_to_jax():
    begin = state_of(FILLED["adam"])
    held = jax.device_put(PARAMS, jax.devices()[0])
    for leaf in jax.tree.leaves(filled(begin, held, KEY)):
        assert leaf.committed


def test_under_transforms_it_is_traced():
    begin = state_of(FILLED["adam"])
    wanted = raw(filled(begin, PARAMS, KEY))
    found = jax.jit(lambda params: raw(filled(begin, params, KEY)))(PARAMS)
    chex.assert_trees_all_equal(found, wanted)
    many = jax.tree.map(lambda leaf: jnp.stack([leaf] * 2), PARAMS)
    found = jax.vmap(lambda params: raw(filled(begin, params, KEY)))(many)
    chex.assert_trees_all_equal(jax.tree.map(lambda leaf: leaf[1], found), wanted)


def test_weak_types_and_numbers_of_python_are_left_to_jax():
    begin = jax.jit(lambda x: (jnp.copy(x), jnp.asarray(2.0)))
    assert all(leaf.weak_type for leaf in filled(begin, jnp.asarray(3.0)))
    np.testing.assert_array_equal(filled(begin, 3), (3, 2))
