"""The autoencoder of one hidden layer, whose decoder is its encoder turned over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import glorot_uniform, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_functions,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import along, promote
from fnn.layers.initialization import Initializer, draw_params
from fnn.models.autoencoders.deterministic import Coded
from fnn.shapes import is_array, shown

WHO = "tied_autoencoder"


@constructor
def tied_autoencoder(
    hidden: int,
    *,
    activation: Callable[[Array], Array] = jax.nn.sigmoid,
    weight_init: Initializer = glorot_uniform(),
    visible_bias_init: Initializer = zeros,
    hidden_bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Autoencoder with tied weights, ``(..., n) -> Coded((..., hidden), (..., n))``.

    ``code = activation(x @ weight + hidden_bias)``,
    ``reconstruction = code @ weight.T + visible_bias``

    The reconstruction is linear: for pixels in [0, 1] it is their logits. Of an
    activation that changes nothing, least squares are those of the principal
    components.

    Params are named as those of `fnn.models.rbm`, which may be where they begin:
    ``weight (n, hidden)``; ``visible_bias (n,)`` and ``hidden_bias (hidden,)``, zero at
    first.

    Args:
      hidden: Length of the code; at least 1.
      activation: Function of an array, of the same shape.
      weight_init: Draws ``weight``; by default uniform of variance ``2 / (n +
        hidden)``.
      visible_bias_init: Draws ``visible_bias``.
      hidden_bias_init: Draws ``hidden_bias``.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating.
      ValueError: If ``hidden < 1``, the activation changes the shape, or ``apply`` gets
        a last axis other than ``n``.

    Example:
      >>> net = fnn.models.tied_autoencoder(3)
      >>> x = jnp.ones((2, 8))
      >>> params = net.init(jax.random.key(0), x)
      >>> params["weight"].shape  # of both halves
      (8, 3)
      >>> net.apply(params, x).reconstruction.shape
      (2, 8)

    References:
      Bourlard and Kamp, Auto-association by multilayer perceptrons and singular value
      decomposition, 1988. Vincent et al., Stacked denoising autoencoders, 2010, section
      2.2, for tied weights.
    """
    check_count(WHO, "hidden", hidden)
    initializers = {
        "weight": weight_init,
        "visible_bias": visible_bias_init,
        "hidden_bias": hidden_bias_init,
    }
    given = {f"{name}_init": function for name, function in initializers.items()}
    check_functions(WHO, activation=activation, **given)
    check_param_dtype(WHO, param_dtype, "floating")

    def shapes(n: int | str) -> dict[str, Any]:
        return {"weight": (n, hidden), "visible_bias": (n,), "hidden_bias": (hidden,)}

    def init(key, x):
        check_array(WHO, x, "floating")
        if x.ndim < 1 or x.shape[-1] < 1:
            raise ValueError(
                f"{WHO}: expected x of shape (..., n) with n of at least 1, "
                f"got {x.shape}."
            )
        return draw_params(WHO, initializers, key, shapes(x.shape[-1]), param_dtype)

    def apply(params, x) -> Coded:
        check_array(WHO, x, "floating")
        n = _length(params)
        check_params(WHO, params, shapes(n))
        if x.shape[-1:] != (n,):
            raise ValueError(f"{WHO}: expected x of shape (..., {n}), got {x.shape}.")
        x, weight, visible_bias, hidden_bias = promote(
            WHO, x, *(params[name] for name in initializers)
        )
        y = x @ weight
        code = activation(y + along(hidden_bias, y.shape))
        if not is_array(code) or code.shape != y.shape:
            raise ValueError(
                f"{WHO}: expected activation to keep the shape {y.shape}, "
                f"got {shown(code)}."
            )
        y = code @ weight.T
        return Coded(code, y + along(visible_bias, y.shape))

    return Layer(init, apply)


def _length(params: Any) -> int | str:
    """How long the examples are that params are for, where they tell."""
    weight = params.get("weight") if isinstance(params, dict) else None
    lengths = tuple(weight.shape) if weight is not None and is_array(weight) else ()
    return lengths[0] if len(lengths) == 2 else "n"
