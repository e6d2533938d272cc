"""What the options of `check_gradients` and `check_layer` change."""

import jax
import jax.numpy as jnp
import pytest
from jax.core import Tracer

import fnn
from fnn.testing import check_gradients, check_layer

X = jnp.linspace(0.5, 2.0, 6).reshape(2, 3)


@jax.custom_jvp
def almost(x):
    """The identity, with a derivative that is wrong by one in 10,000."""
    return x


almost.defjvp(lambda primals, tangents: (primals[0], 1.0001 * tangents[0]))


@jax.custom_vjp
def backward_alone(x):
    return x


backward_alone.defvjp(lambda x: (x, ()), lambda _, g: (g,))


def test_a_tolerance_of_derivatives():
    with pytest.raises(AssertionError, match=r"relative error 0\.0001"):
        check_gradients(almost, X)
    check_gradients(almost, X, tolerance=1e-3)


def test_a_tolerance_of_values_under_transforms():
    def rounding(x):
        return x * (1.0001 if isinstance(x, Tracer) else 1.0)

    skip = ("gradients",)  # which are traced
    with pytest.raises(AssertionError, match=r"differ by 0\.0001 of the largest"):
        check_layer(rounding, X, skip=skip)
    check_layer(rounding, X, skip=skip, tolerance=1e-3)


def test_modes_of_a_layer():
    with pytest.raises(AssertionError, match="right gradients"):
        check_layer(backward_alone, X)
    check_layer(backward_alone, X, modes=("reverse",))


@pytest.mark.parametrize("given", [None, 3])
def test_coordinates_of_a_layer(monkeypatch, given):
    seen = []
    monkeypatch.setattr(
        "fnn.testing.layers.check_gradients",
        lambda *args, max_coordinates, **options: seen.append(max_coordinates),
    )
    options = {} if given is None else {"max_coordinates": given}
    check_layer(fnn.dense(2), X, **options)
    assert {*seen} == {given or 500}
