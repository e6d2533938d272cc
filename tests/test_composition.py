"""What every container does: checks, paths in errors and programs, static `train`."""

import threading

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.ones((2, 3))


def noise(x, *, key):
    return x + jax.random.normal(key, x.shape, x.dtype)


@fnn.module(conv=fnn.dense(3), norm=fnn.batch_norm())
def block(parts, x):
    return parts.norm(parts.conv(x))


def flaw(net, change, index=0):
    """The error of params, or at index 1 state, that were changed, and its notes."""
    made = net.init(jax.random.key(0), X)
    made = list(made) if isinstance(net, fnn.StatefulLayer) else [made]
    made[index] = change(made[index])
    with pytest.raises((TypeError, ValueError)) as caught:
        net.apply(*made, X)
    return str(caught.value), getattr(caught.value, "__notes__", [])


# ---------------------------------------------------------------------------- structure
CHAIN = fnn.sequential(fnn.dense(3), jnp.tanh, fnn.dense(2))
NAMED = fnn.sequential(a=fnn.dense(3), b=jnp.tanh)
TREE = fnn.module(down=[fnn.dense(3), None], up={"a": fnn.dense(3)}, act=jnp.tanh)(
    lambda parts, x: parts.act(parts.up["a"](parts.down[0](x)))
)


@pytest.mark.parametrize(
    "net, change, message",
    [
        (
            CHAIN,
            lambda p: p[:2],
            "sequential: expected params in a tuple of 3, got in a tuple of 2.",
        ),
        (
            CHAIN,
            lambda p: (*p, ()),
            "sequential: expected params in a tuple of 3, got in a tuple of 4.",
        ),
        (
            CHAIN,
            list,
            "sequential: expected params in a tuple of 3, got a list.",
        ),
        (
            CHAIN,
            lambda p: dict(enumerate(p)),
            "sequential: expected params in a tuple of 3, got in a dict of 0, 1, 2.",
        ),
        (
            CHAIN,
            lambda p: (p[0], {"weight": X}, p[2]),
            "tanh: expected no params, (), got {weight: float32[2, 3]}.",
        ),
        (
            NAMED,
            lambda p: {"a": p["a"]},
            "sequential: expected params in a dict of a, b, got in a dict of a.",
        ),
        (
            NAMED,
            lambda p: {**p, "c": ()},
            "sequential: expected params in a dict of a, b, got in a dict of a, b, c.",
        ),
        (
            NAMED,
            lambda p: X,
            "sequential: expected params in a dict of a, b, got float32[2, 3].",
        ),
        (
            NAMED,
            lambda p: tuple(p.values()),
            "sequential: expected params in a dict of a, b, got in a tuple of 2.",
        ),
        (
            TREE,
            lambda p: {**p, "down": p["down"][:1]},
            "<lambda>: expected params for down in a tuple of 2, got in a tuple of 1.",
        ),
        (
            TREE,
            lambda p: {**p, "down": (p["down"][0], {"weight": X})},
            "<lambda>: expected params for down/1 in a tuple of 0, "
            "got in a dict of weight.",
        ),
        (
            TREE,
            lambda p: {**p, "up": {"b": p["up"]["a"]}},
            "<lambda>: expected params for up in a dict of a, got in a dict of b.",
        ),
        (
            fnn.sequential(NAMED, CHAIN),
            lambda p: (p[0], (*p[1], ())),
            "sequential: expected params in a tuple of 3, got in a tuple of 4.",
        ),
        (
            fnn.residual(fnn.dense(3), jnp.sin),
            lambda p: p["layer"],
            "residual: expected params in a dict of layer, shortcut, "
            "got in a dict of bias, weight.",
        ),
        (
            fnn.repeat(fnn.dense(3), 2),
            lambda p: jax.tree.map(lambda a: a[:1], p),
            "repeat: expected params of 2 copies, stacked on the first axis, "
            "got float32[1, 3].",
        ),
        (
            fnn.ensemble(fnn.dense(3), 2),
            lambda p: jax.tree.map(lambda a: a[0], p),
            "ensemble: expected params of 2 copies, stacked on the first axis, "
            "got float32[3].",
        ),
    ],
)
def test_params_of_another_model_are_refused(net, change, message):
    assert flaw(net, change)[0] == message


