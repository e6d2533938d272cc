import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.layers.experts import mixture_of_experts
from fnn.layers.multi_head_attention import attention
from fnn.layers.transformers import feed_forward, transformer_block


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X = normal(0, 2, 6, 4)
expert = feed_forward(3, hidden=5, activation=jnp.tanh)


def drawn(layer, x=X):
    params = layer.init(jax.random.key(0), x)
    return jax.tree.map(lambda leaf: leaf + normal(3, *leaf.shape), params)


def oracle(params, x, n, top, capacity=None, normalise=None, lengths=None):
    """A step at a time, in float64."""
    params = jax.tree.map(lambda a: np.asarray(a, np.float64), params)
    steps = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    valid = np.ones(len(steps), bool)
    if lengths is not None:
        valid = (np.arange(x.shape[-2]) < lengths[:, None]).ravel()
    logits = steps @ params["router"]["weight"]
    probabilities = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities /= probabilities.sum(-1, keepdims=True)
    chosen = np.argsort(-probabilities, -1)[:, :top]
    room = len(steps)
    if capacity is not None:
        room = int(np.ceil(capacity * len(steps) * top / n))
    y, taken = np.zeros((len(steps), 3)), np.zeros(n, int)
    for choice in range(top):
        for t in np.flatnonzero(valid):
            e = chosen[t, choice]
            taken[e] += 1
            if taken[e] > room:
                continue
            gate = probabilities[t, e]
            if normalise if normalise is not None else top > 1:
                gate /= probabilities[t, chosen[t]].sum()
            up, down = params["experts"]["up"], params["experts"]["down"]
            hidden = np.tanh(steps[t] @ up["weight"][e] + up["bias"][e])
            y[t] += gate * (hidden @ down["weight"][e] + down["bias"][e])
    share = taken / taken.sum()
    balance = n * share @ probabilities[valid].mean(0)
    return y.reshape(*x.shape[:-1], 3), balance


@pytest.mark.parametrize(
    "options",
    [
        {"n": 4, "top": 2},
        {"n": 3, "top": 1},
        {"n": 3, "top": 3, "normalise": False},
        {"n": 4, "top": 2, "capacity": 0.5},
        {"n": 4, "top": 1, "capacity": 1.0, "normalise": True},
    ],
)
def test_values(options):
    layer = mixture_of_experts(expert, **options)
    params = drawn(layer)
    y, balance = layer.apply(params, X)
    expected, even = oracle(params, X, **options)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(balance, even, rtol=1e-5)
    assert y.dtype == balance.dtype == jnp.float32 and balance.shape == ()


@pytest.mark.parametrize("capacity", [None, 0.5])
def test_padding_goes_to_no_expert(capacity):
    layer = mixture_of_experts(expert, 4, capacity=capacity)
    params, lengths = drawn(layer), np.array([4, 1])
    y, balance = layer.apply(params, X, lengths=lengths)
    expected, even = oracle(params, X, 4, 2, capacity, lengths=lengths)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(balance, even, rtol=1e-5)
    other = np.where((np.arange(6) < lengths[:, None])[..., None], X, 7.0)
    again = layer.apply(params, other.astype(np.float32), lengths=lengths)
    assert jnp.array_equal(again[0], y) and again[1] == balance


def test_room_for_all_is_as_without_capacity():
    free, bounded = (
        mixture_of_experts(expert, 4, top=2, capacity=c) for c in (None, 2.0)
    )
    params = drawn(free)
    np.testing.assert_allclose(
        free.apply(params, X)[0], bounded.apply(params, X)[0], rtol=1e-5, atol=1e-6
    )


def test_balance_is_one_where_even_and_n_where_not():
    layer = mixture_of_experts(expert, 4, top=1)
    x = 100 * np.eye(4, dtype=np.float32)
    params = drawn(layer, x)
    even = params | {"router": {"weight": jnp.eye(4)}}
    np.testing.assert_allclose(layer.apply(even, x)[1], 1, rtol=1e-6)
    one = params | {"router": {"weight": jnp.zeros((4, 4)).at[:, 2].set(1.0)}}
    np.testing.assert_allclose(layer.apply(one, x)[1], 4, rtol=1e-6)
    step = jax.grad(lambda p: layer.apply(p, x)[1])(params)["router"]["weight"]
    less = params | {"router": {"weight": params["router"]["weight"] - 1e-4 * step}}
    assert layer.apply(less, x)[1] < layer.apply(params, x)[1]


@pytest.mark.parametrize("capacity", [None, 0.5])
def test_derivatives_in_both_modes_and_of_second_order(capacity):
    layer = mixture_of_experts(expert, 4, capacity=capacity)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), drawn(layer))
        x, direction = (jnp.asarray(a, jnp.float64) for a in (X, normal(5, *X.shape)))

        def loss(x):
            y, balance = layer.apply(params, x)
            return jnp.sum(jnp.sin(y)) + balance

        @jax.jit
        def values(x):
            return loss(x), jnp.vdot(jax.grad(loss)(x), direction)

        @jax.jit
        def derivatives(x):
            forward = jax.jvp(values, (x,), (direction,))[1]
            return *forward, jnp.vdot(jax.grad(lambda x: values(x)[1])(x), direction)

        step = 1e-6
        up, down = values(x + step * direction), values(x - step * direction)
        slope, curvature = ((a - b) / (2 * step) for a, b in zip(up, down, strict=True))
        forward, second, reverse = derivatives(x)
        np.testing.assert_allclose(forward, slope, rtol=1e-6)
        np.testing.assert_allclose(values(x)[1], forward, rtol=1e-11)
        np.testing.assert_allclose(second, curvature, rtol=1e-5)
        np.testing.assert_allclose(reverse, second, rtol=1e-9)


