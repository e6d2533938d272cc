import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.models import boltzmann
from fnn.testing import check_gradients
from fnn.training import contrastive_divergence
from fnn.training.contrast import centred
from tests.models.boltzmann.machines import (
    machine,
    probabilities,
    sigmoid,
    states,
    transitions,
    wide,
)

PARAMS = machine(3, 2)
NET = fnn.models.rbm(2)
V = states(3).astype(np.float32)
DATA = V[[1, 1, 6, 3]]
SHARES = np.bincount([1, 1, 6, 3], minlength=8) / 4
MANY = 50_000


def slopes(weights):
    """By params, of free energies of all states with these weights."""
    p, v = wide(PARAMS), states(3)
    h = sigmoid(p["hidden_bias"] + v @ p["weight"])
    return {
        "weight": -(weights[:, None] * v).T @ h,
        "visible_bias": -weights @ v,
        "hidden_bias": -weights @ h,
    }


def gradient(objective, state, batch, key=0):
    def loss(params):
        return objective.loss(params, state, batch, key=jax.random.key(key))[0]

    return jax.jit(jax.grad(loss))(PARAMS)


def assert_near(found, expected, tolerance):
    for name, slope in expected.items():
        np.testing.assert_allclose(found[name], slope, atol=tolerance, err_msg=name)


# A mean of MANY values of at most 1, and of deviation at most a half: 4 of its errors.
NOISE = 4 * 0.5 / MANY**0.5


