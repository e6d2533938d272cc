"""Swift keys draw what plain ones draw, by another program on a CPU."""

import os
import re
import subprocess
import sys
from collections import Counter

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
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


DEVICES = """
import jax, jax.numpy as jnp, numpy as np, fnn
from jax.sharding import PartitionSpec
from fnn.ops.random_bits import swift

jax.config.update("jax_num_cpu_devices", 2)
mesh, key = jax.make_mesh((2,), ("data",)), jax.random.key(7)
rows = jax.NamedSharding(mesh, PartitionSpec("data"))
draw = jax.jit(lambda key: jax.random.bits(swift(key), (4, 5)), out_shardings=rows)
drawn = draw(key)
np.testing.assert_array_equal(drawn, jax.random.bits(key, (4, 5)))

drop, keys = fnn.dropout(0.5), jax.random.split(key, 2)
def loss(x, keys):
    return jnp.sum(drop.apply((), x, key=keys[0], train=True) ** 2)
slope = jax.grad(loss)
along = PartitionSpec("data")
apart = jax.shard_map(slope, mesh=mesh, in_specs=(along, along), out_specs=along)
x = jnp.ones((4, 50))
found = np.asarray(jax.jit(apart)(*jax.device_put((x, keys), rows)))
np.testing.assert_array_equal(found[:2], slope(x[:2], keys[:1]))
np.testing.assert_array_equal(found[2:], slope(x[2:], keys[1:]))
assert set(np.unique(found)) == {0, 8}
"""


def test_over_a_mesh():
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}  # which can be two
    subprocess.run([sys.executable, "-c", DEVICES], check=True, env=environment)


def test_in_loops_with_gradients_and_what_is_computed_again():
    """The same by JAX's own bits, to which keys are left where they are watched."""
    drop = fnn.remat(fnn.sequential(fnn.dropout(0.4), fnn.gaussian_noise(0.1)))
    x = jnp.linspace(-1, 1, 35).reshape(5, 7)

    def loss(x, keys):
        def step(x, key):
            return drop.apply(((), ()), x, key=key, train=True), None

        return jnp.sum(jax.lax.scan(step, x, keys)[0] ** 2)

    found = []
    for watched in (False, True):
        with jax.debug_key_reuse(watched):
            keys = jax.random.split(jax.random.key(7), 3)
            found.append(jax.jit(jax.value_and_grad(loss))(x, keys))
    jax.tree.map(np.testing.assert_array_equal, *found)


def test_exported_with_lengths_that_are_not_known():
    key = jax.random.key(7)
    x = jax.ShapeDtypeStruct(jax.export.symbolic_shape("b, 3"), jnp.float32)
    noise = jax.jit(lambda x, key: jax.random.normal(swift(key), x.shape))
    exported = jax.export.export(noise)(x, jax.ShapeDtypeStruct((), key.dtype))
    found = exported.call(jnp.ones((4, 3)), key)
    np.testing.assert_allclose(found, jax.random.normal(key, (4, 3)), rtol=1e-6)


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
