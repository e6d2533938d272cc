"""A variational autoencoder: one set of parts, wired as a bound and as a generator.

Kingma and Welling, Auto-encoding variational Bayes, 2014, equation 10.
"""

import jax
import jax.numpy as jnp
import optax
from jax import lax
from sklearn.datasets import load_digits

import fnn

LATENTS = 8
vae = fnn.module(
    encoder=fnn.sequential(fnn.dense(128), jax.nn.relu, fnn.dense(2 * LATENTS)),
    decoder=fnn.sequential(fnn.dense(128), jax.nn.relu, fnn.dense(64)),
)


def log_likelihood(logits, images):
    return -jnp.sum(optax.sigmoid_binary_cross_entropy(logits, images), axis=-1)


@vae
def bound(parts, images, *, key):
    """The evidence lower bound of each image, in nats, by one draw of the latents."""
    mean, log_std = jnp.split(parts.encoder(images), 2, axis=-1)
    z = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    divergence = 0.5 * (mean**2 + jnp.exp(2 * log_std) - 1) - log_std
    return log_likelihood(parts.decoder(z), images) - jnp.sum(divergence, axis=-1)


@vae
def generate(parts, z):
    """The probability of each pixel."""
    return jax.nn.sigmoid(parts.decoder(z))


@vae
def sampled_bound(parts, images, *, key):
    """The same with the divergence, too, by the draw: its expectation is the same."""
    mean, log_std = jnp.split(parts.encoder(images), 2, axis=-1)
    noise = jax.random.normal(key, mean.shape)
    z = mean + jnp.exp(log_std) * noise
    log_ratio = 0.5 * (z**2 - noise**2) - log_std
    return log_likelihood(parts.decoder(z), images) - jnp.sum(log_ratio, axis=-1)


def independent_pixels(images, held_out):
    """The mean log-likelihood when every pixel is a coin of its own."""
    share = (jnp.sum(images, axis=0) + 1) / (len(images) + 2)
    logits = jnp.broadcast_to(jnp.log(share) - jnp.log1p(-share), held_out.shape)
    return jnp.mean(log_likelihood(logits, held_out))


def test_bound_and_samples_of_digits():
    images = jnp.asarray(load_digits(return_X_y=True)[0] > 7, "float32")
    images, held_out = images[:1400], images[1400:]
    optimizer = optax.adam(3e-3)

    def step(carry, key):
        params, opt_state = carry
        batch_key, key = jax.random.split(key)
        batch = jax.random.choice(batch_key, images, (100,))

        def objective(params):
            return -jnp.mean(bound.apply(params, batch, key=key))

        updates, opt_state = optimizer.update(jax.grad(objective)(params), opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    params = jax.jit(bound.init)(jax.random.key(0), images)
    train = jax.jit(lambda carry, keys: lax.scan(step, carry, keys)[0])
    keys = jax.random.split(jax.random.key(1), 1000)
    params, _ = train((params, optimizer.init(params)), keys)

    nats = jnp.mean(bound.apply(params, held_out, key=jax.random.key(2)))
    drawn = generate.apply(params, jax.random.normal(jax.random.key(3), (500, LATENTS)))
    assert nats > -19.5  # with the pixels independent, -24.9
    assert independent_pixels(images, held_out) < -24
    assert jnp.max(jnp.abs(jnp.mean(drawn, axis=0) - jnp.mean(images, axis=0))) < 0.15

    # With the same draws the two bounds differ by noise of mean zero.
    @jax.jit
    @jax.vmap
    def gap(key):
        keys = key, jax.random.clone(key)
        one, other = (
            wired.apply(params, held_out[:20], key=key)
            for wired, key in zip((bound, sampled_bound), keys, strict=True)
        )
        return one - other

    gaps = gap(jax.random.split(jax.random.key(4), 1000))
    assert abs(jnp.mean(gaps)) < 4 * jnp.std(gaps) / jnp.sqrt(gaps.size)
