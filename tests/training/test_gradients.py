"""Gradients of what networks of the textbooks are trained by, through the network."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from examples.chorales import nats
from examples.perceptron import cross_entropy, squared_error
from fnn.testing import check_gradients
from fnn.training import supervised

LABELS = jnp.array([2, 0, 1])
ROLLS = jnp.array(np.random.default_rng(0).integers(2, size=(2, 3, 4)), jnp.float32)


@pytest.mark.parametrize(
    "loss",
    [
        optax.softmax_cross_entropy_with_integer_labels,
        cross_entropy,
        squared_error,
    ],
)
def test_supervised(loss):
    """With a norm of the batch, and dropout by one key."""
    net = fnn.sequential(
        fnn.dense(3), fnn.batch_norm(), jnp.tanh, fnn.dropout(0.2), fnn.dense(10)
    )
    x = jnp.array(np.random.default_rng(1).normal(size=(3, 4)), jnp.float32)
    objective = supervised(net, loss)
    params, state = objective.init(jax.random.key(0), (x, LABELS))

    def value(params, x):
        return objective.loss(params, state, (x, LABELS), key=jax.random.key(1))[0]

    check_gradients(value, params, x, max_coordinates=4)


@pytest.mark.parametrize("cell", [fnn.lstm_cell, fnn.gru_cell, fnn.rnn_cell])
def test_music(cell):
    """Through time."""
    net = fnn.sequential(fnn.recurrent(cell(3)), fnn.dense(4))
    params = net.init(jax.random.key(0), ROLLS)

    def value(params):
        return jnp.mean(nats(net.apply(params, ROLLS), ROLLS))

    check_gradients(value, params, max_coordinates=3)
