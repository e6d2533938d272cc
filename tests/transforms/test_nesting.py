"""Transforms of every kind of layer, in each other, and under those of JAX."""

import itertools

import chex
import jax
import jax.numpy as jnp
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 4 + 0.1


def scale_init(key, x):
    return {"scale": 1 + jax.random.uniform(key, x.shape[-1:])}


def scale_apply(params, x):
    return jnp.broadcast_to(params["scale"], x.shape) * x


def count_init(key, x):
    return (), {"calls": jnp.zeros((), jnp.int32)}


def count_apply(params, state, x, *, train):
    calls = state["calls"] + (1 if train else 0)
    return x + calls.astype(x.dtype), {"calls": calls}


def noise(x, *, key, train):
    return x * jax.random.uniform(key, x.shape) if train else x


scaling = fnn.Layer(scale_init, scale_apply)
counting = fnn.StatefulLayer(count_init, count_apply)

LAYERS = {
    "stateless": fnn.sequential(a=scaling, b=jnp.sin),
    "stateful": fnn.sequential(a=scaling, b=counting),
    "drawing": fnn.sequential(a=scaling, b=noise),
    "all": fnn.module(a=scaling, b=[counting, noise])(
        lambda parts, x: parts.b[1](parts.b[0](parts.a(x))) + parts.a(x)
    ),
}


@fnn.transform
def handed_on(layer, params, state, *inputs, **named):
    return layer.apply(params, state, *inputs, **named)


@fnn.transform
def looked_at(layer, params, state, *inputs, **named):
    jax.tree.map(jnp.sin, (params, state))
    return layer.apply(params, state, *inputs, **named)


# Those that change nothing but how the layer is run.
SAME = {
    "remat": fnn.remat,
    "with_state": fnn.with_state,
    "handed_on": handed_on,
    "looked_at": looked_at,
    "intercept": lambda layer: fnn.intercept(layer, "**", lambda y: y),
    "map_parts": lambda layer: fnn.map_parts(lambda path, part: fnn.remat(part), layer),
    "mixed_precision": lambda layer: fnn.mixed_precision(layer, jnp.float32),
}


def run(layer, params, state, x, train=True):
    lifted = fnn.with_state(layer)
    return lifted.apply(params, state, x, key=jax.random.key(1), train=train)


def values(layer, params, state, x=X, train=True):
    """Outputs, state, and gradients by params and inputs."""

    def loss(params, x):
        y, after = run(layer, params, state, x, train)
        return (y**2).sum(), (y, after)

    grads, aux = jax.grad(loss, (0, 1), has_aux=True)(params, x)
    return grads, aux


def started(layer):
    return fnn.with_state(layer).init(jax.random.key(0), X)


@pytest.mark.parametrize("outer, inner", list(itertools.product(SAME, SAME)))
def test_transforms_of_transforms_change_nothing(outer, inner):
    layer = LAYERS["all"]
    net = SAME[outer](SAME[inner](layer))
    params, state = started(layer)
    chex.assert_trees_all_equal(started(net), (params, state))
    got, expected = values(net, params, state), values(layer, params, state)
    chex.assert_trees_all_close(got, expected, rtol=1e-5)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("wrap", SAME.values(), ids=SAME)
@pytest.mark.parametrize("train", [False, True])
def test_transforms_of_every_kind_of_layer(layer, wrap, train):
    params, state = started(layer)
    expected = values(layer, params, state, train=train)
    got = values(wrap(layer), params, state, train=train)
    chex.assert_trees_all_close(got, expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("wrap", SAME.values(), ids=SAME)
def test_copies_of_transforms_and_transforms_of_copies(wrap):
    layer = LAYERS["all"]
    for copies in (fnn.repeat, fnn.ensemble):
        params, state = started(copies(layer, 2))
        expected = values(copies(layer, 2), params, state)
        for net in (copies(wrap(layer), 2), wrap(copies(layer, 2))):
            chex.assert_trees_all_equal(started(net), (params, state))
            got = values(net, params, state)
            chex.assert_trees_all_close(got, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "wrap",
    [
        fnn.residual,
        fnn.evaluating,
        lambda layer: fnn.freeze(layer, "a/*"),
        lambda layer: fnn.repeat(layer, 2),
        lambda layer: fnn.ensemble(layer, 2),
        lambda layer: fnn.capture(layer, "*"),
        lambda layer: fnn.intercept(layer, "a", jnp.tanh),
        looked_at,
    ],
)
def test_under_the_transforms_of_jax(wrap):
    net = wrap(LAYERS["all"])
    params, state = started(net)

    def call(x, state):
        return fnn.with_state(net).apply(
            params, state, x, key=jax.random.key(1), train=True
        )

    expected, after = call(X, state)
    jitted = jax.jit(call)(X, state)
    chex.assert_trees_all_close(jitted, (expected, after), rtol=1e-5)
    mapped = jax.vmap(call, (0, None))(jnp.stack([2 * X, X]), state)
    chex.assert_trees_all_close(
        jax.tree.map(lambda a: a[1], mapped), (expected, after), rtol=1e-5
    )

    def step(state, x):
        y, state = call(x, state)
        return state, y

    last, ys = jax.lax.scan(step, state, jnp.stack([X, 3 * X]))
    second = call(3 * X, after)
    chex.assert_trees_all_close(
        (jax.tree.map(lambda a: a[0], ys), last), (expected, second[1]), rtol=1e-5
    )
    tangent = jax.jvp(lambda x: call(x, state)[0], (X,), (X,))[1]
    whole = jax.jacrev(lambda x: call(x, state)[0])(X)
    product = jax.tree.map(lambda j: jnp.tensordot(j, X, 2), whole)
    chex.assert_trees_all_close(tangent, product, rtol=1e-4, atol=1e-6)


def test_the_decoration_of_a_decoration():
    """Everything at once, thirteen wrappers deep, as one would never write it."""
    net = LAYERS["all"]
    for wrap in (*SAME.values(), *SAME.values()):
        net = wrap(net)
    net = fnn.capture(fnn.repeat(fnn.residual(net), 2), "a")
    params, state = started(net)
    (y, found), after = run(net, params, state, X)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    plain = fnn.repeat(fnn.residual(LAYERS["all"]), 2)
    chex.assert_trees_all_equal(started(plain), (params, state))
    chex.assert_trees_all_close((y, after), run(plain, params, state, X), rtol=1e-5)
    assert jax.tree.map(jnp.shape, found) == {"a": ((2, 2, 3), (2, 2, 3))}
