"""`init` reads shapes and dtypes alone, works under transforms, and costs little."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.arange(8.0).reshape(2, 4)


def noisy(x, *, key):
    return x + jax.random.normal(key, x.shape, x.dtype)


@fnn.module(body=fnn.dense(4), norm=fnn.batch_norm(), drop=fnn.dropout(0.5))
def block(parts, x):
    return parts.drop(parts.norm(parts.body(x)))


NETS = {
    "leaf": fnn.dense(3),
    "sequential": fnn.sequential(fnn.dense(3), jnp.tanh, fnn.dense(2)),
    "stateful": fnn.sequential(block, fnn.dense(3), fnn.batch_norm()),
    "drawing": fnn.sequential(noisy, fnn.residual(noisy), fnn.dense(3)),
    "repeat": fnn.repeat(block, 3),
    "ensemble": fnn.ensemble(fnn.sequential(noisy, fnn.dense(3)), 2),
    "wrapped": fnn.freeze(fnn.remat(fnn.evaluating(block, "norm")), "body/*"),
    "captured": fnn.capture(fnn.intercept(block, "norm", jnp.tanh), "**"),
}


def same(one, other):
    chex.assert_trees_all_equal_shapes_and_dtypes(one, other)
    chex.assert_trees_all_equal(one, other)


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_shapes_do_as_well_as_arrays(net):
    params = net.init(jax.random.key(0), X)
    same(params, net.init(jax.random.key(0), jax.ShapeDtypeStruct(X.shape, X.dtype)))
    same(params, net.init(jax.random.key(0), np.asarray(X)))
    same(params, net.init(jax.random.key(0), jnp.full_like(X, jnp.nan)))


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_init_under_transforms(net):
    params = net.init(jax.random.key(0), X)
    chex.assert_trees_all_close(
        jax.jit(net.init)(jax.random.key(0), X), params, rtol=1e-6
    )
    shapes = jax.eval_shape(net.init, jax.random.key(0), X)
    chex.assert_trees_all_equal_shapes_and_dtypes(shapes, params)
    keys = jax.random.split(jax.random.key(1), 3)
    many = jax.vmap(net.init, (0, None))(keys, X)
    one = net.init(jax.random.split(jax.random.key(1), 3)[2], X)
    chex.assert_trees_all_close(jax.tree.map(lambda a: a[2], many), one, rtol=1e-6)
    over_inputs = jax.vmap(net.init, (None, 0))(jax.random.key(0), jnp.stack([X, X]))
    chex.assert_trees_all_close(
        jax.tree.map(lambda a: a[1], over_inputs), params, rtol=1e-6
    )


def test_init_can_be_differentiated_by_what_it_closes_over():
    def loss(size):
        layer = fnn.Layer(
            lambda key, x: {"weight": size * jnp.ones(x.shape[-1:])},
            lambda params, x: x @ params["weight"],
        )
        net = fnn.sequential(layer)
        return net.apply(net.init(jax.random.key(0), X), X).sum()

    assert jax.grad(loss)(2.0) == X.sum()
    chex.assert_trees_all_close(jax.jit(jax.grad(loss))(2.0), X.sum())
    chex.assert_trees_all_close(
        jax.vmap(loss)(jnp.arange(3.0)), X.sum() * jnp.arange(3.0)
    )


def test_no_arithmetic_is_done_on_inputs():
    def nothing(x):
        raise AssertionError("computed")

    def apply(params, x):
        jax.debug.callback(nothing, x.sum())
        return x

    net = fnn.sequential(fnn.Layer(lambda key, x: (), apply), fnn.dense(3))
    params = net.init(jax.random.key(0), X)
    jax.effects_barrier()
    assert params[1]["weight"].shape == (4, 3)


def test_other_inputs_stay_as_they_are():
    seen = []

    def init(key, x, *rest, flag, **named):
        seen.append((rest, flag, named))
        return {"weight": jnp.zeros((x["image"].shape[-1], 2))}

    def apply(params, x, *rest, flag, **named):
        return x["image"] @ params["weight"]

    layer = fnn.sequential(fnn.Layer(init, apply))
    rest = ("mode", None, 3, 2.5, jnp.sin, True)
    named = {"name": "a", "nothing": None, "count": 7, "function": jnp.cos}
    params = layer.init(
        jax.random.key(0), {"image": X, "label": "cat"}, *rest, flag=False, **named
    )
    assert params[0]["weight"].shape == (4, 2)
    assert seen == [(rest, False, named)]
    y = layer.apply(params, {"image": X, "label": "cat"}, *rest, flag=True, **named)
    assert y.shape == (2, 2)


def test_a_dtype_among_the_inputs_is_no_array():
    net = fnn.sequential(lambda x, dtype: x.astype(dtype), fnn.dense(2))
    params = net.init(jax.random.key(0), X, np.float16)
    assert net.apply(params, X, np.float32).dtype == jnp.float32


def test_layers_that_always_draw_can_be_initialised():
    net = fnn.sequential(noisy, fnn.repeat(noisy, 2), fnn.dense(2))
    params = net.init(jax.random.key(0), X)
    assert params[2]["weight"].shape == (4, 2)
    with pytest.raises(ValueError, match="noisy: expected a key, got None"):
        net.apply(params, X)


# ----------------------------------------------------------------------- training alone
@fnn.module(trunk=fnn.dense(4), aux=fnn.dense(5), head=fnn.dense(2))
def with_aux(parts, x, *, train):
    h = parts.trunk(x)
    return (parts.head(h), parts.aux(h)) if train else parts.head(h)


def test_a_head_reached_in_training_alone_is_initialised():
    params = with_aux.init(jax.random.key(0), X)
    assert params["aux"]["weight"].shape == (4, 5)
    assert with_aux.apply(params, X).shape == (2, 2)
    assert jax.tree.map(jnp.shape, with_aux.apply(params, X, train=True)) == (
        (2, 2),
        (2, 5),
    )


def test_a_head_on_what_a_part_returns_in_training_alone():
    @fnn.module(inner=with_aux, head=fnn.dense(3))
    def net(parts, x, *, train):
        if not train:
            return parts.inner(x)
        y, aux = parts.inner(x)
        return y, parts.head(aux)

    params = net.init(jax.random.key(0), X)
    assert params["head"]["weight"].shape == (5, 3)
    assert net.apply(params, X, train=True)[1].shape == (2, 3)


def test_a_part_called_with_train_is_shaped_as_in_training():
    @fnn.module(inner=with_aux, head=fnn.dense(3))
    def net(parts, x):
        return parts.head(parts.inner(x, train=True)[1])

    params = net.init(jax.random.key(0), X)
    assert params["head"]["weight"].shape == (5, 3)
    assert net.apply(params, X).shape == (2, 3)


# ------------------------------------------------------------------------- linear cost
def counted():
    """A layer, and the list of the calls of its init."""
    calls = []

    def init(key, x):
        calls.append(x.shape)
        return {"weight": jnp.ones(x.shape[-1:])}

    def apply(params, x):
        return x * jnp.broadcast_to(params["weight"], x.shape)

    return fnn.Layer(init, apply), calls


def by_hand(layer):
    def init(key, x):
        return {"inner": layer.init(key, x)}

    return fnn.Layer(init, lambda params, x: layer.apply(params["inner"], x))


@fnn.transform
def plain(layer, params, state, *inputs, **named):
    return layer.apply(params, state, *inputs, **named)


@fnn.transform
def halved(layer, params, state, *inputs, **named):
    params = jax.tree.map(lambda a: a / 2, params)
    return layer.apply(params, state, *inputs, **named)


@fnn.transform
def penalised(layer, params, state, *inputs, **named):
    y, state = layer.apply(params, state, *inputs, **named)
    return y + sum(leaf.sum() for leaf in jax.tree.leaves(params)), state


@fnn.transform
def first_row(layer, params, state, x, **named):
    return layer.apply(params, state, x[:1], **named)


@fnn.transform
def twice(layer, params, state, x, **named):
    y, state = layer.apply(params, state, x, **named)
    z, state = layer.apply(params, state, x[:1], **named)
    return y + z.reshape(1, -1), state


def nested_module(layer):
    return fnn.module(part=layer)(lambda parts, x: parts.part(x))


def tied_module(layer):
    return fnn.module(part=layer)(lambda parts, x: parts.part(parts.part(x)))


@pytest.mark.parametrize(
    "wrap",
    [
        by_hand,
        plain,
        halved,
        penalised,
        first_row,
        twice,
        nested_module,
        tied_module,
        fnn.sequential,
        fnn.residual,
        fnn.remat,
        fnn.freeze,
        fnn.with_state,
        fnn.evaluating,
        lambda layer: fnn.parallel(layer, combine=sum),
        lambda layer: fnn.ensemble(layer, 1),
        lambda layer: fnn.repeat(layer, 1),
        lambda layer: fnn.intercept(layer, "", lambda y: y),
        lambda layer: by_hand(halved(nested_module(layer))),
    ],
)
def test_a_leaf_under_twelve_wrappers_is_initialised_once(wrap):
    layer, calls = counted()
    for _ in range(12):
        layer = wrap(layer)
    params = jax.eval_shape(layer.init, jax.random.key(0), X[:1])
    assert len(jax.tree.leaves(params)) == 1
    assert len(calls) == 1


def test_captures_of_captures_initialise_once():
    layer, calls = counted()
    for _ in range(6):
        layer = fnn.capture(layer, "")
    jax.eval_shape(layer.init, jax.random.key(0), X)
    assert len(calls) == 1


def test_repeat_initialises_a_layer_once_whatever_its_length():
    layer, calls = counted()
    params = fnn.repeat(layer, 100).init(jax.random.key(0), X)
    assert params["weight"].shape == (100, 4) and len(calls) == 1


def test_apply_traces_each_part_once():
    traces = []

    def part(x):
        traces.append(x.shape)
        return x + 1

    net = fnn.sequential(fnn.dense(4), part, fnn.residual(fnn.remat(part)))
    apply = jax.jit(net.apply)
    params = net.init(jax.random.key(0), X)
    traces.clear()
    for _ in range(3):
        apply(params, X)
    assert traces == [(2, 4)] * 2
