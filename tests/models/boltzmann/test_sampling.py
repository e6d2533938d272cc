import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import fnn
from fnn.models import boltzmann
from tests.models.boltzmann.machines import (
    machine,
    probabilities,
    sigmoid,
    states,
    transitions,
    wide,
)

PARAMS = machine(3, 2)
PARAMS["weight"] *= 3  # so that a small error shows
NORMAL = machine(3, 2, gaussian=True)
CHAINS = 20_000


def counted(v):
    """How often each state of the visible units is there."""
    numbers = np.asarray(v, int) @ 2 ** np.arange(v.shape[-1])[::-1]
    return np.bincount(numbers, minlength=2 ** v.shape[-1])


def test_means():
    v, h = states(3).astype(np.float32), states(2).astype(np.float32)
    w, b, c = (wide(PARAMS)[n] for n in ("weight", "visible_bias", "hidden_bias"))
    found = boltzmann.mean_hidden(PARAMS, v)
    np.testing.assert_allclose(found, sigmoid(c + v @ w), rtol=1e-5)
    found = boltzmann.mean_visible(PARAMS, h)
    np.testing.assert_allclose(found, sigmoid(b + h @ w.T), rtol=1e-5)
    w, b, c = (wide(NORMAL)[n] for n in ("weight", "visible_bias", "hidden_bias"))
    found = boltzmann.mean_hidden(NORMAL, v)
    var = np.exp(2 * wide(NORMAL)["log_scale"])
    np.testing.assert_allclose(found, sigmoid(c + (v / var) @ w), rtol=1e-5)
    found = boltzmann.mean_visible(NORMAL, h)
    np.testing.assert_allclose(found, b + h @ w.T, rtol=1e-5, atol=1e-6)


def test_draws_have_their_means():
    v = np.tile(np.float32([1, 0, 1]), (CHAINS, 1))
    h = boltzmann.sample_hidden(PARAMS, v, jax.random.key(0))
    assert set(np.unique(h)) == {0, 1} and h.dtype == np.float32
    p = np.asarray(boltzmann.mean_hidden(PARAMS, v[0]))
    error = np.sqrt(p * (1 - p) / CHAINS)
    assert np.all(np.abs(np.mean(h, 0) - p) < 4 * error)
    h = np.tile(np.float32([1, 0]), (CHAINS, 1))
    v = boltzmann.sample_visible(PARAMS, h, jax.random.key(1))
    p = np.asarray(boltzmann.mean_visible(PARAMS, h[0]))
    error = np.sqrt(p * (1 - p) / CHAINS)
    assert np.all(np.abs(np.mean(v, 0) - p) < 4 * error)


def test_normal_draws_have_their_means_and_deviations():
    h = np.tile(np.float32([1, 0]), (CHAINS, 1))
    v = boltzmann.sample_visible(NORMAL, h, jax.random.key(0))
    scale = np.exp(NORMAL["log_scale"])
    away = np.mean(v, 0) - boltzmann.mean_visible(NORMAL, h[0])
    assert np.all(np.abs(away) < 4 * scale / CHAINS**0.5)
    ratio = np.std(v, 0) / scale
    assert np.all(np.abs(ratio - 1) < 4 / (2 * CHAINS) ** 0.5)


def test_certain_units_are_certain():
    logits = jnp.array([[-200.0, 200.0, -jnp.inf, jnp.inf]])
    params = {
        "weight": jnp.zeros((1, 4)),
        "visible_bias": jnp.zeros(1),
        "hidden_bias": logits[0],
    }
    h = boltzmann.sample_hidden(params, jnp.zeros((1000, 1)), jax.random.key(0))
    assert np.all(np.asarray(h) == [0, 1, 0, 1])


def test_a_step_of_gibbs_is_the_matrix_of_transitions():
    v = np.tile(np.float32([0, 1, 1]), (CHAINS, 1))
    found = counted(boltzmann.gibbs(PARAMS, v, jax.random.key(0), 1))
    expected = CHAINS * transitions(PARAMS)[3]
    assert stats.chisquare(found, expected).pvalue > 1e-3


def test_chains_come_to_the_machine_itself():
    p = probabilities(PARAMS)
    np.testing.assert_allclose(p @ transitions(PARAMS), p, rtol=1e-12)
    v = np.zeros((CHAINS, 3), np.float32)
    found = counted(boltzmann.gibbs(PARAMS, v, jax.random.key(0), 50))
    assert stats.chisquare(found, CHAINS * p).pvalue > 1e-3
    assert stats.chisquare(counted(v) + 1e-9, CHAINS * p).pvalue < 1e-3


def test_no_step_leaves_chains_where_they_are():
    v = states(3).astype(np.float32).reshape(2, 4, 3)
    found = boltzmann.gibbs(PARAMS, v, jax.random.key(0), 0)
    np.testing.assert_array_equal(found, v)
    assert boltzmann.gibbs(PARAMS, v, jax.random.key(0), 2).shape == v.shape


