"""Whether `init` stays linear in the size of a model, however deep it is nested."""

import jax
import jax.numpy as jnp
from timing import clock, describe, interleaved, ratio, table, verdict

import fnn

LEAVES_INSIDE = 4  # of the innermost module; every other holds two modules


def nested(depth: int) -> fnn.Layer:
    """A module of modules, `depth` deep, with ``4 * 2 ** (depth - 1)`` dense layers."""
    if depth == 1:
        return fnn.sequential(*(fnn.dense(4) for _ in range(LEAVES_INSIDE)))

    @fnn.module(left=nested(depth - 1), right=nested(depth - 1))
    def node(parts, x):
        return parts.left(x) + parts.right(x)

    return node


def seconds_a_leaf(depth: int):
    layer, x = nested(depth), jnp.ones((2, 4))
    key, leaves = jax.random.key(0), LEAVES_INSIDE * 2 ** (depth - 1)
    params = jax.eval_shape(layer.init, key, x)
    assert len(jax.tree.leaves(params)) == 2 * leaves  # a weight and a bias each

    def run() -> float:
        # A new function each time: eval_shape remembers what it has traced.
        return clock(lambda: jax.eval_shape(lambda k: layer.init(k, x), key)) / leaves

    return run


def calls_under_wrappers(depth: int) -> int:
    """How often a leaf's init is called under wrappers that a user wrote."""
    calls = []

    def init(key, x):
        calls.append(key)
        return {"scale": jnp.ones(x.shape[-1])}

    layer = fnn.Layer(init, lambda params, x: x)
    for _ in range(depth):
        layer = wrapped(layer)
    layer.init(jax.random.key(0), jnp.ones((2, 4)))
    return len(calls)


def wrapped(inner):
    def init(key, x):
        return {"inner": inner.init(key, x)}

    def apply(params, x, *, key=None, train=False):
        return inner.apply(params["inner"], x, key=key, train=train)

    return fnn.Layer(init, apply)


def main(rounds: int = 25) -> None:
    print(describe())
    runs = {"5 deep, 64 leaves": seconds_a_leaf(5), "8 deep, 512": seconds_a_leaf(8)}
    times = interleaved(runs, rounds)
    table(times, "5 deep, 64 leaves", unit="us")
    verdict("ratio a leaf", ratio(times, "8 deep, 512", "5 deep, 64 leaves"), 1.3)
    verdict("calls of a leaf's init under 12 wrappers", calls_under_wrappers(12), 1)


if __name__ == "__main__":
    main()
