import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fnn.ops.writing import write

CACHE = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
X = -np.arange(1, 2 * 2 * 3 + 1, dtype=np.float32).reshape(2, 2, 3)


def by_slice(cache, x, start):
    return np.concatenate([cache[:, :start], x, cache[:, start + 2 :]], 1)


@pytest.mark.parametrize("start", [0, 2, 3])
def test_values_and_derivatives_are_those_of_a_slice(start):
    y, pull = jax.vjp(lambda cache, x: write(cache, x, start), CACHE, X)
    assert np.array_equal(y, by_slice(CACHE, X, start))
    _, dy = jax.jvp(lambda cache, x: write(cache, x, start), (CACHE, X), (-CACHE, X**2))
    assert np.array_equal(dy, by_slice(-CACHE, X**2, start))
    weights = CACHE + 1
    before, new = pull(weights)
    assert np.array_equal(before, by_slice(weights, 0 * X, start))
    assert np.array_equal(new, weights[:, start : start + 2])


def test_each_of_a_batch_starts_where_it_is():
    starts = jnp.array([1, 3])
    y = jax.vmap(write, (0, 0, 0))(CACHE, X, starts)
    for i, start in enumerate((1, 3)):
        assert np.array_equal(y[i], by_slice(CACHE[i : i + 1], X[i : i + 1], start)[0])
    y = jax.vmap(write, (None, 0, None))(CACHE[0], X, 2)
    assert np.array_equal(y, by_slice(np.stack([CACHE[0]] * 2), X, 2))


def copies(put):
    """How often a loop over steps copies the cache that it hands on and reads."""
    cache, ones = jnp.zeros((1, 2, 5, 3)), jnp.ones((1, 2, 1, 3))

    def step(cache, i):
        cache = put(cache, ones, i)
        return cache, jnp.einsum("bhtn,bhsn->bhts", ones, cache)

    run = jax.jit(lambda cache: lax.scan(step, cache, jnp.arange(5)))
    program = run.lower(cache).compile().as_text() or ""
    return program.count("f32[1,2,5,3]{3,2,1,0} copy(")


def test_a_loop_writes_into_the_cache_where_it_lies():
    plain = functools.partial(lax.dynamic_update_slice_in_dim, axis=2)
    with jax.default_device(jax.devices("cpu")[0]):
        assert copies(write) < copies(plain)
