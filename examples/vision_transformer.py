"""A vision transformer on Fashion-MNIST: images as sequences of patches.

Dosovitskiy et al., 2020, cut an image into patches, and let a transformer's class token
look at them. Here there are 49 of 4 x 4 pixels, and four layers of 64 features. Of so
small a one nothing is published: the data set's own page lists 92.5 % of the 10,000
test images for two convolutions of under 100,000 parameters, likewise without augmented
images.

``python examples/vision_transformer.py`` prints the share of test images that it takes
for what they are, and draws vision_transformer.png: where the class token looks in each
layer, and how alike the vectors are that it has learned for places in an image.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fnn

PUBLISHED, LAYERS = 0.925, 4


def load_data(quick):
    """Training and test examples: images of mean 0 and deviation 1, and labels."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.fashion_mnist()
    mean, deviation = 255 * 0.286, 255 * 0.353  # of the pixels of clothes
    return tuple(
        (((split.images - mean) / deviation).astype("float32"), split.labels)
        for split in (data.train, data.test)
    )


def network(patch):
    """Logits of ten classes."""
    return fnn.models.vit(
        10, patch=patch, features=64, heads=4, layers=LAYERS, hidden=128, unroll=LAYERS
    )


def train(net, training, test, *, epochs, seed, progress):
    """The trained parameters, and the history, by AdamW in one cycle of rates."""
    objective = fnn.training.supervised(
        net,
        optax.softmax_cross_entropy_with_integer_labels,
        metrics={"accuracy": fnn.training.accuracy},
    )
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(training, 100, key=order_key)
    rates = optax.cosine_onecycle_schedule(
        epochs * len(batches), 2e-3, pct_start=0.2, div_factor=10, final_div_factor=1e3
    )
    trainer = fnn.training.trainer(objective, optax.adamw(rates, weight_decay=0.05))
    state, history = fnn.training.fit(
        trainer,
        trainer.init(init_key, training),
        batches,
        epochs=epochs,
        evaluate=fnn.training.batches(test, 500),
        progress=progress,
    )
    return state.params, history


def draw(path, net, params, images):
    """The class token's attention to a few images, and positions by one another."""
    import matplotlib.pyplot as plt

    seen = fnn.capture(net, "blocks/attention/weights")
    weights = seen.apply(params, images)[1]["blocks/attention/weights"]
    side = int(np.sqrt(weights.shape[-1] - 1))
    looks = weights[..., 0, 1:].mean(2).reshape(LAYERS, len(images), side, side)
    places = params["positions"]["weight"][1:]
    places -= places.mean(0, keepdims=True)
    places /= jnp.linalg.norm(places, axis=-1, keepdims=True)
    alike = np.reshape(places @ places.T, (side, side, side, side))
    figure = plt.figure(figsize=(15, 7), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(5, 6), squeeze=False)[0]
    grid = left.subplots(len(images), 1 + LAYERS)
    for axes, image, maps in zip(grid, images, np.moveaxis(looks, 1, 0), strict=True):
        axes[0].imshow(image[..., 0], cmap="gray_r")
        for axis, look in zip(axes[1:], maps, strict=True):
            extent = (-0.5, len(image) - 0.5, len(image) - 0.5, -0.5)
            axis.imshow(image[..., 0], cmap="gray_r")
            axis.imshow(look, cmap="inferno", alpha=0.7, extent=extent)
    left.suptitle("where the class token looks, from the first layer to the last")
    for axes, row in zip(right.subplots(side, side), alike, strict=True):
        for axis, place in zip(axes, row, strict=True):
            axis.imshow(place, cmap="viridis", vmin=-1, vmax=1)
    right.suptitle("how alike the vector of each place is to those of all places")
    for axis in figure.axes:
        axis.axis("off")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=None, seed=0, quick=False, picture=None, progress=True):
    """Trains; prints the accuracy on test images, and returns it."""
    training, test = load_data(quick)
    net, began = network(7 if quick else 4), time.perf_counter()
    epochs = epochs or (4 if quick else 8)
    params, history = train(
        net, training, test, epochs=epochs, seed=seed, progress=progress
    )
    accuracy, seconds = history.evaluation["accuracy"][-1], time.perf_counter() - began
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    said = f"{size:,} parameters: {accuracy:.2%}, published {PUBLISHED:.2%}"
    print(f"{said} of convolutions; {seconds:.0f} s")
    if picture:
        first = [np.argmax(test[1] == label) for label in (1, 3, 5, 7, 8, 9)]
        draw(picture, net, params, test[0][first])
        print(f"drawn: {picture}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to tell clothes by patches.")
    parser.add_argument("--epochs", type=int, help="through the training images (8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="vision_transformer.png")
    parser.add_argument("--quick", action="store_true", help="4 epochs of 4,000 digits")
    main(**vars(parser.parse_args()))
