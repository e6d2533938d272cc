import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.models.mlp import mlp
from tests.models import equations as eq

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)


def drawn(net):
    return eq.shaken(net.init(jax.random.key(0), X))


@pytest.mark.parametrize("hidden", [(), (6,), [7, 5]])
@pytest.mark.parametrize("normed", [False, True])
def test_values(hidden, normed):
    net = mlp(3, hidden, activation=jnp.tanh, norm=fnn.layer_norm() if normed else None)
    params = drawn(net)
    exact, x = eq.wide(params), X.astype(np.float64)
    for layer in exact["hidden"]:
        x = eq.affine(layer["linear"], x)
        x = np.tanh(eq.layer_norm(layer["norm"], x) if normed else x)
    assert len(params["hidden"]) == len(hidden)
    expected = eq.affine(exact["out"], x)
    np.testing.assert_allclose(net.apply(params, X), expected, rtol=1e-5, atol=1e-5)


def test_dropout_zeroes_values_of_hidden_layers_in_training():
    net = mlp(1000, (1000,), activation=jnp.ones_like, dropout=0.25)
    params = net.init(jax.random.key(0), X)
    params["out"]["weight"] = jnp.eye(1000)
    y = net.apply(params, X, key=jax.random.key(1), train=True)
    assert jnp.all((y == 0) | (jnp.abs(y - 1 / 0.75) < 1e-6))
    assert abs(float(jnp.mean(y == 0)) - 0.25) < 0.02
    assert jnp.all(net.apply(params, X) == 1)


def test_params():
    x = jax.ShapeDtypeStruct((1, 784), jnp.float32)
    params = jax.eval_shape(mlp(10, (30,)).init, jax.random.key(0), x)
    leaves = fnn.paths(params)
    assert sum(leaf.size for leaf in leaves.values()) == 784 * 30 + 30 + 30 * 10 + 10
    assert leaves["hidden/0/linear/weight"].shape == (784, 30)
    ones = mlp(2, (3,), weight_init=jax.nn.initializers.ones, param_dtype=jnp.bfloat16)
    leaves = fnn.paths(ones.init(jax.random.key(0), X))
    assert all(leaf.dtype == jnp.bfloat16 for leaf in leaves.values())
    assert jnp.all(leaves["hidden/0/linear/weight"] == 1)
    assert jnp.all(leaves["out/weight"] == 1)


def test_surgery():
    net = mlp(3, (6, 5))
    params = drawn(net)
    y, found = fnn.capture(net, "hidden/*").apply(params, X)
    expected = eq.affine(eq.wide(params["out"]), np.asarray(found["hidden/1"]))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    smooth = fnn.replace(net, {"hidden/*/activation": jnp.tanh})
    np.testing.assert_array_equal(
        smooth.apply(params, X), mlp(3, (6, 5), activation=jnp.tanh).apply(params, X)
    )
    assert pickle.loads(pickle.dumps(smooth)) == smooth
    seen = []
    fnn.map_parts(lambda path, part: seen.append(path) or part, net)
    assert {"hidden/0/linear", "hidden/1", "out", ""} <= {*seen}
    assert fnn.summary(net, X).parameters == 4 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: mlp(0, (3,)),
            ValueError,
            "mlp: expected features of at least 1, got 0.",
        ),
        (
            lambda: mlp(3, 64),
            TypeError,
            "mlp: expected hidden to be a tuple of ints, got 64.",
        ),
        (
            lambda: mlp(3, (4, 0)),
            ValueError,
            "mlp: expected hidden of ints of at least 1, got (4, 0).",
        ),
        (
            lambda: mlp(3, (4,), activation="relu"),
            TypeError,
            "mlp, activation: expected a layer or a function of arrays, got 'relu'.",
        ),
        (
            lambda: mlp(3, (4,), norm=True),
            TypeError,
            "mlp, norm: expected a layer or a function of arrays, got True.",
        ),
        (
            lambda: mlp(3, (4,), dropout=1.0),
            ValueError,
            "mlp: expected dropout in [0, 1), got 1.0.",
        ),
        (
            lambda: mlp(3, (4,)).apply(drawn(mlp(3, (4,))), X[..., :3]),
            ValueError,
            "dense: expected x of shape (..., 4), got (2, 5, 3).",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
