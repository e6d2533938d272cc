"""A layer is a pair of pure functions; both kinds, written by hand or lifted."""

import functools
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3)


def scale_init(key, x):
    return {"scale": 1 + jax.random.uniform(key, x.shape[-1:], x.dtype)}


def scale_apply(params, x):
    return jnp.broadcast_to(params["scale"], x.shape) * x


def count_init(key, x):
    return {"offset": jnp.ones(())}, {"calls": jnp.zeros((), jnp.int32)}


def count_apply(params, state, x, *, train):
    step = 1 if train else 0
    return x + params["offset"].reshape(1, 1), {"calls": state["calls"] + step}


scaling = fnn.Layer(scale_init, scale_apply)
counting = fnn.StatefulLayer(count_init, count_apply)


# ------------------------------------------------------------------------------- pairs
def test_a_layer_unpacks_into_two_functions():
    init, apply = scaling
    params = init(jax.random.key(0), X)
    assert (init, apply) == (scaling.init, scaling.apply) == tuple(scaling)
    expected = np.asarray(X) * np.asarray(params["scale"])
    np.testing.assert_array_equal(apply(params, X), expected)


def test_a_stateful_layer_threads_its_state():
    init, apply = counting
    params, state = init(jax.random.key(0), X)
    y, state = apply(params, state, X, train=True)
    y, state = apply(params, state, y, train=True)
    y, state = apply(params, state, y)
    chex.assert_trees_all_equal(y, X + 3)
    assert state == {"calls": 2} and state["calls"].dtype == jnp.int32


def test_a_combination_unpacks_into_two_functions():
    init, apply = fnn.sequential(scaling, jnp.negative)
    params = init(jax.random.key(0), X)
    scale = np.asarray(params[0]["scale"])
    np.testing.assert_array_equal(apply(params, X), -np.asarray(X) * scale)


def test_a_layer_is_one_leaf_to_jax():
    assert jax.tree.leaves({"a": scaling, "b": [counting]}) == [scaling, counting]
    assert jax.tree.map(lambda layer: layer.init, scaling) is scaling.init


def test_a_layer_is_a_tuple_of_two_of_its_kind():
    for layer, kind in ((scaling, fnn.Layer), (counting, fnn.StatefulLayer)):
        assert isinstance(layer, tuple) and len(layer) == 2
        assert type(layer) is kind
        assert type(fnn.sequential(layer)) is kind


def test_apply_twice_gives_the_same_bits():
    net = fnn.sequential(fnn.dense(4), fnn.dropout(0.5))
    params = net.init(jax.random.key(0), X)
    first, second = (
        net.apply(params, X, key=jax.random.key(1), train=True) for _ in range(2)
    )
    chex.assert_trees_all_equal(first, second)


def test_params_are_plain_dicts_tuples_and_arrays():
    net = fnn.sequential(fnn.dense(4), jax.nn.relu, fnn.residual(fnn.layer_norm()))
    params = net.init(jax.random.key(0), X)
    assert type(params) is tuple and params[1] == ()
    assert type(params[0]) is dict and type(params[2]) is dict
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(params))


def test_parts_are_nested_like_params():
    @fnn.module(down=[fnn.dense(3), {"a": fnn.dense(3)}], skip=None, out=jnp.tanh)
    def net(parts, x):
        return parts.out(parts.down[1]["a"](parts.down[0](x)))

    params = net.init(jax.random.key(0), X)
    assert net.parts["down"] == (fnn.dense(3), {"a": fnn.dense(3)})
    assert net.parts["skip"] is None and params["skip"] == ()
    assert list(net.parts) == list(params) == ["down", "skip", "out"]
    assert fnn.freeze(net).parts == net.parts
    assert fnn.dense(3).parts == ()


def test_nothing_that_a_layer_hands_out_changes_it():
    net = fnn.sequential(a=fnn.dense(3), b=jnp.tanh)
    net.parts["a"] = jnp.sin
    with pytest.raises(AttributeError, match="expected no assignment, got one to form"):
        net.form = None
    assert net.parts == {"a": fnn.dense(3), "b": net.parts["b"]}


