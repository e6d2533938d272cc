"""Inputs by name that `intercept` adds reach the part wherever it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.ones((2, 4))


def shifted(y, *, shift):
    return y + jnp.broadcast_to(shift, y.shape)


def nested():
    @fnn.module(first=fnn.dense(4), blocks=[fnn.repeat(fnn.dense(4), 3)], out=jnp.tanh)
    def inner(parts, x):
        return parts.out(parts.blocks[0](parts.first(x)))

    @fnn.module(inner=inner, scale=fnn.dense(4))
    def outer(parts, x):
        return parts.scale(parts.inner(x))

    return outer


def by_hand(params, x, shifts):
    def dense(p, x):
        return x @ p["weight"] + p["bias"][None]

    x = dense(params["inner"]["first"], x)
    for copy, shift in zip(
        fnn.unstack_params(params["inner"]["blocks"][0]), shifts, strict=True
    ):
        x = dense(copy, x) + shift
    return dense(params["scale"], jnp.tanh(x))


def test_through_modules_that_do_not_name_it_and_to_each_copy_its_own():
    net = fnn.intercept(nested(), "inner/blocks/0", shifted, over=("shift",))
    shifts = jnp.array([1.0, 2.0, -3.0])
    params = nested().init(jax.random.key(0), X)
    again = net.init(jax.random.key(0), X, shift=shifts[:, None, None])
    assert all(map(np.array_equal, *map(jax.tree.leaves, (params, again))))
    y = net.apply(params, X, shift=shifts[:, None, None])
    np.testing.assert_allclose(y, by_hand(params, X, shifts), rtol=1e-5)


def test_without_over_all_copies_get_the_same():
    net = fnn.intercept(nested(), "inner/blocks/0", shifted)
    params = nested().init(jax.random.key(0), X)
    y = net.apply(params, X, shift=jnp.full((1, 1), 2.0))
    np.testing.assert_allclose(y, by_hand(params, X, [2.0] * 3), rtol=1e-5)


def test_a_forward_function_that_names_the_same_gets_it_too():
    @fnn.module(part=fnn.dense(4))
    def net(parts, x, *, shift):
        return parts.part(x) * jnp.broadcast_to(shift, x.shape)

    patched = fnn.intercept(net, "part", shifted)
    shift = jnp.full((1, 1), 3.0)
    params = net.init(jax.random.key(0), X, shift=shift)
    plain = net.apply(params, X, shift=shift)
    np.testing.assert_allclose(
        patched.apply(params, X, shift=shift), plain + 9.0, rtol=1e-5
    )


def test_messages():
    net = fnn.intercept(nested(), "inner/first", shifted)
    params = nested().init(jax.random.key(0), X)
    with pytest.raises(
        TypeError, match=r"^intercepted: expected an input by name, shift"
    ):
        net.apply(params, X)
    with pytest.raises(ValueError, match=r"^intercept: expected over to name inputs"):
        fnn.intercept(nested(), "inner/first", shifted, over=("other",))
    with pytest.raises(TypeError, match=r"^outer: expected inputs by name among"):
        nested().apply(params, X, shift=X)
