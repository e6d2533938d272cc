"""`decoding` of a `repeat`, whose copies keep caches of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = np.random.default_rng(0).normal(size=(2, 4, 8)).astype(np.float32)


@fnn.module(attention=fnn.attention(8, 2, causal=True), noise=fnn.dropout(0.5))
def block(parts, x, *, rate):
    return x + rate * parts.noise(parts.attention(x))


RATES = jnp.array([0.5, 2.0])
NET = fnn.repeat(block, 2, over=("rate",), collect=True)
PARAMS = NET.init(jax.random.key(0), X, rate=RATES)


def started(net=NET):
    decoder = fnn.decoding(net, 4)
    return decoder, decoder.init(jax.random.key(0), X[:, :1], rate=RATES)[1]


def test_outputs_of_all_copies_and_inputs_of_each():
    y, ys = NET.apply(PARAMS, X, rate=RATES)
    decoder, state = started()
    for i in range(4):
        now, state = decoder.apply(PARAMS, state, X[:, i : i + 1], rate=RATES)
        np.testing.assert_allclose(now[0], y[:, i : i + 1], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(now[1], ys[:, :, i : i + 1], rtol=1e-5, atol=1e-6)


def test_what_parts_put_out_is_stacked():
    _, found = fnn.capture(NET, "attention").apply(PARAMS, X, rate=RATES)
    decoder, state = started()
    net = fnn.capture(decoder, "attention")
    (_, seen), state = net.apply(PARAMS, state, X, rate=RATES)
    np.testing.assert_allclose(seen["attention"], found["attention"], atol=1e-6)
    assert jax.tree.structure(state) == jax.tree.structure(started()[1])


def test_each_copy_draws_with_its_key():
    key = jax.random.key(1)
    y, _ = NET.apply(PARAMS, X, rate=RATES, key=key, train=True)
    decoder, state = started()
    key = jax.random.clone(key)
    (now, _), _ = decoder.apply(PARAMS, state, X, rate=RATES, key=key, train=True)
    np.testing.assert_allclose(now, y, rtol=1e-5, atol=1e-6)


def test_gradients_are_those_of_all_at_once():
    def at_once(params):
        return jnp.sum(NET.apply(params, X, rate=RATES)[0] ** 2)

    def by_steps(params):
        decoder, state = started()
        first, state = decoder.apply(params, state, X[:, :2], rate=RATES)
        rest, _ = decoder.apply(params, state, X[:, 2:], rate=RATES)
        return jnp.sum(first[0] ** 2) + jnp.sum(rest[0] ** 2)

    want, got = jax.grad(at_once)(PARAMS), jax.grad(by_steps)(PARAMS)
    for a, b in zip(*map(jax.tree.leaves, (got, want)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_call_without_state_says_what_it_should_be():
    decoder, _ = started()
    with pytest.raises(TypeError) as caught:
        decoder.apply(PARAMS, X[:, :1])
    assert str(caught.value) == (
        "repeat: expected apply(params, state, *inputs), as it keeps state, "
        "got no inputs."
    )


def test_state_of_other_copies_is_refused():
    decoder, _ = started()
    state = {"attention": {"cache": jnp.ones((2, 2, 4, 4))}}
    with pytest.raises(
        ValueError,
        match=r"^repeat: expected state of 2 copies, as init of the decoder gives it, "
        r"got float32\[2, 2, 4, 4\]\.$",
    ):
        decoder.apply(PARAMS, state, X[:, :1], rate=RATES)
