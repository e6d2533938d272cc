"""Milliseconds of a linear recurrence: step by step, and by `jax.lax.associative_scan`.

The forms between which `fnn.ops.linear_scan` chooses, forward and with the gradient, of
complex numbers as `fnn.linear_recurrence` has them.
"""

import time

import jax
import jax.numpy as jnp

from benchmarks.timing import describe, interleaved, table
from fnn.ops.linear_scan import at_once, in_turn

# time, batch, state
SHAPES = [(16, 1, 16), (64, 2, 16), (128, 8, 64), (1024, 8, 64), (4096, 4, 128)]


def timed(form, shape, with_gradient: bool):
    def forward(decays, u):
        return form(jnp.broadcast_to(decays, (u.shape[0], 1, u.shape[-1])), u)

    def loss(decays, u):
        return jnp.sum(jnp.abs(forward(decays, u)) ** 2)

    keys = jax.random.split(jax.random.key(0), 2)
    u = jax.random.normal(keys[0], shape, "complex64")
    decays = jnp.exp(1j * jax.random.uniform(keys[1], shape[-1:]) - 0.1)
    function = jax.jit(jax.grad(loss, (0, 1)) if with_gradient else forward)

    def run() -> float:
        began = time.perf_counter()
        jax.block_until_ready(function(decays, u))
        return time.perf_counter() - began

    run()  # compiles
    return run


def main(rounds: int = 21) -> None:
    print(describe())
    for shape in SHAPES:
        for with_gradient in (False, True):
            print(f"\n{shape}, {'with the gradient' if with_gradient else 'forward'}")
            forms = {"associative_scan": at_once, "in turn": in_turn}
            runs = {n: timed(form, shape, with_gradient) for n, form in forms.items()}
            table(interleaved(runs, rounds), "associative_scan")


if __name__ == "__main__":
    main()
