"""Milliseconds of recurrent networks with the gradient: by JAX's loop, and by fnn's.

By the params, and by the input as well. The last two shapes were not looked at when
`fnn.ops.recurrence` was written.
"""

import statistics

import jax
import jax.numpy as jnp

import fnn
from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio

# cell, batch, time, length of an input, features
SHAPES = [
    (fnn.lstm_cell, 1, 16, 8, 8),
    (fnn.lstm_cell, 8, 32, 32, 32),
    (fnn.lstm_cell, 16, 128, 88, 200),
    (fnn.lstm_cell, 32, 64, 256, 256),
    (fnn.gru_cell, 32, 64, 256, 256),
    (fnn.rnn_cell, 32, 64, 256, 256),
    (fnn.gru_cell, 5, 300, 40, 70),
    (fnn.lstm_cell, 100, 28, 28, 128),
]


def gradient(cell, weights, argnums):
    """Of a weighed sum of the outputs, a function of the params and the input."""
    net = fnn.recurrent(cell)

    def loss(params, x):
        return jnp.sum(net.apply(params, x) * weights)

    return jax.jit(jax.grad(loss, argnums))


def main(rounds: int = 11) -> None:
    print(describe())
    for constructor, *lead, n, features in SHAPES:
        cell = constructor(features)
        # What says nothing of its parts goes round the loop that JAX differentiates.
        forms = {"JAX": fnn.Layer(cell.init, cell.apply), "fnn": cell}
        x = jax.random.normal(jax.random.key(0), (*lead, n))
        weights = jax.random.normal(jax.random.key(1), (*lead, features))
        params = fnn.recurrent(cell).init(jax.random.key(2), x)
        for argnums in (0, (0, 1)):
            runs = {
                name: seconds(gradient(form, weights, argnums), (params, x))
                for name, form in forms.items()
            }
            interleaved(runs, 2)  # compiled here
            times = interleaved(runs, rounds)
            plain, ours = (1e3 * statistics.median(times[name]) for name in forms)
            by = "params" if argnums == 0 else "both"
            case = f"{constructor.__name__} {(*lead, n, features)}"
            share = ratio(times, "fnn", "JAX")
            print(
                f"{case:32} {by:6} {plain:8.2f} {ours:8.2f} {share:5.2f} x", flush=True
            )


if __name__ == "__main__":
    main()
