"""What compiling a training step of 48 transformer blocks costs beside one of 2.

Each is a `repeat`, so that one block is traced and compiled, however many there are.
"""

import time

import jax
import jax.numpy as jnp
import optax
from timing import describe, interleaved, ratio, table, verdict

import fnn

FEATURES, TIME = 64, 16
BLOCK = fnn.transformer_block(
    fnn.attention(FEATURES, 4, causal=True), fnn.feed_forward(FEATURES)
)
OPTIMIZER = optax.adamw(1e-3)


def stack(n: int, kind: str):
    return fnn.repeat(BLOCK, n) if kind == "repeat" else fnn.sequential(*[BLOCK] * n)


def compiling(n: int, kind: str = "repeat"):
    """Seconds, on the clock on the wall, to trace and compile a step of n blocks."""
    net, x = stack(n, kind), jax.ShapeDtypeStruct((2, TIME, FEATURES), "float32")
    params = jax.eval_shape(net.init, jax.random.key(0), x)
    opt_state = jax.eval_shape(OPTIMIZER.init, params)

    def step(params, opt_state, x):
        grads = jax.grad(lambda params: jnp.sum(net.apply(params, x) ** 2))(params)
        updates, opt_state = OPTIMIZER.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    def run() -> float:
        jax.clear_caches()
        began = time.perf_counter()
        jax.jit(step).lower(params, opt_state, x).compile()
        return time.perf_counter() - began

    return run


def main(rounds: int = 9) -> None:
    print(describe())
    names = {n: f"repeat of {n}" for n in (2, 48)}
    times = interleaved({name: compiling(n) for n, name in names.items()}, rounds)
    table(times, names[2], unit="s")
    verdict("48 blocks by 2", ratio(times, names[48], names[2]), 1.3)
    once = compiling(48, "sequential")()
    print(f"48 blocks in sequential, once: {once:.1f} s")


if __name__ == "__main__":
    main()
