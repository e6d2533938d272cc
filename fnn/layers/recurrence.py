"""Recurrent cells: layers that take a carry and an input, and give one of each."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import glorot_uniform, orthogonal, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor, make
from fnn.layers.checks import (
    check_count,
    check_flags,
    check_functions,
    check_number,
    check_param_dtype,
)
from fnn.layers.dtypes import along
from fnn.layers.gates import Gates
from fnn.layers.initialization import Initializer, draw


@constructor
def rnn_cell(
    features: int,
    *,
    activation: Callable[[Array], Array] = jnp.tanh,
    use_bias: bool = True,
    weight_init: Initializer = glorot_uniform(),
    recurrent_init: Initializer = orthogonal(),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Cell of Elman's network, ``(carry, (..., n)) -> (carry, (..., features))``.

    ``h = activation(x @ W + b + h @ U)``; ``h`` is both the carry and the output.
    ``carry=None`` starts from zeros.

    Params: ``input/weight (n, features)``, W; ``input/bias (features,)``, b, zero at
    first; ``recurrent/weight (features, features)``, U.

    Args:
      features: Length of the carry; at least 1.
      activation: Function of an array, of the same shape.
      use_bias: Whether ``b`` is added.
      weight_init: Draws W; by default uniform of variance ``2 / (n + features)``.
      recurrent_init: Draws U; by default an orthogonal matrix.
      bias_init: Draws b.
      param_dtype: Floating or complex dtype of the parameters; carry and output have
        the dtype that ``x``, the carry and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` or the carry is not
        floating or complex.
      ValueError: If ``features < 1``, or ``x`` or the carry has another shape.

    Example:
      >>> init, apply = fnn.rnn_cell(3)
      >>> x = jnp.ones((2, 4))
      >>> params = init(jax.random.key(0), None, x)
      >>> carry, y = apply(params, None, x)
      >>> carry.shape, y.shape
      ((2, 3), (2, 3))

    References:
      Elman, Finding structure in time, 1990.
    """
    check_count("rnn_cell", "features", features)
    check_flags("rnn_cell", use_bias=use_bias)
    check_functions(
        "rnn_cell",
        activation=activation,
        weight_init=weight_init,
        recurrent_init=recurrent_init,
        bias_init=bias_init,
    )
    check_param_dtype("rnn_cell", param_dtype)
    gates = Gates("rnn_cell", 1, features, use_bias)

    def init(key, carry, x):
        gates.check(carry, x)
        return gates.draw(key, x, weight_init, recurrent_init, bias_init, param_dtype)

    def update(carry, a):
        h = activation(a)
        return h, h

    return make(gates.cell(init, gates.sums, update, activation), rnn_cell)


