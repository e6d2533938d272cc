"""Autoencoders that give a code and a reconstruction, plain and with tied weights."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.models import autoencoder, tied_autoencoder
from fnn.models.autoencoders import Coded, sparsity_penalty
from fnn.testing import check_gradients
from tests.models import equations as eq

X = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


def small():
    return autoencoder(fnn.models.mlp(2, (4,)), fnn.models.mlp(5, (4,)))


# ------------------------------------------------------------------------------- plain
def test_it_is_its_decoder_after_its_encoder():
    net = small()
    params = eq.shaken(net.init(jax.random.key(0), X))
    coded = net.apply(params, X)
    assert isinstance(coded, Coded)
    wide = eq.wide(params)

    def mlp(params, x):
        (layer,) = params["hidden"]
        return eq.affine(params["out"], np.maximum(eq.affine(layer["linear"], x), 0))

    code = mlp(wide["encoder"], X.astype(np.float64))
    np.testing.assert_allclose(coded.code, code, rtol=1e-5, atol=1e-6)
    exact = mlp(wide["decoder"], code)
    np.testing.assert_allclose(coded.reconstruction, exact, rtol=1e-5, atol=1e-5)
    half = net.parts["encoder"].apply(params["encoder"], X)
    np.testing.assert_array_equal(half, coded.code)


def test_images_and_state():
    net = autoencoder(
        fnn.sequential(fnn.flatten(), fnn.dense(3), fnn.batch_norm()),
        fnn.sequential(fnn.dense(16), fnn.reshape((4, 4, 1))),
    )
    assert isinstance(net, fnn.StatefulLayer)
    images = jnp.ones((2, 4, 4, 1))
    params, state = net.init(jax.random.key(0), images)
    coded, _ = net.apply(params, state, images)
    assert coded.code.shape == (2, 3) and coded.reconstruction.shape == images.shape


def test_only_the_inputs_of_a_denoising_one_are_spoilt():
    """And those in training alone; the loss compares with what was not spoilt."""
    seen = []

    def same(x):
        seen.append(x)
        return x

    x = np.ones((50, 40), np.float32)
    net = fnn.sequential(fnn.dropout(0.25), autoencoder(same, lambda code: code))
    objective = fnn.training.supervised(net, lambda y, x: (y.reconstruction - x) ** 2)
    params, state = objective.init(jax.random.key(0), (x, x))
    key = jax.random.key(1)
    seen.clear()
    loss, _ = objective.loss(params, state, (x, x), key=key, train=True)
    share = float(np.mean(np.asarray(seen[0]) == 0))
    assert abs(share - 0.25) < 0.03
    np.testing.assert_allclose(loss, share + (1 - share) / 9, rtol=1e-5)
    assert objective.loss(params, state, (x, x))[0] == 0


# -------------------------------------------------------------------------------- tied
def test_tied_values():
    net = tied_autoencoder(3, activation=jnp.tanh)
    params = eq.shaken(net.init(jax.random.key(0), X))
    w, b, c = (eq.wide(params)[n] for n in ("weight", "hidden_bias", "visible_bias"))
    code = np.tanh(X @ w + b)
    coded = net.apply(params, X)
    np.testing.assert_allclose(coded.code, code, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(coded.reconstruction, code @ w.T + c, rtol=1e-5)


def test_tied_weights_are_one_array_that_learns_from_both_halves():
    net = tied_autoencoder(3)
    params = eq.shaken(net.init(jax.random.key(0), X))
    assert {n: a.shape for n, a in params.items()} == {
        "weight": (5, 3),
        "visible_bias": (5,),
        "hidden_bias": (3,),
    }
    untied = autoencoder(
        fnn.sequential(fnn.dense(3), jax.nn.sigmoid), fnn.sequential(fnn.dense(5))
    )
    both = {
        "encoder": (
            {"weight": params["weight"], "bias": params["hidden_bias"]},
            (),
        ),
        "decoder": ({"weight": params["weight"].T, "bias": params["visible_bias"]},),
    }

    def loss(net):
        return lambda params: jnp.sum((net.apply(params, X).reconstruction - X) ** 2)

    one, two = jax.grad(loss(net))(params), jax.grad(loss(untied))(both)
    total = two["encoder"][0]["weight"] + two["decoder"][0]["weight"].T
    np.testing.assert_allclose(one["weight"], total, rtol=1e-5, atol=1e-5)


def test_params_are_those_of_a_restricted_machine():
    machine = fnn.models.rbm(3).init(jax.random.key(0), X)
    ours = tied_autoencoder(3).init(jax.random.key(0), X)
    assert jax.tree.map(jnp.shape, machine) == jax.tree.map(jnp.shape, ours)
    code = tied_autoencoder(3).apply(machine, X).code
    expected = fnn.models.boltzmann.mean_hidden(machine, X)
    np.testing.assert_allclose(code, expected, rtol=1e-6)


def test_a_linear_one_finds_the_principal_components():
    """Bourlard and Kamp, 1988: least squares of a linear one are those of PCA."""
    x = X @ np.diag([3, 2, 1, 0.5, 0.25]).astype(np.float32)
    net = tied_autoencoder(2, activation=lambda y: y)
    objective = fnn.training.supervised(
        net, lambda y, x: jnp.sum((y.reconstruction - x) ** 2, -1)
    )
    trainer = fnn.training.trainer(objective, optax.adam(0.02), steps_per_call=500)
    state = trainer.init(jax.random.key(0), (x, x))
    state, history = fnn.training.fit(
        trainer, state, [(x, x)], epochs=1500, progress=False
    )
    spectrum = np.linalg.svd(x - x.mean(0), compute_uv=False)
    np.testing.assert_allclose(
        history.train["loss"][-1], (spectrum[2:] ** 2).sum() / len(x), rtol=1e-3
    )  # of Adam, which keeps moving a little


def test_options_of_the_tied_one():
    ones = jax.nn.initializers.ones
    net = tied_autoencoder(
        3,
        weight_init=ones,
        visible_bias_init=ones,
        hidden_bias_init=ones,
        param_dtype=jnp.bfloat16,
    )
    params = net.init(jax.random.key(0), X)
    assert all(
        leaf.dtype == jnp.bfloat16 and jnp.all(leaf == 1)
        for leaf in jax.tree.leaves(params)
    )
    drawn = tied_autoencoder(300).init(jax.random.key(0), np.ones((1, 500), "f"))
    np.testing.assert_allclose(jnp.var(drawn["weight"]), 2 / 800, rtol=0.02)
    assert not jnp.any(drawn["visible_bias"]) and not jnp.any(drawn["hidden_bias"])


# ---------------------------------------------------------------------------- sparsity
def test_sparsity_is_the_divergence_of_coins():
    code = np.random.default_rng(1).uniform(size=(7, 2, 3)).astype(np.float32)
    mean = code.astype(np.float64).mean((0, 1))
    p = np.array([0.2, 0.8])  # of a coin, and of its other side
    q = np.stack([mean, 1 - mean])
    expected = (p[:, None] * np.log(p[:, None] / q)).sum()
    np.testing.assert_allclose(sparsity_penalty(code, 0.2), expected, rtol=1e-5)
    traced = jax.jit(sparsity_penalty)(code, jnp.float32(0.2))
    np.testing.assert_allclose(traced, expected, rtol=1e-5)
    assert sparsity_penalty(jnp.full((4, 3), 0.25), 0.25) == 0
    check_gradients(sparsity_penalty, code, 0.2)


def test_sparsity_makes_codes_sparse():
    """By `supervised`, whose losses are of each example: it is added to all of them."""
    x = (np.random.default_rng(0).uniform(size=(100, 8)) < 0.5).astype(np.float32)

    def mean_code(weight):
        def loss(coded, x):
            error = jnp.sum((coded.reconstruction - x) ** 2, -1)
            return error + weight * sparsity_penalty(coded.code, 0.1)

        objective = fnn.training.supervised(tied_autoencoder(12), loss)
        trainer = fnn.training.trainer(objective, optax.adam(0.03), steps_per_call=100)
        state = trainer.init(jax.random.key(0), (x, x))
        state, _ = fnn.training.fit(
            trainer, state, [(x, x)], epochs=300, progress=False
        )
        return tied_autoencoder(12).apply(state.params, x).code.mean(0)

    np.testing.assert_allclose(mean_code(10.0), 0.1, atol=0.02)
    assert np.abs(mean_code(0.0) - 0.1).max() > 0.1


# ------------------------------------------------------------------------- wrong calls
def applied(net, x=X):
    return net.apply(net.init(jax.random.key(0), X), x)


CALLS = [
    (
        lambda: autoencoder(3, jnp.tanh),
        TypeError,
        "autoencoder, encoder: expected a layer or a function of arrays, got 3.",
    ),
    (
        lambda: autoencoder(jnp.tanh, None),
        TypeError,
        "autoencoder, decoder: expected a layer or a function of arrays, got None.",
    ),
    (
        lambda: applied(autoencoder(fnn.dense(2), fnn.dense(4))),
        ValueError,
        "autoencoder: expected a decoder that gives x's shape (6, 5), got "
        "float32[6, 4].",
    ),
    (
        lambda: applied(autoencoder(lambda x: x, lambda x: (x, x))),
        ValueError,
        "autoencoder: expected a decoder that gives x's shape (6, 5), got "
        "(float32[6, 5], float32[6, 5]).",
    ),
    (
        lambda: small().init(jax.random.key(0), X.astype("int32")),
        TypeError,
        "autoencoder: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: tied_autoencoder(0),
        ValueError,
        "tied_autoencoder: expected hidden of at least 1, got 0.",
    ),
    (
        lambda: tied_autoencoder((3, 2)),
        TypeError,
        "tied_autoencoder: expected hidden to be an int, got (3, 2).",
    ),
    (
        lambda: tied_autoencoder(3, activation="tanh"),
        TypeError,
        "tied_autoencoder: expected activation to be a function, got 'tanh'.",
    ),
    (
        lambda: tied_autoencoder(3, weight_init=None),
        TypeError,
        "tied_autoencoder: expected weight_init to be a function, got None.",
    ),
    (
        lambda: tied_autoencoder(3, param_dtype=complex),
        TypeError,
        "tied_autoencoder: expected param_dtype to be a floating dtype, got complex.",
    ),
    (
        lambda: applied(tied_autoencoder(3), X[:, :4]),
        ValueError,
        "tied_autoencoder: expected x of shape (..., 5), got (6, 4).",
    ),
    (
        lambda: tied_autoencoder(3).init(jax.random.key(0), jnp.ones(())),
        ValueError,
        "tied_autoencoder: expected x of shape (..., n) with n of at least 1, got ().",
    ),
    (
        lambda: applied(tied_autoencoder(3, activation=lambda y: y[..., :2])),
        ValueError,
        "tied_autoencoder: expected activation to keep the shape (6, 3), got "
        "float32[6, 2].",
    ),
    (
        lambda: tied_autoencoder(3).apply({"weight": X}, X),
        ValueError,
        "tied_autoencoder: expected params {weight: (6, 3), visible_bias: (6,), "
        "hidden_bias: (3,)}, got {weight: (6, 5)}.",
    ),
    (
        lambda: tied_autoencoder(3).apply((), X),
        ValueError,
        "tied_autoencoder: expected params {weight: (n, 3), visible_bias: (n,), "
        "hidden_bias: (3,)}, got ().",
    ),
    (
        lambda: sparsity_penalty(X, 1.0),
        ValueError,
        "sparsity_penalty: expected rate in (0, 1), got 1.0.",
    ),
    (
        lambda: sparsity_penalty(X, "low"),
        TypeError,
        "sparsity_penalty: expected rate to be a number, got 'low'.",
    ),
    (
        lambda: sparsity_penalty(X - 9),
        ValueError,
        f"sparsity_penalty: expected code in [0, 1], got {X[0, 0] - 9:g}.",
    ),
    (
        lambda: sparsity_penalty(X[0]),
        ValueError,
        "sparsity_penalty: expected code of shape (examples, n), at least one of them, "
        "got (5,).",
    ),
    (
        lambda: sparsity_penalty(X.astype(int)),
        TypeError,
        "sparsity_penalty: expected code of floating dtype, got int64.",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
