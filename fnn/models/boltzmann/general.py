"""The general Boltzmann machine, each unit joined to each, for few units: exact."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import normal, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, as_layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_functions,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import along, promote, promoted
from fnn.layers.initialization import Initializer, draw_params
from fnn.models.boltzmann.exact import MOST, log_sum_over_states
from fnn.shapes import abstract, is_array, shown


@constructor
def boltzmann_machine(
    hidden: int = 0,
    *,
    weight_init: Initializer = normal(0.01),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Free energy of a general Boltzmann machine, ``(..., visible) -> (...)``.

    ``F(v) = -log(sum over all h of exp(bias @ x + sum over i < j of weight[i, j] x[i]
    x[j]))``, where ``x`` is ``v`` and ``h`` one after the other.

    All units are binary, and each is joined to each other. The sum goes through all
    states of the hidden units, so that there may be a few of them. With `log_total` of
    the same, likelihoods are exact, and so are their gradients: what goes together
    under the data, less what does under the model.

    Params: ``weight (n, n)``, of ``n`` units, of which what is above the diagonal
    counts; ``bias (n,)``, zero at first.

    Args:
      hidden: The number of hidden units; from 0 to 25.
      weight_init: Draws ``weight``; by default normal of deviation 0.01.
      bias_init: Draws ``bias``.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, or visible units are not floating.
      ValueError: If ``hidden`` is out of range, or there are more or fewer visible
        units than at first.

    Example:
      >>> machine = fnn.models.boltzmann_machine(2)
      >>> v = jnp.array([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
      >>> params = machine.init(jax.random.key(0), v)
      >>> def log_likelihood(params):
      ...     log_z = fnn.models.boltzmann.log_total(machine, params, 3)
      ...     return -machine.apply(params, v) - log_z
      >>> log_likelihood(params).shape
      (2,)

    References:
      Ackley, Hinton and Sejnowski, A learning algorithm for Boltzmann machines, 1985,
      equations 1 and 7.
    """
    owner = "boltzmann_machine"
    check_count(owner, "hidden", hidden, least=0)
    if hidden > MOST:
        raise ValueError(f"{owner}: expected hidden of at most {MOST}, got {hidden}.")
    check_functions(owner, weight_init=weight_init, bias_init=bias_init)
    check_param_dtype(owner, param_dtype, "floating")
    initializers = {"weight": weight_init, "bias": bias_init}

    def init(key, visible):
        check_array(owner, visible, "floating", "visible")
        if visible.ndim < 1 or visible.shape[-1] < 1:
            raise ValueError(
                f"{owner}: expected visible of shape (..., n) with n of at least 1, "
                f"got {visible.shape}."
            )
        n = visible.shape[-1] + hidden
        shapes = {"weight": (n, n), "bias": (n,)}
        return draw_params(owner, initializers, key, shapes, param_dtype)

    def apply(params, visible):
        check_array(owner, visible, "floating", "visible")
        n = visible.shape[-1] + hidden if visible.ndim else hidden
        check_params(owner, params, {"weight": (n, n), "bias": (n,)})
        weight, bias, visible = promote(
            owner, params["weight"], params["bias"], visible
        )
        return _free_energy(jnp.triu(weight, 1), bias, visible)

    return Layer(init, apply)


@jax.jit
def _free_energy(weight: Array, bias: Array, visible: Array) -> Array:
    split = visible.shape[-1]
    hidden = len(bias) - split
    inputs = visible @ weight[:split, split:]
    inputs = inputs + along(bias[split:], inputs.shape)

    def log_weight(states):
        own = jnp.sum(states * (states @ weight[split:, split:]), -1)
        y = jnp.moveaxis(inputs @ states.T, -1, 0)
        return y + jnp.reshape(own, (-1, *(1,) * (y.ndim - 1)))

    own = visible @ bias[:split]
    own = own + jnp.sum(visible * (visible @ weight[:split, :split]), -1)
    return -own - log_sum_over_states(log_weight, hidden, visible.dtype)


def log_total(machine: Any, params: Any, visible: int) -> Array:
    """``log Z`` of any layer that gives the free energy of binary units, exactly.

    ``log(sum over all v of exp(-machine.apply(params, v)))``, whatever the layer is
    made of: a general Boltzmann machine, or a network that gives one number.

    Args:
      machine: A layer, ``(..., visible) -> (...)``.
      params: Its parameters.
      visible: The number of visible units; from 1 to 25.

    Raises:
      TypeError: If the machine is no layer.
      ValueError: If ``visible`` is out of range, or the layer does not give one number
        for each state.

    Example:
      >>> energy = fnn.sequential(fnn.dense(1), lambda y: y[..., 0])
      >>> params = energy.init(jax.random.key(0), jnp.zeros((1, 4)))
      >>> fnn.models.boltzmann.log_total(energy, params, 4).shape
      ()
    """
    machine = as_layer(machine, "log_total")
    check_count("log_total", "visible", visible)
    if visible > MOST:
        raise ValueError(
            f"log_total: expected visible of at most {MOST}, got {visible}."
        )
    leaves = [leaf for leaf in jax.tree.leaves(params) if is_array(leaf)]
    dtype = promoted("log_total", *leaves) if leaves else jnp.float32

    energy = abstract(machine.apply, params, jax.ShapeDtypeStruct((2, visible), dtype))
    if not is_array(energy) or energy.shape != (2,):
        raise ValueError(
            "log_total: expected one number for each state, of shape (2,) for two, "
            f"got {shown(energy)}."
        )
    return log_sum_over_states(lambda v: -machine.apply(params, v), visible, dtype)
