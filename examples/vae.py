"""A variational autoencoder of MNIST, and the likelihood that it gives to images.

Burda, Grosse and Salakhutdinov, 2016, report 86.76 nats for a test image of binary
pixels, drawn anew in every epoch: two hidden layers of 200 tanh units, 50 latents, and
3,280 epochs. ``python examples/vae.py`` learns for 50, prints its own number beside
that, and draws vae.png: digits and their reconstructions, digits that it dreams up, and
those on a plane of two latents. ``--epochs 400`` learns for half an hour, at half the
rate; ``--samples 5`` by a bound of five draws of the latents: 85.54 is published.

Likelihoods are importance-weighted: of all test images by 100 draws each, and what
5,000 find beyond that by a random part of them, whose error is the one printed.
"""

import argparse
import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn.initializers import constant, glorot_uniform

import fnn
from fnn.models import autoencoders

PUBLISHED, PIXELS, DRAWS = {1: -86.76, 5: -85.54, 50: -84.78}, 784, 100


def network(latents, samples, pixel_means):
    """Encoder and decoder of two hidden layers; pixels begin at their means."""
    dense = functools.partial(fnn.dense, weight_init=glorot_uniform())
    hidden = (dense(200), jnp.tanh) * 2
    odds = constant(jnp.log(pixel_means) - jnp.log1p(-pixel_means))
    encoder = fnn.sequential(*hidden, dense(2 * latents))
    decoder = fnn.sequential(*hidden, dense(PIXELS, bias_init=odds))
    return fnn.models.vae(encoder, decoder, samples=samples)


def binary(key, images):
    """Pixels of 0 or 1, drawn with their grey values as probabilities."""
    return jax.random.bernoulli(key, images).astype(jnp.float32)


def objective(net, bound):
    """What is learned by: the bound of pixels that are drawn anew each time."""

    def init(key, images):
        return net.init(key, images), ()

    def loss(params, state, images, *, key):
        pixel_key, latent_key = jax.random.split(key)
        x = binary(pixel_key, images)
        inferred = net.apply(params, x, key=latent_key)
        return -jnp.mean(bound(inferred, x)), (state, {})

    return fnn.training.Objective(init, loss)


def train(net, images, *, bound, epochs, rate, seed, progress):
    """The params, by Adam with a rate that falls to 2 %."""
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(images, 100, key=order_key, drop_last=True)
    rates = optax.cosine_decay_schedule(rate, epochs * len(batches), alpha=0.02)
    optimizer = optax.adam(rates, eps=1e-4)
    trainer = fnn.training.trainer(objective(net, bound), optimizer, steps_per_call=20)
    state = trainer.init(init_key, images[:100])
    options = {"epochs": epochs, "progress": progress}
    return fnn.training.fit(trainer, state, batches, **options)[0].params


def likelihood(net, params, images, *, part, seed=0):
    """The mean log-likelihood of binary images, and how sure the part is of it."""
    pixel_key, few_key, more_key, part_key = jax.random.split(jax.random.key(seed), 4)
    x = np.asarray(binary(pixel_key, images))

    def estimate(x, key, rounds):
        keys = jax.random.split(key, len(x) // 100)
        of = functools.partial(autoencoders.log_marginal, net, params, rounds=rounds)
        return np.concatenate(list(map(of, np.split(x, len(keys)), keys)))

    few = estimate(x, few_key, 1)
    chosen = np.asarray(jax.random.permutation(part_key, len(x)))[:part]
    missed = estimate(x[chosen], more_key, 50) - few[chosen]
    return few.mean() + missed.mean(), missed.std(ddof=1) / part**0.5


def draw(path, net, params, images, plane, plane_params, seed=0):
    """Digits and their reconstructions, dreams, and the plane of two latents."""
    import matplotlib.pyplot as plt

    def pixels(net, params, latents):
        logits = net.parts["decoder"].apply(params["decoder"], latents)
        return jax.nn.sigmoid(logits).reshape(-1, 28, 28)

    def tiled(images, columns):
        return np.block([list(row) for row in np.split(images, len(images) // columns)])

    means, _ = jnp.split(net.parts["encoder"].apply(params["encoder"], images), 2, -1)
    pairs = np.stack([images.reshape(-1, 28, 28), pixels(net, params, means)], 1)
    noise = jax.random.normal(jax.random.key(seed), (100, means.shape[-1]))
    line = jax.scipy.stats.norm.ppf(np.linspace(0.03, 0.97, 16))
    grid = np.stack(np.meshgrid(line, -line), -1).reshape(-1, 2).astype("float32")
    figure, axes = plt.subplots(1, 3, figsize=(15, 5.3), layout="constrained")
    parts = {
        "images and reconstructions": tiled(np.concatenate(pairs), 10),
        "of latents drawn at random": tiled(pixels(net, params, noise), 10),
        "by two latents": tiled(pixels(plane, plane_params, grid), 16),
    }
    for axis, (title, image) in zip(axes, parts.items(), strict=True):
        axis.set_title(title)
        axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axis.axis("off")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=None, samples=1, seed=0, quick=False, picture=None, progress=True):
    """Trains; prints the mean log-likelihood of test images, and returns it."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    images, test = (a.images.reshape(-1, PIXELS) / np.float32(255) for a in data[:2])
    means = (images.sum(0) + 1) / (len(images) + 2)
    began, epochs = time.perf_counter(), epochs or (20 if quick else 50)
    rate = 4e-3 if epochs <= 50 else 2e-3
    options = {"rate": rate, "seed": seed, "progress": progress}
    net = network(50, samples, means)
    bound = autoencoders.elbo if samples == 1 else autoencoders.iwae
    params = train(net, images, bound=bound, epochs=epochs, **options)
    many, part = network(50, DRAWS, means), 100 if quick else 1000
    nats, error = likelihood(many, params, test, part=part)
    seconds, said = time.perf_counter() - began, f"published {PUBLISHED[samples]}"
    print(f"test: {nats:.2f} nats (± {error:.2f}), {said}; {seconds:.0f} s")
    if picture:
        plane, epochs = network(2, 1, means), min(epochs, 20)
        shown = train(plane, images, bound=autoencoders.elbo, epochs=epochs, **options)
        some = test[:: len(test) // 50][:50]
        draw(picture, net, params, some, plane, shown)
        print(f"drawn: {picture}")
    return float(nats)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to dream up digits.")
    parser.add_argument("--epochs", type=int, help="through the training images (50)")
    parser.add_argument("--samples", type=int, default=1, choices=PUBLISHED)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="vae.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="4,000 images")
    main(**vars(parser.parse_args()))
