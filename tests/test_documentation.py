"""Every example in a docstring of fnn and every Python block of a page runs."""

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
from tests.full_data.needs import missing, read_by_example

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/performance.md")

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
                if callable(inner) or isinstance(inner, property):  # no mere numbers
                    yield f"{module.__name__}.{name}.{member}", inner


def docstring_examples() -> Iterator[Any]:
    """All of them, but for those that read files of data that are not there."""
    parser = doctest.DocTestParser()
    for module in modules():
        for name, value in documented(module):
            text = getattr(value, "__doc__", None)
            if isinstance(text, str) and ">>>" in text:
                test = parser.get_doctest(
                    inspect.cleandoc(text), dict(NAMESPACE), name, module.__file__, 0
                )
                data = read_by_example(name)
                if not missing(data):
                    yield pytest.param(
                        test, id=name, marks=[pytest.mark.slow] * bool(data)
                    )


@pytest.mark.parametrize("example", list(docstring_examples()))
def test_docstring_example_runs(example: doctest.DocTest):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner, said = doctest.DocTestRunner(optionflags=flags), []
    failed, tried = runner.run(example, out=said.append)
    assert tried > 0
    assert failed == 0, "".join(said)


def blocks_of(page: str) -> list[Any]:
    """The Python blocks of a page, each known by its first line's number."""
    text, blocks = (ROOT / page).read_text(encoding="utf-8"), []
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.M | re.S):
        line = text.count("\n", 0, match.start(1)) + 1
        # Empty lines before it give errors the line number that the reader sees.
        code = "\n" * (line - 1) + match.group(1)
        blocks.append((line, compile(code, page, "exec")))
    return blocks


BLOCKS = {page: blocks_of(page) for page in PAGES}
_spaces = {page: dict(NAMESPACE) for page in PAGES}


@functools.cache
def run_block(page: str, index: int) -> Exception | None:
    """Runs a block once, after those before it; what it raised, if it did."""
    if index and run_block(page, index - 1) is not None:
        return RuntimeError(f"{page}:{BLOCKS[page][index - 1][0]} failed before it.")
    directory = jax.config.jax_compilation_cache_dir
    try:  # as the reader does, with JAX's own settings; optax promotes dtypes
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            exec(BLOCKS[page][index][1], _spaces[page])
    except Exception as error:
        return error
    finally:  # which a page sets
        jax.config.update("jax_compilation_cache_dir", directory)
    return None


# All blocks of a page share one namespace, as they do for the reader. A test asks for
# the blocks before its own, so that each passes alone and on any worker.
@pytest.mark.parametrize(
    "page, index",
    [
        pytest.param(page, i, id=f"{page}:{block[0]}")
        for page, blocks in BLOCKS.items()
        for i, block in enumerate(blocks)
    ],
)
def test_block_of_a_page_runs(page: str, index: int):
    error = run_block(page, index)
    if error is not None:
        raise error
