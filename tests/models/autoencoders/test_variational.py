"""The variational autoencoder: what it draws, and what it and its bounds refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.models import autoencoders, vae
from fnn.models.autoencoders import Inferred
from tests.models.autoencoders.bent import STATES, decoded, drawn, encoded, net


# ------------------------------------------------------------------------------- layer
def test_draws_and_what_becomes_of_them():
    params, key = drawn(), jax.random.key(1)
    inferred = net(samples=3).apply(params, STATES, key=key)
    mean, log_scale = encoded(params)
    np.testing.assert_allclose(inferred.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(inferred.log_scale, log_scale, rtol=1e-5, atol=1e-6)
    assert inferred.latents.shape == (16, 3, 2)
    logits = decoded(params, np.asarray(inferred.latents, float))
    np.testing.assert_allclose(inferred.decoded, logits, rtol=1e-5, atol=1e-5)
    many = net(samples=4000).apply(params, STATES, key=jax.random.key(2)).latents
    noise = (np.asarray(many) - mean[:, None]) / np.exp(log_scale)[:, None]
    # Four standard errors of 32 means, deviations and what goes together.
    np.testing.assert_allclose(noise.mean(1), 0, atol=4 / 4000**0.5)
    np.testing.assert_allclose(noise.std(1), 1, atol=4 / 8000**0.5)
    assert abs(np.corrcoef(noise.reshape(-1, 2).T)[0, 1]) < 4 / 64000**0.5


def test_images_and_state():
    images = jnp.ones((2, 4, 4, 1))
    convolutional = vae(
        fnn.sequential(fnn.conv(3, (3, 3)), fnn.flatten(3), fnn.dense(4)),
        fnn.sequential(fnn.dense(16), fnn.reshape((4, 4, 1), 1)),
        samples=5,
    )
    params = convolutional.init(jax.random.key(0), images)
    inferred = convolutional.apply(params, images, key=jax.random.key(1))
    assert inferred.decoded.shape == (2, 5, 4, 4, 1)
    found = autoencoders.elbo(inferred, images)
    flat = inferred._replace(decoded=inferred.decoded.reshape(2, 5, 16))
    np.testing.assert_allclose(
        found, autoencoders.elbo(flat, images.reshape(2, 16)), rtol=1e-6
    )
    normed = vae(fnn.sequential(fnn.dense(4), fnn.batch_norm()), fnn.dense(3))
    assert isinstance(normed, fnn.StatefulLayer)


# ------------------------------------------------------------------------- wrong calls
def inferred(*leading):
    return Inferred(
        jnp.zeros((*leading, 2)),
        jnp.zeros((*leading, 2)),
        jnp.zeros((*leading, 3, 2)),
        jnp.zeros((*leading, 3, 4)),
    )


KEY = jax.random.key(0)
CALLS = [
    (
        lambda: vae("encoder", jnp.tanh),
        TypeError,
        "vae, encoder: expected a layer or a function of arrays, got 'encoder'.",
    ),
    (
        lambda: vae(jnp.tanh, 4),
        TypeError,
        "vae, decoder: expected a layer or a function of arrays, got 4.",
    ),
    (
        lambda: vae(jnp.tanh, jnp.tanh, samples=0),
        ValueError,
        "vae: expected samples of at least 1, got 0.",
    ),
    (
        lambda: vae(jnp.tanh, jnp.tanh, samples=1.5),
        TypeError,
        "vae: expected samples to be an int, got 1.5.",
    ),
    (
        lambda: vae(fnn.dense(5), fnn.dense(4)).init(KEY, STATES),
        ValueError,
        "vae: expected an encoder that gives (..., 2 * latents) of floating dtype, "
        "means and then log_scales, got float32[16, 5].",
    ),
    (
        lambda: vae(lambda x: (x, x), fnn.dense(4)).init(KEY, STATES),
        ValueError,
        "vae: expected an encoder that gives (..., 2 * latents) of floating dtype, "
        "means and then log_scales, got (float32[16, 4], float32[16, 4]).",
    ),
    (
        lambda: net().apply(drawn(), STATES),
        ValueError,
        "vae: expected a key, got None; pass apply(..., key=key).",
    ),
    (
        lambda: autoencoders.bernoulli_log_likelihood(jnp.zeros(3), jnp.zeros((1, 3))),
        ValueError,
        "bernoulli_log_likelihood: expected logits of the shape of x, (1, 3), got "
        "(3,).",
    ),
    (
        lambda: autoencoders.bernoulli_log_likelihood(jnp.zeros(1), 255.0 * np.ones(1)),
        ValueError,
        "bernoulli_log_likelihood: expected x in [0, 1], got 255.",
    ),
    (
        lambda: autoencoders.bernoulli_log_likelihood(jnp.zeros(1), np.ones(1, bool)),
        TypeError,
        "bernoulli_log_likelihood: expected x of floating dtype, got bool.",
    ),
    (
        lambda: autoencoders.kl_divergence(jnp.zeros(3), jnp.zeros((1, 3))),
        ValueError,
        "kl_divergence: expected mean and log_scale of one shape (..., n), got (3,) "
        "and (1, 3).",
    ),
    (
        lambda: autoencoders.kl_divergence(jnp.zeros(3), 1.0),
        TypeError,
        "kl_divergence: expected log_scale to be an array, got float.",
    ),
    (
        lambda: autoencoders.elbo(jnp.zeros(3), STATES),
        TypeError,
        "elbo: expected what an fnn.models.vae gives, got float32[3].",
    ),
    (
        lambda: autoencoders.iwae(inferred(5), STATES),
        ValueError,
        "log_weights: expected x of shape (5, ...), got (16, 4).",
    ),
    (
        lambda: autoencoders.elbo(inferred(2), STATES[:2], log_likelihood=None),
        TypeError,
        "elbo: expected log_likelihood to be a function, got None.",
    ),
    (
        lambda: autoencoders.log_weights(
            inferred(2), STATES[:2], log_likelihood=lambda y, x: jnp.sum(y * x, (0, 2))
        ),
        ValueError,
        "log_weights: expected log_likelihood to give values of shape (2, 3, ...), "
        "got float32[3].",
    ),
    (
        lambda: autoencoders.log_marginal(jnp.tanh, (), STATES, KEY),
        TypeError,
        "log_marginal: expected an fnn.models.vae, got tanh.",
    ),
    (
        lambda: autoencoders.log_marginal(fnn.dense(3), {}, STATES, KEY, rounds=0),
        ValueError,
        "log_marginal: expected rounds of at least 1, got 0.",
    ),
    (
        lambda: autoencoders.log_marginal(net(), drawn(), STATES, None),
        TypeError,
        "log_marginal(net, params, x, key): expected one key made by jax.random.key, "
        "got None.",
    ),
    (
        lambda: autoencoders.log_marginal(
            fnn.dense(3), fnn.dense(3).init(KEY, STATES), STATES, KEY
        ),
        TypeError,
        "log_weights: expected what an fnn.models.vae gives, got float32[16, 3].",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
@pytest.mark.same_key
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
