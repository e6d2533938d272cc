"""The data folder from the command line: what it has, and how it is filled.

``python -m fnn.datasets`` lists all files, and where each is had from.
``python -m fnn.datasets fill`` gets what is lacking; its exit status is 3 where some of
what was asked for is still not there.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from fnn.datasets.catalogue import SETS, SHIPPED
from fnn.datasets.filling import fill
from fnn.datasets.storage import folder, lacking, paths

MISSING = 3  # the exit status where data are; a program that fails has 1


def rows() -> list[tuple[str, ...]]:
    """Each file of each data set: whether it is there, and where it is had from."""
    table = []
    for name, has in SETS.items():
        bad = lacking(name)
        for file in has.files:
            damaged = "damaged" if paths(file) else "missing"
            within = f"the data set {has.within}" if has.within else ""
            sources = [str(has.package or ""), file.address, within]
            source = ", or ".join(filter(None, sources))
            state = damaged if file in bad else "there"
            table.append((name, file.name, state, source or "not for download"))
    for name, package in SHIPPED.items():
        state = "there" if importlib.util.find_spec(package) else "missing"
        table.append((name, "", state, f"the Python package {package}"))
    return table


def show() -> None:
    """Prints the table of all data sets."""
    print(folder())
    table = rows()
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        "python -m fnn.datasets",
        description="List all files of data, whether each is there, and where from.",
    )
    commands = made.add_subparsers(dest="command")
    what = "get the files that are lacking: from folders, packages, or by download"
    filling = commands.add_parser("fill", help=what, description=what)
    filling.add_argument("names", nargs="*", metavar="NAME", help="all, unless named")
    filling.add_argument(
        "--from",
        dest="folders",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="where to look first, at any depth; may be given several times",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; its exit status."""
    asked = parser().parse_args(arguments)
    if asked.command is None:
        show()
        return 0
    names = asked.names or list(SETS)
    for name in names:
        if name not in SETS:
            parser().error(f"expected names of data sets with files, got {name}.")
    for path in asked.folders:
        if not path.is_dir():
            parser().error(f"expected --from to name a folder, got {path}.")
    for name in names:
        for line in fill(name, asked.folders):
            print(line, flush=True)
    missing = [name for name in names if lacking(name)]
    print(f"{len(names) - len(missing)} of {len(names)} data sets in {folder()}")
    if missing:
        print("still missing:", ", ".join(missing))
    return MISSING if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
