"""`bidirectional`: a cell run over time in both directions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from fnn.composition import compose
from fnn.contract import as_layer, constructor, make
from fnn.layers.checks import check_count, check_flags
from fnn.layers.over_time import recurrent
from fnn.layers.time_axis import time_axis
from fnn.shapes import shown, spec

WAYS = ("forward", "backward")


@constructor
def bidirectional(
    cell: Any, *, return_carry: bool = False, axis: int | None = None, unroll: int = 1
) -> Any:
    """A cell run both ways over time, ``(batch..., time, n)`` to twice its features.

    ``y[t] = concatenate([forward[t], backward[t]])``: two copies of the cell, each with
    parameters of its own, the one run from the first step to the last, the other from
    the last to the first, and their outputs side by side in the last axis. Inputs by
    name are those of `recurrent`: with ``lengths=``, the way back begins at the last
    step that is no padding; ``carry=`` is a dict of ``forward`` and ``backward``.

    Params: ``forward`` and ``backward``, each the cell's. State, if it keeps any,
    likewise.

    Args:
      cell: A layer ``apply(params, carry, x) -> (carry, y)``, as `recurrent` takes it.
      return_carry: Whether to return ``(carry, y)``, with the last carry of each way,
        ``{"forward": ..., "backward": ...}``.
      axis: Where time stands in ``x``, counted from the end; by default before the
        features, or before the space of a `conv_lstm_cell`.
      unroll: How many steps one iteration of the loop runs.

    Raises:
      TypeError: If an option is of the wrong kind, ``cell`` does not return
        ``(carry, y)``, or ``x``, ``carry`` or ``lengths`` are not of their kind.
      ValueError: If an axis is missing, ``unroll < 1``, lengths whose values are known
        are out of range, or the carry has another shape than the cell's.

    Example:
      >>> init, apply = fnn.bidirectional(fnn.gru_cell(3))
      >>> x = jnp.ones((2, 5, 4))
      >>> params = init(jax.random.key(0), x)
      >>> apply(params, x, lengths=jnp.array([5, 2])).shape
      (2, 5, 6)

    References:
      Schuster and Paliwal, Bidirectional recurrent neural networks, 1997.
    """
    cell = as_layer(cell, "bidirectional")
    check_flags("bidirectional", return_carry=return_carry)
    at = time_axis("bidirectional", axis, cell)
    check_count("bidirectional", "unroll", unroll)
    options: dict[str, Any] = {"return_carry": True}
    options |= {"axis": axis} if axis is not None else {}
    options |= {"unroll": unroll} if unroll != 1 else {}
    ways = {
        "forward": recurrent(cell, **options),
        "backward": recurrent(cell, reverse=True, **options),
    }
    return _both(ways, return_carry, at)


def _both(ways: dict[str, Any], return_carry: bool, axis: int) -> Any:
    """The layer of the two loops, each of which returns its carry, too."""

    def forward(call, inputs, named):
        carry = named.get("carry")
        rest = {n: v for n, v in named.items() if n != "carry"}
        if carry is not None:
            _check_carry(carry)
        outputs = {}
        for (way,) in call.layers:
            start = {} if carry is None else {"carry": carry[way]}
            outputs[way] = call.route((way,), inputs, rest | start)
        lead = jax.tree.leaves(inputs)[0].ndim + axis + 1  # batch axes and time

        def beside(*ways):
            if ways[0].ndim <= lead:
                raise ValueError(
                    "bidirectional: expected a cell whose outputs have an axis of "
                    f"features, got {ways[0].shape} over time."
                )
            return jnp.concatenate(ways, axis=-1)

        y = jax.tree.map(beside, *(y for _, y in outputs.values()))
        last = {way: carry for way, (carry, _) in outputs.items()}
        return (last, y) if return_carry else y

    def rebuild(ways):
        return _both(ways, return_carry, axis)

    form = compose("bidirectional", ways, forward, rebuild)
    return make(form, _both, (ways, return_carry, axis))


def _check_carry(carry: Any) -> None:
    if not isinstance(carry, dict) or carry.keys() != set(WAYS):
        raise TypeError(
            "bidirectional: expected carry to be a dict of forward and backward, "
            f"got {shown(spec(carry))}."
        )
