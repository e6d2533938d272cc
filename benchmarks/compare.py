"""The same work in fnn, other libraries and plain JAX, side by side.

``python benchmarks/compare.py [workloads...]``: every library in a process of its own,
from the same weights, on the same data, with the same optimiser; nothing is timed
before the losses of five steps agree. Then libraries take turns, one at work at a time,
and what is compared are numbers of the same round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from processes import Absent, Failed, Process
from report import print_results, print_verdicts
from timing import hardware, interleaved
from worker import PEERS
from workloads import WORKLOADS

# Of losses, by the loss; the second one where products are of fewer bits than float32.
TOLERANCE, ROUGH_TOLERANCE = 1e-4, 2e-2
TURN, QUICK_TURN = 0.25, 0.02  # seconds that a turn takes at least
SWITCH = 0.97  # an idiom further down the list is taken if it is this much faster

Timed = dict[str, Any]


class Disagreement(Exception):
    """Losses that differ: what would be timed is not the same work."""


def agree(losses: dict[str, list[float]], most: float = TOLERANCE) -> float:
    """How far losses of the same step lie apart at most, by their median."""
    widest = 0.0
    for values in zip(*losses.values(), strict=True):
        middle = statistics.median(values)
        by = dict(zip(losses, values, strict=True))
        spread = (max(values) - min(values)) / abs(middle)
        if not all(map(math.isfinite, values)) or spread > most:
            worst = max(by, key=lambda w: (by[w] != by[w], abs(by[w] - middle)))
            table = "\n".join(f"  {who}: {found}" for who, found in losses.items())
            raise Disagreement(f"expected equal losses; {worst} is far off:\n{table}")
        widest = max(widest, spread)
    return widest


class Comparison:
    """All measures of one workload."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name, self.options = name, options
        self.turn = QUICK_TURN if options.quick else TURN
        self.found: dict[str, Timed] = {}
        self.absent: dict[str, str] = {}

    def process(self, library: str) -> Process:
        python = self.options.python.get(library, sys.executable)
        return Process(python, library, self.name, self.options.quick)

    def measure(self) -> dict[str, Any]:
        began, machine = time.time(), hardware()  # how busy it is before
        with contextlib.ExitStack() as stack:
            processes = self.begin(stack)
            spread = self.check(processes)
            self.choose(processes)
            self.time_steps(processes)
        self.time_starts()
        return {
            "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime(began)),
            "seconds": round(time.time() - began),
            "quick": self.options.quick,
            "machine": machine,
            "spread": spread,
            "libraries": self.found,
            "absent": self.absent,
        }

    def begin(self, stack: contextlib.ExitStack) -> dict[str, Process]:
        """All at once: none of it is timed."""
        processes = {
            library: stack.enter_context(self.process(library))
            for library in self.options.libraries
        }
        for library, process in list(processes.items()):
            try:
                self.found[library] = process.about()
            except Absent as absent:
                self.absent[library] = str(absent)
                processes.pop(library).end()
        return processes

    def check(self, processes: dict[str, Process]) -> float:
        """All losses, of all idioms, before anything is timed."""
        losses = {}
        for process in processes.values():
            process.tell("load")
        for library, process in processes.items():
            answer = process.answer()
            self.found[library]["flops"] = answer["flops"]
            for idiom, values in answer["losses"].items():
                losses[f"{library}, {idiom}"] = values
                self.found[library]["losses"] = values
        rough = WORKLOADS[self.name].half or any(f["gpu"] for f in self.found.values())
        most = ROUGH_TOLERANCE if rough else TOLERANCE
        return agree(losses, most) if losses else 0.0

    def choose(self, processes: dict[str, Process]) -> None:
        """The faster of the idioms that a library's documentation has."""
        for library, process in processes.items():
            found = self.found[library]
            idioms = found.pop("idioms")
            runs = {idiom: runner(process, idiom, self.turn) for idiom in idioms}
            if len(idioms) > 1:
                times = interleaved(runs, 3)
                found["idioms"] = {i: statistics.median(t) for i, t in times.items()}
                best = idioms[0]
                for idiom, seconds in found["idioms"].items():
                    if seconds < SWITCH * found["idioms"][best]:
                        best = idiom
            else:
                best = idioms[0]
            found["idiom"] = best
            process.ask("keep", idiom=best)

    def time_steps(self, processes: dict[str, Process]) -> None:
        """The step, in rounds."""
        rounds = self.options.rounds
        runs = {
            library: runner(process, self.found[library]["idiom"], self.turn)
            for library, process in processes.items()
        }
        for library, times in interleaved(runs, rounds).items():
            self.found[library]["step"] = times

    def time_starts(self) -> None:
        """From import to the first step, and what follows it, in new processes."""

        def start(library):
            with self.process(library) as process:
                process.about()
                return process.ask("start", idiom=self.found[library]["idiom"])

        runs = {library: (lambda n=library: start(n)) for library in self.found}
        for library, starts in interleaved(runs, self.options.starts).items():
            for measure in starts[0] if starts else ():
                self.found[library][measure] = [start[measure] for start in starts]


