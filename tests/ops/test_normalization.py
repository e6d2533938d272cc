"""Normalisation by the batch, against its equation in float64."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.ops.normalization import normalized

EPS = 0.1


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def inputs(*shape, mean=0.0):
    channels = shape[-1:]
    return mean + normal(0, *shape), normal(1, *channels), normal(2, *channels)


def equation(x, scale, bias, eps, numpy):
    axes = tuple(range(x.ndim - 1))
    mean, var = numpy.mean(x, axes), numpy.var(x, axes)
    y = (x - mean[None, None]) / numpy.sqrt(var + eps)[None, None]
    return y * scale[None, None] + bias[None, None], mean, var


def loss(function):
    return lambda *arrays: jnp.sum(jnp.sin(function(*arrays)[0]))


def by_equation(*arrays):
    return equation(*arrays, numpy=jnp)


def by_op(*arrays):
    return normalized(*arrays, None)


def test_values():
    arrays = inputs(5, 4, 3)
    found = by_op(*(jnp.asarray(a, jnp.float32) for a in arrays), EPS)
    chex.assert_trees_all_close(found, equation(*arrays, EPS, np), atol=1e-6)


def test_derivatives_of_both_modes_and_orders():
    def f(x, scale, bias, eps):
        y, mean, var = normalized(x, scale, bias, eps, None)
        return jnp.sum(jnp.sin(y)) + jnp.sum(jnp.cos(mean) * var)

    fnn.testing.check_gradients(f, *inputs(3, 2), np.float64(EPS), order=2)


@pytest.mark.parametrize("mean", [0.0, 1e4])
def test_gradients_of_float32_are_those_of_the_equation(mean):
    arrays = [a.astype(np.float32) for a in inputs(16, 8, 3, mean=mean)]
    gradient = jax.grad(loss(by_op), (0, 1, 2))(*map(jnp.asarray, arrays), EPS)
    with jax.enable_x64(True):
        exact = [jnp.asarray(a, jnp.float64) for a in arrays]
        expected = jax.grad(loss(by_equation), (0, 1, 2))(*exact, EPS)
    # A float32 of 1e4 is right to 1e-3 of a deviation of 1, and so is its mean; those
    # by scale and bias are sums of 128.
    limits = (1e-6, 3e-5, 3e-5) if mean == 0 else (5e-3, 0.2, 0.2)
    for got, want, limit in zip(gradient, expected, limits, strict=True):
        np.testing.assert_allclose(got, want, atol=limit)


def test_mapped_axes_share_statistics():
    x, scale, bias = (jnp.asarray(a, jnp.float32) for a in inputs(6, 4, 3))

    def over_parts(x, scale, bias):
        def part(x):
            return normalized(x, scale, bias, EPS, "i")

        y, *statistics = jax.vmap(part, axis_name="i")(x)
        return y, *(s[0] for s in statistics)

    both = [
        (f(x, scale, bias), jax.grad(loss(f), (0, 1, 2))(x, scale, bias))
        for f in (over_parts, lambda *a: by_op(*a, EPS))
    ]
    chex.assert_trees_all_close(*both, atol=1e-5)
