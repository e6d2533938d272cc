"""check_gradients finds every planted error and names where it is."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.custom_derivatives import linear_call
from jax.test_util import check_grads

from fnn.testing import check_gradients
from tests.testing.checked_functions import (
    PATHS,
    X,
    add,
    draw,
    inflated,
    network,
    normalise,
    pulled,
    raises,
)


def planted(path, plant=inflated):
    """The network with an error in the gradient of one parameter."""

    def function(params, x):
        leaves, structure = jax.tree.flatten(params)
        leaves[PATHS.index(path)] = plant(leaves[PATHS.index(path)])
        return network(structure.unflatten(leaves), x)

    return function


PLANTED = {path: planted(path) for path in PATHS}


@pytest.mark.slow
def test_a_correct_network_passes_at_50_seeds():
    for seed in range(50):
        check_gradients(network, *draw(seed))


@pytest.mark.parametrize("path", PATHS)
def test_one_percent_in_any_parameter_is_found_at_every_seed(path):
    for seed in range(3):
        params, x = draw(seed)
        with pytest.raises(AssertionError) as got:
            check_gradients(PLANTED[path], params, x)
        assert f" by params/{path}[" in str(got.value)
        assert "relative error 0.0099, tolerance 1e-06" in str(got.value)
        assert "and in" not in str(got.value)


def test_ties_and_dead_regions_raise_no_alarm_and_hide_no_error():
    # Black borders and zero biases: most pools see ties, most relus exact zeros.
    params, _ = draw(0)
    x = jnp.zeros((2, 8, 8, 1)).at[:, 2:5, 3:6].set(1.0)
    check_gradients(network, params, x)
    for path in PATHS:
        with pytest.raises(AssertionError, match=f" by params/{path}"):
            check_gradients(PLANTED[path], params, x)


def test_the_error_names_path_coordinate_values_and_tolerance():
    def loss(params, x):
        columns = params["dense"]["weight"] * jnp.array([[1.0], [2.0]])
        wrong = jnp.where(jnp.arange(2)[:, None] == 1, inflated(columns), columns)
        return {"loss": jnp.square(x @ wrong).sum()}

    params = {"dense": {"weight": jnp.array([[1.0], [1.0]])}}
    # The derivative by weight[1, 0] is 2 (1 * 1 + 3 * 2) (3 * 2) = 84.
    with raises(
        AssertionError,
        "check_gradients: expected reverse mode and finite differences to agree on the "
        "derivative of loss by params/dense/weight[1, 0], got 84.84 (reverse mode), "
        "84.84 (forward mode) and 84 (finite differences): relative error 0.0099, "
        "tolerance 1e-06; so it is at 1 of 2 coordinates checked of "
        "params/dense/weight.",
    ):
        check_gradients(loss, params, jnp.array([[1.0, 3.0]]))


def test_modes_that_disagree_are_named():
    def function(x):
        def transpose(_, cotangent):
            return 1.01 * cotangent

        return linear_call(lambda _, x: 3 * x, transpose, (), x)

    with raises(
        AssertionError,
        "check_gradients: expected reverse mode and forward mode to agree on the "
        "derivative by x, got 1.01 (reverse mode), 3 (forward mode) and 3 (finite "
        "differences): relative error 0.66, tolerance 1e-06; so it is at 1 of 1 "
        "coordinates checked of x.",
    ):
        check_gradients(function, 2.0)


@pytest.mark.parametrize("index", range(X.size))
def test_an_error_in_one_coordinate_is_found(index):
    def function(x):
        here = jnp.arange(x.size).reshape(x.shape) == index
        return jnp.tanh(jnp.where(here, inflated(x), x)) @ jnp.ones((4, 2))

    name = ", ".join(map(str, np.unravel_index(index, X.shape)))
    with pytest.raises(AssertionError, match=rf"by x\[{name}\].* 1 of 12 coordinates"):
        check_gradients(function, X)


def test_values_are_those_of_the_coordinate_named():
    for index in np.ndindex(X.shape):
        here = jnp.arange(12).reshape(3, 4) == index[0] * 4 + index[1]

        def function(x, here=here):
            return jnp.where(here, inflated(jnp.tanh(x)), jnp.tanh(x)).sum()

        slope = 1 - np.tanh(np.float64(X[index])) ** 2
        with pytest.raises(AssertionError) as got:
            check_gradients(function, X)
        reverse, forward, differences = (
            float(value)
            for value in re.findall(r"(\S+) \((?:\w+ mode|finite diff)", str(got.value))
        )
        np.testing.assert_allclose([reverse, forward], 1.01 * slope, rtol=1e-8)
        np.testing.assert_allclose(differences, slope, rtol=1e-6)


def test_complex_values_are_those_at_the_point():
    with pytest.raises(
        AssertionError,
        match=r"by z\.imag, got 4\.04 .reverse mode., 4\.04 .forward mode. and 4 ",
    ):
        check_gradients(lambda z: inflated(z.imag**2) + z.real, 1 + 2j)


@pytest.mark.parametrize("size", [1e-4, 1e-9, 1e-11])
def test_a_parameter_of_tiny_gradient_is_checked_at_its_own_scale(size):
    def function(x, y):
        return jnp.sin(x).sum() + size * jnp.sin(inflated(y)).sum()

    with pytest.raises(AssertionError, match=r"by y\["):
        check_gradients(function, X, X)


def test_a_parameter_without_gradient_passes():
    def function(params, x):
        return normalise(x + params["bias"], params["norm"])

    norm = {"scale": jnp.ones(3), "bias": jnp.zeros(3)}
    for seed in range(5):
        x = jax.random.normal(jax.random.key(seed), (4, 2, 2, 3))
        bias = jnp.broadcast_to(x[:1, :1, :1], x.shape)
        check_gradients(function, {"norm": norm, "bias": bias}, x)


def test_rounding_in_step_at_many_places_is_no_error():
    # The rounding of (x + b) - b is the same at each of many equal x: it adds up, as it
    # does nowhere else.
    x = jnp.full(4096, 0.3)

    def function(x, bias):
        return ((x + jnp.broadcast_to(bias, x.shape)) - bias).sum()

    for bias in np.linspace(0.1, 0.7, 20):
        check_gradients(function, x, bias, max_coordinates=1)


def test_a_missing_gradient_is_found():
    def function(x):
        return x * lax.stop_gradient(x)

    with pytest.raises(AssertionError, match=r"relative error 0\.5,"):
        check_gradients(function, X)


@jax.custom_vjp
def pulled_wrongly(x):
    return jnp.sin(x)


pulled_wrongly.defvjp(
    lambda x: (jnp.sin(x), x), lambda x, ct: (0.99 * ct * jnp.cos(x),)
)


def test_reverse_mode_alone_is_checked_by_differences():
    check_gradients(pulled, X, modes="reverse", order=2)
    with pytest.raises(AssertionError, match="reverse mode and finite differences"):
        check_gradients(pulled_wrongly, X, modes=("reverse",))


def test_forward_mode_alone_is_checked_by_differences():
    def function(x):
        return lax.while_loop(lambda x: x.sum() < 9, lambda x: x + jnp.cos(x), x)

    check_gradients(function, X, modes="forward")
    with pytest.raises(AssertionError, match="forward mode and finite differences"):
        check_gradients(lambda x: function(inflated(x)), X, modes=("forward",))


# Right to first order; its derivative's derivative is lost.
@jax.custom_jvp
def square(x):
    return x * x


@square.defjvp
def _square(primals, tangents):
    (x,), (tangent,) = primals, tangents
    return x * x, 2 * lax.stop_gradient(x) * tangent


def test_order_2_checks_derivatives_of_derivatives():
    check_gradients(lambda x, w: jnp.tanh(x @ w) ** 2, X, X.T, order=2)
    check_gradients(square, X)
    with pytest.raises(AssertionError, match="of the gradient by x by x"):
        check_gradients(square, X, order=2)
    with pytest.raises(AssertionError, match="of the tangent of the output by x"):
        check_gradients(square, X, order=2, modes="forward")


def test_large_parameters_are_sampled_and_checked_as_a_whole():
    x = jax.random.normal(jax.random.key(0), (40, 50))
    check_gradients(lambda x: jnp.sin(x).sum(), x, max_coordinates=5)
    with pytest.raises(AssertionError, match=r"at 5 of 5 coordinates checked of x\.$"):
        check_gradients(lambda x: jnp.sin(inflated(x)).sum(), x, max_coordinates=5)

    def wrong_at_one_row(x):
        return jnp.sin(jnp.concatenate([inflated(x[:1]), x[1:]])).sum()

    with pytest.raises(AssertionError, match="by x along a random direction"):
        check_gradients(wrong_at_one_row, x, max_coordinates=1)


def test_jax_test_util_misses_what_this_finds():
    # A bias whose gradient is 10 % too small, with JAX's defaults in float32.
    @jax.custom_jvp
    def deflated(x):
        return x

    @deflated.defjvp
    def _deflated(primals, tangents):
        return primals[0], 0.9 * tangents[0]

    def loss(params, x, y):
        bias = deflated(params["bias"])
        return jnp.square(jnp.tanh(add(x @ params["weight"], bias)) - y).mean()

    for seed in range(12):
        # Near the optimum, where gradients are small.
        keys = jax.random.split(jax.random.key(seed))
        params = {"weight": jnp.eye(4), "bias": jnp.zeros(4)}
        x = jax.random.normal(keys[0], (8, 4))
        y = jnp.tanh(x) + 0.02 * jax.random.normal(keys[1], (8, 4))
        check_grads(loss, (params, x, y), order=1)
        with pytest.raises(AssertionError, match="by params/bias"):
            check_gradients(loss, params, x, y)
