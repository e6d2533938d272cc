"""GPT: a decoder that predicts the next of a sequence of tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import normal
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.caches import Rotary
from fnn.layers.checks import check_count, check_flags
from fnn.layers.dtypes import promote
from fnn.layers.embedding import embed
from fnn.layers.forwards import Forward, projection
from fnn.layers.multi_head_attention import attention
from fnn.layers.normalization import layer_norm
from fnn.layers.positions import learned_positions
from fnn.layers.transformers import (
    dropping,
    feed_forward,
    given,
    transformer_block,
)
from fnn.ops.product import product
from fnn.transforms.copies import repeat
from fnn.wiring import module


@constructor
def gpt(
    vocabulary: int,
    *,
    length: int | None = None,
    features: int = 768,
    heads: int = 12,
    layers: int = 12,
    kv_heads: int | None = None,
    hidden: int | None = None,
    activation: Callable[[Array], Array] = jax.nn.gelu,
    gated: bool = False,
    norm: Any = None,
    qk_norm: Any = None,
    rotary: Rotary | None = None,
    position_bias: Any = None,
    window: int | tuple[int, int] | None = None,
    dropout: float | Array = 0.0,
    use_bias: bool = True,
    tied: bool = True,
    remat: bool = False,
    unroll: int = 1,
    implementation: str | None = None,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Logits of the next token by step, ``(..., time) -> (..., time, vocabulary)``.

    With ``length`` it is GPT-2: learned positions, blocks of causal attention with the
    norm first, a last norm, and logits by the embedding. With ``rotary=fnn.rotary,
    norm=fnn.rms_norm(), activation=jax.nn.silu, gated=True, use_bias=False`` and
    ``tied=False`` it is Llama.

    Ids are integers. Inputs by name: ``lengths``, ``mask`` and ``positions``, as of
    `attention`. `decoding` gives the form with a cache.

    Params: ``embed``, ``positions`` (``()`` without ``length``), ``blocks`` of
    ``layers`` copies with ``attention``, ``feed_forward`` and their norms, ``norm``,
    and ``head`` (``()`` if tied). ``dropout`` is ``()``. Weights are normal of
    deviation 0.02; ``out`` of attention and ``down`` of the network, which add to a
    stream of ``layers`` blocks, of that divided by ``(2 * layers) ** 0.5``.

    Args:
      vocabulary: The number of tokens; at least 1.
      length: The number of learned positions; by default there are none.
      features: Length of the vector that stands for a step; a multiple of ``heads``.
      heads: The number of heads of attention.
      layers: The number of blocks; at least 1.
      kv_heads: The number of heads of keys and values; by default ``heads``.
      hidden: Length of a block's hidden layer; by default ``4 * features``.
      activation: That of the hidden layer.
      gated: Whether what is activated multiplies a second hidden layer.
      norm: A layer or function that normalises; by default ``layer_norm()``, with a
        bias if ``use_bias``.
      qk_norm: A layer or function that normalises queries and keys.
      rotary: Turns queries and keys by their positions, such as `rotary`.
      position_bias: A bias by distance, such as ``alibi(heads)``.
      window: How many earlier steps attention reaches.
      dropout: Probability of *zeroing*, in training, a value of the embedding, of what
        a part adds, or an attention weight; in [0, 1).
      use_bias: Whether linear layers have biases, and the norm by default.
      tied: Whether logits are products with the rows of the embedding; else a linear
        layer without bias gives them.
      remat: Whether each block's activations are recomputed in the backward pass.
      unroll: How many blocks one iteration of their loop runs: more take longer to
        compile, and on a CPU all of them less time (`repeat`).
      implementation: That of `attention`.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, or ids are no integers.
      ValueError: If an option is out of range, or a sequence is longer than ``length``.

    Example:
      >>> net = fnn.models.gpt(11, length=8, features=8, heads=2, layers=2)
      >>> ids = jnp.array([[3, 1, 4, 1, 5]])
      >>> params = net.init(jax.random.key(0), ids)
      >>> net.apply(params, ids).shape
      (1, 5, 11)
      >>> decoder = fnn.decoding(net, 8)
      >>> _, state = decoder.init(jax.random.key(0), ids)
      >>> logits, state = decoder.apply(params, state, ids)
      >>> logits, state = decoder.apply(params, state, logits.argmax(-1)[:, -1:])
      >>> logits.shape
      (1, 1, 11)

    References:
      Radford et al., Language models are unsupervised multitask learners, 2019; Touvron
      et al., LLaMA, 2023.
    """
    check_count("gpt", "vocabulary", vocabulary)
    check_count("gpt", "layers", layers)
    check_count("gpt", "unroll", unroll)
    check_flags("gpt", use_bias=use_bias, tied=tied, remat=remat)
    inner, out = normal(0.02), normal(0.02 / math.sqrt(2 * layers))
    options: dict[str, Any] = {"use_bias": use_bias, "param_dtype": param_dtype}
    options |= {"weight_init": inner, "out_init": out}
    if norm is None:
        norm = layer_norm(use_bias=use_bias, param_dtype=param_dtype)
    block = transformer_block(
        attention(
            features,
            heads,
            kv_heads=kv_heads,
            causal=True,
            window=window,
            rotary=rotary,
            qk_norm=qk_norm,
            position_bias=position_bias,
            dropout=dropout,
            implementation=implementation,
            **options,
        ),
        feed_forward(
            features, hidden=hidden, activation=activation, gated=gated, **options
        ),
        norm=norm,
        dropout=dropout,
    )
    table = {"weight_init": inner, "param_dtype": param_dtype}
    return module(
        embed=embed(vocabulary, features, **table),
        positions=None if length is None else learned_positions(length, **table),
        dropout=dropping("gpt", dropout),
        blocks=repeat(block, layers, remat=remat, unroll=unroll),
        norm=norm,
        head=None if tied else projection(vocabulary, use_bias=False, **table),
    )(_GPT())


@dataclass(frozen=True)
class _GPT(Forward):
    __name__ = "gpt"

    def __call__(self, parts, ids, *, lengths=None, mask=None, positions=None):
        x = parts.embed(ids)
        if parts.positions:
            x = parts.positions(x, **given(lengths=lengths, positions=positions))
        x = parts.dropout(x) if parts.dropout else x
        named = given(lengths=lengths, mask=mask, positions=positions)
        x = parts.norm(parts.blocks(x, **named))
        return parts.head(x) if parts.head else scores(x, parts.embed)


def scores(x: Array, table: Any) -> Array:
    """Products with the rows of an embedding, ``(..., n) -> (..., count)``."""
    x, weight = promote("embed", x, table.params["weight"])
    return product(x, weight.T)
