import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.models import boltzmann
from fnn.testing import check_gradients
from tests.models.boltzmann.machines import (
    log_sum,
    log_weights,
    machine,
    sigmoid,
    states,
    wide,
)


@pytest.mark.parametrize("visible, hidden", [(1, 1), (3, 7), (7, 3), (6, 6)])
def test_log_partition_is_the_sum_over_all_states(visible, hidden):
    params = machine(visible, hidden)
    with jax.enable_x64(True):
        found = boltzmann.log_partition(wide(params))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, log_sum(log_weights(params)), atol=1e-9, rtol=0)
    rough = boltzmann.log_partition(params)
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough, found, rtol=1e-6)


@pytest.mark.parametrize("visible, hidden", [(13, 20), (20, 13), (14, 13)])
def test_either_side_gives_the_same(visible, hidden):
    """Of both sides the fewer are gone through, in chunks from 13 units on."""
    params = {n: 0.3 * a for n, a in wide(machine(visible, hidden)).items()}
    fewer = min(visible, hidden)
    turned = params if visible == fewer else dict(boltzmann_turned(params))
    w, b, c = (turned[n] for n in ("weight", "visible_bias", "hidden_bias"))
    # Through the side with more units in NumPy, which has no part in the other.
    total = -np.inf
    for rows in np.array_split(np.arange(2 ** len(c)), 64):
        h = (rows[:, None] >> np.arange(len(c)) & 1).astype(float)
        terms = h @ c + np.logaddexp(0, b + h @ w.T).sum(1)
        total = np.logaddexp(total, log_sum(terms))
    with jax.enable_x64(True):
        found = boltzmann.log_partition(params)
    np.testing.assert_allclose(found, total, atol=1e-9, rtol=0)


def boltzmann_turned(params):
    yield "weight", params["weight"].T
    yield "visible_bias", params["hidden_bias"]
    yield "hidden_bias", params["visible_bias"]


def test_log_likelihoods_are_of_probabilities_that_sum_to_1():
    params, v = machine(5, 3), states(5).astype(np.float32)
    found = boltzmann.log_likelihood(params, v)
    joint = log_weights(params)
    expected = log_sum(joint, axis=1) - log_sum(joint)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(), 1, rtol=1e-5)
    # One state, or any number of leading axes.
    np.testing.assert_array_equal(
        boltzmann.log_likelihood(params, v.reshape(4, 8, 5)), found.reshape(4, 8)
    )
    assert boltzmann.log_likelihood(params, v[0]).shape == ()


def mixture(params, v):
    """The density of normal units: a mixture of normals, one for each hidden state."""
    w, b, c, log_scale = (
        params[n] for n in ("weight", "visible_bias", "hidden_bias", "log_scale")
    )
    h, var = states(len(c)), np.exp(2 * log_scale)
    means = b + h @ w.T
    # E(v, h) without the square that is left when it is completed.
    shares = h @ c + ((means**2 - b**2) / (2 * var)).sum(1)
    normals = -((v[..., None, :] - means) ** 2 / var + np.log(2 * np.pi * var)) / 2
    return log_sum(normals.sum(-1) + shares - log_sum(shares), axis=-1)


@pytest.mark.parametrize("visible", [1, 2])
def test_normal_units_are_a_mixture_and_its_integral_is_1(visible):
    params = machine(visible, 3, seed=3, gaussian=True)
    line = np.linspace(-15, 15, 601)
    v = np.stack(np.meshgrid(*[line] * visible, indexing="ij"), -1)
    with jax.enable_x64(True):
        found = np.asarray(boltzmann.log_likelihood(wide(params), v))
    np.testing.assert_allclose(found, mixture(wide(params), v), atol=1e-9, rtol=1e-12)
    total = np.exp(found).sum() * (line[1] - line[0]) ** visible
    np.testing.assert_allclose(total, 1, rtol=1e-9)