def runner(process: Process, idiom: str, turn: float):
    """Turns of as many steps as take so many seconds; warms up first."""
    process.ask("time", idiom=idiom, steps=1)
    seconds = process.ask("time", idiom=idiom, steps=2)["seconds"]
    steps = min(max(math.ceil(turn / seconds), 1), 10_000)
    return lambda: process.ask("time", idiom=idiom, steps=steps)["seconds"]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time the same work in fnn, other libraries and plain JAX."
    )
    parser.add_argument(
        "workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS)
    )
    parser.add_argument(
        "--libraries", nargs="+", default=list(PEERS), metavar="LIBRARY"
    )
    parser.add_argument("--rounds", type=int, help="turns of each library (15)")
    parser.add_argument("--starts", type=int, help="fresh processes of each (3)")
    parser.add_argument("--quick", action="store_true", help="small, and few rounds")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="LIBRARY=PATH",
        help="the interpreter of a library that another environment has",
    )
    parser.add_argument("--output", type=Path, help="the folder of results and picture")
    options = parser.parse_args(arguments)
    for name in options.workloads:
        if name not in WORKLOADS:
            parser.error(f"expected workloads among {', '.join(WORKLOADS)}, got {name}")
    if options.rounds is not None and options.rounds < 2:
        parser.error(f"expected at least 2 rounds, got {options.rounds}")
    if not options.workloads:
        options.workloads = [n for n, work in WORKLOADS.items() if not work.half]
    options.rounds = options.rounds or (3 if options.quick else 15)
    if options.starts is None:
        options.starts = 1 if options.quick else 3
    options.python = dict(pair.split("=", 1) for pair in options.python)
    folder = Path(__file__).parent / "results"
    options.output = options.output or (folder / "quick" if options.quick else folder)
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    file = options.output / "compare.json"
    results = json.loads(file.read_text("utf-8")) if file.exists() else {}
    failures = []
    for name in options.workloads:
        try:
            found = Comparison(name, options).measure()
        except (Disagreement, Failed) as error:
            failures.append(f"{name}: {error}")
            print(failures[-1], file=sys.stderr)
            continue
        results[name] = found
        # Written after each, since all of them take an hour.
        order = {known: results[known] for known in WORKLOADS if known in results}
        file.write_text(json.dumps(order, indent=1) + "\n", "utf-8")
        print_results(name, found)
    if not options.quick:
        print_verdicts({n: results[n] for n in options.workloads if n in results})
    print(f"\nresults: {file}")
    try:
        from picture import draw
    except ImportError as error:
        print(f"no picture: {error}")
    else:
        print(f"picture: {draw(results, options.output)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
