"""The log-likelihood of a variational autoencoder, by many draws."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.checks import check_key
from fnn.contract import Layer
from fnn.layers.checks import check_array, check_count, check_functions
from fnn.models.autoencoders.bounds import (
    LogLikelihood,
    bernoulli_log_likelihood,
    log_weights,
)
from fnn.shapes import word


def log_marginal(
    net: Layer,
    params: Any,
    x: Any,
    key: Any,
    *,
    rounds: int = 1,
    log_likelihood: LogLikelihood = bernoulli_log_likelihood,
) -> Array:
    """Estimate of each example's log-likelihood, ``(..., *example) -> (...)``, in nats.

    `iwae` of ``rounds`` times as many draws as the layer makes at once, by a loop that
    needs the memory of one round. In expectation it is below the log-likelihood; papers
    report it with 5,000 draws: ``rounds=100`` of a `vae` with ``samples=50``.

    Args:
      net: An `fnn.models.vae` that keeps no state, or one transformed.
      params: Its params.
      x: Examples; so many at once as there is memory for.
      key: What the latents are drawn by.
      rounds: How many times the layer draws; at least 1.
      log_likelihood: As of `elbo`.

    Raises:
      TypeError: If there is no such layer or no key, or an argument is of the wrong
        kind.
      ValueError: If ``rounds < 1``, or as `elbo` does.

    Example:
      >>> net = fnn.models.vae(fnn.dense(4), fnn.dense(6), samples=50)
      >>> x = jnp.ones((3, 6))
      >>> params = net.init(jax.random.key(0), x)
      >>> found = fnn.models.autoencoders.log_marginal(
      ...     net, params, x, jax.random.key(1), rounds=100
      ... )
      >>> found.shape
      (3,)

    References:
      Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, 2016, section
      5.1. Rezende, Mohamed and Wierstra, Stochastic backpropagation and approximate
      inference in deep generative models, 2014, appendix E.
    """
    who = "log_marginal"
    if not isinstance(net, Layer):
        raise TypeError(f"{who}: expected an fnn.models.vae, got {word(net)}.")
    check_array(who, x, None)
    key = check_key(key, f"{who}(net, params, x, key)")
    check_count(who, "rounds", rounds)
    check_functions(who, log_likelihood=log_likelihood)
    return _estimate(net, params, x, key, int(rounds), log_likelihood)


@partial(jax.jit, static_argnames=("net", "rounds", "log_likelihood"))
def _estimate(
    net: Layer,
    params: Any,
    x: Array,
    key: Any,
    rounds: int,
    log_likelihood: LogLikelihood,
) -> Array:
    def draw(number):
        inferred = net.apply(params, x, key=jax.random.fold_in(key, number))
        return log_weights(inferred, x, log_likelihood=log_likelihood)

    def add(total, number):
        return jnp.logaddexp(total, jax.nn.logsumexp(draw(number), -1)), None

    weights = jax.eval_shape(draw, 0)
    start = jnp.full(weights.shape[:-1], -jnp.inf, weights.dtype)
    total, _ = lax.scan(add, start, jnp.arange(rounds))
    return total - math.log(rounds * weights.shape[-1])
