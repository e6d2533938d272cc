"""A small variational autoencoder, and what it computes, written out in float64."""

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from fnn.models import vae
from tests.models import equations as eq

PIXELS = 4
STATES = (np.arange(2**PIXELS)[:, None] >> np.arange(PIXELS) & 1).astype(np.float32)


def net(samples=1):
    """Two latents, and a decoder that bends what it gets."""
    decoder = fnn.sequential(fnn.dense(6), jnp.tanh, fnn.dense(PIXELS))
    return vae(fnn.dense(4), decoder, samples=samples)


def drawn():
    """Params whose encoder is no more than near what the decoder asks for."""
    random = np.random.default_rng(4)
    params = net().init(jax.random.key(0), STATES)
    params = jax.tree.map(
        lambda leaf: random.normal(size=leaf.shape).astype(np.float32), params
    )
    params["encoder"] = {n: 0.3 * a for n, a in params["encoder"].items()}
    return params


def encoded(params):
    """Means and logarithms of deviations, in float64."""
    y = eq.affine(eq.wide(params["encoder"]), STATES.astype(float))
    return np.split(y, 2, -1)


def decoded(params, z):
    first, _, second = eq.wide(params["decoder"])
    return eq.affine(second, np.tanh(eq.affine(first, z)))


def log_normal(z, mean=0.0, log_scale=0.0):
    noise = (z - mean) / np.exp(log_scale)
    return (-0.5 * (noise**2 + np.log(2 * np.pi)) - log_scale).sum(-1)


def log_bernoulli(logits, x):
    return (x * logits - np.logaddexp(0, logits)).sum(-1)


def log_mean(x, axis):
    return np.logaddexp.reduce(x, axis) - np.log(x.shape[axis])
