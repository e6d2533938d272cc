import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.layers.multi_head_attention import attention
from fnn.layers.relative_positions import alibi, rotary
from tests.layers.attention_oracle import (
    LENGTHS,
    MEMORY,
    X,
    anything,
    causal,
    drawn,
    normal,
    oracle,
)

OPTIONS = [
    ({}, anything),
    ({"causal": True}, causal),
    ({"window": 1}, lambda b, h, t, s: abs(t - s) <= 1),
    ({"window": (2, 0)}, lambda b, h, t, s: t - 2 <= s <= t),
    ({"window": (0, 3)}, lambda b, h, t, s: t <= s <= t + 3),
    ({"causal": True, "window": 2}, lambda b, h, t, s: t - 2 <= s <= t),
]
MASK = np.random.default_rng(5).random((2, 4, 5, 5)) < 0.6
MASK[:, :, 1] = False  # a row that may attend to nothing


@pytest.mark.parametrize(
    "kv_heads, options, allowed",
    [(2, *row) for row in OPTIONS] + [(4, *OPTIONS[0]), (1, *OPTIONS[1])],
)
@pytest.mark.parametrize("implementation", [None, "xla"])
def test_values(kv_heads, options, allowed, implementation):
    options = {"kv_heads": kv_heads, "implementation": implementation, **options}
    layer = attention(6, 4, head_features=2, **options)
    params = drawn(layer, X)
    y = jax.jit(layer.apply)(params, X)
    assert y.dtype == jnp.float32
    expected = oracle(params, X, X, 4, kv_heads, allowed)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("implementation", [None, "xla"])
def test_masks_biases_and_lengths(implementation):
    layer = attention(6, 4, head_features=2, causal=True, implementation=implementation)
    params, bias = drawn(layer, X), normal(7, 2, 4, 5, 5)
    apply = jax.jit(layer.apply)
    check = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)

    def expected(allowed, bias=None):
        return oracle(params, X, X, 4, 4, allowed, bias)

    y = apply(params, X, mask=MASK, bias=bias)
    check(y, expected(lambda b, h, t, s: MASK[b, h, t, s] and s <= t, bias))
    check(y[:, 1], np.broadcast_to(params["out"]["bias"], (2, 6)))

    mask, bias = MASK[:, :1], bias[:1, :, :1]
    y = apply(params, X, mask=mask, bias=bias)
    every = np.broadcast_to(bias, (2, 4, 5, 5))
    check(y, expected(lambda b, h, t, s: mask[b, 0, t, s] and s <= t, every))

    y = apply(params, X, mask=mask[0, 0])
    check(y, expected(lambda b, h, t, s: mask[0, 0, t, s] and s <= t))

    y = apply(params, X, lengths=LENGTHS)
    padded = np.arange(5) >= LENGTHS[:, None]
    same = expected(lambda b, h, t, s: s <= t and s < LENGTHS[b])
    check(y, np.where(padded[..., None], 0, same))


@pytest.mark.parametrize("implementation", [None, "xla"])
def test_cross_attention(implementation):
    layer = attention(6, 2, cross=True, implementation=implementation)
    params, apply = drawn(layer, X, MEMORY), jax.jit(layer.apply)
    assert params["key"]["weight"].shape == (3, 6)
    y = apply(params, X, MEMORY)
    check = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)
    check(y, oracle(params, X, MEMORY, 2, 2, anything))

    mask, bias = MASK[:, :2, :, :4], normal(2, 2, 2, 5, 4)
    named = {"memory_mask": mask, "memory_bias": bias}
    named["memory_lengths"] = np.array([0, 3])
    y = apply(params, X, MEMORY, **named, lengths=LENGTHS)

    def allowed(b, h, t, s):
        return mask[b, h, t, s] and s < named["memory_lengths"][b]

    expected = oracle(params, X, MEMORY, 2, 2, allowed, bias)
    padded = np.arange(5) >= LENGTHS[:, None]
    check(y, np.where(padded[..., None], 0, expected))


def test_values_may_come_of_something_else():
    layer = attention(6, 2, cross=True)
    values = normal(4, 2, 5, 3)
    params = drawn(layer, X, X, values)
    y = layer.apply(params, X, X, values)
    own = attention(6, 2)
    twice = np.concatenate([X, values], -1)  # keys of the first six, values of others
    wide = jax.tree.map(jnp.array, params)
    wide["query"]["weight"] = jnp.pad(params["query"]["weight"], ((0, 3), (0, 0)))
    wide["key"]["weight"] = jnp.pad(params["key"]["weight"], ((0, 3), (0, 0)))
    wide["value"]["weight"] = jnp.pad(params["value"]["weight"], ((6, 0), (0, 0)))
    np.testing.assert_allclose(y, own.apply(wide, twice), rtol=1e-5, atol=1e-6)


