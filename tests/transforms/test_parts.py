"""`map_parts`, and the surgery over it: `replace`, `evaluating`, `intercept`."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 4


@fnn.module(body=[fnn.dense(3), {"act": jnp.tanh}], skip=None, head=fnn.dense(2))
def net(parts, x):
    return parts.head(parts.body[1]["act"](parts.body[0](x)))


DEEP = fnn.sequential(
    fnn.residual(fnn.sequential(a=fnn.dense(3), b=jnp.sin)),
    fnn.repeat(fnn.sequential(fnn.dense(3), jnp.cos), 2),
    fnn.freeze(net, "head/*"),
    fnn.ensemble(fnn.dense(1), 2),
)


# ---------------------------------------------------------------------------- map_parts
def test_every_part_is_visited_once_from_the_inside_out():
    visited = []

    def visit(path, part):
        visited.append((path, part.form.name))
        return part

    assert fnn.map_parts(visit, DEEP) is DEEP
    assert visited == [
        ("0/a", "dense"),
        ("0/b", "sin"),
        ("0", "residual"),
        ("1/0", "dense"),
        ("1/1", "cos"),
        ("1", "sequential"),
        ("2/body/0", "dense"),
        ("2/body/1/act", "tanh"),
        ("2/head", "dense"),
        ("2", "freeze"),
        ("3", "ensemble"),
        ("", "sequential"),
    ]


def test_paths_of_parts_are_those_of_params():
    params = DEEP.init(jax.random.key(0), X)
    leaves = set(fnn.paths(params))
    seen = []
    fnn.map_parts(lambda path, part: seen.append(path) or part, DEEP)
    dense = {path for path in seen if f"{path}/weight" in leaves}
    assert dense == {"0/a", "1/0", "2/body/0", "2/head", "3"}


def test_nothing_changed_gives_the_layer_itself():
    for layer in (net, DEEP, fnn.dense(3), fnn.repeat(net, 2), fnn.capture(net, "**")):
        assert fnn.map_parts(lambda path, part: part, layer) is layer


def test_what_did_not_change_stays_itself():
    changed = fnn.map_parts(lambda path, part: jnp.cos if path == "0/b" else part, DEEP)
    assert changed.parts[1] is DEEP.parts[1] and changed.parts[2] is DEEP.parts[2]
    assert repr(changed.parts[0]) == "residual(sequential(a=dense(3), b=cos))"
    assert repr(changed.parts[1:]) == repr(DEEP.parts[1:])


def test_every_wrapper_is_rebuilt_with_its_options():
    layers = [
        fnn.sequential(a=jnp.sin, b=jnp.cos),
        fnn.parallel(jnp.sin, jnp.cos, combine=sum),
        fnn.residual(jnp.sin, jnp.cos),
        fnn.repeat(jnp.sin, 3, remat=True, collect=True, unroll=3),
        fnn.remat(jnp.sin, jax.checkpoint_policies.dots_saveable),
        fnn.ensemble(jnp.sin, 4),
        fnn.freeze(jnp.sin, "**"),
        fnn.with_state(jnp.sin),
        fnn.capture(jnp.sin, ""),
        fnn.intercept(jnp.sin, "", jnp.tanh),
        fnn.evaluating(jnp.sin),
        fnn.module(a=[jnp.sin])(lambda parts, x: parts.a[0](x)),
    ]
    double = jnp.square

    def change(path, part):
        return double if repr(part) == "sin" else part

    for layer in layers:
        inner = fnn.sequential(part=layer)
        changed = fnn.map_parts(change, fnn.sequential(inner))
        # A wrapper and what it wraps have one path, at which only the outer is mapped.
        named = any(word in repr(layer) for word in ("cos", "repeat", "lambda"))
        expected = repr(layer).replace("sin", "square") if named else repr(layer)
        assert repr(changed) == f"sequential(sequential(part={expected}))"


def test_params_fit_before_and_after():
    params = DEEP.init(jax.random.key(0), X)
    changed = fnn.map_parts(
        lambda path, part: fnn.remat(part) if path.endswith("0") else part, DEEP
    )
    chex.assert_trees_all_equal(params, changed.init(jax.random.key(0), X))
    chex.assert_trees_all_close(
        DEEP.apply(params, X), changed.apply(params, X), rtol=1e-6
    )


def test_the_whole_layer_comes_last():
    assert fnn.map_parts(lambda path, part: part if path else jnp.sin, net) == (
        fnn.with_state(jnp.sin).form.parts
    )


# ------------------------------------------------------------------------------ replace
def test_replace_puts_other_parts_at_paths():
    new = fnn.replace(net, {"head": fnn.dense(5), "body/*/act": jnp.sin})
    params = new.init(jax.random.key(0), X)
    assert params["head"]["weight"].shape == (3, 5)
    hidden = jnp.sin(fnn.dense(3).apply(params["body"][0], X))
    expected = fnn.dense(5).apply(params["head"], hidden)
    chex.assert_trees_all_close(new.apply(params, X), expected, rtol=1e-6)
    old = net.init(jax.random.key(0), X)
    chex.assert_trees_all_equal(old["body"], params["body"])


def test_replace_reaches_each_copy_and_through_wrappers():
    new = fnn.replace(DEEP, {"1/1": jnp.sin, "2/body/1/act": jnp.cos})
    assert repr(new.parts[1]) == "repeat(sequential(dense(3), sin), 2)"
    assert "cos" in repr(new.parts[2])
    assert fnn.replace(fnn.repeat(jnp.sin, 3), {"": jnp.cos}) == fnn.repeat(jnp.cos, 3)
    assert fnn.replace(net, {"": jnp.cos}) == fnn.replace(fnn.dense(2), {"": jnp.cos})


def test_replace_may_make_a_network_stateful_or_not():
    norm = fnn.batch_norm()
    stateful = fnn.replace(net, {"body/1/act": norm})
    _, state = stateful.init(jax.random.key(0), X)
    assert state["body"][1]["act"]["mean"].shape == (3,)
    assert type(stateful) is fnn.StatefulLayer
    back = fnn.replace(stateful, {"body/1/act": jnp.tanh})
    assert type(back) is fnn.Layer and back == net


def test_replace_takes_functions_of_path_and_part():
    def is_dense(path, part):
        return repr(part).startswith("dense")

    new = fnn.replace(net, {is_dense: fnn.dense(3, use_bias=False)})
    assert set(fnn.paths(new.init(jax.random.key(0), X))) == {
        "body/0/weight",
        "head/weight",
    }


# --------------------------------------------------------------------------- evaluating
def test_evaluating_pins_parts_to_evaluation():
    chain = fnn.sequential(fnn.dropout(0.5), fnn.batch_norm(), fnn.dropout(0.5))
    pinned = fnn.evaluating(chain, ["0", "1"])
    params, state = pinned.init(jax.random.key(0), X)
    y, after = pinned.apply(params, state, X, key=jax.random.key(1), train=True)
    chex.assert_trees_all_equal(after, state)
    key = jax.random.fold_in(jax.random.key(1), 2)
    expected, _ = fnn.batch_norm().apply(params[1], state[1], X)
    expected = fnn.dropout(0.5).apply((), expected, key=key, train=True)
    chex.assert_trees_all_close(y, expected, rtol=1e-6)
    _, moved = chain.apply(params, state, X, key=jax.random.key(1), train=True)
    assert (moved[1]["mean"] != state[1]["mean"]).any()


@pytest.mark.parametrize(
    "pattern, shown",
    [
        ("**", "pinned(sequential(a=dropout(0.5), b=sequential(dropout(0.1), tanh)))"),
        ("b", "sequential(a=dropout(0.5), b=pinned(sequential(dropout(0.1), tanh)))"),
        (
            "b/**",
            "sequential(a=dropout(0.5), b=pinned(sequential(dropout(0.1), tanh)))",
        ),
        (
            "**/0",
            "sequential(a=dropout(0.5), b=sequential(pinned(dropout(0.1)), tanh))",
        ),
    ],
)
def test_evaluating_pins_once(pattern, shown):
    layer = fnn.sequential(
        a=fnn.dropout(0.5), b=fnn.sequential(fnn.dropout(0.1), jnp.tanh)
    )
    assert repr(fnn.evaluating(layer, pattern)) == shown


def test_evaluating_the_whole_needs_no_key():
    layer = fnn.evaluating(fnn.sequential(fnn.dropout(0.5), fnn.batch_norm()))
    params, state = layer.init(jax.random.key(0), X)
    y, after = layer.apply(params, state, X, train=True)
    chex.assert_trees_all_equal(after, state)
    chex.assert_trees_all_close(y, X / np.sqrt(1 + 1e-5), rtol=1e-6)


def test_evaluating_reaches_each_copy():
    layer = fnn.evaluating(
        fnn.repeat(fnn.sequential(fnn.dropout(0.5), jnp.sin), 2), "0"
    )
    y = layer.apply(layer.init(jax.random.key(0), X), X, train=True)
    chex.assert_trees_all_close(y, jnp.sin(jnp.sin(X)), rtol=1e-6)


# ---------------------------------------------------------------------------- intercept
def test_intercept_changes_the_output_of_a_part():
    changed = fnn.intercept(net, "body/1/act", lambda y: 2 * y)
    params = net.init(jax.random.key(0), X)
    hidden = 2 * jnp.tanh(fnn.dense(3).apply(params["body"][0], X))
    expected = fnn.dense(2).apply(params["head"], hidden)
    chex.assert_trees_all_close(changed.apply(params, X), expected, rtol=1e-6)


def test_the_gradient_by_an_activation():
    params = net.init(jax.random.key(0), X)

    def loss(delta):
        shifted = fnn.intercept(net, "body/1/act", lambda y: y + delta)
        return shifted.apply(params, X).sum()

    grad = jax.jit(jax.grad(loss))(jnp.zeros((2, 3)))
    expected = jnp.broadcast_to(params["head"]["weight"].sum(1), (2, 3))
    chex.assert_trees_all_close(grad, expected, rtol=1e-6)


def test_intercept_with_key_and_train():
    def corrupt(y, *, key, train):
        return y + jax.random.normal(key, y.shape) if train else y

    changed = fnn.intercept(net, "**", corrupt)
    params = changed.init(jax.random.key(0), X)
    chex.assert_trees_all_close(changed.apply(params, X), net.apply(params, X))
    noisy = changed.apply(params, X, key=jax.random.key(1), train=True)
    assert (noisy != net.apply(params, X)).all()
    with pytest.raises(ValueError, match="expected a key when train=True, got None"):
        changed.apply(params, X, train=True)


def test_intercept_takes_inputs_by_name():
    chain = fnn.sequential(jnp.sin, jnp.cos)

    def patched(y, *, patch=None):
        return y if patch is None else patch

    changed = fnn.intercept(chain, "0", patched)
    params = changed.init(jax.random.key(0), X)
    chex.assert_trees_all_close(changed.apply(params, X), jnp.cos(jnp.sin(X)))
    y = changed.apply(params, X, patch=jnp.zeros_like(X))
    chex.assert_trees_all_equal(y, jnp.ones_like(X))


def test_intercept_patches_one_copy_of_a_repeat():
    block = fnn.sequential(fnn.dense(3), jnp.tanh)
    loop = fnn.repeat(block, 3, over=())
    params = loop.init(jax.random.key(0), X)

    def add(y, *, delta):
        return y + delta

    changed = fnn.repeat(fnn.intercept(block, "1", add), 3, over=("delta",))
    delta = jnp.zeros((3, 2, 3)).at[1].set(1.0)
    x = X
    for i, copy in enumerate(fnn.unstack_params(params)):
        x = block.apply(copy, x) + float(i == 1)
    y = changed.apply(params, X, delta=delta)
    chex.assert_trees_all_close(y, x, rtol=1e-5)
    grad = jax.grad(lambda d: changed.apply(params, X, delta=d).sum())(delta)
    assert (grad[0] != 0).all() and (grad[2] == 1).all()


def test_intercept_of_a_stateful_part():
    chain = fnn.sequential(fnn.batch_norm(), jnp.sin)
    changed = fnn.intercept(chain, "0", jnp.zeros_like)
    params, state = changed.init(jax.random.key(0), X)
    y, after = changed.apply(params, state, X, train=True)
    chex.assert_trees_all_equal(y, jnp.zeros_like(X))
    _, expected = chain.apply(params, state, X, train=True)
    chex.assert_trees_all_equal(after, expected)


def test_intercept_may_change_the_shape():
    changed = fnn.intercept(fnn.sequential(fnn.dense(3), fnn.dense(2)), "0", jnp.hstack)
    params = changed.init(jax.random.key(0), X)
    assert params[1]["weight"].shape == (6, 2)
