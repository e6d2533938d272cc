"""The memory that weights take while they are loaded: fresh processes, VmHWM.

A GPT of about 1 GB is written under the names of GPT-2, and read back by a process that
does nothing else. ``python benchmarks/loading.py``
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
from timing import describe, verdict

import fnn

NET = fnn.models.gpt(50_257, length=1024, features=1024, heads=16, layers=16)
NAMES = fnn.interop.gpt_names()
MOST = 1.1


def like():
    return jax.eval_shape(NET.init, jax.random.key(0), np.zeros((1, 1), np.int32))


def bytes_of(tree) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def status(name: str) -> int:
    """Bytes, of what the system says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return 1024 * int(line.split()[1])


def write(path: str) -> None:
    """Random params, under the names of GPT-2."""
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.random(leaf.shape, np.float32), like())
    fnn.interop.write_safetensors(path, fnn.interop.to_names(params, NAMES))


def load(path: str) -> None:
    """Prints by how much the most memory ever held grew, by the bytes of the params."""
    shapes = like()
    jax.block_until_ready(jax.numpy.zeros(1))  # what JAX takes for itself
    before = status("VmRSS")
    tensors = fnn.interop.read_safetensors(path)
    params = fnn.interop.from_names(tensors, NAMES, like=shapes)
    jax.block_until_ready(params)
    print((status("VmHWM") - before) / bytes_of(params))


def main() -> None:
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.safetensors"
        write(path)
        print(f"{Path(path).stat().st_size / 1e9:.2f} GB")
        command = [sys.executable, __file__, path]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True)]
        runs += [subprocess.run(command, capture_output=True, text=True, check=True)]
        worst = max(float(run.stdout) for run in runs)
    verdict("memory while loading, by the tensors' bytes", worst, MOST)


if __name__ == "__main__":
    load(sys.argv[1]) if len(sys.argv) > 1 else main()
