"""Handwritten digits: a small convolutional network, trained and looked at.

A network, an objective, an optimiser and batches make a training: 1797 images of 8 x 8
pixels, of which a quarter is held out to see whether it learned to read.

``python examples/digits.py`` takes some ten seconds and draws digits.png: how the loss
fell, and the digits that were hardest to read, among them those that it got wrong.
"""

import argparse

import jax
import numpy as np
import optax
from sklearn.datasets import load_digits

import fnn


def network():
    """Two convolutions, each followed by pooling, and a dense layer on top."""
    return fnn.sequential(
        fnn.conv(32, (3, 3), use_bias=False),
        fnn.batch_norm(),
        jax.nn.relu,
        fnn.max_pool((2, 2)),
        fnn.conv(64, (3, 3), use_bias=False),
        fnn.batch_norm(),
        jax.nn.relu,
        fnn.max_pool((2, 2)),
        fnn.flatten(),
        fnn.dropout(0.3),
        fnn.dense(10),
    )


def load_data(seed=0):
    """Training and held-out examples, three to one: images in [0, 1], and labels."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out, training = order[: len(order) // 4], order[len(order) // 4 :]
    return (images[training], labels[training]), (images[held_out], labels[held_out])


def draw(path, history, images, labels, probabilities):
    """The loss of training and held-out digits, and the digits that are hardest."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 4), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(3, 2))
    curves = figure.add_subplot(grid[0])
    right = figure.add_subfigure(grid[1])
    train, epochs, held_out = history.train, history.epochs, history.evaluation
    curves.semilogy(train["step"], train["loss"], color="0.85", label="each batch")
    curves.semilogy(epochs["step"], epochs["loss"], label="training, an epoch's mean")
    curves.semilogy(held_out["step"], held_out["loss"], label="held out")
    curves.set(xlabel="step", ylabel="cross-entropy (nats)")
    curves.legend()

    guesses = probabilities.argmax(axis=-1)
    sure = probabilities[np.arange(len(labels)), labels]
    wrong = np.sum(guesses != labels)
    right.suptitle(f"{wrong} of {len(labels)} held-out digits wrong; the hardest:")
    for axis, i in zip(right.subplots(3, 4).ravel(), np.argsort(sure), strict=False):
        axis.axis("off")
        axis.imshow(images[i, :, :, 0], cmap="gray_r", interpolation="nearest")
        if guesses[i] == labels[i]:
            axis.set_title(f"{labels[i]}, {sure[i]:.0%} sure", fontsize=9)
        else:
            title = f"took {labels[i]} for {guesses[i]}"
            axis.set_title(title, fontsize=9, color="tab:red")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(steps=800, size=64, learning_rate=3e-3, seed=0, picture=None, progress=True):
    """Trains; prints the accuracy on held-out digits, returns it and the history."""
    training, held_out = load_data()
    net = network()
    trainer = fnn.training.trainer(
        fnn.training.supervised(
            net,
            optax.softmax_cross_entropy_with_integer_labels,
            metrics={"accuracy": fnn.training.accuracy},
        ),
        optax.adamw(optax.cosine_decay_schedule(learning_rate, steps)),
    )
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(training, size, key=order_key, drop_last=True)
    state = trainer.init(init_key, training)
    state, history = fnn.training.fit(
        trainer,
        state,
        batches,
        steps=steps,
        evaluate=[held_out],
        eval_every=max(steps // 10, 1),
        progress=progress,
    )
    images, labels = held_out
    logits, _ = net.apply(state.params, state.state, images)
    right = np.argmax(logits, axis=-1) == labels
    print(
        f"held-out accuracy {right.mean():.2%}: {np.sum(~right)} of {len(right)} wrong"
    )
    if picture:
        draw(picture, history, images, labels, np.asarray(jax.nn.softmax(logits)))
        print(f"drawn: {picture}")
    return float(right.mean()), history


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns handwritten digits.")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--size", type=int, default=64, help="examples in a batch")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="digits.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="60 steps and no picture")
    options = vars(parser.parse_args())
    if options.pop("quick"):
        options |= {"steps": 60, "picture": None}
    main(**options)
