"""Mixture of experts: several layers, of which each step uses a few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.contract import as_layer, constructor, make
from fnn.forms import form_around
from fnn.layers.checks import check_array, check_count, check_flags, check_number
from fnn.layers.dtypes import at_least_float32
from fnn.layers.forwards import Forward, projection
from fnn.layers.initialization import Initializer
from fnn.layers.masking import check_lengths
from fnn.ops.padding import before
from fnn.shapes import is_array, shown
from fnn.transforms.copies import copy_keys
from fnn.transforms.stacking import check_stacked, stacked, stacked_spec
from fnn.wiring import module


@constructor
def mixture_of_experts(
    expert: Any,
    n: int,
    *,
    top: int = 2,
    capacity: float | None = None,
    normalise: bool | None = None,
    weight_init: Initializer | None = None,
) -> Any:
    """The sum of the few of ``n`` layers that suit each step best, and how evenly.

    ``y = sum(gate[e] * expert[e](x) for e in the top of softmax(x @ router))``, ``(...,
    m) -> (..., features)``, where gates are the softmax's probabilities. The output is
    ``(y, balance)``. The balance loss is ``n * sum(share * mean(probability))`` over
    experts, share being that of all choices which fell on an expert; it is 1 where all
    are used alike, and a small multiple of it, such as 0.01, is added to the loss.

    The input by name ``lengths``, integers, is for ``x`` of shape ``(..., time, m)``:
    steps from there on are padding, which goes to no expert, and whose ``y`` is zero.

    Params: ``router``, ``weight (m, n)``; ``experts``, those of the expert with a first
    axis of length ``n``, which can be sharded. ``balance`` is ``()``: where the loss is
    not handed on, ``capture(net, "**/balance")`` has it.

    Args:
      expert: A layer of single steps, ``(steps, m) -> (steps, features)``, such as
        ``feed_forward(m)``; each expert has its own parameters.
      n: The number of experts; at least 1.
      top: How many experts a step uses; from 1 to ``n``.
      capacity: With it, an expert takes at most ``ceil(capacity * steps * top / n)``
        steps of all that a call has, in order, first choices before second ones; a
        choice beyond adds nothing. So an expert's work is bounded, but steps depend on
        each other; 1.25 is usual. By default each takes all that come: exact, and every
        expert computes every step.
      normalise: Whether the gates of a step are divided by their sum; by default where
        ``top > 1``. With a single gate the router would get no gradient but by balance.
      weight_init: Draws the router's weight; by default as `dense` does.

    Raises:
      TypeError: If an option is of the wrong kind, ``expert`` no layer, or ``x`` not
        floating.
      ValueError: If an option is out of range, or the expert changes the number of
        steps.

    Example:
      >>> layer = fnn.mixture_of_experts(fnn.feed_forward(4), 8, top=2)
      >>> params = layer.init(jax.random.key(0), jnp.ones((2, 5, 4)))
      >>> y, balance = layer.apply(params, jnp.ones((2, 5, 4)))
      >>> y.shape, params["experts"]["up"]["weight"].shape
      ((2, 5, 4), (8, 4, 16))

    References:
      Shazeer et al., Outrageously large neural networks: the sparsely-gated
      mixture-of-experts layer, 2017, section 2; Fedus, Zoph and Shazeer, Switch
      transformers, 2021, equations 2 to 4.
    """
    owner = "mixture_of_experts"
    check_count(owner, "n", n)
    check_count(owner, "top", top)
    if top > n:
        raise ValueError(f"{owner}: expected top of at most n = {n}, got {top}.")
    if capacity is not None:
        check_number(owner, "capacity", capacity, "above 0", lambda v: v > 0)
    if normalise is not None:
        check_flags(owner, normalise=normalise)
    return module(
        router=projection(n, use_bias=False, weight_init=weight_init),
        experts=each(as_layer(expert, f"{owner}, expert"), n),
        balance=as_layer(balance_loss, owner, "balance"),
    )(_Mixture(n, top, capacity, top > 1 if normalise is None else normalise))


@dataclass(frozen=True)
class _Mixture(Forward):
    n: int
    top: int
    capacity: float | None
    normalise: bool
    __name__ = "mixture_of_experts"

    def __call__(self, parts, x, *, lengths=None):
        check_array("mixture_of_experts", x, "floating")
        valid = self.valid(x, lengths)
        *lead, m = x.shape
        x = jnp.reshape(jnp.asarray(x), (-1, m) if all(lead) else (0, m))
        probabilities = jax.nn.softmax(self.logits(parts, x))
        gates, chosen = lax.top_k(probabilities, self.top)  # (steps, top)
        if self.normalise:
            total = jnp.sum(gates, -1, keepdims=True)
            gates = gates / jnp.broadcast_to(total, gates.shape)
        places, room = self.places(chosen, valid)
        taken = parts.experts(self.dispatched(x, places, room))
        y = self.combined(taken, places, gates)
        balance = parts.balance(probabilities, chosen, valid)
        return jnp.reshape(y, (*lead, y.shape[-1])), balance

    def valid(self, x: Any, lengths: Any) -> Array:
        """Which steps are no padding."""
        if lengths is None:
            return jnp.ones(math.prod(x.shape[:-1]), bool)
        if x.ndim < 2:
            raise ValueError(
                "mixture_of_experts: expected x of shape (..., time, features) with "
                f"lengths, got {x.shape}."
            )
        check_lengths("mixture_of_experts", lengths, x.shape[:-2], x.shape[-2])
        return jnp.ravel(before(lengths, x.shape[-2]))

    def logits(self, parts: Any, x: Array) -> Array:
        """What the router gives, in at least float32, as small gaps decide."""
        wide = at_least_float32(x.dtype)
        return jnp.asarray(parts.router(jnp.asarray(x, wide)), wide)

    def places(self, chosen: Array, valid: Array) -> tuple[Array, int]:
        """Where each choice goes in the rows of all experts, and the rows of one.

        A choice that no expert takes goes to a place beyond the last.
        """
        steps = chosen.shape[0]
        if self.capacity is None:
            room = steps
            row = jnp.broadcast_to(
                jnp.arange(steps, dtype=jnp.int32)[:, None], chosen.shape
            )
        else:
            fair = self.capacity * steps * self.top / self.n
            room = min(steps, max(1, math.ceil(fair)))
            # First choices of all steps come before second ones.
            first = jnp.ravel(jnp.swapaxes(chosen, 0, 1))
            counted = jnp.tile(valid, self.top)
            hot = (
                first[:, None] == jnp.arange(self.n, dtype=jnp.int32)[None, :]
            ) & counted[:, None]
            before_it = jnp.cumsum(hot, 0, dtype=jnp.int32) - 1
            row = jnp.take_along_axis(before_it, first[:, None], 1)
            row = jnp.swapaxes(jnp.reshape(row, (self.top, steps)), 0, 1)
        fits = (row < room) & valid[:, None]
        return jnp.where(fits, chosen * room + row, self.n * room), room

    def dispatched(self, x: Array, places: Array, room: int) -> Array:
        """The steps that each expert takes, ``(n, room, m)``."""
        steps, m = x.shape
        if self.capacity is None:
            return jnp.broadcast_to(x[None], (self.n, steps, m))
        step = jnp.broadcast_to(
            jnp.arange(steps, dtype=jnp.int32)[:, None], places.shape
        )
        step_of = (
            jnp.full(self.n * room, steps, jnp.int32).at[places].set(step, mode="drop")
        )
        rows = x.at[step_of].get(mode="fill", fill_value=0)
        return jnp.reshape(rows, (self.n, room, m))

    def combined(self, taken: Array, places: Array, gates: Array) -> Array:
        """The sum of what the experts gave for each step, ``(steps, features)``."""
        rows = jnp.reshape(taken, (math.prod(taken.shape[:2]), taken.shape[-1]))
        rows = rows.at[places].get(mode="fill", fill_value=0)  # (steps, top, features)
        return jnp.einsum("stf,st->sf", rows, jnp.asarray(gates, rows.dtype))


def balance_loss(probabilities: Array, chosen: Array, valid: Array) -> Array:
    """How unevenly steps fall on experts: 1 where evenly, up to their number."""
    n = probabilities.shape[-1]
    weights = jnp.asarray(valid, probabilities.dtype)
    count = jnp.maximum(jnp.sum(weights), 1)
    hot = jax.nn.one_hot(chosen, n, dtype=probabilities.dtype)
    share = jnp.einsum("stn,s->n", hot, weights) / (count * chosen.shape[-1])
    mean = jnp.einsum("sn,s->n", probabilities, weights) / count
    return n * jnp.vdot(share, mean)


@constructor
def each(layer: Any, n: int) -> Any:
    """``n`` copies of a layer, each on its own slice of the input's first axis."""
    form = layer.form

    def slices(inputs):
        (x,) = inputs
        return (jax.ShapeDtypeStruct(x.shape[1:], x.dtype),)

    def outline(key, inputs, named):
        line = form.outline(key, slices(inputs), named)
        check_rows(inputs[0].shape[1], line.outputs)
        line = stacked(line, n)
        return line._replace(outputs=stacked_spec(line.outputs, n))

    def run(params, state, inputs, named, key, train):
        check_stacked("mixture_of_experts", params, n, "params")
        check_stacked("mixture_of_experts", state, n, "state")

        def one(params, state, key, x):
            return form.run(params, state, (x,), named, key, train)

        return jax.vmap(one)(params, state, copy_keys(form, key, n), *inputs)

    form_of_copies = form_around(
        layer,
        name="experts",
        outline=outline,
        run=run,
        rebuild=lambda part: each(part, n),
        stacks=True,
        seen=jax.vmap(form.seen, axis_size=n),
    )
    return make(form_of_copies, each, (layer, n))


def check_rows(steps: int, y: Any) -> None:
    """Raises where an expert does not give one row for each step."""
    if not is_array(y) or len(y.shape) != 2 or y.shape[0] != steps:
        raise ValueError(
            f"mixture_of_experts: expected an expert to give ({steps}, features), "
            f"got {shown(y)}."
        )
