"""Seconds of a network's first `init`, in fresh processes without compilation cache.

Beside fnn, eager and jitted: Flax Linen, `jax.nn.initializers` by hand, and NumPy,
which draws as many normal numbers.
"""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from timing import describe, interleaved, ratio, table, verdict
from workloads import WORKLOADS, Workload, batch, shapes

PERCEPTRON = {"inputs": 64, "hidden": (128,) * 49, "classes": 10}
NETWORKS = {
    "resnet-18": WORKLOADS["resnet-18"],
    "gpt-12": WORKLOADS["gpt-12"],
    "mlp-50": Workload("mlp-50", "mlp", "adam", 1, PERCEPTRON),
    "lenet": WORKLOADS["lenet"],
}
CONTENDERS = (
    "NumPy",
    "fnn",
    "fnn, jitted",
    "jax.nn.initializers",
    "Flax Linen",
    "Flax Linen, jitted",
)


def initializer(contender: str, work: Workload) -> Callable[[], Any]:
    """The call that is timed; all that comes before it is done."""
    sizes = shapes(work).values()
    if contender == "NumPy":
        random = np.random.default_rng(0)

        def by_numpy():
            for shape in sizes:
                random.standard_normal(math.prod(shape), np.float32)

        return by_numpy
    import jax
    import jax.numpy as jnp

    key, inputs = jax.block_until_ready(jax.random.key(0)), batch(work)[0]
    inputs = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), inputs)
    if contender == "jax.nn.initializers":
        weights = jax.nn.initializers.lecun_normal()

        def by_hand():
            return [
                weights(jax.random.fold_in(key, i), shape)
                if len(shape) > 1
                else jnp.zeros(shape)
                for i, shape in enumerate(sizes)
            ]

        return lambda: jax.block_until_ready(by_hand())
    options = {}
    if contender.startswith("fnn"):
        from peers.fnn_ import FAMILIES

        net = FAMILIES[work.family](work.size)
    else:
        from peers.linen import FAMILIES

        net = FAMILIES[work.family](size=work.size)
        inputs = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), inputs)
        options = {"train": False} if work.family == "resnet" else {}

    def init(key):
        return net.init(key, *inputs, **options)

    init = jax.jit(init) if contender.endswith("jitted") else init
    return lambda: jax.block_until_ready(init(key))


def in_a_process(contender: str, network: str) -> Callable[[], float]:
    command = [sys.executable, __file__, contender, network]
    environment = dict(os.environ)
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)

    def run() -> float:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        )
        return float(done.stdout)

    return run


def main(rounds: int = 5) -> None:
    print(describe())
    for network in NETWORKS:
        print(f"\n{network}")
        runs = {name: in_a_process(name, network) for name in CONTENDERS}
        times = interleaved(runs, rounds)
        table(times, "NumPy", unit="s")
        verdict("by Flax Linen, eager", ratio(times, "fnn", "Flax Linen"), 0.3)


if __name__ == "__main__":
    if sys.argv[1:]:
        run = initializer(sys.argv[1], NETWORKS[sys.argv[2]])
        began = time.perf_counter()
        run()
        print(time.perf_counter() - began)
    else:
        main()
