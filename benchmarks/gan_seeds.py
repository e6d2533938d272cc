"""Ten games of examples/gan.py by `jax.vmap`, against the same ten one after another.

All play the ring with the same batches, step by step or in one compiled loop.
``python -m benchmarks.gan_seeds`` takes 100 steps of each game a round.
"""

import sys
import time

import jax
import jax.numpy as jnp

from benchmarks.timing import describe, interleaved, ratio, table, verdict
from examples.gan import draw_real, mixture, trainer

SEEDS, SIZE = 10, 100


def step_by_step(step):
    """A call for each step, as of `fnn.training.fit`."""
    step = jax.jit(step, donate_argnums=0)

    def run(state, batches):
        state = jax.tree.map(jnp.copy, state)  # as its memory is taken over
        for batch in batches:
            state, _ = step(state, batch)
        return state.params

    return run


def in_a_loop(step):
    """One call for all steps."""
    return jax.jit(lambda *args: jax.lax.scan(step, *args)[0].params)


def seconds(run, games):
    """Of one run for each of the games, which are seeds or all seeds together."""

    def timed():
        began = time.perf_counter()
        jax.block_until_ready([run(*game) for game in games])
        return time.perf_counter() - began

    return timed


def main(steps: int = 100, rounds: int = 9) -> None:
    print(describe())
    modes, deviation = mixture("ring")
    keys = jax.random.split(jax.random.key(0), SEEDS)
    real = draw_real(jax.random.key(1), modes, deviation, (steps, SEEDS, SIZE))
    init, step = trainer("non-saturating", 1, steps)
    states = jax.vmap(init, (0, None))(keys, real[0, 0])
    own = [jax.tree.map(lambda a, i=i: a[i], states) for i in range(SEEDS)]
    for form in (step_by_step, in_a_loop):
        parts = list if form is step_by_step else jnp.asarray
        each = [(state, parts(real[:, i])) for i, state in enumerate(own)]
        runs = {
            "by vmap": seconds(form(jax.vmap(step)), [(states, parts(real))]),
            "one after another": seconds(form(step), each),
        }
        for run in runs.values():
            run()  # compiled
        times = interleaved(runs, rounds)
        table(times, "one after another")
        figure = ratio(times, "by vmap", "one after another")
        verdict(f"of the time of ten, {form.__name__}", figure, 1 / 3)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
