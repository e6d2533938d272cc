"""Eager draws are those of jitted functions, and compile nothing for a shape."""

import functools
import os
import subprocess
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry2x32_p
from jax.nn import initializers

import fnn
from fnn.ops import drawing, elementwise
from fnn.ops.drawing import drawn
from tests.compiling import programs_compiled
from tests.rounding import OF_DRAWS

# Where keys are checked, each draw is left to JAX: `test_keys_are_still_checked`.
pytestmark = pytest.mark.same_key

CHUNK = 8
KEY = jax.random.key(7)
X = jnp.ones((2, 4))


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(elementwise, "CHUNK", CHUNK)
    monkeypatch.setattr(elementwise, "AHEAD", 2)


@pytest.fixture
def left_to_jax(monkeypatch):
    """The names of the operations that JAX computed."""
    names, by_jax = [], drawing.by_jax

    def recorded(eqn, operands):
        names.append(eqn.params.get("name", eqn.primitive.name))
        return by_jax(eqn, operands)

    monkeypatch.setattr(drawing, "by_jax", recorded)
    return names


ROUNDING = OF_DRAWS or 3e-7


def same(found, wanted):
    chex.assert_trees_all_equal_shapes_and_dtypes(found, wanted)
    chex.assert_trees_all_close(found, wanted, rtol=OF_DRAWS, atol=0)
    alike(found, wanted)


def alike(found, wanted):
    weak = [[a.weak_type for a in jax.tree.leaves(t)] for t in (found, wanted)]
    assert weak[0] == weak[1]


def rounded(found, wanted):
    """Alike to the last bit: over a short last axis, XLA may round it otherwise.

    In JAX 0.12 so differ the same numbers drawn flat and in five axes.
    """
    chex.assert_trees_all_equal_shapes_and_dtypes(found, wanted)
    chex.assert_trees_all_close(found, wanted, rtol=ROUNDING)
    alike(found, wanted)


# --------------------------------------------------------------------------- their bits
FLAT = ((), (0,), (1,), (CHUNK - 1,), (CHUNK,), (CHUNK + 1,), (2, 0, 3))
FANS = ((1, 1), (1, CHUNK - 1), (CHUNK, 1), (3, 3), (5, 9))
SCALING = initializers.variance_scaling
DRAWS = {
    "zeros": (initializers.zeros, FLAT),
    "ones": (initializers.ones, FLAT),
    "constant": (initializers.constant(-0.3), FLAT),
    "uniform": (initializers.uniform(0.3), FLAT),
    "normal": (initializers.normal(0.02), FLAT),
    "truncated_normal": (initializers.truncated_normal(0.1, lower=-1, upper=3), FLAT),
    "lecun_normal": (initializers.lecun_normal(), FANS),
    "he_uniform": (initializers.he_uniform(), FANS),
    "fan_out": (SCALING(0.7, "fan_out", "truncated_normal"), FANS),
    "fan_avg": (SCALING(0.7, "fan_avg", "normal"), FANS),
    "fan_geo_avg": (SCALING(0.7, "fan_geo_avg", "uniform", 0, 1), FANS),
}


@pytest.mark.parametrize("name", DRAWS)
def test_bits(name, left_to_jax):
    initializer, shapes = DRAWS[name]

    def draw(key):
        return [initializer(key, shape, jnp.float32) for shape in shapes]

    same(drawn(draw, KEY), jax.jit(draw)(KEY))
    assert not left_to_jax


@pytest.mark.parametrize("name", ["normal", "lecun_normal", "fan_geo_avg"])
def test_more_axes(name):
    draw = functools.partial(DRAWS[name][0], shape=(2, 3, 1, 4, 5), dtype=jnp.float32)
    rounded(drawn(draw, KEY), jax.jit(draw)(KEY))


def test_bits_are_those_of_eager_draws():
    for name in ("uniform", "truncated_normal"):
        draw = functools.partial(DRAWS[name][0], shape=(5, 9), dtype=jnp.float32)
        same(drawn(draw, KEY), draw(KEY))


