"""What the functions of a Boltzmann machine's params refuse, in a sentence each."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from fnn.layers.checks import check_array, check_params
from fnn.layers.dtypes import promote
from fnn.shapes import is_array


def check_machine(who: str, params: Any) -> None:
    """Raises unless params are those of `rbm`, of lengths that go together."""
    weight = params.get("weight") if isinstance(params, dict) else None
    lengths = tuple(weight.shape) if weight is not None and is_array(weight) else ()
    n, m = lengths if len(lengths) == 2 else ("visible", "hidden")
    shapes = {"weight": (n, m), "visible_bias": (n,), "hidden_bias": (m,)}
    if isinstance(params, dict) and "log_scale" in params:
        shapes["log_scale"] = (n,)
    check_params(who, params, shapes)


def is_gaussian(params: Any) -> bool:
    """Whether the visible units of a machine are normal."""
    return "log_scale" in params


def ready(who: str, params: Any, units: Any, side: str = "visible") -> tuple[Any, Any]:
    """Params and the units of a side, checked, in the dtype that they promote to."""
    check_machine(who, params)
    length = params[f"{side}_bias"].shape[0]
    check_units(who, units, length, side)
    names = list(params)
    *values, units = promote(who, *(params[name] for name in names), units)
    return dict(zip(names, values, strict=True)), units


def check_units(who: str, units: Any, length: int, side: str = "visible") -> None:
    """Raises unless an array has the states of so many units on its last axis."""
    check_array(who, units, "floating", side)
    if units.shape[-1:] != (length,):
        raise ValueError(
            f"{who}: expected {side} of shape (..., {length}), got {units.shape}."
        )


def check_states(who: str, visible: Any, params: Any, *, between: bool = False) -> None:
    """Raises where a visible unit has a state that it can't have, as far as is known.

    Binary units are 0 or 1, or anything in between where they stand for probabilities;
    normal ones are finite.
    """
    if isinstance(visible, Tracer | jax.ShapeDtypeStruct):
        return
    values = np.asarray(visible, np.float64)
    if is_gaussian(params):
        right, wanted = np.isfinite(values), "that are finite"
    elif between:
        right, wanted = (values >= 0) & (values <= 1), "in [0, 1]"
    else:
        right, wanted = (values == 0) | (values == 1), "0 or 1"
    if not right.all():
        raise ValueError(
            f"{who}: expected visible values {wanted}, got {values[~right][0]:g}."
        )


def check_examples(who: str, data: Any) -> None:
    """Raises unless data are examples of visible units, at least one of each."""
    check_array(who, data, "floating", "data")
    if data.ndim != 2 or 0 in data.shape:
        raise ValueError(
            f"{who}: expected data of shape (examples, visible) with at least one of "
            f"each, got {data.shape}."
        )


def as_floats(params: Any) -> dict[str, Array]:
    """Params as arrays of one dtype."""
    names = list(params)
    values = promote("params", *(params[name] for name in names))
    return dict(zip(names, map(jnp.asarray, values), strict=True))
