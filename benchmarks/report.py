"""What `compare.py` says: a table for each workload, and the figures aimed at."""

from __future__ import annotations

import statistics
from typing import Any

from timing import verdict
from workloads import WORKLOADS

LIBRARIES = ("linen", "nnx", "equinox", "haiku", "keras")  # those of JAX
MIB = 2**20
HALF = 20  # the width of the column of the middle half

# The most that a step may take, by the fastest of LIBRARIES; None has no figure.
STEPS = {
    "mlp": 1.0,
    "lenet": 0.55,
    "separable": 0.2,
    "resnet-18": 0.6,
    "resnet-20": 0.6,
    "lstm": 0.9,
    "gpt-4": 0.85,
    "gpt-12": 0.75,
}
FLAT, START, PEAK, TORCH = 1.1, 0.6, 1.0, 1.0  # dispatch, first step, memory, PyTorch

# Dense products a second, by makers' data sheets: bfloat16, and TensorFloat32, which
# is what GPUs take for float32.
RATES = {"H100 80GB HBM3": (989e12, 494e12), "H200": (989e12, 494e12)}

Libraries = dict[str, dict[str, Any]]


def middle(found: dict[str, Any], measure: str) -> float | None:
    values = found.get(measure)
    return statistics.median(values) if values else None


def fastest(libraries: Libraries, measure: str) -> str | None:
    """The library of JAX, other than fnn, that takes least."""
    known = {
        name: value
        for name in LIBRARIES
        if name in libraries and (value := middle(libraries[name], measure)) is not None
    }
    return min(known, key=known.__getitem__) if known else None


def ratio(libraries: Libraries, measure: str, base: str, name: str = "fnn") -> float:
    """The median over rounds of one library's number by another's of the same round."""
    both = zip(libraries[name][measure], libraries[base][measure], strict=True)
    return statistics.median(a / b for a, b in both)


def print_results(name: str, result: dict[str, Any]) -> None:
    libraries = result["libraries"]
    print(f"\n{name}: losses agree to {result['spread']:.1e}")
    head = ("step ms", "half of them", "/ fnn", "start s", "import", "init", "again")
    head += ("trace", "compile", "MiB", "XLA MiB")
    print(
        " " * 18 + "".join(f"{h:>{HALF if h == 'half of them' else 9}}" for h in head)
    )
    for library, found in libraries.items():
        print(f"{found['name']:18}" + "".join(cells(libraries, library)), end="")
        print(f"  {found['idiom']}")
    for library, why in result["absent"].items():
        print(f"{library:18}absent: {why}")
    print_share(name, libraries)


def print_share(name: str, libraries: Libraries) -> None:
    """How much of a GPU's rate each library reaches, by the network's operations."""
    flops = libraries.get("fnn", {}).get("flops")
    gpu = next((f["gpu"] for f in libraries.values() if f["gpu"]), None)
    rates = next((rates for part, rates in RATES.items() if part in str(gpu)), None)
    if gpu is None or flops is None:
        return
    print(f"{gpu}: {flops / 1e9:.1f} GFLOP a step")
    for library, found in libraries.items():
        rate = flops / (middle(libraries[library], "step") or 1)
        share = ""
        if rates is not None:
            most = rates[0 if WORKLOADS[name].half else 1]
            share = f", {rate / most:.1%} of {most / 1e12:.0f}"
        print(f"{found['name']:18}{rate / 1e12:9.2f} TFLOP/s{share}")


def cells(libraries: Libraries, library: str) -> list[str]:
    found = libraries[library]
    low, mid, high = statistics.quantiles(found["step"], n=4, method="inclusive")
    row = [f"{mid * 1e3:9.3f}", f"{low * 1e3:.3f} to {high * 1e3:.3f}".rjust(HALF)]
    by = ratio(libraries, "step", "fnn", library) if "fnn" in libraries else None
    row.append(" " * 8 + "-" if by is None else f"{by:9.2f}")
    for measure in ("total", "import", "init", "init_again", "trace", "compile"):
        row.append(cell(middle(found, measure)))
    row += [cell(middle(found, m), MIB) for m in ("peak", "temporaries")]
    return row


def cell(value: float | None, unit: float = 1) -> str:
    if value is None:
        return f"{'-':>9}"
    return f"{value / unit:9.3f}" if unit == 1 else f"{value / unit:9.1f}"


def print_verdicts(results: dict[str, Any]) -> None:
    """Each figure that is aimed at, beside the most that it may be."""
    print()
    for name, result in results.items():
        libraries = result["libraries"]
        if "fnn" not in libraries:
            continue
        against = [("step", "step", STEPS.get(name)), ("start", "total", START)]
        against.append(("peak memory", "peak", PEAK))
        for what, measure, most in against:
            base = fastest(libraries, measure)
            if base is not None and most is not None:
                by = ratio(libraries, measure, base)
                verdict(f"{name}, {what} by the best ({base})", by, most)
        for base, most in (("plain", FLAT), ("torch", TORCH)):
            if base in libraries and name.startswith("dispatch") == (base == "plain"):
                verdict(f"{name}, step by {base}", ratio(libraries, "step", base), most)
