"""Samples of a restricted machine: each side given the other, and chains of both."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.checks import check_key
from fnn.layers.checks import check_count
from fnn.models.boltzmann.checks import check_examples, check_states, ready
from fnn.models.boltzmann.units import (
    block_gibbs,
    draw_binary,
    draw_visible,
    hidden_logits,
    visible_inputs,
    visible_mean,
)


def mean_hidden(params: Any, visible: Any) -> Array:
    """Probability of each hidden unit to be 1, ``(..., visible) -> (..., hidden)``.

    ``sigmoid(hidden_bias + v @ weight)``: the features that a machine has of its data.

    Args:
      params: Of an `fnn.models.rbm`.
      visible: States of the visible units, or their probabilities.

    Raises:
      TypeError: If params or states are of the wrong kind.
      ValueError: If params are not those of such a machine, or there are more or fewer
        units.

    Example:
      >>> v = jnp.array([[0.0, 1.0, 1.0]])
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), v)
      >>> fnn.models.boltzmann.mean_hidden(params, v).shape
      (1, 2)
    """
    return jax.nn.sigmoid(hidden_logits(*ready("mean_hidden", params, visible)))


def mean_visible(params: Any, hidden: Any) -> Array:
    """Mean of each visible unit, ``(..., hidden) -> (..., visible)``.

    ``sigmoid(visible_bias + h @ weight.T)``; of normal units without the sigmoid.

    Args:
      params: Of an `fnn.models.rbm`.
      hidden: States of the hidden units, or their probabilities.

    Raises:
      TypeError: As `mean_hidden` does.
      ValueError: As `mean_hidden` does.

    Example:
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), jnp.zeros((1, 3)))
      >>> fnn.models.boltzmann.mean_visible(params, jnp.zeros((5, 2))).shape
      (5, 3)
    """
    params, hidden = ready("mean_visible", params, hidden, "hidden")
    return visible_mean(params, visible_inputs(params, hidden))


def sample_hidden(params: Any, visible: Any, key: Any) -> Array:
    """Hidden units drawn given visible ones, ``(..., visible) -> (..., hidden)``.

    Args:
      params: Of an `fnn.models.rbm`.
      visible: States of the visible units, or their probabilities.
      key: What they are drawn by.

    Raises:
      TypeError: As `mean_hidden` does, or if there is no key.
      ValueError: As `mean_hidden` does.

    Example:
      >>> v = jnp.array([[0.0, 1.0, 1.0]])
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), v)
      >>> fnn.models.boltzmann.sample_hidden(params, v, jax.random.key(1)).shape
      (1, 2)
    """
    params, visible = ready("sample_hidden", params, visible)
    key = check_key(key, "sample_hidden(params, visible, key)")
    return draw_binary(hidden_logits(params, visible), key)


def sample_visible(params: Any, hidden: Any, key: Any) -> Array:
    """Visible units drawn given hidden ones, ``(..., hidden) -> (..., visible)``.

    Args:
      params: Of an `fnn.models.rbm`.
      hidden: States of the hidden units, or their probabilities.
      key: What they are drawn by.

    Raises:
      TypeError: As `sample_hidden` does.
      ValueError: As `mean_hidden` does.

    Example:
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), jnp.zeros((1, 3)))
      >>> h = jnp.array([[0.0, 1.0]])
      >>> fnn.models.boltzmann.sample_visible(params, h, jax.random.key(1)).shape
      (1, 3)
    """
    params, hidden = ready("sample_visible", params, hidden, "hidden")
    key = check_key(key, "sample_visible(params, hidden, key)")
    return draw_visible(params, visible_inputs(params, hidden), key)


def gibbs(params: Any, visible: Any, key: Any, steps: int) -> Array:
    """Where chains of block Gibbs sampling are after some steps, of the same shape.

    A step draws all hidden units given the visible ones, then all visible ones given
    the hidden. Each leading axis is one of independent chains. From anywhere, after
    enough steps, visible units are those of the machine: ``exp(-F(v)) / Z``.

    Args:
      params: Of an `fnn.models.rbm`.
      visible: Where the chains begin, ``(..., visible)``.
      key: What they draw by.
      steps: How many steps they take; at least 0.

    Raises:
      TypeError: As `sample_hidden` does, or if ``steps`` is no int.
      ValueError: As `mean_hidden` does, or if ``steps < 0``.

    Example:
      >>> v = jnp.zeros((100, 3))  # a hundred chains
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), v)
      >>> fnn.models.boltzmann.gibbs(params, v, jax.random.key(1), 20).shape
      (100, 3)

    References:
      Geman and Geman, Stochastic relaxation, Gibbs distributions, and the Bayesian
      restoration of images, 1984, section XI.
    """
    params, visible = ready("gibbs", params, visible)
    key = check_key(key, "gibbs(params, visible, key, steps)")
    check_count("gibbs", "steps", steps, least=0)
    return _chains(params, visible, key, int(steps))


@partial(jax.jit, static_argnames="steps")
def _chains(params: Any, visible: Array, key: Any, steps: int) -> Array:
    def step(visible, i):
        return block_gibbs(params, visible, jax.random.fold_in(key, i)), None

    return lax.scan(step, visible, jnp.arange(steps))[0]


def log_odds(data: Any) -> Array:
    """Visible biases that give each unit its mean, ``(examples, n) -> (n,)``.

    ``log(p / (1 - p))`` with ``p = (sum(data) + 1) / (examples + 2)``, so that a unit
    which is never 1 gets a small probability, as rare as the data let it be. Learning
    and annealing both begin well at these.

    Args:
      data: States of binary units, or probabilities, in [0, 1].

    Raises:
      TypeError: If data are not floating.
      ValueError: If there are none, or one is outside of [0, 1].

    Example:
      >>> fnn.models.boltzmann.log_odds(jnp.array([[0.0, 1.0], [0.0, 0.0]]))
      Array([-1.0986123,  0.       ], dtype=float32)
    """
    check_examples("log_odds", data)
    check_states("log_odds", data, {}, between=True)
    data = jnp.asarray(data)
    total = jnp.sum(data, 0)
    return jnp.log(total + 1) - jnp.log(len(data) - total + 1)
