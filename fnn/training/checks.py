"""What training refuses, each in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fnn.contract import is_layer
from fnn.shapes import is_array, shown, spec, word
from fnn.tree import paths


def shown_pair(value: Any) -> str:
    """A layer, an optimiser or a trainer in a message, by what it is."""
    if is_layer(value):
        return f"the layer {value!r}"
    named = isinstance(value, tuple) and type(value) is not tuple
    return f"a {type(value).__name__}" if named else word(value)


def is_count(value: Any, least: int = 1) -> bool:
    """Whether a value is a whole number of at least `least`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and int(value) >= least


def check_count(who: str, name: str, value: Any, least: int = 1) -> None:
    """Raises unless an option is a whole number of at least `least`."""
    if not is_count(value, least):
        kind = ValueError if is_count(value, -(10**18)) else TypeError
        raise kind(
            f"{who}: expected {name} to be a whole number of at least {least}, "
            f"got {word(value)}."
        )


def check_trainable(params: Any) -> None:
    """Raises where a parameter has no gradient."""
    for path, leaf in paths(params).items():
        dtype = jnp.result_type(leaf) if is_array(leaf) else None
        if dtype is None or not jnp.issubdtype(dtype, jnp.inexact):
            raise TypeError(
                "trainer: expected floating or complex parameters, got "
                f"{shown(leaf)} at {path or 'the root'}; keep what is not trained in "
                "the state."
            )


def check_loss(made: Any, kept: Any) -> tuple[jax.Array, tuple[Any, dict[str, Any]]]:
    """What a loss returned: a scalar, a state like the old, and scalar metrics."""
    fits = type(made) is tuple and len(made) == 2
    if not (fits and type(made[1]) is tuple and len(made[1]) == 2):
        raise TypeError(
            "trainer: expected a loss to return (value, (state, metrics)), "
            f"got {shown(made)}."
        )
    value, (state, metrics) = made
    if jnp.shape(value) != () or not jnp.issubdtype(
        jnp.result_type(value), jnp.floating
    ):
        raise ValueError(
            "trainer: expected a loss that is a real floating-point scalar, "
            f"got {shown(value)}; reduce it, as by jnp.mean."
        )
    if spec(state) != spec(kept):
        raise ValueError(
            f"trainer: expected a loss to return a state like the one it got, "
            f"{shown(kept)}, got {shown(state)}."
        )
    return value, (state, check_metrics(metrics))


def check_metrics(metrics: Any) -> dict[str, Any]:
    """Metrics as a dict of scalars, none called like the loss itself."""
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f"trainer: expected metrics to be a dict of scalars, got {shown(metrics)}."
        )
    if "loss" in metrics:
        raise ValueError(
            "trainer: expected metrics named otherwise than the loss, got one named "
            "'loss'."
        )
    for name, value in metrics.items():
        if not (is_array(value) or isinstance(value, int | float)) or jnp.shape(value):
            raise ValueError(
                f"trainer: expected metric '{name}' to be a scalar, got {shown(value)}."
            )
    return dict(metrics)
