"""`freeze` stops gradients by some parameters; `remat` changes memory alone."""

import chex
import jax
import jax.numpy as jnp
import pytest

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 4 - 0.5

NET = fnn.sequential(
    a=fnn.dense(4), b=fnn.sequential(jnp.tanh, fnn.dense(3)), c=fnn.batch_norm()
)


def loss_of(net, params, state, x):
    y, after = fnn.with_state(net).apply(
        params, state, x, key=jax.random.key(1), train=True
    )
    return (y**3).sum() + (y[0] * x[0, 0]).sum(), after


def gradients(net, params, state, x=X):
    (value, after), grads = jax.value_and_grad(
        lambda p, x: loss_of(net, p, state, x), (0, 1), has_aux=True
    )(params, x)
    return value, after, grads


# ------------------------------------------------------------------------------- freeze
@pytest.mark.parametrize(
    "pattern, frozen",
    [
        ("**", "a/weight a/bias b/1/weight b/1/bias c/scale c/bias"),
        ("a/*", "a/weight a/bias"),
        ("**/bias", "a/bias b/1/bias c/bias"),
        (["b/**", "c/scale"], "b/1/weight b/1/bias c/scale"),
        (lambda path, leaf: leaf.ndim == 2, "a/weight b/1/weight"),
    ],
)
def test_frozen_parameters_get_zeros_and_the_others_their_gradient(pattern, frozen):
    net = fnn.freeze(NET, pattern)
    params, state = net.init(jax.random.key(0), X)
    chex.assert_trees_all_equal((params, state), NET.init(jax.random.key(0), X))
    value, after, (grads, slope) = gradients(net, params, state)
    expected = gradients(NET, params, state)
    chex.assert_trees_all_close((value, after), expected[:2], rtol=1e-6)
    chex.assert_trees_all_close(slope, expected[2][1], rtol=1e-5)
    whole = fnn.paths(expected[2][0])
    for path, grad in fnn.paths(grads).items():
        if path in frozen.split():
            assert (grad == 0).all()
        else:
            chex.assert_trees_all_close(grad, whole[path], rtol=1e-5, atol=1e-6)


def test_freeze_reads_as_the_layer_it_freezes():
    net = fnn.sequential(fnn.freeze(fnn.dense(3), "weight"), fnn.freeze(fnn.dense(2)))
    params = net.init(jax.random.key(0), X)
    grads = jax.grad(lambda p: net.apply(p, X).sum())(params)
    assert {k for k, g in fnn.paths(grads).items() if (g != 0).any()} == {"0/bias"}


def test_freeze_a_bare_parameter():
    net = fnn.freeze(fnn.parameter((3,), init=jax.nn.initializers.ones))
    params = net.init(jax.random.key(0))
    assert (jax.grad(lambda p: net.apply(p).sum())(params) == 0).all()


def test_freeze_inside_repeat_freezes_each_copy():
    net = fnn.repeat(fnn.freeze(fnn.dense(3), "bias"), 3)
    params = net.init(jax.random.key(0), X)
    grads = jax.grad(lambda p: net.apply(p, X).sum())(params)
    assert (grads["bias"] == 0).all() and (grads["weight"] != 0).all()


def test_freeze_in_forward_mode():
    net = fnn.freeze(fnn.sequential(fnn.dense(3), jnp.tanh), "**/bias")
    params = net.init(jax.random.key(0), X)
    ones = jax.tree.map(jnp.ones_like, params)
    zeroed = ({"weight": ones[0]["weight"], "bias": 0 * ones[0]["bias"]}, ())
    plain = fnn.sequential(fnn.dense(3), jnp.tanh)
    _, got = jax.jvp(lambda p: net.apply(p, X), (params,), (ones,))
    _, expected = jax.jvp(lambda p: plain.apply(p, X), (params,), (zeroed,))
    chex.assert_trees_all_close(got, expected, rtol=1e-6)


def test_a_frozen_backbone_under_a_head():
    backbone = fnn.evaluating(fnn.freeze(NET))
    net = fnn.sequential(backbone=backbone, head=fnn.dense(2))
    params, state = net.init(jax.random.key(0), X)
    _, after, (grads, _) = gradients(net, params, state)
    chex.assert_trees_all_equal(after, state)
    assert all((g == 0).all() for g in jax.tree.leaves(grads["backbone"]))
    assert (grads["head"]["weight"] != 0).any()


# -------------------------------------------------------------------------------- remat
NOISY = fnn.sequential(
    fnn.dense(4), fnn.dropout(0.4), jnp.tanh, fnn.batch_norm(), fnn.dense(3)
)


@pytest.mark.parametrize(
    "wrap",
    [
        fnn.remat,
        lambda net: fnn.remat(net, jax.checkpoint_policies.dots_saveable),
        lambda net: fnn.remat(net, policy=jax.checkpoint_policies.everything_saveable),
        lambda net: fnn.remat(fnn.remat(net)),
        lambda net: fnn.map_parts(lambda path, part: fnn.remat(part), net),
    ],
)
def test_remat_equals_plain(wrap):
    """Values, state, draws and gradients."""
    net = wrap(NOISY)
    params, state = net.init(jax.random.key(0), X)
    chex.assert_trees_all_equal((params, state), NOISY.init(jax.random.key(0), X))
    close = {"rtol": 1e-5, "atol": 1e-6}
    got, expected = gradients(net, params, state), gradients(NOISY, params, state)
    chex.assert_trees_all_close(got, expected, **close)
    jitted = jax.jit(lambda p, s: gradients(net, p, s))(params, state)
    chex.assert_trees_all_close(jitted, expected, rtol=1e-4, atol=1e-5)


def test_remat_keeps_no_activations():
    def kept(net):
        params = net.init(jax.random.key(0), X)
        _, pullback = jax.vjp(lambda x: net.apply(params, x), X)
        return len(jax.tree.leaves(pullback))

    deep = fnn.sequential(*[jnp.sin, jnp.exp] * 4)
    assert kept(fnn.remat(deep)) < kept(deep) / 2
    everything = jax.checkpoint_policies.everything_saveable
    assert kept(fnn.remat(deep, everything)) > 2 * kept(fnn.remat(deep))


def test_remat_second_derivatives():
    net = fnn.sequential(fnn.dense(3), jnp.tanh)
    params = net.init(jax.random.key(0), X)

    def hessian(layer):
        return jax.hessian(lambda p: (layer.apply(p, X) ** 2).sum())(params)

    chex.assert_trees_all_close(hessian(fnn.remat(net)), hessian(net), rtol=1e-4)
