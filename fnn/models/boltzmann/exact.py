"""Likelihoods of small machines, by going through all states of their units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import logsumexp

from fnn.layers.dtypes import along
from fnn.models.boltzmann.checks import (
    as_floats,
    check_machine,
    check_states,
    is_gaussian,
    ready,
)
from fnn.models.boltzmann.units import free_energy, precisions, visible_inputs

MOST = 25  # units whose states are gone through: 34 million
CHUNK = 12  # units whose states are there at once: 4,096


def log_sum_over_states(log_weight: Callable[[Array], Array], units: int, dtype: Any):
    """``log(sum(exp(log_weight(states))))`` over all states of binary units.

    `log_weight` takes states, ``(count, units)``, and gives arrays, ``(count, ...)``.
    """
    inner = min(units, CHUNK)

    @jax.checkpoint  # so that a gradient keeps the states of one chunk, not of all
    def chunk(first):
        numbers = first + jnp.arange(2**inner)[:, None]
        states = (numbers >> jnp.arange(units)[None, :]) & 1
        return logsumexp(log_weight(states.astype(dtype)), axis=0)

    return logsumexp(lax.map(chunk, jnp.arange(2 ** (units - inner)) << inner), axis=0)


def log_partition(params: Any) -> Array:
    """Logarithm of the partition function of a small restricted machine, exactly.

    ``log Z = log(sum over all v of exp(-F(v)))``, for normal units the integral. The
    sum goes through the states of hidden or visible units, whichever are fewer; of
    hidden ones where visible ones are normal. Up to 16 it takes a second or so for 784
    units on the other side; each further one doubles that.

    Args:
      params: Of an `fnn.models.rbm`.

    Raises:
      TypeError: If params are of the wrong kind.
      ValueError: If params are not those of such a machine, or it has more than 25
        units on each side.

    Example:
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), jnp.zeros((1, 3)))
      >>> params = jax.tree.map(jnp.zeros_like, params)
      >>> float(fnn.models.boltzmann.log_partition(params) / jnp.log(2))
      5.0
    """
    check_machine("log_partition", params)
    visible, hidden = params["weight"].shape
    least = hidden if is_gaussian(params) else min(visible, hidden)
    if least > MOST:
        which = "hidden" if is_gaussian(params) else "visible or hidden"
        raise ValueError(
            f"log_partition: expected at most {MOST} {which} units, got {visible} "
            f"visible and {hidden} hidden ones; annealed_importance_sampling estimates "
            "it for more."
        )
    return _log_partition(as_floats(params))


@jax.jit
def _log_partition(params: Any) -> Array:
    visible, hidden = params["weight"].shape
    dtype = params["weight"].dtype
    if not is_gaussian(params) and visible < hidden:
        return log_sum_over_states(lambda v: -free_energy(params, v), visible, dtype)

    def log_weight(h):
        inputs = visible_inputs(params, h)
        return h @ params["hidden_bias"] + log_sum_over_visible(params, inputs)

    return log_sum_over_states(log_weight, hidden, dtype)


def log_sum_over_visible(params: Any, inputs: Array) -> Array:
    """What all states of the visible units sum up to, given what hidden ones add."""
    if not is_gaussian(params):
        return jnp.sum(jax.nn.softplus(inputs), -1)
    # The integral of exp(-((v - b)^2 / 2 - v (inputs - b)) / scale^2).
    own = along(params["visible_bias"], inputs.shape)
    gain = (inputs**2 - own**2) @ precisions(params) / 2
    return gain + jnp.sum(params["log_scale"] + 0.5 * jnp.log(2 * jnp.pi))


def log_likelihood(params: Any, visible: Any) -> Array:
    """Exact log-likelihood of a small restricted machine, ``(..., visible) -> (...)``.

    ``log p(v) = -F(v) - log Z``, in nats, with `log_partition`; for normal units it is
    that of the density. Its gradient is the exact one that contrastive divergence
    stands in for.

    Args:
      params: Of an `fnn.models.rbm`.
      visible: States of the visible units.

    Raises:
      TypeError: If params or states are of the wrong kind.
      ValueError: As `log_partition` does, or if a state is neither 0 nor 1 (of a normal
        unit, not finite), or there are more or fewer units.

    Example:
      >>> v = jnp.array([[0.0, 1.0, 1.0]])
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), v)
      >>> fnn.models.boltzmann.log_likelihood(params, v).shape
      (1,)
    """
    params, visible = ready("log_likelihood", params, visible)
    check_states("log_likelihood", visible, params)
    return -free_energy(params, visible) - log_partition(params)
