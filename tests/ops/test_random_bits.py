"""Swift keys draw what plain ones draw, by another program on a CPU."""

import re
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fnn.ops.random_bits import _unrolled, swift

pytestmark = pytest.mark.same_key  # else keys are left as they are

SHAPES = [(), (5,), (3, 0), (4, 1), (7, 13), (2, 3, 4)]
DRAWS = {
    "bits": jax.random.bits,
    "bits of 16": lambda key, shape: jax.random.bits(key, shape, "uint16"),
    "uniform": jax.random.uniform,
    "normal": jax.random.normal,
    "gumbel": jax.random.gumbel,
    "bernoulli": lambda key, shape: jax.random.bernoulli(key, 0.3, shape),
    "categorical": lambda key, shape: jax.random.categorical(
        key, jnp.zeros((*shape, 5))
    ),
}


def unwrapped(keys):
    return np.asarray(jax.random.key_data(keys))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", DRAWS)
def test_draws_are_equal_to_the_bit(name, shape):
    draw, key = DRAWS[name], jax.random.key(7)

    def swiftly(key):
        return draw(swift(key), shape)

    expected = np.asarray(draw(key, shape))
    np.testing.assert_array_equal(swiftly(key), expected)
    np.testing.assert_array_equal(jax.jit(swiftly)(key), expected)
    keys = jax.random.split(key, 3)
    each = [draw(key, shape) for key in keys]
    np.testing.assert_array_equal(jax.vmap(swiftly)(keys), each)


def test_float64_is_drawn_of_64_bits():
    with jax.enable_x64(True):
        drawn = [jax.random.normal(f(jax.random.key(7)), (9,)) for f in (swift, id_)]
    assert drawn[0].dtype == np.float64
    np.testing.assert_array_equal(*drawn)


def id_(key):
    return key


def test_keys_that_are_derived_are_the_same():
    key = jax.random.key(7)
    pairs = [
        (jax.random.fold_in(key, 3), jax.random.fold_in(swift(key), 3)),
        (jax.random.split(key, 4), jax.random.split(swift(key), 4)),
        (jax.random.clone(key), jax.random.clone(swift(key))),
    ]
    for plain, fast in pairs:
        np.testing.assert_array_equal(unwrapped(fast), unwrapped(plain))
        assert fast.dtype != plain.dtype


def test_over_a_mesh():
    devices = np.asarray(jax.devices())
    shape, key = (len(devices) * 2, 5), jax.random.key(7)
    mesh = Mesh(devices, "data")
    sharding = NamedSharding(mesh, PartitionSpec("data"))
    drawn = jax.jit(
        lambda key: jax.random.bits(swift(key), shape), out_shardings=sharding
    )(key)
    np.testing.assert_array_equal(drawn, jax.random.bits(key, shape))


def test_other_keys_come_back_as_they_are():
    for impl in ("rbg", "unsafe_rbg"):
        key = jax.random.key(7, impl=impl)
        assert swift(key) is key
    key = jax.random.key(7)
    assert swift(key) is not key
    assert swift(swift(key)).dtype == swift(key).dtype
    with jax.threefry_partitionable(False):
        assert swift(key) is key
    with jax.debug_key_reuse(True):
        assert swift(key) is key


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_each_platform_has_its_form(platform):
    def operations(draw):
        traced = jax.jit(draw).trace(jax.random.key(7))
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        return Counter(re.findall(r"stablehlo\.(add|xor|or|shift_left|while)", text))

    def swiftly(key):
        return jax.random.bits(swift(key), (64,))

    def plainly(key):
        return jax.random.bits(key, (64,))

    def unrolled(key):
        return _unrolled(jax.random.key_data(key), (64,))

    here = unrolled if platform == "cpu" else plainly
    assert operations(swiftly) == operations(here)
    assert operations(unrolled) != operations(plainly)
