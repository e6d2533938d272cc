"""Which leaves, outputs and settings check_gradients works with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fnn.testing import check_gradients
from tests.testing.checked_functions import X, inflated


def test_all_floating_leaves_are_checked_as_float64_and_others_held_fixed():
    seen = {}

    def function(tree):
        seen.update({name: getattr(leaf, "dtype", leaf) for name, leaf in tree.items()})
        noise = jax.random.normal(tree["key"], ())
        rows = tree["f32"][tree["rows"]] * tree["f16"] * tree["number"]
        return tree["act"](rows + noise) * tree["bf16"] if tree["flag"] else None

    tree = {
        "f32": jnp.ones(3),
        "f16": jnp.ones((), jnp.float16),
        "bf16": jnp.full((), 0.1, jnp.bfloat16),
        "numpy": np.float32(2),
        "number": 0.5,
        "count": 3,
        "flag": True,
        "rows": jnp.array([0, 2]),
        "key": jax.random.key(0),
        "name": "relu",
        "act": jnp.tanh,
        "none": None,
    }
    check_gradients(function, tree)
    floating = {"f32", "f16", "bf16", "numpy", "number"}
    assert {name for name in seen if seen[name] == np.float64} == floating
    assert seen["count"] == 3 and seen["flag"] is True and seen["name"] == "relu"
    assert seen["rows"] == np.int32


@pytest.mark.parametrize(
    "function", [jnp.abs, jnp.conj, lambda z: jnp.fft.fft(z) * z, lambda z: z.real]
)
def test_complex_leaves_and_outputs_are_checked_by_real_and_imaginary_part(function):
    z = lax.complex(X, X[::-1])
    check_gradients(function, z)
    with pytest.raises(AssertionError, match=r"by z\[\d, \d\]\.(real|imag)"):
        check_gradients(lambda z: function(inflated(z)), z)


def test_names_lead_with_the_argument_where_there_are_several():
    def function(params, *inputs):
        return inflated(params[1]["w"]) * inputs[0] * 2.0

    with pytest.raises(AssertionError, match="by params/1/w,"):
        check_gradients(function, [0, {"w": 1.0}], 2.0)
    with pytest.raises(AssertionError, match="by 1/w,"):
        check_gradients(lambda params: function(params, 2.0), [0, {"w": 1.0}])
    with pytest.raises(AssertionError, match="by 1,"):
        check_gradients(
            lambda *args: function([0, {"w": args[0]}], inflated(args[1])), 2, 2.0
        )


def test_infinite_inputs_have_a_derivative_of_zero():
    mask = jnp.array([0.0, -jnp.inf, 0.0])
    check_gradients(lambda mask, x: jax.nn.softmax(x + mask), mask, jnp.ones(3))


@pytest.mark.same_key
def test_a_key_may_be_drawn_from_at_every_call():
    key = jax.random.key(0)
    check_gradients(lambda key, x: x * jax.random.bernoulli(key, 0.5, x.shape), key, X)


def test_settings_stay_as_they_were():
    before = dict(jax.config.values)
    check_gradients(jnp.sin, X)
    with pytest.raises(AssertionError):
        check_gradients(inflated, X)
    assert dict(jax.config.values) == before
    assert not jax.config.jax_enable_x64 and jnp.ones(2).dtype == jnp.float32


def test_arrays_that_the_function_closes_over_keep_their_dtype():
    check_gradients(lambda w: jnp.tanh(w * X), jnp.ones((3, 4)))


def test_a_function_that_reads_a_variable_is_checked_as_it_is_now():
    slope = [1.0]

    @jax.custom_jvp
    def function(x):
        return 2 * x

    @function.defjvp
    def _function(primals, tangents):
        return 2 * primals[0], 2 * slope[0] * tangents[0]

    check_gradients(function, X)
    slope[0] = 1.01
    with pytest.raises(AssertionError, match=r"got .*\(reverse mode\)"):
        check_gradients(function, X)


def test_equal_programs_with_other_constants_are_told_apart():
    def function(constant):
        @jax.custom_jvp
        def scaled(x):
            return x * jnp.ones((3, 4))

        @scaled.defjvp
        def _scaled(primals, tangents):
            return scaled(*primals), tangents[0] * constant

        return scaled

    check_gradients(function(jnp.ones((3, 4))), X)
    with pytest.raises(AssertionError):
        check_gradients(function(jnp.ones((3, 4)).at[1, 1].set(1.01)), X)
