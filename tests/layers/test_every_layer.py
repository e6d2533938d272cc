"""What holds for each layer alike: dtypes, derivatives, jit, vmap, batch axes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


ROW, SEQUENCE, IMAGE = normal(0, 3, 4), normal(0, 2, 6, 4), normal(0, 2, 5, 6, 4)
VOLUME = normal(0, 2, 3, 4, 3, 2)

# Layers with an input, or a carry and an input.
LAYERS = [
    (fnn.dense(3), SEQUENCE),
    (fnn.dense(3, use_bias=False), ROW),
    (fnn.conv(3, (3,), padding="CAUSAL", dilation=2), SEQUENCE),
    (fnn.conv(4, (3, 2), stride=2, groups=2), IMAGE),
    (fnn.conv(2, (3, 3), padding="CIRCULAR"), IMAGE),
    (fnn.conv(2, (3, 3), padding="REFLECT", stride=(1, 2)), IMAGE),
    (fnn.conv(2, (2, 2, 2), padding="VALID"), VOLUME),
    (fnn.max_pool((2, 2)), IMAGE),
    (fnn.max_pool((3, 3), stride=2, padding="SAME"), IMAGE),
    (fnn.avg_pool((3,), stride=1, padding="SAME", count_padding=False), SEQUENCE),
    (fnn.avg_pool((2, 2, 1)), VOLUME),
    (fnn.global_avg_pool(), IMAGE),
    (fnn.global_max_pool(2), IMAGE),
    (fnn.flatten(), IMAGE),
    (fnn.reshape((3, -1)), IMAGE),
    (fnn.layer_norm(), SEQUENCE),
    (fnn.layer_norm(axis=(-3, -2)), IMAGE),
    (fnn.rms_norm(), SEQUENCE),
    (fnn.batch_norm(), SEQUENCE),
    (fnn.dropout(0.5, broadcast=-2), SEQUENCE),
    (fnn.rnn_cell(3), None, ROW),
    (fnn.lstm_cell(3), None, ROW),
    (fnn.lstm_cell(3), {"cell": normal(1, 3, 3), "hidden": normal(2, 3, 3)}, ROW),
    (fnn.recurrent(fnn.rnn_cell(3)), SEQUENCE),
    (fnn.recurrent(fnn.lstm_cell(3), reverse=True, return_carry=True), SEQUENCE),
    (fnn.gru_cell(3), normal(1, 3, 3), ROW),
    (fnn.recurrent(fnn.gru_cell(3, use_bias=False)), SEQUENCE),
    (fnn.group_norm(2), SEQUENCE),
    (fnn.group_norm(2, space=2), IMAGE),
    (fnn.instance_norm(), IMAGE),
    (fnn.drop_path(0.5), SEQUENCE),
    (fnn.gaussian_noise(0.5), SEQUENCE),
    (fnn.conv_transpose(3, (3,), stride=2), SEQUENCE),
    (fnn.conv_transpose(4, (3, 2), stride=(1, 2), groups=2, padding="VALID"), IMAGE),
    (fnn.conv_transpose(2, (3, 3), padding="CIRCULAR"), IMAGE),
    (fnn.upsample((2, 3)), IMAGE),
    (fnn.upsample((2, 1), method="linear"), IMAGE),
    (fnn.upsample((2,), method="cubic"), SEQUENCE),
    (fnn.pixel_shuffle((2, 2)), IMAGE),
    (fnn.pixel_unshuffle((2,)), SEQUENCE),
    (fnn.adaptive_avg_pool((2, 3)), IMAGE),
    (fnn.adaptive_max_pool((2, 4)), IMAGE),
    (fnn.einsum("...n,nhd->...hd", {"h": 2, "d": 3}), SEQUENCE),
    (fnn.einsum("...gn,gnm->...gm", {"m": 3}), SEQUENCE),
    (fnn.bilinear(3), ROW, ROW[:, :2]),
    (fnn.separable_conv(3, (3, 2), stride=2, multiplier=2), IMAGE),
    (fnn.bidirectional(fnn.gru_cell(3)), SEQUENCE),
]
every_layer = pytest.mark.parametrize(
    "layer, inputs", [pytest.param(row[0], row[1:], id=repr(row[0])) for row in LAYERS]
)


def function_of(layer, inputs, train=True):
    """Params (none of them zero) and inputs, and the outputs as a function of both."""
    params, state = fnn.with_state(layer).init(jax.random.key(0), *inputs)
    params = jax.tree.map(lambda leaf: leaf + 0.1 * normal(3, *leaf.shape), params)

    def apply(params, *inputs):
        key = jax.random.key(1)
        options = {"key": key, "train": train}
        return fnn.with_state(layer).apply(params, state, *inputs, **options)[0]

    return apply, (params, *inputs)


def assert_close(a, b, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), a, b)


def directions(seed, tree):
    leaves, treedef = jax.tree.flatten(tree)
    return treedef.unflatten(
        [
            normal(seed + i, *leaf.shape).astype(leaf.dtype)
            for i, leaf in enumerate(leaves)
        ]
    )


def dot(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return sum(jnp.sum(x * y) for x, y in pairs)


@every_layer
def test_derivatives_of_first_and_second_order_agree_in_both_modes(layer, inputs):
    with jax.enable_x64(True):
        function, primals = function_of(layer, inputs)
        primals = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), primals)
        tangents = directions(5, primals)
        cotangents = directions(9, jax.eval_shape(function, *primals))

        def loss(primals):  # not linear in the outputs
            leaves = jax.tree.leaves(function(*primals))
            return sum(jnp.sum(jnp.sin(leaf)) for leaf in leaves)

        @jax.jit
        def values(primals):
            return function(*primals), jax.grad(loss)(primals)

        @jax.jit
        def forward_mode(primals):
            return jax.jvp(values, (primals,), (tangents,))[1]

        @jax.jit
        def reverse_mode(primals):
            def along(primals):
                return dot(jax.grad(loss)(primals), tangents)

            return jax.vjp(function, *primals)[1](cotangents), jax.grad(along)(primals)

        step = 1e-6
        up, down = (
            values(jax.tree.map(lambda p, t, h=h: p + h * t, primals, tangents))
            for h in (step, -step)
        )
        differences = jax.tree.map(lambda a, b: (a - b) / (2 * step), up, down)
        forward, reverse = forward_mode(primals), reverse_mode(primals)
        assert_close(forward, differences, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(
            dot(cotangents, forward[0]), dot(reverse[0], tangents), rtol=1e-9
        )
        assert_close(reverse[1], forward[1], rtol=1e-7, atol=1e-10)


@every_layer
@pytest.mark.parametrize("train", [False, True])
def test_jit_equals_eager_and_applying_twice_gives_the_same_bits(layer, inputs, train):
    function, primals = function_of(layer, inputs, train)
    outputs, again = function(*primals), function(*primals)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, outputs, again))
    assert_close(jax.jit(function)(*primals), outputs, rtol=1e-5, atol=1e-6)


@every_layer
def test_vmap_equals_a_loop(layer, inputs):
    function, (params, *inputs) = function_of(layer, inputs, train=False)
    several = jax.tree.map(lambda leaf: np.stack([leaf, leaf[::-1]]), inputs)
    outputs = jax.vmap(lambda inputs: function(params, *inputs))(several)
    for i in range(2):
        one = function(params, *jax.tree.map(lambda leaf, i=i: leaf[i], several))
        assert_close(
            jax.tree.map(lambda leaf, i=i: leaf[i], outputs), one, rtol=1e-5, atol=1e-6
        )


@every_layer
def test_bfloat16_stays_close_and_keeps_its_dtype(layer, inputs):
    function, primals = function_of(layer, inputs)
    exact = function(*primals)
    low = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), primals)
    outputs = function(*low)
    for leaf, other in zip(
        jax.tree.leaves(outputs), jax.tree.leaves(exact), strict=True
    ):
        assert leaf.dtype == jnp.bfloat16
        # 8 bits of mantissa, in sums of about a hundred values, through six steps.
        scale = float(jnp.abs(other).max())
        error = jnp.abs(leaf.astype(jnp.float32) - other).max()
        assert float(error) < 0.05 * scale


@every_layer
def test_shapes_are_enough_to_initialise(layer, inputs):
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), inputs)
    init = fnn.with_state(layer).init
    drawn = init(jax.random.key(0), *inputs)
    abstractly = init(jax.random.key(0), *shapes)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, drawn, abstractly))
    jitted = jax.jit(lambda key: init(key, *inputs))(jax.random.key(0))
    assert_close(jitted, drawn, rtol=1e-6)


@every_layer
def test_a_batch_may_be_empty(layer, inputs):
    function, (params, *inputs) = function_of(layer, inputs, train=False)
    full = function(params, *inputs)
    none = function(params, *jax.tree.map(lambda leaf: leaf[:0], inputs))
    expected = jax.tree.map(lambda leaf: (0, *leaf.shape[1:]), full)
    assert jax.tree.map(lambda leaf: leaf.shape, none) == expected


@every_layer
def test_numpy_in_jax_out(layer, inputs):
    function, primals = function_of(layer, inputs, train=False)
    leaves = jax.tree.leaves(function(*jax.tree.map(np.asarray, primals)))
    assert all(isinstance(leaf, jax.Array) for leaf in leaves)
    wide = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), primals)
    leaves = jax.tree.leaves(function(*wide))
    leaves += jax.tree.leaves(layer.init(jax.random.key(0), *wide[1:]))
    assert all(leaf.dtype == jnp.float32 for leaf in leaves)