def test_rotary_norms_and_position_bias():
    layer = attention(
        8,
        2,
        causal=True,
        rotary=functools.partial(rotary, base=100.0),
        qk_norm=fnn.rms_norm(),
        position_bias=alibi(2),
    )
    x = normal(0, 2, 5, 8)
    params = drawn(layer, x)

    def prepare(name, one, t):
        scale = np.asarray(params[f"{name}_norm"]["scale"], np.float64)
        one = one / np.sqrt((one**2).mean() + 1e-6) * scale
        turned = one.copy()
        for i in range(2):
            angle = t * 100.0 ** (-i / 2)
            a, b = one[i], one[i + 2]
            turned[i] = a * np.cos(angle) - b * np.sin(angle)
            turned[i + 2] = a * np.sin(angle) + b * np.cos(angle)
        return turned

    bias = np.zeros((2, 2, 5, 5))
    for h, t, s in np.ndindex(2, 5, 5):
        bias[:, h, t, s] = -(2.0 ** (-4 * (h + 1))) * (t - s)
    expected = oracle(params, x, x, 2, 2, causal, bias, prepare)
    np.testing.assert_allclose(layer.apply(params, x), expected, rtol=1e-5, atol=1e-5)


def test_positions_turn_each_step():
    layer = attention(8, 2, rotary=rotary)
    x = normal(0, 2, 5, 8)
    params, y = drawn(layer, x), layer.apply(drawn(layer, x), x)
    shifted = layer.apply(params, x, positions=jnp.arange(5) + 7)
    np.testing.assert_allclose(shifted, y, atol=1e-5)  # only distances matter
    order = np.array([[3, 1, 0, 4, 2], [0, 1, 2, 3, 4]])
    moved = layer.apply(params, x, positions=order)
    np.testing.assert_allclose(moved[1], y[1], atol=1e-5)
    sorted_x = x[0][np.argsort(order[0])]
    np.testing.assert_allclose(
        moved[0], layer.apply(params, sorted_x)[order[0]], atol=1e-5
    )


def test_a_layer_may_bias_by_distance():
    @fnn.constructor
    def near(heads):
        def init(key, distance):
            return {"slope": jnp.ones(heads)}

        def apply(params, distance):
            slope = jnp.broadcast_to(
                params["slope"][:, None, None], (heads, *distance.shape)
            )
            far = jnp.asarray(distance, jnp.float32)
            return slope * jnp.broadcast_to(far[None], slope.shape)

        return fnn.Layer(init, apply)

    layer = attention(6, 2, position_bias=near(2))
    params = drawn(layer, X)
    grads = jax.grad(lambda p: layer.apply(p, X)[0, 0, 0])(params)
    assert jnp.all(grads["position_bias"]["slope"] != 0)
    distance = np.arange(5)[None] - np.arange(5)[:, None]
    slope = np.asarray(params["position_bias"]["slope"])
    bias = np.broadcast_to(slope[:, None, None] * distance, (2, 2, 5, 5))
    rest = {n: p for n, p in params.items() if n != "position_bias"}
    y = attention(6, 2).apply(rest, X, bias=bias)
    np.testing.assert_allclose(layer.apply(params, X), y, rtol=1e-5, atol=1e-6)