@pytest.mark.parametrize("gaussian", [False, True])
def test_gradients(gaussian):
    params, net = machine(4, 3, gaussian=gaussian), fnn.models.rbm(3, gaussian=gaussian)
    random = np.random.default_rng(1)
    v = random.normal(size=(2, 4)) if gaussian else random.integers(2, size=(2, 4))
    v = v.astype(np.float32)
    check_gradients(net.apply, params, v, max_coordinates=2)
    check_gradients(boltzmann.log_partition, params, max_coordinates=2)


def test_the_gradient_goes_through_chunks():
    params = {n: a.astype(np.float32) for n, a in wide(machine(15, 14)).items()}
    slope = jax.jit(jax.grad(boltzmann.log_partition))(params)
    # By biases it is the mean of units, which stays when the machine is turned over.
    turned = jax.jit(jax.grad(boltzmann.log_partition))(
        dict(boltzmann_turned({**params, "weight": params["weight"]}))
    )
    np.testing.assert_allclose(slope["weight"], turned["weight"].T, atol=1e-4)
    assert np.all((slope["visible_bias"] > 0) & (slope["visible_bias"] < 1))


def test_the_exact_gradient_is_that_of_data_less_that_of_the_model():
    params, v = machine(4, 2), states(4)[[3, 5, 5, 12]].astype(np.float32)
    slope = jax.grad(lambda p: jnp.mean(boltzmann.log_likelihood(p, v)))(params)
    w, _, c = (wide(params)[n] for n in ("weight", "visible_bias", "hidden_bias"))
    every, joint = states(4), log_weights(params)
    p = np.exp(log_sum(joint, axis=1) - log_sum(joint))

    def h(v):
        return sigmoid(c + v @ w)

    np.testing.assert_allclose(
        slope["weight"], v.T @ h(v) / 4 - (p[:, None] * every).T @ h(every), atol=1e-6
    )
    np.testing.assert_allclose(slope["visible_bias"], v.mean(0) - p @ every, atol=1e-6)
    np.testing.assert_allclose(
        slope["hidden_bias"], h(v).mean(0) - p @ h(every), atol=1e-6
    )


# --------------------------------------------------------------------- general machine
def general(visible, hidden, seed=0):
    normal, n = np.random.default_rng(seed).normal, visible + hidden
    return {
        "weight": normal(size=(n, n)).astype(np.float32),
        "bias": normal(size=n).astype(np.float32),
    }


def general_log_weights(params):
    """``-E(x)`` of all units, for all v in rows and all h in columns, by number."""
    x = states(len(params["bias"]))
    pairs = np.einsum("si,sj,ij->s", x, x, np.triu(wide(params)["weight"], 1))
    return x @ wide(params)["bias"] + pairs


@pytest.mark.parametrize("visible, hidden", [(4, 0), (3, 2), (1, 4)])
def test_a_general_machine_is_the_sum_over_all_states(visible, hidden):
    params, v = general(visible, hidden), states(visible).astype(np.float32)
    net = fnn.models.boltzmann_machine(hidden)
    joint = general_log_weights(params).reshape(2**visible, 2**hidden)
    with jax.enable_x64(True):
        energies = net.apply(wide(params), v)
        total = boltzmann.log_total(net, wide(params), visible)
    np.testing.assert_allclose(energies, -log_sum(joint, axis=1), atol=1e-12)
    np.testing.assert_allclose(total, log_sum(joint), atol=1e-9, rtol=0)


