"""The transformer of 2017: a sequence into another, by an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import glorot_uniform
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import check_count, check_flags
from fnn.layers.embedding import embed
from fnn.layers.forwards import Forward, projection
from fnn.layers.multi_head_attention import attention
from fnn.layers.normalization import layer_norm
from fnn.layers.positions import sinusoidal_positions
from fnn.layers.transformers import dropping, feed_forward, given, transformer_block
from fnn.models.gpt import scores
from fnn.transforms.copies import repeat
from fnn.transforms.stepping import whole
from fnn.wiring import module


@constructor
def encoder_decoder(
    vocabulary: int,
    *,
    source_vocabulary: int | None = None,
    features: int = 512,
    heads: int = 8,
    layers: int = 6,
    hidden: int | None = None,
    activation: Callable[[Array], Array] = jax.nn.relu,
    norm_first: bool = False,
    dropout: float | Array = 0.1,
    tied: bool = True,
    remat: bool = False,
    unroll: int = 1,
    implementation: str | None = None,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Logits of the next target token, from a source and the target so far.

    ``apply(params, source, target)``, ids ``(batch..., time)`` each, to ``(batch...,
    target's time, vocabulary)``. Embeddings, times ``features ** 0.5``, with sinusoidal
    positions go through an encoder that sees all of the source, and a decoder that sees
    earlier steps of the target and what the encoder gave.

    Inputs by name: ``source_lengths`` and ``lengths``, integers ``(batch...)``: steps
    of source and target from there on are padding. `decoding` gives the form with
    caches, whose first call has the source, and later ones may have None in its place.

    Params: ``embed``, ``source_embed`` (``()`` unless there is a source vocabulary);
    ``encoder`` and ``decoder`` of ``layers`` copies of a block; ``encoder_norm`` and
    ``decoder_norm`` (``()`` unless ``norm_first``); ``head`` (``()`` if tied).
    ``positions``, ``source_positions`` and ``dropout`` are ``()``.

    Args:
      vocabulary: The number of tokens of the target, and of the source by default.
      source_vocabulary: The number of tokens of a source that has its own.
      features: Length of the vector that stands for a step; a multiple of ``heads``.
      heads: The number of heads of attention.
      layers: The number of blocks of each half; at least 1.
      hidden: Length of a block's hidden layer; by default ``4 * features``.
      activation: That of the hidden layer.
      norm_first: Whether norms are of the inputs of parts, not of sums.
      dropout: Probability of *zeroing*, in training, a value of an embedding, of what a
        part adds, or an attention weight; in [0, 1).
      tied: Whether logits are products with the rows of the embedding; else a linear
        layer without bias gives them.
      remat: Whether each block's activations are recomputed in the backward pass.
      unroll: How many blocks one iteration of their loop runs: more take longer to
        compile, and on a CPU all of them less time (`repeat`).
      implementation: That of `attention`; without dropout.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, ids are no integers, or there is no
        source.
      ValueError: If an option is out of range.

    Example:
      >>> net = fnn.models.encoder_decoder(11, features=8, heads=2, layers=2)
      >>> source, target = jnp.array([[3, 1, 4, 1]]), jnp.array([[5, 9, 2]])
      >>> params = net.init(jax.random.key(0), source, target)
      >>> net.apply(params, source, target).shape
      (1, 3, 11)
      >>> decoder = fnn.decoding(net, 8)
      >>> _, state = decoder.init(jax.random.key(0), source, target)
      >>> logits, state = decoder.apply(params, state, source, target[:, :1])
      >>> logits, state = decoder.apply(params, state, None, target[:, 1:2])
      >>> logits.shape
      (1, 1, 11)

    References:
      Vaswani et al., Attention is all you need, 2017.
    """
    check_count("encoder_decoder", "vocabulary", vocabulary)
    check_count("encoder_decoder", "features", features)
    check_count("encoder_decoder", "layers", layers)
    check_count("encoder_decoder", "unroll", unroll)
    check_flags("encoder_decoder", norm_first=norm_first, tied=tied, remat=remat)
    weights: dict[str, Any] = {"weight_init": glorot_uniform()}
    weights |= {"param_dtype": param_dtype}
    options: dict[str, Any] = weights | {"out_init": glorot_uniform()}
    norm = layer_norm(param_dtype=param_dtype)

    def attending(**kind: Any):
        kind |= options | {"dropout": dropout, "implementation": implementation}
        return attention(features, heads, **kind)

    def half(attention, cross_attention=None):
        block = transformer_block(
            attention,
            feed_forward(features, hidden=hidden, activation=activation, **options),
            cross_attention=cross_attention,
            norm=norm,
            norm_first=norm_first,
            dropout=dropout,
        )
        return repeat(block, layers, remat=remat, unroll=unroll)

    def table(count):
        return embed(count, features, scale=features**0.5, param_dtype=param_dtype)

    own = source_vocabulary
    return module(
        embed=table(vocabulary),
        source_embed=None if own is None else table(own),
        positions=sinusoidal_positions(),
        source_positions=whole(sinusoidal_positions()),
        dropout=dropping("encoder_decoder", dropout),
        encoder=whole(half(attending())),
        encoder_norm=norm if norm_first else None,
        decoder=half(attending(causal=True), attending(cross=True)),
        decoder_norm=norm if norm_first else None,
        head=None if tied else projection(vocabulary, use_bias=False, **weights),
    )(_EncoderDecoder())


@dataclass(frozen=True)
class _EncoderDecoder(Forward):
    __name__ = "encoder_decoder"

    def __call__(self, parts, source, target, *, source_lengths=None, lengths=None):
        memory = None
        if source is not None:
            memory = self.encoded(parts, source, source_lengths)
        x = parts.positions(parts.embed(target), **given(lengths=lengths))
        x = parts.dropout(x) if parts.dropout else x
        named = given(memory=memory, memory_lengths=source_lengths, lengths=lengths)
        x = parts.decoder(x, **named)
        x = parts.decoder_norm(x) if parts.decoder_norm else x
        return parts.head(x) if parts.head else scores(x, parts.embed)

    def encoded(self, parts, source, lengths):
        embed = parts.source_embed or parts.embed
        x = parts.source_positions(embed(source), **given(lengths=lengths))
        x = parts.dropout(x) if parts.dropout else x
        x = parts.encoder(x, **given(lengths=lengths))
        return parts.encoder_norm(x) if parts.encoder_norm else x
