"""DropConnect: weights zeroed in training, once for all examples and steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X, KEY = jnp.ones((3, 4)), jax.random.key(1)


def weight_of(net, params, key=KEY):
    """What stands for the weight in training: rows of the identity bring it out."""
    return net.apply(params, jnp.eye(len(params["weight"])), key=key, train=True)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_weights_are_zeroed_at_the_rate_and_keep_their_expectation(rate):
    net = fnn.drop_connect(fnn.dense(500, use_bias=False), rate)
    params = {"weight": jnp.full((200, 500), 3.0)}
    weight = weight_of(net, params)
    # Ten standard errors of 100,000 draws.
    error = 10 * (rate * (1 - rate) / 1e5) ** 0.5
    assert abs(float((weight == 0).mean()) - rate) < error
    np.testing.assert_allclose(weight[weight != 0], 3 / (1 - rate), rtol=1e-4)


def test_only_what_the_pattern_picks_is_zeroed_and_only_in_training():
    net = fnn.sequential(fnn.dense(50), fnn.dense(50))
    thin, x = fnn.drop_connect(net, 0.5, "1/weight"), jnp.ones((2, 50))
    params = net.init(jax.random.key(0), x)
    y = net.apply(params, x)
    assert jnp.array_equal(thin.apply(params, x), y)
    assert jnp.array_equal(thin.apply(params, x, key=KEY), y)
    assert not jnp.array_equal(thin.apply(params, x, key=KEY, train=True), y)

    def summed(params):
        return thin.apply(params, x, key=KEY, train=True).sum()

    gone = jax.tree.map(
        lambda leaf: float((leaf == 0).mean()), jax.grad(summed)(params)
    )
    assert 0.4 < gone[1]["weight"] < 0.6
    assert gone[0] == {"weight": 0, "bias": 0} and gone[1]["bias"] == 0


def test_all_examples_and_steps_have_the_same_weights():
    cell = fnn.rnn_cell(8, activation=lambda a: a, use_bias=False)
    around = fnn.drop_connect(fnn.recurrent(cell), 0.5, "recurrent/weight")
    within = fnn.recurrent(fnn.drop_connect(cell, 0.5, "recurrent/weight"))
    x = jnp.zeros((2, 3, 8)).at[:, 0].set(1.0)
    params = around.init(jax.random.key(0), x)
    # What is left of the identity lets the same features through at each step.
    params = jax.tree.map(lambda leaf: jnp.eye(8), params)
    y = around.apply(params, x, key=KEY, train=True)
    kept = y[:, 1] != 0
    assert 0 < kept.sum() < kept.size and jnp.array_equal(kept[0], kept[1])
    assert jnp.array_equal(y[:, 2] != 0, kept)
    y = within.apply(params, x, key=KEY, train=True)
    assert not jnp.array_equal(y[:, 2] != 0, y[:, 1] != 0)


def test_a_weight_draws_by_its_path_alone():
    dense, x = fnn.dense(6), jnp.ones((1, 20))
    nets = fnn.sequential(a=dense), fnn.sequential(b=fnn.dense(20), a=dense)

    def kept(net):
        net = fnn.drop_connect(net, 0.5)
        params = jax.tree.map(jnp.ones_like, net.init(jax.random.key(0), x))
        sums = jax.grad(lambda p: net.apply(p, x, key=KEY, train=True).sum())
        return sums(params)["a"]["weight"] != 0

    alone, behind = map(kept, nets)
    assert 0 < alone.mean() < 1 and jnp.array_equal(alone, behind)


def test_the_layer_draws_from_the_key_as_it_does_alone():
    layer = fnn.sequential(fnn.dropout(0.5), fnn.dense(4))
    net = fnn.drop_connect(layer, 0.0)
    params = net.init(jax.random.key(0), X)
    expected = layer.apply(params, X, key=KEY, train=True)
    assert jnp.array_equal(net.apply(params, X, key=KEY, train=True), expected)


def test_the_rate_may_be_traced():
    params = {"weight": jnp.ones((30, 40)), "bias": jnp.zeros(40)}

    def gone(rate):
        return (weight_of(fnn.drop_connect(fnn.dense(40), rate), params) == 0).mean()

    np.testing.assert_allclose(
        jax.vmap(gone)(jnp.array([0.0, 0.5, 0.9])), [0, 0.5, 0.9], atol=0.05
    )


# ------------------------------------------------------------------------- wrong calls
def in_training(net, params, **options):
    return net.apply(params, X, train=True, **options)


@pytest.mark.parametrize(
    "call, error, sentence",
    [
        (
            lambda: fnn.drop_connect(fnn.dense(2), 1.0),
            ValueError,
            "drop_connect: expected rate in [0, 1), got 1.0.",
        ),
        (
            lambda: fnn.drop_connect(fnn.dense(2), "half"),  # pyright: ignore
            TypeError,
            "drop_connect: expected rate to be a number, got 'half'.",
        ),
        (
            lambda: fnn.drop_connect(fnn.dense(2), 0.5, 3),  # pyright: ignore
            TypeError,
            "drop_connect: expected a glob, a function of (path, leaf), or a list of "
            "these, got 3.",
        ),
        (
            lambda: fnn.drop_connect(None, 0.5),
            TypeError,
            "drop_connect: expected a layer or a function of arrays, got None.",
        ),
        (
            lambda: fnn.drop_connect(fnn.dense(2), 0.5, "kernel").init(KEY, X),
            ValueError,
            "drop_connect: expected a pattern that matches some of bias, weight, got "
            "'kernel'.",
        ),
        (
            lambda: fnn.drop_connect(fnn.dense(2), 0.5).apply({}, X, train=True),
            ValueError,
            "drop_connect: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
        ),
        (
            lambda: in_training(
                fnn.drop_connect(fnn.dense(2), 0.5),
                {"weight": jnp.ones((4, 2), int), "bias": jnp.ones(2)},
                key=KEY,
            ),
            TypeError,
            "drop_connect: expected weight of floating or complex dtype, got int32.",
        ),
    ],
)
def test_wrong_calls(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.args == (sentence,)