def test_its_gradient_is_moments_of_data_less_those_of_the_model():
    params, net = general(3, 2), fnn.models.boltzmann_machine(2)
    v = states(3)[[1, 6, 6]].astype(np.float32)

    def log_likelihood(params):
        return jnp.mean(-net.apply(params, v)) - boltzmann.log_total(net, params, 3)

    slope = jax.grad(log_likelihood)(params)
    x, weights = states(5), general_log_weights(params)
    model = np.exp(weights - log_sum(weights))
    given = np.exp(weights.reshape(8, 4))
    given /= given.sum(1, keepdims=True)
    data = np.zeros((8, 4))
    for row in (1, 6, 6):
        data[row] += given[row] / 3
    change = data.reshape(-1) - model
    np.testing.assert_allclose(slope["bias"], change @ x, atol=1e-6)
    moments = np.triu(np.einsum("s,si,sj->ij", change, x, x), 1)
    np.testing.assert_allclose(slope["weight"], moments, atol=1e-6)


def test_exact_learning_of_a_general_machine_finds_what_goes_together():
    """A parity of three bits, which no machine without hidden units can have."""
    net = fnn.models.boltzmann_machine(2, weight_init=jax.nn.initializers.normal(1.0))
    v = states(3)
    v = v[v.sum(1) % 2 == 0].astype(np.float32)
    params = net.init(jax.random.key(0), v)

    def loss(params):
        return jnp.mean(net.apply(params, v)) + boltzmann.log_total(net, params, 3)

    @jax.jit
    def learn(params):
        def step(params, _):
            slope = jax.grad(loss)(params)
            return jax.tree.map(lambda p, g: p - g, params, slope), None

        return jax.lax.scan(step, params, length=4000)[0]

    learned = loss(learn(params))
    assert np.log(4) < learned < np.log(4) + 0.05 < loss(params)


# ------------------------------------------------------------------------- wrong calls
SMALL = machine(3, 2)
V = np.zeros((4, 3), np.float32)
ENERGY = fnn.models.boltzmann_machine(0)

CALLS = [
    (
        lambda: boltzmann.log_partition(machine(26, 30)),
        ValueError,
        "log_partition: expected at most 25 visible or hidden units, got 26 visible "
        "and 30 hidden ones; annealed_importance_sampling estimates it for more.",
    ),
    (
        lambda: boltzmann.log_partition(machine(2, 26, gaussian=True)),
        ValueError,
        "log_partition: expected at most 25 hidden units, got 2 visible and 26 hidden "
        "ones; annealed_importance_sampling estimates it for more.",
    ),
    (
        lambda: boltzmann.log_partition({"weight": V}),
        ValueError,
        "log_partition: expected params {weight: (4, 3), visible_bias: (4,), "
        "hidden_bias: (3,)}, got {weight: (4, 3)}.",
    ),
    (
        lambda: boltzmann.log_partition(3),
        TypeError,
        "log_partition: expected params {weight: (visible, hidden), visible_bias: "
        "(visible,), hidden_bias: (hidden,)}, got 3.",
    ),
    (
        lambda: boltzmann.log_likelihood(SMALL, V + 0.5),
        ValueError,
        "log_likelihood: expected visible values 0 or 1, got 0.5.",
    ),
    (
        lambda: boltzmann.log_likelihood(machine(3, 2, gaussian=True), V + np.inf),
        ValueError,
        "log_likelihood: expected visible values that are finite, got inf.",
    ),
    (
        lambda: boltzmann.log_likelihood(SMALL, V[:, :2]),
        ValueError,
        "log_likelihood: expected visible of shape (..., 3), got (4, 2).",
    ),
    (
        lambda: boltzmann.log_likelihood(SMALL, V.astype(int)),
        TypeError,
        "log_likelihood: expected visible of floating dtype, got int64.",
    ),
    (
        lambda: boltzmann.log_total(ENERGY, ENERGY.init(jax.random.key(0), V), 26),
        ValueError,
        "log_total: expected visible of at most 25, got 26.",
    ),
    (
        lambda: boltzmann.log_total(3, (), 2),
        TypeError,
        "log_total: expected a layer or a function of arrays, got 3.",
    ),
    (
        lambda: boltzmann.log_total(jnp.tanh, (), 2),
        ValueError,
        "log_total: expected one number for each state, of shape (2,) for two, got "
        "float32[2, 2].",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
