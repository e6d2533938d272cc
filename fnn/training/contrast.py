"""Contrastive divergence: the objective by which Boltzmann machines learn."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.checks import check_key
from fnn.contract import Layer
from fnn.models.boltzmann.checks import (
    as_floats,
    check_examples,
    check_machine,
    check_states,
    check_units,
)
from fnn.models.boltzmann.sampling import gibbs, mean_hidden, mean_visible
from fnn.models.boltzmann.units import (
    draw_binary,
    draw_visible,
    visible_inputs,
    weighed,
)
from fnn.shapes import spec, word
from fnn.training.checks import check_count, shown_pair
from fnn.training.objectives import Objective
from fnn.training.reductions import mean

WHO = "contrastive_divergence"
SLIDING = 0.01  # how far offsets go to the mean of a batch, once there were a hundred


def contrastive_divergence(
    machine: Layer,
    *,
    steps: int = 1,
    chains: int | None = None,
    centered: bool = False,
) -> Objective:
    """Free energy of data, less that of what the machine makes of them.

    ``value = mean(F(data)) - mean(F(samples))``, with `fnn.models.boltzmann.gibbs` for
    samples, through which no gradient goes. With samples of the machine itself, its
    gradient would be that of the mean log-likelihood, with the sign changed; chains
    that begin at the data, or where they were a step of learning ago, come near that.
    The value itself is no measure of progress. A batch is an array ``(examples,
    visible)``.

    Metrics: ``"reconstruction"``, the mean squared error of data from the means of
    visible units, given those of hidden units, given the data.

    Args:
      machine: An `fnn.models.rbm`, or one transformed that has its params.
      steps: Steps of Gibbs sampling for each step of learning: the k of CD-k; at least
        1.
      chains: The number of persistent chains, which go on from step to step; at least
        1. None begins at the data each time: the steadier for normal units, whose
        chains seldom go from one cluster to another.
      centered: Whether the gradient is that by params of a machine whose units are
        taken less their means under the data: an update that doesn't depend on which
        state is called 0, and mostly learns faster. The params are the same.

    Returns:
      An `Objective`, whose state has the ``"chains"``, where they persist, and the
      ``"offsets"``, where it is centred.

    Raises:
      TypeError: If the machine is no layer, or an option or the batch of the wrong
        kind.
      ValueError: If an option is out of range, params are not those of an
        `fnn.models.rbm`, there are no data, or, where their values are known, some are
        outside of [0, 1], or of normal units not finite.

    Example:
      >>> data = np.random.default_rng(0).integers(2, size=(50, 4)).astype("float32")
      >>> data[:, 1] = data[:, 0]
      >>> objective = fnn.training.contrastive_divergence(fnn.models.rbm(2), chains=100)
      >>> trainer = fnn.training.trainer(objective, optax.sgd(0.05), steps_per_call=100)
      >>> state = trainer.init(jax.random.key(0), data)
      >>> state, history = fnn.training.fit(
      ...     trainer, state, [data], epochs=2000, progress=False
      ... )
      >>> likelihood = fnn.models.boltzmann.log_likelihood(state.params, data)
      >>> bool(likelihood.mean() > 3.5 * jnp.log(0.5))
      True

    References:
      Hinton, Training products of experts by minimizing contrastive divergence, 2002,
      section 3. Tieleman, Training restricted Boltzmann machines using approximations
      to the likelihood gradient, 2008. Melchior, Fischer and Wiskott, How to center
      deep Boltzmann machines, 2016, section 4, for the centred update of params that
      are not.
    """
    if not isinstance(machine, Layer):
        raise TypeError(
            f"{WHO}: expected an fnn.models.rbm, got {shown_pair(machine)}."
        )
    check_count(WHO, "steps", steps)
    if chains is not None:
        check_count(WHO, "chains", chains)
    if not isinstance(centered, bool):
        raise TypeError(
            f"{WHO}: expected centered to be True or False, got {word(centered)}."
        )

    def init(key, batch):
        check_examples(WHO, batch)
        key, chain_key = jax.random.split(key)
        params = machine.init(key, spec(batch))
        check_machine(WHO, params)
        check_states(WHO, batch, params, between=True)
        state = {}
        if chains is not None:
            state["chains"] = _anywhere(params, chains, chain_key)
        if centered:
            state["offsets"] = {
                "visible": jnp.zeros_like(params["visible_bias"]),
                "hidden": jnp.zeros_like(params["hidden_bias"]),
                "batches": jnp.zeros((), jnp.int32),
            }
        return params, state

    def loss(params, state, batch, *, key=None, train=False):
        check_examples(WHO, batch)
        check_units(WHO, batch, params["visible_bias"].shape[0], "data")
        key = check_key(key, f"{WHO}: loss(params, state, batch, key=key)")
        data, still = jnp.asarray(batch), lax.stop_gradient(params)
        samples = gibbs(still, state.get("chains", data), key, steps)
        moving = centred(params, state["offsets"]) if centered else params
        fall = mean(machine.apply(moving, data)) - mean(machine.apply(moving, samples))
        expected = mean_hidden(still, data)
        error = mean_visible(still, expected) - data.astype(expected.dtype)
        state = state | ({"chains": samples} if "chains" in state else {})
        if centered:
            inputs = weighed(still, data.astype(expected.dtype))
            state["offsets"] = _moved(state["offsets"], inputs, expected)
        return fall, (state, {"reconstruction": mean(error**2)})

    return Objective(init, loss)


def _anywhere(params: Any, chains: int, key: Any) -> Array:
    """Visible units that hidden ones give rise to which are 0 or 1 alike."""
    params = as_floats(params)
    hidden_key, visible_key = jax.random.split(key)
    hidden = jnp.zeros((chains, len(params["hidden_bias"])), params["weight"].dtype)
    inputs = visible_inputs(params, draw_binary(hidden, hidden_key))
    return draw_visible(params, inputs, visible_key)


def centred(params: Any, offsets: Any) -> Any:
    """The same params, by which the gradient is the centred one.

    A centred machine has the energy of units less their offsets. Its params are
    ``weight``, ``visible_bias + weight @ hidden_offset`` and ``hidden_bias +
    visible_offset @ weight``, A(params), so that a step down its gradient moves the
    params by A^-1 A^-T of their own gradient. That is symmetric: it is the gradient
    where the way from the params as they are goes through it.
    """
    still = lax.stop_gradient(params)
    way = jax.tree.map(jnp.subtract, params, still)  # zero, but for its derivative
    visible, hidden = offsets["visible"], offsets["hidden"]
    weight = way["weight"] - jnp.outer(way["visible_bias"], hidden)
    weight = weight - jnp.outer(visible, way["hidden_bias"])
    centered = {
        "weight": weight,
        "visible_bias": way["visible_bias"] - weight @ hidden,
        "hidden_bias": way["hidden_bias"] - visible @ weight,
    }
    return jax.tree.map(jnp.add, still, way | centered)


def _moved(offsets: Any, visible: Array, hidden: Array) -> Any:
    """Offsets a little nearer to the means of a batch; the mean of the first ones."""
    count = offsets["batches"] + 1
    rate = jnp.maximum(1 / count.astype(jnp.float32), SLIDING)

    def moved(offset, units):
        return offset + rate.astype(offset.dtype) * (jnp.mean(units, 0) - offset)

    return {
        "visible": moved(offsets["visible"], visible),
        "hidden": moved(offsets["hidden"], hidden),
        "batches": count,
    }
