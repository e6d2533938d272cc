"""Monte Carlo dropout: error bars from the dropout that a network was trained with.

Only dropout runs as in training; batch normalisation is pinned to its statistics. For a
single linear layer the variance is known in closed form.

Gal and Ghahramani, Dropout as a Bayesian approximation, 2016, equations 6 and 7.
"""

import jax
import jax.numpy as jnp
import optax
from jax import lax

import fnn

RATE = 0.2


def predict(net, params, state, x, key, draws=1000):
    """The mean and the standard deviation of the outputs over masks."""
    dropping = fnn.evaluating(net, lambda path, part: part == fnn.batch_norm())

    def draw(key):
        return dropping.apply(params, state, x, key=key, train=True)[0]

    outputs = jax.vmap(draw)(jax.random.split(key, draws))
    return jnp.mean(outputs, axis=0), jnp.std(outputs, axis=0)


def test_one_linear_layer_has_the_variance_of_the_formula():
    net = fnn.sequential(fnn.batch_norm(), fnn.dropout(RATE), fnn.dense(1))
    x = jax.random.normal(jax.random.key(0), (5, 40))
    params, state = net.init(jax.random.key(1), x)
    mean, std = predict(net, params, state, x, jax.random.key(2), draws=20_000)

    terms = x / jnp.sqrt(1 + 1e-5) * params[2]["weight"].T
    expected = jnp.sqrt(RATE / (1 - RATE) * jnp.sum(terms**2, axis=1, keepdims=True))
    error = expected / jnp.sqrt(20_000)
    assert jnp.all(jnp.abs(mean - jnp.sum(terms, axis=1, keepdims=True)) < 4 * error)
    # of a standard deviation estimated from n draws
    assert jnp.all(jnp.abs(std - expected) < 4 * error / jnp.sqrt(2))


def test_error_bars_widen_away_from_the_data():
    net = fnn.sequential(
        fnn.dense(64),
        fnn.batch_norm(),
        jax.nn.relu,
        fnn.dropout(RATE),
        fnn.dense(64),
        jax.nn.relu,
        fnn.dropout(RATE),
        fnn.dense(1),
    )
    x = jax.random.uniform(jax.random.key(0), (128, 1), minval=-1, maxval=1)
    y = jnp.sin(3 * x)
    optimizer = optax.adam(3e-3)

    def step(carry, key):
        params, state, opt_state = carry

        def loss(params):
            outputs, after = net.apply(params, state, x, key=key, train=True)
            return jnp.mean((outputs - y) ** 2), after

        grads, state = jax.grad(loss, has_aux=True)(params)
        updates, opt_state = optimizer.update(grads, opt_state)
        return (optax.apply_updates(params, updates), state, opt_state), None

    params, state = net.init(jax.random.key(1), x)
    carry = params, state, optimizer.init(params)
    keys = jax.random.split(jax.random.key(2), 500)
    params, state, _ = jax.jit(lambda c, k: lax.scan(step, c, k)[0])(carry, keys)
    ask = jnp.array([[-0.5], [0.0], [0.5], [3.0]])
    mean, std = predict(net, params, state, ask, jax.random.key(3))
    assert jnp.max(jnp.abs(mean - jnp.sin(3 * ask))[:3]) < 0.3
    assert std[3] > 3 * jnp.max(std[:3])
