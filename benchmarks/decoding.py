"""Generation by `fnn.decoding`: against whole forward passes, and by length so far.

The small network is that of examples/shakespeare.py, with room for 256 characters. Its
own 64 are also timed: there a whole pass is short, and a cache saves less.
"""

import functools
import time

import jax
import jax.numpy as jnp
from timing import describe, interleaved, ratio, table, verdict

import fnn

TOKENS, PROMPT = 256, 3
SMALL = fnn.models.gpt(
    65, length=TOKENS, features=128, heads=4, layers=4, use_bias=False, unroll=4
)
MIDDLE = fnn.models.gpt(512, length=2048, features=256, heads=8, layers=6)


def seconds(run, *args):
    """Of one call, on the clock on the wall."""

    def timed() -> float:
        began = time.perf_counter()
        jax.block_until_ready(run(*args))
        return time.perf_counter() - began

    timed()  # compiles
    return timed


def params_of(net):
    return jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, 1), jnp.int32))


def started(net, batch: int, length: int):
    """A decoder, and its state before the first token."""
    decoder, ids = fnn.decoding(net, length), jnp.zeros((batch, 1), jnp.int32)
    return decoder, decoder.init(jax.random.key(0), ids)[1]


def one_by_one(decoder, params, state, ids, tokens: int):
    """The most likely token, again and again."""
    params = fnn.decoding_params(decoder, params)

    def step(carry, _):
        state, ids = carry
        logits, state = decoder.apply(params, state, ids)
        return (state, logits.argmax(-1)), ids[:, 0]

    return jax.lax.scan(step, (state, ids), length=tokens)[1].T


# ------------------------------------------------------- with a cache, and without one
def with_cache(net, params, batch: int, tokens: int):
    @jax.jit
    def run(params):
        decoder, state = started(net, batch, tokens)
        ids = jnp.full((batch, 1), PROMPT)
        return one_by_one(decoder, params, state, ids, tokens)

    return functools.partial(run, params)


def without_cache(net, params, batch: int, tokens: int, multiple: int):
    """Whole forward passes, over as many tokens as there are, padded to a multiple."""

    @functools.partial(jax.jit, static_argnames="length")
    def token(params, ids, last, length):
        return net.apply(params, ids[:, :length])[:, last].argmax(-1)

    @functools.partial(jax.jit, donate_argnums=0)
    def put(ids, token, where):
        return ids.at[:, where].set(token)

    def run():
        ids = jnp.full((batch, tokens), PROMPT)  # what is not yet known is never seen
        for done in range(1, tokens):
            length = -(-done // multiple) * multiple
            ids = put(ids, token(params, ids, done - 1, length), done)
        return ids

    return run


def compare(name: str, net, batch: int, rounds: int, tokens: int = TOKENS) -> None:
    print(f"\n{name}, batch of {batch}: {tokens} tokens")
    params = params_of(net)
    runs = {
        "with a cache": with_cache(net, params, batch, tokens),
        "whole, padded": without_cache(net, params, batch, tokens, tokens),
        "whole, padded to 32s": without_cache(net, params, batch, tokens, 32),
    }
    first, *others = [run() for run in runs.values()]
    assert all((ids == first).all() for ids in others), "other tokens without a cache"
    times = interleaved({name: seconds(run) for name, run in runs.items()}, rounds)
    table(times, "with a cache")
    whole = ratio(times, "with a cache", "whole, padded")
    verdict("with a cache by whole forward passes", whole, 1 / 20)


# --------------------------------------------------------------------------- one token
def by_length_so_far(room: int, rounds: int, steps: int = 32) -> None:
    print(f"\nmiddle, one more token, with room for {room}")
    params, times = params_of(MIDDLE), {}
    decoder, state = started(MIDDLE, 1, room)
    run = jax.jit(functools.partial(one_by_one, decoder, tokens=steps))
    for past in (1, 200, 960, 2000):
        if past + steps <= room:
            ids = jnp.full((1, past), PROMPT)
            _, after = jax.jit(decoder.apply)(params, state, ids)
            times[f"after {past}"] = seconds(run, params, after, ids[:, :1])
    times = interleaved(times, rounds)
    table({name: [t / steps for t in each] for name, each in times.items()}, "after 1")
    last = list(times)[-1]
    verdict(f"{last} by after 1", ratio(times, last, "after 1"), 1.1)


def main(rounds: int = 7) -> None:
    print(describe())
    compare("characters (4 layers of 128)", SMALL, 1, rounds)
    compare("characters (4 layers of 128)", SMALL, 1, rounds, tokens=64)
    compare("middle (6 layers of 256)", MIDDLE, 1, rounds)
    compare("middle (6 layers of 256)", MIDDLE, 8, 3)
    for room in (256, 2048):
        by_length_so_far(room, rounds)


if __name__ == "__main__":
    main()
