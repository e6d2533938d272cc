"""Which modes of a known mixture a generator finds."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_number
from fnn.layers.dtypes import as_number
from fnn.models.adversarial.checks import check_points


def mode_counts(samples: Any, modes: Any, *, radius: float | Array) -> Array:
    """How many samples are near to each mode, ``(n, d), (k, d) -> (k,)``, int32.

    A sample counts for the mode nearest to it, if that is less than ``radius`` away;
    three standard deviations of a mixture's normals are usual. The share of samples of
    high quality is ``counts.sum() / n``, and a mode is found by how many counts are at
    least 1, as is usual, or at least as many as one will.

    Args:
      samples: What a generator makes.
      modes: The means of the mixture.
      radius: The distance up to which a sample counts; above 0, may be traced.

    Raises:
      TypeError: If an argument is of the wrong kind.
      ValueError: If samples or modes are no points of one space, there are none, or
        ``radius`` is not above 0.

    Example:
      >>> modes = jnp.array([[0.0, 0.0], [1.0, 1.0]])
      >>> samples = jnp.array([[0.01, 0.0], [0.0, 0.02], [0.5, 0.5]])
      >>> fnn.models.adversarial.mode_counts(samples, modes, radius=0.03).tolist()
      [2, 0]

    References:
      Srivastava et al., VEEGAN: reducing mode collapse in GANs using implicit
      variational learning, 2017, section 5.1. Lin et al., PacGAN, 2018, section 4.1.
    """
    who = "mode_counts"
    samples, modes = check_points(who, samples=samples, modes=modes)
    check_number(who, "radius", radius, "above 0", lambda v: v > 0)
    distances = jnp.sum((samples[:, None] - modes[None]) ** 2, -1)
    near = jnp.min(distances, 1) < as_number(radius, distances.dtype) ** 2
    nearest = jnp.argmin(distances, 1)
    return jnp.zeros(len(modes), jnp.int32).at[nearest].add(near.astype(jnp.int32))
