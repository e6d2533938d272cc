"""Milliseconds of gradients of a product: by XLA's form, and by `fnn.ops.product`.

Of ``(batch, time, n) @ (n, m)``, by the weight alone, and by both. The last two shapes
were not looked at when it was written.
"""

import statistics

import jax
import jax.numpy as jnp

from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio
from fnn.ops.product import product

# batch, time, n, m
SHAPES = [
    (2, 8, 16, 16),
    (4, 32, 64, 64),
    (16, 128, 256, 256),
    (16, 128, 256, 1024),
    (32, 64, 256, 2000),
    (3, 77, 99, 333),
    (8, 512, 128, 48),
]


def gradient(form, argnums):
    def loss(x, weight):
        return jnp.sum(jnp.sin(form(jnp.cos(x), weight)))

    return jax.jit(jax.grad(loss, argnums))


def main(rounds: int = 15) -> None:
    print(describe())
    forms = {"XLA": jnp.matmul, "fnn": product}
    for *batch, n, m in SHAPES:
        keys = jax.random.split(jax.random.key(0))
        x = jax.random.normal(keys[0], (*batch, n))
        weight = jax.random.normal(keys[1], (n, m))
        for argnums in (1, (0, 1)):
            runs = {
                name: seconds(gradient(form, argnums), (x, weight))
                for name, form in forms.items()
            }
            interleaved(runs, 2)  # compiled here
            times = interleaved(runs, rounds)
            plain, ours = (1e3 * statistics.median(times[name]) for name in forms)
            by = "the weight" if argnums == 1 else "both"
            shape = str((*batch, n, m))
            share = ratio(times, "fnn", "XLA")
            print(
                f"{shape:22} {by:10} {plain:8.3f} {ours:8.3f} {share:5.2f} x",
                flush=True,
            )


if __name__ == "__main__":
    main()
