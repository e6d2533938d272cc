"""The LSTM whose input, carry and output are images, signals or volumes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_fields
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import glorot_uniform, orthogonal, zeros
from jax.typing import DTypeLike

from fnn.composition import fold
from fnn.contract import Layer, constructor, make
from fnn.layers.checks import (
    check_array,
    check_count,
    check_flags,
    check_functions,
    check_number,
    check_param_dtype,
    check_params,
)
from fnn.layers.convolution import PADDINGS, convolve
from fnn.layers.dtypes import along, promote
from fnn.layers.initialization import Initializer, draw
from fnn.layers.windows import (
    AXES,
    Pads,
    check_space,
    padding_of,
    per_axis,
    window_of,
)

OWNER = "conv_lstm_cell"
KEEPING = ("CAUSAL", "CIRCULAR", "REFLECT")  # with SAME, paddings that keep the size


@constructor
def conv_lstm_cell(
    features: int,
    window: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int | Sequence[int]] = "SAME",
    dilation: int | Sequence[int] = 1,
    recurrent_window: Sequence[int] | None = None,
    peepholes: bool = False,
    activation: Callable[[Array], Array] = jnp.tanh,
    gate_activation: Callable[[Array], Array] = jax.nn.sigmoid,
    use_bias: bool = True,
    forget_bias: float | Array = 1.0,
    weight_init: Initializer = glorot_uniform(),
    recurrent_init: Initializer = orthogonal(),
    peephole_init: Initializer = zeros,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Cell of a ConvLSTM, ``(carry, (..., *space, n)) -> (carry, (..., *space, m))``.

    ``i, f, g, o = split(conv(x, W) + b + conv(h, U), 4)``, ``c = sigmoid(f) * c +
    sigmoid(i) * tanh(g)``, ``h = sigmoid(o) * tanh(c)``; ``h``, of m = ``features``
    channels, is the output. The carry is ``{"cell": c, "hidden": h}``, both of the size
    that the convolution of ``x`` gives, and ``carry=None`` starts both from zeros. With
    ``peepholes``, i and f also add ``V * c`` of the last c, and o of the new one, with
    a V of its own for each gate, position and channel.

    `apply` takes inputs without a batch axis, too; `init` wants one. In `recurrent` and
    `bidirectional`, time stands before space: ``(batch..., time, *space, n)``.

    Params: ``input/weight (*window, n, 4 * features)``, W; ``input/bias
    (4 * features,)``, b, 1 for the forget gate f and 0 for the others at first;
    ``recurrent/weight (*recurrent_window, features, 4 * features)``, U;
    ``peephole/weight (*space, 3 * features)``, V of i, f and o, zero at first.

    Args:
      features: Channels of the output, and of both arrays of the carry; at least 1.
      window: Lengths of the window of W, one for each of 1 to 3 spatial axes.
      stride: Steps between windows of ``x``; an int, or one for each axis.
      padding: Of ``x``, as `conv` takes it: SAME, VALID, CAUSAL, CIRCULAR, REFLECT or
        numbers. The convolution of h keeps its size: it is padded in the same way, or
        with zeros as by SAME where that is VALID or numbers.
      dilation: Steps between the values of ``x`` that a window takes; an int, or one
        for each axis.
      recurrent_window: Lengths of the window of U; by default those of ``window``.
      peepholes: Whether gates see c, as in the paper; most later work has them not.
      activation: Function of an array, of the same shape: the tanh above.
      gate_activation: Likewise, the sigmoid above.
      use_bias: Whether ``b`` is added.
      forget_bias: Added to the forget gate's part of ``b`` when it is drawn; finite.
      weight_init: Draws W, gate by gate; by default uniform of variance 2 over the
        number of outputs that an input goes to plus that of inputs that an output sums.
      recurrent_init: Draws U, gate by gate; by default with orthogonal columns.
      peephole_init: Draws V, all three at once.
      bias_init: Draws b, all four gates at once.
      param_dtype: Floating or complex dtype of the parameters; carry and output have
        the dtype that ``x``, the carry and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` or the carry is not
        floating or complex.
      ValueError: If an option is out of range, channels are not in the last axis,
        ``x`` is smaller than the window, or the carry has another shape.

    Example:
      >>> init, apply = fnn.conv_lstm_cell(3, (3, 3))
      >>> x = jnp.ones((2, 8, 8, 1))
      >>> params = init(jax.random.key(0), None, x)
      >>> carry, y = apply(params, None, x)
      >>> jax.tree.map(jnp.shape, carry)
      {'cell': (2, 8, 8, 3), 'hidden': (2, 8, 8, 3)}
      >>> video = jnp.ones((2, 5, 8, 8, 1))
      >>> fnn.recurrent(fnn.conv_lstm_cell(3, (3, 3))).apply(params, video).shape
      (2, 5, 8, 8, 3)

    References:
      Shi, Chen, Wang, Yeung, Wong and Woo, Convolutional LSTM network: a machine
      learning approach for precipitation nowcasting, 2015, equation 3.
    """
    owner = OWNER
    check_count(owner, "features", features)
    window = window_of(owner, window)
    rank = len(window)
    names = [name for name in PADDINGS if rank == 1 or name != "CAUSAL"]
    padding = padding_of(owner, padding, rank, names)
    inner_window = window
    if recurrent_window is not None:
        inner_window = per_axis(owner, "recurrent_window", recurrent_window, rank)
    check_flags(owner, peepholes=peepholes, use_bias=use_bias)
    check_number(owner, "forget_bias", forget_bias, "to be finite", math.isfinite)
    check_functions(
        owner,
        activation=activation,
        gate_activation=gate_activation,
        weight_init=weight_init,
        recurrent_init=recurrent_init,
        peephole_init=peephole_init,
        bias_init=bias_init,
    )
    check_param_dtype(owner, param_dtype)
    gates = _Gates(
        features,
        window,
        inner_window,
        per_axis(owner, "stride", stride, rank),
        padding,
        per_axis(owner, "dilation", dilation, rank),
        use_bias,
        peepholes,
    )

    def draw_bias(key, shape, dtype):
        bias = draw(owner, "bias_init", bias_init, key, shape, dtype)
        forget = slice(features, 2 * features)
        return bias.at[forget].add(jnp.asarray(forget_bias, dtype))

    def init(key, carry, x):
        initializers = weight_init, recurrent_init, draw_bias, peephole_init
        return gates.draw(key, x, *initializers, param_dtype)

    def apply(params, carry, x):
        params, carry, x = gates.ready(params, carry, x)
        i, f, g, o = gates.sums(params, carry["hidden"], x)
        cell = carry["cell"]
        i, f = (gates.seeing(gate, k, params, cell) for k, gate in enumerate((i, f)))
        cell = gate_activation(f) * cell + gate_activation(i) * activation(g)
        o = gates.seeing(o, 2, params, cell)
        hidden = gate_activation(o) * activation(cell)
        return {"cell": cell, "hidden": hidden}, hidden

    form = with_fields(Layer(init, apply).form, step_axes=rank + 1)
    return make(form, conv_lstm_cell)


