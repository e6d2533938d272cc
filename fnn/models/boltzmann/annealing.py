"""Annealed importance sampling: log Z of machines with more states than can be seen."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from fnn.checks import check_key
from fnn.layers.checks import check_array, check_count, is_int
from fnn.layers.dtypes import along
from fnn.models.boltzmann.checks import (
    as_floats,
    check_machine,
    check_states,
    ready,
)
from fnn.models.boltzmann.exact import log_sum_over_visible
from fnn.models.boltzmann.units import (
    draw_binary,
    draw_visible,
    visible_energy,
    weighed,
)
from fnn.shapes import word

# Where Salakhutdinov and Murray have 500, 4,000 and 10,000 intervals.
KNOTS, INTERVALS = (0.0, 0.5, 0.9, 1.0), (0, 500, 4500, 14500)


class Annealed(NamedTuple):
    """What annealed importance sampling found.

    Attributes:
      log_partition: The estimate of ``log Z``, in nats.
      low: The estimate of Z less three of its standard errors; its logarithm, which is
        -inf where nothing is left.
      high: The estimate of Z and three of its standard errors; its logarithm.
      effective_samples: How many chains of equal weight would be as good,
        ``sum(w)^2 / sum(w^2)``; where it is near 1, neither the estimate nor its error
        is to be trusted.
      log_weights: Of each chain, on the first axis.
    """

    log_partition: Array
    low: Array
    high: Array
    effective_samples: Array
    log_weights: Array


def annealed_importance_sampling(
    params: Any,
    key: Any,
    *,
    temperatures: Any = 3501,
    chains: int = 100,
    base: Any = None,
) -> Annealed:
    """Estimate of ``log Z`` of a restricted machine, with its spread.

    Chains begin at independent visible units, whose Z is known, and go by a step of
    block Gibbs sampling at each inverse temperature t to the machine, by way of those
    with ``t weight``, ``t hidden_bias`` and ``(1 - t) base + t visible_bias``. What
    unnormalised probabilities change on the way is a chain's weight. The mean of
    weights is unbiased for Z, so that its logarithm is more often too small than too
    large: see `reverse_annealed_importance_sampling` for a bound from the other side.

    Args:
      params: Of an `fnn.models.rbm`.
      key: What chains draw by.
      temperatures: Inverse temperatures, ``(count,)``, rising from 0 to 1; or how many,
        at least 2, which are then spaced as by Salakhutdinov and Murray: a 29th of
        their intervals below 0.5, 8 up to 0.9, 20 above. More of them are better than
        more chains.
      chains: How many chains there are; at least 2.
      base: Visible biases of the beginning, ``(visible,)``, best those of the data:
        `log_odds`, or means where units are normal. None is zeros.

    Returns:
      An `Annealed`, of scalars, and the weights of each chain.

    Raises:
      TypeError: If params, the key or an option are of the wrong kind.
      ValueError: If params are not those of such a machine, inverse temperatures don't
        rise from 0 to 1, ``chains < 2``, or ``base`` is of another length.

    Example:
      >>> from fnn.models.boltzmann import annealed_importance_sampling, log_partition
      >>> normal = jax.nn.initializers.normal(1.0)
      >>> machine = fnn.models.rbm(4, weight_init=normal)
      >>> params = machine.init(jax.random.key(0), jnp.zeros((1, 6)))
      >>> found = annealed_importance_sampling(
      ...     params, jax.random.key(1), temperatures=100
      ... )
      >>> bool(found.low < log_partition(params) < found.high)
      True

    References:
      Neal, Annealed importance sampling, 2001. Salakhutdinov and Murray, On the
      quantitative analysis of deep belief networks, 2008, section 4.1.
    """
    who = "annealed_importance_sampling"
    check_machine(who, params)
    params = as_floats(params)
    key = check_key(key, f"{who}(params, key)")
    check_count(who, "chains", chains, least=2)
    base, start = _start(who, params, base)
    rising = inverse_temperatures(who, temperatures, base.dtype)
    first_key, key = jax.random.split(key)
    inputs = jnp.broadcast_to(base[None], (chains, *base.shape))
    visible = draw_visible(params, inputs, first_key)
    return _estimate(start, _anneal(params, base, visible, key, rising), sign=1)


def reverse_annealed_importance_sampling(
    params: Any,
    visible: Any,
    key: Any,
    *,
    temperatures: Any = 3501,
    chains: int = 100,
    base: Any = None,
) -> Annealed:
    """Estimates of ``log Z`` from above, by annealing backwards from given states.

    From samples of the machine itself, the mean of weights is unbiased for 1 / Z, so
    that this ``log Z`` is more often too large than too small. Between it and that of
    `annealed_importance_sampling` lies the true one, but for bad luck; samples from a
    long chain by `gibbs` serve where there are no exact ones.

    From examples of data, ``-F(v) - log_partition`` estimates the log-likelihood that
    annealing itself gives to them, as a model that generates its samples in so many
    steps; it is more often too small than too large, so that nothing is promised that
    the annealed model can't keep.

    Args:
      params: Of an `fnn.models.rbm`.
      visible: Where chains begin, ``(..., visible)``.
      key: What chains draw by.
      temperatures: As of `annealed_importance_sampling`; here they are gone down.
      chains: How many chains begin at each state; at least 2.
      base: As of `annealed_importance_sampling`.

    Returns:
      An `Annealed`, whose arrays are of shape ``(...)``, an estimate for each state.

    Raises:
      TypeError: As `annealed_importance_sampling` does.
      ValueError: As `annealed_importance_sampling` does, or if a state is neither 0 nor
        1 (of a normal unit, not finite).

    Example:
      >>> from fnn.models.boltzmann import gibbs, reverse_annealed_importance_sampling
      >>> params = fnn.models.rbm(4).init(jax.random.key(0), jnp.zeros((1, 6)))
      >>> v = gibbs(params, jnp.zeros((10, 6)), jax.random.key(1), 1000)
      >>> found = reverse_annealed_importance_sampling(
      ...     params, v, jax.random.key(2), temperatures=100
      ... )
      >>> found.log_partition.shape
      (10,)

    References:
      Burda, Grosse and Salakhutdinov, Accurate and conservative estimates of MRF
      log-likelihood using reverse annealing, 2015, section 3. Grosse, Ghahramani and
      Adams, Sandwiching the marginal likelihood using bidirectional Monte Carlo, 2015.
    """
    who = "reverse_annealed_importance_sampling"
    params, visible = ready(who, params, visible)
    check_states(who, visible, params)
    key = check_key(key, f"{who}(params, visible, key)")
    check_count(who, "chains", chains, least=2)
    base, start = _start(who, params, base)
    falling = inverse_temperatures(who, temperatures, base.dtype)[::-1]
    visible = jnp.broadcast_to(visible[None], (chains, *visible.shape))
    return _estimate(start, _anneal(params, base, visible, key, falling), sign=-1)


@jax.jit
def _anneal(params: Any, base: Array, visible: Array, key: Any, path: Array) -> Array:
    """Log-weights of chains that go through inverse temperatures, up or down.

    Two products of matrices a step: states by weights, and back.
    """

    def biased(t):
        bias = (1 - t) * base + t * params["visible_bias"]
        return params | {"visible_bias": bias}

    def step(carry, leg):
        visible, log_weight = carry
        (hidden_key, visible_key), old, new = leg
        logits = weighed(params, visible) @ params["weight"]
        logits = logits + along(params["hidden_bias"], logits.shape)
        log_weight = log_weight + jnp.sum(_softplus_change(logits, old, new), -1)
        log_weight = log_weight + visible_energy(biased(old), visible)
        log_weight = log_weight - visible_energy(biased(new), visible)
        hidden = draw_binary(new * logits, hidden_key)
        inputs = new * (hidden @ params["weight"].T)
        inputs = inputs + along(biased(new)["visible_bias"], inputs.shape)
        return (draw_visible(params, inputs, visible_key), log_weight), None

    none = jnp.zeros(visible.shape[:-1], visible.dtype)
    legs = jax.random.split(key, (len(path) - 1, 2)), path[:-1], path[1:]
    return lax.scan(step, (visible, none), legs)[0][1]


def _softplus_change(x: Array, old: Array, new: Array) -> Array:
    """``softplus(new x) - softplus(old x)``, by one logarithm."""
    rise = jnp.maximum(new * x, 0) - jnp.maximum(old * x, 0)
    odds = (jnp.exp(-jnp.abs(t * x)) for t in (old, new))
    before, after = (1 + e for e in odds)
    return rise + jnp.log(after / before)


def _estimate(start: Array, log_weights: Array, sign: int) -> Annealed:
    """Log Z of where chains went to, or came from where the sign is -1."""
    count = len(log_weights)
    largest = jnp.max(log_weights, 0)
    weights = jnp.exp(log_weights - largest[None])
    mean = jnp.mean(weights, 0)
    error = 3 * jnp.std(weights, 0, ddof=1) / count**0.5
    means = (jnp.maximum(mean - sign * error, 0), mean, mean + sign * error)
    low, middle, high = (
        start + sign * (jnp.log(jnp.maximum(m, 0)) + largest) for m in means
    )
    effective = jnp.sum(weights, 0) ** 2 / jnp.sum(weights**2, 0)
    return Annealed(middle, low, high, effective, log_weights)


def _start(who: str, params: Any, base: Any) -> tuple[Array, Array]:
    """Visible biases at which annealing begins, and log Z of units that have no more.

    A hidden unit without weights or a bias is 0 or 1 alike.
    """
    bias, hidden = params["visible_bias"], params["hidden_bias"].shape[0]
    if base is not None:
        check_array(who, base, "floating", "base")
        if base.shape != bias.shape:
            raise ValueError(
                f"{who}: expected base of shape {bias.shape}, got {base.shape}."
            )
        bias = jnp.asarray(base, bias.dtype)
    else:
        bias = jnp.zeros_like(bias)
    first = params | {"visible_bias": bias}
    return bias, log_sum_over_visible(first, bias) + hidden * math.log(2)


def inverse_temperatures(who: str, temperatures: Any, dtype: Any) -> Array:
    """As many as asked for, or those that were given, from 0 up to 1."""
    if is_int(temperatures):
        check_count(who, "temperatures", temperatures, least=2)
        places = np.linspace(0, INTERVALS[-1], int(temperatures))
        return jnp.asarray(np.interp(places, INTERVALS, KNOTS), dtype)
    check_array(who, temperatures, "floating", "temperatures")
    if not isinstance(temperatures, Tracer):
        values = np.asarray(temperatures, np.float64)
        rises = values.ndim == 1 and len(values) > 1 and np.all(np.diff(values) > 0)
        if not rises or values[0] != 0 or values[-1] != 1:
            raise ValueError(
                f"{who}: expected temperatures that rise from 0 to 1, "
                f"got {word(temperatures)}."
            )
    return jnp.asarray(temperatures, dtype)
