"""What check_gradients refuses, and the sentences that say why."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from fnn.testing import check_gradients
from tests.testing.checked_functions import X, convolve, pulled, raises


def test_low_precision_inside_is_refused():
    with raises(
        ValueError,
        "check_gradients: expected a function that computes in the dtype of its "
        "arguments, here float64, got one that casts to bfloat16 and float32; check it "
        "without the cast, or cast to jnp.promote_types(x.dtype, jnp.float32).",
    ):
        check_gradients(lambda x: x.astype(jnp.bfloat16).astype(jnp.float32), X)

    def jitted(x):
        return jax.jit(lambda x: jnp.sin(x.astype(jnp.float16)))(x)

    with pytest.raises(ValueError, match="casts to float16;"):
        check_gradients(jitted, X, modes="forward")


def test_low_precision_that_no_derivative_passes_is_fine():
    def function(x):
        mask = jnp.ones(x.shape, jnp.bfloat16) * 0.5
        return x * mask.astype(jnp.float32)

    check_gradients(function, X)


def test_random_outputs_are_refused():
    calls = []

    def function(x):
        calls.append(0)
        return jnp.sum(x) * len(calls)

    sentence = (
        "expected the same outputs at every call, got .*; give the function a key"
    )
    with pytest.raises(ValueError, match=sentence):
        check_gradients(function, X)


def divided(x):
    return {"loss": x / 0}


WRONG = {
    "no function": (
        lambda: check_gradients(3, X),
        TypeError,
        "expected a function of pytrees, got int.",
    ),
    "no leaf": (
        lambda: check_gradients(jnp.sin, jnp.arange(3), "x"),
        ValueError,
        "expected a floating or complex array among the arguments, got int32 and str.",
    ),
    "no argument": (
        lambda: check_gradients(lambda: 1.0),
        ValueError,
        "expected a floating or complex array among the arguments, got no leaves.",
    ),
    "abstract": (
        lambda: check_gradients(jnp.sin, jax.ShapeDtypeStruct((2,), jnp.float32)),
        TypeError,
        "expected concrete arrays, got ShapeDtypeStruct; call it outside jax.jit and "
        "other transforms.",
    ),
    "string": (
        lambda: check_gradients(lambda x: {"name": "x"}, X),
        TypeError,
        "expected a function that returns arrays, got str at name.",
    ),
    "integers": (
        lambda: check_gradients(jnp.argmax, X),
        ValueError,
        "expected a function that returns a floating or complex array, got int64.",
    ),
    "nothing": (
        lambda: check_gradients(lambda x: None, X),
        ValueError,
        "expected a function that returns a floating or complex array, got no leaves.",
    ),
    "not finite": (
        lambda: check_gradients(divided, 2.0),
        ValueError,
        "expected finite outputs, got inf for loss.",
    ),
    "nan gradient": (
        lambda: check_gradients(jnp.linalg.norm, jnp.zeros(3)),
        AssertionError,
        "expected finite derivatives, got nan (reverse mode) for the derivative by "
        "x[0]; so it is at 3 of 3 coordinates checked of x.",
    ),
    "no forward mode": (
        lambda: check_gradients(pulled, X),
        TypeError,
        "expected a function that forward mode can differentiate, got TypeError from "
        "it; pass modes=('reverse',) if it can't (jax.custom_vjp has no forward mode, "
        "a while_loop no reverse mode).",
    ),
    "no reverse mode": (
        lambda: check_gradients(
            lambda x: lax.while_loop(lambda x: x < 9, lambda x: x + 1, x), 2.0
        ),
        TypeError,
        "expected a function that reverse mode can differentiate, got ValueError from "
        "it; pass modes=('forward',) if it can't (jax.custom_vjp has no forward mode, "
        "a while_loop no reverse mode).",
    ),
    "modes": (
        lambda: check_gradients(jnp.sin, X, modes=("fwd",)),
        ValueError,
        "expected modes among ('reverse', 'forward'), got ('fwd',).",
    ),
    "order": (
        lambda: check_gradients(jnp.sin, X, order=3),
        ValueError,
        "expected an order of 1 or 2, got 3.",
    ),
    "tolerance": (
        lambda: check_gradients(jnp.sin, X, tolerance=0.1),
        ValueError,
        "expected a tolerance in (0, 0.001], got 0.1.",
    ),
    "coordinates": (
        lambda: check_gradients(jnp.sin, X, max_coordinates=0),
        ValueError,
        "expected max_coordinates of at least 1, got 0.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_get_a_sentence(name):
    call, kind, sentence = WRONG[name]
    with raises(kind, f"check_gradients: {sentence}"):
        call()


def test_a_layer_is_told_to_pass_its_apply():
    import fnn

    with pytest.raises(TypeError, match=r"got Layer; pass its apply\.$"):
        # What a type checker refuses, too.
        check_gradients(fnn.dense(3), X)  # type: ignore[arg-type]


def test_it_refuses_to_be_traced():
    with pytest.raises(TypeError, match=r"expected concrete arrays, got .*Tracer"):
        jax.jit(lambda x: check_gradients(jnp.sin, x))(X)


def test_an_error_of_the_function_comes_through_with_a_note():
    with pytest.raises(TypeError, match="calls the function with float64 arguments"):
        check_gradients(
            lambda w: convolve(jnp.ones((1, 4, 4, 1), jnp.float32), w),
            jnp.ones((3, 3, 1, 2)),
        )