@dataclass(frozen=True)
class _Gates:
    """Convolutions of the input and the last output, four gates at once."""

    features: int
    window: tuple[int, ...]
    inner_window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | Pads
    dilation: tuple[int, ...]
    use_bias: bool
    peepholes: bool

    def shapes(self, channels: Any, space: Sequence[Any]) -> dict[str, Any]:
        """Of the parameters, for an input of `channels` that `space` comes out of."""
        width = 4 * self.features
        bias = {"bias": (width,)} if self.use_bias else {}
        peephole = {"peephole": {"weight": (*space, 3 * self.features)}}
        return {
            "input": {"weight": (*self.window, channels, width)} | bias,
            "recurrent": {"weight": (*self.inner_window, self.features, width)},
        } | (peephole if self.peepholes else {})

    def draw(
        self,
        key: Any,
        x: Any,
        weight_init: Initializer,
        recurrent_init: Initializer,
        bias_init: Initializer,
        peephole_init: Initializer,
        dtype: DTypeLike,
    ) -> dict[str, Any]:
        """The parameters; each gate's weights are drawn by themselves."""
        check_array(OWNER, x)
        check_space(OWNER, x, len(self.window), batch=True)
        if x.shape[-1] < 1:
            raise ValueError(
                f"{OWNER}: expected at least 1 channel, got shape {x.shape}."
            )
        shapes = self.shapes(x.shape[-1], self.size_after(x))

        def weight(part, name, initializer):
            keys = jax.random.split(fold(key, part), 4)
            shape = (*shapes[part]["weight"][:-1], self.features)
            each = [draw(OWNER, name, initializer, k, shape, dtype) for k in keys]
            return {"weight": jnp.concatenate(each, axis=-1)}

        drawn = {
            "input": weight("input", "weight_init", weight_init),
            "recurrent": weight("recurrent", "recurrent_init", recurrent_init),
        }
        if self.use_bias:
            shape = shapes["input"]["bias"]
            drawn["input"]["bias"] = bias_init(fold(key, "bias"), shape, dtype)
        if self.peepholes:
            args = fold(key, "peephole"), shapes["peephole"]["weight"], dtype
            peephole = draw(OWNER, "peephole_init", peephole_init, *args)
            drawn["peephole"] = {"weight": peephole}
        return drawn

    def ready(self, params: Any, carry: Any, x: Any) -> Any:
        """Parameters, carry and input, checked and in one dtype; no carry is zeros."""
        rank = len(self.window)
        check_params(OWNER, params, self.shapes("channels", AXES[rank]))
        check_array(OWNER, x)
        channels = params["input"]["weight"].shape[-2]
        check_space(OWNER, x, rank, batch=False, channels=str(channels))
        space = self.size_after(x)
        check_params(OWNER, params, self.shapes(channels, space))
        shape = (*x.shape[: -rank - 1], *space, self.features)
        if carry is not None:
            check_params(OWNER, carry, {"cell": shape, "hidden": shape}, "carry")
        leaves, treedef = jax.tree.flatten((params, carry, x))
        params, carry, x = jax.tree.unflatten(treedef, promote(OWNER, *leaves))
        if carry is None:
            carry = dict.fromkeys(("cell", "hidden"), jnp.zeros(shape, x.dtype))
        return params, carry, x

    def sums(self, params: dict[str, Any], hidden: Array, x: Array) -> list[Array]:
        """What each gate adds up."""
        once = (1,) * len(self.window)
        padding = self.padding if self.padding in KEEPING else "SAME"
        weight = params["recurrent"]["weight"]
        from_hidden = convolve(OWNER, hidden, weight, once, padding, once, 1)
        sums = self.of_input(x, params["input"]["weight"]) + from_hidden
        if self.use_bias:
            sums = sums + along(params["input"]["bias"], sums.shape)
        return jnp.split(sums, 4, axis=-1)

    def seeing(self, gate: Array, k: int, params: dict[str, Any], cell: Array) -> Array:
        """A gate that has the k-th peephole, if there are any."""
        if not self.peepholes:
            return gate
        weight = jnp.split(params["peephole"]["weight"], 3, axis=-1)[k]
        return gate + jnp.broadcast_to(weight, cell.shape) * cell

    def of_input(self, x: Any, weight: Any) -> Array:
        return convolve(OWNER, x, weight, self.stride, self.padding, self.dilation, 1)

    def size_after(self, x: Any) -> tuple[int, ...]:
        """The spatial axes of the convolution of x."""
        weight = jax.ShapeDtypeStruct((*self.window, x.shape[-1], 1), x.dtype)
        y = jax.eval_shape(self.of_input, x, weight)
        return y.shape[-len(self.window) - 1 : -1]
