"""Autoencoders on MNIST: linear, with tied weights, denoising, sparse and deep.

Hinton and Salakhutdinov, 2006, squeeze images through 30 numbers. Of the squared error
that is left of a test image, they report 13.87 for principal components, 8.01 for
logistic ones, and 3.00 for 784-1000-500-250-30 units and back, which they had to train
layer by layer first; here Adam trains all at once. The denoising and the sparse network
have wide codes, of 256 units, and no published error: what they learn is to be seen.

``python examples/autoencoder.py`` prints the errors, and draws autoencoder.png: digits,
what is left of them, what hidden units look for, and a map of digits by two numbers.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn.initializers import constant, he_normal, normal

import fnn
from fnn.models import autoencoder, mlp, tied_autoencoder
from fnn.models.autoencoders import sparsity_penalty


def deep(code):
    """Through three hidden layers to a code, and back."""
    options = {"activation": jax.nn.gelu, "weight_init": he_normal()}
    hidden = (1000, 500, 250)
    return autoencoder(mlp(code, hidden, **options), mlp(784, hidden[::-1], **options))


def squared_error(coded, images):
    """Of each image; what networks give are logits of its pixels."""
    return jnp.sum((jax.nn.sigmoid(coded.reconstruction) - images) ** 2, axis=-1)


def sparse_error(coded, images):
    return squared_error(coded, images) + 3 * sparsity_penalty(coded.code, 0.05)


rare = constant(-3.0)  # a unit is 0.05 at first
wide = tied_autoencoder(256, weight_init=normal(0.01), hidden_bias_init=rare)
# Network, loss, largest rate, and what is published.
RECIPES = {
    "tied": (tied_autoencoder(30, activation=lambda x: x), squared_error, 0.02, 8.01),
    "denoising": (fnn.sequential(fnn.dropout(0.5), wide), squared_error, 0.01, None),
    "sparse": (wide, sparse_error, 0.01, None),
    "deep": (deep(30), squared_error, 1e-3, 3.00),
    "deep, two numbers": (deep(2), squared_error, 1e-3, None),
}


def load_data(quick):
    """Training and test images of pixels in [0, 1], flat, and labels of the latter."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    training, test = (
        split.images.reshape(-1, 784).astype("float32") / 255
        for split in (data.train, data.test)
    )
    return training, test, data.test.labels


def principal_components(training, images, count=30):
    """Images as they are made again from so many principal components."""
    mean = training.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov(training, rowvar=False))  # the greatest last
    directions = directions[:, -count:].astype(images.dtype)
    return mean + (images - mean) @ directions @ directions.T


def train(recipe, training, test, epochs, seed, progress):
    """The network's params, and the squared error of a test image on the mean."""
    net, loss, rate, _ = recipe
    objective = fnn.training.supervised(net, loss, metrics={"error": squared_error})
    init_key, order_key = jax.random.split(jax.random.key(seed))
    pairs = training, training
    batches = fnn.training.batches(pairs, 128, key=order_key, drop_last=True)
    rates = optax.cosine_onecycle_schedule(
        epochs * len(batches), rate, pct_start=0.1, div_factor=10, final_div_factor=1e3
    )
    trainer = fnn.training.trainer(objective, optax.adam(rates), steps_per_call=10)
    options = {"epochs": epochs, "progress": progress}
    options["evaluate"] = fnn.training.batches((test, test), 1000)
    state = trainer.init(init_key, pairs)
    state, history = fnn.training.fit(trainer, state, batches, **options)
    return state.params, history.evaluation["error"][-1]


def draw(path, images, rows, filters, codes, labels):
    """Digits and what is left of them, what units look for, and a map of codes."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(15, 5), layout="constrained")
    grid = figure.add_gridspec(1, 4, width_ratios=(5, 3, 3, 5))
    panels = [figure.add_subfigure(place) for place in grid]
    panels[0].suptitle("test images, then by " + ", ".join(rows))
    pictures = panels[0].subplots(1 + len(rows), 8)
    for axes, row in zip(pictures, (images, *rows.values()), strict=True):
        for axis, image in zip(axes, row, strict=False):
            axis.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
    for panel, (name, weight) in zip(panels[1:3], filters.items(), strict=True):
        panel.suptitle(f"weights of units, {name}")
        for axis, unit in zip(panel.subplots(8, 5).ravel(), weight.T, strict=False):
            most = np.abs(unit).max()
            axis.imshow(unit.reshape(28, 28), cmap="RdBu_r", vmin=-most, vmax=most)
    for axis in figure.axes:
        axis.axis("off")
    axes = panels[3].subplots()
    dots = axes.scatter(*codes.T, c=labels, s=2, cmap="tab10", vmin=-0.5, vmax=9.5)
    panels[3].colorbar(dots, ticks=range(10))
    panels[3].suptitle("test images by a code of two numbers")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=10, seed=0, quick=False, picture=None, progress=True):
    """Trains all; prints the squared error of a test image of each, and returns it."""
    training, test, labels = load_data(quick)
    principal, params = principal_components(training, test), {}
    errors = {"PCA": float(((principal - test) ** 2).sum(axis=1).mean())}
    print(f"PCA: {errors['PCA']:.2f}, published 13.87")
    for name, recipe in RECIPES.items():
        began, options = time.perf_counter(), (epochs, seed, progress)
        params[name], errors[name] = train(recipe, training, test, *options)
        said = f", published {recipe[-1]:.2f}" if recipe[-1] else ""
        print(f"{name}: {errors[name]:.2f}{said}; {time.perf_counter() - began:.0f} s")
    if picture:
        some = slice(None, None, len(test) // 8)
        rows = {"PCA": principal[some]}
        for name in ("tied", "deep"):
            logits = RECIPES[name][0].apply(params[name], test[some]).reconstruction
            rows[name] = jax.nn.sigmoid(logits)
        filters = {"denoising": params["denoising"][1], "sparse": params["sparse"]}
        filters = {name: np.asarray(p["weight"]) for name, p in filters.items()}
        codes = RECIPES["deep, two numbers"][0].apply(params["deep, two numbers"], test)
        draw(picture, test[some], rows, filters, np.asarray(codes.code), labels)
        print(f"drawn: {picture}")
    return errors


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Squeezes digits through few numbers.")
    parser.add_argument("--epochs", type=int, default=10, help="of each network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="autoencoder.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="4,000 images")
    main(**vars(parser.parse_args()))
