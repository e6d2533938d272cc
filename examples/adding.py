"""What an LSTM remembers and a plain recurrent network doesn't: the adding problem.

Hochreiter and Schmidhuber, 1997: of 200 numbers two are marked, one in each half; their
sum is to be told at the end. Whoever always says 1 has a squared error of 1/6. ``python
examples/adding.py`` trains both networks, of 64 units, prints their errors beside that,
and draws adding.png: errors by steps, and how large the gradient of the error is by the
number at each place, at first and after training.

The LSTM begins with gates that keep what is in its cell for about as many steps as a
sequence has: the bias of the forget gate is ``log(u)`` with u uniform in (1, 199), that
of the input gate its negative (Tallec and Ollivier, 2018).
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fnn

BASELINE = 1 / 6  # the variance of the sum of two numbers


def problems(random, size, length):
    """Sequences of a number and a mark, and the sums of the two that are marked."""
    numbers, marks = random.random((size, length), "f"), np.zeros((size, length), "f")
    for low, high in ((0, length // 2), (length // 2, length)):
        marks[np.arange(size), random.integers(low, high, size)] = 1
    return np.stack([numbers, marks], -1), (numbers * marks).sum(1, keepdims=True)


def chrono(length):
    """Biases of gates that forget after as many steps as a sequence has, or fewer."""

    def init(key, shape, dtype):
        steps = jax.random.uniform(key, (shape[0] // 4,), dtype, 1, length - 1)
        zeros = jnp.zeros_like(steps)  # of what is written, and of the output gate
        return jnp.concatenate([-jnp.log(steps), jnp.log(steps), zeros, zeros])

    return init


def network(cell):
    """The cell over all steps, and a number of what it puts out at the last one."""
    return fnn.sequential(fnn.recurrent(cell), lambda y: y[..., -1, :], fnn.dense(1))


def networks(units, length):
    """By name, each with its largest rate."""
    lstm = fnn.lstm_cell(units, forget_bias=0.0, bias_init=chrono(length))
    return {"LSTM": (network(lstm), 5e-3), "tanh": (network(fnn.rnn_cell(units)), 1e-3)}


def train(net, rate, length, *, steps, seed, progress):
    """The params before and after, the errors of all steps, and of 2,000 sequences."""
    random = np.random.default_rng(seed)
    batches = (problems(random, 50, length) for _ in range(steps))
    test = problems(np.random.default_rng([seed, 1]), 2000, length)
    rates = optax.cosine_decay_schedule(rate, steps, alpha=0.05)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rates))
    objective = fnn.training.supervised(net, optax.squared_error)
    trainer = fnn.training.trainer(objective, optimizer, steps_per_call=10)
    state = trainer.init(jax.random.key(seed), test)
    start = jax.tree.map(jnp.copy, state.params)
    options = {"steps": steps, "progress": progress, "evaluate": [test]}
    state, history = fnn.training.fit(trainer, state, batches, **options)
    error = float(history.evaluation["loss"][-1])
    return (start, state.params), history.train["loss"], error


def gradient_norms(net, params, x, y):
    """Of the error by what stands at each place, the mean over sequences."""

    def error(x, y):
        return jnp.sum((net.apply(params, x) - y) ** 2)

    gradients = jax.vmap(jax.grad(error))(x, y)
    return jnp.linalg.norm(gradients, axis=-1).mean(0)


def draw(path, nets, found, length):
    """Errors by steps, and gradients by place, at first and after training."""
    import matplotlib.pyplot as plt

    x, y = problems(np.random.default_rng(0), 100, length)
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    for i, (name, (params, errors, _)) in enumerate(found.items()):
        smooth = np.convolve(errors, np.full(25, 1 / 25), "valid")
        left.semilogy(np.arange(len(smooth)) + 25, smooth, f"C{i}", label=name)
        for own, style, when in zip(
            params, (":", "-"), ("at first", "after"), strict=True
        ):
            norms = gradient_norms(nets[name][0], own, x, y)
            right.semilogy(norms, f"C{i}{style}", label=f"{name}, {when}")
    left.axhline(BASELINE, color="grey", linestyle="--", label="always 1")
    left.set(title="squared error, mean of 25 steps", xlabel="step")
    right.set(title="norm of the gradient of the error by the input", xlabel="place")
    for axis in (left, right):
        axis.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(steps=None, seed=0, quick=False, picture=None, progress=True):
    """Trains both; prints their squared errors on new sequences, and returns them."""
    length, units = (40, 32) if quick else (200, 64)
    nets, found = networks(units, length), {}
    options = {"steps": steps or (600 if quick else 2500), "seed": seed}
    for name, (net, rate) in nets.items():
        began = time.perf_counter()
        found[name] = train(net, rate, length, progress=progress, **options)
        seconds = time.perf_counter() - began
        said = f"{BASELINE:.3f} by always saying 1; {seconds:.0f} s"
        print(f"{name}, {length} steps: {found[name][-1]:.4f}, {said}")
    if picture:
        draw(picture, nets, found, length)
        print(f"drawn: {picture}")
    return {name: error for name, (*_, error) in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to add numbers far apart.")
    parser.add_argument("--steps", type=int, help="of 50 sequences each (2,500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="adding.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="40 numbers, 600 steps")
    main(**vars(parser.parse_args()))
