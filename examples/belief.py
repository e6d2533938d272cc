"""A deep belief network: Boltzmann machines on top of each other, learned one by one.

``python examples/belief.py`` learns binary MNIST by a restricted machine of 500 hidden
units, and then what these do by a second one. That begins as the first upside down,
which makes the same images as likely (Hinton et al., 2006): exact learning from there
raises a bound on how likely the network makes images. Annealed importance sampling
tells log Z of both machines, and with it the likelihood of test images by the first
alone, and the bound by both. For 4,000 images the second machine raises it by a nat;
for all 60,000 it stays where it was, up to what annealing is off. belief.png has
samples of both, drawn anew for each image.
"""

import argparse
import time

import jax
import numpy as np
import optax
from jax.nn.initializers import constant

import fnn
from fnn.models import boltzmann


def load_data(quick=False):
    """Training and test images of zeros and ones, flat."""
    if quick:
        data = fnn.datasets.small_mnist()
        images = (data.train.images > 127, data.test.images > 127)
    else:
        data = fnn.datasets.binarized_mnist()
        images = (data.train, data.test)
    return tuple(part.reshape(-1, 784).astype("f") for part in images)


def beginning(hidden, data):
    """A machine whose visible units are at first 1 as often as in the data."""
    return fnn.models.rbm(hidden, visible_bias_init=constant(boltzmann.log_odds(data)))


def upside_down(params):
    """A machine that begins as another one, with hidden units for visible ones."""
    above = boltzmann.transposed(params)
    return fnn.models.rbm(
        above["weight"].shape[1],
        weight_init=constant(above["weight"]),
        visible_bias_init=constant(above["visible_bias"]),
        hidden_bias_init=constant(above["hidden_bias"]),
    )


def learn(machine, data, *, epochs, seed, progress):
    """Its params, and log Z, after persistent contrastive divergence."""
    objective = fnn.training.contrastive_divergence(machine, chains=100, centered=True)
    schedule = optax.linear_schedule(0.05, 0, epochs * (len(data) // 100))
    keys = jax.random.split(jax.random.key(seed), 3)
    batches = fnn.training.batches(data, 100, key=keys[0], drop_last=True)
    trainer = fnn.training.trainer(objective, optax.sgd(schedule), steps_per_call=100)
    state = trainer.init(keys[1], data)
    options = {"epochs": epochs, "progress": progress}
    params = fnn.training.fit(trainer, state, batches, **options)[0].params
    base = boltzmann.log_odds(data)
    found = boltzmann.annealed_importance_sampling(params, keys[2], base=base)
    return params, found.log_partition


def draw(path, rows):
    """Samples of each network."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(12, 2.6 * len(rows)), layout="constrained")
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for part, (name, samples) in zip(parts, rows.items(), strict=True):
        part.suptitle(name)
        for place, image in zip(part.subplots(2, 12).ravel(), samples, strict=True):
            place.axis("off")
            place.imshow(np.reshape(image, (28, 28)), cmap="gray_r", vmin=0, vmax=1)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=30, seed=0, quick=False, picture=None, progress=True):
    """Trains both; prints and returns test likelihood by one, and the bound by two."""
    (data, test), began = load_data(quick), time.perf_counter()
    hidden = 50 if quick else 500
    keys = jax.random.split(jax.random.key(seed + 1), 4)
    options = {"epochs": epochs, "seed": seed, "progress": progress}
    low, log_z = learn(beginning(hidden, data), data, **options)
    likelihood = -float(np.mean(fnn.models.rbm(hidden).apply(low, test)) + log_z)
    units = np.asarray(boltzmann.sample_hidden(low, data, keys[0]))
    high, log_z = learn(upside_down(low), units, **options)
    bound = float(np.mean(boltzmann.deep_bound((low, high), test, keys[1], log_z)))
    print(
        f"test images: {likelihood:.2f} nats by one machine, at least {bound:.2f} by "
        f"two; {time.perf_counter() - began:.0f} s"
    )
    if picture:
        samples = {
            name: boltzmann.sample_deep(machines, key, chains=24, steps=5000)
            for name, machines, key in (
                ("one machine", (low,), keys[2]),
                ("two", (low, high), keys[3]),
            )
        }
        draw(picture, samples)
        print(f"drawn: {picture}")
    return likelihood, bound


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns digits layer by layer.")
    parser.add_argument("--epochs", type=int, default=30, help="of each machine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="belief.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="50 units, 4,000 images")
    main(**vars(parser.parse_args()))
