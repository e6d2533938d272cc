"""Autoencoders: a code of an example, and the example made from its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from jax import Array

from fnn.contract import as_layer, constructor
from fnn.layers.checks import check_array
from fnn.layers.forwards import Forward
from fnn.shapes import is_array, shown
from fnn.wiring import module


class Coded(NamedTuple):
    """What an autoencoder gives.

    Attributes:
      code: What the encoder made of the examples.
      reconstruction: What the decoder made of that, of the examples' shape.
    """

    code: Array
    reconstruction: Array


@constructor
def autoencoder(encoder: Any, decoder: Any) -> Any:
    """A code and the reconstruction from it, ``(...) -> Coded((...), (...))``.

    ``code = encoder(x)``, ``reconstruction = decoder(code)``

    Trained to give back what it got, by a loss between ``reconstruction`` and ``x``. A
    code that is narrower than x keeps what tells examples apart. A wide one learns when
    it must undo noise (denoising: ``sequential(fnn.dropout(0.3), autoencoder(...))``,
    whose inputs alone are spoilt, and in training alone), or when
    `fnn.models.autoencoders.sparsity_penalty` keeps most of it near 0.

    The layer encodes and decodes at once; ``net.parts["encoder"].apply(
    params["encoder"], x)`` is one half of it alone.

    Params: ``encoder`` and ``decoder``, those of the parts.

    Args:
      encoder: A layer or function; one that keeps state makes the whole a
        `StatefulLayer`.
      decoder: Likewise; from codes to the shape of the examples.

    Raises:
      TypeError: If a part is no layer, or ``x`` is not floating or complex.
      ValueError: If the decoder gives another shape than that of ``x``.

    Example:
      >>> net = fnn.models.autoencoder(
      ...     encoder=fnn.models.mlp(2, (16,)), decoder=fnn.models.mlp(8, (16,))
      ... )
      >>> x = jnp.ones((5, 8))
      >>> code, reconstruction = net.apply(net.init(jax.random.key(0), x), x)
      >>> code.shape, reconstruction.shape
      ((5, 2), (5, 8))
      >>> objective = fnn.training.supervised(  # of batches (x, x)
      ...     net, lambda coded, x: jnp.sum((coded.reconstruction - x) ** 2, axis=-1)
      ... )

    References:
      Hinton and Salakhutdinov, Reducing the dimensionality of data with neural
      networks, 2006. Vincent, Larochelle, Bengio and Manzagol, Extracting and composing
      robust features with denoising autoencoders, 2008, section 2.3.
    """
    return module(
        encoder=as_layer(encoder, "autoencoder, encoder"),
        decoder=as_layer(decoder, "autoencoder, decoder"),
    )(_Autoencoder())


@dataclass(frozen=True)
class _Autoencoder(Forward):
    __name__ = "autoencoder"

    def __call__(self, parts, x):
        check_array("autoencoder", x)
        code = parts.encoder(x)
        reconstruction = parts.decoder(code)
        if not is_array(reconstruction) or reconstruction.shape != x.shape:
            raise ValueError(
                f"autoencoder: expected a decoder that gives x's shape {x.shape}, "
                f"got {shown(reconstruction)}."
            )
        return Coded(code, reconstruction)
