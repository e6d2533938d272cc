"""`repeat` is n layers in sequence, `ensemble` n side by side; `stack_params` joins."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from tests.rounding import OF_DRAWS

X = jnp.arange(6.0).reshape(2, 3) / 4


@fnn.module(dense=fnn.dense(3), norm=fnn.batch_norm(), drop=fnn.dropout(0.3))
def block(parts, x):
    return jnp.tanh(parts.drop(parts.norm(parts.dense(x))))


# ------------------------------------------------------------------------------- repeat
@pytest.mark.parametrize("options", [{}, {"remat": True}, {"unroll": 3}, {"unroll": 2}])
def test_repeat_equals_sequential(options):
    """Params, outputs, dropout, state and gradients."""
    loop, chain = fnn.repeat(block, 3, **options), fnn.sequential(block, block, block)
    params, state = loop.init(jax.random.key(0), X)
    each, states = chain.init(jax.random.key(0), X)
    drawn = fnn.stack_params(each)
    chex.assert_trees_all_close(params, drawn, rtol=OF_DRAWS, atol=0)
    chex.assert_trees_all_equal(state, fnn.stack_params(states))

    def loss(net):
        def of(params, state, x):
            y, after = net.apply(params, state, x, key=jax.random.key(1), train=True)
            return (y**3).sum(), (y, after)

        return jax.jit(jax.value_and_grad(of, (0, 2), has_aux=True))

    (one, (y, after)), (grads, slope) = loss(loop)(params, state, X)
    (two, (z, afters)), (each_grads, each_slope) = loss(chain)(each, states, X)
    close = {"rtol": 1e-4, "atol": 1e-5}  # batch norm of two rows amplifies rounding
    chex.assert_trees_all_close((one, y, slope), (two, z, each_slope), **close)
    chex.assert_trees_all_close(after, fnn.stack_params(afters), **close)
    chex.assert_trees_all_close(grads, fnn.stack_params(each_grads), **close)
    assert (y == 0).any() and (y != 0).any()


def test_repeat_in_forward_mode():
    loop, chain = (
        fnn.repeat(fnn.sequential(fnn.dense(3), jnp.tanh), 2),
        fnn.sequential(*[fnn.sequential(fnn.dense(3), jnp.tanh)] * 2),
    )
    each = chain.init(jax.random.key(0), X)
    params = fnn.stack_params(each)
    hessian = jax.hessian(lambda x: (loop.apply(params, x) ** 2).sum())(X)
    expected = jax.hessian(lambda x: (chain.apply(each, x) ** 2).sum())(X)
    chex.assert_trees_all_close(hessian, expected, rtol=1e-4, atol=1e-6)


def test_repeat_compiles_one_copy():
    loops = [fnn.repeat(block, n) for n in (2, 50)]
    sizes = []
    for loop in loops:
        params, state = jax.eval_shape(loop.init, jax.random.key(0), X)
        jaxpr = jax.make_jaxpr(loop.apply)(params, state, X)
        sizes.append(str(jaxpr).count(" = "))
    assert sizes[0] == sizes[1]


def test_repeat_runs_so_many_copies_in_an_iteration_of_the_loop():
    for unroll in (1, 2):
        loop = fnn.repeat(fnn.dense(3), 4, unroll=unroll)
        params = jax.eval_shape(loop.init, jax.random.key(0), X)
        assert f"unroll={unroll}\n" in str(jax.make_jaxpr(loop.apply)(params, X))


def test_repeat_keeps_the_inputs_of_copies_alone_with_remat():
    step = fnn.sequential(fnn.dense(3), jnp.sin, jnp.exp, jnp.sin)
    kept = []
    for remat in (False, True):
        loop = fnn.repeat(step, 8, remat=remat)
        params = loop.init(jax.random.key(0), X)
        _, pullback = jax.vjp(lambda x, p=params, f=loop.apply: f(p, x), X)
        kept.append(sum(leaf.size for leaf in jax.tree.leaves(pullback)))
    weights = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert kept[1] <= weights + 8 * X.size + X.size < kept[0]


def test_repeat_over_gives_each_copy_its_slice():
    def shifted(x, *, shift, scale):
        return x * scale + shift["by"]

    loop = fnn.repeat(shifted, 3, over=("shift",))
    shift = {"by": jnp.arange(18.0).reshape(3, 2, 3)}
    params = loop.init(jax.random.key(0), X, shift=shift, scale=2.0)
    y = loop.apply(params, X, shift=shift, scale=2.0)
    expected = np.asarray(X)
    for row in np.asarray(shift["by"]):
        expected = expected * 2 + row
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_repeat_over_a_rate():
    """Stochastic depth: each copy has its own rate of dropout."""

    def dropped(x, *, rate, key, train):
        return fnn.dropout(rate).apply((), x, key=key, train=bool(train))

    loop = fnn.repeat(dropped, 3, over=("rate",))
    rates = jnp.array([0.0, 0.5, 0.0])
    params = loop.init(jax.random.key(0), 1 + X, rate=rates)
    y = loop.apply(params, 1 + X, rate=rates, key=jax.random.key(1), train=True)
    key = jax.random.fold_in(jax.random.key(1), 1)
    expected = fnn.dropout(0.5).apply((), 1 + X, key=key, train=True)
    chex.assert_trees_all_close(y, expected, rtol=1e-6)


def test_repeat_collects_each_output():
    step = fnn.sequential(fnn.dense(3), jnp.sin)
    loop = fnn.repeat(step, 3, collect=True)
    params = loop.init(jax.random.key(0), X)
    y, ys = loop.apply(params, X)
    x = X
    for i, copy in enumerate(fnn.unstack_params(params)):
        x = step.apply(copy, x)
        chex.assert_trees_all_close(ys[i], x, rtol=1e-6)
    chex.assert_trees_all_equal(y, ys[-1])
    head = fnn.sequential(loop, lambda out: jnp.hstack(list(out[1])), fnn.dense(1))
    assert head.init(jax.random.key(0), X)[2]["weight"].shape == (9, 1)


def test_repeat_of_further_inputs_and_of_trees():
    def step(carry, other, mode):
        assert mode == "add"
        return {"x": carry["x"] + other, "n": carry["n"] + 1}

    loop = fnn.repeat(step, 4)
    tree = {"x": X, "n": jnp.zeros((), jnp.int32)}
    params = loop.init(jax.random.key(0), tree, X, "add")
    y = loop.apply(params, tree, X, "add")
    chex.assert_trees_all_close(y, {"x": 5 * X, "n": jnp.int32(4)})


def test_repeat_of_one_copy_and_of_copies():
    loop = fnn.repeat(fnn.repeat(fnn.dense(3), 2), 3)
    params = loop.init(jax.random.key(0), X)
    assert params["weight"].shape == (3, 2, 3, 3)
    x = X
    for i in range(3):
        for j in range(2):
            one = params["weight"][i, j], params["bias"][i, j]
            x = x @ one[0] + jnp.broadcast_to(one[1], x.shape)
    chex.assert_trees_all_close(loop.apply(params, X), x, rtol=1e-5)
    assert fnn.repeat(fnn.dense(3), 1).apply(
        fnn.stack_params([fnn.dense(3).init(jax.random.key(0), X)]), X
    ).shape == (2, 3)


# ----------------------------------------------------------------------------- ensemble
def test_ensemble_is_copies_side_by_side():
    net = fnn.ensemble(block, 3)
    params, state = net.init(jax.random.key(0), X)
    y, after = net.apply(params, state, X, key=jax.random.key(1), train=True)
    copies = fnn.unstack_params((params, state)), fnn.unstack_params((y, after))
    for i, (one, made) in enumerate(zip(*copies, strict=True)):
        key = jax.random.fold_in(jax.random.key(1), i)
        expected = block.apply(*one, X, key=key, train=True)
        chex.assert_trees_all_close(made, expected, rtol=1e-5, atol=1e-6)
    assert (y[0] != y[1]).any()


def test_ensemble_inside_and_around_repeat():
    net = fnn.ensemble(fnn.repeat(fnn.dense(3), 3), 2)
    params = net.init(jax.random.key(0), X)
    assert params["weight"].shape == (2, 3, 3, 3)
    one = jax.tree.map(lambda a: a[1], params)
    chex.assert_trees_all_close(
        net.apply(params, X)[1], fnn.repeat(fnn.dense(3), 3).apply(one, X), rtol=1e-5
    )


def test_ensemble_of_layers_that_neither_draw_nor_learn():
    net = fnn.ensemble(jnp.sin, 2)
    assert net.init(jax.random.key(0), X) == ()
    chex.assert_trees_all_equal(net.apply((), X), jnp.stack([jnp.sin(X)] * 2))


# --------------------------------------------------------------- stack_params and back
def test_stack_params_turns_sequential_into_repeat():
    chain = fnn.sequential(*[fnn.sequential(fnn.dense(3), jnp.tanh)] * 4)
    each = chain.init(jax.random.key(0), X)
    loop = fnn.repeat(fnn.sequential(fnn.dense(3), jnp.tanh), 4)
    y = loop.apply(fnn.stack_params(each), X)
    chex.assert_trees_all_close(y, chain.apply(each, X), rtol=1e-6)
    back = fnn.unstack_params(fnn.stack_params(each))
    assert type(back) is tuple
    chex.assert_trees_all_equal(back, each)
