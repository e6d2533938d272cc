"""What transformers repeat: a block of attention and a network for each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, as_layer, constructor
from fnn.layers import stochastic
from fnn.layers.checks import check_count, check_flags, check_functions, check_number
from fnn.layers.dtypes import promote
from fnn.layers.forwards import Forward, projection
from fnn.layers.initialization import Initializer
from fnn.layers.normalization import layer_norm
from fnn.shapes import is_array, shown
from fnn.wiring import module


@constructor
def feed_forward(
    features: int,
    *,
    hidden: int | None = None,
    activation: Callable[[Array], Array] = jax.nn.gelu,
    gated: bool = False,
    dropout: float | Array = 0.0,
    use_bias: bool = True,
    weight_init: Initializer | None = None,
    out_init: Initializer | None = None,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Network of one hidden layer on the last axis, ``(..., n) -> (..., features)``.

    ``y = activation(x @ up) @ down``, with biases; with ``gated=True`` ``y =
    (activation(x @ gate) * (x @ up)) @ down``.

    Params: ``up``, ``gate`` if gated, and ``down``, each a `dense`: ``weight`` and
    ``bias``. ``dropout`` is ``()``.

    Args:
      features: Length of the output's last axis; at least 1.
      hidden: Length of the hidden layer; by default ``4 * features``.
      activation: A function of an array, of the same shape; `jax.nn.silu` with
        ``gated=True`` is SwiGLU.
      gated: Whether what is activated multiplies a second hidden layer.
      dropout: Probability of *zeroing* a value of the hidden layer in training, in [0,
        1).
      use_bias: Whether there are biases.
      weight_init: Draws the weights of up and gate; by default as `dense` does.
      out_init: Draws the weight of down; by default as `dense` does.
      bias_init: Draws the biases.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to.

    Raises:
      TypeError: If an option is of the wrong kind.
      ValueError: If ``features < 1``, ``hidden < 1`` or ``dropout`` is out of range.

    Example:
      >>> layer = fnn.feed_forward(4, gated=True, activation=jax.nn.silu)
      >>> params = layer.init(jax.random.key(0), jnp.ones((2, 4)))
      >>> params["gate"]["weight"].shape, params["down"]["weight"].shape
      ((4, 16), (16, 4))

    References:
      Vaswani et al., Attention is all you need, 2017, equation 2; Shazeer, GLU variants
      improve transformer, 2020, equation 6.
    """
    check_count("feed_forward", "features", features)
    if hidden is not None:
        check_count("feed_forward", "hidden", hidden)
    hidden = 4 * features if hidden is None else hidden
    check_functions("feed_forward", activation=activation)
    check_flags("feed_forward", gated=gated, use_bias=use_bias)
    options: dict[str, Any] = {"use_bias": use_bias, "bias_init": bias_init}
    options |= {"param_dtype": param_dtype}
    inner = options | {"weight_init": weight_init}
    parts = {"up": projection(hidden, **inner)}
    if gated:
        parts["gate"] = projection(hidden, **inner)
    return module(
        **parts,
        dropout=dropping("feed_forward", dropout),
        down=projection(features, **options, weight_init=out_init),
    )(_FeedForward(activation, gated))


@dataclass(frozen=True)
class _FeedForward(Forward):
    activation: Callable[[Array], Array]
    gated: bool
    __name__ = "feed_forward"

    def __call__(self, parts, x):
        # Computed again for its gradient, for which a loop over blocks would otherwise
        # keep several arrays as large as its output (gelu: six).
        activation = jax.checkpoint(self.activation, prevent_cse=False)
        if self.gated:
            h = activation(parts.gate(x)) * parts.up(x)
        else:
            h = activation(parts.up(x))
        return parts.down(parts.dropout(h) if parts.dropout else h)


def dropping(owner: str, rate: Any) -> Any:
    """Dropout as a part; None at rate 0, so that no key is asked for."""
    check_number(owner, "dropout", rate, "in [0, 1)", lambda v: 0 <= v < 1)
    none = isinstance(rate, int | float) and rate == 0
    return None if none else stochastic.dropout(rate)


