"""What generator and discriminator lose, by logits of real and of fake examples."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from fnn.layers.checks import check_array
from fnn.layers.dtypes import at_least_float32


class Losses(NamedTuple):
    """What each player of a game minimises by its own params: two scalars.

    Attributes:
      generator: What the generator loses.
      discriminator: What the discriminator loses.
    """

    generator: Array
    discriminator: Array


def minimax(real: Any, fake: Any) -> Losses:
    """The original game, in which one player wins what the other loses.

    ``discriminator = mean(softplus(-real)) + mean(softplus(fake))``
    ``generator = -mean(softplus(fake))``

    A logit is the log odds that an example is real. The generator's gradient vanishes
    where its examples are told from real ones surely, as they are at first.

    Args:
      real: Logits of real examples, of any shape.
      fake: Logits of fake examples.

    Raises:
      TypeError: If one of them is no array, or not floating.
      ValueError: If one of them is empty.

    Example:
      >>> losses = fnn.models.adversarial.minimax(jnp.zeros(4), jnp.zeros(4))
      >>> float(losses.generator), float(losses.discriminator)
      (-0.6931471824645996, 1.3862943649291992)

    References:
      Goodfellow et al., Generative adversarial nets, 2014, equation 1.
    """
    real, fake = _logits("minimax", real, fake)
    return Losses(-jnp.mean(jax.nn.softplus(fake)), _cross_entropy(real, fake))


def non_saturating(real: Any, fake: Any) -> Losses:
    """The game in which the generator maximises what is thought of its examples.

    ``discriminator = mean(softplus(-real)) + mean(softplus(fake))``
    ``generator = mean(softplus(-fake))``

    Its gradient is strong where examples are told from real ones surely.

    Args:
      real: Logits of real examples, of any shape.
      fake: Logits of fake examples.

    Raises:
      TypeError: If one of them is no array, or not floating.
      ValueError: If one of them is empty.

    Example:
      >>> losses = fnn.models.adversarial.non_saturating(jnp.zeros(4), jnp.zeros(4))
      >>> float(losses.generator), float(losses.discriminator)
      (0.6931471824645996, 1.3862943649291992)

    References:
      Goodfellow et al., Generative adversarial nets, 2014, section 3.
    """
    real, fake = _logits("non_saturating", real, fake)
    return Losses(jnp.mean(jax.nn.softplus(-fake)), _cross_entropy(real, fake))


def wasserstein(real: Any, fake: Any) -> Losses:
    """The game for the earth mover's distance, played with a critic of slope 1.

    ``discriminator = mean(fake) - mean(real)``
    ``generator = -mean(fake)``

    What bounds the critic's slope stands elsewhere: `gradient_penalty`, or
    `fnn.spectral_norm` of its weights.

    Args:
      real: The critic's values of real examples, of any shape.
      fake: Those of fake examples.

    Raises:
      TypeError: If one of them is no array, or not floating.
      ValueError: If one of them is empty.

    Example:
      >>> losses = fnn.models.adversarial.wasserstein(jnp.full(4, 3.0), jnp.ones(4))
      >>> float(losses.generator), float(losses.discriminator)
      (-1.0, -2.0)

    References:
      Arjovsky, Chintala and Bottou, Wasserstein generative adversarial networks, 2017,
      equations 2 and 3.
    """
    real, fake = _logits("wasserstein", real, fake)
    return Losses(-jnp.mean(fake), jnp.mean(fake) - jnp.mean(real))


def _cross_entropy(real: Array, fake: Array) -> Array:
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))


def _logits(who: str, real: Any, fake: Any) -> list[Array]:
    """Both in at least float32."""
    for name, logits in (("real", real), ("fake", fake)):
        check_array(who, logits, "floating", name)
        if 0 in logits.shape:
            raise ValueError(
                f"{who}: expected {name} of at least one logit, got {logits.shape}."
            )
    return [jnp.asarray(a, at_least_float32(a.dtype)) for a in (real, fake)]
