"""A denoising diffusion model of digits: a U-Net built from lists of parts.

Ho, Jain and Abbeel, Denoising diffusion probabilistic models, 2020, algorithms 1 and 2.
"""

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.nn.initializers import zeros
from sklearn.datasets import load_digits

import fnn

STEPS = 50
ALPHAS = 1 - jnp.linspace(0.002, 0.2, STEPS)
KEPT = jnp.cumprod(ALPHAS)  # of the image's variance, after so many steps


def block(channels):
    """A residual block, told the time by a shift of each channel."""

    @fnn.module(
        shortcut=fnn.dense(channels),
        time=fnn.dense(channels),
        norm=fnn.layer_norm(),
        conv=fnn.conv(channels, (3, 3)),
    )
    def residual_block(parts, x, time):
        x = parts.shortcut(x)
        shift = parts.time(time)[:, None, None, :]
        return x + parts.conv(jax.nn.silu(parts.norm(x) + shift))

    return residual_block


def unet(widths, depth=1):
    """Down and up again, each block on the way up seeing the one across."""

    @fnn.module(
        time=fnn.sequential(fnn.dense(32), jax.nn.silu),
        stem=fnn.conv(widths[0], (3, 3)),
        down=[[block(width)] * depth for width in widths],
        pool=fnn.avg_pool((2, 2)),
        up=[[block(width)] * depth for width in reversed(widths)],
        out=fnn.conv(1, (3, 3), weight_init=zeros),
    )
    def net(parts, x, step):
        time = parts.time(waves(step))
        x, across = parts.stem(x), []
        for stage in parts.down:
            for part in stage:
                x = part(x, time)
                across.append(x)
            x = parts.pool(x)
        for stage in parts.up:
            x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
            for part in stage:
                x = part(jnp.concatenate([x, across.pop()], axis=-1), time)
        return parts.out(jax.nn.silu(x))

    return net


def waves(step):
    """Steps as sines and cosines of eight frequencies."""
    angles = step[:, None] * jnp.geomspace(0.01, 1.0, 8)[None]
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)


def loss(net, params, key, images):
    """The error of the noise that the network sees, at a random step for each image."""
    step_key, noise_key = jax.random.split(key)
    step = jax.random.randint(step_key, (len(images),), 0, STEPS)
    noise = jax.random.normal(noise_key, images.shape)
    kept = KEPT[step][:, None, None, None]
    noisy = jnp.sqrt(kept) * images + jnp.sqrt(1 - kept) * noise
    return jnp.mean((net.apply(params, noisy, step.astype(float)) - noise) ** 2)


def sample(net, params, key, shape):
    """Images from noise, one step of the chain at a time."""

    def back(x, now):
        step, key = now
        times = jnp.full(shape[0], step, jnp.float32)
        noise = net.apply(params, x, times)
        alpha, kept = ALPHAS[step], KEPT[step]
        x = (x - (1 - alpha) / jnp.sqrt(1 - kept) * noise) / jnp.sqrt(alpha)
        fresh = jnp.sqrt(1 - alpha) * jax.random.normal(key, shape)
        return x + jnp.where(step > 0, fresh, 0.0), None

    start_key, key = jax.random.split(key)
    steps = jnp.arange(STEPS)[::-1]
    start = jax.random.normal(start_key, shape)
    return lax.scan(back, start, (steps, jax.random.split(key, STEPS)))[0]


def test_denoises_and_draws_digits():
    images = jnp.asarray(load_digits(return_X_y=True)[0], "float32") / 8 - 1
    images = images.reshape(-1, 8, 8, 1)
    images, held_out = images[:1500], images[1500:]
    net, optimizer = unet((16, 32)), optax.adam(3e-3)
    params = jax.jit(net.init)(jax.random.key(0), images[:2], jnp.zeros(2))
    assert params["down"][1][0]["conv"]["weight"].shape == (3, 3, 32, 32)
    assert params["up"][0][0]["shortcut"]["weight"].shape == (64, 32)

    @jax.jit
    def step(params, opt_state, key):
        batch_key, key = jax.random.split(key)
        batch = jax.random.choice(batch_key, images, (32,))
        grads = jax.grad(loss, argnums=1)(net, params, key, batch)
        updates, opt_state = optimizer.update(grads, opt_state)
        return optax.apply_updates(params, updates), opt_state

    opt_state = optimizer.init(params)
    for key in jax.random.split(jax.random.key(1), 250):
        params, opt_state = step(params, opt_state, key)
    value = jax.jit(loss, static_argnums=0)(net, params, jax.random.key(2), held_out)
    assert value < 0.2  # 1 for who answers no noise at all

    def far(drawn):
        """The mean squared distance of a pixel to the nearest training image."""
        distances = jnp.mean((drawn[:, None] - images[None]) ** 2, axis=(2, 3, 4))
        return jnp.mean(jnp.min(distances, axis=1))

    draw = jax.jit(sample, static_argnums=(0, 3))
    drawn = draw(net, params, jax.random.key(3), (32, 8, 8, 1))
    noise = jnp.std(images) * jax.random.normal(jax.random.key(4), drawn.shape)
    assert far(noise) > 0.9 and far(drawn) < 0.3
