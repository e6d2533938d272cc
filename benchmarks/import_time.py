"""What `import fnn` costs over ``import jax, optax``: interleaved fresh processes."""

import os
import statistics
import subprocess
import sys

from timing import describe, interleaved, ratio, table, verdict


def imports(names: str):
    script = (
        f"from time import perf_counter as t; a = t(); import {names}; print(t() - a)"
    )

    # What is measured is a second import: bytecode is there, as in any other program.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def run() -> float:
        command = [sys.executable, "-c", script]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        )
        return float(done.stdout)

    return run


def main(rounds: int = 21) -> None:
    print(describe())
    contenders = {names: imports(names) for names in ("jax, optax", "jax, optax, fnn")}
    for run in contenders.values():
        run()  # reads the files into the cache, writes the bytecode
    times = interleaved(contenders, rounds)
    table(times, "jax, optax", unit="s")
    pairs = zip(times["jax, optax, fnn"], times["jax, optax"], strict=True)
    verdict("seconds on top", statistics.median(a - b for a, b in pairs), 0.15)
    print(f"ratio: {ratio(times, 'jax, optax, fnn', 'jax, optax'):.3f}")


if __name__ == "__main__":
    main()