def test_bits_of_other_draws(left_to_jax):
    def draw(key):
        a, b, *more = jax.random.split(key, 5)
        noise = jax.random.gumbel(a, (3, 7))
        twice = noise + jnp.exp(jax.random.exponential(b, (3, 7)))
        coins = jax.random.bernoulli(more[0], 0.3, (2, 9))
        chosen = jnp.where(coins, -1.0, jax.random.laplace(more[1], (2, 9)))
        once = jax.random.normal(jax.random.wrap_key_data(jnp.uint32([3, 4])), (1, 1))
        grid = jnp.broadcast_to(jax.random.uniform(more[2], (3,)), (2, 3))
        return twice, chosen.reshape(3, 6), once.reshape(()), grid

    rounded(drawn(draw, KEY), jax.jit(draw)(KEY))
    assert left_to_jax == ["broadcast_in_dim"]


def test_words_are_those_of_threefry():
    words, high, low = np.random.default_rng(0).integers(0, 2**32, (3, 9), np.uint32)
    wanted = threefry2x32_p.bind(words[0], words[1], high, low)
    same(tuple(map(jnp.asarray, elementwise.threefry(words, high, low))), (*wanted,))


def test_places_past_those_of_one_word():
    words = np.array([3, 4], np.uint32)
    step = elementwise.step(None, [words])
    program, arrays = elementwise.programmed(step)
    start = np.array(divmod(2**33 - 3, 2**32), np.uint32)
    bits = elementwise.compiled(program, 5)(start, *arrays)
    places = np.arange(2**33 - 3, 2**33 + 2)
    high, low = (n.astype(np.uint32) for n in divmod(places, 2**32))
    a, b = elementwise.threefry(words, high, low)
    assert np.array_equal(bits, a ^ b)


# ------------------------------------------------------------------------------- models
def low(key, shape, dtype):
    """Draws of 16 bits."""
    return jax.random.normal(key, shape, jnp.bfloat16).astype(dtype)


TOKENS, IMAGES = jnp.ones((1, 4), jnp.int32), jnp.ones((1, 8, 8, 3))
DENSE = fnn.sequential(fnn.dense(5), jnp.tanh, fnn.dense(3, param_dtype=jnp.bfloat16))
GRU = fnn.gru_cell(3, recurrent_init=initializers.glorot_normal())
NETS = {
    "dense": (DENSE, X),
    "repeat": (fnn.repeat(fnn.sequential(fnn.dense(4), fnn.batch_norm()), 3), X),
    "ensemble": (fnn.ensemble(fnn.repeat(fnn.dense(4), 2), 3), X),
    "lora": (fnn.lora(fnn.repeat(fnn.dense(4), 3), 2), X),
    "gru": (fnn.recurrent(GRU), jnp.ones((2, 3, 4))),
    "resnet": (fnn.models.resnet(3, depth=8, cifar=True, features=2), IMAGES),
    "gpt": (fnn.models.gpt(9, length=4, features=4, heads=2, layers=2), TOKENS),
}


@pytest.mark.parametrize("name", NETS)
def test_eager_init_is_jitted_init(name, left_to_jax):
    net, x = NETS[name]
    rounded(net.init(KEY, x), jax.jit(net.init)(KEY, x))
    assert set(left_to_jax) <= {"scatter-add"}  # of a bias that is one for a gate


def test_weight_norm_draws_the_weights_of_the_layer():
    # Sums over a column are rounded otherwise where they are compiled with the draw.
    params = fnn.weight_norm(DENSE).init(KEY, X)
    plain = DENSE.init(KEY, X)
    same(params[0]["weight"]["direction"], plain[0]["weight"])
    wanted = np.linalg.norm(plain[0]["weight"], axis=0)
    np.testing.assert_allclose(params[0]["weight"]["scale"], wanted, rtol=1e-6)


