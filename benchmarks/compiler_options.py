"""A training step with options of XLA's compiler, by the same step without them.

``python benchmarks/compiler_options.py [workloads...]`` shows why `trainer` sets none;
the workloads are those of `compare.py`.
"""

from __future__ import annotations

import statistics
import sys
import time

import jax
from peers.fnn_ import FAMILIES, trained
from timing import describe, interleaved, ratio
from workloads import batch as batch_of
from workloads import workload

YNN = "xla_cpu_experimental_ynn_fusion_type"
OPTIONS = {
    "none": {},
    "sums by YNNPACK": {YNN: "LIBRARY_FUSION_TYPE_REDUCE"},
    "no YNNPACK": {YNN: ""},
}
NAMES = ("mlp", "lenet", "separable", "resnet-20", "lstm", "gpt-4", "vit-tiny", "vae")
TURN = 0.25  # seconds at least


def runner(program, batch):
    carry = program.begin()
    batch = program.prepare(batch)

    def steps(n):
        nonlocal carry
        began = time.perf_counter()
        for _ in range(n):
            carry, value = program.step(carry, batch)
        program.wait((carry, value))
        return (time.perf_counter() - began) / n

    steps(1)
    n = max(1, round(TURN / steps(2)))
    return lambda: steps(n)


def main(names: list[str], rounds: int = 9) -> None:
    print(describe())
    for name in names or NAMES:
        work = workload(name)
        batch, net = batch_of(work), FAMILIES[work.family](work.size)
        runs = {
            what: runner(trained(work, net, batch, compiler_options=options), batch)
            for what, options in OPTIONS.items()
        }
        times = interleaved(runs, rounds)
        cells = [f"{name:10} {1e3 * statistics.median(times['none']):8.2f} ms"]
        cells += [f"{w} {ratio(times, w, 'none'):.2f}" for w in OPTIONS if w != "none"]
        print("   ".join(cells), flush=True)
        del runs
        jax.clear_caches()


if __name__ == "__main__":
    main(sys.argv[1:])