STATEFUL = fnn.sequential(fnn.dense(3), block, fnn.batch_norm())
HINT = (
    "it keeps state in 1 (block), 2 (batch_norm): call apply(params, state, *inputs)."
)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda s: s[:2],
            "sequential: expected state in a tuple of 3, got in a tuple of 2; " + HINT,
        ),
        (
            lambda s: X,
            "sequential: expected state in a tuple of 3, got float32[2, 3]; " + HINT,
        ),
        (
            lambda s: (s[2], *s[1:]),
            "sequential: expected no state of 0, (), "
            "got {mean: float32[3], var: float32[3]}.",
        ),
        (
            lambda s: (s[0], s[2], s[2]),
            "block: expected state in a dict of conv, norm, "
            "got in a dict of mean, var; it keeps state in norm (batch_norm): "
            "call apply(params, state, *inputs).",
        ),
        (
            lambda s: (s[0], {**s[1], "norm": {"mean": s[2]["mean"]}}, s[2]),
            "batch_norm: expected state {mean: (channels,), var: (channels,)}, "
            "got {mean: (3,)}.",
        ),
    ],
)
def test_state_of_another_model_is_refused(change, message):
    assert flaw(STATEFUL, change, 1)[0] == message


def test_state_comes_back_as_it_went_in():
    net = fnn.sequential(
        fnn.repeat(block, 2), fnn.ensemble(block, 2), fnn.remat(fnn.freeze(block))
    )
    net = fnn.sequential(net.parts[0], jnp.sin, net.parts[2], fnn.residual(block))
    params, state = net.init(jax.random.key(0), X)
    for train in (False, True):
        _, after = net.apply(
            params, state, X + jnp.arange(2.0).reshape(2, 1), train=train
        )
        chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
        assert jax.tree.structure(after) == jax.tree.structure(state)


def test_order_of_names_makes_no_difference_to_state():
    net = fnn.sequential(z=block, a=fnn.batch_norm())
    params, state = jax.tree.map(jnp.copy, net.init(jax.random.key(0), X))
    _, after = net.apply(params, state, X)
    chex.assert_trees_all_equal(after, state)


# ------------------------------------------------------------------------------- errors
def test_notes_lead_to_the_part_that_failed():
    net = fnn.sequential(
        jnp.sin, fnn.sequential(body=fnn.residual(fnn.sequential(block, fnn.dense(2))))
    )
    with pytest.raises(
        ValueError, match=r"^residual: expected both summands"
    ) as caught:
        net.init(jax.random.key(0), X)
    assert caught.value.__notes__[:2] == [
        "in part body (residual) of sequential",
        "in layer 1 (sequential) of sequential",
    ]


def test_notes_name_paths_of_lists_and_dicts():
    @fnn.module(down=[{"conv": fnn.dense(3)}])
    def net(parts, x):
        return parts.down[0]["conv"](x)

    params = net.init(jax.random.key(0), X)
    with pytest.raises(ValueError, match=r"^dense: expected x of shape") as caught:
        jax.jit(net.apply)(params, X[:, :2])
    assert "in part down/0/conv (dense) of net" in caught.value.__notes__


@pytest.mark.parametrize(
    "call",
    [
        lambda net, params: net.init(jax.random.key(0), X),
        lambda net, params: net.apply(params, X),
        lambda net, params: jax.jit(net.apply)(params, X),
        lambda net, params: jax.grad(lambda p: net.apply(p, X).sum())(params),
    ],
)
def test_notes_are_there_however_the_network_is_called(call):
    net = fnn.sequential(fnn.dense(3), lambda x: jnp.dot(x, jnp.ones((7, 1))))
    params = (fnn.dense(3).init(jax.random.key(0), X), ())
    with pytest.raises(TypeError, match="dot_general") as caught:  # the user's own
        call(net, params)
    assert "in layer 1 (<lambda>) of sequential" in caught.value.__notes__


# ----------------------------------------------------------------------------- programs
def test_paths_are_scopes_of_the_compiled_program():
    @fnn.module(stages=[fnn.sequential(proj=fnn.dense(3))], tail=jnp.tanh)
    def net(parts, x):
        return parts.tail(parts.stages[0](x))

    params = net.init(jax.random.key(0), X)
    text = jax.jit(net.apply).lower(params, X).as_text(debug_info=True)
    assert "stages/0/proj/" in text and "tail/" in text

    def scopes(jaxpr):
        return {str(eqn.source_info.name_stack) for eqn in jaxpr.eqns}

    jaxpr = jax.make_jaxpr(net.apply)(params, X).jaxpr
    assert {"stages/0/proj", "tail"} <= scopes(jaxpr)


def test_a_wrapper_is_a_scope_by_its_name():
    net = fnn.residual(fnn.sequential(jnp.tanh))
    jaxpr = jax.make_jaxpr(net.apply)(((),), X).jaxpr
    assert "sequential/0" in {str(e.source_info.name_stack) for e in jaxpr.eqns}