def test_shapes_are_not_compiled_for():
    widths = (3, 4, 5, 6, 7, 11, 13)
    net = fnn.sequential(*map(fnn.dense, widths), fnn.repeat(fnn.dense(13), 3))
    elementwise.compiled.cache_clear()
    jax.clear_caches()
    with programs_compiled() as programs:
        net.init(KEY, X)
    assert len(programs) == 1


# ---------------------------------------------------------------------- what is no draw
def products(key, shape, dtype):
    a, b = jax.random.split(key)
    square = jax.random.normal(a, (shape[0], shape[0]), dtype)
    return square @ jax.random.uniform(b, shape, dtype)


def of_many_keys(key, shape, dtype):
    keys = jax.random.split(key, shape[0])
    return jax.vmap(lambda k: jax.random.normal(k, shape[1:], dtype))(keys)


def of_rbg(key, shape, dtype):
    other = jax.random.key(jax.random.bits(key, ()), impl="rbg")
    return jax.random.normal(jax.random.split(other)[1], shape, dtype)


def by_turns(key, shape, dtype):
    steps = jax.random.normal(key, shape, dtype)
    return jax.lax.scan(lambda c, x: (c + x, c), jnp.zeros(shape[1:], dtype), steps)[1]


def old_generator(key, shape, dtype):
    with jax.threefry_partitionable(False):
        a, b = jax.random.split(key)
        return jax.random.uniform(jax.random.fold_in(a, 3), shape, dtype) + (
            jax.random.uniform(b, shape, dtype)
        )