def test_heads_that_share_keys_are_heads_with_equal_keys():
    grouped = attention(8, 4, kv_heads=2)
    x = normal(0, 2, 5, 8)
    params = drawn(grouped, x)

    def repeated(part):
        by_head = jax.tree.map(lambda a: a.reshape(*a.shape[:-1], 2, 2), part)
        return jax.tree.map(
            lambda a: jnp.repeat(a, 2, -2).reshape(*a.shape[:-2], 8), by_head
        )

    full = params | {n: repeated(params[n]) for n in ("key", "value")}
    np.testing.assert_allclose(
        grouped.apply(params, x), attention(8, 4).apply(full, x), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("options, allowed", OPTIONS)
def test_no_gradient_from_what_may_not_be_seen(options, allowed):
    layer = attention(6, 2, **options)
    params = drawn(layer, X)
    jacobian = jax.jit(jax.jacobian(lambda x: layer.apply(params, x).sum(-1)))(X[:1])
    reached = jnp.any(jacobian[0, :, 0] != 0, -1)
    expected = [[allowed(0, 0, t, s) for s in range(5)] for t in range(5)]
    assert jnp.array_equal(reached, np.array(expected))


def test_padding_changes_nothing():
    layer = attention(6, 2)
    params = drawn(layer, X)
    y = layer.apply(params, X, lengths=LENGTHS)
    other = np.where((np.arange(5) < LENGTHS[:, None])[..., None], X, 1e6)
    assert jnp.array_equal(layer.apply(params, other, lengths=LENGTHS), y)
    np.testing.assert_allclose(
        y[1, :2], layer.apply(params, X[1, :2]), rtol=1e-5, atol=1e-6
    )


def test_scale_is_that_of_the_queries():
    params, plain = drawn(attention(6, 2), X), attention(6, 2)
    double = params | {"query": jax.tree.map(lambda leaf: 2 * leaf, params["query"])}
    y = attention(6, 2, scale=2 * 3**-0.5).apply(params, X)
    np.testing.assert_allclose(y, plain.apply(double, X), rtol=1e-5, atol=1e-6)


def test_dropout_of_weights_keeps_the_expectation():
    layer, none = attention(6, 2, dropout=0.5), attention(6, 2)
    params = drawn(layer, X)
    assert jax.tree.structure(params) == jax.tree.structure(drawn(none, X))
    assert jnp.array_equal(layer.apply(params, X), none.apply(params, X))
    keys = jax.random.split(jax.random.key(0), 4000)
    apply = functools.partial(layer.apply, params, X, train=True)
    y = jax.jit(jax.vmap(lambda key: apply(key=key)))(keys)
    assert jnp.any(y[0] != y[1])
    error = y.std(0) / np.sqrt(len(keys))
    assert jnp.all(jnp.abs(y.mean(0) - none.apply(params, X)) < 5 * error)
    captured = fnn.capture(layer, "weights")
    _, found = captured.apply(params, X, key=jax.random.key(0), train=True)
    dropped = found["weights"] == 0
    assert 0.3 < float(dropped.mean()) < 0.7


def test_weights_can_be_captured_and_changed():
    layer = attention(6, 2, causal=True)
    params = drawn(layer, X)
    y, found = fnn.capture(layer, "weights").apply(params, X)
    assert found["weights"].shape == (2, 2, 5, 5)
    np.testing.assert_allclose(found["weights"].sum(-1), 1, rtol=1e-6)
    off = fnn.intercept(layer, "weights", jnp.zeros_like).apply(params, X)
    assert jnp.array_equal(off, jnp.broadcast_to(params["out"]["bias"], y.shape))


def test_parts_can_be_replaced():
    layer = attention(6, 2)
    changed = fnn.replace(layer, {"query": fnn.dense(6, use_bias=False)})
    params = changed.init(jax.random.key(0), X)
    assert set(params["query"]) == {"weight"}
    assert repr(changed).startswith("attention(query=dense(6, use_bias=False)")
    again = fnn.replace(attention(6, 2), {"query": fnn.dense(6, use_bias=False)})
    assert pickle.loads(pickle.dumps(changed)) == again == changed
    assert hash(again) == hash(changed)


def test_inits_and_dtypes():
    ones = jax.nn.initializers.ones
    layer = attention(
        6, 2, weight_init=ones, out_init=jax.nn.initializers.zeros, bias_init=ones
    )
    params = layer.init(jax.random.key(0), X)
    assert float(params["value"]["weight"].min()) == 1
    assert not params["out"]["weight"].any()
    assert float(params["query"]["bias"].min()) == 1
    params = attention(6, 2, use_bias=False, param_dtype=jnp.bfloat16).init(
        jax.random.key(0), X
    )
    leaves = fnn.paths(params)
    assert leaves.keys() == {f"{n}/weight" for n in ("query", "key", "value", "out")}
    assert {leaf.dtype for leaf in leaves.values()} == {jnp.dtype("bfloat16")}


def test_attention_keeps_no_more_than_it_must_of_batch_axes():
    layer = attention(6, 2, causal=True)
    params = drawn(layer, X)
    y = layer.apply(params, X)
    several = X.reshape(1, 2, 1, 5, 6)
    np.testing.assert_allclose(
        layer.apply(params, several)[0, :, 0], y, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(layer.apply(params, X[0]), y[0], rtol=1e-5, atol=1e-6)
    assert layer.apply(params, X[:, :0]).shape == (2, 0, 6)
    assert layer.apply(params, X[:0]).shape == (0, 5, 6)
    with_lengths = functools.partial(layer.apply, params, lengths=np.zeros(2, np.int32))
    assert not with_lengths(X).any()