@pytest.mark.parametrize("steps", [1, 3])
def test_the_expected_gradient_is_that_of_the_chain(steps):
    """CD-k through the matrix of transitions between all states, k times."""
    objective = contrastive_divergence(NET, steps=steps)
    after = SHARES @ np.linalg.matrix_power(transitions(PARAMS), steps)
    found = gradient(objective, {}, np.tile(DATA, (MANY // 4, 1)))
    assert_near(found, slopes(SHARES - after), NOISE)
    other = SHARES @ np.linalg.matrix_power(transitions(PARAMS), 4 - steps)
    with pytest.raises(AssertionError):  # so that one step is told from three
        assert_near(found, slopes(SHARES - other), NOISE)


def test_many_steps_give_the_gradient_of_the_likelihood():
    found = gradient(
        contrastive_divergence(NET, steps=100), {}, np.tile(DATA, (MANY // 4, 1))
    )
    exact = jax.grad(lambda p: -jnp.mean(boltzmann.log_likelihood(p, DATA)))(PARAMS)
    assert_near(found, exact, NOISE)


def test_persistent_chains_at_the_machine_give_it_too():
    random = np.random.default_rng(0)
    rows = random.choice(8, size=MANY, p=probabilities(PARAMS))
    objective = contrastive_divergence(NET, chains=MANY)
    found = gradient(objective, {"chains": V[rows]}, DATA)
    exact = jax.grad(lambda p: -jnp.mean(boltzmann.log_likelihood(p, DATA)))(PARAMS)
    assert_near(found, exact, NOISE)
    # Where data are the machine's own, learning stands still.
    still = gradient(objective, {"chains": V[rows]}, V[rows], key=1)
    assert_near(still, slopes(np.zeros(8)), 2 * NOISE)


def test_chains_go_on():
    objective = contrastive_divergence(NET, chains=5)
    params, state = objective.init(jax.random.key(0), DATA)
    assert state["chains"].shape == (5, 3)
    key = jax.random.key(1)
    _, (new, _) = objective.loss(params, state, DATA, key=key)
    again = boltzmann.gibbs(params, state["chains"], jax.random.key(1), 1)
    np.testing.assert_array_equal(new["chains"], again)


def test_the_value_and_the_reconstruction():
    objective = contrastive_divergence(NET)
    value, (state, metrics) = objective.loss(PARAMS, {}, DATA, key=jax.random.key(0))
    samples = boltzmann.gibbs(PARAMS, DATA, jax.random.key(0), 1)
    expected = NET.apply(PARAMS, DATA).mean() - NET.apply(PARAMS, samples).mean()
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    again = boltzmann.mean_visible(PARAMS, boltzmann.mean_hidden(PARAMS, DATA))
    error = np.mean((np.asarray(again) - DATA) ** 2)
    np.testing.assert_allclose(metrics["reconstruction"], error, rtol=1e-5)
    assert state == {}


@pytest.mark.parametrize("gaussian", [False, True])
def test_gradients(gaussian):
    """Of the loss where the chains, which no gradient goes through, stand still."""
    net, params = fnn.models.rbm(2, gaussian=gaussian), machine(3, 2, gaussian=gaussian)
    samples = V[[7, 2, 4]]

    def difference(params):
        return jnp.mean(net.apply(params, DATA)) - jnp.mean(net.apply(params, samples))

    check_gradients(difference, params, max_coordinates=2)


# ------------------------------------------------------------------------------ centred
def test_the_centred_gradient_is_of_units_less_their_offsets():
    random = np.random.default_rng(0)
    mu, lam = (random.random(n).astype(np.float32) for n in (3, 2))
    offsets = {"visible": mu, "hidden": lam, "batches": jnp.int32(7)}
    objective = contrastive_divergence(NET, centered=True)
    found = gradient(objective, {"offsets": offsets}, DATA)
    samples = np.asarray(boltzmann.gibbs(PARAMS, DATA, jax.random.key(0), 1), float)
    p = wide(PARAMS)

    def moments(v):
        h = sigmoid(p["hidden_bias"] + v @ p["weight"])
        return (v - mu).T @ (h - lam) / 4, v.mean(0), h.mean(0)

    weight, visible, hidden = (
        b - a for a, b in zip(moments(DATA), moments(samples), strict=True)
    )
    # Of the biases of a centred machine, in those of one that is not.
    expected = {
        "weight": weight,
        "visible_bias": visible - weight @ lam,
        "hidden_bias": hidden - mu @ weight,
    }
    assert_near(found, expected, 1e-6)


def test_offsets_are_means_of_batches():
    objective = contrastive_divergence(NET, centered=True)
    params, state = objective.init(jax.random.key(0), DATA)
    assert not any(map(np.any, jax.tree.leaves(state)))
    _, (state, _) = objective.loss(params, state, DATA, key=jax.random.key(1))
    np.testing.assert_allclose(state["offsets"]["visible"], DATA.mean(0), rtol=1e-6)
    h = np.mean(boltzmann.mean_hidden(params, DATA), 0)
    np.testing.assert_allclose(state["offsets"]["hidden"], h, rtol=1e-6)
    _, (state, _) = objective.loss(params, state, V, key=jax.random.key(2))
    both = (DATA.mean(0) + V.mean(0)) / 2
    np.testing.assert_allclose(state["offsets"]["visible"], both, rtol=1e-6)
    state["offsets"]["batches"] = jnp.int32(10**6)
    before = state["offsets"]["visible"]
    _, (state, _) = objective.loss(params, state, DATA, key=jax.random.key(3))
    moved = before + 0.01 * (DATA.mean(0) - before)
    np.testing.assert_allclose(state["offsets"]["visible"], moved, rtol=1e-6)


def test_centred_learning_does_not_depend_on_which_state_is_called_0():
    """All visible units flipped, with their weights: it is the same machine."""
    offsets = {
        "visible": jnp.float32([0.2, 0.9, 0.4]),
        "hidden": jnp.float32([0.3, 0.6]),
        "batches": jnp.int32(3),
    }
    flipped_offsets = offsets | {"visible": 1 - offsets["visible"]}
    p = PARAMS
    flipped = {
        "weight": -p["weight"],
        "visible_bias": -p["visible_bias"],
        "hidden_bias": p["hidden_bias"] + p["weight"].sum(0),
    }

    def slope(params, offsets, data, samples):
        def difference(params):
            moving = centred(params, offsets)
            return jnp.mean(NET.apply(moving, data)) - jnp.mean(
                NET.apply(moving, samples)
            )

        return jax.grad(difference)(params)

    one = slope(p, offsets, DATA, V[[7, 2]])
    other = slope(flipped, flipped_offsets, 1 - DATA, 1 - V[[7, 2]])
    np.testing.assert_allclose(one["weight"], -other["weight"], atol=1e-6)
    np.testing.assert_allclose(one["visible_bias"], -other["visible_bias"], atol=1e-6)
    back = other["hidden_bias"] + np.sum(other["weight"], 0)
    np.testing.assert_allclose(one["hidden_bias"], back, atol=1e-6)


# ----------------------------------------------------------------------------- learning
@pytest.mark.parametrize("centered", [False, True])
def test_it_learns_under_fit(centered):
    """Three bits, of which the third is the first: nearly as likely as can be."""
    bits = np.random.default_rng(0).integers(2, size=(200, 3)).astype(np.float32)
    bits[:, 2] = bits[:, 0]
    net = fnn.models.rbm(2, weight_init=jax.nn.initializers.normal(0.1))
    objective = contrastive_divergence(net, chains=100, centered=centered)
    trainer = fnn.training.trainer(objective, optax.sgd(0.2), steps_per_call=200)
    state = trainer.init(jax.random.key(0), bits)
    state, history = fnn.training.fit(
        trainer, state, [bits], epochs=2000, progress=False
    )
    likelihood = boltzmann.log_likelihood(state.params, bits).mean()
    assert likelihood > np.log(1 / 4) - 0.1  # log(1/8) without what goes together
    assert history.train["reconstruction"][-1] < history.train["reconstruction"][0]


def test_normal_units_learn_two_clusters():
    random = np.random.default_rng(0)
    side = random.integers(2, size=(500, 1)) * 4.0 - 2
    data = (side + 0.5 * random.normal(size=(500, 2))).astype(np.float32)
    net = fnn.models.rbm(2, gaussian=True)
    objective = contrastive_divergence(net)
    trainer = fnn.training.trainer(objective, optax.sgd(0.01), steps_per_call=500)
    state = trainer.init(jax.random.key(0), data)
    before = boltzmann.log_likelihood(state.params, data).mean()
    state, _ = fnn.training.fit(trainer, state, [data], epochs=2000, progress=False)
    after = boltzmann.log_likelihood(state.params, data).mean()
    # The best normal distribution has -3.16, that the data were drawn from -2.14.
    assert before < -5 and after > -2.5
    assert np.all(np.abs(np.exp(state.params["log_scale"]) - 0.5) < 0.2)


def test_a_frozen_scale_stays():
    net = fnn.freeze(fnn.models.rbm(2, gaussian=True), "log_scale")
    objective = contrastive_divergence(net)
    params, state = objective.init(jax.random.key(0), DATA)
    slope = jax.grad(
        lambda p: objective.loss(p, state, DATA, key=jax.random.key(1))[0]
    )(params)
    assert not np.any(slope["log_scale"]) and np.any(slope["weight"])


# -------------------------------------------------------------------------- wrong calls
def begun(data, net=NET):
    return contrastive_divergence(net).init(jax.random.key(0), data)


CALLS = [
    (
        lambda: contrastive_divergence(jnp.tanh),
        TypeError,
        "contrastive_divergence: expected an fnn.models.rbm, got tanh.",
    ),
    (
        lambda: begun(DATA, fnn.dense(2)),
        ValueError,
        "contrastive_divergence: expected params {weight: (3, 2), visible_bias: (3,), "
        "hidden_bias: (2,)}, got {bias: (2,), weight: (3, 2)}.",
    ),
    (
        lambda: contrastive_divergence(NET, steps=0),
        ValueError,
        "contrastive_divergence: expected steps to be a whole number of at least 1, "
        "got 0.",
    ),
    (
        lambda: contrastive_divergence(NET, chains=2.5),
        TypeError,
        "contrastive_divergence: expected chains to be a whole number of at least 1, "
        "got 2.5.",
    ),
    (
        lambda: contrastive_divergence(NET, centered=1),
        TypeError,
        "contrastive_divergence: expected centered to be True or False, got 1.",
    ),
    (
        lambda: begun(255 * DATA),
        ValueError,
        "contrastive_divergence: expected visible values in [0, 1], got 255.",
    ),
    (
        lambda: begun(np.where(DATA == 1, np.nan, DATA).astype(np.float32)),
        ValueError,
        "contrastive_divergence: expected visible values in [0, 1], got nan.",
    ),
    (
        lambda: begun(DATA - np.inf, fnn.models.rbm(2, gaussian=True)),
        ValueError,
        "contrastive_divergence: expected visible values that are finite, got -inf.",
    ),
    (
        lambda: begun(DATA[:0]),
        ValueError,
        "contrastive_divergence: expected data of shape (examples, visible) with at "
        "least one of each, got (0, 3).",
    ),
    (
        lambda: begun(DATA.reshape(2, 2, 3)),
        ValueError,
        "contrastive_divergence: expected data of shape (examples, visible) with at "
        "least one of each, got (2, 2, 3).",
    ),
    (
        lambda: begun((DATA, DATA)),
        TypeError,
        "contrastive_divergence: expected data to be an array, got tuple.",
    ),
    (
        lambda: begun(DATA.astype(np.int32)),
        TypeError,
        "contrastive_divergence: expected data of floating dtype, got int32.",
    ),
    (
        lambda: contrastive_divergence(NET).loss(
            PARAMS, {}, DATA[:, :2], key=jax.random.key(0)
        ),
        ValueError,
        "contrastive_divergence: expected data of shape (..., 3), got (4, 2).",
    ),
    (
        lambda: contrastive_divergence(NET).loss(PARAMS, {}, DATA),
        TypeError,
        "contrastive_divergence: loss(params, state, batch, key=key): expected one key "
        "made by jax.random.key, got None.",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
