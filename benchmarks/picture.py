"""One picture of all results: how long libraries take, by fnn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from report import ratio

MEASURES = {
    "step": "training or inference step, or dispatch",
    "total": "import to the end of the first step",
    "peak": "peak memory of the process",
}


def draw(results: dict[str, Any], folder: Path) -> Path:
    """A panel for each measure; a mark for each library at each workload."""
    results = {n: r for n, r in results.items() if "fnn" in r["libraries"]}
    names = list(results)
    height = 1.2 + 0.32 * max(len(names), 1)
    figure, panels = plt.subplots(1, len(MEASURES), figsize=(13, height), sharey=True)
    libraries = {n for r in results.values() for n in r["libraries"]} - {"fnn"}
    for panel, (measure, title) in zip(panels, MEASURES.items(), strict=True):
        for i, library in enumerate(sorted(libraries)):
            points = [
                (ratio(r["libraries"], measure, "fnn", library), y)
                for y, r in enumerate(results.values())
                if measure in r["libraries"].get(library, {})
            ]
            if points:
                x, y = zip(*points, strict=True)
                title_of = next(
                    r["libraries"][library]["name"]
                    for r in results.values()
                    if library in r["libraries"]
                )
                panel.plot(x, y, "osD^vPX*"[i % 8], label=title_of, alpha=0.8)
        panel.axvline(1, color="black", linewidth=1)
        panel.set_xscale("log")
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("times fnn's: right of the line, fnn is ahead")
        panel.grid(alpha=0.3)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=8)
    figure.set_layout_engine("constrained")
    file = folder / "compare.png"
    figure.savefig(file, dpi=150)
    plt.close(figure)
    return file
