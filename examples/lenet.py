"""LeNet-5 on MNIST: the convolutional network that read cheques.

LeCun et al., 1998, report 99.05 % of the 10,000 test images read right. This is their
network with rectified units and max pooling in the place of scaled tanh and averages,
and AdamW with one cycle of rates in that of their second-order descent.

``python examples/lenet.py`` prints the share that it reads right, and draws lenet.png:
the filters of the first convolution, and what two convolutions make of a few digits.
"""

import argparse
import time

import jax
import numpy as np
import optax

import fnn

PUBLISHED = 0.9905


def load_data(quick):
    """Training and test examples: images of mean 0 and deviation 1, and labels."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    mean, deviation = 255 * 0.1307, 255 * 0.3081  # of the pixels of training images
    return tuple(
        (((split.images - mean) / deviation).astype("float32"), split.labels)
        for split in (data.train, data.test)
    )


def train(net, training, test, *, epochs, size=128, rate=3e-3, seed=0, progress=True):
    """The trained parameters, and the history."""
    objective = fnn.training.supervised(
        net,
        optax.softmax_cross_entropy_with_integer_labels,
        metrics={"accuracy": fnn.training.accuracy},
    )
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(training, size, key=order_key, drop_last=True)
    rates = optax.cosine_onecycle_schedule(
        epochs * len(batches), rate, pct_start=0.1, div_factor=10, final_div_factor=1e3
    )
    trainer = fnn.training.trainer(objective, optax.adamw(rates, weight_decay=0.01))
    state, history = fnn.training.fit(
        trainer,
        trainer.init(init_key, training),
        batches,
        epochs=epochs,
        evaluate=fnn.training.batches(test, 1000),
        progress=progress,
    )
    return state.params, history


def draw(path, net, params, images):
    """Filters of the first convolution, and features of both for a few images."""
    import matplotlib.pyplot as plt

    _, features = fnn.capture(net, ["c1", "c3"]).apply(params, images)
    filters = np.asarray(params["c1"]["weight"])[:, :, 0, :]
    figure = plt.figure(figsize=(12, 5.2), layout="constrained")
    grid = figure.subplots(len(images) + 1, 15)
    for axis in grid.ravel():
        axis.axis("off")
    most = np.abs(filters).max()
    for i in range(6):
        grid[0, 1 + i].imshow(filters[..., i], cmap="RdBu", vmin=-most, vmax=most)
    figure.suptitle(
        "filters of the first convolution; features of both for some digits"
    )
    for row, image, first, second in zip(
        grid[1:], images, features["c1"], features["c3"], strict=True
    ):
        row[0].imshow(image[..., 0], cmap="gray_r")
        for axis, channel in zip(row[1:7], np.moveaxis(first, -1, 0), strict=True):
            axis.imshow(np.maximum(channel, 0), cmap="magma")
        for axis, channel in zip(row[7:], np.moveaxis(second, -1, 0)[:8], strict=True):
            axis.imshow(np.maximum(channel, 0), cmap="magma")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=None, seed=0, quick=False, picture="lenet.png", progress=True):
    """Trains; prints the accuracy on test images, and returns it."""
    training, test = load_data(quick)
    net, began = fnn.models.lenet(), time.perf_counter()
    epochs = epochs or (3 if quick else 10)
    params, history = train(
        net, training, test, epochs=epochs, seed=seed, progress=progress
    )
    accuracy, seconds = history.evaluation["accuracy"][-1], time.perf_counter() - began
    print(f"LeNet-5: {accuracy:.2%}, published {PUBLISHED:.2%}; {seconds:.0f} s")
    if picture:
        draw(picture, net, params, test[0][:4])
        print(f"drawn: {picture}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to read digits by LeNet-5.")
    parser.add_argument("--epochs", type=int, help="through the training images (10)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="lenet.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="3 epochs of 4,000 images")
    main(**vars(parser.parse_args()))
