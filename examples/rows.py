"""Digits read row by row: 28 steps of 28 pixels, by recurrent networks.

Le, Jaitly and Hinton, 2015, begin a network of rectified units with the identity as its
recurrent weight, so that it keeps what it has read until it learns otherwise. They read
pixel by pixel, in 784 steps, 97 % of test images right. Row by row it is a minute's
work: ``python examples/rows.py`` prints the share of test images that 128 units read
right, and draws rows.png: what the network thinks after each row of a few digits.

``--network rnn`` has tanh and an orthogonal weight, ``gru`` and ``lstm`` have gates;
``--bidirectional`` reads from below as well.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn.initializers import glorot_uniform, normal

import fnn

UNITS, PUBLISHED = 128, 0.97


def identity(key, shape, dtype):
    return jnp.eye(*shape, dtype=dtype)


# A cell, how weights into and out of it are drawn, and the largest rate.
SMALL, USUAL = normal(0.001), glorot_uniform()
RECIPES = {
    "irnn": (
        fnn.rnn_cell(
            UNITS,
            activation=jax.nn.relu,
            weight_init=SMALL,
            recurrent_init=identity,
        ),
        SMALL,
        1e-3,
    ),
    "rnn": (fnn.rnn_cell(UNITS), USUAL, 1e-3),
    "gru": (fnn.gru_cell(UNITS), USUAL, 3e-3),
    "lstm": (fnn.lstm_cell(UNITS), USUAL, 3e-3),
}


def load_data(quick):
    """Training and test images, ``(n, 28, 28)`` in [0, 1], and labels."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    return tuple(
        (split.images[..., 0] / np.float32(255), split.labels)
        for split in (data.train, data.test)
    )


def reader(recipe, bidirectional):
    """The cell over all rows, and a class for the hidden state after the last."""
    cell, weight_init, _ = recipe
    over_rows = fnn.bidirectional if bidirectional else fnn.recurrent

    def last(outputs):
        carry, _ = outputs
        ways = carry.values() if bidirectional else [carry]
        # Of an LSTM's carry, cell and hidden, that is the hidden state.
        return jnp.concatenate([jax.tree.leaves(way)[-1] for way in ways], -1)

    head = fnn.dense(10, weight_init=weight_init)
    return fnn.sequential(over_rows(cell, return_carry=True), last, head)


def train(net, training, test, *, size, epochs, rate, seed=0, progress=True):
    """The params, and the accuracy on test images after the last epoch."""
    objective = fnn.training.supervised(
        net,
        optax.softmax_cross_entropy_with_integer_labels,
        metrics={"accuracy": fnn.training.accuracy},
    )
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(training, size, key=order_key, drop_last=True)
    rates = optax.cosine_decay_schedule(rate, epochs * len(batches))
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rates))
    trainer = fnn.training.trainer(objective, optimizer, steps_per_call=10)
    state, history = fnn.training.fit(
        trainer,
        trainer.init(init_key, training),
        batches,
        epochs=epochs,
        evaluate=fnn.training.batches(test, 1000),
        progress=progress,
    )
    return state.params, history.evaluation["accuracy"][-1]


def draw(path, net, params, images):
    """Digits, and beside each row how likely each class is when it has been read."""
    import matplotlib.pyplot as plt

    apply, rows = jax.jit(net.apply), np.arange(images.shape[1])
    figure, axes = plt.subplots(2, len(images), figsize=(13, 7), layout="constrained")
    axes = axes.reshape(-1, 2)
    for (left, right), image in zip(axes, images, strict=True):
        read = np.repeat(image[None], len(rows), 0)
        logits = apply(params, read, lengths=rows + 1)
        left.imshow(image, cmap="gray_r", aspect="auto")
        left.axis("off")
        right.imshow(
            jax.nn.softmax(logits), cmap="magma", vmin=0, vmax=1, aspect="auto"
        )
        right.set(xticks=range(10), yticks=[])
    figure.suptitle("digits, and how likely each class is after each row")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(network="irnn", bidirectional=False, epochs=None, quick=False, **options):
    """Trains; prints the accuracy on test images, and returns it."""
    picture, (training, test) = options.pop("picture", None), load_data(quick)
    recipe, began = RECIPES[network], time.perf_counter()
    net = reader(recipe, bidirectional)
    options |= {"rate": recipe[-1], "epochs": epochs or (8 if quick else 10)}
    options |= {"size": 16 if quick else 64}
    params, accuracy = train(net, training, test, **options)
    seconds = time.perf_counter() - began
    said = f"published {PUBLISHED:.0%}, pixel by pixel; {seconds:.0f} s"
    print(f"{network}: {accuracy:.2%}, {said}")
    if picture:
        draw(picture, net, params, test[0][:: len(test[0]) // 8][:8])
        print(f"drawn: {picture}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to read digits row by row.")
    parser.add_argument("--network", default="irnn", choices=RECIPES)
    parser.add_argument("--bidirectional", action="store_true")
    parser.add_argument("--epochs", type=int, help="through the training images (10)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="rows.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="8 epochs of 4,000 images")
    main(**vars(parser.parse_args()))
