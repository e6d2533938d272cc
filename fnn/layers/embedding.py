"""Embeddings: rows of a learned table, looked up by integer ids."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.nn.initializers import variance_scaling
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_functions,
    check_number,
    check_param_dtype,
    check_params,
)
from fnn.layers.initialization import Initializer, draw_params


@constructor
def embed(
    count: int,
    features: int,
    *,
    padding_id: int | None = None,
    scale: float | Array = 1.0,
    weight_init: Initializer = variance_scaling(
        1.0, "fan_in", "normal", in_axis=1, out_axis=0
    ),
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Looks up a learned vector for each integer, ``(...) -> (..., features)``.

    ``y = scale * weight[ids]``

    An id out of range, negative ones among them, raises where its value is known. Under
    `jax.jit`, `jax.vmap` and the like nothing can raise: there its row is NaN, so that
    the mistake shows, and it adds nothing to the gradient of ``weight``.

    Params: ``weight (count, features)``.

    Args:
      count: How many ids there are, ``0`` to ``count - 1``; at least 1.
      features: Length of a vector; at least 1.
      padding_id: The id of padding: its row is zero and gets no gradient.
      scale: What each row is multiplied by; ``features ** 0.5`` in transformers.
      weight_init: Draws ``weight``; by default normal of variance ``1 / features``, so
        that rows have a length of about 1, as do logits of a head that shares them.
      param_dtype: Floating or complex dtype of ``weight``, and so of ``y``.

    Raises:
      TypeError: If an option is of the wrong kind, or ids are no integers.
      ValueError: If ``count < 1`` or ``features < 1``, ``padding_id`` or an id whose
        value is known is out of range, ``scale`` is not finite, or ``weight`` has
        another shape.

    Example:
      >>> init, apply = fnn.embed(10, 3, padding_id=0)
      >>> ids = jnp.array([[4, 2, 0]])
      >>> params = init(jax.random.key(0), ids)
      >>> apply(params, ids).shape
      (1, 3, 3)
    """
    check_count("embed", "count", count)
    check_count("embed", "features", features)
    if padding_id is not None:
        check_count("embed", "padding_id", padding_id, least=0)
        if padding_id >= count:
            raise ValueError(
                f"embed: expected padding_id below count = {count}, got {padding_id}."
            )
    check_number("embed", "scale", scale, "to be finite", np.isfinite)
    check_functions("embed", weight_init=weight_init)
    check_param_dtype("embed", param_dtype)
    shape = (count, features)

    def init(key, ids):
        check_array("embed", ids, "integer", "ids")
        initializers, shapes = {"weight": weight_init}, {"weight": shape}
        params = draw_params("embed", initializers, key, shapes, param_dtype)
        if padding_id is not None:
            params["weight"] = params["weight"].at[padding_id].set(0)
        return params

    def apply(params, ids):
        check_params("embed", params, {"weight": shape})
        check_array("embed", ids, "integer", "ids")
        _check_range(ids, count)
        rows = (
            jnp.asarray(params["weight"])
            .at[ids]
            .get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)
        )
        rows = rows * jnp.asarray(scale, rows.dtype)
        if padding_id is None:
            return rows
        padded = jnp.broadcast_to((ids == padding_id)[..., None], rows.shape)
        return jnp.where(padded, jnp.zeros_like(rows), rows)

    return Layer(init, apply)


def _check_range(ids: Any, count: int) -> None:
    """Looks at the ids where they have values."""
    if isinstance(ids, Tracer) or not ids.size:
        return
    values = np.asarray(ids)
    for value in (values.min(), values.max()):
        if not 0 <= int(value) < count:
            raise ValueError(f"embed: expected ids in [0, {count}), got {value}.")
