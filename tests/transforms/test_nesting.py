"""Every transform of every kind of layer, in each other, and under those of JAX.

Each is compared with `references`, where it is written out by hand.
"""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from tests.rounding import CPU
from tests.transforms.references import LAYERS, TRANSFORMS, X, itself, stack

# Those that leave the layer as it is, or are others with other options.
ONCE = (
    "repeat, remat",
    "remat, policy",
    "evaluating",
    "intercept",
    "map_parts",
    "transform",
    "with_state",
)
KINDS = [
    (name, kind)
    for name in TRANSFORMS
    for kind in LAYERS
    if (kind == "everything") == (name in ONCE)
]
NESTED = (
    "repeat",
    "ensemble",
    "remat",
    "mixed_precision",
    "freeze",
    "lora",
    "weight_norm",
    "spectral_norm",
    "drop_connect",
    "transform",
)


def both(layer, *names):
    """The layer in these transforms, the last innermost; and the same by hand."""
    net, by_hand = layer, itself(layer)
    for name in reversed(names):
        net = TRANSFORMS[name].wrap(net)
        by_hand = TRANSFORMS[name].by_hand(by_hand)
    return itself(net), by_hand


def drawn(shapes):
    """Arrays that `init` would not give, none of which is zero."""
    random = np.random.default_rng(0)

    def one(leaf):
        return jnp.asarray(random.uniform(0.5, 1.5, leaf.shape), leaf.dtype)

    return jax.tree.map(one, shapes)


def in_training(run, params, state, x):
    """Gradients by params and input, and the output and state beside them."""

    def loss(params, x):
        y, state_after = run(params, state, x, jax.random.key(1), True)
        return (y**2).sum() + y[0, 0], (y, state_after)

    return jax.grad(loss, (0, 1), has_aux=True)(params, x)


def assert_close(got, expected, names):
    chex.assert_trees_all_equal_shapes_and_dtypes(got, expected)
    # Sums of a few products, in bfloat16 of 8 bits each.
    rough = 0.05 if CPU else 0.1
    allowed = rough if "mixed_precision" in names else 1e-5
    for path, y in fnn.paths(got).items():
        exact = fnn.paths(expected)[path]
        error = np.abs(y - exact).max() / (np.abs(exact).max() + 1e-3)
        assert error < allowed, f"{path}: {error}"


@pytest.mark.parametrize("name, kind", KINDS)
def test_init_draws_what_the_layers_draw(name, kind):
    net, by_hand = both(LAYERS[kind], name)
    shapes = jax.eval_shape(net.init, jax.random.key(0))
    got = net.init(jax.random.key(0))
    expected = by_hand.init(jax.random.key(0))
    chex.assert_trees_all_equal_shapes_and_dtypes(shapes, got, expected)
    for y, known in zip(*map(jax.tree.leaves, (got, expected)), strict=True):
        y = np.where(np.isnan(known), known, y)  # what the transform draws itself
        np.testing.assert_allclose(y, known, rtol=1e-5, atol=1e-7)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(got))


@pytest.mark.parametrize("name, kind", KINDS)
def test_under_all_transforms_of_jax_at_once(name, kind):
    """`jit` of `shard_map` of `vmap` of `scan` of `grad`, against a loop."""
    net, by_hand = both(LAYERS[kind], name)
    params, state = drawn(jax.eval_shape(net.init, jax.random.key(0)))
    xs = jnp.stack([X, 2 * X, 1 - X, -X]).reshape(2, 2, *X.shape)  # batch, steps

    def over_steps(params, state, xs):
        def step(state, x):
            grads, (y, state) = in_training(net.run, params, state, x)
            return state, (grads, y)

        return jax.lax.scan(step, state, xs)

    mesh = jax.make_mesh((1,), ("data",))
    whole, data = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec("data")
    over_shards = jax.shard_map(
        jax.vmap(over_steps, (None, None, 0)),
        mesh=mesh,
        in_specs=(whole, whole, data),
        out_specs=data,
    )
    shards = jax.device_put(xs, jax.NamedSharding(mesh, data))
    last, (grads, ys) = jax.jit(over_shards)(params, state, shards)

    expected = []
    for steps in xs:
        after, outcomes = state, []
        for x in steps:
            grads_by_hand, (y, after) = in_training(by_hand.run, params, after, x)
            outcomes.append((grads_by_hand, y))
        expected.append((after, stack(outcomes)))
    assert_close((last, (grads, ys)), stack(expected), name)


@pytest.mark.parametrize("name, kind", KINDS)
def test_outside_of_training(name, kind):
    net, by_hand = both(LAYERS[kind], name)
    params, state = drawn(jax.eval_shape(net.init, jax.random.key(0)))
    y, after = net.run(params, state, X, None, False)
    chex.assert_trees_all_equal(after, state)
    assert_close(y, by_hand.run(params, state, X, None, False)[0], name)


@pytest.mark.parametrize("outer, inner", list(itertools.product(NESTED, NESTED)))
def test_transforms_of_transforms(outer, inner):
    net, by_hand = both(LAYERS["everything"], outer, inner)
    shapes = jax.eval_shape(net.init, jax.random.key(0))
    expected = jax.eval_shape(by_hand.init, jax.random.key(0))
    chex.assert_trees_all_equal_shapes_and_dtypes(shapes, expected)
    params, state = drawn(shapes)
    got, expected = (
        (
            in_training(each.run, params, state, X),
            each.run(params, state, X, None, False),
        )
        for each in (net, by_hand)
    )
    assert_close(got, expected, (outer, inner))


@pytest.mark.parametrize("inner", NESTED)
def test_merged_params_are_those_of_the_layer_that_lora_adapts(inner):
    layer = TRANSFORMS[inner].wrap(LAYERS["stateless"])
    net = TRANSFORMS["lora"].wrap(layer)
    params, state = drawn(jax.eval_shape(itself(net).init, jax.random.key(0)))
    y, _ = itself(net).run(params, state, X, None, False)
    merged = fnn.merge_lora(net, params)
    assert_close(itself(layer).run(merged, state, X, None, False)[0], y, inner)


def test_the_decoration_of_a_decoration():
    """Everything at once, as one would never write it."""
    names = [name for name in TRANSFORMS if name != "evaluating"]
    net, by_hand = both(LAYERS["everything"], *names)
    params, state = drawn(jax.eval_shape(net.init, jax.random.key(0)))
    y, after = jax.jit(net.run, static_argnums=4)(
        params, state, X, jax.random.key(1), True
    )
    expected = by_hand.run(params, state, X, jax.random.key(1), True)
    assert_close((y, after), expected, names)
