import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.models import boltzmann
from tests.models.boltzmann.machines import log_sum, log_weights, machine, states, wide

DRAWS = 20_000


def bound_and_likelihood(low, high, v):
    """Both of a network of two layers, gone through, for each of the states `v`."""
    w, b, c = (wide(low)[n] for n in ("weight", "visible_bias", "hidden_bias"))
    h = states(len(c))

    def conditional(logits, units):
        return units @ logits.T - np.logaddexp(0, logits).sum(1)

    above = log_weights(high)
    log_prior = log_sum(above, axis=1) - log_sum(above)
    log_joint = conditional(b + h @ w.T, v) + log_prior
    log_q = conditional(c + v @ w, h).T
    bound = np.sum(np.exp(log_q) * (log_joint - log_q), 1)
    return bound, log_sum(log_joint, axis=1)


def drawn_bound(params, v, log_z, seed=0):
    many = np.broadcast_to(v, (DRAWS, *v.shape))
    draws = boltzmann.deep_bound(params, many, jax.random.key(seed), log_z)
    return np.mean(draws, 0), np.std(draws, 0) / DRAWS**0.5, draws


def test_its_mean_is_the_bound_and_that_of_its_exponential_the_likelihood():
    low, high = machine(4, 3), machine(3, 2, seed=1)
    v = states(4).astype(np.float32)
    bound, likelihood = bound_and_likelihood(low, high, v)
    found, error, draws = drawn_bound((low, high), v, boltzmann.log_partition(high))
    assert np.all(np.abs(found - bound) < 4 * error + 1e-5)
    assert np.all(bound < likelihood)
    weights = np.exp(np.asarray(draws) - likelihood)
    error = np.std(weights, 0) / DRAWS**0.5
    assert np.all(np.abs(np.mean(weights, 0) - 1) < 5 * error)


def test_one_machine_is_no_more_than_itself():
    low, v = machine(4, 3), states(4).astype(np.float32)
    log_z = boltzmann.log_partition(low)
    found = boltzmann.deep_bound((low,), v, jax.random.key(0), log_z)
    np.testing.assert_allclose(found, boltzmann.log_likelihood(low, v), rtol=1e-5)


def test_a_second_layer_begins_as_good_as_one_and_gets_better():
    """Greedy learning, by exact gradients, from the first machine upside down."""
    low = {name: 3 * a for name, a in machine(4, 3).items()}
    v = states(4)[[0, 3, 12, 15, 15]].astype(np.float32)
    high = boltzmann.transposed(low)
    bound, likelihood = bound_and_likelihood(low, high, v)
    alone = np.asarray(boltzmann.log_likelihood(low, v), np.float64)
    np.testing.assert_allclose(bound, alone, rtol=1e-5)
    np.testing.assert_allclose(likelihood, alone, rtol=1e-5)

    h = boltzmann.sample_hidden(low, np.tile(v, (200, 1)), jax.random.key(0))

    @jax.jit
    def learn(high):
        def step(high, _):
            slope = jax.grad(lambda p: jnp.mean(boltzmann.log_likelihood(p, h)))(high)
            return jax.tree.map(lambda p, g: p + 0.2 * g, high, slope), None

        return jax.lax.scan(step, high, length=200)[0]

    higher, likelier = bound_and_likelihood(low, learn(high), v)
    assert higher.mean() > bound.mean() + 0.05
    assert np.all(higher <= likelier)


def test_normal_units_at_the_bottom():
    low, high = machine(2, 3, gaussian=True), machine(3, 2, seed=1)
    v = np.float32([[0.5, -1.0]])
    p, h = wide(low), states(3)
    var = np.exp(2 * p["log_scale"])
    means = p["visible_bias"] + h @ p["weight"].T
    density = -((v - means) ** 2 / var + np.log(2 * np.pi * var)).sum(1) / 2
    above = log_weights(high)
    exact = log_sum(density + log_sum(above, axis=1) - log_sum(above))
    _, _, draws = drawn_bound((low, high), v, boltzmann.log_partition(high))
    weights = np.exp(np.asarray(draws)[:, 0] - exact)
    assert abs(weights.mean() - 1) < 5 * weights.std() / DRAWS**0.5


def test_samples_are_of_the_network():
    low, high = machine(3, 3), machine(3, 2, seed=1)
    v = boltzmann.sample_deep((low, high), jax.random.key(0), chains=DRAWS, steps=50)
    assert v.shape == (DRAWS, 3)
    numbers = np.asarray(v, int) @ [4, 2, 1]
    share = np.bincount(numbers, minlength=8) / DRAWS
    _, likelihood = bound_and_likelihood(low, high, states(3))
    p = np.exp(likelihood)
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-6)
    assert np.all(np.abs(share - p) < 4 * np.sqrt(p * (1 - p) / DRAWS))


LOW, HIGH, V = machine(4, 3), machine(3, 2), np.zeros((2, 4), np.float32)
CALLS = [
    (
        lambda: boltzmann.sample_deep(LOW, jax.random.key(0), chains=1),
        TypeError,
        "sample_deep: expected params of one machine or several in a tuple, got "
        "{'weight': float32[4, 3], 'visible_bias': float32[4], 'hidden_bias': "
        "float32[3]}.",
    ),
    (
        lambda: boltzmann.sample_deep((LOW, LOW), jax.random.key(0), chains=1),
        ValueError,
        "sample_deep: expected machine 1 to have 3 binary visible units, as many as "
        "there are hidden ones below, got 4 binary ones.",
    ),
    (
        lambda: boltzmann.sample_deep((LOW, HIGH), jax.random.key(0), chains=0),
        ValueError,
        "sample_deep: expected chains of at least 1, got 0.",
    ),
    (
        lambda: boltzmann.deep_bound(
            (LOW, machine(3, 2, gaussian=True)), V, jax.random.key(0), 0.0
        ),
        ValueError,
        "deep_bound: expected machine 1 to have 3 binary visible units, as many as "
        "there are hidden ones below, got 3 normal ones.",
    ),
    (
        lambda: boltzmann.deep_bound((LOW, HIGH), V + 2, jax.random.key(0), 0.0),
        ValueError,
        "deep_bound: expected visible values 0 or 1, got 2.",
    ),
    (
        lambda: boltzmann.transposed(machine(3, 2, gaussian=True)),
        ValueError,
        "transposed: expected binary visible units, got normal ones, as there is a "
        "log_scale.",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        call()
