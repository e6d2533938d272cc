"""Attention: averages of values, weighted by how well queries match keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, as_layer, constructor, is_layer
from fnn.layers.attending import CrossAttention, Heads, SelfAttention
from fnn.layers.caches import Rotary, keys_at_once, memory_at_once
from fnn.layers.checks import (
    check_count,
    check_flags,
    check_functions,
    check_number,
    is_int,
)
from fnn.layers.dot_products import attention_weights, averaging
from fnn.layers.forwards import projection
from fnn.layers.initialization import Initializer
from fnn.shapes import word
from fnn.wiring import module


@constructor
def attention(
    features: int,
    heads: int,
    *,
    kv_heads: int | None = None,
    head_features: int | None = None,
    cross: bool = False,
    causal: bool = False,
    window: int | tuple[int, int] | None = None,
    rotary: Rotary | None = None,
    qk_norm: Layer | Callable[[Array], Array] | None = None,
    position_bias: Layer | Callable[[Array], Array] | None = None,
    dropout: float | Array = 0.0,
    scale: float | Array | None = None,
    use_bias: bool = True,
    weight_init: Initializer | None = None,
    out_init: Initializer | None = None,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
    implementation: str | None = None,
) -> Layer:
    """Attention by several heads, ``(..., time, n) -> (..., time, features)``.

    ``y = concatenate(softmax(scale * q @ k.T + bias) @ v for each head) @ out``, where
    ``q = x @ query``, ``k = x @ key`` and ``v = x @ value``, with biases. A query that
    no key is allowed for gives zeros; softmax is computed in at least float32.

    Self-attention is ``apply(params, x)``. With ``cross=True`` keys and values are
    those of a memory, ``(..., keys, m)``: ``apply(params, x, memory)``; or
    ``apply(params, x, memory, values)`` where values come of something else.

    Inputs by name, all optional:

    - ``mask``, bool, True where a query may attend to a key: ``(time, keys)`` or
      ``(..., heads, time, keys)``, in which 1 stands for any length;
    - ``bias``, added to the logits, of the same shapes;
    - ``lengths``, integers ``(...)``: steps of ``x`` from there on are padding, to
      which nothing attends, and their outputs are zero;
    - ``positions``, integers ``(time,)`` or ``(..., time)``, for ``rotary`` alone;
    - with ``cross=True``, ``memory_mask``, ``memory_bias`` and ``memory_lengths`` in
      place of ``mask``, ``bias`` and ``positions``.

    `init` wants a batch axis, lest a batch that lost its time axis pass for a sequence;
    `apply` takes none, too. `decoding` gives the form with a key/value cache, in which
    ``mask`` and ``bias`` span the cache's steps.

    Params: ``query``, ``key``, ``value`` and ``out``, each a `dense`: ``weight (n,
    heads * head_features)``, head after head, and ``bias``; ``key`` and ``value`` have
    ``kv_heads``, ``out`` has ``features``. ``query_norm`` and ``key_norm`` with
    ``qk_norm``, ``position_bias`` if it is given. ``cache`` and ``weights`` are ``()``;
    ``capture(net, "**/weights")`` gives the attention weights.

    Args:
      features: Length of the output's last axis; at least 1.
      heads: The number of heads; at least 1.
      kv_heads: The number of heads of keys and values, a divisor of ``heads``, each
        shared by as many neighbours: 1 for multi-query, more for grouped-query
        attention. By default ``heads``.
      head_features: Length of a head's queries, keys and values; by default ``features
        / heads``.
      cross: Whether keys and values come of a memory.
      causal: Whether a step attends to itself and earlier ones alone.
      window: How many neighbours on either side a step attends to besides itself;
        ``(left, right)`` where the sides differ.
      rotary: Turns queries and keys by their positions, such as `rotary`.
      qk_norm: A layer or function that normalises the queries, and again the keys, of
        each head, such as ``rms_norm()``.
      position_bias: A layer or function of distances from query to key, integers
        ``(time, keys)``, negative to the left; gives ``(heads, time, keys)``, which is
        added to the logits, such as `alibi`.
      dropout: Probability of *zeroing* an attention weight in training, in [0, 1).
      scale: What logits are multiplied by; by default ``head_features ** -0.5``.
      use_bias: Whether the projections have biases.
      weight_init: Draws the weights of query, key, value; by default as `dense` does.
      out_init: Draws the weight of out; by default as `dense` does.
      bias_init: Draws the biases.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to.
      implementation: None for this library's, which has exact derivatives of any order
        in any mode; ``"xla"`` or ``"cudnn"`` for that of
        `jax.nn.dot_product_attention`, with the softmax in float32 and no ``dropout``.
        A decoder takes this library's.

    Raises:
      TypeError: If an option or an input is of the wrong kind, or ``memory`` is missing
        or not expected.
      ValueError: If an option is out of range, or an input has another shape.

    Example:
      >>> layer = fnn.attention(8, heads=2, causal=True)
      >>> x = jnp.ones((1, 5, 8))
      >>> params = layer.init(jax.random.key(0), x)
      >>> params["query"]["weight"].shape, layer.apply(params, x).shape
      ((8, 8), (1, 5, 8))

    References:
      Vaswani et al., Attention is all you need, 2017, section 3.2; Ainslie et al., GQA,
      2023, for ``kv_heads``; Dehghani et al., Scaling vision transformers to 22 billion
      parameters, 2023, for ``qk_norm``.
    """
    kv_heads, size = _check_sizes(features, heads, kv_heads, head_features)
    check_flags("attention", cross=cross, causal=causal, use_bias=use_bias)
    window = _check_window(window)
    for name, function in (("rotary", rotary), ("position_bias", position_bias)):
        if function is not None and not is_layer(function):
            check_functions("attention", **{name: function})
    if cross:
        _check_cross(
            causal=causal or None,
            window=window,
            rotary=rotary,
            position_bias=position_bias,
        )
    check_number("attention", "dropout", dropout, "in [0, 1)", lambda v: 0 <= v < 1)
    if scale is not None:
        check_number("attention", "scale", scale, "above 0", lambda v: v > 0)
    if implementation is not None:
        _check_implementation(implementation, dropout)

    options: dict[str, Any] = {"use_bias": use_bias, "bias_init": bias_init}
    options |= {"param_dtype": param_dtype}
    inner = options | {"weight_init": weight_init}
    parts: dict[str, Any] = {
        "query": projection(heads * size, **inner),
        "key": projection(kv_heads * size, **inner),
        "value": projection(kv_heads * size, **inner),
        "cache": memory_at_once() if cross else keys_at_once(rotary, causal),
        "weights": None,
        "out": projection(features, **options, weight_init=out_init),
    }
    if implementation is None:
        parts["weights"] = averaging(attention_weights(dropout), dropout)
    if qk_norm is not None:
        norm = as_layer(qk_norm, "attention, qk_norm")
        parts |= {"query_norm": norm, "key_norm": norm}
    if position_bias is not None:
        parts["position_bias"] = as_layer(position_bias, "attention, position_bias")
    split = Heads(
        heads,
        kv_heads,
        size,
        size**-0.5 if scale is None else scale,
        causal,
        window,
        normalised=qk_norm is not None,
        biased=position_bias is not None,
        implementation=implementation,
    )
    return module(**parts)(CrossAttention(split) if cross else SelfAttention(split))


# ------------------------------------------------------------------------------ checks
def _check_sizes(
    features: int, heads: int, kv_heads: int | None, head_features: int | None
) -> tuple[int, int]:
    """The number of heads of keys and values, and the length of each."""
    check_count("attention", "features", features)
    check_count("attention", "heads", heads)
    if kv_heads is not None:
        check_count("attention", "kv_heads", kv_heads)
    kv_heads = heads if kv_heads is None else kv_heads
    if heads % kv_heads:
        raise ValueError(
            f"attention: expected kv_heads to divide heads = {heads}, got {kv_heads}."
        )
    if head_features is not None:
        check_count("attention", "head_features", head_features)
        return kv_heads, head_features
    if features % heads:
        raise ValueError(
            f"attention: expected features to be a multiple of heads = {heads} without "
            f"head_features, got {features}."
        )
    return kv_heads, features // heads


def _check_window(window: Any) -> tuple[int, int] | None:
    """Neighbours on the left and on the right."""
    sides = window if isinstance(window, tuple | list) else (window, window)
    if window is None:
        return None
    if len(sides) != 2 or not all(map(is_int, sides)):
        raise TypeError(
            "attention: expected window to be an int or (left, right), "
            f"got {word(window)}."
        )
    if min(sides) < 0:
        raise ValueError(
            f"attention: expected window of at least 0, got {word(window)}."
        )
    return (int(sides[0]), int(sides[1]))


def _check_cross(**options: Any) -> None:
    """Raises where an option compares positions, as those of x and a memory don't."""
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"attention: expected no {name} with cross=True, got {word(value)}."
            )


def _check_implementation(implementation: Any, dropout: Any) -> None:
    if implementation not in ("xla", "cudnn"):
        raise ValueError(
            "attention: expected implementation None, 'xla' or 'cudnn', "
            f"got {word(implementation)}."
        )
    if not isinstance(dropout, int | float) or dropout != 0:
        raise ValueError(
            f"attention: expected no dropout with implementation={implementation!r}, "
            f"got {word(dropout)}."
        )
