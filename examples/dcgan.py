"""Generative adversarial networks that dream up digits.

Goodfellow et al., 2014, report 225 nats a test image for the Parzen windows of 10,000
samples. ``python examples/dcgan.py`` trains dense networks on MNIST, prints its own
number beside that and beside what as many training images get, and what digits a LeNet
reads in the samples, and draws dcgan.png: twenty of each digit. ``--conv`` trains a
DCGAN, as of Radford et al., 2016, but half as wide as the narrowest of theirs. Unlike
what is published, the dense generator has batch normalisation, and weights are averaged
over a tenth of all steps. 1,000 images that are kept choose the windows' width.
"""

import argparse
import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn.initializers import normal

import fnn
from fnn import dense
from fnn.models import adversarial as games

PUBLISHED, SAMPLES = 225, 10_000
leaky = functools.partial(jax.nn.leaky_relu, negative_slope=0.2)


def dense_networks():
    """Generator and discriminator of two hidden layers."""
    hidden = (dense(400), fnn.batch_norm(), jax.nn.relu) * 2
    pixels = (dense(784), fnn.reshape((28, 28, 1)))
    judge = (dense(256), leaky, fnn.dropout(0.4)) * 2
    return (*hidden, *pixels), (fnn.flatten(), fnn.dropout(0.2), *judge)


def conv_networks():
    """Those of a DCGAN: each convolution halves or doubles the side."""
    options = {"window": (4, 4), "stride": 2, "weight_init": normal(0.02)}
    down = functools.partial(fnn.conv, **options)
    up = functools.partial(fnn.conv_transpose, **options)
    active, first = (fnn.batch_norm(), jax.nn.relu), dense(7 * 7 * 64)
    hidden = (first, fnn.reshape((7, 7, 64)), *active, up(32), *active, up(1))
    return hidden, (down(32), leaky, down(64), fnn.batch_norm(), leaky, fnn.flatten())


def latents(key, count):
    """What a generator makes images of."""
    return jax.random.normal(key, (count, 100))


def averaged(decay):
    """An optimiser's last link: it keeps a running mean of the params."""

    def update(updates, mean, params):
        new = optax.apply_updates(params, updates)
        return updates, optax.incremental_update(new, mean, 1 - decay)

    return optax.GradientTransformation(lambda params: params, update)  # pyright: ignore


def fitted(trainer, data, *, seed, **options):
    """The state after so many epochs."""
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(data, 100, key=order_key, drop_last=True)
    state = trainer.init(init_key, jax.tree.map(lambda a: a[:100], data))
    return fnn.training.fit(trainer, state, batches, **options)[0]


def train(parts, images, *, rate, epochs, seed, **options):
    """Samples of a generator that learned."""
    generator = fnn.sequential(*parts[0], jax.nn.sigmoid)
    nets = generator, fnn.sequential(*parts[1], dense(1))
    adam, steps = optax.adam(rate, b1=0.5), epochs * (len(images) // 100)
    rules = (optax.chain(adam, averaged(1 - 10 / steps)), adam)
    trainer = fnn.training.adversarial(*nets, latents=latents, optimizers=rules)
    state = fitted(trainer, images, epochs=epochs, seed=seed, **options)
    mean, kept = state.opt_state["generator"][1], state.state["generator"]
    # With the statistics of a batch: running ones are not those of averaged weights.
    make = jax.jit(lambda z: generator.apply(mean, kept, z, train=True)[0])
    return np.asarray(make(latents(jax.random.key(seed + 1), SAMPLES)))


def reader(images, labels, *, epochs=3, **options):
    """A LeNet, as a function that reads digits."""
    net, loss = fnn.models.lenet(), optax.softmax_cross_entropy_with_integer_labels
    rates = optax.cosine_onecycle_schedule(epochs * (len(images) // 100), 3e-3)
    objective = fnn.training.supervised(net, loss)
    trainer = fnn.training.trainer(objective, optax.adam(rates))
    params = fitted(trainer, (images, labels), epochs=epochs, **options).params
    return jax.jit(lambda x: jnp.argmax(net.apply(params, x), -1))


def windows(samples, held_out, test):
    """The mean log-likelihood of test images, and its error."""
    samples, held_out, test = (a.reshape(-1, 784) for a in (samples, held_out, test))
    choice = np.linspace(0.1, 0.31, 8, dtype="float32")
    width = games.parzen_bandwidth(samples, held_out, choice)
    nats = np.asarray(games.parzen_log_likelihood(samples, test, width))
    return nats.mean(), nats.std(ddof=1) / len(nats) ** 0.5


def draw(path, samples, digits):
    """Twenty samples of each digit, as they are read."""
    import matplotlib.pyplot as plt

    # Where fewer are read, the rest stays white.
    samples = np.concatenate([samples[..., 0], np.zeros((20, 28, 28))])
    found = [np.flatnonzero(digits == digit)[:20] for digit in range(10)]
    rows = np.stack([np.append(row, np.arange(-20, 0))[:20] for row in found])
    tiles = np.block(list(map(list, samples[rows])))
    plt.imsave(path, np.kron(tiles, np.ones((2, 2))), cmap="gray_r", vmin=0, vmax=1)


def main(epochs=None, conv=False, seed=0, quick=False, picture=None, progress=True):
    """Trains; prints Parzen's likelihood and the digits' shares, and returns both."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    pixels, test = (a.images / np.float32(255) for a in (data.train, data.test))
    kept = np.arange(len(pixels)) % (len(pixels) // 1000) > 0  # all but 1,000
    images, labels, held_out = pixels[kept], data.train.labels[kept], pixels[~kept]
    began, epochs = time.perf_counter(), epochs or (20 if quick else 30)
    parts, rate = (conv_networks(), 2e-4) if conv else (dense_networks(), 4e-4)
    options = {"seed": seed, "progress": progress}
    samples = train(parts, images, rate=rate, epochs=epochs, **options)
    nats, error = windows(samples, held_out, test)
    of_images, _ = windows(images[:SAMPLES], held_out, test)
    read = reader(images, labels, **options)
    digits, right = np.asarray(read(samples)), (read(test) == data.test.labels).mean()
    shares = np.bincount(digits, minlength=10) / SAMPLES
    said, seconds = f"{nats:.1f} nats (± {error:.1f})", time.perf_counter() - began
    said += f", published {PUBLISHED}, training images {of_images:.1f}"
    print(f"Parzen: {said}; {seconds:.0f} s")
    print(f"digits by a LeNet of {right:.1%}:", *(f"{share:.1%}" for share in shares))
    if picture:
        draw(picture, samples, digits)
        print(f"drawn: {picture}")
    return float(nats), shares


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to dream up digits.")
    parser.add_argument("--epochs", type=int, help="through the training images (30)")
    parser.add_argument("--conv", action="store_true", help="train a DCGAN")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="dcgan.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="3,000 images")
    main(**vars(parser.parse_args()))
