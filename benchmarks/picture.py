"""One picture of all results: how long libraries take, by fnn."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter
from report import ratio

MEASURES = {
    "step": "training or inference step, or dispatch",
    "total": "import to the end of the first step",
    "peak": "peak memory of the process",
}


def draw(results: dict[str, Any], folder: Path) -> Path:
    """A panel for each measure taken; a mark for each library at each workload."""
    results = {n: r for n, r in results.items() if "fnn" in r["libraries"]}
    names = {
        library: found["name"]
        for result in results.values()
        for library, found in result["libraries"].items()
        if library != "fnn"
    }
    taken = {m for r in results.values() for f in r["libraries"].values() for m in f}
    measures = [m for m in MEASURES if m in taken] or list(MEASURES)
    size = 1 + 4 * len(measures), 1.6 + 0.32 * len(results)
    figure = plt.figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for panel, measure in zip(panels, measures, strict=True):
        for marker, (library, name) in zip(cycle("osD^vPX*"), names.items()):
            points = [
                (ratio(r["libraries"], measure, "fnn", library), y)
                for y, r in enumerate(results.values())
                if measure in r["libraries"].get(library, {})
            ]
            panel.plot(*zip(*points, strict=True), marker, label=name, alpha=0.8)
        panel.axvline(1, color="black", linewidth=1)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_title(MEASURES[measure], fontsize=10)
        panel.set_xlabel("times fnn's: right of the line, fnn is ahead")
        panel.grid(alpha=0.3)
    panels[0].set_yticks(range(len(results)), list(results))
    panels[0].invert_yaxis()
    if names:
        handles, labels = panels[0].get_legend_handles_labels()
        columns = 3 * len(panels)
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    file = folder / "compare.png"
    figure.savefig(file, dpi=150)
    plt.close(figure)
    return file
