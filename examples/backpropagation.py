"""Backpropagation by hand: a neuron, a layer of them, the chain rule, and learning.

A textbook's first chapter as one program: the gradient of a small network, written down
layer by layer, is held against `jax.grad` and then descended, step by step, to tell
malignant tumours from benign ones (569 biopsies, 30 measurements each).

``python examples/backpropagation.py`` takes seconds and draws backpropagation.png.
"""

import argparse
import functools

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_breast_cancer

import fnn


def activation(z):
    """A(z) = 1 / (1 + exp(-z)); its derivative is A(z) (1 - A(z))."""
    return 1 / (1 + jnp.exp(-z))


def neuron(x, w, b):
    """One neuron: f(sum x w + b)."""
    return activation(jnp.sum(x * w) + b)


def forward(weights, x):
    """Forward propagation, A(A(x W_h) W_o): every row of x at once."""
    hidden = activation(x @ weights["hidden"])
    return activation(hidden @ weights["output"])


def loss(weights, x, y):
    """Half the squared error, averaged over the examples."""
    return jnp.mean((forward(weights, x) - y) ** 2) / 2


def backward(weights, x, y):
    """The gradient of `loss` by the chain rule, from the last layer to the first."""
    # Forward, and keep what each layer put out.
    hidden = activation(x @ weights["hidden"])
    output = activation(hidden @ weights["output"])

    # How the loss changes with what goes into the last activation ...
    output_error = (output - y) / len(x) * output * (1 - output)
    # ... which the hidden layer caused in proportion to its outgoing weights.
    hidden_error = output_error @ weights["output"].T * hidden * (1 - hidden)

    # A weight's part in the error: what came in through it, times what went wrong.
    return {"hidden": x.T @ hidden_error, "output": hidden.T @ output_error}


@jax.jit
def descend(weights, x, y, learning_rate):
    """One step downhill: w - learning_rate * dloss/dw."""
    gradient = backward(weights, x, y)
    return {name: w - learning_rate * gradient[name] for name, w in weights.items()}


def accuracy(weights, x, y):
    return float(jnp.mean((forward(weights, x) > 0.5) == (y > 0.5)))


def load_data():
    """Training and held-out examples, three to one, in units of the training spread."""
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], (y[order] == 0)[:, None]  # 1: malignant
    n = len(x) // 4
    x = (x - x[n:].mean(axis=0)) / x[n:].std(axis=0)
    x, y = x.astype(np.float32), y.astype(np.float32)
    return (x[n:], y[n:]), (x[:n], y[:n])


def draw(path, weights, x, y, losses, accuracies):
    """How it learned, and what it learned, over the two widest axes of the data."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(losses, color="tab:blue")
    left.set(xscale="symlog", xlim=(0, len(losses)), xlabel="step")
    left.set_ylabel("loss", color="tab:blue")
    twin = left.twinx()
    twin.plot(accuracies, color="tab:green")
    twin.set_ylabel("held-out accuracy", color="tab:green")

    axes = np.linalg.svd(x, full_matrices=False)[2][:2]
    places = x @ axes.T
    span = np.linspace(places.min(axis=0) - 1, places.max(axis=0) + 1, 200).T
    grid = np.stack(np.meshgrid(*span), axis=-1)
    chance = forward(weights, grid @ axes)[..., 0]
    shade = right.contourf(*span, chance, 20, cmap="RdBu_r", alpha=0.6)
    figure.colorbar(shade, label="chance of malignant on this plane")
    malignant, guess = y[:, 0] > 0.5, forward(weights, x)[:, 0] > 0.5
    right.plot(*places[~malignant].T, ".", color="navy", label="benign")
    right.plot(*places[malignant].T, ".", color="darkred", label="malignant")
    right.plot(*places[guess != malignant].T, "ko", ms=10, mfc="none", label="wrong")
    right.set(xlabel="first principal axis", ylabel="second principal axis")
    right.legend(loc="lower left")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(steps=400, learning_rate=2.0, picture=None):
    """Prints it all; returns how far apart by hand and by JAX are, and the accuracy."""
    (x, y), (x_test, y_test) = load_data()
    key_hidden, key_output = jax.random.split(jax.random.key(0))
    weights = {
        "hidden": jax.random.normal(key_hidden, (30, 8)) / 30**0.5,
        "output": jax.random.normal(key_output, (8, 1)) / 8**0.5,
    }
    print(f"One neuron says {neuron(x[0], weights['hidden'][:, 0], 0.0):.4f}.")
    print("Derivatives by hand and by jax.grad (one of each), and how far all differ:")
    by_hand, by_jax = backward(weights, x, y), jax.grad(loss)(weights, x, y)
    apart = {}
    for (name, a), b in zip(by_hand.items(), by_jax.values(), strict=True):
        apart[name] = float(jnp.abs(a - b).max())
        print(f"  {name}  {a[0, 0]:+.8f}  {b[0, 0]:+.8f}  {apart[name]:.0e}")

    # The same network in fnn: the weights are the parameters of its two dense layers.
    dense, sigmoid = functools.partial(fnn.dense, use_bias=False), jax.nn.sigmoid
    network = fnn.sequential(dense(8), sigmoid, dense(1), sigmoid)
    params = ({"weight": weights["hidden"]}, (), {"weight": weights["output"]}, ())
    apart["fnn"] = float(jnp.abs(network.apply(params, x) - forward(weights, x)).max())
    print(f"  outputs by hand and by fnn.sequential  {apart['fnn']:.0e}")

    print("Gradient descent:")
    losses, accuracies = [], []
    for step in range(steps + 1):
        losses.append(float(loss(weights, x, y)))
        accuracies.append(accuracy(weights, x_test, y_test))
        if step in (0, 1, 10, 100, steps):
            score = f"loss {losses[-1]:.4f}  held-out accuracy {accuracies[-1]:.1%}"
            print(f"  step {step:3d}  {score}")
        weights = descend(weights, x, y, learning_rate)
    if picture:
        draw(picture, weights, x_test, y_test, losses, accuracies)
    return apart, losses, accuracies


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Backpropagation by hand.")
    parser.add_argument("--quick", action="store_true", help="100 steps and no picture")
    quick = parser.parse_args().quick
    main(steps=100) if quick else main(picture="backpropagation.png")
