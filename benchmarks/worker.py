"""One library at one workload, in a process of its own: `compare.py` starts it.

It reads a line of JSON and answers with one, and works only in between. What peers
print goes to standard error.
"""

import time

BEGAN = time.perf_counter()

# All other imports come after it, since their time is measured.
# ruff: noqa: E402

import gc
import importlib
import json
import os
import sys
from importlib import metadata
from pathlib import Path

PEERS = {
    "fnn": "peers.fnn_",
    "plain": "peers.plain",
    "linen": "peers.linen",
    "nnx": "peers.nnx",
    "equinox": "peers.equinox_",
    "haiku": "peers.haiku_",
    "keras": "peers.keras_",
    "torch": "peers.torch_",
}
CHECKED = 5  # steps before losses are compared


class Worker:
    def __init__(self, library: str, name: str, quick: bool) -> None:
        self.library, self.quick = library, quick
        workloads = importlib.import_module("workloads")
        self.devices = importlib.import_module("devices")
        self.work = workloads.workload(name, quick)
        self.weights = workloads.weights
        self.peer = importlib.import_module(PEERS.get(library, library))
        self.imported = time.perf_counter() - BEGAN
        self.numbers = workloads.batch(self.work)
        self.programs = self.peer.programs(self.work, self.numbers)
        self.runs: dict[str, list] = {}

    def about(self) -> dict:
        versions = {name: version(name) for name in self.peer.PACKAGES}
        gpu = self.devices.gpu()
        return {"name": self.peer.NAME, "versions": versions, "gpu": gpu}

    def start(self, idiom: str) -> dict:
        """From the first import to the end of the first step, and what it took."""
        program = self.programs[idiom]
        batch = program.prepare(self.numbers)
        began = time.perf_counter()
        carry = program.wait(program.begin())
        found = {"import": self.imported, "init": time.perf_counter() - began}
        call = program.call
        if hasattr(call, "lower"):
            began = time.perf_counter()
            lowered = call.lower(carry, batch)
            traced = time.perf_counter()
            call = lowered.compile()
            found |= {"trace": traced - began, "compile": time.perf_counter() - traced}
            found["temporaries"] = analysis(call).temp_size_in_bytes
        carry, value = program.after(call(carry, batch), carry)
        program.wait((carry, value))
        found["total"] = time.perf_counter() - BEGAN
        # A second step needs the memory of whatever the first one returned.
        program.wait(program.after(call(carry, batch), carry))
        found["peak"] = self.devices.peak() if self.devices.gpu() else peak()
        began = time.perf_counter()
        program.wait(program.begin())
        return found | {"init_again": time.perf_counter() - began}

    def load(self) -> dict:
        """Losses of the first steps, by idiom, all from the same weights."""
        losses = {}
        for idiom, program in self.programs.items():
            batch, carry = program.prepare(self.numbers), None
            carry, figures = program.load(self.weights(self.work)), []
            for _ in range(CHECKED):
                carry, value = program.step(carry, batch)
                figures.append(program.figure(carry, value))
            self.runs[idiom] = [program, carry, batch]
            losses[idiom] = figures
        flops = getattr(self.peer, "flops", None)
        return {"losses": losses, "flops": flops and flops(self.work, self.numbers)}

    def time(self, idiom: str, steps: int) -> dict:
        """Seconds a step; of inference, each waited for."""
        program, carry, batch = self.runs[idiom]
        each = self.work.task == "inference"
        gc.collect()
        gc.disable()
        began = time.perf_counter()
        for _ in range(steps):
            carry, value = program.step(carry, batch)
            if each:
                program.wait(value)
        program.wait((carry, value))
        seconds = time.perf_counter() - began
        gc.enable()
        self.runs[idiom][1] = carry
        return {"seconds": seconds / steps}

    def keep(self, idiom: str) -> dict:
        """Forgets the other idioms, and the memory that they take."""
        self.runs = {idiom: self.runs[idiom]}
        gc.collect()
        return {}


def analysis(compiled):
    """XLA's own, through what some libraries put around it."""
    while not hasattr(compiled, "memory_analysis"):
        compiled = compiled.compiled
    return compiled.memory_analysis()


def peak() -> int:
    """The most bytes that this process has had in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would count what the parent had when it forked
        lines = status.read_text("utf-8").splitlines()
        line = next(line for line in lines if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    library, name, quick = sys.argv[1:4]

    def answer(found: dict) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        worker = Worker(library, name, quick == "quick")
    except ModuleNotFoundError as error:
        return answer({"absent": str(error)})
    except Exception as error:
        if type(error).__name__ != "Absent":
            raise
        return answer({"absent": str(error)})
    answer(worker.about() | {"idioms": list(worker.programs)})
    for line in sys.stdin:
        request = json.loads(line)
        answer(getattr(worker, request.pop("do"))(**request))


if __name__ == "__main__":
    main()
