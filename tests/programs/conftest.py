"""Programs are written as users write them; this lets optax run under strict types."""

from typing import Any

import jax
import optax
import pytest


@pytest.fixture(autouse=True)
def _optax_promotes_its_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam raises a float to an integer count, and that alone is let off."""
    strict = optax.tree.bias_correction

    def bias_correction(*args: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            return strict(*args)

    monkeypatch.setattr(optax.tree, "bias_correction", bias_correction)
