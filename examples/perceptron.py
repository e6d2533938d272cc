"""Multilayer perceptrons on MNIST: Nielsen's sigmoid networks, then rectified ones.

Chapters 1 and 3 of Michael Nielsen's "Neural networks and deep learning" train one
hidden layer by plain stochastic gradient descent: squared error first, then the
cross-entropy with weight decay. What came later are a softmax, rectified units, and an
optimiser that scales each parameter's step (published there: Simard et al., 2003).
Draws perceptron.png: what was read wrong by epoch, and what hidden units look for.

The settings are Nielsen's but for two that fail for some seeds: weights begin with a
variance of 1 / inputs, as in his chapter 3, not of 1; and the rate of the third network
falls to a fifth for the last ten epochs. His numbers are of his best epoch, the third
of validation images; these are of the last one, and of test images.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn import leaky_relu, relu, sigmoid

import fnn


def squared_error(logits, labels):
    outputs, targets = sigmoid(logits), jax.nn.one_hot(labels, 10)
    return jnp.sum(optax.l2_loss(outputs, targets), axis=-1)


def cross_entropy(logits, labels):
    """Of ten sigmoids, each by itself."""
    targets = jax.nn.one_hot(labels, 10)
    return jnp.sum(optax.sigmoid_binary_cross_entropy(logits, targets), axis=-1)


softmax = optax.softmax_cross_entropy_with_integer_labels


def constant(steps):
    return optax.sgd(3.0)


def decaying(steps):
    """The rate falls once; weights decay at each step, biases don't."""
    rate = optax.piecewise_constant_schedule(0.5, {2 * steps // 3: 0.2})
    decay = optax.add_decayed_weights(
        5 / 50_000, mask=lambda params: jax.tree.map(lambda leaf: leaf.ndim > 1, params)
    )
    return optax.chain(decay, optax.sgd(rate))


def adaptive(steps):
    return optax.adamw(optax.cosine_decay_schedule(1e-3, steps), weight_decay=0.02)


# Hidden units, activation, loss, optimizer, size of a batch, epochs, what is published.
RECIPES = {
    "squared error": (30, sigmoid, squared_error, constant, 10, 30, 0.9542),
    "squared error, wider": (100, sigmoid, squared_error, constant, 10, 30, 0.9659),
    "cross-entropy": (100, sigmoid, cross_entropy, decaying, 10, 30, 0.9792),
    "ReLU": (800, relu, softmax, adaptive, 100, 20, 0.984),
    "leaky ReLU": (800, leaky_relu, softmax, adaptive, 100, 20, 0.984),
}


def network(hidden, activation):
    """Weights by the number of inputs; biases of 0, with sigmoids of variance 1."""
    biases = jax.nn.initializers.normal(1.0 if activation is sigmoid else 0.0)
    return fnn.sequential(
        hidden=fnn.dense(hidden, bias_init=biases),
        activation=activation,
        out=fnn.dense(10, bias_init=biases),
    )


def train(recipe, training, test, epochs, seed, progress):
    """The network's parameters, and the history of its training."""
    hidden, activation, loss, optimizer, size, *_ = recipe
    net = network(hidden, activation)
    metrics = {"accuracy": fnn.training.accuracy}
    objective = fnn.training.supervised(net, loss, metrics=metrics)
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(training, size, key=order_key, drop_last=True)
    steps = epochs * len(batches)
    trainer = fnn.training.trainer(
        objective, optimizer(steps), steps_per_call=1000 // size
    )
    state = trainer.init(init_key, training)
    state, history = fnn.training.fit(
        trainer, state, batches, epochs=epochs, evaluate=[test], progress=progress
    )
    return state.params, history


def draw(path, histories, weights):
    """What was read wrong by epoch, and what hidden units look for."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 4.5), layout="constrained")
    panels = figure.subfigures(1, 2, width_ratios=(3, 2), squeeze=False)
    left, right = panels[0]
    axes = left.subplots()
    for name, history in histories.items():
        wrong = 100 * (1 - history.evaluation["accuracy"])
        axes.plot(np.arange(len(wrong)) + 1, wrong, label=name)
    axes.set(xlabel="epoch", ylabel="test images read wrong (%)", ylim=(0, None))
    axes.legend()
    right.suptitle("the weights of 30 hidden units, from all pixels")
    for axis, unit in zip(right.subplots(5, 6).ravel(), weights.T, strict=True):
        most = np.abs(unit).max()
        axis.imshow(unit.reshape(28, 28), cmap="RdBu", vmin=-most, vmax=most)
        axis.axis("off")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=None, seed=0, quick=False, picture="perceptron.png", progress=True):
    """Trains all; prints the accuracies on test images, and returns them."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    training, test = (
        (split.images.reshape(-1, 784).astype("float32") / 255, split.labels)
        for split in (data.train, data.test)
    )
    training = tuple(array[:50_000] for array in training)  # Nielsen holds out the rest
    accuracies, histories, params = {}, {}, {}
    for name, recipe in RECIPES.items():
        began, length = time.perf_counter(), epochs or (3 if quick else recipe[-2])
        params[name], history = train(recipe, training, test, length, seed, progress)
        histories[name], seconds = history, time.perf_counter() - began
        accuracies[name] = found = history.evaluation["accuracy"][-1]
        print(f"{name}: {found:.2%}, published {recipe[-1]:.2%}; {seconds:.0f} s")
    if picture:
        draw(
            picture, histories, np.asarray(params["squared error"]["hidden"]["weight"])
        )
        print(f"drawn: {picture}")
    return accuracies


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to read digits by MLPs.")
    parser.add_argument("--epochs", type=int, help="of each network (30, ReLU 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="perceptron.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="on 5,000 images")
    main(**vars(parser.parse_args()))
