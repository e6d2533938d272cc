"""Zeroing at random, by halves of words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fnn.ops.dropping import LEVELS, dropped


def ones(*shape):
    return jnp.ones(shape, jnp.float32)


def expected(rate, shape):
    *first, last = shape
    words = jax.random.bits(jax.random.key(0), (*first, -(-last // 2)), np.uint32)
    level = min(np.round(rate * LEVELS), LEVELS - 1)
    kept = np.asarray(words).view(np.uint16)[..., :last] >= level
    return kept / (1 - level / LEVELS)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 7), (4, 1), (0, 3), (3, 0)])
@pytest.mark.parametrize("rate", [0.3, 1 / 3, 1e-9, 1 - 1e-9])
@pytest.mark.parametrize("watched", [False, True])  # by either form of random bits
def test_values(shape, rate, watched):
    with jax.debug_key_reuse(watched):
        y = dropped(ones(*shape), rate, jax.random.key(0), shape)
    np.testing.assert_allclose(y, expected(rate, shape), rtol=1e-6)


def test_a_scalar():
    keys = jax.random.split(jax.random.key(0), 64)
    y = jax.vmap(lambda key: dropped(ones(), 0.5, key, ()))(keys)
    assert set(y.tolist()) == {0.0, 2.0}


def test_every_half_has_the_rate_and_none_tells_of_another():
    zeroed = np.asarray(
        dropped(ones(500, 400), 0.3, jax.random.key(1), (500, 400)) == 0
    )
    left, right = zeroed[:, ::2], zeroed[:, 1::2]
    deviation = (0.3 * 0.7 / left.size) ** 0.5
    for half in (left, right):
        assert abs(half.mean() - 0.3) < 5 * deviation
    for one, other in (
        (left, right),
        (left[:, 1:], right[:, :-1]),
        (left[1:], left[:-1]),
    ):
        both = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(both) < 5 / one.size**0.5


def test_one_key_draws_the_same_eager_jitted_mapped_and_sharded():
    devices = len(jax.devices())
    x = ones(devices, 6, 3 * devices)

    def drop(x, rate):
        return dropped(x, rate, jax.random.key(0), x.shape)

    y = drop(x, 0.4)
    assert jnp.array_equal(jax.jit(lambda x: drop(x, 0.4))(x), y)
    assert jnp.array_equal(jax.jit(drop)(x, 0.4), y)
    assert jnp.array_equal(jax.vmap(drop, (0, None))(x[None], 0.4)[0], y)
    mesh = Mesh(jax.devices(), "i")
    for spec in (PartitionSpec("i"), PartitionSpec(None, None, "i")):
        apart = jax.device_put(x, NamedSharding(mesh, spec))
        assert jnp.array_equal(jax.jit(drop)(apart, 0.4), y)


def test_other_kinds_of_keys():
    y = dropped(ones(99), 0.5, jax.random.key(0, impl="rbg"), (99,))
    assert set(y.tolist()) == {0.0, 2.0}
    raw = dropped(ones(9), 0.5, jax.random.PRNGKey(0), (9,))
    assert jnp.array_equal(raw, dropped(ones(9), 0.5, jax.random.key(0), (9,)))


def test_a_traced_rate_has_the_derivative_of_what_it_scales():
    def f(rate):
        return jnp.sum(dropped(ones(20), rate, jax.random.key(0), (20,)))

    value, slope = jax.value_and_grad(f)(0.25)
    np.testing.assert_allclose(slope, value / 0.75, rtol=1e-6)
