"""Annealed importance sampling of a machine of 784 x 500 units, 100 chains: NumPy, fnn.

All have two products of matrices a temperature, and the same weights; NumPy in its own
float64, and in float32 as fnn. ``python -m benchmarks.boltzmann`` runs 3,501
temperatures; on a busy machine, OPENBLAS_NUM_THREADS=1 keeps NumPy from waiting for a
core that is not there.
"""

import sys
import time
from collections.abc import Callable
from itertools import pairwise

import jax
import numpy as np

from benchmarks.timing import describe, interleaved, ratio, table, verdict
from fnn.models.boltzmann import annealed_importance_sampling
from fnn.models.boltzmann.annealing import inverse_temperatures

VISIBLE, HIDDEN, CHAINS = 784, 500, 100


def machine() -> dict[str, np.ndarray]:
    """Weights about as large as those that were learned of MNIST."""
    normal = np.random.default_rng(0).normal
    shapes = {
        "weight": (VISIBLE, HIDDEN),
        "visible_bias": (VISIBLE,),
        "hidden_bias": (HIDDEN,),
    }
    return {name: normal(0, 0.1, s).astype(np.float32) for name, s in shapes.items()}


def by_numpy(params: dict[str, np.ndarray], path: np.ndarray) -> np.ndarray:
    """Log-weights of the chains."""
    random, dtype = np.random.default_rng(0), path.dtype.type
    weight, bias, hidden_bias = params.values()
    back = np.ascontiguousarray(weight.T)

    def drawn(logits):
        uniform = random.random(logits.shape, dtype)
        return (uniform < 1 / (1 + np.exp(-logits))).astype(dtype)

    def softplus(x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    visible = drawn(np.zeros((CHAINS, VISIBLE), dtype))
    total = np.zeros(CHAINS, dtype)
    for old, new in pairwise(path):
        logits = visible @ weight + hidden_bias
        total += (softplus(new * logits) - softplus(old * logits)).sum(-1)
        total += (new - old) * (visible @ bias)
        hidden = drawn(new * logits)
        visible = drawn(new * (hidden @ back + bias))
    return total


def by_fnn(params: dict[str, np.ndarray], count: int) -> jax.Array:
    """Log-weights of the chains."""
    key = jax.random.key(0)
    options = {"temperatures": count, "chains": CHAINS}
    return annealed_importance_sampling(params, key, **options).log_weights


def seconds(run: Callable[[], object]) -> Callable[[], float]:
    def timed() -> float:
        began = time.perf_counter()
        jax.block_until_ready(run())
        return time.perf_counter() - began

    return timed


def main(count: int = 3501, rounds: int = 3) -> None:
    print(describe())
    params = machine()
    path = np.asarray(inverse_temperatures("", count, np.dtype("float32")))
    exact = {name: array.astype(np.float64) for name, array in params.items()}
    runs = {
        "NumPy": seconds(lambda: by_numpy(exact, path.astype(np.float64))),
        "NumPy, float32": seconds(lambda: by_numpy(params, path)),
        "fnn": seconds(lambda: by_fnn(params, count)),
    }
    by_fnn(params, count)  # compiled
    times = interleaved(runs, rounds)
    table(times, "NumPy", unit="s")
    verdict(
        f"of NumPy's time, {count} temperatures", ratio(times, "fnn", "NumPy"), 1 / 3
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
