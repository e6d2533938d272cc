"""What a restricted machine computes of its units; params tell of which kind it is.

Visible units are binary, or normal where there is a ``log_scale`` among the params.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from fnn.layers.dtypes import along
from fnn.ops.random_bits import swift


def precisions(params: Any) -> Array:
    """One over the variance of each normal visible unit."""
    return jnp.exp(-2 * params["log_scale"])


def weighed(params: Any, visible: Array) -> Array:
    """What meets the weights: normal units over their variance, binary ones as is."""
    if "log_scale" not in params:
        return visible
    return visible * along(precisions(params), visible.shape)


def hidden_logits(params: Any, visible: Array) -> Array:
    """Log odds of each hidden unit, given the visible ones."""
    y = weighed(params, visible) @ params["weight"]
    return y + along(params["hidden_bias"], y.shape)


def visible_inputs(params: Any, hidden: Array) -> Array:
    """Log odds of each visible unit, or a normal one's mean, given the hidden ones."""
    y = hidden @ params["weight"].T
    return y + along(params["visible_bias"], y.shape)


def visible_energy(params: Any, visible: Array) -> Array:
    """The energy that visible units have by themselves."""
    if "log_scale" not in params:
        return -(visible @ params["visible_bias"])
    deviation = visible - along(params["visible_bias"], visible.shape)
    return (deviation**2) @ precisions(params) / 2


def free_energy(params: Any, visible: Array) -> Array:
    """``-log(sum of exp(-energy) over all states of the hidden units)``."""
    terms = jax.nn.softplus(hidden_logits(params, visible))
    return visible_energy(params, visible) - jnp.sum(terms, -1)


def visible_mean(params: Any, inputs: Array) -> Array:
    """The mean of visible units that get these inputs."""
    return inputs if "log_scale" in params else jax.nn.sigmoid(inputs)


def log_probability(params: Any, inputs: Array, visible: Array) -> Array:
    """Of visible units that get these inputs, or the density of normal ones."""
    if "log_scale" not in params:
        return binary_log_probability(inputs, visible)
    scaled = (visible - inputs) ** 2 @ precisions(params) / 2
    return -scaled - jnp.sum(params["log_scale"] + 0.5 * jnp.log(2 * jnp.pi))


def binary_log_probability(logits: Array, states: Array) -> Array:
    """Of states of binary units of these log odds."""
    return jnp.sum(states * logits - jax.nn.softplus(logits), -1)


def draw_visible(params: Any, inputs: Array, key: Any) -> Array:
    """Visible units that get these inputs."""
    if "log_scale" not in params:
        return draw_binary(inputs, key)
    noise = jax.random.normal(swift(key), inputs.shape, inputs.dtype)
    return inputs + along(jnp.exp(params["log_scale"]), inputs.shape) * noise


def draw_binary(logits: Array, key: Any) -> Array:
    """Ones and zeros of these log odds, by one exponential each."""
    odds = jnp.exp(-jnp.abs(logits))  # of the less likely of the two
    likely = jnp.where(logits > 0, jnp.ones_like(odds), odds)
    uniform = jax.random.uniform(swift(key), logits.shape, logits.dtype)
    return (uniform * (1 + odds) < likely).astype(logits.dtype)


def block_gibbs(params: Any, visible: Array, key: Any) -> Array:
    """All hidden units drawn given the visible ones, then these given the hidden."""
    hidden_key, visible_key = jax.random.split(key)
    hidden = draw_binary(hidden_logits(params, visible), hidden_key)
    return draw_visible(params, visible_inputs(params, hidden), visible_key)
