"""What `fnn.training.fit` adds to the bare step: a loop over one batch on the device.

`fit` draws shuffled batches from NumPy's arrays, copies them to the device, reads the
metrics of every step, writes lines of progress and keeps a good state to go back to.
The bare loop does none of that, and waits once, for the last step.
"""

import contextlib
import io
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from timing import describe, interleaved, ratio, table, verdict

import fnn

# units of two hidden layers, examples in a batch, steps a turn, the most of the bare
SIZES = {
    "a short step": (512, 192, 400, 1.03),
    "a long step": (1536, 448, 200, 1.01),
}


def contenders(units: int, size: int, steps: int):
    """The same steps from the same state: seconds a step."""
    hidden = (fnn.dense(units), jax.nn.relu)
    net = fnn.sequential(fnn.flatten(), *hidden, *hidden, fnn.dense(10))
    loss = optax.softmax_cross_entropy_with_integer_labels
    trainer = fnn.training.trainer(
        fnn.training.supervised(net, loss), optax.sgd(0.01, momentum=0.9)
    )
    random = np.random.default_rng(0)
    images = random.normal(size=(steps * size, 28, 28, 1)).astype(np.float32)
    labels = random.integers(10, size=steps * size)
    batches = fnn.training.batches((images, labels), size, key=jax.random.key(1))
    batch = jax.device_put((images[:size], labels[:size]))
    start = trainer.init(jax.random.key(0), batch)

    def timed(run):
        def seconds() -> float:
            state = jax.tree.map(jnp.copy, start)
            jax.block_until_ready(state)
            began = time.perf_counter()
            jax.block_until_ready(run(state))
            return (time.perf_counter() - began) / steps

        return seconds

    def bare(state):
        for _ in range(steps):
            state, _ = trainer.step(state, batch)
        return state

    def fit(state):
        with contextlib.redirect_stderr(io.StringIO()):
            return fnn.training.fit(trainer, state, batches, epochs=1).state

    return {"bare": timed(bare), "fit": timed(fit)}


def main(rounds: int = 15) -> None:
    print(describe())
    for name, (units, size, steps, most) in SIZES.items():
        runs = contenders(units, size, steps)
        interleaved(runs, 1)  # compiles
        times = interleaved(runs, rounds)
        print(f"\n{name}, {size} images, {units} units")
        table(times, "bare")
        verdict("fit by the bare step", ratio(times, "fit", "bare"), most)


if __name__ == "__main__":
    main()
