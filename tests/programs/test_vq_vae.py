"""A VQ-VAE: an autoencoder through a codebook, which is state and not parameters.

The codes follow the vectors that they stand for by a moving average, so no optimiser
sees them; the encoder gets its gradient straight through the rounding.

Van den Oord, Vinyals and Kavukcuoglu, Neural discrete representation learning, 2017,
equations 2 to 3 and appendix A.1.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax
from sklearn.datasets import load_digits

import fnn


@fnn.constructor
def quantize(count, decay=0.95):
    """The nearest code to each vector, and the mean squared distance to it."""

    def init(key, x):
        codes = 0.1 * jax.random.normal(key, (count, x.shape[-1]), x.dtype)
        return (), {"sums": codes, "counts": jnp.ones(count, x.dtype)}

    def apply(params, state, x, *, train):
        codes = state["sums"] / state["counts"][:, None]
        flat = x.reshape(-1, x.shape[-1])
        distances = jnp.sum((flat[:, None] - codes[None]) ** 2, axis=-1)
        nearest = jnp.argmin(distances, axis=-1)
        rounded = codes[nearest].reshape(x.shape)
        if train:
            chosen = jax.nn.one_hot(nearest, count, dtype=x.dtype)
            new = {"sums": chosen.T @ flat, "counts": jnp.sum(chosen, axis=0)}
            new = optax.incremental_update(new, state, 1 - decay)
            state = lax.stop_gradient(new)
        commitment = jnp.mean((x - rounded) ** 2)
        return (x + lax.stop_gradient(rounded - x), commitment), state

    return fnn.StatefulLayer(init, apply)


@fnn.module(
    encoder=fnn.sequential(
        fnn.dense(64), jax.nn.relu, fnn.dense(32), fnn.reshape((8, 4))
    ),
    quantize=quantize(16),
    decoder=fnn.sequential(fnn.flatten(), fnn.dense(64), jax.nn.relu, fnn.dense(64)),
)
def loss(parts, x):
    """Reconstruction and commitment."""
    z, commitment = parts.quantize(parts.encoder(x))
    return jnp.mean((parts.decoder(z) - x) ** 2), commitment


def test_codebook_follows_its_vectors_and_gradients_pass_it():
    x = jax.random.normal(jax.random.key(0), (30, 2))
    init, apply = quantize(4, decay=0.9)
    params, state = init(jax.random.key(1), x)
    (rounded, _), new = jax.jit(apply, static_argnames="train")(
        params, state, x, train=True
    )

    codes = np.asarray(state["sums"] / state["counts"][:, None], np.float64)
    vectors = np.asarray(x, np.float64)
    nearest = [
        min(range(4), key=lambda i: np.sum((v - codes[i]) ** 2)) for v in vectors
    ]
    for i in range(4):
        own = vectors[[n == i for n in nearest]]
        count = 0.9 + 0.1 * len(own)
        total = 0.9 * codes[i] + 0.1 * own.sum(axis=0)
        assert new["counts"][i] == pytest.approx(count, rel=1e-6)
        assert new["sums"][i] == pytest.approx(total, rel=1e-5)
    chex.assert_trees_all_close(rounded, codes[nearest], rtol=0, atol=1e-6)

    def score(x):
        return jnp.sum(jnp.sin(apply(params, state, x)[0][0]))

    chex.assert_trees_all_close(jax.grad(score)(x), jnp.cos(rounded), rtol=0, atol=1e-6)


def test_digits():
    images = jnp.asarray(load_digits(return_X_y=True)[0], "float32") / 16
    images, held_out = images[:1400], images[1400:]
    optimizer = optax.adam(3e-3)

    @jax.jit
    def step(params, state, opt_state, key):
        batch = jax.random.choice(key, images, (100,))

        def objective(params):
            (error, commitment), new = loss.apply(params, state, batch, train=True)
            return error + 0.25 * commitment, new

        grads, state = jax.grad(objective, has_aux=True)(params)
        updates, opt_state = optimizer.update(grads, opt_state)
        return optax.apply_updates(params, updates), state, opt_state

    params, state = loss.init(jax.random.key(0), images)
    opt_state = optimizer.init(params)
    for key in jax.random.split(jax.random.key(1), 500):
        params, state, opt_state = step(params, state, opt_state, key)
    (error, _), after = loss.apply(params, state, held_out)
    assert error < 0.03  # 0.074 for the mean of all digits
    chex.assert_trees_all_equal(after, state)
    assert jnp.sum(state["quantize"]["counts"] > 1) > 8
