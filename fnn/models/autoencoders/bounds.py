"""Bounds of the log-likelihood, as functions of what a `vae` gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_array, check_functions
from fnn.layers.dtypes import at_least_float32, promote
from fnn.models.autoencoders.variational import Inferred
from fnn.models.checks import check_unit_interval
from fnn.shapes import is_array, shown, word

# (decoded, x) -> the logarithm of the probability of x, of each value or all together.
LogLikelihood = Callable[[Any, Any], Array]


def bernoulli_log_likelihood(logits: Any, x: Any) -> Array:
    """Log-probability of each binary value, ``(...), (...) -> (...)``.

    ``x * logits - softplus(logits)``, in nats.

    Args:
      logits: Of the probability of 1.
      x: Values 0 or 1, or anything between, whose log-probability is then that of a
        draw with this mean, in expectation.

    Raises:
      TypeError: If one of them is not floating.
      ValueError: If their shapes differ, or a value, where it is known, is outside of
        [0, 1].

    Example:
      >>> fnn.models.autoencoders.bernoulli_log_likelihood(jnp.zeros(2), jnp.ones(2))
      Array([-0.6931472, -0.6931472], dtype=float32)
    """
    who = "bernoulli_log_likelihood"
    check_array(who, logits, "floating", "logits")
    check_array(who, x, "floating")
    if logits.shape != x.shape:
        raise ValueError(
            f"{who}: expected logits of the shape of x, {x.shape}, got {logits.shape}."
        )
    check_unit_interval(who, "x", x)
    logits, x = _wide(who, logits, x)
    return x * logits - jax.nn.softplus(logits)


def kl_divergence(mean: Any, log_scale: Any) -> Array:
    """Of a normal distribution from the standard one, ``(..., n), (..., n) -> (...)``.

    ``sum((mean^2 + scale^2 - 1) / 2 - log_scale)`` with ``scale = exp(log_scale)``: the
    Kullback-Leibler divergence of independent normals, in nats.

    Args:
      mean: Means.
      log_scale: Logarithms of the standard deviations.

    Raises:
      TypeError: If one of them is not floating.
      ValueError: If their shapes differ, or have no axis.

    Example:
      >>> fnn.models.autoencoders.kl_divergence(jnp.ones(4), jnp.zeros(4))
      Array(2., dtype=float32)

    References:
      Kingma and Welling, Auto-encoding variational Bayes, 2014, appendix B.
    """
    who = "kl_divergence"
    check_array(who, mean, "floating", "mean")
    check_array(who, log_scale, "floating", "log_scale")
    if mean.shape != log_scale.shape or mean.ndim < 1:
        raise ValueError(
            f"{who}: expected mean and log_scale of one shape (..., n), got "
            f"{mean.shape} and {log_scale.shape}."
        )
    mean, log_scale = _wide(who, mean, log_scale)
    return jnp.sum((mean**2 + jnp.expm1(2 * log_scale)) / 2 - log_scale, -1)


def elbo(
    inferred: Inferred,
    x: Any,
    *,
    log_likelihood: LogLikelihood = bernoulli_log_likelihood,
) -> Array:
    """Evidence lower bound of each example's log-likelihood, ``(...)``, in nats.

    ``mean(log p(x | z)) - kl_divergence(mean, log_scale)``, the mean over draws of z,
    the divergence in closed form.

    Args:
      inferred: What an `fnn.models.vae` gives for ``x``.
      x: The examples, ``(..., *example)``.
      log_likelihood: ``log_likelihood(decoded, x)``, where ``x`` is repeated for each
        draw, ``(..., samples, *example)``. What it gives is summed over all axes but
        the leading ones, ``(..., samples)``.

    Raises:
      TypeError: If ``inferred`` is something else, or ``x`` no array.
      ValueError: If ``x`` has other leading axes, or ``log_likelihood`` gives them.

    Example:
      >>> net = fnn.models.vae(fnn.dense(4), fnn.dense(6))
      >>> x = jnp.ones((3, 6))
      >>> params = net.init(jax.random.key(0), x)
      >>> inferred = net.apply(params, x, key=jax.random.key(1))
      >>> fnn.models.autoencoders.elbo(inferred, x).shape
      (3,)
      >>> def normal(mean, x):
      ...     return -0.5 * ((x - mean) ** 2 + jnp.log(2 * jnp.pi))
      >>> fnn.models.autoencoders.elbo(inferred, x, log_likelihood=normal).shape
      (3,)

    References:
      Kingma and Welling, Auto-encoding variational Bayes, 2014, equations 7 and 10.
    """
    conditional = _conditional("elbo", inferred, x, log_likelihood)
    return jnp.mean(conditional, -1) - kl_divergence(inferred.mean, inferred.log_scale)


def log_weights(
    inferred: Inferred,
    x: Any,
    *,
    log_likelihood: LogLikelihood = bernoulli_log_likelihood,
) -> Array:
    """Logarithms of importance weights, ``(..., samples)``, in nats.

    ``log p(x | z) + log p(z) - log q(z | x)`` of each draw: the mean of weights is
    unbiased for ``p(x)``. `elbo` in expectation is the mean of their logarithms.

    Args:
      inferred: As of `elbo`.
      x: As of `elbo`.
      log_likelihood: As of `elbo`.

    Raises:
      TypeError: As `elbo` does.
      ValueError: As `elbo` does.

    Example:
      >>> net = fnn.models.vae(fnn.dense(4), fnn.dense(6), samples=5)
      >>> x = jnp.ones((3, 6))
      >>> params = net.init(jax.random.key(0), x)
      >>> inferred = net.apply(params, x, key=jax.random.key(1))
      >>> fnn.models.autoencoders.log_weights(inferred, x).shape
      (3, 5)
    """
    conditional = _conditional("log_weights", inferred, x, log_likelihood)
    mean, log_scale, z = _wide("log_weights", *inferred[:3])
    noise = (z - mean[..., None, :]) * jnp.exp(-log_scale)[..., None, :]
    ratio = jnp.sum((noise**2 - z**2) / 2 + log_scale[..., None, :], -1)
    return conditional + ratio.astype(conditional.dtype)


def iwae(
    inferred: Inferred,
    x: Any,
    *,
    log_likelihood: LogLikelihood = bernoulli_log_likelihood,
) -> Array:
    """Importance-weighted bound of each example's log-likelihood, ``(...)``, in nats.

    ``log(mean(exp(log_weights)))``, the mean over draws. With one of them it is `elbo`
    in expectation; the more there are, the nearer the log-likelihood it is, from below.

    Args:
      inferred: As of `elbo`.
      x: As of `elbo`.
      log_likelihood: As of `elbo`.

    Raises:
      TypeError: As `elbo` does.
      ValueError: As `elbo` does.

    Example:
      >>> net = fnn.models.vae(fnn.dense(4), fnn.dense(6), samples=50)
      >>> x = jnp.ones((3, 6))
      >>> params = net.init(jax.random.key(0), x)
      >>> inferred = net.apply(params, x, key=jax.random.key(1))
      >>> fnn.models.autoencoders.iwae(inferred, x).shape
      (3,)

    References:
      Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, 2016, equation
      8 and theorem 1.
    """
    weights = log_weights(inferred, x, log_likelihood=log_likelihood)
    return jax.nn.logsumexp(weights, -1) - math.log(weights.shape[-1])


def _conditional(
    who: str, inferred: Any, x: Any, log_likelihood: LogLikelihood
) -> Array:
    """``log p(x | z)`` of each draw, ``(..., samples)``."""
    check_functions(who, log_likelihood=log_likelihood)
    if not isinstance(inferred, Inferred):
        raise TypeError(
            f"{who}: expected what an fnn.models.vae gives, got {word(inferred)}."
        )
    check_array(who, x, None)
    *leading, samples, _ = inferred.latents.shape
    batch = len(leading)
    if x.shape[:batch] != tuple(leading):
        axes = "".join(f"{n}, " for n in leading)
        raise ValueError(f"{who}: expected x of shape ({axes}...), got {x.shape}.")
    repeated = jnp.broadcast_to(
        jnp.expand_dims(x, batch), (*leading, samples, *x.shape[batch:])
    )
    values = log_likelihood(inferred.decoded, repeated)
    if not is_array(values) or values.shape[: batch + 1] != (*leading, samples):
        raise ValueError(
            f"{who}: expected log_likelihood to give values of shape "
            f"({', '.join(map(str, (*leading, samples)))}, ...), got {shown(values)}."
        )
    (values,) = _wide(who, values)
    return jnp.sum(values, tuple(range(batch + 1, values.ndim)))


def _wide(who: str, *arrays: Any) -> list[Array]:
    """Arrays in the dtype that they promote to, of at least 32 bits."""
    arrays = tuple(promote(who, *arrays))
    return [a.astype(at_least_float32(a.dtype)) for a in arrays]
