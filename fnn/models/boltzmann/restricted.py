"""The restricted Boltzmann machine: a layer that gives the free energy."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import glorot_uniform, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_flags,
    check_functions,
    check_param_dtype,
    check_params,
)
from fnn.layers.initialization import Initializer, draw_params
from fnn.models.boltzmann.checks import ready
from fnn.models.boltzmann.units import free_energy


@constructor
def rbm(
    hidden: int,
    *,
    gaussian: bool = False,
    weight_init: Initializer = glorot_uniform(),
    visible_bias_init: Initializer = zeros,
    hidden_bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Free energy of a restricted Boltzmann machine, ``(..., visible) -> (...)``.

    ``F(v) = -v @ visible_bias - sum(softplus(hidden_bias + v @ weight))``

    The probability of ``v`` is ``exp(-F(v)) / Z``: the machine's energy ``E(v, h) = -v
    @ visible_bias - h @ hidden_bias - v @ weight @ h``, summed over all states of its
    binary hidden units. It is low where data are; `fnn.training.contrastive_divergence`
    makes it so. What else there is to do with the params, sampling and likelihoods, is
    in `fnn.models.boltzmann`.

    Visible units are binary, or normal: with ``gaussian=True`` and ``scale =
    exp(log_scale)``, ``F(v) = sum((v - visible_bias)^2 / (2 scale^2)) -
    sum(softplus(hidden_bias + (v / scale^2) @ weight))``. There, `fnn.freeze` keeps the
    scale at 1 for data that were standardised: ``freeze(rbm(n, gaussian=True),
    "log_scale")``.

    Params: ``weight (visible, hidden)``; ``visible_bias (visible,)`` and ``hidden_bias
    (hidden,)``, zero at first; and ``log_scale (visible,)``, zero at first, where
    visible units are normal.

    Args:
      hidden: The number of hidden units; at least 1.
      gaussian: Whether visible units are normal.
      weight_init: Draws ``weight``; by default uniform of variance ``2 / (visible +
        hidden)``.
      visible_bias_init: Draws ``visible_bias``. Learning begins well at
        ``jax.nn.initializers.constant(fnn.models.boltzmann.log_odds(data))``.
      hidden_bias_init: Draws ``hidden_bias``.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, or visible units are not floating.
      ValueError: If ``hidden < 1``, or there are more or fewer visible units than at
        first.

    Example:
      >>> machine = fnn.models.rbm(3)
      >>> v = jnp.array([[0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
      >>> params = machine.init(jax.random.key(0), v)
      >>> machine.apply(params, v).shape
      (2,)
      >>> fnn.models.boltzmann.log_likelihood(params, v).shape
      (2,)

    References:
      Smolensky, Information processing in dynamical systems: foundations of harmony
      theory, 1986. Hinton, A practical guide to training restricted Boltzmann machines,
      2012, equation 25. Cho, Ilin and Raiko, Improved learning of Gaussian-Bernoulli
      restricted Boltzmann machines, 2011, equation 3, for normal units.
    """
    check_count("rbm", "hidden", hidden)
    check_flags("rbm", gaussian=gaussian)
    check_functions(
        "rbm",
        weight_init=weight_init,
        visible_bias_init=visible_bias_init,
        hidden_bias_init=hidden_bias_init,
    )
    check_param_dtype("rbm", param_dtype, "floating")
    initializers = {
        "weight": weight_init,
        "visible_bias": visible_bias_init,
        "hidden_bias": hidden_bias_init,
    } | ({"log_scale": zeros} if gaussian else {})

    def shapes(visible: int | str) -> dict[str, Any]:
        of = {"weight": (visible, hidden), "hidden_bias": (hidden,)}
        return {name: of.get(name, (visible,)) for name in initializers}

    def init(key, visible):
        check_array("rbm", visible, "floating", "visible")
        if visible.ndim < 1 or visible.shape[-1] < 1:
            raise ValueError(
                "rbm: expected visible of shape (..., n) with n of at least 1, "
                f"got {visible.shape}."
            )
        lengths = shapes(visible.shape[-1])
        return draw_params("rbm", initializers, key, lengths, param_dtype)

    def apply(params, visible) -> Array:
        check_params("rbm", params, shapes("visible"))
        return free_energy(*ready("rbm", params, visible))

    return Layer(init, apply)
