"""The likelihood of data by a normal window around each sample of a generator."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from fnn.layers.checks import check_array, check_number
from fnn.models.adversarial.checks import check_points

CHUNK = 100  # examples whose distances from all samples are in memory at once


def parzen_log_likelihood(samples: Any, x: Any, bandwidth: float | Array) -> Array:
    """Log-density of each example, ``(n, d), (m, d) -> (m,)``, in nats.

    ``log(mean(normal(x; sample, bandwidth^2)))`` over samples: the likelihood that
    generators were compared by which give none of their own. It is a crude one, which
    depends on the bandwidth and on how many samples there are, 10,000 as published.

    Memory: that of ``100 n`` numbers, for any number of examples.

    Args:
      samples: What a generator makes, each flat.
      x: Examples, each flat.
      bandwidth: The standard deviation of each window; above 0, may be traced.

    Raises:
      TypeError: If an argument is of the wrong kind.
      ValueError: If samples or examples are no points of one space, there are none, or
        ``bandwidth`` is not above 0.

    Example:
      >>> samples = jnp.array([[0.0], [1.0]])
      >>> x = jnp.array([[0.5]])
      >>> fnn.models.adversarial.parzen_log_likelihood(samples, x, 1.0)
      Array([-1.0439385], dtype=float32)

    References:
      Breuleux, Bengio and Vincent, Quickly generating representative samples from an
      RBM-derived process, 2011, section 5. Goodfellow et al., Generative adversarial
      nets, 2014, section 5.
    """
    who = "parzen_log_likelihood"
    samples, x = check_points(who, samples=samples, x=x)
    check_number(who, "bandwidth", bandwidth, "above 0", lambda v: v > 0)
    return _log_likelihoods(samples, x, jnp.asarray(bandwidth, x.dtype)[None])[:, 0]


def parzen_bandwidth(samples: Any, x: Any, bandwidths: Any) -> Array:
    """The bandwidth that makes examples most likely, ``(n, d), (m, d), (k,) -> ()``.

    Args:
      samples: What a generator makes, each flat.
      x: Examples for validation: some that were not trained on, nor are tested by.
      bandwidths: Those to choose from, above 0.

    Raises:
      TypeError: If one of them is no floating array.
      ValueError: If samples or examples are no points of one space, there are none, or
        ``bandwidths`` is no vector, or one whose value is known is not above 0.

    Example:
      >>> samples, x = jax.random.normal(jax.random.key(0), (2, 500, 3))
      >>> bandwidths = jnp.array([0.01, 0.5, 10.0])
      >>> fnn.models.adversarial.parzen_bandwidth(samples, x, bandwidths)
      Array(0.5, dtype=float32)

    References:
      Breuleux, Bengio and Vincent, Quickly generating representative samples from an
      RBM-derived process, 2011, section 5.
    """
    who = "parzen_bandwidth"
    samples, x = check_points(who, samples=samples, x=x)
    check_array(who, bandwidths, "floating", "bandwidths")
    if bandwidths.ndim != 1 or not bandwidths.shape[0]:
        raise ValueError(
            f"{who}: expected bandwidths of shape (k,), got {bandwidths.shape}."
        )
    if not isinstance(bandwidths, Tracer) and not np.all(np.asarray(bandwidths) > 0):
        raise ValueError(
            f"{who}: expected bandwidths above 0, got {np.min(bandwidths)} among them."
        )
    bandwidths = jnp.asarray(bandwidths, x.dtype)
    means = jnp.mean(_log_likelihoods(samples, x, bandwidths), 0)
    return bandwidths[jnp.argmax(means)]


@jax.jit
def _log_likelihoods(samples: Array, x: Array, bandwidths: Array) -> Array:
    """Of each example by each bandwidth, ``(m, k)``."""
    count, features = samples.shape
    center = jnp.mean(samples, 0, keepdims=True)  # near to 0, distances round less
    samples, x = samples - center, x - center
    squares = jnp.sum(samples**2, 1)
    scales = features * (jnp.log(bandwidths) + 0.5 * math.log(2 * math.pi))

    def one(point):
        product = jnp.matmul(samples, point, precision="highest")
        distances = squares - 2 * product + jnp.sum(point**2)

        def of(bandwidth):
            return jax.nn.logsumexp(-0.5 * distances / bandwidth**2)

        return lax.map(of, bandwidths) - scales - math.log(count)

    return lax.map(one, x, batch_size=CHUNK)
