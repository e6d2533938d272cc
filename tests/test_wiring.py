"""`module`: parts in any nesting, several forward functions, params and state."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 5


def count_init(key, x):
    return (), jnp.zeros((), jnp.int32)


def count_apply(params, state, x):
    return x + 1, state + 1


counter = fnn.StatefulLayer(count_init, count_apply)


# -------------------------------------------------------------------------------- parts
def test_a_forward_function_wires_its_parts():
    @fnn.module(query=fnn.dense(4), key=fnn.dense(4), act=jnp.tanh)
    def net(parts, x, y):
        return parts.act(parts.query(x) @ parts.key(y).T)

    params = net.init(jax.random.key(0), X, 2 * X)
    assert list(params) == ["query", "key", "act"]
    p = jax.tree.map(np.asarray, params)
    left = np.asarray(X) @ p["query"]["weight"] + p["query"]["bias"]
    right = 2 * np.asarray(X) @ p["key"]["weight"] + p["key"]["bias"]
    expected = np.tanh(left @ right.T)
    np.testing.assert_allclose(net.apply(params, X, 2 * X), expected, rtol=1e-5)


def test_parts_may_be_lists_dicts_tuples_and_none():
    def stages(widths, project):
        @fnn.module(
            down=[[fnn.dense(c)] * 2 for c in widths],
            skip=fnn.dense(widths[-1]) if project else None,
            heads={"a": (fnn.dense(1),), "none": None},
            empty=[],
        )
        def net(parts, x):
            y = x
            for stage in parts.down:
                for block in stage:
                    y = block(y)
            assert parts.heads["none"] is None and parts.empty == ()
            assert list(parts.heads) == ["a", "none"] and len(parts.down) == 2
            if parts.skip:
                y = y + parts.skip(x)
            return parts.heads["a"][0](y)

        return net

    for project in (True, False):
        net = stages([4, 5], project)
        params = net.init(jax.random.key(0), X)
        assert {
            path: leaf.shape
            for path, leaf in fnn.paths(params).items()
            if path.endswith("weight")
        } == {
            "down/0/0/weight": (3, 4),
            "down/0/1/weight": (4, 4),
            "down/1/0/weight": (4, 5),
            "down/1/1/weight": (5, 5),
            "heads/a/0/weight": (5, 1),
        } | ({"skip/weight": (3, 5)} if project else {})
        assert params["empty"] == params["heads"]["none"] == ()
        assert net.apply(params, X).shape == (2, 1)


def test_several_forward_functions_share_params():
    wire = fnn.module(encoder=fnn.dense(2), decoder=fnn.dense(3), norm=counter)

    @wire
    def both(parts, x):
        return parts.decoder(parts.norm(parts.encoder(x)))

    @wire
    def encode(parts, x):
        return parts.norm(parts.encoder(x))

    @wire
    def decode(parts, z):
        return parts.decoder(z)

    params, state = both.init(jax.random.key(0), X)
    z, after = encode.apply(params, state, X)
    y, unchanged = decode.apply(params, state, z)
    chex.assert_trees_all_equal(y, both.apply(params, state, X)[0])
    assert after["norm"] == 1 and unchanged["norm"] == 0
    assert [repr(net).split("(")[0] for net in (both, encode, decode)] == [
        "both",
        "encode",
        "decode",
    ]


def test_calling_a_part_twice_shares_its_params():
    @fnn.module(part=fnn.dense(3))
    def net(parts, x):
        return parts.part(parts.part(x))

    params = net.init(jax.random.key(0), X)
    once = fnn.dense(3)
    expected = once.apply(params["part"], once.apply(params["part"], X))
    chex.assert_trees_all_equal(net.apply(params, X), expected)


def test_a_part_may_be_called_on_several_shapes():
    @fnn.module(part=fnn.dense(3), act=jnp.tanh)
    def net(parts, x):
        return jnp.concatenate([parts.part(x), parts.act(parts.part(x[:1]))])

    params = net.init(jax.random.key(0), X)
    assert net.apply(params, X).shape == (3, 3)
    outer = fnn.sequential(net, fnn.dense(1), lambda x: x.T, fnn.dense(1))
    assert outer.init(jax.random.key(0), X)[3]["weight"].shape == (3, 1)


def test_state_goes_from_call_to_call():
    @fnn.module(a=counter, b=[counter])
    def net(parts, x):
        y = parts.a(parts.b[0](parts.a(x)))
        return y * parts.a.state.astype(y.dtype)

    params, state = net.init(jax.random.key(0), X)
    y, state = net.apply(params, state, X)
    chex.assert_trees_all_close(y, 2 * (X + 3), rtol=1e-6)
    y, state = jax.jit(net.apply)(params, state, X)
    chex.assert_trees_all_close(y, 4 * (X + 3), rtol=1e-6)
    assert state == {"a": 4, "b": (2,)}


def test_a_forward_function_takes_inputs_of_all_kinds():
    @fnn.module(part=fnn.dense(3))
    def net(parts, first, *rest, scale=1.0, **named):
        return parts.part(first) * scale + sum(rest) + named["shift"]

    params = net.init(jax.random.key(0), X, X, X, shift=X)
    y = net.apply(params, X, X, X, scale=2.0, shift=X)
    expected = 2 * fnn.dense(3).apply(params["part"], X) + 3 * X
    chex.assert_trees_all_close(y, expected, rtol=1e-6)


def test_train_in_a_call_overrides_what_is_threaded():
    seen = []

    def mode(x, *, train):
        seen.append(bool(train))
        return x

    @fnn.module(part=mode)
    def net(parts, x, *, train):
        return parts.part(parts.part(parts.part(x), train=not train), train=True)

    net.apply({"part": ()}, X)
    net.apply({"part": ()}, X, train=True)
    assert seen == [False, True, True, True, False, True]


def test_monte_carlo_dropout_by_train_in_the_call():
    @fnn.module(drop=fnn.dropout(0.5))
    def net(parts, x):
        return parts.drop(x, train=True)

    params = net.init(jax.random.key(0), X)
    y = net.apply(params, 1 + X, key=jax.random.key(1))
    assert ((y == 0) | jnp.isclose(y, 2 + 2 * X)).all()
    assert (y == 0).any() and (y != 0).any()


# -------------------------------------------------------------- params, state and apply
def test_params_of_a_part_tie_a_head_to_an_embedding():
    @fnn.module(embed=fnn.embed(5, 3))
    def net(parts, ids):
        return parts.embed(ids) @ parts.embed.params["weight"].T

    ids = jnp.array([[0, 4], [2, 2]])
    params = net.init(jax.random.key(0), ids)
    weight = np.asarray(params["embed"]["weight"])
    np.testing.assert_allclose(net.apply(params, ids), weight[ids] @ weight.T, 1e-5)
    grad = jax.grad(lambda p: net.apply(p, ids).sum())(params)["embed"]["weight"]
    assert (grad[1] != 0).all()  # only the head reaches row 1


@pytest.mark.parametrize(
    "embed, params_of",
    [
        (fnn.freeze(fnn.embed(5, 3)), lambda p: p),
        (fnn.freeze(fnn.freeze(fnn.embed(5, 3), "weight")), lambda p: p),
        (fnn.sequential(fnn.freeze(fnn.embed(5, 3)), jnp.tanh), lambda p: p[0]),
        (fnn.remat(fnn.freeze(fnn.embed(5, 3))), lambda p: p),
        (
            fnn.module(inner=fnn.sequential(fnn.freeze(fnn.embed(5, 3))))(
                lambda parts, ids: parts.inner(ids)
            ),
            lambda p: p["inner"][0],
        ),
    ],
)
def test_params_of_a_part_are_what_the_part_sees(embed, params_of):
    @fnn.module(embed=embed, mix=fnn.dense(3))
    def net(parts, ids):
        hidden = parts.mix(parts.embed(ids))
        return hidden @ params_of(parts.embed.params)["weight"].T

    ids = jnp.array([[0, 4], [2, 2]])
    params = net.init(jax.random.key(0), ids)
    grads = jax.grad(lambda p: (net.apply(p, ids) ** 2).sum())(params)
    assert (params_of(grads["embed"])["weight"] == 0).all()
    assert (grads["mix"]["weight"] != 0).any()


def test_params_of_frozen_copies_are_what_each_copy_sees():
    @fnn.module(blocks=fnn.repeat(fnn.freeze(fnn.dense(3), "weight"), 2))
    def net(parts, x):
        y = parts.blocks(x)
        return y @ parts.blocks.params["weight"][1] + parts.blocks.params["bias"][:1]

    params = net.init(jax.random.key(0), X)
    grads = jax.grad(lambda p: net.apply(p, X).sum())(params)["blocks"]
    assert (grads["weight"] == 0).all() and (grads["bias"] != 0).all()


@pytest.mark.parametrize("copies", [fnn.repeat, fnn.ensemble])
def test_params_of_copies_are_seen_copy_by_copy(copies):
    def look(part):
        @fnn.module(part=part)
        def net(parts, x):
            return parts.part(x), parts.part.params["weight"]

        return net

    normed = fnn.weight_norm(fnn.dense(3))
    params = look(copies(normed, 2)).init(jax.random.key(0), X)
    params = jax.tree.map(lambda a: a + 0.1, params)
    _, weights = look(copies(normed, 2)).apply(params, X)
    for i, copy in enumerate(fnn.unstack_params(params["part"])):
        _, weight = look(normed).apply({"part": copy}, X)
        chex.assert_trees_all_close(weights[i], weight, rtol=1e-5)


def test_state_of_a_part_can_be_assigned():
    @fnn.module(part=counter)
    def net(parts, x):
        before = parts.part.state if x.ndim == 0 else None
        assert before is None
        y = parts.part(x)
        parts.part.state = parts.part.state + 10
        return parts.part(y)

    params, state = net.init(jax.random.key(0), X)
    y, state = net.apply(params, state, X)
    chex.assert_trees_all_close(y, X + 2, rtol=1e-6)
    assert state == {"part": 12}


def test_apply_of_a_part_is_its_own_pure_function():
    critic = fnn.sequential(fnn.dense(4), jnp.tanh, counter, fnn.dense(1))

    @fnn.module(critic=critic)
    def penalty(parts, x):
        value = parts.critic(x)
        params, state = parts.critic.params, parts.critic.state

        def score(x):
            return parts.critic.apply(params, state, x)[0].sum()

        slope = jax.vmap(jax.grad(score))(x)
        return value.mean() + ((jnp.linalg.norm(slope, axis=-1) - 1) ** 2).mean()

    params, state = penalty.init(jax.random.key(0), X)
    y, after = penalty.apply(params, state, X)
    assert after["critic"][2] == 1  # one call that was threaded

    def score(x):
        return critic.apply(params["critic"], state["critic"], x)[0].sum()

    norm = jnp.linalg.norm(jax.vmap(jax.grad(score))(X), axis=-1)
    value = critic.apply(params["critic"], state["critic"], X)[0].mean()
    chex.assert_trees_all_close(y, value + ((norm - 1) ** 2).mean(), rtol=1e-5)
    grads = jax.grad(lambda p: penalty.apply(p, state, X)[0])(params)
    assert all((g != 0).any() for g in jax.tree.leaves(grads["critic"][:2]))


def test_a_module_is_a_part_of_another():
    @fnn.module(a=fnn.dense(3), b=counter)
    def inner(parts, x):
        return parts.b(parts.a(x))

    @fnn.module(inner=inner, outer=fnn.dense(2))
    def net(parts, x):
        return parts.outer(parts.inner(parts.inner(x)))

    params, state = net.init(jax.random.key(0), X)
    _, state = net.apply(params, state, X)
    assert state == {"inner": {"a": (), "b": 2}, "outer": ()}


def test_a_module_may_wrap_a_class_instance():
    class Forward:
        def __call__(self, parts, x):
            return parts.a(x)

    net = fnn.module(a=jnp.sin)(Forward())
    chex.assert_trees_all_equal(net.apply({"a": ()}, X), jnp.sin(X))
