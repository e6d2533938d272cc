"""Restricted Boltzmann machines on MNIST, by their exact likelihoods.

With 16 hidden units, all of whose states can be gone through, Melchior's PyDeep reports
-142.56 nats a test image, by 50 epochs of persistent contrastive divergence with
centring, of images thresholded at a half. ``python examples/boltzmann.py`` learns the
same in a minute or two on two cores, prints its own number beside that, and draws
boltzmann.png: what each hidden unit looks for, and what the machine dreams up.

annealing.py has machines of 500 hidden units.
"""

import argparse
import time

import jax
import numpy as np
import optax

import fnn
from fnn.models import boltzmann

PUBLISHED, HIDDEN = -142.56, 16


def load_data(quick):
    """Training and test images of zeros and ones, flat."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    return tuple(
        (split.images > 127).reshape(-1, 784).astype(np.float32)
        for split in (data.train, data.test)
    )


def train(data, *, epochs, size, rate, centered, seed, progress):
    """The params of a machine that learned by persistent contrastive divergence."""
    bias = jax.nn.initializers.constant(boltzmann.log_odds(data))
    objective = fnn.training.contrastive_divergence(
        fnn.models.rbm(HIDDEN, visible_bias_init=bias), chains=100, centered=centered
    )
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(data, size, key=order_key, drop_last=True)
    trainer = fnn.training.trainer(objective, optax.sgd(rate), steps_per_call=100)
    state, _ = fnn.training.fit(
        trainer, trainer.init(init_key, data), batches, epochs=epochs, progress=progress
    )
    return state.params


def draw(path, params, seed=0):
    """What each hidden unit looks for, and means of samples from long chains."""
    import matplotlib.pyplot as plt

    key, above = jax.random.split(jax.random.key(seed))
    start = jax.random.bernoulli(key, 0.5, (40, HIDDEN)).astype(np.float32)
    visible = boltzmann.mean_visible(params, start)
    visible = boltzmann.gibbs(params, visible, above, 2000)
    dreams = boltzmann.mean_visible(params, boltzmann.mean_hidden(params, visible))
    filters = np.asarray(params["weight"]).T
    figure = plt.figure(figsize=(12, 4.4), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(4, 8))
    left, right = (figure.add_subfigure(place) for place in grid)
    most = np.quantile(np.abs(filters), 0.995)
    for part, images, shape, title, colours in (
        (left, filters, (4, 4), "weights of each hidden unit", ("RdBu_r", -most, most)),
        (right, dreams, (5, 8), "means given samples of chains", ("gray_r", 0, 1)),
    ):
        part.suptitle(title)
        name, low, high = colours
        for axis, image in zip(part.subplots(*shape).ravel(), images, strict=True):
            axis.axis("off")
            axis.imshow(image.reshape(28, 28), cmap=name, vmin=low, vmax=high)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=None, seed=0, centered=True, quick=False, picture=None, progress=True):
    """Trains; prints the exact mean log-likelihood of test images, and returns it."""
    training, test = load_data(quick)
    began = time.perf_counter()
    params = train(
        training,
        epochs=epochs or (30 if quick else 50),
        size=20 if quick else 100,
        rate=0.02 if quick else 0.01,
        centered=centered,
        seed=seed,
        progress=progress,
    )
    likelihood = float(boltzmann.log_likelihood(params, test).mean())
    seconds = time.perf_counter() - began
    print(f"test: {likelihood:.2f} nats, published {PUBLISHED}; {seconds:.0f} s")
    if picture:
        draw(picture, params)
        print(f"drawn: {picture}")
    return likelihood


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to dream up digits.")
    parser.add_argument("--epochs", type=int, help="through the training images (50)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", dest="centered", action="store_false")
    parser.add_argument("--picture", default="boltzmann.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="4,000 images")
    main(**vars(parser.parse_args()))
