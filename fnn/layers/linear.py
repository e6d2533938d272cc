"""Linear layers: affine maps and bare parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.nn.initializers import lecun_normal, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_flags,
    check_functions,
    check_param_dtype,
    check_params,
    is_int,
)
from fnn.layers.dtypes import along, promote
from fnn.layers.initialization import Initializer, draw, draw_params
from fnn.ops.product import product
from fnn.shapes import word


@constructor
def dense(
    features: int,
    *,
    use_bias: bool = True,
    weight_init: Initializer = lecun_normal(),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Affine map of the last axis, ``(..., n) -> (..., features)``.

    ``y = x @ weight + bias``

    Params: ``weight (n, features)``; ``bias (features,)``, zero at first.

    Args:
      features: Length of the output's last axis; at least 1.
      use_bias: Whether ``bias`` is added.
      weight_init: Draws ``weight``; by default truncated normal of variance ``1 / n``.
      bias_init: Draws ``bias``.
      param_dtype: Floating or complex dtype of the parameters; ``y`` has the dtype that
        ``x`` and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If ``features < 1``, or ``apply`` gets a last axis other than ``n``.

    Example:
      >>> init, apply = fnn.dense(3)
      >>> params = init(jax.random.key(0), jnp.ones((2, 4)))
      >>> jax.tree.map(jnp.shape, params)
      {'bias': (3,), 'weight': (4, 3)}
      >>> apply(params, jnp.ones((2, 4))).shape
      (2, 3)
    """
    check_count("dense", "features", features)
    check_flags("dense", use_bias=use_bias)
    check_functions("dense", weight_init=weight_init, bias_init=bias_init)
    check_param_dtype("dense", param_dtype)
    initializers = {"weight": weight_init}
    shapes: dict[str, Any] = {"weight": ("n", features)}
    if use_bias:
        initializers["bias"] = bias_init
        shapes["bias"] = (features,)

    def init(key, x):
        check_array("dense", x)
        if x.ndim < 1 or x.shape[-1] < 1:
            raise ValueError(
                "dense: expected x of shape (..., n) with n of at least 1, "
                f"got {x.shape}."
            )
        drawn = shapes | {"weight": (x.shape[-1], features)}
        return draw_params("dense", initializers, key, drawn, param_dtype)

    def apply(params, x):
        check_params("dense", params, shapes)
        check_array("dense", x)
        n = params["weight"].shape[0]
        if x.shape[-1:] != (n,):
            raise ValueError(f"dense: expected x of shape (..., {n}), got {x.shape}.")
        x, weight, *bias = promote("dense", x, *(params[name] for name in shapes))
        y = product(x, weight)
        return lax.add(y, along(bias[0], y.shape)) if use_bias else y

    return Layer(init, apply)


@constructor
def parameter(
    shape: int | Sequence[int],
    *,
    init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """A bare learnable array, which takes no input: ``() -> shape``.

    ``y = params``: a class token, a temperature, a table of learned positions.

    Params: the array itself, so that part ``scale`` of a module is ``params["scale"]``.

    Args:
      shape: Shape of the array; an int gives one axis, ``()`` a scalar.
      init: Draws the array, ``init(key, shape, dtype)``; by default zeros.
      param_dtype: Floating or complex dtype of the array.

    Raises:
      TypeError: If an option is of the wrong kind, or ``apply`` gets an input.
      ValueError: If a length is negative, or params are of another shape.

    Example:
      >>> temperature = fnn.parameter((), init=jax.nn.initializers.ones)
      >>> params = temperature.init(jax.random.key(0))
      >>> temperature.apply(params)
      Array(1., dtype=float32)
    """
    lengths: Any = (shape,) if is_int(shape) else shape
    if not isinstance(lengths, tuple | list) or not all(map(is_int, lengths)):
        raise TypeError(
            f"parameter: expected shape to be a tuple of ints, got {word(shape)}."
        )
    if any(length < 0 for length in lengths):
        raise ValueError(
            f"parameter: expected lengths of at least 0 in shape, got {word(shape)}."
        )
    check_functions("parameter", init=init)
    check_param_dtype("parameter", param_dtype)
    expected = tuple(lengths)

    def init_value(key):
        return draw("parameter", "init", init, key, expected, param_dtype)

    def apply(params):
        check_params("parameter", params, expected)
        return jnp.asarray(params)

    return Layer(init_value, apply)