@constructor
def transformer_block(
    attention: Any,
    feed_forward: Any,
    *,
    cross_attention: Any = None,
    norm: Any = layer_norm(),
    norm_first: bool = True,
    dropout: float | Array = 0.0,
) -> Any:
    """Attention, then a network for each step, around both a shortcut and a norm.

    ``x = x + attention(norm(x))``, then ``y = x + feed_forward(norm(x))``; with
    ``norm_first=False``, ``x = norm(x + attention(x))``, then ``y = norm(x +
    feed_forward(x))``. ``cross_attention(x, memory)`` stands between the two. ``(...,
    time, n) -> (..., time, n)``, so that `repeat` can stack it.

    It takes the inputs by name of the parts: ``mask``, ``bias``, ``lengths`` and
    ``positions`` go to ``attention``; ``memory``, ``memory_mask``, ``memory_bias`` and
    ``memory_lengths`` to ``cross_attention``, with ``lengths``.

    Params: ``attention``, ``cross_attention`` and ``feed_forward``; a norm for each,
    ``attention_norm`` and so on. ``dropout`` is ``()``.

    Args:
      attention: A layer of sequences that keeps their shape, such as
        ``attention(n, heads)``.
      feed_forward: A layer that keeps the shape, such as ``feed_forward(n)``; of a
        tuple of outputs the first is added, the others are handed out after ``y``.
      cross_attention: A layer of ``(x, memory)``, such as ``attention(n, heads,
        cross=True)``.
      norm: A layer or function that normalises, of which each use has its own
        parameters.
      norm_first: Whether the norm is of the input of each part, not of the sum.
      dropout: Probability of *zeroing* a value that a part adds, in training, in [0,
        1).

    Raises:
      TypeError: If a part is no layer, or an option is of the wrong kind.
      ValueError: If ``dropout`` is out of range, or a part changes the shape.

    Example:
      >>> block = fnn.transformer_block(
      ...     fnn.attention(8, heads=2, causal=True), fnn.feed_forward(8)
      ... )
      >>> net = fnn.repeat(block, 3)
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 5, 8)))
      >>> params["attention"]["query"]["weight"].shape
      (3, 8, 8)

    References:
      Vaswani et al., Attention is all you need, 2017, section 3.1; Xiong et al., On
      layer normalization in the transformer architecture, 2020, for ``norm_first``.
    """
    check_flags("transformer_block", norm_first=norm_first)
    named = {"attention": attention, "feed_forward": feed_forward}
    if cross_attention is not None:
        named["cross_attention"] = cross_attention
    norm = as_layer(norm, "transformer_block, norm")
    parts = {}
    for name, part in named.items():
        parts[name] = as_layer(part, f"transformer_block, {name}")
        parts[f"{name}_norm"] = norm
    parts["dropout"] = dropping("transformer_block", dropout)
    kind = _Block if cross_attention is None else _CrossBlock
    return module(**parts)(kind(norm_first))


@dataclass(frozen=True)
class _Block(Forward):
    norm_first: bool
    __name__ = "transformer_block"

    def __call__(self, parts, x, *, mask=None, bias=None, lengths=None, positions=None):
        named = given(mask=mask, bias=bias, lengths=lengths, positions=positions)
        x, _ = self.step(parts, "attention", x, **named)
        x, others = self.step(parts, "feed_forward", x)
        return (x, *others) if others else x

    def step(self, parts, name, x, *inputs, **named):
        """The input with what a part adds to it; further outputs of the part."""
        part, norm = getattr(parts, name), getattr(parts, f"{name}_norm")
        outputs = part(norm(x) if self.norm_first else x, *inputs, **named)
        y, *others = outputs if type(outputs) is tuple else (outputs,)
        if not is_array(y) or y.shape != x.shape:
            raise ValueError(
                f"transformer_block: expected {name} to keep the shape {x.shape}, "
                f"got {shown(y)}."
            )
        x, y = promote("transformer_block", x, parts.dropout(y) if parts.dropout else y)
        return x + y if self.norm_first else norm(x + y), others


@dataclass(frozen=True)
class _CrossBlock(_Block):
    def __call__(
        self,
        parts,
        x,
        memory=None,
        *,
        mask=None,
        bias=None,
        lengths=None,
        positions=None,
        memory_mask=None,
        memory_bias=None,
        memory_lengths=None,
    ):
        named = given(mask=mask, bias=bias, lengths=lengths, positions=positions)
        x, _ = self.step(parts, "attention", x, **named)
        named = given(
            memory=memory,
            memory_mask=memory_mask,
            memory_bias=memory_bias,
            memory_lengths=memory_lengths,
            lengths=lengths,
        )
        x, _ = self.step(parts, "cross_attention", x, **named)
        x, others = self.step(parts, "feed_forward", x)
        return (x, *others) if others else x


def given(**named: Any) -> dict[str, Any]:
    """Those inputs by name that are there."""
    return {name: value for name, value in named.items() if value is not None}
