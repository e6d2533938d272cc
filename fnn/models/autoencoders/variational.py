"""The variational autoencoder: draws of latents, and what a decoder makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from fnn.contract import as_layer, constructor
from fnn.layers.checks import check_count, is_kind
from fnn.layers.dtypes import at_least_float32
from fnn.layers.forwards import Forward
from fnn.ops.random_bits import swift
from fnn.shapes import is_array, shown
from fnn.wiring import module


class Inferred(NamedTuple):
    """What a variational autoencoder infers of examples.

    Attributes:
      mean: Means of the latents given an example, ``(..., latents)``.
      log_scale: Logarithms of their standard deviations, ``(..., latents)``.
      latents: Draws of them, ``(..., samples, latents)``.
      decoded: What the decoder made of each draw, ``(..., samples, *example)``: params
        of the distribution of x, such as logits.
    """

    mean: Array
    log_scale: Array
    latents: Array
    decoded: Any


@constructor
def vae(encoder: Any, decoder: Any, *, samples: int = 1) -> Any:
    """Variational autoencoder, ``(..., *example) -> Inferred``; always needs a key.

    ``mean, log_scale = split(encoder(x), 2, axis=-1)``,
    ``latents = mean + exp(log_scale) * e``, ``decoded = decoder(latents)``

    where ``e`` is standard normal, for each of ``samples`` draws. Its bounds of the
    log-likelihood are functions of what it gives, `fnn.models.autoencoders.elbo` and
    `iwae`; with `fnn.training.supervised` and batches ``(x, x)`` they are what it
    learns by. Params do not depend on ``samples``, so that one may learn by a few and
    be judged by many, as `fnn.models.autoencoders.log_marginal` does.

    New examples are what the decoder makes of standard normal latents,
    ``net.parts["decoder"].apply(params["decoder"], latents)``.

    Params: ``encoder`` and ``decoder``, those of the parts.

    Args:
      encoder: A layer or function, from examples to ``(..., 2 * latents)``; one that
        keeps state makes the whole a `StatefulLayer`.
      decoder: Likewise; from latents, with ``samples`` as one more leading axis, to the
        params of a distribution of examples.
      samples: How many draws there are for each example; at least 1.

    Raises:
      TypeError: If a part is no layer, or ``samples`` no int.
      ValueError: If ``samples < 1``, the encoder does not give floating numbers in
        pairs, or there is no key.

    Example:
      >>> from fnn.models import autoencoders
      >>> net = fnn.models.vae(
      ...     encoder=fnn.models.mlp(2 * 3, (16,)), decoder=fnn.models.mlp(8, (16,))
      ... )
      >>> x = jnp.ones((5, 8))
      >>> params = net.init(jax.random.key(0), x)
      >>> inferred = net.apply(params, x, key=jax.random.key(1))
      >>> inferred.latents.shape, inferred.decoded.shape
      ((5, 1, 3), (5, 1, 8))
      >>> autoencoders.elbo(inferred, x).shape
      (5,)
      >>> objective = fnn.training.supervised(
      ...     net, lambda inferred, x: -autoencoders.elbo(inferred, x)
      ... )

    References:
      Kingma and Welling, Auto-encoding variational Bayes, 2014, sections 2.4 and 3.
      Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, 2016, for
      several draws.
    """
    check_count("vae", "samples", samples)
    return module(
        encoder=as_layer(encoder, "vae, encoder"),
        decoder=as_layer(decoder, "vae, decoder"),
    )(_VAE(samples))


@dataclass(frozen=True)
class _VAE(Forward):
    samples: int
    __name__ = "vae"

    def __call__(self, parts, x, *, key):
        encoded = parts.encoder(x)
        if (
            not is_array(encoded)
            or not is_kind(encoded, "floating")
            or encoded.ndim < 1
            or encoded.shape[-1] % 2
        ):
            raise ValueError(
                "vae: expected an encoder that gives (..., 2 * latents) of floating "
                f"dtype, means and then log_scales, got {shown(encoded)}."
            )
        mean, log_scale = jnp.split(encoded, 2, axis=-1)
        # Drawn in float32, as draws of 16 bits are coarse.
        shape = (*mean.shape[:-1], self.samples, mean.shape[-1])
        noise = jax.random.normal(swift(key), shape, at_least_float32(mean.dtype))
        scale = jnp.exp(log_scale)[..., None, :]
        latents = mean[..., None, :] + scale * noise.astype(mean.dtype)
        return Inferred(mean, log_scale, latents, parts.decoder(latents))
