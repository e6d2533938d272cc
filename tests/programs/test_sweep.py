"""A sweep over seeds, learning rates and dropout rates, as one compiled program.

Layers are values and their options may be traced, so a whole training run is a function
that `vmap` takes: run i of the sweep is what training alone with its settings gives.
The ensemble of all runs is better than its average member, by just its diversity.

Krogh and Vedelsby, Neural network ensembles, cross validation, and active learning,
1995, equation 7.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

import fnn


def network(dropout_rate):
    return fnn.sequential(
        fnn.dense(16), jax.nn.relu, fnn.dropout(dropout_rate), fnn.dense(1)
    )


def mean_square(net, params, x, y, **options):
    return jnp.mean((net.apply(params, x, **options)[:, 0] - y) ** 2)


def train(seed, rate, dropout_rate, x, y, steps=200):
    """The parameters that one setting leads to."""
    net, optimizer = network(dropout_rate), optax.sgd(rate, momentum=0.9)
    init_key, key = jax.random.split(jax.random.key(seed))
    params = net.init(init_key, x)

    def step(carry, key):
        params, opt_state = carry
        grads = jax.grad(mean_square, argnums=1)(net, params, x, y, key=key, train=True)
        updates, opt_state = optimizer.update(grads, opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    carry = (params, optimizer.init(params))
    return lax.scan(step, carry, jax.random.split(key, steps))[0][0]


def test_each_run_is_the_run_alone_and_together_they_are_better():
    x, y = (jnp.asarray(scale(a), "float32") for a in load_diabetes(return_X_y=True))
    fit, held_out = (x[:300], y[:300]), (x[300:], y[300:])
    seeds = jnp.array([0, 1, 2, 0, 1, 2])
    rates = jnp.array([1e-3, 3e-3, 1e-2, 1e-3, 3e-3, 1e-2])
    dropout_rates = jnp.array([0.0, 0.0, 0.0, 0.5, 0.5, 0.5])

    sweep = jax.jit(jax.vmap(train, (0, 0, 0, None, None)))
    runs = sweep(seeds, rates, dropout_rates, *fit)
    alone = jax.jit(train)(seeds[4], rates[4], dropout_rates[4], *fit)
    chex.assert_trees_all_close(jax.tree.map(lambda a: a[4], runs), alone, atol=1e-5)

    x, y = held_out
    answers = jax.vmap(lambda p: network(0.0).apply(p, x)[:, 0])(runs)
    mean = jnp.mean(answers, axis=0)
    errors = jnp.mean((answers - y[None]) ** 2, axis=1)
    diversity = jnp.mean((answers - mean[None]) ** 2)
    ensemble = jnp.mean((mean - y) ** 2)
    assert jnp.max(errors) < 0.7  # the data's variance is 1
    assert diversity > 0.01
    assert jnp.max(jnp.abs(answers[0] - answers[3])) > 0.05  # dropout alone differs
    assert abs(ensemble - (jnp.mean(errors) - diversity)) < 1e-6
