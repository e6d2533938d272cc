"""The largest value of windows that touch, against XLA's own."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import fnn
from fnn.ops.pooling import largest
from tests.properties.compilation import compiled

CASES = [
    ((2, 7, 3), (2,)),
    ((2, 6, 9, 3), (2, 3)),
    ((1, 5, 4, 3, 2), (2, 2, 1)),
    ((2, 3, 5, 4, 2), (2, 2)),
    ((4, 6, 1), (2, 3)),
]


def by_xla(x, window):
    lead = (1,) * (x.ndim - 1 - len(window))
    sizes = (*lead, *window, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, sizes, sizes, "VALID")


@pytest.mark.parametrize("shape, window", CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_values_and_gradients_are_bit_for_bit_those_of_xla(shape, window, ties):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x = jnp.asarray(np.round(x) if ties else x)

    @compiled
    def both(x):
        found = []
        for f in (largest, by_xla):
            y, pullback = jax.vjp(lambda x, f=f: f(x, window), x)
            found.append((y, pullback(jnp.cos(jnp.arange(y.size)).reshape(y.shape))))
        return found

    chex.assert_trees_all_equal(*both(x))


def test_derivatives_of_both_modes_and_orders():
    with jax.enable_x64():
        x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 5, 2)))

        def f(x):
            return jnp.sum(jnp.sin(largest(x, (2, 2)) ** 2))

        fnn.testing.check_gradients(f, x, order=2)


def test_mapped_like_a_loop():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 4, 2)), jnp.float32)
    gradient = jax.grad(lambda x: jnp.sum(largest(x, (2, 2)) ** 3))
    expected = jnp.stack([gradient(one) for one in x])
    assert jnp.array_equal(jax.vmap(gradient)(x), expected)


def test_nan_is_the_largest_and_gets_the_gradient():
    x = jnp.array([1.0, jnp.nan, 2.0, 3.0]).reshape(1, 4, 1)
    y, pullback = jax.vjp(lambda x: largest(x, (2,)), x)
    assert jnp.isnan(y[0, 0, 0]) and y[0, 1, 0] == 3
    assert pullback(jnp.ones_like(y))[0].ravel().tolist() == [0, 1, 0, 1]
