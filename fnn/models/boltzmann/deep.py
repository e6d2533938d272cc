"""Deep belief networks: restricted machines on top of each other, layer by layer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from fnn.checks import check_key
from fnn.layers.checks import check_count
from fnn.layers.dtypes import as_array
from fnn.models.boltzmann.checks import (
    as_floats,
    check_machine,
    check_states,
    is_gaussian,
    ready,
)
from fnn.models.boltzmann.sampling import gibbs
from fnn.models.boltzmann.units import (
    binary_log_probability,
    draw_binary,
    draw_visible,
    free_energy,
    hidden_logits,
    log_probability,
    visible_inputs,
)
from fnn.shapes import word


def transposed(params: Any) -> dict[str, Array]:
    """A machine upside down, with hidden units for visible ones.

    On top of the machine itself it makes a deep belief network of the same probability
    for all visible units: where learning of a second layer begins, so that each step
    that makes it more likely improves `deep_bound`.

    Args:
      params: Of an `fnn.models.rbm` with binary units.

    Raises:
      TypeError: If params are of the wrong kind.
      ValueError: If params are not those of such a machine, or its visible units are
        normal.

    Example:
      >>> params = fnn.models.rbm(2).init(jax.random.key(0), jnp.zeros((1, 3)))
      >>> above = fnn.models.boltzmann.transposed(params)
      >>> above["weight"].shape, above["hidden_bias"].shape
      ((2, 3), (3,))

    References:
      Hinton, Osindero and Teh, A fast learning algorithm for deep belief nets, 2006,
      section 4.
    """
    check_machine("transposed", params)
    if is_gaussian(params):
        raise ValueError(
            "transposed: expected binary visible units, got normal ones, as there is a "
            "log_scale."
        )
    params = as_floats(params)
    return {
        "weight": params["weight"].T,
        "visible_bias": params["hidden_bias"],
        "hidden_bias": params["visible_bias"],
    }


def sample_deep(params: Any, key: Any, *, chains: int, steps: int = 1000) -> Array:
    """Samples of a deep belief network, ``(chains, visible)``.

    Each is drawn by a chain of `gibbs` in the highest machine, from visible units that
    are 0 or 1 alike, and from there downwards, each layer given the one above.

    Args:
      params: A tuple of params of `fnn.models.rbm`, the lowest first, each with as many
        visible units as the one below has hidden ones; normal units only the lowest.
      key: What is drawn by.
      chains: The number of samples; at least 1.
      steps: Steps of each chain; at least 0.

    Raises:
      TypeError: If params, the key or an option are of the wrong kind.
      ValueError: If params are not those of such machines, or an option is out of
        range.

    Example:
      >>> low = fnn.models.rbm(3).init(jax.random.key(0), jnp.zeros((1, 4)))
      >>> high = fnn.models.rbm(2).init(jax.random.key(1), jnp.zeros((1, 3)))
      >>> draw = fnn.models.boltzmann.sample_deep
      >>> draw((low, high), jax.random.key(2), chains=5, steps=10).shape
      (5, 4)

    References:
      Hinton, Osindero and Teh, A fast learning algorithm for deep belief nets, 2006,
      section 3.
    """
    _check_machines("sample_deep", params)
    check_count("sample_deep", "chains", chains)
    check_count("sample_deep", "steps", steps, least=0)
    key = check_key(key, "sample_deep(params, key)")
    first_key, key, *keys = jax.random.split(key, len(params) + 1)
    *lower, top = map(as_floats, params)
    none = jnp.zeros((chains, *top["visible_bias"].shape), top["weight"].dtype)
    units = gibbs(top, draw_binary(none, first_key), key, steps)
    for machine, key in zip(reversed(lower), keys, strict=True):
        units = draw_visible(machine, visible_inputs(machine, units), key)
    return units


def deep_bound(params: Any, visible: Any, key: Any, log_partition: Any) -> Array:
    """Estimate of a bound on a deep belief network's log-likelihood from below.

    ``(..., visible) -> (...)``, ``log p(v, h) - log q(h | v)``, in nats, for one draw
    of all hidden layers but the last, each given the one below. Its mean over draws,
    made by giving each ``v`` several times, is the variational bound; the logarithm of
    the mean of its exponential goes to the log-likelihood as draws become many.

    Greedy learning raises it layer by layer: train a machine on data, the next on
    `sample_hidden` of the first, and so on.

    Args:
      params: As of `sample_deep`.
      visible: States of the visible units.
      key: What is drawn by.
      log_partition: ``log Z`` of the highest machine, of `log_partition` or
        `annealed_importance_sampling`.

    Raises:
      TypeError: If params, states or the key are of the wrong kind.
      ValueError: If params are not those of such machines, a state is neither 0 nor 1
        (of a normal unit, not finite), or there are more or fewer units.

    Example:
      >>> from fnn.models.boltzmann import deep_bound, log_partition
      >>> v = jnp.array([[0.0, 1.0, 1.0, 0.0]])
      >>> low = fnn.models.rbm(3).init(jax.random.key(0), v)
      >>> high = fnn.models.rbm(2).init(jax.random.key(1), jnp.zeros((1, 3)))
      >>> deep_bound((low, high), v, jax.random.key(2), log_partition(high)).shape
      (1,)

    References:
      Hinton, Osindero and Teh, A fast learning algorithm for deep belief nets, 2006,
      equation 8. Salakhutdinov and Murray, On the quantitative analysis of deep belief
      networks, 2008, section 5.
    """
    _check_machines("deep_bound", params)
    _, units = ready("deep_bound", params[0], visible)
    check_states("deep_bound", visible, params[0])
    key = check_key(key, "deep_bound(params, visible, key, log_partition)")
    *lower, top = map(as_floats, params)
    bound = jnp.zeros(units.shape[:-1], units.dtype)
    keys = jax.random.split(key, len(lower))
    for machine, key in zip(lower, keys, strict=True):
        logits = hidden_logits(machine, units)
        hidden = draw_binary(logits, key)
        inputs = visible_inputs(machine, hidden)
        bound = bound + log_probability(machine, inputs, units)
        bound = bound - binary_log_probability(logits, hidden)
        units = hidden
    return bound - free_energy(top, units) - as_array(log_partition, bound.dtype)


def _check_machines(who: str, params: Any) -> None:
    """Raises unless params are those of machines that stand on top of each other."""
    if type(params) not in (tuple, list) or not params:
        raise TypeError(
            f"{who}: expected params of one machine or several in a tuple, "
            f"got {word(params)}."
        )
    for machine in params:
        check_machine(who, machine)
    for i, (lower, upper) in enumerate(pairwise(params)):
        m, n = lower["weight"].shape[1], upper["weight"].shape[0]
        if m != n or is_gaussian(upper):
            kind = "normal" if is_gaussian(upper) else "binary"
            raise ValueError(
                f"{who}: expected machine {i + 1} to have {m} binary visible units, as "
                f"many as there are hidden ones below, got {n} {kind} ones."
            )
