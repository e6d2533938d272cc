"""What calling a jitted training step costs beside one over hand-written dicts.

A perceptron of 100 layers of width 8 with Adam: 601 arrays go in and come out, and next
to nothing is computed, so the time is dispatch.
"""

import functools
import itertools
import time

import jax
import jax.numpy as jnp
import optax
from timing import describe, interleaved, ratio, table, verdict

import fnn

DEPTH, WIDTH = 100, 8
OPTIMIZER = optax.adam(1e-3)


def handwritten():
    def init(key):
        keys = jax.random.split(key, DEPTH)
        draw = functools.partial(jax.random.normal, shape=(WIDTH, WIDTH))
        return {
            f"layer{i}": {
                "weight": draw(keys[i]) / WIDTH**0.5,
                "bias": jnp.zeros(WIDTH),
            }
            for i in range(DEPTH)
        }

    def apply(params, x):
        for i in range(DEPTH):
            layer = params[f"layer{i}"]
            x = jnp.tanh(x @ layer["weight"] + layer["bias"])
        return x

    return init, apply


def with_sequential():
    """Params are a tuple: a dict for each dense layer, () for each tanh."""
    layers = [part for _ in range(DEPTH) for part in (fnn.dense(WIDTH), jnp.tanh)]
    init, apply = fnn.sequential(*layers)
    return lambda key: init(key, jnp.ones((2, WIDTH))), apply


def with_module():
    """Params are nested exactly like those written by hand."""

    @fnn.module(**{f"layer{i}": fnn.dense(WIDTH) for i in range(DEPTH)})
    def network(parts, x):
        for i in range(DEPTH):
            x = jnp.tanh(getattr(parts, f"layer{i}")(x))
        return x

    init, apply = network
    return lambda key: init(key, jnp.ones((2, WIDTH))), apply


def seconds_a_step(build, calls: int):
    """Times many steps at once, since one takes milliseconds."""
    init, apply = build()

    def loss(params, x):
        return jnp.mean(jnp.square(apply(params, x)))

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params, opt_state, x):
        value, grads = jax.value_and_grad(loss)(params, x)
        updates, opt_state = OPTIMIZER.update(grads, opt_state)
        return optax.apply_updates(params, updates), opt_state, value

    params = init(jax.random.key(0))
    opt_state, x = OPTIMIZER.init(params), jnp.ones((2, WIDTH))
    assert len(jax.tree.leaves((params, opt_state))) == 601
    carry = (*step(params, opt_state, x)[:2], x)  # compiled here

    def run() -> float:
        nonlocal carry
        began = time.perf_counter()
        for _ in range(calls):
            params, opt_state, value = step(*carry)
            carry = params, opt_state, x
        jax.block_until_ready((carry, value))
        return (time.perf_counter() - began) / calls

    return run


def in_turn(runs):
    """Calls one of several, each time the next."""
    turn = itertools.cycle(runs)
    return lambda: next(turn)()


def main(rounds: int = 60, calls: int = 40, copies: int = 4) -> None:
    print(describe())
    builds = {
        "hand-written": handwritten,
        "fnn.sequential": with_sequential,
        "fnn.module": with_module,
    }
    # The same program dispatches a few percent faster or slower by where its buffers
    # happen to lie: so several copies of each, built by turns.
    made = [[seconds_a_step(b, calls) for b in builds.values()] for _ in range(copies)]
    runs = dict(zip(builds, map(in_turn, zip(*made, strict=True)), strict=True))
    interleaved(runs, copies)
    times = interleaved(runs, rounds)
    table(times, "hand-written", unit="us")
    for name in builds:
        if name != "hand-written":
            verdict(f"ratio, {name}", ratio(times, name, "hand-written"), 1.05)


if __name__ == "__main__":
    main()
