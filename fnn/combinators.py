"""Layers made of layers: one after the other, side by side, around a shortcut."""

from __future__ import annotations

from typing import Any, overload

import jax
import jax.numpy as jnp

from fnn.composition import compose
from fnn.contract import Function, Layer, StatefulLayer, as_layer, make
from fnn.shapes import shown, spec


@overload
def sequential(*layers: Layer | Function, **named: Layer | Function) -> Layer: ...
@overload
def sequential(
    *layers: Layer | StatefulLayer | Function, **named: Layer | StatefulLayer | Function
) -> StatefulLayer: ...
def sequential(*layers, **named):
    """Layers one after the other, each on the output of the one before.

    ``y = layers[-1](... layers[1](layers[0](*inputs)))``

    Params: a tuple of the layers' params, or a dict of them where layers are named.

    Args:
      *layers: Layers and functions of arrays. The first may take several inputs.
      **named: Instead of positional ones: layers by name, in this order.

    Returns:
      A `Layer`, or a `StatefulLayer` if one of the layers is.

    Raises:
      TypeError: If there is none, some are named and some not, or one is no layer.

    Example:
      >>> init, apply = fnn.sequential(fnn.dense(8), jax.nn.relu, fnn.dense(2))
      >>> params = init(jax.random.key(0), jnp.ones((4, 3)))
      >>> apply(params, jnp.ones((4, 3))).shape
      (4, 2)
    """
    if bool(layers) == bool(named):
        got = "both" if layers else "none"
        raise TypeError(f"sequential: expected positional or named layers, got {got}.")
    parts = _parts("sequential", layers or named)

    def forward(call, inputs, by_name):
        for path in call.layers:
            inputs = (call.route(path, inputs, by_name),)
        return inputs[0]

    def rebuild(parts):
        return sequential(**parts) if named else sequential(*parts)

    form = compose("sequential", parts, forward, rebuild)
    return make(form, sequential, layers, named)


@overload
def parallel(*layers: Layer | Function, combine: Function | None = None) -> Layer: ...
@overload
def parallel(
    *layers: Layer | StatefulLayer | Function, combine: Function | None = None
) -> StatefulLayer: ...
def parallel(*layers, combine=None):
    """Layers side by side, each on the same inputs.

    ``y = (layers[0](*inputs), layers[1](*inputs), ...)``, or ``combine`` of this tuple.

    Params: a tuple of the layers' params.

    Args:
      *layers: Layers and functions of arrays.
      combine: A function of the tuple of outputs, such as ``sum`` or
        ``functools.partial(jnp.concatenate, axis=-1)``; None keeps the tuple.

    Returns:
      A `Layer`, or a `StatefulLayer` if one of the layers is.

    Raises:
      TypeError: If there is no layer, one is none, or ``combine`` is no function.

    Example:
      >>> init, apply = fnn.parallel(jnp.sin, jnp.cos, combine=sum)
      >>> apply(init(jax.random.key(0), jnp.zeros(3)), jnp.zeros(3))
      Array([1., 1., 1.], dtype=float32)
    """
    if not layers:
        raise TypeError("parallel: expected at least one layer, got none.")
    if combine is not None and not callable(combine):
        raise TypeError(
            f"parallel: expected combine to be a function, got {combine!r}."
        )

    def forward(call, inputs, named):
        outputs = tuple(call.route(path, inputs, named) for path in call.layers)
        return outputs if combine is None else combine(outputs)

    def rebuild(parts):
        return parallel(*parts, combine=combine)

    options = {} if combine is None else {"combine": combine}
    form = compose("parallel", _parts("parallel", layers), forward, rebuild)
    return make(form, parallel, layers, options)


@overload
def residual(
    layer: Layer | Function, shortcut: Layer | Function | None = None
) -> Layer: ...
@overload
def residual(
    layer: Layer | StatefulLayer | Function,
    shortcut: Layer | StatefulLayer | Function | None = None,
) -> StatefulLayer: ...
def residual(layer, shortcut=None):
    """A layer added to its input, or to a shortcut of it: ``(...) -> (...)``.

    ``y = x + layer(x)``, or ``shortcut(x) + layer(x)``

    Params: the layer's own; with a shortcut, a dict of ``layer`` and ``shortcut``.

    Args:
      layer: A layer or a function of arrays. Inputs after the first go to it alone.
      shortcut: A layer or a function of the first input; None adds the input itself.

    Returns:
      A `Layer`, or a `StatefulLayer` if one of the two is.

    Raises:
      TypeError: If one of the two is no layer.
      ValueError: If the summands' shapes are not the same: nothing is broadcast.

    Example:
      >>> init, apply = fnn.residual(jnp.sin)
      >>> apply(init(jax.random.key(0), jnp.ones(2)), jnp.ones(2))
      Array([1.841471, 1.841471], dtype=float32)

    References:
      He et al., "Deep Residual Learning for Image Recognition", 2016, equation 1.
    """
    parts: Any = as_layer(layer, "residual")
    if shortcut is not None:
        parts = {"layer": parts, "shortcut": as_layer(shortcut, "residual")}

    def forward(call, inputs, named):
        if not inputs:
            raise TypeError("residual: expected at least 1 input, got 0.")
        branch, *skip = [
            call.route(path, inputs if i == 0 else inputs[:1], named)
            for i, path in enumerate(call.layers)
        ]
        return _sum(skip[0] if skip else inputs[0], branch)

    def rebuild(parts):
        return residual(**parts) if type(parts) is dict else residual(parts)

    args = (layer,) if shortcut is None else (layer, shortcut)
    return make(compose("residual", parts, forward, rebuild), residual, args)


def _sum(x: Any, y: Any) -> Any:
    """The sum, leaf by leaf, of two trees alike but for their dtypes."""
    shapes = jax.tree.map(jnp.shape, (x, y))
    if shapes[0] != shapes[1]:
        raise ValueError(
            "residual: expected both summands of one shape, "
            f"got {shown(spec(x))} and {shown(spec(y))}."
        )

    def add(x, y):
        with jax.numpy_dtype_promotion("standard"):
            dtype = jnp.promote_types(x.dtype, y.dtype)
        return x.astype(dtype) + y.astype(dtype)

    return jax.tree.map(add, x, y)


def _parts(who: str, layers: Any) -> Any:
    """The layers, lifted, in a tuple or in a dict."""
    if type(layers) is tuple:
        return tuple(as_layer(part, f"{who}, {i}") for i, part in enumerate(layers))
    for name in layers:
        if "/" in name:
            raise ValueError(f"{who}: expected names without '/', got {name!r}.")
    return {name: as_layer(part, f"{who}, {name}") for name, part in layers.items()}
