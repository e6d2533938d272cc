"""Parts inside JAX transforms: they just work, or say why they can't."""

import chex
import jax
import jax.numpy as jnp
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 5


def count_init(key, x):
    return (), jnp.zeros((), jnp.int32)


def count_apply(params, state, x):
    return x + 1, state + 1


counter = fnn.StatefulLayer(count_init, count_apply)


def test_parts_that_neither_draw_nor_change_state_work_inside_transforms():
    @fnn.module(dense=fnn.dense(3), norm=fnn.batch_norm(), drop=fnn.dropout(0.5))
    def net(parts, x):
        rows = jax.vmap(parts.dense)(x)

        def step(carry, row):
            carry = jnp.tanh(parts.dense(carry) + row)
            return carry, parts.drop(carry, train=False)

        _, ys = jax.lax.scan(step, x[0], rows)
        slopes = jax.grad(lambda x: parts.dense(x).sum())(x)
        picked = jax.lax.cond(x[0, 0] > 0, parts.dense, jnp.sin, x)
        normed = jax.vmap(lambda row: parts.norm(row, train=False))(ys)
        return jax.checkpoint(parts.dense)(normed) + slopes + picked

    params, state = net.init(jax.random.key(0), X)
    y, after = jax.jit(lambda p, s: net.apply(p, s, X, train=True))(params, state)
    assert y.shape == (2, 3)
    chex.assert_trees_all_equal(after, state)


def test_a_key_given_in_the_call_works_inside_transforms():
    @fnn.module(drop=fnn.dropout(0.5))
    def net(parts, x, *, key):
        keys = jax.random.split(key, len(x))
        return jax.vmap(lambda x, key: parts.drop(x, key=key, train=True))(x, keys)

    params = net.init(jax.random.key(0), X)
    y = net.apply(params, 1 + X, key=jax.random.key(1))
    assert ((y == 0) | jnp.isclose(y, 2 + 2 * X)).all()


WAYS = (
    "inside a JAX transform a part can't reach the threaded key or change its state: "
    "pass it key=, use its .apply, or fnn.repeat, recurrent, remat, ensemble."
)


def inside(part, how):
    return fnn.module(part=part)(lambda parts, x: how(lambda x: parts.part(x), x))


TRANSFORMS = {
    "vmap": lambda part, x: jax.vmap(part)(x),
    "scan": lambda part, x: jax.lax.scan(lambda c, x: (c, part(x)), (), x)[1],
    "map": lambda part, x: jax.lax.map(part, x),
    "grad": lambda part, x: jax.grad(lambda x: part(x).sum())(x),
    "jvp": lambda part, x: jax.jvp(part, (x,), (x,))[1],
    "jit": lambda part, x: jax.jit(part)(x),
    "checkpoint": lambda part, x: jax.checkpoint(part)(x),
    "cond": lambda part, x: jax.lax.cond(x[0, 0] > 0, part, lambda x: x, x),
    "fori": lambda part, x: jax.lax.fori_loop(0, 2, lambda i, x: part(x), x),
    "while": lambda part, x: jax.lax.while_loop(lambda x: x[0, 0] < 1, part, x),
}


@pytest.mark.parametrize("how", TRANSFORMS.values(), ids=TRANSFORMS)
def test_drawing_inside_a_transform_is_refused_at_init_and_apply(how):
    net = inside(fnn.dropout(0.5), how)
    for call in (
        lambda: net.init(jax.random.key(0), X),
        lambda: net.apply({"part": ()}, X, key=jax.random.key(0), train=True),
    ):
        with pytest.raises(
            ValueError, match="dropout: expected a key when tr"
        ) as caught:
            call()
        assert WAYS in caught.value.__notes__
    assert net.apply({"part": ()}, X).shape == X.shape


@pytest.mark.parametrize("how", TRANSFORMS.values(), ids=TRANSFORMS)
def test_changing_state_inside_a_transform_is_refused_at_init_and_apply(how):
    net = inside(counter, how)
    state = {"part": jnp.zeros((), jnp.int32)}
    for call in (
        lambda: net.init(jax.random.key(0), X),
        lambda: net.apply({"part": ()}, state, X),
    ):
        with pytest.raises(ValueError, match="expected part part to keep its state"):
            call()


def test_assigning_state_inside_a_transform_is_refused():
    @fnn.module(part=counter)
    def net(parts, x):
        y = parts.part(x)

        def change(x):
            parts.part.state = parts.part.state + 1
            return x

        return jax.vmap(change)(y)

    with pytest.raises(ValueError, match="part part: expected no new state, got one"):
        net.init(jax.random.key(0), X)


@pytest.mark.parametrize(
    "wrap", [fnn.remat, lambda part: fnn.repeat(part, 2), lambda p: fnn.ensemble(p, 2)]
)
def test_our_own_transforms_are_the_ways_out(wrap):
    noisy = fnn.sequential(fnn.dropout(0.5), counter)

    @fnn.module(part=wrap(noisy))
    def net(parts, x):
        return parts.part(x)

    params, state = net.init(jax.random.key(0), X)
    _, after = net.apply(params, state, X, key=jax.random.key(1), train=True)
    assert (jax.tree.leaves(after)[0] == 1).all()


def test_nothing_outlives_the_call():
    kept = []

    @fnn.module(a=jnp.sin)
    def net(parts, x):
        kept.append(parts)
        return parts.a(x)

    net.apply({"a": ()}, X)
    with pytest.raises(ValueError, match="expected calls of part a while the forward"):
        kept[0].a(X)
