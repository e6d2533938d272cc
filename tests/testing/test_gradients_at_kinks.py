"""check_gradients raises no alarm at a kink, and no error hides at one."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from fnn.testing import check_gradients
from tests.testing.checked_functions import X, raises

TIES = jnp.array([0.0, 1.0, 1.0, 0.0, 2.0, 0.0])


@pytest.mark.parametrize(
    "function",
    [
        jax.nn.relu,
        jax.nn.leaky_relu,
        jnp.abs,
        jnp.max,
        jnp.sort,
        jnp.median,
        jnp.floor,
        lambda x: jnp.clip(x, 0.0, 1.0),
        lambda x: jnp.maximum(x, x[::-1]),
        lambda x: jnp.where(x > 0, x, 0.0) ** 1.5,
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (3,), (1,), "SAME"),
        lambda x: jax.nn.relu(x @ jnp.ones((6, 3))).max(),
        lambda x: jnp.where(x > 0, x * jnp.log(jnp.where(x > 0, x, 1.0)), 0.0),
    ],
)
def test_kinks_raise_no_alarm(function):
    check_gradients(jax.vmap(function), jax.random.normal(jax.random.key(0), (50, 6)))
    check_gradients(function, TIES)
    check_gradients(function, jnp.zeros(6))


@jax.custom_jvp
def steep_relu(x):
    return jnp.maximum(x, 0)


@steep_relu.defjvp
def _steep_relu(primals, tangents):
    (x,), (tangent,) = primals, tangents
    return steep_relu(x), tangent * jnp.where(x > 0, 1.01, 0.0)


@jax.custom_jvp
def torn_relu(x):
    return jnp.maximum(x, 0)


@torn_relu.defjvp
def _torn_relu(primals, tangents):
    (x,), (tangent,) = primals, tangents
    slope = jnp.where(x == 0, 9.0, jnp.where(x > 0, 1.0, 0.0))
    return torn_relu(x), tangent * slope


def test_no_error_hides_at_a_kink():
    with pytest.raises(AssertionError, match=r"0\.01 typical sizes away from a kink"):
        check_gradients(steep_relu, jnp.zeros(2))
    check_gradients(torn_relu, jnp.ones(2))
    with raises(
        AssertionError,
        "check_gradients: expected the derivative of the output[0] by x[0], which has "
        "a kink there, to lie near those around it, from 0 to 1, got 9 (reverse mode); "
        "so it is at 2 of 2 coordinates checked of x.",
    ):
        check_gradients(torn_relu, jnp.zeros(2))


def test_a_derivative_lost_where_the_function_is_smooth_is_no_kink():
    def identity(x):
        return jax.nn.relu(x) - jax.nn.relu(-x)

    check_gradients(identity, jnp.ones(()))
    with pytest.raises(AssertionError, match=r"got 0 .* and 1 "):
        check_gradients(identity, jnp.zeros(()))


def test_the_edge_of_a_domain_raises_no_alarm():
    # Not defined below zero, and of infinite second derivative at it.
    check_gradients(lambda x: (x**1.5).sum(), jnp.zeros(6))
    check_gradients(lambda x: ((-x) ** 1.5).sum(), jnp.zeros(6))


def test_kinks_everywhere_are_undecidable():
    with raises(
        AssertionError,
        "check_gradients: expected a function that is smooth somewhere near its "
        "arguments, got kinks or jumps at every distance from a tenth to 1e-7 of the "
        "size of x[0]: differences can't tell the derivative there, nor for 1 more.",
    ):
        check_gradients(lambda x: jnp.abs(jnp.mod(1e7 * x, 2.0) - 1.0), X[0, :2])
