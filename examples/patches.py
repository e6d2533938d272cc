"""What a Boltzmann machine with normal visible units sees in photographs.

``python examples/patches.py`` takes 40,000 patches of 8 x 8 from two photographs that
scikit-learn ships, in the 20 directions of largest variance, each divided by its
deviation, and learns them by a restricted machine of 64 hidden units and contrastive
divergence of three steps, CD-3. It prints how likely patches of other strips of the
photographs are by the machine, and by a normal distribution, as a machine without
weights is one; and draws patches.png: filters, which are edges and corners, and dreams.

The machine's log Z lies between what annealed importance sampling finds from below, and
from above in reverse, from samples of long chains (Burda, Grosse and Salakhutdinov,
2015). Hidden units begin as seldom on (Melchior, Wang and Wiskott, 2017).
"""

import argparse
import time

import jax
import numpy as np
import optax
from jax.nn.initializers import constant

import fnn
from fnn.models import boltzmann

SIDE, KEPT, HIDDEN, PATCHES = 8, 20, 64, 40_000


def load_data(seed=0):
    """Roots of patches' brightness, of strips to learn from and of others."""
    from sklearn.datasets import load_sample_images

    random, parts = np.random.default_rng(seed), ([], [])
    for photograph in load_sample_images().images:
        grey = photograph.mean(-1) ** 0.5
        for i, strip in enumerate(np.split(grey, 10, axis=1)):
            windows = np.lib.stride_tricks.sliding_window_view(strip, (SIDE, SIDE))
            windows = windows.reshape(-1, SIDE * SIDE)
            places = random.choice(len(windows), PATCHES // 16, replace=False)
            parts[i % 5 == 2].append(windows[places])
    return [np.concatenate(part) for part in parts]


def whitened(training, test):
    """Both by their main directions, and what turns these back to pixels."""
    training, test = (part - part.mean(1, keepdims=True) for part in (training, test))
    variances, axes = np.linalg.eigh(np.cov(training.T))
    deviations, axes = variances[-KEPT:] ** 0.5, axes[:, -KEPT:]
    white = (part @ (axes / deviations) for part in (training, test))
    return *(part.astype("float32") for part in white), axes * deviations


def train(data, *, epochs, seed, progress):
    """A machine that learned by contrastive divergence, and its params."""
    machine = fnn.models.rbm(HIDDEN, gaussian=True, hidden_bias_init=constant(-4.0))
    objective = fnn.training.contrastive_divergence(machine, steps=3)
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(data, 100, key=order_key, drop_last=True)
    descent = optax.sgd(
        optax.linear_schedule(0.01, 0, epochs * len(batches)), momentum=0.9
    )
    trainer = fnn.training.trainer(objective, descent, steps_per_call=100)
    state, options = trainer.init(init_key, data), {"progress": progress}
    state, _ = fnn.training.fit(trainer, state, batches, epochs=epochs, **options)
    return machine, state.params


def annealed(params, data, *, temperatures, seed):
    """Log Z from below, and from above by chains that begin at 100 examples."""
    keys = jax.random.split(jax.random.key(seed), 3)
    options = {"temperatures": temperatures, "base": data.mean(0)}
    upwards = boltzmann.annealed_importance_sampling(params, keys[0], **options)
    samples = boltzmann.gibbs(params, data[:100], keys[1], 1000)
    downwards = boltzmann.reverse_annealed_importance_sampling(
        params, samples, keys[2], chains=2, **options
    )
    dreams = boltzmann.mean_visible(params, boltzmann.mean_hidden(params, samples))
    return upwards, float(downwards.log_partition.mean()), dreams


def draw(path, rows):
    """Images of each row, grey where they are 0."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(12, 4.6), layout="constrained")
    parts = figure.subfigures(1, len(rows), squeeze=False)[0]
    for part, (name, images) in zip(parts, rows.items(), strict=True):
        part.suptitle(name)
        for place, image in zip(part.subplots(8, 8).ravel(), images, strict=False):
            most = np.abs(image).max()
            place.axis("off")
            place.imshow(image.reshape(SIDE, -1), cmap="gray", vmin=-most, vmax=most)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=None, seed=0, quick=False, picture=None, progress=True):
    """Trains; prints log-likelihoods of test patches, and returns them."""
    training, test, pixels = whitened(*load_data())
    epochs, began = epochs or (4 if quick else 20), time.perf_counter()
    machine, params = train(training, epochs=epochs, seed=seed, progress=progress)
    options = {"temperatures": 300 if quick else 1000, "seed": seed + 1}
    log_z, above, dreams = annealed(params, training, **options)
    found = float(-machine.apply(params, test).mean() - log_z.log_partition)
    normal = float(jax.scipy.stats.norm.logpdf(test).sum(-1).mean())
    seconds = time.perf_counter() - began
    print(
        f"test: {found:.2f} nats, a normal distribution {normal:.2f}; {seconds:.0f} s"
    )
    print(f"log Z: {log_z.log_partition:.2f} by annealing, {above:.2f} in reverse")
    if picture:
        filters = (pixels @ np.asarray(params["weight"])).T
        seen, dreamt = (
            test[:: len(test) // 64] @ pixels.T,
            np.asarray(dreams) @ pixels.T,
        )
        names = ("filters of hidden units", "patches", "means given dreams")
        draw(picture, dict(zip(names, (filters, seen, dreamt), strict=True)))
        print(f"drawn: {picture}")
    return found, normal, float(above - log_z.log_partition)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns patches of photographs.")
    parser.add_argument("--epochs", type=int, help="through the patches (20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="patches.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="4 epochs")
    main(**vars(parser.parse_args()))
