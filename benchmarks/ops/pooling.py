"""Milliseconds of max_pool with its gradient: `lax.reduce_window` and fnn's form."""

import statistics

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio

# shape, side of the window, stride; those from "one image" on were not tuned for
SHAPES = {
    "LeNet 1": ((128, 28, 28, 32), 2, 2),
    "LeNet 2": ((128, 14, 14, 64), 2, 2),
    "wide": ((64, 32, 32, 64), 2, 2),
    "overlapping": ((64, 32, 32, 64), 3, 2),
    "one image": ((1, 224, 224, 64), 2, 2),
    "small": ((8, 12, 12, 6), 2, 2),
    "3x3": ((32, 27, 27, 48), 3, 3),
}


def by_xla(window, stride):
    lengths, strides = (1, window, window, 1), (1, stride, stride, 1)
    return lambda x: jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, lengths, strides, "VALID"
    )


def by_fnn(window, stride):
    layer = fnn.max_pool((window, window), stride=stride)
    return lambda x: layer.apply((), x)


def with_gradient(f):
    def both(x):
        y, pullback = jax.vjp(f, x)
        return y, pullback(y)

    return jax.jit(both)


def main(rounds: int = 15) -> None:
    print(describe())
    for name, (shape, *window) in SHAPES.items():
        x = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
        forms = {"XLA": by_xla(*window), "fnn": by_fnn(*window)}
        runs = {form: seconds(with_gradient(f), (x,)) for form, f in forms.items()}
        interleaved(runs, 2)  # compiled here
        times = interleaved(runs, rounds)
        xla, ours = (1e3 * statistics.median(times[form]) for form in forms)
        print(f"{name:12} {xla:8.2f} {ours:8.2f} {ratio(times, 'fnn', 'XLA'):5.2f} x")


if __name__ == "__main__":
    main()