def test_vmap_over_machines_and_keys():
    keys = jax.random.split(jax.random.key(0), 5)
    many = jax.tree.map(lambda a: jnp.stack([a] * 5), PARAMS)
    v = jnp.zeros((5, 3))
    draw = jax.vmap(lambda p, v, k: boltzmann.gibbs(p, v, k, 3))
    assert draw(many, v, keys).shape == (5, 3)


def test_log_odds_are_those_of_means():
    data = np.random.default_rng(0).integers(2, size=(1000, 4)).astype(np.float32)
    data[:, 3] = 0
    found = jax.nn.sigmoid(boltzmann.log_odds(data))
    np.testing.assert_allclose(found, (data.sum(0) + 1) / 1002, rtol=1e-5)


V, H = np.zeros((4, 3), np.float32), np.zeros((4, 2), np.float32)
KEY = jax.random.key(0)
CALLS = [
    (
        lambda: fnn.models.rbm(0),
        ValueError,
        "rbm: expected hidden of at least 1, got 0.",
    ),
    (
        lambda: fnn.models.rbm(2.0),
        TypeError,
        "rbm: expected hidden to be an int, got 2.0.",
    ),
    (
        lambda: fnn.models.rbm(2, gaussian=1),
        TypeError,
        "rbm: expected gaussian to be True or False, got 1.",
    ),
    (
        lambda: fnn.models.rbm(2, weight_init=0.1),
        TypeError,
        "rbm: expected weight_init to be a function, got 0.1.",
    ),
    (
        lambda: fnn.models.rbm(2, param_dtype=complex),
        TypeError,
        "rbm: expected param_dtype to be a floating dtype, got complex.",
    ),
    (
        lambda: fnn.models.rbm(2).init(KEY, V.astype(int)),
        TypeError,
        "rbm: expected visible of floating dtype, got int32.",
    ),
    (
        lambda: fnn.models.rbm(2).init(KEY, V[:, :0]),
        ValueError,
        "rbm: expected visible of shape (..., n) with n of at least 1, got (4, 0).",
    ),
    (
        lambda: fnn.models.rbm(2).apply(PARAMS, H),
        ValueError,
        "rbm: expected visible of shape (..., 3), got (4, 2).",
    ),
    (
        lambda: fnn.models.rbm(3).apply(PARAMS, V),
        ValueError,
        "rbm: expected params {weight: (visible, 3), visible_bias: (visible,), "
        "hidden_bias: (3,)}, got {weight: (3, 2), visible_bias: (3,), hidden_bias: "
        "(2,)}.",
    ),
    (
        lambda: fnn.models.boltzmann_machine(-1),
        ValueError,
        "boltzmann_machine: expected hidden of at least 0, got -1.",
    ),
    (
        lambda: fnn.models.boltzmann_machine(26),
        ValueError,
        "boltzmann_machine: expected hidden of at most 25, got 26.",
    ),
    (
        lambda: fnn.models.boltzmann_machine(1).init(KEY, np.float32(1)),
        ValueError,
        "boltzmann_machine: expected visible of shape (..., n) with n of at least 1, "
        "got ().",
    ),
    (
        lambda: fnn.models.boltzmann_machine(1).apply({"weight": V, "bias": V}, V),
        ValueError,
        "boltzmann_machine: expected params {weight: (4, 4), bias: (4,)}, got {weight: "
        "(4, 3), bias: (4, 3)}.",
    ),
    (
        lambda: boltzmann.mean_hidden(PARAMS, H),
        ValueError,
        "mean_hidden: expected visible of shape (..., 3), got (4, 2).",
    ),
    (
        lambda: boltzmann.mean_visible(PARAMS, V),
        ValueError,
        "mean_visible: expected hidden of shape (..., 2), got (4, 3).",
    ),
    (
        lambda: boltzmann.sample_visible(PARAMS, H, 0),
        TypeError,
        "sample_visible(params, hidden, key): expected one key made by jax.random.key, "
        "got 0.",
    ),
    (
        lambda: boltzmann.sample_hidden(PARAMS, V, None),
        TypeError,
        "sample_hidden(params, visible, key): expected one key made by jax.random.key, "
        "got None.",
    ),
    (
        lambda: boltzmann.gibbs(PARAMS, V, jax.random.key(0), -1),
        ValueError,
        "gibbs: expected steps of at least 0, got -1.",
    ),
    (
        lambda: boltzmann.gibbs(PARAMS | {"log_scale": H}, V, jax.random.key(0), 1),
        ValueError,
        "gibbs: expected params {weight: (3, 2), visible_bias: (3,), hidden_bias: (2,)"
        ", log_scale: (3,)}, got {weight: (3, 2), visible_bias: (3,), hidden_bias: (2,)"
        ", log_scale: (4, 2)}.",
    ),
    (
        lambda: boltzmann.log_odds(V + 255),
        ValueError,
        "log_odds: expected visible values in [0, 1], got 255.",
    ),
    (
        lambda: boltzmann.log_odds(V[:0]),
        ValueError,
        "log_odds: expected data of shape (examples, visible) with at least one of "
        "each, got (0, 3).",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