def test_jit_equals_eager_and_vmap_equals_a_loop():
    net = fnn.sequential(fnn.dense(4), block, fnn.dropout(0.5), fnn.residual(jnp.sin))
    params, state = net.init(jax.random.key(0), X)
    x = jax.random.normal(jax.random.key(1), (3, 2, 3))

    def run(x, key):
        return net.apply(params, state, x, key=key, train=True)

    keys = jax.random.split(jax.random.key(2), 3)
    loop = [run(x[i], keys[i]) for i in range(3)]
    loop = jax.tree.map(lambda *leaves: jnp.stack(leaves), *loop)
    chex.assert_trees_all_close(jax.vmap(run)(x, keys), loop, rtol=1e-5, atol=1e-6)
    each = [
        jax.jit(run)(x[i], k)
        for i, k in enumerate(jax.random.split(jax.random.key(2), 3))
    ]
    each = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    chex.assert_trees_all_close(each, loop, rtol=1e-5, atol=1e-6)


def test_one_trace_for_each_shape_and_mode():
    traced = []

    def part(x, *, train):
        traced.append((x.shape, bool(train)))
        return x

    net = fnn.sequential(jnp.sin, part)
    apply = jax.jit(net.apply, static_argnames="train")
    for x in (X, X + 1, X[:1]):
        for train in (False, True, False):
            apply(((), ()), x, train=train)
    assert sorted(traced) == sorted(
        (shape, train) for shape in ((2, 3), (1, 3)) for train in (False, True)
    )


def test_nothing_leaks_and_keys_are_consumed_once():
    net = fnn.sequential(
        fnn.repeat(fnn.sequential(block, fnn.dropout(0.5)), 2),
        fnn.remat(fnn.sequential(noise, fnn.dense(3))),
        fnn.ensemble(fnn.sequential(noise, block), 2),
    )
    with jax.checking_leaks():
        params, state = jax.jit(net.init)(jax.random.key(0), X)

        @jax.jit
        def step(params, state, key):
            def loss(params):
                y, after = net.apply(params, state, X, key=key, train=True)
                return (y**2).mean(), after

            return jax.grad(loss, has_aux=True)(params)

        grads, state = step(params, state, jax.random.key(1))
        jax.block_until_ready(step(params, state, jax.random.key(2)))
    chex.assert_trees_all_equal_shapes(grads, params)


def test_threads_do_not_meet():
    net = fnn.sequential(fnn.dense(3), block, fnn.dropout(0.5))
    inputs = [jnp.full((2, 3), float(i)) for i in range(8)]
    found = [None] * 8

    def work(i):
        params, state = net.init(jax.random.key(i), inputs[i])
        found[i] = net.apply(
            params, state, inputs[i], key=jax.random.key(100 + i), train=True
        )

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = list(found)
    for i in range(8):
        work(i)
    # XLA may add in another order when cores are busy: by a rounding, no more.
    chex.assert_trees_all_close(together, found, rtol=1e-5, atol=1e-6)


def test_an_empty_batch_passes_through():
    net = fnn.sequential(fnn.dense(4), jax.nn.relu, fnn.residual(fnn.dense(4)))
    params = net.init(jax.random.key(0), X[:0])
    chex.assert_trees_all_equal(params, net.init(jax.random.key(0), X))
    assert net.apply(params, X[:0]).shape == (0, 4)


def test_x64_keeps_float64():
    with jax.enable_x64(True):
        net = fnn.sequential(fnn.dense(3, param_dtype=jnp.float64), block, jnp.tanh)
        x = np.ones((2, 3))
        params, state = net.init(jax.random.key(0), x)
        assert params[0]["weight"].dtype == jnp.float64
        assert net.apply(params, state, x)[0].dtype == jnp.float64


@pytest.mark.parametrize(
    "wrap",
    [
        fnn.residual,
        fnn.sequential,
        fnn.remat,
        lambda part: fnn.module(part=part)(lambda parts, x: parts.part(x)),
    ],
)
def test_thirty_levels_of_nesting_are_within_pythons_limit(wrap):
    net = fnn.dense(3)
    for _ in range(30):
        net = wrap(net)
    params = net.init(jax.random.key(0), X)
    assert net.apply(params, X).shape == (2, 3)
    assert jax.grad(lambda x: net.apply(params, x).sum())(X).shape == (2, 3)
    assert hash(net) == hash(net) and net == net and len(repr(net)) > 30
