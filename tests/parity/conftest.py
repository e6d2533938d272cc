"""Comparisons with PyTorch: collected only where this folder is asked for by name.

It needs PyTorch, which the other tests do without: ``pytest tests/parity``.
"""

import sys
from pathlib import Path

import pytest

from tests.full_data.needs import missing

sys.path.append(str(Path(__file__).parent))  # torch_cases

collect_ignore = ["test_minilm.py"] if missing(("minilm_weights",)) else []


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leaves the folder out of a run of all tests."""
    asked = any("parity" in argument for argument in config.args)
    return None if asked else True
