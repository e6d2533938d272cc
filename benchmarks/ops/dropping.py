"""Milliseconds of dropout: by `jax.random.bernoulli`, and by 16 bits a value.

The last two shapes were not looked at when it was written.
"""

import statistics

import jax
import jax.numpy as jnp

from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio
from fnn.ops.dropping import dropped

SHAPES = [(32, 64), (2048, 256), (2048, 1024), (16, 8, 128, 128), (777, 333)]


def by_bernoulli(x, rate, key):
    kept = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0.0)


def by_fnn(x, rate, key):
    return dropped(x, rate, key, x.shape)


def main(rounds: int = 15) -> None:
    print(describe())
    forms = {"bernoulli": by_bernoulli, "fnn": by_fnn}
    for shape in SHAPES:
        arguments = (jnp.ones(shape), 0.1, jax.random.key(0))
        runs = {form: seconds(jax.jit(f), arguments) for form, f in forms.items()}
        interleaved(runs, 2)  # compiled here
        times = interleaved(runs, rounds)
        plain, ours = (1e3 * statistics.median(times[form]) for form in forms)
        share = ratio(times, "fnn", "bernoulli")
        print(f"{shape!s:20} {plain:8.3f} {ours:8.3f} {share:5.2f} x", flush=True)


if __name__ == "__main__":
    main()
