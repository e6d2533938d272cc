"""`capture`: what parts put out, through every transform, and nothing else changed."""

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
    return x + state.astype(x.dtype), state + 1


counter = fnn.StatefulLayer(count_init, count_apply)

CHAIN = fnn.sequential(a=fnn.dense(3), b=fnn.sequential(jnp.tanh, fnn.dense(2)))


def test_outputs_of_matching_parts_by_path():
    net = fnn.capture(CHAIN, ["a", "b/*"])
    params = net.init(jax.random.key(0), X)
    chex.assert_trees_all_equal(params, CHAIN.init(jax.random.key(0), X))
    y, found = net.apply(params, X)
    chex.assert_trees_all_equal(y, CHAIN.apply(params, X))
    hidden = fnn.dense(3).apply(params["a"], X)
    assert list(found) == ["a", "b/0", "b/1"]
    chex.assert_trees_all_equal(found["a"], hidden)
    chex.assert_trees_all_equal(found["b/0"], jnp.tanh(hidden))
    chex.assert_trees_all_equal(found["b/1"], y)


def test_the_whole_and_all_that_is_in_it():
    net = fnn.capture(CHAIN, "**")
    params = net.init(jax.random.key(0), X)
    y, found = net.apply(params, X)
    assert set(found) == {"", "a", "b", "b/0", "b/1"}
    for path in ("", "b", "b/1"):
        chex.assert_trees_all_equal(found[path], y)


def test_under_jit_grad_and_vmap():
    net = fnn.capture(CHAIN, "a")
    params = net.init(jax.random.key(0), X)
    eager = net.apply(params, X)
    chex.assert_trees_all_close(jax.jit(net.apply)(params, X), eager, rtol=1e-5)
    rows = jax.vmap(net.apply, (None, 0))(params, X)
    chex.assert_trees_all_close(rows, eager, rtol=1e-5)

    def loss(params):
        y, found = net.apply(params, X)
        return y.sum() + (found["a"] ** 2).sum()

    def expected(params):
        return CHAIN.apply(params, X).sum() + (DENSE.apply(params["a"], X) ** 2).sum()

    chex.assert_trees_all_close(
        jax.grad(loss)(params), jax.grad(expected)(params), rtol=1e-5
    )


def test_several_calls_give_a_tuple():
    @fnn.module(a=fnn.dense(3), b=jnp.tanh)
    def net(parts, x):
        return parts.b(parts.a(parts.a(x[:1])) + parts.a(x))

    params = net.init(jax.random.key(0), X)
    _, found = fnn.capture(net, "*").apply(params, X)
    first = DENSE.apply(params["a"], X[:1])
    chex.assert_trees_all_close(
        found["a"],
        (first, DENSE.apply(params["a"], first), DENSE.apply(params["a"], X)),
    )
    assert found["b"].shape == (2, 3)


def test_a_part_that_is_not_reached_gives_an_empty_tuple():
    @fnn.module(a=jnp.sin, aux=jnp.cos)
    def net(parts, x, *, train):
        return parts.a(x) + parts.aux(x) if train else parts.a(x)

    both = fnn.capture(net, "aux")
    params = both.init(jax.random.key(0), X)
    assert both.apply(params, X)[1] == {"aux": ()}
    chex.assert_trees_all_equal(
        both.apply(params, X, train=True)[1], {"aux": jnp.cos(X)}
    )


def test_outputs_may_be_trees():
    net = fnn.sequential(fnn.parallel(jnp.sin, jnp.cos), lambda pair: {"s": sum(pair)})
    _, found = fnn.capture(net, "*").apply((((), ()), ()), X)
    chex.assert_trees_all_equal(found["0"], (jnp.sin(X), jnp.cos(X)))
    chex.assert_trees_all_equal(found["1"], {"s": jnp.sin(X) + jnp.cos(X)})


