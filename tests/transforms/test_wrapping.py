"""`transform`: written once in the stateful form, for layers of both kinds."""

import chex
import jax
import jax.numpy as jnp
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 4
DENSE = fnn.dense(3)


def count_init(key, x):
    return (), jnp.zeros((), jnp.int32)


def count_apply(params, state, x):
    return x, state + 1


counter = fnn.StatefulLayer(count_init, count_apply)
COUNTED = fnn.sequential(fnn.dense(3), counter)


@fnn.transform
def halved(layer, params, state, *inputs, **named):
    """A layer with half its weights."""
    params = jax.tree.map(lambda a: a / 2, params)
    return layer.apply(params, state, *inputs, **named)


def test_a_transform_serves_both_kinds():
    params = DENSE.init(jax.random.key(0), X)
    half = jax.tree.map(lambda a: a / 2, params)
    assert type(halved(DENSE)) is fnn.Layer
    chex.assert_trees_all_equal(params, halved(DENSE).init(jax.random.key(0), X))
    chex.assert_trees_all_equal(halved(DENSE).apply(params, X), DENSE.apply(half, X))
    net = halved(COUNTED)
    assert type(net) is fnn.StatefulLayer
    params, state = net.init(jax.random.key(0), X)
    y, state = net.apply(params, state, X)
    half = jax.tree.map(lambda a: a / 2, params[0])
    chex.assert_trees_all_equal(y, DENSE.apply(half, X))
    assert state == ((), 1)


def test_a_function_of_arrays_can_be_wrapped():
    @fnn.transform
    def doubled(layer, params, state, x):
        y, state = layer.apply(params, state, x)
        return 2 * y, state

    chex.assert_trees_all_equal(doubled(jnp.sin).apply((), X), 2 * jnp.sin(X))


def test_a_transform_is_known_by_its_function():
    assert (
        halved.__name__ == "halved"
        and halved.__doc__ == "A layer with half its weights."
    )
    assert repr(halved(DENSE)) == "halved(dense(3))"
    assert halved(DENSE) == halved(fnn.dense(3)) != halved(fnn.dense(4))
    assert halved(halved(DENSE)).parts == ()
    assert halved(COUNTED).parts == COUNTED.parts


def test_the_layer_handed_in_is_stateful():
    seen = []

    @fnn.transform
    def look(layer, params, state, *inputs, **named):
        seen.append((type(layer), state))
        return layer.apply(params, state, *inputs, **named)

    look(DENSE).apply(DENSE.init(jax.random.key(0), X), X)
    assert seen == [(fnn.StatefulLayer, ())]


# ------------------------------------------------------------------------------ options
def test_key_train_and_names_go_through():
    def inner(x, *, shift, key, train):
        return x + shift + jax.random.normal(key, x.shape) if train else x + shift

    net = halved(fnn.sequential(inner))
    params = net.init(jax.random.key(0), X, shift=X)
    chex.assert_trees_all_equal(net.apply(params, X, shift=X), 2 * X)
    y = net.apply(params, X, shift=X, key=jax.random.key(1), train=True)
    key = jax.random.fold_in(jax.random.key(1), 0)
    chex.assert_trees_all_close(y, 2 * X + jax.random.normal(key, X.shape), rtol=1e-6)


def test_a_transform_may_ask_for_inputs_of_its_own():
    @fnn.transform
    def scaled(layer, params, state, *inputs, factor, **named):
        params = jax.tree.map(lambda a: a * factor, params)
        return layer.apply(params, state, *inputs, **named)

    net = scaled(DENSE)
    params = net.init(jax.random.key(0), X, factor=2.0)
    y = fnn.sequential(net).apply((params,), X, factor=2.0)
    chex.assert_trees_all_close(y, 2 * DENSE.apply(params, X), rtol=1e-6)


def test_inner_scaling_needs_its_own_name():
    @fnn.transform
    def shifted(layer, params, state, x, *, by, **named):
        y, state = layer.apply(params, state, x, **named)
        return y + by, state

    net = fnn.sequential(shifted(jnp.sin), shifted(jnp.cos))
    params = net.init(jax.random.key(0), X, by=1.0)
    y = net.apply(params, X, by=1.0)
    chex.assert_trees_all_close(y, jnp.cos(jnp.sin(X) + 1) + 1, rtol=1e-6)


def test_a_transform_may_draw():
    @fnn.transform
    def noisy(layer, params, state, x, *, key, train):
        noise, key = jax.random.split(key)
        if train:
            x = x + jax.random.normal(noise, x.shape)
        return layer.apply(params, state, x, key=key, train=train)

    net = fnn.sequential(noisy(fnn.dropout(0.5)), noisy(DENSE))
    params = net.init(jax.random.key(0), X)
    y = net.apply(params, X, key=jax.random.key(1), train=True)
    z = net.apply(params, X, key=jax.random.key(2), train=True)
    assert (y != z).any()
    with pytest.raises(ValueError, match="noisy: expected a key when train=True, got"):
        net.apply(params, X, train=True)


def test_train_can_be_set():
    @fnn.transform
    def training(layer, params, state, *inputs, **named):
        return layer.apply(params, state, *inputs, **{**named, "train": True})

    net = training(fnn.dropout(0.5))
    params = net.init(jax.random.key(0), X)
    y = net.apply(params, 1 + X, key=jax.random.key(1))
    assert (y == 0).any() and (y != 0).any()


