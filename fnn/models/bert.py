"""BERT: an encoder of sequences of tokens, in both directions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import normal
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import check_array, check_count, check_flags
from fnn.layers.embedding import embed
from fnn.layers.forwards import Forward, projection
from fnn.layers.multi_head_attention import attention
from fnn.layers.normalization import layer_norm
from fnn.layers.positions import learned_positions
from fnn.layers.transformers import dropping, feed_forward, given, transformer_block
from fnn.transforms.copies import repeat
from fnn.wiring import module


@constructor
def bert(
    vocabulary: int,
    *,
    length: int = 512,
    types: int = 2,
    features: int = 768,
    heads: int = 12,
    layers: int = 12,
    hidden: int | None = None,
    activation: Callable[[Array], Array] = functools.partial(
        jax.nn.gelu, approximate=False
    ),
    dropout: float | Array = 0.1,
    eps: float = 1e-12,
    pooled: bool = False,
    remat: bool = False,
    unroll: int = 1,
    implementation: str | None = None,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """A vector for each token, ``(batch..., time) -> (batch..., time, features)``.

    ``norm(word[ids] + position + type[types])``, then blocks of attention in both
    directions, with the norm of the sum. The second input, ``types``, says to which
    sentence a token belongs; by default 0. With ``pooled=True`` the output is a pair,
    with ``tanh`` of a linear layer of the first vector.

    Inputs by name: ``lengths`` and ``mask``, as of `attention`.

    Params: ``embed``, ``types``, ``positions``, ``norm``, ``blocks`` of ``layers``
    copies with ``attention``, ``feed_forward`` and their norms, and ``pooler`` (``()``
    unless ``pooled``). ``dropout`` is ``()``. Weights are normal of deviation 0.02.

    Args:
      vocabulary: The number of tokens; at least 1.
      length: The number of learned positions.
      types: The number of types; at least 1.
      features: Length of a vector; a multiple of ``heads``.
      heads: The number of heads of attention.
      layers: The number of blocks; at least 1.
      hidden: Length of a block's hidden layer; by default ``4 * features``.
      activation: That of the hidden layer; by default exact GELU.
      dropout: Probability of *zeroing*, in training, a value of the embedding, of what
        a part adds, or an attention weight; in [0, 1).
      eps: Added to the variance in norms.
      pooled: Whether the pooled vector is an output, too.
      remat: Whether each block's activations are recomputed in the backward pass.
      unroll: How many blocks one iteration of their loop runs: more take longer to
        compile, and on a CPU all of them less time (`repeat`).
      implementation: That of `attention`; without dropout.
      param_dtype: Floating dtype of the parameters.

    Raises:
      TypeError: If an option is of the wrong kind, or ids or types are no integers.
      ValueError: If an option is out of range, a sequence is longer than ``length``, or
        types have another shape than ids.

    Example:
      >>> net = fnn.models.bert(11, length=8, features=8, heads=2, layers=2)
      >>> ids = jnp.array([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
      >>> params = net.init(jax.random.key(0), ids)
      >>> net.apply(params, ids, lengths=jnp.array([5, 3])).shape
      (2, 5, 8)

    References:
      Devlin et al., BERT: pre-training of deep bidirectional transformers for language
      understanding, 2018.
    """
    check_count("bert", "vocabulary", vocabulary)
    check_count("bert", "types", types)
    check_count("bert", "layers", layers)
    check_count("bert", "unroll", unroll)
    check_flags("bert", pooled=pooled, remat=remat)
    table: dict[str, Any] = {"weight_init": normal(0.02), "param_dtype": param_dtype}
    options: dict[str, Any] = table | {"out_init": normal(0.02)}
    norm = layer_norm(eps=eps, param_dtype=param_dtype)
    block = transformer_block(
        attention(
            features, heads, dropout=dropout, implementation=implementation, **options
        ),
        feed_forward(features, hidden=hidden, activation=activation, **options),
        norm=norm,
        norm_first=False,
        dropout=dropout,
    )
    return module(
        embed=embed(vocabulary, features, **table),
        types=embed(types, features, **table),
        positions=learned_positions(length, **table),
        norm=norm,
        dropout=dropping("bert", dropout),
        blocks=repeat(block, layers, remat=remat, unroll=unroll),
        pooler=projection(features, **table) if pooled else None,
    )(_BERT())


@dataclass(frozen=True)
class _BERT(Forward):
    __name__ = "bert"

    def __call__(self, parts, ids, types=None, *, lengths=None, mask=None):
        check_array("bert", ids, "integer", "ids")
        types = jnp.zeros(ids.shape, jnp.int32) if types is None else types
        check_array("bert", types, "integer", "types")
        if types.shape != ids.shape:
            raise ValueError(
                f"bert: expected types of the shape of ids, {ids.shape}, "
                f"got {types.shape}."
            )
        x = parts.norm(parts.positions(parts.embed(ids) + parts.types(types)))
        x = parts.dropout(x) if parts.dropout else x
        x = parts.blocks(x, **given(lengths=lengths, mask=mask))
        return (x, jnp.tanh(parts.pooler(x[..., 0, :]))) if parts.pooler else x
