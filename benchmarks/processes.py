"""Workers as their parent sees them: asked one at a time, they answer."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

WORKER = Path(__file__).parent / "worker.py"

# A first step costs what it does without a cache; a second import has bytecode.
ENVIRONMENT = {
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "PYTHONDONTWRITEBYTECODE": "",
    "KERAS_BACKEND": "jax",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # of a GPU's memory, which all share
}


class Failed(Exception):
    """A worker that died, with the end of what it said."""


class Absent(Exception):
    """A library that is not there for a workload, and why."""


class Process:
    """A worker; a context that ends it."""

    def __init__(self, python: str, library: str, workload: str, quick: bool) -> None:
        self.library = library
        # It is closed where the process ends, not at the end of a block.
        self.said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [python, str(WORKER), library, workload, "quick" if quick else "full"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
            env=os.environ | ENVIRONMENT,
        )

    def about(self) -> dict[str, Any]:
        """What it says of itself once it has begun."""
        about = self.answer()
        if "absent" in about:
            raise Absent(about["absent"])
        return about

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        self.tell(do, **request)
        return self.answer()

    def tell(self, do: str, **request: Any) -> None:
        """Asks, for an answer to be had later."""
        assert self.process.stdin is not None
        line = json.dumps({"do": do} | request)
        with contextlib.suppress(BrokenPipeError):  # what happened, the answer says
            print(line, file=self.process.stdin, flush=True)

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.said.seek(0)
            raise Failed(f"{self.library}:\n{self.said.read()[-4000:]}")
        return json.loads(line)

    def end(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *error: Any) -> None:
        self.end()