# ----------------------------------------------------------------- shapes found at init
def features(around, layer=DENSE, x=X):
    """How many features a dense layer behind the transform finds at init."""
    net = fnn.sequential(fnn.with_state(fnn.transform(around)(layer)), fnn.dense(1))
    params, _ = net.init(jax.random.key(0), x)
    state = net.init(jax.random.key(0), x)[1]
    assert net.apply(params, state, x)[0].shape[-1] == 1
    return params[1]["weight"].shape[0]


def test_changed_inputs_shape_the_params():
    def both_ways(layer, params, state, x, **named):
        return layer.apply(params, state, jnp.hstack([x, x[:, ::-1]]), **named)

    net = fnn.transform(both_ways)(DENSE)
    assert net.init(jax.random.key(0), X)["weight"].shape == (6, 3)
    assert features(both_ways) == 3


def test_a_call_on_each_of_several_inputs():
    @fnn.transform
    def siamese(layer, params, state, x, **named):
        y, state = layer.apply(params, state, x, **named)
        z, state = layer.apply(params, state, x[:1], **named)
        return jnp.concatenate([y, z]), state

    net = siamese(COUNTED)
    params, state = net.init(jax.random.key(0), X)
    y, state = net.apply(params, state, X)
    assert y.shape == (3, 3) and state == ((), 2)
    behind = fnn.sequential(siamese(DENSE), jnp.transpose, fnn.dense(1))
    assert behind.init(jax.random.key(0), X)[2]["weight"].shape == (3, 1)


def test_a_call_inside_vmap_and_scan():
    def by_row(layer, params, state, x, **named):
        return jax.vmap(lambda row: layer.apply(params, state, row)[0])(x), state

    def by_step(layer, params, state, x, **named):
        def step(state, row):
            y, state = layer.apply(params, state, row, **named)
            return state, y

        state, ys = jax.lax.scan(step, state, x)
        return ys, state

    assert features(by_row) == features(by_step) == features(by_step, COUNTED) == 3
    net = fnn.transform(by_step)(COUNTED)
    params, state = net.init(jax.random.key(0), X)
    assert net.apply(params, state, X)[1] == ((), 2)


READS = {
    "index": lambda params: params["weight"],
    "iteration": lambda params: [params[name] for name in params],
    "len": lambda params: len(params),
    "in": lambda params: "weight" in params,
    "items": lambda params: dict(params.items()),
    "unpacking": lambda params: {**params},
    "union": lambda params: params | {},
    "isinstance": lambda params: isinstance(params, dict) or 1 / 0,
    "equality": lambda params: params == (),
    "truth": lambda params: bool(params) or 1 / 0,
    "tree": lambda params: jax.tree.map(jnp.sin, params),
    "paths": lambda params: fnn.paths(params)["weight"],
    "merge": lambda params: fnn.merge(*fnn.split(params, "weight")),
    "match": lambda params: next(a for a in jax.tree.leaves(params) if a.ndim == 2),
    "jit": lambda params: jax.jit(lambda p: p["weight"])(params),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_params_may_be_read_before_or_after_the_call(read, when):
    def reading(layer, params, state, x, **named):
        if when == "before":
            read(params)
        y, state = layer.apply(params, state, x, **named)
        read(params)
        return y, state

    assert features(reading) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a * 2,
        lambda a: 2.0 * a,
        lambda a: -a,
        lambda a: a + 1,
        lambda a: 1.0 - a,
        lambda a: a / 2,
        jnp.tanh,
        jax.lax.stop_gradient,
        lambda a: a.astype(jnp.float32),
        lambda a: a @ jnp.eye(3),
        lambda a: jnp.eye(3) @ a,
        lambda a: jnp.asarray(a),
    ],
)
def test_params_that_are_one_array_may_be_computed_with(change):
    def changed(layer, params, state, **named):
        return layer.apply(change(params), state, **named)

    bare = fnn.parameter((3,), init=jax.nn.initializers.ones)
    net = fnn.transform(changed)(bare)
    params = net.init(jax.random.key(0))
    chex.assert_trees_all_close(net.apply(params), change(jnp.ones(3)))


def test_state_may_be_read_first():
    def every_other(layer, params, state, x, **named):
        y, after = layer.apply(params, state, x, **named)
        return jnp.where(state[1] % 2 == 0, y, x), after

    assert features(every_other, COUNTED) == 3


def test_state_may_be_kept_as_it_was():
    def pinned(layer, params, state, x, **named):
        return layer.apply(params, state, x, **named)[0], state

    net = fnn.transform(pinned)(COUNTED)
    params, state = net.init(jax.random.key(0), X)
    assert net.apply(params, state, X)[1] == ((), 0)


def test_params_read_first_and_other_inputs_after():
    def sliced(layer, params, state, x, **named):
        params = jax.tree.map(jnp.sin, params)
        return layer.apply(params, state, x[:, :2], **named)

    net = fnn.transform(sliced)(DENSE)
    params = net.init(jax.random.key(0), X)
    assert params["weight"].shape == (2, 3)
    expected = DENSE.apply(jax.tree.map(jnp.sin, params), X[:, :2])
    chex.assert_trees_all_equal(net.apply(params, X), expected)
    assert features(sliced) == 3


def test_a_weak_state_stays_as_it_was():
    def init(key, x):
        return (), {"total": 0.0 * jnp.asarray(1.0)}

    def apply(params, state, x):
        return x, {"total": state["total"] + 1.0}

    net = halved(fnn.StatefulLayer(init, apply))
    params, state = net.init(jax.random.key(0), X)
    assert net.apply(params, state, X)[1]["total"] == 1.0
