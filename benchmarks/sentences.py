"""MiniLM-L6 over 1,000 sentences, by fnn and by PyTorch, interleaved.

Both get the same batches: sentences by length, 32 together, padded to a multiple of 8.
``python -m benchmarks.sentences``, with the extras ``examples`` and ``parity`` and the
files of ``minilm_weights``.
"""

import time

import jax
import numpy as np

from benchmarks.peers.torch_sentences import VERSIONS, by_torch
from benchmarks.timing import describe, interleaved, ratio, table, verdict
from examples.sentences import embed, minilm, tokens

COUNT, BATCH, MULTIPLE = 1000, 32, 8
MOST = 1.3
TEXT = """the a of and in to river market engine violin doctor garden winter signal
paper quickly slowly found lost carried described opens measured green heavy early"""
WORDS = TEXT.split()


def sentences() -> list[str]:
    """Of 5 to 40 words, as many short as long ones."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(5, 41))) for _ in range(COUNT)]


def batches(ids, lengths):
    """By length, so that little is padded."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, COUNT, BATCH):
        rows = order[start : start + BATCH]
        width = -(-lengths[rows].max() // MULTIPLE) * MULTIPLE
        yield np.pad(ids, ((0, 0), (0, MULTIPLE)))[rows, :width], lengths[rows]


def by_fnn(net, params, work):
    def run():
        found = [embed(net, params, ids, lengths) for ids, lengths in work]
        return np.concatenate(jax.device_get(found))

    return run


def timed(run):
    def seconds() -> float:
        began = time.perf_counter()
        run()
        return time.perf_counter() - began

    return seconds


def main(rounds: int = 7) -> None:
    print(f"{describe()}, {VERSIONS}")
    net, params, tokenizer = minilm()
    ids, lengths = tokens(tokenizer, sentences())
    work = list(batches(ids, lengths))
    runs = {"fnn": by_fnn(net, params, work), "PyTorch": by_torch(params, work)}
    ours, theirs = (run() for run in runs.values())  # compiles
    print(f"largest difference: {np.abs(ours - theirs).max():.1e}")
    times = interleaved({name: timed(run) for name, run in runs.items()}, rounds)
    table(times, "fnn")
    verdict("MiniLM-L6, fnn by PyTorch", ratio(times, "fnn", "PyTorch"), MOST)


if __name__ == "__main__":
    main()
