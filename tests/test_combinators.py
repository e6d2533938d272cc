"""`sequential`, `parallel`, `residual`: values, shapes, and where named inputs go."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 3


def masked(x, *, mask):
    return x * mask


def shifted(x, *, shift=0.0, scale=1.0):
    return x * scale + shift


# -------------------------------------------------------------------------- sequential
def test_sequential_is_composition():
    net = fnn.sequential(fnn.dense(4), jnp.tanh, fnn.dense(2))
    params = net.init(jax.random.key(0), X)
    first, _, last = jax.tree.map(np.asarray, params)
    hidden = np.tanh(np.asarray(X) @ first["weight"] + first["bias"])
    expected = hidden @ last["weight"] + last["bias"]
    np.testing.assert_allclose(net.apply(params, X), expected, rtol=1e-5)


def test_named_sequential_keeps_the_order_of_the_names():
    net = fnn.sequential(z=fnn.dense(4), a=jnp.tanh, m=fnn.dense(2))
    params = net.init(jax.random.key(0), X)
    assert list(params) == list(net.parts) == ["z", "a", "m"]
    assert params["z"]["weight"].shape == (3, 4)
    assert params["m"]["weight"].shape == (4, 2) and params["a"] == ()
    by_place = fnn.sequential(fnn.dense(4), jnp.tanh, fnn.dense(2))
    chex.assert_trees_all_equal(
        net.apply(params, X), by_place.apply(tuple(params.values()), X)
    )
    # jax.tree.map sorts the names, and the order of the parts must not depend on it.
    again = jax.tree.map(jnp.copy, params)
    chex.assert_trees_all_equal(net.apply(again, X), net.apply(params, X))


def test_the_first_layer_may_take_several_inputs():
    net = fnn.sequential(jnp.add, jnp.sin)
    params = net.init(jax.random.key(0), X, X)
    chex.assert_trees_all_equal(net.apply(params, X, X), jnp.sin(2 * X))


def test_a_part_may_hand_on_a_tree():
    net = fnn.sequential(
        fnn.parallel(jnp.sin, jnp.cos), lambda pair: pair[0] ** 2 + pair[1] ** 2
    )
    params = net.init(jax.random.key(0), X)
    assert params == (((), ()), ())
    chex.assert_trees_all_close(net.apply(params, X), jnp.ones_like(X), rtol=1e-6)


def test_a_layer_that_takes_no_input_may_come_first():
    net = fnn.sequential(fnn.parameter((3,), init=jax.nn.initializers.ones), jnp.sum)
    params = net.init(jax.random.key(0))
    assert params[0].shape == (3,) and net.apply(params) == 3.0


# ---------------------------------------------------------------------------- parallel
def test_parallel_gives_each_layer_the_inputs():
    net = fnn.parallel(fnn.dense(2), jnp.sin)
    params = net.init(jax.random.key(0), X)
    y = net.apply(params, X)
    expected = fnn.dense(2).apply(params[0], X), jnp.sin(X)
    chex.assert_trees_all_equal(y, expected)


@pytest.mark.parametrize(
    "combine, expected",
    [
        (sum, lambda x: np.sin(x) + 2 * x),
        (
            functools.partial(jnp.concatenate, axis=-1),
            lambda x: np.concatenate([np.sin(x), 2 * x], -1),
        ),
        (lambda outputs: outputs[0] * outputs[1], lambda x: np.sin(x) * 2 * x),
        (jnp.stack, lambda x: np.stack([np.sin(x), 2 * x])),
    ],
)
def test_parallel_combines_the_tuple(combine, expected):
    net = fnn.parallel(jnp.sin, lambda x: 2 * x, combine=combine)
    y = net.apply(net.init(jax.random.key(0), X), X)
    np.testing.assert_allclose(y, expected(np.asarray(X)), rtol=1e-6)


def test_combined_outputs_shape_what_follows():
    net = fnn.sequential(
        fnn.parallel(fnn.dense(2), fnn.dense(5), combine=lambda ys: jnp.hstack(ys)),
        fnn.dense(1),
    )
    params = net.init(jax.random.key(0), X)
    assert params[1]["weight"].shape == (7, 1)


# ---------------------------------------------------------------------------- residual
def test_residual_adds_its_input():
    net = fnn.residual(fnn.dense(3))
    params = net.init(jax.random.key(0), X)
    chex.assert_trees_all_equal(params, fnn.dense(3).init(jax.random.key(0), X))
    expected = X + fnn.dense(3).apply(params, X)
    chex.assert_trees_all_close(net.apply(params, X), expected, rtol=1e-6)


def test_residual_with_a_shortcut_adds_that():
    net = fnn.residual(fnn.dense(5), fnn.dense(5, use_bias=False))
    params = net.init(jax.random.key(0), X)
    assert set(params) == {"layer", "shortcut"}
    expected = X @ params["shortcut"]["weight"]
    expected += fnn.dense(5).apply(params["layer"], X)
    chex.assert_trees_all_close(net.apply(params, X), expected, rtol=1e-6)


def test_residual_adds_trees_leaf_by_leaf():
    net = fnn.residual(lambda tree: {"a": 2 * tree["a"], "b": -tree["b"]})
    tree = {"a": X, "b": X[0]}
    y = net.apply(net.init(jax.random.key(0), tree), tree)
    chex.assert_trees_all_close(y, {"a": 3 * X, "b": 0 * X[0]}, rtol=1e-6)


def test_residual_adds_what_dtypes_promote_to():
    net = fnn.residual(lambda x: x.astype(jnp.float32))
    x = X.astype(jnp.bfloat16)
    y = net.apply(net.init(jax.random.key(0), x), x)
    assert y.dtype == jnp.float32
    chex.assert_trees_all_equal(y, 2 * x.astype(jnp.float32))


def test_further_inputs_go_to_the_layer_alone():
    net = fnn.residual(lambda x, memory: x * memory, jnp.sin)
    params = net.init(jax.random.key(0), X, X)
    assert params == {"layer": (), "shortcut": ()}
    chex.assert_trees_all_close(net.apply(params, X, 3 * X), jnp.sin(X) + 3 * X * X)


# --------------------------------------------------------------------- inputs by name
MASK = jnp.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    "combine",
    [
        lambda part: fnn.sequential(jnp.sin, part),
        lambda part: fnn.sequential(a=jnp.sin, b=fnn.sequential(part)),
        lambda part: fnn.sequential(jnp.sin, fnn.remat(part)),
        lambda part: fnn.sequential(jnp.sin, fnn.evaluating(part)),
        lambda part: fnn.sequential(jnp.sin, fnn.intercept(part, "", lambda y: y)),
        lambda part: fnn.evaluating(fnn.sequential(jnp.sin, part), "1"),
        lambda part: fnn.module(sin=jnp.sin, part=part)(
            lambda parts, x, *, mask: parts.part(parts.sin(x), mask=mask)
        ),
    ],
)
def test_an_input_by_name_finds_the_part_that_names_it(combine):
    net = combine(masked)
    params = net.init(jax.random.key(0), X, mask=MASK)
    expected = jnp.sin(X) * MASK
    chex.assert_trees_all_close(net.apply(params, X, mask=MASK), expected, rtol=1e-6)
    jitted = jax.jit(net.apply)(params, X, mask=MASK)
    chex.assert_trees_all_close(jitted, expected, rtol=1e-6)


def test_each_part_gets_the_names_that_it_takes():
    net = fnn.parallel(masked, shifted, fnn.sequential(shifted, masked))
    params = net.init(jax.random.key(0), X, mask=MASK, shift=1.0)
    y = net.apply(params, X, mask=MASK, shift=1.0)
    chex.assert_trees_all_close(y, (X * MASK, X + 1, (X + 1) * MASK), rtol=1e-6)


def test_residual_sends_names_to_both_sides():
    net = fnn.residual(masked, shifted)
    params = net.init(jax.random.key(0), X, mask=MASK, scale=2.0)
    y = net.apply(params, X, mask=MASK, scale=2.0)
    chex.assert_trees_all_close(y, 2 * X + X * MASK, rtol=1e-6)


def test_repeat_hands_the_same_names_to_each_copy():
    net = fnn.repeat(shifted, 3)
    params = net.init(jax.random.key(0), X, shift=1.0)
    chex.assert_trees_all_close(net.apply(params, X, shift=1.0), X + 3, rtol=1e-6)
    y = net.apply(params, X, shift=jnp.ones_like(X), scale=2.0)
    chex.assert_trees_all_close(y, 8 * X + 7, rtol=1e-6)


def test_a_function_that_takes_any_name_gets_all():
    seen = []

    def anything(x, **named):
        seen.append(sorted(named))
        return x

    net = fnn.sequential(anything, shifted)
    net.apply(((), ()), X, shift=1.0, other=2.0)
    assert seen == [["key", "other", "shift", "train"]]


def test_an_input_by_name_may_be_no_array():
    def choose(x, *, mode, default=None):
        assert default is None or callable(default)
        return {"sin": jnp.sin, "cos": jnp.cos}[mode](x)

    net = fnn.sequential(choose, fnn.remat(choose))
    params = net.init(jax.random.key(0), X, mode="sin", default=jnp.sin)
    y = net.apply(params, X, mode="cos", default=None)
    chex.assert_trees_all_close(y, jnp.cos(jnp.cos(X)), rtol=1e-6)
