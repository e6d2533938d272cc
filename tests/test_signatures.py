"""Name a keyword-only `key` or `train` and you get it; other names are inputs."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.ones((2, 3))


def key_data(key):
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


def record(seen):
    """A function that notes which key and which train it was given."""

    def noted(x, *, key=None, train):
        seen.append((None if key is None else key_data(key), bool(train)))
        return x

    return noted


# ----------------------------------------------------------------------- key and train
def sample(mean, scale, *, key):
    return mean + scale * jax.random.normal(key, mean.shape)


def test_a_function_that_names_key_gets_it():
    net = fnn.sequential(sample)
    params = net.init(jax.random.key(0), X, X)
    y = net.apply(params, X, 2 * X, key=jax.random.key(1))
    noise = jax.random.normal(jax.random.fold_in(jax.random.key(1), 0), X.shape)
    chex.assert_trees_all_close(y, X + 2 * noise, rtol=1e-6)


def test_layer_function_and_forward_function_follow_one_rule():
    def init(key, x):
        return ()

    def apply(params, x, *, key, train):
        return x + jax.random.uniform(key, x.shape) if train else x

    def function(x, *, key, train):
        return apply((), x, key=key, train=train)

    @fnn.module(noise=function)
    def inner(parts, x):
        return parts.noise(x)

    @fnn.module(sin=jnp.sin)
    def own(parts, x, *, key, train):
        return parts.sin(apply((), x, key=key, train=train))

    for layer in (fnn.Layer(init, apply), fnn.sequential(function), inner, own):
        params = layer.init(jax.random.key(0), X)
        plain = layer.apply(params, X)
        chex.assert_trees_all_equal(plain, jnp.sin(X) if layer is own else X)
        noisy = layer.apply(params, X, key=jax.random.key(1), train=True)
        assert (noisy != plain).all()
        with pytest.raises(ValueError, match="expected a key when train=True, got No"):
            layer.apply(params, X, train=True)


def test_a_key_with_a_default_may_be_missing():
    seen = []
    net = fnn.sequential(record(seen))
    net.apply(((),), X)
    net.apply(((),), X, key=jax.random.key(1), train=True)
    folded = jax.random.fold_in(jax.random.key(1), 0)
    assert seen == [(None, False), (key_data(folded), True)]


def test_anything_by_name_includes_key_and_train():
    seen = []

    def apply(params, x, **named):
        seen.append(named)
        return x

    layer = fnn.Layer(lambda key, x: (), apply)
    layer.apply((), X, key=jax.random.key(1), train=True, mask=X)
    (named,) = seen
    assert set(named) == {"key", "train", "mask"}
    assert named["key"] == jax.random.key(1) and named["train"] and named["mask"] is X
    layer.apply((), X)
    assert seen[1]["key"] is None and not seen[1]["train"]


def test_what_partial_binds_is_not_asked_for():
    net = fnn.sequential(
        functools.partial(sample, scale=0 * X), functools.partial(jnp.sum, axis=-1)
    )
    params = net.init(jax.random.key(0), X)
    y = net.apply(params, X, key=jax.random.key(1))
    chex.assert_trees_all_equal(y, jnp.full(2, 3.0))
    fixed = fnn.sequential(functools.partial(sample, key=jax.random.key(5)))
    y = fixed.apply(((),), X, X)
    chex.assert_trees_all_close(y, sample(X, X, key=jax.random.key(5)), rtol=1e-6)

    def trained(x, train):
        return x * 2 if train else x

    net = fnn.sequential(functools.partial(trained, train=True))
    chex.assert_trees_all_equal(net.apply(((),), X), 2 * X)


def test_train_behaves_as_a_bool():
    def function(x, *, train):
        # Compared as a user's code might.
        assert train == True and bool(train) is True and repr(train) == "True"  # noqa: E712
        assert jax.tree.leaves(train) == []
        picked = jnp.where(train, x, -x) if train else -x
        return jax.lax.cond(train, lambda x: 2 * x, lambda x: x, picked)

    y = fnn.sequential(function).apply(((),), X, train=True)
    chex.assert_trees_all_equal(y, 2 * X)
    y = fnn.sequential(function).apply(((),), X, train=np.True_)
    chex.assert_trees_all_equal(y, 2 * X)


@pytest.mark.parametrize("wrap", [jax.jit, jax.checkpoint])
def test_train_stays_static_in_a_wrapped_part(wrap):
    def apply(params, x, *, key, train):
        return 2 * x if train else x

    by_hand = fnn.Layer(lambda key, x: (), wrap(apply))
    taken = fnn.Layer(fnn.dropout(0.5).init, wrap(fnn.dropout(0.5).apply))
    net = fnn.sequential(
        by_hand, wrap(lambda x, *, train: 3 * x if train else x), taken
    )
    params = net.init(jax.random.key(0), X)
    chex.assert_trees_all_equal(net.apply(params, X), X)
    run = jax.jit(functools.partial(net.apply, train=True))
    y = run(params, X, key=jax.random.key(1))
    key = jax.random.fold_in(jax.random.key(1), 2)
    expected = fnn.dropout(0.5).apply((), 6 * X, key=key, train=True)
    chex.assert_trees_all_equal(y, expected)


def test_train_reaches_gradients_through_jit():
    net = fnn.sequential(jax.jit(lambda x, *, train: x**2 if train else x))
    grad = jax.grad(lambda x: net.apply(((),), x, train=True).sum())(X)
    chex.assert_trees_all_equal(grad, 2 * X)


def test_a_raw_key_draws_what_a_typed_one_draws():
    net = fnn.sequential(fnn.dense(3), fnn.dropout(0.5))
    raw, typed = jax.random.PRNGKey(3), jax.random.key(3)
    params = net.init(raw, X)
    chex.assert_trees_all_equal(params, net.init(jax.random.clone(typed), X))
    chex.assert_trees_all_equal(
        net.apply(params, X, key=raw, train=True),
        net.apply(params, X, key=typed, train=True),
    )


def test_an_input_may_be_called_key():
    def init(key, query, k, v):
        return {"weight": jnp.eye(3)}

    def apply(params, query, key, value):
        return query @ params["weight"] @ key.T @ value

    layer = fnn.Layer(init, apply)
    params = layer.init(jax.random.key(0), X, X, X)
    chex.assert_trees_all_equal(layer.apply(params, X, X, X), 6 * X)


# --------------------------------------------------------------------- inputs by name
def test_a_positional_input_may_come_by_name():
    def attend(x, memory, scale=1.0):
        return scale * x + memory

    net = fnn.sequential(jnp.negative, attend)
    params = net.init(jax.random.key(0), X, memory=X)
    chex.assert_trees_all_equal(net.apply(params, X, memory=3 * X), 2 * X)
    y = net.apply(params, X, memory=3 * X, scale=2.0)
    chex.assert_trees_all_equal(y, X)
    assert fnn.with_state(attend).apply((), (), X, X, 2.0)[0][0, 0] == 3.0


def test_init_gets_the_inputs_that_it_names():
    def init(key, x, *, size=1):
        return {"weight": jnp.zeros((x.shape[-1], size))}

    def apply(params, x, *, size=1, mask=None):
        return x @ params["weight"] if mask is None else x

    layer = fnn.sequential(fnn.Layer(init, apply))
    params = layer.init(jax.random.key(0), X, size=5, mask=X)
    assert params[0]["weight"].shape == (3, 5)


def test_builtins_without_a_signature_take_anything():
    def unsigned(x, y):
        return x + y

    unsigned.__signature__ = None  # inspect.signature raises, as for some builtins
    net = fnn.sequential(functools.partial(unsigned, X))
    assert net.init(jax.random.key(0), X) == ((),)
    chex.assert_trees_all_equal(net.apply(((),), X), 2 * X)
