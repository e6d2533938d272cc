"""Clothes of Fashion-MNIST, told apart by a small network and by a residual one.

The data set's own page lists 92.5 % of the 10,000 test images for a convolutional
network of under 100,000 parameters, and 94.9 % for a ResNet-18 of 11 million, with
augmented images, as here: flipped, and moved by up to two pixels.

``python examples/fashion.py`` trains a network of 70,330 parameters, prints the share
of test images that it takes for what they are, and draws fashion.png: its filters, what
it makes of an image, and what it takes for what. ``--deep`` trains one of 14 layers and
172,218 parameters.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import fnn

BLACK, WHITE = -0.286 / 0.353, (1 - 0.286) / 0.353  # mean and deviation of all pixels
SHIFT = 2


def augment(images, *, key, train):
    """In training, each image is flipped or not, and moved a little."""
    if not train:
        return images
    flipping, moving = jax.random.split(key)
    flipped = jax.random.bernoulli(flipping, shape=(len(images), 1, 1, 1))
    images = jnp.where(flipped, images[:, :, ::-1], images)
    pads = ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0))
    wide = jnp.pad(images, pads, constant_values=BLACK)
    corners = jax.random.randint(moving, (len(images), 2), 0, 2 * SHIFT + 1)

    def window(image, corner):
        return lax.dynamic_slice(image, (*corner, 0), images.shape[1:])

    return jax.vmap(window)(wide, corners)


def convolutional():
    """Five convolutions, each with a norm of its batch."""

    def block(features):
        conv = fnn.conv(features, (3, 3), use_bias=False)
        return fnn.sequential(conv=conv, norm=fnn.batch_norm(), relu=jax.nn.relu)

    return fnn.sequential(
        augment,
        *(block(16), fnn.max_pool((2, 2))),
        *(block(32), block(32), fnn.max_pool((2, 2))),
        *(block(64), block(64), fnn.global_avg_pool()),
        fnn.dense(10),
    )


def residual():
    return fnn.sequential(augment, fnn.models.resnet(10, depth=14, cifar=True))


def train(net, training, test, epochs, seed, progress):
    """Nesterov's descent in one cycle of rates; the last state, and the history."""
    loss = optax.softmax_cross_entropy_with_integer_labels
    metrics = {"accuracy": fnn.training.accuracy}
    objective = fnn.training.supervised(net, loss, metrics=metrics)
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(training, 128, key=order_key, drop_last=True)
    rates = optax.cosine_onecycle_schedule(
        epochs * len(batches), 0.1, pct_start=0.2, div_factor=10, final_div_factor=1e3
    )
    decay = optax.add_decayed_weights(
        5e-4, mask=lambda params: jax.tree.map(lambda leaf: leaf.ndim > 1, params)
    )
    optimizer = optax.chain(decay, optax.sgd(rates, momentum=0.9, nesterov=True))
    trainer = fnn.training.trainer(objective, optimizer)
    state, evaluate = trainer.init(init_key, training), fnn.training.batches(test, 1000)
    return fnn.training.fit(
        trainer, state, batches, epochs=epochs, evaluate=evaluate, progress=progress
    )


def draw(path, net, state, images, labels, guesses, classes):
    """The first filters, features of an image by depth, and a table of guesses."""
    import matplotlib.pyplot as plt
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    figure = plt.figure(figsize=(13, 5), layout="constrained")
    panels = figure.subfigures(1, 2, width_ratios=(3, 2), squeeze=False)
    left, right = panels[0]
    seen = fnn.capture(net, "**/norm*")
    _, features = seen.apply(state.params, state.state, images[:1])[0]
    pictures = [np.asarray(y)[0] for y in features.values()]
    rows = [pictures[i] for i in np.linspace(0, len(pictures) - 1, 4).astype(int)]
    kernel = next(p for p in fnn.paths(state.params).values() if p.ndim == 4)
    grid = left.subplots(5, 12)
    for axes, row in zip(grid, [np.asarray(kernel)[:, :, 0], *rows], strict=True):
        strongest = np.argsort(-row.std((0, 1)))
        for axis, channel in zip(axes, strongest, strict=False):
            axis.imshow(row[..., channel], cmap="magma")
        for axis in axes:
            axis.axis("off")
    left.suptitle("filters of the first convolution, and features of a boot by depth")
    table = confusion_matrix(labels, guesses, labels=range(10))
    style = {"cmap": "Blues", "colorbar": False, "text_kw": {"size": 7}}
    shown = ConfusionMatrixDisplay(table, display_labels=classes)
    shown.plot(ax=right.subplots(), xticks_rotation="vertical", **style)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(
    deep=False, epochs=None, seed=0, picture="fashion.png", quick=False, progress=True
):
    """Trains; prints the accuracy on test images, and returns it."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.fashion_mnist()
    training, (images, labels) = (
        ((split.images * ((WHITE - BLACK) / 255) + BLACK).astype("f4"), split.labels)
        for split in (data.train, data.test)
    )
    net, published = (residual(), 0.949) if deep else (convolutional(), 0.925)
    epochs, began = epochs or (2 if quick else 20), time.perf_counter()
    state, _ = train(net, training, (images, labels), epochs, seed, progress)
    seconds = time.perf_counter() - began
    forward = jax.jit(lambda x: net.apply(state.params, state.state, x)[0].argmax(-1))
    test = fnn.training.batches(images, 1000)
    guesses = np.concatenate([forward(batch) for batch in test])
    accuracy = float(np.mean(guesses == labels))
    size = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    print(f"{size:,} parameters: {accuracy:.2%}, published {published:.2%}")
    print(f"trained and tested in {seconds:.0f} s")
    if picture:
        draw(picture, net, state, images, labels, guesses, data.classes)
        print(f"drawn: {picture}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to tell clothes apart.")
    parser.add_argument("--deep", action="store_true", help="a residual network")
    parser.add_argument("--epochs", type=int, help="through the training images (20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="fashion.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="2 epochs of 4,000 digits")
    main(**vars(parser.parse_args()))
