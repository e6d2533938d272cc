"""Interleaved timing: contenders take turns, so that a busy moment hits them alike."""

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib import metadata
from typing import TypeVar

Reported = TypeVar("Reported")  # seconds, or more than one number

PACKAGES = ("jax", "optax", "fnn", "flax", "dm-haiku", "equinox")


def processor() -> str:
    """The model of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            found = [
                line.split(":")[1].strip() for line in lines if "model name" in line
            ]
    except OSError:
        found = []
    return found[0] if found else platform.processor() or platform.machine()


def hardware() -> dict[str, object]:
    """The machine that a result belongs to, and how busy it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def describe() -> str:
    """The machine and the versions that a figure belongs to."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    python = platform.python_version()
    cores = f"{processor()}, {os.cpu_count()} cores"
    return f"{cores}; Python {python}, {', '.join(versions)}"


def clock(run: Callable[[], object]) -> float:
    """Seconds that this thread works in one call, with no garbage collected."""
    gc.collect()
    gc.disable()
    try:
        began = time.thread_time()
        run()
        return time.thread_time() - began
    finally:
        gc.enable()


def interleaved(
    contenders: dict[str, Callable[[], Reported]], rounds: int
) -> dict[str, list[Reported]]:
    """What each contender reports in each round; every round starts with another."""
    names = list(contenders)
    times: dict[str, list[Reported]] = {name: [] for name in names}
    for round_ in range(rounds):
        shift = round_ % max(len(names), 1)
        for name in names[shift:] + names[:shift]:
            times[name].append(contenders[name]())
    return times


def ratio(times: dict[str, list[float]], name: str, base: str) -> float:
    """The median over rounds of one contender's time by another's of the same round."""
    pairs = zip(times[name], times[base], strict=True)
    return statistics.median(a / b for a, b in pairs)


def table(times: dict[str, list[float]], base: str, unit: str = "ms") -> None:
    """Prints each contender's median, spread and ratio to the base."""
    scale = {"s": 1, "ms": 1e3, "us": 1e6}[unit]
    width = max(map(len, times))
    for name, values in times.items():
        low, middle, high = statistics.quantiles(values, n=4)
        print(
            f"  {name:{width}}  {middle * scale:9.2f} {unit}"
            f"  (half of them {low * scale:.2f} to {high * scale:.2f})"
            f"  {ratio(times, name, base):5.2f} x {base}"
        )


def verdict(what: str, value: float, most: float) -> None:
    """Prints a figure beside the most that it may be."""
    word = "reached" if value <= most else "MISSED"
    print(f"{what}: {value:.3f} (at most {most:g}: {word})")