OTHERS = {
    "orthogonal": (initializers.orthogonal(), "_orthogonal"),
    "products": (products, "dot_general"),
    "of_many_keys": (of_many_keys, "_normal"),
    "of_rbg": (of_rbg, "random_seed"),
    "by_turns": (by_turns, "scan"),
    "old_generator": (old_generator, "random_split"),
    "low": (low, "_normal"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_draw_is_left_to_jax(name, left_to_jax):
    initializer, operation = OTHERS[name]
    draw = functools.partial(initializer, shape=(4, 5), dtype=jnp.float32)
    found = drawn(draw, KEY)
    np.testing.assert_allclose(found, draw(KEY), rtol=1e-6)
    assert operation in left_to_jax


@pytest.mark.parametrize("dtype", ["float64", "float16", "complex64", "int32"])
def test_other_dtypes(dtype):
    with jax.enable_x64(True):
        if dtype == "int32":
            draw = functools.partial(jax.random.randint, shape=(3, 4), minval=-9)
            draw = functools.partial(draw, maxval=9, dtype=dtype)
        else:
            draw = functools.partial(DRAWS["lecun_normal"][0], dtype=dtype)
            draw = functools.partial(draw, shape=(3, 4))
        found, wanted = drawn(draw, KEY), draw(KEY)
    assert found.dtype == wanted.dtype == dtype
    # The sine of a complex exponential is another one inside a program.
    tolerance = 1e-6 if dtype == "complex64" else 0
    np.testing.assert_allclose(found, wanted, rtol=tolerance)


@pytest.mark.parametrize("impl", ["rbg", "unsafe_rbg"])
def test_other_generators(impl):
    key = jax.random.key(3, impl=impl)
    draw = functools.partial(DRAWS["normal"][0], shape=(3, 4), dtype=jnp.float32)
    same(drawn(draw, key), draw(key))


def test_raw_keys():
    same(DENSE.init(jax.random.PRNGKey(3), X), DENSE.init(jax.random.key(3), X))


def test_keys_and_weak_types_are_returned_as_they_are():
    def draw(key):
        one, two = jax.random.split(key)
        return {"key": one, "many": jax.random.split(two, (2, 3)), "none": ()}

    found, wanted = drawn(draw, KEY), draw(KEY)
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    same(*(jax.tree.map(jax.random.key_data, tree) for tree in (found, wanted)))
    same(drawn(lambda key: jnp.asarray(2.0) * 3, KEY), jnp.asarray(2.0) * 3)


# ---------------------------------------------------------------------- where it is run
def test_under_transforms_it_is_traced():
    def init(_):
        return DENSE.init(KEY, X)  # of a key that is known

    traced = str(jax.make_jaxpr(init)(0.0))
    assert traced.count("random_bits") == 2
    same(jax.jit(init)(0.0), init(0.0))
    chex.assert_trees_all_equal_shapes_and_dtypes(jax.eval_shape(init, 0.0), init(0.0))
    many = jax.vmap(init, axis_size=2)(jnp.zeros(2))
    same(jax.tree.map(lambda a: a[1], many), init(0.0))


def test_what_is_closed_over_may_be_traced():
    def loss(size):
        def draw(key):
            return size * jax.random.normal(key, (3,))

        return jnp.sum(drawn(draw, KEY))

    wanted = jnp.sum(jax.random.normal(KEY, (3,)))
    np.testing.assert_allclose(jax.grad(loss)(2.0), wanted, rtol=1e-6)
    found = jax.vmap(loss)(jnp.arange(3.0))
    np.testing.assert_allclose(found, wanted * np.arange(3.0), rtol=1e-6)


def test_keys_are_still_checked():
    layer = fnn.Layer(
        lambda key, x: {"bias": jax.random.normal(key, x.shape[-1:])},
        lambda params, x: x * params["bias"][0],
    )
    key = jax.random.key(3)
    with jax.debug_key_reuse(True):
        layer.init(key, X)
        with pytest.raises(jax.errors.KeyReuseError):
            layer.init(key, X)


def test_an_initialiser_is_called_once_and_its_effects_are_seen():
    calls, seen = [], []

    def initializer(key, shape, dtype):
        calls.append(shape)
        jax.debug.callback(seen.append, shape[0])
        return jax.random.normal(key, shape, dtype)

    net = fnn.sequential(fnn.dense(3, weight_init=initializer))
    for _ in range(2):
        calls.clear()
        seen.clear()
        net.init(KEY, X)
        jax.effects_barrier()
        assert calls == [(4, 3)] and seen == [4]


def test_wrong_shapes_and_failures_of_initialisers():
    def transposed(key, shape, dtype):
        return jnp.zeros(shape[::-1], dtype)

    def failing(key, shape, dtype):
        raise ValueError("no weights today.")

    message = r"^dense: expected weight_init to draw an array of shape \(4, 3\), "
    with pytest.raises(ValueError, match=message + r"got float32\[3, 4\]\."):
        fnn.dense(3, weight_init=transposed).init(KEY, X)
    with pytest.raises(ValueError, match=r"^no weights today\."):
        fnn.dense(3, weight_init=failing).init(KEY, X)


# ---------------------------------------------------------------------- several devices
DEVICES = """
import jax, jax.numpy as jnp, numpy as np, fnn
from jax.sharding import NamedSharding, PartitionSpec

jax.config.update("jax_num_cpu_devices", 2)
one, two = jax.devices()
layer, x, key = fnn.dense(4), jnp.ones((1, 6)), jax.random.key(3)
params = layer.init(key, x)
assert params["weight"].devices() == {one} and not params["weight"].committed
with jax.default_device(two):
    there = layer.init(key, x)
assert there["weight"].devices() == {two} and not there["weight"].committed
kept = layer.init(jax.device_put(key, two), x)
assert kept["weight"].devices() == {two} and kept["weight"].committed
mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
rows = NamedSharding(mesh, PartitionSpec("data"))
everywhere = NamedSharding(mesh, PartitionSpec())
shardings = {"weight": rows, "bias": everywhere}
sharded = jax.jit(layer.init, out_shardings=shardings)(key, x)
assert sharded["weight"].sharding == rows
for other in (there, kept, sharded):
    jax.tree.map(np.testing.assert_array_equal, other, params)
with jax.set_mesh(mesh):
    jax.tree.map(np.testing.assert_array_equal, layer.init(key, x), params)
"""


def test_devices_and_shards():
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}  # which can be two
    subprocess.run([sys.executable, "-c", DEVICES], check=True, env=environment)
