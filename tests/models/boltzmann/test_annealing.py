import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.models import boltzmann
from fnn.models.boltzmann.annealing import inverse_temperatures
from tests.models.boltzmann.machines import (
    log_sum,
    log_weights,
    machine,
    probabilities,
    states,
)

PARAMS = machine(6, 4, seed=2)
NORMAL = machine(3, 4, gaussian=True)
anneal = boltzmann.annealed_importance_sampling
anneal_back = boltzmann.reverse_annealed_importance_sampling


@pytest.mark.parametrize("based", [False, True])
@pytest.mark.parametrize("params", [PARAMS, NORMAL], ids=["binary", "normal"])
def test_it_finds_log_z_within_its_spread(params, based):
    exact = boltzmann.log_partition(params)
    n = len(params["visible_bias"])
    base = 0.5 * np.arange(n, dtype=np.float32) if based else None
    found = anneal(params, jax.random.key(0), temperatures=400, chains=200, base=base)
    assert found.low < exact < found.high
    assert found.high - found.low < 0.5 and found.effective_samples > 50
    assert found.log_weights.shape == (200,)


def test_two_temperatures_are_plain_importance_sampling():
    """Unbiased for Z, with weights that are known."""
    found = anneal(PARAMS, jax.random.key(0), temperatures=2, chains=20_000)
    exact = log_sum(log_weights(PARAMS))
    assert found.low < exact < found.high
    # From uniform states: free energies less that of no weights, (6 + 4) log 2 in all.
    marginal = log_sum(log_weights(PARAMS), axis=1)
    weights = np.unique(np.round(marginal - 4 * np.log(2), 3))
    seen = np.unique(np.round(np.asarray(found.log_weights, float), 3))
    assert all(np.abs(weights - x).min() < 2e-3 for x in seen)


def test_the_spread_is_three_standard_errors_of_the_mean_weight():
    found = anneal(PARAMS, jax.random.key(0), temperatures=20, chains=50)
    w = np.exp(np.asarray(found.log_weights, float))
    start = 10 * np.log(2)
    error = 3 * w.std(ddof=1) / 50**0.5
    np.testing.assert_allclose(found.log_partition, start + np.log(w.mean()), rtol=1e-5)
    np.testing.assert_allclose(found.low, start + np.log(w.mean() - error), rtol=1e-5)
    np.testing.assert_allclose(found.high, start + np.log(w.mean() + error), rtol=1e-5)
    effective = w.sum() ** 2 / (w**2).sum()
    np.testing.assert_allclose(found.effective_samples, effective, rtol=1e-4)


def test_from_samples_of_the_machine_backwards_it_is_above():
    exact = boltzmann.log_partition(PARAMS)
    random = np.random.default_rng(0)
    rows = random.choice(64, size=400, p=probabilities(PARAMS))
    v = states(6)[rows].astype(np.float32)
    above = anneal_back(PARAMS, v, jax.random.key(0), temperatures=6, chains=2)
    assert above.log_partition.shape == (400,)
    values = np.asarray(above.log_partition, float)
    assert values.mean() - 4 * values.std() / 20 > exact
    # The mean of weights is unbiased for the ratio of both constants.
    weights = np.exp(np.asarray(above.log_weights, float)).ravel()
    ratio = np.exp(10 * np.log(2) - float(exact))
    error = weights.reshape(2, 400).mean(0).std() / 20
    assert abs(weights.mean() - ratio) < 4 * error
    # And with small steps both ways meet.
    near = anneal_back(PARAMS, v[:40], jax.random.key(1), temperatures=400, chains=10)
    assert abs(near.log_partition.mean() - exact) < 0.1


def test_backwards_from_data_it_is_what_annealing_itself_gives_them():
    """Annealing in two steps ends at its one step of Gibbs: gone through by hand."""
    betas = jnp.array([0.0, 0.5, 1.0])
    v = np.float32([1, 0, 1, 1, 0, 0])
    found = anneal_back(PARAMS, v, jax.random.key(0), temperatures=betas, chains=20_000)
    bound = float(boltzmann.log_likelihood(PARAMS, v)) + float(
        boltzmann.log_partition(PARAMS) - found.log_partition
    )
    # A uniform state, and a step of Gibbs at half of the energy.
    half = {name: a / 2 for name, a in PARAMS.items()}
    joint = np.exp(log_weights(half))
    upwards = joint / joint.sum(1, keepdims=True)
    downwards = joint / joint.sum(0, keepdims=True)
    annealed = (upwards @ downwards.T).mean(0)
    row = int(v @ 2 ** np.arange(6)[::-1])
    assert abs(bound - np.log(annealed[row])) < float(found.high - found.low)


def test_temperatures_are_spaced_as_published():
    found = np.asarray(inverse_temperatures("", 14_501, np.dtype("float32")))
    expected = np.concatenate(
        [
            np.arange(500) * (0.5 / 500),
            0.5 + np.arange(4000) * (0.4 / 4000),
            0.9 + np.arange(10_001) * (0.1 / 10_000),
        ]
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    short = inverse_temperatures("", 3501, np.dtype("float32"))
    assert len(short) == 3501 and short[0] == 0 and short[-1] == 1


V = np.zeros((2, 6), np.float32)
CALLS = [
    (
        {"temperatures": 1},
        ValueError,
        "expected temperatures of at least 2, got 1.",
    ),
    (
        {"temperatures": np.array([0, 0.5, 0.5, 1], np.float32)},
        ValueError,
        "expected temperatures that rise from 0 to 1, got float32[4].",
    ),
    (
        {"temperatures": [0, 1]},
        TypeError,
        "expected temperatures to be an array, got list.",
    ),
    ({"chains": 1}, ValueError, "expected chains of at least 2, got 1."),
    ({"base": V}, ValueError, "expected base of shape (6,), got (2, 6)."),
    ({"base": 0.5}, TypeError, "expected base to be an array, got float."),
]


@pytest.mark.parametrize("options, kind, sentence", CALLS)
def test_a_wrong_option_says_what_is_wrong(options, kind, sentence):
    who = "annealed_importance_sampling: "
    with pytest.raises(kind, match=f"^{re.escape(who + sentence)}$"):
        anneal(PARAMS, jax.random.key(0), **options)
    with pytest.raises(kind, match=f"^{re.escape('reverse_' + who + sentence)}$"):
        anneal_back(PARAMS, V, jax.random.key(0), **options)


def test_wrong_states_and_params():
    sentence = (
        "reverse_annealed_importance_sampling: expected visible values 0 or 1, got 0.5."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        anneal_back(PARAMS, V + 0.5, jax.random.key(0))
    sentence = (
        "annealed_importance_sampling: expected params {weight: (6, 4), visible_bias: "
        "(6,), hidden_bias: (4,)}, got {weight: (6, 4)}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        anneal({"weight": PARAMS["weight"]}, jax.random.key(0))