# ------------------------------------------------------------------- through transforms
def test_through_repeat_outputs_are_stacked():
    block = fnn.sequential(fnn.dense(3), jnp.tanh)
    net = fnn.capture(fnn.sequential(fnn.repeat(block, 3)), ["0", "0/1"])
    params = net.init(jax.random.key(0), X)
    y, found = net.apply(params, X)
    xs, x = [], X
    for copy in fnn.unstack_params(params[0]):
        x = block.apply(copy, x)
        xs.append(x)
    chex.assert_trees_all_close(y, x, rtol=1e-6)
    chex.assert_trees_all_close(found["0/1"], jnp.stack(xs), rtol=1e-6)
    chex.assert_trees_all_close(found["0"], jnp.stack(xs), rtol=1e-6)


@pytest.mark.parametrize("remat", [False, True])
def test_through_repeat_with_state(remat):
    block = fnn.sequential(counter, fnn.batch_norm())
    loop = fnn.repeat(block, 2, remat=remat)
    net = fnn.capture(loop, "0")
    params, state = net.init(jax.random.key(0), X)
    (_, found), after = net.apply(params, state, X, train=True)
    assert found["0"].shape == (2, 2, 3)
    chex.assert_trees_all_equal(found["0"][0], X)
    _, expected = loop.apply(params, state, X, train=True)
    chex.assert_trees_all_equal(after, expected)
    assert jax.tree.structure(after) == jax.tree.structure(state)


def test_through_ensemble():
    net = fnn.capture(fnn.ensemble(fnn.sequential(fnn.dense(3), jnp.tanh), 2), "0")
    params = net.init(jax.random.key(0), X)
    y, found = net.apply(params, X)
    chex.assert_trees_all_close(jnp.tanh(found["0"]), y, rtol=1e-6)
    one = jax.tree.map(lambda a: a[1], params[0])
    chex.assert_trees_all_close(found["0"][1], DENSE.apply(one, X), rtol=1e-6)


def test_through_recurrent():
    cell = fnn.module(inner=fnn.rnn_cell(3))(lambda parts, c, x: parts.inner(c, x))
    net = fnn.capture(fnn.recurrent(cell), "inner")
    x = jnp.stack([X, 2 * X])
    params = net.init(jax.random.key(0), x)
    y, found = net.apply(params, x)
    chex.assert_trees_all_equal(y, fnn.recurrent(cell).apply(params, x))
    leaves = jax.tree.leaves(found)
    assert leaves and all(a.size == y.size for a in leaves)


@pytest.mark.parametrize(
    "wrap",
    [
        fnn.remat,
        fnn.residual,
        fnn.evaluating,
        fnn.with_state,
        lambda layer: fnn.freeze(layer, "a/*"),
        lambda layer: fnn.intercept(layer, "", lambda y: y),
        lambda layer: fnn.remat(fnn.freeze(fnn.remat(layer), "a/*")),
        lambda layer: fnn.capture(layer, "b"),
        lambda layer: fnn.mixed_precision(layer, jnp.float32),
    ],
)
@pytest.mark.parametrize("second", [jnp.tanh, counter])
def test_through_wrappers(wrap, second):
    chain = fnn.sequential(a=fnn.dense(3), b=second)
    layer = fnn.with_state(wrap(chain))
    net = fnn.capture(layer, ["a", "b"])
    params, state = net.init(jax.random.key(0), X)
    (y, found), after = net.apply(params, state, X)
    expected, expected_state = layer.apply(params, state, X)
    chex.assert_trees_all_close((y, after), (expected, expected_state), rtol=1e-6)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    chex.assert_trees_all_close(found["a"], DENSE.apply(params["a"], X), rtol=1e-6)
    assert found["b"].shape == X.shape


def test_through_a_wrapper_with_state_of_its_own():
    chain = fnn.sequential(fnn.sequential(fnn.dense(3), counter), jnp.tanh)
    layer = fnn.spectral_norm(chain)
    net = fnn.capture(layer, ["0", "0/0"])
    params, state = net.init(jax.random.key(0), X)
    (y, found), after = net.apply(params, state, X, train=True)
    expected, expected_state = layer.apply(params, state, X, train=True)
    chex.assert_trees_all_close((y, after), (expected, expected_state), rtol=1e-6)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    chex.assert_trees_all_close(jnp.tanh(found["0"]), y, rtol=1e-6)


