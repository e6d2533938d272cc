"""The multilayer perceptron: linear layers, an activation between any two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from fnn.combinators import sequential
from fnn.contract import as_layer, constructor
from fnn.layers.checks import check_count
from fnn.layers.forwards import Forward, projection
from fnn.layers.initialization import Initializer
from fnn.layers.transformers import dropping
from fnn.models.checks import check_widths
from fnn.wiring import module


@constructor
def mlp(
    features: int,
    hidden: Sequence[int],
    *,
    activation: Callable[[Array], Array] = jax.nn.relu,
    norm: Any = None,
    dropout: float | Array = 0.0,
    weight_init: Initializer | None = None,
    param_dtype: DTypeLike = jnp.float32,
) -> Any:
    """Multilayer perceptron of the last axis, ``(..., n) -> (..., features)``.

    ``x = dropout(activation(norm(x @ weight + bias)))`` for each hidden layer, then
    ``y = x @ weight + bias``.

    Params: ``hidden``, a tuple of ``linear``, a `dense`, ``norm`` and ``activation``
    for each hidden layer (``norm`` and ``dropout`` are there where they were asked
    for); ``out``, a `dense`.

    Args:
      features: Length of the output's last axis; at least 1.
      hidden: Lengths of the hidden layers, each at least 1; ``()`` makes it linear.
      activation: A function of an array or a layer, of the same shape.
      norm: A layer or function that normalises, of which each hidden layer has its own
        parameters; None for none. `batch_norm` makes the whole a `StatefulLayer`.
      dropout: Probability of *zeroing* a value of a hidden layer in training, in [0,
        1).
      weight_init: Draws all weights; by default as `dense` does.
      param_dtype: Floating dtype of weights and biases; a norm has its own.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If an option is out of range, or ``x`` has another length than at
        first.

    Example:
      >>> net = fnn.models.mlp(3, (8, 6), activation=jnp.tanh)
      >>> params = net.init(jax.random.key(0), jnp.ones((2, 4)))
      >>> params["hidden"][1]["linear"]["weight"].shape
      (8, 6)
      >>> net.apply(params, jnp.ones((2, 4))).shape
      (2, 3)

    References:
      Rumelhart, Hinton and Williams, Learning representations by back-propagating
      errors, 1986, equations 1 and 2.
    """
    check_count("mlp", "features", features)
    check_widths("mlp", "hidden", hidden)
    options = {"weight_init": weight_init, "param_dtype": param_dtype}
    after = {
        "norm": None if norm is None else as_layer(norm, "mlp, norm"),
        "activation": as_layer(activation, "mlp, activation"),
        "dropout": dropping("mlp", dropout),
    }
    after = {name: part for name, part in after.items() if part is not None}
    return module(
        hidden=[sequential(linear=projection(n, **options), **after) for n in hidden],
        out=projection(features, **options),
    )(_MLP())


@dataclass(frozen=True)
class _MLP(Forward):
    __name__ = "mlp"

    def __call__(self, parts, x):
        for layer in parts.hidden:
            x = layer(x)
        return parts.out(x)
