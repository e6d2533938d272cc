import importlib
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OTHERS = ("lstm", "separable", "gpt-4", "resnet-20", "vit-tiny", "vae", "inference-1")
HALF = ("gpt-2-half", "resnet-18-half")
CASES = ["mlp", "lenet", *(pytest.param(n, marks=pytest.mark.slow) for n in OTHERS)]


@pytest.fixture
def benchmarks(monkeypatch):
    """Imports what workers import."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    # What peers write needs not be as strict as the library.
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def losses(program, numbers, weights):
    batch, carry, found = program.prepare(numbers), program.load(weights), []
    for _ in range(5):
        carry, value = program.step(carry, batch)
        found.append(program.figure(carry, value))
    return found


@pytest.mark.parametrize(
    "name", [*CASES, *(pytest.param(n, marks=pytest.mark.slow) for n in HALF)]
)
def test_fnn_does_the_work_of_hand_written_jax(benchmarks, name):
    workloads = benchmarks("workloads")
    work = workloads.workload(name, quick=True)
    numbers, weights = workloads.batch(work), workloads.weights(work)
    found = {}
    for peer in ("peers.plain", "peers.fnn_"):
        for idiom, program in benchmarks(peer).programs(work, numbers).items():
            found[f"{peer}, {idiom}"] = losses(program, numbers, weights)
    expected = {"peers.plain, jit", "peers.fnn_, jit"}
    if work.trains:
        expected.add("peers.fnn_, trainer")
    if work.family in ("gpt", "vit"):
        expected.add("peers.fnn_, unrolled")
    assert set(found) == expected
    most = benchmarks("compare").ROUGH_TOLERANCE if work.half else 1e-5
    assert benchmarks("compare").agree(found, most) < most


@pytest.mark.parametrize("name", CASES)
def test_losses_tell_whether_an_array_is_where_it_belongs(benchmarks, name):
    workloads, compare = benchmarks("workloads"), benchmarks("compare")
    work = workloads.workload(name, quick=True)
    numbers, weights = workloads.batch(work), workloads.weights(work)
    (program,) = benchmarks("peers.plain").programs(work, numbers).values()
    unseen, right = set(), losses(program, numbers, weights)
    for array in weights:
        changed = weights | {array: np.flip(weights[array], -1).copy()}
        found = {"right": right, "changed": losses(program, numbers, changed)}
        try:
            compare.agree(found)
            unseen.add(array)
        except compare.Disagreement:
            continue
    # A bias of keys adds the same to all logits of a query. Training has no use for
    # running statistics; inference has.
    harmless = ("key/bias", "/mean", "/var") if work.trains else ("key/bias",)
    expected = {array for array in weights if array.endswith(harmless)}
    assert unseen == expected
