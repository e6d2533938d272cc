"""A training step of the LSTM of examples/chorales.py on Nottingham, by fnn and Flax.

Both get the same windows of 128 frames, 16 at once, the same weights and optimiser, and
no dropout, so that losses are equal. ``python -m benchmarks.nottingham``, with the
extras ``examples`` and ``bench`` and the files of ``nottingham``.
"""

import functools
import time

import jax
import numpy as np
import optax

import fnn
from benchmarks.peers.linen_music import Linen, as_linen
from benchmarks.timing import describe, interleaved, ratio, table, verdict
from examples.chorales import load_data, nats, windows

UNITS, STEPS, CHECKED = 200, 10, 5


def training(apply, params):
    """A function that takes a step on a batch, and gives the loss before it."""
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(5e-3))

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params, opt_state, batch):
        def loss(params):
            return nats(apply(params, batch[0]), batch[1]).mean()

        value, gradients = jax.value_and_grad(loss)(params)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, value

    params = jax.tree.map(jax.numpy.array, params)
    carry = params, optimizer.init(params)

    def run(batch):
        nonlocal carry
        *carry, value = step(*carry, batch)
        return value

    return run


def timed(run, batches):
    def seconds() -> float:
        began = time.perf_counter()
        for batch in batches:
            value = run(batch)
        jax.block_until_ready(value)
        return (time.perf_counter() - began) / len(batches)

    return seconds


def main(rounds: int = 7) -> None:
    print(describe())
    pieces, _ = load_data("nottingham", quick=False)
    rolls = fnn.training.batches(windows(pieces, 128), 16, key=jax.random.key(0))
    batches = [jax.device_put(b) for b, _ in zip(rolls, range(STEPS), strict=False)]
    net = fnn.sequential(fnn.recurrent(fnn.lstm_cell(UNITS)), fnn.dense(88))
    params = net.init(jax.random.key(1), batches[0][0])
    runs = {
        "fnn": training(net.apply, params),
        "Flax Linen": training(Linen(UNITS).apply, as_linen(params)),
    }
    losses = {n: [float(run(b)) for b in batches[:CHECKED]] for n, run in runs.items()}
    ours, theirs = losses.values()
    print(f"losses of {CHECKED} steps: {ours}")
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    times = interleaved({n: timed(run, batches) for n, run in runs.items()}, rounds)
    table(times, "fnn")
    verdict("LSTM, Nottingham, fnn by Flax", ratio(times, "fnn", "Flax Linen"), 1.0)


if __name__ == "__main__":
    main()
