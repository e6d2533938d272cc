"""What every test runs under: JAX at its strictest, and one compilation cache.

Warnings are errors (pyproject.toml), ranks and dtypes are never promoted silently, and
no random key is consumed twice.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

# Figures are written to files, also where there is a display. Set before matplotlib is
# first imported.
os.environ.setdefault("MPLBACKEND", "Agg")

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Compiling dominates the time of the tests. Where JAX_COMPILATION_CACHE_DIR names a
# folder, every worker and every run that shares it compiles a program only once; by
# default JAX keeps only what took over a second, which here is almost nothing.
if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

# Where quick tests run many programs once or twice, of which XLA's optimisations would
# take most of the time. The comparison with PyTorch, the slow tests and all others have
# them.
OPTIMIZATIONS = "jax_disable_most_optimizations"
ALWAYS_FEW = jax.config.values[OPTIMIZATIONS]
FOLDERS = {"interop", "layers", "models", "properties", "transforms"}
PLAIN = FOLDERS | {"test_documentation.py"}


def pytest_report_header() -> list[str]:
    """Says which tests of whole data sets are not collected, and what they lack."""
    from tests.full_data.needs import report

    return report()


@pytest.fixture(autouse=True)
def _few_optimizations(request: pytest.FixtureRequest) -> None:
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    plain = folder in PLAIN and not request.node.get_closest_marker("slow")
    few = ALWAYS_FEW or plain
    if few != jax.config.values[OPTIMIZATIONS]:
        jax.config.update(OPTIMIZATIONS, few)
        # JAX would go on with programs compiled otherwise, which round otherwise.
        jax.clear_caches()


@pytest.fixture(autouse=True)
def _each_key_consumed_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """`jax.debug_key_reuse` around each test that is not marked ``same_key``.

    It holds the library to drawing from each key once, under `jit` and out of it. A
    test that wants the same draw twice makes the key twice, hands on
    ``jax.random.clone(key)``, or is marked ``same_key``.
    """
    with jax.debug_key_reuse(request.node.get_closest_marker("same_key") is None):
        yield