def test_an_expert_learns_from_its_own_steps_alone():
    layer = mixture_of_experts(expert, 4, top=1)
    params = drawn(layer)
    used = set(jnp.argmax(X[0] @ params["router"]["weight"], -1).tolist())
    grads = jax.grad(lambda p: layer.apply(p, X[0])[0].sum())(params)
    reached = grads["experts"]["down"]["bias"].any(-1)
    assert {e for e in range(4) if reached[e]} == used != set(range(4))
    assert grads["router"]["weight"].any()  # by the gate


def test_experts_are_drawn_apart_and_may_draw():
    layer = mixture_of_experts(feed_forward(4, dropout=0.5), 3, top=3)
    params = layer.init(jax.random.key(0), X)
    up = params["experts"]["up"]["weight"]
    assert up.shape == (3, 4, 16) and jnp.any(up[0] != up[1])
    apply = functools.partial(layer.apply, params, X, train=True)
    y, other = apply(key=jax.random.key(0))[0], apply(key=jax.random.key(1))[0]
    assert jnp.any(y != other)


def test_a_block_of_experts_in_repeat():
    mixture = mixture_of_experts(feed_forward(4), 3)
    apart = transformer_block(attention(4, 2), mixture)
    y, balance = apart.apply(drawn(apart), X)
    assert y.shape == X.shape and balance.shape == ()
    first = fnn.sequential(mixture, lambda outputs: outputs[0])
    net = fnn.repeat(transformer_block(attention(4, 2), first), 2)
    params = drawn(net)
    y, found = fnn.capture(net, "**/balance").apply(params, X)
    assert jax.tree.map(jnp.shape, found) == {"feed_forward/0/balance": (2,)}
    np.testing.assert_allclose(y, net.apply(params, X), rtol=1e-5, atol=1e-6)


def test_dtypes_and_batches():
    layer = mixture_of_experts(expert, 4)
    params = drawn(layer)
    low = jax.tree.map(lambda a: jnp.asarray(a, jnp.bfloat16), (params, X))
    y, balance = layer.apply(*low)
    assert y.dtype == jnp.bfloat16 and balance.dtype == jnp.float32
    flat = layer.apply(params, X.reshape(12, 4))[0].reshape(2, 6, 3)
    np.testing.assert_allclose(flat, layer.apply(params, X)[0], rtol=1e-5, atol=1e-6)
    assert layer.apply(params, X[0, 0])[0].shape == (3,)
    assert layer.apply(params, X[:0])[0].shape == (0, 6, 3)
    bounded = mixture_of_experts(expert, 4, capacity=1.0)
    assert bounded.apply(params, X[:0])[0].shape == (0, 6, 3)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: mixture_of_experts(feed_forward, 4),
            TypeError,
            "mixture_of_experts, expert: expected a layer or a function of arrays, got "
            "the constructor feed_forward; call it, feed_forward(...).",
        ),
        (
            lambda: mixture_of_experts(expert, 0),
            ValueError,
            "mixture_of_experts: expected n of at least 1, got 0.",
        ),
        (
            lambda: mixture_of_experts(expert, 4, top=5),
            ValueError,
            "mixture_of_experts: expected top of at most n = 4, got 5.",
        ),
        (
            lambda: mixture_of_experts(expert, 4, capacity=0.0),
            ValueError,
            "mixture_of_experts: expected capacity above 0, got 0.0.",
        ),
        (
            lambda: mixture_of_experts(expert, 4, normalise=1),
            TypeError,
            "mixture_of_experts: expected normalise to be True or False, got 1.",
        ),
        (
            lambda: drawn(mixture_of_experts(jnp.sum, 4)),
            ValueError,
            "mixture_of_experts: expected an expert to give (12, features), "
            "got float32[].",
        ),
        (
            lambda: drawn(mixture_of_experts(expert, 4), X.astype(np.int32)),
            TypeError,
            "mixture_of_experts: expected x of floating dtype, got int32.",
        ),
        (
            lambda: mixture_of_experts(expert, 4).apply(
                drawn(mixture_of_experts(expert, 4)), X, lengths=np.array([7, 1])
            ),
            ValueError,
            "mixture_of_experts: expected lengths in [0, 6], got 7.",
        ),
        (
            lambda: mixture_of_experts(expert, 4).apply(
                drawn(mixture_of_experts(expert, 4)), X[0, 0], lengths=np.array(1)
            ),
            ValueError,
            "mixture_of_experts: expected x of shape (..., time, features) with "
            "lengths, got (4,).",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