# --------------------------------------------------------------------------- contagion
@pytest.mark.parametrize(
    "combine",
    [
        lambda part: fnn.sequential(jnp.sin, part),
        lambda part: fnn.sequential(a=jnp.sin, b=part),
        lambda part: fnn.parallel(part, jnp.sin, combine=sum),
        lambda part: fnn.residual(part),
        lambda part: fnn.residual(jnp.sin, part),
        lambda part: fnn.module(a=part)(lambda parts, x: parts.a(x)),
        lambda part: fnn.module(a=[None, {"b": part}])(
            lambda parts, x: parts.a[1]["b"](x)
        ),
        lambda part: fnn.repeat(part, 2),
        lambda part: fnn.remat(part),
        lambda part: fnn.ensemble(part, 2),
        lambda part: fnn.freeze(part),
        lambda part: fnn.evaluating(part),
        lambda part: fnn.capture(part, ""),
        lambda part: fnn.intercept(part, "", jnp.negative),
        lambda part: fnn.replace(fnn.sequential(jnp.sin), {"0": part}),
        lambda part: fnn.map_parts(lambda path, part: part, part),
    ],
)
def test_state_is_contagious(combine):
    stateless, stateful = combine(scaling), combine(counting)
    assert type(stateless) is fnn.Layer and type(stateful) is fnn.StatefulLayer
    params = stateless.init(jax.random.key(0), X)
    out = stateless.apply(params, X)
    params, state = stateful.init(jax.random.key(0), X)
    both = stateful.apply(params, state, X)
    assert jax.tree.structure(both[0]) == jax.tree.structure(out)
    chex.assert_trees_all_equal_shapes_and_dtypes(both[1], state)


def test_with_state_lifts_a_layer_and_leaves_a_stateful_one():
    lifted = fnn.with_state(scaling)
    params, state = lifted.init(jax.random.key(0), X)
    y, after = lifted.apply(params, state, X)
    assert state == after == ()
    assert type(lifted) is fnn.StatefulLayer
    chex.assert_trees_all_equal(y, scaling.apply(params, X))
    assert fnn.with_state(counting) is counting


def test_with_state_lifts_a_function():
    init, apply = fnn.with_state(jnp.sin)
    assert init(jax.random.key(0), X) == ((), ())
    y, state = apply((), (), X)
    assert state == ()
    chex.assert_trees_all_equal(y, jnp.sin(X))


# --------------------------------------------------------------------- plain functions
class Power:
    def __init__(self, exponent):
        self.exponent = exponent

    def __call__(self, x):
        return x**self.exponent

    def bound(self, x):
        return x * self.exponent


@jax.custom_jvp
def straight(x):
    return jnp.round(x)


straight.defjvps(lambda tangent, ans, x: tangent)


@pytest.mark.parametrize(
    "function, expected",
    [
        (jax.nn.relu, lambda x: np.maximum(x, 0)),
        (jax.nn.gelu, lambda x: np.asarray(jax.nn.gelu(x))),
        (lambda x: 2 * x, lambda x: 2 * x),
        (functools.partial(jnp.sum, axis=-1), lambda x: x.sum(-1)),
        (functools.partial(jnp.power, 2.0), lambda x: 2**x),
        (Power(3), lambda x: x**3),
        (Power(3).bound, lambda x: x * 3),
        (straight, np.round),
        (jax.jit(jnp.sin), lambda x: np.sin(x)),
        (jax.vmap(jnp.sum), lambda x: x.sum(-1)),
        (jax.checkpoint(jnp.cos), lambda x: np.cos(x)),
        (jnp.square, np.square),
        (jax.lax.neg, np.negative),
    ],
)
def test_a_function_of_arrays_is_a_layer_without_params(function, expected):
    net = fnn.sequential(function)
    params = net.init(jax.random.key(0), X)
    assert params == ((),)
    np.testing.assert_allclose(net.apply(params, X), expected(np.asarray(X)), 1e-5)


