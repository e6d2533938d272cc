"""Milliseconds of random numbers: by a key of JAX, and by a swift one.

The last two shapes were not looked at when it was written.
"""

import statistics

import jax

from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio
from fnn.ops.random_bits import swift

SHAPES = [(8,), (100, 784), (2048, 512), (16, 8, 128, 128), (777, 333)]
DRAWS = {"bits": jax.random.bits, "normal": jax.random.normal}


def main(rounds: int = 15) -> None:
    print(describe())
    for shape in SHAPES:
        for name, draw in DRAWS.items():
            forms = {
                "JAX": lambda key, draw=draw, shape=shape: draw(key, shape),
                "fnn": lambda key, draw=draw, shape=shape: draw(swift(key), shape),
            }
            key = (jax.random.key(0),)
            runs = {form: seconds(jax.jit(f), key) for form, f in forms.items()}
            interleaved(runs, 2)  # compiled here
            times = interleaved(runs, rounds)
            plain, ours = (1e3 * statistics.median(times[form]) for form in forms)
            share = ratio(times, "fnn", "JAX")
            print(f"{shape!s:20} {name:8} {plain:8.3f} {ours:8.3f} {share:5.2f} x")


if __name__ == "__main__":
    main()