@constructor
def lstm_cell(
    features: int,
    *,
    activation: Callable[[Array], Array] = jnp.tanh,
    gate_activation: Callable[[Array], Array] = jax.nn.sigmoid,
    use_bias: bool = True,
    forget_bias: float | Array = 1.0,
    weight_init: Initializer = glorot_uniform(),
    recurrent_init: Initializer = orthogonal(),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Cell of an LSTM, ``(carry, (..., n)) -> (carry, (..., features))``.

    ``i, f, g, o = split(x @ W + b + h @ U, 4)``, ``c = sigmoid(f) * c + sigmoid(i) *
    tanh(g)``, ``h = sigmoid(o) * tanh(c)``; ``h`` is the output. The carry is
    ``{"cell": c, "hidden": h}``, and ``carry=None`` starts both from zeros. The gates
    are in PyTorch's order; its two biases are one here.

    Params: ``input/weight (n, 4 * features)``, W; ``input/bias (4 * features,)``, b,
    1 for the forget gate f and 0 for the others at first; ``recurrent/weight (features,
    4 * features)``, U.

    Args:
      features: Length of the output, and of both arrays of the carry; at least 1.
      activation: Function of an array, of the same shape: the tanh above.
      gate_activation: Likewise, the sigmoid above.
      use_bias: Whether ``b`` is added.
      forget_bias: Added to the forget gate's part of ``b`` when it is drawn; finite.
      weight_init: Draws W, gate by gate; by default uniform of variance
        ``2 / (n + features)``.
      recurrent_init: Draws U, gate by gate; by default orthogonal matrices.
      bias_init: Draws b, all four gates at once.
      param_dtype: Floating or complex dtype of the parameters; carry and output have
        the dtype that ``x``, the carry and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` or the carry is not
        floating or complex.
      ValueError: If ``features < 1``, ``forget_bias`` is not finite, or ``x`` or the
        carry has another shape.

    Example:
      >>> init, apply = fnn.lstm_cell(3)
      >>> x = jnp.ones((2, 4))
      >>> params = init(jax.random.key(0), None, x)
      >>> carry, y = apply(params, None, x)
      >>> jax.tree.map(jnp.shape, carry)
      {'cell': (2, 3), 'hidden': (2, 3)}

    References:
      Hochreiter and Schmidhuber, Long short-term memory, 1997; Gers, Schmidhuber and
      Cummins, Learning to forget, 2000, for the forget gate.
    """
    check_count("lstm_cell", "features", features)
    check_flags("lstm_cell", use_bias=use_bias)
    check_number("lstm_cell", "forget_bias", forget_bias, "to be finite", math.isfinite)
    check_functions(
        "lstm_cell",
        activation=activation,
        gate_activation=gate_activation,
        weight_init=weight_init,
        recurrent_init=recurrent_init,
        bias_init=bias_init,
    )
    check_param_dtype("lstm_cell", param_dtype)
    gates = Gates("lstm_cell", 4, features, use_bias, ("cell", "hidden"))

    def draw_bias(key, shape, dtype):
        bias = draw("lstm_cell", "bias_init", bias_init, key, shape, dtype)
        forget = slice(features, 2 * features)
        return bias.at[forget].add(jnp.asarray(forget_bias, dtype))

    def init(key, carry, x):
        gates.check(carry, x)
        return gates.draw(key, x, weight_init, recurrent_init, draw_bias, param_dtype)

    def update(carry, a):
        i, f, g, o = jnp.split(a, 4, axis=-1)
        cell = gate_activation(f) * carry["cell"] + gate_activation(i) * activation(g)
        hidden = gate_activation(o) * activation(cell)
        return {"cell": cell, "hidden": hidden}, hidden

    form = gates.cell(init, gates.sums, update, activation, gate_activation)
    return make(form, lstm_cell)


@constructor
def gru_cell(
    features: int,
    *,
    activation: Callable[[Array], Array] = jnp.tanh,
    gate_activation: Callable[[Array], Array] = jax.nn.sigmoid,
    use_bias: bool = True,
    weight_init: Initializer = glorot_uniform(),
    recurrent_init: Initializer = orthogonal(),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Cell of a GRU, ``(carry, (..., n)) -> (carry, (..., features))``.

    ``r, z = sigmoid(x @ W + b + h @ U)`` for the first two gates, ``g = tanh(x @ W + b
    + r * (h @ U + a))`` for the third, ``h = (1 - z) * g + z * h``; ``h`` is both the
    carry and the output. ``carry=None`` starts from zeros. As in PyTorch and cuDNN, the
    reset gate r acts on what comes out of U, not on what goes in as in the paper.

    Params: ``input/weight (n, 3 * features)``, W; ``input/bias (3 * features,)``, b;
    ``recurrent/weight (features, 3 * features)``, U; ``recurrent/bias (features,)``, a.
    Gates are in the order r, z, g, PyTorch's; b is the sum of its two biases, save for
    g, whose second is a. Biases are zero at first.

    Args:
      features: Length of the carry; at least 1.
      activation: Function of an array, of the same shape: the tanh above.
      gate_activation: Likewise, the sigmoid above.
      use_bias: Whether a and b are added.
      weight_init: Draws W, gate by gate; by default uniform of variance
        ``2 / (n + features)``.
      recurrent_init: Draws U, gate by gate; by default orthogonal matrices.
      bias_init: Draws b, all three gates at once, and a.
      param_dtype: Floating or complex dtype of the parameters; carry and output have
        the dtype that ``x``, the carry and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` or the carry is not
        floating or complex.
      ValueError: If ``features < 1``, or ``x`` or the carry has another shape.

    Example:
      >>> init, apply = fnn.gru_cell(3)
      >>> x = jnp.ones((2, 4))
      >>> params = init(jax.random.key(0), None, x)
      >>> carry, y = apply(params, None, x)
      >>> carry.shape, y.shape
      ((2, 3), (2, 3))

    References:
      Cho, van Merrienboer, Gulcehre, Bahdanau, Bougares, Schwenk and Bengio, Learning
      phrase representations using RNN encoder-decoder, 2014, equations 5 to 8, with
      that other place of the reset gate.
    """
    check_count("gru_cell", "features", features)
    check_flags("gru_cell", use_bias=use_bias)
    check_functions(
        "gru_cell",
        activation=activation,
        gate_activation=gate_activation,
        weight_init=weight_init,
        recurrent_init=recurrent_init,
        bias_init=bias_init,
    )
    check_param_dtype("gru_cell", param_dtype)
    gates = Gates("gru_cell", 3, features, use_bias, recurrent_bias=use_bias)

    def init(key, carry, x):
        gates.check(carry, x)
        return gates.draw(key, x, weight_init, recurrent_init, bias_init, param_dtype)

    def sums(params, h, x):
        (*outer, last), (*inner, inner_last) = (
            jnp.split(part, 3, axis=-1) for part in gates.products(params, h, x)
        )
        if use_bias:
            bias = along(params["recurrent"]["bias"], inner_last.shape)
            inner_last = inner_last + bias
        return *map(jnp.add, outer, inner), last, inner_last

    def update(h, a):
        r, z = map(gate_activation, a[:2])
        candidate = activation(a[2] + r * a[3])
        h = (1 - z) * candidate + z * h
        return h, h

    form = gates.cell(init, sums, update, activation, gate_activation)
    return make(form, gru_cell)