def test_a_users_transform_that_calls_the_layer_twice():
    @fnn.transform
    def twice(layer, params, state, x, **named):
        x, state = layer.apply(params, state, x, **named)
        return layer.apply(params, state, x, **named)

    net = fnn.capture(twice(fnn.sequential(fnn.dense(3), counter)), "0")
    params, state = net.init(jax.random.key(0), X)
    (_, found), after = net.apply(params, state, X)
    first, second = found["0"]
    chex.assert_trees_all_close(first, DENSE.apply(params[0], X), rtol=1e-6)
    chex.assert_trees_all_close(second, DENSE.apply(params[0], first), rtol=1e-6)
    assert after == ((), 2)


# ---------------------------------------------------------------------- nested captures
def test_captures_of_captures_keep_their_own():
    inner = fnn.capture(CHAIN, "b/0")
    net = fnn.capture(inner, ["b", "b/0"])
    params = net.init(jax.random.key(0), X)
    (y, within), found = net.apply(params, X)
    chex.assert_trees_all_equal(y, CHAIN.apply(params, X))
    assert set(within) == {"b/0"} and set(found) == {"b", "b/0"}
    chex.assert_trees_all_equal(within["b/0"], found["b/0"])
    chex.assert_trees_all_equal(found["b"], y)


def test_a_capture_is_a_part():
    net = fnn.sequential(
        fnn.capture(CHAIN, "a"), lambda out: out[0] + out[1]["a"][:, :2]
    )
    params = net.init(jax.random.key(0), X)
    y, found = fnn.capture(net, ["0/a", "0"]).apply(params, X)
    chex.assert_trees_all_equal(found["0"][1]["a"], found["0/a"])
    chex.assert_trees_all_close(y, found["0"][0] + found["0/a"][:, :2])


# --------------------------------------------------------------- explicit use of a part
def test_params_state_and_apply_of_a_tapped_part_are_its_own():
    critic = fnn.sequential(fnn.dense(3), counter, fnn.with_state(fnn.dense(1)))

    @fnn.module(critic=critic)
    def net(parts, x):
        value = parts.critic(x)
        params, state = parts.critic.params, parts.critic.state
        slope = jax.grad(lambda x: parts.critic.apply(params, state, x)[0].sum())(x)
        parts.critic.state = jax.tree.map(lambda s: s + 5, parts.critic.state)
        return value, slope

    params, state = net.init(jax.random.key(0), X)
    expected, expected_state = net.apply(params, state, X)
    for pattern in ("critic", "critic/0", "critic/*", "**"):
        (outputs, found), after = fnn.capture(net, pattern).apply(params, state, X)
        chex.assert_trees_all_close((outputs, after), (expected, expected_state))
        assert jax.tree.structure(after) == jax.tree.structure(state)
        assert all(
            not isinstance(value, tuple) for path, value in found.items() if path
        )


def test_apply_of_a_lifted_part_stays_lifted():
    @fnn.module(part=fnn.with_state(fnn.sequential(fnn.dense(3))))
    def net(parts, x):
        x = parts.part(x)
        y, state = parts.part.apply(parts.part.params, (), x)
        assert state == ()
        return y

    params, state = net.init(jax.random.key(0), X)
    (y, _), after = fnn.capture(net, "part/0").apply(params, state, X)
    chex.assert_trees_all_equal(y, net.apply(params, state, X)[0])
    assert after == {"part": ()}


def test_a_part_inside_a_jax_transform_cannot_be_captured():
    net = fnn.module(part=jnp.sin)(lambda parts, x: jax.vmap(parts.part)(x))
    params = net.init(jax.random.key(0), X)
    with pytest.raises(ValueError, match="expected part part to keep its state"):
        fnn.capture(net, "part").apply(params, X)


def test_errors_name_the_part_not_the_tap():
    net = fnn.capture(fnn.sequential(jnp.sin, fnn.dense(2)), "1")
    params = ((), fnn.dense(2).init(jax.random.key(0), X))
    with pytest.raises(ValueError, match="dense: expected x of shape") as caught:
        net.apply(params, X[:, :2])
    assert "in layer 1 (dense) of sequential" in caught.value.__notes__