def test_a_custom_derivative_is_kept():
    net = fnn.sequential(straight)
    grad = jax.grad(lambda x: net.apply(((),), x).sum())(X + 0.3)
    chex.assert_trees_all_equal(grad, jnp.ones_like(X))


def test_a_function_may_give_and_take_trees():
    net = fnn.sequential(
        lambda x, y: {"sum": x + y, "pair": (x, y)},
        lambda tree: tree["sum"] * tree["pair"][0],
    )
    params = net.init(jax.random.key(0), X, X)
    chex.assert_trees_all_equal(net.apply(params, X, X), 2 * X * X)


# ------------------------------------------------------------------- written by hand
def test_a_layer_written_by_hand_is_a_part():
    net = fnn.sequential(scaling, fnn.dense(2), counting)
    params, state = net.init(jax.random.key(0), X)
    assert jax.tree.map(jnp.shape, params[0]) == {"scale": (3,)}
    y, state = net.apply(params, state, X, train=True)
    expected = scaling.apply(params[0], X)
    expected = fnn.dense(2).apply(params[1], expected) + 1
    chex.assert_trees_all_close(y, expected, rtol=1e-6)
    assert state == ((), (), {"calls": 1})


def test_the_init_and_apply_of_another_layer_make_a_layer():
    jitted = fnn.Layer(fnn.dense(2).init, jax.jit(fnn.dense(2).apply))
    params = fnn.sequential(jitted).init(jax.random.key(0), X)
    chex.assert_trees_all_close(
        jitted.apply(params[0], X), fnn.dense(2).apply(params[0], X), rtol=1e-6
    )


def test_a_network_with_its_params_bound_is_a_function():
    params = fnn.dense(2).init(jax.random.key(0), X)
    frozen = functools.partial(fnn.dense(2).apply, params)
    net = fnn.sequential(frozen, fnn.dense(4))
    outer = net.init(jax.random.key(0), X)
    assert outer[0] == () and outer[1]["weight"].shape == (2, 4)
    expected = fnn.dense(4).apply(outer[1], fnn.dense(2).apply(params, X))
    chex.assert_trees_all_close(net.apply(outer, X), expected, rtol=1e-6)


def test_state_may_be_any_tree_of_arrays():
    def init(key, x):
        return (), [None, (jax.random.key(3), jnp.zeros(2, jnp.bfloat16))]

    def apply(params, state, x):
        _, (key, array) = state
        return x, [None, (jax.random.fold_in(key, 1), array + jnp.bfloat16(1))]

    layer = fnn.sequential(fnn.StatefulLayer(init, apply))
    params, state = layer.init(jax.random.key(0), X)
    _, (after,) = jax.jit(layer.apply)(params, state, X)
    expected = jax.random.fold_in(jax.random.key(3), 1)
    assert after[0] is None and after[1][0] == expected
    chex.assert_trees_all_equal(after[1][1], jnp.ones(2, jnp.bfloat16))


def test_a_constructor_may_return_any_kind():
    @fnn.constructor
    def gain(factor):
        return lambda x: factor * x

    @fnn.constructor
    def wide(n):
        return fnn.sequential(fnn.dense(n), jnp.tanh)

    @fnn.constructor
    def counted():
        return counting

    assert repr(gain(2.0)) == "gain(2.0)" and type(gain(2.0)) is fnn.Layer
    assert repr(wide(n=3)) == "wide(n=3)" and wide(3).parts[0] == fnn.dense(3)
    assert repr(counted()) == "counted()" and type(counted()) is fnn.StatefulLayer
    assert gain.__name__ == "gain"


def test_constructor_keeps_the_signature():
    @fnn.constructor
    def gain(factor: float, *, power: int = 1) -> Any:
        """Doc."""
        return lambda x: (factor * x) ** power

    assert gain.__doc__ == "Doc."
    assert gain(2.0, power=3) == gain(power=3, factor=2.0) != gain(2.0)
