"""BYOL: learning by predicting a slowly moving copy of oneself, without negatives.

The target network is a part like any other, frozen: it gets no gradient, and follows
the online network by an exponential moving average.

Grill et al., Bootstrap your own latent, 2020, equations 1 and 2.
"""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

import fnn


def perceptron(hidden, out):
    return fnn.sequential(
        fnn.dense(hidden), fnn.batch_norm(), jax.nn.relu, fnn.dense(out)
    )


def normalized(x):
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True)


encoder = perceptron(32, 16)


@fnn.module(online=encoder, predictor=perceptron(32, 16), target=fnn.freeze(encoder))
def loss(parts, view, other):
    """The squared distance of one view's prediction to the other's target."""

    def distance(view, other):
        prediction = normalized(parts.predictor(parts.online(view)))
        return jnp.sum((prediction - normalized(parts.target(other))) ** 2, axis=-1)

    return jnp.mean(distance(view, other) + distance(other, view))


def augmented(key, images):
    """The images with a fifth of the pixels lost."""
    return jnp.where(jax.random.bernoulli(key, 0.8, images.shape), images, 0.0)


def test_target_gets_no_gradient_and_follows():
    images = jnp.asarray(load_digits(return_X_y=True)[0], "float32") / 16
    decay, optimizer = 0.95, optax.adam(1e-3)

    @jax.jit
    def step(params, state, opt_state, key):
        keys = jax.random.split(key, 3)
        batch = jax.random.choice(keys[0], images, (128,))
        views = augmented(keys[1], batch), augmented(keys[2], batch)

        def objective(params):
            return loss.apply(params, state, *views, train=True)

        (_, new_state), grads = jax.value_and_grad(objective, has_aux=True)(params)
        updates, opt_state = optimizer.update(grads, opt_state)
        updated: Any = optax.apply_updates(params, updates)
        target = optax.incremental_update(
            updated["online"], params["target"], 1 - decay
        )
        return updated | {"target": target}, new_state, opt_state, grads

    params, state = jax.jit(loss.init)(jax.random.key(0), images, images)
    params |= {"target": params["online"]}
    expected, opt_state = params["target"], optimizer.init(params)
    for key in jax.random.split(jax.random.key(1), 200):
        params, state, opt_state, grads = step(params, state, opt_state, key)
        assert optax.tree.norm(grads["target"]) == 0 < optax.tree.norm(grads["online"])
        expected = jax.tree.map(
            lambda e, p: decay * e + (1 - decay) * p, expected, params["online"]
        )
    chex.assert_trees_all_close(params["target"], expected, atol=1e-5)

    agreement, _ = loss.apply(params, state, images, images)
    embedded = normalized(encoder.apply(params["online"], state["online"], images)[0])
    assert agreement < 0.5  # 4 if predictions had nothing to do with targets
    assert jnp.mean(embedded @ embedded.T) < 0.5  # 1 if all images looked the same
