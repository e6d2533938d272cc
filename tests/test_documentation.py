"""Every example in a docstring of fnn and every Python block of README.md runs."""

import doctest
import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

# What an example may use without importing it.
NAMESPACE: dict[str, Any] = {"__name__": "__main__"}
NAMESPACE |= {"fnn": fnn, "jax": jax, "jnp": jnp, "np": np, "optax": optax}


def modules() -> Iterator[Any]:
    """Every module of fnn, imported."""
    yield fnn
    for found in pkgutil.walk_packages(fnn.__path__, "fnn."):
        yield importlib.import_module(found.name)


def documented(module: Any) -> Iterator[tuple[str, Any]]:
    """The module, and what it defines: functions, classes and their members.

    `doctest.DocTestFinder` looks at a function's globals, so it would pass over each
    that a decorator from another module has wrapped: all of our constructors.
    """
    yield module.__name__, module
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__ or not callable(value):
            continue
        yield f"{module.__name__}.{name}", value
        if inspect.isclass(value):
            for member, inner in vars(value).items():
                yield f"{module.__name__}.{name}.{member}", inner


def docstring_examples() -> Iterator[Any]:
    parser = doctest.DocTestParser()
    for module in modules():
        for name, value in documented(module):
            text = getattr(value, "__doc__", None)
            if isinstance(text, str) and ">>>" in text:
                test = parser.get_doctest(
                    inspect.cleandoc(text), dict(NAMESPACE), name, module.__file__, 0
                )
                yield pytest.param(test, id=name)


@pytest.mark.parametrize("example", list(docstring_examples()))
def test_docstring_example_runs(example: doctest.DocTest):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner, said = doctest.DocTestRunner(optionflags=flags), []
    failed, tried = runner.run(example, out=said.append)
    assert tried > 0
    assert failed == 0, "".join(said)


def readme_blocks() -> list[Any]:
    """The Python blocks of the README, each known by its first line's number."""
    blocks = []
    for match in re.finditer(r"^```python\n(.*?)^```$", README, re.M | re.S):
        line = README.count("\n", 0, match.start(1)) + 1
        # Empty lines before it give errors the line number that the reader sees.
        code = "\n" * (line - 1) + match.group(1)
        blocks.append((line, compile(code, "README.md", "exec")))
    return blocks


BLOCKS = readme_blocks()
_space = dict(NAMESPACE)


@functools.cache
def run_block(index: int) -> Exception | None:
    """Runs a block once, after those before it; what it raised, if it did."""
    if index and run_block(index - 1) is not None:
        return RuntimeError(f"README.md:{BLOCKS[index - 1][0]} failed before it.")
    try:  # as the reader does, with JAX's own settings; optax promotes dtypes
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            exec(BLOCKS[index][1], _space)
    except Exception as error:
        return error
    return None


# All blocks share one namespace, as they do for the reader. A test asks for the blocks
# before its own, so that each passes alone and on any worker.
@pytest.mark.parametrize(
    "index", [pytest.param(i, id=f"README.md:{b[0]}") for i, b in enumerate(BLOCKS)]
)
def test_readme_block_runs(index: int):
    error = run_block(index)
    if error is not None:
        raise error
